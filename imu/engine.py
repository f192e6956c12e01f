"""One thread with its own asyncio loop: source → recorder → pipeline → sound and `Snapshot`.

The engine adds no number of its own to the results: what it measures (latencies) goes beside them. Qt runs elsewhere
and reads `snapshot`; nothing waits for it.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from imu.accelerometers import with_approved_errors
from imu.ble import LinkReport
from imu.errors import ImuError, ProtocolError
from imu.feedback.audio import AudioOut, Pacing
from imu.kinematics.calibration import to_json
from imu.live_gait import LiveGait
from imu.live_view import merge_health, problem_of, snapshot_of, summary_of
from imu.outputs import Cue, Event, Outputs, Repetition
from imu.packets import Command
from imu.pipeline import Pipeline
from imu.recording import Recorder, make_decoder
from imu.result import Result, ResultBuilder
from imu.snapshot import Snapshot, SoundView
from imu.sources import Source

logger = logging.getLogger(__name__)

SWITCH_INTERVAL_S = 0.001
"""CPython's default of 5 ms lets a painting window delay the engine: 6.7 → 3.3 ms p95 measured."""
AUDIO_CHECK_PACKETS = 125
"""Packets between two looks at the audio device (about 1 s with five sensors)."""


def _milliseconds() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Latencies:
    """Measured while running; ms."""

    frame_ms: array[float] = field(default_factory=_milliseconds)
    """Newest sample of a frame taken → decision on it made (cue or no cue), for every push that made frames."""
    cue_ms: array[float] = field(default_factory=_milliseconds)
    """The same for cues that were given."""
    sound_ms: array[float] = field(default_factory=_milliseconds)
    """The same until the first sample of the cue's sound leaves the computer, as the audio device reports it."""
    push_ms: array[float] = field(default_factory=_milliseconds)
    """Computing time of one packet: bytes → cues."""

    @staticmethod
    def percentiles(values: array[float], *which: float) -> list[float]:
        return [float(np.percentile(values, p)) for p in which] if len(values) else [float("nan")] * len(which)


class Engine:
    """Runs one session in its own thread.

    Parameters
    ----------
    source : Source
    audio : AudioOut
        Receives every cue at once; may be silent.
    record_to : Path, optional
        New session folder. None: not recorded (replay).
    metadata : dict, optional
        Kept with the recording.
    """

    def __init__(
        self,
        source: Source,
        audio: AudioOut,
        record_to: Path | None = None,
        metadata: dict[str, str] | None = None,
    ) -> None:
        self.source = source
        self.audio = audio
        self.record_to = record_to
        self.metadata = metadata or {}
        self.snapshot = Snapshot(sound=audio.state)
        self.latencies = Latencies()
        self.damaged = 0
        self.error: BaseException | None = None
        self.result: Result | None = None
        self._command: Callable[[str, str], None] | None = None
        self._links: dict[str, LinkReport] = {}
        self._recorder: Recorder | None = None
        self._cue_p95_ms = float("nan")
        self._told_sound: SoundView | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._stop_early = threading.Event()
        self._thread = threading.Thread(target=self._main, name="imu-engine", daemon=True)

    def start(self) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        # All modules stay for good. Looking through their 130 000 objects for garbage held the engine up for 0.2 to 0.5 s
        # every few seconds on a busy computer; frozen objects are not looked through.
        gc.collect()
        gc.freeze()
        self._thread.start()

    def stop(self) -> None:
        """Ask for the end from any thread; the last packets are still processed."""
        self._stop_early.set()
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)

    def command(self, kind: str, segment: str = "") -> None:
        """What a person asks for, from any thread (`imu.packets.Command`): holds from the next frame on, is recorded."""
        if self._loop is not None and self._command is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._command, kind, segment)

    def finished(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, timeout_s: float) -> bool:
        """True once the session has ended."""
        self._thread.join(timeout_s)
        return self.finished()

    def join(self, timeout_s: float = 15.0) -> None:
        """Wait for the end and raise what went wrong in the thread, if anything."""
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise ImuError(f"the engine did not stop within {timeout_s:.0f} s; end the program and look into the recording")
        if self.error is not None:
            raise self.error

    def _main(self) -> None:
        try:
            asyncio.run(self._session())
        except BaseException as e:  # the thread's last frame: `join` raises it in the caller
            self.error = e
            logger.debug("engine ended with an error", exc_info=True)

    async def _session(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        if self._stop_early.is_set():
            return
        setup = with_approved_errors(await self.source.prepare())
        pipeline = Pipeline(setup)
        pacing = Pacing(pipeline.drill, self.audio, real_time=self.source.real_time)
        builder, gait = ResultBuilder(setup), LiveGait(pipeline)
        decoders = {s.sensor: make_decoder(s) for s in setup.sensors}
        if self.record_to is not None:
            self._recorder = Recorder(self.record_to, setup, self.metadata)
        recorder = self._recorder
        packets = 0
        for known in self.source.commands:
            pipeline.take(known)

        def take(kind: str, segment: str) -> None:
            asked = Command(kind, self.snapshot.t_us + 1, segment)
            pipeline.take(asked)
            if recorder is not None:
                recorder.log("command", asdict(asked))

        self._command = take

        def deliver(sensor: str, data: bytes, t_host_ns: int) -> None:
            nonlocal packets
            if recorder is not None:
                recorder.write(sensor, data, t_host_ns)
            began_ns = time.perf_counter_ns()
            try:
                packet = decoders[sensor].decode(data, t_host_ns)
            except ProtocolError as e:
                self.damaged += 1
                logger.warning("damaged notification of sensor %s: %s", sensor, e)
                return
            if packet is None:
                return
            out = pipeline.push(packet)
            done_ns = time.perf_counter_ns()
            self.latencies.push_ms.append((done_ns - began_ns) * 1e-6)
            builder.add(out)
            gait.push(out.frames)
            self._sound(out, setup.t0_host_ns, done_ns)
            pacing.take(out.events)
            _log(recorder, out)
            if recorder is not None and any(e.kind in ("calibrated", "segment_calibrated") for e in out.events):
                assert pipeline.body.calibration is not None
                recorder.log("calibration", {"json": to_json(pipeline.body.calibration)})
            packets += 1
            if packets % AUDIO_CHECK_PACKETS == 0:
                self._check_sound(setup.t0_host_ns)
            if len(out.frames):
                self._show(snapshot_of(pipeline, out.frames, gait.view, t_host_ns))
                pacing.follow(self.snapshot)

        def report(link: LinkReport) -> None:
            self._links[link.sensor] = link
            if recorder is not None:
                recorder.log("link", asdict(link))
            # a sensor that went silent makes no frames: what its link says must be seen all the same
            self._show(replace(self.snapshot, sensors=pipeline.health()))

        try:
            await self.source.run(deliver, report, self._stop)
        finally:
            pacing.end()
            out = pipeline.finish()
            builder.add(out)
            _log(recorder, out)
            self._check_sound(setup.t0_host_ns)
            if recorder is not None:
                for health in pipeline.health():
                    recorder.log("health", asdict(health))
                recorder.close()
            self.result = builder.result(pipeline.health(), pipeline.body.calibration)
            gait.push(out.frames)
            last = self.snapshot
            if len(out.frames):
                last = snapshot_of(pipeline, out.frames, gait.view, last.t_host_ns)
            over = summary_of(pipeline, self.result)
            self._show(replace(last, stage="finished", instruction="", cue=None, cue_side=None, summary=over))

    def _show(self, snapshot: Snapshot) -> None:
        """Make it the newest one, with what only the engine knows."""
        sensors = merge_health(snapshot.sensors, self._links)
        problem = (problem_of(sensors) or snapshot.notice) if snapshot.stage != "finished" else ""
        if not problem and self._recorder is not None:
            problem = self._recorder.fault
        self.snapshot = replace(
            snapshot,
            sensors=sensors,
            problem=problem,
            sound=self.audio.state,
            recording=str(self.record_to or ""),
            cue_delay_p95_ms=self._cue_p95_ms,
        )

    def _sound(self, out: Outputs, t0_host_ns: int, now_ns: int) -> None:
        live = self.source.live
        if len(out.frames) and live:
            taken_ns = t0_host_ns + int(out.frames.t_us[-1]) * 1000
            self.latencies.frame_ms.append((now_ns - taken_ns) * 1e-6)
        for cue in out.cues:
            if not cue.given:
                continue
            self.audio.play(cue, now_ns)
            if live:
                self.latencies.cue_ms.append((now_ns - t0_host_ns - cue.t_emitted_us * 1000) * 1e-6)
                self._cue_p95_ms = Latencies.percentiles(self.latencies.cue_ms, 95)[0]

    def _check_sound(self, t0_host_ns: int) -> None:
        """Is the device still there, and when did the cues leave it?"""
        self.audio.poll()
        recorder = self._recorder
        if recorder is not None and self.audio.state != self._told_sound:
            recorder.log("sound", asdict(self.audio.state))
        self._told_sound = self.audio.state
        for onset in self.audio.take_onsets():
            if recorder is not None:
                delay_ms = (onset.t_host_ns - onset.t_asked_ns) * 1e-6
                known = {"rule": onset.cue.rule, "side": onset.cue.side, "t_emitted_us": onset.cue.t_emitted_us}
                recorder.log("heard", {**known, "delay_ms": delay_ms})
            if self.source.live:
                self.latencies.sound_ms.append((onset.t_host_ns - t0_host_ns - onset.cue.t_emitted_us * 1000) * 1e-6)


def _log(recorder: Recorder | None, out: Outputs) -> None:
    """What was decided goes beside the raw bytes, so that "replay gives the same" is a check and not a hope."""
    for event in out.events:
        logger.debug("%s %s at %.3f s", event.kind, event.detail or event.side or "", event.t_us * 1e-6)
        _record(recorder, "event", event)
    for repetition in out.repetitions:
        logger.info("repetition %d counted: %s", repetition.number, repetition.verdict)
        _record(recorder, "repetition", repetition)
    for cue in out.cues:
        logger.info("cue %s %s: %s", cue.rule, cue.side or "", cue.text if cue.given else f"held back, {cue.reason}")
        _record(recorder, "cue", cue)


def _record(recorder: Recorder | None, kind: str, value: Event | Repetition | Cue) -> None:
    if recorder is not None:
        recorder.log(kind, asdict(value))
