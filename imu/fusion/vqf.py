"""VQF-6D: orientation of one sensor from gyroscope and accelerometer, with gyroscope bias and rest detection.

Written from D. Laidig, T. Seel, "VQF: Highly accurate IMU orientation estimation with bias estimation and magnetic
disturbance rejection", Information Fusion 91 (2023), arXiv 2203.17024; agrees with the authors' program (`vqf`).

The orientation is the product of two quaternions: `q_inertial_sensor` integrates the rates, `q_earth_inertial`
turns the low-passed acceleration of the (slowly drifting) inertial frame upwards. q_earth_sensor = their product.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion.coefficients import (
    BIAS_CLIP,
    LP_ACC,
    LP_REST,
    P0,
    REST_ACC2,
    REST_GYR2,
    REST_MIN_T,
    TAU_ACC,
    TAU_REST,
    TS,
    USE_MOTION,
    USE_REST,
    W_MOTION,
    W_REST,
    W_VERTICAL,
    Coefficients,
    V,
)
from imu.fusion.quaternion import mul, normalise, rotate
from imu.kernels import kernel
from imu.packets import Floats

# Where things are in one sensor's state row. LP = two numbers per channel of a second-order low-pass; COUNT = number of
# samples averaged so far in its start-up, -1 once it runs.
QI, QE, BIAS, P = 0, 4, 8, 11  # P: xx, xy, xz, yy, yz, zz in (rad/s)²
REST_T, RESTING = 17, 18
GYR_COUNT, GYR_LP, GYR_MEAN = 19, 20, 26
REST_ACC_COUNT, REST_ACC_LP = 29, 30
ACC_COUNT, ACC_LP = 36, 37
MOTION_COUNT, MOTION_LP = 43, 44  # 9 of the rotation matrix, then x and y of R·bias
STATE_SIZE: Final = 66

State = NDArray[np.float64]
"""(STATE_SIZE,) one sensor, or (S, STATE_SIZE); a copy is a snapshot."""


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
def _started(s: State, count: int, ts: float, tau: float) -> tuple[float, bool]:
    """Number of samples in the running mean including this one (0: the low-pass runs), and if this is the last of them."""
    if s[count] < 0.0:
        return 0.0, False
    n = s[count] + 1.0
    last = n * ts >= tau
    s[count] = -1.0 if last else n
    return n, last


@kernel
def _filter(s: State, i: int, x: float, n: float, last: bool, c: Floats, k: int) -> float:
    """One low-pass channel at s[i:i+2], coefficients at c[k:k+5]; running mean while n > 0, then loaded as if steady."""
    if n > 0.0:
        s[i] += x
        y = s[i] / n
        if last:
            s[i] = y * (1.0 - c[k])
            s[i + 1] = y * (c[k + 2] - c[k + 4])
        return y
    y = c[k] * x + s[i]
    s[i] = c[k + 1] * x - c[k + 3] * y + s[i + 1]
    s[i + 1] = c[k + 2] * x - c[k + 4] * y
    return y


@kernel
def _clip(x: float, limit: float) -> float:
    return min(max(x, -limit), limit)


@kernel
def _predict(s: State, c: Floats, gx: float, gy: float, gz: float) -> None:
    """Rest test of the gyroscope and integration of the rate."""
    if c[USE_REST] > 0.0:
        n, last = _started(s, GYR_COUNT, c[TS], c[TAU_REST])
        mx = _filter(s, GYR_LP, gx, n, last, c, LP_REST)
        my = _filter(s, GYR_LP + 2, gy, n, last, c, LP_REST)
        mz = _filter(s, GYR_LP + 4, gz, n, last, c, LP_REST)
        s[GYR_MEAN] = mx
        s[GYR_MEAN + 1] = my
        s[GYR_MEAN + 2] = mz
        deviation = (gx - mx) ** 2 + (gy - my) ** 2 + (gz - mz) ** 2
        clip = c[BIAS_CLIP]
        if deviation >= c[REST_GYR2] or abs(mx) > clip or abs(my) > clip or abs(mz) > clip:
            s[REST_T] = 0.0
            s[RESTING] = 0.0
    wx, wy, wz = gx - s[BIAS], gy - s[BIAS + 1], gz - s[BIAS + 2]
    norm = math.sqrt(wx * wx + wy * wy + wz * wz)
    if norm > 2.3e-16:
        half = 0.5 * norm * c[TS]
        f = math.sin(half) / norm
        q = normalise(mul((s[QI], s[QI + 1], s[QI + 2], s[QI + 3]), (math.cos(half), f * wx, f * wy, f * wz)))
        s[QI], s[QI + 1], s[QI + 2], s[QI + 3] = q


@kernel
def orientation_of(s: State) -> tuple[float, float, float, float]:
    """q_earth_sensor now."""
    return mul((s[QE], s[QE + 1], s[QE + 2], s[QE + 3]), (s[QI], s[QI + 1], s[QI + 2], s[QI + 3]))


@kernel
def _correct(s: State, c: Floats, acc: tuple[float, float, float]) -> tuple[float, float]:
    """Rest test of the accelerometer and inclination; returns x, y of the upward direction before the correction."""
    if c[USE_REST] > 0.0:
        n, last = _started(s, REST_ACC_COUNT, c[TS], c[TAU_REST])
        deviation = 0.0
        for i in range(3):
            deviation += (acc[i] - _filter(s, REST_ACC_LP + 2 * i, acc[i], n, last, c, LP_REST)) ** 2
        if deviation >= c[REST_ACC2]:
            s[REST_T] = 0.0
            s[RESTING] = 0.0
        else:
            s[REST_T] += c[TS]
            if s[REST_T] >= c[REST_MIN_T]:
                s[RESTING] = 1.0
    inertial = rotate((s[QI], s[QI + 1], s[QI + 2], s[QI + 3]), acc)
    n, last = _started(s, ACC_COUNT, c[TS], c[TAU_ACC])
    smooth = (
        _filter(s, ACC_LP, inertial[0], n, last, c, LP_ACC),
        _filter(s, ACC_LP + 2, inertial[1], n, last, c, LP_ACC),
        _filter(s, ACC_LP + 4, inertial[2], n, last, c, LP_ACC),
    )
    q = (s[QE], s[QE + 1], s[QE + 2], s[QE + 3])
    up = rotate(q, smooth)
    norm = math.sqrt(up[0] * up[0] + up[1] * up[1] + up[2] * up[2])
    if norm < 2.3e-16:
        return 0.0, 0.0  # free fall to the last bit: there is no direction
    ux, uy, uz = up[0] / norm, up[1] / norm, up[2] / norm
    w = math.sqrt(max(0.0, (uz + 1.0) / 2.0))
    # upside down: any horizontal half turn
    turn = (w, 0.5 * uy / w, -0.5 * ux / w, 0.0) if w > 1e-6 else (0.0, 1.0, 0.0, 0.0)
    q = normalise(mul(turn, q))
    s[QE], s[QE + 1], s[QE + 2], s[QE + 3] = q
    return ux, uy


@kernel
def _update_bias(
    s: State,
    w: tuple[float, float, float],
    e: tuple[float, float, float],
    h: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]],
    clip: float,
) -> None:
    """Kalman update of the bias with measurement matrix h, variances w and innovation e (clipped); P stays symmetric."""
    xx, xy, xz, yy, yz, zz = s[P], s[P + 1], s[P + 2], s[P + 3], s[P + 4], s[P + 5]
    (h0, h1, h2) = h
    # a = P hᵀ, by columns
    a00, a10, a20 = _row(xx, xy, xz, h0), _row(xy, yy, yz, h0), _row(xz, yz, zz, h0)
    a01, a11, a21 = _row(xx, xy, xz, h1), _row(xy, yy, yz, h1), _row(xz, yz, zz, h1)
    a02, a12, a22 = _row(xx, xy, xz, h2), _row(xy, yy, yz, h2), _row(xz, yz, zz, h2)
    # m = w + h a, symmetric; its inverse by cofactors
    m00 = w[0] + _row(a00, a10, a20, h0)
    m11 = w[1] + _row(a01, a11, a21, h1)
    m22 = w[2] + _row(a02, a12, a22, h2)
    m01, m02, m12 = _row(a01, a11, a21, h0), _row(a02, a12, a22, h0), _row(a02, a12, a22, h1)
    c00, c01, c02 = m11 * m22 - m12 * m12, m02 * m12 - m01 * m22, m01 * m12 - m02 * m11
    c11, c12, c22 = m00 * m22 - m02 * m02, m01 * m02 - m00 * m12, m00 * m11 - m01 * m01
    f = 1.0 / (m00 * c00 + m01 * c01 + m02 * c02)
    i0, i1, i2 = (f * c00, f * c01, f * c02), (f * c01, f * c11, f * c12), (f * c02, f * c12, f * c22)
    k00, k01, k02 = _row(a00, a01, a02, i0), _row(a00, a01, a02, i1), _row(a00, a01, a02, i2)
    k10, k11, k12 = _row(a10, a11, a12, i0), _row(a10, a11, a12, i1), _row(a10, a11, a12, i2)
    k20, k21, k22 = _row(a20, a21, a22, i0), _row(a20, a21, a22, i1), _row(a20, a21, a22, i2)
    d = (_clip(e[0], clip), _clip(e[1], clip), _clip(e[2], clip))
    s[BIAS] = _clip(s[BIAS] + _row(k00, k01, k02, d), clip)
    s[BIAS + 1] = _clip(s[BIAS + 1] + _row(k10, k11, k12, d), clip)
    s[BIAS + 2] = _clip(s[BIAS + 2] + _row(k20, k21, k22, d), clip)
    # P - k h P = P - k aᵀ
    s[P] = xx - (k00 * a00 + k01 * a01 + k02 * a02)
    s[P + 1] = xy - (k00 * a10 + k01 * a11 + k02 * a12)
    s[P + 2] = xz - (k00 * a20 + k01 * a21 + k02 * a22)
    s[P + 3] = yy - (k10 * a10 + k11 * a11 + k12 * a12)
    s[P + 4] = yz - (k10 * a20 + k11 * a21 + k12 * a22)
    s[P + 5] = zz - (k20 * a20 + k21 * a21 + k22 * a22)


@kernel
def _row(x: float, y: float, z: float, v: tuple[float, float, float]) -> float:
    return x * v[0] + y * v[1] + z * v[2]


@kernel
def _learn_bias(s: State, c: Floats, ux: float, uy: float) -> None:
    """Bias from rest (the mean rate) or from motion (the inclination correction that was needed)."""
    qw, qx, qy, qz = orientation_of(s)
    r00, r01, r02 = 1.0 - 2.0 * (qy * qy + qz * qz), 2.0 * (qx * qy - qw * qz), 2.0 * (qw * qy + qx * qz)
    r10, r11, r12 = 2.0 * (qw * qz + qx * qy), 1.0 - 2.0 * (qx * qx + qz * qz), 2.0 * (qy * qz - qw * qx)
    r20, r21, r22 = 2.0 * (qx * qz - qw * qy), 2.0 * (qw * qx + qy * qz), 1.0 - 2.0 * (qx * qx + qy * qy)
    bx, by, bz = s[BIAS], s[BIAS + 1], s[BIAS + 2]
    mx, my = r00 * bx + r01 * by + r02 * bz, r10 * bx + r11 * by + r12 * bz
    n, last = _started(s, MOTION_COUNT, c[TS], c[TAU_ACC])
    i = MOTION_LP
    l0 = (
        _filter(s, i, r00, n, last, c, LP_ACC),
        _filter(s, i + 2, r01, n, last, c, LP_ACC),
        _filter(s, i + 4, r02, n, last, c, LP_ACC),
    )
    l1 = (
        _filter(s, i + 6, r10, n, last, c, LP_ACC),
        _filter(s, i + 8, r11, n, last, c, LP_ACC),
        _filter(s, i + 10, r12, n, last, c, LP_ACC),
    )
    l2 = (
        _filter(s, i + 12, r20, n, last, c, LP_ACC),
        _filter(s, i + 14, r21, n, last, c, LP_ACC),
        _filter(s, i + 16, r22, n, last, c, LP_ACC),
    )
    mx = _filter(s, i + 18, mx, n, last, c, LP_ACC)
    my = _filter(s, i + 20, my, n, last, c, LP_ACC)
    for k in (P, P + 3, P + 5):
        if s[k] < c[P0]:
            s[k] += c[V]
    if s[RESTING] > 0.0 and c[USE_REST] > 0.0:
        w = c[W_REST]
        e = (s[GYR_MEAN] - bx, s[GYR_MEAN + 1] - by, s[GYR_MEAN + 2] - bz)
        _update_bias(s, (w, w, w), e, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)), c[BIAS_CLIP])
    elif c[USE_MOTION] > 0.0:
        w = c[W_MOTION]
        ts = c[TS]
        e = (-uy / ts + mx - _row(bx, by, bz, l0), ux / ts + my - _row(bx, by, bz, l1), -_row(bx, by, bz, l2))
        _update_bias(s, (w, w, c[W_VERTICAL]), e, (l0, l1, l2), c[BIAS_CLIP])


@kernel
def step(s: State, c: Floats, gyr: tuple[float, float, float], acc: tuple[float, float, float], use_acc: bool) -> None:
    """One sample of one sensor, in place.

    gyr : rad/s, acc : m/s² including gravity, sensor frame. `use_acc` False (saturated) integrates the rate only; so
    does an acceleration of exactly zero, which no working sensor sends. Does not check for NaN.
    """
    _predict(s, c, gyr[0], gyr[1], gyr[2])
    if use_acc and (acc[0] != 0.0 or acc[1] != 0.0 or acc[2] != 0.0):
        ux, uy = _correct(s, c, acc)
        if c[USE_MOTION] > 0.0 or c[USE_REST] > 0.0:
            _learn_bias(s, c, ux, uy)


@kernel
def run(s: State, c: Floats, gyr: Floats, acc: Floats, skip_acc: NDArray[np.uint8], out: Floats) -> None:
    """All n samples of one sensor: gyr, acc (n, 3), skip_acc (n,) nonzero = saturated, out (n, 4) q_earth_sensor."""
    for k in range(gyr.shape[0]):
        step(s, c, (gyr[k, 0], gyr[k, 1], gyr[k, 2]), (acc[k, 0], acc[k, 1], acc[k, 2]), skip_acc[k] == 0)
        out[k, 0], out[k, 1], out[k, 2], out[k, 3] = orientation_of(s)


@kernel
def run_many(states: State, c: Floats, gyr: Floats, acc: Floats, skip_acc: NDArray[np.uint8], out: Floats) -> None:
    """Several sensors of equal rate: states (S, STATE_SIZE), gyr, acc (S, n, 3), skip_acc (S, n), out (S, n, 4)."""
    for j in range(gyr.shape[0]):
        run(states[j], c, gyr[j], acc[j], skip_acc[j], out[j])
