"""Where things are on the screen: nothing moves, overlaps or is cut, at every size and text scale; names for all."""

from __future__ import annotations

from dataclasses import replace

import dashboard_scenes as scenes
import pytest
from dashboard_bench import open_view, show, visible  # noqa: F401  (fixtures)
from PySide6.QtCore import QRect
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import QApplication, QWidget

from imu.dashboard.cue_slot import LARGEST, SMALLEST
from imu.dashboard.patient_view import PatientView
from imu.dashboard.theme import DARK, LIGHT, PALETTES, Look, contrast

MS = 1_000_000


def geometry(view: PatientView) -> dict[str, QRect]:
    """Rectangles of everything but the bars at the edges, which come and go with a cue."""
    shown = {p.accessibleName(): p.geometry() for p in view.panels if p.isVisible()}
    return {name: rectangle for name, rectangle in shown.items() if not name.startswith("Cue at")}


@pytest.mark.parametrize("text", [1.0, 1.5])
def test_the_layout_does_not_move_when_a_cue_comes_or_goes(view: PatientView, text: float):
    view.set_look(Look(DARK, text))
    show(view, scenes.drill())
    calm = geometry(view)
    for scene in (scenes.alignment("right"), scenes.alignment("left"), scenes.tempo(), scenes.no_sound(), scenes.drill()):
        show(view, scene)
        assert geometry(view) == calm


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080), (1024, 768), (640, 400), (2560, 1080)])
@pytest.mark.parametrize("text", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("scene", scenes.SCENES)
def test_nothing_overlaps_and_nothing_leaves_the_screen(qtbot, size, text, scene):
    v = PatientView(Look(LIGHT, text))
    qtbot.addWidget(v)
    v.resize(*size)
    v.show()
    v.show_snapshot(scenes.SCENES[scene](), None)
    shown = {p.accessibleName(): p.geometry() for p in v.panels if p.isVisible()}
    for name, rectangle in shown.items():
        assert v.rect().contains(rectangle), name
    # the floor of the figure reaches under the words beside it
    parts = [(n, r) for n, r in shown.items() if n != "What to do"]
    for k, (a, first) in enumerate(parts):
        for b, second in parts[k + 1 :]:
            assert not first.intersects(second), (a, b)
    v.close()


@pytest.mark.parametrize("text", [1.0, 1.25, 1.5, 2.0])
@pytest.mark.parametrize("scene", ["cue_right", "cue_left", "tempo"])
def test_a_cue_fits_two_lines_of_the_slot(view: PatientView, text: float, scene: str):
    view.set_look(Look(DARK, text))
    snapshot = scenes.SCENES[scene]()
    show(view, snapshot)
    width, height = view.cue.design_size
    size, lines, _, _ = view.cue.fit(width, height)
    assert SMALLEST <= size <= LARGEST
    assert len(lines) <= 2
    assert len(lines) * size * 64 / 60 <= height
    assert snapshot.cue is not None
    assert " ".join(lines) == snapshot.cue.text


def test_the_large_text_drops_the_side_figure(view: PatientView):
    assert "You, from the side" in show(view, scenes.drill())
    view.set_look(Look(DARK, 1.25))
    assert "You, from the side" not in visible(view)
    assert visible(view)["Drill, sensors and sound"] == "Squat. Sensors. Sound on"


@pytest.mark.parametrize("scene", scenes.SCENES)
def test_every_widget_has_a_name_and_says_its_state(view: PatientView, scene: str):
    show(view, scenes.SCENES[scene]())
    for widget in [view, *view.findChildren(QWidget)]:
        interface = QAccessible.queryAccessibleInterface(widget)
        assert interface is not None
        assert interface.text(QAccessible.Text.Name), type(widget).__name__
    for panel in view.panels:
        assert panel.accessibleDescription() == panel.words(), panel.accessibleName()


def test_an_equal_state_is_not_painted_again(view: PatientView):
    # sensors lost: NaN is in the snapshot, and NaN is not equal to itself
    for scene in (scenes.alignment("right"), scenes.lost()):
        show(view, scene)
        before = [p.state for p in view.panels]
        show(view, replace(scene, angle=scene.angle.copy(), t_us=scene.t_us + 10_000))
        assert all(a is p.state for a, p in zip(before, view.panels, strict=True))


def test_text_and_meaning_have_contrast():
    for p in PALETTES.values():
        for ground in (p.bg, p.surface, p.raised):
            for text in (p.ink, p.ink2, p.ink3, p.left, p.right, p.ok, p.warn, p.stop):
                assert contrast(text, ground) >= 4.5
        assert contrast(p.cue_ink, p.cue) >= 4.5
        for drawn in (p.outline, p.bone, p.bone2, p.ghost, p.unknown_line, p.band_edge, p.stop_fill, p.cue_line):
            assert contrast(drawn, p.bg) >= 3.0


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("scene", scenes.SCENES)
def test_every_scene_paints_in_both_themes(view: PatientView, scene: str, theme: str):
    view.set_look(Look(PALETTES[theme]))
    show(view, scenes.SCENES[scene]())
    QApplication.processEvents()
    picture = view.grab().toImage()
    assert picture.pixelColor(4, 400).name() in (PALETTES[theme].bg.lower(), PALETTES[theme].cue.lower())
