"""The true angles of a body, by the names and signs of `imu.conventions`, relative to its stand."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.body import STILL_S, Body
from imu.conventions import SIDES, Segment, angle_label, segment_of

Floats = NDArray[np.float64]

UP: Final = np.array([0.0, 0.0, 1.0])


def truth(body: Body, t: Floats) -> dict[str, Floats]:
    """Every angle of `conventions.ANGLES` at (n,) s of script time; rad, (n,) each, keyed by `conventions.angle_label`.

    Each segment's frame is the one of the stand: y up, z the level direction of its own medio-lateral axis. Sagittal and
    unsigned tilts are those of y against the vertical; the frontal tilt is how far y has moved along the z of the stand;
    knee flexion is the first angle of Grood & Suntay.
    """
    angles: dict[str, Floats] = {}
    pelvis, _ = _frame(body, "pelvis", t)
    tilt = np.arctan2(-pelvis[:, 2, 0], pelvis[:, 2, 1])
    angles["pelvis_tilt"] = tilt
    angles["pelvis_obliquity"] = np.arcsin(pelvis[:, 2, 2])
    for side in SIDES:
        inward = 1.0 if side == "left" else -1.0
        thigh, thigh_z = _frame(body, segment_of("thigh", side), t)
        shank, shank_z = _frame(body, segment_of("shank", side), t)
        thigh_forward = np.arctan2(thigh[:, 2, 0], thigh[:, 2, 1])
        knee = np.einsum("nji,njk->nik", thigh, shank)
        found = {
            "knee_flexion": np.arctan2(knee[:, 0, 1], knee[:, 1, 1]),
            "hip_flexion": thigh_forward + tilt,
            "thigh_tilt": np.arctan2(np.hypot(thigh[:, 2, 0], thigh[:, 2, 2]), thigh[:, 2, 1]),
            "shank_tilt": np.arctan2(np.hypot(shank[:, 2, 0], shank[:, 2, 2]), shank[:, 2, 1]),
            "thigh_sagittal_tilt": thigh_forward,
            "shank_sagittal_tilt": np.arctan2(-shank[:, 2, 0], shank[:, 2, 1]),
            # the knee is the lower end of the thigh and the upper end of the shank
            "thigh_frontal_tilt": -inward * np.arcsin(thigh[:, :, 1] @ thigh_z),
            "shank_frontal_tilt": inward * np.arcsin(shank[:, :, 1] @ shank_z),
        }
        angles |= {angle_label(name, side): values for name, values in found.items()}
    return angles


def _frame(body: Body, segment: Segment, t: Floats) -> tuple[Floats, Floats]:
    """Columns x, y, z of a segment's frame of the stand, (n, 3, 3), and its z at the stand, (3,)."""
    rotation = body.pose(segment, np.concatenate(([STILL_S], t))).rotation
    standing = rotation[0]
    z = np.array([standing[0, 2], standing[1, 2], 0.0])
    z /= np.linalg.norm(z)
    level = np.stack((np.cross(UP, z), UP, z), axis=1)
    return rotation[1:] @ (standing.T @ level), z
