"""From the orientations of the sensors to the body: finds the calibration, follows the headings, gives the angles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imu.config import Setup
from imu.conventions import place
from imu.errors import ConfigError
from imu.fusion.grid import GridBlock
from imu.kinematics.calibration import ANEW, Calibration, CalibrationSearch, SearchState, from_json
from imu.kinematics.calibration.layout import END
from imu.kinematics.heading import AxesOf, Headings, HeadingState, JointSpec
from imu.kinematics.skeleton import Skeleton, SkeletonState
from imu.kinematics.watch import Watch, WatchState
from imu.outputs import Event, FrameBlock
from imu.packets import Command, Floats


@dataclass(frozen=True, slots=True, eq=False)
class BodyState:
    """Everything that changes in a `Body`."""

    search: SearchState
    headings: HeadingState
    skeleton: SkeletonState
    watch: WatchState
    confirmed_us: tuple[int, ...]


class Body:
    """All sensors of one person, frame by frame.

    First looks for a quiet stand and the guided movement after it (or takes the windows that the setup names), then gives
    segment orientations and angles. The relative headings of the joints are followed from the first frame on: the motion
    tells them, the calibrated axes, and every later quiet stand. Nothing is decided at the edge of a block: outputs do not
    depend on how frames are grouped.

    Parameters
    ----------
    setup : Setup
        Who is where; `stand_s`, `movement_s` are windows in session time, None = found automatically.
        A stored calibration in it holds from a quiet stand on, for the sensors that sit as they sat then.
    """

    def __init__(self, setup: Setup) -> None:
        self._search = CalibrationSearch(setup, from_json(setup.calibration) if setup.calibration else None)
        self._headings = Headings(self._search.joints, setup.grid_hz)
        self._skeleton = Skeleton(setup, self._search.joints)
        self._watch = Watch(setup)
        self.mounted: tuple[tuple[int, Calibration], ...] = ()
        """(first frame time, calibration) of those that hold from a frame of the last push on, or from the next one."""
        self._confirmed_us: tuple[int, ...] = ()
        """When somebody confirmed the labels, as far as those frames have not come yet."""

    @property
    def calibration(self) -> Calibration | None:
        """None until the movement has been found."""
        return self._search.calibration

    @property
    def stage(self) -> str:
        """`stand`, `movement` or `ready`."""
        return self._search.stage

    @property
    def instruction(self) -> str:
        """What the person should do now; empty when ready."""
        return self._search.instruction

    @property
    def sides(self) -> str:
        """Are the sensors on the legs that their labels say: `unchecked`, `checked`, `swap found` or `confirmed`."""
        return self._watch.sides

    @property
    def notice(self) -> str:
        """For the person: labels that seem exchanged, a strap that has moved, a sensor that is calibrated anew."""
        found = self._watch.notice
        if not found and self.calibration is not None:
            anew = [s.segment for s in self.calibration.segments if s.reason == ANEW]
            found = f"The sensor on the {place(anew[0])} is new. Stand still, then march on the spot" if anew else ""
        return found

    @property
    def slipped(self) -> tuple[str, ...]:
        """Segments whose straps have moved since they were calibrated, by name."""
        return tuple(sorted(self._watch.slipped))

    def take(self, command: Command) -> None:
        """What a person asked for; ConfigError if it cannot be."""
        if command.kind == "redo":
            self._search.redo(command.segment, command.t_us)
        elif command.kind == "confirm_sides":
            self._confirmed_us = tuple(sorted((*self._confirmed_us, command.t_us)))
        else:
            raise ConfigError(f"unknown command {command.kind!r}; there are redo and confirm_sides")

    def push(self, grid: GridBlock) -> tuple[FrameBlock, tuple[Event, ...]]:
        """Frames of the grid -> the same frames of the body, and what happened in them."""
        m, joints = len(grid), len(self._headings.specs)
        out = self._skeleton.unknown(grid)
        delta, sigma = np.full((m, joints), np.nan), np.full((m, joints), np.pi)
        events: list[Event] = []
        self.mounted = ()
        row = 0
        while row < m:
            stop, why = self._search.scan(grid, row) if self._search.open else (m, END)
            # frames up to a decision are made without it
            self._read(grid, row, stop, delta, sigma, out, events)
            row = stop
            if why != END:
                before = self.calibration
                self._search.decide(why, self._headings.evidence, events)
                if self.calibration is not None and self.calibration is not before:
                    holds_us = int(grid.t_us[stop]) if stop < m else int(grid.t_us[-1]) + 1
                    self.mounted = (*self.mounted, (holds_us, self.calibration))
                    self._mount(self.calibration, before, int(grid.t_us[max(stop - 1, 0)]))
        return out, tuple(events)

    def _read(
        self, grid: GridBlock, start: int, stop: int, delta: Floats, sigma: Floats, out: FrameBlock, events: list[Event]
    ) -> None:  # fmt: skip
        """Frames start..stop with the calibration as it is; a rest among them tells the headings."""
        row = start
        while row < stop:
            end = self._until_confirmed(grid, row, stop, events)
            end, rested = self._skeleton.scan_rest(grid, row, end)
            self._headings.run(grid, row, end, delta, sigma)
            seen = self._watch.run(grid, row, end, self.calibration)
            self._skeleton.read(grid, row, end, delta, sigma, out, seen)
            events += seen
            row = end
            if rested:
                rest = self._skeleton.take_rest(self._headings.evidence)
                for k, (pose, unsure) in enumerate(rest.poses):
                    if math.isfinite(pose):
                        self._headings.set_pose(k, pose, unsure)
                if rest.first:
                    events.append(Event("rest", rest.t_us, int(grid.t_us[end - 1]), detail="stood still and upright"))

    def _until_confirmed(self, grid: GridBlock, row: int, stop: int, events: list[Event]) -> int:
        """The frame before which something that a person said must hold; says so when it is this one."""
        now = int(grid.t_us[row])
        while self._confirmed_us and self._confirmed_us[0] <= now:
            self._confirmed_us = self._confirmed_us[1:]
            self._watch.confirm()
            events.append(Event("sides_confirmed", now, now, detail="somebody has looked: the labels are right"))
        if not self._confirmed_us:
            return stop
        return row + int(np.searchsorted(grid.t_us[row:stop], self._confirmed_us[0]))

    def _mount(self, new: Calibration, old: Calibration | None, now: int) -> None:
        """From the next frame on this calibration holds."""
        self._skeleton.mount(new, self._search.turn_at_stand, (now - self._search.stand_us[1]) * 1e-6)
        for k, (spec, joint) in enumerate(zip(self._headings.specs, new.joints, strict=True)):
            if old is not None and old.joints[k] == joint:
                continue
            if math.isfinite(joint.delta) and math.isfinite(joint.sigma):
                self._headings.set_pose(k, joint.delta, joint.sigma)
            if spec.kind == "knee":
                axes = knee_axes(k, self._headings.specs, new)
                if axes is None:
                    self._headings.forget_axes(k)
                else:
                    self._headings.set_axes(k, axes.z_proximal, axes.z_distal, axes.sigma)

    def state(self) -> BodyState:
        """A copy of everything that changes."""
        return BodyState(
            self._search.state(), self._headings.state(), self._skeleton.state(), self._watch.state(), self._confirmed_us
        )  # fmt: skip

    def restore(self, state: BodyState) -> None:
        """Continue from what `state` of a body with equal setup returned."""
        self._search.restore(state.search)
        self._headings.restore(state.headings)
        self._skeleton.restore(state.skeleton)
        self._watch.restore(state.watch)
        self._confirmed_us = state.confirmed_us


def knee_axes(k: int, joints: Sequence[JointSpec], calibration: Calibration) -> AxesOf | None:
    """Flexion axis of joint k in both sensors' frames; None if it is no knee, or one of them is not calibrated."""
    one, two = (calibration.segments[j] for j in (joints[k].proximal, joints[k].distal))
    if joints[k].kind != "knee" or one.frame is None or two.frame is None:
        return None
    return AxesOf(k, one.frame[:, 2], two.frame[:, 2], max(one.axis_sigma, two.axis_sigma))
