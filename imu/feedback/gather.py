"""The angles a drill uses out of all there are, in one kernel call per block: a dozen numpy calls took 0.2 ms a packet."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imu.kernels import kernel
from imu.packets import Floats, Ints


@kernel
def gather(
    angle: Floats, sigma: Floats, flags: NDArray[np.uint16], columns: Ints, signs: Floats, x: Floats, x_sigma: Floats,
    x_flags: NDArray[np.uint16],
) -> None:  # fmt: skip
    """Columns (c,) of (m, A) arrays, values times signs (c,), into the first c of (m, C) ones."""
    for row in range(len(angle)):
        for i in range(len(columns)):
            column = columns[i]
            x[row, i] = angle[row, column] * signs[i]
            x_sigma[row, i] = sigma[row, column]
            x_flags[row, i] = flags[row, column]


@kernel
def combine(
    angle: Floats, sigma: Floats, flags: NDArray[np.uint16], steady: Floats, columns: Ints, weights: Floats, v: Floats,
    v_sigma: Floats, v_flags: NDArray[np.uint16], v_steady: Floats,
) -> None:  # fmt: skip
    """Sums of weighted columns, (Q, 4) each with -1 for none, into (m, Q); errors add as squares, flags as bits. The steady
    parts of the terms stay apart, (m, Q, 4)."""
    for row in range(len(angle)):
        for i in range(len(columns)):
            value = variance = 0.0
            bits = 0
            for k in range(columns.shape[1]):
                column = columns[i, k]
                if column >= 0:
                    value += weights[i, k] * angle[row, column]
                    variance += (weights[i, k] * sigma[row, column]) ** 2
                    bits |= int(flags[row, column])
                    v_steady[row, i, k] = weights[i, k] * steady[row, column]
            v[row, i], v_sigma[row, i], v_flags[row, i] = value, math.sqrt(variance), bits
