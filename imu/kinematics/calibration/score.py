"""How far a calibration of one sensor can be trusted, with the reason and what to do about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from imu.conventions import G
from imu.kinematics.calibration.axes import MOST_SIGMA, Axis
from imu.kinematics.calibration.quiet import ACC_SPREAD, ACC_TOLERANCE

MOST_SECOND_SHARE: Final = 0.4
"""Second principal value over the first: more is not a movement about one axis."""
LEAST_SIGN: Final = 0.4
"""(forward - backward) / (forward + backward) of the squared tilt."""
LEAST_PATH: Final = tuple(math.radians(x) for x in (15.0, 60.0, 30.0, 30.0))
"""rad turned in all, by part."""
AMPLE: Final = 2.0
"""times the least path costs nothing."""
LONG_STAND_S: Final = 2.0
DISAGREE: Final = 3.0
"""sigma apart: two headings of a joint are worth nothing together."""
WORTH_SAYING: Final = 10.0

STRAIGHT: Final = "repeat the movement straight ahead, without turning the leg"
LARGER: Final = "lift the knees higher, or bend them more"
ACCELEROMETER: Final = "calibrate its accelerometer or replace the sensor"


@dataclass(frozen=True, slots=True)
class Mark:
    """Points taken off, why, and what to do."""

    points: float
    reason: str
    remedy: str


def axis_mark(axis: Axis) -> Mark:
    return Mark(60.0 * min(1.0, axis.share / MOST_SECOND_SHARE), "movement not about one axis", STRAIGHT)


def sign_mark(sign: float) -> Mark:
    """sign: -1..1, how one-sided the tilt was."""
    points = 25.0 * max(0.0, min(1.0, (1.0 - abs(sign)) / (1.0 - LEAST_SIGN)))
    return Mark(points, "tilted both ways", "march on the spot or make slow squats, without swinging the leg back")


def path_mark(path: float, least: float) -> Mark:
    points = 25.0 * max(0.0, min(1.0, (AMPLE * least - path) / ((AMPLE - 1.0) * least)))
    return Mark(points, f"turned only {math.degrees(path):.0f}° in all", LARGER)


def heading_mark(sigma: float) -> Mark:
    """sigma: rad, of the heading that the front came from."""
    points = 20.0 * min(1.0, sigma / MOST_SIGMA) ** 2
    reason = f"its front is known to ± {math.degrees(sigma):.0f}° only"
    return Mark(points, reason, "move more briskly: march and put the feet down firmly")


def agreement_mark(apart: float, sigma: float) -> Mark:
    """apart: rad between the heading from the accelerations and the one from the axes; sigma: rad, what it should be."""
    reason = f"two ways to find its front differ by {math.degrees(abs(apart)):.0f}°"
    points = 40.0 * min(1.0, abs(apart) / (DISAGREE * sigma)) ** 2
    return Mark(points, reason, "tighten the straps; move straight ahead and briskly")


def one_sided_mark(cycles: int, others: int) -> Mark:
    """Times out and back of this leg and of the other one."""
    points = 15.0 if 2 * cycles < others else 0.0
    return Mark(points, "the other leg did most of the movement", "move both legs equally often")


def stand_marks(acc: float, spread: float, stand_s: float) -> list[Mark]:
    """acc, spread: mean and deviation of the acceleration's norm in the stand, m/s²."""
    return [
        Mark(25.0 * min(1.0, abs(acc - G) / ACC_TOLERANCE), f"measures {acc:.2f} m/s² at rest", ACCELEROMETER),
        Mark(15.0 * min(1.0, max(0.0, LONG_STAND_S - stand_s)), f"stood only {stand_s:.1f} s", "stand still for 2 s first"),
        Mark(15.0 * min(1.0, spread / ACC_SPREAD) ** 2, "the stand was restless", "stand still, weight on both feet"),
    ]


def scored(marks: list[Mark]) -> tuple[int, str, str]:
    """(score, reason, remedy)."""
    worst = max(marks, key=lambda m: m.points)
    score = max(0, round(100.0 - sum(m.points for m in marks)))
    return (score, worst.reason, worst.remedy) if worst.points >= WORTH_SAYING else (score, "", "")
