"""Faults of drills whose angles are unsure in their poses, but whose change is not (`imu.feedback.difference`)."""

from __future__ import annotations

import pytest
from drill_faults import performed, rule_of, told

SEED = 53
BY_CHANGE = (
    ("hip_hinge", "valgus"), ("hip_hinge", "pelvic_drop"), ("hip_hinge", "side_shift"), ("single_leg_deadlift", "valgus"),
    ("single_leg_deadlift", "pelvic_drop"), ("lateral_band_walk", "valgus"), ("lateral_band_walk", "fast"),
    ("glute_bridge", "pelvic_drop"), ("unilateral_bridge", "pelvic_drop"),
)  # fmt: skip


@pytest.mark.parametrize(("drill", "kind"), BY_CHANGE)
def test_a_fault_is_told_on_its_side_in_its_own_repetition(drill, kind):
    rule = rule_of(drill, kind)
    for one in told(drill, SEED, kind):
        assert one.repetition is not None, f"{one.fault} not counted"
        assert any(name == rule or name.startswith(f"{rule}_") for name in one.repetition.faults), one
        given = [c for c in one.cues if c.given and c.rule == rule]
        assert all(one.fault.side is None or c.side == one.fault.side for c in given), one
        assert given or any(c.given and c.priority > 20 for c in one.cues), one


@pytest.mark.parametrize("drill", ["hip_hinge", "lateral_band_walk"])
def test_the_slow_poses_of_a_drill_are_no_slip(drill):
    """Shanks turned by 4 and 5° between two of their rests, a turn of the knee and of a filter that took it for bias."""
    for seed in (40, 41):
        _, result = performed(drill, seed)
        assert [e.segment for e in result.events if e.kind == "slip_found"] == []
        assert result.cues == ()
