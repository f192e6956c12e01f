"""Kalman update of the gyroscope bias, three measurements at once (section 3.4 of the VQF paper)."""

from __future__ import annotations

from imu.fusion.coefficients import K
from imu.fusion.lanes import Lane, at, put
from imu.kernels import inlined
from imu.packets import Floats


@inlined
def _clip(x: float, limit: float) -> float:
    return min(max(x, -limit), limit)


@inlined
def forget(s: Floats, j: Lane, lanes: int, p: int, k: K) -> None:
    """One sample's growth of the variances at row `p` of lane j, up to those at the start."""
    xx, yy, zz = at(s, p, j, lanes), at(s, p + 3, j, lanes), at(s, p + 5, j, lanes)
    put(s, p, j, lanes, xx + k.v if xx < k.p0 else xx)
    put(s, p + 3, j, lanes, yy + k.v if yy < k.p0 else yy)
    put(s, p + 5, j, lanes, zz + k.v if zz < k.p0 else zz)


@inlined
def learn(
    s: Floats, j: Lane, lanes: int, bias: int, p: int, k: K, resting: bool,
    mx: float, my: float, mz: float, ex: float, ey: float, ez: float,
    h00: float, h01: float, h02: float, h10: float, h11: float, h12: float, h20: float, h21: float, h22: float,
) -> None:  # fmt: skip
    """Update the bias and its covariance, rows `bias` and `p` of lane j.

    At rest the measurement is the mean rate m, with the unit matrix; in motion the innovation e (rad/s) of the inclination
    correction, with the low-passed rotation matrix h. Everything is chosen by value and not by branch.
    """
    xx, xy, xz = at(s, p, j, lanes), at(s, p + 1, j, lanes), at(s, p + 2, j, lanes)
    yy, yz, zz = at(s, p + 3, j, lanes), at(s, p + 4, j, lanes), at(s, p + 5, j, lanes)
    bx, by, bz = at(s, bias, j, lanes), at(s, bias + 1, j, lanes), at(s, bias + 2, j, lanes)
    ex = _clip(mx - bx if resting else ex, k.bias_clip)
    ey = _clip(my - by if resting else ey, k.bias_clip)
    ez = _clip(mz - bz if resting else ez, k.bias_clip)
    w = k.w_rest if resting else k.w_motion
    w_z = k.w_rest if resting else k.w_vertical
    h00, h01, h02 = (1.0 if resting else h00), (0.0 if resting else h01), (0.0 if resting else h02)
    h10, h11, h12 = (0.0 if resting else h10), (1.0 if resting else h11), (0.0 if resting else h12)
    h20, h21, h22 = (0.0 if resting else h20), (0.0 if resting else h21), (1.0 if resting else h22)
    # a = P hᵀ, its column i belongs to measurement i
    a00, a10, a20 = xx * h00 + xy * h01 + xz * h02, xy * h00 + yy * h01 + yz * h02, xz * h00 + yz * h01 + zz * h02
    a01, a11, a21 = xx * h10 + xy * h11 + xz * h12, xy * h10 + yy * h11 + yz * h12, xz * h10 + yz * h11 + zz * h12
    a02, a12, a22 = xx * h20 + xy * h21 + xz * h22, xy * h20 + yy * h21 + yz * h22, xz * h20 + yz * h21 + zz * h22
    # m = w + h a, symmetric; its inverse by cofactors c over the determinant
    m00, m11 = w + (a00 * h00 + a10 * h01 + a20 * h02), w + (a01 * h10 + a11 * h11 + a21 * h12)
    m22, m01 = w_z + (a02 * h20 + a12 * h21 + a22 * h22), a01 * h00 + a11 * h01 + a21 * h02
    m02, m12 = a02 * h00 + a12 * h01 + a22 * h02, a02 * h10 + a12 * h11 + a22 * h12
    c00, c01, c02 = m11 * m22 - m12 * m12, m02 * m12 - m01 * m22, m01 * m12 - m02 * m11
    c11, c12, c22 = m00 * m22 - m02 * m02, m01 * m02 - m00 * m12, m00 * m11 - m01 * m01
    f = 1.0 / (m00 * c00 + m01 * c01 + m02 * c02)
    # gain g = a m⁻¹, by rows
    g00, g01, g02 = (
        f * (a00 * c00 + a01 * c01 + a02 * c02),
        f * (a00 * c01 + a01 * c11 + a02 * c12),
        f * (a00 * c02 + a01 * c12 + a02 * c22),
    )
    g10, g11, g12 = (
        f * (a10 * c00 + a11 * c01 + a12 * c02),
        f * (a10 * c01 + a11 * c11 + a12 * c12),
        f * (a10 * c02 + a11 * c12 + a12 * c22),
    )
    g20, g21, g22 = (
        f * (a20 * c00 + a21 * c01 + a22 * c02),
        f * (a20 * c01 + a21 * c11 + a22 * c12),
        f * (a20 * c02 + a21 * c12 + a22 * c22),
    )
    put(s, bias, j, lanes, _clip(bx + (g00 * ex + g01 * ey + g02 * ez), k.bias_clip))
    put(s, bias + 1, j, lanes, _clip(by + (g10 * ex + g11 * ey + g12 * ez), k.bias_clip))
    put(s, bias + 2, j, lanes, _clip(bz + (g20 * ex + g21 * ey + g22 * ez), k.bias_clip))
    # P - g h P = P - g aᵀ, kept symmetric
    put(s, p, j, lanes, xx - (g00 * a00 + g01 * a01 + g02 * a02))
    put(s, p + 1, j, lanes, xy - (g00 * a10 + g01 * a11 + g02 * a12))
    put(s, p + 2, j, lanes, xz - (g00 * a20 + g01 * a21 + g02 * a22))
    put(s, p + 3, j, lanes, yy - (g10 * a10 + g11 * a11 + g12 * a12))
    put(s, p + 4, j, lanes, yz - (g10 * a20 + g11 * a21 + g12 * a22))
    put(s, p + 5, j, lanes, zz - (g20 * a20 + g21 * a21 + g22 * a22))
