"""The scripted set: what it promises over many seeds, and that it can be written down."""

from __future__ import annotations

import json

import pytest

from firmware_sim.script import END_S, TEMPO_S, Script, make_script
from imu.feedback.drill import drill_text, load_drill

SEEDS = range(60)
LIMIT = 0.25
"""Tolerance of the squat drill."""


def phases(r):
    return r.bottom_s - r.start_s, r.rise_s - r.bottom_s, r.end_s - r.rise_s


def test_the_prescribed_tempo_is_that_of_the_squat_drill():
    drill = load_drill(drill_text("squat"))
    t = drill.tempo
    assert (t.down_s, t.hold_s, t.up_s, t.rest_s) == TEMPO_S
    assert drill.tempo_rule.tolerance_percent == 100 * LIMIT


@pytest.mark.parametrize("seconds", [40.0, 60.0, 90.0])
def test_every_script_follows_its_rules(seconds):
    orders = set()
    for seed in SEEDS:
        script = make_script(seed, seconds)
        kinds = [(r.kind, r.side) for r in script.repetitions]
        orders.add(tuple(kinds))
        assert [r.number for r in script.repetitions] == list(range(1, len(kinds) + 1))
        assert kinds[0] == ("clean", None)
        if len(kinds) >= 4:
            assert {("valgus", "left"), ("valgus", "right"), ("fast", None), ("clean", None)} == set(kinds)
        assert script.stand_end_s >= 5.0
        assert script.movement[0].start_s >= script.stand_end_s
        assert script.repetitions[0].start_s - script.movement[-1].end_s >= 2.0
        assert seconds - script.repetitions[-1].end_s >= END_S
        for before, after in zip(script.repetitions, script.repetitions[1:], strict=False):
            assert 0.9 < after.start_s - before.end_s < 1.1
    assert len(orders) > 3


def test_a_minute_holds_at_least_five_repetitions_and_leaves_no_room_for_another():
    for seed in SEEDS:
        script = make_script(seed, 60.0)
        assert len(script.repetitions) >= 5
        assert 60.0 - script.repetitions[-1].end_s < 1.1 * sum(TEMPO_S) + END_S


def test_times_are_clearly_in_tempo_or_clearly_too_fast():
    for seed in SEEDS:
        for r in make_script(seed, 60.0).repetitions:
            for phase, seconds, target in zip(("down", "hold", "up"), phases(r), TEMPO_S, strict=False):
                if r.kind == "fast" and r.phase == phase:
                    assert seconds < 0.8 * (1.0 - LIMIT) * target
                else:
                    assert abs(seconds - target) < 0.08 * target
            assert 85.0 < r.depth_deg < 95.0
            assert (r.medial_deg > 11.0) == (r.kind == "valgus")


def test_each_fault_expects_one_cue_and_nothing_else_does():
    for seed in SEEDS:
        for r in make_script(seed, 60.0).repetitions:
            cues = [(c.rule, c.side) for c in r.expected_cues]
            assert cues == {"clean": [], "valgus": [("valgus", r.side)], "fast": [("tempo", None)]}[r.kind]
            assert (r.side is not None) == (r.kind == "valgus")


def test_faults_begin_on_either_way():
    ways = {(r.kind, r.phase) for seed in SEEDS for r in make_script(seed, 60.0).repetitions}
    assert ways == {("clean", None), ("valgus", "up"), ("valgus", "down"), ("fast", "up"), ("fast", "down")}


def test_a_script_is_a_function_of_its_seed():
    assert make_script(4, 60.0) == make_script(4, 60.0)
    assert make_script(4, 60.0) != make_script(5, 60.0)


def test_a_script_survives_json_and_says_what_to_expect():
    script = make_script(7, 60.0)
    text = script.to_json()
    assert Script.from_json(text) == script
    listed = [r["expected_cues"] for r in json.loads(text)["repetitions"]]
    assert [len(cues) for cues in listed] == [len(r.expected_cues) for r in script.repetitions]
    assert set(listed[next(i for i, cues in enumerate(listed) if cues)][0]) == {"rule", "side", "phase"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 99}', '{"version": 1, "seed": 1}'])
def test_something_else_is_not_read_as_a_script(text):
    with pytest.raises(ValueError):  # noqa: PT011 - json has its own ValueError
        Script.from_json(text)


def test_mirroring_exchanges_the_sides_and_twice_is_nothing():
    script = make_script(7, 60.0)
    mirrored = script.mirrored()
    other = {"left": "right", "right": "left", None: None}
    assert [r.side for r in mirrored.repetitions] == [other[r.side] for r in script.repetitions]
    assert mirrored.repetitions[0].drift_left_deg == script.repetitions[0].drift_right_deg
    assert mirrored.mirrored() == script


def test_too_short_a_set_is_refused_with_what_to_give():
    with pytest.raises(ValueError, match="give at least 2"):
        make_script(1, 20.0)
    with pytest.raises(ValueError, match="give at least") as refused:
        make_script(1, 5.0)
    needed = int(str(refused.value).split("give at least ")[1].split()[0])
    for seed in SEEDS:
        assert len(make_script(seed, needed).repetitions) >= 1
