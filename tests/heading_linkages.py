"""Two joined sensors on the grid, each with a heading of its own, and the relative heading that is true at every frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from imu.bench.linkage import Linkage, synthetic_linkage
from imu.fusion import orientation
from imu.fusion.grid import GridBlock
from imu.fusion.quaternion import conj_array, mul_array
from imu.kinematics.heading import Headings, JointSpec
from imu.packets import Quality

DEG = np.pi / 180


@dataclass(frozen=True)
class OnGrid:
    grid: GridBlock
    delta: np.ndarray
    """(m,) rad."""
    rate_hz: float


def turned_by(heading: float) -> np.ndarray:
    return np.array([np.cos(heading / 2), 0.0, 0.0, np.sin(heading / 2)])


def wrapped(angle):
    return (np.asarray(angle) + np.pi) % (2 * np.pi) - np.pi


def true_heading(q1: np.ndarray, q2: np.ndarray, q_1_2: np.ndarray) -> np.ndarray:
    e = mul_array(mul_array(q1, q_1_2), conj_array(q2))
    return wrapped(2 * np.arctan2(e[..., 3], e[..., 0]))


def on_grid(linkage: Linkage, heading: float = 1.0, common: float = 0.0) -> OnGrid:
    """`heading`: of the second earth frame in the first one, about; `common`: turns both."""
    q1 = mul_array(turned_by(common), orientation(linkage.gyr_1, linkage.acc_1, linkage.rate_hz))
    q2 = mul_array(turned_by(common - heading), orientation(linkage.gyr_2, linkage.acc_2, linkage.rate_hz))
    q = np.stack([q1, q2], axis=1)
    grid = GridBlock(
        (np.arange(len(q)) * round(1e6 / linkage.rate_hz)).astype(np.int64), q,
        np.stack([linkage.gyr_1, linkage.gyr_2], axis=1), np.stack([linkage.acc_1, linkage.acc_2], axis=1),
        np.zeros((len(q), 2), np.uint16),
    )  # fmt: skip
    return OnGrid(grid, true_heading(q1, q2, linkage.q_1_2), linkage.rate_hz)


def linked(joint: str = "spherical", seconds: float = 40.0, seed: int = 1, **changes: float) -> OnGrid:
    return on_grid(synthetic_linkage(joint, seconds, 100.0, seed), **changes)


def part(grid: GridBlock, rows: slice) -> GridBlock:
    return GridBlock(grid.t_us[rows], grid.q[rows], grid.gyr[rows], grid.acc[rows], grid.flags[rows])


def damaged(grid: GridBlock, rows: slice, sensor: int, flags: int, *, unknown: bool) -> GridBlock:
    """Some frames of a sensor get flags, and are unknown if asked."""
    q, gyr, acc = grid.q.copy(), grid.gyr.copy(), grid.acc.copy()
    bits = grid.flags.copy()
    bits[rows, sensor] |= flags
    if unknown:
        q[rows, sensor], gyr[rows, sensor], acc[rows, sensor] = np.nan, np.nan, np.nan
    return replace(grid, q=q, gyr=gyr, acc=acc, flags=bits)


def restarted(on: OnGrid, rows: slice, sensor: int, heading: float) -> OnGrid:
    """The sensor is settling in these frames, and comes back with a heading that differs by `heading`."""
    grid = damaged(on.grid, rows, sensor, int(Quality.SETTLING), unknown=True)
    q = grid.q.copy()
    q[rows.stop :, sensor] = mul_array(turned_by(heading), q[rows.stop :, sensor])
    delta = on.delta.copy()
    delta[rows.stop :] += heading if sensor == 0 else -heading
    return OnGrid(replace(grid, q=q), wrapped(delta), on.rate_hz)


def followed(headings: Headings, grid: GridBlock, start: int = 0, stop: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """delta, sigma (k, J) of these frames."""
    stop = len(grid) if stop is None else stop
    joints = len(headings.specs)
    delta, sigma = np.full((len(grid), joints), np.nan), np.full((len(grid), joints), np.nan)
    headings.run(grid, start, stop, delta, sigma)
    return delta[start:stop], sigma[start:stop]


def one_joint(kind: str = "spherical", rate_hz: float = 100.0) -> Headings:
    return Headings([JointSpec(0, 1, kind)], rate_hz)
