"""Synthetic squats as blocks of frames: what the body model would deliver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imu.config import SensorSetup, Setup
from imu.conventions import ANGLES, CORE_SEGMENTS, SIDES, angle_column
from imu.feedback import Drill, DrillOutputs, DrillSession, drill_text, load_drill
from imu.outputs import FrameBlock
from imu.packets import Quality

Array = NDArray[np.float64]
DEG = np.pi / 180.0
RATE = 100
SIGMA_DEG = 1.5


def setup(segments: Iterable[str] = CORE_SEGMENTS) -> Setup:
    return Setup(tuple(SensorSetup(s, s, 100.0, "samples") for s in segments))


def squat_drill(**changes: object) -> Drill:
    """The library's squat; `valgus={"cue": False}` changes a table."""
    drill = load_drill(drill_text("squat"), "squat.toml")
    for name, change in changes.items():
        part = getattr(drill, name)
        drill = replace(drill, **{name: replace(part, **change) if isinstance(change, dict) else change})
    return drill


def minimum_jerk(x: Array) -> Array:
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (10.0 + x * (6.0 * x - 15.0))


def trapezoid(x: Array, ramp: float = 0.1) -> Array:
    """Constant rate with linear ramps of `ramp` of the time at both ends."""
    x = np.clip(x, 0.0, 1.0)
    middle = np.where(x < 1.0 - ramp, x - ramp / 2.0, 1.0 - ramp - (1.0 - x) ** 2 / (2.0 * ramp))
    return np.where(x < ramp, x * x / (2.0 * ramp), middle) / (1.0 - ramp)


class Squats:
    """A set of repetitions; every angle can be changed before `frames` is asked for.

    share (m,) 0 in the stand, 1 at the bottom; going_up (m,) 0..1..0 during the way up only.
    """

    def __init__(
        self,
        n: int = 3,
        tempo: Sequence[float] = (3.0, 1.0, 2.0, 1.0),
        thigh_deg: float = 75.0,
        lead_s: float = 1.5,
        profile: object = minimum_jerk,
    ) -> None:
        down, hold, up, _ = tempo
        period = sum(tempo)
        self.t = np.arange(round((lead_s + n * period + 1.5) * RATE)) / RATE
        self.starts = lead_s + period * np.arange(n)
        share, going_up = np.zeros(len(self.t)), np.zeros(len(self.t))
        for start in self.starts:
            way = (self.t - start - down - hold) / up
            share += profile((self.t - start) / down) - profile(way)  # type: ignore[operator]
            going_up += np.where((way > 0.0) & (way < 1.0), np.sin(np.pi * np.clip(way, 0.0, 1.0)), 0.0)
        self.share, self.going_up = share, going_up
        self.angle = np.zeros((len(self.t), len(ANGLES)))
        self.sigma = np.full(self.angle.shape, SIGMA_DEG * DEG)
        self.flags = np.zeros(self.angle.shape, np.uint16)
        for side in SIDES:
            self.add("thigh_tilt", side, thigh_deg * share)
            self.add("shank_tilt", side, 0.3 * thigh_deg * share)
            self.add("knee_flexion", side, 1.3 * thigh_deg * share)

    def add(self, name: str, side: str, degrees: Array | float) -> Squats:
        """Add to an angle; a tilt of the thigh is a forward one, so its sagittal part grows alike."""
        if name == "thigh_tilt":
            self.add("thigh_sagittal_tilt", side, degrees)
        self.angle[:, angle_column(name, side)] += DEG * np.asarray(degrees)  # type: ignore[arg-type]
        return self

    def knee_in(self, side: str, degrees: float, *, only_up: bool = False) -> Squats:
        """A knee that falls in with depth: shank and, a little less, thigh."""
        course = self.going_up if only_up else self.share
        self.add("shank_frontal_tilt", side, degrees * course)
        return self.add("thigh_frontal_tilt", side, 0.6 * degrees * course)

    def natural(self, seed: int = 1) -> Squats:
        """Clean squats as they are: knees out a little, a slow wander of 2 to 3 degrees, an axis wrong by 5 degrees."""
        rng = np.random.default_rng(seed)
        for side in SIDES:
            for name, axis_at_depth in (("shank_frontal_tilt", 0.37), ("thigh_frontal_tilt", 0.97)):
                wander = 1.5 * np.sin(2 * np.pi * rng.uniform(0.05, 0.4) * self.t + rng.uniform(0, 6.3))
                axis = rng.choice([-5.0, 5.0]) * axis_at_depth * self.share
                self.add(name, side, wander + axis + rng.uniform(-2.0, 1.0) * self.share)
        return self.sway(seed)

    def sway(self, seed: int = 1) -> Squats:
        """A stand that wobbles by a degree, and noise of 0.1 degrees."""
        rng = np.random.default_rng(seed)
        for side in SIDES:
            for name in ("thigh_tilt", "knee_flexion"):
                self.add(name, side, 1.0 + np.sin(2 * np.pi * rng.uniform(0.2, 0.5) * self.t + rng.uniform(0, 6.3)))
        self.angle += rng.normal(0.0, 0.1 * DEG, self.angle.shape)
        return self

    def unknown(self, name: str, side: str, start_s: float, end_s: float, flag: Quality = Quality.STALE) -> Squats:
        rows = (self.t >= start_s) & (self.t < end_s)
        column = angle_column(name, side)  # type: ignore[arg-type]
        self.angle[rows, column] = self.sigma[rows, column] = np.nan
        self.flags[rows, column] |= int(flag)
        return self

    @property
    def frames(self) -> FrameBlock:
        t_us = np.round(self.t * 1e6).astype(np.int64)
        return FrameBlock(t_us, np.zeros((len(t_us), 5, 4)), self.angle, self.sigma, self.flags)


def cut(frames: FrameBlock, start: int, end: int) -> FrameBlock:
    rows = slice(start, end)
    return FrameBlock(
        frames.t_us[rows], frames.q_earth_segment[rows], frames.angle[rows], frames.sigma[rows], frames.flags[rows]
    )


def mirrored(frames: FrameBlock) -> FrameBlock:
    """Left and right swapped."""
    order = [angle_column(name, None if side is None else SIDES[1 - SIDES.index(side)]) for name, side in ANGLES]
    return FrameBlock(
        frames.t_us, frames.q_earth_segment, frames.angle[:, order], frames.sigma[:, order], frames.flags[:, order]
    )


def run(
    squats: Squats | FrameBlock, drill: Drill | None = None, worn: Setup | None = None, chunk: int = 0, ready: int = 0
) -> DrillOutputs:
    """All outputs of a set, pushed `chunk` frames at a time (0 = at once); drill frames from index `ready`."""
    frames = squats.frames if isinstance(squats, Squats) else squats
    session = DrillSession(drill or squat_drill(), worn or setup())
    parts = []
    step = chunk or len(frames)
    for start in range(0, len(frames), step):
        block = cut(frames, start, start + step)
        parts.append(session.push(block, max(ready - start, 0) if start + step > ready else None))
    parts.append(session.finish())
    return DrillOutputs(
        tuple(e for p in parts for e in p.events),
        tuple(r for p in parts for r in p.repetitions),
        tuple(c for p in parts for c in p.cues),
    )


def given(outputs: DrillOutputs, rule: str = "") -> list[tuple[str, str | None, int]]:
    """(rule, side, repetition) of the cues that were given."""
    return [(c.rule, c.side, c.repetition) for c in outputs.cues if c.given and (not rule or c.rule == rule)]


def count(outputs: DrillOutputs) -> int:
    return sum(e.kind == "repetition_counted" for e in outputs.events)
