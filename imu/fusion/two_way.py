"""Kernels of the offline smoother: the filter in both directions, and a low-pass without delay. See `smoother`."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion import coefficients, vqf
from imu.fusion.quaternion import between, mul, normalise, rotate, turned
from imu.kernels import kernel
from imu.packets import Floats

GOES_ON: Final = 0
"""In `starts`: a row that follows the one before. Above 0: a stretch starts, so many samples before it were not seen."""
ANEW: Final = -1
"""A stretch starts of whose gyroscope bias nothing is known: the sensor was off in between."""
_BIAS, _P, _P0, _V = vqf.BIAS, vqf.P, coefficients.P0, coefficients.V
Symmetric = tuple[float, float, float, float, float, float]
Starts = NDArray[np.int32]
Rows = NDArray[np.bool_]


@kernel
def _start_stretch(s: Floats, c: Floats, unseen: int) -> None:
    """What was not seen makes the bias less certain, as in the filter, never more than at the start."""
    vqf.reset(s, c, unseen > 0)
    for p in (_P, _P + 3, _P + 5):
        s[p] = max(s[p], min(s[p] + max(unseen, 0) * c[_V], c[_P0]))


@kernel
def _keep(s: Floats, sign: float, bias: Floats, p: Floats) -> None:
    for x in range(3):
        bias[x] = sign * s[_BIAS + x]
    for x in range(6):
        p[x] = s[_P + x]


@kernel
def run_forward(
    s: Floats, c: Floats, gyr: Floats, acc: Floats, use: Rows, starts: Starts, bias: Floats, p: Floats, q: Floats
) -> None:
    """Bias (n, 3), covariance (n, 6) and q_earth_sensor (n, 4) of the real-time filter at every row.

    gyr rad/s, acc m/s² (n, 3); use (n,): the acceleration is believed; starts (n,): GOES_ON, ANEW or samples not seen.
    """
    for k in range(gyr.shape[0]):
        if starts[k] != GOES_ON:
            _start_stretch(s, c, starts[k])
        vqf.step(s, c, (gyr[k, 0], gyr[k, 1], gyr[k, 2]), (acc[k, 0], acc[k, 1], acc[k, 2]), use[k])
        _keep(s, 1.0, bias[k], p[k])
        q[k, 0], q[k, 1], q[k, 2], q[k, 3] = vqf.orientation_of(s)


@kernel
def run_backward(
    s: Floats, c: Floats, gyr: Floats, acc: Floats, use: Rows, starts: Starts, bias: Floats, p: Floats
) -> None:
    """The same of the filter that sees the motion in reverse: what turned row k + 1 into row k is the rate of row k + 1."""
    n = gyr.shape[0]
    for k in range(n - 1, -1, -1):
        last = k == n - 1 or starts[k + 1] != GOES_ON
        if last and k < n - 1:
            _start_stretch(s, c, starts[k + 1])
        w = gyr[k if last else k + 1]
        vqf.step(s, c, (-w[0], -w[1], -w[2]), (acc[k, 0], acc[k, 1], acc[k, 2]), use[k])
        _keep(s, -1.0, bias[k], p[k])


@kernel
def _inverse(m: Symmetric) -> Symmetric:
    """Inverse of a positive definite matrix xx, xy, xz, yy, yz, zz by cofactors."""
    xx, xy, xz, yy, yz, zz = m
    c0, c1, c2 = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    f = 1.0 / (xx * c0 + xy * c1 + xz * c2)
    return (f * c0, f * c1, f * c2, f * (xx * zz - xz * xz), f * (xy * xz - xx * yz), f * (xx * yy - xy * xy))


@kernel
def _times(m: Symmetric, x: float, y: float, z: float) -> tuple[float, float, float]:
    return (m[0] * x + m[1] * y + m[2] * z, m[1] * x + m[3] * y + m[4] * z, m[2] * x + m[4] * y + m[5] * z)


@kernel
def combine(bias: Floats, p: Floats, bias_back: Floats, p_back: Floats, p0: float, sigma: Floats) -> None:
    """Forward and backward bias (n, 3), weighted by their covariances (n, 6), into `bias`; sigma (n,).

    Both passes started from the same prior; for sigma it counts once. For the bias itself it counts twice, as in the
    paper: taking it off would be right if the errors of both were independent, and on the two-link recordings it made the
    heading a fifth worse.
    """
    prior = 1.0 / p0
    for k in range(bias.shape[0]):
        f, r = p[k], p_back[k]
        one, two = _inverse((f[0], f[1], f[2], f[3], f[4], f[5])), _inverse((r[0], r[1], r[2], r[3], r[4], r[5]))
        both = _inverse(
            (one[0] + two[0], one[1] + two[1], one[2] + two[2], one[3] + two[3], one[4] + two[4], one[5] + two[5])
        )
        u = _times(one, bias[k, 0], bias[k, 1], bias[k, 2])
        v = _times(two, bias_back[k, 0], bias_back[k, 1], bias_back[k, 2])
        bias[k, 0], bias[k, 1], bias[k, 2] = _times(both, u[0] + v[0], u[1] + v[1], u[2] + v[2])
        both = _inverse(
            (
                one[0] + two[0] - prior, one[1] + two[1], one[2] + two[2],
                one[3] + two[3] - prior, one[4] + two[4], one[5] + two[5] - prior,
            )
        )  # fmt: skip
        # no eigenvalue is larger than the largest sum of a row
        bound = max(
            abs(both[0]) + abs(both[1]) + abs(both[2]),
            max(abs(both[1]) + abs(both[3]) + abs(both[4]), abs(both[2]) + abs(both[4]) + abs(both[5])),
        )
        sigma[k] = math.sqrt(min(bound, p0))


@kernel
def strap_down(gyr: Floats, bias: Floats, ts: float, q: Floats) -> None:
    """Integrate gyr - bias (n, 3) rad/s from the identity: q (n, 4) q_inertial_sensor."""
    now = (1.0, 0.0, 0.0, 0.0)
    for k in range(gyr.shape[0]):
        x, y, z = gyr[k, 0] - bias[k, 0], gyr[k, 1] - bias[k, 1], gyr[k, 2] - bias[k, 2]
        now = turned(now, x, y, z, ts)
        q[k, 0], q[k, 1], q[k, 2], q[k, 3] = now


@kernel
def to_inertial(q: Floats, acc: Floats, use: Rows, out: Floats) -> None:
    """acc (n, 3) in the inertial frame; rows without `use` on the line between their neighbours."""
    for k in range(q.shape[0]):
        if use[k]:
            out[k, 0], out[k, 1], out[k, 2] = rotate(q[k], acc[k])
    bridge(out, np.zeros_like(out), use, 1.0)


@kernel
def bridge(x: Floats, smooth_x: Floats, use: Rows, keep: float) -> None:
    """Fill the rows of x (n, 3) without `use`, in place: the smooth value, plus what lies on the line between both
    neighbours' deviations from it, of which `keep` (0..1) is left after each row.

    At the ends there is one neighbour. At least one row must be used.
    """
    n = x.shape[0]
    last = -1
    for k in range(n + 1):
        if k < n and not use[k]:
            continue
        for j in range(last + 1, k):
            # share of the row behind the hole
            share = 0.0 if k == n else 1.0 if last < 0 else (j - last) / (k - last)
            before, behind = (1.0 - share) * keep ** (j - last), share * keep ** (k - j)
            for c in range(3):
                deviation = 0.0
                if last >= 0:
                    deviation += before * (x[last, c] - smooth_x[last, c])
                if k < n:
                    deviation += behind * (x[k, c] - smooth_x[k, c])
                x[j, c] = smooth_x[j, c] + deviation
        last = k


@kernel
def _mirrored(k: int, n: int) -> int:
    """Row that stands for row k of a stretch 0..n-1 which goes on as its own mirror image, again and again."""
    k %= 2 * n
    return k if k < n else 2 * n - 1 - k


@kernel
def low_pass_both_ways(
    x: Floats, b: tuple[float, float, float, float, float], mean_rows: int, margin: int, out: Floats
) -> None:
    """Second-order low-pass b0, b1, b2, a1, a2 of every column of x (n, m), forward and then backward, into out (n, m).

    `margin` mirrored rows at either end are filtered too; each pass starts steady at the mean of its first `mean_rows`.
    """
    n = x.shape[0]
    rows = n + 2 * margin
    mean_rows = min(mean_rows, rows)
    y = np.empty(rows)
    for column in range(x.shape[1]):
        for k in range(rows):
            y[k] = x[_mirrored(k - margin, n), column]
        for backward in (False, True):
            mean = 0.0
            for k in range(mean_rows):
                mean += y[rows - 1 - k if backward else k] / mean_rows
            z0, z1 = mean * (1.0 - b[0]), mean * (b[2] - b[4])
            for k in range(rows):
                i = rows - 1 - k if backward else k
                v = y[i]
                y[i] = b[0] * v + z0
                z0 = b[1] * v - b[3] * y[i] + z1
                z1 = b[2] * v - b[4] * y[i]
        for k in range(n):
            out[k, column] = y[margin + k]


@kernel
def turn_upright(q: Floats, up: Floats, first: int, start: Floats) -> None:
    """q_inertial_sensor (n, 4) becomes q_earth_sensor, in place; up (n, 3): smooth acceleration in the inertial frame.

    At row `first` the heading is that of `start` (4,).
    """
    earth = (1.0, 0.0, 0.0, 0.0)
    for k in range(q.shape[0]):
        v = rotate(earth, up[k])
        # free fall to the last bit has no direction: as before
        if v[0] * v[0] + v[1] * v[1] + v[2] * v[2] > 1e-20:
            earth = normalise(mul(between(v, (0.0, 0.0, 1.0)), earth))
        q[k, 0], q[k, 1], q[k, 2], q[k, 3] = mul(earth, q[k])
    e = mul((start[0], start[1], start[2], start[3]), (q[first, 0], -q[first, 1], -q[first, 2], -q[first, 3]))
    length = math.hypot(e[0], e[3])
    # a half turn about a horizontal axis has no heading
    turn = (e[0] / length, 0.0, 0.0, e[3] / length) if length > 1e-9 else (1.0, 0.0, 0.0, 0.0)
    for k in range(q.shape[0]):
        q[k, 0], q[k, 1], q[k, 2], q[k, 3] = normalise(mul(turn, q[k]))
