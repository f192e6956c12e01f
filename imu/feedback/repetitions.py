"""Counting repetitions and finding their phases, frame by frame.

The signal is the tilt of both thighs against gravity, zero in the verified stand; levels are taken above the last top, so
that slow drift does not matter. Open at 20°, at least 30° deep, counted when back at 35 % of the peak on the way up,
closed where the movement ends at the top or goes down again by 15°.

A signal that is unknown for up to half a second is waited for: frames are kept as unknown, so is every rate they are part
of, nothing is decided meanwhile, and what may have happened unseen (an edge of a phase, the turn at the bottom) is
reported as unknown. After a longer hole, or one that nobody can have moved across, an open repetition is void.
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
BRIDGE_US: Final = 500_000
"""µs; an open repetition goes on after so long an unknown stretch. A notification that is held up for 0.4 s on a busy
computer costs 0.3 s of frames; in more than half a second a hurried way down fits unseen."""
FASTEST: Final = 10.47
"""rad/s (600 deg/s): a signal that comes back further away than this is not the one that went. Hurried squats reach 250."""
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
def seen_depth(machine: Records, params: Records, ring_rate: Floats) -> float:
    """Depth of the repetition, rad; NaN if the turn at the bottom, or the depth there, has not been seen."""
    m, mask = machine[0], len(ring_rate) - 1
    if not m["with_depth"] >= m["peak"] - LEAVE:
        return float("nan")
    newest = m["n"] - 1 - params[0]["half"]
    oldest = max(m["known"], m["n"] - len(ring_rate)) + params[0]["half"]
    i = j = m["i_peak"]
    while i > oldest and ring_rate[i & mask] != ring_rate[i & mask]:
        i -= 1
    while j <= newest and ring_rate[j & mask] != ring_rate[j & mask]:
        j += 1
    # down into a hole and up out of it
    down = i < m["i_peak"] and ring_rate[i & mask] > params[0]["dead_band"]
    up = j > newest or (j > m["i_peak"] and ring_rate[j & mask] < -params[0]["dead_band"])
    return float("nan") if down and up else m["depth"]


@kernel
def close(
    machine: Records, params: Records, ring_t: Ints, ring_rate: Floats, t_end: int, ended: bool, closed: Records,
    reports: Records, k: int,
) -> int:  # fmt: skip
    """Write a counted repetition into `closed[0 ..]`; the phases are measured here, once all of it is known.

    `ended`: the end is known; False (sensor lost, recording over) leaves the duration of the way up unknown. What has
    not been seen stays unknown too.
    """
    m, p = machine[0], params[0]
    newest = m["n"] - 1 - p["half"]
    oldest = max(m["known"], m["n"] - len(ring_t)) + p["half"]
    first = max(oldest, m["i_open"] - 3 * p["half"])
    deepest = min(m["i_peak"], newest)
    t_deepest = ring_t[m["i_peak"] & (len(ring_t) - 1)]
    t_start, start_seen = begin(ring_t, ring_rate, first, deepest, oldest, 1.0)
    t_bottom, bottom_seen = end(ring_t, ring_rate, first, deepest, newest, 1.0)
    t_up, up_seen = begin(ring_t, ring_rate, deepest, newest, first, -1.0)
    t_start = min(t_start, t_deepest)  # one that was not seen is only about right
    if t_up < t_bottom:
        t_up = t_bottom = (t_up + t_bottom) // 2
    unknown = float("nan")
    row = 0
    for i in range(k):
        row += reports[i]["kind"] == CLOSED
    r = closed[row]
    r["t_start"] = t_start
    r["t_deepest"] = t_deepest
    r["t_end"] = max(t_end, t_deepest)
    r["depth"] = seen_depth(machine, params, ring_rate)
    r["down_s"] = (t_bottom - t_start) * 1e-6 if start_seen and bottom_seen else unknown
    r["hold_s"] = (t_up - t_bottom) * 1e-6 if bottom_seen and up_seen else unknown
    r["up_s"] = (t_end - t_up) * 1e-6 if up_seen and ended else unknown
    r["flags"] = m["flags"]
    m["state"] = TOP
    m["t_phase"] = t_end
    m["flags"] = 0
    m["usual"] = m["peak"] - m["base"]
    m["base"] = min(max(m["low"], 0.0), BASE_MOST)
    k = report(reports, k, CLOSED, t_end, m["t_us"], m["number"], m["peak"])
    reports[k - 1]["detail"] = row
    return k


@kernel
def lose(
    machine: Records, params: Records, ring_t: Ints, ring_rate: Floats, t: int, closed: Records, reports: Records, k: int
) -> int:
    """The signal is lost at time `t`: void what is open, finish what was counted, start again at the next top."""
    m = machine[0]
    state = m["state"]
    if state in (DOWN, HOLD, UP):
        k = void(machine, t, reports, k)
    elif state == CLOSING:
        k = close(machine, params, ring_t, ring_rate, m["t_known"], False, closed, reports, k)
    m["state"] = WAITING
    m["known"] = m["n"]
    m["signal"] = float("nan")
    m["depth_now"] = float("nan")
    m["rate"] = 0.0
    return k


@kernel
def follow(
    t: int, s: float, params: Records, machine: Records, ring_t: Ints, ring_s: Floats, ring_rate: Floats, closed: Records,
    reports: Records, k: int,
) -> int:  # fmt: skip
    """Take the signal of one frame, known or not, into the rings; or lose it."""
    p, m = params[0], machine[0]
    known = s == s
    if m["n"] > m["known"]:
        jumped = 2 * (t - m["t_us"]) > 3 * p["period_us"]
        too_long = not known and t - m["t_known"] > BRIDGE_US
        if known and m["n"] == m["i_back"]:
            before = ring_s[(m["i_gone"] - 1) & (len(ring_t) - 1)]
            jumped = jumped or abs(s - before) > FASTEST * 1e-6 * (t - m["t_known"])
        if jumped or too_long or (not known and m["state"] == WAITING):
            k = lose(machine, params, ring_t, ring_rate, t, closed, reports, k)
    if known:
        measure_rate(machine, p["half"], p["period_us"] * 1e-6, t, s, ring_t, ring_s, ring_rate)
        m["t_known"] = t
    elif m["n"] > m["known"]:
        if m["n"] > m["i_back"]:
            m["i_gone"] = m["n"]
        measure_rate(machine, p["half"], p["period_us"] * 1e-6, t, s, ring_t, ring_s, ring_rate)
        m["i_back"] = m["n"]
    m["t_us"], m["signal"] = t, s
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
    k = follow(t, s, params, machine, ring_t, ring_s, ring_rate, closed, reports, k)
    if s != s:
        m["depth_now"] = s
        return k
    m["depth_now"] = depth
    v, n, half, dead = m["rate"], m["n"] - 1, p["half"], p["dead_band"]
    newest = n - half
    oldest = min(max(m["known"], m["n"] - len(ring_t)) + half, newest)
    state = m["state"]

    if state == WAITING and s < m["base"] + 0.75 * p["open"]:
        m["state"] = state = TOP
    if state == TOP:
        if v < dead:
            m["t_move"] = t - half * p["period_us"]
            m["flags"] = 0
        if abs(v) < dead:
            if s < m["base"]:
                m["base"] = max(s, 0.0)
            else:
                m["base"] = min(m["base"] + (s - m["base"]) * p["period_us"] * 1e-6 / BASE_S, BASE_MOST)
        if s <= m["base"] + p["open"]:
            m["flags"] |= flags
            return k
        m["state"] = state = DOWN
        m["i_open"], m["i_peak"], m["peak"] = n, n, s
        if m["i_back"] > max(m["known"], newest - 3 * half):  # in a hole, or no rate is known yet after it
            m["i_open"] = m["i_gone"]
        m["fastest"] = m["slowest"] = 0.0
        m["t_bottom"] = m["t_up"] = m["t_edge"] = m["t_expected"] = -1
        m["depth"], m["with_depth"] = depth, float("nan")
        m["t_start"], _ = begin(ring_t, ring_rate, max(oldest, min(newest, m["i_open"]) - 3 * half), newest, oldest, 1.0)
        m["t_phase"] = m["t_start"]
        k = report(reports, k, STARTED, m["t_start"], t, m["number"] + 1, s)
    if state == WAITING:
        return k

    m["flags"] |= flags
    if depth == depth:
        if not m["depth"] >= depth:
            m["depth"] = depth
        if not m["with_depth"] >= s:
            m["with_depth"] = s
    if s > m["peak"]:
        m["peak"], m["i_peak"] = s, n
    up = m["peak"] - m["base"]
    first = max(oldest, m["i_open"] - 3 * half)

    if state == DOWN:
        if v > m["fastest"]:
            m["fastest"] = v
        level = max(SHARE * m["fastest"], SLOWEST)
        if m["t_edge"] < 0:
            if v < level and newest > m["i_open"]:
                m["t_edge"], _ = end(ring_t, ring_rate, first, newest, newest, 1.0)
        elif v > 2.0 * level:
            m["t_edge"] = -1  # only slowed down on the way
        if m["t_edge"] >= 0 and v == v and (t >= m["t_edge"] or v < -dead):
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
            k = rising(machine, params, ring_t, ring_rate, first, reports, k)
    elif state == UP and s > m["low"] + AGAIN:
        m["state"] = state = DOWN
        m["t_edge"] = -1
        m["t_phase"] = t
    if state in (UP, CLOSING):
        if v < m["slowest"]:
            m["slowest"] = v
        if s < m["low"]:
            m["low"], m["i_low"] = s, n

    if state == CLOSING:
        level = max(-SHARE * m["slowest"], SLOWEST)
        if m["t_expected"] < 0:
            if v > -level:
                m["t_expected"], m["end_seen"] = end(ring_t, ring_rate, min(m["i_peak"], newest), newest, newest, -1.0)
        elif v < -2.0 * level:
            m["t_expected"] = -1
        late = t - m["t_start"] > 2 * p["abort_us"]
        if m["t_expected"] >= 0 and v == v and (t >= m["t_expected"] or v > dead):
            t_end = min(m["t_expected"], t)
            return close(machine, params, ring_t, ring_rate, t_end, m["end_seen"] == 1, closed, reports, k)
        if late or s > m["low"] + p["renewed"]:
            i = m["i_low"] & (len(ring_t) - 1)
            seen = not late and ring_rate[i] == ring_rate[i]
            return close(machine, params, ring_t, ring_rate, int(ring_t[i]), seen, closed, reports, k)
        return k

    if up >= p["minimum"] and s <= m["base"] + p["count_share"] * up:
        k = bottom(machine, params, ring_t, ring_rate, first, oldest, False, reports, k)
        if state != UP:
            m["low"], m["i_low"] = s, n
            k = rising(machine, params, ring_t, ring_rate, first, reports, k)
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
    """The way down is over: measure it (value, s; NaN if an edge was not seen) and report it, once per repetition.

    Less than the minimum is no repetition. `early`: the movement has stopped but not turned. It is taken for the bottom
    only near the last repetition's depth or the depth aimed for: who stops half way and goes on has not been too fast.
    """
    m, p = machine[0], params[0]
    up = m["peak"] - m["base"]
    if m["t_bottom"] >= 0:
        return k
    newest = m["n"] - 1 - p["half"]
    m["t_start"], start_seen = begin(ring_t, ring_rate, first, newest, oldest, 1.0)
    edge, edge_seen = end(ring_t, ring_rate, first, newest, newest, 1.0)
    m["t_phase"] = min(edge, m["t_us"])
    near = m["depth"] >= NEAR * p["aim"] or (m["usual"] > 0.0 and up >= NEAR * m["usual"])
    if up < p["minimum"] or (early and not near):
        return k
    m["t_bottom"] = m["t_phase"]
    seconds = (edge - m["t_start"]) * 1e-6 if start_seen and edge_seen else float("nan")
    return report(reports, k, BOTTOM, m["t_phase"], m["t_us"], m["number"] + 1, seconds)


@kernel
def rising(
    machine: Records, params: Records, ring_t: Ints, ring_rate: Floats, first: int, reports: Records, k: int
) -> int:  # fmt: skip
    """The way up has begun: report it (value: depth, rad; NaN if it was not seen), once per repetition."""
    m = machine[0]
    newest = m["n"] - 1 - params[0]["half"]
    t_up, _ = begin(ring_t, ring_rate, newest, newest, first, -1.0)
    m["t_phase"] = min(t_up, m["t_us"])
    if m["t_up"] >= 0:
        return k
    m["t_up"] = m["t_phase"]
    depth = seen_depth(machine, params, ring_rate)
    return report(reports, k, RISING, m["t_phase"], m["t_us"], m["number"] + 1, depth)
