"""VQF-6D: orientation of one sensor from gyroscope and accelerometer, with gyroscope bias and rest detection.

Written from D. Laidig, T. Seel, "VQF: Highly accurate IMU orientation estimation with bias estimation and magnetic
disturbance rejection", Information Fusion 91 (2023), arXiv 2203.17024; agrees with the authors' program (`vqf`).

The orientation is the product of two quaternions: `q_inertial_sensor` integrates the rates, `q_earth_inertial`
turns the low-passed acceleration of the (slowly drifting) inertial frame upwards. q_earth_sensor = their product.

Every sample goes through `advance`, which is inlined in two variants: the common one (low-passes running, all inputs
believable) is free of branches, so it takes a third of the time and eight sensors side by side become vector
instructions; the general one starts the low-passes and does without an acceleration. Where both apply they do the same
IEEE operations in the same order, so results never depend on packet sizes or on which sensors run together.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion.bias import forget, learn
from imu.fusion.coefficients import DOUBT, LP_ACC, LP_REST, P0, START_ACC, START_REST, Coefficients, K, load
from imu.fusion.lanes import ALONE, Lane, at, put
from imu.fusion.low_pass import low_pass, shorten
from imu.fusion.quaternion import mul
from imu.kernels import inlined, kernel
from imu.packets import Floats

# Where things are in one sensor's state row; LP = two numbers per channel of a second-order low-pass. SAMPLES and
# CORRECTIONS count only as far as the low-passes' start-up asks.
QI, QE, BIAS, P, REST_T, SAMPLES, CORRECTIONS = 0, 4, 8, 11, 17, 18, 19  # P: xx, xy, xz, yy, yz, zz in (rad/s)²
GYR_LP, REST_ACC_LP, ACC_LP, MOTION_LP = 20, 26, 32, 38  # MOTION_LP: 9 of the rotation matrix, then x and y of R·bias
STATE_SIZE: Final = 60

State = NDArray[np.float64]
"""(STATE_SIZE,) one sensor, or (S, STATE_SIZE); a copy is a snapshot."""

BELIEVABLE_ACC: Final = 1e4
"""m/s²; no motion of a person goes beyond."""
SMALL: Final = 0.03
"""Largest (|rate| Ts / 2)² of the common variant: 35° a sample, 1980 °/s at 57 Hz."""
SERIES: Final = 0.045
"""Largest (|rate - bias| Ts / 2)² for which the series below is exact to the last bit or two."""
NO_DIRECTION: Final = 2.3e-16
"""m/s²; a smooth acceleration below this has no direction (free fall to the last bit)."""


def initial_state(coefficients: Coefficients, n_sensors: int = 1) -> State:
    """(n_sensors, STATE_SIZE) of sensors that have not seen a sample."""
    states = np.zeros((n_sensors, STATE_SIZE))
    for row in states:
        reset(row, coefficients.row, False)
    return states


@kernel
def reset(s: State, c: Floats, keep_bias: bool) -> None:
    """Start again, in place. `keep_bias`: what is known of the gyroscope bias survives."""
    for i in range(STATE_SIZE):
        if not (keep_bias and BIAS <= i < REST_T):
            s[i] = 0.0
    s[QI] = 1.0
    s[QE] = 1.0
    if not keep_bias:
        s[P] = s[P + 3] = s[P + 5] = c[P0]


@kernel
def doubt(s: State, c: Floats, error: float) -> None:
    """The orientation may be off by `error` rad (1σ): what the low-passes hold was taken in a frame that is off by as much,
    and shall weigh no more than a start-up of the length that balances it (`Params.limb_speed`)."""
    seen, n = s[CORRECTIONS], math.ceil(c[DOUBT] / error)
    if seen > n and n < c[START_ACC]:
        for row in range(ACC_LP, STATE_SIZE, 2):
            shorten(s, row, c[LP_ACC], seen, c[START_ACC], n)
        if n < c[START_REST]:
            for row in range(REST_ACC_LP, ACC_LP, 2):
                shorten(s, row, c[LP_REST], seen, c[START_REST], n)
        s[CORRECTIONS] = n


@inlined
def _rotate(q0: float, q1: float, q2: float, q3: float, x: float, y: float, z: float):
    """`quaternion.rotate`, its sums in the order that leaves the shortest chain from q to the result."""
    tx, ty, tz = 2.0 * (q2 * z - q3 * y), 2.0 * (q3 * x - q1 * z), 2.0 * (q1 * y - q2 * x)
    return (x + (q0 * tx + (q2 * tz - q3 * ty)), y + (q0 * ty + (q3 * tx - q1 * tz)), z + (q0 * tz + (q1 * ty - q2 * tx)))


@inlined
def _drift(q0: float, q1: float, q2: float, q3: float) -> float:
    """1 / |q| of a quaternion whose length is 1 to 1e-8, exact to the last bit: no root, no division."""
    return 1.5 - 0.5 * ((q0 * q0 + q1 * q1) + (q2 * q2 + q3 * q3))


@inlined
def _turn(x: float, hx: float, hy: float, hz: float, general: bool):
    """Quaternion of the rotation vector 2·h, x = |h|²: cos|h|, h sin|h| / |h|."""
    if general and x > SERIES:
        half = math.sqrt(x)
        f = math.sin(half) / half
        return math.cos(half), f * hx, f * hy, f * hz
    x2 = x * x
    f = (1.0 - x * (1 / 6)) + x2 * ((1 / 120 - x * (1 / 5040)) + x2 * (1 / 362880))
    w = (1.0 - x * 0.5) + x2 * ((1 / 24 - x * (1 / 720)) + x2 * (1 / 40320 - x * (1 / 3628800)))
    return w, f * hx, f * hy, f * hz


@inlined
def advance(
    s: State, j: Lane, lanes: int, k: K, general: bool,
    gx: float, gy: float, gz: float, ax: float, ay: float, az: float, use_acc: bool,
) -> tuple[float, float, float, float]:  # fmt: skip
    """One sample of lane j, in place; returns q_earth_sensor.

    gyr rad/s, acc m/s² including gravity, sensor frame. `general` (a constant where this is inlined): see the module;
    without it `use_acc` is taken for true. Equations: section 3 of the paper.
    """
    n = 0.0
    if general:
        n = at(s, SAMPLES, j, lanes) + 1.0
        put(s, SAMPLES, j, lanes, min(n, k.start_rest + 1.0))
    # rest: neither signal is far from its low-pass, and no mean rate is larger than a bias can be
    mx = low_pass(s, GYR_LP, j, lanes, gx, k.rest, general, n, k.start_rest)
    my = low_pass(s, GYR_LP + 2, j, lanes, gy, k.rest, general, n, k.start_rest)
    mz = low_pass(s, GYR_LP + 4, j, lanes, gz, k.rest, general, n, k.start_rest)
    dx, dy, dz = gx - mx, gy - my, gz - mz
    quiet = (dx * dx + dy * dy + dz * dz < k.rest_gyr2) & (max(abs(mx), max(abs(my), abs(mz))) <= k.bias_clip)
    rest_t = at(s, REST_T, j, lanes)
    rest_t = rest_t if quiet else 0.0

    # what rounding did to the lengths is repaired here, off the critical path
    i0, i1, i2, i3 = at(s, QI, j, lanes), at(s, QI + 1, j, lanes), at(s, QI + 2, j, lanes), at(s, QI + 3, j, lanes)
    e0, e1, e2, e3 = at(s, QE, j, lanes), at(s, QE + 1, j, lanes), at(s, QE + 2, j, lanes), at(s, QE + 3, j, lanes)
    fi, fe = _drift(i0, i1, i2, i3), _drift(e0, e1, e2, e3)
    i0, i1, i2, i3 = i0 * fi, i1 * fi, i2 * fi, i3 * fi
    e0, e1, e2, e3 = e0 * fe, e1 * fe, e2 * fe, e3 * fe

    # predict
    bx, by, bz = at(s, BIAS, j, lanes), at(s, BIAS + 1, j, lanes), at(s, BIAS + 2, j, lanes)
    hx, hy, hz = (gx - bx) * k.half_ts, (gy - by) * k.half_ts, (gz - bz) * k.half_ts
    t0, t1, t2, t3 = _turn(hx * hx + hy * hy + hz * hz, hx, hy, hz, general)
    i0, i1, i2, i3 = mul((i0, i1, i2, i3), (t0, t1, t2, t3))
    put(s, QI, j, lanes, i0)
    put(s, QI + 1, j, lanes, i1)
    put(s, QI + 2, j, lanes, i2)
    put(s, QI + 3, j, lanes, i3)
    if general and not use_acc:
        put(s, REST_T, j, lanes, rest_t)
        return mul((e0, e1, e2, e3), (i0, i1, i2, i3))

    if general:
        n = at(s, CORRECTIONS, j, lanes) + 1.0
        put(s, CORRECTIONS, j, lanes, min(n, max(k.start_acc, k.start_rest) + 1.0))
    dx = ax - low_pass(s, REST_ACC_LP, j, lanes, ax, k.rest, general, n, k.start_rest)
    dy = ay - low_pass(s, REST_ACC_LP + 2, j, lanes, ay, k.rest, general, n, k.start_rest)
    dz = az - low_pass(s, REST_ACC_LP + 4, j, lanes, az, k.rest, general, n, k.start_rest)
    rest_t = rest_t + k.ts if dx * dx + dy * dy + dz * dz < k.rest_acc2 else 0.0
    put(s, REST_T, j, lanes, rest_t)

    # incline: turn the smooth acceleration upwards, by the shortest way
    x, y, z = _rotate(i0, i1, i2, i3, ax, ay, az)
    x = low_pass(s, ACC_LP, j, lanes, x, k.acc, general, n, k.start_acc)
    y = low_pass(s, ACC_LP + 2, j, lanes, y, k.acc, general, n, k.start_acc)
    z = low_pass(s, ACC_LP + 4, j, lanes, z, k.acc, general, n, k.start_acc)
    ux, uy, uz = _rotate(e0, e1, e2, e3, x, y, z)
    norm = math.sqrt(ux * ux + uy * uy + uz * uz)
    falling = norm < NO_DIRECTION
    norm = 1.0 if falling else norm
    ux, uy, uz = (0.0 if falling else ux), (0.0 if falling else uy), (1.0 if falling else uz)
    # (norm + uz, uy, -ux, 0) is the quaternion of that turn, its squared length 2 norm (norm + uz): divided by it only
    # where needed, so that no root stands between this sample and the next. Upside down: any horizontal half turn.
    w = norm + uz
    tilted = w > 1e-9 * norm
    w2 = 1.0 / (2.0 * norm * w if tilted else 1.0)
    w, wx, wy = (w if tilted else 0.0), (uy if tilted else 1.0), (-ux if tilted else 0.0)
    e0, e1, e2, e3 = (
        w * e0 - wx * e1 - wy * e2,
        w * e1 + wx * e0 + wy * e3,
        w * e2 - wx * e3 + wy * e0,
        w * e3 + wx * e2 - wy * e1,
    )
    q0, q1, q2, q3 = mul((e0, e1, e2, e3), (i0, i1, i2, i3))
    f = math.sqrt(w2)
    put(s, QE, j, lanes, e0 * f)
    put(s, QE + 1, j, lanes, e1 * f)
    put(s, QE + 2, j, lanes, e2 * f)
    put(s, QE + 3, j, lanes, e3 * f)

    if not general or k.motion_bias or k.rest_bias:
        # low-passed rotation matrix of q, and of the bias turned by it
        g = 2.0 * w2
        r00, r01, r02 = 1.0 - g * (q2 * q2 + q3 * q3), g * (q1 * q2 - q0 * q3), g * (q0 * q2 + q1 * q3)
        r10, r11, r12 = g * (q0 * q3 + q1 * q2), 1.0 - g * (q1 * q1 + q3 * q3), g * (q2 * q3 - q0 * q1)
        r20, r21, r22 = g * (q1 * q3 - q0 * q2), g * (q0 * q1 + q2 * q3), 1.0 - g * (q1 * q1 + q2 * q2)
        ex, ey = r00 * bx + r01 * by + r02 * bz, r10 * bx + r11 * by + r12 * bz
        r00 = low_pass(s, MOTION_LP, j, lanes, r00, k.acc, general, n, k.start_acc)
        r01 = low_pass(s, MOTION_LP + 2, j, lanes, r01, k.acc, general, n, k.start_acc)
        r02 = low_pass(s, MOTION_LP + 4, j, lanes, r02, k.acc, general, n, k.start_acc)
        r10 = low_pass(s, MOTION_LP + 6, j, lanes, r10, k.acc, general, n, k.start_acc)
        r11 = low_pass(s, MOTION_LP + 8, j, lanes, r11, k.acc, general, n, k.start_acc)
        r12 = low_pass(s, MOTION_LP + 10, j, lanes, r12, k.acc, general, n, k.start_acc)
        r20 = low_pass(s, MOTION_LP + 12, j, lanes, r20, k.acc, general, n, k.start_acc)
        r21 = low_pass(s, MOTION_LP + 14, j, lanes, r21, k.acc, general, n, k.start_acc)
        r22 = low_pass(s, MOTION_LP + 16, j, lanes, r22, k.acc, general, n, k.start_acc)
        ex = low_pass(s, MOTION_LP + 18, j, lanes, ex, k.acc, general, n, k.start_acc)
        ey = low_pass(s, MOTION_LP + 20, j, lanes, ey, k.acc, general, n, k.start_acc)
        f_ts = 1.0 / (norm * k.ts)
        ex, ey, ez = (
            ex - uy * f_ts - (r00 * bx + r01 * by + r02 * bz),
            ey + ux * f_ts - (r10 * bx + r11 * by + r12 * bz),
            -(r20 * bx + r21 * by + r22 * bz),
        )
        forget(s, j, lanes, P, k)
        resting = (rest_t >= k.rest_min) & (k.rest_bias if general else True)
        if not general or resting or k.motion_bias:
            learn(
                s, j, lanes, BIAS, P, k, resting, mx, my, mz, ex, ey, ez,
                r00, r01, r02, r10, r11, r12, r20, r21, r22,
            )  # fmt: skip
    return q0 * f, q1 * f, q2 * f, q3 * f


@kernel
def general(
    s: State, j: Lane, lanes: int, k: K,
    gx: float, gy: float, gz: float, ax: float, ay: float, az: float, use_acc: bool,
) -> tuple[float, float, float, float]:  # fmt: skip
    """`advance` in its general variant, out of line."""
    return advance(s, j, lanes, k, True, gx, gy, gz, ax, ay, az, use_acc)


@inlined
def usable_acc(ax: float, ay: float, az: float) -> bool:
    """An acceleration of exactly zero is sent by no working sensor, nor is one of more than a thousand g."""
    return (ax != 0.0 or ay != 0.0 or az != 0.0) and abs(ax) + abs(ay) + abs(az) < BELIEVABLE_ACC


@inlined
def common(s: State, j: Lane, lanes: int, k: K, gx: float, gy: float, gz: float) -> bool:
    """The common variant of `advance` will do, if the acceleration is usable."""
    return (
        at(s, CORRECTIONS, j, lanes) > k.common_after
        and at(s, SAMPLES, j, lanes) > k.start_rest
        and (gx * gx + gy * gy + gz * gz) * k.half_ts * k.half_ts <= SMALL
    )


@inlined
def sample(
    s: State, k: K, gx: float, gy: float, gz: float, ax: float, ay: float, az: float, skip: bool
) -> tuple[float, float, float, float]:
    """One sample of one sensor, in place; q_earth_sensor, NaN before the first usable acceleration."""
    usable = not skip and usable_acc(ax, ay, az)
    if usable and common(s, ALONE, 1, k, gx, gy, gz):
        return advance(s, ALONE, 1, k, False, gx, gy, gz, ax, ay, az, True)
    q = general(s, ALONE, 1, k, gx, gy, gz, ax, ay, az, usable)
    if s[CORRECTIONS] == 0.0:
        return math.nan, math.nan, math.nan, math.nan
    return q


@kernel
def step(s: State, c: Floats, gyr: tuple[float, float, float], acc: tuple[float, float, float], use_acc: bool) -> None:
    """One sample of one sensor, in place.

    gyr : rad/s, acc : m/s² including gravity, sensor frame. `use_acc` False (saturated) integrates the rate only; so
    does an acceleration that is exactly zero or no number. Does not check the rate.
    """
    sample(s, load(c), gyr[0], gyr[1], gyr[2], acc[0], acc[1], acc[2], not use_acc)


@kernel
def orientation_of(s: State) -> tuple[float, float, float, float]:
    """q_earth_sensor now; heading and all if no acceleration was usable yet."""
    return mul((s[QE], s[QE + 1], s[QE + 2], s[QE + 3]), (s[QI], s[QI + 1], s[QI + 2], s[QI + 3]))


@kernel
def unusable_row(gyr: Floats, most: float) -> int:
    """Index of the first row of (n, 3) that is no rate: not finite, or faster than `most` rad/s; -1 if there is none."""
    for i in range(gyr.shape[0]):
        x, y, z = gyr[i, 0], gyr[i, 1], gyr[i, 2]
        if not x * x + y * y + z * z <= most * most:
            return i
    return -1


@kernel
def run(s: State, c: Floats, gyr: Floats, acc: Floats, out: Floats) -> int:
    """All n samples of one sensor: gyr rad/s, acc m/s² (n, 3), out (n, 4) q_earth_sensor, NaN before the first usable acc.

    Returns the index of a row that is no rate (not finite, or more than half a turn per sample), before anything was
    done; -1 = all is well.
    """
    k = load(c)
    bad = unusable_row(gyr, math.pi / k.ts)
    if bad < 0:
        for i in range(gyr.shape[0]):
            out[i, 0], out[i, 1], out[i, 2], out[i, 3] = sample(
                s, k, gyr[i, 0], gyr[i, 1], gyr[i, 2], acc[i, 0], acc[i, 1], acc[i, 2], False
            )
    return bad
