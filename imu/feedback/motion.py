"""What the sensors measured lately: rates and accelerations of the grid, kept for as long as a repetition can take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion.grid import GridBlock
from imu.packets import Floats, Ints

ROWS: Final = 4096
"""Frames kept, a power of two: 40 s at 100 Hz, more than the longest repetition with the rest before it."""
MOST: Final = 512
"""Frames that may come at once, so that what is judged meanwhile is still there."""


@dataclass(slots=True)
class MotionState:
    """Everything that changes. Copy = snapshot."""

    n: int
    t_us: Ints
    gyr: Floats
    acc: Floats
    flags: NDArray[np.uint16]

    def copy(self) -> MotionState:
        return MotionState(self.n, self.t_us.copy(), self.gyr.copy(), self.acc.copy(), self.flags.copy())


class Motion:
    """Rings over the newest `ROWS` frames; frame number i is in row i & (ROWS - 1).

    Parameters
    ----------
    n_sensors : int
        Columns of the grid.
    """

    def __init__(self, n_sensors: int) -> None:
        self._s = MotionState(
            0, np.zeros(ROWS, np.int64), np.full((ROWS, n_sensors, 3), np.nan), np.full((ROWS, n_sensors, 3), np.nan),
            np.zeros((ROWS, n_sensors), np.uint16),
        )  # fmt: skip

    @property
    def n(self) -> int:
        """Frames taken so far."""
        return self._s.n

    @property
    def t_us(self) -> Ints:
        """(ROWS,) session time."""
        return self._s.t_us

    @property
    def gyr(self) -> Floats:
        """(ROWS, S, 3) rad/s, sensor frame; NaN = unknown."""
        return self._s.gyr

    @property
    def acc(self) -> Floats:
        """(ROWS, S, 3) m/s²."""
        return self._s.acc

    @property
    def flags(self) -> NDArray[np.uint16]:
        """(ROWS, S) `Quality` bits."""
        return self._s.flags

    def push(self, grid: GridBlock) -> None:
        """Take at most `MOST` frames."""
        m = len(grid)
        assert m <= MOST
        rows = (self._s.n + np.arange(m)) & (ROWS - 1)
        self._s.t_us[rows], self._s.gyr[rows], self._s.acc[rows] = grid.t_us, grid.gyr, grid.acc
        self._s.flags[rows] = grid.flags
        self._s.n += m

    def number_at(self, t_us: int) -> int:
        """Number of the first frame at or after `t_us`, as far as it is kept."""
        first = max(0, self._s.n - ROWS)
        rows = np.arange(first, self._s.n) & (ROWS - 1)
        return first + int(np.searchsorted(self._s.t_us[rows], t_us))

    def state(self) -> MotionState:
        """A copy of everything that changes."""
        return self._s.copy()

    def restore(self, state: MotionState) -> None:
        """Continue from what `state` of an equal one returned."""
        self._s = state.copy()
