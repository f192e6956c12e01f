"""What a walk was like: means, variability, symmetry, each only where it means something."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.conventions import SIDES, Side
from imu.kinematics.gait.measures import StrideMeasures
from imu.kinematics.gait.strides import FRAGILE, Stride
from imu.packets import Health

FEWEST: Final = 3
"""Strides of a leg of which a mean is given."""
FEWEST_VARIABILITY: Final = 10
"""Strides of both legs from which a coefficient of variation is given: with fewer it says nothing of the person."""
SYNC_MS: Final = 10.0
"""ms, uncertainty between the clocks of both legs above which no asymmetry of times is given."""
NEAR_ZERO: Final = 5.0
"""An index is given for means that are larger than so many times the spread of what they are the means of ..."""
LEAST: Final = {"_s": 0.05, "_share": 0.02, "length": 0.05, "rad": math.radians(10.0)}
"""... and larger than this (s, of a stride, m, rad): an index of something near zero explodes."""

_TIMES: Final[dict[str, Callable[[Stride], float]]] = {
    "stride_s": lambda s: s.stride_s,
    "step_s": lambda s: s.step_s,
    "stance_s": lambda s: s.stance_s,
    "swing_s": lambda s: s.swing_s,
    "stance_share": lambda s: s.stance_share,
    "swing_share": lambda s: s.swing_share,
    "double_support_share": lambda s: s.double_support_share,
    "cadence": lambda s: s.cadence,
}
_ANGLES: Final[dict[str, Callable[[StrideMeasures], float]]] = {
    "step_length": lambda m: m.step_length,
    "speed": lambda m: m.speed,
    "knee_loading_peak": lambda m: m.knee_loading_peak,
    "knee_swing_peak": lambda m: m.knee_swing_peak,
    "knee_range": lambda m: m.knee_range,
    "hip_peak": lambda m: m.hip_peak,
    "hip_least": lambda m: m.hip_least,
    "hip_range": lambda m: m.hip_range,
    "obliquity_range": lambda m: m.obliquity_range,
}
NAMES: Final = (*_TIMES, *_ANGLES)
SIGNED: Final = ("hip_peak", "hip_least", "knee_loading_peak")
"""Angles that cross zero: only their difference is given, never an index."""
BOTH_LEGS: Final = ("cadence", "speed", "obliquity_range", "double_support_share")
"""Not a property of one leg: no symmetry."""


@dataclass(frozen=True, slots=True)
class Mean:
    """One parameter of the strides that count. s, 1/min, shares, rad, m, m/s; NaN = too few."""

    name: str
    side: Side | None
    """None = both legs."""
    mean: float
    sd: float
    n: int
    caution: str = ""
    """Why it is fragile; empty = robust."""

    @property
    def variability(self) -> float:
        """Coefficient of variation, 0..1; NaN for fewer than 10 strides, or a mean near zero."""
        known = self.n >= FEWEST_VARIABILITY and abs(self.mean) > least(self.name)
        return self.sd / abs(self.mean) if known else math.nan


@dataclass(frozen=True, slots=True)
class Symmetry:
    """Right against left."""

    name: str
    left: float
    right: float
    difference: float
    """Right minus left, in the parameter's own unit."""
    index_percent: float
    """(R - L) / (0.5 (R + L)) 100; NaN where `reason` says why there is none."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GaitSummary:
    """Of one walk. A person's own values and their change are worth more than any norm."""

    strides: int
    counted: int
    """Those without a mark, of which the means are made."""
    marks: dict[str, int]
    """How many strides were left out, and why."""
    means: tuple[Mean, ...]
    symmetry: tuple[Symmetry, ...]

    def mean(self, name: str, side: Side | None = None) -> Mean:
        """`KeyError` for a name that is not in `NAMES`."""
        for m in self.means:
            if m.name == name and m.side == side:
                return m
        raise KeyError(f"no gait parameter {name!r}; there are: {', '.join(NAMES)}")


def least(name: str) -> float:
    """Mean below which an index of this parameter is not given."""
    if name == "cadence":
        return 10.0
    if name == "speed":
        return 0.1
    return next((limit for end, limit in LEAST.items() if name.endswith(end)), LEAST["rad"])


def summarise(walk: Iterable[StrideMeasures], sync_ms: float = 0.0) -> GaitSummary:
    """Means over the strides that count.

    Parameters
    ----------
    walk : iterable of StrideMeasures
    sync_ms : float
        Uncertainty (2σ) of the instants of one leg against the other's; above SYNC_MS no asymmetry of times is given.
    """
    every = list(walk)
    counted = [m for m in every if m.counts]
    marks: dict[str, int] = {}
    for m in every:
        for mark in m.stride.marks or (() if m.counts else ("turn",)):
            marks[mark] = marks.get(mark, 0) + 1
    of: dict[Side | None, list[StrideMeasures]] = {None: counted}
    for side in SIDES:
        of[side] = [m for m in counted if m.stride.side == side]
    means = [_mean(name, side, strides) for name in NAMES for side, strides in of.items()]
    table = {(m.name, m.side): m for m in means}
    symmetry = tuple(
        _symmetry(name, table[name, "left"], table[name, "right"], sync_ms) for name in NAMES if name not in BOTH_LEGS
    )
    return GaitSummary(len(every), len(counted), marks, tuple(means), symmetry)


def sync_ms(health: Iterable[Health]) -> float:
    """How far the instants of one sensor may be off another's (2σ, the worst), ms; 0 where all have one clock."""
    unsure = [h.clock_uncertainty_ms for h in health if math.isfinite(h.clock_uncertainty_ms)]
    return max(unsure, default=0.0)


def _mean(name: str, side: Side | None, strides: Sequence[StrideMeasures]) -> Mean:
    read = _ANGLES.get(name)
    values = np.array([read(m) if read else _TIMES[name](m.stride) for m in strides], np.float64)
    values = values[~np.isnan(values)]
    n, caution = len(values), FRAGILE.get(name, "")
    if n < FEWEST:
        return Mean(name, side, math.nan, math.nan, n, caution)
    return Mean(name, side, float(values.mean()), float(values.std(ddof=1)), n, caution)


def _symmetry(name: str, left: Mean, right: Mean, sync_ms: float) -> Symmetry:
    difference = right.mean - left.mean
    middle = 0.5 * (left.mean + right.mean)
    reason = ""
    if math.isnan(difference):
        reason = f"fewer than {FEWEST} strides of a leg"
    elif name in _TIMES and name != "stride_s" and sync_ms > SYNC_MS:
        reason = f"the clocks of both legs agree to {sync_ms:.0f} ms only"
        difference = math.nan
    elif name in SIGNED:
        reason = "it crosses zero: see the difference"
    elif abs(middle) < least(name) or abs(middle) < NEAR_ZERO * abs(_standard_error(left, right)):
        reason = "it is near zero: see the difference"
    index = math.nan if reason else 100.0 * difference / middle
    return Symmetry(name, left.mean, right.mean, difference, index, reason)


def _standard_error(left: Mean, right: Mean) -> float:
    return 0.5 * math.hypot(left.sd / math.sqrt(left.n), right.sd / math.sqrt(right.n))
