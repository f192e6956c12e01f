"""From the sums over the stand and the movement to a frame for every segment, and how far it can be trusted.

y = up at the stand (gravity from the fusion: a biased accelerometer is averaged out there, and the direction of a stand
is what all angles are relative to). z = flexion axis, to the person's right: first principal direction of the angular
rate among those square to up. Demanding it horizontal at the stand made the axis better on a real knee with every other
choice (adduction error 2.1 -> 1.5°, 4.0 -> 1.9°). Its sign: thighs and shanks lean knee-forward, the pelvis top-forward
in squats, knee lifts and walking.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.conventions import G
from imu.kinematics.calibration.quiet import ACC_TOLERANCE
from imu.kinematics.layout import OTHER, THIGH, Record
from imu.packets import Floats

MOST_SECOND_SHARE: Final = 0.4
"""Second principal value over the first: more is not a movement about one axis."""
LEAST_SIGN: Final = 0.4
"""(forward - backward) / (forward + backward) of the squared tilt."""
LEAST_PATH: Final = (math.radians(15.0), math.radians(60.0), math.radians(30.0))
"""rad turned in all, by part."""
SYSTEMATIC_AXIS_SIGMA: Final = math.radians(4.0)
"""rad. Functional against anatomical axis of a real knee: 3.8°, not visible to any statistic of the movement."""


@dataclass(frozen=True, slots=True)
class SegmentCalibration:
    """How one sensor sits on its segment."""

    segment: str
    q_sensor_segment: tuple[float, float, float, float] | None
    """None = not calibrated; `reason` says why."""
    axis_sigma: float
    """rad, 1σ of the flexion axis about the segment's long axis."""
    score: int
    """0-100."""
    reason: str
    """What took points off, or what is wrong."""
    stand_acc: float
    """m/s², mean norm of the acceleration in the stand; 9.81 is right."""

    @property
    def word(self) -> str:
        if self.q_sensor_segment is None:
            return "not calibrated"
        return "good" if self.score >= 75 else "fair" if self.score >= 50 else "poor"


@dataclass(frozen=True, slots=True)
class Calibration:
    """When the person stood and moved, and what came of it for every sensor."""

    stand_us: tuple[int, int]
    """Session time, [start, end)."""
    movement_us: tuple[int, int]
    cycles: int
    """Times the leg went out and back in the movement."""
    segments: tuple[SegmentCalibration, ...]

    def of(self, segment: str) -> SegmentCalibration | None:
        """Of one segment; None if no sensor is worn there."""
        return next((s for s in self.segments if s.segment == segment), None)

    @property
    def summary(self) -> str:
        """Which segments are good, fair, poor or not calibrated, in one line."""
        words: dict[str, list[str]] = {}
        for s in self.segments:
            words.setdefault(s.word, []).append(s.segment)
        return "; ".join(f"{word}: {', '.join(names)}" for word, names in words.items())

    def __str__(self) -> str:
        a, b = (t / 1e6 for t in self.stand_us)
        c, d = (t / 1e6 for t in self.movement_us)
        times = "once" if self.cycles == 1 else f"{self.cycles} times"
        lines = [f"stand {a:.2f} to {b:.2f} s, movement {c:.2f} to {d:.2f} s ({times} out and back)"]
        for s in self.segments:
            score = f" {s.score:3d}/100" if s.q_sensor_segment is not None else ""
            axis = f", axis ± {math.degrees(s.axis_sigma):.1f}°" if s.q_sensor_segment is not None else ""
            lines.append(f"{s.segment:12s} {s.word}{score}{axis}{'; ' + s.reason if s.reason else ''}")
        return "\n".join(lines)


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


def calibrate_segment(segment: str, s: Record, acc_mean: float, stand_s: float) -> SegmentCalibration:
    """Frame of one sensor from its sums; s: record `layout.SENSOR`."""
    part = int(s["part"])
    up, a, b = (np.array(s[name]) for name in ("up", "a", "b"))

    def refused(reason: str) -> SegmentCalibration:
        return SegmentCalibration(segment, None, math.nan, 0, reason, acc_mean)

    if part == OTHER:
        return refused("no angle of this version needs it")
    if s["used"] == 0:
        if s["away"] > 0 or math.isnan(acc_mean):
            return refused("no data in the stand")
        return refused(f"measures {acc_mean:.1f} m/s² at rest instead of 9.8: its accelerometer needs calibration")
    if s["path"] < LEAST_PATH[part] and s["missed"] > 0:
        return refused("no data in the movement")
    if s["path"] < LEAST_PATH[part]:
        return refused("hardly moved in the guided movement")
    aa, ab, bb = (float(x) for x in s["rate"])
    middle, radius = 0.5 * (aa + bb), math.hypot(0.5 * (aa - bb), ab)
    share = (middle - radius) / (middle + radius)
    if share > MOST_SECOND_SHARE:
        return refused("moved about more than one axis; repeat the movement straight ahead")
    angle = 0.5 * math.atan2(2.0 * ab, aa - bb)
    z = math.cos(angle) * a + math.sin(angle) * b
    x = np.cross(up, z)
    # in the plane a, b: x points at (-sin, cos) of the axis' angle
    xa, xb = -math.sin(angle), math.cos(angle)
    forward = float(s["lean"][0]) * xa + float(s["lean"][1]) * xb
    spread = float(s["spread"][0]) * xa * xa + 2.0 * float(s["spread"][1]) * xa * xb + float(s["spread"][2]) * xb * xb
    sign = forward / spread if spread > 0.0 else 0.0
    # up leans to +x in the frame of a thigh whose knee comes forward, to -x in that of a shank or pelvis tilting forward
    if part != THIGH:
        sign = -sign
    if abs(sign) < LEAST_SIGN:
        return refused("tilted forward as much as backward, so its front is not known; repeat with slow squats")
    if sign < 0.0:
        x, z = -x, -z
    frame = np.stack([x, up, z], axis=1)
    # as many independent looks as half radians turned: the bootstrap of a real knee (1.2° from 60 s) is met by that
    looks = max(1.0, 2.0 * float(s["path"]))
    random = math.sqrt(max(share, 0.0) / looks)
    marks: list[tuple[float, str]] = [
        (60.0 * min(1.0, share / MOST_SECOND_SHARE), "movement not about one axis"),
        (25.0 * min(1.0, (1.0 - abs(sign)) / (1.0 - LEAST_SIGN)), "tilted both ways"),
        (25.0 * min(1.0, abs(acc_mean - G) / ACC_TOLERANCE), f"measures {acc_mean:.2f} m/s² at rest"),
        (15.0 * min(1.0, max(0.0, 2.0 - stand_s)), f"stood only {stand_s:.1f} s"),
    ]
    score = max(0, round(100.0 - sum(points for points, _ in marks)))
    worst = max(marks)
    reason = worst[1] if worst[0] >= 10.0 else ""
    return SegmentCalibration(
        segment, quaternion_of(frame), math.hypot(SYSTEMATIC_AXIS_SIGMA, random), score, reason, acc_mean
    )

