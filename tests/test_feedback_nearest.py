"""Every rule of every drill of the library says in every repetition what it decided, or how near it came to its limit."""

from __future__ import annotations

from math import isnan, radians

import pytest
from drill_motions import (
    Leg,
    Performance,
    Posture,
    drill_of,
    perform,
    repetition_drills,
    run_drill,
    tempo_of,
    vector,
)
from feedback_frames import DEG

from imu.feedback.explain import Decisions, explain
from imu.outputs import Repetition


@pytest.mark.parametrize("name", repetition_drills())
def test_a_clean_repetition_says_how_near_each_rule_of_its_drill_came(name: str) -> None:
    drill = drill_of(name)
    out = run_drill(perform(name, 2), drill)
    assert out.repetitions
    for r in out.repetitions:
        decided = {(c.rule, c.side) for c in out.cues if c.repetition == r.number}
        said = {(a.rule, a.side) for a in r.nearest} | decided
        rules = {rule for rule, _ in said}
        assert {c.name for c in drill.compensations} <= rules
        assert {m.name for m in drill.metrics if m.text} <= rules
        named = any(c.name == "valgus" for c in drill.compensations)
        assert ("valgus" in rules) == (drill.knees_judged or named)
        assert len({(a.rule, a.side) for a in r.nearest}) == len(r.nearest)
        text = "\n".join(explain(Decisions(out.repetitions, out.cues, out.events), r.number))
        for rule, side in said:
            label = f"{rule} {side}" if side else rule
            assert f"{label}: " in text


@pytest.mark.parametrize("name", repetition_drills())
def test_what_came_nearest_is_what_was_measured_and_lies_within_the_limit(name: str) -> None:
    """Against the largest and smallest values that the repetition itself reports."""
    drill = drill_of(name)
    out = run_drill(perform(name, 2, seed=3), drill)
    for r in out.repetitions:
        faults = {(c.rule, c.side) for c in out.cues if c.repetition == r.number and c.reason not in ("dwell", "quality")}
        for c in drill.compensations:
            for a in (a for a in r.nearest if a.rule == c.name and not isnan(a.value) and (a.rule, a.side) not in faults):
                assert abs(a.threshold) >= abs(radians(c.limit_deg)) - 1e-9
                beyond = {"above": a.value - a.threshold, "below": a.threshold - a.value}
                left = beyond.get(c.way, abs(a.value) - abs(a.threshold))
                assert left <= 1e-9
                keys = [c.name] if a.side is None else [f"{c.name}_{a.side}"]
                keys += [f"{c.name}_{side}" for side in ("left", "right")] if a.side is None else []
                measured = [r.measures[key] for key in keys if key in r.measures]
                assert min(abs(a.value - m) for m in measured) < 1e-9


def leaning(degrees: float) -> Repetition:
    """A squat with a hip that drops on the right at depth."""
    name = "squat"
    performed = Performance(name, [vector(Posture(), None)[None]])
    performed.stay(1.5)
    performed.repeat(None, tempo_of(drill_of(name)), fault=Posture(Leg(), obliquity=degrees))
    performed.stay(1.5)
    out = run_drill(performed, drill_of(name))
    assert not [c for c in out.cues if c.given]
    return out.repetitions[0]


@pytest.mark.parametrize("degrees", [2.0, 4.0])
def test_a_pelvis_that_drops_a_little_is_named_with_its_side(degrees: float) -> None:
    nearest = {(a.rule, a.side): a for a in leaning(degrees).nearest}
    # obliquity is positive when the right side is higher: the left one is lower
    assert nearest["pelvic_drop", "left"].value == pytest.approx(degrees * DEG, abs=0.6 * DEG)
    assert nearest["pelvic_drop", "right"].value < 0.6 * DEG
    assert nearest["pelvic_drop", "left"].value < nearest["pelvic_drop", "left"].threshold
