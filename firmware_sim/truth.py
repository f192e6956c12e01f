"""The true angles of a body, by the names and signs of `imu.conventions`, relative to its stand."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.body import STILL_S, Moving
from imu.conventions import SIDES, Segment, Side, angle_label, segment_of

Floats = NDArray[np.float64]

UP: Final = np.array([0.0, 0.0, 1.0])


def truth(body: Moving, t: Floats) -> dict[str, Floats]:
    """Every angle at (n,) s since the start; rad, (n,) each, keyed by `conventions.angle_label`. Ankles if it has feet.

    Each segment's frame is the one of the stand: y up, z the level direction of its own medio-lateral axis. Sagittal and
    unsigned tilts are those of y against the vertical; the frontal tilt is how far y has moved along the z of the stand,
    which turns with the person;
    joint angles are those of Grood & Suntay, rotation relative to the stand (a thigh may be turned out there against the
    pelvis). `pelvis_rotation` is relative to where the pelvis faced in the last quiet stand, within ±180°.
    """
    angles: dict[str, Floats] = {}
    facing = body.facing(t)
    pelvis, _ = _frame(body, "pelvis", t)
    angles["pelvis_tilt"] = np.arctan2(-pelvis[1:, 2, 0], pelvis[1:, 2, 1])
    angles["pelvis_obliquity"] = np.arcsin(pelvis[1:, 2, 2])
    turned = np.arctan2(pelvis[1:, 0, 2], -pelvis[1:, 1, 2]) - body.faced(t)
    angles["pelvis_rotation"] = np.remainder(turned + np.pi, 2.0 * np.pi) - np.pi
    for side in SIDES:
        inward = 1.0 if side == "left" else -1.0
        thigh, thigh_z = _frame(body, segment_of("thigh", side), t)
        shank, shank_z = _frame(body, segment_of("shank", side), t)
        hip, knee = _joint(pelvis, thigh, side), _joint(thigh, shank, side)
        found = {
            "knee_flexion": -knee[0],
            "knee_adduction": knee[1],
            "knee_rotation": knee[2],
            "hip_flexion": hip[0],
            "hip_adduction": hip[1],
            "hip_rotation": hip[2],
            "thigh_tilt": np.arctan2(np.hypot(thigh[1:, 2, 0], thigh[1:, 2, 2]), thigh[1:, 2, 1]),
            "shank_tilt": np.arctan2(np.hypot(shank[1:, 2, 0], shank[1:, 2, 2]), shank[1:, 2, 1]),
            "thigh_sagittal_tilt": np.arctan2(thigh[1:, 2, 0], thigh[1:, 2, 1]),
            "shank_sagittal_tilt": np.arctan2(-shank[1:, 2, 0], shank[1:, 2, 1]),
            # the knee is the lower end of the thigh and the upper end of the shank
            "thigh_frontal_tilt": -inward * _along(thigh, thigh_z, facing),
            "shank_frontal_tilt": inward * _along(shank, shank_z, facing),
        }
        if f"foot_{side}" in body.segments:
            ankle = _joint(shank, _frame(body, segment_of("foot", side), t)[0], side)
            found |= {"ankle_flexion": ankle[0], "ankle_adduction": ankle[1], "ankle_rotation": ankle[2]}
        angles |= {angle_label(name, side): values for name, values in found.items()}
    return angles


def _frame(body: Moving, segment: Segment, t: Floats) -> tuple[Floats, Floats]:
    """Columns x, y, z of a segment's frame of the stand, (1 + n, 3, 3), first at the stand; and its z there, (3,)."""
    rotation = body.pose(segment, np.concatenate(([STILL_S], t))).rotation
    standing = rotation[0]
    z = np.array([standing[0, 2], standing[1, 2], 0.0])
    z /= np.linalg.norm(z)
    level = np.stack((np.cross(UP, z), UP, z), axis=1)
    return rotation @ (standing.T @ level), z


def _joint(proximal: Floats, distal: Floats, side: Side) -> tuple[Floats, Floats, Floats]:
    """Far end forward, adduction, internal rotation of (1 + n) frames -> (n,) each, rotation relative to the first."""
    r = np.einsum("nji,njk->nik", proximal, distal)
    sign = 1.0 if side == "right" else -1.0
    rotation = np.arctan2(-r[:, 2, 0], r[:, 2, 2])
    rotation = np.remainder(rotation[1:] - rotation[0] + np.pi, 2.0 * np.pi) - np.pi
    r = r[1:]
    return np.arctan2(-r[:, 0, 1], r[:, 1, 1]), sign * np.arcsin(np.clip(r[:, 2, 1], -1.0, 1.0)), sign * rotation


def _along(frame: Floats, z: Floats, facing: Floats) -> Floats:
    """How far y has moved along the z of the stand, turned to where the person faces now; rad."""
    c, s = np.cos(facing), np.sin(facing)
    return np.arcsin(frame[1:, 0, 1] * (c * z[0] - s * z[1]) + frame[1:, 1, 1] * (s * z[0] + c * z[1]))
