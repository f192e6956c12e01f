"""Layout of what the kernels of the calibration keep. Angles rad, rates rad/s, times int64 µs."""

from __future__ import annotations

from typing import Final

import numpy as np

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
