"""What a session's log answers: why it cued in a repetition, or why not; live, replayed, recorded, and with late data."""

from __future__ import annotations

import re
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest
from feedback_frames import Squats, run
from simulated_session import simulated

import imu
from imu.cli import main
from imu.config import CueSetup
from imu.engine import Engine
from imu.errors import RecordingError
from imu.feedback.audio import silent_audio
from imu.feedback.explain import Decisions, explain, explain_all, numbers
from imu.outputs import Cue
from imu.recording import Recording, load
from imu.recording.decisions import recorded_decisions
from imu.recording.mcap_writer import LoggedFact
from imu.result import Result
from imu.sources import ReplaySource


@pytest.fixture(scope="module")
def recording() -> Recording:
    """45 s over a simulated radio of 15 ms: four repetitions, of which one is clean."""
    return simulated(45.0, seed=5, loss=0.002)


@pytest.fixture(scope="module")
def result(recording: Recording) -> Result:
    return imu.process(recording)


def decided(result: Result) -> Decisions:
    return Decisions(result.repetitions, result.decisions, result.events)


def test_every_repetition_says_why_it_was_cued_and_how_near_every_other_rule_came(result: Result) -> None:
    assert [(c.repetition, c.rule, c.side) for c in result.cues] == [
        (2, "valgus", "right"), (3, "tempo", None), (4, "valgus", "left"),
    ]  # fmt: skip
    for n in (1, 2, 3, 4):
        text = "\n".join(explain(decided(result), n))
        for rule in ("valgus left", "valgus right", "tempo", "depth"):
            assert len(re.findall(rf"^  (?:[\d.]+ s  )?{rule}: (?:cued|nothing exceeded)", text, re.MULTILINE)) == 1, text
    clean = explain(decided(result), 1)
    assert clean[0] == "Repetition 1: 16.92 s to 23.10 s, clean"
    assert all("nothing exceeded, nearest" in line and "limit" in line for line in clean[1:])
    assert any("cued “Slower on the way down”" in line for line in result.why(3))
    assert result.why() == explain_all(decided(result))


def test_data_are_as_old_as_the_radio_makes_them(result: Result) -> None:
    """Packets of 30 ms, every tenth at the next connection event but one: nothing is older than 100 ms."""
    ages = [c.age_ms for c in result.decisions]
    assert 0.0 < min(ages) < max(ages) < 100.0


def test_live_replayed_and_recorded_give_the_same_text(recording: Recording, result: Result, tmp_path: Path) -> None:
    engine = Engine(ReplaySource(recording, recording.setup, speed=None), silent_audio("test"), tmp_path / "live")
    engine.start()
    engine.join(60.0)
    assert engine.result is not None
    live = explain_all(decided(engine.result))
    assert live == explain_all(decided(result))
    stored = load(tmp_path / "live")
    assert explain_all(recorded_decisions(stored)) == live
    assert [f.values for f in stored.events("sound")] == [{"state": "none", "reason": "test"}]
    again = recorded_decisions(stored)
    assert repr(again.repetitions) == repr(result.repetitions)
    assert repr(again.cues) == repr(result.decisions)


def test_the_command_prints_one_repetition_or_all(recording: Recording, tmp_path: Path, capsys) -> None:
    path = recording.save(tmp_path / "session.mcap")
    assert main(["why", str(path), "--repetition", "2"]) == 0
    two = capsys.readouterr().out
    assert two.startswith("Repetition 2: ")
    assert "valgus right: cued “Keep the knee aligned with the second toe”" in two
    assert main(["why", str(path)]) == 0
    assert two in capsys.readouterr().out
    assert main(["why", str(path), "--repetition", "7"]) == 2
    assert "has no repetition 7; there are 1 to 4" in capsys.readouterr().err
    assert main(["why", str(path), "--recorded"]) == 2
    assert "holds no decisions of a live session" in capsys.readouterr().err
    assert main(["why", str(path), "--drill", "none"]) == 2
    assert "name a drill with --drill" in capsys.readouterr().err


def late(recording: Recording, result: Result, delay_ms: float) -> Recording:
    """All sensors' packets come later by so much in the second around each cue but the first."""
    s = recording.stream
    t_us = (s.t_host_ns - recording.setup.t0_host_ns) // 1000
    held = np.zeros(len(t_us), bool)
    for cue in result.cues[1:]:
        held |= np.abs(t_us - cue.t_emitted_us) < 500_000
    arrival = s.t_host_ns + held * round(delay_ms * 1e6)
    for j in range(len(recording.setup.sensors)):
        link = s.sensor == j  # a link keeps the order
        arrival[link] = np.maximum.accumulate(arrival[link])
    rows = np.argsort(arrival, kind="stable")
    stream = type(s).join(s.sensor[rows].tolist(), arrival[rows].tolist(), s.payloads(rows))
    return Recording(recording.setup, stream, recording.metadata)


def test_cues_that_come_too_late_over_the_radio_are_held_back(recording: Recording, result: Result) -> None:
    """170 ms more than usual: below the time that frames are waited for, so nothing else changes."""
    delayed = late(recording, result, 170.0)
    whole = imu.process(delayed)
    assert [(c.repetition, c.rule) for c in whole.decisions] == [(c.repetition, c.rule) for c in result.decisions]
    assert [(c.given, c.reason) for c in whole.decisions] == [(True, "beyond the limit")] + [(False, "stale")] * 2
    assert all(150.0 < c.age_ms < 260.0 for c in whole.decisions[1:])
    for size in (1, 7, 25):
        assert imu.process(delayed, packet_samples=size).digest() == whole.digest()
    assert [c.reason for c in imu.process(late(recording, result, 80.0)).decisions] == ["beyond the limit"] * 3


def test_a_mute_during_the_session_is_part_of_the_recording(recording: Recording, result: Result) -> None:
    from_us, to_us = result.cues[1].t_emitted_us - 1_000_000, result.cues[1].t_emitted_us + 1_000_003
    asked = [("mute", from_us), ("unmute", to_us)]
    facts = tuple(LoggedFact("command", 0, {"kind": kind, "t_us": t, "segment": ""}) for kind, t in asked)
    muted = replace(recording, facts=facts)
    whole = imu.process(muted)
    assert [c.reason for c in whole.decisions] == ["beyond the limit", "muted", "beyond the limit"]
    for size in (1, 25):
        assert imu.process(muted, packet_samples=size).digest() == whole.digest()
    pipeline = imu.Pipeline(recording.setup)
    pipeline.take(imu.packets.Command("mute", 0))
    cues: list[Cue] = []
    for k, packet in enumerate(recording.packets()):
        if k == 2000:  # state with a mute that has begun: it goes on in the restored one
            other = imu.Pipeline(recording.setup)
            other.restore(pipeline.state())
            pipeline = other
        cues += pipeline.push(packet).cues
    assert [c.reason for c in cues] == ["muted"] * 3


def test_a_faded_session_is_replayed_with_the_same_repetitions_cued(recording: Recording) -> None:
    half = replace(recording, setup=recording.setup.with_(cues=CueSetup(share_percent=50, seed=1)))
    whole = imu.process(half)
    assert sorted({c.reason for c in whole.decisions}) == ["beyond the limit", "faded"]
    assert imu.process(half, packet_samples=7).digest() == whole.digest()
    text = explain_all(decided(whole))
    assert any("held back “" in line for line in text)
    assert any("this repetition is one of those without cues" in line for line in text)


def test_a_damaged_log_is_said_and_no_guess_is_made(recording: Recording) -> None:
    torn = replace(recording, facts=(LoggedFact("repetition", 0, {"number": 1}),))
    with pytest.raises(RecordingError, match="cannot be read"):
        recorded_decisions(torn)


def test_a_cue_of_an_older_recording_has_no_age() -> None:
    values = {"t_us": 1, "t_emitted_us": 2, "rule": "depth", "side": None, "text": "A", "repetition": 3, "value": None,
              "threshold": 1.0, "sigma": None, "given": False, "reason": "quality", "priority": 1}  # fmt: skip
    ten_ms = imu.Samples(10_000 * np.arange(3), np.zeros((3, 3)), np.ones((3, 3)))
    recording = Recording.from_samples({"pelvis": ten_ms})
    old = recorded_decisions(replace(recording, facts=(LoggedFact("cue", 0, values),)))
    assert repr(old.cues) == repr((Cue(1, 2, "depth", None, "A", 3, nan, 1.0, nan, False, "quality", 1),))
    assert numbers(old) == [3]
    assert explain(old, 3)[:2] == ["Repetition 3: not finished", "  0.00 s  depth: held back “A”"]


def test_a_phase_that_was_too_slow_is_told_although_nothing_is_said_about_it() -> None:
    out = run(Squats(1, (5.0, 1.0, 2.0, 1.0)))
    lines = explain(Decisions(out.repetitions, out.cues, out.events), 1)
    told = [line for line in lines if " tempo: " in line]
    assert len(told) == 1
    assert re.search(r"tempo: reported, the drill has no words for it \(the way down took 4\.9 s, longer", told[0])


def test_a_void_repetition_says_that_nothing_was_judged() -> None:
    squats = Squats(1)
    for name in ("thigh_tilt", "thigh_sagittal_tilt", "knee_flexion"):
        squats.unknown(name, "left", squats.starts[0] + 1.6, squats.starts[0] + 3.0)
    out = run(squats)
    lines = explain(Decisions(out.repetitions, out.cues, out.events), 1)
    assert "void" in lines[0]
    assert lines[-1] == "  nothing else was judged: a sensor was unknown during it"


def test_a_walk_is_told_by_its_steps() -> None:
    cue = Cue(5_000_000, 5_100_000, "cadence", None, "Quicker", 120, 100.0, 105.6, 1.2, True, "beyond the limit", 20, 31.0)
    assert explain(Decisions((), (cue,)), 120) == [
        "Step 120",
        "  5.10 s  cadence: cued “Quicker”",
        "      because: beyond the limit (100.0 steps/min, limit 105.6 steps/min, 1σ 1.2 steps/min; met at 5.00 s,"
        " data 31 ms old)",
    ]
