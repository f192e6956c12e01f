"""Faults of simulated drills: each is as large as asked for, on its side, in its phase, and nothing else changes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from simulated_drills import DRILLS, set_of

from firmware_sim.activities import MEANING, ActivityBody, Fault, Repetition, Squats, Stand
from firmware_sim.truth import truth
from imu.conventions import SIDES, segment_of

SEED = 4
DEG = np.pi / 180
ALIGNMENT = (
    "valgus", "pelvic_drop", "hip_hike", "pelvis_turn", "pelvis_rock", "open_hip", "side_shift", "forward_lean",
    "butt_wink", "knee_bend", "knee_forward", "heel_rise", "roll_out", "rises",
)  # fmt: skip
SIZES = {"valgus": (6.0, 12.0), "heel_rise": (5.0, 15.0), "knee_bend": (10.0, 20.0)}
LYING = ("bridge", "unilateral_bridge")
SWINGING = ("leg_swing", "hip_circle", "ankle_pump", "ankle_circle")
DEPTH = {
    "squat": ("knee_flexion", 1.0), "step_down": ("knee_flexion", 1.0), "single_leg_squat": ("knee_flexion", 1.0),
    "hip_hinge": ("pelvis_tilt", 1.0), "single_leg_deadlift": ("pelvis_tilt", 1.0), "lunge": ("knee_flexion", 1.0),
    "wall_lunge": ("shank_sagittal_tilt", 1.0), "leg_swing": ("thigh_sagittal_tilt", 1.0),
    "hip_circle": ("thigh_sagittal_tilt", 1.0), "bridge": ("hip_flexion", -1.0), "unilateral_bridge": ("hip_flexion", -1.0),
    "calf_raise": ("ankle_flexion", -1.0), "heel_toe_rock": ("ankle_flexion", -1.0), "ankle_pump": ("ankle_flexion", 1.0),
    "ankle_circle": ("ankle_flexion", 1.0),
}  # fmt: skip
"""Which angle tells the depth, and its sign."""


def piece_of(name, *faults):
    return set_of(name, 3, *faults, **({"both": False} if DRILLS[name].legs == 2 else {}))


@cache
def performed(name, *faults) -> ActivityBody:
    return ActivityBody.performing(SEED, (Stand(2.0), piece_of(name, *faults), Stand(1.0)))


def repetitions(body) -> tuple[Repetition, ...]:
    return body.performed[1].repetitions


def carrier(name, number=2):
    """The leg of a repetition; None: both."""
    return repetitions(performed(name))[number - 1].side


def angles(body, t):
    t = np.atleast_1d(t)
    found = {label: values / DEG for label, values in truth(body, t).items()}
    pelvis = body.pose("pelvis", t).origin[:, 1]
    found["pelvis_aside"] = np.arcsin(pelvis / (body.person.thigh + body.person.shank)) / DEG
    for side in SIDES:
        foot = body.pose(segment_of("foot", side), t).rotation
        found[f"foot_pitch_{side}"] = np.arcsin(foot[:, 2, 0]) / DEG
        outward = 1.0 if side == "right" else -1.0
        found[f"foot_roll_{side}"] = -outward * np.arcsin(foot[:, 2, 2]) / DEG
    return found


def worst_at(r: Repetition, phase="both"):
    out, back = r.bottom_s - r.start_s, r.end_s - r.rise_s
    return {"out": r.start_s + 0.62 * out, "back": r.rise_s + 0.375 * back}.get(phase, r.deepest_s)


def expected(name, kind, size, side):
    """(label, by how much it changes)."""
    left = 1.0 if side == "left" else -1.0
    match kind:
        case "valgus":
            return f"shank_frontal_tilt_{side}", size
        case "pelvic_drop":
            return "pelvis_obliquity", left * size
        case "hip_hike" if name in LYING:
            return "pelvis_rotation", left * size
        case "hip_hike" | "open_hip":
            return "pelvis_obliquity", -left * size
        case "pelvis_turn":
            return "pelvis_rotation", left * size
        case "side_shift":
            return "pelvis_aside", left * size
        case "forward_lean":
            return "pelvis_tilt", size
        case "butt_wink" | "pelvis_rock":
            return "pelvis_tilt", -size
        case "knee_bend":
            return f"knee_flexion_{side}", size
        case "rises":
            return f"knee_flexion_{side}", -size
        case "knee_forward":
            return f"shank_sagittal_tilt_{side}", size
        case "heel_rise":
            return f"foot_pitch_{side}", -size
        case "roll_out":
            return f"foot_roll_{side}", size
    raise AssertionError(kind)


def side_of_fault(name, kind):
    side = carrier(name)
    if kind in ("hip_hike", "open_hip", "pelvic_drop") and side is not None and name not in SWINGING:
        return "left" if side == "right" else "right"
    return side or "right"


CASES = [(n, k) for n, d in DRILLS.items() for k in d.possible if k in ALIGNMENT]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_fault_is_as_large_as_asked_for_and_only_in_its_repetition(name, kind):
    side, sizes = side_of_fault(name, kind), SIZES.get(kind, (5.0, 10.0))
    # the lunging leg changes from one repetition to the next
    number = 2
    for size in sizes:
        told = None if kind == "rises" or (kind == "knee_bend" and DRILLS[name].legs == 1) else side
        fault = Fault(number, kind, size, told, "back" if (name, kind) == ("sit_to_stand", "forward_lean") else "both")
        faulty, clean = performed(name, fault), performed(name)
        r, same = repetitions(faulty)[number - 1], repetitions(clean)[number - 1]
        assert r.faults == (fault,)
        assert replace(r, faults=()) == same
        at = worst_at(r, fault.phase)
        with_it, without = angles(faulty, at), angles(clean, at)
        label, change = expected(name, kind, size, side)
        assert (with_it[label] - without[label])[0] == pytest.approx(change, abs=0.6 + 0.22 * size), label
        for other in (r for r in repetitions(faulty) if r.faults == ()):
            before, after = angles(faulty, other.deepest_s), angles(clean, other.deepest_s)
            assert max(abs(before[k] - after[k])[0] for k in before) < 0.2


@pytest.mark.parametrize("name", [n for n, d in DRILLS.items() if "valgus" in d.possible])
def test_a_knee_falls_in_on_its_side_only(name):
    for side in SIDES if repetitions(performed(name))[1].side is None else (carrier(name),):
        fault = Fault(2, "valgus", 10.0, side)
        faulty, clean = performed(name, fault), performed(name)
        at = repetitions(clean)[1].deepest_s
        with_it, without = angles(faulty, at), angles(clean, at)
        other = "left" if side == "right" else "right"
        assert abs(with_it[f"shank_frontal_tilt_{other}"] - without[f"shank_frontal_tilt_{other}"])[0] < 1e-6
        assert (with_it[f"thigh_frontal_tilt_{side}"] - without[f"thigh_frontal_tilt_{side}"])[0] > 2.0


@pytest.mark.parametrize("phase", ["out", "back", "both"])
@pytest.mark.parametrize("name", ["squat", "single_leg_squat", "step_down"])
def test_a_fault_of_one_phase_is_not_in_the_other(name, phase):
    side = carrier(name) or "left"
    faulty, clean = performed(name, Fault(2, "valgus", 10.0, side, phase)), performed(name)
    r = repetitions(clean)[1]
    t = np.linspace(r.start_s, r.end_s, 200)
    label = f"shank_frontal_tilt_{side}"
    change = angles(faulty, t)[label] - angles(clean, t)[label]
    out, back = change[t < r.bottom_s], change[t > r.rise_s]
    hold = change[(t >= r.bottom_s) & (t <= r.rise_s)]
    wanted = {"out": (10.0, 0.0, 0.0), "back": (0.0, 0.0, 10.0), "both": (10.0, 10.0, 10.0)}[phase]
    for found, size in zip((out, hold, back), wanted, strict=True):
        assert found.max() == pytest.approx(size, abs=0.05 if size == 0.0 else 2.2)
    assert change.min() > -0.05


@pytest.mark.parametrize("name", DEPTH)
def test_a_partial_repetition_is_short_by_its_size(name):
    label, sign = DEPTH[name]
    side = repetitions(performed(name))[1].side or "left"
    label = label if label.startswith("pelvis") else f"{label}_{side}"
    for size in (6.0, 12.0):
        faulty, clean = performed(name, Fault(2, "partial", size)), performed(name)
        r, same = repetitions(faulty)[1], repetitions(clean)[1]
        assert (r.start_s, r.end_s) == (same.start_s, same.end_s)
        short = angles(clean, r.deepest_s)[label] - angles(faulty, r.deepest_s)[label]
        assert sign * short[0] == pytest.approx(size, abs=1.0 + 0.1 * size)
        if name not in LYING:
            assert same.depth_deg - r.depth_deg == pytest.approx(size)


@pytest.mark.parametrize("name", [n for n, d in DRILLS.items() if "fast" in d.possible and n != "balance"])
def test_too_fast_and_too_slow_are_in_the_times_of_the_phase(name):
    clean = repetitions(performed(name))[1]
    for kind, phase, size in (("fast", "out", 0.4), ("slow", "out", 1.2), ("fast", "back", 0.4), ("slow", "back", 1.0)):
        r = repetitions(performed(name, Fault(2, kind, size, None, phase)))[1]
        more = size if kind == "slow" else -size
        out = (r.bottom_s - r.start_s) - (clean.bottom_s - clean.start_s)
        back = (r.end_s - r.rise_s) - (clean.end_s - clean.rise_s)
        assert (out, back) == pytest.approx((more, 0.0) if phase == "out" else (0.0, more))


@pytest.mark.parametrize("name", [n for n, d in DRILLS.items() if "stops" in d.possible and n != "sit_to_stand"])
def test_who_stops_stands_still_half_way(name):
    r = repetitions(performed(name, Fault(2, "stops", 3.0, None, "out")))[1]
    clean = repetitions(performed(name))[1]
    assert (r.bottom_s - r.start_s) - (clean.bottom_s - clean.start_s) == pytest.approx(3.0)
    t = np.array([0.5 * (r.start_s + r.bottom_s) + d for d in (-1.0, 1.0)])
    label, _ = DEPTH[name]
    side = r.side or "left"
    label = label if label.startswith("pelvis") else f"{label}_{side}"
    found = angles(performed(name, Fault(2, "stops", 3.0, None, "out")), t)[label]
    deepest = angles(performed(name), clean.deepest_s)[label][0]
    started = angles(performed(name), clean.start_s)[label][0]
    assert abs(found[1] - found[0]) < 4.0
    assert 0.2 < (found.mean() - started) / (deepest - started) < 0.8


@pytest.mark.parametrize("name", [n for n, d in DRILLS.items() if "turns_back" in d.possible and n not in LYING])
def test_who_turns_back_has_gone_a_part_of_the_way_and_did_not_finish(name):
    found = [r for r in repetitions(performed(name, Fault(2, "turns_back", 18.0))) if r.aborted]
    assert len(found) == 1
    (r,) = found
    assert r.depth_deg == pytest.approx(18.0)
    clean = repetitions(performed(name))[1]
    assert r.end_s - r.start_s < clean.end_s - clean.start_s
    if name in DEPTH:
        label, sign = DEPTH[name]
        label = label if label.startswith("pelvis") else f"{label}_{r.side or 'left'}"
        body = performed(name, Fault(2, "turns_back", 18.0))
        assert sign * angles(body, r.deepest_s)[label][0] == pytest.approx(18.0, abs=3.5)


def test_who_wobbles_on_one_leg_does_so_by_the_size():
    for size in (1.5, 3.0):
        body = ActivityBody.performing(SEED, (Stand(2.0), set_of("balance", 1, Fault(1, "unsteady", size)), Stand(1.0)))
        r = body.performed[1].repetitions[0]
        t = np.linspace(r.bottom_s + 1.0, r.rise_s - 1.0, 400)
        wobble = angles(body, t)["pelvis_obliquity"]
        assert wobble.std() == pytest.approx(size, rel=0.4)


def test_a_foot_that_touches_down_is_on_the_floor_for_its_time():
    body = ActivityBody.performing(SEED, (Stand(2.0), set_of("balance", 1, Fault(1, "touch_down", 1.0)), Stand(1.0)))
    r = body.performed[1].repetitions[0]
    free = "right" if r.side == "left" else "left"
    t = np.linspace(r.bottom_s + 0.5, r.rise_s - 0.5, 1000)
    height = body.pose(segment_of("foot", free), t).origin[:, 2] - body.person.ankle_height
    down = height < 0.002
    assert down.sum() * (t[1] - t[0]) == pytest.approx(1.0, abs=0.3)
    assert height[0] > 0.05
    assert height[-1] > 0.05


def test_mirrored_faults_are_on_the_other_side():
    fault = Fault(2, "valgus", 10.0, "left", "back")
    body = performed("squat", fault)
    mirrored = body.mirrored()
    assert repetitions(mirrored)[1].faults == (replace(fault, side="right"),)
    at = worst_at(repetitions(body)[1], "back")
    assert angles(mirrored, at)["shank_frontal_tilt_right"] == pytest.approx(angles(body, at)["shank_frontal_tilt_left"])


def test_what_a_drill_cannot_have_is_said():
    with pytest.raises(ValueError, match="Squats cannot have 'open_hip'; there are: valgus"):
        Squats(3, faults=(Fault(1, "open_hip", 5.0, "left"),))
    with pytest.raises(ValueError, match="no repetition 4, only 1 to 3"):
        Squats(3, faults=(Fault(4, "partial", 5.0),))
    with pytest.raises(ValueError, match=f"needs a side: {MEANING['pelvic_drop']}"):
        Squats(3, faults=(Fault(1, "pelvic_drop", 5.0),))
