"""The calibration from a whole recording, when the headings between neighbours are known from both directions of time."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.config import Setup
from imu.errors import CalibrationError
from imu.fusion.grid import GridBlock
from imu.fusion.quaternion import conj_array, mul_array, rotate_array
from imu.kernels import kernel
from imu.kinematics.calibration import movement, posture, stand
from imu.kinematics.calibration.axes import apart
from imu.kinematics.calibration.calibration import Calibration
from imu.kinematics.calibration.fit import Fit
from imu.kinematics.calibration.fronts import Standing
from imu.kinematics.calibration.joints import joints_of
from imu.kinematics.calibration.layout import Sums
from imu.kinematics.calibration.quiet import quiet_run
from imu.kinematics.calibration.start import take_stand
from imu.kinematics.heading import JointSpec
from imu.kinematics.layout import Records
from imu.packets import Floats, Ints

STILL: Final = 0.25
"""rad/s of every sensor, smoothed: a rest."""
REST_S: Final = 1.0
SAME_POSE: Final = math.radians(6.0)
"""of up in every sensor: a rest in which the person stands as in the stand."""
STANCE_VARIES: Final = math.radians(3.0)
"""rad. How differently one joint is turned about the vertical from stand to stand."""


@kernel
def stand_frames(
    first: int, last: int, q: Floats, gyr: Floats, acc: Floats, flags: NDArray[np.uint16], dt: float, sensors: Records
) -> None:  # fmt: skip
    """Sums over the frames first..last of a stand."""
    stand.forget_run(sensors)
    for row in range(first, last):
        stand.watch(row, q, gyr, flags, dt, row == first, sensors)
        stand.gather(row, q, acc, sensors)


@kernel
def move_frames(
    t_us: Ints, q: Floats, gyr: Floats, acc: Floats, flags: NDArray[np.uint16], dt: float,
    search: Records, sensors: Records, joints: Records, own: Floats, relative: Floats, history: Floats,
) -> None:  # fmt: skip
    """Sums over all frames."""
    for row in range(len(t_us)):
        search[0]["t"] = t_us[row]
        stand.watch(row, q, gyr, flags, dt, False, sensors)
        movement.move(row, q, gyr, acc, flags, dt, search, sensors, joints, own, relative, history)


def calibrate_whole(
    grid: GridBlock, setup: Setup, delta: Floats, sigma: Floats, stand_us: tuple[int, int]
) -> Calibration:  # fmt: skip
    """Axes from everything that moved in a recording, relative to one stand.

    Parameters
    ----------
    grid : GridBlock
        All frames of it.
    setup : Setup
    delta, sigma : (m, J) rad
        Heading of every joint (`joints_of` the setup's segments, that order) at every frame, and its 1σ; NaN, or sigma of
        pi and more = unknown. They are believed: angles are to be made with the same ones.
    stand_us : (start, end)
        Session time of the stand, as the live search found it.

    Returns
    -------
    Calibration
        `joints` holds delta in the stand: its mean there, corrected by how the person stood in later rests, where it is
        mostly known better (before the first motion it is extrapolated).

    Raises
    ------
    CalibrationError
        If nothing was known in the stand.
    """
    names, serials = [s.segment for s in setup.sensors], [s.sensor for s in setup.sensors]
    joints, dt = joints_of(names), 1.0 / setup.grid_hz
    sums = Sums.empty(names, [(k.proximal, k.distal, k.kind == "knee") for k in joints])
    first, last = (int(np.searchsorted(grid.t_us, t)) for t in stand_us)
    # with every sensor's earth frame turned to that of the sensor above it, all headings are zero
    heading = np.zeros((len(grid), len(names)))
    at_stand = np.full((len(joints), 2), (math.nan, math.inf))
    known = np.isfinite(delta) & (sigma < math.pi)
    for k, joint in enumerate(joints):
        heading[:, joint.distal] = heading[:, joint.proximal] + np.where(known[:, k], delta[:, k], 0.0)
        inside = known[first:last, k]
        if inside.any():
            there = delta[first:last, k][inside]
            at_stand[k] = math.atan2(np.sin(there).sum(), np.cos(there).sum()), float(np.mean(sigma[first:last, k][inside]))
    turn = np.zeros((*heading.shape, 4))
    turn[..., 0], turn[..., 3] = np.cos(0.5 * heading), np.sin(0.5 * heading)
    q = np.ascontiguousarray(mul_array(turn, grid.q))

    stand_frames(first, last, q, grid.gyr, grid.acc, grid.flags, dt, sums.sensors)
    quiet = quiet_run(names, sums.sensors)
    if not any(quiet.fits):
        raise CalibrationError(quiet.complaint or f"no sensor was known in the stand {stand_us}; name another one")
    take_stand(sums.sensors, quiet)
    _share_the_rests(grid, q, sums, joints, at_stand, sigma, first, last)
    kept = (sums.search, sums.sensors, sums.joints, sums.own, sums.relative, sums.history)
    movement.forget_movement(dt, *kept)
    move_frames(grid.t_us, q, grid.gyr, grid.acc, grid.flags, dt, *kept)
    for s in sums.sensors:
        s["turned"] = 0  # restarts are in delta

    def evidence(k: int) -> tuple[float, float]:
        return (0.0, float(at_stand[k, 1])) if np.isfinite(at_stand[k, 0]) else (math.nan, math.inf)

    standing = Standing(stand_us, quiet.acc, quiet.spread)
    fit = Fit(names, serials, sums, joints, evidence, standing, dt, trusted=True)
    found = fit.found(at_stand[:, 0])
    whole_us = int(grid.t_us[0]), int(grid.t_us[-1])
    cycles = int(sums.sensors["cycles"].max())
    return Calibration(stand_us, whole_us, cycles, found.segments, found.joints, posture.kind_of(sums))


def _share_the_rests(
    grid: GridBlock, q: Floats, sums: Sums, joints: tuple[JointSpec, ...], at_stand: Floats, sigma: Floats,
    first: int, last: int,
) -> None:  # fmt: skip
    """Correct delta of the stand (J, 2), and the headings of the stand, by the other rests in the same pose.

    q (m, S, 4): headings as believed, so that a joint in the same pose is turned by nothing. What it is turned by is the
    error at the stand, but for the error there (slow: one for all rests) and how differently people stand.
    """
    rests = [r for r in _rests(grid, sums) if r[1] <= first or r[0] >= last]
    off = np.zeros(len(q[0]))
    stands = [np.array(s["turn"]).reshape(3, 3) for s in sums.sensors]
    for k, joint in enumerate(joints):
        off[joint.distal] += off[joint.proximal]
        turned, unsure = [], []
        for a, b in rests:
            yaw = [_turned(stands[j], q[a:b, j]) for j in (joint.proximal, joint.distal)]
            spread = float(np.mean(sigma[a:b, k]))
            if math.isfinite(yaw[0] + yaw[1]) and spread < math.pi:
                turned.append(apart(yaw[1], yaw[0]))
                unsure.append(spread)
        if not turned or not math.isfinite(at_stand[k, 0]):
            continue
        variance = float(np.mean(np.square(unsure))) + STANCE_VARIES**2 / len(turned)
        mine = float(at_stand[k, 1]) ** 2
        correction = mine / (mine + variance) * float(np.median(turned))
        at_stand[k] = at_stand[k, 0] + correction, math.sqrt(mine * variance / (mine + variance))
        off[joint.distal] += correction
    for s, angle in zip(sums.sensors, off, strict=True):
        c, sine = math.cos(angle), math.sin(angle)
        turn = np.array([[c, -sine, 0.0], [sine, c, 0.0], [0.0, 0.0, 1.0]]) @ np.array(s["turn"]).reshape(3, 3)
        s["turn"] = turn.reshape(9)


def _rests(grid: GridBlock, sums: Sums) -> list[tuple[int, int]]:
    """[first, last) of all rests in the pose of the stand."""
    used = [j for j, s in enumerate(sums.sensors) if s["used"]]
    ups = np.stack([np.array(sums.sensors[j]["up"]) for j in used])
    up = rotate_array(conj_array(grid.q[:, used]), np.array([0.0, 0.0, 1.0]))
    rate = np.linalg.norm(grid.gyr[:, used], axis=2).max(axis=1)
    upright = np.sum(up * ups, axis=2).min(axis=1) > math.cos(SAME_POSE)
    still = np.concatenate([[False], upright & (rate < STILL), [False]])  # NaN is not still
    edges = np.flatnonzero(still[1:] != still[:-1])
    least = REST_S * 1e6
    return [(a, b) for a, b in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
            if grid.t_us[b - 1] - grid.t_us[a] >= least]  # fmt: skip


def _turned(stand: Floats, q: Floats) -> float:
    """rad about the vertical from the mean orientation of the stand (3, 3) to those of a rest (n, 4)."""
    x, y = (np.nanmean(rotate_array(q, axis), axis=0) for axis in np.eye(3)[:2])
    turn = np.stack([x, y, np.cross(x, y)], axis=1) @ stand.T
    return math.atan2(float(turn[1, 0] - turn[0, 1]), float(turn[0, 0] + turn[1, 1]))
