"""Simulated people under watch: grid, calibration, relative headings and the watch over them, as in a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from simulated_activity import DEG, SimulatedActivity

from imu.config import Setup
from imu.fusion.channel import SensorChannel
from imu.fusion.grid import Grid, GridBlock
from imu.fusion.quaternion import mul_array
from imu.kinematics.calibration import Calibration, CalibrationSearch
from imu.kinematics.heading import Headings, JointSpec
from imu.kinematics.watch import Watch
from imu.outputs import Event, FrameBlock
from imu.processing import BLOCK_S
from imu.recording import Recording

COLUMNS = ("t_us", "q", "gyr", "acc", "flags")
UNKNOWN_SIGMA = 45 * DEG
"""A relative heading that is less sure is not used."""


def grid_of(recording: Recording, block_s: float = BLOCK_S) -> tuple[Setup, GridBlock]:
    """All frames of the grid that a session makes of a recording."""
    setup = recording.setup
    channels = [SensorChannel(s, setup.t0_host_ns, method=setup.filter, limits=setup.gaps) for s in setup.sensors]
    row = {s.sensor: i for i, s in enumerate(setup.sensors)}
    grid = Grid(len(channels), setup.grid_hz, round(setup.wait_ms * 1000))
    blocks = []
    for packet in recording.blocks(block_s):
        i = row[packet.sensor]
        poses = channels[i].push(packet)
        if len(poses):
            span = int(packet.t_us[-1] - packet.t_us[0]) + round(1e6 / setup.sensors[i].rate_hz)
            grid.push(i, poses, span)
        blocks.append(grid.take())
    blocks.append(grid.finish())
    return setup, GridBlock(*(np.concatenate([getattr(b, n) for b in blocks]) for n in COLUMNS))


def relabelled(grid: GridBlock, order: Sequence[int]) -> GridBlock:
    """The sensors in another order: column j is what sensor order[j] measured."""
    picked = (np.ascontiguousarray(x[:, list(order)]) for x in (grid.q, grid.gyr, grid.acc, grid.flags))
    return GridBlock(grid.t_us, *picked)


def swapped(setup: Setup, grid: GridBlock, *pairs: tuple[str, str]) -> GridBlock:
    """Pairs of segments wear each other's sensors."""
    names = [s.segment for s in setup.sensors]
    order = list(range(len(names)))
    for a, b in pairs:
        i, k = names.index(a), names.index(b)
        order[i], order[k] = order[k], order[i]
    return relabelled(grid, order)


def slipped(
    grid: GridBlock, j: int, up: Sequence[float], at_us: int, turn: float, seen: bool = True, over_s: float = 0.3
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


@dataclass(eq=False)
class Watched:
    """What came of one session."""

    watch: Watch
    events: list[Event]
    calibration: Calibration | None
    frames: FrameBlock
    """Orientations in one heading as far as headings are known; no angles."""
    log: list[object] = field(default_factory=list)

    def found(self, kind: str) -> list[Event]:
        return [e for e in self.events if e.kind == kind]


class Follower:
    """Calibration, relative headings and the watch over them, any number of frames at a time."""

    def __init__(self, setup: Setup, watch: Watch | None = None) -> None:
        self.search = CalibrationSearch(setup)
        self.joints = self.search.joints
        self.headings = Headings([JointSpec(j.proximal, j.distal, j.kind) for j in self.joints], setup.grid_hz)
        self.watch = watch or Watch(setup)
        self.events: list[Event] = []
        self._told = False

    def push(self, grid: GridBlock) -> FrameBlock:
        m, s = grid.q.shape[:2]
        delta, sigma = np.full((m, len(self.joints)), np.nan), np.full((m, len(self.joints)), np.pi)
        frames = replace(FrameBlock.empty(s), t_us=grid.t_us, q_earth_segment=np.full((m, s, 4), np.nan))
        row = 0
        while row < m:
            stop, why = self.search.scan(grid, row) if self.search.open else (m, 0)
            self.headings.run(grid, row, stop, delta, sigma)
            self._segments(grid, row, stop, delta, sigma, frames)
            self.events += self.watch.run(grid, row, stop, frames, self.search.calibration)
            if self.search.open:
                self.search.decide(why, self.headings.evidence, self.events)
                self._tell()
            row = stop
        return frames

    def _tell(self) -> None:
        calibration = self.search.calibration
        if calibration is None or self._told:
            return
        self._told = True
        for k, joint in enumerate(calibration.joints):
            if not np.isfinite(joint.sigma):
                continue
            self.headings.set_pose(k, joint.delta, joint.sigma)
            if self.joints[k].kind == "knee":
                sides = [calibration.segments[r] for r in (self.joints[k].proximal, self.joints[k].distal)]
                axes = [s.frame for s in sides]
                if axes[0] is not None and axes[1] is not None:
                    doubt = float(np.hypot(sides[0].axis_sigma, sides[1].axis_sigma))
                    self.headings.set_axes(k, axes[0][:, 2], axes[1][:, 2], doubt)

    def _segments(self, grid: GridBlock, start: int, stop: int, delta, sigma, out: FrameBlock) -> None:  # noqa: ANN001
        calibration = self.search.calibration
        if calibration is None:
            return
        n = grid.q.shape[1]
        heading = np.full((stop - start, n), np.nan)
        below = {j.distal for j in self.joints}
        for j in range(n):
            if j not in below:
                heading[:, j] = 0.0
        for k, joint in enumerate(self.joints):  # hips, knees, ankles: from above
            known = sigma[start:stop, k] < UNKNOWN_SIGMA
            heading[:, joint.distal] = np.where(known, heading[:, joint.proximal] + delta[start:stop, k], np.nan)
        for j, found in enumerate(calibration.segments):
            if found.q_sensor_segment is None:
                continue
            half, zero = 0.5 * heading[:, j], np.zeros(stop - start)
            world = np.stack([np.cos(half), zero, zero, np.sin(half)], axis=1)
            turned = mul_array(grid.q[start:stop, j], np.array([found.q_sensor_segment]))
            out.q_earth_segment[start:stop, j] = mul_array(world, turned)


def rows_of(grid: GridBlock, start: int, stop: int) -> GridBlock:
    return GridBlock(*(np.ascontiguousarray(getattr(grid, n)[start:stop]) for n in COLUMNS))


def watched(setup: Setup, grid: GridBlock, frames: int | None = None, watch: Watch | None = None) -> Watched:
    """All frames, `frames` at a time."""
    follower = Follower(setup, watch)
    step = frames or len(grid)
    blocks = [follower.push(rows_of(grid, k, k + step)) for k in range(0, len(grid), step)]
    q = np.concatenate([b.q_earth_segment for b in blocks])
    whole = replace(FrameBlock.empty(q.shape[1]), t_us=grid.t_us, q_earth_segment=q)
    return Watched(follower.watch, follower.events, follower.search.calibration, whole)


def during(simulated: SimulatedActivity, *kinds: type) -> list[tuple[float, float]]:
    """s: when pieces of these kinds were performed."""
    return [(d.start_s, d.end_s) for d in simulated.body.performed if isinstance(d.piece, kinds)]


def repetitions(simulated: SimulatedActivity, segments: Mapping[str, int] | None = None) -> NDArray[np.float64]:
    """(n, 2) s: start and end of every repetition."""
    return np.array([(r.start_s, r.end_s) for r in simulated.body.repetitions])
