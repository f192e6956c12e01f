"""Mahony's explicit complementary filter, gyroscope and accelerometer: a baseline with a known name.

Written from R. Mahony, T. Hamel, J.-M. Pflimlin, "Nonlinear complementary filters on the special orthogonal group", IEEE
Transactions on Automatic Control 53(5), 2008, section V; q is q_earth_sensor with earth z up. Its integral is an estimate
of the gyroscope bias; about the vertical it learns nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.fusion.gyro_only import BIAS, STARTED, TS, Q, initial_state, start
from imu.fusion.quaternion import mul, normalise
from imu.fusion.rates import sample_period
from imu.kernels import kernel
from imu.packets import Floats

__all__ = ["Params", "initial_state", "row", "step"]

K_P, K_I = 1, 2
COEFFICIENTS_SIZE: Final = 3


@dataclass(frozen=True, slots=True)
class Params:
    """What can be tuned. The defaults are those that the BROAD benchmark found best (Laidig et al., Data 6(7), 2021).

    The often copied 1 and 0.3 wind the integral up in every longer motion: 87 °/min of heading drift on real recordings.
    """

    k_p: float = 0.74
    """1/s: the inclination follows the accelerometer with time constant 1/k_p. Larger = faster, motion disturbs more."""
    k_i: float = 0.0012
    """1/s²: how fast the gyroscope bias is learnt. Larger = faster; too large = the bias follows the motion."""

    def __post_init__(self) -> None:
        for name in ("k_p", "k_i"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise ValueError(f"mahony parameter {name} is {value}; give zero or a positive number")


def row(rate_hz: float, params: Params | None = None) -> Floats:
    """(COEFFICIENTS_SIZE,) for samples `1 / rate_hz` s apart in the sensor's own clock."""
    p = params or Params()
    return np.array([sample_period(rate_hz), p.k_p, p.k_i])


@kernel
def step(
    s: Floats, c: Floats, wx: float, wy: float, wz: float, ax: float, ay: float, az: float, use_acc: bool
) -> None:
    """One sample of one sensor, in place.

    wx, wy, wz : rad/s, ax, ay, az : m/s² including gravity, sensor frame. `use_acc` False integrates the rate (without
    the bias found so far) only; so does an acceleration of exactly zero. The first believed acceleration sets the
    inclination. Does not check for NaN.
    """
    qw, qx, qy, qz = s[Q], s[Q + 1], s[Q + 2], s[Q + 3]
    ts = c[TS]
    norm = math.sqrt(ax * ax + ay * ay + az * az)
    believed = use_acc and norm > 0.0
    ex = ey = ez = 0.0
    if believed and s[STARTED] > 0.0:
        # upwards in the sensor frame as this orientation would have it; eq. 32c: the turn from there to the measured one
        vx, vy = 2.0 * (qx * qz - qw * qy), 2.0 * (qw * qx + qy * qz)
        vz = qw * qw - qx * qx - qy * qy + qz * qz
        ux, uy, uz = ax / norm, ay / norm, az / norm
        ex, ey, ez = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        f = c[K_I] * ts  # eq. 32b
        s[BIAS] -= f * ex
        s[BIAS + 1] -= f * ey
        s[BIAS + 2] -= f * ez
    k = c[K_P]  # eq. 32a
    wx, wy, wz = wx - s[BIAS] + k * ex, wy - s[BIAS + 1] + k * ey, wz - s[BIAS + 2] + k * ez
    h = 0.5 * ts
    dw, dx, dy, dz = mul((qw, qx, qy, qz), (0.0, h * wx, h * wy, h * wz))
    q = normalise((qw + dw, qx + dx, qy + dy, qz + dz))
    s[Q], s[Q + 1], s[Q + 2], s[Q + 3] = q
    if believed and s[STARTED] == 0.0:
        start(s, ax, ay, az)
