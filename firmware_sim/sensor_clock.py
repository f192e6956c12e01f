"""A sensor's own clock: where it starts, how fast it goes, and how that wanders."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SKEW_PPM: Final = 40.0
"""Crystals of consumer sensors are within this."""
WANDER_PPM: Final = 0.1
"""Standard deviation of the change of rate from one node to the next: temperature."""
NODE_S: Final = 10.0
"""Device time between nodes of the rate."""
WRAP_US: Final = 1 << 32
"""A 32-bit counter of microseconds starts again after 71.6 min."""


class SensorClock:
    """Device time against true time; both in s since the sensor was switched on, which is true time `on_s`.

    Device time D and true time T obey T = on_s + integral of (1 + e(D)) dD with e linear between nodes: true time of a
    device time is closed form, the other direction two corrections (e is below 1e-4).

    Parameters
    ----------
    seed : tuple of int
    on_s : float
        True time, s, at which device time is 0.
    perfect : bool
        No skew, no wander, ticks start at 0.
    """

    def __init__(self, seed: tuple[int, ...], on_s: float = 0.0, *, perfect: bool = False) -> None:
        self.on_s = on_s
        self._rng = np.random.default_rng(seed)
        self.first_tick_us = 0 if perfect else int(self._rng.integers(0, WRAP_US))
        self._step = 0.0 if perfect else WANDER_PPM * 1e-6
        skew = 0.0 if perfect else float(self._rng.uniform(-SKEW_PPM, SKEW_PPM)) * 1e-6
        self._error = np.array([skew])
        self._late = np.array([0.0])

    def true_time(self, device_s: Floats) -> Floats:
        """(n,) s of device time >= 0 -> (n,) s of true time."""
        i = np.floor(device_s / NODE_S).astype(np.int64)
        while len(i) and int(i.max()) + 1 >= len(self._error):
            self._extend()
        x = device_s - i * NODE_S
        e = self._error[i]
        slope = (self._error[i + 1] - e) / NODE_S
        return self.on_s + device_s + self._late[i] + x * (e + 0.5 * slope * x)

    def device_time(self, true_s: float) -> float:
        """s of true time, not before `on_s`, -> s of device time."""
        aim = max(true_s - self.on_s, 0.0)
        device = aim
        for _ in range(3):
            device = max(device + aim - (self._true_time_of_one(device) - self.on_s), 0.0)
        return device

    def _true_time_of_one(self, device_s: float) -> float:
        """As `true_time`; asked for every packet, and without arrays several times faster."""
        i = int(device_s / NODE_S)
        while i + 1 >= len(self._error):
            self._extend()
        x = device_s - i * NODE_S
        e = float(self._error[i])
        slope = (float(self._error[i + 1]) - e) / NODE_S
        return self.on_s + device_s + float(self._late[i]) + x * (e + 0.5 * slope * x)

    def _extend(self) -> None:
        """As many nodes again, each drawn in its turn: the same however far one asks at a time."""
        steps = self._rng.normal(0.0, 1.0, 64) * self._step
        error = np.concatenate((self._error, self._error[-1] + np.cumsum(steps)))
        self._late = np.concatenate(([0.0], np.cumsum(0.5 * NODE_S * (error[1:] + error[:-1]))))
        self._error = error
