"""Keeps sums over the guided movement, frame by frame, and tells when they are worth judging."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion.quaternion import conj, rotate
from imu.kernels import kernel
from imu.kinematics.calibration.layout import FULL
from imu.kinematics.layout import OTHER, PELVIS, SHANK, THIGH, Records
from imu.packets import Floats, Quality

OUT: Final = np.array([math.radians(8.0), math.radians(20.0), math.radians(12.0)])
"""(3,) tilt from the stand, by part, from which a movement counts as one."""
BACK_SHARE: Final = 0.6
"""of it: below, the movement is over."""
NEAR: Final = math.radians(10.0)
"""Tilt from the stand that is standing again."""
NEAR_S: Final = 0.4
CYCLES: Final = 2
MANY_CYCLES: Final = 4
"""Wanted after a short stand only, or of one leg if the other does not move."""
MOVING_S: Final = 6.0
"""After so long and `MANY_CYCLES` the movement is judged even if the person does not come back to the stand."""
BENT: Final = (math.radians(15.0), math.radians(60.0))
"""rad of tilt of both thighs between which the pelvis leans forward: squatting, sitting down, standing up. Who walks leans
either way, who sits leans back: taken from all frames, the front was wrong in two of three recordings (against the
velocity of the pelvis in the first step)."""
MISSED_S: Final = 0.5
"""Who has missed more of the movement is not waited for; it is calibrated later."""
RATE_CORNER_HZ: Final = 6.0
"""Soft tissue swings above it."""

_NOT_TO_LEARN_FROM: Final = int(Quality.SATURATED_GYR | Quality.GAP)


@kernel
def forget_movement(search: Records, sensors: Records) -> None:
    """Begin a new movement."""
    search[0]["near"] = 0
    search[0]["moving"] = 0
    search[0]["judged"] = 0
    search[0]["t_moved"] = -1
    for j in range(len(sensors)):
        s = sensors[j]
        s["path"] = 0.0
        s["out"] = 0
        s["cycles"] = 0
        s["missed"] = 0
        for x in range(3):
            s["rate"][x] = 0.0
            s["spread"][x] = 0.0
        s["lean"][0] = 0.0
        s["lean"][1] = 0.0


@kernel
def tilts(row: int, q: Floats, sensors: Records) -> float:
    """Tilt and lean of every sensor in this frame; returns the smaller tilt of the thighs, NaN without a thigh."""
    bent = float("nan")
    for j in range(len(sensors)):
        s = sensors[j]
        if s["used"] + s["done"] == 0 or s["settled"] == 0:
            continue
        up, a, b = s["up"], s["a"], s["b"]
        qi = (q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3])
        ux, uy, uz = rotate(conj(qi), (0.0, 0.0, 1.0))
        pa = ux * a[0] + uy * a[1] + uz * a[2]
        pb = ux * b[0] + uy * b[1] + uz * b[2]
        s["leant"][0], s["leant"][1] = pa, pb
        s["tilt"] = math.atan2(math.sqrt(pa * pa + pb * pb), ux * up[0] + uy * up[1] + uz * up[2])
        if s["part"] == THIGH and not bent < s["tilt"]:
            bent = s["tilt"]
    return bent


@kernel
def move(row: int, q: Floats, gyr: Floats, flags: NDArray[np.uint16], dt: float, sensors: Records) -> None:
    """Add one frame to the movement: second moments of the rate square to up, and the way gravity leans.

    |lean| x lean is summed: its direction tells the dominant way of tilting for an axis that is not known yet.
    """
    gain = 1.0 - math.exp(-2.0 * math.pi * RATE_CORNER_HZ * dt)
    bent = tilts(row, q, sensors)
    for j in range(len(sensors)):
        s = sensors[j]
        if s["used"] == 0:
            continue
        if s["settled"] == 0:
            s["missed"] += 1
            continue
        a, b, low = s["a"], s["b"], s["low"]
        wa = gyr[row, j, 0] * a[0] + gyr[row, j, 1] * a[1] + gyr[row, j, 2] * a[2]
        wb = gyr[row, j, 0] * b[0] + gyr[row, j, 1] * b[1] + gyr[row, j, 2] * b[2]
        low[0] += gain * (wa - low[0])
        low[1] += gain * (wb - low[1])
        low[2] += gain * (low[0] - low[2])
        low[3] += gain * (low[1] - low[3])
        wa, wb = low[2], low[3]
        if (flags[row, j] & _NOT_TO_LEARN_FROM) == 0:
            s["rate"][0] += wa * wa * dt
            s["rate"][1] += wa * wb * dt
            s["rate"][2] += wb * wb * dt
            s["path"] += math.sqrt(wa * wa + wb * wb) * dt
            if s["part"] != PELVIS or bent != bent or BENT[0] < bent < BENT[1]:
                pa, pb = s["leant"][0], s["leant"][1]
                lean = math.sqrt(pa * pa + pb * pb)
                s["lean"][0] += pa * lean * dt
                s["lean"][1] += pb * lean * dt
                s["spread"][0] += pa * pa * dt
                s["spread"][1] += pa * pb * dt
                s["spread"][2] += pb * pb * dt
        if s["tilt"] > OUT[s["part"]]:
            s["out"] = 1
        elif s["out"] == 1 and s["tilt"] < BACK_SHARE * OUT[s["part"]]:
            s["out"] = 0
            s["cycles"] += 1


@kernel
def leading_part(sensors: Records) -> int:
    """Whose excursions are counted: thighs, without them shanks, without them the pelvis; OTHER if none is used."""
    best = OTHER
    for j in range(len(sensors)):
        if sensors[j]["used"] == 1:
            part = sensors[j]["part"]
            if part == THIGH or (part == SHANK and best != THIGH) or (part == PELVIS and best == OTHER):
                best = part
    return best


@kernel
def moved_enough(dt: float, search: Records, sensors: Records) -> bool:
    """The movement is worth judging: out and back often enough on every leg, and standing again."""
    g = search[0]
    part = leading_part(sensors)
    least, most = 1 << 30, 0
    near, out = True, False
    for j in range(len(sensors)):
        s = sensors[j]
        if s["used"] == 0 or s["settled"] == 0:
            continue
        if s["tilt"] > NEAR:
            near = False
        if s["part"] == part and s["missed"] * dt <= MISSED_S:
            least = min(least, s["cycles"])
            most = max(most, s["cycles"])
            out = out or s["out"] == 1
    g["near"] = g["near"] + 1 if near else 0
    if out and g["t_moved"] < 0:
        g["t_moved"] = g["t"]
    wanted = CYCLES if g["has_stand"] == FULL else MANY_CYCLES
    if most < wanted or (least == 0 and most < MANY_CYCLES):
        return False
    if g["near"] * dt >= NEAR_S:
        first = g["judged"] == 0
        g["judged"] = 1
        return first
    g["judged"] = 0
    g["moving"] += 1
    long_enough = most >= MANY_CYCLES and g["moving"] * dt >= MOVING_S
    if long_enough:
        g["moving"] = 0
    return long_enough
