"""Directions in the plane square to up: principal axes, how sure they are, and headings that agree."""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.packets import Floats

FEWEST_BLOCKS: Final = 4
OFF_PLANE: Final = 0.5
LEAST_SHARE: Final = 0.01
"""of the movement in a block that counts as one."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A line in the plane a, b."""

    angle: float
    """rad from a towards b; the line has no sense of direction."""
    share: float
    """Second principal value over the first: 0 = one axis only."""
    sigma: float
    """rad, how far it would be off in another movement like this one."""

    @property
    def of_its_own(self) -> float:
        """rad, 1σ as the axis of a joint, where it comes from the segment's own rate.

        What turned about the other axis may be that joint's neighbours as well as chance: own axes of simulated marching
        shanks (share 0.1 to 0.3) were 14° off, those of squats (0.02) 5°.
        """
        return math.hypot(self.sigma, OFF_PLANE * math.atan(math.sqrt(self.share)))


@dataclass(frozen=True, slots=True)
class Heading:
    """A direction about the vertical, and how sure it is."""

    angle: float
    sigma: float
    """rad; infinite = unknown."""

    @property
    def known(self) -> bool:
        return self.sigma < MOST_SIGMA


MOST_SIGMA: Final = math.radians(20.0)
"""rad. A heading less sure than this is not used: a frame would be turned about the limb by as much."""
UNKNOWN_HEADING: Final = Heading(math.nan, math.inf)


def principal(moments: Floats) -> tuple[float, float]:
    """First principal direction and ratio of the principal values of second moments aa, ab, bb."""
    aa, ab, bb = (float(x) for x in moments)
    middle, radius = 0.5 * (aa + bb), math.hypot(0.5 * (aa - bb), ab)
    share = (middle - radius) / (middle + radius) if middle + radius > 0.0 else 1.0
    return 0.5 * math.atan2(2.0 * ab, aa - bb), max(0.0, share)


def axis_of(blocks: Floats, path: float) -> Axis:
    """From second moments by block, (n, 3).

    The deviation is that of the jackknife over the blocks: of a real knee 1.2° from a minute of landings, as the bootstrap
    said. Too few blocks for it: as many independent looks as half radians turned (`path`, rad).
    """
    total = blocks.sum(axis=0)
    angle, share = principal(total)
    weights = blocks[:, 0] + blocks[:, 2]
    used = np.flatnonzero(weights > LEAST_SHARE * weights.sum())
    looks = math.sqrt(share / max(1.0, 2.0 * path))
    if len(used) < FEWEST_BLOCKS:
        return Axis(angle, share, looks)
    apart = np.array([principal(total - blocks[k])[0] - angle for k in used])
    apart = 0.5 * np.arctan2(np.sin(2.0 * apart), np.cos(2.0 * apart))
    n = len(used)
    return Axis(angle, share, math.sqrt((n - 1) / n * float(apart @ apart)))


def fused(headings: Sequence[Heading]) -> Heading:
    """Mean of those that are known, weighted by 1/sigma²; no surer than they agree."""
    known = [h for h in headings if h.known]
    if not known:
        return UNKNOWN_HEADING
    weights = [1.0 / h.sigma**2 for h in known]
    mean = sum(w * cmath.rect(1.0, h.angle) for w, h in zip(weights, known, strict=True)) / sum(weights)
    angle = cmath.phase(mean)
    spread = sum(w * apart(h.angle, angle) ** 2 for w, h in zip(weights, known, strict=True)) / sum(weights)
    return Heading(angle, math.sqrt(max(1.0 / sum(weights), spread)))


def apart(one: float, two: float) -> float:
    """one - two, in -pi..pi."""
    return math.remainder(one - two, 2.0 * math.pi)


def directions_square_to(up: Floats) -> tuple[Floats, Floats]:
    """Two unit directions a, b with a x b = up; (3,) each."""
    helper = np.zeros(3)
    helper[int(np.argmin(np.abs(up)))] = 1.0
    a = np.cross(helper, up)
    a /= math.sqrt(float(a @ a))
    return a, np.cross(up, a)


def quaternion_of(turn: Floats) -> tuple[float, float, float, float]:
    """w, x, y, z of a (3, 3) rotation matrix, w >= 0."""
    m = turn.tolist()
    squares = [
        1.0 + m[0][0] + m[1][1] + m[2][2],
        1.0 + m[0][0] - m[1][1] - m[2][2],
        1.0 - m[0][0] + m[1][1] - m[2][2],
        1.0 - m[0][0] - m[1][1] + m[2][2],
    ]
    k = max(range(4), key=lambda i: squares[i])
    r = 0.5 * math.sqrt(squares[k])
    f = 0.25 / r
    if k == 0:
        q = (r, (m[2][1] - m[1][2]) * f, (m[0][2] - m[2][0]) * f, (m[1][0] - m[0][1]) * f)
    elif k == 1:
        q = ((m[2][1] - m[1][2]) * f, r, (m[0][1] + m[1][0]) * f, (m[0][2] + m[2][0]) * f)
    elif k == 2:
        q = ((m[0][2] - m[2][0]) * f, (m[0][1] + m[1][0]) * f, r, (m[1][2] + m[2][1]) * f)
    else:
        q = ((m[1][0] - m[0][1]) * f, (m[0][2] + m[2][0]) * f, (m[1][2] + m[2][1]) * f, r)
    sign = -1.0 if q[0] < 0.0 else 1.0
    return (sign * q[0], sign * q[1], sign * q[2], sign * q[3])


def matrix_of(q: Sequence[float]) -> Floats:
    """(3, 3) of w, x, y, z."""
    w, x, y, z = q
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
