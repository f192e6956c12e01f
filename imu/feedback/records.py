"""Layout of everything the feedback kernels read, keep and report. Angles rad, rates rad/s, times int64 µs."""

from __future__ import annotations

from math import nan, pi, radians
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.feedback.drill import Drill
from imu.packets import Quality

Records = NDArray[np.void]

# columns of the block a kernel reads: quantity * 2 + leg, leg 0 = left, 1 = right
SIGNAL: Final = 0
DEPTH: Final = 1
FRONTAL: Final = 2
"""First of the frontal tilts: FRONTAL + 0 shank, FRONTAL + 1 thigh."""
ALIGNMENT_ANGLES: Final = ("shank_frontal_tilt", "thigh_frontal_tilt")
FORWARD: Final = 4
"""The signal with its sign, if it has one (`FORWARD_OF`)."""
N_JUDGED: Final = 8
"""Columns before FORWARD: what is counted and judged, and whose loss matters."""
TILT: Final = 5
"""Thigh tilt, over which the knees are judged whatever is counted by."""
LEAD: Final = 12
"""One column: by how much the leg that is counted by leads the other; NaN = not asked for, or not known."""
FAR: Final = 13
"""One column: the signal of the other leg, if that is what tells the leg."""
BLOCKED: Final = 14
"""One column: 1 = the posture is not the drill's, and nothing opens."""
N_COLUMNS: Final = 15
FORWARD_OF: Final = {"thigh_tilt": "thigh_sagittal_tilt"}
"""An unsigned tilt has a kink at zero: who rests leaning back a little starts on the far side of it."""

# states of the repetition machine
WAITING: Final = 0
"""Not armed: no verified top seen yet, or the last repetition was voided or dropped on the way."""
TOP: Final = 1
DOWN: Final = 2
HOLD: Final = 3
UP: Final = 4
CLOSING: Final = 5
"""Counted, not at the top yet."""

# kinds of reports
STARTED: Final = 1
BOTTOM: Final = 2
RISING: Final = 3
COUNTED: Final = 4
CLOSED: Final = 5
DROPPED: Final = 6
VOID: Final = 7
VALGUS: Final = 8
VALGUS_SHORT: Final = 9
"""The limit was passed, but not for the dwell time."""
VALGUS_UNKNOWN: Final = 10
"""The knee could not be judged for the dwell time."""
COMPENSATION: Final = 11
COMPENSATION_SHORT: Final = 12
COMPENSATION_UNKNOWN: Final = 13
"""The same three of a compensation of the drill; `detail` = row of the watch."""
FELL_BACK: Final = 14
"""The way back was given up and went out again; value = how far back it had come, rad."""

# how a report came about
BY_EXCURSION: Final = 0
BY_RETURN: Final = 1

POOR: Final = int(
    Quality.GAP | Quality.SATURATED_GYR | Quality.STALE | Quality.SETTLING | Quality.NOT_CALIBRATED | Quality.SLIPPED
)
"""Nothing is cued from an angle with any of these. FILLED bridges 30 ms at most, SATURATED_ACC leaves the gyroscope's
integral, HEADING_STALE does not touch a tilt."""
LOST: Final = int(Quality.GAP | Quality.STALE | Quality.SETTLING | Quality.CLOCK_JUMP)
"""NaN with any of these: a sensor that was there has gone."""

DEPTHS: Final = np.radians(np.arange(30.0, 81.0, 5.0))
"""(11,) rad, tilts of the thigh at which the way up is compared with the way down, and repetitions with each other."""

PARAMS: Final = np.dtype(
    [
        ("open", "f8"), ("minimum", "f8"), ("count_share", "f8"), ("renewed", "f8"), ("dead_band", "f8"),
        ("abort_us", "i8"), ("apart", "f8"), ("period_us", "i8"), ("half", "i8"), ("one_leg", "i8"),
        ("worn", "i8", (N_COLUMNS,)), ("excursion", "f8", (2,)), ("return_", "f8", (2,)),
        ("loaded", "f8"), ("dwell_us", "i8"), ("leave", "f8"), ("sigma", "f8"), ("aim", "f8"),
        ("lowest", "f8"), ("base_most", "f8"), ("own_share", "f8"), ("lead", "f8"), ("held", "i8"), ("from_rest", "i8"),
        ("depth_from_rest", "i8"), ("from_below", "i8"), ("least_us", "i8"),
        ("within", "i8"), ("turning", "i8"),
    ]
)  # fmt: skip
"""lead: NaN = any leg; held: a drill of long holds; from_rest: the signal is counted from where the person keeps still."""

MACHINE: Final = np.dtype(
    [
        ("state", "i8"), ("t_us", "i8"), ("n", "i8"), ("known", "i8"), ("number", "i8"), ("base", "f8"),
        ("signal", "f8"), ("rate", "f8"), ("depth_now", "f8"), ("peak", "f8"), ("i_peak", "i8"), ("i_open", "i8"),
        ("t_start", "i8"), ("t_bottom", "i8"), ("t_up", "i8"), ("t_phase", "i8"), ("fastest", "f8"), ("slowest", "f8"),
        ("held", "f8"), ("low", "f8"), ("i_low", "i8"), ("t_expected", "i8"), ("t_edge", "i8"), ("depth", "f8"),
        ("flags", "i8"), ("t_move", "i8"), ("usual", "f8"), ("t_known", "i8"), ("i_gone", "i8"), ("i_back", "i8"),
        ("t_whole", "i8"), ("with_depth", "f8"), ("end_seen", "i8"), ("own", "f8"), ("lead_now", "f8"), ("lead", "f8"),
        ("zero", "f8"), ("depth_zero", "f8"), ("still_at", "f8"), ("t_still", "i8"),
        ("far_low", "f8"), ("far_high", "f8"), ("waits", "i8"), ("far_now", "f8"),
        ("blocked", "i8"), ("far_rest", "f8"), ("sigma_now", "f8"), ("depth_sigma", "f8"),
    ]
)  # fmt: skip
"""t_known: newest frame with a known signal; i_gone .. i_back: the last hole; t_whole: newest frame of the open repetition
in which nothing that is worn was lost; with_depth: largest signal at which the depth was known; own: the person's own
range, 0 = not known yet; lead: of the leg at the peak; zero, depth_zero: levels at rest, NaN = none found yet; still_at,
t_still: where the signal has stayed, and since when; far_low, far_high: of the other leg; waits: still at the turning
point before anything was counted, -1 = its repetition is void; sigma_now, depth_sigma: of the depth, now and where it was
largest."""

KNEE: Final = np.dtype(
    [
        ("reference", "f8"), ("excursion", "f8"), ("since_us", "i8"), ("over", "i8"), ("peak_tilt", "f8"),
        ("tilt", "f8"), ("value", "f8"), ("return_sum", "f8"), ("return_n", "i8"), ("return_max", "f8"),
        ("return_done", "i8"),
    ]
)  # fmt: skip
"""One per angle and leg."""

LEG: Final = np.dtype(
    [
        ("active", "i8"), ("fault", "i8"), ("short", "i8"), ("unknown", "i8"), ("unknown_since_us", "i8"),
        ("near", "f8"), ("near_us", "i8"), ("near_what", "i8"), ("near_value", "f8"), ("near_limit", "f8"),
        ("near_sigma", "f8"),
    ]
)  # fmt: skip
"""near: largest share of a limit that was reached; near_us: when, -1 = never judged (`nearest`)."""

REPORT: Final = np.dtype(
    [
        ("kind", "i8"), ("t_us", "i8"), ("t_emitted_us", "i8"), ("number", "i8"), ("leg", "i8"), ("how", "i8"),
        ("value", "f8"), ("limit", "f8"), ("sigma", "f8"), ("detail", "i8"),
    ]
)  # fmt: skip

CLOSED_REPETITION: Final = np.dtype(
    [
        ("t_start", "i8"), ("t_deepest", "i8"), ("t_end", "i8"), ("depth", "f8"), ("down_s", "f8"), ("hold_s", "f8"),
        ("up_s", "f8"), ("flags", "i8"), ("fault", "i8", (2,)), ("excursion", "f8", (4,)), ("return_", "f8", (4,)),
        ("near_us", "i8", (2,)), ("near_what", "i8", (2,)), ("near_value", "f8", (2,)), ("near_limit", "f8", (2,)),
        ("near_sigma", "f8", (2,)), ("depth_sigma", "f8"),
    ]
)  # fmt: skip
"""excursion, return_: angle * 2 + leg."""

BASE_MOST: Final = 0.2618
"""rad (15°): the level of a top is never taken above this, so that a rest at the bottom is no new top."""
ONE_LEG: Final = {"never": 0, "not_worn": 1, "always": 2}


def parameters(drill: Drill, grid_hz: float, worn: NDArray[np.bool_]) -> Records:
    """The drill's numbers in the kernels' units. worn : (15,) which columns have a sensor at all."""
    p = np.zeros(1, PARAMS)
    r, v, s = drill.repetition, drill.valgus, drill.signal
    p["open"], p["minimum"], p["renewed"] = radians(r.open_deg), radians(r.minimum_deg), radians(r.renewed_deg)
    p["count_share"], p["dead_band"], p["abort_us"] = r.count_share, radians(r.dead_band_dps), round(r.abort_s * 1e6)
    p["apart"], p["one_leg"] = radians(s.apart_deg), ONE_LEG[s.one_leg]
    p["period_us"] = round(1e6 / grid_hz)
    # the rate is a slope over 100 ms, known 50 ms later; over 60 ms, 0.1° of noise moved phase times by 0.1 to 0.2 s
    p["half"] = max(1, round(0.05 * grid_hz))
    p["worn"] = worn
    p["excursion"] = radians(v.shank_deg), radians(v.thigh_deg)
    p["return_"] = radians(v.shank_return_deg), radians(v.thigh_return_deg)
    p["loaded"], p["dwell_us"], p["leave"] = radians(v.loaded_deg), round(v.dwell_ms * 1000), v.leave_share
    p["sigma"], p["aim"] = radians(v.sigma_deg), radians(drill.target.aim_deg)
    p["from_rest"], p["depth_from_rest"] = s.start == "rest", drill.target.start == "rest"
    # a level that is followed must stay below the angle that opens
    p["base_most"] = BASE_MOST if r.open_deg >= 20.0 else 0.75 * radians(r.open_deg)
    # who stands cannot be below the stand by an unsigned tilt; a rest is where the person puts it
    p["lowest"] = -p["base_most"] if s.start == "rest" else 0.0
    if s.start == "turn":
        p["base_most"], p["lowest"], p["turning"] = pi, -pi, 1
    p["from_below"], p["least_us"] = r.from_below, round(r.least_s * 1e6)
    p["within"] = drill.tempo.pause == "within"
    p["own_share"], p["held"] = r.own_share, drill.held
    p["lead"] = nan if s.legs == "both" or s.side != "found" else radians(s.lead_deg)
    return p
