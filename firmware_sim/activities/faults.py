"""What can be wrong with a repetition: which fault, how large, on which side, and on which part of the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from imu.conventions import Side

FaultKind = Literal[
    "valgus",
    "pelvic_drop",
    "hip_hike",
    "pelvis_turn",
    "pelvis_rock",
    "open_hip",
    "side_shift",
    "forward_lean",
    "butt_wink",
    "knee_bend",
    "knee_forward",
    "heel_rise",
    "roll_out",
    "rises",
    "unsteady",
    "touch_down",
    "partial",
    "fast",
    "slow",
    "stops",
    "turns_back",
]
FAULT_KINDS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)

MEANING: Final[dict[FaultKind, str]] = {
    "valgus": "the shank tilts inwards by so many degrees more at its worst (+ `shank_frontal_tilt` of that side)",
    "pelvic_drop": "that side of the pelvis sinks by so many degrees",
    "hip_hike": "that side of the pelvis is pulled up by so many degrees; who lies: towards the shoulder",
    "pelvis_turn": "the pelvis turns to that side by so many degrees",
    "pelvis_rock": "the pelvis tilts back with the leg that swings, by so many degrees at the front end",
    "open_hip": "the pelvis rolls open: that side, of the free leg, rises by so many degrees",
    "side_shift": "the pelvis goes to that side, by so many degrees of a leg's tilt",
    "forward_lean": "so many degrees more of anterior pelvic tilt",
    "butt_wink": "so many degrees of posterior pelvic tilt near the deepest",
    "knee_bend": "the knee of that side (None: both; of a leg that swings: its own) is bent by so many degrees more",
    "knee_forward": "the shank leans forward by so many degrees more",
    "heel_rise": "the heel of that side (None: both) leaves the floor by so many degrees",
    "roll_out": "the foot of that side (None: both) rolls onto its outer edge by so many degrees",
    "rises": "so many degrees of the knees' bend are lost",
    "unsteady": "the pelvis wobbles on its one leg by so many degrees rms of obliquity, and shift and turn with it",
    "touch_down": "the free foot touches the floor for so many seconds",
    "partial": "so many degrees short of the deepest",
    "fast": "so many seconds too short",
    "slow": "so many seconds too long",
    "stops": "stands still for so many seconds half-way (`hold`: at the deepest)",
    "turns_back": "turns back early, after so many degrees",
}
"""What `Fault.size` is, by kind."""

COURSE_KINDS: Final[tuple[FaultKind, ...]] = ("partial", "fast", "slow", "stops", "turns_back")
"""Faults of how far and how fast, not of alignment; they have no side of their own."""

FaultPhase = Literal["out", "hold", "back", "both"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one repetition."""

    repetition: int
    """The first of the piece is 1; counted over both legs."""
    kind: FaultKind
    size: float
    """Degrees or seconds, see `MEANING`."""
    side: Side | None = None
    """Of what is wrong: the knee that falls in, the side of the pelvis that sinks. None: of both, or of neither."""
    phase: FaultPhase = "both"
    """out: only on the way to the deepest (down in a squat, up in a bridge); back: only on the way back; both: on both
    alike; hold: at the deepest."""

    def mirrored(self) -> Fault:
        """With left and right exchanged."""
        return self if self.side is None else replace(self, side=opposite(self.side))


def opposite(side: Side) -> Side:
    """The other one."""
    return "right" if side == "left" else "left"
