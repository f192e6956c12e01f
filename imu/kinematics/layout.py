"""Layout of what the kernels of this room keep. Angles rad, rates rad/s, times int64 µs."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]
Record = np.void
"""One row of `Records`."""

# parts of the body, the same on both sides
PELVIS, THIGH, SHANK = 0, 1, 2
OTHER: Final = -1
"""Feet and trunk: no angle of this version needs them."""

# SEARCH.has_stand: a short run, or a full one
PROVISIONAL, FULL = 1, 2
# why the search stopped
END, QUIET, SHORT, MOVED = range(4)

SENSOR: Final = np.dtype(
    [
        ("part", "i8"), ("away", "i8"), ("rest_gyr", "f8", (3,)), ("settled", "i8"),
        # the quiet run under way: direction of up at its start, sums over its frames
        ("run_up", "f8", (3,)), ("run_turn", "f8", (9,)), ("run_acc", "f8"), ("run_acc2", "f8"), ("run_n", "i8"),
        # the stand: up in the sensor frame, two directions square to it (a x b = up), wanted or calibrated already
        ("used", "i8"), ("done", "i8"), ("up", "f8", (3,)), ("a", "f8", (3,)), ("b", "f8", (3,)),
        # mean rotation to earth (row by row), and whether the filter has started again since
        ("turn", "f8", (9,)), ("turned", "i8"),
        # the movement: low-passed rate in the plane a, b; its second moments; the lean of gravity there
        ("low", "f8", (4,)), ("rate", "f8", (3,)), ("lean", "f8", (2,)), ("spread", "f8", (3,)), ("path", "f8"),
        ("leant", "f8", (2,)), ("tilt", "f8"), ("out", "i8"), ("cycles", "i8"),
        ("missed", "i8"),
    ]
)  # fmt: skip
"""One sensor while the calibration is looked for."""

SEARCH: Final = np.dtype(
    [
        ("has_stand", "i8"), ("still", "i8"), ("t_run", "i8"), ("t", "i8"), ("near", "i8"), ("judged", "i8"),
        ("moving", "i8"), ("t_moved", "i8"),
        # windows that were asked for, -1 = none; how many of the stand's frames were restless
        ("stand_from", "i8"), ("stand_to", "i8"), ("move_from", "i8"), ("move_to", "i8"), ("move_judged", "i8"),
        ("restless", "i8"), ("refused", "i8"),
    ]
)  # fmt: skip
"""What all sensors have in common meanwhile; still, near, moving count frames."""

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
    return {"pelvis": PELVIS, "thigh": THIGH, "shank": SHANK}.get(segment.split("_")[0], OTHER)
