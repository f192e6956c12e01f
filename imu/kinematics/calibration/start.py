"""The stand as the sums begin from it."""

from __future__ import annotations

import numpy as np

from imu.kinematics.calibration.axes import directions_square_to
from imu.kinematics.calibration.quiet import QuietRun
from imu.kinematics.layout import Records


def take_stand(sensors: Records, quiet: QuietRun) -> None:
    """Directions of up and headings of a quiet run; those that were in the calibrated stand keep up and get the heading."""
    for s, up, ok in zip(sensors, quiet.up, quiet.fits, strict=True):
        s["used"] = int(ok)
        s["height"] = 0.0
        if ok and not s["stood"]:
            s["up"] = up
            s["a"], s["b"] = directions_square_to(up)
        if (ok or s["done"]) and s["run_n"] > 0:
            s["turn"], s["turned"] = np.array(s["run_turn"]) / int(s["run_n"]), 0
