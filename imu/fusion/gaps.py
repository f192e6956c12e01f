"""Holes, saturation and restarts: what is done around the filter for every sample of one sensor.

Up to 30 ms missing: interpolated, FILLED. Up to 250 ms: filled the same way (which integrates the mean of the rates on
both sides), FILLED | GAP; if the limb turned in more than 100 ms of it, GAP stays until the filter has corrected what
was guessed wrong. Longer, or a new epoch: the filter restarts and its samples are SETTLING for one second. A saturated
accelerometer is not believed (the rate is still integrated); after a saturated gyroscope the orientation is suspect for a
second. Skipping or holding instead of interpolating costs two to four times the inclination error at 1 % loss.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion import coefficients, vqf
from imu.kernels import kernel
from imu.packets import CLIPPED_ACC, CLIPPED_GYR, Floats, Ints, Quality

SHORT_S: Final = 0.030
LONG_S: Final = 0.250
SETTLING_S: Final = 1.0
SURE_S: Final = 0.100
SUSPECT_S: Final = 4.0
SUSPECT_TURN: Final = math.radians(5.0)
"""A limb that swings at 150 to 300 °/s: inclination after a hole of 100 ms is off by less than 1°, of 200 ms by 4 to 8°
(95th percentile); after 4 s a quarter of it is left. A limb that turned less than this angle cannot be off by much."""
SATURATED_SHARE: Final = 0.98

_FILLED, _GAP = int(Quality.FILLED), int(Quality.GAP)
_ACC, _GYR = int(Quality.SATURATED_ACC), int(Quality.SATURATED_GYR)
_SETTLING, _JUMP = int(Quality.SETTLING), int(Quality.CLOCK_JUMP)
_BIAS, _P, _P0, _V, _TS = vqf.BIAS, vqf.P, coefficients.P0, coefficients.V, coefficients.TS

# Integers of a channel's state. PENDING counts rows that were not numbers: as good as lost.
STARTED, T_LAST, ACC_LAST, SETTLE_LEFT, GYR_LEFT, PENDING, RECEIVED, LOST, FILLED, RESTARTS, NEW_EPOCH, GAP_LEFT = range(12)
INTS: Final = 12
# Floats of a channel's state: the last sample's gyr and acc.
FLOATS: Final = 6
# Limits: in samples ...
SHORT, LONG, SETTLE, SURE, SUSPECT = 0, 1, 2, 3, 4
# ... and in units of the sensor.
ACC_LIMIT, GYR_LIMIT = 0, 1


def limits_in_samples(rate_hz: float) -> Ints:
    """(5,) longest hole that is only FILLED, longest that is bridged, settling time, longest hole whose filling is trusted,
    and how long others are not; as numbers of samples."""
    # 0.1 sample of tolerance: a sensor measured at 99.9 Hz is a 100 Hz sensor
    short, long, sure = (math.floor(seconds * rate_hz + 0.1) for seconds in (SHORT_S, LONG_S, SURE_S))
    return np.array([short, long, math.ceil(SETTLING_S * rate_hz), sure, math.ceil(SUSPECT_S * rate_hz)], np.int64)


@kernel
def rows_after_filling(i: Ints, limits: Ints, lost: NDArray[np.int32]) -> int:
    """Upper bound of the rows that `run` will write."""
    n = lost.shape[0] + min(i[PENDING], limits[LONG] + 1)
    for k in range(lost.shape[0]):
        n += min(max(0, lost[k]), limits[LONG])
    return n


@kernel
def _emit(
    m: int, t: int, arrived: int, s: Floats, wx: float, wy: float, wz: float, ax: float, ay: float, az: float, flags: int,
    i: Ints, t_out: Ints, arrived_out: Ints, q_out: Floats, gyr_out: Floats, acc_out: Floats,
    flags_out: NDArray[np.uint16],
) -> None:  # fmt: skip
    """Write row m and count down what lasts for a number of samples."""
    if i[SETTLE_LEFT] > 0:
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
    q_out[m, 0], q_out[m, 1], q_out[m, 2], q_out[m, 3] = vqf.orientation_of(s)
    gyr_out[m, 0], gyr_out[m, 1], gyr_out[m, 2] = wx - s[_BIAS], wy - s[_BIAS + 1], wz - s[_BIAS + 2]
    acc_out[m, 0], acc_out[m, 1], acc_out[m, 2] = ax, ay, az
    flags_out[m] = flags


@kernel
def run(
    s: Floats, c: Floats, i: Ints, last: Floats, limits: Ints, ranges: Floats, new_epoch: bool,
    t_us: Ints, arrived: Ints, lost: NDArray[np.int32], gyr: Floats, acc: Floats, clipped: NDArray[np.uint8],
    t_out: Ints, arrived_out: Ints, q_out: Floats, gyr_out: Floats, acc_out: Floats, flags_out: NDArray[np.uint16],
) -> int:  # fmt: skip
    """Rows of one sensor through gap policy and filter; returns the number of rows written.

    s, c : filter state and coefficients (`vqf`); i (INTS,), last (FLOATS,) this state; t_us, arrived (n,) session time;
    a row that is made up came with the one behind its hole.
    gyr rad/s, acc m/s² (n, 3). `new_epoch` belongs to the first row. Arrays `*_out` hold `rows_after_filling`.
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
        if not math.isfinite(wx + wy + wz + ax + ay + az):
            i[PENDING] = hole + 1
            continue
        i[PENDING] = 0
        acc_bad = (clipped[k] & CLIPPED_ACC) != 0 or max(abs(ax), abs(ay), abs(az)) >= ranges[ACC_LIMIT]
        gyr_bad = (clipped[k] & CLIPPED_GYR) != 0 or max(abs(wx), abs(wy), abs(wz)) >= ranges[GYR_LIMIT]
        flags = 0
        restart = i[NEW_EPOCH] != 0
        i[NEW_EPOCH] = 0
        if i[STARTED] == 0:
            i[STARTED] = 1
            i[SETTLE_LEFT] = limits[SETTLE]
        elif restart:
            vqf.reset(s, c, False)
            i[SETTLE_LEFT] = limits[SETTLE]
            i[GYR_LEFT] = i[GAP_LEFT] = 0
            i[RESTARTS] += 1
            flags |= _JUMP
        elif hole > limits[LONG]:
            vqf.reset(s, c, True)
            for p in (_P, _P + 3, _P + 5):
                # what was not seen makes the bias less certain, as in the filter, never more than at the start
                s[p] = max(s[p], min(s[p] + hole * c[_V], c[_P0]))
            i[SETTLE_LEFT] = limits[SETTLE]
            i[GYR_LEFT] = i[GAP_LEFT] = 0
            i[RESTARTS] += 1
            flags |= _GAP
        elif hole > 0:
            t0 = i[T_LAST]
            mark = _FILLED if hole <= limits[SHORT] else _FILLED | _GAP
            skip = acc_bad or i[ACC_LAST] != 0
            if skip:
                mark |= _ACC
            if gyr_bad:
                i[GYR_LEFT] = limits[SETTLE] + hole + 1
            rate = max(math.sqrt(wx * wx + wy * wy + wz * wz), math.sqrt(last[0] ** 2 + last[1] ** 2 + last[2] ** 2))
            if hole > limits[SURE] and rate * (hole + 1) * c[_TS] > SUSPECT_TURN:
                i[GAP_LEFT] = limits[SUSPECT] + hole
            for j in range(1, hole + 1):
                b = j / (hole + 1.0)
                a = 1.0 - b
                fx, fy, fz = a * last[0] + b * wx, a * last[1] + b * wy, a * last[2] + b * wz
                hx, hy, hz = a * last[3] + b * ax, a * last[4] + b * ay, a * last[5] + b * az
                vqf.step(s, c, (fx, fy, fz), (hx, hy, hz), not skip)
                t = t0 + ((t_us[k] - t0) * j) // (hole + 1)
                _emit(
                    m, t, arrived[k], s, fx, fy, fz, hx, hy, hz, mark, i,
                    t_out, arrived_out, q_out, gyr_out, acc_out, flags_out,
                )  # fmt: skip
                m += 1
            i[FILLED] += hole
        if acc_bad:
            flags |= _ACC
        if gyr_bad:
            i[GYR_LEFT] = limits[SETTLE] + 1
        vqf.step(s, c, (wx, wy, wz), (ax, ay, az), not acc_bad)
        _emit(
            m, t_us[k], arrived[k], s, wx, wy, wz, ax, ay, az, flags, i,
            t_out, arrived_out, q_out, gyr_out, acc_out, flags_out,
        )  # fmt: skip
        m += 1
        i[T_LAST] = t_us[k]
        i[ACC_LAST] = 1 if acc_bad else 0
        last[0], last[1], last[2], last[3], last[4], last[5] = wx, wy, wz, ax, ay, az
    return m
