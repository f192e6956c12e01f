"""Runs the dashboard until the session ends: the only function other parts of the program call."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import nan
from pathlib import Path
from types import TracebackType
from typing import Final, Literal

import numpy as np
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from imu.conventions import SIDES, angle_column
from imu.dashboard.theme import PALETTES, Look
from imu.dashboard.window import Window
from imu.errors import ImuError
from imu.snapshot import Snapshot

KNEES: Final = [angle_column("knee_flexion", side) for side in SIDES]
ENOUGH: Final = 16
"""Strides that count of which a picture of the strides is taken."""
Theme = Literal["system", "dark", "light"]


@dataclass(frozen=True, slots=True)
class DashboardFigures:
    """Measured while the window was open."""

    frames: int
    """Looks at the snapshot; each repaints only what changed."""
    seconds: float
    fps: float
    paint_p50_ms: float
    """Reading the snapshot and painting what changed, per frame."""
    paint_p95_ms: float
    paint_max_ms: float
    screenshot: Path | None = None
    """Where the picture was saved; None = none was asked for."""


def has_display() -> bool:
    """Whether a window can appear: always on Windows and macOS, elsewhere if a display server is named."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def application(offscreen: bool = False) -> QApplication:
    """The running application, or a new one; without a display it draws into memory."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    chosen = os.environ.get("QT_QPA_PLATFORM")
    arguments = ["imu"]
    if offscreen or (not chosen and not has_display()):
        arguments += ["-platform", "offscreen"]
    app = QApplication(arguments)
    app.setApplicationName("imu")
    return app


def mid_set(snapshot: Snapshot) -> bool:
    """In the second half of a set, on the way down or up: the screen that tells most in one picture. Without a drill: a
    knee well bent."""
    r, c = snapshot.repetition, snapshot.cadence
    if not snapshot.drill.title:
        return snapshot.stage == "drill" and bool(np.any(snapshot.angle[KNEES] > 0.7))
    if c.target:
        return snapshot.stage == "drill" and c.walking and c.judged > 0 and 2 * c.steps >= snapshot.drill.target_count
    half = max(snapshot.drill.target_count // 2, 1)
    return snapshot.stage == "drill" and r.count >= half and r.phase in (0, 2) and r.depth > 0.8


def enough_strides(snapshot: Snapshot) -> bool:
    """The means of the strides say something."""
    return snapshot.gait.counted >= ENOUGH


def run_dashboard(
    read_snapshot: Callable[[], Snapshot],
    *,
    on_silence: Callable[[], None],
    on_close: Callable[[], None],
    finished: Callable[[], bool],
    screenshot: Path | None = None,
    screenshot_when: Callable[[Snapshot], bool] | None = None,
    theme: Theme = "system",
    offscreen: bool = False,
    live: bool = True,
    stay: bool | None = None,
    on_pause: Callable[[], None] | None = None,
    on_command: Callable[[str, str], None] | None = None,
    on_mute: Callable[[], None] | None = None,
    text_scale: float = 1.0,
    full_screen: bool = False,
    strides: bool = False,
) -> DashboardFigures:
    """Show the patient's screen until the session ends and the window is closed. Call it from the main thread.

    What is raised while drawing or in a key's action ends it and is raised here.

    Parameters
    ----------
    read_snapshot : callable
        The newest snapshot; called 30 times a second.
    on_silence, on_close, on_pause : callable
        Esc; the window closes, by the person or by the end (called once); Space.
    on_command : callable, optional
        (kind, segment): C and R, see `Window`.
    on_mute : callable, optional
        S, or the button in the header.
    finished : callable
        True when the session has ended: the summary of the last snapshot is shown.
    screenshot : Path, optional
        A PNG of the window is saved here when `screenshot_when` (default `mid_set`; of strides: 16 that count) first
        holds, at the end otherwise.
    theme : str
        `dark` and `light`; `system` follows the desktop, dark if it does not say.
    offscreen : bool
        Draw into memory even if there is a display.
    live : bool
        Data older than 300 ms are unknown. False for replays, whose stamps are of the past.
    stay : bool, optional
        Whether the summary stays until the person closes it. Default: for a live set on a display. A session that ended
        before its drill began has no summary and never stays.
    text_scale : float
        1.0 to 2.0.
    strides : bool
        Begin with the strides of the walk.
    """
    app = application(offscreen)
    if theme == "system":
        hints = app.styleHints()
        theme = "light" if hints.colorScheme().name == "Light" else "dark"
    look = Look(PALETTES[theme], min(max(text_scale, 1.0), 2.0))
    window = Window(
        read_snapshot, on_silence=on_silence, on_close=on_close, on_pause=on_pause, on_command=on_command, on_mute=on_mute,
        look=look, live=live,
    )  # fmt: skip
    if strides:
        window.change_page()
    if stay is None:
        stay = live and app.platformName() not in ("offscreen", "minimal")
    when = screenshot_when or (enough_strides if strides else mid_set)
    saved = drilled = False

    def save() -> None:
        nonlocal saved
        if screenshot is None or saved:
            return
        saved = True
        screenshot.parent.mkdir(parents=True, exist_ok=True)
        if not window.grab().save(str(screenshot), "PNG"):  # pyright: ignore[reportArgumentType]  # str is accepted
            raise ImuError(f"the picture could not be written to {screenshot}; check the folder and its permissions")

    def after_tick() -> None:
        nonlocal drilled
        drilled = drilled or window.view.snapshot.stage == "drill"
        if when(window.view.snapshot):
            save()
        if finished():
            measure()
            window.end(stay=stay and drilled)
            save()

    def measure() -> None:
        nonlocal elapsed
        if elapsed is None:
            elapsed = time.perf_counter() - began

    elapsed: float | None = None
    window.after_tick = after_tick
    began = time.perf_counter()
    with errors_kept(window.close) as errors:
        if full_screen:
            window.showFullScreen()
        else:
            window.show()
        app.exec()
        measure()
        if not errors:
            save()
    window.timer.stop()
    window.deleteLater()
    # there is no event loop any more that would do it
    QCoreApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)
    if errors:
        raise errors[0]
    assert elapsed is not None
    return replace(measured(window.paint_ms, elapsed), screenshot=screenshot if saved else None)


@contextmanager
def errors_kept(give_up: Callable[[], object]) -> Iterator[list[BaseException]]:
    """What is raised inside Qt's calls (slots, paint and key events) has no caller: Qt hands it to `sys.excepthook` and
    goes on. Here the first one is kept and `give_up` called, so that the caller can raise it."""
    errors: list[BaseException] = []
    before = sys.excepthook

    def keep(_: type[BaseException], error: BaseException, __: TracebackType | None) -> None:
        errors.append(error)
        if len(errors) == 1:
            give_up()

    sys.excepthook = keep
    try:
        yield errors
    finally:
        sys.excepthook = before


def measured(paint_ms: list[float], seconds: float) -> DashboardFigures:
    """Figures of a list of frame times."""
    n = len(paint_ms)
    p50, p95, worst = (float(np.percentile(paint_ms, p)) for p in (50, 95, 100)) if n else (nan, nan, nan)
    return DashboardFigures(n, seconds, n / seconds if seconds > 0 else nan, p50, p95, worst)
