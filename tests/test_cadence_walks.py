"""A cadence drill from samples to cues, snapshot and sound, with simulated people and all errors of their sensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path

import numpy as np
import pytest
from gait_walks import LEGS, Walked, walk
from scripted_sounddevice import ScriptedSoundDevice
from walking_steps import walk_drill

from imu import Recording, process
from imu.cli import main
from imu.config import Setup
from imu.engine import Engine
from imu.feedback import drill_text, with_cadence
from imu.feedback.audio import AudioOut, Pacing
from imu.feedback.audio.device import PortAudio
from imu.live_view import snapshot_of
from imu.outputs import Cue, Event
from imu.packets import Packet, Samples
from imu.pipeline import Pipeline
from imu.recording import Recording as Recorded
from imu.result import Result
from imu.snapshot import GaitView
from imu.sources import ReplaySource

SEEDS = (602, 607)
DRIFT_US = 38_000_000
"""The walk begins at about 20 s."""
DWELL, MEDIAN = 4, 6


@pytest.fixture(scope="module", params=SEEDS)
def walked(request) -> Walked:
    return walk(request.param, seconds=40.0, segments=("pelvis", *LEGS), loss=0.0)


def cadence_of(one: Walked) -> float:
    """Median over the true strides."""
    contacts = np.sort(np.concatenate([one.truth(side, "initial_contact", full=False) for side in ("left", "right")]))
    return float(np.round(120e6 / np.median(contacts[2:] - contacts[:-2]), 1))


def asked(recording: Recorded, cadence: float, drill: str = "") -> Recorded:
    text = with_cadence(drill or drill_text("walk_cadence"), cadence)
    return replace(recording, setup=recording.setup.with_(drill_toml=text))


def samples_of(recording: Recorded) -> dict[str, Samples]:
    """Everything of each sensor in one piece, by segment."""
    segment = {s.sensor: s.segment for s in recording.setup.sensors}
    packets: dict[str, list[Packet]] = {s: [] for s in segment.values()}
    for packet in recording.blocks():
        packets[segment[packet.sensor]].append(packet)
    return {
        s: Samples(*(np.concatenate([getattr(p, name) for p in ps]) for name in ("t_us", "gyr", "acc")))
        for s, ps in packets.items()
    }


def drifting(recording: Recorded, rate: float) -> Recorded:
    """The same walk, from DRIFT_US on played at `rate`, within three seconds: quicker or slower steps."""
    slowed = {}
    for segment, s in samples_of(recording).items():
        t = np.arange(0.0, s.t_us[-1] / max(rate, 1.0), 10_000.0)
        pace = np.interp(t, (DRIFT_US, DRIFT_US + 3e6), (1.0, rate))
        then = np.concatenate([[0.0], np.cumsum(10_000.0 * pace[:-1])])
        gyr, acc = (np.column_stack([np.interp(then, s.t_us, x[:, k]) for k in range(3)]) for x in (s.gyr, s.acc))
        slowed[segment] = Samples(t.astype(np.int64), gyr * pace[:, None], acc)
    return Recording.from_samples(slowed)


def without(recording: Recorded, segment: str, from_us: int) -> Recorded:
    """One sensor falls silent."""
    samples = samples_of(recording)
    s, there = samples[segment], samples[segment].t_us < from_us
    samples[segment] = Samples(s.t_us[there], s.gyr[there], s.acc[there])
    return Recording.from_samples(samples)


def steps_between(result: Result, start_us: int, end_us: int) -> int:
    return sum(e.kind == "initial_contact" and start_us < e.t_us <= end_us for e in result.events)


def test_at_the_cadence_asked_for_nothing_is_said(walked: Walked) -> None:
    result = process(asked(walked.recording, cadence_of(walked)))
    assert result.cues == ()
    kinds = [e.kind for e in result.events if e.kind.startswith(("walk", "metronome"))]
    assert kinds == ["walk_started", "metronome_started", "walk_ended", "metronome_stopped"]
    (start,) = [e for e in result.events if e.kind == "walk_started"]
    assert start.t_emitted_us - walked.start_us < 4_000_000


@pytest.mark.parametrize(("share", "text"), [(1.1, "Quicker"), (0.9, "Slower")])
def test_another_cadence_is_said_with_its_figure(walked: Walked, share: float, text: str) -> None:
    own = cadence_of(walked)
    result = process(asked(walked.recording, own * share))
    assert len(result.cues) >= 2
    for cue in result.cues:
        assert cue.text.startswith(text)
        assert cue.value == pytest.approx(own, rel=0.03)
    (start,) = [e for e in result.events if e.kind == "walk_started"]
    # the strides of the median, as many as must agree, the two steps of the first stride, and one to spare
    assert steps_between(result, start.t_us, result.cues[0].t_us) <= MEDIAN + DWELL + 3


@pytest.mark.parametrize(("rate", "text"), [(0.9, "Quicker"), (1.1, "Slower")])
def test_a_drift_in_the_middle_of_a_walk_is_said_in_time(walked: Walked, rate: float, text: str) -> None:
    """Within fifteen steps, five of which the drift itself takes."""
    result = process(asked(drifting(walked.recording, rate), cadence_of(walked)))
    assert result.cues
    first = result.cues[0]
    assert first.text.startswith(text)
    assert first.t_us > DRIFT_US
    assert steps_between(result, DRIFT_US, first.t_us) <= 15


def test_a_lost_sensor_silences_within_300_ms_and_nothing_is_shown(walked: Walked) -> None:
    gone_us = 34_000_000
    recording = asked(without(walked.recording, "shank_left", gone_us), 1.1 * cadence_of(walked), with_pause(2.0))
    pipeline, shown, cues = Pipeline(recording.setup), {}, list[Cue]()
    for packet in recording.packets(3):
        out = pipeline.push(packet)
        cues += out.cues
        if len(out.frames):
            snapshot = snapshot_of(pipeline, out.frames, GaitView(), packet.t_host_ns)
            shown[snapshot.t_us] = snapshot
    before = [s.cadence for t, s in shown.items() if gone_us - 2_000_000 < t < gone_us]
    after = [s.cadence for t, s in shown.items() if t > gone_us + 300_000]
    assert len(after) > 300
    assert not any(isnan(c.now) for c in before)
    assert all(isnan(c.now) for c in after)
    assert not after[-1].walking
    assert any(c.given for c in cues)
    assert not [c for c in cues if c.given and c.t_emitted_us > gone_us + 300_000]
    assert [s.cue for t, s in shown.items() if t > gone_us + 2_500_000 and s.cue is not None] == []


def with_pause(seconds: float) -> str:
    return drill_text("walk_cadence").replace("pause_s = 10", f"pause_s = {seconds}")


@pytest.mark.parametrize("packet_samples", [1, 7, 25])
def test_results_do_not_depend_on_packets(packet_samples: int) -> None:
    one = walk(603, seconds=20.0, segments=("pelvis", *LEGS))
    recording = asked(one.recording, 1.07 * cadence_of(one), with_pause(3.0))
    whole = process(recording)
    assert len(whole.cues) >= 2
    assert process(recording, packet_samples=packet_samples).digest() == whole.digest()


def test_a_pipeline_saved_in_the_middle_of_a_walk_goes_on_equally(walked: Walked) -> None:
    recording = asked(walked.recording, 1.1 * cadence_of(walked), with_pause(3.0))
    first, second, rest = Pipeline(recording.setup), Pipeline(recording.setup), list[Packet]()
    for packet in recording.packets(25):
        if packet.t_us[-1] < 30_000_000:
            first.push(packet)
        else:
            rest.append(packet)
    second.restore(first.state())
    outputs = [[p.push(packet) for packet in rest] + [p.finish()] for p in (first, second)]
    decided = [repr([(o.events, o.cues) for o in one]) for one in outputs]
    assert "Quicker" in decided[0]
    assert decided[0] == decided[1]


def test_squats_in_a_cadence_drill_are_no_walk(walked: Walked) -> None:
    from simulated_activity import perform_activity

    from firmware_sim.activities import March, Squats, Stand

    plan = (Stand(4.0), March(4), Stand(3.0), Squats(3), Stand(2.0))
    result = process(perform_activity(603, plan, drill="walk_cadence").recording)
    assert any(e.kind == "calibrated" for e in result.events)
    assert not [e for e in result.events if e.kind.startswith(("walk", "metronome"))]
    assert result.decisions == ()


def test_the_command_line_takes_another_cadence(
    walked: Walked, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = walked.recording.save(tmp_path / "walk.mcap")
    command = ["process", str(path), "--no-files", "--drill", "walk_cadence", "--cadence"]
    assert main([*command, "95"]) == 0
    out = capsys.readouterr().out
    assert "asked for: 95, 91.2 to 98.8; 0% of" in out
    assert "cadence  “Slower steps, with the beat”" in out
    assert main([*command[:-3], "--drill", "squat", "--cadence", "95"]) == 2
    assert "prescribes no cadence" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*command, "20"])
    assert "give steps per minute, 40 to 200" in capsys.readouterr().err


class Listener(AudioOut):
    """Writes down what it is asked to sound."""

    def __init__(self) -> None:
        super().__init__(None, "nobody listens")
        self.asked: list[tuple[str, float]] = []

    def beat(self, per_minute: float, volume: float = 1.0) -> None:
        self.asked.append(("beat", per_minute))

    def stop_beat(self) -> None:
        self.asked.append(("stop", 0.0))

    def click(self, volume: float = 1.0) -> None:
        self.asked.append(("click", volume))

    def play(self, cue: Cue, now_ns: int) -> None:
        self.asked.append(("cue", 0.0))


@dataclass(slots=True)
class HurriedSource:
    """A recording that says it comes in real time and does not."""

    replay: ReplaySource
    real_time: bool = True
    live: bool = False
    commands: tuple = ()

    async def prepare(self) -> Setup:
        return await self.replay.prepare()

    async def run(self, deliver: Callable, report: Callable, stop: object) -> None:
        await self.replay.run(deliver, report, stop)  # type: ignore[arg-type]


def heard(recording: Recorded, *, real_time: bool) -> list[tuple[str, float]]:
    listener = Listener()
    engine = Engine(HurriedSource(ReplaySource(recording, recording.setup, None), real_time), listener)
    engine.start()
    engine.join(60.0)
    return listener.asked


def test_the_engine_paces_with_the_cadence_that_was_asked_for(walked: Walked) -> None:
    """A click for nearly every step of the walk but the first ones; the beat while it lasts; off at the end."""
    own = cadence_of(walked)
    both = drill_text("walk_cadence").replace('click = "metronome"', 'click = "both"')
    recording = asked(walked.recording, own, both)
    sounds = heard(recording, real_time=True)
    assert sounds[0] == ("beat", own)
    assert [s for s in sounds if s[0] not in ("click",)] == [("beat", own), ("stop", 0.0), ("stop", 0.0)]
    clicks = [volume for kind, volume in sounds if kind == "click"]
    steps = steps_between(process(recording), walked.start_us, 1 << 60)
    assert steps - 8 <= len(clicks) <= steps
    assert set(clicks) == {0.6}
    assert heard(recording, real_time=False) == []


def test_a_replay_at_another_speed_is_not_paced(walked: Walked) -> None:
    """A beat in real time would not fit steps in another."""
    speeds = {speed: ReplaySource(walked.recording, walked.recording.setup, speed).real_time for speed in (1.0, 2.0, None)}
    assert speeds == {1.0: True, 2.0: False, None: False}


def events(*kinds: str) -> Iterable[Event]:
    return [Event(kind, 0, 0, "left") for kind in kinds]


@pytest.mark.parametrize("click", ["metronome", "steps"])
def test_what_is_paced_is_heard(click: str) -> None:
    """From the events to the samples that the driver gets."""
    library = ScriptedSoundDevice()
    audio = AudioOut(PortAudio(library), run=lambda job: job())
    audio.open()
    pacing = Pacing(walk_drill(click=click, steps_per_minute=120), audio)
    pacing.take(events("initial_contact_predicted"))
    assert not library.stream.ask(4800).any()  # nobody walks yet
    pacing.take(events("walk_started", *(["metronome_started"] if click == "metronome" else [])))
    pacing.take(events("initial_contact_predicted"))
    loud = np.flatnonzero(np.abs(library.stream.ask(48_000)).max(axis=1) > 1e-4)
    onsets = loud[np.diff(loud, prepend=-5000) > 2000]
    assert len(onsets) == (2 if click == "metronome" else 1)
    if click == "metronome":
        assert np.diff(onsets).tolist() == [24_000]
    audio.mute(True)
    pacing.take(events("initial_contact_predicted"))
    assert not library.stream.ask(48_000)[240:].any()
    audio.mute(False)
    pacing.end()
    library.stream.ask(4800)
    assert not library.stream.ask(48_000).any()
    audio.close()
