"""The patient's screen during a walk at a prescribed cadence: what it says, and what is drawn where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import nan
from pathlib import Path

import dashboard_scenes as scenes
import numpy as np
import pytest
import shiboken6
from dashboard_bench import no_window_is_left, open_view, show, visible  # noqa: F401  (fixtures)
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from imu.dashboard.app import mid_set
from imu.dashboard.patient_view import TROUBLE_AFTER_NS, PatientView
from imu.dashboard.reading import PRAISE, READY_TO_WALK, READY_TO_WALK_WITHOUT_SOUND
from imu.dashboard.theme import DARK, PALETTES, Look
from imu.dashboard.window import Window
from imu.snapshot import CadenceView, DrillView, RepetitionView, Snapshot

QUICKER = "Quicker steps, with the beat"
BAND = (105.6, 114.4)


def walk(now: float = 108.4, steps: int = 142, target: int = 300, *, walking: bool = True) -> Snapshot:
    return replace(
        scenes.drill(20.0), drill=DrillView("Walk to the beat", target), repetition=RepetitionView(steps),
        cadence=CadenceView(110.0, BAND, now, walking, steps, max(steps - 7, 0), max(steps - 30, 0)),
    )  # fmt: skip


def drifted(now: float = 101.2) -> Snapshot:
    return replace(walk(now), cue=scenes.cue(QUICKER, "cadence", None))


def where(widget: QWidget, colour: str) -> NDArray[np.bool_]:
    c = QColor(colour)
    return np.all(scenes.pixels(widget.grab().toImage()) == (c.red(), c.green(), c.blue()), axis=2)


def middle_of(mask: NDArray[np.bool_]) -> float:
    columns = np.flatnonzero(mask.any(axis=0))
    return float(columns.min() + columns.max()) / 2


def test_a_walk_in_the_band(view: PatientView):
    assert show(view, walk()) == {
        "Drill, sensors and sound": "Walk to the beat. Sensors. Sound on",
        "Cue": PRAISE.rstrip("."),
        "Count": "Step 142 of 300 done",
        "You, as in a mirror": "Both legs measured",
        "Cadence": "Cadence 108, target 110 steps a minute",
        "Cadence and target": "Cadence in target",
    }


@pytest.mark.parametrize(
    ("now", "words"), [(105.0, "below target"), (106.0, "in target"), (114.0, "in target"), (115.0, "above target")]
)
def test_the_cadence_in_words(view: PatientView, now: float, words: str):
    said = show(view, walk(now))
    assert said["Cadence and target"] == f"Cadence {words}"
    assert (said["Cue"] == PRAISE.rstrip(".")) == (words == "in target")


def test_before_the_first_step_and_at_the_end(view: PatientView):
    before = walk(nan, 0, walking=False)
    assert show(view, before)["Cue"] == READY_TO_WALK.rstrip(".")
    assert show(view, replace(before, sound=scenes.NO_SOUND))["Cue"] == READY_TO_WALK_WITHOUT_SOUND.rstrip(".")
    assert show(view, walk(steps=300))["Cue"] == "All 300 steps done. Stand and rest"
    assert show(view, walk(steps=41, target=0))["Count"] == "41 steps done"


def test_nothing_is_praised_and_no_disc_drawn_while_the_cadence_is_unknown(view: PatientView):
    said = show(view, walk(nan))
    assert said["Cue"] == "No cue"
    assert said["Cadence"] == "Cadence not known, target 110 steps a minute"
    assert said["Cadence and target"] == "Cadence not known"
    assert not where(view.cadence_bar, DARK.ink).any()
    show(view, walk())
    assert where(view.cadence_bar, DARK.ink).sum() > 300


def test_old_data_are_not_shown_as_present(view: PatientView):
    s = replace(walk(), t_host_ns=1_000_000_000)
    assert show(view, s, 1_200_000_000)["Cadence"].startswith("Cadence 108")
    assert show(view, s, 1_301_000_000)["Cadence"].startswith("Cadence not known")


def test_silent_sensors_pause_the_count_of_steps(view: PatientView):
    lost = replace(
        walk(nan), sensors=scenes.sensors(shank_right="lost"), problem="The sensor on the right shin is not answering"
    )
    show(view, lost, 0)
    said = show(view, lost, TROUBLE_AFTER_NS)
    assert said["Count kept"] == "Counting is paused. Your 142 steps are kept"
    assert "Cadence" not in said
    assert "Cadence and target" not in said


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_drift_has_the_cues_colour_and_a_line_to_the_band(view: PatientView, theme: str):
    palette = PALETTES[theme]
    view.set_look(Look(palette))
    show(view, walk(101.2))
    assert not where(view.cadence_bar, palette.cue).any()
    assert show(view, drifted())["Cue"] == QUICKER
    width = view.cadence_bar.design_size[0]
    assert middle_of(where(view.cadence_bar, palette.cue)) == pytest.approx(view.cadence_bar.position(101.0, width), abs=2)
    assert not where(view.front, palette.cue).any()
    row = where(view.cadence_bar, palette.warn)[-28]
    low = view.cadence_bar.position(BAND[0], width)
    assert row[round(view.cadence_bar.position(102.5, width)) : round(low) - 4].all()


def test_the_band_is_where_the_target_is_and_to_scale(view: PatientView):
    show(view, walk())
    width = view.cadence_bar.design_size[0]
    edges = np.flatnonzero(where(view.cadence_bar, DARK.band_edge)[-10])
    assert edges.min() == pytest.approx(view.cadence_bar.position(BAND[0], width), abs=3)
    assert edges.max() == pytest.approx(view.cadence_bar.position(BAND[1], width), abs=3)
    assert (edges.min() + edges.max()) / 2 == pytest.approx(width / 2, abs=2)
    places = []
    for now in (60.0, 95.0, 110.0, 125.0, 190.0):
        show(view, walk(now))
        places.append(middle_of(where(view.cadence_bar, DARK.ink)))
    assert places == sorted(places)
    assert places[2] == pytest.approx(width / 2, abs=2)
    # far off it stays on the bar
    assert places[0] == pytest.approx(20, abs=2)
    assert places[-1] == pytest.approx(width - 20, abs=2)


@pytest.mark.parametrize("text", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("target", [300, 1200, 0])
def test_words_and_numbers_fit_at_every_text_size(view: PatientView, text: float, target: int):
    """Nothing touches the right edge or the bottom of its panel: what does is cut off."""
    view.set_look(Look(DARK, text))
    show(view, walk(steps=target or 88, target=target))
    for panel in (view.count, view.cadence):
        mask = where(panel, DARK.ink) | where(panel, DARK.ink2)
        assert mask.any()
        assert not mask[:, -3:].any()
        assert not mask[-3:].any()
    assert view.cadence.geometry().left() >= view.front.geometry().right() - 1


def test_summary_of_a_walk(view: PatientView):
    said = show(view, replace(walk(steps=307), stage="finished", recording="here"))
    assert said["Summary of the set"] .startswith("Well done. 307 steps, 92 % at the target cadence. 307 of 300 steps done")
    none = replace(walk(nan, 0, walking=False), stage="finished")
    assert show(view, none)["Summary of the set"].startswith("The set has ended. No step was counted")
    few = replace(walk(nan, 5), stage="finished")
    assert show(view, few)["Summary of the set"].startswith("Well done. 5 steps. 5 of 300 steps done")


@pytest.fixture
def window(qapp) -> Iterator[Window]:
    """Of somebody who takes a step between two looks."""
    steps = iter(range(100, 200))
    w = Window(lambda: walk(steps=next(steps)), on_silence=lambda: None, on_close=lambda: None, live=False)
    yield w
    w.timer.stop()
    w.close()
    shiboken6.delete(w)


@pytest.mark.usefixtures("no_window_is_left")
def test_a_screen_reader_is_told_of_the_band_and_not_of_every_step(window: Window):
    told = list[str]()
    for k in range(30):
        window.clock_ns = lambda k=k: k * 1_100_000_000
        offered = window.announcer.offer(k * 1_100_000_000, window._sentences() if k else {})
        window.view.show_snapshot(window.read_snapshot(), None)
        told += [offered] if offered else []
    assert told == [PRAISE.rstrip("."), "Cadence in target"]


def test_the_picture_of_a_walk_is_of_its_second_half(view: PatientView, tmp_path: Path):
    assert not mid_set(walk(steps=142))
    assert mid_set(walk(steps=151))
    assert not mid_set(replace(walk(steps=151), stage="finished"))
    assert not mid_set(walk(nan, 151, walking=False))
    show(view, drifted())
    path = tmp_path / "walk.png"
    assert view.grab().save(str(path))
    assert path.stat().st_size > 10_000
