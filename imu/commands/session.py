"""What demo, live and replay share: the sound, and looking on until the engine has finished."""

from __future__ import annotations

import signal
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from imu.engine import Engine, Latencies
from imu.errors import ImuError
from imu.feedback.audio import AudioOut, open_audio, silent_audio
from imu.result import Result

if TYPE_CHECKING:
    from imu.dashboard.app import DashboardFigures

WAIT_S = 0.2


def audio_for(wanted: bool, why_not: str, sentences: tuple[str, ...] = ()) -> AudioOut:
    """The computer's sound, or silence with its reason; `sentences` are made ready to be spoken."""
    return open_audio(sentences) if wanted else silent_audio(why_not)


@contextmanager
def stops_cleanly(engine: Engine) -> Iterator[None]:
    """Ctrl-C and a polite kill end the session, with its recording closed; a second Ctrl-C ends the program."""

    def ask(_signal: int, _frame: FrameType | None) -> None:
        engine.stop()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = [(s, signal.signal(s, ask)) for s in (signal.SIGINT, signal.SIGTERM)]
    try:
        yield
    finally:
        for s, handler in before:
            signal.signal(s, handler)


def perform(
    engine: Engine, *, headless: bool, screenshot: Path | None = None, live: bool = False, strides: bool = False
) -> tuple[Result, DashboardFigures | None]:
    """Start the engine, look on to the end in the dashboard or without one, and give the sound device back whatever
    happens."""
    figures = None
    try:
        if headless:
            engine.start()
            with stops_cleanly(engine):
                while not engine.wait(WAIT_S):
                    pass
        else:
            # Qt is loaded before the engine starts: loading would hold it up, and what is there by then is frozen
            from imu.dashboard.app import run_dashboard

            engine.start()
            with stops_cleanly(engine):
                figures = run_dashboard(
                    lambda: engine.snapshot,
                    on_silence=engine.audio.silence,
                    on_close=engine.stop,
                    on_command=engine.command if live else None,
                    on_mute=engine.audio.toggle,
                    finished=engine.finished,
                    screenshot=screenshot,
                    live=live,
                    strides=strides,
                )
        engine.join()
    finally:
        engine.stop()
        engine.audio.close()
    if engine.result is None:
        raise ImuError("it was ended before the first sample; nothing was recorded")
    return engine.result, figures


def performance_lines(latencies: Latencies, figures: DashboardFigures | None) -> list[str]:
    """Measured delays and computing times of a live session."""

    def row(name: str, values: array[float], *percent: float) -> str:
        if not len(values):
            return f"  {name:34s} –"
        named = ", ".join(
            f"{'max' if p == 100 else f'p{p:g}'} {v:.2f}"
            for p, v in zip(percent, Latencies.percentiles(values, *percent), strict=True)
        )
        return f"  {name:34s} {named} ms  (n = {len(values)})"

    lines = ["Measured"]
    lines.append(row("sample taken → cue decision", latencies.frame_ms, 50, 95, 100))
    lines.append(row("sample taken → cue given", latencies.cue_ms, 50, 95, 100))
    lines.append(row("sample taken → sound", latencies.sound_ms, 50, 95, 100))
    lines.append(row("pipeline per packet", latencies.push_ms, 50, 99, 100))
    if figures is not None:
        lines.append(
            f"  {'dashboard frame':34s} p50 {figures.paint_p50_ms:.2f}, p95 {figures.paint_p95_ms:.2f},"
            f" max {figures.paint_max_ms:.2f} ms  ({figures.fps:.1f} frames/s)"
        )
    return lines


def say(*lines: str) -> None:
    """To people, at once: a demo that ends in a kill has still said where its recording lies."""
    print("\n".join(lines), flush=True)
