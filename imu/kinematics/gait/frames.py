"""Kernels that take the frames of the grid, leg by leg."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.kernels import kernel
from imu.kinematics.gait.axis import GRAVITY_S, follow_gravity, learn_axis
from imu.kinematics.gait.events import begin
from imu.kinematics.gait.foot_frames import take_foot
from imu.kinematics.gait.layout import (
    ACC,
    FILLED,
    FOOT,
    GYR,
    INTERRUPTED,
    JERK,
    NEVER,
    SIZE,
    THIGH,
    T,
)
from imu.kinematics.gait.shank_frames import take_shank
from imu.kinematics.gait.shock import SPAN_US
from imu.kinematics.layout import Record, Records
from imu.packets import Floats, Ints, Quality

HOLE_US: Final = 150_000
"""µs, longest hole across which the low-pass goes on."""
ASLEEP_US: Final = 10_000_000
"""µs since the last event after which nobody needs to know that a leg became unknown."""
_FILLED = int(Quality.FILLED)


@kernel
def run(
    start: int, stop: int, t_us: Ints, gyr: Floats, acc: Floats, flags: NDArray[np.uint16], period_us: int, taps: Floats,
    legs: Records, axes: Records, thighs: Records, straps: Records, raw: Floats, rings: Floats, reports: Records,
) -> tuple[int, int]:  # fmt: skip
    """Frames start..stop; returns the first frame that was not taken because the reports are full, and their number."""
    k = 0
    for f in range(start, stop):
        if k > len(reports) - 64:
            return f, k
        # as it was before this frame: which leg comes first must not matter
        for j in range(len(legs)):
            legs[j]["other_contact"] = legs[1 - j]["last_contact"] if len(legs) == 2 else NEVER
            legs[j]["other_sure"] = legs[1 - j]["last_sure"] if len(legs) == 2 else NEVER
            legs[j]["other_off"] = legs[1 - j]["last_off"] if len(legs) == 2 else NEVER
        for j in range(len(legs)):
            leg = legs[j]
            i = leg["main"]
            known = not math.isnan(gyr[f, i, 0] + acc[f, i, 0])
            made_up = (flags[f, i] & _FILLED) != 0
            leg["hole"] = leg["hole"] + period_us if made_up else 0
            jumped = leg["raw"] > 0 and 2 * (t_us[f] - leg["t_frame"]) > 3 * period_us
            if leg["raw"] > 0 and (jumped or not known or leg["hole"] > HOLE_US):
                k = interrupt(legs, j, straps[j], int(t_us[f]), reports, k)
            if not known or leg["hole"] > HOLE_US:
                continue
            leg["t_frame"] = t_us[f]
            k = take(
                legs, j, axes[j], thighs[j], straps[j], raw[j], rings[j], int(t_us[f]), gyr[f], acc[f], made_up,
                period_us, taps, reports, k,
            )  # fmt: skip
    return stop, k


@kernel
def interrupt(legs: Records, j: int, s: Record, now: int, reports: Records, k: int) -> int:
    """The sensor is unknown: everything but the axis begins anew."""
    leg = legs[j]
    if now - leg["t_told"] < ASLEEP_US:
        r = reports[k]
        r["kind"], r["leg"], r["t_us"], r["t_emitted_us"], r["confidence"], r["method"] = INTERRUPTED, j, now, now, 1.0, 0
        k += 1
    leg["known"], leg["raw"] = leg["n"], 0
    leg["rest_us"], leg["soft_us"] = 0, 0
    s["known"] = 0
    for x in range(3):
        s["v"][x] = 0.0
    begin(leg)
    return k


@kernel
def take(
    legs: Records, j: int, a: Record, b: Record, s: Record, raw: Floats, ring: Floats, now: int, gyr: Floats, acc: Floats,
    made_up: bool, period_us: int, taps: Floats, reports: Records, k: int,
) -> int:  # fmt: skip
    """One known frame of leg j."""
    leg = legs[j]
    width, mask = len(taps), ring.shape[0] - 1
    place = leg["raw"] % width
    for x in range(3):
        raw[place, x], raw[place, 3 + x] = gyr[leg["main"], x], acc[leg["main"], x]
        raw[place, 7 + x] = gyr[leg["thigh"], x] if leg["thigh"] >= 0 else math.nan
    raw[place, 6] = 1.0 if made_up else 0.0
    leg["raw"] += 1
    if leg["raw"] < width:
        return k
    n = leg["n"]
    row = ring[n & mask]
    for x in range(10):
        v = 0.0
        for w in range(width):
            v += taps[w] * raw[(place + 1 + w) % width, x]
        row[GYR + x if x < 6 else FILLED if x == 6 else THIGH + x - 7] = v
    half = width // 2
    row[T] = now - half * period_us
    row[FILLED] = raw[(place + 1 + half) % width, 6]
    row[SIZE] = math.sqrt(row[GYR] ** 2 + row[GYR + 1] ** 2 + row[GYR + 2] ** 2)
    span = max(1, (SPAN_US + period_us // 2) // period_us)
    row[JERK] = 0.0
    if n - leg["known"] >= span:
        old, change = ring[(n - span) & mask], 0.0
        for x in range(3):
            change += (row[ACC + x] - old[ACC + x]) ** 2
        row[JERK] = math.sqrt(change) / (span * period_us * 1e-6)
    leg["n"] = n + 1
    dt = period_us * 1e-6
    g, f = row[GYR : GYR + 3], row[ACC : ACC + 3]
    if leg["thigh"] >= 0:
        thigh_acc = acc[leg["thigh"]]
        if not math.isnan(thigh_acc[0] + row[THIGH]):
            follow_gravity(b, thigh_acc, dt / GRAVITY_S)
            if b["told"] == 0:
                learn_axis(b, row[THIGH : THIGH + 3], dt)
    if leg["source"] == FOOT:
        return take_foot(legs, j, a, s, ring, row, g, f, dt, now, period_us, reports, k)
    return take_shank(legs, j, a, b, ring, row, g, f, dt, now, period_us, reports, k)
