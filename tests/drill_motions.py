"""Every drill of the library as blocks of frames: postures that a person goes between, read into angles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from feedback_frames import DEG, RATE, Array, cut, minimum_jerk

from imu.config import SensorSetup, Setup
from imu.conventions import ANGLES, SEGMENTS, SIDES, Side, angle_column
from imu.feedback import Drill, DrillOutputs, DrillSession, drill_names, drill_text, load_drill
from imu.outputs import FrameBlock
from imu.packets import Quality

WORN = SEGMENTS[:7]
SETUP = Setup(tuple(SensorSetup(s, s, 100.0, "samples") for s in WORN))
INTO_S, STILL_S = 1.0, 1.2


@dataclass(frozen=True, slots=True)
class Leg:
    """Degrees: forward tilts of thigh and shank, medial ones, and the ankle."""

    thigh: float = 0.0
    shank: float = 0.0
    thigh_in: float = 0.0
    shank_in: float = 0.0
    ankle: float = 0.0


@dataclass(frozen=True, slots=True)
class Posture:
    own: Leg = Leg()
    """The trained leg, or both where `other` is None."""
    other: Leg | None = None
    tilt: float = 0.0
    """Of the pelvis."""
    obliquity: float = 0.0
    turn: float = 0.0


STAND = Posture()
HOOK, HIGH = Leg(137.0, -37.0), Leg(113.0, -23.0)
MOTIONS: dict[str, tuple[Posture, Posture]] = {
    "squat": (STAND, Posture(Leg(75, 25, ankle=25), tilt=20)),
    "step_down": (Posture(other=Leg(24, -10)), Posture(Leg(38, 22), Leg(15, -11), 10)),
    "single_leg_squat": (Posture(other=Leg(4, 58)), Posture(Leg(32, 18), Leg(4, 58), 10)),
    "single_leg_deadlift": (Posture(other=Leg(-8, 22)), Posture(Leg(9, 5), Leg(-58, 63), 60)),
    "hip_hinge": (STAND, Posture(Leg(10, 5), tilt=60)),
    "lateral_band_walk": (Posture(Leg(18, 12)), Posture(Leg(18, 12, -10, 10))),
    "glute_bridge": (Posture(HOOK, tilt=-90), Posture(HIGH, tilt=-113)),
    "unilateral_bridge": (Posture(HOOK, Leg(137, -131), -90), Posture(HIGH, Leg(113, -107), -113)),
    "calf_raise": (STAND, Posture(Leg(0, 2, ankle=-32))),
    "lunge": (STAND, Posture(Leg(75, 9), Leg(-8, 80), 5)),
    "sit_to_stand": (STAND, Posture(Leg(84, 8), tilt=-8)),
    "single_leg_balance": (STAND, Posture(Leg(), Leg(4, 58))),
    "weight_bearing_lunge": (
        Posture(Leg(6, 2, ankle=2), Leg(-10, 12, ankle=12)),
        Posture(Leg(13, 40, ankle=40), Leg(-16, 30, ankle=30)),
    ),
    "leg_swing": (Posture(Leg(-22, 50), Leg()), Posture(Leg(45, -29), Leg())),
    "hip_circle": (Posture(Leg(14, 50), Leg()), Posture(Leg(54, 25), Leg())),
    "ankle_warm_up": (Posture(Leg(28, -4, ankle=-28), Leg()), Posture(Leg(28, -4, ankle=12), Leg())),
}
"""Where a repetition starts, and its deepest point."""


def drill_of(name: str, **changes: object) -> Drill:
    """A drill of the library; `valgus={"cue": False}` changes a table."""
    drill = load_drill(drill_text(name), f"{name}.toml")
    assert isinstance(drill, Drill)
    for key, change in changes.items():
        value: Any = replace(getattr(drill, key), **change) if isinstance(change, dict) else change
        drill = replace(drill, **{key: value})
    return drill


def repetition_drills() -> list[str]:
    return [name for name in drill_names() if isinstance(load_drill(drill_text(name)), Drill)]


def vector(posture: Posture, side: Side | None) -> Array:
    """(13,) degrees: left leg, right leg, pelvis."""
    own, other = posture.own, posture.own if posture.other is None else posture.other
    left, right = (other, own) if side == "right" else (own, other)
    legs = [v for leg in (left, right) for v in (leg.thigh, leg.shank, leg.thigh_in, leg.shank_in, leg.ankle)]
    return np.array([*legs, posture.tilt, posture.obliquity, posture.turn])


@dataclass(slots=True)
class Performance:
    """A set under construction: one posture per frame, degrees.

    starts, deepest : s of each repetition.
    """

    name: str
    rows: list[Array] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    deepest: list[float] = field(default_factory=list)
    sides: list[Side | None] = field(default_factory=list)
    holes: list[tuple[str, Side | None, float, float, Quality]] = field(default_factory=list)
    seed: int = 0

    @property
    def now(self) -> float:
        return sum(map(len, self.rows)) / RATE

    @property
    def at(self) -> Array:
        return self.rows[-1][-1]

    def stay(self, seconds: float) -> Performance:
        if n := round(seconds * RATE):
            self.rows.append(np.repeat(self.at[None], n, axis=0))
        return self

    def go(self, to: Array, seconds: float) -> Performance:
        n = round(seconds * RATE)
        if n:
            course = minimum_jerk(np.arange(1, n + 1) / n)
            self.rows.append(self.at + course[:, None] * (to - self.at))
        return self

    def repeat(self, side: Side | None, tempo: Sequence[float], scale: float = 1.0, fault: Posture | None = None) -> None:
        """One repetition; `fault`: what is added to the deepest posture."""
        start, deep = (vector(p, side) for p in MOTIONS[self.name])
        if np.abs(self.at - start).max() > 0.1:
            self.go(start, INTO_S).stay(STILL_S)
        self.starts.append(self.now)
        self.sides.append(side)
        there = start + scale * (deep - start) + (vector(fault, side) if fault else 0.0)
        self.go(there, tempo[0])
        self.deepest.append(self.now + 0.5 * tempo[1])
        self.stay(tempo[1]).go(start, tempo[2]).stay(tempo[3])

    def angles(self) -> tuple[Array, Array]:
        """(t, (m, A) rad) with sway and noise."""
        rng = np.random.default_rng(self.seed)
        v = np.concatenate(self.rows)
        t = np.arange(len(v)) / RATE
        v = v + 0.25 * np.sin(2 * np.pi * rng.uniform(0.2, 0.5, 13) * t[:, None] + rng.uniform(0, 6.3, 13))
        angle = np.zeros((len(t), len(ANGLES)))

        def put(name: str, side: Side | None, degrees: Array) -> None:
            angle[:, angle_column(name, side)] = DEG * degrees

        tilt = v[:, 10]
        put("pelvis_tilt", None, tilt)
        put("pelvis_obliquity", None, v[:, 11])
        put("pelvis_rotation", None, v[:, 12])
        for k, side in enumerate(SIDES):
            thigh, shank, thigh_in, shank_in, ankle = v[:, 5 * k : 5 * k + 5].T
            put("thigh_sagittal_tilt", side, thigh)
            put("shank_sagittal_tilt", side, shank)
            put("thigh_tilt", side, np.hypot(thigh, thigh_in))
            put("shank_tilt", side, np.hypot(shank, shank_in))
            put("knee_flexion", side, thigh + shank)
            put("hip_flexion", side, thigh + tilt)
            put("thigh_frontal_tilt", side, thigh_in)
            put("shank_frontal_tilt", side, shank_in)
            put("ankle_flexion", side, ankle)
        return t, angle + rng.normal(0.0, 0.05 * DEG, angle.shape)

    @property
    def frames(self) -> FrameBlock:
        t, angle = self.angles()
        sigma = np.full(angle.shape, 1.0 * DEG)
        flags = np.zeros(angle.shape, np.uint16)
        for name, side, start, end, flag in self.holes:
            rows, column = (t >= start) & (t < end), angle_column(name, side)
            angle[rows, column] = sigma[rows, column] = np.nan
            flags[rows, column] |= int(flag)
        return FrameBlock(np.round(t * 1e6).astype(np.int64), np.zeros((len(t), 7, 4)), angle, sigma, flags)


def tempo_of(drill: Drill, share: float = 1.0) -> tuple[float, float, float, float]:
    """What the drill prescribes, holds of 4 s at most, and a moment between repetitions."""
    out, hold, back, rest = drill.tempo.seconds
    steady = 0.0 if drill.signal.start == "turn" else max(rest, 0.4)
    return share * (out or 1.0), min(hold, 4.0), share * (back or 1.0), steady


def sides_of(drill: Drill, n: int) -> list[Side | None]:
    """n repetitions with each leg, one after the other or in turn."""
    if drill.signal.legs == "both":
        return [None] * n
    return [SIDES[i % 2] for i in range(2 * n)] if drill.name == "lunge" else [s for s in SIDES for _ in range(n)]


Odd = tuple[int, float, float]
"""(index, share, scale) of one repetition that differs."""


def perform(
    name: str, n: int = 2, share: float = 1.0, scale: float = 1.0, *, seed: int = 0, odd: Odd | None = None
) -> Performance:
    """A set of `n` repetitions, with each leg; share: of the prescribed time; scale: of the depth.

    odd : (index, share, scale) of one repetition that differs.
    """
    drill = drill_of(name)
    set_ = Performance(name, [vector(STAND, None)[None]], seed=seed)
    set_.stay(1.5)
    for i, side in enumerate(sides_of(drill, n)):
        this = (share, scale) if odd is None or odd[0] != i else odd[1:]
        set_.repeat(side, tempo_of(drill, this[0]), this[1])
    set_.go(vector(STAND, None), INTO_S).stay(1.5)
    return set_


def run_drill(performed: Performance | FrameBlock, drill: Drill, chunk: int = 0, worn: Setup = SETUP) -> DrillOutputs:
    """All outputs of a set, pushed `chunk` frames at a time (0 = at once)."""
    frames = performed.frames if isinstance(performed, Performance) else performed
    session = DrillSession(drill, worn)
    step = chunk or len(frames)
    parts = [session.push(cut(frames, start, start + step), 0) for start in range(0, len(frames), step)]
    parts.append(session.finish())
    return DrillOutputs(
        tuple(e for p in parts for e in p.events),
        tuple(r for p in parts for r in p.repetitions),
        tuple(c for p in parts for c in p.cues),
    )
