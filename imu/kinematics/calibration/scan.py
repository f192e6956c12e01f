"""The loop over the frames while a calibration is looked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imu.kernels import kernel
from imu.kinematics.calibration import movement, stand
from imu.kinematics.calibration.layout import END, MOVED
from imu.kinematics.layout import Records
from imu.packets import Floats, Ints


@kernel
def run(
    start: int, t_us: Ints, q: Floats, gyr: Floats, acc: Floats, flags: NDArray[np.uint16], dt: float,
    search: Records, sensors: Records,
) -> tuple[int, int]:  # fmt: skip
    """Frames from `start` on until something has to be decided: (next frame, END | QUIET | SHORT | MOVED).

    q (m, S, 4) q_earth_sensor, gyr, acc (m, S, 3), flags (m, S) of the grid. After SHORT and QUIET the sums of
    the run are those of the frames before the break, and of all its frames.
    """
    g = search[0]
    for row in range(start, len(t_us)):
        g["t"] = t_us[row]
        if g["stand_to"] >= 0:
            why = stand.step_given(row, q, gyr, acc, flags, dt, search, sensors)
        else:
            why = stand.step(row, q, gyr, acc, flags, dt, search, sensors)
        if g["move_to"] >= 0:
            if g["has_stand"] > 0 and g["move_from"] <= g["t"] < g["move_to"]:
                movement.move(row, q, gyr, flags, dt, sensors)
                movement.moved_enough(dt, search, sensors)
            if g["t"] >= g["move_to"] and g["move_judged"] == 0:
                g["move_judged"] = 1
                why = MOVED
        elif g["has_stand"] > 0:
            movement.move(row, q, gyr, flags, dt, sensors)
            # a candidate stand that falls on the same frame is decided with the next one
            if movement.moved_enough(dt, search, sensors):
                why = MOVED
        if why != END:
            return row + 1, why
    return len(t_us), END
