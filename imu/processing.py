"""Run a recording through the pipeline as fast as it goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from imu.config import Setup
from imu.errors import ConfigError
from imu.feedback.drill import drill_text
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
) -> Setup:
    """The recording's setup with this run's choices; `drill`: a library name, None = the recorded one, "" = none."""
    changes: dict[str, object] = {}
    if drill is not None:
        changes["drill_toml"] = drill_text(drill) if drill else ""
    for key, window in (("stand_s", stand_s), ("movement_s", movement_s)):
        if window is None:
            continue
        if not 0.0 <= window[0] < window[1]:
            raise ConfigError(f"{key} is {window}; give (start, end) in seconds of the recording, start before end")
        changes[key] = window
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
) -> Result:
    """Compute everything a recording holds, exactly as a live session would have.

    Parameters
    ----------
    recording : Recording
        From `imu.load` or `Recording.from_samples`.
    drill : str, optional
        Name of a library drill (`"squat"`). None: the drill in the recording, if any. `""`: angles only.
    stand_s, movement_s : (start, end), optional
        Calibration windows in s of session time. None: found automatically.
    progress : callable, optional
        Called with the share done, 0..1.
    baseline, offline
        Reserved names; not available in this version (ConfigError).
    timing : Timing, optional
        Receives where the time went.
    packet_samples : int, optional
        Feed packets of so many samples per sensor. None: large blocks. The results are the same.
    """
    if baseline is not None:
        raise ConfigError("baseline is not available in this version; alignment is judged against the person's own stand")
    if offline:
        raise ConfigError("offline smoothing is not available in this version; leave offline=False")
    setup = session_setup(recording.setup, drill, stand_s, movement_s)
    pipeline = Pipeline(setup)
    builder = ResultBuilder(setup)
    clock = timing or Timing()
    total_us = max(1.0, recording.duration_s * 1e6)
    last = time.perf_counter()
    packets = recording.blocks(BLOCK_S) if packet_samples is None else recording.packets(packet_samples)
    for packet in packets:
        last = clock.add("decode", last)
        out = pipeline.push(packet)
        builder.add(out)
        last = clock.add("pipeline", last)
        if progress is not None and len(out.frames):
            progress(min(1.0, float(out.frames.t_us[-1]) / total_us))
    builder.add(pipeline.finish())
    last = clock.add("pipeline", last)
    result = builder.result(pipeline.health(), pipeline.body.calibration, incomplete=recording.incomplete)
    clock.add("collect", last)
    if progress is not None:
        progress(1.0)
    return result
