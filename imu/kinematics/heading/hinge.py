"""Does the joint move as a hinge, and about which axes? From the rates alone, without a start value.

Of a hinge the rates square to the axes have equal lengths: |w1|² - (w1 j1)² = |w2|² - (w2 j2)². This is linear in the
projectors I - j jᵀ, so both are in the smallest eigenvector of a moment matrix; Gauss-Newton on |w1 x j1| - |w2 x j2|
(Seel 2012; Olsson 2020) refines them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.fusion.quaternion import rotate_array
from imu.packets import Floats

HZ: Final = 12.5
WINDOW_S: Final = 60.0
LEAST_S: Final = 8.0
"""of samples with more than `LEAST_RATE` before the first try."""
LEAST_RATE: Final = 0.1
"""rad/s, both sensors together."""
MOST_EIGEN_RATIO: Final = 0.25
"""Smallest over second eigenvalue."""
MOST_RESIDUAL: Final = 0.08
"""Median residual over the rms of |w x j|."""
MOST_AXIS_SIGMA: Final = math.radians(2.0)
MOST_VERTICAL: Final = math.radians(2.0)
"""rms difference of the axis' height as both sides see it."""
LEAST_LEVEL: Final = 0.2
"""Mean horizontal share of the axis: a vertical hinge tells no heading."""
MEAN_TAU_S: Final = 5.0
BELIEVED_AFTER: Final = 10
"""Tests passed in a row, one a second; joints may move as a hinge for a while by chance."""
DROPPED_AFTER: Final = 3
CORRELATION: Final = 10.0
_ROOT2: Final = math.sqrt(2.0)


@dataclass(frozen=True, slots=True, eq=False)
class HingeFit:
    """Axes (3,) in both sensor frames, and how well the motion fits them."""

    j1: Floats
    j2: Floats
    eigen_ratio: float
    residual: float
    axis_sigma: float

    @property
    def is_hinge(self) -> bool:
        good = self.eigen_ratio < MOST_EIGEN_RATIO and self.residual < MOST_RESIDUAL
        return good and self.axis_sigma < MOST_AXIS_SIGMA


@dataclass(frozen=True, slots=True)
class HingeHeading:
    """What the hinge says of the heading, up to the sign of an axis."""

    fit: HingeFit
    heading: float
    """rad, for axes of equal sense."""
    level: float
    vertical: float
    """rad, rms difference of heights."""
    same_sense: int
    """1 or -1: whether the heights say that the axes point the same way; 0 = they do not say."""

    @property
    def usable(self) -> bool:
        return self.fit.is_hinge and self.vertical < MOST_VERTICAL and self.level > LEAST_LEVEL

    def variance(self, floor: float) -> float:
        """rad² of the heading."""
        return (floor**2 + (2.0 * self.fit.axis_sigma) ** 2 + self.vertical**2) / self.level


def _squares(w: Floats) -> Floats:
    x, y, z = w.T
    return np.stack([x * x, y * y, z * z, _ROOT2 * x * y, _ROOT2 * x * z, _ROOT2 * y * z], axis=1)


def _axis(v: Floats) -> Floats:
    """Of a projector I - j jᵀ (times any factor) in the six components of `_squares`: the direction it takes away."""
    m = np.array([[v[0], v[3] / _ROOT2, v[4] / _ROOT2], [0.0, v[1], v[5] / _ROOT2], [0.0, 0.0, v[2]]])
    values, vectors = np.linalg.eigh(m, UPLO="U")
    return vectors[:, int(np.argmin(np.abs(values)))]


def _square_to(j: Floats) -> Floats:
    """(3, 2) two directions square to j."""
    helper = np.zeros(3)
    helper[int(np.argmin(np.abs(j)))] = 1.0
    a = np.cross(helper, j)
    a /= math.sqrt(float(a @ a))
    return np.stack([a, np.cross(j, a)], axis=1)


def fit_hinge(w1: Floats, w2: Floats, steps: int = 5) -> HingeFit:
    """Axes from rates (n, 3) rad/s of both sensors, of samples in motion."""
    rows = np.concatenate([_squares(w1), -_squares(w2)], axis=1)
    values, vectors = np.linalg.eigh(rows.T @ rows)
    j1, j2 = _axis(vectors[:6, 0]), _axis(vectors[6:, 0])
    sigma, residual, rms = 1e-3, np.zeros(len(w1)), 1.0
    normal = np.eye(4)
    for _ in range(steps):
        c1, c2 = np.cross(w1, j1), np.cross(w2, j2)
        n1, n2 = np.sqrt(np.sum(c1 * c1, axis=1)) + 1e-9, np.sqrt(np.sum(c2 * c2, axis=1)) + 1e-9
        residual, rms = n1 - n2, math.sqrt(float(np.mean(n1 * n1)))
        t1, t2 = _square_to(j1), _square_to(j2)
        jacobian = np.concatenate([np.cross(c1, w1) / n1[:, None] @ t1, -np.cross(c2, w2) / n2[:, None] @ t2], axis=1)
        sigma = max(1.48 * float(np.median(np.abs(residual))), 1e-3)
        weight = 1.0 / np.maximum(1.0, np.abs(residual) / (2.0 * sigma))
        weighted = jacobian * weight[:, None]
        normal = weighted.T @ jacobian
        normal += 1e-6 * float(np.trace(normal)) * np.eye(4)
        change = -np.linalg.solve(normal, weighted.T @ residual)
        change *= min(1.0, 0.3 / (math.sqrt(float(change @ change)) + 1e-12))
        j1, j2 = j1 + t1 @ change[:2], j2 + t2 @ change[2:]
        j1, j2 = j1 / math.sqrt(float(j1 @ j1)), j2 / math.sqrt(float(j2 @ j2))
    axis_sigma = sigma * math.sqrt(CORRELATION * float(np.diag(np.linalg.inv(normal)).max()))
    return HingeFit(
        j1, j2, float(values[0] / (values[1] + 1e-12)), float(np.median(np.abs(residual))) / (rms + 1e-9), axis_sigma
    )


def hinge_heading(q1: Floats, q2: Floats, w1: Floats, w2: Floats, age_s: Floats) -> HingeHeading | None:
    """From the window's samples, oldest first: orientations (n, 4), rates (n, 3), age of each (n,) s; None = too little
    motion."""
    moving = np.sum(w1 * w1, axis=1) + np.sum(w2 * w2, axis=1) > LEAST_RATE**2
    if int(moving.sum()) <= LEAST_S * HZ:
        return None
    fit = fit_hinge(w1[moving], w2[moving])
    v1, v2 = rotate_array(q1, fit.j1), rotate_array(q2, fit.j2)
    apart = min(math.sqrt(float(np.mean((v1[moving, 2] - s * v2[moving, 2]) ** 2))) for s in (1.0, -1.0))
    keep = np.exp(-age_s / MEAN_TAU_S)
    z = complex(np.sum(keep * (v1[:, 0] + 1j * v1[:, 1]) * (v2[:, 0] - 1j * v2[:, 1])))
    upright = math.sqrt(float(np.mean(v1[:, 2] ** 2))) > 0.3
    sense = (1 if float(np.sum(v1[:, 2] * v2[:, 2])) > 0.0 else -1) if upright else 0
    return HingeHeading(fit, math.atan2(z.imag, z.real), abs(z) / float(keep.sum()), apart, sense)
