"""Layout of everything the feedback kernels read, keep and report. Angles rad, rates rad/s, times int64 µs."""

from __future__ import annotations

from math import radians
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
N_COLUMNS: Final = 10
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
"""(11,) thigh tilts at which the way up is compared with the way down."""

PARAMS: Final = np.dtype(
    [
        ("open", "f8"), ("minimum", "f8"), ("count_share", "f8"), ("renewed", "f8"), ("dead_band", "f8"),
        ("abort_us", "i8"), ("apart", "f8"), ("period_us", "i8"), ("half", "i8"), ("one_leg", "i8"),
        ("worn", "i8", (N_COLUMNS,)), ("excursion", "f8", (2,)), ("return_", "f8", (2,)),
        ("loaded", "f8"), ("dwell_us", "i8"), ("leave", "f8"), ("sigma", "f8"), ("aim", "f8"),
    ]
)  # fmt: skip

MACHINE: Final = np.dtype(
    [
        ("state", "i8"), ("t_us", "i8"), ("n", "i8"), ("known", "i8"), ("number", "i8"), ("base", "f8"),
        ("signal", "f8"), ("rate", "f8"), ("depth_now", "f8"), ("peak", "f8"), ("i_peak", "i8"), ("i_open", "i8"),
        ("t_start", "i8"), ("t_bottom", "i8"), ("t_up", "i8"), ("t_phase", "i8"), ("fastest", "f8"), ("slowest", "f8"),
        ("held", "f8"), ("low", "f8"), ("i_low", "i8"), ("t_expected", "i8"), ("t_edge", "i8"), ("depth", "f8"),
        ("flags", "i8"), ("t_move", "i8"), ("usual", "f8"), ("t_known", "i8"), ("i_gone", "i8"), ("i_back", "i8"),
        ("t_whole", "i8"), ("with_depth", "f8"), ("end_seen", "i8"),
    ]
)  # fmt: skip
"""t_known: newest frame with a known signal; i_gone .. i_back: the last hole; t_whole: newest frame of the open repetition
in which nothing that is worn was lost; with_depth: largest signal at which the depth was known."""

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
        ("near_sigma", "f8", (2,)),
    ]
)  # fmt: skip
"""excursion, return_: angle * 2 + leg."""

ONE_LEG: Final = {"never": 0, "not_worn": 1, "always": 2}


def parameters(drill: Drill, grid_hz: float, worn: NDArray[np.bool_]) -> Records:
    """The drill's numbers in the kernels' units. worn : (10,) which columns have a sensor at all."""
    p = np.zeros(1, PARAMS)
    r, v = drill.repetition, drill.valgus
    p["open"], p["minimum"], p["renewed"] = radians(r.open_deg), radians(r.minimum_deg), radians(r.renewed_deg)
    p["count_share"], p["dead_band"], p["abort_us"] = r.count_share, radians(r.dead_band_dps), round(r.abort_s * 1e6)
    p["apart"], p["one_leg"] = radians(drill.signal.apart_deg), ONE_LEG[drill.signal.one_leg]
    p["period_us"] = round(1e6 / grid_hz)
    # the rate is a slope over 100 ms, known 50 ms later; over 60 ms, 0.1° of noise moved phase times by 0.1 to 0.2 s
    p["half"] = max(1, round(0.05 * grid_hz))
    p["worn"] = worn
    p["excursion"] = radians(v.shank_deg), radians(v.thigh_deg)
    p["return_"] = radians(v.shank_return_deg), radians(v.thigh_return_deg)
    p["loaded"], p["dwell_us"], p["leave"] = radians(v.loaded_deg), round(v.dwell_ms * 1000), v.leave_share
    p["sigma"], p["aim"] = radians(v.sigma_deg), radians(drill.target.aim_deg)
    return p
