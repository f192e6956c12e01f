"""Kernels that find a step in the rate and the speed of a foot."""

from __future__ import annotations

import math
from typing import Final

from imu.kernels import kernel
from imu.kinematics.gait.events import WALKING_US, calm_share, crossing, tell
from imu.kinematics.gait.layout import (
    ACC,
    BY_DISPLACEMENT,
    BY_FALL,
    BY_PUSH,
    BY_REVERSAL,
    BY_SHOCK,
    CONTACT,
    JERK,
    NEVER,
    OFF,
    PREDICTED,
    PUSHING,
    RATE,
    SIZE,
    STANCE,
    SWING,
    VEL,
    WAITING,
    T,
)
from imu.kinematics.gait.shock import enough, feel, learn, look_back
from imu.kinematics.layout import Record, Records
from imu.packets import Floats

RESTING: Final = 0.5
"""rad/s; slower is rest ..."""
REST_US: Final = 60_000
"""µs ... if it lasts this long ..."""
G2: Final = 96.2
REST_ACC: Final = 12.0
"""(m/s²)² ... and the square of the acceleration differs by less than this from that of gravity (0.6 m/s²): a foot that is
carried level through the air turns as slowly."""
PUSH: Final = 0.7
"""rad/s, heel up: a push begins; less is a foot that stands."""
LIFTED: Final = 0.6
"""rad/s, toes up: the push is over, the foot swings."""
OFF_SHARE: Final = 0.6
"""The foot leaves where the rate has come back to this share of the peak of the push ..."""
OFF_EARLIER_US: Final = 7_000
"""µs ... less this. Of all shares with their medians against labels this is the steadiest at people's own pace ..."""
SLOW_US: Final = (1_200_000.0, 1_700_000.0)
"""µs ... but in slow walking (usual stride; from here, up to here) the rate comes back so slowly that ..."""
SLOW_SHARE: Final = -0.3
SLOW_EARLIER_US: Final = 15_000
"""... a share that is changed by this, less so much more, is better: of simulated people, whose foot off is told 23 ms too
early otherwise. The pairs between both have the same median against labels."""
TURNED: Final = 0.15
"""rad; a swing turns the foot at least so far."""
CALM, CALM_SHARE = 0.25, 0.3
"""A foot that stands is slower than this share of the peak of its push, and stands for at least this share of the time
between contact and foot off; one on a pedal is so slow for 0.16 of it. The least of 2000 steps with a good push: 0.43."""
SHORTEST_US: Final = 200_000
"""µs, swing; up to here nothing lands."""
LONGEST_US: Final = 1_500_000
"""µs, swing."""
LANDED: Final = -0.8
"""rad/s, toes down: the heel is on the floor, even if no shock was felt."""
WAIT_LOW_US: Final = 30_000
"""µs behind the zero of the rate after which its minimum is not waited for: a slow foot is lowered for 100 ms."""
WAIT_SHOCK_US: Final = 200_000
"""µs behind the zero for which a shock is waited for. Without one the foot has only become level: of 60 such steps 50
landed 40 to 175 ms later, with a shock."""
LOWERED: Final = -0.4
"""rad/s, toes down: with a shock the heel is on the floor already."""
SOONEST_SHOCK_US: Final = 50_000
"""µs behind the zero: earlier shocks are those of a usual landing, whose time the rate tells better."""
SWINGS_ON: Final = 0.3
"""rad/s, toes up behind the zero: it was no landing."""
LAG_SHARE: Final = 0.5
"""of the time from the zero to the minimum: there is the contact."""
LATEST_US: Final = 15_000
"""µs behind the zero of the rate; what is missing beyond it the shocks tell."""
SLOWED: Final = 0.6
"""of the fastest speed of the swing: a foot that lands has slowed down to this."""
SPEED_GOOD_US: Final = 1_500_000
"""µs since the last rest for which the speed is believed."""
LEARN: Final = 0.2
"""Weight of a new step in what is usual."""
SHORTEST_MOTION_US: Final = 140_000
"""µs between two rests; less is a foot that rocks."""
FALL, RISE = 0.35, 0.25
"""of its fastest speed: where a foot without a clear push or landing comes down and leaves."""
DISPLACED: Final = 0.7
"""m/s, fastest speed from which a motion between two rests is a step although the rate did not show one."""
SHIFT_US: Final = 120_000
"""µs by which a contact found by the speed may be moved ..."""
CHANGE: Final = 4.0
"""(m/s²)² ... to the largest change of the acceleration over 20 ms, if that is larger than this."""
AGAIN_US: Final = 150_000
"""µs after a contact in which a foot may rock without pushing."""


@kernel
def step_foot(legs: Records, j: int, ring: Floats, age_us: int, now: int, period_us: int, reports: Records, k: int) -> int:
    """The newest row of the ring through the machine of leg j; returns the next free row of the reports.

    age_us : since the last rest, -1 = none yet.
    """
    leg = legs[j]
    mask = ring.shape[0] - 1
    row, before = ring[(leg["n"] - 1) & mask], ring[(leg["n"] - 2) & mask]
    first = leg["n"] - leg["known"] < 2
    t, m, size = int(row[T]), row[RATE], row[SIZE]
    last = m if first else before[RATE]
    f2 = row[ACC] ** 2 + row[ACC + 1] ** 2 + row[ACC + 2] ** 2
    leg["settled_us"] = leg["settled_us"] + period_us if size < RESTING and abs(f2 - G2) < REST_ACC else 0
    state = leg["state"]
    if leg["unlearnt"]:
        learn(leg, row)
    if state == WAITING:
        if 2 * leg["settled_us"] >= REST_US or (t - leg["t_contact"] > AGAIN_US and m > -PUSH and leg["t_contact"] > NEVER):
            leg["state"] = STANCE
    elif state == STANCE:
        if m < -PUSH:
            leg["state"], leg["peak"], leg["t_peak"] = PUSHING, m, t
    elif state == PUSHING:
        if m < leg["peak"]:
            leg["peak"], leg["t_peak"] = m, t
        if leg["settled_us"] >= REST_US:
            leg["state"] = STANCE
        elif m > LIFTED:
            leg["state"] = STANCE
            slow = min(max((leg["stride"] - SLOW_US[0]) / (SLOW_US[1] - SLOW_US[0]), 0.0), 1.0)
            level = (OFF_SHARE + slow * SLOW_SHARE) * leg["peak"]
            leg["t_off"] = crossing(leg, ring, leg["t_peak"], level) - OFF_EARLIER_US - int(slow * SLOW_EARLIER_US)
            leg["t_push"] = leg["t_off"]
            if calm_share(leg, ring, -CALM * leg["peak"]) < CALM_SHARE:
                return k
            leg["state"], leg["pending"], leg["predicted"] = SWING, 1, 0
            leg["turned"], leg["fast"], leg["t_zero"] = 0.0, 0.0, 0.0
    elif state == SWING:
        return _swing(legs, j, ring, t, m, last, age_us, now, period_us, reports, k)
    if leg["settled_us"] == REST_US:
        k = _without_push(legs, j, ring, now, reports, k)
    return k


@kernel
def _swing(
    legs: Records, j: int, ring: Floats, t: int, m: float, last: float, age_us: int, now: int, period_us: int,
    reports: Records, k: int,
) -> int:  # fmt: skip
    """One frame of a foot in the air."""
    leg = legs[j]
    row = ring[(leg["n"] - 1) & (ring.shape[0] - 1)]
    speed = math.sqrt(row[VEL] ** 2 + row[VEL + 1] ** 2 + row[VEL + 2] ** 2)
    if t - leg["t_off"] > LONGEST_US:
        _landed(leg, t)
        return k
    leg["fast"] = max(leg["fast"], speed)
    leg["turned"] += m * period_us * 1e-6
    if leg["pending"] and leg["turned"] > TURNED:
        k = tell(legs, j, ring, OFF, leg["t_off"], 0.9, BY_PUSH, now, reports, k)
        leg["pending"] = 0
    if last > 0.0 >= m:
        leg["t_zero"], leg["low"], leg["t_low"] = t - period_us * -m / (last - m), 0.0, t
        look_back(leg, ring, t)
    if leg["t_zero"] > 0.0 and m > SWINGS_ON:
        leg["t_zero"] = 0.0
    if leg["t_zero"] > 0.0 and m < leg["low"]:
        leg["low"], leg["t_low"] = m, t
    may = t - leg["t_off"] > SHORTEST_US and leg["pending"] == 0
    slow = speed < SLOWED * leg["fast"] or age_us > SPEED_GOOD_US or age_us < 0
    if leg["t_zero"] > 0.0 and may and slow:
        if leg["predicted"] == 0:
            k = tell(legs, j, ring, PREDICTED, int(leg["t_zero"] + leg["lag"]), 0.5, BY_REVERSAL, now, reports, k)
            leg["predicted"] = 1
        late = t - leg["t_zero"] > WAIT_SHOCK_US
        if leg["shock"] < enough(leg) <= row[JERK] and leg["low"] < LOWERED and t - leg["t_zero"] > SOONEST_SHOCK_US:
            k = tell(legs, j, ring, CONTACT, t, 0.9, BY_SHOCK, now, reports, k)
            _landed(leg, t)
            return k
        feel(leg, row)
        shocked = leg["shock"] >= enough(leg)
        passed = m > leg["low"] or t - leg["t_zero"] > WAIT_LOW_US
        if passed and (leg["low"] < LOWERED if shocked else late and leg["low"] < LANDED):
            leg["by_rate"] = min(LAG_SHARE * (leg["t_low"] - leg["t_zero"]), float(LATEST_US))
            leg["unlearnt"] = 1
            lag = leg["by_rate"] + leg["behind"]
            contact = min(int(leg["t_zero"] + lag), now)
            k = tell(legs, j, ring, CONTACT, contact, 0.6 if late else 0.9, BY_REVERSAL, now, reports, k)
            leg["lag"] += LEARN * (lag - leg["lag"])
            _landed(leg, t)
            return k
    if leg["settled_us"] >= REST_US:
        begin, end, top = _motion(leg, ring)
        if may and top >= 0:
            k = tell(legs, j, ring, CONTACT, _fall(leg, ring, begin, end, top), 0.5, BY_FALL, now, reports, k)
        elif top >= 0 and _speed(ring, begin, end, top) > DISPLACED:
            k = _displaced(legs, j, ring, begin, end, top, now, reports, k)
        _landed(leg, t)
        leg["state"] = STANCE
    return k


@kernel
def _landed(leg: Record, t: int) -> None:
    """The swing is over."""
    leg["state"], leg["t_contact"], leg["pending"] = WAITING, t, 0


@kernel
def _without_push(legs: Records, j: int, ring: Floats, now: int, reports: Records, k: int) -> int:
    """The foot has come to rest and the rate has shown no step: was it displaced?"""
    begin, end, top = _motion(legs[j], ring)
    if top >= 0 and _speed(ring, begin, end, top) > DISPLACED:
        return _displaced(legs, j, ring, begin, end, top, now, reports, k)
    return k


@kernel
def _displaced(
    legs: Records, j: int, ring: Floats, begin: int, end: int, top: int, now: int, reports: Records, k: int
) -> int:
    """A weak step, or one that turns: both its events by the speed."""
    leg = legs[j]
    mask = ring.shape[0] - 1
    if leg["t_contact"] > NEVER and ring[begin & mask, T] < leg["t_contact"] - SHORTEST_US:
        return k
    level = RISE * _speed(ring, begin, end, top)
    i = top
    while i > begin and _speed(ring, begin, end, i) > level:
        i -= 1
    off, contact = int(ring[i & mask, T]), _fall(leg, ring, begin, end, top)
    walking = off - max(leg["last_sure"], leg["other_sure"]) < WALKING_US
    if contact - off < AGAIN_US or not walking:
        return k
    k = tell(legs, j, ring, OFF, off, 0.4, BY_DISPLACEMENT, now, reports, k)
    k = tell(legs, j, ring, CONTACT, contact, 0.4, BY_DISPLACEMENT, now, reports, k)
    leg["t_contact"] = contact
    return k


@kernel
def _speed(ring: Floats, begin: int, end: int, i: int) -> float:
    """Speed in row i of a motion begin..end, m/s, with its drift taken off so that it ends at rest."""
    mask = ring.shape[0] - 1
    share = (i - begin + 1) / (end - begin + 1)
    s = 0.0
    for a in range(3):
        s += (ring[i & mask, VEL + a] - share * ring[end & mask, VEL + a]) ** 2
    return math.sqrt(s)


@kernel
def _motion(leg: Record, ring: Floats) -> tuple[int, int, int]:
    """First and last row of the motion that has just come to rest, and the fastest; the latter -1 if it was too short."""
    mask, n = ring.shape[0] - 1, leg["n"]
    first = max(leg["known"], n - ring.shape[0] // 2)
    i = n - 1
    while i >= first and ring[i & mask, VEL] == 0.0 and ring[i & mask, VEL + 1] == 0.0 and ring[i & mask, VEL + 2] == 0.0:
        i -= 1
    end = i
    while i >= first and (ring[i & mask, VEL] != 0.0 or ring[i & mask, VEL + 1] != 0.0 or ring[i & mask, VEL + 2] != 0.0):
        i -= 1
    begin = i + 1
    if end <= begin or ring[end & mask, T] - ring[begin & mask, T] < SHORTEST_MOTION_US:
        return begin, end, -1
    top, most = begin, 0.0
    for i in range(begin, end + 1):
        v = _speed(ring, begin, end, i)
        if v > most:
            top, most = i, v
    return begin, end, top


@kernel
def _fall(leg: Record, ring: Floats, begin: int, end: int, top: int) -> int:
    """Contact of a weak step, µs: where its speed falls, moved to the largest change of acceleration nearby."""
    mask = ring.shape[0] - 1
    level = FALL * _speed(ring, begin, end, top)
    i = top
    while i < end and _speed(ring, begin, end, i) > level:
        i += 1
    t = int(ring[i & mask, T])
    most, best = 0.0, t
    r = i
    while r > leg["known"] + 1 and t - ring[(r - 1) & mask, T] < SHIFT_US:
        r -= 1
    while r < leg["n"] - 1 and ring[r & mask, T] - t < SHIFT_US:
        d = 0.0
        for a in range(3):
            d += (ring[(r + 1) & mask, ACC + a] - ring[(r - 1) & mask, ACC + a]) ** 2
        d *= max(0.0, 1.0 - abs(ring[r & mask, T] - t) / SHIFT_US)
        if d > most:
            most, best = d, int(ring[r & mask, T])
        r += 1
    return best if most > CHANGE else t
