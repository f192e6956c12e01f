"""Keeps sums over the rate of one segment against its neighbour, whose heading is known only at the end.

With R1, R2 the rotations of the two sensors to their own earth frames and delta the heading of the second frame in the
first, the rate of the distal segment against the proximal one, in the proximal sensor's frame, is

    w = R1ᵀ Rz(delta) R2 w2 - w1 = A cos(delta) + B sin(delta) + C

so the second moments of A, B, C along two directions give those of w for any delta afterwards.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion.quaternion import rotate
from imu.kernels import kernel
from imu.kinematics.calibration.layout import BLOCKS, MOMENTS
from imu.kinematics.layout import Record, Records
from imu.packets import Floats, Quality

MOVES: Final = 0.5
"""rad/s of both sensors together; below it is sway. 0.25 to 2 gave the same axis of a real knee."""
RATE_CORNER_HZ: Final = 6.0
"""Soft tissue swings above it: frontal axis error of a real knee 8.4° without, 4.8° with it."""
LEVEL: Final = math.radians(55.0)
"""A thigh tilted by more is that of who sits."""
SWING: Final = math.radians(25.0)
"""of the shank out and back, of who sits."""

_NOT_TO_LEARN_FROM: Final = int(Quality.SATURATED_GYR | Quality.GAP)


@kernel
def forget_joints(joints: Records, relative: Floats) -> None:
    """Begin a new movement."""
    for j in range(len(joints)):
        k = joints[j]
        k["turning"] = 0.0
        k["out"] = 0
        k["swings"] = 0
    relative[:] = 0.0


@kernel
def swing(k: Record, level: bool, tilt: float) -> None:
    """Count swings of a shank out and back, from turning point to turning point, while its thigh is level."""
    if not level:
        k["out"] = 0
        k["turning"] = tilt
    elif k["out"] == 0:
        k["turning"] = min(k["turning"], tilt)
        if tilt > k["turning"] + SWING:
            k["out"] = 1
            k["turning"] = tilt
    else:
        k["turning"] = max(k["turning"], tilt)
        if tilt < k["turning"] - SWING:
            k["out"] = 0
            k["turning"] = tilt
            k["swings"] += 1


@kernel
def relate(
    row: int, q: Floats, gyr: Floats, flags: NDArray[np.uint16], dt: float, block: int, sensors: Records, joints: Records,
    relative: Floats,
) -> None:  # fmt: skip
    """Add one frame; `sensors` holds the tilts of this frame."""
    gain = 1.0 - math.exp(-2.0 * math.pi * RATE_CORNER_HZ * dt)
    for j in range(len(joints)):
        k = joints[j]
        one, two = k["proximal"], k["distal"]
        p, d = sensors[one], sensors[two]
        if p["used"] + p["done"] == 0 or d["used"] + d["done"] == 0 or p["settled"] == 0 or d["settled"] == 0:
            continue
        if k["knee"] == 1:
            swing(k, bool(p["tilt"] > LEVEL), float(d["tilt"]))
        q1 = (q[row, one, 0], q[row, one, 1], q[row, one, 2], q[row, one, 3])
        q2 = (q[row, two, 0], q[row, two, 1], q[row, two, 2], q[row, two, 3])
        wx, wy, wz = gyr[row, one, 0], gyr[row, one, 1], gyr[row, one, 2]
        vx, vy, vz = gyr[row, two, 0], gyr[row, two, 1], gyr[row, two, 2]
        ex, ey, ez = rotate(q2, (vx, vy, vz))
        a, b, low = p["a"], p["b"], k["low"]
        ax, ay, az = rotate(q1, (a[0], a[1], a[2]))
        bx, by, bz = rotate(q1, (b[0], b[1], b[2]))
        values = (
            ax * ex + ay * ey, bx * ex + by * ey,
            ay * ex - ax * ey, by * ex - bx * ey,
            az * ez - (a[0] * wx + a[1] * wy + a[2] * wz), bz * ez - (b[0] * wx + b[1] * wy + b[2] * wz),
        )  # fmt: skip
        for x in range(6):
            low[x] += gain * (values[x] - low[x])
            low[6 + x] += gain * (low[x] - low[6 + x])
        moves = math.sqrt(wx * wx + wy * wy + wz * wz) + math.sqrt(vx * vx + vy * vy + vz * vz) > MOVES
        if not moves or ((flags[row, one] | flags[row, two]) & _NOT_TO_LEARN_FROM) != 0:
            continue
        n = 0
        for x in range(6):
            for y in range(x, 6):
                relative[j, block, n] += low[6 + x] * low[6 + y] * dt
                n += 1


@kernel
def halve(sums: Floats) -> None:
    """(N, BLOCKS, M): each two blocks become one, the second half becomes empty."""
    for j in range(sums.shape[0]):
        for block in range(BLOCKS // 2):
            for x in range(sums.shape[2]):
                sums[j, block, x] = sums[j, 2 * block, x] + sums[j, 2 * block + 1, x]
        for block in range(BLOCKS // 2, BLOCKS):
            for x in range(sums.shape[2]):
                sums[j, block, x] = 0.0


def moments_at(sums: Floats, delta: float) -> Floats:
    """(..., MOMENTS) -> (..., 3) second moments aa, ab, bb of the relative rate at this heading."""
    full = np.zeros((*sums.shape[:-1], 6, 6))
    rows, columns = np.triu_indices(6)
    assert len(rows) == MOMENTS
    full[..., rows, columns] = full[..., columns, rows] = sums
    c, s = math.cos(delta), math.sin(delta)
    along = np.array([[c, 0.0, s, 0.0, 1.0, 0.0], [0.0, c, 0.0, s, 0.0, 1.0]])
    square = along @ full @ along.T
    return np.stack([square[..., 0, 0], square[..., 0, 1], square[..., 1, 1]], axis=-1)
