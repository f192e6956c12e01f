"""Our filters by name, as functions of a whole recording."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imu.fusion import OrientationFilter, gyro_only, madgwick, mahony, orientation
from imu.fusion.smoother import smooth
from imu.packets import Floats

Method = Callable[[Floats, Floats, float], Floats]
"""gyr (n, 3) rad/s, acc (n, 3) m/s², rate in Hz -> (n, 4) q_earth_sensor."""

BASELINES = {"madgwick": madgwick, "mahony": mahony, "gyro_only": gyro_only}


def ours(name: str) -> Method:
    """`vqf`, `madgwick`, `mahony` or `gyro_only`, with default parameters."""
    if name == "vqf":
        return orientation
    module = BASELINES[name]

    def filtered(gyr: Floats, acc: Floats, rate_hz: float) -> Floats:
        out = np.empty((len(gyr), 4))
        module.run(module.initial_state()[0], module.row(rate_hz), gyr, acc, np.zeros(len(gyr), np.uint8), out)
        return out

    return filtered


def update_into(filter_: OrientationFilter, gyr: Floats, acc: Floats, out: Floats) -> None:
    filter_.update(gyr, acc)


def smoothed(gyr: Floats, acc: Floats, rate_hz: float) -> Floats:
    """The offline smoother: looks ahead."""
    return smooth(gyr, acc, rate_hz).q
