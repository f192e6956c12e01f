"""Orientation for people who have arrays, and an independent opinion on it."""

from __future__ import annotations

import numpy as np
import pytest
from ahrs.filters import Madgwick, Mahony
from fusion_streams import inclination_error, swinging

import imu
from imu.config import FILTERS
from imu.conventions import G
from imu.fusion import OrientationFilter, Params, orientation
from imu.fusion.quaternion import angle_array


def test_names_are_reachable_as_documented() -> None:
    assert imu.fusion.orientation is orientation
    assert imu.fusion.OrientationFilter is OrientationFilter


def test_whole_recording_follows_a_known_motion() -> None:
    gyr, acc, true = swinging(3000)
    q = orientation(gyr, acc, rate_hz=100.0)
    assert q.shape == (3000, 4)
    np.testing.assert_allclose(np.linalg.norm(q, axis=1), 1.0, atol=1e-12)
    assert np.degrees(inclination_error(q, true)[100:].max()) < 1.0


def test_time_stamps_and_rate_mean_the_same() -> None:
    gyr, acc, _ = swinging(600)
    t_us = np.arange(600) * 10_000 + 123_456_789
    np.testing.assert_array_equal(orientation(gyr, acc, t_us=t_us), orientation(gyr, acc, 100.0))


def test_time_stamps_rounded_to_ms_give_the_true_rate() -> None:
    gyr, acc, _ = swinging(2080, 104.0)
    t_us = np.rint(np.arange(2080) * 1000 / 104).astype(np.int64) * 1000  # steps of 9 and 10 ms
    off = angle_array(orientation(gyr, acc, t_us=t_us), orientation(gyr, acc, 104.0))
    assert np.degrees(off.max()) < 0.05


def test_a_hole_is_bridged_by_the_clock_and_not_by_row_number() -> None:
    gyr, acc, true = swinging(3000)
    keep = np.ones(3000, bool)
    for first in range(300, 2900, 200):
        keep[first : first + 10] = False
    t_us = np.flatnonzero(keep) * 10_000
    ours = np.degrees(inclination_error(orientation(gyr[keep], acc[keep], t_us=t_us), true[keep])[100:].max())
    by_row = np.degrees(inclination_error(orientation(gyr[keep], acc[keep], 100.0), true[keep])[100:].max())
    assert ours < 3.0
    assert by_row > 3 * ours


def test_after_a_hole_that_is_too_long_the_filter_starts_again() -> None:
    gyr, acc, true = swinging(1200)
    keep = np.ones(1200, bool)
    keep[500:600] = False
    q = orientation(gyr[keep], acc[keep], t_us=np.flatnonzero(keep) * 10_000)
    assert len(q) == 1100
    assert np.degrees(inclination_error(q, true[keep])[600:].max()) < 1.5  # a second later it is right again


def test_empty_and_single_rows() -> None:
    none = np.zeros((0, 3))
    assert orientation(none, none, 100.0).shape == (0, 4)
    assert orientation(none, none, t_us=[]).shape == (0, 4)
    one = orientation([[0.0, 0.0, 0.0]], [[0.0, G, 0.0]], 100.0, t_us=[5])
    np.testing.assert_allclose(one, [[np.sqrt(0.5), np.sqrt(0.5), 0, 0]], atol=1e-9)
    with pytest.raises(ValueError, match="rate_hz"):
        orientation([[0, 0, 0]], [[0, 0, 9.81]], t_us=[5])


def test_upside_down_is_upside_down() -> None:
    q = orientation(np.zeros((400, 3)), np.tile([0.0, 0.0, -G], (400, 1)), 100.0, params=Params(motion_bias=False))
    np.testing.assert_allclose(np.abs(q[-1, 1]), 1.0, atol=1e-9)


def test_free_fall_and_impossible_acceleration_leave_finite_numbers() -> None:
    gyr, acc, _ = swinging(500)
    acc[200:220] = 0.0
    acc[300] = np.nan
    acc[310] = np.inf
    assert np.isfinite(orientation(gyr, acc, 100.0)).all()


def test_several_sensors_in_pieces_and_their_state() -> None:
    pairs = [swinging(400, seed=k)[:2] for k in range(3)]
    gyr, acc = np.stack([g for g, _ in pairs]), np.stack([a for _, a in pairs])
    whole = OrientationFilter(100.0, 3).update(gyr, acc)
    filter_ = OrientationFilter(100.0, 3)
    parts = [filter_.update(gyr[:, k : k + 7], acc[:, k : k + 7]) for k in range(0, 203, 7)]
    saved = filter_.state
    parts.append(filter_.update(gyr[:, 203:], acc[:, 203:]))
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    assert filter_.bias.shape == (3, 3)
    other = OrientationFilter(100.0, 3)
    other.state = saved
    saved[:] = 0.0  # the filter has its own copy
    np.testing.assert_array_equal(other.update(gyr[:, 203:], acc[:, 203:]), whole[:, 203:])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: OrientationFilter(100.0, 0), "n_sensors is 0"),
        (lambda: OrientationFilter(0.0), "rate_hz is 0.0"),
        (lambda: OrientationFilter(float("nan")), "rate_hz is nan"),
        (lambda: OrientationFilter(100.0, 2).update(np.zeros((5, 3)), np.zeros((5, 3))), r"\(sensors, n, 3\)"),
        (lambda: OrientationFilter(100.0, 2).update(np.zeros((3, 5, 3)), np.zeros((3, 5, 3))), "3 sensors, the filter 2"),
        (lambda: OrientationFilter(100.0).update([["a", 0, 0]], [[0, 0, 0]]), "arrays of numbers"),
        (lambda: setattr(OrientationFilter(100.0), "state", np.zeros((2, 66))), "state has shape"),
        (lambda: Params(rest_min_s=float("inf")), "rest_min_s"),
        (lambda: OrientationFilter(100.0, method="kalman"), "unknown filter 'kalman'; use one of vqf"),
        (lambda: OrientationFilter(100.0, params=Params(), method="mahony"), "are not the parameters of mahony"),
        (lambda: OrientationFilter(100.0).update(np.zeros((5, 3)), np.ones((5, 3)), np.empty((4, 4))), r"shape \(5, 4\)"),
        (lambda: orientation(np.zeros((2, 3)), np.ones((2, 3)), t_us=[0.0, float("nan")]), "no time"),
    ],
)
def test_wrong_use_is_named(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def ahrs_mahony(gyr: np.ndarray, acc: np.ndarray) -> np.ndarray:
    # its default gains wind the bias up (87°/min of drift on real recordings): the published tuned ones
    return np.asarray(Mahony(gyr=gyr, acc=acc, frequency=100.0, k_P=0.74, k_I=0.0012).Q, dtype=float)


def ahrs_madgwick(gyr: np.ndarray, acc: np.ndarray) -> np.ndarray:
    return np.asarray(Madgwick(gyr=gyr, acc=acc, frequency=100.0, gain=0.033).Q, dtype=float)


@pytest.mark.parametrize("theirs", [ahrs_mahony, ahrs_madgwick])
def test_inclination_agrees_with_independent_filters_on_a_slow_motion(theirs) -> None:
    """Other authors, other equations, one convention: q turns sensor into earth, z up, acc +g up at rest.

    Two defects are kept out of the way: a gyroscope of exactly zero switches their correction off (noise is on ours), and
    they take the first sample as the orientation at the start, so the motion begins with a still second.
    """
    gyr, acc, true = swinging(6000, size=0.6)
    still = np.random.default_rng(0).normal(0, 2e-3, (100, 3))
    gyr, acc = np.vstack([still, gyr]), np.vstack([acc[0] + still, acc])
    ours = orientation(gyr, acc, 100.0)
    q = theirs(gyr, acc)
    assert np.degrees(inclination_error(q, ours)[500:].max()) < 3.0
    assert np.degrees(inclination_error(ours[100:], true)[400:].max()) < 0.5


@pytest.mark.parametrize("theirs", [ahrs_mahony, ahrs_madgwick])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_every_axis_turns_the_same_way_as_in_independent_filters(theirs, axis: int) -> None:
    n = 300
    gyr = np.full((n, 3), 1e-6)
    gyr[100:200, axis] = np.pi / 2  # 90° in a second
    angle = np.concatenate([np.zeros(100), np.arange(1, 101) / 100 * np.pi / 2, np.full(100, np.pi / 2)])
    acc = np.zeros((n, 3))
    if axis == 2:
        acc[:, 2] = G
    else:
        acc[:, 2] = G * np.cos(angle)
        acc[:, 1 - axis] = G * np.sin(angle) * (1 if axis == 0 else -1)
    turned = np.degrees(angle_array(orientation(gyr, acc, 100.0)[-1], theirs(gyr, acc)[-1]))
    assert turned < 4.0


@pytest.mark.parametrize("method", FILTERS)
def test_buffers_of_the_caller_give_the_same_and_are_filled_in_place(method: str) -> None:
    gyr, acc, _ = swinging(600)
    both = np.stack([gyr, gyr[::-1]]), np.stack([acc, acc[::-1]])
    whole = OrientationFilter(100.0, 2, method=method).update(*both)
    filter_ = OrientationFilter(100.0, 2, method=method)
    g, a, out = np.empty((2, 3, 3)), np.empty((2, 3, 3)), np.empty((2, 3, 4))
    for k in range(0, 600, 3):
        g[:], a[:] = both[0][:, k : k + 3], both[1][:, k : k + 3]
        assert filter_.update(g, a, out) is out
        np.testing.assert_array_equal(out, whole[:, k : k + 3])
    np.testing.assert_array_equal(filter_.update(g[:, :1], a[:, :1], np.empty((2, 1, 4))).shape, (2, 1, 4))


def test_more_sensors_than_lanes_and_a_start_at_different_times() -> None:
    """Some lanes still start (their first seconds have no usable acceleration) while others have long been running."""
    pairs = [swinging(900, seed=k)[:2] for k in range(11)]
    gyr, acc = np.stack([g for g, _ in pairs]), np.stack([a for _, a in pairs])
    for j in range(11):
        acc[j, : 60 * j] = 0.0
    acc[4, 700] = np.nan
    gyr[7, 600:640] *= 20.0  # beyond the short series of the turn
    together = OrientationFilter(100.0, 11).update(gyr, acc)
    for j in range(11):
        np.testing.assert_array_equal(together[j], OrientationFilter(100.0).update(gyr[j], acc[j]))
        assert np.isnan(together[j, : 60 * j]).all()
        assert np.isfinite(together[j, 60 * j :]).all()


@pytest.mark.parametrize("method", FILTERS)
def test_without_any_gravity_the_orientation_is_unknown(method: str) -> None:
    gyr, acc, _ = swinging(50)
    acc[:20] = 0.0
    t_us = np.arange(50) * 10_000
    for q in (orientation(gyr, acc, 100.0, method=method), orientation(gyr, acc, t_us=t_us, method=method)):
        assert np.isnan(q[:20]).all()
        np.testing.assert_allclose(np.linalg.norm(q[20:], axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("sensors", [1, 2])
def test_an_impossible_rate_is_refused_and_changes_nothing(sensors: int) -> None:
    gyr, acc, _ = swinging(40)
    shape = (40, 3) if sensors == 1 else (2, 40, 3)
    gyr, acc = np.broadcast_to(gyr, shape).copy(), np.broadcast_to(acc, shape).copy()
    filter_ = OrientationFilter(100.0, sensors)
    filter_.update(gyr, acc)
    before = filter_.state
    for value, words in ((np.nan, "not a finite number"), (np.inf, "not a finite number"), (1e3, "is it in °/s")):
        wrong = gyr.copy()
        wrong[..., 17, 1] = value
        with pytest.raises(ValueError, match=words):
            filter_.update(wrong, acc)
        with pytest.raises(ValueError, match=words):
            orientation(wrong[0] if sensors > 1 else wrong, acc[0] if sensors > 1 else acc, t_us=np.arange(40) * 10_000)
    np.testing.assert_array_equal(filter_.state, before)


@pytest.mark.parametrize("method", FILTERS)
def test_filters_by_name_find_the_inclination_and_resume(method: str) -> None:
    gyr, acc, true = swinging(3000)
    filter_ = OrientationFilter(100.0, method=method)
    first = filter_.update(gyr[:1000], acc[:1000])
    saved = filter_.state
    rest = filter_.update(gyr[1000:], acc[1000:])
    other = OrientationFilter(100.0, method=method)
    other.state = saved
    np.testing.assert_array_equal(other.update(gyr[1000:], acc[1000:]), rest)
    q = orientation(gyr, acc, 100.0, method=method)
    np.testing.assert_array_equal(q, np.concatenate([first, rest]))
    np.testing.assert_array_equal(orientation(gyr, acc, t_us=np.arange(3000) * 10_000, method=method), q)
    assert np.degrees(inclination_error(q, true)[100:].max()) < 3.0
    assert filter_.update(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0, 4)
