"""What a calibration is: how every sensor sits on its segment, how neighbours face at the stand, how far to trust it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.kinematics.calibration.axes import matrix_of
from imu.packets import Floats

GOOD: Final = 75
"""Pass mark of a score: from here on an angle may be taken as it is, and not only against another of the same person."""


@dataclass(frozen=True, slots=True)
class SegmentCalibration:
    """How one sensor sits on its segment."""

    segment: str
    q_sensor_segment: tuple[float, float, float, float] | None
    """x anterior, y up at the stand, z flexion axis: level at the stand, to the person's right on both legs. None = not
    calibrated; `reason` says why."""
    axis_sigma: float
    """rad, 1σ of the flexion axis about the segment's long axis."""
    score: int
    """0-100."""
    reason: str
    """What took points off, or what is wrong."""
    stand_acc: float
    """m/s², mean norm of the acceleration in the stand; 9.81 is right."""
    remedy: str = ""
    """What to do about `reason`."""
    sensor: str = ""
    """Serial number of the sensor that was worn here."""

    @property
    def word(self) -> str:
        if self.q_sensor_segment is None:
            return "not calibrated"
        return "good" if self.score >= GOOD else "fair" if self.score >= 50 else "poor"

    @property
    def frame(self) -> Floats | None:
        """(3, 3) the segment's axes x, y, z as columns, in the sensor's frame."""
        return None if self.q_sensor_segment is None else matrix_of(self.q_sensor_segment)


@dataclass(frozen=True, slots=True)
class JointCalibration:
    """How the sensors of two neighbours face each other."""

    proximal: str
    distal: str
    delta: float
    """rad, heading of the distal sensor's earth frame in the proximal one's when the calibration was completed; what
    `Headings.set_pose` takes. NaN = unknown."""
    sigma: float
    """rad, 1σ of it; infinite = unknown."""
    turned: float = 0.0
    """rad, how far the front of the distal segment was turned about the vertical against that of the proximal one at the
    stand (+ to the left). 0 at knees and ankles, whose fronts are made one; at a hip the person's stance."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """When the person stood and moved, and what came of it for every sensor."""

    stand_us: tuple[int, int]
    """Session time, [start, end)."""
    movement_us: tuple[int, int]
    cycles: int
    """Times the leg went out and back in the movement."""
    segments: tuple[SegmentCalibration, ...]
    joints: tuple[JointCalibration, ...] = ()
    kind: str = ""
    """What the movement was: `march`, `squats`, `seated knee extensions`, `movement`; `stored` = none was made."""

    def of(self, segment: str) -> SegmentCalibration | None:
        """Of one segment; None if no sensor is worn there."""
        return next((s for s in self.segments if s.segment == segment), None)

    def joint(self, distal: str) -> JointCalibration | None:
        """Of the joint above this segment; None if the neighbour is not worn."""
        return next((j for j in self.joints if j.distal == distal), None)

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
        if self.kind == "stored":
            lines = [f"stand {a:.2f} to {b:.2f} s, axes of a stored calibration"]
        else:
            name = f"{self.kind} " if self.kind else ""
            lines = [f"stand {a:.2f} to {b:.2f} s, {name or 'movement '}{c:.2f} to {d:.2f} s ({times} out and back)"]
        for s in self.segments:
            score = f" {s.score:3d}/100" if s.q_sensor_segment is not None else ""
            axis = f", axis ± {math.degrees(s.axis_sigma):.1f}°" if s.q_sensor_segment is not None else ""
            words = "".join(f"; {text}" for text in (s.reason, s.remedy) if text)
            lines.append(f"{s.segment:12s} {s.word}{score}{axis}{words}")
        return "\n".join(lines)


def lowest_score(segments: tuple[SegmentCalibration, ...]) -> int:
    """Of the thighs and shanks that are calibrated; 100 without one."""
    legs = [s.score for s in segments if s.q_sensor_segment is not None and s.segment.startswith(("thigh", "shank"))]
    return int(np.min(legs)) if legs else 100
