"""The kernels of `imu.kinematics.calibration` once more, in plain numpy and scipy, written from their description."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


def relative_moments(
    q_1: Array, q_2: Array, gyr_1: Array, gyr_2: Array, a: Array, b: Array, delta: float, dt: float
) -> Array:  # fmt: skip
    """(3,) second moments aa, ab, bb of the rate of sensor 2 against sensor 1, in the plane a, b of sensor 1."""
    r_1, r_2 = (Rotation.from_quat(q, scalar_first=True) for q in (q_1, q_2))
    rate = (r_1.inv() * Rotation.from_euler("z", delta) * r_2).apply(gyr_2) - gyr_1
    gain = 1.0 - np.exp(-2 * np.pi * 6.0 * dt)
    low = np.stack([rate @ a, rate @ b], axis=1)
    for _ in range(2):
        low = lfilter([gain], [1.0, gain - 1.0], low, axis=0)
    low = low[np.linalg.norm(gyr_1, axis=1) + np.linalg.norm(gyr_2, axis=1) > 0.5]
    return np.array([low[:, 0] @ low[:, 0], low[:, 0] @ low[:, 1], low[:, 1] @ low[:, 1]]) * dt


def height_gained(q: Array, acc: Array, dt: float) -> float:
    """m, between two rests: acceleration integrated twice, with the velocity zero at both ends."""
    up = Rotation.from_quat(q, scalar_first=True).apply(acc)[:, 2] - 9.80665
    velocity = np.cumsum(up) * dt
    return float(np.sum(velocity) * dt - 0.5 * velocity[-1] * len(up) * dt)


def sinking(q: list[Array], acc: list[Array], bent: Array, dt: float) -> float:
    """m per unit of cos(bent) by which the sensors sink together."""
    up = np.mean([Rotation.from_quat(p, scalar_first=True).apply(a)[:, 2] for p, a in zip(q, acc, strict=True)], axis=0)
    cosine = np.cos(bent)
    both = np.sum((up - 9.80665) * (cosine - cosine.mean())) * dt
    return float(-both / (np.sum(np.diff(cosine) ** 2) / dt))
