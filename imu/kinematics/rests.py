"""Finds the quiet stands after the calibration: every sensor still and upright as it was in the calibrated one.

At such a stand the joints face as they did then, up to how differently people put their feet; that tells the relative
headings once more (the static pose of the heading filter), and where the pelvis faces.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion.quaternion import mul, rotate
from imu.kernels import kernel
from imu.kinematics.layout import OTHER, Record, Records
from imu.packets import UNKNOWN, Floats, Ints

STILL: Final = 0.25
"""rad/s, of every sensor."""
TURNS: Final = math.sin(math.radians(2.5))
"""of the angle by which one may turn about the vertical meanwhile."""
COS_SAME_POSE: Final = math.cos(math.radians(6.0))
"""of the angle between up now and in the calibrated stand."""
REST_S: Final = 1.0
"""s of it are a rest; a longer one tells the headings again every `REST_S`."""
STANCE_SIGMA: Final = math.radians(3.5)
"""rad. How differently one joint is turned about the vertical from stand to stand."""

_UNKNOWN = int(UNKNOWN)

RESTS: Final = np.dtype([("count", "i8"), ("t_start", "i8"), ("told", "i8")])
"""The rest under way: frames since the last decision, its start (session time), how often it has told the headings."""


@kernel
def stands(row: int, j: int, q: Floats, gyr: Floats, s: Record) -> bool:
    """This sensor is still and upright; adds the level direction of its segment's z to the sums of the rest."""
    x, y, z = gyr[row, j, 0], gyr[row, j, 1], gyr[row, j, 2]
    if not x * x + y * y + z * z < STILL * STILL:
        return False
    turned = mul((q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3]), (s["q"][0], s["q"][1], s["q"][2], s["q"][3]))
    _, _, upright = rotate(turned, (0.0, 1.0, 0.0))
    if not upright > COS_SAME_POSE:
        return False
    x, y, _ = rotate(turned, (0.0, 0.0, 1.0))
    n = math.sqrt(x * x + y * y)
    x, y = x / n, y / n
    if s["rest_n"] == 0:
        s["rest_from"][0], s["rest_from"][1] = x, y
    s["rest_n"] += 1
    s["rest_sum"][0] += x
    s["rest_sum"][1] += y
    return abs(s["rest_from"][0] * y - s["rest_from"][1] * x) < TURNS


@kernel
def scan(
    start: int, stop: int, t_us: Ints, q: Floats, gyr: Floats, flags: NDArray[np.uint16], dt: float,
    segments: Records, rests: Records,
) -> tuple[int, bool]:  # fmt: skip
    """Frames start..stop, or up to the end of a rest: (next frame, whether the one before it completes a rest)."""
    rest = rests[0]
    for row in range(start, stop):
        known, calm = False, True
        for j in range(len(segments)):
            s = segments[j]
            if rest["count"] == 0:
                s["rest_n"] = 0
                s["rest_sum"][0], s["rest_sum"][1] = 0.0, 0.0
            if s["known"] == 0 or s["part"] == OTHER or (flags[row, j] & _UNKNOWN) != 0 or q[row, j, 0] != q[row, j, 0]:
                continue
            known = True
            calm = stands(row, j, q, gyr, s) and calm
        if not (known and calm):
            rest["count"], rest["told"] = 0, 0
            continue
        if rest["count"] == 0 and rest["told"] == 0:
            rest["t_start"] = t_us[row]
        rest["count"] += 1
        if rest["count"] * dt >= REST_S:
            return row + 1, True
    return stop, False


@kernel
def face_one_way(segments: Records, count: int) -> None:
    """All segments that have stood through the rest face one way from now on: that of their mean."""
    rx, ry = 0.0, 0.0
    for j in range(len(segments)):
        s = segments[j]
        if s["rest_n"] == count and s["faced"] != 0:
            c, sine = math.cos(s["turn"]), math.sin(s["turn"])
            rx += c * s["rest"][0] - sine * s["rest"][1]
            ry += sine * s["rest"][0] + c * s["rest"][1]
    n = math.hypot(rx, ry)
    if n < 1e-9:
        return
    for j in range(len(segments)):
        s = segments[j]
        if s["rest_n"] == count and s["rest_known"] != 0:
            # conj(r) s: own heading seen from the common one
            s["facing"][0] = (rx * s["rest"][0] + ry * s["rest"][1]) / n
            s["facing"][1] = (rx * s["rest"][1] - ry * s["rest"][0]) / n
            s["facing_known"] = 1


@kernel
def keep(segments: Records, rests: Records) -> None:
    """The rest is complete: its directions are those that later ones are compared with. The next one may begin."""
    rest = rests[0]
    for j in range(len(segments)):
        s = segments[j]
        if s["rest_n"] == rest["count"]:
            n = math.hypot(s["rest_sum"][0], s["rest_sum"][1])
            if n > 1e-9:
                s["rest"][0], s["rest"][1] = s["rest_sum"][0] / n, s["rest_sum"][1] / n
                s["rest_known"], s["rest_age"] = 1, 0
    face_one_way(segments, rest["count"])
    rest["count"] = 0
    rest["told"] += 1
