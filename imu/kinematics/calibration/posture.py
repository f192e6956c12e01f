"""What the directions of up in a movement say: which movement it was, and whether the stand before it was one."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from imu.kinematics.calibration.layout import Sums
from imu.kinematics.layout import THIGH, Record
from imu.packets import Floats

STRAIGHTER: Final = math.radians(15.0)
"""A knee that goes so far beyond the stand's was bent in the stand: knees stretch by up to 10° more than when relaxed."""
MOVED: Final = math.radians(20.0)
TOGETHER, IN_TURN = 0.6, 0.35
"""Share of the time with a thigh away from the stand in which the other one is, too: squats have more, marching less."""
LEAST_BEND: Final = math.radians(20.0)
LEAST_RATE2: Final = 0.1
"""1/s, of a cosine's rate squared and summed: two slow half squats have 0.1, getting up from a chair 0.5, marching (one
thigh at a time) 0.001."""
RISES_M: Final = 0.15
"""m. Who squats or sits down sinks by 0.4 to 0.8 per unit of the cosine of the thighs' tilt."""
SAT_DOWN_M: Final = -0.08
"""m. Thighs and pelvis go down by 0.2 to 0.4 when a person sits down."""


def sagittal(sums: Sums, j: int, z: Floats) -> Floats:
    """(n,) rad, tilt of sensor j about its flexion axis z in the movement; + as in the frame x, y, z. NaN = unknown."""
    s: Record = sums.sensors[j]
    up = sums.history[j, : int(sums.search[0]["history"])]
    x = np.cross(np.array(s["up"]), z)
    forward = up[:, 0] * float(s["a"] @ x) + up[:, 1] * float(s["b"] @ x)
    return np.arctan2(forward, up[:, 2])


def knee_flexion(sums: Sums, thigh: int, z_thigh: Floats, shank: int, z_shank: Floats) -> Floats:
    """(n,) rad of what is known, relative to the stand."""
    bend = sagittal(sums, thigh, z_thigh) - sagittal(sums, shank, z_shank)
    return bend[np.isfinite(bend)]


def one_sided(bend: Floats) -> float:
    """-1..1: 1 = it bent only to the positive side; 0 = unknown. A knee bends only backward."""
    if len(bend) == 0:
        return 0.0
    low, high = np.percentile(bend, (1.0, 99.0))
    return float((high + low) / (high - low)) if high - low > LEAST_BEND else 0.0


def bent_in_stand(bend: Floats) -> float:
    """rad by which the knee was bent in the stand; 0 = it was straight."""
    if len(bend) == 0:
        return 0.0
    low = float(np.percentile(bend, 2.0))
    return -low if low < -STRAIGHTER else 0.0


def sinking(sums: Sums, dt: float) -> float:
    """m by which thighs and pelvis sink per unit of the thighs' cosine of tilt: + = squatting; 0 = unknown."""
    g = sums.search[0]
    seconds, rate2 = int(g["bend_n"]) * dt, float(g["bend_rate2"])
    if rate2 < LEAST_RATE2:
        return 0.0
    return -(float(g["bend_both"]) - float(g["bend_acc"]) * float(g["bend_cos"]) / seconds) / rate2


def kind_of(sums: Sums) -> str:
    """The name of the movement."""
    if len(sums.joints) and int(sums.joints["swings"].max()) > 0:
        return "seated knee extensions"
    thighs = [j for j, s in enumerate(sums.sensors) if s["part"] == THIGH and s["used"] + s["done"]]
    n = int(sums.search[0]["history"])
    if len(thighs) < 2 or n == 0:
        return "movement"
    away = sums.history[thighs, :n, 2] < math.cos(MOVED)  # NaN counts as standing
    somewhere = int(away.any(axis=0).sum())
    if somewhere == 0:
        return "movement"
    together = int(away.all(axis=0).sum()) / somewhere
    return "squats" if together > TOGETHER else "march" if together < IN_TURN else "movement"


def sat_down(sums: Sums) -> bool:
    """The person is lower than in the stand. Unknown heights (long ways, silent sensors) count as not."""
    heights = np.array([s["height"] for s in sums.sensors if s["used"] and s["part"] <= THIGH])
    heights = heights[np.isfinite(heights)]
    return len(heights) > 0 and float(np.mean(heights)) < SAT_DOWN_M
