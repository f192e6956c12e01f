"""Compile the kernels of this room with the types that they get in a session."""

from __future__ import annotations

import numpy as np

from imu.config import SensorSetup, Setup
from imu.conventions import G
from imu.fusion.grid import GridBlock
from imu.kinematics.body import Body
from imu.kinematics.heading import relative_orientation


def warm_up() -> None:
    """Load the compiled kernels from the cache, or compile them (cold about 10 s), by a small calibration."""
    body = Body(Setup((SensorSetup("warm-up", "thigh_left", 100.0, "samples"),)))
    t = np.arange(900) / 100.0
    lift = 0.6 * np.where((t > 3.0) & (t < 7.0), np.sin(0.5 * np.pi * (t - 3.0)) ** 2, 0.0)  # up and down twice
    m = len(t)
    q, gyr, acc = np.zeros((m, 1, 4)), np.zeros((m, 1, 3)), np.zeros((m, 1, 3))
    q[:, 0, 0], q[:, 0, 1] = np.cos(0.5 * lift), np.sin(0.5 * lift)
    gyr[:, 0, 0] = np.gradient(lift, t)
    acc[:, 0, 1], acc[:, 0, 2] = G * np.sin(lift), G * np.cos(lift)
    body.push(GridBlock((1e6 * t).astype(np.int64), q, gyr, acc, np.zeros((m, 1), np.uint16)))
    assert body.stage == "ready"
    relative_orientation(gyr[:60, 0], acc[:60, 0], gyr[:60, 0], acc[:60, 0], 100.0)
