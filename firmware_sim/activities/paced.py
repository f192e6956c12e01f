"""A performance played quicker or slower for a while: the same poses, at other times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.activities.body import ActivityBody
from firmware_sim.body import Pose
from firmware_sim.motion import minimum_jerk
from firmware_sim.person import Person
from imu.conventions import Segment, Side

Floats = NDArray[np.float64]

SETTLES_S: Final = 1e-9
"""How near the inverse of a time is found."""


@dataclass(frozen=True, slots=True)
class Pace:
    """From `start_s` to `end_s` everything happens `rate` times as fast; it changes over `over_s`, by minimum jerk."""

    start_s: float
    end_s: float
    rate: float
    over_s: float = 2.5

    def gained(self, t: Floats) -> Floats:
        """(n,) s -> (n,) s by which the performance is ahead."""
        come = _ramped((t - self.start_s) / self.over_s)
        return (self.rate - 1.0) * self.over_s * (come - _ramped((t - self.end_s) / self.over_s))

    def quicker(self, t: Floats) -> Floats:
        """(n,) s -> (n,) how much faster than as performed."""
        come = minimum_jerk((t - self.start_s) / self.over_s)
        return (self.rate - 1.0) * (come - minimum_jerk((t - self.end_s) / self.over_s))


class PacedBody:
    """The interface of `ActivityBody` for sensors and truth, on the times of whoever looks on.

    Parameters
    ----------
    body : ActivityBody
    paces : tuple of Pace
        In the time of whoever looks on; not overlapping. Rates near 1: accelerations go with their square.
    """

    def __init__(self, body: ActivityBody, paces: tuple[Pace, ...]) -> None:
        self._body, self._paces = body, paces

    @property
    def person(self) -> Person:
        return self._body.person

    @property
    def segments(self) -> tuple[Segment, ...]:
        return self._body.segments

    @property
    def seconds(self) -> float:
        return self.seen_at(self._body.seconds)

    @property
    def strikes(self) -> tuple[tuple[Side, float], ...]:
        """(foot, s) of every heel strike of a walk, in order."""
        found: dict[float, Side] = {c.strike_s: c.side for c in self._body.contacts if c.strike_s is not None}
        return tuple((found[s], self.seen_at(s)) for s in sorted(found))

    def pose(self, segment: Segment, t: Floats) -> Pose:
        return self._body.pose(segment, self.performed_at(t))

    def skin(self, segment: Segment, t: Floats) -> tuple[Floats, Floats]:
        return self._body.skin(segment, self.performed_at(t))

    def facing(self, t: Floats) -> Floats:
        return self._body.facing(self.performed_at(t))

    def faced(self, t: Floats) -> Floats:
        return self._body.faced(self.performed_at(t))

    def performed_at(self, t: Floats) -> Floats:
        """(n,) s of whoever looks on -> (n,) s of the plan."""
        return t + sum((pace.gained(t) for pace in self._paces), start=np.zeros_like(t))

    def seen_at(self, performed_s: float) -> float:
        """The inverse, for one instant."""
        t = np.array([performed_s])
        while True:
            rate = 1.0 + sum((pace.quicker(t) for pace in self._paces), start=np.zeros(1))
            step = (self.performed_at(t) - performed_s) / rate
            t = t - step
            if abs(float(step[0])) < SETTLES_S:
                return float(t[0])


def _ramped(x: Floats) -> Floats:
    """Integral of `minimum_jerk` from 0 to x."""
    inside = np.clip(x, 0.0, 1.0)
    return inside**4 * (2.5 + inside * (inside - 3.0)) + np.maximum(x - 1.0, 0.0)
