"""Plain numpy twins of what the drills' kernels do, looking at a whole repetition at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def spectral_arc_length(speed: Array, rate_hz: float, padding: int = 4, cut_hz: float = 10.0, least: float = 0.05) -> float:
    """The authors' definition step by step: full transform, shares of the largest, cut at the last one above `least`."""
    size = int(2 ** (np.ceil(np.log2(len(speed))) + padding))
    frequency = np.arange(0, rate_hz, rate_hz / size)
    spectrum = abs(np.fft.fft(speed, size))
    spectrum = spectrum / max(spectrum)
    low = frequency <= cut_hz
    frequency, spectrum = frequency[low], spectrum[low]
    above = np.flatnonzero(spectrum >= least)
    rows = range(above[0], above[-1] + 1)
    frequency, spectrum = frequency[rows], spectrum[rows]
    span = frequency[-1] - frequency[0]
    return -sum(np.sqrt((np.diff(frequency) / span) ** 2 + np.diff(spectrum) ** 2))


def counted_from(values: Array, against: str, start: float) -> Array:
    """A quantity from the stand, from its value at the start, or from its largest value so far."""
    if against == "start":
        return values - start
    return values - np.maximum.accumulate(values) if against == "largest" else values


def exceeded(away: Array, t: Array, limit: float, way: str, dwell_s: float) -> float | None:
    """Time at which a quantity has been beyond its limit for the dwell time; None = never."""
    beyond = {"above": away > limit, "below": away < limit, "beyond": abs(away) > limit}[way]
    since = None
    for i, hit in enumerate(beyond):
        since = (t[i] if since is None else since) if hit else None
        if since is not None and t[i] - since >= dwell_s - 1e-9:
            return float(t[i])
    return None


def rests(signal: Array, t_us: NDArray[np.int64], still: float, least_us: int, open_: float) -> list[float]:
    """Levels that somebody who only ever rests lower takes, one after the other."""
    levels: list[float] = []
    anchor, since = signal[0], t_us[0]
    for value, now in zip(signal, t_us, strict=True):
        if abs(value - anchor) > still:
            anchor, since = value, now
        elif now - since >= least_us and (not levels or value < levels[-1] - 0.5 * open_):
            levels.append(float(value))
    return levels


def wobble(values: Array, seconds: float, turns: float) -> float:
    """Way that values go to and fro beyond once there and back, in a second; going back by less than `turns` is noise."""
    points, i = [float(values[0])], 0
    while True:  # from each turning point to the furthest value before it comes back
        rest = values[i:]
        away = rest - points[-1]
        side = np.sign(away[np.flatnonzero(away)[0]]) if away.any() else 1.0
        furthest = np.maximum.accumulate(side * away)
        back = np.flatnonzero(furthest - side * away > turns)
        stop = back[0] if len(back) else len(rest)
        top = int(np.argmax(side * away[:stop]))
        points.append(float(rest[top]))
        if len(back) == 0:
            break
        i += top
    travel = float(np.abs(np.diff(points)).sum())
    return max(travel - 2.0 * float(np.ptp(values)), 0.0) / seconds


def sigma_of_change(before: Array, after: Array, passing: tuple[float, float]) -> float:
    """1σ of a change: steady parts (terms,) at both ends cancel with their signs, what passes (1σ each) does not."""
    return float(np.sqrt(np.sum((after - before) ** 2) + passing[0] ** 2 + passing[1] ** 2))
