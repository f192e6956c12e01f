"""Layout of what the kernels of this room keep. Angles rad, rates rad/s, times int64 µs."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]
Record = np.void
"""One row of `Records`."""

# parts of the body, the same on both sides
PELVIS, THIGH, SHANK, FOOT = 0, 1, 2, 3
OTHER: Final = -1
"""The trunk: no angle of this version needs it."""

SEGMENT: Final = np.dtype(
    [
        ("part", "i8"), ("known", "i8"), ("q", "f8", (4,)),
        # heading of the segment's frame at the stand in the sensor's own earth frame, and of its flexion axis (to the
        # right) when the person last stood
        ("facing_known", "i8"), ("facing", "f8", (2,)), ("axis_known", "i8"), ("axis", "f8", (2,)),
        ("axis_age", "i8"), ("turned", "f8"),
        # row of the pelvis (or of the other leg, -1 = none), where its z was when this segment last stood, in its own
        # earth frame, and by how much it has turned since; NaN = not known in this frame
        ("witness", "i8"), ("beside_known", "i8"), ("beside", "f8", (2,)), ("beside_turn", "f8"),
        # heading of z at the last quiet stand of the whole person, in the sensor's own earth frame; frames since
        ("rest_known", "i8"), ("rest", "f8", (2,)), ("rest_age", "i8"), ("rest_sum", "f8", (2,)), ("rest_n", "i8"),
        ("rest_from", "f8", (2,)),
        ("extra", "f8"), ("axis_sigma", "f8"), ("stand_sigma", "f8"), ("acc_var", "f8", (3,)), ("slipped", "i8"),
        # of the present frame
        ("flags", "i8"), ("fine", "i8"), ("tilt", "f8"), ("calm", "i8"), ("sagittal", "f8"), ("frontal", "f8"),
        ("roll", "f8"), ("s_tilt", "f8"), ("s_sagittal", "f8"), ("s_frontal", "f8"), ("s_roll", "f8"),
        ("frontal_flags", "i8"), ("steady_frontal", "f8"), ("steady_roll", "f8"),
        # q in its own earth frame; up there; level heading of z; variance of the inclination; turn of the earth frame
        # into the common one
        ("pose", "f8", (4,)), ("up", "f8", (3,)), ("right", "f8", (2,)), ("var", "f8"), ("faced", "i8"), ("turn", "f8"),
        # slow level acceleration in its own earth frame, m/s², and the mean of its square in units of gravity
        ("slow_known", "i8"), ("slow", "f8", (2,)), ("pushed", "f8"),
    ]
)  # fmt: skip
"""One sensor once it is calibrated; `q` is q_sensor_segment, `acc_var` what is left of the accelerometer's error along the
segment's axes, as a share of gravity, squared."""

JOINT: Final = np.dtype(
    [
        # rows of its segments; columns of flexion, adduction, rotation; signs of flexion and of the other two
        ("proximal", "i8"), ("distal", "i8"), ("columns", "i8", (3,)), ("flexion_sign", "f8"), ("side_sign", "f8"),
        # heading known at the stand; turn of the distal front there and its variance, as the calibration told them
        # (`JointCalibration`) and as later stands have corrected them; sigma of the axis
        ("known", "i8"), ("told", "f8"), ("told_var", "f8"), ("turned", "f8"), ("turned_var", "f8"), ("axis_sigma", "f8"),
        # mean square of the difference of both slow accelerations, in units of gravity
        ("pushed", "f8"),
    ]
)  # fmt: skip
"""A joint between two sensors that are worn; `known`: both are calibrated, and how they faced each other."""


def part_of(segment: str) -> int:
    """`part_of("thigh_left") == THIGH`."""
    return {"pelvis": PELVIS, "thigh": THIGH, "shank": SHANK, "foot": FOOT}.get(segment.split("_")[0], OTHER)
