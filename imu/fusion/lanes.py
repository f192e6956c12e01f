"""Arrays that hold one number of several sensors side by side, so that a kernel handles them with one instruction.

Row r of lane j is at `s[r * lanes + j]`. With `lanes` a constant at the place of the call, and everything between the
loop over j and these functions inlined, the compiler turns that loop into vector instructions; the arithmetic of each
lane stays IEEE, operation by operation, so a sensor's numbers do not depend on which others run beside it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from imu.kernels import inlined
from imu.packets import Floats

LANES: Final = 8
"""Sensors per group: one AVX-512 register of doubles, two of AVX2, four of SSE or NEON."""

ALONE: Final = np.uint64(0)
"""The only lane of a sensor that runs by itself (`lanes` = 1)."""


Lane = int | np.uint64
"""Number of a lane; unsigned in the loop over lanes."""


@inlined
def at(s: Floats, row: int, lane: Lane, lanes: int) -> float:
    """Read. The unsigned index matters: a signed one is tested for "from the end", which stops vectorisation."""
    return s[np.uint64(row * lanes) + lane]


@inlined
def put(s: Floats, row: int, lane: Lane, lanes: int, x: float) -> None:
    """Write."""
    s[np.uint64(row * lanes) + lane] = x
