"""Plain numpy twins of the feedback kernels, looking at a whole set at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def combined(left: Array, right: Array, apart: float) -> Array:
    """Signal of both legs."""
    return np.minimum((left + right) / 2.0, np.minimum(left, right) + apart)


def unfolded(tilt: Array, forward: Array) -> Array:
    """Tilt with its sign near zero: from 5 to 15 degrees it passes over into the unsigned one."""
    share = np.interp(tilt, np.radians([5.0, 15.0]), [1.0, 0.0])
    return share * forward + (1.0 - share) * tilt


def rate(signal: Array, half: int, dt: float) -> Array:
    """Least-squares slope over 2 half + 1 samples, centred; 0 where the window does not fit, NaN where it has one."""
    out = np.zeros(len(signal))
    x = np.arange(-half, half + 1) * dt
    for i in range(half, len(signal) - half):
        window = signal[i - half : i + half + 1]
        out[i] = np.nan if np.isnan(window).any() else np.polyfit(x, window, 1)[0]
    return out


def start_of_movement(t: Array, v: Array, inside: int) -> float:
    """When a movement that is under way at index `inside` began, from 10, 20 and 40 % of its peak rate; NaN if the rate was
    unknown when it passed one of them."""
    inner = max(0.1 * np.nanmax(v), 0.0436)
    crossings = []
    for level in (4 * inner, 2 * inner, inner):
        i = int(np.flatnonzero(v[:inside] < level)[-1])
        if np.isnan(v[i + 1]):
            return float("nan")
        crossings.append(np.interp(level, v[i : i + 2], t[i : i + 2]))
    t_40, t_20, t_10 = crossings
    told = np.interp((t_20 - t_40) / (t_10 - t_20), (1.643, 2.0), (0.785, 0.333))
    return t_10 - (told + 0.6) / 2.0 * (t_40 - t_10)


def way_up_minus_way_down(tilt: Array, frontal: Array) -> Array:
    """Difference at 30, 35 .. 80 degrees of one repetition's thigh tilt, up to 90 % of its peak; deepest first."""
    deepest = int(np.argmax(tilt))
    depths = np.radians(np.arange(30.0, 81.0, 5.0))
    depths = depths[depths <= 0.9 * tilt[deepest]]
    down = np.interp(depths, tilt[: deepest + 1], frontal[: deepest + 1])
    up = np.interp(depths, tilt[deepest:][::-1], frontal[deepest:][::-1])
    return (up - down)[::-1]
