"""Keeps sums over the guided movement, frame by frame, and tells when they are worth judging."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion.quaternion import conj, rotate
from imu.kernels import kernel
from imu.kinematics.calibration.history import remember, sink
from imu.kinematics.calibration.layout import BLOCKS, FULL
from imu.kinematics.calibration.relative import LEVEL, MOVES, RATE_CORNER_HZ, forget_joints, halve, relate
from imu.kinematics.layout import FOOT, OTHER, PELVIS, SHANK, THIGH, Records
from imu.packets import Floats, Quality

OUT: Final = np.array([math.radians(8.0), math.radians(20.0), math.radians(12.0), math.radians(12.0)])
"""(4,) tilt from the stand, by part, from which a movement counts as one."""
BACK_SHARE: Final = 0.6
"""of it: below, the movement is over."""
NEAR: Final = math.radians(10.0)
"""Tilt from the stand that is standing again."""
NEAR_S: Final = 0.4
LAST_S: Final = 1.2
"""Standing so long ends a movement in which one leg moved once only."""
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
EXTENDED: Final = math.radians(50.0)
"""A shank tilted by more whose thigh is level swings forward: sitting. Less tells nothing: the thigh is level in high knee
lifts and deep squats as well."""
BLOCK_S: Final = 0.5
"""of movement in a block; what is nearer in time is not independent."""
HISTORY_S: Final = 0.08
SLOW: Final = 0.3
"""rad/s of a shank between its swings."""

_NOT_TO_LEARN_FROM: Final = int(Quality.SATURATED_GYR | Quality.GAP)


@kernel
def forget_movement(
    dt: float, search: Records, sensors: Records, joints: Records, own: Floats, relative: Floats, history: Floats
) -> None:  # fmt: skip
    """Begin a new movement."""
    g = search[0]
    g["near"] = 0
    g["moving"] = 0
    g["judged"] = 0
    g["t_moved"] = -1
    g["seated"] = 0
    g["swings"] = 0
    g["block"] = 0
    g["block_n"] = 0
    g["block_length"] = int(BLOCK_S / dt + 0.5)
    g["bend_n"] = 0
    g["bend_acc"] = 0.0
    g["bend_cos"] = 0.0
    g["bend_both"] = 0.0
    g["bend_rate2"] = 0.0
    g["history"] = 0
    g["history_wait"] = 0
    g["history_step"] = max(1, int(HISTORY_S / dt + 0.5))
    own[:] = 0.0
    history[:] = float("nan")
    forget_joints(joints, relative)
    for j in range(len(sensors)):
        s = sensors[j]
        s["path"] = 0.0
        s["out"] = 0
        s["cycles"] = 0
        s["missed"] = 0
        for x in range(3):
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
def neighbour_above(j: int, joints: Records) -> int:
    """Row of the next sensor towards the head; -1 = none."""
    for k in range(len(joints)):
        if joints[k]["distal"] == j:
            return joints[k]["proximal"]
    return -1


@kernel
def sits(j: int, sensors: Records, joints: Records) -> bool:
    """The thigh above this shank or foot is level."""
    while j >= 0 and sensors[j]["part"] >= SHANK:
        j = neighbour_above(j, joints)
    if j < 0 or sensors[j]["part"] != THIGH:
        return False
    s = sensors[j]
    return s["used"] + s["done"] > 0 and s["settled"] == 1 and s["tilt"] > LEVEL


@kernel
def leaning(j: int, bent: float, sensors: Records, joints: Records) -> float:
    """1 if the way this sensor leans now tells its front, -1 if it tells its back, 0 if nothing."""
    part = sensors[j]["part"]
    if part == PELVIS:
        return 1.0 if bent != bent or BENT[0] < bent < BENT[1] else 0.0
    if part >= SHANK and sits(j, sensors, joints):
        return -1.0 if sensors[j]["tilt"] > EXTENDED else 0.0
    return 1.0


@kernel
def next_block(row: int, gyr: Floats, search: Records, sensors: Records, own: Floats, relative: Floats) -> None:
    """Count a frame in which somebody moves; the block under way is `search.block`."""
    g = search[0]
    moves = False
    for j in range(len(sensors)):
        if sensors[j]["used"] + sensors[j]["done"] > 0 and sensors[j]["settled"] == 1:
            moves = moves or gyr[row, j, 0] ** 2 + gyr[row, j, 1] ** 2 + gyr[row, j, 2] ** 2 > MOVES * MOVES
    if not moves:
        return
    if g["block_n"] >= g["block_length"]:
        g["block_n"] = 0
        g["block"] += 1
    if g["block"] == BLOCKS:
        halve(own)
        halve(relative)
        g["block"] = BLOCKS // 2
        g["block_length"] *= 2
    g["block_n"] += 1


@kernel
def move(
    row: int, q: Floats, gyr: Floats, acc: Floats, flags: NDArray[np.uint16], dt: float,
    search: Records, sensors: Records, joints: Records, own: Floats, relative: Floats, history: Floats,
) -> None:  # fmt: skip
    """Add one frame to the movement: second moments of the rates square to up, and the way gravity leans.

    |lean| x lean is summed: its direction tells the dominant way of tilting for an axis that is not known yet.
    """
    next_block(row, gyr, search, sensors, own, relative)
    block = search[0]["block"]
    gain = 1.0 - math.exp(-2.0 * math.pi * RATE_CORNER_HZ * dt)
    bent = tilts(row, q, sensors)
    sink(row, bent, q, acc, dt, search, sensors)
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
            own[j, block, 0] += wa * wa * dt
            own[j, block, 1] += wa * wb * dt
            own[j, block, 2] += wb * wb * dt
            s["path"] += math.sqrt(wa * wa + wb * wb) * dt
            way = leaning(j, bent, sensors, joints)
            if way != 0.0:
                pa, pb = s["leant"][0], s["leant"][1]
                lean = way * math.sqrt(pa * pa + pb * pb)
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
    relate(row, q, gyr, flags, dt, block, sensors, joints, relative)
    remember(search, sensors, history)


@kernel
def leading_part(sensors: Records) -> int:
    """Whose excursions are counted: thighs, else shanks, else the pelvis, else feet; OTHER if none is used."""
    best = OTHER
    for j in range(len(sensors)):
        if sensors[j]["used"] == 1:
            part = sensors[j]["part"]
            upon_thighs = part == SHANK and best != THIGH
            first = best in (OTHER, FOOT)
            if part == THIGH or upon_thighs or (part == PELVIS and first) or (part == FOOT and best == OTHER):
                best = part
    return best


@kernel
def swung_enough(dt: float, search: Records, sensors: Records, joints: Records) -> bool:
    """Who sits has swung every shank out and back often enough, and holds them still."""
    g = search[0]
    least, most, still = 1 << 30, 0, True
    for j in range(len(joints)):
        k = joints[j]
        s = sensors[k["distal"]]
        if k["knee"] == 0 or sensors[k["proximal"]]["used"] + s["used"] == 0 or s["settled"] == 0:
            continue
        least = min(least, k["swings"])
        most = max(most, k["swings"])
        still = still and k["out"] == 0 and s["low"][2] ** 2 + s["low"][3] ** 2 < SLOW * SLOW
    g["seated"] = g["seated"] + 1 if still else 0
    if most < CYCLES or (least == 0 and most < MANY_CYCLES) or g["seated"] * dt < NEAR_S or most <= g["swings"]:
        return False
    g["swings"] = most
    return True


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
        if s["tilt"] > NEAR and s["part"] != FOOT:
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
    if g["near"] * dt >= (NEAR_S if least >= CYCLES else LAST_S):
        first = g["judged"] == 0
        g["judged"] = 1
        return first
    g["judged"] = 0
    g["moving"] += 1
    long_enough = most >= MANY_CYCLES and g["moving"] * dt >= MOVING_S
    if long_enough:
        g["moving"] = 0
    return long_enough
