"""Looks for the quiet stand and the guided movement after it, frame by frame, and keeps sums over them.

A run is quiet while every sensor turns slower than `STILL_RATE` and gravity stays within `STILL_DRIFT` of where it was at
the start of the run. Every `STAND_S` of it is one candidate for the stand, so that the newest one counts: the heading and
the bias of the filters are best then, and who lies on a table, sits or is being strapped is not calibrated as standing.
The kernel stops at the frames at which something has to be decided; sums go on in between.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion.quaternion import conj, rotate
from imu.kernels import kernel
from imu.kinematics.layout import OTHER, PELVIS, SHANK, THIGH, Records
from imu.packets import UNKNOWN, Floats, Ints, Quality

STAND_S: Final = 2.0
SHORT_STAND_S: Final = 0.5
"""A run of this length is remembered in case no full one comes: recordings often start just before the first move."""
STILL_RATE: Final = 0.25
"""rad/s (14°/s) after 0.1 s of smoothing: standing sways with up to 0.1, and an unknown bias adds 0.05."""
STILL_DRIFT: Final = math.radians(3.0)
SMOOTHING_S: Final = 0.1
AWAY_S: Final = 10.0
"""A sensor that is silent for so long is not waited for."""

OUT: Final = np.array([math.radians(8.0), math.radians(20.0), math.radians(12.0)])
"""(3,) tilt from the stand, by part, from which a movement counts as one."""
NEAR: Final = math.radians(10.0)
"""Tilt from the stand that is standing again."""
NEAR_S: Final = 0.4
CYCLES: Final = 2
PATIENCE_CYCLES: Final = 4
MOVING_S: Final = 6.0
"""After so long and `PATIENCE_CYCLES` the movement is judged even if the person does not come back to the stand."""
RATE_CORNER_HZ: Final = 6.0
"""Soft tissue swings above it."""

# Search.has_stand: a short run, or a full one
PROVISIONAL, FULL = 1, 2
# why `run` returned
END, QUIET, SHORT, MOVED = range(4)

_UNKNOWN, _SETTLING = int(UNKNOWN), int(Quality.SETTLING)
_NOT_TO_LEARN_FROM: Final = int(Quality.SATURATED_GYR | Quality.GAP)


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
        for x in range(3):
            s["rate"][x] = 0.0
            s["spread"][x] = 0.0
        s["lean"][0] = 0.0
        s["lean"][1] = 0.0


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
            if s["away"] * dt < AWAY_S:
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
def move(row: int, q: Floats, gyr: Floats, flags: NDArray[np.uint16], dt: float, sensors: Records) -> None:
    """Add one frame to the movement: second moments of the rate square to up, and the way gravity leans.

    |lean| x lean is summed: its direction tells the dominant way of tilting for an axis that is not known yet.
    """
    gain = 1.0 - math.exp(-2.0 * math.pi * RATE_CORNER_HZ * dt)
    for j in range(len(sensors)):
        s = sensors[j]
        if s["used"] == 0 or s["settled"] == 0:
            continue
        up, a, b, low = s["up"], s["a"], s["b"], s["low"]
        qi = (q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3])
        ux, uy, uz = rotate(conj(qi), (0.0, 0.0, 1.0))
        pa = ux * a[0] + uy * a[1] + uz * a[2]
        pb = ux * b[0] + uy * b[1] + uz * b[2]
        lean = math.sqrt(pa * pa + pb * pb)
        tilt = math.atan2(lean, ux * up[0] + uy * up[1] + uz * up[2])
        wa = gyr[row, j, 0] * a[0] + gyr[row, j, 1] * a[1] + gyr[row, j, 2] * a[2]
        wb = gyr[row, j, 0] * b[0] + gyr[row, j, 1] * b[1] + gyr[row, j, 2] * b[2]
        low[0] += gain * (wa - low[0])
        low[1] += gain * (wb - low[1])
        low[2] += gain * (low[0] - low[2])
        low[3] += gain * (low[1] - low[3])
        wa, wb = low[2], low[3]
        s["tilt"] = tilt
        if (flags[row, j] & _NOT_TO_LEARN_FROM) == 0:
            s["rate"][0] += wa * wa * dt
            s["rate"][1] += wa * wb * dt
            s["rate"][2] += wb * wb * dt
            s["path"] += math.sqrt(wa * wa + wb * wb) * dt
            s["lean"][0] += pa * lean * dt
            s["lean"][1] += pb * lean * dt
            s["spread"][0] += pa * pa * dt
            s["spread"][1] += pa * pb * dt
            s["spread"][2] += pb * pb * dt
        if tilt > OUT[s["part"]]:
            s["out"] = 1
        elif s["out"] == 1 and tilt < 0.6 * OUT[s["part"]]:
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
        if s["part"] == part:
            least = min(least, s["cycles"])
            most = max(most, s["cycles"])
            out = out or s["out"] == 1
    g["near"] = g["near"] + 1 if near else 0
    if out and g["t_moved"] < 0:
        g["t_moved"] = g["t"]
    enough = most >= CYCLES and (least >= 1 or most > PATIENCE_CYCLES)
    if not enough:
        return False
    if g["near"] * dt >= NEAR_S:
        first = g["judged"] == 0
        g["judged"] = 1
        return first
    g["judged"] = 0
    g["moving"] += 1
    long_enough = most >= PATIENCE_CYCLES and g["moving"] * dt >= MOVING_S
    if long_enough:
        g["moving"] = 0
    return long_enough


@kernel
def quiet_run(
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
        return QUIET if g["still"] >= int(STAND_S / dt + 0.5) else END
    ended = g["still"] >= int(SHORT_STAND_S / dt + 0.5) and g["has_stand"] < FULL
    g["still"] = 0
    return SHORT if ended else END


@kernel
def given_stand(
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
            why = given_stand(row, q, gyr, acc, flags, dt, search, sensors)
        else:
            why = quiet_run(row, q, gyr, acc, flags, dt, search, sensors)
        if g["move_to"] >= 0:
            if g["has_stand"] > 0 and g["move_from"] <= g["t"] < g["move_to"]:
                move(row, q, gyr, flags, dt, sensors)
                moved_enough(dt, search, sensors)
            if g["t"] >= g["move_to"] and g["move_judged"] == 0:
                g["move_judged"] = 1
                why = MOVED
        elif g["has_stand"] > 0:
            move(row, q, gyr, flags, dt, sensors)
            # a candidate stand that falls on the same frame is decided with the next one
            if moved_enough(dt, search, sensors):
                why = MOVED
        if why != END:
            return row + 1, why
    return len(t_us), END
