"""How far each segment is tilted away from a stand that is known only by what its sensors showed there.

The gyroscope carries the stand's direction along; the accelerometer is believed only near the stand, where a constant error
of it is the same as it was in the stand. So such an error does not count, and drift of the gyroscope does not add up.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from imu.kernels import kernel
from imu.packets import Floats

NEAR_COS: Final = math.cos(math.radians(25.0))
"""Of the angle between what the accelerometer shows and what it showed in the stand."""
NEAR_TILT: Final = 0.6981
"""rad (40°), of the carried direction."""
STILL: Final = 0.2
"""rad/s."""
STILL_S: Final = 0.5
"""s, time constant with which the accelerometer is followed by who stands still ..."""
MOVING_S: Final = 1.5
"""s ... and otherwise."""
BACK_RATE: Final = 0.35
"""rad/s. After a hole the direction is known again at a stand that is as quiet as this."""


@kernel
def turn_back(v: Floats, w: Floats, h: float) -> None:
    """The direction v (3,) as the sensor sees it after it has turned by w (3,) rad/s for h s, in place (Rodrigues)."""
    norm = math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    if norm == 0.0:
        return
    c, s = math.cos(norm * h), -math.sin(norm * h) / norm
    d = (w[0] * v[0] + w[1] * v[1] + w[2] * v[2]) * (1.0 - c) / (norm * norm)
    x = v[0] * c + (w[1] * v[2] - w[2] * v[1]) * s + w[0] * d
    y = v[1] * c + (w[2] * v[0] - w[0] * v[2]) * s + w[1] * d
    z = v[2] * c + (w[0] * v[1] - w[1] * v[0]) * s + w[2] * d
    v[0], v[1], v[2] = x, y, z


@kernel
def tilt_of(v: Floats, stand: Floats) -> float:
    """Angle between v and stand, rad; NaN if one is."""
    x, y, z = v[1] * stand[2] - v[2] * stand[1], v[2] * stand[0] - v[0] * stand[2], v[0] * stand[1] - v[1] * stand[0]
    return math.atan2(math.sqrt(x * x + y * y + z * z), v[0] * stand[0] + v[1] * stand[1] + v[2] * stand[2])


@kernel
def stand_at(acc: Floats, at: int, half: int, stand: Floats) -> None:
    """Directions (S, 3) that the accelerometers show around frame `at`."""
    mask = acc.shape[0] - 1
    stand[:] = 0.0
    for j in range(stand.shape[0]):
        for k in range(at - half, at + half + 1):
            stand[j] += acc[k & mask, j]
        stand[j] /= math.sqrt(stand[j, 0] ** 2 + stand[j, 1] ** 2 + stand[j, 2] ** 2)


@kernel
def backwards(gyr: Floats, at: int, period_s: float, stand: Floats, tilt: Floats) -> None:
    """Tilts (n, S) of the frames that end with `at`, where the sensors showed stand (S, 3)."""
    mask, n = gyr.shape[0] - 1, tilt.shape[0]
    v = stand.copy()
    w = np.zeros(3)
    for j in range(stand.shape[0]):
        tilt[n - 1, j] = 0.0
        for i in range(1, n):
            a, b = gyr[(at - i) & mask, j], gyr[(at - i + 1) & mask, j]
            for x in range(3):
                w[x] = -0.5 * (a[x] + b[x])
            turn_back(v[j], w, period_s)
            tilt[n - 1 - i, j] = tilt_of(v[j], stand[j])


@kernel
def forwards(
    gyr: Floats, acc: Floats, first: int, period_s: float, stand: Floats, v: Floats, tilt: Floats
) -> None:
    """Tilts (n, S) of the frames from `first` on; v (S, 3) at the frame before, carried along in place."""
    mask = gyr.shape[0] - 1
    w = np.zeros(3)
    for i in range(tilt.shape[0]):
        for j in range(stand.shape[0]):
            a, b, f = gyr[(first + i - 1) & mask, j], gyr[(first + i) & mask, j], acc[(first + i) & mask, j]
            for x in range(3):
                w[x] = 0.5 * (a[x] + b[x])
            turn_back(v[j], w, period_s)
            rate = math.sqrt(b[0] * b[0] + b[1] * b[1] + b[2] * b[2])
            norm = math.sqrt(f[0] * f[0] + f[1] * f[1] + f[2] * f[2])
            near = f[0] * stand[j, 0] + f[1] * stand[j, 1] + f[2] * stand[j, 2] > NEAR_COS * norm and norm > 1.0
            tilt[i, j] = tilt_of(v[j], stand[j])
            if near and tilt[i, j] < NEAR_TILT:
                gain = period_s / (period_s + (STILL_S if rate < STILL else MOVING_S))
                v[j] += gain * (f / norm - v[j])
            elif near and tilt[i, j] != tilt[i, j] and rate < BACK_RATE:
                v[j] = f / norm
            else:
                continue
            v[j] /= math.sqrt(v[j, 0] ** 2 + v[j, 1] ** 2 + v[j, 2] ** 2)
