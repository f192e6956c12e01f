"""What a walk at a cadence lets be heard beside its cues: events in, beats and clicks out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from imu.feedback.audio.output import AudioOut
from imu.feedback.cadence_drill import CadenceDrill
from imu.outputs import Event

if TYPE_CHECKING:
    from imu.feedback.drill import AnyDrill


class Pacing:
    """The clicks of one session.

    Parameters
    ----------
    drill : any drill, or None
        Only a drill of a cadence is paced.
    audio : AudioOut
    real_time : bool
        False: the events come faster or slower than they happened, and beats would not fit them.
    """

    def __init__(self, drill: AnyDrill | None, audio: AudioOut, *, real_time: bool = True) -> None:
        self._drill = drill if isinstance(drill, CadenceDrill) and real_time else None
        self._audio = audio
        self._walking = False

    def take(self, events: Iterable[Event]) -> None:
        """Events in the order in which they were decided."""
        if self._drill is None:
            return
        volume = self._drill.metronome.volume_percent / 100.0
        for event in events:
            match event.kind:
                case "metronome_started":
                    self._audio.beat(self._drill.cadence.steps_per_minute, volume)
                case "metronome_stopped":
                    self._audio.stop_beat()
                case "walk_started" | "walk_ended":
                    self._walking = event.kind == "walk_started"
                case "initial_contact_predicted" if self._walking and self._drill.metronome.steps:
                    self._audio.click(volume)
                case _:
                    pass

    def end(self) -> None:
        """The session is over."""
        if self._drill is not None:
            self._audio.stop_beat()
