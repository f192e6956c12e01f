"""Everything of a set that changes: what a session is saved in and continued from."""

from __future__ import annotations

from dataclasses import dataclass

from imu.conventions import Side
from imu.feedback import stream
from imu.feedback.cues import CueState
from imu.feedback.judge import JudgeState
from imu.feedback.lane import Notes
from imu.feedback.trust import Trust


@dataclass(frozen=True, slots=True)
class SessionState:
    """A copy of everything that changes."""

    streams: tuple[stream.StreamState, ...]
    notes: tuple[Notes, ...]
    cues: CueState
    marks: tuple[str, ...]
    count: int
    done: int
    t_end_us: int
    last_side: Side | None
    judge: JudgeState | None
    trust: Trust
