"""Holes, saturation and restarts: what a filter is given for every sample of one sensor, and with which flags.

Nothing here depends on a filter. Up to 30 ms missing: interpolated, FILLED. Up to 250 ms: filled the same way (which
integrates the mean of the rates on both sides, and lets the filter's bias grow less certain sample by sample), FILLED |
GAP. How wrong that is, is expected from the rates on both sides: from 5° on GAP stays until the filter has corrected it,
from 10° on the filter has to find the inclination anew and the orientation is unknown (SETTLING) for a second. Longer, or
a new epoch: the filter restarts and its samples are SETTLING. A saturated accelerometer is not believed (the rate is still
integrated), and after 3 s without one that can be believed the orientation is unknown; after a saturated gyroscope it is
suspect for 4 s, and what it may have missed is treated like the error of a hole. A row that is no measurement (not
finite, or more than half a turn per sample) is as good as lost. Skipping or holding instead of interpolating costs two to
four times the inclination error at 1 % loss. The limits are `imu.config.GapLimits`.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.config import GapLimits
from imu.kernels import kernel
from imu.packets import CLIPPED_ACC, CLIPPED_GYR, Floats, Ints, Quality

_FILLED, _GAP = int(Quality.FILLED), int(Quality.GAP)
_ACC, _GYR = int(Quality.SATURATED_ACC), int(Quality.SATURATED_GYR)
_SETTLING, _JUMP = int(Quality.SETTLING), int(Quality.CLOCK_JUMP)

SKIP_ACC, RESTART, FRESH = 1, 2, 4
"""Bits of what the filter has to do before it takes a row: not believe its acceleration; start again and keep the bias;
start again from nothing."""
BELIEVABLE_ACC: Final = 1e4
"""m/s²: a thousand g is no motion of a person, whatever the range is said to be."""

# Integers of a sensor's state. PENDING counts rows that were no measurements, BLIND those without a believable
# acceleration; UNPACED: the last one came at an unknown rate.
STARTED, T_LAST, ACC_LAST, SETTLE_LEFT, GYR_LEFT, PENDING, RECEIVED, LOST, FILLED, RESTARTS, NEW_EPOCH, GAP_LEFT = range(12)
BLIND, UNPACED, INTS = 12, 13, 14
# Floats of a sensor's state: the last sample's gyr and acc, and the turn measured by a saturated gyroscope so far, rad.
SATURATED_TURN, FLOATS = 6, 7
# Limits as numbers of samples.
SHORT, LONG, SETTLE, SUSPECT, BLIND_LIMIT = range(5)
# Limits as numbers with units: acc and gyr from which a sample is saturated, largest gyr, expected errors in rad; error per
# (rad/s) of rate and (samples of hole)^1.5; the same per (rad/s) of a saturated sample.
ACC_LIMIT, GYR_LIMIT, GYR_MOST, DOUBTFUL, WRONG, ERROR, MISSED = range(7)


def in_samples(limits: GapLimits, rate_hz: float) -> Ints:
    """(5,) the limits that are times, as numbers of samples."""
    # 0.1 sample of tolerance: a sensor measured at 99.9 Hz is a 100 Hz sensor
    short, long = (math.floor(s * rate_hz + 0.1) for s in (limits.short_s, limits.long_s))
    settle, suspect, blind = (math.ceil(s * rate_hz) for s in (limits.settling_s, limits.suspect_s, limits.blind_s))
    return np.array([short, long, settle, suspect, blind], np.int64)


def in_units(limits: GapLimits, rate_hz: float, acc_range: float, gyr_range: float) -> Floats:
    """(7,) the limits that are not: ranges are full scale, m/s² and rad/s."""
    acc, gyr = limits.saturated_share * acc_range, limits.saturated_share * gyr_range
    doubtful, wrong = math.radians(limits.suspect_deg), math.radians(limits.wrong_deg)
    error, missed = limits.error_share / rate_hz**1.5, limits.saturated_error / rate_hz
    return np.array([min(acc, BELIEVABLE_ACC), gyr, most_gyr(rate_hz), doubtful, wrong, error, missed])


def most_gyr(rate_hz: float) -> float:
    """rad/s: half a turn per sample. Beyond, the way round is unknown."""
    return math.pi * rate_hz


@kernel
def rows_after_filling(i: Ints, limits: Ints, lost: NDArray[np.int32]) -> int:
    """Upper bound of the rows that `prepare` will write."""
    n = lost.shape[0] + min(i[PENDING], limits[LONG] + 1)
    for k in range(lost.shape[0]):
        n += min(max(0, lost[k]), limits[LONG])
    return n


@kernel
def _write(
    m: int, t: int, arrived: int, wx: float, wy: float, wz: float, ax: float, ay: float, az: float, flags: int,
    action: int, hole: int, doubt: float, i: Ints, limits: Ints, t_out: Ints, arrived_out: Ints, gyr_out: Floats,
    acc_out: Floats, flags_out: NDArray[np.uint16], actions_out: NDArray[np.uint8], holes_out: NDArray[np.int32],
    doubts_out: Floats, pace: float, pace_out: Floats,
) -> None:  # fmt: skip
    """Write row m and count down what lasts for a number of samples."""
    if (action & SKIP_ACC) == 0:
        i[BLIND] = 0
    else:
        i[BLIND] += 1
        if i[BLIND] > limits[BLIND_LIMIT]:
            i[SETTLE_LEFT] = limits[SETTLE]
    if i[SETTLE_LEFT] > 0:
        if (action & SKIP_ACC) == 0:  # only an acceleration settles the inclination
            i[SETTLE_LEFT] -= 1
        flags |= _SETTLING
    if i[GYR_LEFT] > 0:
        i[GYR_LEFT] -= 1
        flags |= _GYR
    if i[GAP_LEFT] > 0:
        i[GAP_LEFT] -= 1
        flags |= _GAP
    t_out[m] = t
    arrived_out[m] = arrived
    gyr_out[m, 0], gyr_out[m, 1], gyr_out[m, 2] = wx, wy, wz
    acc_out[m, 0], acc_out[m, 1], acc_out[m, 2] = ax, ay, az
    flags_out[m] = flags
    actions_out[m] = action
    holes_out[m] = hole
    doubts_out[m] = doubt
    pace_out[m] = pace


@kernel
def prepare(
    i: Ints, last: Floats, limits: Ints, units: Floats, offset: Floats, new_epoch: bool,
    t_us: Ints, arrived: Ints, lost: NDArray[np.int32], gyr: Floats, acc: Floats, clipped: NDArray[np.uint8],
    pace: Floats, t_out: Ints, arrived_out: Ints, gyr_out: Floats, acc_out: Floats, flags_out: NDArray[np.uint16],
    actions_out: NDArray[np.uint8], holes_out: NDArray[np.int32], doubts_out: Floats, pace_out: Floats,
) -> int:  # fmt: skip
    """Rows of one sensor through the gap policy; returns the number of rows written.

    i (INTS,), last (FLOATS,) : this state; limits, units : from `in_samples`, `in_units`; offset (3,) m/s² taken off acc.
    t_us, arrived (n,) session time (a row that is made up came with the one behind its hole), lost (n,) samples missing
    before each row, gyr rad/s, acc m/s² (n, 3), clipped (n,) bits, pace (n,) as in `Rows` or NaN. `new_epoch` belongs to
    the first row. Arrays `*_out` hold `rows_after_filling` rows; actions_out: what the filter has to do, holes_out: samples
    not seen before a restart, doubts_out: expected error, rad, of the rotation over a hole bridged before the row, where
    that is wrong.
    """
    m = 0
    if new_epoch:
        i[NEW_EPOCH] = 1
    for k in range(t_us.shape[0]):
        i[RECEIVED] += 1
        hole = max(0, lost[k])
        i[LOST] += hole
        hole += i[PENDING]
        wx, wy, wz = gyr[k, 0], gyr[k, 1], gyr[k, 2]
        ax, ay, az = acc[k, 0], acc[k, 1], acc[k, 2]
        rate = math.sqrt(wx * wx + wy * wy + wz * wz)
        if not (rate <= units[GYR_MOST] and math.isfinite(ax + ay + az)):
            i[PENDING] = hole + 1
            continue
        i[PENDING] = 0
        unpaced = not pace[k] > 0.0
        pace_k = 1.0 if unpaced else pace[k]
        just_paced = i[UNPACED] != 0 and not unpaced
        i[UNPACED] = 1 if unpaced else 0
        if unpaced:
            i[SETTLE_LEFT] = limits[SETTLE]
        acc_bad = (clipped[k] & CLIPPED_ACC) != 0 or max(abs(ax), abs(ay), abs(az)) >= units[ACC_LIMIT]
        gyr_bad = (clipped[k] & CLIPPED_GYR) != 0 or max(abs(wx), abs(wy), abs(wz)) >= units[GYR_LIMIT]
        flags = _ACC if acc_bad else 0
        # no working sensor measures exactly nothing: neither saturated nor believable
        skip = acc_bad or (ax == 0.0 and ay == 0.0 and az == 0.0)
        # what nothing is believed of shall not make sums of it overflow either
        ax = min(max(ax, -BELIEVABLE_ACC), BELIEVABLE_ACC) - offset[0]
        ay = min(max(ay, -BELIEVABLE_ACC), BELIEVABLE_ACC) - offset[1]
        az = min(max(az, -BELIEVABLE_ACC), BELIEVABLE_ACC) - offset[2]
        action = SKIP_ACC if skip else 0
        unseen, doubt = 0, 0.0
        restart = i[NEW_EPOCH] != 0
        i[NEW_EPOCH] = 0
        if i[STARTED] == 0:
            i[STARTED] = 1
            i[SETTLE_LEFT] = limits[SETTLE]
        elif restart or hole > limits[LONG]:
            action |= FRESH if restart else RESTART
            unseen = hole
            i[SETTLE_LEFT] = limits[SETTLE]
            i[GYR_LEFT] = i[GAP_LEFT] = i[BLIND] = 0
            last[SATURATED_TURN] = 0.0
            i[RESTARTS] += 1
            flags |= _JUMP if restart else _GAP
        elif hole > 0:
            t0 = i[T_LAST]
            mark = _FILLED if hole <= limits[SHORT] else _FILLED | _GAP
            made_up = 0
            if skip or i[ACC_LAST] != 0:
                made_up = SKIP_ACC
                mark |= _ACC
            if gyr_bad:
                i[GYR_LEFT] = limits[SUSPECT] + hole + 1
            change = (wx - last[0]) ** 2 + (wy - last[1]) ** 2 + (wz - last[2]) ** 2
            mean = 0.5 * (rate + math.sqrt(last[0] ** 2 + last[1] ** 2 + last[2] ** 2))
            error = units[ERROR] * (hole + 1) ** 1.5 * math.sqrt(change + mean * mean)
            if error > units[DOUBTFUL]:
                i[GAP_LEFT] = limits[SUSPECT] + hole
            doubt = error
            for j in range(1, hole + 1):
                b = j / (hole + 1.0)
                a = 1.0 - b
                _write(
                    m, t0 + ((t_us[k] - t0) * j) // (hole + 1), arrived[k],
                    a * last[0] + b * wx, a * last[1] + b * wy, a * last[2] + b * wz,
                    a * last[3] + b * ax, a * last[4] + b * ay, a * last[5] + b * az, mark, made_up, 0, 0.0, i, limits,
                    t_out, arrived_out, gyr_out, acc_out, flags_out, actions_out, holes_out, doubts_out,
                    pace_k, pace_out,
                )  # fmt: skip
                m += 1
            i[FILLED] += hole
        if just_paced and (action & (RESTART | FRESH)) == 0:
            action |= RESTART  # what was integrated at an unknown rate is worth nothing
            i[RESTARTS] += 1
            i[SETTLE_LEFT] = limits[SETTLE]
        if gyr_bad:
            i[GYR_LEFT] = limits[SUSPECT] + 1
            last[SATURATED_TURN] += units[MISSED] * rate
        else:
            doubt = max(doubt, last[SATURATED_TURN])
            last[SATURATED_TURN] = 0.0
        if doubt > units[WRONG]:
            i[SETTLE_LEFT] = max(i[SETTLE_LEFT], limits[SETTLE])
        else:
            doubt = 0.0  # the filter as it is corrects that better than one that has forgotten what it knew
        _write(
            m, t_us[k], arrived[k], wx, wy, wz, ax, ay, az, flags, action, unseen, doubt, i, limits,
            t_out, arrived_out, gyr_out, acc_out, flags_out, actions_out, holes_out, doubts_out, pace_k, pace_out,
        )  # fmt: skip
        m += 1
        i[T_LAST] = t_us[k]
        i[ACC_LAST] = 1 if skip else 0
        last[0], last[1], last[2], last[3], last[4], last[5] = wx, wy, wz, ax, ay, az
    return m
