"""Plain twins of the kernels in `imu.feedback.course`, `stand_search` and `carried`: whole arrays, scipy, numpy."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


def turns(gyr: Array, period_s: float) -> list[Rotation]:
    """(n - 1) rotations between neighbouring samples of gyr (n, 3): the mean of both rates."""
    return [Rotation.from_rotvec(0.5 * (a + b) * period_s) for a, b in pairwise(gyr)]


def course(gyr: Array, acc: Array, at: int, last: int, period_s: float, calm: int) -> tuple[Array, Array, Array]:
    """(rest (3,), path (n, 3), turning (3, 3)) of one sensor from frame `at` to `last`."""
    rest = acc[at - calm : at + calm + 1].sum(axis=0)
    rest = rest / np.linalg.norm(rest)
    since, path = Rotation.identity(), [rest]
    for turn in turns(gyr[at : last + 1], period_s):
        since = since * turn
        path.append(since.apply(rest))
    w = gyr[at + 1 : last + 1]
    return rest, np.array(path), w.T @ w * period_s


def tilt(path: Array, rest: Array) -> Array:
    return np.arccos(np.clip(path @ rest, -1.0, 1.0))


def matched(tilts: Array, path: Array, depths: Array, share: float) -> Array:
    """(2, depths, 3), first crossing down and last crossing up."""
    out = np.full((2, len(depths), 3), np.nan)
    deepest = int(np.argmax(tilts))
    for d, depth in enumerate(depths):
        if depth > share * tilts[deepest]:
            continue
        k = int(np.flatnonzero(tilts >= depth)[0])
        if k > 0:
            x = (depth - tilts[k - 1]) / (tilts[k] - tilts[k - 1])
            out[0, d] = (1 - x) * path[k - 1] + x * path[k]
        k = int(np.flatnonzero(tilts >= depth)[-1])
        if k + 1 < len(tilts):
            x = (tilts[k] - depth) / (tilts[k] - tilts[k + 1])
            out[1, d] = (1 - x) * path[k] + x * path[k + 1]
    return out


def angle_about(gyr: Array, period_s: float) -> Array:
    """Angle about the first principal axis, up to its sign."""
    axis = np.linalg.eigh(gyr.T @ gyr)[1][:, -1]
    return np.cumsum(gyr @ axis) * period_s


def carried(
    gyr: Array, acc: Array, stand: Array, start: Array, period_s: float, *, near_cos: float, near_tilt: float, still: float,
    still_s: float, moving_s: float,
) -> Array:  # fmt: skip
    """(n - 1,) tilts of one sensor from frame 1 on; `start` is its direction at frame 0."""
    v, out = start, []
    for k, turn in enumerate(turns(gyr, period_s), start=1):
        v = turn.inv().apply(v)
        out.append(float(np.arccos(np.clip(v @ stand, -1.0, 1.0))))
        norm = float(np.linalg.norm(acc[k]))
        if acc[k] @ stand > near_cos * norm and out[-1] < near_tilt:
            tau = still_s if np.linalg.norm(gyr[k]) < still else moving_s
            v = v + period_s / (period_s + tau) * (acc[k] / norm - v)
            v = v / np.linalg.norm(v)
    return np.array(out)
