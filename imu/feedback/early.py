"""A set that is done without a calibration: counted all the same, against a stand that is found in it.

The guided movement may be squats too, so nothing is said before there are more of them than it has. A calibration that
comes first, or after a pause and no more squats than that, ends this, and the drill counts from there on as always; one
that comes in the middle of a set waits for the next pause and does not tear it apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from imu.config import Setup
from imu.feedback.drill import Drill
from imu.feedback.judge import Judge
from imu.feedback.motion import Motion
from imu.feedback.provisional import ProvisionalFrames, ProvisionalState
from imu.feedback.session import DrillOutputs, DrillSession
from imu.feedback.session_state import SessionState
from imu.feedback.trust import Trust
from imu.packets import Ints

GUIDED: Final = 3
"""Repetitions without a calibration that may still be the guided movement."""
PAUSE_US: Final = 12_000_000
"""µs between two repetitions: what follows is another set, or the guided movement."""
LATE: Final = "seen only afterwards: the stand was not known yet"
"""Why a cue of a repetition was held back that nobody could judge when it was done."""


@dataclass(frozen=True, slots=True)
class EarlyState:
    """A copy of everything that changes."""

    frames: ProvisionalState
    session: SessionState
    held: tuple[DrillOutputs, ...]
    counted: int
    in_a_row: int
    last_us: int
    is_set: bool


class EarlySet:
    """Follows the drill from the first frame on.

    Parameters
    ----------
    drill : Drill
        Counted by the tilt of the thigh.
    setup : Setup
    motion : Motion
        What the sensors measured; somebody else pushes to it.
    """

    def __init__(self, drill: Drill, setup: Setup, motion: Motion) -> None:
        self._motion = motion
        self._frames = ProvisionalFrames(tuple(s.segment for s in setup.sensors), setup.grid_hz)
        self.session = DrillSession(drill, setup, judge=Judge(setup, motion), trust=Trust(calibrated=False))
        self._least = GUIDED + 1 if setup.guided_movement else 0
        self._held: list[DrillOutputs] = []
        self._counted = self._in_a_row = self._last_us = 0
        self.is_set = False
        """There will be no calibration before it: what `push` gives counts."""

    def push(self, t_us: Ints, known_us: Ints) -> DrillOutputs:
        """What became known with the newest of the motion; nothing as long as it may be the guided movement.

        t_us, known_us : of the newest frames, and when each was known.
        """
        now: DrillOutputs = DrillOutputs()
        for block, late_us in self._frames.push(self._motion):
            if not late_us:
                self.session.arrived(t_us, known_us)
            out = _not_before(self.session.push(block, 0), late_us)
            counts = [e.t_emitted_us for e in out.events if e.kind == "repetition_counted"]
            for at_us in counts:
                self._in_a_row = self._in_a_row + 1 if at_us - self._last_us < PAUSE_US else 1
                self._last_us = at_us
            if self.is_set:
                now = now.then(out)
                continue
            self._held.append(out)
            before, self._counted = self._counted, self._counted + len(counts)
            if self._counted >= self._least:
                since = counts[self._least - before - 1] if self._least else late_us
                now = now.then(self._release(since))
        return now

    def was_guided(self, t_us: int) -> bool:
        """A calibration has come at `t_us`: what was counted lately may have been its guided movement."""
        return t_us - self._last_us >= PAUSE_US or self._in_a_row <= GUIDED

    def paused(self, t_us: int) -> bool:
        """The set is over, or so it seems at `t_us`."""
        return t_us - self._last_us >= PAUSE_US and self.session.between

    def finish(self, t_us: int) -> DrillOutputs:
        """The recording is over and no calibration has come: what was counted counts. Finish the session after this."""
        return DrillOutputs() if self.is_set else self._release(t_us)

    def _release(self, t_us: int) -> DrillOutputs:
        """Say at `t_us` what was held."""
        self.is_set = True
        out = DrillOutputs()
        for held in self._held:
            out = out.then(_not_before(held, t_us))
        self._held = []
        return out

    def state(self) -> EarlyState:
        """A copy of everything that changes."""
        return EarlyState(
            self._frames.state(), self.session.state(), tuple(self._held), self._counted, self._in_a_row,
            self._last_us, self.is_set,
        )  # fmt: skip

    def restore(self, state: EarlyState) -> None:
        """Continue from a state of one with an equal drill and setup."""
        self._frames.restore(state.frames)
        self.session.restore(state.session)
        self._held, self._counted, self.is_set = list(state.held), state.counted, state.is_set
        self._in_a_row, self._last_us = state.in_a_row, state.last_us


def _not_before(out: DrillOutputs, t_us: int) -> DrillOutputs:
    """The same, known at `t_us` at the earliest; a cue that would have come earlier was not given."""
    events = tuple(replace(e, t_emitted_us=t_us) if e.t_emitted_us < t_us else e for e in out.events)
    cues = tuple(
        replace(c, t_emitted_us=t_us, given=False, reason=LATE if c.given else c.reason) if c.t_emitted_us < t_us else c
        for c in out.cues
    )
    return replace(out, events=events, cues=cues)
