"""Where the body must be so as not to fall: above the pressure under its feet, smoothed as an inverted pendulum does."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from firmware_sim.person import Person
from imu.conventions import G

Floats = NDArray[np.float64]

MASS_HEIGHT: Final = 1.1
"""of the hip height: where the centre of mass of a standing person is (0.56 of body height; Winter 2009)."""


def over_the_feet(pressure: Floats, step_s: float, person: Person) -> Floats:
    """(n,) m of the centre of pressure -> (n,) m of the centre of mass.

    The one solution of x'' = (g / h) (x - pressure) that does not fall: each instant sees the pressure before and after
    it with weights that fade by e over sqrt(h / g), so that people shift their weight before they lift a foot, and the
    shorter they stand on it the less far they go over it.
    """
    height = MASS_HEIGHT * (person.thigh + person.shank + person.ankle_height)
    return smoothed(pressure, step_s, float(np.sqrt(height / G)))


def smoothed(values: Floats, step_s: float, over_s: float) -> Floats:
    """(n,) -> (n,), weights exp(-|t| / over_s) to both sides; the ends last for ever."""
    keep = float(np.exp(-step_s / over_s))
    pad = np.full(int(12.0 * over_s / step_s) + 1, values[0]), np.full(int(12.0 * over_s / step_s) + 1, values[-1])
    x = np.concatenate((pad[0], values, pad[1])) - values[0]
    before = lfilter([1.0 - keep], [1.0, -keep], x)
    after = lfilter([1.0 - keep], [1.0, -keep], x[::-1])[::-1]
    # an instant itself is in both sums
    both = (before + after - (1.0 - keep) * x) / (1.0 + keep)
    return both[len(pad[0]) : len(pad[0]) + len(values)] + values[0]
