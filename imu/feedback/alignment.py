"""Does the knee fall in? Per leg and repetition, frame by frame.

Two questions (figures: 200 squats of two people, one in five with an acted fault of the knee):

- *excursion*: is the segment further towards the middle than in the rest before this repetition (and than the person's
  own good repetitions at that thigh tilt, if there is a baseline)? An axis error of 5° shows up here as 5° x sin(tilt), a
  slipped strap as more; so the limit is wide and never below twice the angle's sigma.
- *return*: is it further in on the way up than on the way down at the same thigh tilt? Mounting, axis and stance depend on
  the pose only and cancel, so a narrower limit holds; the mean of at least three tilts is judged. Acted faults gave
  8 to 20°, clean repetitions stayed within 3.5°, other faults within 4.5°.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.feedback import nearest
from imu.feedback.phases import report
from imu.feedback.records import (
    BY_EXCURSION,
    BY_RETURN,
    CLOSING,
    DEPTHS,
    FRONTAL,
    POOR,
    SIGNAL,
    TILT,
    TOP,
    VALGUS,
    VALGUS_SHORT,
    VALGUS_UNKNOWN,
    Records,
)
from imu.kernels import kernel
from imu.packets import Floats

Flags = NDArray[np.uint16]

REST_S: Final = 0.5
"""s, time constant with which the rest position follows while standing still between repetitions."""
REST_MOST: Final = 0.1047
"""rad (6°): the rest position may leave the verified stand by this; more is a fault of the stance, not a new zero."""
MATCHES: Final = 3
DEEPEST_SHARE: Final = 0.9
"""of the leg's own peak tilt: above it, down and up are one turn and nothing can be told apart."""
FIRST_DEPTH: Final = float(DEPTHS[0])
DEPTH_STEP: Final = float(DEPTHS[1] - DEPTHS[0])
N_DEPTHS: Final = len(DEPTHS)


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Frontal tilt in a person's own good repetitions, against thigh tilt."""

    profile: Floats
    """(2, 2, 2, 11) rad: angle (shank, thigh) x leg (left, right) x (way down, way up) x `records.DEPTHS`; change from the
    rest before the repetition. NaN = not known, which counts as no change."""

    @staticmethod
    def none() -> Baseline:
        """No baseline: everything is judged against the stand."""
        return Baseline(np.full((2, 2, 2, N_DEPTHS), np.nan))


@kernel
def expected(profile: Floats, tilt: float) -> float:
    """Baseline at a thigh tilt, rad; profile (11,). Goes to zero at the stand, constant beyond the last known depth."""
    x = (tilt - FIRST_DEPTH) / DEPTH_STEP
    i = int(np.floor(x))
    if i < 0:
        value = profile[0] * max(tilt, 0.0) / FIRST_DEPTH
    elif i >= N_DEPTHS - 1:
        value = profile[N_DEPTHS - 1]
    else:
        value = profile[i] + (x - i) * (profile[i + 1] - profile[i])
    return value if value == value else 0.0


@kernel
def open_repetition(knees: Records, legs: Records, profiles: Floats) -> None:
    """Forget the last repetition; the rest position stays."""
    for leg in range(2):
        legs[leg]["active"] = 0
        legs[leg]["fault"] = 0
        legs[leg]["short"] = 0
        legs[leg]["unknown"] = 0
        legs[leg]["unknown_since_us"] = -1
        nearest.forget(legs[leg])
        for j in range(2):
            knee = knees[j, leg]
            knee["excursion"] = float("nan")
            knee["since_us"] = -1
            knee["over"] = 0
            knee["peak_tilt"] = 0.0
            knee["tilt"] = float("nan")
            knee["return_sum"] = 0.0
            knee["return_n"] = 0
            knee["return_max"] = float("nan")
            knee["return_done"] = 0
    profiles[:] = float("nan")


@kernel
def pause(knees: Records, legs: Records) -> None:
    """The signal is unknown: what was beyond the limit stays so, and nothing that is half seen counts."""
    for leg in range(2):
        legs[leg]["unknown_since_us"] = -1
        for j in range(2):
            knees[j, leg]["tilt"] = float("nan")
            knees[j, leg]["since_us"] = -1


@kernel
def rest(row: int, x: Floats, flags: Flags, params: Records, machine: Records, knees: Records) -> None:
    """Between repetitions: follow the rest position of a person who stands still."""
    p, m = params[0], machine[0]
    if m["state"] != TOP or not abs(m["rate"]) < p["dead_band"] or m["n"] - m["known"] <= 2 * p["half"]:
        return
    gain = p["period_us"] * 1e-6 / REST_S
    for leg in range(2):
        if not x[row, 2 * SIGNAL + leg] < m["base"] + 0.5 * p["open"]:
            continue
        for j in range(2):
            column = 2 * (FRONTAL + j) + leg
            value = x[row, column]
            if value == value and (int(flags[row, column]) & POOR) == 0:
                knee = knees[j, leg]
                moved = knee["reference"] + gain * (value - knee["reference"])
                knee["reference"] = min(max(moved, -REST_MOST), REST_MOST)


@kernel
def compare(value: float, tilt: float, knee: Records, profile: Floats, baseline: Floats, limit: float) -> bool:
    """Note the tilt at the depths just passed; True when the way up is beyond `limit` for the first time.

    value, tilt : rad, now; knee holds the previous frame; profile, baseline (2, 11): way down, way up.
    """
    before, value_before = knee["tilt"], knee["value"]
    hit = False
    if before != before or before == tilt:
        return hit
    low, high = min(before, tilt), max(before, tilt)
    first = max(int(np.ceil((low - FIRST_DEPTH) / DEPTH_STEP)), 0)
    last = min(int(np.floor((high - FIRST_DEPTH) / DEPTH_STEP)), N_DEPTHS - 1)
    for i in range(first, last + 1):
        depth = FIRST_DEPTH + i * DEPTH_STEP
        there = value_before + (depth - before) / (tilt - before) * (value - value_before)
        if tilt > before:
            if profile[1, i] == profile[1, i]:  # down again: what was compared here does not count
                knee["return_sum"] -= profile[1, i] - profile[0, i]
                knee["return_n"] -= 1
                profile[1, i] = float("nan")
            profile[0, i] = there
        elif (
            profile[0, i] == profile[0, i] and profile[1, i] != profile[1, i] and depth <= DEEPEST_SHARE * knee["peak_tilt"]
        ):
            usual = baseline[1, i] - baseline[0, i]
            profile[1, i] = there - (usual if usual == usual else 0.0)
            knee["return_sum"] += profile[1, i] - profile[0, i]
            knee["return_n"] += 1
            if knee["return_n"] >= MATCHES:
                mean = knee["return_sum"] / knee["return_n"]
                if not knee["return_max"] >= mean:
                    knee["return_max"] = mean
                if mean > limit and knee["return_done"] == 0:
                    knee["return_done"] = 1
                    hit = True
    return hit


@kernel
def tell(
    kind: int, how: int, leg: int, since: int, value: float, limit: float, sigma: float, machine: Records,
    reports: Records, k: int,
) -> int:  # fmt: skip
    """Report a condition of one leg."""
    m = machine[0]
    number = m["number"] + (0 if m["state"] == CLOSING else 1)
    k = report(reports, k, kind, since, m["t_us"], number, value)
    r = reports[k - 1]
    r["leg"] = leg
    r["how"] = how
    r["limit"] = limit
    r["sigma"] = sigma
    return k


@kernel
def step(
    row: int, x: Floats, sigma: Floats, flags: Flags, params: Records, machine: Records, knees: Records, legs: Records,
    profiles: Floats, baseline: Floats, reports: Records, k: int,
) -> int:  # fmt: skip
    """One frame inside a repetition; x, sigma (m, 15) rad, flags (m, 15). At most 4 reports per leg are written."""
    p, m = params[0], machine[0]
    t = m["t_us"]
    way = 1 if m["t_up"] >= 0 else 0
    for leg in range(2):
        state = legs[leg]
        tilt = x[row, 2 * TILT + leg]
        tilt_flags = int(flags[row, 2 * TILT + leg])
        loaded = tilt >= p["loaded"]
        over, judged, primary = 0, False, True
        worst, worst_value, worst_limit, worst_sigma = -1.0, 0.0, 1.0, 0.0
        returned, short = False, False
        for j in range(2):
            column = 2 * (FRONTAL + j) + leg
            if p["worn"][column] == 0:
                continue
            knee = knees[j, leg]
            value, s = x[row, column], sigma[row, column]
            poor = ((int(flags[row, column]) | tilt_flags) & POOR) != 0
            good = value == value and tilt == tilt and s <= p["sigma"] and not poor
            if primary:
                judged, primary = good, False
            if not good:
                knee["tilt"] = float("nan")
                knee["since_us"] = -1
                over += knee["over"]  # neither better nor worse: the same fault is not reported again afterwards
                continue
            if not knee["excursion"] >= value:
                knee["excursion"] = value
            knee["peak_tilt"] = max(knee["peak_tilt"], tilt)
            limit = max(p["return_"][j], s)
            if compare(value, tilt, knee, profiles[j, leg], baseline[j, leg], limit):
                mean = knee["return_sum"] / knee["return_n"]
                returned = True
                if mean / limit > worst:
                    worst, worst_value, worst_limit, worst_sigma = mean / limit, mean, limit, s
            if knee["return_n"] >= MATCHES:
                nearest.note(state, t, j, BY_RETURN, knee["return_sum"] / knee["return_n"], limit, s)
            knee["tilt"], knee["value"] = tilt, value
            # beyond the rest position; twice sigma: a limit inside the error would cue on nothing
            away = value - knee["reference"] - expected(baseline[j, leg, way], tilt)
            limit = max(p["excursion"][j], 2.0 * s)
            if loaded:
                nearest.note(state, t, j, BY_EXCURSION, away, limit, s)
            if not loaded or away <= (p["leave"] * limit if knee["over"] == 1 else limit):
                short = short or (knee["since_us"] >= 0 and knee["over"] == 0)
                knee["since_us"] = -1
                knee["over"] = 0
                continue
            if knee["since_us"] < 0:
                knee["since_us"] = t
            if t - knee["since_us"] >= p["dwell_us"]:
                knee["over"] = 1
            over += knee["over"]
            if knee["over"] == 1 and away / limit > worst and not returned:
                worst, worst_value, worst_limit, worst_sigma = away / limit, away, limit, s
        if (over > 0 or returned) and state["active"] == 0:
            state["active"] = 1
            state["fault"] = 1
            how = BY_RETURN if returned else BY_EXCURSION
            k = tell(VALGUS, how, leg, t, worst_value, worst_limit, worst_sigma, machine, reports, k)
        elif over == 0:
            state["active"] = 0
        if short and state["fault"] == 0 and state["short"] == 0:
            state["short"] = 1
            k = tell(VALGUS_SHORT, BY_EXCURSION, leg, t, float("nan"), p["excursion"][0], 0.0, machine, reports, k)
        if primary or judged or not loaded:
            state["unknown_since_us"] = -1
            continue
        if state["unknown_since_us"] < 0:
            state["unknown_since_us"] = t
        if state["unknown"] == 0 and t - state["unknown_since_us"] >= p["dwell_us"]:
            state["unknown"] = 1
            k = tell(
                VALGUS_UNKNOWN, BY_EXCURSION, leg, t, float("nan"), p["excursion"][0], float("nan"), machine, reports, k
            )
    return k
