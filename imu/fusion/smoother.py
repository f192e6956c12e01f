"""Orientation of a whole stretch of samples, from both sides: for recordings, never for live.

The offline variant of VQF (D. Laidig, T. Seel, "VQF: Highly accurate IMU orientation estimation with bias estimation and
magnetic disturbance rejection", Information Fusion 91 (2023), arXiv 2203.17024), in five steps:

1. the filter runs over the rows forward, and over the same motion backward; both leave their gyroscope bias and its
   covariance at every row;
2. the two biases are combined, each weighted by the inverse of its covariance;
3. the rates without that bias are integrated once: q_inertial_sensor, which drifts slowly and never jumps;
4. the acceleration in that inertial frame is low-passed forward and backward. With twice the filter's second-order
   Butterworth the gain is 1 / (1 + (ω/ω0)⁴): the best linear smoother (Wiener) for an inclination that drifts as a random
   walk and a velocity that is bounded and irregular. It has no delay, and no fast start is needed;
5. that smooth direction is turned upwards by the shortest way from row to row, which leaves the heading alone.

What the authors do not: the gyroscope's scale is estimated from the whole recording (`gyro_scale`), and where that is well
known all is done again with the rates corrected.

Where the authors' program leaves a choice: the rate of row k is the one that turned row k - 1 into row k, so the backward
pass sees it one row earlier, and smoothing the reversed motion gives the reversed orientations; at the ends the
acceleration goes on as its mirror image, which gives no single sample more weight than another; rows whose acceleration is
not believed are bridged in the inertial frame, from the smooth one and from their neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imu.fusion import two_way, vqf
from imu.fusion.channel import PoseBlock
from imu.fusion.coefficients import P0, Coefficients, Params, low_pass
from imu.fusion.gaps import FRESH, RESTART, SKIP_ACC
from imu.fusion.gyro_scale import LINEAR, GyroScale, find_scale
from imu.fusion.rows import Rows
from imu.packets import Floats, Quality

_SETTLING: Final = np.uint16(Quality.SETTLING)
_GUESSED: Final = np.uint16(Quality.GAP | Quality.SATURATED_GYR | Quality.SETTLING)
"""The rotation of these rows is not what was measured, or their rate is not known yet: they say nothing about the scale."""

MIRRORED: Final = 10.0
"""Time constants of acceleration that are mirrored at either end: what the low-pass started with has decayed to 5e-5."""
REPEATS: Final = 5
"""Times that rows without acceleration are filled and all are smoothed again. Each leaves of the error about the share that
those rows have of the time constant: after a second of saturation in 3 s, 1 %."""
LIKE_NEIGHBOURS_S: Final = 0.05
"""How long a limb's acceleration stays like that of a neighbouring row. A straight line is right for single rows and
leaves several degrees after a second; the smooth value alone costs a tenth of a degree where every tenth row is missing."""

LOOKS: Final = 3
"""Times that the scale of the gyroscope is looked for, each time from nearer."""


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """What the samples of a recording say together."""

    q: Floats
    """(n, 4) q_earth_sensor; NaN in a stretch without any usable acceleration. The heading of a stretch is the one that the
    real-time filter has at the first row with a usable acceleration."""
    bias: Floats
    """(n, 3) rad/s, gyroscope bias, of the rates without their scale error: `rates` is what `q` turns with."""
    bias_sigma: Floats
    """(n,) rad/s, upper bound of one standard deviation of the bias in any direction."""
    scale: GyroScale
    """Scale error of the gyroscope, with its uncertainty, and what was corrected of it."""

    def rates(self, gyr: Floats) -> Floats:
        """(n, 3) rad/s, the rates that were smoothed, without scale error and bias."""
        return gyr * (1.0 - self.scale.correction) - self.bias


@dataclass(frozen=True, slots=True, eq=False)
class SmoothedBlocks:
    """Blocks of one sensor in their order, smoothed as one."""

    poses: list[PoseBlock]
    gyr_bias: float
    """rad/s, norm of the mean gyroscope bias; NaN without a row."""
    scale: GyroScale


def smooth(
    gyr: ArrayLike,
    acc: ArrayLike,
    rate_hz: float,
    use_acc: ArrayLike | None = None,
    params: Params | None = None,
    correct_scale: bool = True,
) -> Smoothed:
    """Orientation of one sensor over one stretch without missing rows, every row from all of them.

    Parameters
    ----------
    gyr : (n, 3) rad/s, sensor frame.
    acc : (n, 3) m/s², sensor frame, including gravity.
    rate_hz : float
        Sample rate in the sensor's own clock.
    use_acc : (n,) bool, optional
        False: this row's acceleration is not believed (saturated). Nor is one that is no number, or exactly zero.
    params : Params, optional
        Of the filter; `tau_acc_s` counts in either direction.
    correct_scale : bool
        Estimate the scale error of the gyroscope from these samples, and take off what is known of it. A recording of
        little or one-sided movement says nothing about it, and its rates stay as they are. False: leave them in any case.

    Raises
    ------
    ValueError
        Shapes that do not fit, a rate that is no number, a sample rate that is not positive.
    """
    c = Coefficients.of(rate_hz, params)
    g, a, use = _checked(gyr, acc, use_acc)
    starts, sure = np.zeros(len(g), np.int32), np.full(len(g), correct_scale)
    return _smooth(c, g, a, use, starts, sure)


def smooth_rows(rows: Rows, rate_hz: float, params: Params | None = None) -> Smoothed:
    """The same for a sensor's rows as the gap policy left them: each stretch between restarts by itself.

    As in the real-time filter, the bias survives a hole and is forgotten when the sensor was off; here in both directions.
    The scale of the gyroscope is that of the sensor, and all stretches tell of it where no rotation was guessed.
    """
    c = Coefficients.of(rate_hz, params)
    starts = np.where((rows.actions & RESTART) != 0, np.maximum(rows.holes, 1), two_way.GOES_ON)
    starts = np.where((rows.actions & FRESH) != 0, two_way.ANEW, starts).astype(np.int32)
    sure = (rows.flags & _GUESSED) == 0
    return _smooth(c, rows.gyr * rows.pace[:, None], rows.acc, (rows.actions & SKIP_ACC) == 0, starts, sure)


def smooth_blocks(blocks: Sequence[Rows], rate_hz: float, params: Params | None = None) -> SmoothedBlocks:
    """All blocks of one sensor in their order, smoothed as one: what its channel would have given, from both sides.

    The flags are those of the gap policy, but that the first second of a recording is not SETTLING where its acceleration
    is believed. After a restart SETTLING stays: it also says that the heading is a new one.
    """
    if not blocks:
        return SmoothedBlocks([], math.nan, GyroScale())
    rows = Rows(*(np.concatenate([getattr(b, f.name) for b in blocks]) for f in fields(Rows)))
    s = smooth_rows(rows, rate_hz, params)
    flags = rows.flags.copy()
    settled = np.flatnonzero((flags & _SETTLING) == 0)
    if len(settled):
        begin = slice(0, int(settled[0]))
        flags[begin] &= np.where((rows.actions[begin] & SKIP_ACC) == 0, ~_SETTLING, ~np.uint16(0))
    gyr = s.rates(rows.gyr * rows.pace[:, None]) / rows.pace[:, None]
    ends = np.cumsum([len(b) for b in blocks])
    poses = [
        PoseBlock(rows.t_us[i], s.q[i], gyr[i], rows.acc[i], flags[i], rows.arrived_us[i])
        for i in (slice(end - len(b), end) for b, end in zip(blocks, ends, strict=True))
    ]
    gyr_bias = float(np.linalg.norm(s.bias.mean(axis=0))) if len(rows) else math.nan
    return SmoothedBlocks(poses, gyr_bias, s.scale)


def _smooth(
    c: Coefficients, gyr: Floats, acc: Floats, use: NDArray[np.bool_], starts: NDArray[np.int32], sure: NDArray[np.bool_]
) -> Smoothed:
    """sure (n,): rows from which the scale may be learnt; none = it is not looked for."""
    borders = [0, *np.flatnonzero(starts[1:] != two_way.GOES_ON) + 1, len(gyr)]
    stretches = [slice(int(begin), int(end)) for begin, end in pairwise(borders)]
    scale = GyroScale()
    q, bias, sigma = _with_rates(c, gyr, acc, use, starts, stretches)
    learnt = _runs(sure, starts)
    for _ in range(LOOKS if learnt else 0):
        before = scale.correction
        scale = find_scale(gyr, acc, use, bias, q, c.rate_hz, learnt, before)
        change = np.abs(scale.correction - before).max()
        if change > 0.0:
            q, bias, sigma = _with_rates(c, gyr * (1.0 - scale.correction), acc, use, starts, stretches)
        if change <= LINEAR:
            break
    return Smoothed(q, bias, sigma, scale)


def _runs(sure: NDArray[np.bool_], starts: NDArray[np.int32]) -> list[slice]:
    """Stretches of rows that are sure; a new one begins at every start."""
    opens = sure & (~np.roll(sure, 1) | (starts != two_way.GOES_ON))
    closes = sure & (~np.roll(sure, -1) | (np.roll(starts, -1) != two_way.GOES_ON))
    if len(sure):
        opens[0], closes[-1] = sure[0], sure[-1]
    pairs = zip(np.flatnonzero(opens), np.flatnonzero(closes), strict=True)
    return [slice(int(first), int(last) + 1) for first, last in pairs]


def _with_rates(
    c: Coefficients, gyr: Floats, acc: Floats, use: NDArray[np.bool_], starts: NDArray[np.int32],
    stretches: Sequence[slice],
) -> tuple[Floats, Floats, Floats]:  # fmt: skip
    """q (n, 4), bias (n, 3) and its sigma (n,), with the rates as they are."""
    n = len(gyr)
    q, bias, bias_back, sigma = np.empty((n, 4)), np.empty((n, 3)), np.empty((n, 3)), np.empty(n)
    p, p_back = np.empty((n, 6)), np.empty((n, 6))
    two_way.run_forward(vqf.initial_state(c)[0], c.row, gyr, acc, use, starts, bias, p, q)
    two_way.run_backward(vqf.initial_state(c)[0], c.row, gyr, acc, use, starts, bias_back, p_back)
    two_way.combine(bias, p, bias_back, p_back, c.row[P0], sigma)
    for i in stretches:
        _smooth_stretch(c, gyr[i], acc[i], use[i], bias[i], q[i])
    return q, bias, sigma


def _smooth_stretch(
    c: Coefficients, gyr: Floats, acc: Floats, use: NDArray[np.bool_], bias: Floats, q: Floats
) -> None:
    """q (n, 4) of the real-time filter becomes the smoothed one, in place."""
    if not use.any():
        q[:] = np.nan
        return
    first = int(np.argmax(use))
    start = q[first].copy()
    two_way.strap_down(gyr, bias, 1.0 / c.rate_hz, q)
    force, up = np.empty((len(q), 3)), np.empty((len(q), 3))
    two_way.to_inertial(q, acc, use, force)
    tau_rows = max(1, math.ceil(c.params.tau_acc_s * c.rate_hz))
    b = low_pass(c.params.tau_acc_s, 1.0 / c.rate_hz)
    margin = math.ceil(MIRRORED * tau_rows)
    two_way.low_pass_both_ways(force, b, tau_rows, margin, up)
    for _ in range(0 if use.all() else REPEATS):
        two_way.bridge(force, up, use, math.exp(-1.0 / (c.rate_hz * LIKE_NEIGHBOURS_S)))
        two_way.low_pass_both_ways(force, b, tau_rows, margin, up)
    two_way.turn_upright(q, up, first, start)


def _checked(gyr: ArrayLike, acc: ArrayLike, use_acc: ArrayLike | None) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Contiguous float64, and which rows of acc to use."""
    g, a = np.array(gyr, dtype=np.float64, order="C"), np.array(acc, dtype=np.float64, order="C")
    for name, x in (("gyr", g), ("acc", a)):
        if x.ndim != 2 or x.shape[1] != 3:
            raise ValueError(f"smooth: {name} has shape {x.shape}; give (n, 3), one sample per row")
    if g.shape != a.shape:
        raise ValueError(f"smooth: gyr has {len(g)} rows, acc {len(a)}; both need the same rows")
    bad = ~np.isfinite(g).all(axis=1)
    if bad.any():
        raise ValueError(f"smooth: gyr is not a finite number at row {int(np.argmax(bad))}; fill or split there")
    use = np.isfinite(a).all(axis=1) & (a != 0.0).any(axis=1)
    if use_acc is not None:
        wanted = np.asarray(use_acc, dtype=np.bool_)
        if wanted.shape != use.shape:
            raise ValueError(f"smooth: use_acc has shape {wanted.shape}, gyr {len(g)} rows; give one truth value per row")
        use &= wanted
    a[~use] = 0.0
    return g, a, use
