"""The kernels that follow segments without a calibration, against their twins."""

from __future__ import annotations

import numpy as np
import pytest
from reference import course_twin
from squatting_sensors import RATE, Squatting

from imu.feedback import carried, course, stand_search
from imu.feedback.course import CALM, DEEPEST_SHARE
from imu.feedback.records import DEPTHS

ROWS = 1024
PERIOD = 1.0 / RATE


@pytest.fixture(scope="module")
def rings() -> tuple[np.ndarray, np.ndarray]:
    """gyr, acc (ROWS, 1, 3) of a thigh, newest rows wrapped round."""
    s = Squatting(repetitions=3, seed=3).samples()["thigh_left"]
    gyr, acc = np.full((ROWS, 1, 3), np.nan), np.full((ROWS, 1, 3), np.nan)
    for i in range(len(s.gyr)):
        gyr[(i + 900) & (ROWS - 1), 0], acc[(i + 900) & (ROWS - 1), 0] = s.gyr[i], s.acc[i]
    return gyr, acc


def straight(ring: np.ndarray, first: int, n: int) -> np.ndarray:
    return ring[(first + np.arange(n)) & (ROWS - 1), 0]


def test_a_course_is_that_of_the_twin(rings):
    gyr, acc = rings
    at, n = 930, 260
    rest, path, turning = np.zeros(3), np.zeros((n, 3)), np.zeros((3, 3))
    course.follow(gyr, acc, 0, at, PERIOD, rest, path, turning)
    first = at - CALM
    wanted = course_twin.course(
        straight(gyr, first, n + CALM), straight(acc, first, n + CALM), CALM, n + CALM - 1, PERIOD, CALM
    )
    for got, want in zip((rest, path, turning), wanted, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-9)
    tilt = np.zeros(n)
    deepest = course.tilts(path, rest, tilt)
    np.testing.assert_allclose(tilt, course_twin.tilt(path, rest), atol=1e-7)
    assert np.degrees(tilt[deepest]) == pytest.approx(75.0, abs=1.0)
    out = np.full((2, len(DEPTHS), 3), np.nan)
    course.match(tilt, deepest, path, DEPTHS, out)
    np.testing.assert_allclose(out, course_twin.matched(tilt, path, DEPTHS, DEEPEST_SHARE), atol=1e-9)
    assert np.isfinite(out[:, :8]).all()


def test_the_calmest_moment_is_found_and_a_hole_is_none(rings):
    gyr = rings[0].copy()
    first, last = 940, 1100
    speed = np.linalg.norm(straight(gyr, first - CALM, last - first + 2 * CALM + 1), axis=1)
    means = np.convolve(speed, np.ones(2 * CALM + 1), "valid")
    assert course.calmest(gyr, 0, first, last) == first + int(np.argmin(means))
    gyr[(first + np.arange(-10, 200)) & (ROWS - 1)] = np.nan
    assert course.calmest(gyr, 0, first, last) == -1


def test_the_angle_about_the_main_axis_is_that_of_the_twin(rings):
    gyr = rings[0]
    out = np.zeros(600)
    stand_search.angle_about(gyr, 0, 920, PERIOD, out)
    want = course_twin.angle_about(straight(gyr, 920, 600), PERIOD)
    np.testing.assert_allclose(out, np.sign(out[150] * want[150]) * want, atol=1e-6)


def test_extremes_alternate_and_the_first_row_is_one_only_at_rest():
    t = np.arange(500) * 0.01
    at = np.zeros(64)
    y = 0.6 * (1.0 - np.cos(2.0 * np.pi * t / 2.0))
    k = stand_search.extremes(y, at)
    np.testing.assert_allclose(at[:k], [0, 100, 200, 300, 400], atol=1)
    k = stand_search.extremes(y[40:], at)  # begins on the way: no turn there
    np.testing.assert_allclose(at[:k], [60, 160, 260, 360], atol=1)
    k = stand_search.extremes(-y[140:], at)
    np.testing.assert_allclose(at[:k], [60, 160, 260], atol=1)
    assert stand_search.extremes(0.08 * y, at) == 0


def test_carried_directions_are_those_of_the_twin_forwards_and_come_back_backwards(rings):
    gyr, acc = rings
    at, n = 930, 300
    stand = np.zeros((1, 3))
    carried.stand_at(acc, at, CALM, stand)
    v, tilt = stand.copy(), np.zeros((n, 1))
    carried.forwards(gyr, acc, at + 1, PERIOD, stand, v, tilt)
    want = course_twin.carried(
        straight(gyr, at, n + 1), straight(acc, at, n + 1), stand[0], stand[0], PERIOD, near_cos=carried.NEAR_COS,
        near_tilt=carried.NEAR_TILT, still=carried.STILL, still_s=carried.STILL_S, moving_s=carried.MOVING_S,
    )  # fmt: skip
    np.testing.assert_allclose(tilt[:, 0], want, atol=1e-6)
    before = np.zeros((250, 1))
    carried.backwards(gyr, at + 340, PERIOD, stand, before)  # some frame, taken for the stand
    assert np.isfinite(before).all()
    since = course_twin.turns(straight(gyr, at + 91, 250), PERIOD)
    u = stand[0]
    for turn in reversed(since):
        u = turn.apply(u)
    assert before[0, 0] == pytest.approx(float(np.arccos(np.clip(u @ stand[0], -1.0, 1.0))), abs=1e-6)


def test_after_a_hole_the_tilt_is_known_again_in_a_quiet_stand_only():
    n = 400
    gyr, acc = np.zeros((512, 1, 3)), np.zeros((512, 1, 3))
    acc[:, 0, 1] = 9.81
    gyr[100:150] = np.nan
    gyr[150:200, 0, 0] = 1.0  # comes back moving
    stand, v, tilt = np.array([[0.0, 1.0, 0.0]]), np.array([[0.0, 1.0, 0.0]]), np.zeros((n, 1))
    carried.forwards(gyr, acc, 1, PERIOD, stand, v, tilt)
    assert np.isfinite(tilt[:99]).all()
    assert np.isnan(tilt[99:200]).all()
    np.testing.assert_allclose(tilt[201:, 0], 0.0, atol=1e-9)
