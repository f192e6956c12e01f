"""Simulated walks on the grid, with the instants at which feet really strike and leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from simulated_activity import USUAL, perform_activity

from firmware_sim.activities import ActivityBody, March, Plan, Stand, Walk
from firmware_sim.activities.habits import Habits
from firmware_sim.activities.timeline import Contact
from imu import Recording
from imu.conventions import SIDES, Segment, Side
from imu.fusion.grid import GridBlock
from imu.kinematics.gait import GaitDetector, strides_of
from imu.outputs import Event
from imu.places import grid_of

SLOW, OWN, FAST = 60.0, 0.0, 130.0
"""Steps per minute; OWN: the person's."""
FEET: Sequence[Segment] = ("foot_left", "foot_right")
SHANKS: Sequence[Segment] = ("shank_left", "shank_right")
LEGS: Sequence[Segment] = ("thigh_left", "thigh_right", "shank_left", "shank_right")


@dataclass(frozen=True, slots=True)
class Walked:
    body: ActivityBody
    recording: Recording
    grid: GridBlock
    segments: tuple[str, ...]
    speed: float
    """m/s, mean over the walk with its turns."""

    @property
    def start_us(self) -> int:
        return round(1e6 * next(d.start_s for d in self.body.performed if isinstance(d.piece, Walk)))

    def columns(self, segments: Sequence[str]) -> GridBlock:
        i = [self.segments.index(s) for s in segments]
        g = self.grid
        return GridBlock(g.t_us, *(np.ascontiguousarray(a[:, i]) for a in (g.q, g.gyr, g.acc, g.flags)))

    def truth(self, side: Side, kind: str, full: bool = True) -> np.ndarray:
        """(n,) µs of contacts or foot off of a leg; `full`: only those of steps of full length, straight on."""

        def of(c: Contact) -> tuple[float | None, float]:
            return (c.strike_s, c.strike_ratio) if kind == "initial_contact" else (c.off_s, c.off_ratio)

        pairs = [of(c) for c in self.body.contacts if c.side == side]
        return np.unique([1e6 * s for s, ratio in pairs if s is not None and (ratio > 0.93 or not full)])


def walking_plan(seconds: float, march: bool = True) -> Plan:
    """Stand, march, stand, walk to and fro, stand."""
    return (Stand(4.0), *((March(4), Stand(3.0)) if march else ()), Walk(seconds), Stand(2.0))


def speed_of(body: ActivityBody) -> float:
    """m/s, mean over the walk with its turns."""
    walked = next(d for d in body.performed if isinstance(d.piece, Walk))
    path = body.pose("pelvis", np.arange(walked.start_s + 3.0, walked.end_s - 3.0, 0.1)).origin
    return float(np.linalg.norm(np.diff(path[:, :2], axis=0), axis=1).mean() / 0.1)


def walk(
    seed: int,
    cadence: float = OWN,
    *,
    seconds: float = 24.0,
    segments: Sequence[Segment] = (*FEET, *LEGS),
    loss: float = 0.02,
    march: bool = True,
    rate_hz: float = 100.0,
    mirrored: bool = False,
) -> Walked:
    """Stand, march, stand, walk to and fro, stand."""
    plan = walking_plan(seconds, march)
    habits = Habits.drawn(seed)
    if cadence:
        habits = replace(habits, cadence=cadence)
    body = ActivityBody.performing(seed, plan, habits)
    if mirrored:
        body = body.mirrored()
    performed = perform_activity(seed, plan, USUAL, loss=loss, segments=segments, body=body, rate_hz=rate_hz)
    return Walked(body, performed.recording, grid_of(performed.recording), tuple(segments), speed_of(body))


def events_of(segments: Sequence[str], grid: GridBlock, rate_hz: float = 100.0) -> tuple[Event, ...]:
    """By a new detector that nobody told anything."""
    return GaitDetector(segments, rate_hz).push(grid)


@dataclass(frozen=True, slots=True)
class Errors:
    """ms, + = late; NaN = missed. Contacts and foot off of full steps, stride times of whatever counts."""

    contact: np.ndarray
    off: np.ndarray
    stride: np.ndarray


def errors_of(people: Sequence[Walked], worn: Sequence[Segment]) -> Errors:
    """What a new detector makes of these walks."""
    found: dict[str, list[float]] = {"initial_contact": [], "foot_off": []}
    strides: list[float] = []
    for one in people:
        events = events_of(worn, one.columns(worn))
        for side in SIDES:
            for kind, errors in found.items():
                at = np.array([e.t_us for e in events if e.side == side and e.kind == kind], float)
                errors += (matched(at, one.truth(side, kind)) / 1e3).tolist()
            strikes = one.truth(side, "initial_contact", full=False)
            for s in strides_of(events):
                i, j = (int(np.argmin(np.abs(strikes - t))) for t in (s.t_start_us, s.t_end_us))
                near = abs(strikes[i] - s.t_start_us) < 150_000 and abs(strikes[j] - s.t_end_us) < 150_000
                if s.side == side and s.counts and near and j == i + 1:
                    strides.append((s.t_end_us - s.t_start_us - (strikes[j] - strikes[i])) / 1e3)
    return Errors(np.array(found["initial_contact"]), np.array(found["foot_off"]), np.array(strides))


def matched(found: np.ndarray, truth: np.ndarray, within_us: float = 150_000.0) -> np.ndarray:
    """(n,) found minus true of every true instant, µs; NaN where none is near. One found event serves one true one."""
    out = np.full(len(truth), np.nan)
    free = np.ones(len(found), bool)
    gaps = np.abs(found[None, :] - truth[:, None]) if len(found) else np.zeros((len(truth), 0))
    for i, j in sorted(np.argwhere(gaps <= within_us).tolist(), key=lambda ij: gaps[ij[0], ij[1]]):
        if free[j] and np.isnan(out[i]):
            out[i], free[j] = found[j] - truth[i], False
    return out
