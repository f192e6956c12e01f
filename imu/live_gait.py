"""The walk so far, for people who watch it: what the last strides were like and their curves. Not part of the results."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np

from imu.conventions import SIDES, Side
from imu.kinematics.gait import (
    SHARES,
    SegmentLengths,
    StrideMeasures,
    mean_curve,
    measure,
    norm_curve,
    stride_curve,
    summarise,
    sync_ms,
)
from imu.outputs import FrameBlock
from imu.packets import Floats
from imu.pipeline import Pipeline
from imu.snapshot import GaitView, NormView, StrideCurveView
from imu.walk_summary import gait_rows

SHOWN: Final = 20
"""Strides of each leg that are in the means: half a minute; what changes shows, and one odd step does not rule."""
KEPT_US: Final = 6_000_000
"""µs of frames that are kept: the longest stride and the time until it is known."""
CURVES: Final = ("knee_flexion", "hip_flexion", "pelvis_obliquity")
AFTER_US: Final = 20_000_000
"""µs without a stride after which a new walk begins."""


class LiveGait:
    """Follows a pipeline. With `Setup.height_m` there are step lengths and a speed, and with the speed the right norm."""

    def __init__(self, pipeline: Pipeline) -> None:
        setup = pipeline.setup
        self._pipeline = pipeline
        self._segments = [s.segment for s in setup.sensors]
        self._lengths = SegmentLengths.of_height(setup.height_m) if setup.height_m else None
        self._frames: deque[FrameBlock] = deque()
        self._recent: deque[tuple[StrideMeasures, dict[str, Floats]]] = deque(maxlen=4 * SHOWN)
        self._n = 0
        self.view = GaitView()
        """Newest; the same object until a stride changes it."""

    def push(self, frames: FrameBlock) -> None:
        """Call it after every push of the pipeline, with the frames that it gave."""
        if len(frames):
            self._frames.append(frames)
            oldest = int(frames.t_us[-1]) - KEPT_US
            while self._frames[0].t_us[-1] < oldest:
                self._frames.popleft()
        if not self._pipeline.strides:
            return
        kept = FrameBlock.join(self._frames, len(self._segments))
        for m in measure(self._pipeline.strides, kept, self._segments, self._lengths):
            if self._recent and m.stride.t_start_us - self._recent[-1][0].stride.t_end_us > AFTER_US:
                self._recent.clear()
                self._n = 0
            side = m.stride.side
            curves = {a: stride_curve(kept, m.stride, a, side if a != "pelvis_obliquity" else None) for a in CURVES}
            if side == "left":
                # the angle is + when the right side is up; here each leg's own side up is +, as in the norm
                curves["pelvis_obliquity"] = -curves["pelvis_obliquity"]
            self._recent.append((m, curves))
            self._n += 1
        self.view = self._new_view()

    def _new_view(self) -> GaitView:
        of = {side: [r for r in self._recent if r[0].stride.side == side and r[0].counts][-SHOWN:] for side in SIDES}
        summary = summarise((m for side in SIDES for m, _ in of[side]), sync_ms(self._pipeline.health()))
        curves = tuple(
            _curve_view(angle, side, [c[angle] for _, c in of[side]], [m.stride.stance_share for m, _ in of[side]])
            for angle in CURVES for side in SIDES if of[side]
        )  # fmt: skip
        speed = summary.mean("speed").mean
        norms = tuple(n for angle in CURVES if (n := _norm_view(angle, speed)) is not None)
        note = "" if norms else f"No curve of normal adults for {speed:.1f} m/s: they walked at their own pace"
        return GaitView(self._n, summary.counted, gait_rows(summary), curves, norms, note)


def _curve_view(angle: str, side: Side, curves: list[Floats], stance: list[float]) -> StrideCurveView:
    mean, sd = mean_curve(curves)
    return StrideCurveView(angle, side, _plain(mean), _plain(sd), _plain(curves[-1]), float(np.mean(stance)), len(curves))


def _norm_view(angle: str, speed: float) -> NormView | None:
    norm = norm_curve(angle, None if math.isnan(speed) else speed)
    if norm is None:
        return None
    mean = np.interp(SHARES, norm.share, norm.mean - norm.standing)
    return NormView(angle, _plain(mean), norm.sd, norm.source, norm.caution)


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())
