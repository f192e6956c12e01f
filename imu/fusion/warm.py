"""Compile the kernels of this room and of the clock with the types that they get in a session."""

from __future__ import annotations

import numpy as np

from imu.config import FILTERS, SensorSetup
from imu.conventions import G
from imu.fusion.acc_offset import estimate_acc_offset
from imu.fusion.batch import OrientationFilter, orientation
from imu.fusion.channel import SensorChannel
from imu.fusion.grid import Grid
from imu.fusion.smoother import smooth
from imu.packets import ClockMark, Packet


def warm_up() -> None:
    """Load the compiled kernels from the cache, or compile them (cold about 30 s)."""
    n = 30
    gyr, acc = np.zeros((n, 3)), np.tile([0.0, 0.0, G], (n, 1))
    t_us = np.arange(n, dtype=np.int64) * 10_000
    lost = np.zeros(n, np.int32)
    lost[5] = 1
    marks = tuple(ClockMark(k, int(t_us[k]), int(t_us[k]) * 1000 + 5_000_000, sent=k > 10) for k in range(0, n, 5))
    setup = SensorSetup("warm-up", "pelvis", 100.0, "samples")
    channel, grid = SensorChannel(setup, 0), Grid(1, 100.0, 200_000)
    grid.push(0, channel.push(Packet("warm-up", 0, 0, t_us, lost, gyr, acc, np.zeros(n, np.uint8), marks)), 300_000)
    grid.take()
    grid.finish()
    two = np.stack([gyr, gyr]), np.stack([acc, acc])
    for method in FILTERS:
        orientation(gyr, acc, t_us=t_us, method=method)
        OrientationFilter(100.0, method=method).update(gyr, acc)
        OrientationFilter(100.0, 2, method=method).update(*two)
    smooth(gyr, acc, 20.0, use_acc=lost == 0)  # slow: long enough to look for the scale
    estimate_acc_offset(gyr, acc, 100.0)
