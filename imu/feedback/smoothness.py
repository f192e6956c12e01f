"""Smoothness of one phase of a movement: spectral arc length.

Balasubramanian, Melendez-Calderon, Roby-Brami & Burdet (2015), "On the analysis of movement smoothness": the arc length of
the normalised spectrum of the speed up to 10 Hz, cut where it stays below 5 %; negative, and less negative = smoother. It
does not depend on amplitude. Speed is the rate of the repetition signal, which a gyroscope measures; neither raw
accelerations nor integrated velocities are fit for it (methods compared in Melendez-Calderon et al. 2021).
"""

from __future__ import annotations

from math import ceil, log2, nan
from typing import Final

import numpy as np

from imu.packets import Floats, Ints

CUT_HZ: Final = 10.0
LEAST_SHARE: Final = 0.05
PADDING: Final = 4
"""Powers of two by which the series is lengthened with zeros, for a spectrum that is drawn finely."""
FEWEST: Final = 12
"""samples; a phase of less than 0.1 s has no shape."""


def spectral_arc_length(speed: Floats, rate_hz: float) -> float:
    """SPARC of a speed (n,), any unit; NaN if it is too short, still or not known throughout."""
    if len(speed) < FEWEST or not np.isfinite(speed).all() or not speed.any():
        return nan
    size = 2 ** (ceil(log2(len(speed))) + PADDING)
    spectrum = np.abs(np.fft.rfft(speed, size))
    spectrum = spectrum / spectrum.max()
    frequency = np.arange(len(spectrum)) * (rate_hz / size)
    spectrum = spectrum[frequency <= CUT_HZ]
    kept = np.flatnonzero(spectrum >= LEAST_SHARE)
    spectrum = spectrum[kept[0] : kept[-1] + 1]
    if len(spectrum) < 2:
        return nan
    step = 1.0 / (len(spectrum) - 1)
    return -float(np.sqrt(step**2 + np.diff(spectrum) ** 2).sum())


def smoothness(ring_t: Ints, ring_s: Floats, n: int, known: int, start_us: int, end_us: int, period_us: int) -> float:
    """SPARC of the signal's rate from start to end; ring_t, ring_s (N,) hold frames up to number n - 1, N a power of two.

    Central differences: the slope over 100 ms that phases are found by would smooth what is to be measured.
    """
    mask, oldest = len(ring_t) - 1, max(known, n - len(ring_t))
    numbers = np.arange(oldest, n) & mask
    t = ring_t[numbers]
    first, last = np.searchsorted(t, start_us), np.searchsorted(t, end_us, side="right")
    if first < 1 or last + 1 > len(t) or last - first < FEWEST:
        return nan
    s = ring_s[numbers[first - 1 : min(last + 1, len(t))]]
    return spectral_arc_length(np.abs(s[2:] - s[:-2]) / (2e-6 * period_us), 1e6 / period_us)
