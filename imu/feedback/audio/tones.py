"""Short tones as arrays. Ramped at both ends, so that nothing clicks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mono = NDArray[np.float32]

RATE_HZ = 48000
"""Sample rate of everything that sounds; most sound cards run at it, so nothing is resampled."""
ATTACK_S = 0.005
"""Rise of every note. Longer = softer and later; below 2 ms it clicks."""
RELEASE_S = 0.015
HARMONICS = (1.0, 0.3, 0.1)
"""Shares of the first three partials: the upper ones carry low notes over small loudspeakers."""


@dataclass(frozen=True, slots=True)
class Note:
    """One struck note. `to_hz` other than `hz`: it glides there, equal intervals in equal times."""

    hz: float
    seconds: float
    to_hz: float = 0.0
    decay_s: float = 0.12
    """Time to fall to 37 %. Larger = rings longer."""
    rest_s: float = 0.0
    """Silence after it."""


def tone(note: Note, rate_hz: int = RATE_HZ) -> Mono:
    """(n,) one note without its rest, peak about 1."""
    n = round(note.seconds * rate_hz)
    t = np.arange(n) / rate_hz
    end_hz = note.to_hz or note.hz
    hz = note.hz * (end_hz / note.hz) ** (t / note.seconds)
    cycles = np.concatenate([[0.0], np.cumsum(hz[:-1])]) / rate_hz
    wave = sum(share * np.sin(2.0 * np.pi * k * cycles) for k, share in enumerate(HARMONICS, 1)) / sum(HARMONICS)
    return ramped((wave * np.exp(-t / note.decay_s)).astype(np.float32), ATTACK_S, RELEASE_S, rate_hz)


def melody(notes: Sequence[Note], rate_hz: int = RATE_HZ) -> Mono:
    """(n,) notes one after the other with their rests, the loudest sample at 1."""
    parts = [p for note in notes for p in (tone(note, rate_hz), np.zeros(round(note.rest_s * rate_hz), np.float32))]
    wave = np.concatenate(parts)
    return wave / np.float32(np.abs(wave).max())


def ramped(wave: Mono, attack_s: float, release_s: float, rate_hz: int = RATE_HZ) -> Mono:
    """(n,) a copy that starts and ends at exactly 0, by raised cosines."""
    wave = wave.copy()
    for seconds, part in ((attack_s, wave), (release_s, wave[::-1])):
        k = min(round(seconds * rate_hz), len(wave))
        part[:k] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(k) / max(k, 1))).astype(np.float32)
    return wave
