"""Session time of a sensor: its own clock tied to the host's by what the two have noticed of each other.

Radio delay is one-sided: a packet can be late, never early, so `arrival - device time` is never below the true offset.
Of every second the smallest is kept (with TX-done stamps, which can also be early, the lower quartile). Stamps leave
nothing but the radio's latency: a line through two minutes of them is all. Without them a part of the delay may be the
same in every packet (`imu.clock.gap`): then the centre of all lines that five minutes of delays leave room for is
taken. Pings bound the offset from the other side. Arrival stamps are data; nothing here reads a clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from imu.clock.kernels import map_rows
from imu.clock.layout import (
    APPLIED,
    BASE,
    BIN_COLUMNS,
    BINS,
    CELLS,
    COUNTED,
    FLOATS,
    GAP,
    HELD,
    INTS,
    LAG,
    LINE_A,
    LINE_B,
    LINE_T,
    NEW_EPOCH,
    OUT_LAST,
    PERIOD,
    SIGMA,
    STAMPED,
    T_FIRST,
    T_LAST,
)
from imu.packets import ClockMark, Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class ClockState:
    """Everything that changes in a `DeviceClock`."""

    floats: Floats
    ints: Ints
    bins: Floats
    held: Floats
    histograms: Floats


_NO_INTS: Final[Ints] = np.zeros(0, np.int64)
_NO_FLOATS: Final[Floats] = np.zeros(0)


class DeviceClock:
    """Maps one sensor's device time to session time (int64 µs, strictly increasing).

    Marks are processed before the row they belong to. In the first seconds of an epoch the offset may step, later it
    slews by at most 500 ppm; |skew| <= 150 ppm. If a stream has no mark at its first row, its device time is taken as
    host time in µs (imported arrays): session = device - t0, and later marks are ignored.

    Parameters
    ----------
    t0_host_ns : int
        Host time at which session time is 0.
    clock : "device" or "arrival"
        As in `SensorSetup`: "arrival" is for sensors without a clock, whose device time is the number of samples divided
        by a nominal rate. It may be off by 20 % then, and the offset follows it.
    """

    def __init__(self, t0_host_ns: int, clock: Literal["device", "arrival"] = "device") -> None:
        self._t0_ns = int(t0_host_ns)
        self._f = np.zeros(FLOATS)
        self._f[SIGMA] = self._f[LAG] = self._f[GAP] = self._f[LINE_T] = math.nan
        self._i = np.zeros(INTS, np.int64)
        self._i[OUT_LAST] = -(2**62)
        self._i[COUNTED] = clock == "arrival"
        self._bins = np.zeros((BINS, BIN_COLUMNS))
        self._held = np.zeros(HELD)
        self._histograms = np.zeros((2, CELLS))
        self._floors = np.zeros(BINS)

    def new_epoch(self) -> None:
        """The device rebooted or its clock jumped: the next row starts a new mapping, still later than all before."""
        self._i[NEW_EPOCH] = 1

    def map(self, t_us: Ints, marks: Sequence[ClockMark] = ()) -> NDArray[np.int64]:
        """Session time (n,) of rows with device time `t_us` (n,), marks at their `position`."""
        return self.map_paced(t_us, marks)[0]

    def map_paced(self, t_us: Ints, marks: Sequence[ClockMark] = ()) -> tuple[NDArray[np.int64], Floats]:
        """The same, and the true duration of each sample in units of the nominal one: 1 for a sensor with a clock; for one
        whose samples are only counted what the arrivals say, NaN in the first seconds of an epoch."""
        out, pace = np.empty(len(t_us), np.int64), np.empty(len(t_us))
        if len(marks) == 0:
            where, mark_t, kind, mark_us = _NO_INTS, _NO_INTS, _NO_INTS, _NO_FLOATS
        else:
            n, t0 = len(marks), self._t0_ns
            where = np.fromiter([m.position for m in marks], np.int64, n)
            if n > 1 and bool((where[1:] < where[:-1]).any()):  # codecs give them in order
                marks = sorted(marks, key=_position)
                where.sort()
            mark_t = np.fromiter([m.t_device_us for m in marks], np.int64, n)
            mark_us = np.fromiter([(m.t_host_ns - t0) / 1000.0 for m in marks], np.float64, n)
            kind = np.fromiter([m.sent + 2 * m.asked for m in marks], np.int64, n)
        map_rows(
            self._f, self._i, self._bins, self._held, self._histograms, self._floors,
            t_us, self._t0_ns // 1000, where, mark_t, mark_us, kind, out, pace,
        )  # fmt: skip
        return out, pace

    @property
    def offset_us(self) -> float:
        """Session minus device time, µs, as applied to the newest row."""
        return float(self._i[BASE]) + float(self._f[APPLIED])

    @property
    def skew_ppm(self) -> float:
        """Rate of the host's clock against the device's; NaN in the first second."""
        return float(self._f[LINE_B]) * 1e6 if self._fitted else math.nan

    @property
    def sigma_ms(self) -> float:
        """Standard uncertainty (1σ) of the newest row's session time, compared with other sensors on the same radio.

        Twice this holds the true error at least 95 % of the time; an error that all of them share (the smallest latency
        of radio and host, some 0.3 ms) is not in it. NaN without marks and before there is anything to go by.
        """
        f = self._f
        if not self._fitted:
            # nothing but an arrival: the packet may have waited for as long as the next one takes
            return float(f[PERIOD]) / math.sqrt(12.0) / 1000.0 if f[PERIOD] > 0.0 else math.nan
        t = float(self._i[T_LAST] - self._i[T_FIRST])
        behind = f[LINE_A] + f[LINE_B] * (t - f[LINE_T]) - f[APPLIED]
        return math.hypot(float(f[SIGMA]), float(behind)) / 1000.0

    @property
    def gap_ms(self) -> float:
        """How much of the delay may be the same in every packet and so hide in the offset; 0 with stamps."""
        return float(self._f[GAP]) / 1000.0

    @property
    def stamped(self) -> bool:
        """The mapping rests on TX-done stamps."""
        return bool(self._i[STAMPED])

    @property
    def lag_ms(self) -> float:
        """Arrival minus session time of the newest sample that had a mark."""
        return float(self._f[LAG]) / 1000.0

    @property
    def _fitted(self) -> bool:
        return not math.isnan(self._f[LINE_T])

    def state(self) -> ClockState:
        """A copy of everything that changes."""
        return ClockState(
            self._f.copy(), self._i.copy(), self._bins.copy(), self._held.copy(), self._histograms.copy()
        )

    def restore(self, state: ClockState) -> None:
        """Continue from what `state` of a clock with equal parameters returned."""
        self._f, self._i, self._bins = state.floats.copy(), state.ints.copy(), state.bins.copy()
        self._held, self._histograms = state.held.copy(), state.histograms.copy()


def _position(mark: ClockMark) -> int:
    return mark.position
