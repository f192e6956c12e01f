"""Two rods that share a joint, moved about: what perfect or noisy sensors on them measure, and how they truly lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from imu.conventions import G

Array = NDArray[np.float64]
FINE = 10
"""Steps of differentiation per sample."""


@dataclass(frozen=True, slots=True, eq=False)
class Rods:
    gyr_1: Array
    acc_1: Array
    gyr_2: Array
    acc_2: Array
    q_1_2: Array
    rate_hz: float

    @property
    def arrays(self) -> tuple[Array, Array, Array, Array]:
        return self.gyr_1, self.acc_1, self.gyr_2, self.acc_2


def _waves(rng: np.random.Generator, t: Array, hz: tuple[float, float], size: float) -> Array:
    """(n, 3) smooth noise."""
    f = rng.uniform(*hz, (6, 3))
    phase = rng.uniform(0, 2 * np.pi, (6, 3))
    return size / np.sqrt(3.0) * np.sin(2 * np.pi * f * t[:, None, None] + phase).sum(axis=1)


def rods(seed: int, seconds: float = 40.0, rate_hz: float = 100.0, noise: float = 1.0, bend: float = 0.5) -> Rods:
    """A free (spherical) joint whose centre is shaken in all directions; `noise` 0 = perfect sensors."""
    rng = np.random.default_rng(seed)
    dt = 1.0 / (rate_hz * FINE)
    t = np.arange(-2, round(seconds * rate_hz) * FINE + 2) * dt
    centre = _waves(rng, t, (0.8, 2.5), 0.05)
    first = Rotation.from_rotvec(_waves(rng, t, (0.2, 1.0), bend))
    second = first * Rotation.from_rotvec(_waves(rng, t, (0.2, 1.0), bend)) * Rotation.from_rotvec([0.3, -0.5, 1.0])
    middle = np.arange(2, len(t) - 2, FINE)
    measured = []
    for turn, arm in ((first, [0.05, 0.2, 0.02]), (second, [-0.03, -0.18, 0.04])):
        place = centre + turn.apply(arm)
        acc = (place[middle + 1] - 2 * place[middle] + place[middle - 1]) / dt**2 + [0.0, 0.0, G]
        gyr = (turn[middle - 1].inv() * turn[middle + 1]).as_rotvec() / (2 * dt)
        measured.append(gyr + noise * rng.normal(0, 0.003, gyr.shape))
        measured.append(turn[middle].inv().apply(acc) + noise * rng.normal(0, 0.03, acc.shape))
    q = (first[middle].inv() * second[middle]).as_quat(scalar_first=True)
    return Rods(*measured, q, rate_hz)
