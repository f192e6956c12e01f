"""Sensors on people who move: what they measure of activities, and what flesh, straps, drift and radio add."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from simulated_activity import DEG, IDEAL, USUAL, SimulatedActivity, errors_deg, perform_activity

import imu
from firmware_sim.activities import ActivityBody, March, Squats, Stand, Walk, set_up_plan
from firmware_sim.sensor import SensorErrors, SensorModel
from firmware_sim.soft_tissue import Slip
from imu.conventions import CORE_SEGMENTS, G

SEED = 6
STEP = 1e-3


@pytest.fixture(scope="module")
def body() -> ActivityBody:
    return ActivityBody.performing(SEED, (*set_up_plan(), Walk(16.0), Stand(2.0)))


def walking(body, seconds=4.0):
    start = body.performed[3].start_s + 3.0
    return np.arange(start, start + seconds, STEP)


def added_up(values):
    return np.concatenate((np.zeros((1, 3)), np.cumsum(0.5 * STEP * (values[1:] + values[:-1]), axis=0)))


def turned(gyr):
    """Rotation over the whole of (n, 3) rates taken at the middle of each step."""
    total = Rotation.identity()
    for w in gyr:
        total = total * Rotation.from_rotvec(w * STEP)
    return total


@pytest.mark.parametrize("segment", ["pelvis", "thigh_left", "shank_right", "foot_left"])
def test_rates_and_forces_of_a_walk_add_up_to_its_path(body, segment):
    """Flesh and all: the sensor's own orientation and position are what its readings integrate to."""
    model = SensorModel(segment, body, SEED, errors=replace(SensorErrors.none(), tissue=1.0, mounting=True))
    t = walking(body, 2.0)
    rotation, position = model.pose(t)
    acc, _ = model.motion(t)
    force = np.einsum("nij,nj->ni", rotation, acc) - [0.0, 0.0, G]
    ends = model.pose(t[0] + np.array([-1e-4, 1e-4]))[1]
    path = position[0] + added_up((ends[1] - ends[0]) / 2e-4 + added_up(force))
    assert np.abs(path - position).max() < 1e-3
    assert np.linalg.norm(position[-1] - position[0]) > 1.5
    _, gyr = model.motion(t[:-1] + 0.5 * STEP)
    wanted = Rotation.from_matrix(rotation[0].T @ rotation[-1])
    assert (turned(gyr).inv() * wanted).magnitude() < 0.01 * DEG


def test_readings_of_a_walk_are_those_of_people(body):
    """Peaks of comfortable walking: shank 4 to 7 rad/s and 2 to 7 g, pelvis below 3 rad/s and 3 g."""
    t = walking(body)[::10]
    published = {"shank_left": ((4.0, 8.0), 7.0), "thigh_left": ((2.5, 6.0), 6.0), "pelvis": ((0.5, 3.0), 3.0)}
    for segment, (rates, most_g) in published.items():
        acc, gyr = SensorModel(segment, body, SEED, errors=USUAL).motion(t)
        assert rates[0] < np.linalg.norm(gyr, axis=1).max() < rates[1]
        assert 1.3 * G < np.linalg.norm(acc, axis=1).max() < most_g * G


def test_flesh_swings_by_a_few_degrees_at_strikes_and_not_at_rest(body):
    t = walking(body)
    for segment in ("thigh_left", "shank_left", "thigh_right"):
        firm = SensorModel(segment, body, SEED, errors=IDEAL)
        soft = SensorModel(segment, body, SEED, errors=replace(IDEAL, tissue=1.0))
        (r_firm, p_firm), (r_soft, p_soft) = firm.pose(t), soft.pose(t)
        turn = Rotation.from_matrix(r_firm.transpose(0, 2, 1) @ r_soft).magnitude() / DEG
        moved = np.linalg.norm(p_soft - p_firm, axis=1)
        assert 0.2 < np.sqrt((turn**2).mean()) < 2.0
        assert 1.0 < turn.max() < 6.0
        assert 0.002 < moved.max() < 0.02
        # after a strike it rings at a few hertz
        spectrum = np.abs(np.fft.rfft((turn - turn.mean()) * np.hanning(len(turn)))) ** 2
        hz = np.fft.rfftfreq(len(turn), STEP)
        assert 3.0 < (hz * spectrum).sum() / spectrum.sum() < 14.0
        quiet = np.arange(1.0, 3.0, STEP)
        still = Rotation.from_matrix(firm.pose(quiet)[0].transpose(0, 2, 1) @ soft.pose(quiet)[0]).magnitude()
        assert still.max() < 0.1 * DEG


def test_heading_drifts_while_moving_and_only_then(body):
    signs = set()
    t = walking(body)
    quiet = np.arange(0.5, 3.0, 0.01)
    for segment in CORE_SEGMENTS:
        plain = SensorModel(segment, body, SEED, errors=IDEAL)
        drifting = SensorModel(segment, body, SEED, errors=replace(IDEAL, heading_drift_dpm=2.0))
        up = plain.pose(t)[0][:, 2]
        extra = drifting.motion(t)[1] - plain.motion(t)[1]
        dpm = (extra * up).sum(axis=1).mean() / DEG * 60.0
        assert abs(dpm) == pytest.approx(2.0, abs=0.4)
        np.testing.assert_allclose(extra - (extra * up).sum(axis=1)[:, None] * up, 0.0, atol=1e-9)
        signs.add(np.sign(dpm))
        at_rest = drifting.motion(quiet)[1] - plain.motion(quiet)[1]
        assert np.abs(at_rest).mean() < 0.1 * 2.0 * DEG / 60.0
    assert signs == {-1.0, 1.0}


def test_a_mounting_is_off_by_what_is_asked_for(body):
    for mounting in (False, True):
        errors = SensorErrors(mounting=mounting)
        meant = SensorModel("thigh_left", body, SEED, errors=errors).r_segment_sensor
        off = SensorModel("thigh_left", body, SEED, errors=replace(errors, mounting_deg=5.0)).r_segment_sensor
        assert Rotation.from_matrix(meant.T @ off).magnitude() == pytest.approx(5.0 * DEG)


@pytest.mark.parametrize("seen", [True, False])
def test_a_slip_turns_the_sensor_about_the_long_axis(body, seen):
    at = 10.0
    slip = Slip(at, 12.0, seen=seen)
    fixed = SensorModel("shank_left", body, SEED, errors=IDEAL)
    slipping = SensorModel("shank_left", body, SEED, errors=IDEAL, slip=slip)
    t = np.arange(at - 0.5, at + 1.0, STEP)
    (r0, p0), (r1, p1) = fixed.pose(t), slipping.pose(t)
    away = Rotation.from_matrix(r0.transpose(0, 2, 1) @ r1).as_rotvec() / DEG
    np.testing.assert_allclose(away[t < at], 0.0, atol=1e-9)
    np.testing.assert_allclose(away[t > at + 0.31], np.tile([0.0, 12.0, 0.0], (int((t > at + 0.31).sum()), 1)), atol=1e-9)
    assert np.linalg.norm(p1[-1] - p0[-1]) > 0.001  # round the limb with its strap
    _, gyr0 = fixed.motion(t[:-1] + 0.5 * STEP)
    acc1, gyr1 = slipping.motion(t[:-1] + 0.5 * STEP)
    measured = np.degrees((gyr1 - gyr0)[:, 1].sum() * STEP)
    assert measured == pytest.approx(12.0 if seen else 0.0, abs=0.3)
    assert np.abs(acc1).max() < 2.0 * G  # no blow, seen or not


def test_a_recording_has_the_losses_labels_and_stamps_asked_for():
    plan = (Stand(3.0), March(4), Stand(20.0))
    clean = perform_activity(SEED, plan)
    lossy = perform_activity(SEED, plan, loss=0.02, clock_ms=3.0)
    swapped = perform_activity(SEED, plan, swapped=(("shank_left", "shank_right"),))
    got = {name: samples_of(a) for name, a in (("clean", clean), ("lossy", lossy), ("swapped", swapped))}
    kept = {s: len(got["lossy"][s][0]) / len(got["clean"][s][0]) for s in CORE_SEGMENTS}
    assert 0.96 < np.mean(list(kept.values())) < 0.995
    offsets, holes = [], []
    for segment in CORE_SEGMENTS:
        t, gyr = got["lossy"][segment]
        steps = np.diff(t)
        holes.extend(steps[steps > 15_000] / 10_000 - 1)
        assert steps.min() >= 9_000
        assert len(gyr) == len(t)
        offsets.append(t[0] % 10_000)
    assert 3.0 <= np.mean(holes) < 8.0
    assert len(set(offsets)) > 3
    np.testing.assert_array_equal(got["swapped"]["shank_left"][1], got["clean"]["shank_right"][1])
    np.testing.assert_array_equal(got["swapped"]["thigh_left"][1], got["clean"]["thigh_left"][1])


def samples_of(simulated: SimulatedActivity) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Stamps and rates of every sensor."""
    parts: dict[str, list] = {}
    for packet in simulated.recording.packets():
        parts.setdefault(packet.sensor, []).append((packet.t_us, packet.gyr))
    return {s: tuple(np.concatenate(column) for column in zip(*rows, strict=True)) for s, rows in parts.items()}


def test_what_is_worn_on_a_simulated_person_measures_that_person():
    """The product on ideal sensors and squats: knee flexion as it was."""
    simulated = perform_activity(SEED, (*set_up_plan(), Squats(2), Stand(2.0)), IDEAL)
    result = imu.process(simulated.recording)
    for side in ("left", "right"):
        off = errors_deg(simulated, result, "knee_flexion", side, Squats)
        assert len(off) > 500
        assert np.sqrt((off**2).mean()) < 2.5
