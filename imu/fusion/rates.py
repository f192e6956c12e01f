"""Sample rates: what is one, and which one time stamps show."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.packets import Ints

HOLE: Final = 1.5
"""A step of more median steps has samples missing in it."""


def sample_period(rate_hz: float) -> float:
    """s; `ValueError` if the rate is not a positive number."""
    if not (math.isfinite(rate_hz) and rate_hz > 0.0):
        raise ValueError(f"rate_hz is {rate_hz}; give the sample rate in Hz, a positive number")
    return 1.0 / rate_hz


def unbroken(step_us: Ints) -> NDArray[np.bool_]:
    """Which steps between samples have none missing in them."""
    return step_us <= HOLE * float(np.median(step_us))


def shown_period_us(step_us: Ints) -> float:
    """Sample period, µs, that the steps show: their mean without those that are holes.

    The median of steps that were rounded to whole ms (9, 10, 10 for 104 Hz) would be off by up to 5 %.
    """
    return float(np.mean(step_us[unbroken(step_us)]))
