"""Where the segments of a leg went in one repetition, against the tilt of its thigh: gravity once, then the gyroscope.

No calibration is needed. In the rest before the repetition the accelerometer shows where up is; from there on the
gyroscope alone says where that direction of the segment points. A constant error of the accelerometer, of the mounting or
of an axis is a function of the pose only, so it is the same on the way down and up. What is kept are directions in the
sensor's own frame at that rest: an axis is needed to compare them, not to collect them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.conventions import SIDES, Side, segment_of
from imu.feedback.motion import ROWS, Motion
from imu.feedback.records import DEPTHS
from imu.fusion.quaternion import rotate, turned
from imu.kernels import kernel
from imu.packets import Floats, Ints

PELVIS, THIGH, SHANK = 0, 1, 2
"""Rows of a course."""
REST_S: Final = 1.5
"""s before the start of a repetition in which the calmest moment is looked for."""
CALM: Final = 4
"""Frames on both sides of it that are averaged: 90 ms."""
INTO: Final = 10
"""Frames into the movement: without a pause the top is where it turns."""
DEEPEST_SHARE: Final = 0.9
"""of the peak tilt: above it, down and up are one turn and nothing can be told apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """One leg in one repetition; rows pelvis, thigh, shank. NaN = not worn, not reached or not known."""

    number: int
    """Of the repetition."""
    side: Side
    t_rest_us: int
    """Middle of the rest that it starts from."""
    t_deepest_us: int
    peak: float
    """rad, largest tilt of the thigh away from that rest."""
    rest: Floats
    """(3, 3) what points up at the rest, unit vector in the sensor's frame."""
    path: Floats
    """(3, 2, 11, 3) the same direction of the segment on the way down and up at `DEPTHS` of thigh tilt, in the
    frame of the sensor as it was at the rest."""
    deepest: Floats
    """(3, 3) where the thigh is tilted most."""
    turning: Floats
    """(3, 3, 3) rad²/s, ∫ω ωᵀ dt over the repetition: its first principal axis is what the segment turned about."""

    @property
    def pelvis_tilt(self) -> float:
        """rad, unsigned, where the thigh is tilted most; NaN without a pelvis sensor."""
        return angle_between(self.deepest[PELVIS], self.rest[PELVIS])


def angle_between(a: Floats, b: Floats) -> float:
    """Angle between two directions, rad."""
    return math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))


@kernel
def calmest(gyr: Floats, j: int, first: int, last: int) -> int:
    """Number of the frame first .. last around which sensor j turned least, over 2 CALM + 1 frames; -1 = none is known."""
    mask = gyr.shape[0] - 1
    found, least = -1, np.inf
    for i in range(first, last + 1):
        total = 0.0
        for k in range(i - CALM, i + CALM + 1):
            w = gyr[k & mask, j]
            total += math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
        if total < least:
            found, least = i, total
    return found


@kernel
def follow(
    gyr: Floats, acc: Floats, j: int, at: int, period_s: float, rest: Floats, path: Floats, turning: Floats
) -> None:
    """Carry up, as sensor j shows it around frame `at`, along with the sensor: rest (3,), path (n, 3), turning (3, 3)."""
    mask = gyr.shape[0] - 1
    rest[:] = 0.0
    for k in range(at - CALM, at + CALM + 1):
        rest += acc[k & mask, j]
    rest /= math.sqrt(rest[0] * rest[0] + rest[1] * rest[1] + rest[2] * rest[2])
    q = (1.0, 0.0, 0.0, 0.0)
    path[0] = rest
    turning[:] = 0.0
    for i in range(1, path.shape[0]):
        a, b = gyr[(at + i - 1) & mask, j], gyr[(at + i) & mask, j]
        q = turned(q, 0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1]), 0.5 * (a[2] + b[2]), period_s)
        path[i, 0], path[i, 1], path[i, 2] = rotate(q, rest)
        for x in range(3):
            for y in range(3):
                turning[x, y] += b[x] * b[y] * period_s


@kernel
def tilts(path: Floats, rest: Floats, tilt: Floats) -> int:
    """Tilt (n,) of path (n, 3) away from `rest`, rad; returns the row of the largest, -1 = something is not known."""
    deepest = 0
    for i in range(path.shape[0]):
        p = path[i]
        x, y, z = p[1] * rest[2] - p[2] * rest[1], p[2] * rest[0] - p[0] * rest[2], p[0] * rest[1] - p[1] * rest[0]
        tilt[i] = math.atan2(math.sqrt(x * x + y * y + z * z), p[0] * rest[0] + p[1] * rest[1] + p[2] * rest[2])
        if not tilt[i] <= tilt[deepest]:
            deepest = i
    return deepest if tilt[deepest] == tilt[deepest] else -1


@kernel
def match(tilt: Floats, deepest: int, path: Floats, depths: Floats, out: Floats) -> None:
    """path (n, 3) where the thigh passed `depths` first on the way down and last on the way up -> out (2, 11, 3).

    `out` comes filled with NaN; what was not reached stays so.
    """
    for d in range(depths.shape[0]):
        depth = depths[d]
        if depth > DEEPEST_SHARE * tilt[deepest]:
            return
        i = 0
        while tilt[i] < depth:
            i += 1
        if i > 0:
            share = (depth - tilt[i - 1]) / (tilt[i] - tilt[i - 1])
            out[0, d] = path[i - 1] + share * (path[i] - path[i - 1])
        i = tilt.shape[0] - 1
        if tilt[i] < depth:
            while tilt[i] < depth:
                i -= 1
            share = (tilt[i] - depth) / (tilt[i] - tilt[i + 1])
            out[1, d] = path[i] + share * (path[i + 1] - path[i])


class Courses:
    """Reads the courses of both legs out of what was measured.

    Parameters
    ----------
    segments : sequence of str
        What the columns of the grid are.
    rate_hz : float
        Of the grid.
    """

    def __init__(self, segments: tuple[str, ...], rate_hz: float) -> None:
        self._period_s = 1.0 / rate_hz
        index = {segment: i for i, segment in enumerate(segments)}
        self._rows: dict[Side, tuple[int, int, int]] = {}
        for side in SIDES:
            thigh = index.get(segment_of("thigh", side), -1)
            if thigh >= 0:
                self._rows[side] = index.get("pelvis", -1), thigh, index.get(segment_of("shank", side), -1)

    def read(self, motion: Motion, number: int, t_start_us: int, t_now_us: int, not_before_us: int) -> tuple[Course, ...]:
        """Of the repetition that began at `t_start_us`, as far as it is seen at `t_now_us`.

        The rest before it is looked for after `not_before_us`, when the one before was counted.
        """
        start, now = motion.number_at(t_start_us), motion.number_at(t_now_us)
        kept = max(0, motion.n - ROWS)
        first = max(kept, motion.number_at(not_before_us), start - round(REST_S / self._period_s)) + CALM
        last = min(start + INTO, now - CALM)
        found: list[Course] = []
        for side, rows in self._rows.items():
            at = calmest(motion.gyr, rows[THIGH], first, last)
            if at >= 0:
                found += self._of_leg(motion, number, side, rows, at, now)
        return tuple(found)

    def _of_leg(
        self, motion: Motion, number: int, side: Side, rows: tuple[int, int, int], at: int, now: int
    ) -> list[Course]:
        n = now - at + 1
        rest, path, turning = np.full((3, 3), np.nan), np.full((3, n, 3), np.nan), np.full((3, 3, 3), np.nan)
        for s, j in enumerate(rows):
            if j >= 0:
                follow(motion.gyr, motion.acc, j, at, self._period_s, rest[s], path[s], turning[s])
        tilt = np.zeros(n)
        deepest = tilts(path[THIGH], rest[THIGH], tilt)
        if deepest <= 0:
            return []
        out = np.full((3, 2, len(DEPTHS), 3), np.nan)
        for s in range(3):
            match(tilt, deepest, path[s], DEPTHS, out[s])
        t: Ints = motion.t_us
        mask = ROWS - 1
        return [
            Course(
                number, side, int(t[at & mask]), int(t[(at + deepest) & mask]), float(tilt[deepest]), rest, out,
                path[:, deepest].copy(), turning,
            )
        ]  # fmt: skip
