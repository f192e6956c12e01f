"""A person's own approved set: what later sets are compared with, as data that goes into a setup and its recording."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from imu.conventions import Side
from imu.errors import ConfigError
from imu.feedback.course import PELVIS, SHANK, THIGH, Course
from imu.feedback.fit import mean_direction, way_down
from imu.feedback.records import DEPTHS
from imu.packets import Floats

LEAST: Final = 5
"""Repetitions. The mean depth of three missed up to 60 % of the partial repetitions of later sets, of five none."""
KNOWN: Final = 3
"""Repetitions that must have reached a depth for it to be compared."""


@dataclass(frozen=True, slots=True)
class ApprovedLeg:
    """One leg; rows of arrays pelvis, thigh, shank. All of it as nested tuples, so that sets compare equal."""

    side: Side
    repetitions: int
    axis: tuple[tuple[float, ...], ...]
    """(3, 3) what each segment turned about, sensor frame; it points so that the segment's top goes forward, the thigh's
    backward. NaN = not worn."""
    inward: tuple[tuple[tuple[float, ...], ...], ...]
    """(3, 2, 11) rad, mean of `inward` of the course on the way down and up; NaN = not reached often enough."""
    return_sd: tuple[float, ...]
    """(3,) rad, spread of way up minus way down between repetitions."""
    depth: float
    """rad, mean largest tilt of the thigh."""
    depth_sd: float
    lean: float
    """rad, mean tilt of the pelvis where the thigh is tilted most; NaN = not worn."""
    lean_sd: float
    up: tuple[tuple[float, ...], ...] = ()
    """(3, 3) what was up in the rests, sensor frame, and ..."""
    forward: tuple[tuple[float, ...], ...] = ()
    """... (3, 3) where the segments' tops went on the way down (`fit.way_down`): is a sensor worn as it was? Empty = a set
    of before 0.6, of which this is not known."""


@dataclass(frozen=True, slots=True)
class ApprovedSet:
    """Everything that is compared with."""

    legs: tuple[ApprovedLeg, ...]
    acc_errors: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By the sensor's identity what was known of its accelerometer: `acc_offset`, m/s², and `acc_covariance` of its setup,
    9 numbers. An error of the device stays when it is worn again."""
    frontal: tuple[Any, ...] = ()
    """(2, 2, 2, 11) rad, `alignment.Baseline.profile` of the set if it was calibrated; empty = it was not."""

    @property
    def profile(self) -> Floats:
        """`frontal` as an array; NaN = not known."""
        return np.array(self.frontal) if self.frontal else np.full((2, 2, 2, len(DEPTHS)), np.nan)

    def leg(self, side: Side) -> ApprovedLeg | None:
        """None = this leg is not in it."""
        return next((leg for leg in self.legs if leg.side == side), None)

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> ApprovedSet:
        try:
            d = json.loads(text)
            legs = tuple(ApprovedLeg(**{key: _tuples(value) for key, value in leg.items()}) for leg in d["legs"])
            errors = {sensor: tuple(float(x) for x in nine) for sensor, nine in d["acc_errors"].items()}
            return ApprovedSet(legs, errors, _tuples(d["frontal"]))
        except (ValueError, TypeError, KeyError, AttributeError) as e:
            raise ConfigError(f"baseline cannot be read ({e}); make it anew from the approved set") from e


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value


def approve(
    courses: Iterable[Course],
    acc_errors: Mapping[str, tuple[float, ...]] | None = None,
    frontal: Floats | None = None,
) -> ApprovedSet:
    """The set that these courses make; ConfigError if no leg has enough of them."""
    of: dict[Side, list[Course]] = {}
    for course in courses:
        of.setdefault(course.side, []).append(course)
    legs = tuple(_leg(side, found) for side, found in sorted(of.items()) if len(found) >= LEAST)
    if not legs:
        most = max((len(found) for found in of.values()), default=0)
        raise ConfigError(f"the baseline has {most} repetitions that can be compared; approve a set of at least {LEAST}")
    known = () if frontal is None or not np.isfinite(frontal).any() else _tuples(frontal.tolist())
    return ApprovedSet(legs, dict(acc_errors or {}), known)


def _leg(side: Side, courses: Sequence[Course]) -> ApprovedLeg:
    axis = np.array([_axis(courses, s) for s in range(3)])
    each = np.array([inward(c, axis) for c in courses])
    known = np.isfinite(each).sum(axis=0)
    total = np.where(np.isfinite(each), each, 0.0).sum(axis=0)
    mean = np.where(known >= KNOWN, total / np.maximum(known, 1), np.nan)
    returns = np.array([[_mean((e[s, 1] - e[s, 0]) - (mean[s, 1] - mean[s, 0])) for s in range(3)] for e in each])
    peaks, leans = np.array([c.peak for c in courses]), np.array([c.pelvis_tilt for c in courses])
    return ApprovedLeg(
        side,
        len(courses),
        _rows(axis),
        tuple(tuple(tuple(row) for row in ways) for ways in mean.tolist()),
        tuple(_spread(returns[:, s]) for s in range(3)),
        float(peaks.mean()),
        _spread(peaks),
        _mean(leans),
        _spread(leans),
        _rows(mean_direction(np.array([c.rest for c in courses]))),
        _rows(mean_direction(np.array([way_down(c) for c in courses]))),
    )


def _rows(x: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in x.tolist())


def _axis(courses: Sequence[Course], s: int) -> Floats:
    """First principal axis of what segment s turned about; its sign from where the segment went."""
    total = sum((c.turning[s] for c in courses), np.zeros((3, 3)))
    if not np.isfinite(total).all():
        return np.full(3, np.nan)
    axis = np.linalg.eigh(total)[1][:, 2]
    forward = np.median([c.deepest[s] @ np.cross(c.rest[s], axis) for c in courses])
    return axis if forward > 0.0 else -axis


def inward(course: Course, axis: Floats) -> Floats:
    """(3, 2, 11) rad, how far the knee is from where the rest before had it, towards the middle +, on the way down and up.

    For the thigh away from below the hip, for the shank away from above the ankle; asin of the share of its length.
    """
    out = np.full((3, 2, len(DEPTHS)), np.nan)
    for s in (PELVIS, THIGH, SHANK):
        level = axis[s] - course.rest[s] * (axis[s] @ course.rest[s])
        length = float(np.linalg.norm(level))
        if length > 0.5:  # an axis that stands upright tells nothing; NaN neither
            out[s] = np.arcsin(np.clip(course.path[s] @ (level / length), -1.0, 1.0))
    return out if course.side == "left" else -out


def _mean(x: Floats) -> float:
    """Mean of what is known; NaN if nothing is."""
    known = x[np.isfinite(x)]
    return float(known.mean()) if len(known) else math.nan


def _spread(x: Floats) -> float:
    known = x[np.isfinite(x)]
    return float(known.std(ddof=1)) if len(known) > 1 else math.nan
