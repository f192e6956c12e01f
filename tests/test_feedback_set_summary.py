"""What a set came to: counts, what drifted, and the one sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drill_motions import Leg, Performance, Posture, drill_of, run_drill, tempo_of
from feedback_frames import DEG

from imu.conventions import Side
from imu.feedback.set_summary import ENDS, outside_band, summarise_set
from imu.outputs import Phases, Repetition


def repetition(
    number: int, depth_deg: float = 90.0, up_s: float = 2.0, *faults: str, side: Side | None = None, **measures: float
) -> Repetition:
    t = 7_000_000 * number
    phases = Phases(3.0, 1.0, up_s)
    return Repetition(number, side, t, t + 3_500_000, t + 6_000_000, DEG * depth_deg, phases, {}, faults, 0, measures)


def steady(n: int, seed: int = 0) -> list[Repetition]:
    rng = np.random.default_rng(seed)
    return [repetition(i + 1, 90 + rng.normal(0, 3.3), 2.0 + rng.normal(0, 0.23)) for i in range(n)]


def test_void_ones_are_apart_and_clean_ones_are_counted():
    done = [repetition(1), repetition(2, 90, 2.0, "tempo"), repetition(3, 90, 2.0, "void"), repetition(4)]
    s = summarise_set(drill_of("squat"), done)
    assert (s.counted, s.clean, s.void, s.faults) == (3, 2, 1, (("tempo", 1),))
    assert s.sentence == "Well done, 3 repetitions, 2 of them clean. Next time: slower on the way down."
    assert summarise_set(drill_of("squat"), []).sentence == "The set has ended. Nothing was counted."
    assert summarise_set(drill_of("squat"), [repetition(1)]).sentence == "Well done, 1 repetition."


def test_steady_sets_rarely_drift():
    """Spread of single repetitions as in recorded squats: a set of 12 says tired in less than one of ten."""
    said = sum(summarise_set(drill_of("squat"), steady(12, seed)).fatigue for seed in range(200))
    assert said <= 20


def test_who_tires_is_told_what_drifted():
    """Less deep by 2° and slower by 0.15 s a repetition; three first ones that scatter can hide one of the two."""
    named = {"depth": 0, "seconds_up": 0}
    for seed in range(20):
        done = [
            replace(r, depth=r.depth - 2.0 * DEG * i, phases=replace(r.phases, ascent_s=r.phases.ascent_s + 0.15 * i))
            for i, r in enumerate(steady(10, seed))
        ]
        s = summarise_set(drill_of("squat"), done)
        assert s.fatigue
        assert "rest before the next set" in s.sentence
        assert {d.name for d in s.drifts} <= set(named)
        for d in s.drifts:
            named[d.name] += 1
            assert d.tiring
            if d.name == "depth":
                assert d.per_repetition == pytest.approx(-2.0 * DEG, abs=1.2 * DEG)
    assert min(named.values()) >= 18


def test_deeper_from_one_to_the_next_is_a_drift_and_no_tiring():
    s = summarise_set(drill_of("squat"), [repetition(i + 1, 75 + 3 * i) for i in range(8)])
    assert [(d.name, d.tiring) for d in s.drifts] == [("depth", False)]
    assert not s.fatigue


def test_too_few_repetitions_or_unknown_values_say_nothing_about_drift():
    few = [repetition(i + 1, 90 - 10 * i) for i in range(2 * ENDS - 1)]
    assert summarise_set(drill_of("squat"), few).drifts == ()
    unknown = [replace(r, depth=float("nan")) for r in steady(10)]
    assert all(d.name != "depth" for d in summarise_set(drill_of("squat"), unknown).drifts)


def test_legs_in_turn_are_compared_each_with_itself():
    """The left goes deeper all along: that is a difference of sides, not a drift."""
    sides = ["left", "right"] * 6
    done = [repetition(i + 1, 95.0 if side == "left" else 75.0, side=side) for i, side in enumerate(sides)]
    s = summarise_set(drill_of("lunge"), done)
    assert s.drifts == ()
    assert s.side_difference == pytest.approx(20.0 * DEG)


def test_bands_of_metrics_are_counted_where_they_are_left():
    r = repetition(1, lean_at_depth=50 * DEG, knees_uneven_left=3 * DEG, knees_uneven_right=-12 * DEG)
    assert outside_band(drill_of("squat"), r) == ["lean_at_depth", "knees_uneven_right"]
    assert summarise_set(drill_of("squat"), [r]).outside == (("knees_uneven_right", 1), ("lean_at_depth", 1))


def test_a_frequent_compensation_becomes_the_advice_in_the_drills_own_words():
    drill = drill_of("squat")
    performed = Performance("squat", [np.zeros((1, 13))])
    performed.stay(1.5)
    shifted = Posture(Leg(thigh_in=-8, shank_in=8), Leg(thigh_in=8, shank_in=-8))
    for i in range(6):
        performed.repeat(None, tempo_of(drill), fault=shifted if i % 2 else None)
    out = run_drill(performed, drill)
    s = summarise_set(drill, out.repetitions, out.cues)
    assert (s.counted, s.clean) == (6, 3)
    assert s.sentence == "Well done, 6 repetitions, 3 of them clean. Next time: share the weight between both feet."
    assert s.cues_given >= 3


def test_a_hold_is_told_by_its_longest_of_each_side():
    drill = drill_of("single_leg_balance", tempo={"hold_s": 5.0})
    performed = Performance("single_leg_balance", [np.zeros((1, 13))])
    performed.stay(1.5)
    for side, seconds in (("left", 6.0), ("left", 9.0), ("right", 7.0)):
        performed.repeat(side, (1.0, seconds, 1.0, 1.5))
    s = summarise_set(drill, run_drill(performed, drill).repetitions)
    assert s.best["left"] == pytest.approx(9.0, abs=0.4)
    assert s.best["right"] == pytest.approx(7.0, abs=0.4)
    assert s.sentence == "Longest hold 9 s on the left, 7 s on the right."


def test_the_wall_is_told_by_the_furthest():
    drill = drill_of("weight_bearing_lunge")
    performed = Performance("weight_bearing_lunge", [np.zeros((1, 13))])
    performed.stay(1.5)
    for side in ("left", "right"):
        performed.repeat(side, tempo_of(drill), 1.0 if side == "left" else 0.8)
    s = summarise_set(drill, run_drill(performed, drill).repetitions)
    assert s.best["left"] == pytest.approx(40 * DEG, abs=1 * DEG)
    assert s.sentence.startswith("Furthest 40 degrees on the left, 3")
