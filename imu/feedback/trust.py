"""What the calibration lets be judged, and the words for what it does not.

A limit that counts from the repetition itself or from the person's approved set forgives an axis that is a little wrong,
for the error is in both. A number taken as it is (`against = "absolute"`) does not: an axis wrong by 5° makes 4° of knee
adduction out of 60° of flexion. So it acts only where every sensor that the angle is made of has a good calibration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import nan

from imu.conventions import Side, place, segment_of
from imu.feedback.drill_metrics import ABSOLUTE, Compensation
from imu.feedback.quantities import Quantity
from imu.kinematics.calibration import GOOD, Calibration
from imu.outputs import Approach, Repetition

UNSURE = "the sensors could not tell for sure"


@dataclass(frozen=True, slots=True)
class Trust:
    """Of one session at one moment; immutable, so it is its own snapshot."""

    calibrated: bool = True
    """False: a set that is done without a calibration."""
    scores: Mapping[str, int] = field(default_factory=dict)
    """0-100, by segment, of those that are calibrated."""

    @staticmethod
    def of(calibration: Calibration) -> Trust:
        """As it is after this calibration, also a stored one that fits today's stand."""
        return Trust(True, {s.segment: s.score for s in calibration.segments if s.q_sensor_segment is not None})

    def objection(self, quantity: Quantity) -> str:
        """Why this limit may not act; empty = it may."""
        if quantity.rule.against != ABSOLUTE:
            return ""
        if missing := [s for s in quantity.segments if s not in self.scores]:
            return f"no calibration of the {place(missing[0])}" if self.calibrated else "no calibration"
        score, worst = min((self.scores[s], s) for s in quantity.segments)
        return f"calibration score {score} below {GOOD}: {place(worst)}" if score < GOOD else ""

    def why_unknown(self, side: Side) -> str:
        """Why the angles of this knee could not be judged in a repetition."""
        if not self.calibrated:
            return "no calibration"
        missing = [s for part in ("thigh", "shank") if (s := segment_of(part, side)) not in self.scores]
        return f"no calibration of the {place(missing[0])}" if self.scores and missing else UNSURE

    def applied(self, r: Repetition, rows: tuple[Quantity, ...], unknown: Iterable[Side], compares: bool) -> Repetition:
        """A repetition that has closed, with what was not judged in it."""
        unjudged = self.unjudged(r.nearest, unknown, compares)
        return replace(r, nearest=self.without_objections(r.nearest, rows), unjudged=unjudged)

    def unjudged(self, nearest: Iterable[Approach], unknown: Iterable[Side], compares: bool) -> dict[str, str]:
        """Knees about which nothing is known in a repetition, `valgus_left` ..., each with the reason.

        nearest : of the repetition; unknown: knees that were under load and could not be told; compares: there is an
        approved set, which says itself why it could not be compared.
        """
        found: dict[str, str] = {}
        for a in nearest:
            if a.rule == "valgus" and a.side is not None and a.value != a.value and (compares or a.side in unknown):
                own = self.why_unknown(a.side)
                found[f"valgus_{a.side}"] = "; ".join(filter(None, (own, a.detail if compares else "")))
        return found

    def without_objections(self, nearest: tuple[Approach, ...], rows: Iterable[Quantity]) -> tuple[Approach, ...]:
        """The same, but limits that may not act have not been judged, and say why."""
        objections: dict[tuple[str, Side | None], str] = {}
        for row in rows:
            sided = not isinstance(row.rule, Compensation) or row.rule.sided
            if reason := self.objection(row):
                objections[row.rule.name, row.side if sided else None] = reason
        if not objections:
            return nearest
        return tuple(
            replace(a, t_us=0, value=nan, sigma=nan, detail=objections[a.rule, a.side])
            if (a.rule, a.side) in objections
            else a
            for a in nearest
        )
