"""What one push of a session brought, and how it is collected."""

from __future__ import annotations

from dataclasses import dataclass, field

from imu.outputs import Cue, Event, Repetition


@dataclass(frozen=True, slots=True)
class DrillOutputs:
    """What one push brought."""

    events: tuple[Event, ...] = ()
    repetitions: tuple[Repetition, ...] = ()
    cues: tuple[Cue, ...] = ()
    """Every decision, given or held back."""


@dataclass(slots=True)
class Batch:
    """Outputs under construction."""

    events: list[Event] = field(default_factory=list)
    repetitions: list[Repetition] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)

    def done(self) -> DrillOutputs:
        return DrillOutputs(tuple(self.events), tuple(self.repetitions), tuple(self.cues))
