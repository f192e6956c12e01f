"""Simulated people under watch: grid, calibration, relative headings and the watch over them, as in a session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation
from simulated_activity import DEG, USUAL, SimulatedActivity, perform_activity

from firmware_sim.activities import Plan
from imu.config import Setup
from imu.fusion.grid import GridBlock
from imu.fusion.quaternion import mul_array
from imu.kinematics.calibration import Calibration, CalibrationSearch
from imu.kinematics.heading import Headings, JointSpec
from imu.kinematics.watch import Watch
from imu.kinematics.watch.buffer import part_of
from imu.outputs import Event
from imu.packets import Floats
from imu.places import grid_of


def relabelled(grid: GridBlock, order: Sequence[int]) -> GridBlock:
    """The sensors in another order: column j is what sensor order[j] measured."""
    q, gyr, acc = (np.ascontiguousarray(x[:, list(order)]) for x in (grid.q, grid.gyr, grid.acc))
    return GridBlock(grid.t_us, q, gyr, acc, np.ascontiguousarray(grid.flags[:, list(order)]))


def swapped(setup: Setup, grid: GridBlock, *pairs: tuple[str, str]) -> GridBlock:
    """Pairs of segments wear each other's sensors."""
    names = [s.segment for s in setup.sensors]
    order = list(range(len(names)))
    for a, b in pairs:
        i, k = names.index(a), names.index(b)
        order[i], order[k] = order[k], order[i]
    return relabelled(grid, order)


def slipped(
    grid: GridBlock, j: int, up: Floats, at_us: int, turn: float, seen: bool = True, over_s: float = 0.3
) -> GridBlock:
    """Sensor j turns on its limb by `turn` rad about `up`, the limb's long axis in its frame.

    seen: the gyroscope measures it. Otherwise the sensor's heading is wrong by the same amount afterwards.
    """
    t = (grid.t_us - at_us) * 1e-6
    x = np.clip(t / over_s, 0.0, 1.0) if seen else (t >= 0.0).astype(float)
    angle = turn * x**3 * (10.0 + x * (6.0 * x - 15.0))
    axis = np.asarray(up) / np.linalg.norm(up)
    by = Rotation.from_rotvec(angle[:, None] * axis)
    q, gyr, acc = grid.q.copy(), grid.gyr.copy(), grid.acc.copy()
    gyr[:, j], acc[:, j] = by.inv().apply(gyr[:, j]), by.inv().apply(acc[:, j])
    q[:, j] = mul_array(q[:, j], by.as_quat(scalar_first=True))
    if seen:
        gyr[:, j] += np.gradient(angle, t)[:, None] * axis
    else:
        half, zero = 0.5 * angle, np.zeros(len(angle))
        upward = Rotation.from_quat(grid.q[np.isfinite(grid.q[:, j, 0]), j][:1], scalar_first=True).apply(axis)[0, 2]
        half = -half * np.sign(upward)
        q[:, j] = mul_array(np.stack([np.cos(half), zero, zero, np.sin(half)], axis=1), q[:, j])
    return GridBlock(grid.t_us, q, gyr, acc, grid.flags)


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """What came of one session."""

    watch: Watch
    events: list[Event]
    calibration: Calibration | None

    def found(self, kind: str) -> list[Event]:
        return [e for e in self.events if e.kind == kind]

    def heard(self) -> list[tuple[str, str, str]]:
        """What the watch said: kind, method and the words up to the first semicolon."""
        kinds = ("swap_found", "sides_checked", "slip_found")
        return [(e.kind, e.method, e.detail.split(";")[0]) for e in self.events if e.kind in kinds]


class Follower:
    """Calibration, the headings that it asks for, and the watch over them; any number of frames at a time."""

    def __init__(self, setup: Setup) -> None:
        self.search = CalibrationSearch(setup)
        self._joints = [JointSpec(j.proximal, j.distal, j.kind) for j in self.search.joints]
        self._headings = Headings(self._joints, setup.grid_hz)
        self.watch = Watch(setup)
        self.events: list[Event] = []

    def push(self, grid: GridBlock) -> None:
        m = len(grid)
        delta, sigma = np.empty((m, len(self._joints))), np.empty((m, len(self._joints)))
        row = 0
        while row < m:
            stop, why = self.search.scan(grid, row) if self.search.open else (m, 0)
            self._headings.run(grid, row, stop, delta, sigma)
            self.events += self.watch.run(grid, row, stop, self.search.calibration)
            if self.search.open:
                self.search.decide(why, self._headings.evidence, self.events)
            row = stop


def watched(setup: Setup, grid: GridBlock, frames: int | None = None) -> Watched:
    """All frames, `frames` at a time."""
    follower = Follower(setup)
    step = frames or len(grid)
    for k in range(0, len(grid), step):
        follower.push(part_of(grid, k, k + step))
    return Watched(follower.watch, follower.events, follower.search.calibration)


def person(seed: int, plan: Plan, loss: float = 0.02) -> Session:
    """Somebody with all the errors of sensors, straps and radio."""
    simulated = perform_activity(seed, plan, USUAL, loss=loss, clock_ms=3.0)
    return Session(simulated, simulated.recording.setup, grid_of(simulated.recording))


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A simulated recording and its grid."""

    simulated: SimulatedActivity
    setup: Setup
    grid: GridBlock

    def slipped(self, segment: str, at_s: float, turn_deg: float = 5.0) -> GridBlock:
        """The same with a strap that turns; about the long axis as the calibration of the undisturbed session has it."""
        calibration = watched(self.setup, self.grid).calibration
        assert calibration is not None
        found = calibration.of(segment)
        assert found is not None
        assert found.frame is not None, found.reason
        j = [s.segment for s in self.setup.sensors].index(segment)
        return slipped(self.grid, j, found.frame[:, 1], round(at_s * 1e6), turn_deg * DEG)

    def repetitions(self, side: str | None = None) -> list[tuple[float, float]]:
        """(start, end) in s after the set-up, of one leg or (of both) all."""
        pieces = self.simulated.body.performed[3:]
        return [(r.start_s, r.end_s) for p in pieces for r in p.repetitions if r.side in (None, side)]
