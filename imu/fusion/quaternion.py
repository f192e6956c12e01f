"""Quaternions w, x, y, z (Hamilton): kernels for one, numpy functions for many.

Kernels take anything that can be indexed (tuple, row of an array) and return tuples, so they do not allocate. They do
not check for NaN or unit length. The `*_array` functions work on the last axis, broadcast, and accept any leading shape.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from imu.kernels import kernel
from imu.packets import Floats

Quat = tuple[float, float, float, float] | Floats
Vec = tuple[float, float, float] | Floats


@kernel
def mul(a: Quat, b: Quat) -> tuple[float, float, float, float]:
    """Hamilton product: `q_a_c = mul(q_a_b, q_b_c)`."""
    return (
        a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3],
        a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2],
        a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1],
        a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0],
    )


@kernel
def conj(q: Quat) -> tuple[float, float, float, float]:
    """Inverse of a unit quaternion: `q_b_a = conj(q_a_b)`."""
    return (q[0], -q[1], -q[2], -q[3])


@kernel
def normalise(q: Quat) -> tuple[float, float, float, float]:
    """Unit quaternion in the same direction; NaN for a zero quaternion."""
    f = 1.0 / math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3])
    return (q[0] * f, q[1] * f, q[2] * f, q[3] * f)


@kernel
def rotate(q: Quat, v: Vec) -> tuple[float, float, float]:
    """Components of a b-vector in a: `v_a = rotate(q_a_b, v_b)`, for a unit quaternion."""
    # t = 2 u x v; v + w t + u x t, u the vector part
    tx = 2.0 * (q[2] * v[2] - q[3] * v[1])
    ty = 2.0 * (q[3] * v[0] - q[1] * v[2])
    tz = 2.0 * (q[1] * v[1] - q[2] * v[0])
    return (
        v[0] + q[0] * tx + q[2] * tz - q[3] * ty,
        v[1] + q[0] * ty + q[3] * tx - q[1] * tz,
        v[2] + q[0] * tz + q[1] * ty - q[2] * tx,
    )


@kernel
def turned(q: Quat, wx: float, wy: float, wz: float, ts: float) -> tuple[float, float, float, float]:
    """q_a_b after b has turned for `ts` s at the constant rate w, rad/s, in its own frame: q ⊗ exp(w·ts/2)."""
    norm = math.sqrt(wx * wx + wy * wy + wz * wz)
    if norm == 0.0:
        return (q[0], q[1], q[2], q[3])
    half = 0.5 * norm * ts
    f = math.sin(half) / norm
    return normalise(mul(q, (math.cos(half), f * wx, f * wy, f * wz)))


@kernel
def between(u: Vec, v: Vec) -> tuple[float, float, float, float]:
    """Shortest rotation that turns direction u into direction v; for opposite vectors any half turn."""
    n = math.sqrt((u[0] * u[0] + u[1] * u[1] + u[2] * u[2]) * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]))
    w = n + u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
    if w < 1e-12 * n:
        # a half turn about an axis square to u: cross u with the coordinate axis it is least aligned with
        if abs(u[0]) <= abs(u[1]) and abs(u[0]) <= abs(u[2]):
            return normalise((0.0, 0.0, u[2], -u[1]))
        if abs(u[1]) <= abs(u[2]):
            return normalise((0.0, -u[2], 0.0, u[0]))
        return normalise((0.0, u[1], -u[0], 0.0))
    return normalise((w, u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]))


def _float(x: ArrayLike) -> Floats:
    return np.asarray(x, dtype=np.float64)


def mul_array(a: ArrayLike, b: ArrayLike) -> Floats:
    """Hamilton product of (..., 4) and (..., 4)."""
    aw, ax, ay, az = np.moveaxis(_float(a), -1, 0)
    bw, bx, by, bz = np.moveaxis(_float(b), -1, 0)
    return np.stack(
        [
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ],
        axis=-1,
    )


def conj_array(q: ArrayLike) -> Floats:
    """Inverse of unit quaternions (..., 4)."""
    return _float(q) * np.array([1.0, -1.0, -1.0, -1.0])


def normalise_array(q: ArrayLike) -> Floats:
    """Unit quaternions, or unit vectors, along the last axis."""
    q = _float(q)
    return q / np.sqrt(np.sum(q * q, axis=-1, keepdims=True))


def rotate_array(q: ArrayLike, v: ArrayLike) -> Floats:
    """`v_a = rotate_array(q_a_b, v_b)`: (..., 4), (..., 3) -> (..., 3)."""
    q, v = _float(q), _float(v)
    t = 2.0 * np.cross(q[..., 1:], v)
    return v + q[..., :1] * t + np.cross(q[..., 1:], t)


def between_array(u: ArrayLike, v: ArrayLike) -> Floats:
    """Shortest rotations that turn u into v: (..., 3), (..., 3) -> (..., 4). Opposite vectors give NaN."""
    u, v = normalise_array(u), normalise_array(v)
    w = 1.0 + np.sum(u * v, axis=-1, keepdims=True)
    w = np.where(w < 1e-12, np.nan, w)
    return normalise_array(np.concatenate([w, np.cross(u, v)], axis=-1))


def slerp_array(a: ArrayLike, b: ArrayLike, share: ArrayLike) -> Floats:
    """Rotations `share` (...,) of the way from a to b (..., 4), the short way round."""
    a, b = _float(a), _float(b)
    share = _float(share)[..., None]
    dot = np.sum(a * b, axis=-1, keepdims=True)
    b = np.where(dot < 0.0, -b, b)
    angle = np.arccos(np.clip(np.abs(dot), 0.0, 1.0))
    near = np.abs(dot) > 0.9999995
    sine = np.where(near, 1.0, np.sin(angle))
    fa = np.where(near, 1.0 - share, np.sin((1.0 - share) * angle) / sine)
    fb = np.where(near, share, np.sin(share * angle) / sine)
    return normalise_array(fa * a + fb * b)


def angle_array(a: ArrayLike, b: ArrayLike) -> Floats:
    """Angle of the rotation from a to b, rad, 0..pi: (..., 4), (..., 4) -> (...,)."""
    d = mul_array(conj_array(a), b)
    return 2.0 * np.arctan2(np.sqrt(np.sum(d[..., 1:] ** 2, axis=-1)), np.abs(d[..., 0]))
