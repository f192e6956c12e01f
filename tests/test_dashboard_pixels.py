"""What is drawn where: colours on the faulty side, bars at its edge, hatch and dashes instead of what is not known."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import dashboard_scenes as scenes
import numpy as np
import pytest
from dashboard_bench import open_view  # noqa: F401  (fixtures)
from numpy.typing import NDArray
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from imu.conventions import SIDES, Side
from imu.dashboard.patient_view import PatientView
from imu.dashboard.pose import HIP_X, LIMB_LENGTH, Camera, Leg, Posture, joints, measured_posture, target_posture
from imu.dashboard.theme import DARK, LIGHT, PALETTES, Look
from imu.snapshot import Snapshot


def where(widget: QWidget, colour: str) -> NDArray[np.bool_]:
    """(h, w) True where exactly this colour is."""
    c = QColor(colour)
    return np.all(scenes.pixels(widget.grab().toImage()) == (c.red(), c.green(), c.blue()), axis=2)


def halves(mask: NDArray[np.bool_]) -> tuple[int, int]:
    middle = mask.shape[1] // 2
    return int(mask[:, :middle].sum()), int(mask[:, middle:].sum())


def show(view: PatientView, snapshot: Snapshot) -> None:
    view.show_snapshot(snapshot, None)


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_faulty_limb_has_the_cues_colour_on_its_side(view: PatientView, side: Side, mirror: bool, theme: str):
    palette = PALETTES[theme]
    view.set_look(Look(palette))
    view.set_mirror(mirror)
    show(view, scenes.drill())
    assert not where(view.front, palette.cue).any()
    show(view, scenes.alignment(side))
    left, right = halves(where(view.front, palette.cue))
    on_the_right_half = (side == "right") == mirror
    many, few = (right, left) if on_the_right_half else (left, right)
    assert many > 4000
    assert few < 0.1 * many
    # ring and arrow in ink point outwards on the same side
    ink_left, ink_right = halves(where(view.front, palette.ink))
    assert (ink_right > ink_left) == on_the_right_half


@pytest.mark.parametrize("mirror", [True, False])
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_bar_is_at_the_persons_own_edge_however_the_figure_is_shown(view: PatientView, side: Side, mirror: bool):
    view.set_mirror(mirror)
    show(view, scenes.alignment(side))
    mask = where(view, DARK.cue)
    left, right = bool(mask[:, :12].all()), bool(mask[:, -12:].all())
    assert (left, right) == (side == "left", side == "right")
    show(view, scenes.drill())
    mask = where(view, DARK.cue)
    assert not mask[:, :12].any()
    assert not mask[:, -12:].any()


def test_on_light_the_orange_has_a_dark_edge(view: PatientView):
    view.set_look(Look(LIGHT))
    show(view, scenes.alignment("right"))
    assert where(view, LIGHT.cue_line)[:, -12].all()
    assert where(view.front, LIGHT.cue_line).sum() > 300


def test_the_side_word_stands_at_its_end_of_the_slot(view: PatientView):
    for side in SIDES:
        show(view, scenes.alignment(side))
        dark = where(view.cue, DARK.cue_ink)
        # the tag is the one dark field that is as high as the slot
        columns = np.flatnonzero(dark[10:-10].mean(axis=0) > 0.7)
        assert columns.min() > dark.shape[1] / 2


def test_a_cue_without_a_side_marks_no_limb_but_the_disc(view: PatientView):
    show(view, scenes.tempo())
    assert not where(view.front, DARK.cue).any()
    assert not where(view.side, DARK.cue).any()
    assert where(view.tempo, DARK.cue).sum() > 300
    show(view, scenes.drill())
    assert not where(view.tempo, DARK.cue).any()


def test_an_unknown_limb_is_hatched_and_loses_its_colour(view: PatientView):
    show(view, scenes.drill(12.0))
    known = halves(where(view.front, DARK.bone))
    assert not where(view.front, DARK.unknown).any()
    show(view, scenes.lost("shank_right"))
    left, right = halves(where(view.front, DARK.bone))
    assert left == pytest.approx(known[0], rel=0.05)
    assert right < 0.75 * known[1]
    ground, hatch = where(view.front, DARK.unknown), where(view.front, DARK.unknown_line)
    assert halves(ground)[1] > 1000
    assert halves(hatch)[1] > 300
    assert halves(ground)[0] == 0
    # the mark of loss stands beside it
    assert halves(where(view.front, DARK.stop))[1] > 300


def test_an_unknown_depth_is_hatched(view: PatientView):
    s = scenes.drill()
    show(view, s)
    assert where(view.gauge, DARK.band).any()
    assert not where(view.gauge, DARK.unknown).any()
    show(view, replace(s, repetition=replace(s.repetition, depth=nan)))
    assert not where(view.gauge, DARK.band).any()
    assert not where(view.gauge, DARK.bone2).any()
    assert where(view.gauge, DARK.unknown_line).sum() > 1000


def test_a_sensor_that_is_awaited_is_an_outline(view: PatientView):
    show(view, scenes.stand())
    filled = int(where(view.front, DARK.bone).sum())
    show(view, scenes.connecting())
    assert int(where(view.front, DARK.bone).sum()) < 0.75 * filled
    assert not where(view.front, DARK.unknown).any()


def test_the_gauge_fills_downwards(view: PatientView):
    lowest = []
    for knee in (10.0, 40.0, 90.0):
        show(view, scenes.drill(knee))
        lowest.append(int(np.flatnonzero(where(view.gauge, DARK.ink)[:, :48].any(axis=1)).max()))
    assert lowest == sorted(lowest)
    assert lowest[2] - lowest[0] > 200
    # at 90° the disc is inside the target
    band = np.flatnonzero(where(view.gauge, DARK.band_edge)[:, :48].any(axis=1))
    assert band.min() < lowest[2] - 16 < band.max()


def test_the_tempo_bar_is_to_scale(view: PatientView):
    show(view, scenes.drill())
    widths = [wide for _, _, _, wide in view.tempo.segments(view.tempo.design_size[0])]
    assert np.allclose(np.array(widths) / widths[1], (3.0, 1.0, 2.0, 1.0))
    no_hold = replace(scenes.drill().drill, tempo_s=(3.0, 0.0, 2.0, 1.0))
    show(view, replace(scenes.drill(), drill=no_hold))
    assert [k for k, *_ in view.tempo.segments(1216.0)] == [0, 2, 3]


def test_pace_line_and_person_stand_where_they_are(view: PatientView):
    show(view, scenes.tempo())
    width = view.tempo.design_size[0]
    on_cue = np.flatnonzero(where(view.tempo, DARK.cue).any(axis=0))
    assert (on_cue.min() + on_cue.max()) / 2 == pytest.approx(view.tempo.position(1.95, width), abs=2)
    ink = where(view.tempo, DARK.ink)
    line = np.flatnonzero(ink[-50:-45].all(axis=0))
    assert float(np.median(line)) == pytest.approx(view.tempo.position(1.15, width), abs=3)


def test_a_larger_screen_shows_the_same_larger(qtbot):
    small, large = PatientView(), PatientView()
    for v, size in ((small, (1280, 800)), (large, (2560, 1600))):
        qtbot.addWidget(v)
        v.resize(*size)
        v.show()
        v.show_snapshot(scenes.alignment("right"), None)
    assert large.cue.geometry().width() == 2 * small.cue.geometry().width()
    share = [float(where(v, DARK.cue).mean()) for v in (small, large)]
    assert share[0] == pytest.approx(share[1], rel=0.02)
    small.close()
    large.close()


def test_the_feet_stay_on_the_floor_and_limbs_keep_their_length():
    for knee in (0.0, 40.0, 95.0):
        points = joints(measured_posture(scenes.angles(knee, "right")))
        assert min(points["ankle_left"][1], points["ankle_right"][1]) == pytest.approx(0.08)
        for side in SIDES:
            for upper, lower in (("hip", "knee"), ("knee", "ankle")):
                gap = np.subtract(points[f"{upper}_{side}"], points[f"{lower}_{side}"])
                assert np.linalg.norm(gap) == pytest.approx(LIMB_LENGTH)
    hips = joints(Posture())
    assert hips["hip_right"][0] - hips["hip_left"][0] == pytest.approx(2 * HIP_X)


def test_a_knee_that_falls_in_is_drawn_nearer_to_the_middle():
    straight = joints(measured_posture(scenes.angles(75.0)))
    fallen = joints(measured_posture(scenes.angles(75.0, "right")))

    def outside(points: dict[str, tuple[float, float, float]]) -> float:
        return points["knee_right"][0] - points["hip_right"][0]

    assert outside(fallen) < outside(straight) - 0.1


def test_mirror_and_front_are_each_others_mirror_image():
    points = joints(measured_posture(scenes.angles(60.0, "left")))
    mirror, front = (Camera(v, 300.0, 0.0, 400.0) for v in ("mirror", "front"))
    for point in points.values():
        a, b = mirror(point), front(point)
        assert (a.x, a.y, a.scale) == (-b.x, b.y, b.scale)
    assert mirror(points["knee_right"]).x > 0


def test_the_target_never_asks_the_knees_inwards():
    bad = Leg(0.5, 0.3, 0.3, 0.2)
    good = Leg(0.5, -0.1, 0.3, -0.05)
    for person in (Posture(bad, bad), Posture(good, bad), Posture(bad, Leg())):
        target = target_posture(0.9, person)
        assert target.left == target.right
        assert target.left.thigh_frontal is not None
        assert target.left.thigh_frontal <= 0.0
    assert target_posture(0.9, Posture(good, bad)).right.thigh_frontal == -0.1
