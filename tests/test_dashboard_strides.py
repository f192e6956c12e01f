"""The page of strides: what it says, what is drawn, and how one gets there and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import nan, pi

import dashboard_scenes as scenes
import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from imu.dashboard.gait_table import EMPTY, FRAGILE_NOTE
from imu.dashboard.theme import DARK, LIGHT, PALETTES, Look
from imu.dashboard.window import Window
from imu.kinematics.gait import SHARES
from imu.snapshot import GaitRow, GaitView, NormView, Snapshot, StrideCurveView


def curve(angle: str, side, high: float, *, known: bool = True) -> StrideCurveView:
    values = tuple((high * np.sin(pi * SHARES) ** 2).tolist()) if known else (nan,) * len(SHARES)
    return StrideCurveView(angle, side, values, (0.05,) * len(SHARES), values, 0.62, 12)


ROWS = (
    GaitRow("cadence", "steps/min", "108.0", "108.1", "107.9", "1.2%", "", ""),
    GaitRow("stride", "s", "1.111", "1.110", "1.112", "1.2%", "+0.2 %", ""),
    GaitRow("stance", "% of stride", "62.0", "62.5", "61.5", "1.0%", "-1.6 %", "foot off is known to 20-40 ms"),
    GaitRow("hip range", "°", "40.0", "–", "–", "–", "fewer than 3 strides of a leg", ""),
)
NORM = NormView("knee_flexion", tuple((1.05 * np.sin(pi * SHARES) ** 2).tolist()), 0.1, "Normal adults", "")
WALK = GaitView(
    26, 24, ROWS,
    (
        curve("knee_flexion", "left", 1.0), curve("knee_flexion", "right", 0.6),
        curve("hip_flexion", "left", 1.0, known=False), curve("hip_flexion", "right", 1.0, known=False),
    ),
    (NORM,),
)  # fmt: skip


def walk(gait: GaitView = WALK) -> Snapshot:
    return replace(scenes.drill(20.0), gait=gait)


class Shown:
    def __init__(self) -> None:
        self.snapshot = walk()


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def window(qapp, shown: Shown) -> Iterator[Window]:
    w = Window(lambda: shown.snapshot, on_silence=lambda: None, on_close=lambda: None, live=False)
    w.show()
    w.change_page()
    w.tick()
    yield w
    w.close()
    shiboken6.delete(w)


def where(widget: QWidget, colour: str) -> np.ndarray:
    c = QColor(colour)
    return np.all(scenes.pixels(widget.grab().toImage()) == (c.red(), c.green(), c.blue()), axis=2)


def top_of(mask: np.ndarray) -> int:
    return int(np.flatnonzero(mask.any(axis=1)).min())


def test_g_goes_to_the_strides_and_back(qtbot, window: Window):
    assert window.pages.currentWidget() is window.strides
    qtbot.keyClick(window, Qt.Key.Key_G)
    assert window.pages.currentWidget() is window.view
    qtbot.keyClick(window, Qt.Key.Key_G)
    assert window.pages.currentWidget() is window.strides


def test_the_walk_in_words(window: Window):
    page = window.strides
    assert page.table.words() == (
        "26 strides, the last 24 of those that count. cadence 108.0 steps/min. stride 1.111 s. stance 62.0 % of stride. "
        "hip range 40.0 °"
    )
    knee = page.plots["knee_flexion"].words()
    assert knee == (
        "Knee bend, from contact to contact: left 0 to 57 degrees over 12 strides; right 0 to 34 degrees over 12 strides; "
        "normal adults 0 to 60"
    )
    assert page.plots["hip_flexion"].words() == "Hip bend: left not known; right not known"
    assert page.plots["pelvis_obliquity"].words() == "Pelvis, own side up: no strides yet"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_higher_curve_is_drawn_higher_and_the_norm_behind_both(window: Window, theme: str):
    palette = PALETTES[theme]
    window.strides.set_look(Look(palette))
    knee = window.strides.plots["knee_flexion"]
    below_title = knee.height() // 4
    left, right = (where(knee, getattr(palette, side))[below_title - 10 :] for side in ("left", "right"))
    assert top_of(left) + 15 < top_of(right)
    assert where(knee, palette.ref).sum() > 100
    hip = window.strides.plots["hip_flexion"]
    assert where(hip, palette.ref).sum() == 0


def test_without_strides_it_says_when_they_come(window: Window, shown: Shown):
    shown.snapshot = walk(GaitView())
    window.tick()
    assert window.strides.table.words() == EMPTY


def test_between_two_strides_nothing_is_painted(window: Window, shown: Shown, qapp):
    qapp.processEvents()
    states = [p.state for p in window.strides.panels]
    shown.snapshot = replace(walk(), t_us=shown.snapshot.t_us + 33_000)
    window.tick()
    assert all(a is b for a, b in zip(states, [p.state for p in window.strides.panels], strict=True))


def test_a_cue_is_seen_here_too(window: Window, shown: Shown):
    shown.snapshot = replace(walk(), cue=scenes.cue("Quicker steps, with the beat", "cadence", None))
    window.tick()
    assert window.strides.cue.words() == "Quicker steps, with the beat"


@pytest.mark.parametrize("text", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("palette", [DARK, LIGHT])
def test_what_is_fragile_is_said_at_every_text_size(window: Window, text: float, palette):
    window.strides.set_look(Look(palette, text))
    table = window.strides.table
    empty = where(table, palette.ink3).sum()
    table.show_state(replace(table.state, rows=tuple(replace(r, caution="") for r in ROWS)))
    assert empty - where(table, palette.ink3).sum() > 100, FRAGILE_NOTE


def test_the_end_shows_the_summary(window: Window):
    window.end(stay=True)
    assert window.pages.currentWidget() is window.view
