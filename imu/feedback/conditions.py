"""What a rule of the drill says of a report, in the form in which the cue engine decides on it."""

from __future__ import annotations

from math import nan, radians
from typing import Final

import numpy as np

from imu.conventions import Side
from imu.feedback import records
from imu.feedback.closing import plain
from imu.feedback.cues import Condition
from imu.feedback.drill import Drill, ValgusRule
from imu.feedback.drill_attempts import FellBack, TouchDown
from imu.feedback.drill_metrics import Compensation, Metric
from imu.feedback.lane import Lane
from imu.feedback.tempo import TempoError

HELD: Final = {
    records.VALGUS_SHORT: "dwell",
    records.VALGUS_UNKNOWN: "quality",
    records.COMPENSATION_SHORT: "dwell",
    records.COMPENSATION_UNKNOWN: "quality",
}
"""Reports of what was held back by the rule itself, and why."""


def share(r: np.void) -> float:
    """Of the limit that a report is beyond."""
    value, limit = abs(float(r["value"])), abs(float(r["limit"]))
    return value / limit if limit else value


def rule_of(drill: Drill, lane: Lane, r: np.void) -> tuple[str, ValgusRule | Compensation]:
    """Name and words of what a report of a knee or of the watch is about."""
    if r["kind"] in (records.VALGUS, records.VALGUS_SHORT, records.VALGUS_UNKNOWN):
        return "valgus", drill.valgus
    rule = lane.rule_of(r)
    return rule.name, rule


def of_watch(drill: Drill, lane: Lane, r: np.void, number: int, side: Side | None, held: str = "") -> Condition:
    """Of a knee, or of a compensation; `number` of the repetition."""
    name, rule = rule_of(drill, lane, r)
    said = side if isinstance(rule, ValgusRule) or rule.sided else None
    return Condition(
        name, said, rule.text, rule.priority, int(r["t_us"]), int(r["t_emitted_us"]), number, plain(r["value"]),
        float(r["limit"]), plain(r["sigma"]), rule.cue, held,
    )  # fmt: skip


def of_tempo(drill: Drill, error: TempoError, r: np.void, number: int) -> Condition:
    """Of a phase that was out of tempo."""
    rule = drill.tempo_rule
    return Condition(
        "tempo", None, error.text, rule.priority, int(r["t_us"]), int(r["t_emitted_us"]), number, error.seconds,
        error.limit_s, nan, rule.cue,
    )  # fmt: skip


def of_depth(drill: Drill, row: np.void, r: np.void, number: int) -> Condition | None:
    """Of a repetition, as it closed, that was not deep enough beyond any doubt: by more than 1σ of its depth."""
    rule, depth, sigma = drill.depth, float(row["depth"]), float(row["depth_sigma"])
    if not depth + sigma < radians(rule.partial_deg):
        return None
    return Condition(
        "depth", None, rule.text, rule.priority, int(r["t_us"]), int(r["t_emitted_us"]), number, depth,
        radians(rule.partial_deg), plain(row["depth_sigma"]), rule.cue,
    )  # fmt: skip


def of_attempt(name: str, rule: FellBack | TouchDown, r: np.void, number: int, value: float, limit: float) -> Condition:
    """Of an attempt that came to nothing."""
    return Condition(
        name, None, rule.text, rule.priority, int(r["t_us"]), int(r["t_emitted_us"]), number, value, limit, nan, rule.cue
    )


def of_metric(metric: Metric, side: Side | None, value: float, r: np.void, number: int, held: str = "") -> Condition:
    """Of a value of a whole repetition that is outside its band."""
    limit = radians(metric.low_deg if value < radians(metric.low_deg) else metric.high_deg)
    return Condition(
        metric.name, side, metric.text, metric.priority, int(r["t_us"]), int(r["t_emitted_us"]), number, value, limit, nan,
        metric.cue, held,
    )  # fmt: skip
