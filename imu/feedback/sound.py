"""What a drill of repetitions lets be heard beside its cues: data of the drill."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from imu.feedback.drill_reader import choice, number, whole

PITCHES: Final = ("none", "falling", "rising")


def _may_be_left_out(default: object, required: Any) -> Any:
    """The same field with a default."""
    return field(default=default, metadata=required.metadata)


@dataclass(frozen=True, slots=True)
class Sound:
    """What is heard beside the cues. May be left out: nothing."""

    metronome: str = choice(
        "phases: a click where each phase of the prescribed tempo begins, softer ones for the seconds in between. none. "
        "Recommended: phases for slow resistance work; the person follows it, it does not wait.",
        ("none", "phases"),
        "none",
    )
    count_in: int = _may_be_left_out(
        4, whole("Beats, one a second, before the first repetition. Larger = more time to prepare. Recommended 4.", 0, 16)
    )
    volume_percent: float = _may_be_left_out(
        60.0, number("Per cent of the loudest click, softer than a cue. Larger = louder. Recommended 60.", 0.0, 100.0)
    )
    depth_tone: str = choice(
        "A tone whose pitch follows the depth, an octave from stand to aim: falling or rising on the way down; none. "
        "It pauses in the stand and while the depth is unknown. Recommended: none, falling for those who aim at a depth.",
        PITCHES,
        "none",
    )
    tone_percent: float = _may_be_left_out(
        60.0, number("Per cent of the loudest tone, softer than a click. Larger = louder. Recommended 60.", 0.0, 100.0)
    )
