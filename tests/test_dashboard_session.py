"""`run_dashboard` as the rest of the program uses it: the end of a set, errors, pictures, figures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dashboard_scenes as scenes
import numpy as np
import pytest
from dashboard_bench import Person, a_person, no_window_is_left  # noqa: F401  (fixtures)
from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication

from imu.dashboard.app import DashboardFigures, application, measured, mid_set, run_dashboard
from imu.dashboard.count import Count
from imu.dashboard.cue_slot import CueSlot
from imu.dashboard.theme import family
from imu.dashboard.window import Window
from imu.errors import ImuError
from imu.snapshot import Snapshot

pytestmark = pytest.mark.usefixtures("no_window_is_left")


def run(
    read: Callable[[], Snapshot],
    person: Person | None = None,
    ticks: int = 4,
    *,
    live: bool = False,
    stay: bool | None = None,
    screenshot: Path | None = None,
) -> DashboardFigures:
    """`run_dashboard` for that many looks at the snapshot."""
    looks = {"n": 0}

    def counted() -> Snapshot:
        looks["n"] += 1
        return read()

    p = person or Person()
    return run_dashboard(
        counted,
        on_silence=p.asks("silence"),
        on_close=p.asks("close"),
        finished=lambda: looks["n"] >= ticks,
        live=live,
        stay=stay,
        screenshot=screenshot,
    )


def test_a_session_without_a_display_ends_by_itself_and_is_measured(qapp, person: Person):
    moving = iter(range(1000))
    figures = run(lambda: scenes.drill(40.0 + next(moving)), person, ticks=6, live=True)
    assert person.asked == ["close"]
    assert figures.frames >= 5
    assert figures.seconds > 0
    assert 0 < figures.paint_p50_ms <= figures.paint_p95_ms <= figures.paint_max_ms
    assert figures.screenshot is None


def test_the_picture_is_of_mid_set(qapp, tmp_path: Path):
    steps = iter([scenes.stand(), scenes.drill(74.0), scenes.drill(5.0), scenes.finished()])
    last = {"s": scenes.stand()}

    def read() -> Snapshot:
        last["s"] = next(steps, last["s"])
        return last["s"]

    path = tmp_path / "pictures" / "set.png"
    figures = run(read, ticks=6, screenshot=path)
    assert figures.screenshot == path
    picture = scenes.pixels(QImage(str(path)))
    assert picture.shape == (800, 1280, 3)
    run(lambda: scenes.drill(74.0), screenshot=tmp_path / "expected.png")
    expected = scenes.pixels(QImage(str(tmp_path / "expected.png")))
    # a large glyph's rim may differ between its first drawing and later ones
    assert np.mean(np.abs(picture.astype(int) - expected) > 8) < 0.001


def test_without_a_mid_set_the_picture_is_of_the_end(qapp, tmp_path: Path):
    figures = run(scenes.stand, screenshot=tmp_path / "end.png")
    assert figures.screenshot is not None
    assert figures.screenshot.exists()


def test_mid_set_is_in_the_second_half_on_the_way():
    assert mid_set(scenes.drill(74.0))
    assert not mid_set(scenes.drill(10.0))
    assert not mid_set(scenes.finished())
    assert not mid_set(scenes.alignment("right"))


def test_a_picture_that_cannot_be_written_is_an_error_with_what_to_do(qapp, tmp_path: Path):
    (tmp_path / "set.png").mkdir()
    with pytest.raises(ImuError, match="check the folder"):
        run(scenes.drill, screenshot=tmp_path / "set.png")


def press_close_when_offered(seen: list[str]) -> QTimer:
    """A person who reads the summary and presses the button."""
    timer = QTimer()

    def look() -> None:
        for w in QApplication.topLevelWidgets():
            if isinstance(w, Window) and w.view.close_button.isVisible():
                seen.append(w.view.summary.accessibleDescription())
                w.view.close_button.click()

    timer.timeout.connect(look)
    timer.start(20)
    return timer


def test_a_live_set_on_a_display_stays_until_it_is_closed(qapp, person: Person):
    seen: list[str] = []
    timer = press_close_when_offered(seen)
    run(scenes.drill, person, stay=True)
    timer.stop()
    assert seen == ["The set has ended after 5 repetitions"]
    assert person.asked == ["close"]


def test_a_session_that_never_began_its_drill_does_not_stay(qapp, person: Person):
    run(scenes.connecting, person, stay=True)
    assert person.asked == ["close"]


def test_the_person_may_close_the_window_before_the_end(qapp, person: Person):
    QTimer.singleShot(60, lambda: [w.close() for w in QApplication.topLevelWidgets() if isinstance(w, Window)])
    run(scenes.drill, person, ticks=10**9)
    assert person.asked == ["close"]


def test_an_error_while_reading_ends_the_window_and_is_raised(qapp, person: Person):
    def broken() -> Snapshot:
        raise ValueError("no snapshot")

    with pytest.raises(ValueError, match="no snapshot"):
        run(broken, person)
    assert person.asked == ["close"]


def test_an_error_while_painting_is_raised_too(qapp, person: Person, monkeypatch: pytest.MonkeyPatch):
    def broken(self: Count, p: QPainter, width: float, height: float) -> None:
        raise ZeroDivisionError("in paint")

    monkeypatch.setattr(Count, "draw", broken)
    with pytest.raises(ZeroDivisionError, match="in paint"):
        run(scenes.drill, person, ticks=10**9)
    assert person.asked == ["close"]


def test_an_error_in_a_keys_action_is_raised_too(qapp, qtbot):
    def press() -> None:
        for w in QApplication.topLevelWidgets():
            if isinstance(w, Window):
                next(a for a in w.actions() if a.text() == "Silence the cues").trigger()

    def broken() -> None:
        raise RuntimeError("no device")

    QTimer.singleShot(60, press)
    with pytest.raises(RuntimeError, match="no device"):
        run_dashboard(scenes.drill, on_silence=broken, on_close=lambda: None, finished=lambda: False, live=False)


def test_the_hook_for_errors_is_put_back(qapp):
    before = sys.excepthook
    run(scenes.drill)
    assert sys.excepthook is before


def test_only_what_changed_is_painted(qapp, monkeypatch: pytest.MonkeyPatch):
    painted: list[str] = []
    whole = CueSlot.draw

    def noted(self: CueSlot, p: QPainter, width: float, height: float) -> None:
        painted.append(self.state.kind)
        whole(self, p, width, height)

    monkeypatch.setattr(CueSlot, "draw", noted)
    moving = iter(range(1000))
    run(lambda: scenes.drill(40.0 + next(moving)), ticks=8)
    # the depth changed in each frame, the words did not; the first frames lay the window out
    assert 1 <= painted.count("calm") <= 2


def test_figures_of_nothing_are_not_zero():
    nothing = measured([], 1.0)
    assert nothing.frames == 0
    assert nothing.paint_p95_ms != nothing.paint_p95_ms


def test_the_running_application_is_used(qapp):
    assert application() is qapp
    assert application(offscreen=True) is qapp


def test_the_shipped_typeface_is_loaded(qapp):
    assert family() == "Inter"


def test_late_data_are_not_shown_as_present(qapp):
    shown: list[str] = []

    def read() -> Snapshot:
        for w in QApplication.topLevelWidgets():
            if isinstance(w, Window) and w.isVisible():
                shown.append(w.view.gauge.accessibleDescription())
        return replace(scenes.drill(), t_host_ns=1)

    run(read, live=True)
    assert shown[-1] == "Depth, not known"
