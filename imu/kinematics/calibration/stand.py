"""Looks for the quiet stand, frame by frame.

A run is quiet while every sensor turns slower than `STILL_RATE` and gravity stays within `STILL_DRIFT` of where it was at
the start of the run. Every `STAND_S` of it is one candidate, so that the newest one counts: the heading and the bias of
the filters are best then.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.conventions import G
from imu.fusion.quaternion import conj, rotate
from imu.kernels import kernel
from imu.kinematics.calibration.layout import END, FULL, QUIET, SHORT
from imu.kinematics.layout import OTHER, Records
from imu.packets import UNKNOWN, Floats, Quality

STAND_S: Final = 2.0
SHORT_STAND_S: Final = 0.5
"""A run of this length is remembered in case no full one comes: recordings often start just before the first move."""
STILL_RATE: Final = 0.25
"""rad/s (14°/s) after 0.1 s of smoothing: standing sways with up to 0.1, and an unknown bias adds 0.05."""
STILL_DRIFT: Final = math.radians(3.0)
SMOOTHING_S: Final = 0.1
AWAY_S: Final = 3.0
"""A sensor that is silent for so long is not waited for; it is calibrated later."""
CLIMB_S: Final = 0.5
"""A rest of this length ends one way up or down."""
LONGEST_CLIMB_S: Final = 8.0
"""From rest to rest; twice integrated, errors of the acceleration grow with its square."""

_UNKNOWN, _SETTLING, _FAULT = int(UNKNOWN), int(Quality.SETTLING), int(Quality.SENSOR_FAULT)


@kernel
def forget_run(sensors: Records) -> None:
    """Begin a new quiet run."""
    for j in range(len(sensors)):
        sensors[j]["run_n"] = 0
        sensors[j]["run_acc"] = 0.0
        sensors[j]["run_acc2"] = 0.0
        for x in range(9):
            sensors[j]["run_turn"][x] = 0.0


@kernel
def watch(row: int, q: Floats, gyr: Floats, flags: NDArray[np.uint16], dt: float, fresh: bool, sensors: Records) -> bool:
    """Take one frame's rates and silence; True if every sensor is still. `fresh`: a run would begin with this frame."""
    gain = dt / (SMOOTHING_S + dt)
    still, seen = True, False
    for j in range(len(sensors)):
        s = sensors[j]
        if s["part"] == OTHER:
            continue
        if (flags[row, j] & _UNKNOWN) != 0 or q[row, j, 0] != q[row, j, 0]:
            s["away"] += 1
            s["settled"] = 0
            if (flags[row, j] & _SETTLING) != 0:
                s["turned"] = 1  # a restarted filter has a new heading
            if s["away"] * dt < AWAY_S and (flags[row, j] & _FAULT) == 0:
                still = False
            continue
        if s["settled"] == 0:
            for x in range(3):
                s["rest_gyr"][x] = gyr[row, j, x]
        s["away"] = 0
        s["settled"] = 1
        seen = True
        rate = 0.0
        for x in range(3):
            s["rest_gyr"][x] += gain * (gyr[row, j, x] - s["rest_gyr"][x])
            rate += s["rest_gyr"][x] ** 2
        if rate > STILL_RATE * STILL_RATE:
            still = False
        qi = (q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3])
        ux, uy, uz = rotate(conj(qi), (0.0, 0.0, 1.0))
        if fresh or s["run_n"] == 0:
            s["run_up"][0], s["run_up"][1], s["run_up"][2] = ux, uy, uz
        elif ux * s["run_up"][0] + uy * s["run_up"][1] + uz * s["run_up"][2] < math.cos(STILL_DRIFT):
            still = False
    return still and seen


@kernel
def gather(row: int, q: Floats, acc: Floats, sensors: Records) -> None:
    """Add one still frame to the quiet run."""
    for j in range(len(sensors)):
        s = sensors[j]
        if s["part"] == OTHER or s["settled"] == 0:
            continue
        w, x, y, z = q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3]
        turn = s["run_turn"]
        turn[0] += 1.0 - 2.0 * (y * y + z * z)
        turn[1] += 2.0 * (x * y - w * z)
        turn[2] += 2.0 * (x * z + w * y)
        turn[3] += 2.0 * (x * y + w * z)
        turn[4] += 1.0 - 2.0 * (x * x + z * z)
        turn[5] += 2.0 * (y * z - w * x)
        turn[6] += 2.0 * (x * z - w * y)
        turn[7] += 2.0 * (y * z + w * x)
        turn[8] += 1.0 - 2.0 * (x * x + y * y)
        norm2 = acc[row, j, 0] ** 2 + acc[row, j, 1] ** 2 + acc[row, j, 2] ** 2
        s["run_acc"] += math.sqrt(norm2)
        s["run_acc2"] += norm2
        s["run_n"] += 1


@kernel
def climb(row: int, q: Floats, acc: Floats, dt: float, still: int, sensors: Records) -> None:
    """How far every sensor has gone up since the stand, `still` frames after its last movement.

    Twice integrated from rest to rest; that the velocity is zero at both ends takes off what is constantly wrong.
    """
    for j in range(len(sensors)):
        s = sensors[j]
        if s["settled"] == 0:
            s["height"] = float("nan")
            continue
        if still == 1:
            s["climb"] = s["rise"] - 0.5 * s["rise_v"] * s["rise_n"] * dt
            s["climb_n"] = s["rise_n"]
        if still == int(CLIMB_S / dt + 0.5):
            s["height"] += s["climb"] if s["climb_n"] * dt < LONGEST_CLIMB_S else float("nan")
        if still >= int(CLIMB_S / dt + 0.5):
            s["rise_v"] = 0.0
            s["rise"] = 0.0
            s["rise_n"] = 0
            continue
        qi = (q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3])
        up = rotate(qi, (acc[row, j, 0], acc[row, j, 1], acc[row, j, 2]))[2]
        s["rise_v"] += (up - G) * dt
        s["rise"] += s["rise_v"] * dt
        s["rise_n"] += 1


@kernel
def step(
    row: int, q: Floats, gyr: Floats, acc: Floats, flags: NDArray[np.uint16], dt: float, search: Records, sensors: Records
) -> int:  # fmt: skip
    """One frame of the search for a stand: QUIET or SHORT when a run is long enough or has ended."""
    g = search[0]
    fresh = g["still"] == 0
    if fresh:
        g["t_run"] = g["t"]
    if watch(row, q, gyr, flags, dt, fresh, sensors):
        if fresh:
            forget_run(sensors)
        gather(row, q, acc, sensors)
        g["still"] += 1
        climb(row, q, acc, dt, g["still"], sensors)
        return QUIET if g["still"] >= int(STAND_S / dt + 0.5) else END
    ended = g["still"] >= int(SHORT_STAND_S / dt + 0.5) and g["has_stand"] < FULL
    g["still"] = 0
    climb(row, q, acc, dt, 0, sensors)
    return SHORT if ended else END


@kernel
def step_given(
    row: int, q: Floats, gyr: Floats, acc: Floats, flags: NDArray[np.uint16], dt: float, search: Records, sensors: Records
) -> int:  # fmt: skip
    """One frame of a stand whose window was given: QUIET with the first frame after it."""
    g = search[0]
    inside = g["stand_from"] <= g["t"] < g["stand_to"]
    fresh = inside and g["still"] == 0
    still = watch(row, q, gyr, flags, dt, fresh, sensors)
    if inside:
        if fresh:
            g["t_run"] = g["t"]
            forget_run(sensors)
        gather(row, q, acc, sensors)
        g["still"] += 1
        if not still:
            g["restless"] += 1
    elif g["t"] >= g["stand_to"] and g["still"] >= 0:
        return QUIET
    return END
