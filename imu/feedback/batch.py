"""What one push of a session brought, and how it is collected."""

from __future__ import annotations

from dataclasses import dataclass, field

from imu.feedback.course import Course
from imu.outputs import Cue, Event, Repetition


@dataclass(frozen=True, slots=True)
class DrillOutputs:
    """What one push brought."""

    events: tuple[Event, ...] = ()
    repetitions: tuple[Repetition, ...] = ()
    cues: tuple[Cue, ...] = ()
    """Every decision, given or held back."""
    courses: tuple[Course, ...] = ()

    def then(self, later: DrillOutputs) -> DrillOutputs:
        """Both, one after the other."""
        return DrillOutputs(
            self.events + later.events,
            self.repetitions + later.repetitions,
            self.cues + later.cues,
            self.courses + later.courses,
        )


@dataclass(slots=True)
class Batch:
    """Outputs under construction."""

    events: list[Event] = field(default_factory=list)
    repetitions: list[Repetition] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    courses: list[Course] = field(default_factory=list)

    def done(self) -> DrillOutputs:
        return DrillOutputs(tuple(self.events), tuple(self.repetitions), tuple(self.cues), tuple(self.courses))
