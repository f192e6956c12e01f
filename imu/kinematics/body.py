"""From the orientations of the sensors to the body: finds the calibration, follows the headings, gives the angles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from imu.config import Setup
from imu.conventions import place
from imu.errors import ConfigError
from imu.fusion.grid import GridBlock
from imu.kinematics.calibration import ANEW, Calibration, CalibrationSearch, SearchState, from_json
from imu.kinematics.calibration.layout import END
from imu.kinematics.heading import Headings, HeadingState
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
    confirmed_us: int | None


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
        self._confirmed_us: int | None = None

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
            self._confirmed_us = command.t_us
        else:
            raise ConfigError(f"unknown command {command.kind!r}; there are redo and confirm_sides")

    def push(self, grid: GridBlock) -> tuple[FrameBlock, tuple[Event, ...]]:
        """Frames of the grid -> the same frames of the body, and what happened in them."""
        m, joints = len(grid), len(self._headings.specs)
        out = self._skeleton.unknown(grid)
        delta, sigma = np.full((m, joints), np.nan), np.full((m, joints), np.pi)
        events: list[Event] = []
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
            for event in seen:
                if event.kind == "slip_found":
                    known = int(np.searchsorted(grid.t_us, event.t_emitted_us, side="right"))
                    self._skeleton.read(grid, row, known, delta, sigma, out)
                    self._skeleton.mark_slipped(event.segment)
                    row = known
            self._skeleton.read(grid, row, end, delta, sigma, out)
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
        if self._confirmed_us is None:
            return stop
        first = row + int(np.searchsorted(grid.t_us[row:stop], self._confirmed_us))
        if first > row:
            return first
        self._confirmed_us = None
        self._watch.confirm()
        now = int(grid.t_us[row])
        events.append(Event("sides_confirmed", now, now, detail="somebody has looked: the labels are right"))
        return stop

    def _mount(self, new: Calibration, old: Calibration | None, now: int) -> None:
        """From the next frame on this calibration holds."""
        self._skeleton.mount(new, self._search.turn_at_stand, (now - self._search.stand_us[1]) * 1e-6)
        for k, (spec, joint) in enumerate(zip(self._headings.specs, new.joints, strict=True)):
            if old is not None and old.joints[k] == joint:
                continue
            if math.isfinite(joint.delta) and math.isfinite(joint.sigma):
                self._headings.set_pose(k, joint.delta, joint.sigma)
            if spec.kind == "knee":
                frames = [new.segments[j].frame for j in (spec.proximal, spec.distal)]
                if frames[0] is None or frames[1] is None:
                    self._headings.forget_axes(k)
                else:
                    unsure = max(new.segments[j].axis_sigma for j in (spec.proximal, spec.distal))
                    self._headings.set_axes(k, frames[0][:, 2], frames[1][:, 2], unsure)

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
