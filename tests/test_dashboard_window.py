"""The window under the hands of a person: keys, buttons, announcements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import dashboard_scenes as scenes
import pytest
import shiboken6
from dashboard_bench import Person, a_person, no_window_is_left  # noqa: F401  (fixtures)
from PySide6.QtCore import Qt

from imu.dashboard.announcer import LEAST_NS, Announcer
from imu.dashboard.window import Window
from imu.snapshot import SoundView

pytestmark = pytest.mark.usefixtures("no_window_is_left")


@pytest.fixture
def window(qtbot, person: Person) -> Iterator[Window]:
    now = {"ns": 10**9}
    w = Window(
        scenes.drill,
        on_silence=person.asks("silence"),
        on_close=person.asks("close"),
        on_pause=person.asks("pause"),
        on_mute=person.asks("mute"),
        on_command=lambda kind, segment: person.asked.append(f"{kind} {segment}".strip()),
        live=False,
        clock_ns=lambda: now["ns"],
    )
    w.show()
    w.activateWindow()
    qtbot.waitActive(w)
    w.tick()
    yield w
    w.close()
    shiboken6.delete(w)


def test_escape_silences_and_space_pauses(qtbot, window: Window, person: Person):
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert person.asked == ["silence"]
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert person.asked == ["silence", "pause"]
    assert window.isVisible()


def test_c_confirms_the_labels_and_r_calibrates_what_has_slipped(qtbot, window: Window, person: Person):
    qtbot.keyClick(window, Qt.Key.Key_R)
    assert person.asked == []  # nothing has slipped
    window.read_snapshot = lambda: replace(scenes.drill(), slipped=("shank_left", "thigh_right"))
    window.tick()
    qtbot.keyClick(window, Qt.Key.Key_R)
    qtbot.keyClick(window, Qt.Key.Key_C)
    assert person.asked == ["redo shank_left", "redo thigh_right", "confirm_sides"]


def test_the_sound_is_switched_by_key_and_by_mouse_where_the_screen_says_what_it_is(qtbot, window: Window, person: Person):
    button, header = window.view.mute_button, window.view.header
    qtbot.keyClick(window, Qt.Key.Key_S)
    assert person.asked == ["mute"]
    assert (button.accessibleName(), button.isChecked()) == ("Sound is on, press to mute", False)
    assert header.geometry().adjusted(-12, -1, 12, 1).contains(button.geometry())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert person.asked == ["mute", "mute"]
    assert not button.isChecked()  # it shows what the sound is, not what was pressed
    window.read_snapshot = lambda: replace(scenes.drill(), sound=SoundView("muted"))
    window.tick()
    assert (button.accessibleName(), button.isChecked()) == ("Sound is off, press for sound", True)
    assert "Sound off" in header.words()
    window.read_snapshot = lambda: replace(scenes.drill(), sound=scenes.NO_SOUND)
    window.tick()
    assert not button.isVisible()


def test_m_mirrors_the_figure(qtbot, window: Window):
    assert window.view.front.state.view == "mirror"
    qtbot.keyClick(window, Qt.Key.Key_M)
    assert window.view.front.state.view == "front"
    assert window.view.front.accessibleName() == "You, as others see you"
    qtbot.keyClick(window, Qt.Key.Key_M)
    assert window.view.front.accessibleName() == "You, as in a mirror"


def test_f11_fills_the_screen_and_goes_back(qtbot, window: Window):
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert not window.isFullScreen()


def test_t_changes_the_theme_and_nothing_else(qtbot, window: Window):
    before = [p.accessibleDescription() for p in window.view.panels]
    qtbot.keyClick(window, Qt.Key.Key_T)
    assert window.view.look.palette.name == "light"
    assert [p.accessibleDescription() for p in window.view.panels] == before


def test_the_table_of_keys_lists_every_key(qtbot, window: Window):
    table = window.view.key_table
    qtbot.keyClick(window, Qt.Key.Key_Question)
    assert table.isVisible()
    assert window.view.rect().contains(table.geometry())
    assert not table.geometry().intersects(window.view.cue.geometry())
    for key in window.keys:
        assert f"{key.sequence}: {key.text}" in table.accessibleDescription()
    assert "Esc: Silence the cues" in table.accessibleDescription()
    qtbot.keyClick(window, Qt.Key.Key_Question)
    assert not table.isVisible()


def test_every_key_of_the_table_is_a_shortcut(window: Window):
    shortcuts = {s.toString() for a in window.actions() for s in a.shortcuts()}
    assert {key.sequence for key in window.keys} <= shortcuts


def test_closing_is_told_once(window: Window, person: Person):
    window.close()
    window.close()
    assert person.asked == ["close"]
    assert not window.timer.isActive()


def test_the_end_shows_the_summary_until_it_is_closed(qtbot, window: Window, person: Person):
    window.end(stay=True)
    assert window.isVisible()
    assert window.view.summary.isVisible()
    assert window.view.summary.accessibleDescription().startswith("The set has ended after 5 repetitions")
    assert window.view.close_button.isVisible()
    assert person.asked == []
    qtbot.keyClick(window, Qt.Key.Key_Return)
    assert not window.isVisible()
    assert person.asked == ["close"]


def test_the_summary_is_closed_with_the_mouse(qtbot, window: Window, person: Person):
    window.end(stay=True)
    button = window.view.close_button
    assert window.view.rect().contains(button.geometry())
    assert not button.geometry().intersects(window.view.summary.geometry())
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert person.asked == ["close"]


def test_enter_does_nothing_during_a_set(qtbot, window: Window, person: Person):
    qtbot.keyClick(window, Qt.Key.Key_Return)
    assert window.isVisible()
    assert person.asked == []


def test_announcements_are_a_second_apart_and_cues_come_first(window: Window):
    announcer = Announcer(window.view)
    texts = {"cue": "", "count": "Repetition 1 of 8 done", "calm": "Good"}
    assert announcer.offer(0, texts) == "Repetition 1 of 8 done"
    cue = texts | {"cue": "Right. Knee out", "count": "Repetition 2 of 8 done"}
    assert announcer.offer(LEAST_NS - 1, cue) is None
    assert announcer.offer(LEAST_NS, cue) == "Right. Knee out"
    assert announcer.offer(2 * LEAST_NS, cue) == "Repetition 2 of 8 done"
    assert announcer.offer(3 * LEAST_NS, cue) == "Good"
    assert announcer.offer(4 * LEAST_NS, cue) is None
    # the same cue again, after it had gone, is news
    assert announcer.offer(5 * LEAST_NS, cue | {"cue": ""}) is None
    assert announcer.offer(6 * LEAST_NS, cue) == "Right. Knee out"
