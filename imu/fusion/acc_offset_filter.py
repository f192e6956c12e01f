"""Kernel behind `acc_offset`: what a moving accelerometer says about its own constant error.

With the rotation R of the sensor in the frame in which the gyroscope's rates are integrated,

    R (a - b) = g + v',        v' = change of velocity,

where a is measured, b the offset, g gravity (constant in that frame but for the gyroscope's bias β: g' = R β x g) and v
the velocity. A limb that hardly turns and shakes hardly moves: v is near 0, as uncertain as there is movement. That is
linear in g, b, v and, for small β, in β: an extended Kalman filter with 12 states. |g| = 9.81 is the last equation; it is
the only one that says anything about a direction about which the sensor is never turned.

Samples are summed over nodes of `NODE_S`, counted in samples, so that packets of any size give equal results.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.conventions import G
from imu.fusion.quaternion import turned
from imu.kernels import kernel
from imu.packets import Floats

NODE_S: Final = 0.1
RENEW_S: Final = 30.0
"""s between two looks at |g|: the frame drifts slowly, what the norm has said must be used before."""

# States.
GRAVITY, OFFSET, GYR_BIAS, VELOCITY = 0, 3, 6, 9
STATES: Final = 12

# Bookkeeping row: orientation, sums of the node, moments of the last nodes.
Q, TURN, FORCE, ACC_SUM, ACC_SQ, GYR_SUM, GYR_LAST = 0, 4, 13, 16, 19, 22, 25
COUNT, ELAPSED, UNSEEN, OLDER, NODES, SINCE = 28, 29, 30, 31, 49, 50
BOOK_SIZE: Final = 51
OLDER_NODES: Final = 3

UNBELIEVED, NEW_FRAME = 1, 2
"""Bits of a row's instruction: its acceleration is not believed; the hole before it was too long to integrate over."""

OFFSET_SIGMA: Final = 3.0
"""m/s² per axis before anything is seen. Cheap sensors are off by 0.2 to 1, broken ones by 5."""
GRAVITY_SIGMA: Final = 20.0
GYR_BIAS_SIGMA: Final = math.radians(2.0)
VELOCITY_SIGMA: Final = 1.0
"""m/s at the start."""
NORM_SIGMA: Final = 0.03
"""m/s². Gravity is 9.78 to 9.83 on this planet."""

LEVER_M: Final = 0.7
"""m. A limb that turns with rate w moves with up to this times w: a leg about the foot or the hip."""
SHAKE_S: Final = 0.3
"""s. ... and with this times the deviation of the acceleration: half a period of a step."""
REST_SPEED: Final = 0.03
"""m/s, sway of somebody who stands still."""
REST_ACC: Final = 0.3
"""m/s², acceleration of a slow movement that neither turns nor shakes."""
MEMORY_S: Final = 0.3
"""s for which velocity and acceleration resemble themselves: nodes within it are not independent. With it the errors of
74 recordings with known offsets are 0.5 to 1 of the predicted ones; with 1 s they are a third to two thirds."""
SCALE: Final = 0.01
"""Share of an angle turned that is not what the gyroscope says (scale, misalignment)."""
FRAME_WALK: Final = math.radians(0.1)
"""rad per sqrt(s), wander of the integrated frame."""
ACC_SCALE: Final = 0.02
"""Share of an acceleration that is not what the accelerometer says."""
REST_GYR: Final = math.radians(0.5)
UNSEEN_ACC: Final = 50.0
"""m/s², what a row that is not believed may have been."""
_WALKS = np.array([0.0, 1e-3, math.radians(0.01), 0.0])
"""Per sqrt(s): how offset (m/s²) and bias (rad/s) wander."""


@kernel
def start(book: Floats, x: Floats, p: Floats) -> None:
    """Nothing seen yet, in place."""
    book[:] = 0.0
    book[Q] = 1.0
    x[:] = 0.0
    p[:] = 0.0
    for i in range(3):
        p[GRAVITY + i, GRAVITY + i] = GRAVITY_SIGMA**2
        p[OFFSET + i, OFFSET + i] = OFFSET_SIGMA**2
        p[GYR_BIAS + i, GYR_BIAS + i] = GYR_BIAS_SIGMA**2
        p[VELOCITY + i, VELOCITY + i] = VELOCITY_SIGMA**2


@kernel
def _measure(x: Floats, p: Floats, h: Floats, innovation: float, variance: float) -> None:
    """One scalar measurement h·x, in place."""
    ph = np.zeros(STATES)
    total = variance
    for i in range(STATES):
        if h[i] != 0.0:
            for j in range(STATES):
                ph[j] += p[j, i] * h[i]
    for i in range(STATES):
        total += h[i] * ph[i]
    for i in range(STATES):
        x[i] += ph[i] * innovation / total
        for j in range(i + 1):
            p[i, j] -= ph[i] * ph[j] / total
            p[j, i] = p[i, j]


@kernel
def condition(x: Floats, p: Floats) -> None:
    """Gravity is as long as gravity is, in place. Iterated: the first guess of its direction may be off by 30°."""
    y = x[GRAVITY : GRAVITY + 3].copy()
    h = np.zeros(STATES)
    slope = 0.0
    for _ in range(20):
        norm = math.sqrt(y[0] ** 2 + y[1] ** 2 + y[2] ** 2)
        if norm < 1e-6:
            return
        h[GRAVITY], h[GRAVITY + 1], h[GRAVITY + 2] = y[0] / norm, y[1] / norm, y[2] / norm
        total = NORM_SIGMA**2
        slope = G - norm
        for i in range(3):
            slope -= h[i] * (x[i] - y[i])
            for j in range(3):
                total += h[i] * p[i, j] * h[j]
        for i in range(3):
            y[i] = x[i] + slope * (p[i, 0] * h[0] + p[i, 1] * h[1] + p[i, 2] * h[2]) / total
    _measure(x, p, h, slope, NORM_SIGMA**2)


@kernel
def _forget_frame(book: Floats, x: Floats, p: Floats) -> None:
    """After a long hole nothing is known of the frame; offset and bias are kept."""
    if book[NODES] > 0.0:
        condition(x, p)
    book[:] = 0.0
    book[Q] = 1.0
    for first, sigma in ((GRAVITY, GRAVITY_SIGMA), (VELOCITY, VELOCITY_SIGMA)):
        for i in range(first, first + 3):
            x[i] = 0.0
            for j in range(STATES):
                p[i, j] = p[j, i] = 0.0
            p[i, i] = sigma * sigma


@kernel
def _rotation(book: Floats) -> Floats:
    """(3, 3) of the orientation now."""
    w, x, y, z = book[Q], book[Q + 1], book[Q + 2], book[Q + 3]
    r = np.empty((3, 3))
    r[0, 0], r[0, 1], r[0, 2] = 1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)
    r[1, 0], r[1, 1], r[1, 2] = 2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)
    r[2, 0], r[2, 1], r[2, 2] = 2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)
    return r


@kernel
def _shake(book: Floats) -> float:
    """m/s², deviation of the acceleration over this node and the older ones; then this one is the newest of those."""
    n = book[COUNT]
    size, nodes = 0.0, min(book[NODES], OLDER_NODES) + 1.0
    for i in range(3):
        mean, square = book[ACC_SUM + i] / n, book[ACC_SQ + i] / n
        sum_mean, sum_square = mean, square
        for k in range(OLDER_NODES):
            sum_mean += book[OLDER + 6 * k + i]
            sum_square += book[OLDER + 6 * k + 3 + i]
        size += max(0.0, sum_square / nodes - (sum_mean / nodes) ** 2)
        for k in range(OLDER_NODES - 1, 0, -1):
            book[OLDER + 6 * k + i] = book[OLDER + 6 * (k - 1) + i]
            book[OLDER + 6 * k + 3 + i] = book[OLDER + 6 * (k - 1) + 3 + i]
        book[OLDER + i], book[OLDER + 3 + i] = mean, square
    return math.sqrt(size)


@kernel
def _propagate(book: Floats, x: Floats, p: Floats, path: float) -> None:
    """Over the node: gravity turns by the bias, velocity follows the specific force."""
    h = book[ELAPSED]
    g0, g1, g2 = x[GRAVITY], x[GRAVITY + 1], x[GRAVITY + 2]
    turn = book[TURN : TURN + 9].copy().reshape(3, 3)  # integral of R
    f = np.eye(STATES)
    drift = np.zeros(3)
    for i in range(3):
        for j in range(3):
            drift[i] += turn[i, j] * x[GYR_BIAS + j]
            f[VELOCITY + i, OFFSET + j] = -turn[i, j]
        f[VELOCITY + i, GRAVITY + i] = -h
    # g += drift x g
    f[0, 1], f[0, 2], f[1, 0], f[1, 2], f[2, 0], f[2, 1] = -drift[2], drift[1], drift[2], -drift[0], -drift[1], drift[0]
    for j in range(3):
        f[0, GYR_BIAS + j] = g2 * turn[1, j] - g1 * turn[2, j]
        f[1, GYR_BIAS + j] = g0 * turn[2, j] - g2 * turn[0, j]
        f[2, GYR_BIAS + j] = g1 * turn[0, j] - g0 * turn[1, j]
    motion = 0.0
    for i in range(3):
        change = book[FORCE + i] - h * x[GRAVITY + i]
        motion += change * change
        for j in range(3):
            change -= turn[i, j] * x[OFFSET + j]
        x[VELOCITY + i] += change
    x[GRAVITY] += drift[1] * g2 - drift[2] * g1
    x[GRAVITY + 1] += drift[2] * g0 - drift[0] * g2
    x[GRAVITY + 2] += drift[0] * g1 - drift[1] * g0
    fp = np.zeros((STATES, STATES))
    for i in range(STATES):
        for k in range(STATES):
            if f[i, k] != 0.0:
                for j in range(STATES):
                    fp[i, j] += f[i, k] * p[k, j]
    p[:] = 0.0
    for j in range(STATES):
        for k in range(STATES):
            if f[j, k] != 0.0:
                for i in range(STATES):
                    p[i, j] += fp[i, k] * f[j, k]
    frame = G * G * (FRAME_WALK * FRAME_WALK * h + (SCALE * path) ** 2)
    speed = ACC_SCALE * ACC_SCALE * (h * h + motion) + (UNSEEN_ACC * book[UNSEEN]) ** 2
    for i in range(3):
        p[GRAVITY + i, GRAVITY + i] += frame
        p[OFFSET + i, OFFSET + i] += _WALKS[1] ** 2 * h
        p[GYR_BIAS + i, GYR_BIAS + i] += _WALKS[2] ** 2 * h
        p[VELOCITY + i, VELOCITY + i] += speed


@kernel
def _node(book: Floats, x: Floats, p: Floats) -> None:
    """A node is complete."""
    n, h = book[COUNT], book[ELAPSED]
    rate, now = 0.0, 0.0
    for i in range(3):
        rate += (book[GYR_SUM + i] / n - x[GYR_BIAS + i]) ** 2
        now += (book[GYR_LAST + i] - x[GYR_BIAS + i]) ** 2
    rate, now = math.sqrt(rate), math.sqrt(now)
    shake = _shake(book)
    _propagate(book, x, p, rate * h)
    r = _rotation(book)
    alike = max(1.0, MEMORY_S / h)
    speed = alike * (REST_SPEED + LEVER_M * now + SHAKE_S * shake) ** 2
    moving = alike * (REST_ACC + shake + 3.0 * rate) ** 2
    turning = alike * (REST_GYR + rate + 0.05 * shake) ** 2
    seen = book[UNSEEN] == 0.0
    row = np.zeros(STATES)
    for i in range(3):
        row[:] = 0.0
        row[VELOCITY + i] = 1.0
        _measure(x, p, row, -x[VELOCITY + i], speed)
        row[:] = 0.0
        row[GYR_BIAS + i] = 1.0
        _measure(x, p, row, book[GYR_SUM + i] / n - x[GYR_BIAS + i], turning)
        if seen:
            row[:] = 0.0
            row[GRAVITY + i] = 1.0
            innovation = -x[GRAVITY + i]
            for j in range(3):
                row[OFFSET + j] = r[i, j]
                innovation += r[i, j] * (book[ACC_SUM + j] / n - x[OFFSET + j])
            _measure(x, p, row, innovation, moving)
    book[SINCE] += h
    if book[SINCE] >= RENEW_S:
        book[SINCE] = 0.0
        condition(x, p)
    book[NODES] += 1.0
    for i in range(TURN, GYR_LAST):
        book[i] = 0.0
    book[COUNT] = book[ELAPSED] = book[UNSEEN] = 0.0


@kernel
def run(
    book: Floats, x: Floats, p: Floats, node: int, gyr: Floats, acc: Floats, dt: Floats, what: NDArray[np.uint8]
) -> None:  # fmt: skip
    """Feed n rows: gyr (n, 3) rad/s, acc (n, 3) m/s², dt (n,) s before each row, what (n,) bits; `node` rows are one node.

    book (BOOK_SIZE,), x (STATES,), p (STATES, STATES): from `start`. Rates must be finite.
    """
    for k in range(gyr.shape[0]):
        if (what[k] & NEW_FRAME) != 0:
            _forget_frame(book, x, p)
        wx, wy, wz = gyr[k, 0], gyr[k, 1], gyr[k, 2]
        q = turned((book[Q], book[Q + 1], book[Q + 2], book[Q + 3]), wx, wy, wz, dt[k])
        book[Q], book[Q + 1], book[Q + 2], book[Q + 3] = q
        r = _rotation(book)
        believed = (what[k] & UNBELIEVED) == 0
        if not believed:
            book[UNSEEN] += dt[k]
        for i in range(3):
            a = acc[k, i] if believed else 0.0
            book[ACC_SUM + i] += a
            book[ACC_SQ + i] += a * a
            book[GYR_SUM + i] += gyr[k, i]
            book[GYR_LAST + i] = gyr[k, i]
            for j in range(3):
                book[TURN + 3 * i + j] += r[i, j] * dt[k]
                if believed:
                    book[FORCE + i] += r[i, j] * acc[k, j] * dt[k]
        book[COUNT] += 1.0
        book[ELAPSED] += dt[k]
        if book[COUNT] >= node:
            _node(book, x, p)
