"""Counting repetitions and finding their phases, frame by frame.

The signal is the drill's: of a squat the tilt of both thighs against gravity, zero in the verified stand. Words here are
those of a squat: "down" is the way out, "up" the way back, "top" where it starts, whatever moves. Levels are taken above
the last top, so that slow drift does not matter. A squat opens at 20°, is at least 30° deep, counted when back at 35 % of
the peak on the way up, closed where the movement ends at the top or goes down again by 15°. An attempt that stays far
below the person's own range is partial; one that the other leg shared is neither leg's.

A signal that is unknown for up to half a second is waited for: frames are kept as unknown, so is every rate they are part
of, nothing is decided meanwhile, and what may have happened unseen (an edge of a phase, the turn at the bottom) is
reported as unknown. After a longer hole, or one that nobody can have moved across, an open repetition is void.
"""

from __future__ import annotations

from typing import Final

from imu.feedback.durations import SHARE, SLOWEST, begin, end
from imu.feedback.phases import LEAVE, bottom, close, leads, learn, report, rising, void
from imu.feedback.records import (
    CLOSING,
    COUNTED,
    DOWN,
    DROPPED,
    FELL_BACK,
    HOLD,
    RISING,
    STARTED,
    TOP,
    UP,
    WAITING,
    Records,
)
from imu.feedback.signal import measure_rate
from imu.kernels import kernel
from imu.packets import Floats, Ints

BASE_S: Final = 2.0
"""s, time constant with which the level of the top follows upwards."""
STOPPED_US: Final = 500_000
"""µs; what counts from where it last turned begins anew where it has stopped for so long."""
DOWN_S: Final = 0.5
"""s, the same downwards where the start is a rest."""
AGAIN: Final = 0.1745
"""rad (10°): going on down after a stop, or down again before the count, is the same repetition's way down."""
BRIDGE_US: Final = 500_000
"""µs; an open repetition goes on after so long an unknown stretch. A notification that is held up for 0.4 s on a busy
computer costs 0.3 s of frames; in more than half a second a hurried way down fits unseen."""
FASTEST: Final = 10.47
"""rad/s (600 deg/s): a signal that comes back further away is not the one that went; recorded squats reach 155."""
TOO_LONG: Final = 1
PARTIAL: Final = 2
BOTH_LEGS: Final = 3
TOO_SHORT: Final = 4
OTHER_LEG: Final = 5
OTHER_POSTURE: Final = 6
"""`detail` of DROPPED; 0 = less than the minimum."""
LET_GO: Final = 0.35
"""of a hold's depth: coming back by less is sway."""


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
def rise_first(
    t: int, s: float, depth: float, params: Records, machine: Records, reports: Records, k: int
) -> int:  # fmt: skip
    """The first way back begins, from a turning point at which the person was found; how it got there is not known."""
    m = machine[0]
    m["state"] = UP
    m["waits"] = 0
    m["i_open"] = m["i_peak"] = m["i_low"] = m["n"] - 1
    m["peak"] = m["low"] = s
    m["lead"], m["far_low"], m["far_high"] = m["lead_now"], m["far_now"], m["far_now"]
    m["fastest"] = m["slowest"] = 0.0
    m["t_edge"] = m["t_expected"] = -1
    m["depth"], m["depth_sigma"], m["with_depth"] = depth, m["sigma_now"], s
    m["t_start"] = m["t_bottom"] = m["t_up"] = m["t_phase"] = t - params[0]["half"] * params[0]["period_us"]
    k = report(reports, k, STARTED, m["t_start"], t, m["number"] + 1, s)
    return report(reports, k, RISING, m["t_up"], t, m["number"] + 1, depth)


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
    if state == WAITING and p["from_below"] == 1 and m["waits"] >= 0 and n - m["known"] >= 2 * half:
        if abs(v) < dead and s > m["base"] + p["minimum"]:
            m["waits"] = 1
        elif v < -dead and m["waits"] == 1:
            return rise_first(t, s, depth, params, machine, reports, k)
    if state == TOP:
        if v < dead:
            m["t_move"] = t - half * p["period_us"]
            m["flags"] = 0
        if abs(v) < dead:
            m["far_rest"] = m["far_now"]
            if s < m["base"] and p["from_rest"] == 1:  # a leg that swings through is no rest
                m["base"] = max(m["base"] + (s - m["base"]) * p["period_us"] * 1e-6 / DOWN_S, p["lowest"])
            elif s < m["base"]:
                m["base"] = max(s, p["lowest"])
            else:
                m["base"] = min(m["base"] + (s - m["base"]) * p["period_us"] * 1e-6 / BASE_S, p["base_most"])
        m["waits"] = 0
        if s <= m["base"] + p["open"] or m["lead_now"] <= 0.0 or m["blocked"] == 1:
            m["flags"] |= flags
            return k
        m["state"] = state = DOWN
        m["i_open"], m["i_peak"], m["peak"], m["lead"] = n, n, s, m["lead_now"]
        if m["i_back"] > max(m["known"], newest - 3 * half):  # in a hole, or no rate is known yet after it
            m["i_open"] = m["i_gone"]
        m["far_low"] = m["far_high"] = m["far_rest"]
        m["fastest"] = m["slowest"] = 0.0
        m["t_bottom"] = m["t_up"] = m["t_edge"] = m["t_expected"] = -1
        m["depth"], m["depth_sigma"], m["with_depth"] = depth, m["sigma_now"], float("nan")
        m["t_start"], _ = begin(ring_t, ring_rate, max(oldest, min(newest, m["i_open"]) - 3 * half), newest, oldest, 1.0)
        m["t_phase"] = m["t_start"]
        k = report(reports, k, STARTED, m["t_start"], t, m["number"] + 1, s)
    if state == WAITING:
        return k

    m["flags"] |= flags
    far = m["far_now"]
    if far == far:
        m["far_low"] = far if not m["far_low"] <= far else m["far_low"]
        m["far_high"] = far if not m["far_high"] >= far else m["far_high"]
    if depth == depth:
        if not m["depth"] >= depth:
            m["depth"], m["depth_sigma"] = depth, m["sigma_now"]
        if not m["with_depth"] >= s:
            m["with_depth"] = s
    if s > m["peak"]:
        m["peak"], m["i_peak"], m["lead"] = s, n, m["lead_now"]
    up = m["peak"] - m["base"]
    if state != CLOSING and (m["lead_now"] < -p["lead"] or m["blocked"] == 1):
        m["state"] = WAITING
        m["t_phase"] = t
        k = report(reports, k, DROPPED, t, t, m["number"] + 1, m["peak"])
        reports[k - 1]["detail"] = OTHER_POSTURE if m["blocked"] == 1 else OTHER_LEG
        return k
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
        if p["turning"] == 1 and up < p["minimum"] and t - m["t_edge"] > STOPPED_US:
            m["state"] = TOP
            m["base"] = s
            m["t_phase"] = t
            return report(reports, k, DROPPED, t, t, m["number"] + 1, m["peak"])
        if s > m["held"] + AGAIN:
            m["state"] = state = DOWN
            m["t_edge"] = -1
            m["t_phase"] = t
        elif v < -dead and m["peak"] - s > (LET_GO * up if p["held"] == 1 else LEAVE):
            m["state"] = state = UP
            m["low"], m["i_low"] = s, n
            k = bottom(machine, params, ring_t, ring_rate, first, oldest, False, reports, k)
            k = rising(machine, params, ring_t, ring_rate, first, reports, k)
    elif state == UP and s > m["low"] + AGAIN:
        if m["peak"] - m["low"] > AGAIN and up >= p["minimum"]:
            k = report(reports, k, FELL_BACK, t, t, m["number"] + 1, m["peak"] - m["low"])
        m["state"] = state = DOWN
        m["t_edge"] = -1
        m["t_phase"] = t
        if p["held"] == 1:
            m["t_up"] = -1
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
        why = 0
        if not leads(machine, params, up):
            why = BOTH_LEGS
        elif t - m["t_start"] < p["least_us"]:
            why = TOO_SHORT
        elif up < p["own_share"] * m["own"]:
            why = PARTIAL
            learn(machine, up)
        if why > 0:
            m["state"] = WAITING
            m["t_phase"] = t
            k = report(reports, k, DROPPED, t, t, m["number"] + 1, up)
            reports[k - 1]["detail"] = why
            return k
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
