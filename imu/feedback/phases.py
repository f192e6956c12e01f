"""What is measured and reported where a phase of a repetition, or the repetition, ends. What was not seen is unknown."""

from __future__ import annotations

from typing import Final

from imu.feedback.durations import begin, end
from imu.feedback.records import BOTTOM, CLOSED, CLOSING, COUNTED, HOLD, RISING, TOP, UP, VOID, WAITING, Records
from imu.kernels import kernel
from imu.packets import Floats, Ints

LEAVE: Final = 0.0349
"""rad (2°): so much above the deepest point the way up has begun; less is sway."""
OWN_GAIN: Final = 0.3
"""of the difference: an attempt at a third of the range is partial once and counts the next time."""
NEAR: Final = 0.8
"""of the usual or aimed depth: a stop there is the bottom."""


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
    m["waits"] = -1
    m["t_phase"] = t
    k = report(reports, k, VOID, m["t_start"], t, m["number"], m["peak"])
    reports[k - 1]["detail"] = m["flags"]
    return k


@kernel
def learn(machine: Records, up: float) -> None:
    """Follow the person's own range, rad, with one more attempt."""
    m = machine[0]
    m["own"] = up if m["own"] == 0.0 else m["own"] + OWN_GAIN * (up - m["own"])


@kernel
def leads(machine: Records, params: Records, up: float) -> bool:
    """The movement, up rad deep so far, is that of the leg that is counted by; a limit of NaN is of both legs.

    A foot that is lifted or put ahead is no attempt of that leg: less than the minimum leads nothing.
    """
    m, p = machine[0], params[0]
    least = p["lead"]
    if least != least:
        return True
    return up >= p["minimum"] and not (m["lead"] < least or up - (m["far_high"] - m["far_low"]) < least)


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
    r["depth"], r["depth_sigma"] = seen_depth(machine, params, ring_rate), m["depth_sigma"]
    r["down_s"] = (t_bottom - t_start) * 1e-6 if start_seen and bottom_seen else unknown
    r["hold_s"] = (t_up - t_bottom) * 1e-6 if bottom_seen and up_seen else unknown
    r["up_s"] = (t_end - t_up) * 1e-6 if up_seen and ended else unknown
    if p["held"] == 1:  # swaying in a hold can be as quick as coming out of it: the phases as they were reported stand
        t_up = m["t_up"] if m["t_up"] >= 0 else m["t_us"]
        r["hold_s"] = (t_up - m["t_bottom"]) * 1e-6 if m["t_bottom"] >= 0 else unknown
        r["up_s"] = (t_end - t_up) * 1e-6 if ended else unknown
    elif p["within"] == 1 and m["t_up"] >= 0:  # a step in the movement hides its slower part, likewise
        r["down_s"] = (m["t_up"] - t_start) * 1e-6 if start_seen else unknown
        r["hold_s"] = unknown
        r["up_s"] = (t_end - m["t_up"]) * 1e-6 if ended else unknown
    r["flags"] = m["flags"]
    m["state"] = TOP
    m["t_phase"] = t_end
    m["flags"] = 0
    m["usual"] = m["peak"] - m["base"]
    learn(machine, m["usual"])
    m["base"] = min(max(m["low"], p["lowest"]), p["base_most"])
    k = report(reports, k, CLOSED, t_end, m["t_us"], m["number"], m["peak"])
    reports[k - 1]["detail"] = row
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
    near = m["depth"] >= NEAR * p["aim"] or (m["usual"] > 0.0 and up >= NEAR * m["usual"]) or p["held"] == 1
    if up < p["minimum"] or (early and not near) or not leads(machine, params, up):
        return k
    m["t_bottom"] = m["t_phase"]
    seconds = (edge - m["t_start"]) * 1e-6 if start_seen and edge_seen else float("nan")
    return report(reports, k, BOTTOM, m["t_phase"], m["t_us"], m["number"] + 1, seconds)


@kernel
def rising(
    machine: Records, params: Records, ring_t: Ints, ring_rate: Floats, first: int, reports: Records, k: int
) -> int:  # fmt: skip
    """The way up has begun: report it, once per repetition.

    value: depth, rad, NaN if it was not seen; limit: s since the start.
    """
    m = machine[0]
    newest = m["n"] - 1 - params[0]["half"]
    t_up, _ = begin(ring_t, ring_rate, newest, newest, first, -1.0)
    m["t_phase"] = min(t_up, m["t_us"])
    if m["t_up"] >= 0:
        return k
    m["t_up"] = m["t_phase"]
    if not leads(machine, params, m["peak"] - m["base"]):
        return k
    depth = seen_depth(machine, params, ring_rate)
    k = report(reports, k, RISING, m["t_phase"], m["t_us"], m["number"] + 1, depth)
    reports[k - 1]["limit"] = (m["t_up"] - m["t_start"]) * 1e-6
    return k


@kernel
def conclude(
    machine: Records, params: Records, ring_t: Ints, ring_rate: Floats, closed: Records, reports: Records
) -> int:  # fmt: skip
    """No frame will follow: close what was counted, and count a hold that is still held (its time so far); number of
    reports."""
    m, p = machine[0], params[0]
    k, state = 0, m["state"]
    if p["held"] == 1 and state in (HOLD, UP) and m["peak"] - m["base"] >= p["minimum"]:
        m["number"] += 1
        m["state"] = CLOSING
        k = report(reports, k, COUNTED, m["t_us"], m["t_us"], m["number"], m["peak"])
    if m["state"] != CLOSING:
        return k
    return close(machine, params, ring_t, ring_rate, m["t_us"], m["t_expected"] >= 0, closed, reports, k)
