"""The sign page of `imu.conventions`, executed: a person moves one thing at a time and the page says what must come out."""

from __future__ import annotations

import numpy as np
import pytest
from kinematics_bodies import DEG, Person, angle_deg, performed, turned

from imu.conventions import ANGLES, SEGMENTS, SIDES, SLOT_OF_SEGMENT, angle_column, angle_label, segment_of, side_of

AWAY = 3.0
"""s after the beginning of the move at which it is complete."""


def moved(away_s=AWAY, **moves):
    """Each segment goes to its pose within a second and stays; returns the angles there, in degrees by label.

    away_s: s after it set off. Who stays upright for a second longer has taken a new stand, and counts from there.
    """

    def going(pose):
        def path(t):
            share = np.clip(t, 0.0, 1.0)
            return turned(*(angle * DEG * share for angle in pose))

        return path

    frames, _, body = performed(Person({s: going(pose) for s, pose in moves.items()}))
    assert body.calibration is not None
    row = round((13.0 + away_s) * 100)
    return {angle_label(*key): frames.angle[row, i] / DEG for i, key in enumerate(ANGLES)}


def assert_only(found, tolerance=0.3, **wanted):
    """Every angle is as named, or zero; nobody wears feet here."""
    for label, value in found.items():
        if label.startswith("ankle"):
            continue
        assert value == pytest.approx(wanted.get(label, 0.0), abs=tolerance), label


def test_nothing_moves_everything_is_zero():
    assert_only(moved())


@pytest.mark.parametrize("side", SIDES)
def test_knee_lift_is_positive_hip_and_knee_flexion(side):
    found = moved(**{f"thigh_{side}": (50.0, 0.0, 0.0)})
    wanted = dict.fromkeys((f"thigh_tilt_{side}", f"thigh_sagittal_tilt_{side}", f"knee_flexion_{side}"), 50.0)
    assert_only(found, **wanted, **{f"hip_flexion_{side}": 50.0})


@pytest.mark.parametrize("side", SIDES)
def test_shin_leaning_forward_bends_the_knee(side):
    """The knee comes forward over the foot: the upper end moves, so the segment turns the other way."""
    found = moved(**{f"shank_{side}": (-30.0, 0.0, 0.0)})
    assert_only(found, **dict.fromkeys((f"shank_tilt_{side}", f"shank_sagittal_tilt_{side}", f"knee_flexion_{side}"), 30.0))


@pytest.mark.parametrize("side", SIDES)
def test_in_the_sagittal_plane_the_knee_is_the_sum_of_both_tilts(side):
    found = moved(**{f"thigh_{side}": (65.0, 0.0, 0.0), f"shank_{side}": (-32.0, 0.0, 0.0)})
    assert found[f"knee_flexion_{side}"] == pytest.approx(97.0, abs=0.3)


def test_top_of_the_pelvis_forward_is_positive_tilt_and_flexes_both_hips():
    found = moved(pelvis=(-20.0, 0.0, 0.0))
    assert_only(found, pelvis_tilt=20.0, hip_flexion_left=20.0, hip_flexion_right=20.0)


def test_right_side_of_the_pelvis_higher_is_positive_obliquity():
    # about x (forward) by the right-hand rule: y towards z, up towards right: the right side goes down
    found = moved(pelvis=(0.0, -10.0, 0.0))
    # seen from the pelvis the right thigh goes to the middle and the left one away from it
    assert_only(found, pelvis_obliquity=10.0, hip_adduction_right=10.0, hip_adduction_left=-10.0)


@pytest.mark.parametrize("side", SIDES)
def test_foot_end_of_the_shank_towards_the_middle_is_varus(side):
    """About x the upper end goes right and the foot left: to the middle on a right leg."""
    angle = 8.0 if side == "right" else -8.0
    found = moved(**{f"shank_{side}": (0.0, angle, 0.0)})
    assert_only(
        found, **{f"knee_adduction_{side}": 8.0, f"shank_tilt_{side}": 8.0, f"shank_frontal_tilt_{side}": -8.0}
    )  # fmt: skip


@pytest.mark.parametrize("side", SIDES)
def test_the_thigh_away_from_the_middle_is_negative_hip_adduction_and_varus(side):
    """The knee goes out over a foot that stays: the thigh alone turns, and the knee opens on its outer side."""
    angle = -9.0 if side == "right" else 9.0
    found = moved(**{f"thigh_{side}": (0.0, angle, 0.0)})
    assert_only(
        found, **{f"hip_adduction_{side}": -9.0, f"knee_adduction_{side}": 9.0},
        **{f"thigh_tilt_{side}": 9.0, f"thigh_frontal_tilt_{side}": -9.0},
    )  # fmt: skip


@pytest.mark.parametrize("side", SIDES)
def test_toes_inward_is_internal_rotation(side):
    """About y (up) the front goes left: inward on a right leg. Of the shank it is the knee's, of the thigh the hip's."""
    angle = 7.0 if side == "right" else -7.0
    found = moved(1.2, **{f"shank_{side}": (0.0, 0.0, angle)})
    assert found[f"knee_rotation_{side}"] == pytest.approx(7.0, abs=0.3)
    assert found[f"knee_flexion_{side}"] == pytest.approx(0.0, abs=0.3)
    found = moved(1.2, **{f"thigh_{side}": (0.0, 0.0, angle), f"shank_{side}": (0.0, 0.0, angle)})
    assert found[f"hip_rotation_{side}"] == pytest.approx(7.0, abs=0.3)
    assert found[f"knee_rotation_{side}"] == pytest.approx(0.0, abs=0.3)


def test_pelvis_to_the_left_is_positive_rotation():
    assert moved(1.2, pelvis=(0.0, 0.0, 12.0))["pelvis_rotation"] == pytest.approx(12.0, abs=0.3)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("depth", [0.0, 30.0, 60.0, 75.0])
def test_knee_in_is_a_positive_frontal_tilt_of_the_thigh_at_any_depth(side, depth):
    """The knee is the lower end: it goes left on a right leg when the upper end tilts right relative to it."""
    medial = 12.0 if side == "right" else -12.0
    found = moved(1.2, **{f"thigh_{side}": (depth, medial, 0.0)})
    assert found[f"thigh_frontal_tilt_{side}"] == pytest.approx(12.0, abs=0.4)
    assert found[f"thigh_sagittal_tilt_{side}"] == pytest.approx(depth, abs=1.0 if depth else 0.3)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("depth", [0.0, 20.0, 35.0])
def test_knee_in_is_a_positive_frontal_tilt_of_the_shank(side, depth):
    """The knee is the upper end: it goes left on a right leg."""
    medial = -10.0 if side == "right" else 10.0
    found = moved(1.2, **{f"shank_{side}": (-depth, medial, 0.0)})
    assert found[f"shank_frontal_tilt_{side}"] == pytest.approx(10.0, abs=0.4)


def test_a_tilt_has_no_sign():
    found = moved(thigh_left=(-25.0, 0.0, 0.0), shank_right=(0.0, 20.0, 0.0))
    assert found["thigh_tilt_left"] == pytest.approx(25.0, abs=0.3)
    assert found["shank_tilt_right"] == pytest.approx(20.0, abs=0.3)


def squatting(scale=1.0):
    """A squat with the right knee falling in; thighs and shanks of both legs differ."""

    def path(forward, medial, axial):
        def at(t):
            share = np.sin(np.clip(t / 4.0, 0.0, 1.0) * np.pi) ** 2
            return turned(forward * DEG * share, medial * DEG * share**2, axial * DEG * share**2)

        return at

    return {
        "thigh_left": (60.0, -2.0, 3.0), "thigh_right": (63.0, 10.0, -8.0), "shank_left": (-30.0, 1.0, -2.0),
        "shank_right": (-33.0, -9.0, 4.0), "pelvis": (-18.0, 2.0, 5.0),
    }, path  # fmt: skip


def test_mirroring_left_and_right_swaps_left_and_right_and_nothing_else():
    poses, path = squatting()
    plain, _, _ = performed(Person({s: path(*pose) for s, pose in poses.items()}))
    swap = {"left": "right", "right": "left"}
    mirrored = {}
    for segment, (forward, medial, axial) in poses.items():
        side = side_of(segment)
        other = segment if side is None else segment.replace(side, swap[side])
        mirrored[other] = path(forward, -medial, -axial)
    other, _, _ = performed(Person(mirrored))
    for name, side in ANGLES:
        if name.startswith("ankle"):
            continue
        sign = -1.0 if name in ("pelvis_obliquity", "pelvis_rotation") else 1.0
        wanted = angle_deg(plain, name, swap[side] if side else None)
        np.testing.assert_allclose(sign * angle_deg(other, name, side), wanted, atol=1e-6, err_msg=name)


def test_heading_of_the_world_and_of_every_sensor_changes_nothing():
    poses, path = squatting()
    moves = {s: path(*pose) for s, pose in poses.items()}
    plain, _, _ = performed(Person(moves))
    other, _, _ = performed(Person(moves, heading_seed=91))
    np.testing.assert_allclose(other.angle, plain.angle, atol=1e-9)
    np.testing.assert_allclose(np.abs(other.q_earth_segment), np.abs(plain.q_earth_segment), atol=1e-9)


def test_mounting_of_the_sensors_changes_nothing():
    poses, path = squatting()
    moves = {s: path(*pose) for s, pose in poses.items()}
    plain, _, _ = performed(Person(moves))
    other, _, _ = performed(Person(moves, mounting_seed=44))
    np.testing.assert_allclose(other.angle, plain.angle, atol=1e-9)


def test_a_turn_about_the_vertical_in_the_stand_changes_no_angle():
    """The person turns to the left between repetitions; only the pelvis says so, until the next quiet stand."""

    def turning(t):
        return turned(0.0, 0.0, 100.0 * DEG * np.clip(t / 3.0, 0.0, 1.0))

    segments = [f"{part}_{side}" for part in ("thigh", "shank") for side in SIDES] + ["pelvis"]
    frames, _, _ = performed(Person(dict.fromkeys(segments, turning)))
    column = angle_column("pelvis_rotation")
    others = np.delete(frames.angle[1500:], column, axis=1)
    assert np.nanmax(np.abs(others)) < 0.3 * DEG
    assert np.nanmax(frames.angle[1500:, column]) == pytest.approx(100.0 * DEG, abs=1.0 * DEG)
    assert abs(frames.angle[-1, column]) < 0.3 * DEG


def test_columns_and_names_belong_together():
    for i, key in enumerate(ANGLES):
        assert angle_column(*key) == i
    assert len({angle_label(*key) for key in ANGLES}) == len(ANGLES)
    with pytest.raises(KeyError, match=r"there are: .*knee_flexion_left"):
        angle_column("knee_flexion")
    assert [SLOT_OF_SEGMENT[s] for s in SEGMENTS] == list(range(8))
    assert segment_of("thigh", "left") == "thigh_left"
    with pytest.raises(KeyError, match="no segment"):
        segment_of("arm", "left")
    assert side_of("pelvis") is None
    assert side_of("shank_right") == "right"
