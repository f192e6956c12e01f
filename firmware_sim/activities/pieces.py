"""What a simulated person can be asked to do; a plan is any sequence of these, and each ends in a stand.

Degrees are relative to the quiet stand; a tempo is down, hold, up, rest in s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from imu.conventions import Side

Tempo = tuple[float, float, float, float]


def other(side: Side) -> Side:
    """The other one."""
    return "right" if side == "left" else "left"


@dataclass(frozen=True, slots=True)
class Stand:
    """Quiet stand on both feet, with sway."""

    seconds: float = 4.0

    def mirrored(self) -> Self:
        return self


@dataclass(frozen=True, slots=True)
class March:
    """Knees lifted in turn on the spot; each foot is put down near where it was."""

    lifts: int = 4
    """of both legs together."""
    first: Side = "left"
    seconds_per_lift: float = 1.15
    hip_deg: float = 60.0
    knee_deg: float = 75.0

    def mirrored(self) -> Self:
        return replace(self, first=other(self.first))


@dataclass(frozen=True, slots=True)
class Fault:
    """A knee that falls in."""

    repetition: int
    """The first is 1."""
    side: Side
    inward_deg: float = 20.0
    """Swing of the knee about the line from hip to ankle; 20° at 90° of flexion bring it in by about 0.1 m."""


@dataclass(frozen=True, slots=True)
class Squats:
    """On both legs."""

    repetitions: int = 5
    depth_deg: float = 85.0
    tempo: Tempo = (3.0, 1.0, 2.0, 1.0)
    faults: tuple[Fault, ...] = ()

    def mirrored(self) -> Self:
        return replace(self, faults=tuple(replace(f, side=other(f.side)) for f in self.faults))


def half_squats(repetitions: int = 2) -> Squats:
    """The slow half squats of a guided movement."""
    return Squats(repetitions, 50.0, (1.7, 0.3, 1.7, 0.5))


@dataclass(frozen=True, slots=True)
class SingleLegSquats:
    """On one leg, the other foot behind; then on the other one."""

    repetitions: int = 3
    """With each leg."""
    depth_deg: float = 50.0
    tempo: Tempo = (3.0, 0.4, 2.0, 1.0)
    first: Side = "left"
    """On which the person stands first."""
    faults: tuple[Fault, ...] = ()
    """Of the leg that carries: counted over both legs."""

    def mirrored(self) -> Self:
        faults = tuple(replace(f, side=other(f.side)) for f in self.faults)
        return replace(self, first=other(self.first), faults=faults)


@dataclass(frozen=True, slots=True)
class StepDowns:
    """At the edge of a step of 15 to 20 cm: one leg carries, the other heel reaches down to the floor in front."""

    repetitions: int = 3
    """With each leg."""
    depth_deg: float = 62.0
    """Flexion of the knee that carries; it makes the height of the step."""
    tempo: Tempo = (3.0, 0.3, 2.0, 0.5)
    first: Side = "left"
    """On which the person stands first."""
    faults: tuple[Fault, ...] = ()
    """Of the leg that carries: counted over both legs."""

    def mirrored(self) -> Self:
        faults = tuple(replace(f, side=other(f.side)) for f in self.faults)
        return replace(self, first=other(self.first), faults=faults)


@dataclass(frozen=True, slots=True)
class Walk:
    """To and fro, with a turn about every `straight_m`; the person ends up facing any direction."""

    seconds: float = 30.0
    first: Side = "left"
    """Foot that steps first."""
    straight_m: float = 10.0
    turn_first: Side = "left"
    """To where the first turn goes; later ones go to and fro."""

    def mirrored(self) -> Self:
        return replace(self, first=other(self.first), turn_first=other(self.turn_first))


@dataclass(frozen=True, slots=True)
class SitToStands:
    """Down on a chair of knee height and up again."""

    repetitions: int = 3
    down_s: float = 1.8
    seated_s: float = 1.5
    up_s: float = 1.5
    rest_s: float = 1.5

    def mirrored(self) -> Self:
        return self


@dataclass(frozen=True, slots=True)
class SeatedExtensions:
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

    def mirrored(self) -> Self:
        return replace(self, first=other(self.first))


Piece = Stand | March | Squats | SingleLegSquats | StepDowns | Walk | SitToStands | SeatedExtensions
Plan = tuple[Piece, ...]


def set_up_plan() -> Plan:
    """Stand, march, stand: what comes before every drill."""
    return (Stand(4.0), March(4), Stand(3.0))
