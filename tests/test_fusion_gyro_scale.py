"""The scale error of a gyroscope: found where a recording tells of it, left alone where it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fusion_streams import SETUP, inclination_error, packet_of, swinging, turn
from reference.smoother_twin import node_sums
from shared_data import DATA

from firmware_sim.body import Body
from firmware_sim.script import make_script
from firmware_sim.sensor import SensorErrors, SensorModel
from imu import Recording, Samples, process
from imu.conventions import CORE_SEGMENTS, G
from imu.fusion import gyro_nodes
from imu.fusion.channel import SensorChannel
from imu.fusion.gyro_scale import KNOWN_SIGMA, SCALE_SIGMA, GyroScale, find_scale
from imu.fusion.quaternion import conj_array, mul_array, rotate_array
from imu.fusion.smoother import Smoothed, smooth, smooth_rows
from imu.packets import CLIPPED_GYR, Packet
from imu.summary import summary_lines

RATE = 100.0


def handled(seconds: float, seed: int, wrong: np.ndarray, arm: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """gyr, acc and true q_earth_sensor of a sensor turned about by hand, half a turn to and fro about changing axes, with
    rests; it moves as what is held at arm's length does, and its scale is wrong by `wrong`."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    t = np.arange(n + 1) / RATE
    angles = np.zeros((3, n + 1))
    begin = 2.0
    while begin < seconds - 3.0:
        lasts, axis, angle = rng.uniform(0.7, 3.0), rng.integers(3), rng.uniform(-2.5, 2.5)
        s = np.clip((t - begin) / lasts, 0.0, 1.0)
        angles[axis] += angle * s**3 * (10.0 - 15.0 * s + 6.0 * s**2)
        begin += lasts + rng.choice([0.0, 0.3, 2.0])
    q = mul_array(turn(2, angles[2]), mul_array(turn(0, angles[0]), turn(1, angles[1])))
    d = mul_array(conj_array(q[:-1]), q[1:])
    length = np.linalg.norm(d[:, 1:], axis=1)
    gyr = d[:, 1:] * (2 * np.arctan2(length, d[:, 0]) / np.where(length > 0, length, 1) * RATE)[:, None]
    place = arm * rotate_array(q, np.array([1.0, 0.0, 0.0]))
    push = np.gradient(np.gradient(place, 1 / RATE, axis=0), 1 / RATE, axis=0)
    acc = rotate_array(conj_array(q[1:]), push[1:] + np.array([0.0, 0.0, G])) + rng.uniform(-0.1, 0.1, 3)
    gyr = (1.0 + wrong) * gyr + np.radians(rng.uniform(-0.3, 0.3, 3))
    return gyr + rng.normal(0, 2e-3, (n, 3)), acc + rng.normal(0, 0.02, (n, 3)), q[1:]


def errors(s: Smoothed, true: np.ndarray) -> tuple[float, float]:
    """RMS of inclination and heading, rad; heading but for a constant."""
    e = mul_array(s.q, conj_array(true))
    heading = np.unwrap(2 * np.arctan2(e[:, 3], e[:, 0]))
    return float(np.sqrt(np.mean(inclination_error(s.q, true) ** 2))), float(np.std(heading))


@pytest.mark.parametrize("size", [0.0, 0.01])
def test_a_wrong_scale_is_found_and_taken_off(size: float) -> None:
    """As near to the truth as with a gyroscope whose scale is right; its 1σ, mostly for what may change, is safe."""
    off, after, right = [], [], []
    for seed in range(2):
        wrong = size * np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], 3)
        gyr, acc, true = handled(90.0, seed, wrong)
        s = smooth(gyr, acc, RATE)
        off.append((np.array(s.scale.found) - wrong / (1.0 + wrong)) / s.scale.sigma)
        assert max(s.scale.sigma) < 0.5 * SCALE_SIGMA
        np.testing.assert_allclose(s.rates(gyr), gyr * (1.0 - np.array(s.scale.found)) - s.bias)
        after.append(errors(s, true))
        right.append(errors(smooth(gyr / (1.0 + wrong), acc, RATE, correct_scale=False), true))
    assert np.abs(off).max() < 1.0
    assert (np.mean(after, axis=0) < 1.01 * np.mean(right, axis=0)).all()


def test_without_it_a_wrong_scale_costs_heading_and_inclination() -> None:
    gyr, acc, true = handled(60.0, 2, np.full(3, 0.02))
    with_it, without = smooth(gyr, acc, RATE), smooth(gyr, acc, RATE, correct_scale=False)
    assert errors(with_it, true)[0] < 0.95 * errors(without, true)[0]
    assert errors(with_it, true)[1] < 0.5 * errors(without, true)[1]


def test_what_was_found_is_said_in_words() -> None:
    gyr, acc, _ = handled(90.0, 5, np.array([0.02, 0.0, -0.01]))
    words = smooth(gyr, acc, RATE).scale.words
    assert words.startswith("gyroscope scale x +")
    assert " z -" in words
    assert " y " not in words
    assert words.endswith("taken off")
    recording = Recording.from_samples({"pelvis": Samples(np.arange(len(gyr)) * 10_000, gyr, acc)})
    live, offline = process(recording), process(recording, offline=True)
    assert any(words in line for line in summary_lines(offline))
    assert not any("gyroscope scale" in line for line in summary_lines(live))
    assert GyroScale().words == ""
    assert GyroScale((0.02, 0.02, 0.001), (0.006, 0.002, 0.002)).words == "gyroscope scale y +2.00 ± 0.20 %; taken off"


@pytest.mark.parametrize("seconds", [20.0, 60.0])
def test_squats_say_nothing_and_nothing_is_changed(seconds: float) -> None:
    """They turn about one axis, as far back as forth, while the body moves in step with it."""
    body = Body.performing(make_script(3, 60.0))
    for segment in CORE_SEGMENTS:
        model = SensorModel(segment, body, 3, errors=replace(SensorErrors(), scale=0.01))
        block = model.samples(0, int(seconds * model.rate_hz), 0.0)
        gyr, acc = block.gyr * (np.radians(2000) / 32768), block.acc * (16 * G / 32768)
        s = smooth(gyr, acc, model.rate_hz)
        assert min(s.scale.sigma) > KNOWN_SIGMA
        np.testing.assert_array_equal(s.q, smooth(gyr, acc, model.rate_hz, correct_scale=False).q)


def test_short_still_and_unbelieved_recordings_keep_the_prior() -> None:
    for n in (0, 1, 99, 100):
        gyr, acc, _ = swinging(100, RATE)
        assert smooth(gyr[:n], acc[:n], RATE).scale == GyroScale()
    still = np.zeros((3000, 3)), np.tile([0.0, 0.0, G], (3000, 1))
    scale = smooth(*still, RATE).scale
    np.testing.assert_allclose(scale.found, 0.0, atol=1e-6)
    np.testing.assert_allclose(scale.sigma, SCALE_SIGMA)
    gyr, acc, _ = handled(20.0, 6, np.full(3, 0.01))
    assert min(smooth(gyr, acc, RATE, np.zeros(2000, bool)).scale.sigma) == SCALE_SIGMA


def test_stretches_tell_of_it_together() -> None:
    wrong = np.array([0.01, -0.01, 0.01])
    gyr, acc, _ = handled(80.0, 7, wrong)
    s = smooth(gyr, acc, RATE, correct_scale=False)
    use, halves = np.ones(len(gyr), bool), [slice(0, 4000), slice(4000, 8000)]

    def found(stretches: list[slice]) -> GyroScale:
        return find_scale(gyr, acc, use, s.bias, s.q, RATE, stretches, np.zeros(3))

    both = found(halves)
    for half in halves:
        assert max(both.sigma) < max(found([half]).sigma)
    assert np.abs((np.array(both.found) - wrong / (1 + wrong)) / both.sigma).max() < 2.0


def test_nothing_is_learnt_from_rotations_that_were_guessed() -> None:
    """Holes of 80 ms in fast turns, and a gyroscope at the end of its range: less is known, nothing is mistaken."""
    wrong = np.array([0.01, 0.0, -0.01])
    gyr, acc, _ = handled(90.0, 10, wrong)
    clipped = np.where(np.abs(gyr).max(axis=1) > 2.0, CLIPPED_GYR, 0).astype(np.uint8)
    held = np.clip(gyr, -2.0, 2.0)
    keep = np.repeat(np.random.default_rng(10).random(len(gyr) // 8 + 1) > 0.02, 8)[: len(gyr)]
    keep[:8] = True

    def found(packet: Packet) -> GyroScale:
        return smooth_rows(SensorChannel(SETUP, 0).rows(packet), RATE).scale

    whole = found(packet_of(gyr, acc))
    for poor in (packet_of(gyr, acc, keep=keep), packet_of(held, acc, clipped=clipped)):
        scale = found(poor)
        assert (np.array(scale.sigma) > whole.sigma).all()
        assert np.abs((np.array(scale.found) - wrong / (1.0 + wrong)) / scale.sigma).max() < 2.0


def test_seen_from_elsewhere_it_is_the_same() -> None:
    """The estimate starts from a scale that is near, and that one is no prior."""
    gyr, acc, _ = handled(60.0, 8, np.array([0.01, 0.0, -0.01]))
    use, whole = np.ones(len(gyr), bool), [slice(0, len(gyr))]
    found = []
    for scale in (np.zeros(3), np.array([0.004, -0.003, 0.002])):
        s = smooth(gyr * (1 - scale), acc, RATE, correct_scale=False)
        found.append(find_scale(gyr, acc, use, s.bias, s.q, RATE, whole, scale))
    np.testing.assert_allclose(found[0].found, found[1].found, atol=5e-4)
    np.testing.assert_allclose(found[0].sigma, found[1].sigma, atol=5e-4)


def test_the_kernel_equals_its_twin() -> None:
    gyr, acc, true = handled(6.0, 9, np.full(3, 0.01))
    gyr, acc = gyr[:420], acc[:420]
    rng = np.random.default_rng(9)
    use, bias, scale = rng.random(420) > 0.01, rng.normal(0, 0.01, (420, 3)), np.array([0.01, -0.02, 0.005])
    out = np.empty((5, gyro_nodes.SIZE))
    gyro_nodes.sum_nodes(gyr, acc, use, bias, scale, true[0], 1 / RATE, 100, out)
    expected = node_sums(gyr, acc, use, bias, scale, true[0], RATE, 100, 4)
    np.testing.assert_allclose(out, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.validation
def test_what_is_added_to_the_scale_of_a_real_sensor_is_found() -> None:
    """Turned by hand and on a two-link: added to the rates, 1 %, -1 % and 0.5 % come back within a tenth of 1 %."""
    file = DATA / "orientation" / "03_undisturbed_slow_rotation_C.npz"
    if not file.exists():
        pytest.skip("recordings of ../shared/data/orientation are absent")
    added = np.array([0.01, -0.01, 0.005])
    with np.load(file) as d, np.load(DATA / "two_link" / "3D_05.npz") as e:
        recordings = [(2000 / 7, d["gyr"], d["acc"]), (50.0, e["gyr_1"], e["acc_1"])]
    for rate_hz, gyr, acc in recordings:
        as_it_is = np.array(smooth(gyr, acc, rate_hz).scale.found)
        found = np.array(smooth(gyr * (1 + added), acc, rate_hz).scale.found)
        np.testing.assert_allclose(found - as_it_is, added / (1 + added), atol=1e-3)
