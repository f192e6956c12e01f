"""What a session decided, read back from its recording: no pipeline is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from math import nan
from typing import Any, TypeVar

from imu.errors import RecordingError
from imu.feedback.explain import Decisions
from imu.outputs import Approach, Cue, Event, Phases, Repetition
from imu.recording.recording import Recording

T = TypeVar("T")


def recorded_decisions(recording: Recording) -> Decisions:
    """Events, repetitions and cues as they were logged live; all empty if it was not a live session of this program."""
    try:
        return Decisions(
            tuple(_repetition(f.values) for f in recording.events("repetition")),
            tuple(_record(Cue, f.values) for f in recording.events("cue")),
            tuple(_record(Event, f.values) for f in recording.events("event")),
        )
    except (KeyError, TypeError, AttributeError) as e:
        raise RecordingError(f"what this recording's session decided cannot be read ({e!r}); it is damaged") from e


def _repetition(values: Mapping[str, Any]) -> Repetition:
    phases = _record(Phases, values["phases"])
    nearest = tuple(_record(Approach, a) for a in values.get("nearest", ()))
    excursions = {name: nan if v is None else float(v) for name, v in values["excursions"].items()}
    plain = {**values, "phases": phases, "nearest": nearest, "excursions": excursions, "faults": tuple(values["faults"])}
    return _record(Repetition, plain)


def _record(kind: type[T], values: Mapping[str, Any]) -> T:
    """A flat record; JSON has no NaN, so an unknown number is null, and older recordings lack newer fields."""
    numbers = {f.name for f in fields(kind) if f.type == "float"}  # pyright: ignore[reportArgumentType]
    known = {f.name for f in fields(kind)}  # pyright: ignore[reportArgumentType]
    given = {name: value for name, value in values.items() if name in known}
    return kind(**{name: nan if value is None and name in numbers else value for name, value in given.items()})
