"""The loop over the frames while a calibration is looked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imu.kernels import kernel
from imu.kinematics.calibration import movement, stand
from imu.kinematics.calibration.layout import END, MOVED, WAITED
from imu.kinematics.layout import Records
from imu.packets import Floats, Ints


@kernel
def run(
    start: int, stop: int, t_us: Ints, q: Floats, gyr: Floats, acc: Floats, flags: NDArray[np.uint16], dt: float,
    search: Records, sensors: Records, joints: Records, own: Floats, relative: Floats, history: Floats,
) -> tuple[int, int]:  # fmt: skip
    """Frames start..stop until something has to be decided: (next frame, END | QUIET | SHORT | MOVED | WAITED).

    q (m, S, 4) q_earth_sensor, gyr, acc (m, S, 3), flags (m, S) of the grid; the rest as in `Sums`. After SHORT and QUIET
    the sums of the run are those of the frames before the break, and of all its frames.
    """
    g = search[0]
    for row in range(start, stop):
        g["t"] = t_us[row]
        if g["stand_to"] >= 0:
            why = stand.step_given(row, q, gyr, acc, flags, dt, search, sensors)
        else:
            why = stand.step(row, q, gyr, acc, flags, dt, search, sensors)
        if g["move_to"] >= 0:
            if g["has_stand"] > 0 and g["move_from"] <= g["t"] < g["move_to"]:
                movement.move(row, q, gyr, acc, flags, dt, search, sensors, joints, own, relative, history)
                movement.moved_enough(dt, search, sensors)
            if g["t"] >= g["move_to"] and g["move_judged"] == 0:
                g["move_judged"] = 1
                why = MOVED
        elif g["has_stand"] > 0:
            movement.move(row, q, gyr, acc, flags, dt, search, sensors, joints, own, relative, history)
            # a candidate stand that falls on the same frame is decided with the next one
            moved = movement.moved_enough(dt, search, sensors)
            if movement.swung_enough(dt, search, sensors, joints) or moved:
                why = MOVED
        if why == END and 0 <= g["wait_until"] <= g["t"]:
            why = WAITED
        if why != END:
            return row + 1, why
    return stop, END
