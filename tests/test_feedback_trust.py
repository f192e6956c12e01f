"""What is not judged is said, with its reason, and is not called clean: absolute limits, sets without a calibration,
approved sets that do not fit."""

from __future__ import annotations

from itertools import pairwise
from math import radians

import numpy as np
import pytest
from drill_motions import Performance, drill_of
from feedback_frames import Squats, setup, squat_drill
from scipy.spatial.transform import Rotation
from simulated_activity import perform_activity
from squatting_sensors import Squatting

import imu
from firmware_sim.activities import March, Stand
from firmware_sim.activities import Squats as SquatPiece
from imu.engine import Engine
from imu.feedback import DrillSession
from imu.feedback.audio import silent_audio
from imu.feedback.drill import drill_text
from imu.feedback.drill_metrics import Compensation
from imu.feedback.explain import Decisions, explain
from imu.feedback.trust import Trust
from imu.kinematics.calibration import GOOD
from imu.result import Result
from imu.sources import ReplaySource
from imu.summary import summary_lines

VALGUS = Compensation(
    "knee_valgus", "knee_adduction", -10.0, "Knee over the foot", way="below", against="absolute", sided=True
)
SEGMENTS = ("pelvis", "thigh_left", "thigh_right", "shank_left", "shank_right")


def with_absolute_limit(degrees: float, **scores: int) -> Decisions:
    """Squats in which the right knee is so far in valgus; segments score 90 unless told."""
    squats = Squats(2).add("knee_adduction", "right", 0.0)
    squats.add("knee_adduction", "right", -degrees * squats.share)
    session = DrillSession(squat_drill(compensations=(VALGUS,)), setup())
    session.calibrated(Trust(True, {s: scores.get(s, 90) for s in SEGMENTS}))
    out = session.push(squats.frames, 0)
    last = session.finish()
    return Decisions(out.repetitions + last.repetitions, out.cues + last.cues)


def test_knee_adduction_as_it_is_acts_with_a_good_calibration():
    decided = with_absolute_limit(15.0, shank_right=GOOD)
    (first, second) = [c for c in decided.cues if c.rule == "knee_valgus"]
    assert (first.given, first.side, second.given) == (True, "right", True)
    assert first.value < radians(-10.0)
    assert first.sigma == pytest.approx(radians(1.5))
    assert [r.faults for r in decided.repetitions] == [("knee_valgus_right",)] * 2
    assert all(r.measures["knee_valgus_right"] == pytest.approx(radians(-15.0), abs=0.01) for r in decided.repetitions)


def test_it_is_held_back_with_the_score_where_the_calibration_is_not_good():
    decided = with_absolute_limit(15.0, shank_right=58)
    cues = [c for c in decided.cues if c.rule == "knee_valgus"]
    assert {(c.given, c.side, c.reason) for c in cues} == {
        (False, "right", f"calibration score 58 below {GOOD}: right shin")
    }
    assert [r.verdict for r in decided.repetitions] == ["clean", "clean"]
    assert any(f"because: calibration score 58 below {GOOD}" in line for line in explain(decided, 1))
    # the other leg may be judged, and is
    near = {a.side: a for a in decided.repetitions[0].nearest if a.rule == "knee_valgus"}
    assert near["left"].value == near["left"].value
    assert near["right"].value != near["right"].value


def test_a_limit_that_was_not_passed_says_that_it_was_not_judged():
    lines = explain(with_absolute_limit(3.0, thigh_right=40), 1)
    assert any(line.strip().startswith("knee_valgus right: not judged") and "score 40 below" in line for line in lines)


def test_a_segment_without_a_calibration_is_named():
    session = DrillSession(squat_drill(compensations=(VALGUS,)), setup())
    squats = Squats(1)
    squats.add("knee_adduction", "left", -20.0 * squats.share)
    session.calibrated(Trust(True, {"thigh_left": 90, "thigh_right": 90, "shank_right": 90}))
    reasons = {c.reason for c in session.push(squats.frames, 0).cues if c.rule == "knee_valgus"}
    assert reasons == {"no calibration of the left shin"}


def test_limits_that_count_from_the_repetition_itself_need_no_score():
    squats = Squats(2).knee_in("right", 16.0)
    session = DrillSession(squat_drill(), setup())
    session.calibrated(Trust(True, dict.fromkeys(SEGMENTS, 20)))
    assert any(c.given and c.rule == "valgus" for c in session.push(squats.frames, 0).cues)


@pytest.fixture(scope="module")
def approved() -> Result:
    return imu.process(Squatting(seed=1).recording(), drill="squat")


def test_without_calibration_and_approved_set_no_repetition_is_called_clean(approved):
    assert {r.verdict for r in approved.repetitions} <= {"counted", "tempo"}
    assert not any(r.clean for r in approved.repetitions)
    for r in approved.repetitions:
        assert r.unjudged == {"valgus_left": "no calibration", "valgus_right": "no calibration"}
    text = "\n".join(summary_lines(approved))
    assert "Knee alignment not judged: no calibration" in text
    assert "knee not judged –" in text
    assert "clean" not in text.split("Cues")[0]


def test_with_an_approved_set_the_same_squats_are_judged(approved):
    result = imu.process(Squatting(seed=2, tempo=(3.0, 1.0, 2.0, 1.0)).recording(), drill="squat", baseline=approved)
    assert {r.verdict for r in result.repetitions} == {"clean"}
    assert not any("not judged" in line for line in summary_lines(result))


@pytest.mark.parametrize(("about", "degrees"), [("y", 60.0), ("y", -170.0), ("x", 50.0), ("z", 90.0)])
def test_a_sensor_that_is_strapped_on_otherwise_is_refused_for_its_knee_only(about, degrees, approved):
    straps = {s: Rotation.from_euler(about, degrees, degrees=True) for s in ("thigh_right", "shank_right")}
    squatting = Squatting(seed=3, straps=straps).knee_in("left", 12.0, lambda s: s.up * (s.number > 4))
    result = imu.process(squatting.recording(), drill="squat", baseline=approved)
    told = [e for e in result.events if e.kind == "baseline_refused"]
    assert {e.segment for e in told} == set(straps)
    assert all("the approved set does not fit: the sensor on the right" in e.detail for e in told)
    for r in result.repetitions:
        assert set(r.unjudged) == {"valgus_right"}
        assert "does not fit" in r.unjudged["valgus_right"]
        assert ("valgus_left" in r.faults) == (r.number > 4)
        assert not any(f.startswith("valgus_right") for f in r.faults)
    held = {c.reason for c in result.decisions if c.rule == "valgus" and c.side == "right"}
    assert any(reason.startswith("the approved set does not fit") for reason in held)


@pytest.mark.parametrize("degrees", [-20.0, 20.0])
def test_a_strap_that_has_turned_a_little_is_no_reason_to_refuse(degrees, approved):
    straps = {s: Rotation.from_euler("y", degrees, degrees=True) for s in ("thigh_right", "shank_right")}
    squatting = Squatting(seed=4, straps=straps).knee_in("right", 12.0, lambda s: s.up * (s.number > 4))
    result = imu.process(squatting.recording(), drill="squat", baseline=approved)
    assert not any(e.kind == "baseline_refused" for e in result.events)
    assert [r.number for r in result.repetitions if "valgus_right" in r.faults] == [5, 6, 7, 8]


def test_an_approved_set_goes_into_the_recording_of_a_session_and_a_replay_judges_alike(approved, tmp_path):
    recording = Squatting(seed=7).recording()
    setup = recording.setup.with_(drill_toml=drill_text("squat"), baseline=approved.approved.to_json())
    engine = Engine(ReplaySource(recording, setup, None), silent_audio("none in this test"), tmp_path / "session")
    engine.start()
    engine.join(60.0)
    assert engine.result is not None
    replayed = imu.process(imu.load(tmp_path / "session"))
    assert replayed.digest() == engine.result.digest()
    assert any("approved set" in a.detail for r in replayed.repetitions for a in r.nearest)
    summary = engine.snapshot.summary
    assert summary.sentence.startswith("Well done, 8 repetitions")
    assert {s.word for s in summary.shares} == {"knee aligned", "target depth", "tempo kept"}


def test_scores_are_those_of_the_calibration_however_the_samples_come():
    """The absolute limit is passed by everybody here, so that every decision shows what was known of the calibration."""
    limit = '[[compensations]]\nname = "any"\nangle = "knee_flexion"\nlimit_deg = 40\ntext = "Any"\nagainst = "absolute"\n'
    drill = drill_text("squat") + "\n" + limit
    recording = perform_activity(5, (Stand(4.0), March(6), Stand(3.0), SquatPiece(3), Stand(2.0))).recording
    result = imu.process(recording, drill=drill)
    assert result.digest() == imu.process(recording, drill=drill, packet_samples=7).digest()
    assert result.calibration is not None
    for side in ("left", "right"):
        low = min(result.calibration.of(f"{part}_{side}").score for part in ("thigh", "shank"))
        decided = [c for c in result.decisions if c.rule == "any" and c.side == side]
        assert len(decided) >= len(result.repetitions) > 0
        assert all(("calibration score" in c.reason) == (low < GOOD) for c in decided)
        assert all(f"score {low} below" in c.reason for c in decided if low < GOOD)


def test_a_hold_tells_how_long_it_has_been_held():
    drill = drill_of("single_leg_balance", tempo={"hold_s": 10.0})
    performed = Performance("single_leg_balance", [np.zeros((1, 13))])
    performed.stay(1.5)
    performed.repeat("left", (1.0, 10.0, 1.0, 1.5))
    session, frames, seen = DrillSession(drill, setup()), performed.frames, []
    for start in range(0, len(frames), 50):
        session.push(frames.part(start, start + 50), 0)
        seen.append(session.view().held_s)
    held = [s for s in seen if s == s]
    assert all(b - a == pytest.approx(0.5, abs=0.02) for a, b in pairwise(held))
    assert held[-1] == pytest.approx(10.0, abs=0.8)
    assert seen[0] != seen[0]
    assert seen[-1] != seen[-1]
