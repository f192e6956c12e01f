"""Every drill of the library as simulated people perform it: counted exactly, silent when clean, and its faults told.

`drill_matrix.py` prints the same of many people, and all faults that are not told.
"""

from __future__ import annotations

import pytest
from drill_faults import FAULTS, SIMULATED, performed, rule_of, told

import imu
from firmware_sim.activities import Fault
from imu.feedback.drill import drill_text, load_drill

CLEAN_SEEDS = (51, 52)
FAULT_SEED = 53
TOLD = {
    "squat": ("valgus", "pelvic_drop", "pelvis_turn", "side_shift", "forward_lean", "knee_forward", "partial", "fast"),
    "step_down": ("pelvic_drop", "hip_hike", "forward_lean", "fast"),
    "single_leg_squat": ("pelvic_drop", "hip_hike", "forward_lean", "fast"),
    "hip_hinge": ("knee_bend", "pelvis_turn", "fast"),
    "single_leg_deadlift": ("knee_bend", "pelvis_turn", "fast"),
    "lateral_band_walk": ("pelvis_turn", "fast"),
    "glute_bridge": ("hip_hike", "fast"),
    "unilateral_bridge": ("hip_hike", "fast"),
    "calf_raise": ("knee_bend", "roll_out", "forward_lean", "side_shift", "fast"),
    "lunge": ("pelvic_drop", "forward_lean", "side_shift", "knee_forward"),
    "sit_to_stand": ("valgus", "side_shift", "forward_lean", "fast", "turns_back"),
    "single_leg_balance": ("pelvic_drop", "hip_hike", "touch_down", "knee_bend"),
    "weight_bearing_lunge": ("valgus", "pelvis_turn"),
    "leg_swing": ("pelvis_rock", "pelvis_turn", "hip_hike", "knee_bend", "fast"),
    "hip_circle": ("hip_hike", "pelvis_turn", "forward_lean"),
    "ankle_warm_up": ("knee_bend",),
}
"""Faults that are told in every size and on both sides."""

OUTRANKED = ("lower priority", "one cue at a time")
"""A hip that goes aside takes the knee with it, which is more important; between swings the last cue still stands."""
ABORTED = {"squat": 20.0, "step_down": 15.0, "single_leg_squat": 12.0, "single_leg_deadlift": 15.0, "calf_raise": 8.0,
           "lunge": 20.0, "weight_bearing_lunge": 8.0, "hip_hinge": 12.0, "glute_bridge": 5.0}  # fmt: skip
"""Degrees after which a repetition turns back."""


@pytest.mark.parametrize("seed", CLEAN_SEEDS)
@pytest.mark.parametrize("drill", SIMULATED)
def test_a_clean_set_is_counted_exactly_and_nothing_is_said(drill, seed):
    done, result = performed(drill, seed)
    assert done.differences(result) == []
    assert [(c.repetition, c.rule, c.side) for c in result.cues] == []
    if load_drill(drill_text(drill), drill).signal.legs != "both":
        assert [r.side for r in result.repetitions] == [r.side for r in done.whole]


@pytest.mark.parametrize(("drill", "kind"), [(drill, kind) for drill, kinds in TOLD.items() for kind in kinds])
def test_a_fault_is_told_with_its_side_in_its_own_repetition(drill, kind):
    whose = FAULTS[drill][kind][2]
    rule = rule_of(drill, kind)
    sides, name = set(), "partial" if rule == "depth" else rule
    for one in told(drill, FAULT_SEED, kind):
        assert one.repetition is not None, f"{one.fault} not counted"
        assert any(fault == name or fault.startswith(f"{name}_") for fault in one.repetition.faults), one
        decided = [c for c in one.cues if c.rule == rule and c.reason not in ("dwell", "quality")]
        given = [c for c in decided if c.given]
        assert given or any(c.reason in OUTRANKED for c in decided), one
        assert all(one.fault.side is None or c.side == one.fault.side for c in given), one
        sides |= {one.fault.side for _ in given}
    assert sides == ({"left", "right"} if whose else {None})


@pytest.mark.parametrize("drill", ABORTED)
def test_one_that_turns_back_early_is_no_repetition(drill):
    done, result = performed(drill, FAULT_SEED, (Fault(2, "turns_back", ABORTED[drill]),))
    assert done.differences(result) == []
    assert [c.rule for c in result.cues if "valgus" in c.rule] == []


@pytest.mark.parametrize("drill", ["squat", "step_down", "hip_hinge", "calf_raise"])
def test_a_slow_way_out_is_reported_and_not_said(drill):
    done, result = performed(drill, FAULT_SEED, (Fault(2, "slow", 1.8, None, "out"),))
    assert done.differences(result) == []
    slow, truth = [e for e in result.events if e.kind == "tempo_slow"], done.repetitions[1]
    assert [truth.start_s * 1e6 <= e.t_us <= truth.end_s * 1e6 for e in slow] == [True]
    assert result.cues == ()


@pytest.mark.parametrize("drill", ["squat", "step_down", "sit_to_stand", "calf_raise"])
def test_lost_packets_change_no_count(drill):
    done, result = performed(drill, FAULT_SEED, loss=0.02)
    assert done.differences(result) == []
    assert result.cues == ()


def test_the_rest_of_the_guided_movement_is_no_repetition_however_packets_are_cut():
    """The march of the set-up goes on for seconds after the calibration; a lifted knee looks like a leg that squats."""
    done, result = performed("step_down", CLEAN_SEEDS[0])
    again = imu.process(done.recording, packet_samples=7)
    assert again.digest() == result.digest()
    assert result.repetitions[0].t_start_us > (done.repetitions[0].start_s - 1.0) * 1e6


@pytest.mark.parametrize("drill", ["squat", "weight_bearing_lunge"])
def test_a_heel_that_rises_is_told_with_a_sensor_on_the_foot(drill):
    assert performed(drill, CLEAN_SEEDS[0], feet=True)[1].cues == ()
    for one in told(drill, FAULT_SEED, "heel_rise", feet=True):
        assert [c.rule for c in one.cues if c.given][:1] == ["heel_rise"], one
