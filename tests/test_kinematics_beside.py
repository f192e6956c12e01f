"""A leg that turns in is not a person who has turned: what a frontal tilt makes of either."""

from __future__ import annotations

import numpy as np
import pytest
from kinematics_bodies import DEG, Person, performed, turned

from imu.conventions import CORE_SEGMENTS, angle_column
from imu.packets import Quality

HEADING = int(Quality.HEADING_STALE)
SHANK = angle_column("shank_frontal_tilt", "left")
BEFORE, DURING = 1380, slice(1300 + 250, 1300 + 315)
"""Frames: upright, and with the leg turned in."""


def bent(degrees, axial=0.0):
    """Bent from the first second on, turned by `axial` degrees (+ to the left) after the second one."""

    def at(t):
        share, later = np.clip(t, 0, 1), np.clip((t - 2.0) / 0.4, 0, 1) * np.clip((3.6 - t) / 0.4, 0, 1)
        return turned(axial=axial * DEG * later) * turned(degrees * DEG * share)

    return at


def frames_of(worn=CORE_SEGMENTS, **axial):
    """The person bends both legs; `axial`: how far what is turned, in degrees."""
    tilts = {"pelvis": -8.0, "thigh_left": 25.0, "thigh_right": 25.0, "shank_left": -20.0, "shank_right": -20.0}
    moves = {name: bent(tilt, axial.get(name, 0.0)) for name, tilt in tilts.items()}
    return performed(Person(moves, seconds=20.0, segments=worn))[0]


def expected(axial):
    """Sideways tilt of a shank that leans forward by 20° and is turned by `axial` degrees to the right, inwards."""
    return np.arcsin(np.sin(20.0 * DEG) * np.sin(axial * DEG)) / DEG


@pytest.mark.parametrize("worn", [CORE_SEGMENTS, tuple(s for s in CORE_SEGMENTS if s != "pelvis")])
def test_a_leg_that_turns_in_keeps_its_frontal_tilt(worn):
    """The knee of a shallow hinge that falls in: shank 13° to the side by a turn of 42°. It was unknown."""
    frames = frames_of(worn, thigh_left=-42.0, shank_left=-42.0)
    assert (frames.flags[DURING, SHANK] & HEADING == 0).all()
    assert np.abs(frames.angle[DURING, SHANK] / DEG - expected(42.0)).max() < 1.0
    assert (frames.sigma[DURING, SHANK] < 3.0 * DEG).all()


def test_both_knees_that_fall_in_are_no_turn():
    frames = frames_of(thigh_left=-42.0, shank_left=-42.0, thigh_right=42.0, shank_right=42.0)
    for side in ("left", "right"):
        column = angle_column("shank_frontal_tilt", side)
        assert np.abs(frames.angle[DURING, column] / DEG - expected(42.0)).max() < 1.0


@pytest.mark.parametrize("pelvis", [25.0, 42.0])
def test_a_person_who_turns_takes_the_pelvis_along(pelvis):
    turn = {f"{part}_{side}": -42.0 for part in ("thigh", "shank") for side in ("left", "right")}
    frames = frames_of(pelvis=-pelvis, **turn)
    assert (frames.flags[DURING, SHANK] & HEADING).all()


def test_a_leg_that_turns_further_than_legs_do_is_not_believed():
    frames = frames_of(thigh_left=-95.0, shank_left=-95.0)
    assert (frames.flags[DURING, SHANK] & HEADING).all()


def test_without_a_witness_a_large_turn_is_one_of_the_person():
    frames = frames_of(("thigh_left", "shank_left"), thigh_left=-42.0, shank_left=-42.0)
    assert (frames.flags[DURING, SHANK] & HEADING).all()
    assert (frames.flags[BEFORE, SHANK] & HEADING) == 0
