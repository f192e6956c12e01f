"""A drill of repetitions with what the sensors themselves measured: for comparisons, and for sets without a calibration."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from imu.config import Setup
from imu.feedback.drill import Drill
from imu.feedback.early import EarlySet, EarlyState
from imu.feedback.judge import Judge
from imu.feedback.motion import Motion, MotionState
from imu.feedback.session import DrillOutputs, DrillSession
from imu.feedback.session_state import SessionState
from imu.fusion.channel import PoseBlock
from imu.fusion.grid import Grid, GridBlock, GridState
from imu.outputs import Event
from imu.packets import Ints, Quality

SECOND = 1_000_000
_KEPT = np.uint16(0xFFFF ^ int(Quality.SENSOR_FAULT))


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredState:
    """A copy of everything that changes."""

    grid: GridState
    motion: MotionState
    early: EarlyState | None
    plain: SessionState
    t_us: int
    second: int
    calibrated: bool


class Measured:
    """Keeps rates and accelerations of the frames, also those of a sensor whose accelerometer is refused: its gyroscope may
    be good, and a constant error does not count in a comparison.

    Parameters
    ----------
    drill : Drill
        One that is `comparable`.
    setup : Setup
    """

    def __init__(self, drill: Drill, setup: Setup) -> None:
        self._drill, self._setup = drill, setup
        self._grid = Grid(len(setup.sensors), setup.grid_hz, round(setup.wait_ms * 1000))
        self._motion = Motion(len(setup.sensors))
        self.plain = DrillSession(drill, setup, judge=Judge(setup, self._motion))
        """Follows the calibrated angles."""
        self._waiting: list[GridBlock] = []
        told = bool(setup.calibration) or setup.stand_s is not None or setup.movement_s is not None
        self._may_be_early = not told
        self.early = self._fresh()
        """What follows a set without calibration; None = there is one, or there will be."""
        self.t_us = 0
        """Time of the newest frame."""
        self._second, self._calibrated = -1, False

    def _fresh(self) -> EarlySet | None:
        return EarlySet(self._drill, self._setup, self._motion) if self._may_be_early else None

    @property
    def is_set(self) -> bool:
        """A set is being done without a calibration."""
        return self.early is not None and self.early.is_set

    @property
    def session(self) -> DrillSession:
        """The one that counts."""
        return self.early.session if self.early is not None and self.early.is_set else self.plain

    @property
    def sessions(self) -> tuple[DrillSession, ...]:
        """All that are followed: what is told to one is told to all, whichever will count."""
        return (self.plain,) if self.early is None else (self.plain, self.early.session)

    def push(self, i: int, poses: PoseBlock, span_us: int) -> None:
        """Take the poses of sensor number `i`; the same goes to the pipeline's grid."""
        self._grid.push(i, replace(poses, flags=poses.flags & _KEPT), span_us)

    def take(self, t_us: Ints, known_us: Ints) -> DrillOutputs | None:
        """The next frames (at most `motion.MOST`) have been made, those of `t_us`, each known at `known_us`; what a set
        without calibration says of them."""
        self._advance(len(t_us))
        return None if self.early is None else self.early.push(t_us, known_us)

    def calibrated(self, t_us: int) -> tuple[Event, ...]:
        """A calibration has come at `t_us`: the guided movement is over, if that is what it was."""
        self._calibrated = True
        return self._end(t_us) if self.early is not None and self.early.was_guided(t_us) else ()

    def before(self, t_us: int) -> tuple[Event, ...]:
        """The frame of `t_us` comes next: once a second it is looked whether a set without calibration is over."""
        if self.early is None or t_us // SECOND == self._second:
            return ()
        self._second = t_us // SECOND
        return self._end(t_us) if self._calibrated and self.early.paused(t_us) else ()

    def _end(self, t_us: int) -> tuple[Event, ...]:
        """From here on the calibrated angles count."""
        assert self.early is not None
        again = self.early.is_set
        self.early = None
        why = "calibrated after what was counted so far: the drill begins anew"
        return (Event("drill_restarted", t_us, t_us, detail=why),) if again else ()

    def _advance(self, frames: int) -> None:
        have = sum(len(b) for b in self._waiting)
        while have < frames:
            more = self._grid.take()
            if len(more) == 0:
                more = self._grid.finish()
            self._waiting.append(more)
            have += len(more)
        block = GridBlock.joined(self._waiting)
        rows, rest = slice(0, frames), slice(frames, None)
        self._motion.push(GridBlock(block.t_us[rows], block.q[rows], block.gyr[rows], block.acc[rows], block.flags[rows]))
        self.t_us = int(block.t_us[frames - 1])
        left = GridBlock(block.t_us[rest], block.q[rest], block.gyr[rest], block.acc[rest], block.flags[rest])
        self._waiting = [left] if len(left) else []

    def state(self) -> MeasuredState:
        """A copy of everything that changes."""
        assert not self._waiting, "frames are taken as they are made"
        early = self.early.state() if self.early else None
        return MeasuredState(
            self._grid.state(), self._motion.state(), early, self.plain.state(), self.t_us, self._second, self._calibrated
        )

    def restore(self, state: MeasuredState) -> None:
        """Continue from a state of one with an equal drill and setup; the session that counts is restored apart."""
        self._grid.restore(state.grid)
        self._motion.restore(state.motion)
        self.plain.restore(state.plain)
        self._waiting, self.t_us, self._second, self._calibrated = [], state.t_us, state.second, state.calibrated
        self.early = None
        if state.early is not None:
            self.early = self._fresh()
            assert self.early is not None
            self.early.restore(state.early)
