"""Quiet stands of a leg: where up is in its segments' frames, and where each faces in its own earth frame.

Each leg for itself (and the pelvis): between single-leg squats only one of them stands.
"""

from __future__ import annotations

import math
from typing import Final

from imu.kernels import kernel
from imu.kinematics.layout import Record, Records

REST_S: Final = 0.7
"""Every so much of a quiet stand is one look."""
STILL_RATE: Final = 0.2
"""rad/s after 0.1 s of smoothing; standing sways with up to 0.1."""
UPRIGHT: Final = math.radians(25.0)
"""Whatever slips is found far below; who sits or kneels is beyond it."""


@kernel
def forget(group: int, limbs: Records) -> None:
    """Begin a new look."""
    for j in range(len(limbs)):
        s = limbs[j]
        if s["group"] == group:
            s["run_n"] = 0
            for x in range(3):
                s["run_up"][x] = 0.0
            for x in range(2):
                s["run_face"][x] = 0.0


@kernel
def still(group: int, limbs: Records) -> bool:
    """Every known segment of the group stands upright and does not move."""
    seen = 0
    for j in range(len(limbs)):
        s = limbs[j]
        if s["group"] != group or s["fine"] == 0:
            continue
        w = s["calm"]
        if w[0] * w[0] + w[1] * w[1] + w[2] * w[2] > STILL_RATE * STILL_RATE or s["tilt"] > UPRIGHT:
            return False
        seen += 1
    return seen > 0


@kernel
def step(group: int, dt: float, limbs: Records, common: Record) -> bool:
    """One frame of one group; True when another `REST_S` of standing still is complete (in `rest_up`, `rest_face`)."""
    if not still(group, limbs):
        common["still"][group] = 0
        return False
    if common["still"][group] == 0:
        forget(group, limbs)
    common["still"][group] += 1
    whole = common["still"][group] >= int(REST_S / dt + 0.5)
    for j in range(len(limbs)):
        s = limbs[j]
        if s["group"] != group:
            continue
        if s["fine"] != 0:
            for x in range(3):
                s["run_up"][x] += s["up"][x]
            s["run_face"][0] += s["face"][0]
            s["run_face"][1] += s["face"][1]
            s["run_n"] += 1
        if whole:
            s["rest_n"] = s["run_n"]
            n = max(1, s["run_n"])
            for x in range(3):
                s["rest_up"][x] = s["run_up"][x] / n
            for x in range(2):
                s["rest_face"][x] = s["run_face"][x] / n
            s["rest_turned"], s["turned"] = s["turned"], 0.0
    if whole:
        common["still"][group] = 0
    return whole
