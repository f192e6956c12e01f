"""Relative orientation of two joined segments, for people who have arrays."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from imu.fusion.grid import GridBlock
from imu.fusion.quaternion import conj_array, mul_array
from imu.fusion.rates import sample_period
from imu.kinematics.heading.bridging import HOLE_ERROR, LIMITS, follow_sensor
from imu.kinematics.heading.hinge import HingeSource
from imu.kinematics.heading.params import Params
from imu.kinematics.heading.streaming import Headings, JointSpec
from imu.packets import Floats, Ints

JOINTS: Final = ("hinge", "knee", "saddle", "spherical")
MOST_MISSING: Final = 50
"""Steps for each row that is there, and an hour: more than that are times in another unit."""
_FARTHEST: Final = 2.0
"""s; a hole of more is as good as one of this length: both filters begin anew."""


def relative_orientation(
    gyr_1: ArrayLike,
    acc_1: ArrayLike,
    gyr_2: ArrayLike,
    acc_2: ArrayLike,
    rate_hz: float,
    joint: str = "spherical",
    q_1_2_start: ArrayLike | None = None,
    lever_arm_1: ArrayLike | None = None,
    lever_arm_2: ArrayLike | None = None,
    t_us: ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """Orientation of sensor 2 as sensor 1 sees it, without a magnetometer: q_1_2 (n, 4) and sigma_heading (n,) rad.

    Two VQF filters give the inclinations. The relative heading comes from the acceleration of the joint's centre, which
    both sensors must agree on, and at a hinge also from its axis; arms and axis are found on the way. Row k comes from
    rows 0..k alone, but for rows inside a hole, which are bridged afterwards.

    Parameters
    ----------
    gyr_1, gyr_2 : (n, 3) rad/s, each in its sensor's frame. NaN rows are missing samples.
    acc_1, acc_2 : (n, 3) m/s², including gravity (+g up at rest). A row that is not finite is not believed.
    rate_hz : float
        Sample rate of both.
    joint : "hinge", "knee", "saddle" or "spherical"
        At a `hinge` (mechanical) or `knee` the axis is used as soon as the data show one; at a knee it counts less.
    q_1_2_start : (4,), optional
        Relative orientation at the first sample, w, x, y, z, believed to 20° in heading. None: unknown; then rows are NaN
        until brisk motion has shown it (4 s or more).
    lever_arm_1, lever_arm_2 : (3,) m, optional
        Joint centre -> sensor, in that sensor's frame, known to 1 cm. None: found on the way.
    t_us : (n,) int µs, optional
        Time of each row, strictly increasing: missing samples of both sensors are missing rows.

    Returns
    -------
    q_1_2 : (n, 4) w, x, y, z, turns vectors of sensor 2's frame into sensor 1's. NaN = unknown.
    sigma_heading : (n,) rad, 1σ of the heading part (the inclination adds about 1.5°); π = unknown.

    Raises
    ------
    ValueError
        Shapes, rate, times or the joint are wrong.

    Sources: Weygers & Kok 2020 for the joint, Laidig et al. 2017 and Olsson et al. 2020 for the hinge.
    """
    if joint not in JOINTS:
        raise ValueError(f"relative_orientation: joint is {joint!r}; give one of {', '.join(JOINTS)}")
    dt = sample_period(rate_hz)
    arrays = [_rows(name, x) for name, x in (("gyr_1", gyr_1), ("acc_1", acc_1), ("gyr_2", gyr_2), ("acc_2", acc_2))]
    n = len(arrays[0])
    for name, x in zip(("acc_1", "gyr_2", "acc_2"), arrays[1:], strict=True):
        if len(x) != n:
            raise ValueError(f"relative_orientation: {name} has {len(x)} rows, gyr_1 {n}; both sensors need the same rows")
    number = _numbers(t_us, n, rate_hz)
    if n == 0:
        return np.zeros((0, 4)), np.zeros(0)
    total = int(number[-1]) + 1
    sensors = []
    for gyr, acc in ((arrays[0], arrays[1]), (arrays[2], arrays[3])):
        there = np.flatnonzero(np.isfinite(gyr.sum(axis=1)))
        force = acc[there]
        force[~np.isfinite(force.sum(axis=1))] = 0.0  # the rate of such a row counts, its acceleration does not
        sensors.append(follow_sensor(number[there], gyr[there], force, total, rate_hz))
    one, two = sensors
    grid = GridBlock(
        np.rint(np.arange(total) * (1e6 * dt)).astype(np.int64), np.stack([one.q, two.q], axis=1),
        np.stack([one.gyr, two.gyr], axis=1), np.stack([one.acc, two.acc], axis=1),
        np.stack([one.flags, two.flags], axis=1),
    )  # fmt: skip
    delta, sigma = np.full((total, 1), np.nan), np.full((total, 1), np.pi)
    headings = Headings([JointSpec(0, 1, joint)], rate_hz, Params(hole_error=HOLE_ERROR))
    if (lever_arm_1 is None) != (lever_arm_2 is None):
        raise ValueError("relative_orientation: give both lever arms, or none")
    if lever_arm_1 is not None and lever_arm_2 is not None:
        headings.set_arms(0, _three("lever_arm_1", lever_arm_1), _three("lever_arm_2", lever_arm_2))
    both = np.flatnonzero(np.isfinite(one.q[:, 0] + two.q[:, 0]))
    first = int(both[0]) if len(both) else 0
    headings.run(grid, 0, first, delta, sigma)
    if q_1_2_start is not None and len(both):
        headings.set_pose(0, _heading_of(grid.q[first], q_1_2_start), headings.params.start_sigma)
    hinge = HingeSource(headings, 0, grid, rate_hz) if joint in ("hinge", "knee") else None
    row = first
    while row < total:
        stop = min(total, row + round(rate_hz))
        headings.run(grid, row, stop, delta, sigma)
        if hinge is not None:
            hinge.look(stop, float(delta[stop - 1, 0]), float(sigma[stop - 1, 0]))
        row = stop
    half, zero = 0.5 * delta[number, 0], np.zeros(n)
    turn = np.stack([np.cos(half), zero, zero, np.sin(half)], axis=1)
    q = mul_array(conj_array(one.shown[number]), mul_array(turn, two.shown[number]))
    sigma_heading = np.where(np.isfinite(q[:, 0]), sigma[number, 0], np.pi)
    return q, sigma_heading


def _heading_of(q: Floats, q_1_2: ArrayLike) -> float:
    """Heading δ for which conj(q[0]) rot_z(δ) q[1] comes nearest to q_1_2: q (2, 4)."""
    try:
        start = np.asarray(q_1_2, np.float64)
    except (TypeError, ValueError) as e:
        raise ValueError(f"relative_orientation: q_1_2_start must be a unit quaternion w, x, y, z ({e})") from e
    if start.shape != (4,) or not abs(float(np.linalg.norm(start)) - 1.0) < 1e-3:
        raise ValueError("relative_orientation: q_1_2_start must be a unit quaternion w, x, y, z")
    e = mul_array(mul_array(q[0], start), conj_array(q[1]))
    return float(2.0 * np.arctan2(e[3], e[0]))


def _rows(name: str, x: ArrayLike) -> Floats:
    try:
        a = np.array(x, dtype=np.float64, order="C")
    except (TypeError, ValueError) as e:
        raise ValueError(f"relative_orientation: {name} must be an array of numbers ({e})") from e
    if a.ndim != 2 or a.shape[1] != 3:
        raise ValueError(f"relative_orientation: {name} has shape {a.shape}; give (n, 3), one sample per row")
    return a


def _three(name: str, x: ArrayLike) -> Floats:
    try:
        a = np.asarray(x, np.float64)
    except (TypeError, ValueError) as e:
        raise ValueError(f"relative_orientation: {name} must be three numbers, m ({e})") from e
    if a.shape != (3,) or not bool(np.isfinite(a).all()):
        raise ValueError(f"relative_orientation: {name} must be three numbers, m")
    return a


def _numbers(t_us: ArrayLike | None, n: int, rate_hz: float) -> Ints:
    """(n,) number of each row on a row of instants without holes (very long ones cut short)."""
    if t_us is None:
        return np.arange(n)
    t = np.asarray(t_us)
    if t.shape != (n,) or t.dtype.kind not in "iuf" or not bool(np.isfinite(t).all()):
        raise ValueError(f"relative_orientation: t_us has shape {t.shape}; give one time in µs per row, {n} of them")
    step = np.diff(t.astype(np.int64))
    if not bool((step > 0).all()):
        row = int(np.flatnonzero(step <= 0)[0]) + 1
        raise ValueError(f"relative_orientation: t_us does not increase at row {row}; sort by time, drop duplicates")
    frames = step * (rate_hz / 1e6)
    far = float(frames.sum()) > MOST_MISSING * n + 3600 * rate_hz
    if n > 1 and (far or float(frames.min()) < 0.5 or np.median(frames) > 2.0):
        raise ValueError(
            f"relative_orientation: t_us shows {np.median(step):.0f} µs between rows, rate_hz is {rate_hz}; give"
            " microseconds, and the sensors' rate"
        )
    frames = np.clip(np.rint(frames), 1, round((LIMITS.long_s + _FARTHEST) * rate_hz))
    return np.concatenate([[0], np.cumsum(frames)]).astype(np.int64)[:n]
