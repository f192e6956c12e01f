"""Session time of a sensor: its own clock tied to the host's by one-way delays.

Radio delay is one-sided: a packet can be late, never early. So the smallest `arrival - device time` of each second lies
near the true offset, and a line under a minute of those minima gives offset and skew (linear programme of Moon, Skelly
and Towsley 1999 as start, then least squares in which late seconds count for next to nothing). Arrival stamps are data
in the packets; nothing here reads a clock. Everything happens row by row, so packet sizes do not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.kernels import kernel
from imu.packets import ClockMark, Floats, Ints

BINS: Final = 60  # seconds that the line is fitted to
SECOND: Final = 1_000_000
FREE_US: Final = 1_000_000  # the offset may step for so long after the start of an epoch
MINIMUM_ONLY_S: Final = 10  # before that a line through so few minima is worse than the smallest of them
MAX_SKEW: Final = 150e-6
MAX_SLEW: Final = 500e-6

# Integers of the state.
STARTED, MARKED, T_FIRST, T_LAST, OUT_LAST, BASE, BIN, N_BINS, SENT_SEEN, NEW_EPOCH, STEP = range(11)
INTS: Final = 11
# Floats of the state: offsets in µs relative to BASE, times in µs relative to T_FIRST.
APPLIED, MIN_ALL, LINE_A, LINE_B, LINE_T, FITTED, BIN_D, BIN_T, SIGMA, LAG = range(10)
FLOATS: Final = 10


@kernel
def _start_epoch(f: Floats, i: Ints, t_us: int, offset_us: int) -> None:
    """First row of an epoch; `offset_us` is the best first guess of session minus device time."""
    if i[STARTED] != 0 and t_us + offset_us <= i[OUT_LAST] and i[MARKED] == 0:
        offset_us = (
            i[OUT_LAST] + max(1, i[STEP]) - t_us
        )  # without marks a restarted clock goes on where the old one stopped
    i[STARTED] = 1
    i[T_FIRST] = t_us
    i[T_LAST] = t_us
    i[BASE] = offset_us
    i[BIN] = -1
    i[N_BINS] = 0
    i[SENT_SEEN] = 0
    i[NEW_EPOCH] = 0
    for k in range(FLOATS):
        f[k] = 0.0
    f[MIN_ALL] = math.inf
    f[SIGMA] = math.nan
    f[LAG] = math.nan


@kernel
def _fit(f: Floats, bins: Floats, n: int) -> None:
    """Line under n >= 2 minima: bins[:n] = (time, offset)."""
    mean = 0.0
    for k in range(n):
        mean += bins[k, 0]
    mean /= n
    # the edge of the lower hull above the mean time: the highest line below all points there
    best, slope = -math.inf, 0.0
    for j in range(n):
        if bins[j, 0] > mean:
            continue
        # of all lines through j, the one that stays below the points to the right
        b = math.inf
        for k in range(n):
            if bins[k, 0] > mean:
                b = min(b, (bins[k, 1] - bins[j, 1]) / (bins[k, 0] - bins[j, 0]))
        low = bins[j, 1] + b * (mean - bins[j, 0])
        below = True
        for k in range(n):
            if bins[k, 1] < low + b * (bins[k, 0] - mean) - 1e-6:
                below = False
                break
        if below and low > best:
            best, slope = low, b
    if best == -math.inf:
        return
    a, b, scale = best, slope, 100.0
    for _ in range(4):
        # scale: how far minima usually are above the line; 0.1 ms is below what any radio repeats
        scale = 0.0
        weight = 0.0
        for k in range(n):
            r = abs(bins[k, 1] - a - b * (bins[k, 0] - mean))
            w = 1.0 / (1.0 + (r / 1000.0) ** 2)
            scale += w * r
            weight += w
        scale = max(100.0, scale / weight)
        sw = st = sd = stt = std = 0.0
        for k in range(n):
            t = bins[k, 0] - mean
            d = bins[k, 1]
            r = max(0.0, d - a - b * t) / scale
            w = 1.0 / (1.0 + r * r) ** 2
            sw += w
            st += w * t
            sd += w * d
            stt += w * t * t
            std += w * t * d
        det = sw * stt - st * st
        if det <= 0.0:
            break
        b = min(max((sw * std - st * sd) / det, -MAX_SKEW), MAX_SKEW)
        a = (sd - b * st) / sw
    spread = weight = 0.0
    for k in range(n):
        r = bins[k, 1] - a - b * (bins[k, 0] - mean)
        w = 1.0 / (1.0 + (max(0.0, r) / max(100.0, scale)) ** 2) ** 2
        spread += w * r * r
        weight += w
    f[LINE_A], f[LINE_B], f[LINE_T], f[FITTED] = a, b, mean, 1.0
    f[SIGMA] = math.sqrt(spread / weight)


@kernel
def _observe(f: Floats, i: Ints, bins: Floats, t_device: int, arrival_us: float, sent: bool) -> None:
    """One mark: keep the minimum of its second; a finished second refits the line."""
    t = float(t_device - i[T_FIRST])
    d = arrival_us - float(t_device) - float(i[BASE])
    if not sent:
        f[LAG] = d - f[APPLIED]
        if i[SENT_SEEN] != 0:
            return  # TX-done stamps hold no queueing: once there are some, only they count
    elif i[SENT_SEEN] == 0:
        i[SENT_SEEN] = 1
        i[BIN] = -1
        i[N_BINS] = 0
        f[MIN_ALL] = math.inf
        f[FITTED] = 0.0
    number = (t_device - i[T_FIRST]) // SECOND
    if number > i[BIN]:
        if i[BIN] >= 0:
            n = i[N_BINS]
            if n == BINS:
                for k in range(BINS - 1):
                    bins[k, 0], bins[k, 1] = bins[k + 1, 0], bins[k + 1, 1]
                n -= 1
            bins[n, 0], bins[n, 1] = f[BIN_T], f[BIN_D]
            i[N_BINS] = n + 1
            if bins[n, 0] - bins[0, 0] >= (MINIMUM_ONLY_S - 2) * float(SECOND) and n + 1 >= 5:
                _fit(f, bins, n + 1)
            elif n >= 1:
                low = mean = 0.0
                for k in range(n + 1):
                    mean += bins[k, 1] / (n + 1)
                for k in range(n + 1):
                    low += (bins[k, 1] - mean) ** 2 / (n + 1)
                f[SIGMA] = math.sqrt(low)
        i[BIN] = number
        f[BIN_D] = math.inf
    if d < f[BIN_D]:
        f[BIN_D], f[BIN_T] = d, t
    f[MIN_ALL] = min(f[MIN_ALL], d)


@kernel
def _map(f: Floats, i: Ints, t_us: int) -> int:
    """Session time of one row."""
    dt = t_us - i[T_LAST]
    t = float(t_us - i[T_FIRST])
    target = f[APPLIED]
    if f[FITTED] > 0.0:
        target = f[LINE_A] + f[LINE_B] * (t - f[LINE_T])
    elif f[MIN_ALL] < math.inf:
        target = f[MIN_ALL]
    if t <= FREE_US:
        f[APPLIED] = target
    else:
        limit = MAX_SLEW * dt
        f[APPLIED] += min(max(target - f[APPLIED], -limit), limit)
    out = t_us + i[BASE] + math.floor(f[APPLIED] + 0.5)
    # strictly monotone; a step back is absorbed at half speed, so that no two samples fall onto neighbouring microseconds
    out = max(out, i[OUT_LAST] + max(1, (dt + 1) // 2))
    if dt > 0:
        i[STEP] = dt
    i[T_LAST] = t_us
    i[OUT_LAST] = out
    return out


@kernel
def map_rows(
    f: Floats, i: Ints, bins: Floats, t_us: Ints, t0_us: int,
    where: Ints, mark_t: Ints, mark_us: Floats, sent: Ints, out: Ints,
) -> None:  # fmt: skip
    """Session time of the rows t_us (n,) -> out (n,). Marks are sorted by `where`, the row they come before."""
    m = 0
    for k in range(t_us.shape[0]):
        if i[STARTED] == 0 or i[NEW_EPOCH] != 0:
            first = m < where.shape[0] and where[m] <= k
            if i[STARTED] == 0:
                i[MARKED] = 1 if first else 0
            if first and i[MARKED] != 0:
                offset = math.floor(mark_us[m]) - mark_t[m]
            elif i[MARKED] != 0:
                offset = i[OUT_LAST] + 1 - t_us[k]
            else:
                offset = -t0_us
            _start_epoch(f, i, t_us[k], offset)
        while m < where.shape[0] and where[m] <= k:
            if i[MARKED] != 0:
                _observe(f, i, bins, mark_t[m], mark_us[m], sent[m] != 0)
            m += 1
        out[k] = _map(f, i, t_us[k])
    while m < where.shape[0]:
        if i[MARKED] != 0 and i[STARTED] != 0 and i[NEW_EPOCH] == 0:
            _observe(f, i, bins, mark_t[m], mark_us[m], sent[m] != 0)
        m += 1


@dataclass(frozen=True, slots=True, eq=False)
class ClockState:
    """Everything that changes in a `DeviceClock`."""

    floats: Floats
    ints: Ints
    bins: Floats


_NO_INTS: Final[Ints] = np.zeros(0, np.int64)
_NO_FLOATS: Final[Floats] = np.zeros(0)


class DeviceClock:
    """Maps one sensor's device time to session time (int64 µs, strictly increasing).

    Marks are processed before the row they belong to. In the first second of an epoch the offset may step, later it
    slews by at most 500 ppm; |skew| <= 150 ppm. If a stream has no mark at its first row, its device time is taken as
    host time in µs (imported arrays): session = device - t0, and later marks are ignored.

    Parameters
    ----------
    t0_host_ns : int
        Host time at which session time is 0.
    """

    def __init__(self, t0_host_ns: int) -> None:
        self._t0_ns = int(t0_host_ns)
        self._f = np.zeros(FLOATS)
        self._f[SIGMA] = self._f[LAG] = math.nan
        self._i = np.zeros(INTS, np.int64)
        self._i[OUT_LAST] = -(2**62)
        self._bins = np.zeros((BINS, 2))

    def new_epoch(self) -> None:
        """The device rebooted or its clock jumped: the next row starts a new mapping, still later than all before."""
        self._i[NEW_EPOCH] = 1

    def map(self, t_us: Ints, marks: Sequence[ClockMark] = ()) -> NDArray[np.int64]:
        """Session time (n,) of rows with device time `t_us` (n,), marks at their `position`."""
        out = np.empty(len(t_us), np.int64)
        if len(marks) == 0:
            where, mark_t, sent, mark_us = _NO_INTS, _NO_INTS, _NO_INTS, _NO_FLOATS
        else:
            n, t0 = len(marks), self._t0_ns
            where = np.fromiter([m.position for m in marks], np.int64, n)
            if n > 1 and bool((where[1:] < where[:-1]).any()):  # codecs give them in order
                marks = sorted(marks, key=_position)
                where.sort()
            mark_t = np.fromiter([m.t_device_us for m in marks], np.int64, n)
            mark_us = np.fromiter([(m.t_host_ns - t0) / 1000.0 for m in marks], np.float64, n)
            sent = np.fromiter([m.sent for m in marks], np.int64, n)
        map_rows(self._f, self._i, self._bins, t_us, self._t0_ns // 1000, where, mark_t, mark_us, sent, out)
        return out

    @property
    def offset_us(self) -> float:
        """Session minus device time, µs, as applied to the newest row."""
        return float(self._i[BASE]) + float(self._f[APPLIED])

    @property
    def skew_ppm(self) -> float:
        """Rate of the host's clock against the device's; NaN before about 10 s."""
        return float(self._f[LINE_B]) * 1e6 if self._f[FITTED] > 0.0 else math.nan

    @property
    def sigma_ms(self) -> float:
        """Spread of the delays that the mapping rests on, 1σ."""
        return float(self._f[SIGMA]) / 1000.0

    @property
    def lag_ms(self) -> float:
        """Arrival minus session time of the newest sample that had a mark."""
        return float(self._f[LAG]) / 1000.0

    def state(self) -> ClockState:
        return ClockState(self._f.copy(), self._i.copy(), self._bins.copy())

    def restore(self, state: ClockState) -> None:
        self._f, self._i, self._bins = state.floats.copy(), state.ints.copy(), state.bins.copy()


def _position(mark: ClockMark) -> int:
    return mark.position
