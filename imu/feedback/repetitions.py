"""Counting repetitions and finding their phases, frame by frame.

The signal is the tilt of both thighs against gravity, zero in the verified stand; levels are taken above the last top, so
that slow drift does not matter. Open at 20°, at least 30° deep, counted when back at 35 % of the peak on the way up,
closed where the movement ends at the top or goes down again by 15°. A repetition with an unknown frame is void.
"""

from __future__ import annotations

from typing import Final

from imu.feedback.durations import SHARE, SLOWEST, begin, end
from imu.feedback.records import (
    BOTTOM,
    CLOSED,
    CLOSING,
    COUNTED,
    DOWN,
    DROPPED,
    HOLD,
    RISING,
    STARTED,
    TOP,
    UP,
    VOID,
    WAITING,
    Records,
)
from imu.feedback.signal import measure_rate
from imu.kernels import kernel
from imu.packets import Floats, Ints

BASE_MOST: Final = 0.2618
"""rad (15°): the level of a top is never taken above this, so that a rest at the bottom is no new top."""
BASE_S: Final = 2.0
"""s, time constant with which the level of the top follows upwards."""
AGAIN: Final = 0.1745
"""rad (10°): going on down after a stop, or down again before the count, is the same repetition's way down."""
LEAVE: Final = 0.0349
"""rad (2°): so much above the deepest point the way up has begun; less is sway."""
NEAR: Final = 0.8
"""of the usual or aimed depth: a stop there is the bottom."""
TOO_SHALLOW: Final = 0
TOO_LONG: Final = 1
"""`detail` of DROPPED."""


@kernel
def report(reports: Records, k: int, kind: int, t: int, now: int, number: int, value: float) -> int:
    """Write report `k`; returns the next free row."""
    r = reports[k]
    r["kind"] = kind
    r["t_us"] = t
    r["t_emitted_us"] = now
    r["number"] = number
    r["leg"] = -1
    r["how"] = 0
    r["value"] = value
    r["limit"] = 0.0
    r["sigma"] = 0.0
    r["detail"] = 0
    return k + 1


@kernel
def void(machine: Records, t: int, reports: Records, k: int) -> int:
    """End an open, not yet counted repetition as void."""
    m = machine[0]
    m["number"] += 1
    m["state"] = WAITING
    m["t_phase"] = t
    k = report(reports, k, VOID, m["t_start"], t, m["number"], m["peak"])
    reports[k - 1]["detail"] = m["flags"]
    return k


@kernel
def close(
    machine: Records, params: Records, ring_t: Ints, ring_rate: Floats, t_end: int, ended: bool, closed: Records,
    reports: Records, k: int,
) -> int:  # fmt: skip
    """Write a counted repetition into `closed[0 ..]`; the phases are measured here, once all of it is known.

    `ended`: the end is known; False (sensor lost, recording over) leaves the duration of the way up unknown.
    """
    m, p = machine[0], params[0]
    newest = m["n"] - 1 - p["half"]
    oldest = max(m["known"], m["n"] - len(ring_t)) + p["half"]
    first = max(oldest, m["i_open"] - 3 * p["half"])
    deepest = min(m["i_peak"], newest)
    t_start = begin(ring_t, ring_rate, first, deepest, oldest, 1.0)
    t_bottom = end(ring_t, ring_rate, first, deepest, newest, 1.0)
    t_up = begin(ring_t, ring_rate, deepest, newest, first, -1.0)
    if t_up < t_bottom:
        t_up = t_bottom = (t_up + t_bottom) // 2
    row = 0
    for i in range(k):
        row += reports[i]["kind"] == CLOSED
    r = closed[row]
    r["t_start"] = t_start
    r["t_deepest"] = ring_t[m["i_peak"] & (len(ring_t) - 1)]
    r["t_end"] = t_end
    r["depth"] = m["depth"]
    r["down_s"] = (t_bottom - t_start) * 1e-6
    r["hold_s"] = (t_up - t_bottom) * 1e-6
    r["up_s"] = (t_end - t_up) * 1e-6 if ended else float("nan")
    r["flags"] = m["flags"]
    m["state"] = TOP
    m["t_phase"] = t_end
    m["usual"] = m["peak"] - m["base"]
    m["base"] = min(max(m["low"], 0.0), BASE_MOST)
    k = report(reports, k, CLOSED, t_end, m["t_us"], m["number"], m["peak"])
    reports[k - 1]["detail"] = row
    return k


@kernel
def lose(
    machine: Records, params: Records, ring_t: Ints, ring_rate: Floats, t: int, closed: Records, reports: Records, k: int
) -> int:
    """The signal is unknown at time `t`: void what is open, finish what was counted, start again at the next top."""
    m = machine[0]
    state = m["state"]
    if state in (DOWN, HOLD, UP):
        k = void(machine, t, reports, k)
    elif state == CLOSING:
        k = close(machine, params, ring_t, ring_rate, m["t_us"], False, closed, reports, k)
    m["state"] = WAITING
    m["known"] = m["n"]
    m["signal"] = float("nan")
    m["depth_now"] = float("nan")
    m["rate"] = 0.0
    return k


@kernel
def step(
    t: int, s: float, depth: float, flags: int, params: Records, machine: Records, ring_t: Ints, ring_s: Floats,
    ring_rate: Floats, closed: Records, reports: Records, k: int,
) -> int:  # fmt: skip
    """One frame of the repetition machine, in place; returns the next free row of `reports` (at most 4 are written).

    s, depth : rad, NaN = unknown. The rings are as long as the longest repetition and a power of two.
    """
    p, m = params[0], machine[0]
    if s != s:
        m["flags"] |= flags
        k = lose(machine, params, ring_t, ring_rate, t, closed, reports, k)
        m["t_us"] = t
        return k
    if m["n"] > m["known"] and 2 * (t - m["t_us"]) > 3 * p["period_us"]:
        k = lose(machine, params, ring_t, ring_rate, t, closed, reports, k)
    v = measure_rate(machine, p["half"], p["period_us"] * 1e-6, t, s, ring_t, ring_s, ring_rate)
    n, half, dead = m["n"] - 1, p["half"], p["dead_band"]
    newest = n - half
    oldest = min(max(m["known"], m["n"] - len(ring_t)) + half, newest)
    m["t_us"], m["signal"], m["depth_now"] = t, s, depth
    state = m["state"]

    if state == WAITING and s < m["base"] + 0.75 * p["open"]:
        m["state"] = state = TOP
    if state == TOP:
        if v < dead:
            m["t_move"] = t - half * p["period_us"]
        if abs(v) < dead:
            if s < m["base"]:
                m["base"] = max(s, 0.0)
            else:
                m["base"] = min(m["base"] + (s - m["base"]) * p["period_us"] * 1e-6 / BASE_S, BASE_MOST)
        if s <= m["base"] + p["open"]:
            return k
        m["state"] = state = DOWN
        m["i_open"], m["i_peak"], m["peak"] = n, n, s
        m["fastest"] = m["slowest"] = 0.0
        m["t_bottom"] = m["t_up"] = m["t_edge"] = m["t_expected"] = -1
        m["flags"], m["depth"] = 0, depth
        m["t_start"] = begin(ring_t, ring_rate, max(oldest, newest - 3 * half), newest, oldest, 1.0)
        m["t_phase"] = m["t_start"]
        k = report(reports, k, STARTED, m["t_start"], t, m["number"] + 1, s)
    if state == WAITING:
        return k

    m["flags"] |= flags
    if depth == depth and not m["depth"] >= depth:
        m["depth"] = depth
    if s > m["peak"]:
        m["peak"], m["i_peak"] = s, n
    up = m["peak"] - m["base"]
    first = max(oldest, m["i_open"] - 3 * half)

    if state == DOWN:
        m["fastest"] = max(m["fastest"], v)
        level = max(SHARE * m["fastest"], SLOWEST)
        if m["t_edge"] < 0:
            if v < level and newest > m["i_open"]:
                m["t_edge"] = end(ring_t, ring_rate, first, newest, newest, 1.0)
        elif v > 2.0 * level:
            m["t_edge"] = -1  # only slowed down on the way
        if m["t_edge"] >= 0 and (t >= m["t_edge"] or v < -dead):
            m["state"] = state = HOLD
            m["held"] = s
            k = bottom(machine, params, ring_t, ring_rate, first, oldest, True, reports, k)
    elif state == HOLD:
        if s > m["held"] + AGAIN:
            m["state"] = state = DOWN
            m["t_edge"] = -1
            m["t_phase"] = t
        elif v < -dead and m["peak"] - s > LEAVE:
            m["state"] = state = UP
            m["low"], m["i_low"] = s, n
            k = bottom(machine, params, ring_t, ring_rate, first, oldest, False, reports, k)
            k = rising(machine, ring_t, ring_rate, newest, first, reports, k)
    elif state == UP and s > m["low"] + AGAIN:
        m["state"] = state = DOWN
        m["t_edge"] = -1
        m["t_phase"] = t
    if state in (UP, CLOSING):
        m["slowest"] = min(m["slowest"], v)
        if s < m["low"]:
            m["low"], m["i_low"] = s, n

    if state == CLOSING:
        level = max(-SHARE * m["slowest"], SLOWEST)
        if m["t_expected"] < 0:
            if v > -level:
                m["t_expected"] = end(ring_t, ring_rate, min(m["i_peak"], newest), newest, newest, -1.0)
        elif v < -2.0 * level:
            m["t_expected"] = -1
        late = t - m["t_start"] > 2 * p["abort_us"]
        if m["t_expected"] >= 0 and (t >= m["t_expected"] or v > dead):
            return close(machine, params, ring_t, ring_rate, min(m["t_expected"], t), True, closed, reports, k)
        if late or s > m["low"] + p["renewed"]:
            t_low = int(ring_t[m["i_low"] & (len(ring_t) - 1)])
            return close(machine, params, ring_t, ring_rate, t_low, not late, closed, reports, k)
        return k

    if up >= p["minimum"] and s <= m["base"] + p["count_share"] * up:
        k = bottom(machine, params, ring_t, ring_rate, first, oldest, False, reports, k)
        if state != UP:
            m["low"], m["i_low"] = s, n
            k = rising(machine, ring_t, ring_rate, newest, first, reports, k)
        m["number"] += 1
        m["state"] = CLOSING
        return report(reports, k, COUNTED, t, t, m["number"], m["peak"])
    if up < p["minimum"] and s < m["base"] + 0.5 * p["open"]:
        m["state"] = TOP
        m["t_phase"] = t
        return report(reports, k, DROPPED, t, t, m["number"] + 1, m["peak"])
    if t - m["t_start"] > p["abort_us"]:
        m["state"] = WAITING
        m["t_phase"] = t
        k = report(reports, k, DROPPED, t, t, m["number"] + 1, m["peak"])
        reports[k - 1]["detail"] = TOO_LONG
    return k


@kernel
def bottom(
    machine: Records, params: Records, ring_t: Ints, ring_rate: Floats, first: int, oldest: int, early: bool,
    reports: Records, k: int,
) -> int:  # fmt: skip
    """The way down is over: measure it (value, s) and report it, once per repetition, if it is a repetition at all.

    `early`: the movement has stopped but not turned. It is taken for the bottom only near the last repetition's depth or
    the depth aimed for: who stops half way and goes on has not been too fast.
    """
    m, p = machine[0], params[0]
    up = m["peak"] - m["base"]
    if m["t_bottom"] >= 0:
        return k
    newest = m["n"] - 1 - p["half"]
    m["t_start"] = begin(ring_t, ring_rate, first, newest, oldest, 1.0)
    edge = end(ring_t, ring_rate, first, newest, newest, 1.0)
    m["t_phase"] = min(edge, m["t_us"])
    near = m["depth"] >= NEAR * p["aim"] or (m["usual"] > 0.0 and up >= NEAR * m["usual"])
    if up < p["minimum"] or (early and not near):
        return k
    m["t_bottom"] = m["t_phase"]
    return report(reports, k, BOTTOM, m["t_phase"], m["t_us"], m["number"] + 1, (edge - m["t_start"]) * 1e-6)


@kernel
def rising(machine: Records, ring_t: Ints, ring_rate: Floats, newest: int, first: int, reports: Records, k: int) -> int:
    """The way up has begun: report it (value: depth, rad), once per repetition."""
    m = machine[0]
    m["t_phase"] = min(begin(ring_t, ring_rate, newest, newest, first, -1.0), m["t_us"])
    if m["t_up"] >= 0:
        return k
    m["t_up"] = m["t_phase"]
    return report(reports, k, RISING, m["t_phase"], m["t_us"], m["number"] + 1, m["depth"])
