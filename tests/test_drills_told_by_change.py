"""Faults of drills whose angles are unsure in their poses, but whose change is not (`imu.feedback.difference`)."""

from __future__ import annotations

import pytest
from test_drills_simulated import RULE, performed, told

SEED = 53
FAULTS: dict[tuple[str, str], tuple[float, float, str]] = {
    ("hip_hinge", "valgus"): (13, 18, "own"),
    ("hip_hinge", "pelvic_drop"): (11, 15, "own"),
    ("hip_hinge", "side_shift"): (9, 13, "own"),
    ("single_leg_deadlift", "valgus"): (13, 18, "own"),
    ("single_leg_deadlift", "pelvic_drop"): (12, 15, "other"),
    ("lateral_band_walk", "valgus"): (13, 18, "own"),
    ("lateral_band_walk", "fast"): (0.5, 0.6, ""),
    ("glute_bridge", "pelvic_drop"): (11, 15, "own"),
    ("unilateral_bridge", "pelvic_drop"): (11, 15, "other"),
}
"""As in `test_drills_simulated.FAULTS`."""


@pytest.mark.parametrize(("drill", "kind"), FAULTS)
def test_a_fault_is_told_on_its_side_in_its_own_repetition(drill, kind):
    *sizes, whose = FAULTS[drill, kind]
    rule = RULE.get(kind, kind)
    for one in told(drill, SEED, kind, (sizes[0], sizes[1]), whose):
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
