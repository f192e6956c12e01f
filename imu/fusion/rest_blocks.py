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

# What a full block comes to: mean norm m/s² and mean rates rad/s, per-axis noise squared, spreads, bits of the axes.
NORM, RATE, ACC_NOISE, GYR_NOISE, ACC_SPREAD, GYR_SPREAD, DEAD, NOISY = 0, 1, 4, 5, 6, 7, 8, 9
SUMMARY_SIZE: Final = 10


@kernel
def summarise(block: Floats, out: Floats) -> None:
    """Moments of a full block into `out` (SUMMARY_SIZE,).

    The noise is that from sample to sample, so that sway does not count. DEAD, NOISY: bits of the axes that never changed,
    and of those whose steps change like those of noise.
    """
    n = block[COUNT]
    out[:] = 0.0
    for i in range(6):
        offset = block[SUM + i] / n
        mean = block[FIRST + i] + offset
        spread = max(0.0, block[SQUARE + i] / n - offset * offset)
        noise = block[STEP + i] / (2.0 * (n - 1.0)) / 3.0
        if i < 3:
            out[RATE + i] = mean
            out[GYR_SPREAD] += spread
            out[GYR_NOISE] += noise
        else:
            out[NORM] += mean * mean
            out[ACC_SPREAD] += spread
            out[ACC_NOISE] += noise
        if block[CHANGED + i] == 0.0:
            out[DEAD] += 2.0**i
        # steps of noise change by sqrt(3) of their size, those of a sway hardly
        if block[BEND + i] > 1.5 * block[STEP + i] and block[CHANGED + i] > 0.25 * n:
            out[NOISY] += 2.0**i
    out[NORM] = math.sqrt(out[NORM])
    out[ACC_SPREAD], out[GYR_SPREAD] = math.sqrt(out[ACC_SPREAD]), math.sqrt(out[GYR_SPREAD])


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
