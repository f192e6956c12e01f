"""Kernels that take the frames of the grid, leg by leg."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.kernels import kernel
from imu.kinematics.gait.axis import about, ahead, at_rest, follow_gravity, go_on, learn_axis
from imu.kinematics.gait.foot import G2, REST_ACC, REST_US, RESTING, step_foot
from imu.kinematics.gait.layout import (
    ACC,
    FILLED,
    FOOT,
    GYR,
    INTERRUPTED,
    JERK,
    NEVER,
    RATE,
    SIZE,
    STANCE,
    THIGH,
    THIGH_RATE,
    VEL,
    WAITING,
    T,
)
from imu.kinematics.gait.shank import step_shank
from imu.kinematics.layout import Record, Records
from imu.packets import Floats, Ints, Quality

SOFT, SOFT_US = 0.8, 70_000
"""rad/s, µs: slow and with nothing but gravity for so long is a rest for the speed, though not for the machine.
One person's foot never had 60 ms of full rest in 11 s of brisk walking."""
HOLE_US: Final = 150_000
"""µs, longest hole across which the low-pass goes on."""
ASLEEP_US: Final = 10_000_000
"""µs since the last event after which nobody needs to know that a leg became unknown."""
SIGN_FOOT, SIGN_SHANK = 0.12, 0.7
"""m, rad³/s²: evidence from which the sign of an axis counts ..."""
FLIP_FOOT, FLIP_SHANK = 0.05, 2.0
"""... and from which contrary evidence turns it round."""
UNEVEN: Final = 0.3
"""Third moment of the rate of a shank, as a share of that of its size, from which it has a sign: walking is uneven ..."""
LOBE, LOBES = 0.2, 4
"""rad ... once it has turned by this to and fro, so many times in all: the first push can be faster than the first swing."""
STANDING: Final = 1.5
"""rad/s; a faster shank may be in the air."""
SIGN_THIGH: Final = 0.3
"""rad²/s, evidence for the sign of the thigh's axis."""
ENERGY: Final = 1.0
"""rad²/s, trace of the sums of an axis from which it counts."""
GRAVITY_FOOT_S, GRAVITY_S = 0.2, 2.0
"""s, time constants of up: of a foot at rest, and of a shank or thigh, always."""
DRIVE_FOOT_S, DRIVE_SHANK_S, DRIVE_THIGH_S = 33.0, 20.0, 4.0
"""s, memory of the evidence for a sign. The thigh's is short: knees lifted before a walk speak against it."""
SPEED_GOOD_US: Final = 1_500_000
"""µs since the last rest for which a displacement is believed."""
AGAIN_FOOT_S, AGAIN_SHANK_S = 3.0, 5.0
"""s that are gone through once more when a sign has become known."""
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
def begin(leg: Record) -> None:
    """The machine begins anew."""
    leg["state"] = WAITING if leg["source"] == FOOT else STANCE
    leg["settled_us"], leg["t_contact"], leg["pending"], leg["held"], leg["t_zero"] = 0, NEVER, 0, 0, 0.0
    leg["last_off"], leg["last_contact"], leg["last_sure"], leg["kept_contact"] = NEVER, NEVER, NEVER, NEVER


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
    span = max(1, (20_000 + period_us // 2) // period_us)
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
        return _foot(legs, j, a, s, ring, row, g, f, dt, now, period_us, reports, k)
    return _shank(legs, j, a, b, ring, row, g, f, dt, now, period_us, reports, k)


@kernel
def _foot(
    legs: Records, j: int, a: Record, s: Record, ring: Floats, row: Floats, g: Floats, f: Floats, dt: float, now: int,
    period_us: int, reports: Records, k: int,
) -> int:  # fmt: skip
    """One frame of a foot: up, axis, speed, sign, machine."""
    leg = legs[j]
    size, f2 = row[SIZE], f[0] ** 2 + f[1] ** 2 + f[2] ** 2
    leg["rest_us"] = leg["rest_us"] + period_us if size < RESTING and abs(f2 - G2) < REST_ACC else 0
    leg["soft_us"] = leg["soft_us"] + period_us if size < SOFT and abs(f2 - G2) < REST_ACC else 0
    if leg["rest_us"] >= REST_US or leg["soft_us"] >= SOFT_US:
        follow_gravity(a, f, dt / GRAVITY_FOOT_S)
        at_rest(s, a["acc"])
    elif a["up_known"] == 0:
        follow_gravity(a, f, 1.0)
    else:
        if a["told"] == 0:
            learn_axis(a, g, dt)
        go_on(s, g, f, dt, period_us)
    for x in range(3):
        row[VEL + x] = s["v"][x]
    if a["known"] == 0:
        return k
    age = s["age_us"] if s["known"] else -1
    if a["told"] == 0:
        a["drive"] *= 1.0 - dt / DRIVE_FOOT_S
        if 0 <= age < SPEED_GOOD_US:
            a["drive"] += ahead(a, s["v"]) * dt
        d = a["drive"]
        if (a["sign"] == 0.0 and a["energy"] > ENERGY and abs(d) > SIGN_FOOT) or (
            a["sign"] * d < 0.0 and abs(d) > FLIP_FOOT
        ):
            return _again_foot(legs, j, a, s, ring, dt, now, period_us, reports, k)
        if a["sign"] == 0.0:
            return k
    row[RATE] = about(a, g) * a["sign"]
    return step_foot(legs, j, ring, age, now, period_us, reports, k)


@kernel
def _again_foot(
    legs: Records, j: int, a: Record, s: Record, ring: Floats, dt: float, now: int, period_us: int, reports: Records, k: int
) -> int:
    """The sign is known now, or was wrong: the last 3 s once more."""
    leg = legs[j]
    mask, end = ring.shape[0] - 1, leg["n"]
    first = max(leg["known"], end - min(ring.shape[0], int(AGAIN_FOOT_S / dt)))
    d = 0.0
    for i in range(first, end):
        d += ahead(a, ring[i & mask, VEL : VEL + 3]) * dt
    a["drive"] = d
    a["sign"] = 1.0 if d > 0.0 else -1.0
    begin(leg)
    leg["mute"] = leg["t_told"]
    known = leg["known"]
    leg["known"] = first
    for i in range(first, end):
        leg["n"] = i + 1
        row = ring[i & mask]
        row[RATE] = about(a, row[GYR : GYR + 3]) * a["sign"]
        k = step_foot(legs, j, ring, 0, now, period_us, reports, k)
    leg["known"] = known
    return k


@kernel
def _shank(
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
        keep = 1.0 - dt / DRIVE_SHANK_S
        a["drive"] = a["drive"] * keep + m * m * m * dt
        a["size"] = a["size"] * keep + abs(m * m * m) * dt
        d = a["drive"]
        if m * a["lobe"] < 0.0:
            a["lobes"] += 1 if abs(a["lobe"]) > LOBE else 0
            a["lobe"] = 0.0
        a["lobe"] += m * dt
        uneven = abs(d) > UNEVEN * a["size"]
        first = a["sign"] == 0.0 and a["lobes"] >= LOBES and a["energy"] > ENERGY and abs(d) > SIGN_SHANK
        if uneven and (first or (a["sign"] * d < 0.0 and abs(d) > FLIP_SHANK)) and _sure(leg, a, ring, dt):
            return _again_shank(legs, j, a, b, ring, dt, now, period_us, reports, k)
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
    for i in range(max(leg["known"], end - min(ring.shape[0], int(AGAIN_SHANK_S / dt))), end):
        m = about(a, ring[i & mask, GYR : GYR + 3])
        d += m * m * m * dt
        size += abs(m * m * m) * dt
    same = d * a["drive"] > 0.0 and abs(d) > UNEVEN * size
    if not same:
        a["drive"], a["size"] = d, size
    return same


@kernel
def _again_shank(
    legs: Records, j: int, a: Record, b: Record, ring: Floats, dt: float, now: int, period_us: int, reports: Records, k: int
) -> int:
    """The sign is known now, or was wrong: the last 5 s once more."""
    leg = legs[j]
    mask, end = ring.shape[0] - 1, leg["n"]
    first = max(leg["known"], end - min(ring.shape[0], int(AGAIN_SHANK_S / dt)))
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
