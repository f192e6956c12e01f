"""Smooth functions of time that a body model is made of: moves between levels, and sway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Move:
    """From one level to another, between two instants in s; the level is held afterwards."""

    start_s: float
    end_s: float
    level: float
    """The level that is reached."""


def minimum_jerk(x: Floats) -> Floats:
    """Share of the time -> share of the way, 0 before and 1 after: how people move when nothing hurries them (Flash & Hogan
    1985)."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))  # 10 x³ - 15 x⁴ + 6 x⁵


class Track:
    """A level that changes by minimum-jerk moves and is constant between them; twice continuously differentiable.

    Parameters
    ----------
    moves : tuple of Move
        In order, not overlapping. Before the first one the level is 0.
    """

    def __init__(self, moves: tuple[Move, ...]) -> None:
        ends = [m.end_s for m in moves]
        if any(m.end_s <= m.start_s for m in moves) or any(m.start_s < e for m, e in zip(moves[1:], ends, strict=False)):
            raise ValueError("the moves of a track overlap, are out of order or take no time")
        self._start = np.array([-np.inf] + [m.start_s for m in moves])
        self._scale = np.array([0.0] + [1.0 / (m.end_s - m.start_s) for m in moves])
        self._to = np.array([0.0] + [m.level for m in moves])
        self._from = np.concatenate(([0.0], self._to[:-1]))
        self._origin = np.array([0.0] + [m.start_s for m in moves])

    def __call__(self, t: Floats) -> Floats:
        """(n,) s -> (n,) level."""
        i = np.searchsorted(self._start, t, side="right") - 1
        low = self._from[i]
        return low + (self._to[i] - low) * minimum_jerk((t - self._origin[i]) * self._scale[i])

    def acceleration(self, t: Floats) -> Floats:
        """(n,) s -> (n,) level/s²."""
        i = np.searchsorted(self._start, t, side="right") - 1
        x = np.clip((t - self._origin[i]) * self._scale[i], 0.0, 1.0)
        return (self._to[i] - self._from[i]) * self._scale[i] ** 2 * (x * (60.0 + x * (120.0 * x - 180.0)))


@dataclass(frozen=True, slots=True, eq=False)
class Sway:
    """What a standing body does without being told: a few slow sines per channel.

    The spectrum of quiet standing lies below 1 Hz and falls with frequency.
    """

    rate: Floats
    """(k,) rad/s."""
    phase: Floats
    """(k, c) rad."""
    size: Floats
    """(k, c) amplitude, in the unit of each of the c channels."""

    @staticmethod
    def drawn(rng: np.random.Generator, rms: tuple[float, ...], components: int = 4) -> Sway:
        """Random phases and frequencies between 0.1 and 0.7 Hz; `rms` of each channel."""
        hz = np.sort(rng.uniform(0.1, 0.7, components))
        share = rng.uniform(0.5, 1.0, (components, len(rms))) / (1.0 + (hz[:, None] / 0.3) ** 2)
        share /= np.sqrt(0.5 * (share**2).sum(axis=0))
        return Sway(2.0 * np.pi * hz, rng.uniform(0.0, 2.0 * np.pi, share.shape), share * np.array(rms))

    def mirrored(self, signs: tuple[float, ...]) -> Sway:
        """Each channel times its sign."""
        return Sway(self.rate, self.phase, self.size * np.array(signs))

    def __call__(self, t: Floats) -> Floats:
        """(n,) s -> (c, n)."""
        waves = np.sin(self.rate[:, None, None] * t + self.phase[:, :, None])
        return (self.size[:, :, None] * waves).sum(axis=0)
