"""Every drill of the library as simulated people perform it: counted exactly, silent when clean, and its faults told.

Sizes of faults are in the simulation's own measure (`firmware_sim.activities.MEANING`): a moderate and a plain one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest
from simulated_drills import DRILLS, WITH_FEET, SimulatedDrill, perform_drill, set_of

import imu
from firmware_sim.activities import Fault
from imu.conventions import CORE_SEGMENTS
from imu.feedback.drill import drill_text, load_drill
from imu.outputs import Cue, Repetition
from imu.result import Result

SIMULATED = {
    "squat": "squat", "step_down": "step_down", "single_leg_squat": "single_leg_squat", "hip_hinge": "hip_hinge",
    "single_leg_deadlift": "single_leg_deadlift", "lateral_band_walk": "band_walk", "glute_bridge": "bridge",
    "unilateral_bridge": "unilateral_bridge", "calf_raise": "calf_raise", "lunge": "lunge",
    "sit_to_stand": "sit_to_stand", "single_leg_balance": "balance", "weight_bearing_lunge": "wall_lunge",
    "leg_swing": "leg_swing", "hip_circle": "hip_circle", "ankle_warm_up": "ankle_pump",
}  # fmt: skip
"""Name in the library -> name in the simulation."""
FEET = ("calf_raise", "ankle_warm_up")
CLEAN_SEEDS = (51, 52)
FAULT_SEED = 53
RULE = {"forward_lean": "lean", "fast": "tempo"}
"""Kind of fault -> name of the rule, where they differ."""

FAULTS: dict[str, dict[str, tuple[float, float, str]]] = {
    "squat": {
        "valgus": (13, 18, "own"), "pelvic_drop": (11, 15, "own"), "pelvis_turn": (22, 30, "own"),
        "side_shift": (9, 13, "own"), "forward_lean": (30, 36, ""), "knee_forward": (13, 16, ""), "fast": (1.3, 1.8, ""),
    },
    "step_down": {
        "pelvic_drop": (11, 15, "other"), "hip_hike": (15, 20, "other"), "forward_lean": (24, 32, ""),
        "fast": (1.3, 1.8, ""),
    },
    "single_leg_squat": {
        "pelvic_drop": (11, 15, "other"), "hip_hike": (15, 20, "other"), "forward_lean": (24, 32, ""),
        "fast": (1.3, 1.8, ""),
    },
    "hip_hinge": {"knee_bend": (22, 30, ""), "pelvis_turn": (22, 30, "own"), "fast": (1.3, 1.8, "")},
    "single_leg_deadlift": {"knee_bend": (22, 30, ""), "pelvis_turn": (24, 32, "own"), "fast": (1.3, 1.8, "")},
    "lateral_band_walk": {"pelvis_turn": (22, 30, "own")},
    "glute_bridge": {"hip_hike": (15, 20, "own"), "fast": (1.0, 1.2, "")},
    "unilateral_bridge": {"hip_hike": (15, 20, "other"), "fast": (1.0, 1.2, "")},
    "calf_raise": {
        "knee_bend": (20, 30, ""), "roll_out": (20, 25, ""), "forward_lean": (20, 28, ""), "side_shift": (9, 13, "own"),
        "fast": (1.0, 1.2, ""),
    },
    "lunge": {"pelvic_drop": (12, 16, "other"), "forward_lean": (24, 32, "")},
    "sit_to_stand": {"valgus": (14, 18, "own"), "side_shift": (9, 13, "own"), "forward_lean": (26, 32, "")},
    "single_leg_balance": {
        "unsteady": (4, 6, ""), "pelvic_drop": (11, 15, "other"), "hip_hike": (15, 20, "other"), "knee_bend": (20, 30, ""),
    },
    "weight_bearing_lunge": {"valgus": (13, 18, "own"), "pelvis_turn": (22, 30, "own")},
    "leg_swing": {"pelvis_rock": (14, 20, ""), "pelvis_turn": (22, 30, "own"), "hip_hike": (15, 20, "own")},
    "hip_circle": {"hip_hike": (15, 20, "own"), "pelvis_turn": (22, 30, "own"), "forward_lean": (20, 28, "")},
    "ankle_warm_up": {"knee_bend": (20, 30, "")},
}  # fmt: skip
"""Faults that are told: (moderate, plain, whose side: of the leg of the repetition, the other one, or none's)."""

OUTRANKED = ("lower priority", "one cue at a time")
"""A hip that goes aside takes the knee with it, which is more important; between swings the last cue still stands."""
ABORTED = {"squat": 20.0, "step_down": 15.0, "single_leg_squat": 12.0, "single_leg_deadlift": 15.0, "calf_raise": 8.0,
           "lunge": 20.0, "weight_bearing_lunge": 8.0, "hip_hinge": 12.0, "glute_bridge": 5.0}  # fmt: skip
"""Degrees after which a repetition turns back."""


@dataclass(frozen=True)
class Told:
    """A fault that was performed, the repetition it was seen in, and what was decided in that."""

    fault: Fault
    repetition: Repetition | None
    cues: tuple[Cue, ...]


@cache
def performed(
    drill: str, seed: int, faults: tuple[Fault, ...] = (), loss: float = 0.0, repetitions: int = 0
) -> tuple[SimulatedDrill, Result]:
    kind = DRILLS[SIMULATED[drill]]
    worn = WITH_FEET if drill in FEET else CORE_SEGMENTS
    more: dict[str, object] = {"hold_s": 12.0} if drill == "single_leg_balance" else {}
    piece = set_of(SIMULATED[drill], repetitions or (4 if kind.legs == 1 else 2), *faults, **more)
    done = perform_drill(seed, piece, drill=drill, segments=worn, loss=loss)
    return done, imu.process(done.recording)


def told(drill: str, seed: int, kind: str, sizes: tuple[float, float], whose: str) -> list[Told]:
    """A set with a clean repetition, then the fault in both sizes: of each leg, or of both legs on each side."""
    both = DRILLS[SIMULATED[drill]].legs == 1
    faults = []
    for leg, own in enumerate(("left", "right")):
        for severity, size in enumerate(sizes):
            number = 2 + 2 * severity + leg if both else 2 + severity + 3 * leg
            if drill == "lunge":  # the left leg goes first, and they take turns
                own = "right" if number % 2 == 0 else "left"
            side = None if not whose else own if whose == "own" else "right" if own == "left" else "left"
            phase = "out" if kind == "fast" else "both"
            faults.append(Fault(number, kind, float(size), side, phase))  # pyright: ignore[reportArgumentType]
    done, result = performed(drill, seed, tuple(faults), repetitions=6 if both else 3)
    out = []
    for fault in faults:
        truth = done.repetitions[fault.repetition - 1]
        at = [r for r in result.repetitions if r.t_start_us <= truth.deepest_s * 1e6 <= r.t_end_us]
        said = tuple(c for c in result.decisions if at and c.repetition == at[0].number)
        out.append(Told(fault, at[0] if at else None, said))
    return out


@pytest.mark.parametrize("seed", CLEAN_SEEDS)
@pytest.mark.parametrize("drill", SIMULATED)
def test_a_clean_set_is_counted_exactly_and_nothing_is_said(drill, seed):
    done, result = performed(drill, seed)
    assert done.differences(result) == []
    assert [(c.repetition, c.rule, c.side) for c in result.cues] == []
    if load_drill(drill_text(drill), drill).signal.legs != "both":
        assert [r.side for r in result.repetitions] == [r.side for r in done.whole]


@pytest.mark.parametrize(("drill", "kind"), [(drill, kind) for drill, kinds in FAULTS.items() for kind in kinds])
def test_a_fault_is_told_with_its_side_in_its_own_repetition(drill, kind):
    *sizes, whose = FAULTS[drill][kind]
    rule = RULE.get(kind, kind)
    sides = set()
    for one in told(drill, FAULT_SEED, kind, tuple(sizes), whose):
        assert one.repetition is not None, f"{one.fault} not counted"
        assert any(name == rule or name.startswith(f"{rule}_") for name in one.repetition.faults), one
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
