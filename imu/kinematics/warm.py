"""Compile the kernels of this room with the types that they get in a session."""

from __future__ import annotations

import numpy as np

from imu.config import SensorSetup, Setup
from imu.conventions import G
from imu.fusion.grid import GridBlock
from imu.kinematics.body import Body


def warm_up() -> None:
    """Load the compiled kernels from the cache, or compile them (cold about 10 s)."""
    body = Body(Setup((SensorSetup("warm-up", "thigh_left", 100.0, "samples"),)))
    m = 250
    q, gyr, acc = np.zeros((m, 1, 4)), np.zeros((m, 1, 3)), np.zeros((m, 1, 3))
    q[..., 0], acc[..., 2] = 1.0, G
    body.push(GridBlock(np.arange(m, dtype=np.int64) * 10_000, q, gyr, acc, np.zeros((m, 1), np.uint16)))
