"""What follows the drill of a session: which of the ways to count is on, and what is told to it between two frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from imu.config import Setup
from imu.errors import ConfigError
from imu.feedback.batch import DrillOutputs
from imu.feedback.cadence import CadenceSession
from imu.feedback.drill import AnyDrill, Drill, load_drill
from imu.feedback.judge import comparable
from imu.feedback.measured import SECOND, Measured, MeasuredState
from imu.feedback.motion import MOST
from imu.feedback.session import DrillSession
from imu.feedback.settled import Settling, may_march
from imu.feedback.trust import Trust
from imu.fusion.channel import PoseBlock
from imu.kinematics.calibration import Calibration
from imu.outputs import Event, FrameBlock
from imu.packets import Ints


@dataclass(frozen=True, slots=True)
class FollowerState:
    """A copy of everything that changes."""

    session: object
    measured: MeasuredState | None
    mutes: tuple[tuple[int, bool], ...]
    ready_us: int | None
    settling: Settling | None


class Follower:
    """The drill of a setup, if it has one.

    Parameters
    ----------
    setup : Setup
    """

    def __init__(self, setup: Setup) -> None:
        self.drill: AnyDrill | None = load_drill(setup.drill_toml, "drill of this session") if setup.drill_toml else None
        self._measured = _measured(self.drill, setup)
        self.session = _session(self.drill, setup, self._measured)
        """What counts now."""
        self._mutes: tuple[tuple[int, bool], ...] = ()
        """(session time, no cues from it on) that no frame has reached yet."""
        self._ready_us: int | None = None
        """Newer frames are of the drill."""
        self._may_march = may_march(self.drill, setup)
        self._settling: Settling | None = None

    @property
    def counts_early(self) -> bool:
        """The drill is being done without a calibration, and counts."""
        return self._measured is not None and self._measured.is_set

    def mute(self, t_us: int, muted: bool) -> None:
        """From `t_us` on the person wants no cues, or wants them again."""
        self._mutes = tuple(sorted((*self._mutes, (t_us, muted))))

    def measured(self, i: int, poses: PoseBlock, span_us: int) -> None:
        """Take the poses of sensor number `i`, before the frames that they make."""
        if self._measured is not None:
            self._measured.push(i, poses, span_us)

    def push(
        self, frames: FrameBlock, known_us: Ints, body_events: tuple[Event, ...], steps: Sequence[Event],
        mounted: Sequence[tuple[int, Calibration]] = (),
    ) -> Iterator[DrillOutputs]:  # fmt: skip
        """Frames through the drill, with what changes between two of them; known_us: when each frame was known;
        mounted: calibrations, each with the time of the first frame that it holds for.

        From `swap_found` until somebody has looked, cues might name the wrong leg.
        """
        for event in body_events:
            if event.kind == "calibrated":
                now = event.t_emitted_us
                self._ready_us, self._settling = (None, Settling.after(now)) if self._may_march else (now, None)
        if self.session is None or len(frames) == 0:
            return
        if self._settling is not None:
            self._settling, self._ready_us = self._settling.follow(frames)
            self._settling = None if self._ready_us is not None else self._settling
        told = self._measured.sessions if self._measured is not None else (self.session,)
        changes: list[tuple[int, bool | str | Event | Trust]] = []
        changes += [(int(np.searchsorted(frames.t_us, t_us)), Trust.of(c)) for t_us, c in mounted]
        for event in body_events:
            row = int(np.searchsorted(frames.t_us, event.t_emitted_us, side="right"))
            if event.kind == "calibrated":
                changes.append((row, event))
            elif event.kind in ("swap_found", "sides_confirmed", "sides_checked"):
                changes.append((row, "sensors seem exchanged" if event.kind == "swap_found" else ""))
        while self._mutes and self._mutes[0][0] <= frames.t_us[-1]:
            t_us, muted = self._mutes[0]
            changes.append((int(np.searchsorted(frames.t_us, t_us)), muted))
            self._mutes = self._mutes[1:]
        start = 0
        for stop, change in (*sorted(changes, key=lambda c: c[0]), (len(frames), None)):
            yield from self._alike(frames.part(start, stop), known_us[start:stop], steps)
            start = stop
            if isinstance(change, bool):
                for session in told:
                    session.mute(change)
            elif isinstance(change, str):
                for session in told:
                    session.hold(change)
            elif isinstance(change, Trust):
                for session in self._calibrated_sessions():
                    session.calibrated(change)
            elif change is not None and self._measured is not None:
                yield DrillOutputs(self._measured.calibrated(change.t_emitted_us))
                self.session = self._measured.session

    def _calibrated_sessions(self) -> tuple[DrillSession, ...]:
        """Those that follow calibrated angles: a set that is done without a calibration stays one."""
        if self._measured is not None:
            return (self._measured.plain,)
        return (self.session,) if isinstance(self.session, DrillSession) else ()

    def _alike(self, frames: FrameBlock, known_us: Ints, steps: Sequence[Event]) -> Iterator[DrillOutputs]:
        """Frames between two changes, in pieces as `Measured` takes them."""
        start = 0
        while start < len(frames):
            end, first = min(len(frames), start + MOST), None
            if self._measured is not None:
                t = int(frames.t_us[start])
                end = min(end, int(np.searchsorted(frames.t_us, (t // SECOND + 1) * SECOND)))
                if ended := self._measured.before(t):
                    yield DrillOutputs(ended)
                    self.session = self._measured.session
            part, known = frames.part(start, end), known_us[start:end]
            start = end
            if self._measured is not None and (early := self._measured.take(part.t_us, known)) is not None:
                yield early
                if self._measured.is_set:
                    self.session = self._measured.session
                    continue
            if self._ready_us is not None:
                first = int(np.searchsorted(part.t_us, self._ready_us, side="right"))
            assert self.session is not None
            self.session.arrived(part.t_us, known)
            first_us, last_us = int(part.t_us[0]), int(part.t_us[-1])
            yield self.session.push(part, first, [e for e in steps if first_us <= e.t_emitted_us <= last_us])

    def finish(self) -> DrillOutputs:
        """The recording is over: what was counted and not told, and a repetition that was already counted."""
        if self.session is None:
            return DrillOutputs()
        early = DrillOutputs()
        if self._measured is not None and self._measured.early is not None:
            early, self.session = self._measured.early.finish(self._measured.t_us), self._measured.early.session
        return early.then(self.session.finish())

    def state(self) -> FollowerState:
        """A copy of everything that changes."""
        session = self.session.state() if self.session else None
        measured = self._measured.state() if self._measured else None
        return FollowerState(session, measured, self._mutes, self._ready_us, self._settling)

    def restore(self, state: FollowerState) -> None:
        """Continue from a state of one with an equal setup."""
        if self._measured is not None and state.measured is not None:
            self._measured.restore(state.measured)
            self.session = self._measured.session
        if self.session is not None:
            self.session.restore(state.session)  # pyright: ignore[reportArgumentType]
        self._mutes, self._ready_us, self._settling = state.mutes, state.ready_us, state.settling


def _measured(drill: AnyDrill | None, setup: Setup) -> Measured | None:
    """Of a drill whose repetitions are compared, and count without a calibration."""
    if isinstance(drill, Drill) and comparable(drill):
        return Measured(drill, setup)
    if drill is not None and setup.baseline:
        raise ConfigError(f"drill {drill.name} is not compared with an approved set; leave the baseline away")
    return None


def _session(drill: AnyDrill | None, setup: Setup, measured: Measured | None) -> DrillSession | CadenceSession | None:
    """What follows a drill of its kind."""
    if drill is None or measured is not None:
        return measured.session if measured is not None else None
    return DrillSession(drill, setup) if isinstance(drill, Drill) else CadenceSession(drill, setup)
