"""Angles and lengths of each stride, from the frames of the body.

Step length without a foot sensor: both legs at a contact as a chain from ankle to hip to hip to ankle, all angles from the
vertical, + forward; L = Lt sin(thigh) + Ls sin(shank) of the leg in front, less that of the leg behind, the part of the
hips that the pelvis turns forward, and what the hind ankle has rolled over its ball. Nothing is integrated, nothing drifts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.conventions import Side, angle_column, segment_of
from imu.kinematics.gait.strides import Stride
from imu.outputs import FrameBlock
from imu.packets import Floats

LOADING_SHARE: Final = 0.30
"""of the stride in which the knee's loading peak lies."""
TURN: Final = math.radians(15.0)
"""rad; a leg that faces another way by more after a stride has gone round a corner."""
MISSING_SHARE: Final = 0.05
"""of the frames of a stride that may be unknown before what is measured on it is."""
THIGH_SHARE, SHANK_SHARE, HIPS_SHARE, ANKLE_SHARE, BALL_SHARE = 0.245, 0.246, 0.0955, 0.039, 0.085
"""of body height: thigh, shank, distance of the hips (half of the pelvis's breadth), height of the ankle; Winter 2009. From
the ankle to the ball of the foot: 0.56 of a foot of 0.152."""
BENT_ANKLE: Final = math.radians(10.0)
"""rad, how far a shank leans over a foot that is still flat when the other one lands (normal adults 8 to 13°, Pinzone
2014); what it leans more is the rise of the heel."""


@dataclass(frozen=True, slots=True)
class SegmentLengths:
    """m; measured, or a guess from body height."""

    thigh: float
    shank: float
    hips: float
    """Between the hip joints; 0 leaves the pelvis out."""
    ankle: float
    """Height of the ankle over the floor."""
    ball: float
    """From below the ankle to the ball of the foot."""

    @staticmethod
    def of_height(height: float) -> SegmentLengths:
        """Means of adults; a person's own differ by up to 5 %, and so does every length that is made of them."""
        shares = (THIGH_SHARE, SHANK_SHARE, HIPS_SHARE, ANKLE_SHARE, BALL_SHARE)
        return SegmentLengths(*(share * height for share in shares))


@dataclass(frozen=True, slots=True)
class StrideMeasures:
    """What one stride was like; rad, m, m/s. NaN = unknown. Angles are relative to the person's own quiet stand."""

    stride: Stride
    knee_loading_peak: float
    knee_swing_peak: float
    knee_range: float
    hip_peak: float
    """Most flexion."""
    hip_least: float
    """Most extension is negative."""
    hip_range: float
    obliquity_range: float
    """Of the pelvis."""
    turned: float
    """How far the leg faces more to the left after the stride."""
    step_length: float
    """At the contact that ends the stride, this leg in front; fragile."""
    other_step_length: float
    speed: float
    """Both steps over the stride time; fragile."""

    @property
    def counts(self) -> bool:
        """It belongs into means: no mark, and straight on as far as that is known."""
        return self.stride.counts and not abs(self.turned) > TURN


def measure(
    strides: Iterable[Stride], frames: FrameBlock, segments: Sequence[str], lengths: SegmentLengths | None = None
) -> tuple[StrideMeasures, ...]:
    """Strides with what the frames of the same session say of them.

    Parameters
    ----------
    strides : iterable of Stride
    frames : FrameBlock
        `Result.frames`, or what `Body.push` gave; they must cover the strides, others are NaN.
    segments : sequence of str
        Of the columns of `frames.q_earth_segment`.
    lengths : SegmentLengths, optional
        None: no step lengths.
    """
    walk = _Walk(frames, segments, lengths)
    return tuple(walk.measure(s) for s in strides)


class _Walk:
    def __init__(self, frames: FrameBlock, segments: Sequence[str], lengths: SegmentLengths | None) -> None:
        self._t, self._angle, self._q = frames.t_us, frames.angle, frames.q_earth_segment
        self._segments, self._lengths = list(segments), lengths

    def measure(self, s: Stride) -> StrideMeasures:
        knee, hip = self._curve("knee_flexion", s.side, s), self._curve("hip_flexion", s.side, s)
        obliquity = self._curve("pelvis_obliquity", None, s)
        n = len(knee)
        off = round(n * s.stance_share)
        other: Side = "left" if s.side == "right" else "right"
        own = self._step(s, s.t_end_us, s.side, other)
        others = math.nan if s.other_contact_us is None else self._step(s, s.other_contact_us, other, s.side)
        return StrideMeasures(
            s, _most(knee[: round(LOADING_SHARE * n)]), _most(knee[off:]), _range(knee), _most(hip), -_most(-hip),
            _range(hip), _range(obliquity), self._turned(s), own, others, (own + others) / s.stride_s,
        )  # fmt: skip

    def _curve(self, name: str, side: Side | None, s: Stride) -> Floats:
        """The frames of the stride, all NaN if too many of them are."""
        first, end = np.searchsorted(self._t, (s.t_start_us, s.t_end_us))
        values = self._angle[first:end, angle_column(name, side)]
        covered = len(self._t) > 0 and self._t[0] <= s.t_start_us and self._t[-1] >= s.t_end_us
        if not covered or np.isnan(values).mean() > MISSING_SHARE:
            return np.full(max(len(values), 2), np.nan)
        return values

    def _at(self, t_us: int) -> int | None:
        """Frame nearest to t."""
        if len(self._t) == 0 or not self._t[0] <= t_us <= self._t[-1]:
            return None
        k = int(np.searchsorted(self._t, t_us))
        return k - 1 if k > 0 and t_us - self._t[k - 1] < self._t[k] - t_us else k

    def _facing(self, segment: str, k: int) -> float:
        """Heading of a segment's front, rad."""
        if segment not in self._segments:
            return math.nan
        w, x, y, z = self._q[k, self._segments.index(segment)]
        return math.atan2(2.0 * (x * y + w * z), 1.0 - 2.0 * (y * y + z * z))

    def _turned(self, s: Stride) -> float:
        a, b = self._at(s.t_start_us), self._at(s.t_end_us)
        if a is None or b is None:
            return math.nan
        for part in ("thigh", "shank", "foot"):
            turn = self._facing(segment_of(part, s.side), b) - self._facing(segment_of(part, s.side), a)
            if not math.isnan(turn):
                return math.remainder(turn, 2.0 * math.pi)
        return math.nan

    def _step(self, s: Stride, t_us: int, front: Side, behind: Side) -> float:
        k = self._at(t_us)
        if self._lengths is None or k is None:
            return math.nan
        length = self._reach(k, front) - self._reach(k, behind) + self._rolled(k, behind)
        a, b = self._at(s.t_start_us), self._at(s.t_end_us)
        if self._lengths.hips > 0.0 and "pelvis" in self._segments and a is not None and b is not None:
            facing = np.unwrap([self._facing("pelvis", i) for i in range(a, b + 1)])
            # straight on is the mean over a stride, in which the pelvis turns to and fro
            turn = float(facing[k - a] - facing.mean())
            if not math.isnan(turn):
                length += (1.0 if front == "right" else -1.0) * self._lengths.hips * math.sin(turn)
        return length

    def _reach(self, k: int, side: Side) -> float:
        """How far the ankle is in front of the hip, m."""
        assert self._lengths is not None
        thigh = float(self._angle[k, angle_column("thigh_sagittal_tilt", side)])
        shank = float(self._angle[k, angle_column("shank_sagittal_tilt", side)])
        # a shank that leans forward has its ankle behind its knee
        return self._lengths.thigh * math.sin(thigh) - self._lengths.shank * math.sin(shank)

    def _rolled(self, k: int, side: Side) -> float:
        """How far the ankle of a foot whose heel has risen is in front of where it was over the flat foot, m."""
        assert self._lengths is not None
        rise = float(self._angle[k, angle_column("shank_sagittal_tilt", side)]) - BENT_ANKLE
        if not rise > 0.0:
            return 0.0
        return self._lengths.ankle * math.sin(rise) + self._lengths.ball * (1.0 - math.cos(rise))


def _most(values: Floats) -> float:
    return float(np.nanmax(values)) if len(values) and not np.isnan(values).all() else math.nan


def _range(values: Floats) -> float:
    return _most(values) + _most(-values)
