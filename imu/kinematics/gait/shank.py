"""Kernels that find a step in the rate of a shank, with that of the thigh if there is one.

A step is a push (the shank turns backwards), a swing (forwards, fast) and a landing (backwards again). A stance is calm in
comparison with the swing: what swings to and fro evenly (a pedalling or a dangling leg) is no step, and neither is what
has no push and no landing (a squat, a knee that is extended).
"""

from __future__ import annotations

import math
from typing import Final

from imu.kernels import kernel
from imu.kinematics.gait.events import WALKING_US, calm_share, rise, tell
from imu.kinematics.gait.layout import (
    ACC,
    BY_FALL,
    BY_KNEE,
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
    THIGH_RATE,
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
PEAK_SURE: Final = 1.5
"""rad/s. What begins a walk shows two of three: a push, a landing, a swing faster than this. Shanks of people who squat
fast reach 1.3."""
PUSHED, PUSHED_WELL = -0.2, -1.0
"""rad/s, backwards: a push, and one beyond doubt."""
KNEE_EARLIER_US: Final = 60_000
"""µs before the fastest backward turn of the shank: from here the knee flexes fastest."""
KNEE_LEAST: Final = 1.0
"""rad/s, fastest flexion of a knee that swings."""
OFF_SHARE: Final = 0.05
"""of a stride: so long before the shank has stopped turning backwards the foot leaves. Of eight legs after a stroke 0.041
to 0.060 (by the foot), of simulated people at 0.6 to 1.2 m/s 0.042 to 0.054, of one other person 0.07."""
OFF_BEFORE_US: Final = 100_000
"""µs before the rise of the rate: foot off without a push."""
LOOK_BACK_US: Final = 450_000
"""µs, longest time from the push to the rise of the rate."""
LANDED: Final = -0.3
"""rad/s, backwards: the heel is on the floor."""
WAIT_LOW_US: Final = 40_000
"""µs behind the zero of the rate after which its minimum is not waited for."""
LAG_SHARE: Final = 0.7
"""of the time from the zero to the minimum: there is the contact. Force plates put it in the middle (+3 ms), feet of people
after a stroke at 0.55, a simulated heel that strikes at 0.9; later in slow walking."""
LATEST_US: Final = 45_000
"""µs behind the zero; no contact is later."""
WAIT_US: Final = 120_000
"""µs; what has not turned back by then has landed flat."""
FLAT_US: Final = 20_000
"""µs; so much later than its zero, or than it has become slow, a flat landing is."""
FLAT, NOT_FLAT = 0.15, 0.3
"""of the peak of the swing: below the first the shank stands, above the second it swings on."""
LONGEST_US: Final = 1_500_000
"""µs, swing."""
USUAL_START, USUAL_MOST = 3.0, 8.0
"""rad/s, of the usual peak in swing."""
LEARN: Final = 0.2
"""Weight of a new step in what is usual."""
CALM: Final = 0.4
"""of the peak of the swing: a slower shank is calm ..."""
CALM_SHARE: Final = 0.4
"""... and it is so for at least this share of the time from the contact to the push; swinging to and fro evenly: 0.26."""
PEAK_FAST: Final = 2.2
"""rad/s; a swing that is faster needs no other sign that the foot has left the floor."""
SHORT: Final = 0.8
"""of the usual peak: a slower swing is a short step, or one that turns. The shank stops turning while the foot is still led
to its place: contacts are off by 16 to 100 ms then (of others by 3 to 14; after a stroke by 26 to 77 against 7) ..."""
SHORT_STEP: Final = 0.5
"""... and this is their confidence."""
KEPT: Final = 0.5
"""Confidence of a small first step, told with the next one."""
CARRIED: Final = 4.7
"""m/s², spread of the size of the acceleration over a step. Recorded squats, also played 1.6 times as fast, reach 4.6 (with
an accelerometer that was wrong by 5); steps in the middle of a slow walk of people after a stroke begin at 5.9."""
NEAR_US: Final = 50_000
"""µs before foot off from which that is looked at."""
AGAIN_US: Final = 50_000
"""µs after the end of a swing in which no push is looked for."""


@kernel
def step_shank(legs: Records, j: int, ring: Floats, now: int, period_us: int, reports: Records, k: int) -> int:
    """The newest row of the ring through the machine of leg j; returns the next free row of the reports."""
    leg = legs[j]
    mask = ring.shape[0] - 1
    if leg["n"] - leg["known"] < 3:
        return k
    t, m = int(ring[(leg["n"] - 1) & mask, T]), ring[(leg["n"] - 1) & mask, RATE]
    last = ring[(leg["n"] - 2) & mask, RATE]
    if leg["state"] == SWING:
        return _swing(legs, j, ring, t, m, last, now, period_us, reports, k)
    level = max(SWING_LEAST, SWING_SHARE * leg["usual"])
    if m > level >= last:
        _leave(leg, ring, t, m)
    return k


@kernel
def _leave(leg: Record, ring: Floats, t: int, m: float) -> None:
    """The shank begins to swing: find the push before it."""
    mask = ring.shape[0] - 1
    oldest = max(leg["known"], leg["n"] - ring.shape[0])
    since = max(t - LOOK_BACK_US, leg["t_contact"] + AGAIN_US)
    i = leg["n"] - 1
    low, i_low = 1e9, -1
    while i >= oldest and ring[i & mask, T] >= since:
        if ring[i & mask, RATE] <= low:
            low, i_low = ring[i & mask, RATE], i
        i -= 1
    if i_low < 0:
        return
    if low < PUSHED and i_low > oldest:
        leg["off_method"], leg["t_off"] = BY_PUSH, rise(leg, ring) - int(OFF_SHARE * leg["stride"])
    elif ring[oldest & mask, T] > t - LOOK_BACK_US:
        return  # what was before is not known
    else:
        leg["off_method"], leg["t_off"] = BY_RISE, t - OFF_BEFORE_US
    leg["t_push"] = leg["t_off"]
    leg["pushed"] = 1 if leg["off_method"] == BY_PUSH else 0
    knee = knee_off(leg, ring, max(since, int(ring[i_low & mask, T]) - KNEE_EARLIER_US))
    if knee > NEVER:
        # the one is late where the other one is early
        leg["off_method"], leg["t_off"] = BY_KNEE, (knee + leg["t_off"]) // 2 if leg["pushed"] else knee
    leg["off_confidence"] = 0.9 if low < PUSHED_WELL else 0.6
    leg["state"], leg["peak"], leg["turned"], leg["t_zero"], leg["t_flat"] = SWING, m, 0.0, 0.0, NEVER
    leg["pending"], leg["predicted"], leg["t_swing"] = 1, 0, t


@kernel
def knee_off(leg: Record, ring: Floats, since: int) -> int:
    """When the knee flexed fastest, µs: foot off. NEVER if the thigh is not known, or it does not flex."""
    mask = ring.shape[0] - 1
    i, oldest = leg["n"] - 1, max(leg["known"], leg["n"] - ring.shape[0])
    most, best = KNEE_LEAST, -1
    while i >= oldest and ring[i & mask, T] >= since:
        flexing = ring[i & mask, THIGH_RATE] - ring[i & mask, RATE]
        if math.isnan(flexing):
            return NEVER
        if flexing > most:
            most, best = flexing, i
        i -= 1
    if best <= oldest or best >= leg["n"] - 1:
        return NEVER
    a = ring[(best - 1) & mask, THIGH_RATE] - ring[(best - 1) & mask, RATE]
    b = ring[(best + 1) & mask, THIGH_RATE] - ring[(best + 1) & mask, RATE]
    step = ring[best & mask, T] - ring[(best - 1) & mask, T]
    bend = a + b - 2.0 * most
    # top of the parabola through three frames
    return int(ring[best & mask, T] + (0.5 * step * (a - b) / bend if bend < 0.0 else 0.0))


@kernel
def carried(leg: Record, ring: Floats) -> bool:
    """The shank was carried through the air since foot off, not only turned over a foot that stands."""
    mask = ring.shape[0] - 1
    oldest = max(leg["known"], leg["n"] - ring.shape[0])
    i, low, high = leg["n"] - 1, 1e18, 0.0
    while i >= oldest and ring[i & mask, T] >= leg["t_off"] - NEAR_US:
        a = ring[i & mask, ACC] ** 2 + ring[i & mask, ACC + 1] ** 2 + ring[i & mask, ACC + 2] ** 2
        low, high = min(low, a), max(high, a)
        i -= 1
    return math.sqrt(high) - math.sqrt(low) > CARRIED


@kernel
def _swing(
    legs: Records, j: int, ring: Floats, t: int, m: float, last: float, now: int, period_us: int, reports: Records, k: int
) -> int:
    """One frame of a shank that swings."""
    leg = legs[j]
    leg["peak"] = max(leg["peak"], m)
    leg["turned"] += m * period_us * 1e-6
    walking = t - leg["last_contact"] < WALKING_US
    if leg["pending"] and leg["turned"] > TURNED and leg["peak"] > PEAK_LEAST:
        sure = walking and leg["pushed"] == 1 and calm_share(leg, ring, CALM * leg["last_peak"]) >= CALM_SHARE
        if sure:
            k = tell(legs, j, ring, OFF, leg["t_off"], leg["off_confidence"], leg["off_method"], now, reports, k)
        leg["pending"], leg["held"] = 0, 0 if sure else 1
    if last > 0.0 >= m:
        leg["t_zero"], leg["low"], leg["t_low"] = t - period_us * -m / (last - m), 0.0, t
        if leg["pending"] == 0 and leg["held"] == 0 and leg["predicted"] == 0:
            k = tell(legs, j, ring, PREDICTED, int(leg["t_zero"] + leg["lag"]), 0.5, BY_REVERSAL, now, reports, k)
            leg["predicted"] = 1
    elif leg["t_zero"] > 0.0 and m > -LANDED and t - leg["t_zero"] < 150_000:
        leg["t_zero"] = 0.0
    if m > NOT_FLAT * leg["peak"]:
        leg["t_flat"] = NEVER
    elif m < FLAT * leg["peak"] and leg["t_flat"] == NEVER:
        leg["t_flat"] = t
    if leg["t_zero"] > 0.0:
        if m < leg["low"]:
            leg["low"], leg["t_low"] = m, t
        if leg["low"] < LANDED and (m > leg["low"] or t - leg["t_zero"] >= WAIT_LOW_US):
            lag = min(LAG_SHARE * (leg["t_low"] - leg["t_zero"]), float(LATEST_US))
            leg["lag"] += LEARN * (lag - leg["lag"])
            return _land(legs, j, ring, t, int(leg["t_zero"] + lag), 0.9, BY_REVERSAL, now, reports, k)
        elif t - leg["t_zero"] > WAIT_US:
            return _land(legs, j, ring, t, int(leg["t_zero"]) + FLAT_US, 0.6, BY_TIME, now, reports, k)
    elif leg["t_flat"] > NEVER and t - leg["t_flat"] > WAIT_US:
        return _land(legs, j, ring, t, leg["t_flat"] + FLAT_US, 0.5, BY_FALL, now, reports, k)
    if t - leg["t_swing"] > LONGEST_US:
        leg["state"] = STANCE
    return k


@kernel
def _tell_kept(legs: Records, j: int, ring: Floats, t: int, now: int, reports: Records, k: int) -> int:
    """What could have been a step, and came directly before one, was one."""
    leg = legs[j]
    if t - leg["kept_contact"] < WALKING_US:
        k = tell(legs, j, ring, OFF, leg["kept_off"], KEPT, leg["kept_off_method"], now, reports, k)
        k = tell(legs, j, ring, CONTACT, leg["kept_contact"], KEPT, leg["kept_method"], now, reports, k)
    leg["kept_contact"] = NEVER
    return k


@kernel
def _land(
    legs: Records, j: int, ring: Floats, t: int, contact: int, confidence: float, method: int, now: int, reports: Records,
    k: int,
) -> int:  # fmt: skip
    """The swing is over: was it a step?"""
    leg = legs[j]
    if leg["pending"] == 0:
        signs = leg["pushed"] + (1 if method == BY_REVERSAL else 0)
        if leg["peak"] < SHORT * leg["usual"]:
            confidence = min(confidence, SHORT_STEP)
        if leg["held"]:
            signs += 1 if leg["peak"] > PEAK_SURE else 0
            step = signs >= 2 and calm_share(leg, ring, CALM * leg["peak"]) >= CALM_SHARE
            if step and (leg["peak"] > PEAK_FAST or carried(leg, ring) or t - leg["other_contact"] < WALKING_US):
                k = _tell_kept(legs, j, ring, t, now, reports, k)
                k = tell(legs, j, ring, OFF, leg["t_off"], leg["off_confidence"], leg["off_method"], now, reports, k)
            elif step:
                leg["kept_off"], leg["kept_contact"] = leg["t_off"], contact
                leg["kept_off_method"], leg["kept_method"] = leg["off_method"], method
                step = False
        else:
            step = signs > 0
        if step:
            k = tell(legs, j, ring, CONTACT, contact, confidence, method, now, reports, k)
            leg["usual"] += LEARN * (min(leg["peak"], USUAL_MOST) - leg["usual"])
        leg["last_peak"], leg["t_contact"] = leg["peak"], t
    leg["state"], leg["held"] = STANCE, 0
    return k
