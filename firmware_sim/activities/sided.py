"""What pieces of a plan have in common: exchange of left and right, and faults that they can have."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import ClassVar, Final, Self

from firmware_sim.activities.faults import COURSE_KINDS, MEANING, Fault, FaultKind, opposite
from imu.conventions import Side

Tempo = tuple[float, float, float, float]
"""s: out (down in a squat, up in a bridge), hold, back, rest."""

ONE_SIDED: Final[tuple[FaultKind, ...]] = ("pelvic_drop", "hip_hike", "pelvis_turn", "open_hip", "side_shift")
"""Faults that have a side, or are none."""


class Mirrored:
    """A piece whose fields that name a side are called `first`, `turn_first` and `faults`."""

    __slots__ = ()

    def mirrored(self) -> Self:
        """With left and right exchanged."""
        changed: dict[str, Side | tuple[Fault, ...]] = {}
        for f in fields(self):  # pyright: ignore[reportArgumentType]
            value = getattr(self, f.name)
            if f.name in ("first", "turn_first"):
                changed[f.name] = opposite(value)
            elif f.name == "faults":
                changed[f.name] = tuple(fault.mirrored() for fault in value)
        return replace(self, **changed)  # pyright: ignore[reportArgumentType, reportType]


class Drill(Mirrored):
    """A piece of repetitions."""

    __slots__ = ()

    possible: ClassVar[tuple[FaultKind, ...]] = COURSE_KINDS
    """Faults that this drill can have."""
    legs: ClassVar[int] = 1
    """Its `repetitions` are counted for so many legs each."""
    repetitions: int
    faults: tuple[Fault, ...]

    @property
    def count(self) -> int:
        """Repetitions of both legs together."""
        return self.repetitions * (self.legs if getattr(self, "both", True) else 1)

    def __post_init__(self) -> None:
        name = type(self).__name__
        for f in self.faults:
            if f.kind not in self.possible:
                raise ValueError(f"{name} cannot have {f.kind!r}; there are: {', '.join(self.possible)}")
            if not 1 <= f.repetition <= self.count:
                raise ValueError(f"{name} has no repetition {f.repetition}, only 1 to {self.count}")
            if f.side is not None and (f.kind == "rises" or (f.kind == "knee_bend" and self.legs == 1)):
                raise ValueError(f"{f.kind!r} has no side in {name}: both feet carry")
            if f.kind in ONE_SIDED and f.side is None:
                raise ValueError(f"{f.kind!r} needs a side: {MEANING[f.kind]}")
