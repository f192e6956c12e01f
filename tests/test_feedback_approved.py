"""Sets against a person's own approved one, and sets without a calibration: from sensors to named faults."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from feedback_frames import Squats, run, setup, squat_drill
from scipy.spatial.transform import Rotation
from squatting_sensors import Squatting

import imu
from imu.cli import main
from imu.config import Setup
from imu.errors import ConfigError
from imu.feedback import Baseline, DrillSession
from imu.feedback.approved import ApprovedSet
from imu.feedback.early import LATE
from imu.feedback.frontal import frontal_profile
from imu.packets import Quality
from imu.pipeline import Pipeline
from imu.result import Result, ResultBuilder


@pytest.fixture(scope="module")
def approved() -> Result:
    return imu.process(Squatting(seed=1).recording(), drill="squat")


def faults(result: Result) -> list[tuple[str, ...]]:
    return [tuple(f for f in r.faults if f != "tempo") for r in result.repetitions]


def judged(squatting: Squatting, approved: Result) -> list[tuple[str, ...]]:
    return faults(imu.process(squatting.recording(), drill="squat", baseline=approved))


@pytest.mark.parametrize("first", range(0, 290, 29))
def test_a_set_is_counted_wherever_the_recording_begins(first):
    squatting = Squatting(seed=9)
    result = imu.process(squatting.recording(first), drill="squat")
    began = first / 100.0
    whole = int(np.sum(squatting.starts > began))
    assert len(result.repetitions) in (whole, whole + 1)
    deepest = squatting.starts + 1.3 - began
    found = np.array([r.t_deepest_us * 1e-6 for r in result.repetitions])
    for instant in deepest[squatting.starts > began]:
        assert np.sum(np.abs(found - instant) < 0.3) == 1


@pytest.mark.parametrize(
    ("tempo", "first"), [((1.0, 0.0, 1.0, 0.0), 0), ((1.2, 1.0, 1.2, 0.0), 170), ((0.8, 0.0, 1.6, 0.0), 60)]
)
def test_nobody_has_to_stand_still(tempo, first):
    squatting = Squatting(seed=5, tempo=tempo, lead_s=0.0)
    result = imu.process(squatting.recording(first), drill="squat")
    whole = int(np.sum(squatting.starts > first / 100.0))
    assert len(result.repetitions) in (whole, whole + 1)
    assert all(r.flags & int(Quality.NOT_CALIBRATED) for r in result.repetitions)


def test_a_march_is_no_set():
    squatting = Squatting(seed=3, tempo=(0.4, 0.0, 0.4, 0.6))
    still = Squatting(seed=3, tempo=(0.4, 0.0, 0.4, 0.6), depth_deg=0.01)
    left, none = squatting.samples(), still.samples()
    shift = 70  # the right leg half a cycle later
    samples = {}
    for segment, s in left.items():
        n = len(s.t_us) - shift
        if segment == "pelvis":
            samples[segment] = imu.Samples(s.t_us[:n], none[segment].gyr[:n], none[segment].acc[:n])
        else:
            k = shift if segment.endswith("left") else 0
            samples[segment] = imu.Samples(s.t_us[:n], s.gyr[k : k + n], s.acc[k : k + n])
    assert imu.process(imu.Recording.from_samples(samples), drill="squat").repetitions == ()


def test_what_was_counted_before_it_could_be_told_from_a_guided_movement_comes_late_and_is_not_cued():
    recording = Squatting(seed=2).recording()
    first = imu.process(recording, drill="squat")
    counted = [e for e in first.events if e.kind == "repetition_counted"]
    assert [e.t_emitted_us for e in counted[:4]] == [counted[3].t_us] * 4
    assert all(e.t_emitted_us == e.t_us for e in counted[3:])
    early = [c for c in first.decisions if c.repetition <= 3 and c.rule == "tempo"]
    assert early
    assert LATE in {c.reason for c in early}
    assert not any(c.given for c in early)
    assert any(c.given for c in first.decisions if c.repetition > 4)
    # without a guided movement only the stand has to be found
    told = replace(recording, setup=recording.setup.with_(guided_movement=False))
    now = [e for e in imu.process(told, drill="squat").events if e.kind == "repetition_counted"]
    assert [e.t_us for e in now] == [e.t_us for e in counted]
    assert now[0].t_emitted_us < counted[1].t_us


def test_few_squats_without_calibration_count_when_the_recording_is_over():
    result = imu.process(Squatting(repetitions=2, seed=6).recording(segments=("pelvis", "thigh_left")), drill="squat")
    assert len(result.repetitions) == 2


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_knee_that_falls_in_on_the_way_up_is_named_with_its_side(side, approved):
    squatting = Squatting(seed=4).knee_in(side, 10.0, lambda s: s.up * (s.number > 4))
    assert judged(squatting, approved) == [()] * 4 + [(f"valgus_{side}",)] * 4


def test_a_knee_that_is_in_both_ways_is_named_from_the_second_repetition_on(approved):
    squatting = Squatting(seed=5).knee_in("right", 8.0, lambda s: np.clip(s.tilt / 30.0, 0.0, 1.0))
    assert judged(squatting, approved)[1:] == [("valgus_right",)] * 7


def test_partial_and_lean_are_named(approved):
    assert judged(Squatting(seed=6, depth_deg=[75, 75, 50, 75, 75, 55, 75, 75]), approved) == [
        ("partial",) if i in (2, 5) else () for i in range(8)
    ]
    lean = Squatting(seed=7)
    lean.lean += 14.0 * lean.share
    assert judged(lean, approved) == [("lean",)] * 8


def test_clean_sets_are_named_nothing(approved):
    for seed in range(20, 28):
        assert judged(Squatting(seed=seed), approved) == [()] * 8


@pytest.mark.parametrize("segment", ["shank_right", "thigh_right", "pelvis"])
@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_a_strap_that_sits_otherwise_names_nothing_and_hides_no_return(segment, axis, approved):
    for degrees in (-20.0, 20.0):
        straps = {segment: Rotation.from_euler(axis, degrees, degrees=True)}
        assert judged(Squatting(seed=8, straps=straps), approved) == [()] * 8
        bad = Squatting(seed=8, straps=straps).knee_in("right", 10.0, lambda s: s.up)
        assert all("valgus_right" in names for names in judged(bad, approved))


def test_a_wrong_accelerometer_that_is_the_same_in_both_sets_does_not_count():
    offset = {"thigh_right": (-0.5, 4.7, 0.9), "shank_right": (1.8, 4.8, 0.5)}
    baseline = imu.process(Squatting(seed=1, offset=offset).recording(), drill="squat")
    assert len(baseline.repetitions) == 8
    assert judged(Squatting(seed=2, offset=offset), baseline) == [()] * 8
    bad = Squatting(seed=3, offset=offset).knee_in("right", 10.0, lambda s: s.up)
    assert judged(bad, baseline) == [("valgus_right",)] * 8


def pushed(setup_: Setup, recording: imu.Recording, size: int, cut: int = -1) -> Result:
    """In packets of `size`; after packet `cut` another pipeline goes on from the saved state."""
    pipeline, builder = Pipeline(setup_), ResultBuilder(setup_)
    for i, packet in enumerate(recording.packets(size)):
        if i == cut:
            state = pipeline.state()
            pipeline = Pipeline(setup_)
            pipeline.restore(state)
        builder.add(pipeline.push(packet))
    builder.add(pipeline.finish())
    return builder.result(pipeline.health(), pipeline.body.calibration)


def test_packets_and_a_restored_state_change_nothing(approved):
    recording = Squatting(seed=4).knee_in("left", 10.0, lambda s: s.up * (s.number % 2)).recording()
    whole = imu.process(recording, drill="squat", baseline=approved)
    assert {f for names in faults(whole) for f in names} == {"valgus_left"}
    for size, cut in ((1, 3000), (7, 500), (25, 30), (7, -1)):  # before the stand is known, in the set, at its end
        again = pushed(whole.setup, recording, size, cut)
        assert again.digest() == whole.digest()
        assert [c.path.tobytes() for c in again.courses] == [c.path.tobytes() for c in whole.courses]


def test_the_approved_set_is_in_the_setup_and_comes_back_from_text(approved):
    result = imu.process(Squatting(seed=2).recording(), drill="squat", baseline=approved)
    text = Setup.from_json(result.setup.to_json()).baseline
    back = ApprovedSet.from_json(text)
    assert back.to_json() == text == approved.approved.to_json()
    assert [leg.side for leg in back.legs] == ["left", "right"]
    for damaged in (text[:-2], "[]", '{"legs": 1}', '{"legs": [{"side": "left"}], "acc_errors": {}, "frontal": []}'):
        with pytest.raises(ConfigError, match="make it anew"):
            ApprovedSet.from_json(damaged)


def test_too_few_repetitions_are_no_approved_set():
    short = imu.process(Squatting(repetitions=3).recording(), drill="squat")
    with pytest.raises(ConfigError, match="approve a set of at least 5"):
        imu.process(Squatting().recording(), drill="squat", baseline=short)


def test_who_always_has_the_knee_in_is_not_cued_for_what_is_usual():
    squats = Squats(5).sway().knee_in("left", 11.0)
    plain = run(squats)
    assert all("valgus_left" in r.faults for r in plain.repetitions)
    profile = frontal_profile(squats.frames, plain.repetitions)
    assert np.degrees(profile[0, 0, :, 6]) == pytest.approx(11.0 * 60 / 75, abs=1.0)
    session = DrillSession(squat_drill(), setup(), Baseline(profile))
    out = session.push(squats.frames, 0)
    assert len(out.repetitions) >= 4
    assert not any(r.faults for r in out.repetitions)


def test_the_command_takes_a_recording_of_the_approved_set(tmp_path, capsys):
    good = Squatting(seed=1).recording().save(tmp_path / "good.mcap")
    bad = Squatting(seed=4).knee_in("right", 10.0, lambda s: s.up).recording().save(tmp_path / "bad.mcap")
    assert main(["process", str(bad), "--drill", "squat", "--no-files"]) == 0
    assert "valgus_right" not in capsys.readouterr().out
    assert main(["process", str(bad), "--drill", "squat", "--no-files", "--baseline", str(good)]) == 0
    assert "valgus_right" in capsys.readouterr().out


def test_a_calibration_after_a_pause_begins_the_drill_anew():
    """Five squats to warm up, a pause, three squats and six."""
    parts = [
        Squatting(repetitions=5, seed=1),
        Squatting(repetitions=1, seed=2, depth_deg=0.01, lead_s=12.0),
        Squatting(repetitions=3, seed=3, tempo=(1.2, 0.2, 1.1, 0.4)),
        Squatting(repetitions=1, seed=4, depth_deg=0.01, lead_s=5.0),
        Squatting(repetitions=6, seed=5),
    ]
    each = [part.samples() for part in parts]
    samples = {}
    for segment in each[0]:
        gyr, acc = (np.concatenate([getattr(one[segment], name) for one in each]) for name in ("gyr", "acc"))
        samples[segment] = imu.Samples(np.arange(len(gyr), dtype=np.int64) * 10_000, gyr, acc)
    result = imu.process(imu.Recording.from_samples(samples), drill="squat")
    again = [e for e in result.events if e.kind == "drill_restarted"]
    assert len(again) == 1
    calibrated = next(e for e in result.events if e.kind == "calibrated")
    assert calibrated.t_emitted_us < again[0].t_us  # in the warm-up, which is not torn apart
    assert [(r.number, bool(r.flags & int(Quality.NOT_CALIBRATED))) for r in result.repetitions] == [
        *((i, True) for i in range(1, 6)), *((i, False) for i in range(1, 10))
    ]  # fmt: skip
    assert all(r.t_start_us > again[0].t_us for r in result.repetitions[5:])
    small = pushed(result.setup, imu.Recording.from_samples(samples), 3, 4000)
    assert small.digest() == result.digest()
