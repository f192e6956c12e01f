"""From a drill's metrics and compensations to rows of numbers: which angles of which leg, and how they are combined."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, sqrt
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from imu.config import Setup
from imu.conventions import ANGLES, CENTRAL_ANGLES, SIDES, Segment, Side, angle_column, segment_of
from imu.feedback import compensations as c
from imu.feedback.drill import Drill
from imu.feedback.drill_metrics import AGAINST, Compensation, Metric
from imu.packets import Floats, Ints

WAYS: Final = {"above": c.ABOVE, "below": c.BELOW, "beyond": c.BEYOND}
DURING: Final = {"all": c.ALL, "out": c.OUT, "turn": c.TURN, "back": c.BACK}

Terms = tuple[tuple[int, float], ...]
"""(column of an angle, weight)."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One row of the watch."""

    name: str
    """Of the metric or compensation, with its side."""
    side: Side | None
    terms: Terms
    rule: Metric | Compensation

    @property
    def segments(self) -> tuple[Segment, ...]:
        """All that the angles are made of."""
        used = (ANGLES[column] for column, _ in self.terms)
        return tuple(dict.fromkeys(s for angle, of in used for s in segments_of(angle, of)))


def other(side: Side) -> Side:
    return SIDES[1 - SIDES.index(side)]


def segments_of(angle: str, side: Side | None) -> tuple[Segment, ...]:
    """Segments an angle is made of."""
    part = angle.split("_", 1)[0]
    if part == "pelvis" or side is None:
        return ("pelvis",)
    if part == "knee":
        return segment_of("thigh", side), segment_of("shank", side)
    if part == "hip":
        return "pelvis", segment_of("thigh", side)
    if part == "ankle":
        return segment_of("shank", side), segment_of("foot", side)
    return (segment_of(part, side),)


def is_worn(setup: Setup, angle: str, side: Side | None) -> bool:
    return all(setup.index_of(segment) is not None for segment in segments_of(angle, side))


def column_of(angle: str, side: Side | None) -> int:
    """Column of an angle; one without a side is the same for both legs."""
    return angle_column(angle, None if angle in (*CENTRAL_ANGLES, "pelvis_rotation") else side)


def combination(angle: str, side: Side | None) -> Terms:
    """What a quantity of `drill_metrics.QUANTITIES` is made of."""
    if angle == "pelvis_drop":  # obliquity: + the right side is higher
        return ((angle_column("pelvis_obliquity"), 1.0 if side == "left" else -1.0),)
    if angle == "pelvis_turn":  # rotation: + to the left
        return ((angle_column("pelvis_rotation"), 1.0 if side == "left" else -1.0),)
    if angle == "heel_rise":  # the shank against gravity, and the foot against the shank
        return (angle_column("shank_sagittal_tilt", side), 1.0), (angle_column("ankle_flexion", side), -1.0)
    if side is not None and angle in ("side_shift", "knee_difference", "knee_in"):
        far = other(side)
        if angle == "knee_difference":
            return ((angle_column("knee_flexion", side), 1.0), (angle_column("knee_flexion", far), -1.0))
        shank, thigh = angle_column("shank_frontal_tilt", side), angle_column("thigh_frontal_tilt", side)
        if angle == "knee_in":
            return (shank, 1.0), (thigh, 1.0)
        # hips over this leg: its shank leans outward, knee over and beyond the ankle, and its thigh further outward with
        # the hip, so that the knee is medial of it; the other leg leans the other way. Knees that fall in cancel
        far_shank, far_thigh = angle_column("shank_frontal_tilt", far), angle_column("thigh_frontal_tilt", far)
        return (shank, -0.25), (thigh, 0.25), (far_shank, 0.25), (far_thigh, -0.25)
    return ((column_of(angle, side), 1.0),)


def quantities(drill: Drill, setup: Setup, leg: Side | None) -> tuple[tuple[Quantity, ...], tuple[str, ...]]:
    """Rows for a repetition of the trained `leg` (None: of both), and names of those that no sensor measures."""
    rows: list[Quantity] = []
    missing: list[str] = []
    rules: list[Metric | Compensation] = [*drill.metrics, *drill.compensations]
    if leg is None and drill.target.angle not in CENTRAL_ANGLES:
        left, right = (column_of(drill.target.angle, side) for side in SIDES)
        terms = ((left, drill.signal.sign), (right, -drill.signal.sign))
        if all(is_worn(setup, drill.target.angle, side) for side in SIDES):
            rows.append(Quantity(SYMMETRY.name, None, terms, SYMMETRY))
    for rule in rules:
        central = rule.angle in (*CENTRAL_ANGLES, "pelvis_rotation")
        sides: tuple[Side | None, ...] = SIDES
        if central:
            sides = (None,)
        elif leg is not None and rule.of != "each":
            sides = (leg if rule.of == "trained" else other(leg),)
        for side in sides:
            name = rule.name if side is None else f"{rule.name}_{side}"
            terms = combination(rule.angle, side)
            used = [ANGLES[column] for column, _ in terms]
            if all(is_worn(setup, angle, of) for angle, of in used):
                rows.append(Quantity(name, side, terms, rule))
            else:
                missing.append(name)
    return tuple(rows), tuple(missing)


SYMMETRY: Final = Metric("depth_difference", "knee_difference", "deepest")
"""Left depth minus right depth where they are deepest: of every drill on both legs."""


def rules_of(rows: tuple[Quantity, ...]) -> NDArray[np.void]:
    """The rows in the kernel's units."""
    out = np.zeros(len(rows), c.RULE)
    for r, row in zip(out, rows, strict=True):
        r["against"] = AGAINST.index(row.rule.against)
        r["leg"] = -1 if row.side is None else SIDES.index(row.side)
        if isinstance(row.rule, Compensation):
            rule = row.rule
            r["judged"], r["limit"], r["way"], r["during"] = 1, radians(rule.limit_deg), WAYS[rule.way], DURING[rule.during]
            r["dwell_us"], r["leave"], r["sigma"] = round(rule.dwell_ms * 1000), rule.leave_share, radians(rule.sigma_deg)
    return out


def terms_of(rows: tuple[Quantity, ...]) -> tuple[Ints, Floats]:
    """Columns and weights of the rows, (Q, 4) each; -1 = no further term."""
    columns, weights = np.full((len(rows), 4), -1, np.int64), np.zeros((len(rows), 4))
    for i, row in enumerate(rows):
        for k, (column, weight) in enumerate(row.terms):
            columns[i, k], weights[i, k] = column, weight
    return columns, weights


def value_of(metric: Metric, watched: np.void, period_s: float = 0.01) -> float:
    """What a metric came to in a repetition, rad (rad/s of `wobble`); NaN = unknown. period_s: from frame to frame."""
    n = int(watched["n"])
    take = metric.take
    if take == "deepest" or n == 0:
        return float(watched["deepest"])
    if take == "range":
        return float(watched["high"] - watched["low"])
    if take == "wobble":
        travel = float(watched["travel"] + abs(watched["far"] - watched["turn"]))
        return max(travel - 2.0 * float(watched["high"] - watched["low"]), 0.0) / (n * period_s)
    mean = float(watched["sum"]) / n
    if take == "mean":
        return float(watched["first"]) + mean
    if take == "sway":
        return sqrt(max(float(watched["square"]) / n - mean * mean, 0.0))
    return float(watched[cast(str, {"largest": "high", "smallest": "low"}[take])])
