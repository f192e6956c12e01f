"""Sensors of somebody who squats, made from angles: pelvis, thighs and shanks, sitting anyhow on their segments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import imu
from imu.conventions import CORE_SEGMENTS, SIDES, G

Array = NDArray[np.float64]
RATE = 100.0
LEG_M = 0.42


def smooth(x: Array) -> Array:
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (10.0 + x * (6.0 * x - 15.0))


def about(axis: str, degrees: Array) -> Rotation:
    """One rotation each."""
    return Rotation.from_euler(axis, degrees[:, None], degrees=True)


@dataclass
class Squatting:
    """A set; change it before `recording` is asked for.

    share (m,): 0 standing, 1 deepest; up (m,): 0..1..0 on the way up; tilt (m,) deg of the thighs.
    """

    repetitions: int = 8
    tempo: Sequence[float] = (1.2, 0.2, 1.1, 0.4)
    depth_deg: float | Sequence[float] = 75.0
    lead_s: float = 0.5
    seed: int = 1
    offset: Mapping[str, Sequence[float]] = field(default_factory=dict)
    straps: Mapping[str, Rotation] = field(default_factory=dict)
    """Turn of a sensor on its segment, in the segment's frame, on top of how it sits."""

    def __post_init__(self) -> None:
        down, hold, up, _ = self.tempo
        period = sum(self.tempo)
        self.t = np.arange(round((self.lead_s + self.repetitions * period + 1.0) * RATE)) / RATE
        depths = np.broadcast_to(self.depth_deg, self.repetitions)
        self.starts = self.lead_s + period * np.arange(self.repetitions)
        self.share, self.up = np.zeros(len(self.t)), np.zeros(len(self.t))
        self.tilt = np.zeros(len(self.t))
        self.number = np.clip(np.searchsorted(self.starts, self.t, side="right"), 1, None)
        for start, depth in zip(self.starts, depths, strict=True):
            way = (self.t - start - down - hold) / up
            one = smooth((self.t - start) / down) - smooth(way)
            self.share += one
            self.tilt += depth * one
            self.up += np.where((way > 0) & (way < 1), np.sin(np.pi * np.clip(way, 0, 1)), 0.0)
        self.inward = {side: np.zeros(len(self.t)) for side in SIDES}
        self.lean = 0.45 * self.tilt
        rng = np.random.default_rng(self.seed)
        for side in SIDES:  # nobody repeats himself
            wander = np.interp(self.t, np.arange(0, 400, 2.0), rng.normal(0.0, 0.8, 200))
            self.inward[side] += wander * self.share
        self.lean += np.interp(self.t, np.arange(0, 400, 3.0), rng.normal(0.0, 1.5, 134)) * self.share

    def knee_in(self, side: str, degrees: float, course: Callable[[Squatting], Array]) -> Squatting:
        """Thigh and shank lean towards the middle by so much."""
        self.inward[side] += degrees * course(self)
        return self

    def mount(self, segment: str) -> Rotation:
        """q_segment_sensor: the same sensor sits the same way in every set."""
        sits = Rotation.random(random_state=CORE_SEGMENTS.index(segment) + 10)
        return self.straps.get(segment, Rotation.identity()) * sits

    def orientation(self, segment: str) -> Rotation:
        """Of the segment in the earth's frame: x forward, y up, z right (as the earth stands here)."""
        if segment == "pelvis":
            return about("z", -self.lean)
        part, side = segment.split("_")
        # the knee goes forward: the shank's top forward, the thigh's top backward
        forward = -0.4 * self.tilt if part == "shank" else self.tilt
        sign = 1.0 if side == "left" else -1.0
        medial = sign * self.inward[side] * (1.0 if part == "shank" else -1.0)
        tilted = about("z", forward)
        # sideways about the axis that points forward out of the segment
        return tilted * about("x", medial)

    def samples(self) -> dict[str, imu.Samples]:
        t_us = np.round(self.t * 1e6).astype(np.int64)
        height = LEG_M * (np.cos(np.radians(self.tilt)) + np.cos(np.radians(0.4 * self.tilt)))
        lifted = np.gradient(np.gradient(height, self.t), self.t)
        rng = np.random.default_rng(self.seed + 100)
        out = {}
        for segment in CORE_SEGMENTS:
            share = {"pelvis": 1.0, "thigh": 0.7, "shank": 0.2}[segment.split("_")[0]]
            q = self.orientation(segment) * self.mount(segment)
            turn = (q[:-1].inv() * q[1:]).as_rotvec() * RATE
            gyr = np.vstack([turn[:1], 0.5 * (turn[:-1] + turn[1:]), turn[-1:]])
            force = np.zeros((len(self.t), 3))
            force[:, 1] = G + share * lifted
            acc = q.inv().apply(force) + np.array(self.offset.get(segment, (0.0, 0.0, 0.0)))
            out[segment] = imu.Samples(
                t_us, gyr + rng.normal(0.0, 0.003, gyr.shape), acc + rng.normal(0.0, 0.03, acc.shape)
            )
        return out

    def recording(self, first: int = 0, segments: Sequence[str] = CORE_SEGMENTS) -> imu.Recording:
        """From sample `first` on."""
        out = {}
        for segment, s in self.samples().items():
            if segment in segments:
                out[segment] = imu.Samples(s.t_us[first:] - s.t_us[first], s.gyr[first:], s.acc[first:])
        return imu.Recording.from_samples(out)
