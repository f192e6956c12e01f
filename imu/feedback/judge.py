"""Watches one set: the course of every repetition, and what it differs in from the person's approved set."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from math import inf, nan
from typing import Final

from imu.config import Setup
from imu.conventions import Side, angle_label
from imu.feedback.alignment import Baseline
from imu.feedback.approved import ApprovedSet
from imu.feedback.comparison import Comparing, Comparison
from imu.feedback.course import Course, Courses
from imu.feedback.cues import Condition
from imu.feedback.drill import Drill
from imu.feedback.motion import Motion

SHANK_TILT: Final = "shank_frontal_tilt"


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One repetition."""

    courses: tuple[Course, ...]
    comparisons: tuple[Comparison, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Faults of all legs; the depth is that of both."""
        names = {name for c in self.comparisons for name in c.names if name not in ("partial", "lean")}
        if self.comparisons:
            share = sum(c.depth / c.depth_limit for c in self.comparisons) / len(self.comparisons)
            if share < 1.0:
                names.add("partial")
            elif any("lean" in c.names for c in self.comparisons):
                names.add("lean")
        return tuple(sorted(names))

    @property
    def excursions(self) -> dict[str, float]:
        """rad beyond the approved set, as `Repetition.excursions` has them."""
        found: dict[str, float] = {}
        for c in self.comparisons:
            label = angle_label(SHANK_TILT, c.side)
            for key, value in ((label, c.excursion), (f"{label}_return", c.return_), ("pelvis_lean", c.lean)):
                if value == value:
                    found[key] = value
        return found

    def conditions(self, drill: Drill, now_us: int, named: Container[str]) -> Iterator[Condition]:
        """What may be said of it, the worst first, but for what is already named; a knee that could not be compared is
        logged as such."""
        knee, depth = drill.valgus, drill.depth
        for c in sorted(self.comparisons, key=lambda c: -c.score if c.score == c.score else inf):
            value, limit = (c.return_, c.return_limit) if c.by_return else (c.excursion, c.excursion_limit)
            unknown = c.score != c.score
            if unknown or (f"valgus_{c.side}" in c.names and f"valgus_{c.side}" not in named):
                yield Condition(
                    "valgus", c.side, knee.text, knee.priority, c.t_us, now_us, c.number, value, limit, nan, knee.cue,
                    "quality" if unknown else "",
                )  # fmt: skip
        if "partial" in self.names:
            c = self.comparisons[0]
            yield Condition(
                "depth", None, depth.text, depth.priority, c.t_us, now_us, c.number, c.depth, c.depth_limit, nan, depth.cue
            )


@dataclass(frozen=True, slots=True)
class JudgeState:
    """A copy of everything that changes."""

    counted_us: int
    seen: Mapping[Side, object]


class Judge:
    """Of one session.

    Parameters
    ----------
    setup : Setup
        Who is where, and the approved set, if there is one.
    motion : Motion
        What the sensors measured; somebody else pushes to it.
    """

    def __init__(self, setup: Setup, motion: Motion) -> None:
        self._motion = motion
        self._courses = Courses(tuple(s.segment for s in setup.sensors), setup.grid_hz)
        approved = ApprovedSet.from_json(setup.baseline) if setup.baseline else None
        self._comparing = Comparing(approved) if approved else None
        self.baseline = Baseline(approved.profile) if approved else Baseline.none()
        """What the calibrated angles are compared with."""
        self._counted_us = 0

    @property
    def compares(self) -> bool:
        """There is an approved set."""
        return self._comparing is not None

    def take(self, number: int, t_start_us: int, t_now_us: int) -> Judged:
        """The repetition that began at `t_start_us` has been counted at `t_now_us`."""
        courses = self._courses.read(self._motion, number, t_start_us, t_now_us, self._counted_us)
        self._counted_us = t_now_us
        if self._comparing is None:
            return Judged(courses)
        found = (self._comparing.take(course) for course in courses)
        return Judged(courses, tuple(c for c in found if c is not None))

    def state(self) -> JudgeState:
        """A copy of everything that changes."""
        return JudgeState(self._counted_us, self._comparing.state() if self._comparing else {})

    def restore(self, state: JudgeState) -> None:
        """Continue from a state of one with an equal setup."""
        self._counted_us = state.counted_us
        if self._comparing:
            self._comparing.restore(state.seen)  # pyright: ignore[reportArgumentType]
