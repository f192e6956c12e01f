"""The movement of a drill: which angle of which leg rises and falls, when it counts, how deep and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imu.conventions import CENTRAL_ANGLES
from imu.feedback.drill_reader import Problems, choice, flag, number, texts

SIGNAL_ANGLES: Final = (
    "thigh_tilt",
    "thigh_sagittal_tilt",
    "knee_flexion",
    "hip_flexion",
    "hip_adduction",
    "shank_tilt",
    "shank_sagittal_tilt",
    "thigh_frontal_tilt",
    "shank_frontal_tilt",
    "pelvis_tilt",
    "pelvis_obliquity",
    "ankle_flexion",
)


@dataclass(frozen=True, slots=True)
class Signal:
    """The angle whose change and return is a repetition."""

    angle: str = choice(
        "Angle of each leg that changes on the way out and comes back. Recommended: a tilt, which needs no heading and no "
        "joint calibration (thigh_tilt for squats; close to the stand its forward part is used if it is known).",
        SIGNAL_ANGLES,
    )
    one_leg: str = choice(
        "When one leg alone may carry the count of both: never; not_worn (only if the other leg carries no sensor); "
        "always (also when its sensor is lost). The repetition is flagged. Recommended: not_worn.",
        ("never", "not_worn", "always"),
        "not_worn",
    )
    apart_deg: float = number(
        "Degrees. Of both legs the mean is used, but never more than this above the smaller leg. Larger = uneven legs are "
        "averaged for longer; smaller = the lesser leg decides. A lifted knee must stay below the opening angle. "
        "Recommended 6.",
        0.0,
        15.0,
        6.0,
    )
    way: str = choice(
        "Whether the angle grows on the way out (rise: squat, knee lift) or becomes less (fall: the hip of a bridge, the "
        "thigh of somebody who stands up). Recommended: rise.",
        ("rise", "fall"),
        "rise",
    )
    start: str = choice(
        "What the angle is counted from: stand (the verified quiet stand), rest (where the person last kept still: lying, "
        "one foot ahead) or turn (where it last turned: swings and circles). Recommended: stand where the drill begins "
        "and ends standing.",
        ("stand", "rest", "turn"),
        "stand",
    )
    posture: str = choice(
        "Nothing begins in another posture, as the pelvis tells it: any, lying (on the back) or upright. Recommended: any "
        "but for drills on the floor.",
        ("any", "lying", "upright"),
        "any",
    )
    legs: str = choice(
        "Whose movement is a repetition: both (together), one (each repetition is of one leg), alternating (of one leg, "
        "and the legs take turns). Recommended: both.",
        ("both", "one", "alternating"),
        "both",
    )
    side: str = choice(
        "Which leg it is: found (told from the movement, see leads), left or right. Recommended: found.",
        ("found", "left", "right"),
        "found",
    )
    leads: str = choice(
        "How the leg is told: moving (its signal changes more than the other leg's), loaded (its knee is over its foot: "
        "thigh and shank both lean forward), bent (its knee is bent more). Recommended: loaded in one-leg squats, else "
        "moving.",
        ("moving", "loaded", "bent"),
        "moving",
    )
    lead_deg: float = number(
        "Degrees by which that leg must lead the other (in that change, or at the deepest point); with less, both legs "
        "moved and nothing is counted. Larger = surer of the leg; smaller = a smaller difference will do. Recommended 8.",
        1.0,
        60.0,
        8.0,
    )
    trained: str = choice(
        "Whose repetition it is called and whose knee is judged: same (the leg that is counted by) or other (a leg is "
        "lifted or swings, and the one that stands is trained). Recommended: same.",
        ("same", "other"),
        "same",
    )

    @property
    def sign(self) -> float:
        return 1.0 if self.way == "rise" else -1.0

    def contradictions(self) -> Problems:
        if self.legs == "both":
            return [("side", 'names a leg, but legs is "both"; leave it away')] if self.side != "found" else []
        if self.angle in CENTRAL_ANGLES:
            return [("legs", f'cannot be told by {self.angle}, which has no side; give "both" or the angle of a leg')]
        if self.legs == "alternating" and self.side != "found":
            return [("side", 'names one leg, but legs is "alternating"; leave it away')]
        return []


@dataclass(frozen=True, slots=True)
class RepetitionLimits:
    """When a repetition opens, counts and closes. Angles of the signal, from its level at the last start."""

    open_deg: float = number(
        "Degrees. A repetition opens above this. Larger = swaying and weight shifts are ignored more surely; smaller = "
        "opens earlier. Recommended 20, a quarter of the range in small movements.",
        2.0,
        60.0,
    )
    minimum_deg: float = number(
        "Degrees. Less than this is no repetition at all. Larger = shallow movements do not count; smaller = they do. "
        "Recommended 30, half of the range in small movements.",
        3.0,
        120.0,
    )
    count_share: float = number(
        "Share of the peak, 0 to 1. It counts when the signal is back below this. Larger = counts earlier; smaller = "
        "nearer to the start. Recommended 0.35.",
        0.1,
        0.8,
    )
    renewed_deg: float = number(
        "Degrees. Going out again by this much after the count closes the repetition without a pause. Larger = tolerates "
        "more wobble at the start; smaller = separates hurried repetitions better. Recommended 15, below open_deg.",
        1.0,
        40.0,
    )
    dead_band_dps: float = number(
        "Degrees a second. Slower than this counts as standing still. Larger = less sensitive to sway; smaller = slow "
        "movement is recognised earlier. Recommended 5.",
        1.0,
        20.0,
    )
    abort_s: float = number(
        "Seconds. A repetition that has not come back by then is dropped. Larger = very slow repetitions and long holds "
        "count; smaller = sitting down ends it sooner. Recommended 15; in a hold twice the time asked for.",
        3.0,
        180.0,
    )
    least_s: float = number(
        "Seconds. Out and back in less is a step or a twitch, and not counted. Larger = stricter; smaller = hurried ones "
        "count. Recommended 0; 2 in holds.",
        0.0,
        20.0,
        0.0,
    )
    from_below: bool = flag(
        "true = who begins at the turning point (seated) has the first way back counted too. Recommended false, except for "
        "standing up from a chair.",
        False,
    )
    own_share: float = number(
        "Share, 0 to 1, of the person's own range in this set that a repetition must reach; less is told as partial and "
        "not counted. The own range follows what is done. Larger = stricter; smaller = shallow ones count; 0 = only "
        "minimum_deg decides. Recommended 0.4.",
        0.0,
        0.9,
        0.0,
    )

    def contradictions(self) -> Problems:
        if self.minimum_deg < self.open_deg:
            return [("minimum_deg", f"is below open_deg ({self.open_deg:g}); give at least that")]
        return []


@dataclass(frozen=True, slots=True)
class Target:
    """The depth aimed for. It changes the same way as the signal."""

    angle: str = choice("Angle that is called depth, mean of both legs. Recommended: knee_flexion.", SIGNAL_ANGLES)
    aim_deg: float = number(
        "Degrees. Depth asked for; the target figure goes there. Larger = deeper. Recommended 90 in a squat, or what the "
        "clinician allows.",
        2.0,
        150.0,
    )
    low_deg: float = number(
        "Degrees. Upper end of the target zone. Larger = less tolerance for shallow repetitions. Recommended aim - 10.",
        1.0,
        150.0,
    )
    high_deg: float = number(
        "Degrees. Lower end of the target zone. Larger = deeper is still on target. Recommended aim + 10.", 2.0, 160.0
    )
    scale_deg: float = number(
        "Degrees. Bottom end of the depth gauge. Larger = finer movements look smaller. Recommended a quarter more than "
        "the aim.",
        5.0,
        180.0,
    )
    leg: str = choice(
        "Whose depth, in a drill of one leg: trained or counted (the leg that is counted by, where that is not the trained "
        "one). Recommended: trained.",
        ("trained", "counted"),
        "trained",
    )
    start: str = choice(
        "What the depth is counted from: stand or rest, as for the signal. Recommended: stand.", ("stand", "rest"), "stand"
    )

    def contradictions(self) -> Problems:
        if not self.low_deg <= self.aim_deg <= self.high_deg <= self.scale_deg:
            return [("low_deg", "wants low_deg <= aim_deg <= high_deg <= scale_deg; put them in this order")]
        return []


@dataclass(frozen=True, slots=True)
class Tempo:
    """Prescribed seconds of each phase, in the order E-P1-C-P2 (down, hold, up, rest). 0 = not prescribed."""

    down_s: float = number("Seconds down, eccentric (E). Larger = slower. Recommended 3.", 0.0, 20.0)
    hold_s: float = number(
        "Seconds held at the turning point (P1; of a drill that goes up first at the top). Larger = longer. Recommended 1; "
        "in a hold the time asked for.",
        0.0,
        120.0,
    )
    up_s: float = number("Seconds up, concentric (C). Larger = slower. Recommended 2.", 0.0, 20.0)
    rest_s: float = number("Seconds between two repetitions (P2). Larger = longer. Recommended 1.", 0.0, 20.0)
    words: tuple[str, ...] = texts("The four words shown, as the phases follow. Recommended: Down, Hold, Up, Rest.", 4)
    first: str = choice(
        "Which phase the repetition begins with: down (squat, hinge) or up (bridge, calf raise, standing up). "
        "Recommended: down.",
        ("down", "up"),
        "down",
    )
    pause: str = choice(
        "Whether standing still at the turning point is a phase of its own (apart) or part of the way out (within: where a "
        "step begins the movement, so that its end is not seen in the speed). Recommended: apart.",
        ("apart", "within"),
        "apart",
    )

    @property
    def phases(self) -> tuple[str, str]:
        """Names of the way out and of the way back."""
        return ("down", "up") if self.first == "down" else ("up", "down")

    @property
    def seconds(self) -> tuple[float, float, float, float]:
        """As they follow: way out, hold, way back, rest."""
        out, back = (self.down_s, self.up_s) if self.first == "down" else (self.up_s, self.down_s)
        return out, self.hold_s, back, self.rest_s

    @property
    def letters(self) -> tuple[str, str, str, str]:
        """As the phases follow: eccentric (E) is the way down, concentric (C) the way up."""
        return ("E", "P1", "C", "P2") if self.first == "down" else ("C", "P1", "E", "P2")

    @property
    def label(self) -> str:
        """For people, with its letters: `E-P1-C-P2 3-1-2-1`."""
        return f"{'-'.join(self.letters)} {'-'.join(f'{s:g}' for s in self.seconds)}"

    def contradictions(self) -> Problems:
        if self.pause == "within" and self.hold_s > 0.0:
            return [("hold_s", 'is prescribed, but pause is "within"; give 0, or pause = "apart"')]
        if sum(self.seconds) == 0.0:
            return [("down_s", "and all others are 0, so no phase is prescribed; give at least down_s and up_s")]
        return []
