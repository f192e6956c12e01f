"""Kernel behind `gyro_scale`: one sensor's samples, summed over nodes in the frame in which its rates are integrated."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.conventions import G
from imu.fusion.quaternion import rotate, turned
from imu.kernels import kernel
from imu.packets import Floats

# Columns of a node; a name with _2 is integrated once more. For each of the two horizontal directions x, y:
TURN, TURN_2 = 0, 6
"""(2, 3) rad per rad/s, rad s per rad/s: tilt of the integrated frame from one unit of rate about each axis."""
WARP, WARP_2 = 12, 30
"""(2, 9): the same from a matrix, row by row, that is multiplied with the measured rates."""
GIVEN, GIVEN_2 = 48, 50
"""(2,) the same from the bias that was taken off."""
FORCE: Final = 52
"""(2,) m/s, integral of the acceleration."""
LATE: Final = 54
"""(2,) m/s per s, the same for gravity seen so much later than the rates."""
ARM: Final = 56
"""(2, 3) m/s per m, velocity at the node's end of a sensor so far from where everything turns."""
UNSEEN: Final = 62
"""Rows whose acceleration is not believed."""
SIZE: Final = 63


@kernel
def sum_nodes(
    gyr: Floats, acc: Floats, use: NDArray[np.bool_], bias: Floats, scale: Floats, start: Floats, ts: float, rows: int,
    out: Floats,
) -> None:  # fmt: skip
    """Nodes of `rows` rows each into out (m, SIZE); the first is only ARM at row 0, the next begins with row 1.

    gyr rad/s, acc m/s², bias rad/s: (n, 3), n > rows · (m - 1); use (n,); scale (3,): rates are gyr · (1 - scale) - bias;
    start (4,): q_earth_sensor at row 0; ts in s. What is horizontal is so in the earth of row 0.
    """
    out[:] = 0.0
    q = (start[0], start[1], start[2], start[3])
    for k in range(rows * (out.shape[0] - 1) + 1):
        node = out[(k + rows - 1) // rows]
        w = (
            gyr[k, 0] * (1.0 - scale[0]) - bias[k, 0],
            gyr[k, 1] * (1.0 - scale[1]) - bias[k, 1],
            gyr[k, 2] * (1.0 - scale[2]) - bias[k, 2],
        )
        if k > 0:
            q = turned(q, w[0], w[1], w[2], ts)
        x, y, z = rotate(q, (1.0, 0.0, 0.0)), rotate(q, (0.0, 1.0, 0.0)), rotate(q, (0.0, 0.0, 1.0))
        if k % rows == 0:
            for i in range(2):
                node[ARM + 3 * i] = w[2] * y[i] - w[1] * z[i]
                node[ARM + 3 * i + 1] = w[0] * z[i] - w[2] * x[i]
                node[ARM + 3 * i + 2] = w[1] * x[i] - w[0] * y[i]
        if k == 0:
            continue
        for i in range(2):
            # turned by +1 about earth's x, the frame shows gravity to its -y: tilt x is minus the turn about y
            sign, other = (-1.0, 1) if i == 0 else (1.0, 0)
            for j in range(3):
                r = sign * (x[other] if j == 0 else y[other] if j == 1 else z[other]) * ts
                node[TURN + 3 * i + j] += r
                node[GIVEN + i] += r * bias[k, j]
                node[LATE + i] -= G * r * w[j]
                for c in range(3):
                    node[WARP + 9 * i + 3 * j + c] += r * gyr[k, c]
            if use[k]:
                node[FORCE + i] += (x[i] * acc[k, 0] + y[i] * acc[k, 1] + z[i] * acc[k, 2]) * ts
        for i in range(6):
            node[TURN_2 + i] += node[TURN + i] * ts
        for i in range(18):
            node[WARP_2 + i] += node[WARP + i] * ts
        for i in range(2):
            node[GIVEN_2 + i] += node[GIVEN + i] * ts
        if not use[k]:
            node[UNSEEN] += 1.0
