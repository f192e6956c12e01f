"""Madgwick's gradient descent filter, gyroscope and accelerometer: a baseline with a known name.

Written from S. Madgwick, "An efficient orientation filter for inertial and inertial/magnetic sensor arrays", 2010, whose
equations are numbered here; its frames are kept out: q is q_earth_sensor with earth z up. It estimates no bias.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.fusion.gyro_only import STARTED, TS, Q, initial_state, start
from imu.fusion.quaternion import mul, normalise
from imu.fusion.rates import sample_period
from imu.kernels import kernel
from imu.packets import Floats

__all__ = ["Params", "initial_state", "row", "step"]

GAIN: Final = 1
COEFFICIENTS_SIZE: Final = 2


@dataclass(frozen=True, slots=True)
class Params:
    """What can be tuned."""

    gain: float = 0.033
    """1/s, the author's beta for gyroscope and accelerometer: the correction turns by up to 2·gain rad/s (3.8 °/s),
    however small the error is. Larger = a gyroscope bias and a wrong start vanish faster, acceleration disturbs more."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gain) and self.gain >= 0.0):
            raise ValueError(f"madgwick parameter gain is {self.gain}; give zero or a positive number")


def row(rate_hz: float, params: Params | None = None) -> Floats:
    """(COEFFICIENTS_SIZE,) for samples `1 / rate_hz` s apart in the sensor's own clock."""
    return np.array([sample_period(rate_hz), (params or Params()).gain])


@kernel
def step(
    s: Floats, c: Floats, wx: float, wy: float, wz: float, ax: float, ay: float, az: float, use_acc: bool
) -> None:
    """One sample of one sensor, in place.

    wx, wy, wz : rad/s, ax, ay, az : m/s² including gravity, sensor frame. `use_acc` False integrates the rate only; so
    does an acceleration of exactly zero. The first believed acceleration sets the inclination. Does not check for NaN.
    """
    qw, qx, qy, qz = s[Q], s[Q + 1], s[Q + 2], s[Q + 3]
    dw, dx, dy, dz = mul((qw, qx, qy, qz), (0.0, 0.5 * wx, 0.5 * wy, 0.5 * wz))  # eq. 12
    norm = math.sqrt(ax * ax + ay * ay + az * az)
    believed = use_acc and norm > 0.0
    if believed and s[STARTED] > 0.0:
        # eq. 25: gravity as this orientation would have it, minus gravity as measured
        fx = 2.0 * (qx * qz - qw * qy) - ax / norm
        fy = 2.0 * (qw * qx + qy * qz) - ay / norm
        fz = 2.0 * (0.5 - qx * qx - qy * qy) - az / norm
        # eq. 26, 34: its gradient
        gw = -2.0 * qy * fx + 2.0 * qx * fy
        gx = 2.0 * qz * fx + 2.0 * qw * fy - 4.0 * qx * fz
        gy = -2.0 * qw * fx + 2.0 * qz * fy - 4.0 * qy * fz
        gz = 2.0 * qx * fx + 2.0 * qy * fy
        size = math.sqrt(gw * gw + gx * gx + gy * gy + gz * gz)
        if size > 0.0:  # eq. 33
            f = c[GAIN] / size
            dw, dx, dy, dz = dw - f * gw, dx - f * gx, dy - f * gy, dz - f * gz
    ts = c[TS]
    q = normalise((qw + dw * ts, qx + dx * ts, qy + dy * ts, qz + dz * ts))  # eq. 13
    s[Q], s[Q + 1], s[Q + 2], s[Q + 3] = q
    if believed and s[STARTED] == 0.0:
        start(s, ax, ay, az)
