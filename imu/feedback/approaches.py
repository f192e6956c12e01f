"""How near each rule of a drill came to its limit in a repetition that has closed, in values and words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf, isnan, nan, radians
from typing import Final

import numpy as np

from imu.conventions import SIDES, Side
from imu.feedback.drill import Drill
from imu.feedback.drill_metrics import Compensation, Metric
from imu.feedback.quantities import Quantity
from imu.feedback.records import ALIGNMENT_ANGLES, BY_RETURN, Records
from imu.feedback.tempo import prescribed
from imu.outputs import Approach

SEGMENTS: Final = tuple(name.removesuffix("_frontal_tilt") for name in ALIGNMENT_ANGLES)
AGAINST: Final = {
    "stand": "against the stand",
    "start": "against the rest before",
    "largest": "against its largest so far",
    "absolute": "as it is",
}


def approaches(
    drill: Drill, row: np.void, worn: Iterable[bool], quantities: Iterable[Quantity], watched: Records,
    measures: Mapping[str, float],
) -> tuple[Approach, ...]:  # fmt: skip
    """Of every rule that is judged.

    row : of `records.CLOSED_REPETITION`; worn: the knee can be judged on the left, on the right; watched: what the watch
    kept of `quantities`; measures: what they came to.
    """
    found = [_valgus(drill, row, leg) for leg, known in enumerate(worn) if known]
    compensations: dict[tuple[str, Side | None], tuple[float, Approach]] = {}
    for quantity, kept in zip(quantities, watched, strict=True):
        rule = quantity.rule
        if isinstance(rule, Compensation):
            margin, approach = _compensation(rule, quantity.side if rule.sided else None, kept)
            before = compensations.get((rule.name, approach.side))
            if before is None or margin > before[0]:
                compensations[rule.name, approach.side] = margin, approach
        elif rule.text:
            found.append(_metric(rule, quantity.side, measures.get(quantity.name, nan), int(row["t_end"])))
    found += [approach for _, approach in compensations.values()]
    return (*found, *_tempo(drill, row), _depth(drill, row))


def _valgus(drill: Drill, row: np.void, leg: int) -> Approach:
    if row["near_us"][leg] < 0:
        return Approach("valgus", SIDES[leg], 0, nan, radians(drill.valgus.shank_deg))
    j, how = divmod(int(row["near_what"][leg]), 2)
    against = "the way up against the way down" if how == BY_RETURN else "against the rest before"
    return Approach(
        "valgus", SIDES[leg], int(row["near_us"][leg]), float(row["near_value"][leg]), float(row["near_limit"][leg]),
        float(row["near_sigma"][leg]), f"{SEGMENTS[j]}, {against}",
    )  # fmt: skip


def _compensation(rule: Compensation, side: Side | None, kept: np.void) -> tuple[float, Approach]:
    """(margin to the limit, rad, what was nearest)."""
    detail = f"{rule.angle.replace('_', ' ')}, {AGAINST[rule.against]}"
    if kept["near_us"] < 0:
        return -inf, Approach(rule.name, side, 0, nan, radians(rule.limit_deg), nan, detail)
    return float(kept["near"]), Approach(
        rule.name, side, int(kept["near_us"]), float(kept["near_value"]), float(kept["near_limit"]),
        float(kept["near_sigma"]), detail,
    )  # fmt: skip


def _metric(rule: Metric, side: Side | None, value: float, t_end: int) -> Approach:
    ends = [radians(end) for end in (rule.low_deg, rule.high_deg) if abs(end) < inf] or [inf]
    detail = f"{rule.take} {rule.angle.replace('_', ' ')}, {AGAINST[rule.against]}"
    if isnan(value):
        return Approach(rule.name, side, 0, nan, ends[0], nan, detail)
    return Approach(rule.name, side, t_end, value, min(ends, key=lambda end: abs(value - end)), nan, detail)


def _tempo(drill: Drill, row: np.void) -> list[Approach]:
    """The phase and limit with the least time between; slow is a limit only where the drill has words for it."""
    rule, (out, back) = drill.tempo_rule, drill.tempo.phases
    share = rule.tolerance_percent / 100.0
    hold = float(row["hold_s"])
    way_out = float(row["down_s"]) + (hold if drill.tempo.pause == "within" else 0.0)
    start, end = int(row["t_start"]), int(row["t_end"])
    limits: list[tuple[float, Approach]] = []
    for phase, seconds in ((out, way_out), ("hold", hold), (back, float(row["up_s"]))):
        target = prescribed(drill, phase)
        slow = {"down": rule.slow_down, "up": rule.slow_up}.get(phase, "")
        fast = {"down": rule.fast_down, "up": rule.fast_up}.get(phase, rule.short_hold)
        if target <= 0.0 or not (fast or slow):
            continue
        unknown = isnan(seconds)
        t = 0 if unknown else start + round(seconds * 1e6) if phase == out else end
        words = phase if phase == "hold" else f"way {phase}"
        limits_of = ((target * (1.0 - share), "shortest", fast), (target * (1.0 + share), "longest", slow))
        for limit, what in ((limit, what) for limit, what, said in limits_of if said):
            apart = inf if unknown else abs(seconds - limit) / target
            approach = Approach("tempo", None, t, nan if unknown else seconds, limit, nan, f"{words}, {what} time")
            limits.append((apart, approach))
    return [min(limits, key=lambda pair: pair[0])[1]] if limits else []


def _depth(drill: Drill, row: np.void) -> Approach:
    depth = float(row["depth"])
    known = not isnan(depth)
    return Approach(
        "depth", None, int(row["t_deepest"]) if known else 0, depth if known else nan, radians(drill.depth.partial_deg),
        nan, "deepest point, less than the limit is partial",
    )  # fmt: skip
