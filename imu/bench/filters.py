"""Our filters by name, as functions of a whole recording."""

from __future__ import annotations

from collections.abc import Callable

from imu.fusion import orientation
from imu.fusion.smoother import smooth
from imu.packets import Floats

Method = Callable[[Floats, Floats, float], Floats]
"""gyr (n, 3) rad/s, acc (n, 3) m/s², rate in Hz -> (n, 4) q_earth_sensor."""

BASELINES = ("madgwick", "mahony", "gyro_only")


def ours(method: str) -> Method:
    """`vqf` or a baseline, with default parameters."""
    return lambda gyr, acc, rate_hz: orientation(gyr, acc, rate_hz, method=method)


def smoothed(gyr: Floats, acc: Floats, rate_hz: float) -> Floats:
    """The offline smoother: looks ahead."""
    return smooth(gyr, acc, rate_hz).q
