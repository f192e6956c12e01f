"""What is measured in every repetition of a drill, and which compensations are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

from imu.conventions import CENTRAL_ANGLES, JOINT_ANGLES, PAIRED_ANGLES
from imu.feedback.drill_reader import Problems, choice, flag, number, text, whole, word

COMBINED: Final = ("pelvis_drop", "pelvis_turn", "side_shift", "knee_difference", "knee_in", "heel_rise")
"""Of a side. pelvis_drop: the pelvis is lower there. pelvis_turn: it turns to there. side_shift: the hips move over this
leg (mean lean of both). knee_difference: this knee bends more than the other. knee_in: thigh and shank both towards
the middle, which legs that are apart do not change. heel_rise: the foot's heel end goes up; needs a sensor on the foot."""
QUANTITIES: Final = (*PAIRED_ANGLES, *CENTRAL_ANGLES, *JOINT_ANGLES, "pelvis_rotation", *COMBINED)

ANGLE_DOC: Final = (
    "Angle as in the sign page, or one of pelvis_drop (lower on this side), pelvis_turn (to this side), side_shift (hips "
    "over this leg), knee_difference (this knee bends more), knee_in (thigh and shank together towards the middle), "
    "heel_rise (this heel goes up; needs a sensor on the foot)."
)
AGAINST_DOC: Final = (
    "What it is counted from: stand, start (where it was in the rest before the repetition) or largest (the largest value "
    "so far in the repetition, so that it is 0 or below); absolute is the stand too, but the limit acts only while every "
    "sensor of the angle has a good calibration. Recommended: start where the posture differs from the stand; absolute "
    "for a limit in clinical degrees, such as knee_adduction below -10 (valgus)."
)
OF_DOC: Final = (
    "Whose, in a drill of one leg: trained (of the leg of the repetition), other (beside it) or each. Recommended: "
    "trained; other for a pelvis that sinks beside the standing leg."
)
ABSOLUTE: Final = "absolute"
AGAINST: Final = ("stand", "start", "largest", ABSOLUTE)
OF: Final = ("trained", "other", "each")


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that every repetition is described by; its band says what is in order. With a sentence it is a fault, told
    at the end of the repetition, to be outside."""

    name: str = word("Name in tables, small letters.")
    angle: str = choice(ANGLE_DOC, QUANTITIES)
    take: str = choice(
        "Which value of the repetition: largest, smallest, range, deepest (at the deepest point), mean, sway (its "
        "standard deviation) or wobble (degrees a second that it goes to and fro beyond once there and back). Recommended: "
        "deepest for posture, range for sweep, sway for steadiness of a hold, wobble for that of a movement.",
        ("largest", "smallest", "range", "deepest", "mean", "sway", "wobble"),
    )
    against: str = choice(AGAINST_DOC, AGAINST, "stand")
    of: str = choice(OF_DOC, OF, "trained")
    low_deg: float = number(
        "Degrees. In order from here. Larger = stricter; smaller = more tolerant; left out = no lower end. Recommended: "
        "the person's own good repetitions.",
        -180.0,
        180.0,
        -inf,
    )
    high_deg: float = number(
        "Degrees. In order up to here. Larger = more tolerant; smaller = stricter; left out = no upper end. Recommended: "
        "the person's own good repetitions.",
        -180.0,
        180.0,
        inf,
    )
    text: str = text(
        "The sentence when it is outside, exactly as shown and spoken; empty = only reported. Recommended: empty, but for "
        "what only a whole repetition shows, such as steadiness.",
        empty=True,
        default="",
    )
    cue: bool = flag("true = say the sentence; false = only report the fault. Recommended true.", True)
    priority: int = whole("Larger = wins over smaller. Recommended 15.", 0, 99, 15)

    def contradictions(self) -> Problems:
        if self.low_deg > self.high_deg:
            return [("low_deg", f"is above high_deg ({self.high_deg:g}); exchange them")]
        return []


@dataclass(frozen=True, slots=True)
class Compensation:
    """A way round the movement that is looked for in every frame, with its sentence."""

    name: str = word("Name of the fault, small letters; the side is added where there is one.")
    angle: str = choice(ANGLE_DOC, QUANTITIES)
    limit_deg: float = number(
        "Degrees. Beyond this it is a fault. Larger = fewer cues; smaller = more. Never smaller than the error of the "
        "angle, about 3 for tilts. Recommended: twice the spread of the person's good repetitions.",
        -120.0,
        120.0,
    )
    text: str = text("The sentence, exactly as shown and spoken: where to move, not which muscle to use.")
    way: str = choice(
        "above (too much), below (too little) or beyond (too much to either side). Recommended: above.",
        ("above", "below", "beyond"),
        "above",
    )
    during: str = choice(
        "When it is looked for: all, out (first way), turn (once, at the deepest point) or back. Recommended: all.",
        ("all", "out", "turn", "back"),
        "all",
    )
    against: str = choice(AGAINST_DOC, AGAINST, "stand")
    of: str = choice(OF_DOC, OF, "trained")
    sided: bool = flag("true = the side is said with it; false = it is not. Recommended true.", True)
    cue: bool = flag("true = say it; false = only report it. Recommended true once the limit fits the person.", True)
    priority: int = whole("Larger = wins over smaller. Recommended 25, below the knee's 30.", 0, 99, 25)
    dwell_ms: float = number(
        "Milliseconds it must last. Larger = ignores twitches; smaller = sooner. Recommended 150.", 0.0, 2000.0, 150.0
    )
    leave_share: float = number(
        "Share of the limit, 0 to 1, below which the fault is over. Larger = ends earlier, may flicker. Recommended 0.7.",
        0.1,
        1.0,
        0.7,
    )
    sigma_deg: float = number(
        "Degrees. With a larger uncertainty (one standard deviation) nothing is said. Larger = cues on poorer "
        "calibration. Recommended 6.",
        0.5,
        20.0,
        6.0,
    )

    def contradictions(self) -> Problems:
        if self.way == "beyond" and self.limit_deg <= 0.0:
            return [("limit_deg", 'must be above 0 when way is "beyond"; give the tolerance to either side')]
        return []
