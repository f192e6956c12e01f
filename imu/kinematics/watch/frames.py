"""One sensor in one frame: tilt, lean, rate in its segment's frame, vertical acceleration. Gravity and rates only."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.conventions import G
from imu.fusion.quaternion import conj, mul, rotate
from imu.kernels import kernel
from imu.kinematics.layout import Record
from imu.packets import UNKNOWN, Floats, Quality

RATE_CORNER_HZ: Final = 6.0
"""Soft tissue swings above it."""
RISE_HZ: Final = (0.3, 2.5)
"""Below, an accelerometer's error of 0.05 m/s² is more than what a leg does; above, flesh swings after a foot strike."""
CALM_S: Final = 0.1
BUSY_S: Final = 0.15
"""In a stride the thigh is busy a tenth of a second before its shank: smoothed, 0 of 54 blocks of 2 s of simulated walking
tell the wrong pair, without it 25 %."""

_UNKNOWN, _SETTLING = int(UNKNOWN), int(Quality.SETTLING)
_NOT_TO_LEARN_FROM: Final = int(Quality.SATURATED_GYR | Quality.SATURATED_ACC | Quality.GAP)


@kernel
def read(
    row: int, j: int, q: Floats, gyr: Floats, acc: Floats, flags: NDArray[np.uint16], dt: float, s: Record
) -> None:  # fmt: skip
    """Frame `row` of sensor `j` into its record `layout.LIMB`; q, gyr, acc, flags as in `GridBlock`."""
    bits = int(flags[row, j])
    if (bits & _SETTLING) != 0:
        s["restarted"] = 1
        s["restarts"] += 1 if s["settling"] == 0 else 0
    s["settling"] = 1 if (bits & _SETTLING) != 0 else 0
    if s["known"] == 0 or (bits & _UNKNOWN) != 0 or q[row, j, 0] != q[row, j, 0]:
        s["fine"] = 0
        s["clean"] = 0
        return
    fresh = s["fine"] == 0
    s["fine"] = 1
    s["clean"] = 0 if (bits & _NOT_TO_LEARN_FROM) != 0 else 1
    q_turned = mul((q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3]), (s["q"][0], s["q"][1], s["q"][2], s["q"][3]))
    ux, uy, uz = rotate(conj(q_turned), (0.0, 0.0, 1.0))
    s["up"][0], s["up"][1], s["up"][2] = ux, uy, uz
    s["tilt"] = math.atan2(math.sqrt(ux * ux + uz * uz), uy)
    s["sagittal"] = math.atan2(ux, uy)
    s["lean"] = -math.asin(min(1.0, max(-1.0, uz)))
    zx, zy, _ = rotate(q_turned, (0.0, 0.0, 1.0))
    level = math.sqrt(zx * zx + zy * zy)
    s["face"][0], s["face"][1] = (zx / level, zy / level) if level > 0.0 else (1.0, 0.0)
    w = rotate(conj((s["q"][0], s["q"][1], s["q"][2], s["q"][3])), (gyr[row, j, 0], gyr[row, j, 1], gyr[row, j, 2]))
    _, _, vertical = rotate(
        (q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3]), (acc[row, j, 0], acc[row, j, 1], acc[row, j, 2])
    )
    gain = 1.0 - math.exp(-2.0 * math.pi * RATE_CORNER_HZ * dt)
    calm = dt / (CALM_S + dt)
    for x in range(3):
        s["rate"][x] = w[x]
        if fresh:
            s["low"][x] = w[x]
            s["lower"][x] = w[x]
            s["calm"][x] = w[x]
            s["busy"] = 0.0
        s["low"][x] += gain * (w[x] - s["low"][x])
        s["lower"][x] += gain * (s["low"][x] - s["lower"][x])
        s["calm"][x] += calm * (w[x] - s["calm"][x])
    # the root, so that large motions do not drown small ones
    speed = math.sqrt(s["lower"][0] ** 2 + s["lower"][1] ** 2 + s["lower"][2] ** 2)
    s["busy"] += dt / (BUSY_S + dt) * (math.sqrt(speed) - s["busy"])
    if fresh:
        s["rise"][0], s["rise"][1], s["slow_rise"] = 0.0, 0.0, vertical - G
    slow, fast = 1.0 - math.exp(-2.0 * math.pi * RISE_HZ[0] * dt), 1.0 - math.exp(-2.0 * math.pi * RISE_HZ[1] * dt)
    s["slow_rise"] += slow * (vertical - G - s["slow_rise"])
    s["rise"][0] += fast * (vertical - G - s["slow_rise"] - s["rise"][0])
    s["rise"][1] += fast * (s["rise"][0] - s["rise"][1])
    s["turned"] += abs(ux * w[0] + uy * w[1] + uz * w[2]) * dt
