"""Kernels that find a step in the rate of a shank, with that of the thigh if there is one."""

from __future__ import annotations

from typing import Final

from imu.kernels import kernel
from imu.kinematics.gait.events import crossing, tell
from imu.kinematics.gait.layout import (
    BY_FALL,
    BY_PUSH,
    BY_REVERSAL,
    BY_RISE,
    BY_TIME,
    CONTACT,
    NEVER,
    OFF,
    PREDICTED,
    RATE,
    STANCE,
    SWING,
    T,
)
from imu.kinematics.layout import Record, Records
from imu.packets import Floats

SWING_SHARE: Final = 0.2
"""of the usual peak in swing: from here the shank swings ..."""
SWING_LEAST: Final = 0.8
"""rad/s ... but not below."""
PEAK_LEAST: Final = 1.0
"""rad/s; a swing is at least so fast ..."""
TURNED: Final = 0.03
"""rad ... and turns so far."""
OFF_SHARE: Final = 0.75
"""The foot leaves where the rate has come back to this share of its minimum in the push."""
LOOK_BACK_US: Final = 450_000
LATEST_US: Final = 20_000
LANDED: Final = -0.3
LONGEST_US: Final = 1_500_000
USUAL_START, USUAL_MOST = 3.0, 8.0


@kernel
def step_shank(legs: Records, j: int, ring: Floats, now: int, period_us: int, reports: Records, k: int) -> int:
    leg = legs[j]
    mask = ring.shape[0] - 1
    if leg["n"] - leg["known"] < 3:
        return k
    t, m = int(ring[(leg["n"] - 1) & mask, T]), ring[(leg["n"] - 1) & mask, RATE]
    last = ring[(leg["n"] - 2) & mask, RATE]
    if leg["state"] != SWING:
        level = max(SWING_LEAST, SWING_SHARE * leg["usual"])
        if m > level >= last:
            return _leave(leg, ring, t, m, k)
        return k
    return _swing(legs, j, ring, t, m, last, now, period_us, reports, k)


@kernel
def _leave(leg: Record, ring: Floats, t: int, m: float, k: int) -> int:
    mask = ring.shape[0] - 1
    oldest = max(leg["known"], leg["n"] - ring.shape[0])
    since = max(t - LOOK_BACK_US, leg["last_contact"] + 50_000)
    i = leg["n"] - 1
    low, i_low = 1e9, -1
    while i >= oldest and ring[i & mask, T] >= since:
        if ring[i & mask, RATE] <= low:
            low, i_low = ring[i & mask, RATE], i
        i -= 1
    if i_low < 0:
        return k
    leg["off_method"] = BY_PUSH
    if low < -0.2 and i_low > oldest:
        leg["t_off"] = crossing(leg, ring, int(ring[i_low & mask, T]), OFF_SHARE * low)
    elif ring[oldest & mask, T] > t - LOOK_BACK_US:
        return k
    else:
        leg["t_off"] = t - 100_000
        leg["off_method"] = BY_RISE
    leg["off_confidence"] = 0.9 if low < -1.0 else 0.6
    leg["state"], leg["peak"], leg["turned"], leg["t_zero"], leg["t_flat"] = SWING, m, 0.0, 0.0, NEVER
    leg["pending"], leg["predicted"], leg["t_swing"] = 1, 0, t
    return k


@kernel
def _swing(
    legs: Records, j: int, ring: Floats, t: int, m: float, last: float, now: int, period_us: int, reports: Records, k: int
) -> int:
    leg = legs[j]
    leg["peak"] = max(leg["peak"], m)
    leg["turned"] += m * period_us * 1e-6
    if leg["pending"] and leg["turned"] > TURNED and leg["peak"] > PEAK_LEAST:
        k = tell(legs, j, ring, OFF, leg["t_off"], leg["off_confidence"], leg["off_method"], now, reports, k)
        leg["pending"] = 0
    if last > 0.0 >= m:
        leg["t_zero"], leg["low"], leg["t_low"] = t - period_us * -m / (last - m), 0.0, t
        if leg["pending"] == 0 and leg["predicted"] == 0:
            k = tell(legs, j, ring, PREDICTED, int(leg["t_zero"] + leg["lag"]), 0.5, BY_REVERSAL, now, reports, k)
            leg["predicted"] = 1
    elif leg["t_zero"] > 0.0 and m > 0.3 and t - leg["t_zero"] < 150_000:
        leg["t_zero"] = 0.0
    if m > 0.3 * leg["peak"]:
        leg["t_flat"] = NEVER
    elif m < 0.15 * leg["peak"] and leg["t_flat"] == NEVER:
        leg["t_flat"] = t
    contact, confidence, method = NEVER, 0.0, 0
    if leg["t_zero"] > 0.0:
        if m < leg["low"]:
            leg["low"], leg["t_low"] = m, t
        if leg["low"] < LANDED and (m > leg["low"] or t - leg["t_zero"] >= 40_000):
            lag = min(0.5 * (leg["t_low"] - leg["t_zero"]) + 5_000, float(LATEST_US))
            contact, confidence, method = int(leg["t_zero"] + lag), 0.9, BY_REVERSAL
            leg["lag"] += 0.2 * (lag - leg["lag"])
        elif t - leg["t_zero"] > 120_000:
            contact, confidence, method = int(leg["t_zero"]) + LATEST_US, 0.6, BY_TIME
    elif leg["t_flat"] > NEVER and t - leg["t_flat"] > 120_000:
        contact, confidence, method = leg["t_flat"] + LATEST_US, 0.5, BY_FALL
    if contact > NEVER:
        if leg["pending"] == 0:
            if leg["peak"] < 0.5 * leg["usual"]:
                confidence = min(confidence, 0.6)
            k = tell(legs, j, ring, CONTACT, contact, confidence, method, now, reports, k)
            leg["usual"] += 0.2 * (min(leg["peak"], USUAL_MOST) - leg["usual"])
            leg["last_contact"] = t
        leg["state"] = STANCE
    elif t - leg["t_swing"] > LONGEST_US:
        leg["state"] = STANCE
    return k
