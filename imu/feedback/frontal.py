"""Where a person's own good repetitions have the knee, by the calibrated angles: what `alignment` compares with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from imu.conventions import SIDES, angle_column
from imu.feedback.approved import KNOWN
from imu.feedback.course import DEEPEST_SHARE
from imu.feedback.records import ALIGNMENT_ANGLES, DEPTHS
from imu.outputs import FrameBlock, Repetition
from imu.packets import Floats

REST_US: Final = 300_000
"""µs before the start, whose mean is the rest."""


def frontal_profile(frames: FrameBlock, repetitions: Iterable[Repetition]) -> Floats:
    """(2, 2, 2, 11) rad as `alignment.Baseline.profile`; NaN where fewer than three repetitions are known, but the last
    known value beyond the depths that were reached."""
    found: list[Floats] = []
    for r in repetitions:
        first, start, end = np.searchsorted(frames.t_us, (r.t_start_us - REST_US, r.t_start_us, r.t_end_us)).tolist()
        one = np.full((2, 2, 2, len(DEPTHS)), np.nan)
        for leg, side in enumerate(SIDES):
            tilt = frames.angle[start:end, angle_column("thigh_tilt", side)]
            for j, name in enumerate(ALIGNMENT_ANGLES):
                values = frames.angle[first:end, angle_column(name, side)]
                rest, values = values[: start - first], values[start - first :]
                if len(rest) and len(tilt) > 1 and np.isfinite(rest).all():
                    one[j, leg] = _at_depths(tilt, values - rest.mean())
        found.append(one)
    if not found:
        return np.full((2, 2, 2, len(DEPTHS)), np.nan)
    each = np.array(found)
    known = np.isfinite(each).sum(axis=0)
    total = np.where(np.isfinite(each), each, 0.0).sum(axis=0)
    mean = np.where(known >= KNOWN, total / np.maximum(known, 1), np.nan)
    for d in range(1, len(DEPTHS)):  # beyond what was reached it stays
        mean[..., d] = np.where(np.isnan(mean[..., d]), mean[..., d - 1], mean[..., d])
    return mean


def _at_depths(tilt: Floats, values: Floats) -> Floats:
    """(2, 11) values where tilt passes `DEPTHS` first on the way down, last on the way up; NaN = not reached or unknown."""
    out = np.full((2, len(DEPTHS)), np.nan)
    if not np.isfinite(tilt).all():
        return out
    deepest = int(np.argmax(tilt))
    for d, depth in enumerate(DEPTHS):
        if depth > DEEPEST_SHARE * tilt[deepest]:
            break
        below = np.flatnonzero(tilt[: deepest + 1] < depth)
        after = np.flatnonzero(tilt[deepest:] < depth)
        if len(below):
            out[0, d] = values[below[-1] + 1]
        if len(after):
            out[1, d] = values[deepest + after[0] - 1]
    return out
