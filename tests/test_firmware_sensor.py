"""The simulated sensor: physics of an ideal one, errors of a real one, and the same samples however they are asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from firmware_sim.body import Body
from firmware_sim.script import Repetition, Script, make_script
from firmware_sim.sensor import CLIPPED_ACC, CLIPPED_GYR, SensorErrors, SensorModel
from firmware_sim.sensor_clock import SKEW_PPM, WRAP_US, SensorClock
from imu.conventions import CORE_SEGMENTS, G

DEG = np.pi / 180
SEED = 5


@pytest.fixture(scope="module")
def body() -> Body:
    return Body.performing(make_script(SEED, 60.0))


def in_units(block, acc_range_g=16.0, gyr_range_dps=2000.0):
    return block.acc * (acc_range_g * G / 32768), block.gyr * (gyr_range_dps * DEG / 32768)


def added_up(values, step):
    """(n, 3) -> (n, 3), trapezoid rule, from 0."""
    return np.concatenate((np.zeros((1, 3)), np.cumsum(0.5 * step * (values[1:] + values[:-1]), axis=0)))


@pytest.mark.parametrize("segment", CORE_SEGMENTS)
def test_the_angular_rate_adds_up_to_the_orientation(body, segment):
    """A whole repetition, in steps of 1 ms, mid-point rule."""
    r = next(r for r in body.script.repetitions if r.kind == "valgus")
    model = SensorModel(segment, body, SEED)
    step = 1e-3
    t = np.arange(r.start_s, r.end_s, step)
    _, gyr = model.motion(t + 0.5 * step)
    ends = np.concatenate((t, [t[-1] + step]))
    true, _ = model.pose(ends)
    turned = Rotation.identity()
    for w in gyr:
        turned = turned * Rotation.from_rotvec(w * step)
    wanted = Rotation.from_matrix(true[0].T @ true[-1])
    assert (turned.inv() * wanted).magnitude() < 1e-3 * DEG
    assert wanted.magnitude() < 10 * DEG
    assert np.abs(gyr).max() > 0.2


@pytest.mark.parametrize("segment", CORE_SEGMENTS)
def test_the_specific_force_adds_up_to_the_position(body, segment):
    r = next(r for r in body.script.repetitions if r.kind == "fast")
    model = SensorModel(segment, body, SEED)
    step = 1e-3
    t = np.arange(r.start_s, r.end_s, step)
    acc, _ = model.motion(t)
    rotation, position = model.pose(t)
    force = np.einsum("nij,nj->ni", rotation, acc) - [0.0, 0.0, G]
    start = model.pose(t[0] + np.array([-1e-4, 1e-4]))[1]
    path = position[0] + added_up((start[1] - start[0]) / 2e-4 + added_up(force, step), step)
    assert np.abs(path - position).max() < 1e-4
    if segment != "shank_left":
        assert np.ptp(position, axis=0).max() > 0.1


@pytest.mark.parametrize("segment", CORE_SEGMENTS)
def test_at_rest_it_feels_gravity_only(body, segment):
    model = SensorModel(segment, body, SEED, errors=SensorErrors.none())
    acc, gyr = in_units(model.samples(0, 200, None))
    np.testing.assert_allclose(acc, np.broadcast_to(acc[0], acc.shape), atol=1e-12)
    assert np.linalg.norm(acc[0]) == pytest.approx(G, abs=0.01)
    assert acc[0, 1] > 0.97 * G  # y is up: + 1 g on the axis that points up
    assert np.abs(gyr).max() < 1e-9


def test_errors_of_a_resting_sensor_are_those_of_a_consumer_device(body):
    for segment in CORE_SEGMENTS:
        model = SensorModel(segment, body, SEED)
        acc, gyr = in_units(model.samples(0, 2000, None))
        assert abs(np.linalg.norm(acc.mean(axis=0)) - G) < 0.1
        assert np.all(np.abs(gyr.mean(axis=0)) < 0.6 * DEG)
        assert np.abs(gyr.mean(axis=0)).max() > 0.01 * DEG
        np.testing.assert_allclose(gyr.std(axis=0), 0.007 * DEG * np.sqrt(52), rtol=0.15)
        np.testing.assert_allclose(acc.std(axis=0), 120e-6 * G * np.sqrt(52), rtol=0.15)


@pytest.mark.parametrize("start_s", [None, 3.25])
def test_a_sample_is_the_same_however_it_is_asked_for(body, start_s):
    whole = SensorModel("thigh_left", body, SEED).samples(0, 1200, start_s)
    for n in (1, 3, 7, 25, 300):
        model = SensorModel("thigh_left", body, SEED)
        parts = [model.samples(i, min(n, 1200 - i), start_s) for i in range(0, 1200, n)]
        for name in ("acc", "gyr", "clipped"):
            np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))
    late = SensorModel("thigh_left", body, SEED).samples(1100, 50, start_s)
    np.testing.assert_array_equal(late.gyr, whole.gyr[1100:1150])


def test_the_body_does_not_jump_when_the_start_becomes_known(body):
    model = SensorModel("shank_right", body, SEED, errors=replace(SensorErrors.none(), mounting=True))
    waiting = model.samples(0, 104, None)
    performing = model.samples(0, 104, 1.5)
    np.testing.assert_array_equal(waiting.acc, performing.acc)


def test_sensors_differ_and_a_seed_repeats_them(body):
    def first(segment, seed):
        return SensorModel(segment, body, seed).samples(0, 10, None).gyr

    np.testing.assert_array_equal(first("pelvis", 1), first("pelvis", 1))
    assert not np.array_equal(first("pelvis", 1), first("pelvis", 2))
    assert not np.array_equal(first("thigh_left", 1), first("thigh_right", 1))
    r = SensorModel("pelvis", body, 1).r_segment_sensor
    np.testing.assert_allclose(r @ r.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(r) == pytest.approx(1.0)


def test_beyond_its_range_it_stays_at_the_end_and_says_so():
    """A person who drops in a tenth of a second, worn by a sensor of 2 g and 125 deg/s."""
    drop = Repetition(number=1, kind="fast", phase="down", start_s=5.0, bottom_s=5.2, rise_s=6.0, end_s=6.3, depth_deg=90.0)
    body = Body.performing(Script(1, 10.0, 5.0, (), (drop,)))
    model = SensorModel("thigh_left", body, 1, acc_range_g=2.0, gyr_range_dps=125.0)
    block = model.samples(0, 1040, 0.0)
    assert block.acc.dtype == block.gyr.dtype == np.int16
    ends = (block.gyr == 32767) | (block.gyr == -32768)
    np.testing.assert_array_equal(ends.any(axis=1), (block.clipped & CLIPPED_GYR) != 0)
    assert ends.any()
    assert ((block.clipped & CLIPPED_ACC) != 0).any()
    calm = SensorModel("thigh_left", body, 1).samples(0, 400, 0.0)
    assert not calm.clipped.any()


def test_the_clock_is_off_by_as_much_as_a_crystal():
    skews = []
    for seed in range(20):
        clock = SensorClock((seed,), on_s=100.0)
        true = clock.true_time(np.array([0.0, 3600.0]))
        assert true[0] == 100.0
        skews.append((true[1] - true[0] - 3600.0) / 3600.0 * 1e6)
        assert 0 <= clock.first_tick_us < WRAP_US
    assert 10.0 < np.abs(skews).max() < SKEW_PPM + 10.0
    assert np.min(skews) < 0 < np.max(skews)


def test_device_and_true_time_are_inverse_and_do_not_depend_on_what_was_asked_before():
    clock, other = SensorClock((3,), on_s=7.0), SensorClock((3,), on_s=7.0)
    device = np.linspace(0.0, 5000.0, 301)
    true = clock.true_time(device)
    assert np.all(np.diff(true) > 0)
    np.testing.assert_allclose([clock.device_time(t) for t in true], device, atol=1e-9)
    np.testing.assert_array_equal([other.true_time(np.array([d]))[0] for d in device], true)


def test_samples_are_taken_at_their_rate_on_the_devices_own_clock(body):
    model = SensorModel("pelvis", body, SEED, rate_hz=104.0, on_s=50.0)
    assert model.device_us_of(104) - model.device_us_of(0) == 1_000_000
    assert model.true_time_of(104 * 60) == pytest.approx(110.0, abs=60 * 50e-6)
    for true_s in (50.0, 51.2345, 60.0):
        index = model.next_index(true_s)
        assert model.true_time_of(index) >= true_s
        assert index == 0 or model.true_time_of(index - 1) < true_s
    index = model.next_index(55.0)
    assert abs(model.device_us(model.true_time_of(index)) - model.device_us_of(index)) <= 1
