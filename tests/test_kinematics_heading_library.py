"""`imu.kinematics.relative_orientation` as somebody with arrays meets it."""

from __future__ import annotations

import numpy as np
import pytest

from imu.bench.linkage import Linkage, synthetic_linkage
from imu.fusion.quaternion import angle_array
from imu.kinematics import relative_orientation

DEG = np.pi / 180
RATE = 100.0
START_WRONG = 20 * DEG


@pytest.fixture(scope="module")
def spherical() -> Linkage:
    return synthetic_linkage("spherical", 60.0, RATE, 1)


@pytest.fixture(scope="module")
def hinge() -> Linkage:
    return synthetic_linkage("hinge", 60.0, RATE, 5, drift=0.3 * DEG, push=0.1)


def found(linkage, rows=slice(None), joint=None, lost=(), **options):
    """q, sigma; `lost`: for each sensor, rows that are NaN."""
    arrays = [x[rows].copy() for x in (linkage.gyr_1, linkage.acc_1, linkage.gyr_2, linkage.acc_2)]
    for sensor, bad in enumerate(lost):
        arrays[2 * sensor][bad] = np.nan
        arrays[2 * sensor + 1][bad] = np.nan
    return relative_orientation(*arrays, RATE, joint or linkage.joint, **options)


def off_deg(linkage, q, rows=slice(None)):
    return angle_array(linkage.q_1_2[rows], q) / DEG


def rmse(errors):
    return float(np.sqrt(np.nanmean(errors**2)))


@pytest.mark.parametrize("joint", ["saddle", "spherical"])
def test_a_wrong_start_is_put_right(spherical, joint):
    q, sigma = found(spherical, joint=joint, q_1_2_start=spherical.start(START_WRONG))
    assert np.isfinite(q).all()
    np.testing.assert_allclose(np.linalg.norm(q, axis=1), 1.0, atol=1e-9)
    errors = off_deg(spherical, q)
    assert 15.0 < errors[5] < 25.0  # it is believed at first
    assert abs(sigma[5] - 20 * DEG) < 2 * DEG
    assert rmse(errors[2000:]) < 2.5


def test_the_axis_of_a_hinge_helps(hinge):
    start = hinge.start(START_WRONG)
    with_axis, surer = found(hinge, q_1_2_start=start)
    knee, _ = found(hinge, joint="knee", q_1_2_start=start)
    without, sigma = found(hinge, joint="spherical", q_1_2_start=start)
    late = slice(3000, None)
    a, b, c = (rmse(off_deg(hinge, q)[late]) for q in (with_axis, knee, without))
    assert a < 1.5
    assert a <= b + 0.05
    assert b <= c + 0.05
    assert surer[late].mean() < 1.15 * sigma[late].mean()  # the axis alone is told to 2.5°


def test_without_a_start_it_is_unknown_until_the_motion_shows_it(spherical):
    q, sigma = found(spherical)
    known = np.isfinite(q[:, 0])
    assert not known[:400].any()
    assert (sigma[~known] == np.pi).all()
    assert known[2000:].all()
    assert rmse(off_deg(spherical, q)[2000:]) < 2.5


def test_no_row_looks_ahead(spherical):
    lost = (np.r_[400:405, 1195:1199], np.r_[800:804])
    start = spherical.start(START_WRONG)
    whole, sigma = found(spherical, lost=lost, q_1_2_start=start)
    for stop in (407, 1201, 1737):  # two rows after a hole as well
        rows = slice(0, stop)
        cut, cut_sigma = found(spherical, rows, lost=[r[r < stop] for r in lost], q_1_2_start=start)
        there = np.setdiff1d(np.arange(stop), np.concatenate(lost))
        np.testing.assert_array_equal(cut[there], whole[there])
        np.testing.assert_array_equal(cut_sigma[there], sigma[there])


def test_lost_samples_may_be_nan_rows_or_missing_rows(spherical):
    lost = np.r_[300:310, 320:321, 900:905, 1500:1560]
    there = np.setdiff1d(np.arange(len(spherical)), lost)
    t_us = (there * 10_000).astype(np.int64)
    start = spherical.start(START_WRONG)
    nan_rows, nan_sigma = found(spherical, lost=(lost, lost), q_1_2_start=start)
    rows, sigma = found(spherical, there, t_us=t_us, q_1_2_start=start)
    np.testing.assert_array_equal(rows, nan_rows[there])
    np.testing.assert_array_equal(sigma, nan_sigma[there])
    short = np.r_[300:310, 320:321, 900:905]
    assert np.isfinite(nan_rows[short]).all()  # bridged


def test_bursts_of_loss_cost_little(spherical):
    rng = np.random.default_rng(2)
    lost = []
    for _ in range(2):
        starts = rng.integers(10, len(spherical) - 10, 30)
        lost.append(np.unique(np.concatenate([np.arange(s, s + 10) for s in starts])))
    q, sigma = found(spherical, lost=lost, q_1_2_start=spherical.start(START_WRONG))
    whole, whole_sigma = found(spherical, q_1_2_start=spherical.start(START_WRONG))
    assert np.isfinite(q).all()
    assert rmse(off_deg(spherical, q)[2000:]) < rmse(off_deg(spherical, whole)[2000:]) + 1.0
    assert sigma[2000:].mean() > whole_sigma[2000:].mean()


def test_after_a_long_hole_it_is_known_again(spherical):
    hole = slice(1200, 1270)
    q, sigma = found(spherical, lost=(hole,), q_1_2_start=spherical.start(0.0))
    assert np.isnan(q[1200:1500]).all()
    assert (sigma[1200:1500] == np.pi).all()
    assert np.isfinite(q[3600:]).all()
    assert rmse(off_deg(spherical, q)[3600:]) < 3.0


def test_arms_go_from_the_joint_to_the_sensor(spherical):
    """Told, they make the first seconds better; told the wrong way round, much worse."""
    start = spherical.start(START_WRONG)
    right, _ = found(spherical, q_1_2_start=start, lever_arm_1=(0.12, 0.03, -0.02), lever_arm_2=(-0.15, 0.02, 0.03))
    wrong, _ = found(spherical, q_1_2_start=start, lever_arm_1=(-0.12, -0.03, 0.02), lever_arm_2=(0.15, -0.02, -0.03))
    early = slice(300, 800)
    assert rmse(off_deg(spherical, right)[early]) < 4.0
    assert rmse(off_deg(spherical, wrong)[early]) > 2 * rmse(off_deg(spherical, right)[early])


def test_an_acceleration_that_is_no_number_is_not_believed(spherical):
    acc = spherical.acc_1.copy()
    acc[500:503] = np.nan
    q, _ = relative_orientation(
        spherical.gyr_1, acc, spherical.gyr_2, spherical.acc_2, RATE, q_1_2_start=spherical.start(0.0)
    )
    assert np.isfinite(q).all()
    assert rmse(off_deg(spherical, q)[2000:]) < 2.5


def test_nothing_gives_nothing_and_a_sensor_that_is_never_there_gives_nan():
    q, sigma = relative_orientation(*[np.zeros((0, 3))] * 4, RATE)
    assert q.shape == (0, 4)
    assert sigma.shape == (0,)
    there, gone = np.full((80, 3), 1.0), np.full((80, 3), np.nan)
    q, sigma = relative_orientation(there, there, gone, gone, RATE, q_1_2_start=(1, 0, 0, 0))
    assert np.isnan(q).all()
    assert (sigma == np.pi).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joint": "elbow"}, "hinge, knee"),
        ({"rate_hz": 0.0}, "rate_hz"),
        ({"acc_2": np.zeros((9, 3))}, "acc_2 has 9 rows"),
        ({"gyr_1": np.zeros((10, 2))}, r"gyr_1 has shape \(10, 2\)"),
        ({"t_us": np.zeros(10, np.int64)}, "does not increase at row 1"),
        ({"t_us": np.arange(9)}, "one time in µs per row"),
        ({"t_us": np.arange(10) * 10}, "give microseconds"),
        ({"t_us": np.arange(10) * 10_000_000}, "give microseconds"),
        ({"q_1_2_start": (1, 1, 0, 0)}, "unit quaternion"),
        ({"q_1_2_start": "north"}, "unit quaternion"),
        ({"acc_1": "up"}, "acc_1 must be an array of numbers"),
        ({"lever_arm_1": "long", "lever_arm_2": (1, 2, 3)}, "lever_arm_1 must be three numbers"),
        ({"lever_arm_1": (1, 2), "lever_arm_2": (1, 2, 3)}, "lever_arm_1"),
        ({"lever_arm_1": (1, 2, 3)}, "both"),
    ],
)
def test_wrong_input_is_refused_with_what_to_do(changes, message):
    arguments = {name: np.full((10, 3), 1.0) for name in ("gyr_1", "acc_1", "gyr_2", "acc_2")} | {"rate_hz": RATE}
    with pytest.raises(ValueError, match=message):
        relative_orientation(**(arguments | changes))
