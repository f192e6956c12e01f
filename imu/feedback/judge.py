"""Watches one set: the course of every repetition, and what it differs in from the person's approved set."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
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
from imu.outputs import Approach

SHANK_TILT: Final = "shank_frontal_tilt"
LEAN: Final = "lean"
"""The fault, and the compensation of the drill whose words are said of it."""
RETURN: Final = "shank, the way up against the way down, beyond the approved set"
EXCURSION: Final = "shank and thigh on both ways, beyond the approved set"


def comparable(drill: Drill) -> bool:
    """Squats of both legs from a stand, counted by the tilt of the thighs: others are not compared with an approved set."""
    return (drill.signal.angle, drill.signal.legs, drill.signal.start) == ("thigh_tilt", "both", "stand")


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
            elif any(LEAN in c.names for c in self.comparisons):
                names.add(LEAN)
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

    @property
    def _shallowest(self) -> Comparison:
        return min(self.comparisons, key=lambda c: c.depth / c.depth_limit)

    @property
    def _most_leaning(self) -> Comparison:
        return max(self.comparisons, key=lambda c: c.lean if c.lean == c.lean else -inf)

    def approaches(self, nearest: Sequence[Approach]) -> tuple[Approach, ...]:
        """How near each rule came to its limit: of a knee what came nearer, of the depth and the lean the comparison."""
        if not self.comparisons:
            return tuple(nearest)
        found: list[Approach] = []
        before = {(a.rule, a.side): a for a in nearest}
        for c in self.comparisons:
            value, limit = (c.return_, c.return_limit) if c.by_return else (c.excursion, c.excursion_limit)
            detail = c.reason if value != value else RETURN if c.by_return else EXCURSION
            a = Approach("valgus", c.side, c.t_us if value == value else 0, value, limit, nan, detail)
            known = before.get(("valgus", c.side))
            nearer = known is not None and known.value == known.value and not _share(known) < _share(a)
            found.append(known if known is not None and nearer else a)
        c = self._shallowest
        found.append(Approach("depth", None, c.t_us, c.depth, c.depth_limit, nan, "deepest point against the approved set"))
        c = self._most_leaning
        t_us = c.t_us if c.lean == c.lean else 0
        found.append(Approach(LEAN, None, t_us, c.lean, c.lean_limit, nan, "pelvis tilt, beyond the approved set"))
        said = {(a.rule, a.side) for a in found}
        return (*found, *(a for a in nearest if (a.rule, a.side) not in said))

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
                    (c.reason if c.refused else "quality") if unknown else "",
                )  # fmt: skip
        if "partial" in self.names:
            c = self._shallowest
            yield Condition(
                "depth", None, depth.text, depth.priority, c.t_us, now_us, c.number, c.depth, c.depth_limit, nan, depth.cue
            )
        for rule in drill.compensations:
            if rule.name == LEAN and LEAN in self.names and LEAN not in named:
                c = self._most_leaning
                yield Condition(
                    LEAN, None, rule.text, rule.priority, c.t_us, now_us, c.number, c.lean, c.lean_limit, nan, rule.cue
                )


@dataclass(frozen=True, slots=True)
class JudgeState:
    """A copy of everything that changes."""

    began_us: int
    counted_us: int
    newest: Judged | None
    seen: Mapping[Side, object]
    refused: tuple[str, ...]


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
        self._began_us = self._counted_us = 0
        self.newest: Judged | None = None
        """The repetition that was counted last; None = another has begun since."""
        self._refused: tuple[str, ...] = ()
        self.misfits: tuple[tuple[str, Side, str], ...] = ()
        """(segment, side, why) of sensors that the newest one has shown to sit otherwise than in the approved set."""

    @property
    def compares(self) -> bool:
        """There is an approved set."""
        return self._comparing is not None

    def begin(self, t_us: int) -> None:
        """A repetition has begun."""
        self._began_us, self.newest = t_us, None

    def take(self, number: int, t_now_us: int) -> Judged:
        """The one that has begun last has been counted at `t_now_us`."""
        courses = self._courses.read(self._motion, number, self._began_us, t_now_us, self._counted_us)
        self._counted_us = t_now_us
        found = (self._comparing.take(course) for course in courses) if self._comparing else ()
        self.newest = Judged(courses, tuple(c for c in found if c is not None))
        now = {segment: c for c in self.newest.comparisons for segment in c.refused}
        self._refused, before = tuple(now), self._refused
        self.misfits = tuple((s, c.side, c.reason) for s, c in now.items() if s not in before)
        return self.newest

    def state(self) -> JudgeState:
        """A copy of everything that changes."""
        seen = self._comparing.state() if self._comparing else {}
        return JudgeState(self._began_us, self._counted_us, self.newest, seen, self._refused)

    def restore(self, state: JudgeState) -> None:
        """Continue from a state of one with an equal setup."""
        self._began_us, self._counted_us, self.newest = state.began_us, state.counted_us, state.newest
        self._refused = state.refused
        if self._comparing:
            self._comparing.restore(state.seen)  # pyright: ignore[reportArgumentType]


def _share(a: Approach) -> float:
    """Of the limit that was reached; NaN = not judged."""
    return a.value / a.threshold
