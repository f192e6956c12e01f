"""Angles over the stride, from contact to contact, on one axis whatever the stride lasted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from imu.conventions import Side, angle_column
from imu.kinematics.gait.measures import MISSING_SHARE
from imu.kinematics.gait.strides import Stride
from imu.outputs import FrameBlock
from imu.packets import Floats

SHARES: Final = np.linspace(0.0, 1.0, 101)
"""of the stride, at which a curve is given."""


def stride_curve(frames: FrameBlock, stride: Stride, angle: str, side: Side | None) -> Floats:
    """(101,) rad at `SHARES`; all NaN if the frames do not cover the stride, or more than 5 % of it is unknown.

    Linear between frames; a frame that is unknown is bridged by its neighbours.
    """
    t = frames.t_us
    if len(t) == 0 or t[0] > stride.t_start_us or t[-1] < stride.t_end_us:
        return np.full(len(SHARES), np.nan)
    first = int(np.searchsorted(t, stride.t_start_us, side="right")) - 1
    end = int(np.searchsorted(t, stride.t_end_us)) + 1
    values = frames.angle[first:end, angle_column(angle, side)]
    known = np.isfinite(values)
    if 1.0 - known.mean() > MISSING_SHARE:
        return np.full(len(SHARES), np.nan)
    at = stride.t_start_us + SHARES * (stride.t_end_us - stride.t_start_us)
    return np.interp(at, t[first:end][known], values[known])


def mean_curve(curves: Iterable[Floats]) -> tuple[Floats, Floats]:
    """Mean and standard deviation, (101,) rad each, of the curves that are known; NaN where too few are (1 and 2)."""
    known = [c for c in curves if np.isfinite(c).all()]
    unknown = np.full(len(SHARES), np.nan)
    if not known:
        return unknown, unknown
    stacked = np.stack(known)
    return stacked.mean(axis=0), stacked.std(axis=0, ddof=1) if len(known) > 1 else unknown
