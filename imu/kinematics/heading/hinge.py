"""Axis of a hinge from the rates of both sensors alone, and whether the joint moves as one. Once a second, off the tick.

What is left of the rate of each side square to its axis must be equally large: |ω1 x j1| = |ω2 x j2| (Seel 2012; Olsson et
al. 2020, 10.3390/s20123534). Squared, this is linear in the projectors I - j jᵀ, which gives a start without a guess.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.fusion.grid import GridBlock
from imu.fusion.quaternion import rotate_array
from imu.kinematics.heading.params import DEG
from imu.kinematics.heading.streaming import Headings
from imu.packets import Floats, Quality

RATE_HZ: Final = 12.5
"""Samples that are looked at."""
WINDOW_S: Final = 60.0
LEAST_S: Final = 8.0
"""s of motion before the first look."""
MOVING: Final = 0.1
"""rad/s, both sensors together: from here on a sample tells something."""
MEMORY_S: Final = 5.0
# it is a hinge if all of these hold for BELIEVED looks in a row; DROPPED that fail end it
SINGULAR: Final = 0.25
"""Largest ratio of the two smallest eigenvalues."""
RESIDUAL: Final = 0.08
"""Largest median residual as a share of the rms of |ω x j|."""
AXIS_SIGMA: Final = 2.0 * DEG
UPRIGHT: Final = 2.0 * DEG
"""rad, largest rms difference of the vertical parts of the axis, seen from both sides."""
SHARE: Final = 0.2
"""Least horizontal share of the axis."""
BELIEVED: Final = 10
DROPPED: Final = 3
FLIPPED: Final = 5
"""Looks for which the motion must contradict by more than 90° before the axis of one side is turned round."""
CORRELATION: Final = 10.0
"""So many samples in a row have the same error."""
_ROOT2: Final = math.sqrt(2.0)
_BAD: Final = int(Quality.FILLED | Quality.SATURATED_GYR)


@dataclass(frozen=True, slots=True, eq=False)
class HingeAxes:
    """Axis (unit, (3,)) in the frames of both sensors, up to a common sign and the sign of the second."""

    j1: Floats
    j2: Floats
    singular: float
    residual: float
    sigma: float
    """rad, of the axis."""


def _six(w: Floats) -> Floats:
    """(n, 6): the products of w wᵀ, so that (6,) · (6,) is the product of two symmetric matrices."""
    x, y, z = w.T
    return np.stack([x * x, y * y, z * z, _ROOT2 * x * y, _ROOT2 * x * z, _ROOT2 * y * z], axis=1)


def _axis_of(v: Floats) -> Floats:
    """Axis of the projector I - j jᵀ (times anything) given as (6,): the direction that it takes away."""
    a, b, c = v[3] / _ROOT2, v[4] / _ROOT2, v[5] / _ROOT2
    values, vectors = np.linalg.eigh(np.array([[v[0], a, b], [a, v[1], c], [b, c, v[2]]]))
    axis: Floats = vectors[:, int(np.argmin(np.abs(values)))].astype(np.float64)
    return axis


def _square_to(j: Floats) -> Floats:
    """(3, 2) two directions square to j and to each other."""
    u: Floats = np.cross(j, np.eye(3)[int(np.argmin(np.abs(j)))]).astype(np.float64)
    u /= math.sqrt(float(u @ u))
    return np.stack([u, np.cross(j, u)], axis=1).astype(np.float64)


def hinge_axes(w1: Floats, w2: Floats) -> HingeAxes:
    """From rates w1, w2 (n, 3) rad/s of both sensors at the same instants; n of 12 or more."""
    products = np.concatenate([_six(w1), -_six(w2)], axis=1)
    values, vectors = np.linalg.eigh(products.T @ products)
    j1, j2 = _axis_of(vectors[:6, 0]), _axis_of(vectors[6:, 0])
    scale, normal, e, n1 = 1.0, np.eye(4), np.zeros(1), np.ones(1)
    for _ in range(5):  # Gauss-Newton, Huber weights
        c1, c2 = np.cross(w1, j1), np.cross(w2, j2)
        n1, n2 = np.sqrt((c1 * c1).sum(axis=1)) + 1e-9, np.sqrt((c2 * c2).sum(axis=1)) + 1e-9
        e = n1 - n2
        t1, t2 = _square_to(j1), _square_to(j2)
        jacobian = np.concatenate([np.cross(c1, w1) / n1[:, None] @ t1, -np.cross(c2, w2) / n2[:, None] @ t2], axis=1)
        scale = max(1.48 * float(np.median(np.abs(e))), 1e-3)
        weighted = jacobian / np.maximum(1.0, np.abs(e) / (2.0 * scale))[:, None]
        normal = weighted.T @ jacobian
        normal += 1e-6 * np.trace(normal) * np.eye(4)
        step = -np.linalg.solve(normal, weighted.T @ e)
        step *= min(1.0, 0.3 / (float(np.linalg.norm(step)) + 1e-12))
        j1, j2 = j1 + t1 @ step[:2], j2 + t2 @ step[2:]
        j1, j2 = j1 / np.linalg.norm(j1), j2 / np.linalg.norm(j2)
    sigma = scale * math.sqrt(CORRELATION * float(np.linalg.inv(normal).diagonal().max()))
    residual = float(np.median(np.abs(e))) / (math.sqrt(float((n1 * n1).mean())) + 1e-9)
    return HingeAxes(j1, j2, float(values[0] / (values[1] + 1e-12)), residual, sigma)


class HingeSource:
    """Looks for the axis in the past of one joint and tells `Headings` of it.

    Parameters
    ----------
    headings : Headings
    j : int
        Joint in it, of grid rows `proximal`, `distal`.
    grid : GridBlock
        The whole recording; `look` uses what was before.
    rate_hz : float
        Of the grid.
    """

    def __init__(self, headings: Headings, j: int, grid: GridBlock, rate_hz: float) -> None:
        self._headings, self._j, self._grid, self._rate = headings, j, grid, rate_hz
        self._step = max(1, round(rate_hz / RATE_HZ))
        self._one, self._two = headings.specs[j].proximal, headings.specs[j].distal
        self._passed = self._failed = self._against = 0
        self._axes: HingeAxes | None = None

    def look(self, stop: int, delta: float, sigma: float) -> None:
        """After frame stop - 1, when the heading was delta with sigma: NaN, π if unknown."""
        begin = max(0, stop - round(WINDOW_S * self._rate))
        rows = np.arange(-(-begin // self._step) * self._step, stop, self._step)
        grid = self._grid
        known = np.isfinite(grid.q[rows][:, (self._one, self._two), 0]).all(axis=1)
        rows = rows[known & ((grid.flags[rows, self._one] | grid.flags[rows, self._two]) & _BAD == 0)]
        w1, w2 = grid.gyr[rows, self._one], grid.gyr[rows, self._two]
        moving = (w1 * w1).sum(axis=1) + (w2 * w2).sum(axis=1) > MOVING**2
        if np.count_nonzero(moving) > LEAST_S * self._rate / self._step:
            self._judge(hinge_axes(w1[moving], w2[moving]), rows, moving, stop, delta, sigma)
        if self._axes is not None:
            self._check_sign()

    def _judge(self, axes: HingeAxes, rows: np.ndarray, moving: np.ndarray, stop: int, delta: float, sigma: float) -> None:
        grid = self._grid
        v1, v2 = rotate_array(grid.q[rows, self._one], axes.j1), rotate_array(grid.q[rows, self._two], axes.j2)
        up1, up2 = v1[:, 2], v2[:, 2]
        upright = math.sqrt(min(float(((up1 - s * up2)[moving] ** 2).mean()) for s in (1.0, -1.0)))
        kept = np.exp((rows - stop) / (self._rate * MEMORY_S))
        mean = complex((kept * (v1[:, 0] + 1j * v1[:, 1]) * (v2[:, 0] - 1j * v2[:, 1])).sum())
        good = (
            axes.singular < SINGULAR and axes.residual < RESIDUAL and axes.sigma < AXIS_SIGMA and upright < UPRIGHT
            and abs(mean) / float(kept.sum()) > SHARE
        )  # fmt: skip
        self._passed, self._failed = (self._passed + 1, 0) if good else (0, self._failed + 1)
        if self._failed >= DROPPED:
            self._axes = None
            self._headings.forget_axes(self._j)
        if self._passed < BELIEVED:
            return
        # the sign of the second axis: by the heading if it is known, else by the slope of the axis
        if sigma < 45.0 * DEG:
            sign = 1.0 if math.cos(math.atan2(mean.imag, mean.real) - delta) > 0.0 else -1.0
        elif float((up1 * up1).mean()) > 0.09:
            sign = math.copysign(1.0, float((up1 * up2).sum()))
        else:
            return
        self._tell(HingeAxes(axes.j1, sign * axes.j2, axes.singular, axes.residual, axes.sigma))

    def _tell(self, axes: HingeAxes) -> None:
        self._axes = axes
        self._headings.set_axes(self._j, axes.j1, axes.j2, axes.sigma)

    def _check_sign(self) -> None:
        """The motion knows better which way round the axis is."""
        assert self._axes is not None
        seen, sigma = self._headings.evidence(self._j)
        shown, _ = self._headings.axes_heading(self._j)
        wrong = sigma < 10.0 * DEG and math.cos(seen - shown) < 0.0
        self._against = self._against + 1 if wrong else 0
        if self._against >= FLIPPED:
            a = self._axes
            self._tell(HingeAxes(a.j1, -a.j2, a.singular, a.residual, a.sigma))
            self._against = 0
