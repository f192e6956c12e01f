"""Every drill of the library: counted exactly, the leg told, tempo and depth judged; grouping and mirroring are one."""

from __future__ import annotations

import numpy as np
import pytest
from drill_motions import Leg, Performance, Posture, drill_of, perform, repetition_drills, run_drill, sides_of, tempo_of
from feedback_frames import DEG, cut, mirrored

from imu.feedback import Drill, DrillOutputs, DrillSession
from imu.outputs import Repetition
from imu.packets import Quality

NAMES = repetition_drills()
LEGS = [name for name in NAMES if drill_of(name).signal.legs != "both"]
SIGNALS = {"hip_flexion": ("hip_flexion",), "thigh_tilt": ("thigh_tilt", "thigh_sagittal_tilt")}


def counted(out: DrillOutputs) -> list[Repetition]:
    return [r for r in out.repetitions if "void" not in r.faults]


def dropped(out: DrillOutputs) -> list[str]:
    return [e.detail for e in out.events if e.kind == "repetition_dropped"]


def check(performed: Performance, out: DrillOutputs) -> None:
    """Each repetition once, around its deepest instant, of the right leg."""
    done = counted(out)
    assert [r.side for r in done] == performed.sides
    assert [r.number for r in done] == list(range(1, len(done) + 1))
    for r, deepest in zip(done, performed.deepest, strict=True):
        assert 1e-6 * r.t_start_us < deepest < 1e-6 * r.t_end_us


def prescribed(drill: Drill) -> bool:
    """Both ways have a time, and are held to it."""
    return min(drill.tempo.down_s, drill.tempo.up_s) > 0.0 and drill.tempo_rule.tolerance_percent <= 50.0


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_clean_repetitions_are_counted_and_nothing_is_said(name, seed):
    drill = drill_of(name, tempo={"hold_s": 4.0}) if name == "single_leg_balance" else drill_of(name)
    performed = perform(name, 3, seed=seed)
    out = run_drill(performed, drill)
    check(performed, out)
    assert [r.faults for r in out.repetitions] == [()] * len(performed.sides)
    told = [c for c in out.cues if c.given and 1e6 * performed.starts[0] < c.t_us]
    assert told == []


@pytest.mark.parametrize("name", NAMES)
def test_phases_take_as_long_as_they_took(name):
    drill = drill_of(name)
    out_s, hold_s, back_s, _ = tempo_of(drill)
    for r in run_drill(perform(name, 3), drill).repetitions:
        p = r.phases
        first, second = (p.descent_s, p.ascent_s) if drill.tempo.first == "down" else (p.ascent_s, p.descent_s)
        assert first == pytest.approx(out_s, rel=0.16, abs=0.1)
        assert second == pytest.approx(back_s, rel=0.16, abs=0.1)
        if drill.tempo.pause == "apart":
            assert (p.bottom_s if drill.tempo.first == "down" else p.top_s) == pytest.approx(hold_s, abs=0.45)


@pytest.mark.parametrize("name", [name for name in NAMES if prescribed(drill_of(name))])
def test_one_that_is_too_fast_is_named_and_one_that_is_slow_is_reported(name):
    drill = drill_of(name)
    fast = run_drill(performed := perform(name, 2, odd=(1, 0.45, 1.0)), drill)
    check(performed, fast)
    assert [r.number for r in fast.repetitions if "tempo" in r.faults] == [2]
    said = [(c.rule, c.repetition) for c in fast.cues if c.given]
    assert said == ([("tempo", 2)] if drill.tempo_rule.cue else [])
    slow = run_drill(performed := perform(name, 2, odd=(1, 2.2, 1.0)), drill)
    check(performed, slow)
    assert [r.faults for r in slow.repetitions] == [()] * len(performed.sides)
    assert {e.kind for e in slow.events} >= {"tempo_slow"}
    assert [r for r in slow.repetitions if r.measures.get("tempo_error_down", 0.0) > 0.5] == [slow.repetitions[1]]


@pytest.mark.parametrize("name", NAMES)
def test_an_attempt_that_is_given_up_early_is_no_repetition(name):
    drill = drill_of(name)
    performed = perform(name, 2, odd=(1, 1.0, 0.25))
    out = run_drill(performed, drill)
    expected = [side for i, side in enumerate(performed.sides) if i != 1]
    assert [r.side for r in counted(out)] == expected
    if 0.2 * drill.target.aim_deg > drill.repetition.open_deg:
        assert dropped(out)


@pytest.mark.parametrize("name", [name for name in NAMES if drill_of(name).repetition.own_share > 0.0])
def test_much_less_than_before_is_told_as_partial_until_it_is_the_persons_own(name):
    """The range that a person reaches in this set is the measure; who can only do less is followed."""
    open_deg = drill_of(name).repetition.open_deg
    drill = drill_of(name, repetition={"minimum_deg": open_deg, "own_share": 0.6}, signal={"lead_deg": 4.0})
    performed = perform(name, 2)
    side = performed.sides[-1]
    for _ in range(4):
        performed.repeat(side, tempo_of(drill), 0.5)
    out = run_drill(performed, drill)
    partial = dropped(out).count("partial: much less deep than before")
    assert 1 <= partial <= 2
    assert len(counted(out)) == len(performed.sides) - partial


def hole(performed: Performance, drill: Drill, start_s: float, seconds: float) -> Performance:
    """The signal of the leg of the first repetition is unknown for a while."""
    side = performed.sides[0]
    if side is not None and drill.signal.trained == "other":
        side = "right" if side == "left" else "left"
    names = {drill.signal.angle, "thigh_sagittal_tilt" if drill.signal.angle == "thigh_tilt" else drill.signal.angle}
    for name in names:
        performed.holes.append((name, side or "left", start_s, start_s + seconds, Quality.STALE))
    return performed


@pytest.mark.parametrize("name", NAMES)
def test_a_short_hole_costs_nothing_and_a_long_one_its_repetition(name):
    drill = drill_of(name)
    performed = perform(name, 2)
    start = performed.starts[0] + 0.55 * tempo_of(drill)[0]
    check(performed, run_drill(hole(performed, drill, start, 0.25), drill))
    performed = perform(name, 2)
    out = run_drill(hole(performed, drill, start, 0.9), drill)
    assert len(counted(out)) in (len(performed.sides) - 1, len(performed.sides) - 2)
    assert [r.side for r in counted(out)][-1:] == performed.sides[-1:]
    assert all(not c.given for c in out.cues if c.repetition == 1)


@pytest.mark.parametrize("name", NAMES)
def test_grouping_saving_and_mirroring_change_nothing(name):
    drill = drill_of(name)
    frames = perform(name, 2, odd=(0, 0.5, 1.0), seed=4).frames
    whole = run_drill(frames, drill)
    for chunk in (7, 333):
        assert repr(run_drill(frames, drill, chunk=chunk)) == repr(whole)
    one = DrillSession(drill, _setup())
    middle = len(frames) // 2
    first = one.push(cut(frames, 0, middle), 0)
    other = DrillSession(drill, _setup())
    other.restore(one.state())
    rest = cut(frames, middle, len(frames))
    parts = [first, other.push(rest, 0), other.finish()]
    assert repr(tuple(r for p in parts for r in p.repetitions)) == repr(whole.repetitions)
    assert repr(tuple(c for p in parts for c in p.cues)) == repr(whole.cues)
    mirror = run_drill(_mirrored(frames), drill)
    swap = {"left": "right", "right": "left", None: None}
    assert [(r.t_start_us, r.depth, r.phases) for r in mirror.repetitions] == [
        (r.t_start_us, r.depth, r.phases) for r in whole.repetitions
    ]
    assert [r.side for r in mirror.repetitions] == [swap[r.side] for r in whole.repetitions]
    assert [(c.rule, c.side) for c in mirror.cues] == [(c.rule, swap[c.side]) for c in whole.cues]


@pytest.mark.parametrize("name", LEGS)
def test_both_legs_at_once_are_a_repetition_of_neither(name):
    drill = drill_of(name)
    performed = Performance(name, [np.zeros((1, 13))])
    performed.stay(1.5)
    for _ in range(2):
        performed.repeat("left", tempo_of(drill))
    own, far = slice(0, 5), slice(5, 10)
    if drill.signal.trained == "other":
        own, far = far, own
    for rows in performed.rows:  # the other leg does the same
        rows[:, far] = rows[:, own]
    out = run_drill(performed, drill)
    assert counted(out) == []


def test_a_drill_for_one_side_counts_that_side_only():
    drill = drill_of("step_down", signal={"side": "right"})
    out = run_drill(performed := perform("step_down", 2), drill)
    assert [r.side for r in out.repetitions] == ["right", "right"]
    assert performed.sides == ["left", "left", "right", "right"]


def test_legs_that_should_take_turns_and_do_not_are_told():
    drill = drill_of("lunge", signal={"legs": "alternating"})
    performed = Performance("lunge", [np.zeros((1, 13))])
    performed.stay(1.5)
    for side in ("left", "right", "right", "left"):
        performed.repeat(side, tempo_of(drill))
    out = run_drill(performed, drill)
    check(performed, out)
    assert [e.side for e in out.events if e.kind == "side_repeated"] == ["right"]


def test_nothing_is_counted_before_the_person_lies():
    """Sitting down, bending and getting up change the hip more than a bridge does."""
    performed = perform("glute_bridge", 2)
    late = Performance("glute_bridge", [np.zeros((1, 13))])
    late.stay(1.5)
    seated = Posture(Leg(88, 2), tilt=-10)
    for posture in (seated, Posture(Leg(60, 20), tilt=40), seated):
        values = np.array(
            [*(v for _ in range(2) for v in (posture.own.thigh, posture.own.shank, 0, 0, 0)), posture.tilt, 0, 0]
        )
        late.go(values, 1.5).stay(1.5)
    begins = late.now + performed.starts[0]
    late.rows += performed.rows
    out = run_drill(late, drill_of("glute_bridge"))
    assert len(out.repetitions) == 2
    assert [e for e in out.events if e.kind == "repetition_started" and e.t_us < 1e6 * begins - 5e5] == []


def test_who_begins_seated_has_the_first_stand_counted():
    performed = Performance("sit_to_stand", [np.zeros((1, 13))])
    performed.stay(1.0)
    for _ in range(3):
        performed.repeat(None, (2.0, 2.0, 2.0, 1.0))
    frames = performed.stay(1.0).frames
    rows = cut(frames, int(100 * (performed.starts[0] + 2.5)), len(frames))
    out = run_drill(rows, drill_of("sit_to_stand"))
    assert [r.number for r in out.repetitions] == [1, 2, 3]
    assert np.isnan(out.repetitions[0].phases.descent_s)
    assert not np.isnan(out.repetitions[0].phases.ascent_s)
    assert len(run_drill(rows, drill_of("sit_to_stand", repetition={"from_below": False})).repetitions) == 2


def test_a_hold_is_timed_and_one_that_is_not_over_counts_so_far():
    drill = drill_of("single_leg_balance")
    performed = Performance("single_leg_balance", [np.zeros((1, 13))])
    performed.stay(1.5)
    performed.repeat("left", (1.0, 10.0, 1.0, 1.0))
    performed.repeat("right", (1.0, 6.0, 1.0, 1.0))
    frames = performed.frames
    held = [r.phases.bottom_s for r in run_drill(frames, drill).repetitions]
    assert held == pytest.approx([10.0, 6.0], abs=0.35)
    stopped = run_drill(cut(frames, 0, int(100 * (performed.deepest[1] + 1.0))), drill)
    assert [r.side for r in stopped.repetitions] == ["left", "right"]
    assert stopped.repetitions[1].phases.bottom_s == pytest.approx(4.0, abs=0.35)


def test_swaying_in_a_hold_does_not_end_it():
    drill = drill_of("single_leg_balance")
    performed = Performance("single_leg_balance", [np.zeros((1, 13))])
    performed.stay(1.5)
    performed.repeat("left", (1.0, 12.0, 1.0, 1.0))
    t = np.arange(1200) / 100
    performed.rows[-3][:, 6] += 6.0 * np.sin(2 * np.pi * 0.4 * t)  # the shank of the lifted leg
    (r,) = run_drill(performed, drill).repetitions
    assert r.phases.bottom_s == pytest.approx(12.0, abs=0.5)


def test_sensors_that_a_drill_needs_are_named():
    from imu.config import SensorSetup, Setup
    from imu.errors import ConfigError

    worn = Setup(tuple(SensorSetup(s, s, 100.0, "samples") for s in ("pelvis", "shank_left", "shank_right")))
    with pytest.raises(ConfigError, match="shank_left and foot_left or shank_right and foot_right"):
        DrillSession(drill_of("calf_raise"), worn)
    with pytest.raises(ConfigError, match="thigh_left and shank_left"):
        DrillSession(drill_of("step_down"), worn)
    worn = Setup(tuple(SensorSetup(s, s, 100.0, "samples") for s in ("thigh_right", "shank_right")))
    assert "lean" in DrillSession(drill_of("squat"), worn).unmeasured


def _setup():
    from drill_motions import SETUP

    return SETUP


def _mirrored(frames):
    """Left and right exchanged; what has no side of its own changes its sign."""
    from imu.conventions import angle_column

    out = mirrored(frames)
    for name in ("pelvis_obliquity", "pelvis_rotation"):
        out.angle[:, angle_column(name)] *= -1.0
    return out


def test_sides_of_the_performances_are_what_the_drills_say():
    assert sides_of(drill_of("squat"), 2) == [None, None]
    assert sides_of(drill_of("lunge"), 1) == ["left", "right"]
    assert DEG > 0.0
