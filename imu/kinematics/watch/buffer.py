"""The newest frames, kept until the calibration is known: the guided movement is the first thing that is watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.fusion.grid import GridBlock

KEEP_S: Final = 40.0
"""Stand, guided movement and the stand after it take 15 to 25 s."""


def joined(blocks: Sequence[GridBlock]) -> GridBlock:
    """Frames that follow each other as one block."""
    return GridBlock(
        np.concatenate([b.t_us for b in blocks]), np.concatenate([b.q for b in blocks]),
        np.concatenate([b.gyr for b in blocks]), np.concatenate([b.acc for b in blocks]),
        np.concatenate([b.flags for b in blocks]),
    )  # fmt: skip


def part_of(grid: GridBlock, start: int, stop: int) -> GridBlock:
    """A copy of frames start..stop."""
    rows = slice(start, stop)
    return GridBlock(
        grid.t_us[rows].copy(), grid.q[rows].copy(), grid.gyr[rows].copy(), grid.acc[rows].copy(), grid.flags[rows].copy()
    )


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Frames in order."""

    blocks: tuple[GridBlock, ...]


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
        self._blocks.append(part_of(grid, start, stop))
        self._count += stop - start
        while self._count - len(self._blocks[0]) >= self._most:
            self._count -= len(self._blocks.pop(0))

    def since(self, t_us: int) -> GridBlock | None:
        """Frames from `t_us` on, no more than `KEEP_S`; None without any."""
        if not self._blocks:
            return None
        grid = joined(self._blocks)
        first = max(int(np.searchsorted(grid.t_us, t_us)), len(grid) - self._most)
        return part_of(grid, first, len(grid)) if first < len(grid) else None

    def clear(self) -> None:
        self._blocks, self._count = [], 0

    def state(self) -> Kept:
        """What is kept; blocks are never written to."""
        return Kept(tuple(self._blocks))

    def restore(self, kept: Kept) -> None:
        self._blocks = list(kept.blocks)
        self._count = sum(len(b) for b in self._blocks)
