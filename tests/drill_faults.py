"""Faults that simulated people are asked for in every drill of the library, and what was decided about each.

Sizes are in the simulation's own measure (`firmware_sim.activities.MEANING`): a moderate and a plain one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from simulated_drills import DRILLS, WITH_FEET, SimulatedDrill, perform_drill, set_of

import imu
from firmware_sim.activities import Fault, FaultKind, FaultPhase
from imu.conventions import CORE_SEGMENTS, Side
from imu.outputs import Cue, Repetition
from imu.result import Result

SIMULATED: Final = {
    "squat": "squat", "step_down": "step_down", "single_leg_squat": "single_leg_squat", "hip_hinge": "hip_hinge",
    "single_leg_deadlift": "single_leg_deadlift", "lateral_band_walk": "band_walk", "glute_bridge": "bridge",
    "unilateral_bridge": "unilateral_bridge", "calf_raise": "calf_raise", "lunge": "lunge",
    "sit_to_stand": "sit_to_stand", "single_leg_balance": "balance", "weight_bearing_lunge": "wall_lunge",
    "leg_swing": "leg_swing", "hip_circle": "hip_circle", "ankle_warm_up": "ankle_pump",
}  # fmt: skip
"""Name in the library -> name in the simulation."""
FEET: Final = ("calf_raise", "ankle_warm_up")
"""Drills that need sensors on the feet."""
RULE: Final = {
    "forward_lean": "lean", "fast": "tempo", "slow": "tempo_slow", "partial": "depth", "turns_back": "", "stops": "",
}  # fmt: skip
"""Kind of fault -> name of the rule, where they differ; "" = nothing is to be said of it."""
OWN_RULE: Final = {
    ("glute_bridge", "partial"): "short_of_line", ("unilateral_bridge", "partial"): "short_of_line",
    ("sit_to_stand", "turns_back"): "fell_back",
}  # fmt: skip
"""(drill, kind) -> name of the rule, where a drill has its own for it."""
HOLD_S: Final = 12.0

Wanted = tuple[float, float, str]
"""(moderate, plain, whose side: of the leg of the repetition, of the other one, or none's)."""
ONE_LEG: Final[dict[FaultKind, Wanted]] = {
    "valgus": (13, 18, "own"), "pelvic_drop": (11, 15, "other"), "hip_hike": (15, 20, "other"),
    "pelvis_turn": (24, 32, "own"), "forward_lean": (24, 32, ""), "unsteady": (4, 6, ""),
}  # fmt: skip
COURSE: Final[dict[FaultKind, Wanted]] = {"fast": (1.3, 1.8, ""), "slow": (1.8, 2.4, ""), "stops": (1.5, 2.0, "")}
BRIEF: Final[dict[FaultKind, Wanted]] = {"fast": (1.0, 1.2, ""), "slow": (1.8, 2.4, ""), "stops": (1.5, 2.0, "")}
SWINGS: Final[dict[FaultKind, Wanted]] = {"fast": (0.35, 0.5, ""), "slow": (0.8, 1.2, "")}

FAULTS: Final[dict[str, dict[FaultKind, Wanted]]] = {
    "squat": {
        "valgus": (13, 18, "own"), "pelvic_drop": (11, 15, "own"), "pelvis_turn": (22, 30, "own"),
        "side_shift": (9, 13, "own"), "forward_lean": (30, 36, ""), "butt_wink": (14, 20, ""),
        "knee_forward": (13, 16, ""), "heel_rise": (15, 22, ""), "partial": (30, 33, ""), **COURSE,
        "turns_back": (15, 20, ""),
    },
    "step_down": {**ONE_LEG, "partial": (22, 25, ""), **COURSE, "turns_back": (12, 15, "")},
    "single_leg_squat": {**ONE_LEG, "partial": (20, 21, ""), **COURSE, "turns_back": (10, 12, "")},
    "hip_hinge": {
        "knee_bend": (22, 30, ""), "valgus": (13, 18, "own"), "pelvic_drop": (11, 15, "own"),
        "pelvis_turn": (22, 30, "own"), "side_shift": (9, 13, "own"), "partial": (26, 30, ""), **COURSE,
        "turns_back": (9, 12, ""),
    },
    "single_leg_deadlift": {
        "open_hip": (15, 20, "other"), "pelvic_drop": (15, 20, "other"), "pelvis_turn": (24, 32, "own"),
        "knee_bend": (22, 30, ""), "valgus": (13, 18, "own"), "unsteady": (4, 6, ""), "partial": (26, 30, ""), **COURSE,
        "turns_back": (12, 15, ""),
    },
    "lateral_band_walk": {
        "valgus": (14, 18, "own"), "pelvic_drop": (14, 18, "other"), "pelvis_turn": (22, 30, "own"), "rises": (12, 16, ""),
        "partial": (8, 9, ""), "fast": (0.5, 0.7, ""), "slow": (0.8, 1.2, ""),
    },
    "glute_bridge": {
        "pelvic_drop": (11, 15, "own"), "hip_hike": (15, 20, "own"), "valgus": (14, 18, "own"), "partial": (24, 28, ""),
        **BRIEF, "turns_back": (4, 5, ""),
    },
    "unilateral_bridge": {
        "pelvic_drop": (12, 16, "other"), "hip_hike": (15, 20, "other"), "valgus": (14, 18, "own"), "partial": (24, 28, ""),
        **BRIEF, "turns_back": (4, 5, ""),
    },
    "calf_raise": {
        "knee_bend": (20, 30, ""), "roll_out": (20, 25, ""), "forward_lean": (20, 28, ""), "side_shift": (9, 13, "own"),
        "partial": (17, 18, ""), **BRIEF, "turns_back": (6, 8, ""),
    },
    "lunge": {
        "valgus": (15, 20, "own"), "pelvic_drop": (12, 16, "other"), "pelvis_turn": (24, 32, "own"),
        "side_shift": (9, 13, "own"), "forward_lean": (24, 32, ""), "knee_forward": (15, 20, ""), "partial": (31, 36, ""),
        "fast": (1.3, 1.4, ""), "slow": (1.8, 2.4, ""), "turns_back": (15, 20, ""),
    },
    "sit_to_stand": {
        "valgus": (14, 18, "own"), "side_shift": (9, 13, "own"), "forward_lean": (26, 32, ""), "fast": (1.1, 1.3, ""),
        "slow": (1.8, 2.4, ""), "stops": (1.5, 2.0, ""), "turns_back": (20, 30, ""),
    },
    "single_leg_balance": {
        "unsteady": (4, 6, ""), "pelvic_drop": (11, 15, "other"), "hip_hike": (15, 20, "other"),
        "touch_down": (0.4, 1.0, ""), "knee_bend": (20, 30, ""),
    },
    "weight_bearing_lunge": {
        "heel_rise": (15, 20, ""), "valgus": (13, 18, "own"), "pelvis_turn": (22, 30, "own"), "partial": (12, 14, ""),
        **BRIEF, "turns_back": (6, 8, ""),
    },
    "leg_swing": {
        "pelvis_rock": (14, 20, ""), "pelvis_turn": (22, 30, "own"), "hip_hike": (15, 20, "own"), "knee_bend": (20, 30, ""),
        "partial": (20, 28, ""), **SWINGS,
    },
    "hip_circle": {
        "hip_hike": (15, 20, "own"), "pelvis_turn": (22, 30, "own"), "forward_lean": (20, 28, ""), "partial": (15, 17, ""),
        "fast": (0.5, 0.7, ""), "slow": (0.8, 1.2, ""),
    },
    "ankle_warm_up": {"knee_bend": (20, 30, ""), "partial": (9, 12, ""), **SWINGS},
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A fault that was performed, the repetition it was seen in, and what was decided in that and in the next one."""

    fault: Fault
    plain: bool
    """The larger of the two sizes."""
    repetition: Repetition | None
    cues: tuple[Cue, ...]
    later: tuple[Cue, ...] = ()


def rule_of(drill: str, kind: str) -> str:
    """Name of the rule that tells a fault."""
    return OWN_RULE.get((drill, kind), RULE.get(kind, kind))


def other(side: Side) -> Side:
    return "right" if side == "left" else "left"


@cache
def performed(
    drill: str, seed: int, faults: tuple[Fault, ...] = (), loss: float = 0.0, repetitions: int = 0, feet: bool = False
) -> tuple[SimulatedDrill, Result]:
    """A set of a drill of the library by the person of `seed`, and its result; feet: sensors on the feet, too."""
    kind = DRILLS[SIMULATED[drill]]
    worn = WITH_FEET if feet or drill in FEET else CORE_SEGMENTS
    more: dict[str, object] = {"hold_s": HOLD_S} if drill == "single_leg_balance" else {}
    piece = set_of(SIMULATED[drill], repetitions or (4 if kind.legs == 1 else 2), *faults, **more)
    done = perform_drill(seed, piece, drill=drill, segments=worn, loss=loss)
    return done, imu.process(done.recording)


def placed(drill: str, kind: FaultKind, apart: bool) -> tuple[tuple[Fault, ...], int]:
    """Faults of both sizes, of each leg or on each side, and how many repetitions the set has (of each leg).

    apart: with a clean repetition between any two of them, and at the end.
    """
    moderate, plain, whose = FAULTS[drill][kind]
    both, gap = DRILLS[SIMULATED[drill]].legs == 1, 1 if apart else 0
    step = 1 + gap + (drill == "lunge" and gap)  # the legs take turns there
    repetitions = 2 + 3 * step + gap if both else 2 + step + gap
    faults = []
    for severity, size in enumerate((moderate, plain)):
        for leg, own in enumerate(("left", "right")):
            number = 2 + step * (2 * severity + leg) if both else 2 + step * severity + repetitions * leg
            if drill == "lunge":  # the left leg goes first
                own = "right" if number % 2 == 0 else "left"
            side = None if not whose else own if whose == "own" else other(own)
            phase: FaultPhase = "out" if kind in ("fast", "slow") else "both"
            faults.append(Fault(number, kind, float(size), side, phase))
            if (drill, kind) == ("lunge", "fast"):  # the moment at the bottom belongs to its way down
                faults.append(Fault(number, kind, 0.6, None, "hold"))
    return tuple(faults), repetitions


def told(drill: str, seed: int, kind: FaultKind, *, apart: bool = False, feet: bool = False) -> list[Told]:
    """A set that begins with a clean repetition, with a fault in both sizes: of each leg, or of both legs on each side."""
    faults, repetitions = placed(drill, kind, apart)
    done, result = performed(drill, seed, faults, repetitions=repetitions, feet=feet)
    out = []
    for fault in faults:
        if (drill, fault.phase) == ("lunge", "hold"):
            continue
        truth = done.repetitions[fault.repetition - 1]
        at = [r for r in result.repetitions if r.t_start_us <= truth.deepest_s * 1e6 <= r.t_end_us]
        if kind == "touch_down":  # it makes two holds of one, and is told in the second
            parts = [r for r in result.repetitions if truth.start_s * 1e6 < r.t_deepest_us < truth.end_s * 1e6]
            at = parts[1:] if len(parts) == 2 else []
        number = at[0].number if at else -1
        said, later = (tuple(c for c in result.decisions if at and c.repetition == n) for n in (number, number + 1))
        out.append(Told(fault, fault.size == FAULTS[drill][kind][1], at[0] if at else None, said, later))
    return out
