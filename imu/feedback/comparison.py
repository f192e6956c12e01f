"""A repetition against the person's own approved set: knee, depth and lean, causally, repetition by repetition.

Four questions (limits set with twenty sets of two people in sight, so their figures are no independent proof):

- *return*: is the shank further in on the way up than on the way down at equal thigh tilt, compared with the approved set?
  Strap, axis and stance are functions of the pose and cancel. Approved sets stay within 3.5°, acted faults are beyond 8.5°.
- *excursion*: are shank and thigh both further in than in the approved set, on both ways? This is not free of the strap, so
  both must agree, as they do not when a strap is turned, and their mean over the last repetitions counts.
- before both: does each sensor sit as it sat then (`fit`)? One that does not is left out, with the reason.
- depth and lean of the pelvis at the deepest point. A single lean is inside what one repetition varies by, so the mean over
  the last repetitions must be beyond the limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.conventions import Side, place, segment_of
from imu.feedback.approved import ApprovedLeg, ApprovedSet, inward
from imu.feedback.course import SHANK, THIGH, Course
from imu.feedback.fit import objection, tilted, turned
from imu.feedback.records import DEPTHS
from imu.packets import Floats

SPREADS: Final = 3.0
"""No return within so many spreads of the approved set is a fault."""
RETURN: Final = math.radians(4.5)
"""rad, smallest limit of the return of the shank: 1.5 times what one repetition varies by between sets of a day."""
THIGH_RETURN: Final = math.radians(7.0)
"""rad, the same of the thigh, if there is no shank sensor."""
MATCHES: Final = 3
"""Depths that must be comparable."""
FOR_SLOPE: Final = 5
"""Depths from which on it can be told how something grows with depth."""
LAST: Final = 3
"""Repetitions whose mean is taken."""
EXCURSION: Final = tuple(math.radians(x) for x in (7.0, 6.0, 5.5))
"""rad, limit of the mean of shank and thigh with one, two, three repetitions. Other faults shift it by up to 4.8°."""
EACH: Final = math.radians(3.0)
"""rad, that shank and thigh must show each."""
BEHIND: Final = math.radians(3.5)
"""rad, that the thigh may show less than the shank: a strap of the shank turned by 20° makes 3 to 13, a fault up to 3."""
OWN_SHARE: Final = 0.6
"""of the limit, that the repetition itself must show: one that is clean again is not named for those before it."""
TURNED: Final = math.radians(12.0)
"""rad, by how much thigh and shank may differ, in the mean and per sine of the thigh's tilt together. The strap of the
thigh or both turned by 20° make 12 to 50, since a thigh is tilted twice as far as a shank; a knee that is in moves both
alike: up to 11, in a single repetition 15."""
DEPTH_SHARE: Final = 0.83
"""of the approved depth; at 0.85 a twentieth of approved repetitions would be called partial."""
DEPTH_SPREADS: Final = 2.0
LEAN_SPREADS: Final = 1.96
LEAN_LEAST: Final = math.radians(4.5)
"""rad, spread of the lean of one repetition, at least: pooled over sets it is 4.7°, a single set may show 3."""
LEAN_OWN: Final = 0.5
PART: Final = {THIGH: "thigh", SHANK: "shank"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """One leg in one repetition. Angles rad; NaN = could not be compared."""

    number: int
    side: Side
    t_us: int
    """When the thigh was tilted most."""
    return_: float
    """Way up minus way down at equal thigh tilt, beyond that of the approved set; + = inward."""
    return_limit: float
    excursion: float
    """Mean of shank and thigh beyond the approved set, the lesser of both ways, over the last repetitions; + = inward."""
    excursion_limit: float
    depth: float
    depth_limit: float
    lean: float
    """Mean lean of the pelvis beyond the approved set over the last repetitions."""
    lean_limit: float
    names: tuple[str, ...]
    """`valgus_left`, `lean`, `partial` ..., sorted."""
    reason: str = ""
    """Why the knee could not be judged, or only in part."""
    refused: tuple[str, ...] = ()
    """Segments whose sensors do not sit as in the approved set."""

    @property
    def by_return(self) -> bool:
        """Which of both is further beyond its limit."""
        return not self.excursion / self.excursion_limit > self.return_ / self.return_limit

    @property
    def score(self) -> float:
        """Above 1 = the knee is named; NaN = not comparable."""
        ratios = [self.return_ / self.return_limit, self.excursion / self.excursion_limit]
        known = [r for r in ratios if math.isfinite(r)]
        return max(known) if known else math.nan


@dataclass(frozen=True, slots=True)
class _Seen:
    """What of one repetition is kept for the next ones."""

    shank: float
    thigh: float
    apart: float
    """How much more the thigh says than the shank."""
    lean: float
    turned: tuple[float, float]
    """rad, of thigh and shank about the leg ..."""
    tilted: tuple[float, float]
    """... and of what is up, against the approved set."""


class Comparing:
    """Compares the repetitions of one set, in order."""

    def __init__(self, approved: ApprovedSet) -> None:
        self._approved = approved
        self._seen: dict[Side, tuple[_Seen, ...]] = {}

    def take(self, course: Course) -> Comparison | None:
        """None = this leg is not in the approved set."""
        leg = self._approved.leg(course.side)
        if leg is None:
            return None
        beyond = inward(course, np.array(leg.axis)) - np.array(leg.inward)
        turns, tilts = _sits(leg, course)
        refused, misfit = self._fits(course.side, turns, tilts)
        for s in refused:
            beyond[s] = math.nan
        shank, thigh = (_both_ways(beyond[s]) for s in (SHANK, THIGH))
        apart = thigh - shank + _slope(beyond[THIGH]) - _slope(beyond[SHANK])
        seen = _Seen(shank, thigh, apart, course.pelvis_tilt - leg.lean, turns, tilts)
        last = (*self._seen.get(course.side, ()), seen)[-LAST:]
        self._seen[course.side] = last
        return_, return_limit, reason = _return(beyond, leg)
        excursion, named, why = _excursion(last)
        value_unknown = not (math.isfinite(return_) or math.isfinite(excursion))
        names: list[str] = []
        if return_ > return_limit or named:
            names.append(f"valgus_{course.side}")
        depth_limit = min(DEPTH_SHARE * leg.depth, leg.depth - DEPTH_SPREADS * leg.depth_sd)
        lean = float(np.mean([s.lean for s in last]))
        lean_limit = LEAN_SPREADS * max(leg.lean_sd, LEAN_LEAST) / math.sqrt(len(last))
        if course.peak < depth_limit:
            names.append("partial")
        elif lean > lean_limit and seen.lean > LEAN_OWN * lean_limit:  # compared at comparable depth only
            names.append("lean")
        return Comparison(
            course.number, course.side, course.t_deepest_us, return_, return_limit, excursion, EXCURSION[len(last) - 1],
            course.peak, depth_limit, lean, lean_limit, tuple(sorted(names)),
            misfit if refused and value_unknown else "; ".join(r for r in (misfit, reason, why) if r),
            tuple(segment_of(PART[s], course.side) for s in refused),
        )  # fmt: skip

    def _fits(self, side: Side, turns: tuple[float, float], tilts: tuple[float, float]) -> tuple[tuple[int, ...], str]:
        """(rows of the sensors that do not sit as in the approved set, why), from this and the last repetitions."""
        before = self._seen.get(side, ())[1 - LAST :]
        wrong: dict[int, str] = {}
        for k, s in enumerate((THIGH, SHANK)):
            of = (*(b.turned[k] for b in before), turns[k]), (*(b.tilted[k] for b in before), tilts[k])
            if words := objection(s, *of):
                wrong[s] = f"the approved set does not fit: the sensor on the {place(segment_of(PART[s], side))} {words}"
        return tuple(wrong), "; ".join(wrong.values())

    def state(self) -> dict[Side, tuple[_Seen, ...]]:
        """A copy of everything that changes."""
        return dict(self._seen)

    def restore(self, state: dict[Side, tuple[_Seen, ...]]) -> None:
        """Continue from a state of one with an equal approved set."""
        self._seen = dict(state)


def _sits(leg: ApprovedLeg, course: Course) -> tuple[tuple[float, float], tuple[float, float]]:
    """How thigh and shank sensors sit against the approved set: (turned, tilted), rad; NaN = not known."""
    if not leg.up or not leg.forward:
        return (math.nan, math.nan), (math.nan, math.nan)
    up, forward = np.array(leg.up), np.array(leg.forward)
    return (
        (turned(forward[THIGH], course, THIGH), turned(forward[SHANK], course, SHANK)),
        (tilted(up[THIGH], course, THIGH), tilted(up[SHANK], course, SHANK)),
    )


def _return(beyond: Floats, leg: ApprovedLeg) -> tuple[float, float, str]:
    """(value, limit, reason) of the shank, or of the thigh if the shank is not known."""
    for s, least in ((SHANK, RETURN), (THIGH, THIGH_RETURN)):
        limit = max(least, SPREADS * leg.return_sd[s]) if math.isfinite(leg.return_sd[s]) else least
        difference = beyond[s, 1] - beyond[s, 0]
        known = difference[np.isfinite(difference)]
        if len(known) >= MATCHES:
            return float(known.mean()), limit, "" if s == SHANK else "no shank to compare"
    return math.nan, RETURN, "not deep enough to compare, or a sensor was unknown"


def _excursion(last: tuple[_Seen, ...]) -> tuple[float, bool, str]:
    """(value, is it a fault, why not judged) from the last repetitions; the newest is the last."""
    shank, thigh = (float(np.mean([getattr(s, name) for s in last])) for name in ("shank", "thigh"))
    value = 0.5 * (shank + thigh)
    limit = EXCURSION[len(last) - 1]
    if not math.isfinite(value):
        return value, False, ""
    apart = abs(float(np.mean([s.apart for s in last])))
    if value > limit and (min(shank, thigh) <= EACH or shank - thigh > BEHIND or apart > TURNED):
        return math.nan, False, "shank and thigh do not agree, as when a strap is turned"
    newest = 0.5 * (last[-1].shank + last[-1].thigh)
    return value, value > limit and newest > OWN_SHARE * EXCURSION[-1], ""


def _both_ways(beyond: Floats) -> float:
    """The lesser of the means on the way down and up; beyond (2, 11)."""
    means = []
    for way in beyond:
        known = way[np.isfinite(way)]
        if len(known) < MATCHES:
            return math.nan
        means.append(float(known.mean()))
    return min(means)


def _slope(beyond: Floats) -> float:
    """How it grows with the sine of the thigh's tilt, rad; 0 if too little is known to tell. beyond (2, 11)."""
    y = 0.5 * (beyond[0] + beyond[1])
    known = np.isfinite(y)
    if known.sum() < FOR_SLOPE:
        return 0.0
    x = np.sin(DEPTHS[known])
    x = x - x.mean()
    return float(x @ (y[known] - y[known].mean()) / (x @ x))
