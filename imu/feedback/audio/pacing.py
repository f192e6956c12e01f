"""What is heard beside the cues: events and depth in; beats, phases, clicks and a tone out."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan, nan, radians
from typing import TYPE_CHECKING, Final

from imu.feedback.audio.output import AudioOut
from imu.feedback.audio.phase_marks import PhaseTempo
from imu.feedback.cadence_drill import CadenceDrill
from imu.outputs import Event
from imu.snapshot import Snapshot

if TYPE_CHECKING:
    from imu.feedback.drill import AnyDrill, Drill

QUIET_SHARE: Final = 0.1
"""of the depth aimed for; below it the person stands, and a tone would only drone."""


class Pacing:
    """The clicks and the tone of one session.

    Parameters
    ----------
    drill : any drill, or None
    audio : AudioOut
    real_time : bool
        False: the events come faster or slower than they happened, and beats would not fit them.
    """

    def __init__(self, drill: AnyDrill | None, audio: AudioOut, *, real_time: bool = True) -> None:
        self._walk = drill if isinstance(drill, CadenceDrill) and real_time else None
        self._drill = drill if drill is not None and not isinstance(drill, CadenceDrill) and real_time else None
        self._audio = audio
        self._walking = False
        self._begun = False
        self._count = 0

    def take(self, events: Iterable[Event]) -> None:
        """Events in the order in which they were decided."""
        for event in events:
            if self._walk is not None:
                self._walked(self._walk, event)
            elif self._drill is not None and self._drill.sound.metronome == "phases":
                self._repeated(self._drill, event)

    def follow(self, snapshot: Snapshot) -> None:
        """The newest state: the depth, if the drill lets it be heard."""
        drill = self._drill
        if drill is None or drill.sound.depth_tone == "none":
            return
        share = snapshot.repetition.depth / radians(drill.target.aim_deg)
        if snapshot.stage != "drill" or isnan(share) or share < QUIET_SHARE:
            self._audio.tone(nan)
            return
        octave = min(share, 1.25)  # deeper than asked for is heard as that, up to a third of an octave
        rising = drill.sound.depth_tone == "rising"
        self._audio.tone(octave if rising else 1.0 - octave, drill.sound.tone_percent / 100.0)

    def end(self) -> None:
        """The session is over."""
        if self._walk is not None or self._drill is not None:
            self._audio.stop_beat()
            self._audio.tone(nan)

    def _walked(self, drill: CadenceDrill, event: Event) -> None:
        volume = drill.metronome.volume_percent / 100.0
        match event.kind:
            case "metronome_started":
                self._audio.beat(drill.cadence.steps_per_minute, volume)
            case "metronome_stopped":
                self._audio.stop_beat()
            case "walk_started" | "walk_ended":
                self._walking = event.kind == "walk_started"
            case "initial_contact_predicted" if self._walking and drill.metronome.steps:
                self._audio.click(volume)
            case _:
                pass

    def _repeated(self, drill: Drill, event: Event) -> None:
        """From the end of the set-up, counted in, to the last repetition of the set."""
        if event.kind == "calibrated" and not self._begun:
            self._begun = True
            tempo = PhaseTempo(drill.tempo.seconds, drill.sound.count_in, drill.tempo.first)
            self._audio.pace(tempo, drill.sound.volume_percent / 100.0)
        elif event.kind == "repetition_counted":
            self._count += 1
            if self._count == drill.target_count:
                self._audio.stop_beat()
