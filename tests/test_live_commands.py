"""What a person asks for while a session runs: done, recorded, and the same again when the recording is processed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from simulated_activity import perform_activity

import imu
from firmware_sim.activities import March, Squats, Stand
from imu.engine import Engine
from imu.feedback.audio import silent_audio
from imu.packets import Command
from imu.recording import Recording
from imu.sources import Deliver

PLAN = (Stand(4.0), March(6), Stand(3.0), Squats(2), Stand(4.0), March(6), Stand(3.0), Squats(1), Stand(2.0))


@dataclass
class AskingSource:
    """A recording that is played as if it were live; at one of its notifications somebody presses a key."""

    recording: Recording
    at_s: float
    engine: Engine | None = None
    live: bool = False
    real_time: bool = False
    commands: tuple[Command, ...] = field(default=())

    async def prepare(self):
        return self.recording.setup

    async def run(self, deliver: Deliver, report, stop: asyncio.Event) -> None:
        asked = False
        for sensor, data, t_host_ns in self.recording.notifications():
            deliver(sensor, data, t_host_ns)
            if not asked and t_host_ns - self.recording.setup.t0_host_ns > self.at_s * 1e9:
                asked = True
                assert self.engine is not None
                self.engine.command("redo", "shank_right")
                await asyncio.sleep(0)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory):
    simulated = perform_activity(5, PLAN)
    folder: Path = tmp_path_factory.mktemp("live") / "session"
    source = AskingSource(simulated.recording, 26.0)
    engine = source.engine = Engine(source, silent_audio("none in this test"), folder)
    engine.start()
    engine.join(240.0)
    assert engine.result is not None
    return engine.result, imu.load(folder)


def test_a_sensor_is_calibrated_anew_when_somebody_asks(session):
    result, recording = session
    kinds = [e.kind for e in result.events]
    assert kinds.count("segment_redo") == 1
    assert any(e.kind == "segment_calibrated" and e.segment == "shank_right" for e in result.events)
    (command,) = recording.commands
    assert (command.kind, command.segment) == ("redo", "shank_right")
    assert abs(command.t_us - 26e6) < 0.5e6


def test_the_recording_gives_the_same_with_what_was_asked(session):
    result, recording = session
    assert imu.process(recording).digest() == result.digest()


def test_the_calibration_is_in_the_recording(session):
    result, recording = session
    assert imu.kinematics.calibration.from_json(recording.calibration).of("shank_right") is not None
    assert result.calibration.of("shank_right").frame is not None
