"""The offset of an accelerometer from its own recording: found where it can be, and what stays unknown is said."""

from __future__ import annotations

import numpy as np
import pytest
import shared_data
from fusion_streams import turn
from reference import acc_offset_twin as twin

from imu.conventions import G
from imu.fusion import acc_offset_filter as kernels
from imu.fusion.acc_offset import AccOffset, AccOffsetFilter, OffsetParams, estimate_acc_offset
from imu.fusion.quaternion import conj_array, mul_array, rotate_array

Array = np.ndarray
DIRECTIONS = np.array([[0.6, -0.64, 0.48], [-0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.36, 0.48, -0.8]])


def squatting(n: int, rate_hz: float = 100.0, seed: int = 3) -> tuple[Array, Array]:
    """gyr, acc of a thigh that goes down and up about its z axis, with rests between; y is up at the stand."""
    rng = np.random.default_rng(seed)
    t = np.arange(n + 1) / rate_hz
    phase = np.clip((t % 4.0) / 2.5, 0, 1)
    angle = 0.7 * (1 - np.cos(2 * np.pi * phase))
    upright = turn(0, np.full(n + 1, np.pi / 2))
    q = mul_array(upright, turn(2, angle))
    gyr = np.zeros((n, 3))
    gyr[:, 2] = np.diff(angle) * rate_hz
    # the hip falls and rises: half a metre times the cosine of the tilt
    height = 0.5 * np.cos(angle)
    lift = np.gradient(np.gradient(height, 1 / rate_hz), 1 / rate_hz)[1:]
    force = np.zeros((n, 3))
    force[:, 2] = G + lift
    acc = rotate_array(conj_array(q[1:]), force)
    return gyr + rng.normal(0, 1e-3, (n, 3)), acc + rng.normal(0, 0.02, (n, 3))


def posed(n: int, rate_hz: float = 100.0, seed: int = 0) -> tuple[Array, Array]:
    """gyr, acc of a sensor that is turned by hand from pose to pose, with a second of rest in each."""
    rng = np.random.default_rng(seed)
    t = np.arange(n + 1) / rate_hz
    poses = np.concatenate([np.zeros((1, 3)), rng.uniform(-1.5, 1.5, (int(t[-1] / 2.5) + 1, 3))])
    share = np.clip(np.mod(t, 2.5) / 1.5, 0, 1)
    share = share**3 * (10 - 15 * share + 6 * share**2)
    number = (t / 2.5).astype(int)
    angles = poses[number] + share[:, None] * (poses[number + 1] - poses[number])
    q = mul_array(turn(2, angles[:, 2]), mul_array(turn(0, angles[:, 0]), turn(1, angles[:, 1])))
    d = mul_array(conj_array(q[:-1]), q[1:])
    length = np.linalg.norm(d[:, 1:], axis=1)
    rate = 2 * np.arctan2(length, d[:, 0]) * rate_hz
    gyr = d[:, 1:] * (rate / np.where(length > 0, length, 1))[:, None]
    acc = rotate_array(conj_array(q[1:]), np.array([0.0, 0.0, G]))
    return gyr + rng.normal(0, 1e-3, (n, 3)), acc + rng.normal(0, 0.02, (n, 3))


def deviation(found: AccOffset, true: Array) -> Array:
    """(3,) errors along the principal axes in units of their predicted sigma."""
    squares, axes = np.linalg.eigh(found.covariance)
    return axes.T @ (np.array(found.offset) - true) / np.sqrt(squares)


@pytest.mark.parametrize("size", [0.5, 2.0, 5.0])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_offset_is_found_when_the_sensor_is_turned_about_all_axes(direction, size):
    gyr, acc = posed(3000)
    found = estimate_acc_offset(gyr, acc + size * direction, 100.0)
    assert found.usable
    assert found.unobservable is None
    assert np.linalg.norm(found.offset - size * direction) < 0.15
    assert np.abs(deviation(found, size * direction)).max() < 2.5


def test_turning_about_one_axis_leaves_that_direction_unknown_and_says_so():
    gyr, acc = squatting(4000)
    true = np.array([1.5, 4.0, 0.7])
    found = estimate_acc_offset(gyr, acc + true, 100.0)
    assert found.unobservable is not None
    assert abs(found.unobservable[2]) > 0.97
    assert np.abs(np.array(found.offset) - true)[:2].max() < 0.5
    assert found.principal_sigmas[2] > 3 * found.principal_sigmas[1]
    assert np.abs(deviation(found, true)).max() < 2.0
    assert "not observable" in found.words


def test_one_pose_knows_only_the_length_and_is_not_used():
    rng = np.random.default_rng(1)
    acc = np.array([0.0, 0.0, G + 3.0]) + rng.normal(0, 0.02, (2000, 3))
    found = estimate_acc_offset(rng.normal(0, 1e-3, (2000, 3)), acc, 100.0)
    assert not found.usable
    assert "two directions" in found.reason
    assert found.offset[2] == pytest.approx(3.0, abs=0.1)
    assert found.principal_sigmas[0] < 0.2
    assert found.principal_sigmas[1] > 2.0


def test_a_good_accelerometer_gets_no_offset():
    gyr, acc = posed(3000, seed=5)
    found = estimate_acc_offset(gyr, acc, 100.0)
    assert found.size < 0.1


def test_the_bias_of_the_gyroscope_is_found_with_it():
    gyr, acc = posed(4000)
    bias = np.radians([1.2, -0.7, 0.5])
    found = estimate_acc_offset(gyr + bias, acc + np.array([0.0, 2.0, 0.0]), 100.0)
    np.testing.assert_allclose(found.gyr_bias, bias, atol=np.radians(0.25))
    np.testing.assert_allclose(found.offset, [0.0, 2.0, 0.0], atol=0.3)


def test_holes_are_bridged_or_begin_a_new_frame():
    gyr, acc = posed(4000)
    true = np.array([0.0, 3.0, -1.0])
    rng = np.random.default_rng(2)
    keep = rng.random(4000) > 0.05
    keep[1500:1700] = False
    t_us = np.flatnonzero(keep) * 10_000
    found = estimate_acc_offset(gyr[keep], (acc + true)[keep], t_us=t_us)
    assert np.linalg.norm(found.offset - true) < 0.3
    assert np.abs(deviation(found, true)).max() < 3.0


def test_saturated_and_missing_accelerations_are_not_believed():
    gyr, acc = posed(3000)
    acc = acc + np.array([2.0, 0.0, 0.0])
    clipped = np.zeros(3000, np.uint8)
    clipped[500:520], acc[500:520] = 1, 78.0
    acc[900] = np.nan
    found = estimate_acc_offset(gyr, acc, 100.0, clipped=clipped)
    np.testing.assert_allclose(found.offset, [2.0, 0.0, 0.0], atol=0.25)


def test_packets_of_any_size_and_a_saved_state_give_equal_results():
    gyr, acc = posed(2500)
    acc = acc + np.array([0.0, 1.0, 4.0])
    whole = AccOffsetFilter(100.0)
    whole.update(gyr, acc)
    for size in (1, 7, 25):
        pieces = AccOffsetFilter(100.0)
        for k in range(0, 2500, size):
            if k == 25 * size:
                resumed = AccOffsetFilter(100.0)
                resumed.state = pieces.state
                pieces = resumed
            pieces.update(gyr[k : k + size].copy(), acc[k : k + size].copy())
        assert pieces.estimate().offset == whole.estimate().offset
        np.testing.assert_array_equal(pieces.estimate().covariance, whole.estimate().covariance)


def test_the_kernel_agrees_with_plain_numpy():
    gyr, acc = posed(1200)
    gyr, acc = gyr + 0.01, acc + np.array([0.5, -2.0, 1.0])
    one = AccOffsetFilter(100.0)
    one.update(gyr, acc)
    _, x, p, _ = one.state
    x_twin, p_twin = twin.offset(gyr, acc, 100.0)
    np.testing.assert_allclose(x, x_twin, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(p, p_twin, rtol=1e-5, atol=1e-8)
    kernels.condition(x, p)
    x_twin, p_twin = twin.on_the_sphere(x_twin, p_twin)
    np.testing.assert_allclose(x, x_twin, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(p, p_twin, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("gyr", "acc", "more"),
    [
        (np.zeros((3, 2)), np.zeros((3, 3)), {"rate_hz": 100.0}),
        (np.zeros((3, 3)), np.zeros((4, 3)), {"rate_hz": 100.0}),
        (np.zeros((3, 3)), np.zeros((3, 3)), {}),
        (np.zeros((3, 3)), np.zeros((3, 3)), {"t_us": [0, 2, 2]}),
        (np.zeros((1, 3)), np.zeros((1, 3)), {"t_us": [0]}),
        (np.zeros((3, 3)), np.zeros((3, 3)), {"rate_hz": 0.0}),
    ],
)
def test_what_cannot_be_used_is_said(gyr, acc, more):
    with pytest.raises(ValueError, match=r"give|sort"):
        estimate_acc_offset(gyr, acc, **more)


def test_nothing_seen_is_not_usable():
    found = estimate_acc_offset(np.zeros((0, 3)), np.zeros((0, 3)), 100.0)
    assert not found.usable
    assert found.offset == (0.0, 0.0, 0.0)


def test_a_broken_accelerometer_is_not_corrected():
    gyr, acc = posed(3000)
    found = estimate_acc_offset(gyr, acc + np.array([0.0, 6.0, 0.0]), 100.0, params=OffsetParams(most=5.0))
    assert not found.usable
    assert "replace" in found.reason


def recordings() -> list[tuple[Array, Array, float]]:
    """Real sensors with good accelerometers: on a body, on a linkage, in a hand, in landings."""
    found = []
    body = np.load(shared_data.DATA / "full_body" / "full_body.npz")
    for place in ("hip", "upper_leg_left", "upper_leg_right", "lower_leg_left"):
        for rows in (slice(0, 3000), slice(0, 6000)):
            found.append((body[f"gyr_{place}"][rows], body[f"acc_{place}"][rows], 100.0))
    for file in sorted((shared_data.DATA / "two_link").glob("*.npz")):
        link = np.load(file)
        found += [(link[f"gyr_{i}"][:3000], link[f"acc_{i}"][:3000], float(link["fs"])) for i in (1, 2)]
    for file in sorted((shared_data.DATA / "orientation").glob("*.npz")):
        hand = np.load(file)
        first = max(0, int(np.flatnonzero(hand["movement"])[0]) - 1000)
        rows = slice(first, first + 60 * 285)
        found.append((hand["gyr"][rows], hand["acc"][rows], float(hand["fs"])))
    landing = np.load(shared_data.DATA / "knee_landing" / "drop_landing_left.npz")
    for place in ("thigh", "shank"):
        gyr = next(name for name in landing if "gyr" in name and place in name)
        found += [(landing[gyr][1:k], landing[gyr.replace("gyr", "acc")][1:k], 100.0) for k in (1500, 3000)]
    return found


@pytest.mark.validation
def test_offsets_put_into_real_recordings_are_found_within_the_predicted_error():
    if not shared_data.DATA.exists():
        pytest.skip("no validation recordings")
    rng = np.random.default_rng(1)
    errors, deviations = [], []
    for gyr, acc, rate_hz in recordings():
        direction = rng.normal(size=3)
        true = direction / np.linalg.norm(direction) * rng.uniform(0.5, 5.0)
        found = estimate_acc_offset(gyr, acc + true, rate_hz)
        if found.usable:
            errors.append(float(np.linalg.norm(found.offset - true)))
            deviations.append(deviation(found, true))
    inside = np.abs(deviations)
    assert len(errors) > 25
    assert np.median(errors) < 0.3
    # the sensors' own offsets of up to half a m/s² are in these errors
    assert np.mean(inside < 1) > 0.65
    assert np.mean(inside < 2) > 0.95


def squats(place: str) -> list[tuple[Array, Array, Array]]:
    """gyr, acc, t_us of all sets."""
    found = []
    for file in sorted((shared_data.DATA / "squats").glob("*.npz")):
        data = np.load(file)
        ticks = (data["t_ms"] - data["t_ms"][0]) * 1000
        keep = np.concatenate([[True], np.diff(ticks) > 0])
        found.append((data[f"gyr_{place}"][keep], data[f"acc_{place}"][keep], ticks[keep]))
    return found


@pytest.mark.validation
@pytest.mark.parametrize("place", ["thigh", "shank"])
def test_the_offset_of_a_bad_sensor_is_the_same_in_every_set_of_squats(place):
    if not shared_data.DATA.exists():
        pytest.skip("no validation recordings")
    found, before, after = [], [], []
    for gyr, acc, t_us in squats(place):
        one = estimate_acc_offset(gyr, acc, t_us=t_us)
        assert one.usable, one.reason
        assert one.unobservable is None or abs(one.unobservable[2]) > 0.8
        found.append(one.offset)
        # the calmest tenth of the quarters of a second
        n = len(acc) // 27
        rates, accs = (x[: 27 * n].reshape(n, 27, 3).astype(float) for x in (gyr, acc))
        calm = np.argsort(np.linalg.norm(rates, axis=2).mean(axis=1))[: n // 10]
        norms = [np.linalg.norm(a, axis=1) for a in (accs[calm].mean(axis=1), accs[calm].mean(axis=1) - one.offset)]
        before.append(float(np.median(norms[0])))
        after.append(float(np.median(norms[1])))
    spread = np.std(found, axis=0)
    assert np.all(spread < [0.12, 0.16, 0.40])
    assert min(before) > 12.0
    assert np.abs(np.array(after) - G).max() < 0.5
