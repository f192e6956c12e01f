"""Kernels that look back in a leg's ring and write down what was found."""

from __future__ import annotations

from typing import Final

from imu.kernels import kernel
from imu.kinematics.gait.layout import (
    CONTACT,
    FILLED,
    FOOT,
    NEVER,
    OFF,
    PREDICTED,
    RATE,
    STANCE,
    WAITING,
    T,
)
from imu.kinematics.layout import Record, Records
from imu.packets import Floats

NEAR_HOLE_US: Final = 30_000
"""µs; an event so near to a frame that was made up ..."""
HOLE_SHARE: Final = 0.7
"""... keeps this share of its confidence."""
BOTH_US: Final = 60_000
"""µs; a foot that leaves when the other one has been in the air for longer than this ..."""
BOTH_SHARE: Final = 0.6
"""... contradicts it: one of the two is wrong (or the person runs)."""
STANCE_US: Final = 1_200_000
"""µs before the push that are looked at."""
SURE: Final = 0.5
"""Confidence above which a contact is beyond doubt."""
WALKING_US: Final = 2_500_000
"""µs since a contact of either leg for which a person is walking."""
LEARN_STRIDE: Final = 0.3
"""Weight of a new stride in what is usual ..."""
STRIDE_US: Final = (400_000, 2_500_000)
"""µs ... if it is not shorter or longer than these."""
SAME_US: Final = 100_000
"""µs; what comes out of a second look at the same frames and is not later than this is not told again."""


@kernel
def begin(leg: Record) -> None:
    """The machine begins anew."""
    leg["state"] = WAITING if leg["source"] == FOOT else STANCE
    leg["settled_us"], leg["t_contact"], leg["pending"], leg["held"], leg["t_zero"] = 0, NEVER, 0, 0, 0.0
    leg["unlearnt"] = 0
    leg["last_off"], leg["last_contact"], leg["last_sure"], leg["kept_contact"] = NEVER, NEVER, NEVER, NEVER


@kernel
def crossing(leg: Record, ring: Floats, t_from: int, level: float) -> int:
    """When the rate rose through `level` (< 0) first after `t_from`, interpolated, µs; `t_from` if it did not."""
    mask = ring.shape[0] - 1
    n = leg["n"]
    i = n - 1
    first = max(leg["known"], n - ring.shape[0])
    while i > first and ring[i & mask, T] > t_from:
        i -= 1
    while i + 1 < n:
        a, b = ring[i & mask, RATE], ring[(i + 1) & mask, RATE]
        if b > level:
            t, step = ring[i & mask, T], ring[(i + 1) & mask, T] - ring[i & mask, T]
            if a > level or b == a:
                return int(t + step)
            return int(t + step * (level - a) / (b - a))
        i += 1
    return t_from


@kernel
def rise(leg: Record, ring: Floats) -> int:
    """When the rate became positive last, interpolated, µs."""
    mask, i = ring.shape[0] - 1, leg["n"] - 1
    first = max(leg["known"], leg["n"] - ring.shape[0])
    while i > first and ring[(i - 1) & mask, RATE] > 0.0:
        i -= 1
    if i == first:
        return int(ring[i & mask, T])
    a, b = ring[(i - 1) & mask, RATE], ring[i & mask, RATE]
    t = ring[(i - 1) & mask, T]
    return int(t + (ring[i & mask, T] - t) * -a / (b - a))


@kernel
def calm_share(leg: Record, ring: Floats, level: float) -> float:
    """Share of the stance before the push in which the rate was below `level`; 1 if nothing of it is known."""
    mask = ring.shape[0] - 1
    oldest = max(leg["known"], leg["n"] - ring.shape[0])
    since = max(leg["t_push"] - STANCE_US, leg["t_contact"])
    i, rows, calm = leg["n"] - 1, 0, 0
    while i >= oldest and ring[i & mask, T] >= since:
        if ring[i & mask, T] <= leg["t_push"]:
            rows += 1
            calm += 1 if abs(ring[i & mask, RATE]) < level else 0
        i -= 1
    return calm / rows if rows > 0 else 1.0


@kernel
def made_up(leg: Record, ring: Floats, t: int) -> bool:
    """A frame near t was not measured."""
    mask = ring.shape[0] - 1
    i, first = leg["n"] - 1, max(leg["known"], leg["n"] - ring.shape[0])
    while i >= first and ring[i & mask, T] >= t - NEAR_HOLE_US:
        if ring[i & mask, FILLED] > 0.0 and ring[i & mask, T] <= t + NEAR_HOLE_US:
            return True
        i -= 1
    return False


@kernel
def tell(
    legs: Records, j: int, ring: Floats, kind: int, t: int, confidence: float, method: int, now: int, reports: Records,
    k: int,
) -> int:  # fmt: skip
    """Write an event of leg j into row k of the reports; returns the next free row."""
    leg = legs[j]
    if t <= leg["mute"] + SAME_US:
        return k
    if made_up(leg, ring, t):
        confidence *= HOLE_SHARE
    if kind == OFF and leg["other_off"] > leg["other_contact"] and t - leg["other_off"] > BOTH_US:
        confidence *= BOTH_SHARE
    r = reports[k]
    r["kind"], r["leg"], r["t_us"], r["t_emitted_us"], r["confidence"], r["method"] = kind, j, t, now, confidence, method
    if kind != PREDICTED:
        leg["t_told"] = max(leg["t_told"], t)
    if kind == OFF:
        leg["last_off"] = t
    elif kind == CONTACT:
        lasted = t - leg["last_contact"]
        if STRIDE_US[0] < lasted < STRIDE_US[1]:
            leg["stride"] += LEARN_STRIDE * (lasted - leg["stride"])
        leg["last_contact"] = t
        if confidence > SURE:
            leg["last_sure"] = t
    return k + 1
