"""Several sources of one heading into one, with a 1σ that averaging cannot make smaller."""

from __future__ import annotations

import numpy as np

from imu.packets import Floats


def fuse(heading: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """(..., k) rad and rad² of k sources -> (...,) heading, 1σ, both rad.

    Weights 1 / V²; variance = weighted mean of V: the sources share the sensors, the start and their errors, so the
    result is never surer than the best of them.
    """
    weight = 1.0 / variance**2
    weight /= weight.sum(axis=-1, keepdims=True)
    mean = np.sum(weight * np.exp(1j * heading), axis=-1)
    return np.angle(mean), np.sqrt(np.sum(weight * variance, axis=-1))
