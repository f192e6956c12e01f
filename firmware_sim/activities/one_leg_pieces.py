"""Pieces on one leg, or on one leg after the other: what is counted is done with the first leg, then with the other one.

Degrees are relative to the quiet stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from firmware_sim.activities.faults import COURSE_KINDS, Fault, FaultKind
from firmware_sim.activities.pieces import ONE_LEG_KINDS
from firmware_sim.activities.sided import Drill, Tempo
from imu.conventions import Side


@dataclass(frozen=True, slots=True)
class SingleLegSquats(Drill):
    """On one leg, the other foot behind. Depth: flexion of the knee that carries."""

    possible: ClassVar[tuple[FaultKind, ...]] = ONE_LEG_KINDS
    legs: ClassVar[int] = 2
    repetitions: int = 3
    """With each leg."""
    depth_deg: float = 50.0
    tempo: Tempo = (3.0, 0.4, 2.0, 1.0)
    first: Side = "left"
    """On which the person stands first."""
    faults: tuple[Fault, ...] = ()
    both: bool = True
    """False: only with the first leg."""


@dataclass(frozen=True, slots=True)
class StepDowns(Drill):
    """At the edge of a step of 15 to 20 cm: one leg carries, the other heel reaches down to the floor in front."""

    possible: ClassVar[tuple[FaultKind, ...]] = ONE_LEG_KINDS
    legs: ClassVar[int] = 2
    repetitions: int = 3
    depth_deg: float = 62.0
    """Flexion of the knee that carries; it makes the height of the step."""
    tempo: Tempo = (3.0, 0.3, 2.0, 0.5)
    first: Side = "left"
    faults: tuple[Fault, ...] = ()
    both: bool = True


@dataclass(frozen=True, slots=True)
class SingleLegDeadlifts(Drill):
    """The pelvis tips over one soft knee, the other leg goes up behind in line with the trunk. Depth: anterior tilt of the
    pelvis."""

    possible: ClassVar[tuple[FaultKind, ...]] = (
        "open_hip", "pelvic_drop", "pelvis_turn", "knee_bend", "valgus", "unsteady", *COURSE_KINDS,
    )  # fmt: skip
    legs: ClassVar[int] = 2
    repetitions: int = 3
    depth_deg: float = 60.0
    tempo: Tempo = (3.0, 1.0, 2.0, 1.0)
    first: Side = "left"
    faults: tuple[Fault, ...] = ()
    both: bool = True
    knee_deg: float = 14.0
    """Flexion of the knee that carries."""


@dataclass(frozen=True, slots=True)
class Balances(Drill):
    """A hold on one leg, the other foot lifted behind. The way out and back of a repetition is the leg that is lifted and
    put down; `touch_down` happens in the middle of the hold; `fast` with phase hold ends it early."""

    possible: ClassVar[tuple[FaultKind, ...]] = (
        "unsteady", "pelvic_drop", "hip_hike", "touch_down", "knee_bend", "fast", "slow",
    )  # fmt: skip
    legs: ClassVar[int] = 2
    repetitions: int = 1
    hold_s: float = 10.0
    first: Side = "left"
    faults: tuple[Fault, ...] = ()
    both: bool = True


@dataclass(frozen=True, slots=True)
class Lunges(Drill):
    """One foot steps far ahead, that knee bends, and the foot comes back; the legs take turns. Depth: flexion of the front
    knee. `repetitions` counts both legs together. A way out or back below 1.7 s is a jump: ask for nothing faster."""

    possible: ClassVar[tuple[FaultKind, ...]] = (
        "valgus", "pelvic_drop", "pelvis_turn", "side_shift", "forward_lean", "knee_forward", "partial", "fast", "slow",
        "turns_back",
    )  # fmt: skip
    repetitions: int = 4
    depth_deg: float = 85.0
    tempo: Tempo = (3.0, 0.6, 2.4, 1.0)
    """The steps there and back are in the way down and up."""
    first: Side = "left"
    """Which steps ahead first."""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class WallLunges(Drill):
    """The weight-bearing lunge test: one foot in front, its knee goes to the wall over a flat foot. Depth: forward tilt of
    that shank."""

    possible: ClassVar[tuple[FaultKind, ...]] = ("heel_rise", "valgus", "pelvis_turn", *COURSE_KINDS)
    legs: ClassVar[int] = 2
    repetitions: int = 3
    depth_deg: float = 38.0
    tempo: Tempo = (2.0, 2.0, 2.0, 1.0)
    first: Side = "left"
    faults: tuple[Fault, ...] = ()
    both: bool = True


@dataclass(frozen=True, slots=True)
class BandWalks(Drill):
    """Sideways with a band, knees bent: the leading foot goes out, the other one follows; so many steps to one side, then
    as many back. Depth: how far the feet go apart, as the angle between the thighs beyond the stand."""

    possible: ClassVar[tuple[FaultKind, ...]] = (
        "valgus", "pelvic_drop", "pelvis_turn", "rises", "partial", "fast", "slow",
    )  # fmt: skip
    legs: ClassVar[int] = 2
    repetitions: int = 4
    """To each side."""
    depth_deg: float = 20.0
    tempo: Tempo = (1.0, 0.2, 1.6, 0.5)
    """Out, both feet down, the other one follows, rest."""
    first: Side = "left"
    """To where the first steps go."""
    faults: tuple[Fault, ...] = ()
    """valgus of the other side than the steps go to: the trailing knee collapses."""
    both: bool = True
    bend_deg: float = 30.0
    """Flexion of the knees that is kept."""


@dataclass(frozen=True, slots=True)
class LegSwings(Drill):
    """One leg swings forward and back, with a hand on a support. Depth: how far the thigh swings forward; half of it back.
    A repetition is from behind to the front and back; the swings grow by `growth`."""

    possible: ClassVar[tuple[FaultKind, ...]] = (
        "pelvis_rock", "pelvis_turn", "hip_hike", "knee_bend", "partial", "fast", "slow", "stops",
    )  # fmt: skip
    legs: ClassVar[int] = 2
    repetitions: int = 8
    depth_deg: float = 45.0
    """of the last swings."""
    tempo: Tempo = (0.8, 0.0, 0.8, 0.0)
    first: Side = "left"
    """Which swings first; a repetition belongs to it."""
    faults: tuple[Fault, ...] = ()
    both: bool = True
    growth: float = 0.35
    """The first swing is smaller by this share."""


@dataclass(frozen=True, slots=True)
class HipCircles(Drill):
    """One thigh circles, knee bent: forward, outward, back. Depth: half of the circle's height, in degrees of the thigh."""

    possible: ClassVar[tuple[FaultKind, ...]] = ("hip_hike", "pelvis_turn", "forward_lean", "partial", "fast", "slow")
    legs: ClassVar[int] = 2
    repetitions: int = 6
    depth_deg: float = 20.0
    tempo: Tempo = (1.3, 0.0, 1.3, 0.0)
    """Forward, back; the way out is half a circle later than the way up."""
    first: Side = "left"
    faults: tuple[Fault, ...] = ()
    both: bool = True
    growth: float = 0.3


@dataclass(frozen=True, slots=True)
class AnklePumps(Drill):
    """One foot in the air goes up and down. Depth: half of the range of the ankle."""

    possible: ClassVar[tuple[FaultKind, ...]] = ("knee_bend", "partial", "fast", "slow", "stops")
    legs: ClassVar[int] = 2
    repetitions: int = 8
    depth_deg: float = 20.0
    tempo: Tempo = (0.8, 0.0, 0.8, 0.0)
    first: Side = "left"
    faults: tuple[Fault, ...] = ()
    both: bool = True


@dataclass(frozen=True, slots=True)
class AnkleCircles(Drill):
    """One foot in the air circles. Depth: half of the circle's height, in degrees of the foot."""

    possible: ClassVar[tuple[FaultKind, ...]] = ("knee_bend", "partial", "fast", "slow")
    legs: ClassVar[int] = 2
    repetitions: int = 6
    depth_deg: float = 16.0
    tempo: Tempo = (1.0, 0.0, 1.0, 0.0)
    first: Side = "left"
    faults: tuple[Fault, ...] = ()
    both: bool = True
