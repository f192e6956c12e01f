"""Gyroscope only: the rate is integrated, nothing is corrected. The baseline below which no filter may fall.

The accelerometer is used once, for the inclination at the start. What is here besides is common to the baselines
(`madgwick`, `mahony`): where things are in a state row, how it starts and starts again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.fusion.quaternion import between, mul, normalise, rotate, turned
from imu.fusion.rates import sample_period
from imu.kernels import kernel
from imu.packets import Floats

# Where things are in one sensor's state row.
Q, BIAS, STARTED = 0, 4, 7  # q_earth_sensor; rad/s, sensor frame; 1 once an acceleration has set the inclination
STATE_SIZE: Final = 8

TS: Final = 0
"""Where the sample period, s, is in the coefficient row of every baseline."""
COEFFICIENTS_SIZE: Final = 1


@dataclass(frozen=True, slots=True)
class Params:
    """Nothing to tune."""


def row(rate_hz: float, params: Params | None = None) -> Floats:
    """(COEFFICIENTS_SIZE,) for samples `1 / rate_hz` s apart in the sensor's own clock."""
    del params  # there are none; the signature is the one of all filters
    return np.array([sample_period(rate_hz)])


def initial_state(n_sensors: int = 1) -> Floats:
    """(n_sensors, STATE_SIZE) of sensors that have not seen a sample."""
    states = np.zeros((n_sensors, STATE_SIZE))
    states[:, Q] = 1.0
    return states


@kernel
def reset(s: Floats, c: Floats, keep_bias: bool) -> None:
    """Start again, in place. `keep_bias`: what is known of the gyroscope bias survives. (`c` as in every filter.)"""
    for i in range(STATE_SIZE):
        if not (keep_bias and BIAS <= i < BIAS + 3):
            s[i] = 0.0
    s[Q] = 1.0


@kernel
def start(s: Floats, ax: float, ay: float, az: float) -> None:
    """Inclination from the first believed acceleration (not zero); the heading stays what it is."""
    q = (s[Q], s[Q + 1], s[Q + 2], s[Q + 3])
    q = normalise(mul(between(rotate(q, (ax, ay, az)), (0.0, 0.0, 1.0)), q))
    s[Q], s[Q + 1], s[Q + 2], s[Q + 3] = q
    s[STARTED] = 1.0


@kernel
def step(
    s: Floats, c: Floats, wx: float, wy: float, wz: float, ax: float, ay: float, az: float, use_acc: bool
) -> None:
    """One sample of one sensor, in place.

    wx, wy, wz : rad/s, ax, ay, az : m/s² including gravity, sensor frame. The turn of one sample is taken exactly, as a
    rotation about a fixed axis: q ⊗ exp(ω·Ts/2). The acceleration counts until one is believed (`use_acc`, not zero).
    Does not check for NaN.
    """
    s[Q], s[Q + 1], s[Q + 2], s[Q + 3] = turned((s[Q], s[Q + 1], s[Q + 2], s[Q + 3]), wx, wy, wz, c[TS])
    if use_acc and s[STARTED] == 0.0 and (ax != 0.0 or ay != 0.0 or az != 0.0):
        start(s, ax, ay, az)
