"""The body of a whole recording: what came later tells the calibration and the headings of what came before."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from imu.config import Setup
from imu.fusion.grid import GridBlock
from imu.fusion.quaternion import rotate_array
from imu.kinematics.body import Body, knee_axes
from imu.kinematics.calibration import Calibration, calibrate_whole, joints_of, no_evidence
from imu.kinematics.heading import JointSpec, PoseAt, two_way_headings
from imu.kinematics.skeleton import Skeleton, SkeletonState
from imu.outputs import Event, FrameBlock
from imu.packets import Command, Floats


class GatheringBody(Body):
    """A body that keeps what it has seen: the first of two passes over a recording."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.blocks: list[GridBlock] = []
        self.events: list[Event] = []

    def push(self, grid: GridBlock) -> tuple[FrameBlock, tuple[Event, ...]]:
        """As `Body.push`."""
        frames, events = super().push(grid)
        self.blocks.append(grid)
        self.events += events
        return frames, events


@dataclass(frozen=True, slots=True, eq=False)
class WholeBodyState:
    """Everything that changes in a `WholeBody`."""

    row: int
    skeleton: SkeletonState


class WholeBody:
    """Gives the same frames once more, with the calibration and the headings of the whole recording from the start.

    Events are those of the first pass: what was decided, and when, stays.

    Parameters
    ----------
    setup : Setup
    gathered : GatheringBody
        It has seen all frames, and has found a calibration.
    """

    stage, instruction, notice, slipped = "ready", "", "", ()

    def __init__(self, setup: Setup, gathered: GatheringBody) -> None:
        assert gathered.calibration is not None
        grid = GridBlock.joined(gathered.blocks)
        joints, stand_us = joints_of([s.segment for s in setup.sensors]), gathered.calibration.stand_us
        delta, sigma = two_way_headings(grid, joints, setup.grid_hz)
        found = calibrate_whole(grid, setup, delta, sigma, stand_us)
        poses = [PoseAt(k, _row(grid, stand_us[1]), j.delta, j.sigma) for k, j in enumerate(found.joints)]
        found, live = _completed(found, gathered.calibration)
        completed_us = gathered.calibration.movement_us[1]
        poses += [PoseAt(k, _row(grid, completed_us), found.joints[k].delta, found.joints[k].sigma) for k in live]
        turn_at_stand = _turns_at_stand(grid, stand_us)
        poses = [p for p in poses if math.isfinite(p.delta)] + _rests(grid, setup, joints, found, turn_at_stand)
        axes = [a for k in range(len(joints)) if (a := knee_axes(k, joints, found)) is not None]
        self._delta, self._sigma = two_way_headings(grid, joints, setup.grid_hz, poses, axes)
        self.calibration: Calibration | None = found
        self._events = gathered.events
        self.sides = gathered.sides
        self._skeleton = Skeleton(setup, joints)
        self._skeleton.mount(found, turn_at_stand, 0.0)
        self.mounted: tuple[tuple[int, Calibration], ...] = ((0, found),)
        """As `Body.mounted`: this one holds from the first frame on."""
        self._row = 0

    def push(self, grid: GridBlock) -> tuple[FrameBlock, tuple[Event, ...]]:
        """The next frames, which are those that the first pass has seen."""
        out, first = self._skeleton.unknown(grid), self._row
        self._row = first + len(grid)
        self.mounted = self.mounted if first == 0 else ()
        delta, sigma = (np.ascontiguousarray(x[first : self._row]) for x in (self._delta, self._sigma))
        if len(grid) == 0:
            return out, ()
        seen = int(np.searchsorted([e.t_emitted_us for e in self._events], grid.t_us[-1], side="right"))
        events, self._events = tuple(self._events[:seen]), self._events[seen:]
        row = 0
        while row < len(grid):
            end, rested = self._skeleton.scan_rest(grid, row, len(grid))
            self._skeleton.read(grid, row, end, delta, sigma, out, events)
            row = end
            if rested:
                self._skeleton.take_rest(no_evidence)
        return out, events

    def take(self, command: Command) -> None:
        """It was done in the first pass."""

    def state(self) -> WholeBodyState:
        """A copy of everything that changes."""
        return WholeBodyState(self._row, self._skeleton.state())

    def restore(self, state: WholeBodyState) -> None:
        """Continue from what `state` returned."""
        self._row = state.row
        self._skeleton.restore(state.skeleton)


def _turns_at_stand(grid: GridBlock, stand_us: tuple[int, int]) -> Callable[[int], Floats | None]:
    """Row -> (3, 3) mean R_earth_sensor in the stand, None if it was unknown there."""
    first, last = (int(np.searchsorted(grid.t_us, t)) for t in stand_us)

    def turn(j: int) -> Floats | None:
        q = grid.q[first:last, j]
        q = q[np.isfinite(q[:, 0])]
        if len(q) == 0:
            return None
        columns = [np.asarray(rotate_array(q, axis)).mean(axis=0) for axis in np.eye(3)]
        u, _, vt = np.linalg.svd(np.stack(columns, axis=1))
        return u @ vt

    return turn


def _row(grid: GridBlock, t_us: int) -> int:
    return min(int(np.searchsorted(grid.t_us, t_us)), len(grid) - 1)


def _completed(found: Calibration, live: Calibration) -> tuple[Calibration, list[int]]:
    """Segments that the whole recording does not calibrate (a pelvis that does more than to tilt) stay as the guided
    movement has found them; and the joints of which that is true."""
    segments = tuple(
        one if one.q_sensor_segment is not None else other
        for one, other in zip(found.segments, live.segments, strict=True)
    )
    kept = {s.segment for s, one in zip(segments, found.segments, strict=True) if s is not one and s.frame is not None}
    of_live = [k for k, j in enumerate(found.joints) if kept & {j.proximal, j.distal}]
    joints = tuple(live.joints[k] if k in of_live else j for k, j in enumerate(found.joints))
    return replace(found, segments=segments, joints=joints), of_live


def _rests(
    grid: GridBlock, setup: Setup, joints: tuple[JointSpec, ...], found: Calibration,
    turn_at_stand: Callable[[int], Floats | None],
) -> list[PoseAt]:  # fmt: skip
    """What every rest says of the headings."""
    poses: list[PoseAt] = []
    skeleton, row = Skeleton(setup, joints), 0
    skeleton.mount(found, turn_at_stand, 0.0)
    while row < len(grid):
        row, rested = skeleton.scan_rest(grid, row, len(grid))
        if rested:
            rest = skeleton.take_rest(no_evidence)
            poses += [PoseAt(k, row - 1, d, s) for k, (d, s) in enumerate(rest.poses) if math.isfinite(d)]
    return poses
