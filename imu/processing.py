"""Run a recording through the pipeline as fast as it goes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from imu.accelerometers import with_approved_errors, with_corrected_accelerometers
from imu.config import Setup
from imu.errors import ConfigError
from imu.feedback.cadence_drill import with_cadence
from imu.feedback.drill import drill_given
from imu.fusion.channel import PoseBlock
from imu.fusion.rows import Rows
from imu.fusion.smoother import SmoothedBlocks, smooth_blocks
from imu.kinematics.whole_body import GatheringBody, WholeBody
from imu.outputs import Outputs
from imu.packets import Command, Packet
from imu.pipeline import Pipeline
from imu.recording import Recording
from imu.result import Result, ResultBuilder

BLOCK_S = 20.0
"""Seconds of samples per push: large enough that Python's cost per packet vanishes, small enough to show progress."""


@dataclass(slots=True)
class Timing:
    """Where the time of one `process` call went, s."""

    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, stage: str, since: float) -> float:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - since
        return now


def session_setup(
    setup: Setup,
    drill: str | None,
    stand_s: tuple[float, float] | None,
    movement_s: tuple[float, float] | None,
    method: str | None = None,
    calibration: str = "",
    exchange: Sequence[tuple[str, str]] = (),
    height_m: float = 0.0,
    cadence: float | None = None,
) -> Setup:
    """The recording's setup with this run's choices.

    drill: a library name or the text of a drill, None = the recorded one, "" = none. calibration: a stored one, "" = the
    recorded one, if any.
    exchange: pairs of segments whose sensors wear each other's label. cadence: steps per minute instead of the drill's.
    """
    changes: dict[str, object] = {} if method is None else {"filter": method}
    if drill is not None:
        changes["drill_toml"] = drill_given(drill) if drill else ""
    if cadence is not None:
        changes["drill_toml"] = with_cadence(str(changes.get("drill_toml", setup.drill_toml)), cadence)
    for key, window in (("stand_s", stand_s), ("movement_s", movement_s)):
        if window is None:
            continue
        if not 0.0 <= window[0] < window[1]:
            raise ConfigError(f"{key} is {window}; give (start, end) in seconds of the recording, start before end")
        changes[key] = window
    if calibration:
        changes["calibration"] = calibration
    if height_m:
        changes["height_m"] = height_m
    for one, other in exchange:
        setup = setup.exchanged(one, other)
    return setup.with_(**changes)


def process(
    recording: Recording,
    drill: str | None = None,
    baseline: Result | None = None,
    offline: bool = False,
    stand_s: tuple[float, float] | None = None,
    movement_s: tuple[float, float] | None = None,
    progress: Callable[[float], None] | None = None,
    timing: Timing | None = None,
    packet_samples: int | None = None,
    correct_accelerometers: bool = False,
    method: str | None = None,
    calibration: str = "",
    exchange: Sequence[tuple[str, str]] = (),
    height_m: float = 0.0,
    cadence: float | None = None,
) -> Result:
    """Compute everything a recording holds: exactly as a live session would have, or better, with what came later.

    Parameters
    ----------
    recording : Recording
        From `imu.load` or `Recording.from_samples`.
    drill : str, optional
        Name of a library drill (`"squat"`), or the text of one (TOML). None: the drill in the recording, if any. `""`:
        angles only.
    stand_s, movement_s : (start, end), optional
        Calibration windows in s of session time. None: found automatically.
    progress : callable, optional
        Called with the share done, 0..1.
    baseline : Result, optional
        Of a set of this person that was approved, processed before: knee, depth and lean of every repetition are judged
        against it. Offsets of accelerometers that were found in it are taken off here too. None: the recorded one, if any.
    offline : bool
        Smooth every sensor's orientation with what came later (`imu.fusion.smoother`), then calibrate and follow the
        relative headings with what came later as well (`imu.kinematics.whole_body`): angles are known from the start.
        Events, repetitions and cues are those of a session that had known all this so well; repetitions count from where
        the live session would have been calibrated.
    timing : Timing, optional
        Receives where the time went.
    packet_samples : int, optional
        Feed packets of so many samples per sensor. None: large blocks. The results are the same.
    correct_accelerometers : bool
        First estimate the offset of every accelerometer that is wrong at rest from the whole recording, and take it off
        where the recording allows it. `result.setup` says what was done (`SensorSetup.acc_note`).
    method : str, optional
        Orientation filter, one of `imu.config.FILTERS`, for comparison. None: the one in the recording's setup (vqf).
    calibration : str, optional
        Of another session of this person with the sensors left in place (`imu.kinematics.calibration.to_json`): used from
        the first quiet stand that fits it.
    height_m : float, optional
        Body height; from it step lengths and speed. 0: the recorded one, if any.
    exchange : pairs of segments, optional
        Sensors that wear each other's label, as `swap_found` may have said: `[("thigh_left", "thigh_right")]`.
    cadence : float, optional
        Steps per minute that a drill of walking asks for. None: as the drill says.
    """
    if offline and packet_samples is not None:
        raise ConfigError(
            "packets of a given size check the live way, and offline takes all samples at once; leave one of both away"
        )
    setup = session_setup(
        recording.setup, drill, stand_s, movement_s, method, calibration, exchange, height_m, cadence
    )
    if baseline is not None:
        setup = with_approved_errors(setup.with_(baseline=baseline.approved.to_json()))
    if offline and setup.filter != "vqf":
        raise ConfigError(f"offline smoothing belongs to the filter vqf, not to {setup.filter}; leave one of both away")
    clock = timing or Timing()
    if correct_accelerometers:
        began = time.perf_counter()
        setup = with_corrected_accelerometers(recording, setup)
        clock.add("accelerometers", began)
    pipeline = Pipeline(setup)
    for command in recording.commands:
        pipeline.take(command)
    builder = ResultBuilder(setup)
    total_us = max(1.0, recording.duration_s * 1e6)
    packets = recording.blocks(BLOCK_S) if packet_samples is None else recording.packets(packet_samples)
    sensors: list[SmoothedBlocks] = []
    if offline:
        smoothed, sensors = _smoothed(pipeline, packets, clock)
        _look_ahead(pipeline, smoothed, recording.commands, clock)
        outputs = _in_that_order(pipeline, smoothed, clock)
    else:
        outputs = _as_they_came(pipeline, packets, clock)
    for out in outputs:
        builder.add(out)
        if progress is not None and len(out.frames):
            progress(min(1.0, float(out.frames.t_us[-1]) / total_us))
    last = time.perf_counter()
    builder.add(pipeline.finish())
    last = clock.add("pipeline", last)
    health = pipeline.health()
    if offline:  # the real-time filter, which is asked for the bias otherwise, has not run
        known = zip(health, sensors, strict=True)
        health = tuple(replace(h, gyr_bias_dps=math.degrees(s.gyr_bias), gyr_note=s.scale.words) for h, s in known)
    result = builder.result(health, pipeline.body.calibration, incomplete=recording.incomplete, offline=offline)
    clock.add("collect", last)
    if progress is not None:
        progress(1.0)
    return result


def _as_they_came(pipeline: Pipeline, packets: Iterable[Packet], clock: Timing) -> Iterator[Outputs]:
    last = time.perf_counter()
    for packet in packets:
        last = clock.add("decode", last)
        out = pipeline.push(packet)
        clock.add("pipeline", last)
        yield out
        last = time.perf_counter()


@dataclass(frozen=True, slots=True)
class _Smoothed:
    """One packet of sensor number `sensor` that covered `span_us`."""

    sensor: int
    poses: PoseBlock
    span_us: int


def _smoothed(
    pipeline: Pipeline, packets: Iterable[Packet], clock: Timing
) -> tuple[list[_Smoothed], list[SmoothedBlocks]]:
    """All packets as far as the filter, then each sensor as one: packets in the order in which they came, and sensors."""
    last = time.perf_counter()
    came: list[tuple[int, int]] = []
    rows: list[list[Rows]] = [[] for _ in pipeline.setup.sensors]
    for packet in packets:
        last = clock.add("decode", last)
        if len(packet):
            i = pipeline.number_of(packet)
            came.append((i, pipeline.span_us(packet)))
            rows[i].append(pipeline.rows(packet))
            last = clock.add("pipeline", last)
    sensors: list[SmoothedBlocks] = []
    for of_sensor, sensor in zip(rows, pipeline.setup.sensors, strict=True):
        sensors.append(smooth_blocks(of_sensor, sensor.rate_hz))
        of_sensor.clear()
    blocks = [iter(s.poses) for s in sensors]
    clock.add("smooth", last)
    return [_Smoothed(i, next(blocks[i]), span_us) for i, span_us in came], sensors


def _look_ahead(pipeline: Pipeline, smoothed: list[_Smoothed], commands: Sequence[Command], clock: Timing) -> None:
    """A first pass over everything, after which the body of this pipeline knows calibration and headings of the whole."""
    last = time.perf_counter()
    without = pipeline.setup.with_(drill_toml="")
    gathering = GatheringBody(without)
    first = Pipeline(without, gathering)
    for command in commands:
        first.take(command)
    for packet in smoothed:
        first.push_poses(packet.sensor, packet.poses, packet.span_us)
    first.finish()
    if gathering.calibration is not None:
        pipeline.body = WholeBody(pipeline.setup, gathering)
    clock.add("look ahead", last)


def _in_that_order(pipeline: Pipeline, packets: Iterable[_Smoothed], clock: Timing) -> Iterator[Outputs]:
    for packet in packets:
        last = time.perf_counter()
        out = pipeline.push_poses(packet.sensor, packet.poses, packet.span_us)
        clock.add("pipeline", last)
        yield out
