"""Anatomical angles of a joint: against scipy's Euler angles and poses whose angles are plain to see."""

from __future__ import annotations

import numpy as np
import pytest
from kinematics_bodies import DEG
from scipy.spatial.transform import Rotation

from imu.conventions import SIDES
from imu.kinematics import joint_angles


def wxyz(rotation: Rotation):
    return rotation.as_quat(scalar_first=True)


@pytest.mark.parametrize("side", SIDES)
def test_agrees_with_intrinsic_zxy_angles(side):
    rng = np.random.default_rng(5)
    angles = rng.uniform(-1.0, 1.0, (500, 3)) * [np.pi, 1.5, np.pi]
    proximal = Rotation.from_quat(rng.normal(size=(500, 4)))
    distal = proximal * Rotation.from_euler("ZXY", angles)
    sign = 1.0 if side == "right" else -1.0
    found = joint_angles(wxyz(proximal), wxyz(distal), side)
    np.testing.assert_allclose(found, angles * [1.0, sign, sign], atol=1e-9)
    # a quaternion and its negative are the same orientation
    np.testing.assert_allclose(joint_angles(-wxyz(proximal), wxyz(distal), side), found, atol=1e-12)


def test_known_poses_of_the_right_leg():
    """x anterior, y proximal, z right: what a person sees decides the sign."""
    identity = np.array([1.0, 0.0, 0.0, 0.0])

    def angles(axis, degrees, side="right"):
        q = wxyz(Rotation.from_rotvec(np.array(axis) * degrees * DEG))
        return joint_angles(identity, q, side) / DEG

    # about z (right) by the right-hand rule: y towards -x, the far end of the segment swings forward
    np.testing.assert_allclose(angles([0, 0, 1], 30), [30, 0, 0], atol=1e-9)
    # about x (forward): y towards z, so the far end of the segment goes left: towards the middle on a right leg
    np.testing.assert_allclose(angles([1, 0, 0], 10), [0, 10, 0], atol=1e-9)
    np.testing.assert_allclose(angles([1, 0, 0], 10, "left"), [0, -10, 0], atol=1e-9)
    # about y (up): z (right) towards x, so x (forward) turns to the left: inward on a right leg
    np.testing.assert_allclose(angles([0, 1, 0], 15), [0, 0, 15], atol=1e-9)
    np.testing.assert_allclose(angles([0, 1, 0], 15, "left"), [0, 0, -15], atol=1e-9)


def test_mirrored_legs_have_equal_angles():
    rng = np.random.default_rng(6)
    proximal, distal = (Rotation.from_quat(rng.normal(size=(50, 4))) for _ in range(2))
    mirror = np.diag([1.0, 1.0, -1.0])  # left and right exchanged, seen in the segment's frame
    left, right = (Rotation.from_matrix(mirror @ r.as_matrix() @ mirror) for r in (proximal, distal))
    np.testing.assert_allclose(
        joint_angles(wxyz(left), wxyz(right), "left"), joint_angles(wxyz(proximal), wxyz(distal), "right"), atol=1e-9
    )


def test_heading_of_the_world_changes_nothing_and_unknown_stays_unknown():
    rng = np.random.default_rng(8)
    proximal, distal = (Rotation.from_quat(rng.normal(size=(20, 4))) for _ in range(2))
    turn = Rotation.from_euler("z", 2.1)
    plain = joint_angles(wxyz(proximal), wxyz(distal), "left")
    np.testing.assert_allclose(joint_angles(wxyz(turn * proximal), wxyz(turn * distal), "left"), plain, atol=1e-9)
    gap = wxyz(distal)
    gap[4] = np.nan
    found = joint_angles(wxyz(proximal), gap, "left")
    assert np.isnan(found[4]).all()
    np.testing.assert_allclose(np.delete(found, 4, axis=0), np.delete(plain, 4, axis=0))


def test_one_orientation_goes_with_many():
    many = np.tile([1.0, 0.0, 0.0, 0.0], (3, 1))
    assert joint_angles([1.0, 0.0, 0.0, 0.0], many, "left").shape == (3, 3)
    assert joint_angles(many, [1.0, 0.0, 0.0, 0.0], "left").shape == (3, 3)
    assert joint_angles([1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], "left").shape == (3,)
    assert joint_angles(np.zeros((0, 4)), np.zeros((0, 4)), "left").shape == (0, 3)


@pytest.mark.parametrize(
    ("proximal", "distal", "side", "words"),
    [
        ([[1, 0, 0, 0]], [[1, 0, 0, 0]], "Left", "side is 'Left'"),
        ([[1, 0, 0]], [[1, 0, 0, 0]], "left", r"q_earth_proximal has shape \(1, 3\)"),
        ([[1, 0, 0, 0]], [[2, 0, 0, 0]], "left", "q_earth_distal row 0 has length 2"),
        (np.eye(4), np.eye(4)[:2], "left", "4 proximal and 2 distal"),
        ([[1, 0, 0, 0]], [["a", 0, 0, 0]], "left", "q_earth_distal must be an array of numbers"),
    ],
)
def test_wrong_arguments_are_named(proximal, distal, side, words):
    with pytest.raises(ValueError, match=words):
        joint_angles(proximal, distal, side)
