"""Kernel behind `self_check`: moments of half a second of samples at a time, counted in samples."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.kernels import kernel
from imu.packets import Floats

# Six axes each: gyr x, y, z, acc x, y, z.
COUNT, SUM, SQUARE, STEP, BEND, FIRST, LAST, RISE, CHANGED, LARGEST, BEYOND = 0, 1, 7, 13, 19, 25, 31, 37, 43, 49, 50
BLOCK_SIZE: Final = 51
"""Sums of deviations from FIRST, of their squares, of squared steps between samples and of squared changes of the step."""


@kernel
def gather(
    block: Floats, size: int, impossible: float, start: int, gyr: Floats, acc: Floats, broken: NDArray[np.uint8]
) -> int:  # fmt: skip
    """Rows from `start` on into the block, in place, until it is full; returns the row after the last one taken.

    gyr (n, 3) rad/s, acc (n, 3) m/s², broken (n,) nonzero: not measured, left out.
    LARGEST and BEYOND, the largest rate and how many were beyond `impossible`, are kept from block to block.
    """
    for k in range(start, gyr.shape[0]):
        rate = math.sqrt(gyr[k, 0] ** 2 + gyr[k, 1] ** 2 + gyr[k, 2] ** 2)
        if rate > impossible:
            block[LARGEST] = max(block[LARGEST], rate)
            block[BEYOND] += 1.0
        if broken[k] != 0:
            continue
        if block[COUNT] >= size:
            block[:LARGEST] = 0.0
        first = block[COUNT] == 0.0
        for i in range(6):
            value = gyr[k, i] if i < 3 else acc[k, i - 3]
            if first:
                block[FIRST + i] = value
            else:
                rise = value - block[LAST + i]
                block[STEP + i] += rise * rise
                if block[COUNT] > 1.0:
                    block[BEND + i] += (rise - block[RISE + i]) ** 2
                block[RISE + i] = rise
                if value != block[LAST + i]:
                    block[CHANGED + i] += 1.0
            # around the first value: no digits are lost to a large mean
            block[SUM + i] += value - block[FIRST + i]
            block[SQUARE + i] += (value - block[FIRST + i]) ** 2
            block[LAST + i] = value
        block[COUNT] += 1.0
        if block[COUNT] >= size:
            return k + 1
    return gyr.shape[0]
