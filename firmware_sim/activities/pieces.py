"""What a simulated person can be asked to do with both feet near their stand, or walking; each piece ends in a stand.

Degrees are relative to the quiet stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from firmware_sim.activities.faults import COURSE_KINDS, Fault, FaultKind
from firmware_sim.activities.sided import Drill, Mirrored, Tempo
from imu.conventions import Side

ONE_LEG_KINDS: Final[tuple[FaultKind, ...]] = (
    "valgus", "pelvic_drop", "hip_hike", "pelvis_turn", "forward_lean", "unsteady", *COURSE_KINDS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stand(Mirrored):
    """Quiet stand on both feet, with sway."""

    seconds: float = 4.0


@dataclass(frozen=True, slots=True)
class March(Mirrored):
    """Knees lifted in turn on the spot; each foot is put down near where it was."""

    lifts: int = 4
    """of both legs together."""
    first: Side = "left"
    seconds_per_lift: float = 1.15
    hip_deg: float = 60.0
    knee_deg: float = 75.0


@dataclass(frozen=True, slots=True)
class Squats(Drill):
    """On both legs. Depth: flexion of the knees."""

    possible: ClassVar[tuple[FaultKind, ...]] = (
        "valgus", "pelvic_drop", "pelvis_turn", "side_shift", "forward_lean", "butt_wink", "knee_forward", "heel_rise",
        *COURSE_KINDS,
    )  # fmt: skip
    repetitions: int = 5
    depth_deg: float = 85.0
    tempo: Tempo = (3.0, 1.0, 2.0, 1.0)
    faults: tuple[Fault, ...] = ()


def half_squats(repetitions: int = 2) -> Squats:
    """The slow half squats of a guided movement."""
    return Squats(repetitions, 50.0, (1.7, 0.3, 1.7, 0.5))


@dataclass(frozen=True, slots=True)
class HipHinges(Drill):
    """Hips back over soft knees, both feet down. Depth: anterior tilt of the pelvis."""

    possible: ClassVar[tuple[FaultKind, ...]] = (
        "knee_bend", "valgus", "pelvic_drop", "pelvis_turn", "side_shift", *COURSE_KINDS,
    )  # fmt: skip
    repetitions: int = 5
    depth_deg: float = 60.0
    tempo: Tempo = (3.0, 1.0, 2.0, 1.0)
    faults: tuple[Fault, ...] = ()
    knee_deg: float = 15.0
    """Flexion of the soft knees at the deepest."""


@dataclass(frozen=True, slots=True)
class CalfRaises(Drill):
    """Up on the toes of both feet. Depth: how far the soles leave the floor."""

    possible: ClassVar[tuple[FaultKind, ...]] = ("knee_bend", "roll_out", "forward_lean", "side_shift", *COURSE_KINDS)
    repetitions: int = 8
    depth_deg: float = 34.0
    tempo: Tempo = (2.0, 1.0, 2.0, 0.5)
    """Up, hold, down, rest."""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class HeelToeRocks(Drill):
    """From the heels to the toes and back, both feet. Depth: how far the soles leave the floor at the toes' end; half of it
    at the heels' end, where a repetition begins and ends."""

    possible: ClassVar[tuple[FaultKind, ...]] = ("knee_bend", "forward_lean", "partial", "fast", "slow")
    repetitions: int = 8
    depth_deg: float = 24.0
    tempo: Tempo = (1.2, 0.2, 1.2, 0.2)
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class SitToStands(Drill):
    """Down on a chair of knee height and up again. `turns_back`: a first attempt to get up, by so many degrees of the
    knees, falls back on the seat; it is a repetition of its own in the truth. Its phases: out is down, back is up."""

    possible: ClassVar[tuple[FaultKind, ...]] = (
        "valgus", "side_shift", "forward_lean", "fast", "slow", "stops", "turns_back",
    )  # fmt: skip
    repetitions: int = 3
    down_s: float = 1.8
    seated_s: float = 1.5
    up_s: float = 1.5
    rest_s: float = 1.5
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class SeatedExtensions(Mirrored):
    """Seated, each knee extended and let down in turn; the stand before and after belongs to it."""

    repetitions: int = 2
    """With each leg."""
    first: Side = "left"
    reach_deg: float = 2.0
    """Flexion that is left when extended, relative to the stand."""
    tempo: Tempo = (1.2, 0.4, 1.2, 0.5)
    """Up, hold, down, rest."""
    seated_s: float = 1.5
    """Quiet before and after."""


@dataclass(frozen=True, slots=True)
class Bridges(Drill):
    """On the back, both feet down: the pelvis is raised; the person lies down before and gets up after it. Depth: how far
    it is raised, as a turn of the trunk; `partial` leaves so many degrees of hip flexion."""

    possible: ClassVar[tuple[FaultKind, ...]] = (
        "pelvic_drop", "hip_hike", "valgus", *COURSE_KINDS,
    )  # fmt: skip
    repetitions: int = 5
    tempo: Tempo = (2.0, 2.0, 3.0, 0.8)
    """Up, hold, down, rest."""
    faults: tuple[Fault, ...] = ()
    hip_deg: float = 0.0
    """Hip flexion that is left at the top."""
    lying_s: float = 2.0
    """Quiet on the back before and after."""


@dataclass(frozen=True, slots=True)
class UnilateralBridges(Drill):
    """The same on one leg, the other one stretched out beside its thigh; then on the other one."""

    possible: ClassVar[tuple[FaultKind, ...]] = (
        "pelvic_drop", "hip_hike", "valgus", *COURSE_KINDS,
    )  # fmt: skip
    legs: ClassVar[int] = 2
    repetitions: int = 3
    """With each leg."""
    tempo: Tempo = (2.0, 2.0, 3.0, 0.8)
    first: Side = "left"
    """Which carries first."""
    faults: tuple[Fault, ...] = ()
    hip_deg: float = 0.0
    lying_s: float = 2.0
    both: bool = True
    """False: only with the first leg."""


@dataclass(frozen=True, slots=True)
class Walk(Mirrored):
    """To and fro, with a turn about every `straight_m`; the person ends up facing any direction."""

    seconds: float = 30.0
    first: Side = "left"
    """Foot that steps first."""
    straight_m: float = 10.0
    turn_first: Side = "left"
    """To where the first turn goes; later ones go to and fro."""
