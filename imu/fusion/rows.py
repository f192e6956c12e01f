"""The samples of one sensor as every filter gets them: holes filled, each row with what is to be done and its flags."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imu.config import GapLimits
from imu.fusion import gaps
from imu.packets import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """n rows of one sensor, those that were made up included."""

    t_us: Ints
    """(n,) session time, strictly increasing."""
    arrived_us: Ints
    """(n,) session time at which each row became known."""
    gyr: Floats
    """(n, 3) rad/s, sensor frame, bias still in it."""
    acc: Floats
    """(n, 3) m/s², sensor frame, including gravity; the sensor's known offset taken off."""
    flags: NDArray[np.uint16]
    """(n,) `Quality` bits."""
    actions: NDArray[np.uint8]
    """(n,) bits SKIP_ACC, RESTART, FRESH of `imu.fusion.gaps`: what the filter does before it takes the row."""
    holes: NDArray[np.int32]
    """(n,) samples not seen before a restart; 0 elsewhere."""
    doubts: Floats
    """(n,) rad, expected error (1σ) of the rotation over a hole that was bridged before the row, where it is too large to
    be believed; 0 elsewhere."""
    pace: Floats
    """(n,) true duration of the sample in units of the nominal one; 1 for a sensor with a clock."""

    def __len__(self) -> int:
        return len(self.t_us)

    @staticmethod
    def unwritten(n: int) -> Rows:
        """To be written by a kernel."""
        return Rows(
            np.empty(n, np.int64), np.empty(n, np.int64), np.empty((n, 3)), np.empty((n, 3)), np.empty(n, np.uint16),
            np.empty(n, np.uint8), np.empty(n, np.int32), np.empty(n), np.empty(n),
        )  # fmt: skip

    def first(self, n: int) -> Rows:
        """The first n, as views."""
        return Rows(
            self.t_us[:n], self.arrived_us[:n], self.gyr[:n], self.acc[:n], self.flags[:n], self.actions[:n],
            self.holes[:n], self.doubts[:n], self.pace[:n],
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class RowsState:
    """Everything that changes in a `RowMaker`."""

    ints: Ints
    last: Floats


class RowMaker:
    """Applies the gap policy to the samples of one sensor, in the order in which they came.

    Parameters
    ----------
    rate_hz : float
        Of the sensor's own clock.
    limits : GapLimits
    acc_range, gyr_range : float
        Full scale, m/s² and rad/s; infinite if unknown.
    acc_offset : (3,) m/s²
        Known error of the accelerometer, taken off every sample.
    """

    def __init__(
        self,
        rate_hz: float,
        limits: GapLimits,
        acc_range: float = np.inf,
        gyr_range: float = np.inf,
        acc_offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
    ) -> None:
        self._limits = gaps.in_samples(limits, rate_hz)
        self._units = gaps.in_units(limits, rate_hz, acc_range, gyr_range)
        self._offset = np.array(acc_offset, np.float64)
        self._i = np.zeros(gaps.INTS, np.int64)
        self._last = np.zeros(gaps.FLOATS)

    def make(
        self, t_us: Ints, arrived_us: Ints, lost: NDArray[np.int32], gyr: Floats, acc: Floats, clipped: NDArray[np.uint8],
        *, new_epoch: bool = False, pace: Floats | None = None,
    ) -> Rows:  # fmt: skip
        """The rows of these samples and of the holes before them.

        `new_epoch`: the device's clock started anew. `pace` (n,): as in `Rows`, 1 by default; while it is NaN the rate is
        not known, and with it no orientation.
        """
        most = gaps.rows_after_filling(self._i, self._limits, lost)
        rows = Rows.unwritten(most)
        n = gaps.prepare(
            self._i, self._last, self._limits, self._units, self._offset, new_epoch,
            t_us, arrived_us, lost, gyr, acc, clipped, np.ones(len(t_us)) if pace is None else pace,
            rows.t_us, rows.arrived_us, rows.gyr, rows.acc, rows.flags, rows.actions, rows.holes,
            rows.doubts, rows.pace,
        )  # fmt: skip
        return rows if n == most else rows.first(n)

    @property
    def longest_bridged(self) -> int:
        """Samples in the longest hole that is filled."""
        return int(self._limits[gaps.LONG])

    @property
    def received(self) -> int:
        """Samples that arrived."""
        return int(self._i[gaps.RECEIVED])

    @property
    def lost(self) -> int:
        """Samples that the sensor took and that never arrived."""
        return int(self._i[gaps.LOST])

    @property
    def filled(self) -> int:
        """Samples made up between others."""
        return int(self._i[gaps.FILLED])

    @property
    def restarts(self) -> int:
        """Times the filter had to start again."""
        return int(self._i[gaps.RESTARTS])

    @property
    def settling(self) -> bool:
        """Nothing yet, or the filter has (re)started less than its settling time ago."""
        return self._i[gaps.STARTED] == 0 or bool(self._i[gaps.SETTLE_LEFT] > 0)

    def state(self) -> RowsState:
        """A copy of everything that changes."""
        return RowsState(self._i.copy(), self._last.copy())

    def restore(self, state: RowsState) -> None:
        """Continue from what `state` of an equal one returned."""
        self._i, self._last = state.ints.copy(), state.last.copy()
