"""The baselines against `ahrs`, sample by sample, and against the exact integration of scipy."""

from __future__ import annotations

import numpy as np
import pytest
from ahrs.filters import Madgwick, Mahony
from fusion_streams import inclination_error, swinging
from scipy.spatial.transform import Rotation

from imu.conventions import G
from imu.fusion import OrientationFilter, gyro_only, madgwick, mahony, orientation
from imu.fusion.quaternion import angle_array, conj_array, mul_array, rotate_array

RATE_HZ = 100.0
BASELINES = ("gyro_only", "madgwick", "mahony")


def fused(method: str, gyr: np.ndarray, acc: np.ndarray, skip: np.ndarray | None = None) -> np.ndarray:
    """With default parameters; where `skip`, the acceleration is not to be believed."""
    a = acc.copy()
    if skip is not None:
        a[skip] = np.nan
    return OrientationFilter(RATE_HZ, method=method).update(gyr, a)


def wild(seed: int, n: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    """Fast turns about all axes and strong accelerations, with a pause."""
    rng = np.random.default_rng(seed)
    gyr = np.cumsum(rng.normal(size=(n, 3)), axis=0) * 0.05
    gyr -= gyr.mean(axis=0)
    acc = np.array([1.0, -2.0, 9.5]) + rng.normal(size=(n, 3)) * 2.0
    gyr[n // 3 : n // 2] = rng.normal(size=(n // 2 - n // 3, 3)) * 1e-3
    return gyr, acc


def ahrs_steps(filter_: Madgwick | Mahony, first: np.ndarray, gyr: np.ndarray, acc: np.ndarray) -> np.ndarray:
    """`ahrs` sample by sample from our first orientation on.

    Kept out of the way: its own start (`acc2q`) turns by Euler angles and so has another heading than the shortest turn;
    its first sample sets the orientation without being integrated. Its return type changes with the path taken (ndarray
    or `Quaternion`), so everything becomes an array here. The caller keeps q, but Mahony's bias lives in the object: one
    fresh object per recording.
    """
    q = [np.asarray(first, dtype=float)]
    for g, a in zip(gyr[1:], acc[1:], strict=True):
        q.append(np.asarray(filter_.updateIMU(q[-1], g, a), dtype=float))
    return np.array(q)


@pytest.mark.parametrize("gain", [0.033, 0.12, 1.5])
@pytest.mark.parametrize("rate_hz", [57.0, 285.7])
def test_madgwick_equals_ahrs(gain: float, rate_hz: float) -> None:
    gyr, acc = wild(1)
    ours = orientation(gyr, acc, rate_hz, params=madgwick.Params(gain))
    theirs = ahrs_steps(Madgwick(frequency=rate_hz, gain=gain), ours[0], gyr, acc)
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


@pytest.mark.parametrize(("k_p", "k_i"), [(0.74, 0.0012), (1.0, 0.3)])
@pytest.mark.parametrize("rate_hz", [57.0, 285.7])
def test_mahony_equals_ahrs_in_orientation_and_bias(k_p: float, k_i: float, rate_hz: float) -> None:
    gyr, acc = wild(2)
    of_ours = OrientationFilter(rate_hz, params=mahony.Params(k_p, k_i))
    ours = of_ours.update(gyr, acc)
    filter_ = Mahony(frequency=rate_hz, k_P=k_p, k_I=k_i)
    theirs = ahrs_steps(filter_, ours[0], gyr, acc)
    np.testing.assert_allclose(ours, theirs, atol=1e-8)
    # releases before 0.4 had the integral with the other sign: what is subtracted from the rate is the bias, in both
    np.testing.assert_allclose(of_ours.bias, filter_.b, atol=1e-9)


def test_default_gains_are_the_published_ones_and_not_those_that_wind_up() -> None:
    assert madgwick.Params().gain == Madgwick().gain  # the author's 0.033
    # the defaults of ahrs for Mahony (1, 0.3) drift by 87 °/min on real recordings
    assert (mahony.Params().k_p, mahony.Params().k_i) == (0.74, 0.0012)


@pytest.mark.parametrize("theirs", [Madgwick(frequency=RATE_HZ), Mahony(frequency=RATE_HZ)])
def test_a_gyroscope_of_exactly_zero_does_not_switch_the_correction_off(theirs: Madgwick | Mahony) -> None:
    """`ahrs` returns q unchanged then: from level, with 30° of true tilt, it is still level after 29 s."""
    n = 2900
    acc = np.tile([0.0, G * 0.5, G * np.sqrt(0.75)], (n, 1))
    acc[0] = [0.0, 0.0, G]  # starts level
    q = fused(type(theirs).__name__.lower(), np.zeros((n, 3)), acc)
    np.testing.assert_allclose(rotate_array(q[-1], acc[-1] / G), [0, 0, 1], atol=2e-3)
    stuck = ahrs_steps(theirs, q[0], np.zeros((n, 3)), acc)
    np.testing.assert_array_equal(stuck[-1], [1, 0, 0, 0])


def test_an_acceleration_of_zero_is_no_direction() -> None:
    gyr, acc = wild(3, 600)
    acc[200:230] = 0.0
    ours = fused("madgwick", gyr, acc)
    np.testing.assert_allclose(ours, ahrs_steps(Madgwick(frequency=RATE_HZ), ours[0], gyr, acc), atol=1e-9)
    # Mahony's in ahrs forgets in such a sample the bias that it has found: equal where there is next to none
    ours = orientation(gyr, acc, RATE_HZ, params=mahony.Params(k_i=1e-12))
    theirs = Mahony(frequency=RATE_HZ, k_P=0.74, k_I=1e-12)
    np.testing.assert_allclose(ours, ahrs_steps(theirs, ours[0], gyr, acc), atol=1e-9)


def test_gyro_only_is_exact_integration() -> None:
    gyr, acc = wild(4)
    ours = fused("gyro_only", gyr, acc)
    turn = Rotation.from_quat(ours[0], scalar_first=True)
    expected = [ours[0]]
    for g in gyr[1:]:
        turn = turn * Rotation.from_rotvec(g / RATE_HZ)
        expected.append(turn.as_quat(scalar_first=True))
    assert angle_array(ours, np.array(expected)).max() < 1e-7


def test_gyro_only_never_looks_at_the_accelerometer_again() -> None:
    gyr, acc = wild(5)
    other = acc.copy()
    other[1:] = np.random.default_rng(5).normal(size=(len(acc) - 1, 3)) * 5
    np.testing.assert_array_equal(fused("gyro_only", gyr, acc), fused("gyro_only", gyr, other))


@pytest.mark.parametrize("method", BASELINES)
@pytest.mark.parametrize(
    "up", [[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.6, 0.48, -0.64]]
)
def test_the_first_sample_sets_the_inclination(method: str, up: list[float]) -> None:
    acc = np.array([up]) * G
    q = fused(method, np.zeros((1, 3)), acc)
    np.testing.assert_allclose(rotate_array(q[0], up), [0, 0, 1], atol=1e-12)
    if up[2] == 1.0:
        np.testing.assert_array_equal(q[0], [1, 0, 0, 0])


@pytest.mark.parametrize("method", BASELINES)
def test_the_first_believed_acceleration_is_the_one_that_counts(method: str) -> None:
    n = 60
    gyr = np.tile([0.3, -0.2, 0.5], (n, 1))
    acc = np.tile([0.0, G, 0.0], (n, 1))
    acc[:20] = [-300.0, 4.0, 1.0]
    q = fused(method, gyr, acc, np.arange(n) < 20)
    assert np.isnan(q[:20]).all()  # nothing is known of the inclination before
    np.testing.assert_allclose(rotate_array(q[20], [0.0, 1.0, 0.0]), [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(q[20:], axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("method", BASELINES)
def test_unbelievable_acceleration_is_the_same_as_none(method: str) -> None:
    gyr, acc = wild(6, 900)
    skip = np.random.default_rng(6).random(900) < 0.2
    skip[0] = False
    other = acc.copy()
    other[skip] = 0.0
    np.testing.assert_array_equal(fused(method, gyr, acc, skip), fused(method, gyr, other))


@pytest.mark.parametrize("method", ["madgwick", "mahony"])
def test_without_the_accelerometer_they_integrate(method: str) -> None:
    gyr, acc = wild(7, 500)
    gyr *= 0.2  # Euler steps, as published: the difference to the exact turn grows with the third power of the rate
    skip = np.arange(500) > 0
    off = angle_array(fused(method, gyr, acc, skip), fused("gyro_only", gyr, acc))
    assert np.degrees(off.max()) < 0.1


@pytest.mark.parametrize("method", BASELINES)
def test_a_known_motion_is_followed(method: str) -> None:
    gyr, acc, true = swinging(3000)
    q = fused(method, gyr, acc)
    assert np.degrees(inclination_error(q, true)[100:].max()) < 1.5


@pytest.mark.parametrize("method", BASELINES)
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_axis_turns_the_right_way(method: str, axis: int) -> None:
    n = 101
    gyr = np.zeros((n, 3))
    gyr[1:, axis] = np.pi / 2  # 90° in a second
    angle = np.arange(n) / 100 * np.pi / 2
    turn = np.zeros((n, 4))
    turn[:, 0], turn[:, 1 + axis] = np.cos(angle / 2), np.sin(angle / 2)
    acc = rotate_array(conj_array(turn), np.array([0.0, 0.0, G]))
    # Madgwick's corrects towards where the sample before was
    assert np.degrees(angle_array(fused(method, gyr, acc), turn).max()) < 1.0


def test_mahony_learns_a_bias_that_gravity_shows() -> None:
    bias = np.radians([0.8, -0.5, 0.0])
    n = 60_000
    filter_ = OrientationFilter(RATE_HZ, params=mahony.Params(k_i=0.05))
    filter_.update(np.tile(bias, (n, 1)), np.tile([0.0, 0.0, G], (n, 1)))
    np.testing.assert_allclose(filter_.bias, bias, atol=1e-6)


@pytest.mark.parametrize("method", BASELINES)
@pytest.mark.parametrize("size", [1, 7, 25])
def test_pieces_of_any_size_and_sensors_side_by_side_give_the_same(method: str, size: int) -> None:
    pairs = [wild(seed, 400) for seed in (8, 9, 10)]
    gyr, acc = np.stack([g for g, _ in pairs]), np.stack([a for _, a in pairs])
    filter_ = OrientationFilter(RATE_HZ, 3, method=method)
    parts = [filter_.update(gyr[:, k : k + size], acc[:, k : k + size]) for k in range(0, 400, size)]
    together = np.concatenate(parts, axis=1)
    for q, (g, a) in zip(together, pairs, strict=True):
        np.testing.assert_array_equal(q, fused(method, g, a))


@pytest.mark.parametrize("method", BASELINES)
def test_state_is_a_copy_that_resumes(method: str) -> None:
    gyr, acc = wild(9, 500)
    filter_ = OrientationFilter(RATE_HZ, method=method)
    filter_.update(gyr[:200], acc[:200])
    saved = filter_.state
    rest = filter_.update(gyr[200:], acc[200:])
    other = OrientationFilter(RATE_HZ, method=method)
    other.state = saved
    np.testing.assert_array_equal(other.update(gyr[200:], acc[200:]), rest)


def test_starting_again_keeps_the_bias_or_forgets_all() -> None:
    state = mahony.initial_state()[0]
    c = mahony.row(RATE_HZ)
    for _ in range(50):
        mahony.step(state, c, 0.2, 0.1, 0.0, 0.0, 1.0, G, True)
    before = state.copy()
    gyro_only.reset(state, c, True)
    bias = slice(gyro_only.BIAS, gyro_only.BIAS + 3)
    assert np.abs(before[bias]).max() > 0.0
    np.testing.assert_array_equal(state[bias], before[bias])
    gyro_only.reset(state, c, False)
    np.testing.assert_array_equal(state, mahony.initial_state()[0])


@pytest.mark.parametrize("method", BASELINES)
def test_turning_the_earth_about_its_vertical_turns_the_result_only(method: str) -> None:
    gyr, acc = wild(10, 500)
    heading = np.array([np.cos(0.6), 0.0, 0.0, np.sin(0.6)])
    turned = OrientationFilter(RATE_HZ, method=method)
    state = turned.state
    state[0, gyro_only.Q : gyro_only.Q + 4] = heading
    turned.state = state
    # no more than a rounding, grown over the recording, comes of it
    assert angle_array(turned.update(gyr, acc), mul_array(heading, fused(method, gyr, acc))).max() < 1e-6


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: madgwick.Params(float("nan")), "gain"),
        (lambda: mahony.Params(k_p=-1.0), "k_p"),
        (lambda: mahony.Params(k_i=float("inf")), "k_i"),
        (lambda: gyro_only.row(0.0), "rate_hz is 0.0"),
        (lambda: madgwick.row(float("inf")), "rate_hz is inf"),
        (lambda: mahony.row(-5.0), "rate_hz is -5.0"),
    ],
)
def test_wrong_use_is_named(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()
