"""What a quiet run says about the sensors: where up is, and whether they measure gravity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.conventions import G
from imu.kinematics.layout import SHANK, THIGH, Records
from imu.packets import Floats

ACC_TOLERANCE: Final = 0.5
"""m/s². Sensors with a bias of 5 m/s² exist; 0.5 is 3° of tilt in the worst direction."""
ACC_SPREAD: Final = 0.4
"""m/s², standard deviation of the acceleration's norm in a stand."""


@dataclass(frozen=True, slots=True, eq=False)
class QuietRun:
    """Means over the frames of one quiet run; S sensors in the order of the setup."""

    names: tuple[str, ...]
    up: tuple[Floats, ...]
    """S x (3,) direction of up in the sensor's frame; zeros = no data."""
    acc: Floats
    """(S,) m/s², mean norm of the acceleration; NaN = no data."""
    spread: Floats
    """(S,) m/s², its standard deviation."""
    fits: list[bool]
    """(S,) which sensors measure gravity; none at all if no leg's does although one is worn."""

    @property
    def steady(self) -> bool:
        return not bool(np.any(self.spread > ACC_SPREAD))

    @property
    def bad(self) -> tuple[str, ...]:
        """Segments whose sensor does not measure gravity."""
        return tuple(name for name, x in zip(self.names, self.acc, strict=True) if abs(x - G) > ACC_TOLERANCE)

    @property
    def complaint(self) -> str:
        """Which sensors are bad and what to do, for who set them up; empty = all are good."""
        return "; ".join(
            f"the sensor on {name} measures {x:.1f} m/s² at rest instead of 9.8: replace it or calibrate it"
            for name, x in zip(self.names, self.acc, strict=True)
            if name in self.bad
        )

    @property
    def for_the_person(self) -> str:
        """The same for who wears them."""
        if not self.bad:
            return ""
        part, _, side = self.bad[0].partition("_")
        place = f"{side} {part}".strip().replace("shank", "shin")
        return f"Please ask for help: the sensor on the {place} does not measure correctly"


def quiet_run(names: list[str], sensors: Records) -> QuietRun:
    """From the sums that the kernels have kept."""
    ups: list[Floats] = []
    acc, spread = np.full((2, len(names)), np.nan)
    for j, s in enumerate(sensors):
        n = int(s["run_n"])
        up = np.zeros(3)
        if n > 0:
            acc[j] = float(s["run_acc"]) / n
            spread[j] = math.sqrt(max(0.0, float(s["run_acc2"]) / n - acc[j] ** 2))
            up = np.array(s["run_turn"][6:9])
            up /= math.sqrt(float(up @ up))
        ups.append(up)
    fits = [bool(abs(x - G) <= ACC_TOLERANCE) for x in acc]
    legs = [j for j, s in enumerate(sensors) if s["part"] in (THIGH, SHANK)]
    if legs and not any(fits[j] for j in legs):
        fits = [False] * len(fits)
    return QuietRun(tuple(names), tuple(ups), acc, spread, fits)
