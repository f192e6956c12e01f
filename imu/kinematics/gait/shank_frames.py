"""Kernels that bring a frame of a shank to its machine: up, axis, which way round it is, and the rate of the thigh.

The sign comes from the third moment of the rate: the swing is the tall lobe.
"""

from __future__ import annotations

import math
from typing import Final

from imu.kernels import kernel
from imu.kinematics.gait.axis import ENERGY, GRAVITY_S, about, follow_gravity, learn_axis
from imu.kinematics.gait.events import begin
from imu.kinematics.gait.layout import GYR, RATE, THIGH, THIGH_RATE
from imu.kinematics.gait.shank import step_shank
from imu.kinematics.layout import Record, Records
from imu.packets import Floats

SIGN: Final = 0.7
"""rad³/s², evidence from which the sign of the axis counts ..."""
FLIP: Final = 2.0
"""... and from which contrary evidence turns it round."""
UNEVEN: Final = 0.3
"""Third moment of the rate of a shank, as a share of that of its size, from which it has a sign: walking is uneven ..."""
LOBE, LOBES = 0.2, 4
"""rad ... once it has turned by this to and fro, so many times: the first push can be faster than the first swing."""
DRIVE_S: Final = 20.0
"""s, memory of that evidence."""
STANDING: Final = 1.5
"""rad/s; a faster shank may be in the air."""
SIGN_THIGH: Final = 0.3
"""rad²/s, evidence for the sign of the thigh's axis."""
DRIVE_THIGH_S: Final = 4.0
"""s, memory of that evidence. Short: knees that are lifted before a walk speak against it."""
AGAIN_S: Final = 5.0
"""s that are gone through once more when the sign has become known."""


@kernel
def take_shank(
    legs: Records, j: int, a: Record, b: Record, ring: Floats, row: Floats, g: Floats, f: Floats, dt: float, now: int,
    period_us: int, reports: Records, k: int,
) -> int:  # fmt: skip
    """One frame of a shank: up, axis, sign, thigh, machine."""
    leg = legs[j]
    follow_gravity(a, f, dt / GRAVITY_S)
    if a["told"] == 0:
        learn_axis(a, g, dt)
    if a["known"] == 0:
        return k
    m = about(a, g)
    if b["told"] == 0 and b["known"]:
        # over a foot that stands, thigh and shank turn together; where a knee is lifted they do not
        w = about(b, row[THIGH : THIGH + 3])
        if not math.isnan(w) and abs(m) < STANDING:
            b["drive"] = b["drive"] * (1.0 - dt / DRIVE_THIGH_S) + m * w * dt
        if b["energy"] > ENERGY and abs(b["drive"]) > SIGN_THIGH:
            b["sign"] = 1.0 if b["drive"] > 0.0 else -1.0
    if a["told"] == 0:
        keep = 1.0 - dt / DRIVE_S
        a["drive"] = a["drive"] * keep + m * m * m * dt
        a["size"] = a["size"] * keep + abs(m * m * m) * dt
        d = a["drive"]
        if m * a["lobe"] < 0.0:
            a["lobes"] += 1 if abs(a["lobe"]) > LOBE else 0
            a["lobe"] = 0.0
        a["lobe"] += m * dt
        uneven = abs(d) > UNEVEN * a["size"]
        first = a["sign"] == 0.0 and a["lobes"] >= LOBES and a["energy"] > ENERGY and abs(d) > SIGN
        if uneven and (first or (a["sign"] * d < 0.0 and abs(d) > FLIP)) and _sure(leg, a, ring, dt):
            return _again(legs, j, a, b, ring, dt, now, period_us, reports, k)
        if a["sign"] == 0.0:
            return k
    row[RATE] = about(a, g) * a["sign"]
    row[THIGH_RATE] = _thigh_rate(a, b, row)
    return step_shank(legs, j, ring, now, period_us, reports, k)


@kernel
def _thigh_rate(a: Record, b: Record, row: Floats) -> float:
    """Rate of the thigh, + forward, rad/s; NaN while its axis or sign is not known."""
    if b["known"] == 0 or b["sign"] == 0.0:
        return math.nan
    return about(b, row[THIGH : THIGH + 3]) * b["sign"] * (1.0 if b["told"] else a["sign"])


@kernel
def _sure(leg: Record, a: Record, ring: Floats, dt: float) -> bool:
    """The last 5 s, about the axis as it is now, say the same: at first it turns by up to 70° from step to step."""
    mask, end = ring.shape[0] - 1, leg["n"]
    d, size = 0.0, 0.0
    for i in range(max(leg["known"], end - min(ring.shape[0], int(AGAIN_S / dt))), end):
        m = about(a, ring[i & mask, GYR : GYR + 3])
        d += m * m * m * dt
        size += abs(m * m * m) * dt
    same = d * a["drive"] > 0.0 and abs(d) > UNEVEN * size
    if not same:
        a["drive"], a["size"] = d, size
    return same


@kernel
def _again(
    legs: Records, j: int, a: Record, b: Record, ring: Floats, dt: float, now: int, period_us: int, reports: Records, k: int
) -> int:
    """The sign is known now, or was wrong: the last 5 s once more."""
    leg = legs[j]
    mask, end = ring.shape[0] - 1, leg["n"]
    first = max(leg["known"], end - min(ring.shape[0], int(AGAIN_S / dt)))
    a["sign"] = 1.0 if a["drive"] > 0.0 else -1.0
    begin(leg)
    leg["mute"] = leg["t_told"]
    known = leg["known"]
    leg["known"] = first
    for i in range(first, end):
        leg["n"] = i + 1
        row = ring[i & mask]
        row[RATE] = about(a, row[GYR : GYR + 3]) * a["sign"]
        row[THIGH_RATE] = _thigh_rate(a, b, row)
        k = step_shank(legs, j, ring, now, period_us, reports, k)
    leg["known"] = known
    return k
