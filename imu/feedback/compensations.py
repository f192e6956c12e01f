"""Metrics and compensations of a drill, frame by frame: one row per quantity and side, all treated alike.

A row is counted from the stand, from the rest before the repetition, or from its own largest value so far (a pelvis that
tucks under at depth falls behind its own lean, whatever the lean is).
"""

from __future__ import annotations

from typing import Final

import numpy as np

from imu.feedback import difference, nearest
from imu.feedback.alignment import Flags
from imu.feedback.phases import report
from imu.feedback.records import (
    CLOSING,
    COMPENSATION,
    COMPENSATION_SHORT,
    COMPENSATION_UNKNOWN,
    POOR,
    TOP,
    Records,
)
from imu.kernels import kernel
from imu.packets import Floats, Quality

REST_S: Final = 0.5
"""s, time constant with which the value at rest follows."""
TURNS: Final = 0.0262
"""rad (1.5°) by which a value must come back to have turned. 0.5° let the sway of simulated people without a fault count as
going to and fro in repetitions on one leg (up to 0.6°/s); with this it was at most 0.24°/s in 478 of them."""
ABOVE: Final = 1
BELOW: Final = -1
BEYOND: Final = 0
ALL: Final = 0
OUT: Final = 1
TURN: Final = 2
BACK: Final = 3
STAND: Final = 0
START: Final = 1
LARGEST: Final = 2

RULE: Final = np.dtype(
    [
        ("judged", "i8"), ("limit", "f8"), ("way", "i8"), ("during", "i8"), ("against", "i8"), ("dwell_us", "i8"),
        ("leave", "f8"), ("sigma", "f8"), ("leg", "i8"),
    ]
)  # fmt: skip
"""judged: 0 = only measured; limit, sigma: rad; leg: 0 left, 1 right, -1 none."""

WATCHED: Final = np.dtype(
    [
        ("rest", "f8"), ("start", "f8"), ("top", "f8"), ("high", "f8"), ("low", "f8"), ("deepest", "f8"),
        ("first", "f8"), ("sum", "f8"), ("square", "f8"), ("n", "i8"), ("since_us", "i8"), ("unknown_us", "i8"),
        ("over", "i8"), ("told", "i8"), ("short", "i8"), ("unknown", "i8"), ("turned", "i8"),
        ("missed", "i8"), ("rest_var", "f8"), ("rest_steady", "f8", (4,)), ("start_var", "f8"),
        ("start_steady", "f8", (4,)),
        ("deep_var", "f8"), ("deep_steady", "f8", (4,)), ("best_known", "i8"), ("best", "f8"), ("best_var", "f8"),
        ("best_steady", "f8", (4,)),
        ("near", "f8"), ("near_us", "i8"), ("near_value", "f8"), ("near_limit", "f8"), ("near_sigma", "f8"),
        ("turn", "f8"), ("far", "f8"), ("travel", "f8"),
    ]
)  # fmt: skip
"""high, low, deepest: rad, of the repetition; first, sum, square, n: for mean and spread (sums of value - first); near: rad
by which the limit was passed at most, negative = so much was left (`nearest`); turn, far, travel: of the way it went to and
fro, rad (`travelled`); *_var, *_steady, best: errors at rest, at the start, at the deepest and of the best repetition so
far (`difference`); missed: frames without a value."""
FORGET: Final = int(Quality.SLIPPED | Quality.NOT_CALIBRATED)
"""With any of these a sensor is, or will be, calibrated anew: its error is another one."""


@kernel
def open_watch(watched: Records) -> None:
    """A new repetition; the value at rest becomes the one it starts from."""
    for i in range(len(watched)):
        w = watched[i]
        w["start"], w["start_var"] = w["rest"], w["rest_var"]
        for k in range(difference.TERMS):
            w["start_steady"][k] = w["rest_steady"][k]
        w["missed"] = 0
        w["top"] = -np.inf
        w["high"] = w["low"] = w["deepest"] = w["first"] = np.nan
        w["sum"] = w["square"] = w["travel"] = 0.0
        w["turn"] = w["far"] = np.nan
        w["n"] = w["over"] = w["told"] = w["short"] = w["unknown"] = w["turned"] = 0
        w["since_us"] = w["unknown_us"] = -1
        nearest.forget(w)


@kernel
def rest(
    row: int, v: Floats, sigma: Floats, flags: Flags, steady: Floats, params: Records, machine: Records, watched: Records
) -> None:  # fmt: skip
    """Between repetitions: follow the values of a person who keeps still."""
    p, m = params[0], machine[0]
    for i in range(len(watched)):
        if (int(flags[row, i]) & FORGET) != 0:
            watched[i]["best_known"] = 0
    if m["state"] != TOP or not abs(m["rate"]) < p["dead_band"]:
        return
    gain = p["period_us"] * 1e-6 / REST_S
    for i in range(len(watched)):
        value, w = v[row, i], watched[i]
        if value == value and (int(flags[row, i]) & POOR) == 0:
            first = w["rest"] != w["rest"]
            w["rest"] = value if first else w["rest"] + gain * (value - w["rest"])
            difference.note_rest(row, i, 1.0 if first else gain, sigma, steady, w)


@kernel
def pause(watched: Records) -> None:
    """The signal is unknown: nothing that is half seen counts."""
    for i in range(len(watched)):
        watched[i]["since_us"] = watched[i]["unknown_us"] = -1


@kernel
def tell(kind: int, i: int, value: float, sigma: float, rules: Records, machine: Records, reports: Records, k: int) -> int:
    """Report row i."""
    m = machine[0]
    number = m["number"] + (0 if m["state"] == CLOSING else 1)
    k = report(reports, k, kind, m["t_us"], m["t_us"], number, value)
    r = reports[k - 1]
    r["leg"], r["limit"], r["sigma"], r["detail"] = rules[i]["leg"], rules[i]["limit"], sigma, i
    return k


@kernel
def excess(value: float, rule: Records) -> float:
    """How far a value goes in the direction of its limit, rad."""
    if rule["way"] == BEYOND:
        return abs(value)
    return -value if rule["way"] == BELOW else value


@kernel
def step(
    row: int, v: Floats, sigma: Floats, flags: Flags, steady: Floats, rules: Records, machine: Records,
    watched: Records, reports: Records, k: int,
) -> int:  # fmt: skip
    """One frame inside a repetition; v, sigma, flags (m, Q) of the rows, steady (m, Q, 4) of their terms. At most one
    report per row is written."""
    m = machine[0]
    t, back = m["t_us"], m["t_up"] >= 0
    for i in range(len(rules)):
        rule, w = rules[i], watched[i]
        value, s = v[row, i], sigma[row, i]
        known = value == value and (int(flags[row, i]) & POOR) == 0
        away = (rule["during"] == OUT and back) or (rule["during"] == BACK and not back)
        if known and not away:
            if rule["against"] == START:
                if w["start"] != w["start"]:
                    w["start"], w["start_var"] = value, difference.passing(row, i, sigma, steady)
                    for j in range(difference.TERMS):
                        w["start_steady"][j] = steady[row, i, j]
                value -= w["start"]
                s = min(s, difference.since(row, i, sigma, steady, w["start_steady"], w["start_var"]))
            elif rule["against"] == LARGEST:
                w["top"] = max(w["top"], value)
                value -= w["top"]
            if w["n"] == 0:
                w["first"] = w["high"] = w["low"] = value
            w["high"], w["low"] = max(w["high"], value), min(w["low"], value)
            w["sum"] += value - w["first"]
            w["square"] += (value - w["first"]) ** 2
            w["n"] += 1
            travelled(w, value)
        elif not away:
            w["missed"] += 1
        if m["i_peak"] == m["n"] - 1:
            w["deepest"] = value if known and not away else np.nan
            difference.note_deepest(row, i, sigma, steady, w)
        if rule["judged"] == 0:
            continue
        limit = limit_of(rule, s)
        if known and rule["against"] == START and w["best_known"] == 1:
            # the same pose as in an earlier repetition: `difference`
            again = difference.since(row, i, sigma, steady, w["best_steady"], w["best_var"])
            more = limit_of(rule, again) + max(w["best"], 0.0)
            if again <= rule["sigma"] and (s > rule["sigma"] or more < limit):
                s, limit = again, more
        judged = known and s <= rule["sigma"]
        if rule["during"] == TURN:
            if not back or w["turned"] == 1:
                continue
            w["turned"] = 1
            if w["deepest"] == w["deepest"] and judged:
                note(w, t, w["deepest"], s, limit, rule)
            if w["deepest"] != w["deepest"] or not judged:
                w["unknown"] = 1
                k = tell(COMPENSATION_UNKNOWN, i, np.nan, np.nan, rules, machine, reports, k)
            elif excess(w["deepest"], rule) > limit:
                w["told"] = 1
                k = tell(COMPENSATION, i, w["deepest"], s, rules, machine, reports, k)
            continue
        if away:
            w["since_us"] = w["unknown_us"] = -1
            w["over"] = 0
            continue
        if not judged:
            w["since_us"] = -1
            if w["unknown_us"] < 0:
                w["unknown_us"] = t
            if w["unknown"] == 0 and t - w["unknown_us"] >= rule["dwell_us"]:
                w["unknown"] = 1
                k = tell(COMPENSATION_UNKNOWN, i, np.nan, np.nan, rules, machine, reports, k)
            continue
        w["unknown_us"] = -1
        note(w, t, value, s, limit, rule)
        if excess(value, rule) <= (limit - (1.0 - rule["leave"]) * abs(limit) if w["over"] == 1 else limit):
            if w["since_us"] >= 0 and w["told"] == 0 and w["short"] == 0:
                w["short"] = 1
                k = tell(COMPENSATION_SHORT, i, value, s, rules, machine, reports, k)
            w["since_us"] = -1
            w["over"] = 0
            continue
        if w["since_us"] < 0:
            w["since_us"] = t
        if w["over"] == 0 and t - w["since_us"] >= rule["dwell_us"]:
            w["over"] = 1
            if w["told"] == 0:
                w["told"] = 1
                k = tell(COMPENSATION, i, value, s, rules, machine, reports, k)
    return k


@kernel
def travelled(w: Records, value: float) -> None:
    """Add the way between two turning points to what went to and fro; turning by less than `TURNS` is noise.

    turn: where it last turned; far: the furthest from there.
    """
    if w["turn"] != w["turn"]:
        w["turn"] = w["far"] = value
    elif abs(value - w["turn"]) > abs(w["far"] - w["turn"]) and (value - w["turn"]) * (w["far"] - w["turn"]) >= 0.0:
        w["far"] = value
    elif abs(value - w["far"]) > TURNS:
        w["travel"] += abs(w["far"] - w["turn"])
        w["turn"], w["far"] = w["far"], value


@kernel
def close(rules: Records, watched: Records) -> None:
    """The repetition was counted: it may be the best so far."""
    peaks = np.full(len(watched), np.nan)
    for i in range(len(watched)):
        rule, w = rules[i], watched[i]
        if rule["judged"] == 1 and rule["against"] == START and w["n"] > 0 and w["missed"] == 0:
            high, low = float(w["high"]), float(w["low"])
            peaks[i] = max(high, -low) if rule["way"] == BEYOND else (-low if rule["way"] == BELOW else high)
    difference.keep_best(watched, peaks)


@kernel
def note(w: Records, t: int, value: float, sigma: float, limit: float, rule: Records) -> None:
    """Keep how near to its limit a value is."""
    # of a limit to both sides the one that is nearer
    shown = -limit if rule["way"] == BELOW or (rule["way"] == BEYOND and value < 0.0) else limit
    nearest.keep_nearest(w, t, excess(value, rule) - limit, value, shown, sigma)


@kernel
def limit_of(rule: Records, sigma: float) -> float:
    """The limit in its own direction, rad; a limit inside the error would cue on nothing."""
    limit = float(rule["limit"])
    if rule["way"] == BELOW:
        limit = -limit
    return max(limit, 2.0 * sigma) if limit > 0.0 else limit
