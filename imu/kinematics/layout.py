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
        ("extra", "f8"), ("axis_sigma", "f8"), ("stand_sigma", "f8"), ("acc_var", "f8", (3,)),
        # of the present frame
        ("flags", "i8"), ("fine", "i8"), ("tilt", "f8"), ("calm", "i8"), ("sagittal", "f8"), ("frontal", "f8"),
        ("roll", "f8"), ("s_tilt", "f8"), ("s_sagittal", "f8"), ("s_frontal", "f8"), ("s_roll", "f8"),
        ("frontal_flags", "i8"),
    ]
)  # fmt: skip
"""One sensor once it is calibrated; `q` is q_sensor_segment, `acc_var` what is left of the accelerometer's error along the
segment's axes, as a share of gravity, squared."""


def part_of(segment: str) -> int:
    """`part_of("thigh_left") == THIGH`."""
    return {"pelvis": PELVIS, "thigh": THIGH, "shank": SHANK, "foot": FOOT}.get(segment.split("_")[0], OTHER)
