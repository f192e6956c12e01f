"""Does the approved set fit today? Whether a sensor sits on its segment as it sat then, seen in the repetitions themselves.

The approved set is directions in the sensors' own frames. Small turns of a strap cancel in the comparison, or thigh and
shank disagree; a sensor that was strapped on anew, anyhow or on another segment, would compare one direction with another.
Two angles tell, and neither needs a calibration: where up is in the rest before the repetition, and which way the segment
goes on the way down (a knee that falls in does so on the way up: acted faults turn a thigh by 6° and a shank by 18°).
Limits were set with twenty sets of two people in sight: medians of a set's ten repetitions reach 6° (thigh) and 18.5°
(shank) on the way down, 7.5° at rest, and straps turned by 20° on top of that must still be compared.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from imu.feedback.course import SHANK, THIGH, Course
from imu.packets import Floats

MOST_TURNED: Final = {THIGH: math.radians(32.0), SHANK: math.radians(48.0)}
"""rad about the segment's long axis; a shank goes half as far as a thigh, so that sideways counts twice there."""
MOST_TILTED: Final = math.radians(35.0)
"""rad, of what was up in the stand."""


def way_down(course: Course) -> Floats:
    """(3, 3) unit vectors, level at the rest, of where each segment's top went on the way down; NaN = not known."""
    out = np.full((3, 3), np.nan)
    for s in range(3):
        known = np.flatnonzero(np.isfinite(course.path[s, 0, :, 0]))
        if len(known):
            up, there = course.rest[s], course.path[s, 0, known[-1]]
            level = there - up * (up @ there)
            length = float(np.linalg.norm(level))
            if length > 0.1:
                out[s] = level / length
    return out


def mean_direction(directions: Floats) -> Floats:
    """(3, 3) of (n, 3, 3), unit vectors again; NaN where none is known."""
    out = np.full((3, 3), np.nan)
    for s in range(3):
        known = directions[np.isfinite(directions[:, s, 0]), s]
        total = known.sum(axis=0)
        length = float(np.linalg.norm(total))
        if length > 0.0:
            out[s] = total / length
    return out


def turned(forward: Floats, course: Course, s: int) -> float:
    """rad about the long axis of segment s, from the way down of the approved set, `forward` (3,), to this one."""
    up, now = course.rest[s], way_down(course)[s]
    return math.atan2(float(np.cross(forward, now) @ up), float(forward @ now))


def tilted(up: Floats, course: Course, s: int) -> float:
    """rad between what was up in the approved set, (3,), and what is in the rest before this repetition."""
    now = course.rest[s]
    return math.atan2(float(np.linalg.norm(np.cross(up, now))), float(up @ now))


def objection(s: int, turns: tuple[float, ...], tilts: tuple[float, ...]) -> str:
    """What is wrong with how the sensor of segment s sits, from the last repetitions; empty = it fits, or is not known."""
    turn, tilt = _middle(turns), _middle(tilts)
    if tilt > MOST_TILTED:
        return f"sits {math.degrees(tilt):.0f}° from how it sat"
    if abs(turn) > MOST_TURNED[s]:
        return f"is turned by {math.degrees(abs(turn)):.0f}° about the leg"
    return ""


def _middle(values: tuple[float, ...]) -> float:
    """Median of what is known; NaN if nothing is."""
    known = [v for v in values if math.isfinite(v)]
    return float(np.median(known)) if known else math.nan
