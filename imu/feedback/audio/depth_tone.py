"""A soft tone whose pitch follows a movement. No jump in it: pitch and level glide, the phase goes on.

Added to what a mixer renders, in the sound card's callback: no array is made.
"""

from __future__ import annotations

from math import isnan
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.feedback.audio.tones import RATE_HZ

Stereo = NDArray[np.float32]

LEVEL: Final = 0.1
"""Loudest sample, 14 dB below a cue."""
DUCKED: Final = 0.25
"""Share of its level while a cue sounds."""
BASE_HZ: Final = 440.0
"""Lower end of the octave; small loudspeakers still have it."""
GLIDE: Final = 6.0
"""Octaves a second at most: a frame's step of a fast squat is followed within 20 ms."""
RISE_S: Final = 0.05
"""From silence to full level, and back. Below 5 ms it clicks."""
BLOCK: Final = 1024


class DepthTone:
    """`aim` from any thread, `add` from one.

    Parameters
    ----------
    rate_hz : int
    """

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        self.rate_hz = rate_hz
        self._aim: tuple[float, float, int] = (0.0, 0.0, 0)
        """Octaves above the base, level 0 to 1, and the time until which they hold."""
        self._wanted = 0.0
        self._octave, self._gain, self._cycles = 0.0, 0.0, 0.0
        self._target = 0.0
        self._steps = np.arange(1, BLOCK + 1, dtype=np.float64)
        self._pitch, self._level = np.empty(BLOCK), np.empty(BLOCK)
        self._wave: Stereo = np.empty((BLOCK, 2), np.float32)

    def aim(self, octave: float, volume: float, until_ns: int) -> None:
        """Go to this pitch; silent by itself after `until_ns` on the clock of `begin`, or for NaN."""
        if isnan(octave):
            self._aim = (self._aim[0], 0.0, until_ns)
        else:
            self._aim = (min(max(octave, -1.0), 2.0), min(max(volume, 0.0), 1.0), until_ns)

    def begin(self, now_ns: int) -> None:
        """Take what was asked for before a request of the driver."""
        octave, volume, until_ns = self._aim
        self._target = volume if now_ns <= until_ns else 0.0
        if self._gain == 0.0:
            self._octave = octave  # nobody hears it: begin where the movement is
        self._wanted = octave

    def add(self, out: Stereo, voiced: list[tuple[int, int]]) -> None:
        """Add it to (n, 2), n at most `BLOCK`; `voiced`: rows (from, to) in which a cue sounds."""
        if self._gain == 0.0 and self._target == 0.0:
            return
        row = 0
        for first, end in voiced:
            if row < first:
                self._stretch(out[row:first], self._target)
            self._stretch(out[max(first, row) : end], self._target * DUCKED)
            row = max(row, end)
        if row < len(out):
            self._stretch(out[row:], self._target)

    def _stretch(self, out: Stereo, target: float) -> None:
        n = len(out)
        if n == 0:
            return
        pitch, level = self._pitch[:n], self._level[:n]
        self._octave = _ramp(pitch, self._steps[:n], self._octave, self._wanted, GLIDE / self.rate_hz)
        self._gain = _ramp(level, self._steps[:n], self._gain, target, 1.0 / (RISE_S * self.rate_hz))
        np.exp2(pitch, out=pitch)
        np.multiply(pitch, BASE_HZ / self.rate_hz, out=pitch)
        np.cumsum(pitch, out=pitch)
        np.add(pitch, self._cycles, out=pitch)
        self._cycles = float(pitch[-1]) % 1.0
        np.multiply(pitch, 2.0 * np.pi, out=pitch)
        np.sin(pitch, out=pitch)
        np.multiply(pitch, level, out=pitch)
        np.multiply(pitch, LEVEL * np.sqrt(0.5), out=pitch)
        wave = self._wave[:n]
        wave[:, 0] = pitch
        wave[:, 1] = pitch
        np.add(out, wave, out=out)


def _ramp(out: NDArray[np.float64], steps: NDArray[np.float64], now: float, target: float, step: float) -> float:
    """Fill with a straight way from `now` to `target`, `step` a sample; returns where it ends."""
    if now == target:
        out.fill(target)
        return target
    np.multiply(steps, step if target > now else -step, out=out)
    np.add(out, now, out=out)
    np.clip(out, min(now, target), max(now, target), out=out)
    return float(out[-1])
