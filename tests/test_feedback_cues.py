"""Which faults are cued, on which side, when, and what is held back and why."""

from __future__ import annotations

import numpy as np
import pytest
from feedback_frames import DEG, Squats, count, given, minimum_jerk, mirrored, run, setup, squat_drill

from imu.feedback import Baseline, DrillSession
from imu.feedback.cues import Condition, CueEngine
from imu.packets import Quality

OTHER = {"left": "right", "right": "left", None: None}


@pytest.mark.parametrize("seed", range(12))
def test_clean_repetitions_are_never_cued(seed):
    """Natural knees: 2 to 3 degrees of wander, and axes wrong by 5 degrees, which look like 5 degrees at depth."""
    out = run(Squats(5).natural(seed))
    assert count(out) == 5
    assert [c for c in out.cues if c.given] == []
    assert all(r.clean for r in out.repetitions)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(("degrees", "only_up"), [(10.5, False), (15.0, False), (10.0, True), (16.0, True)])
def test_a_knee_that_falls_in_is_cued_once_per_repetition_on_its_side(side, degrees, only_up):
    squats = Squats(3).sway().knee_in(side, degrees, only_up=only_up)
    out = run(squats)
    assert given(out) == [("valgus", side, i + 1) for i in range(3)]
    assert [r.faults for r in out.repetitions] == [(f"valgus_{side}",)] * 3
    for cue, rep in zip([c for c in out.cues if c.given], out.repetitions, strict=True):
        assert rep.t_start_us < cue.t_us < rep.t_end_us
        assert cue.text == "Keep the knee aligned with the second toe"
        assert cue.value > cue.threshold >= 2 * cue.sigma
        assert rep.excursions[f"shank_frontal_tilt_{side}"] == pytest.approx(degrees * DEG, abs=0.8 * DEG)


def test_one_faulty_repetition_is_cued_and_the_others_are_not():
    squats = Squats(4)
    second = (squats.t > squats.starts[1]) & (squats.t < squats.starts[2])
    squats.add("shank_frontal_tilt", "right", 14.0 * squats.share * second)
    out = run(squats)
    assert given(out) == [("valgus", "right", 2)]
    assert [r.clean for r in out.repetitions] == [True, False, True, True]


def test_a_mirrored_set_gets_the_mirrored_cues():
    squats = Squats(3, (1.5, 1.0, 2.0, 1.0)).natural().knee_in("left", 13.0, only_up=True)
    plain, mirror = run(squats), run(mirrored(squats.frames))
    assert [(c.rule, c.side, c.t_us, c.value, c.given, c.reason) for c in plain.cues] == [
        (c.rule, OTHER[c.side], c.t_us, c.value, c.given, c.reason) for c in mirror.cues
    ]
    assert any(c.side == "left" and c.given for c in plain.cues)


def test_both_knees_equally_in_are_one_cue_without_a_side():
    out = run(Squats(2).knee_in("left", 14.0).knee_in("right", 14.0))
    assert given(out) == [("valgus", None, 1), ("valgus", None, 2)]
    assert out.repetitions[0].faults == ("valgus_left", "valgus_right")


def test_the_worse_knee_is_cued_and_the_other_is_held_back():
    out = run(Squats(2).knee_in("left", 12.0).knee_in("right", 18.0))
    assert given(out) == [("valgus", "right", 1), ("valgus", "right", 2)]
    held = [(c.side, c.reason) for c in out.cues if not c.given]
    assert held == [("left", "one cue at a time")] * 2
    assert out.repetitions[0].faults == ("valgus_left", "valgus_right")


def test_the_way_up_is_compared_with_the_way_down_so_a_turned_strap_is_no_fault():
    """Twist of the strap: up to 7 degrees of false tilt, the same on the way down and up."""
    out = run(Squats(3).sway().add("shank_frontal_tilt", "right", 7.0 * Squats(3).share))
    assert given(out) == []
    squats = Squats(3).sway()
    squats.add("shank_frontal_tilt", "right", -7.0 * squats.share).knee_in("right", 10.0, only_up=True)
    assert given(run(squats)) == [("valgus", "right", i) for i in (1, 2, 3)]


def test_slow_drift_of_the_frontal_tilt_is_taken_out_at_rest():
    squats = Squats(6)
    out = run(squats.add("shank_frontal_tilt", "left", 0.1 * squats.t))
    assert given(out) == []


def test_a_twitch_shorter_than_the_dwell_is_held_back():
    squats = Squats(1)
    at = squats.starts[0] + 2.5
    squats.add("shank_frontal_tilt", "left", 12.0 * ((squats.t > at) & (squats.t < at + 0.06)))
    out = run(squats)
    assert [(c.rule, c.side, c.reason) for c in out.cues] == [("valgus", "left", "dwell")]
    assert out.repetitions[0].clean


def test_near_the_stand_the_knee_is_not_judged():
    squats = Squats(2)
    unloaded = np.where(squats.share * 75 < 20.0, 1.0, 0.0) * (squats.t > 1.6)
    squats.add("shank_frontal_tilt", "left", 12.0 * np.sin(np.pi * squats.share) * unloaded)
    assert given(run(squats)) == []


@pytest.mark.parametrize("flag", [Quality.SATURATED_GYR, Quality.SLIPPED, Quality.GAP])
def test_poor_quality_silences_the_knee_with_a_reason_logged_once(flag):
    squats = Squats(2).knee_in("right", 15.0)
    for name in ("shank_frontal_tilt", "thigh_frontal_tilt"):
        squats.flags[:, [i for i, key in enumerate(_angles()) if key == (name, "right")]] |= int(flag)
    out = run(squats)
    assert given(out) == []
    knee = [(c.side, c.repetition, c.reason) for c in out.cues if c.rule == "valgus"]
    assert knee == [("right", 1, "quality"), ("right", 2, "quality")]
    assert count(out) == 2
    assert out.repetitions[0].flags & flag


def test_a_large_uncertainty_silences_and_a_middling_one_widens_the_limit():
    squats = Squats(2).knee_in("right", 11.0)
    squats.sigma[:] = 8.0 * DEG
    out = run(squats)
    assert given(out) == []
    assert {c.reason for c in out.cues} == {"quality"}
    squats.sigma[:] = 5.8 * DEG
    assert run(squats).cues == ()
    squats.sigma[:] = 4.5 * DEG
    assert [c.threshold for c in run(squats).cues] == pytest.approx([9.0 * DEG] * 2)


def test_shanks_that_are_not_worn_are_no_reason_to_complain():
    squats = Squats(2)
    for side in ("left", "right"):
        for name in ("knee_flexion", "shank_frontal_tilt"):
            squats.unknown(name, side, -1, 1e9, Quality.NOT_CALIBRATED)
    out = run(squats, worn=setup(("pelvis", "thigh_left", "thigh_right")))
    assert count(out) == 2
    assert out.cues == ()
    assert np.isnan(out.repetitions[0].depth)


def test_a_baseline_of_own_good_repetitions_moves_the_zero():
    profile = np.full((2, 2, 2, 11), np.nan)
    profile[0, 1] = 6.0 * DEG
    squats = Squats(2).add("shank_frontal_tilt", "right", 12.0 * Squats(2).share)
    session = DrillSession(squat_drill(), setup(), Baseline(profile))
    assert [c for c in session.push(squats.frames, 0).cues if c.given] == []
    assert given(run(squats)) != []


def test_a_fast_way_down_is_cued_when_the_bottom_is_reached():
    squats = Squats(3, (1.6, 1.0, 2.0, 1.0))
    out = run(squats)
    assert given(out) == [("tempo", None, i) for i in (1, 2, 3)]
    for cue, start in zip(out.cues, squats.starts, strict=True):
        assert cue.text == "Slower on the way down"
        assert 1.5 < cue.t_emitted_us * 1e-6 - start < 1.75
        assert cue.value == pytest.approx(1.6, abs=0.1)
    assert [r.faults for r in out.repetitions] == [("tempo",)] * 3


def test_stopping_half_way_down_and_going_on_is_not_too_fast():
    """The way down takes its 3.2 s in two parts; the first stop is not the bottom."""
    squats = Squats(2, (1.2, 3.0, 2.0, 1.0))
    for side in ("left", "right"):
        for start in squats.starts:
            second = (squats.t > start) * np.clip((squats.t - start - 2.0) / 1.2, 0.0, 1.0) - 1.0
            waiting = (squats.t > start) & (squats.t < start + 4.2)
            part = np.where(waiting, 37.0 * squats.share * _smooth(second), 0.0)
            squats.add("thigh_tilt", side, part).add("knee_flexion", side, 1.3 * part)
    assert given(run(squats)) == []


def _smooth(second):
    return -1.0 + minimum_jerk(second + 1.0)


def test_a_fast_way_up_is_cued_at_the_top():
    out = run(Squats(2, (3.0, 1.0, 1.0, 1.0)))
    assert [(c.text, c.given, c.repetition) for c in out.cues] == [
        ("Slower on the way up", True, 1),
        ("Slower on the way up", True, 2),
    ]


def test_a_slow_way_down_is_reported_and_not_cued():
    out = run(Squats(1, (5.0, 1.0, 2.0, 1.0)))
    assert out.cues == ()
    assert out.repetitions[0].clean
    assert [e.kind for e in out.events if e.kind.startswith("tempo")] == ["tempo_slow"]
    drill = squat_drill(tempo_rule={"slow_down": "A little quicker down"})
    assert [c.text for c in run(Squats(1, (5.0, 1.0, 2.0, 1.0)), drill).cues] == ["A little quicker down"]


def test_within_the_tolerance_nothing_is_said():
    assert run(Squats(3, (2.5, 0.2, 1.7, 0.5)).sway()).cues == ()


def test_alignment_wins_over_tempo_and_the_loser_says_why():
    out = run(Squats(1, (1.5, 1.0, 2.0, 1.0)).knee_in("left", 16.0))
    assert [(c.rule, c.given, c.reason) for c in out.cues] == [
        ("valgus", True, "beyond the limit"),
        ("tempo", False, "lower priority"),
    ]
    assert out.repetitions[0].faults == ("tempo", "valgus_left")


def test_a_partial_repetition_is_named_and_cued_only_when_the_drill_says_so():
    squats = Squats(1, thigh_deg=42.0)
    out = run(squats)
    assert [(c.text, c.given) for c in out.cues] == [("A little lower", True)]
    assert out.cues[0].t_emitted_us >= out.repetitions[0].t_end_us
    assert out.repetitions[0].faults == ("partial",)
    out = run(squats, squat_drill(depth={"cue": False}))
    assert [(c.rule, c.given, c.reason) for c in out.cues] == [("depth", False, "off in this drill")]


def test_a_depth_within_its_uncertainty_of_the_limit_is_not_partial():
    near = Squats(1, thigh_deg=45.0)  # 58.5 degrees of knee flexion, known to 1.5: the limit is 60
    assert run(near).repetitions[0].faults == ()
    assert run(near, squat_drill(depth={"partial_deg": 61.0})).repetitions[0].faults == ("partial",)


def test_a_cue_is_shown_for_its_time_or_to_the_end_of_the_phase():
    squats = Squats(1).knee_in("left", 15.0)
    session, shown = DrillSession(squat_drill(), setup()), []
    from feedback_frames import cut

    for i in range(len(squats.t)):
        session.push(cut(squats.frames, i, i + 1), 0)
        shown.append(session.current_cue(int(squats.frames.t_us[i])))
    on = [i / 100 for i, cue in enumerate(shown) if cue is not None]
    assert on[-1] - on[0] >= 1.48
    assert len(on) == round((on[-1] - on[0]) * 100) + 1
    assert on[-1] < 6.0


def _angles():
    from imu.conventions import ANGLES

    return ANGLES


def condition(rule: str, priority: int, t_s: float, repetition: int = 1, held: str = "") -> Condition:
    t = round(t_s * 1e6)
    return Condition(rule, "left", "words", priority, t, t, repetition, 1.0, 0.5, 0.1, held=held)


def test_a_higher_priority_replaces_at_once_and_a_lower_one_is_dropped():
    engine = CueEngine(1.5, 1)
    decisions = [
        engine.decide(condition("tempo", 20, 1.0)),
        engine.decide(condition("valgus", 30, 1.2)),
        engine.decide(condition("depth", 10, 1.3)),
        engine.decide(condition("depth", 10, 1.4)),
    ]
    assert [None if d is None else (d.given, d.reason) for d in decisions] == [
        (True, "beyond the limit"),
        (True, "beyond the limit"),
        (False, "lower priority"),
        None,
    ]
    shown = engine.current(1_400_000)
    assert shown is not None
    assert shown.rule == "valgus"


def test_the_same_cue_rests_for_the_repetitions_asked_for():
    engine = CueEngine(0.5, 2)
    reasons = []
    for repetition in (1, 2, 3):
        decision = engine.decide(condition("valgus", 30, 7.0 * repetition, repetition))
        engine.end_phase()
        assert decision is not None
        reasons.append(decision.reason)
    assert reasons == ["beyond the limit", "refractory", "beyond the limit"]
