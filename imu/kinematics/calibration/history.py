"""What is kept of the poses of a movement: for judging it, and the stand before it, when it is over."""

from __future__ import annotations

import math

from imu.conventions import G
from imu.fusion.quaternion import rotate
from imu.kernels import kernel
from imu.kinematics.calibration.layout import HISTORY
from imu.kinematics.layout import PELVIS, THIGH, Records
from imu.packets import Floats


@kernel
def remember(search: Records, sensors: Records, history: Floats) -> None:
    """Keep where up is now, every few frames."""
    g = search[0]
    g["history_wait"] += 1
    if g["history_wait"] < g["history_step"]:
        return
    g["history_wait"] = 0
    if g["history"] == HISTORY:
        for j in range(len(sensors)):
            for n in range(HISTORY // 2):
                for x in range(3):
                    history[j, n, x] = history[j, 2 * n, x]
        g["history"] = HISTORY // 2
        g["history_step"] *= 2
    n = g["history"]
    for j in range(len(sensors)):
        s = sensors[j]
        known = s["used"] + s["done"] > 0 and s["settled"] == 1
        history[j, n, 0] = s["leant"][0] if known else float("nan")
        history[j, n, 1] = s["leant"][1] if known else float("nan")
        history[j, n, 2] = math.cos(s["tilt"]) if known else float("nan")
    g["history"] = n + 1


@kernel
def sink(row: int, bent: float, q: Floats, acc: Floats, dt: float, search: Records, sensors: Records) -> None:
    """Sums that tell whether thighs and pelvis go down or up while both thighs leave the stand.

    With h = k cos(tilt) the height, the sum of h'' cos(tilt) is -k times that of the cosine's rate squared, from rest to
    rest: k > 0 for who squats, sits down, k < 0 for who gets up from what was thought to be a stand.
    """
    g = search[0]
    up, n, thighs = 0.0, 0, 0
    for j in range(len(sensors)):
        s = sensors[j]
        if s["used"] + s["done"] > 0 and s["settled"] == 1 and (s["part"] == THIGH or s["part"] == PELVIS):
            qi = (q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3])
            up += rotate(qi, (acc[row, j, 0], acc[row, j, 1], acc[row, j, 2]))[2] - G
            n += 1
            thighs += s["part"] == THIGH
    if thighs < 2:
        return
    up /= n
    cosine = math.cos(bent)
    if g["bend_n"] > 0:
        g["bend_rate2"] += (cosine - g["bend_last"]) ** 2 / dt
    g["bend_last"] = cosine
    g["bend_n"] += 1
    g["bend_acc"] += up * dt
    g["bend_cos"] += cosine * dt
    g["bend_both"] += up * cosine * dt
