"""The newest frames, kept until the calibration is known: the guided movement is the first thing that is watched."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.fusion.grid import GridBlock
from imu.fusion.quaternion import mul_array, rotate_array
from imu.packets import Floats

KEEP_S: Final = 40.0
"""Stand, guided movement and the stand after it take 15 to 25 s."""


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Frames in order."""

    blocks: tuple[GridBlock, ...]

    def joined(self) -> GridBlock:
        names = ("t_us", "q", "gyr", "acc", "flags")
        return GridBlock(*(np.ascontiguousarray(np.concatenate([getattr(b, n) for b in self.blocks])) for n in names))


class FrameBuffer:
    """Holds at least `KEEP_S` of frames; what it gives back does not depend on how they came."""

    def __init__(self, rate_hz: float) -> None:
        self._most = round(KEEP_S * rate_hz)
        self._blocks: list[GridBlock] = []
        self._count = 0

    def push(self, grid: GridBlock, start: int, stop: int) -> None:
        """Take frames start..stop."""
        if stop <= start:
            return
        self._blocks.append(
            GridBlock(*(x[start:stop].copy() for x in (grid.t_us, grid.q, grid.gyr, grid.acc, grid.flags)))
        )
        self._count += stop - start
        while self._count - len(self._blocks[0]) >= self._most:
            self._count -= len(self._blocks.pop(0))

    def since(self, t_us: int) -> GridBlock | None:
        """Frames from `t_us` on, no more than `KEEP_S`; None without any."""
        if not self._blocks:
            return None
        grid = Kept(tuple(self._blocks)).joined()
        first = max(int(np.searchsorted(grid.t_us, t_us)), len(grid) - self._most)
        if first >= len(grid):
            return None
        return GridBlock(*(np.ascontiguousarray(x[first:]) for x in (grid.t_us, grid.q, grid.gyr, grid.acc, grid.flags)))

    def clear(self) -> None:
        self._blocks, self._count = [], 0

    def state(self) -> Kept:
        """What is kept; blocks are never written to."""
        return Kept(tuple(self._blocks))

    def restore(self, kept: Kept) -> None:
        self._blocks = list(kept.blocks)
        self._count = sum(len(b) for b in self._blocks)


def faced_at_stand(grid: GridBlock, q_sensor_segment: Floats, stand_us: tuple[int, int]) -> Floats:
    """(m, S, 4) q_earth_segment with one heading for all at the stand; NaN where unknown.

    q_sensor_segment (S, 4), NaN = not calibrated. Filters drift against each other by degrees in a minute, which the
    seconds of a guided movement may have.
    """
    turned = mul_array(grid.q, q_sensor_segment[None])
    inside = (grid.t_us >= stand_us[0]) & (grid.t_us < stand_us[1])
    forward = rotate_array(turned[inside], np.array([1.0, 0.0, 0.0]))
    known = np.isfinite(forward[..., 0])
    total = np.where(known[..., None], forward, 0.0).sum(axis=0)
    half = 0.5 * np.arctan2(total[:, 1], total[:, 0])
    half = np.where(known.any(axis=0), half, np.nan)
    zero = np.zeros_like(half)
    return mul_array(np.stack([np.cos(half), zero, zero, -np.sin(half)], axis=-1)[None], turned)
