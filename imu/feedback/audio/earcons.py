"""What each cue sounds like before any word: the rule by its rhythm, the side by pitch and direction.

Left is low and falls, right is high and rises, so that a single loudspeaker tells them apart as well as headphones do.
All notes lie between 390 and 1200 Hz: below, small loudspeakers are silent, and half of 20 walkers found a bass sound
jarring; above, hearing fades first with age.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from imu.conventions import Side
from imu.feedback.audio.tones import Mono, Note, melody, ramped

LEVEL = 0.5
"""Loudest sample of any clip (full scale is 1), -6 dB. The mixer never goes above it."""
PAN_NEAR, PAN_FAR = 0.970, 0.243
"""Gain of the cue's own side and of the other, 12 dB apart: with one earphone the cue is still heard."""
RULES = ("valgus", "tempo", "depth")
"""Rules with tones of their own."""
PAUSE_S = 0.06
"""Between the tones and the words."""

_FOURTH = 4.0 / 3.0
_LOW, _MIDDLE, _HIGH = 523.25, 659.26, 880.0


def notes_of(rule: str, side: Side | None) -> tuple[Note, ...]:
    """The tones of a cue; an unknown rule has a single note."""
    start = {"left": _LOW, "right": _HIGH}.get(side or "", _MIDDLE)
    match rule:
        case "valgus":  # two notes, long: the knee is to move, the direction tells which
            turn = {"left": 1.0 / _FOURTH, "right": _FOURTH}.get(side or "", 1.0)
            return (Note(start, 0.11, rest_s=0.01), Note(start * turn, 0.17))
        case "tempo":  # three even beats of one pitch, as from a metronome
            beat = Note(start, 0.06, decay_s=0.04, rest_s=0.05)
            return (beat, beat, Note(start, 0.06, decay_s=0.04))
        case "depth":  # one note that sinks: lower
            return (Note(start, 0.3, to_hz=start / _FOURTH, decay_s=0.4),)
        case _:
            return (Note(start, 0.2),)


def panned(wave: Mono, side: Side | None) -> NDArray[np.float32]:
    """(n,) → (n, 2) left and right, equal power; read-only."""
    near_far = {"left": (PAN_NEAR, PAN_FAR), "right": (PAN_FAR, PAN_NEAR)}
    gains = near_far.get(side or "", (np.sqrt(0.5), np.sqrt(0.5)))
    stereo = np.ascontiguousarray(wave[:, None] * np.array(gains, np.float32))
    stereo.setflags(write=False)
    return stereo


@cache
def tones_clip(rule: str, side: Side | None, rate_hz: int) -> NDArray[np.float32]:
    """(n, 2) float32, peak at most `LEVEL`, starts and ends at 0. Made once, 1 ms."""
    return panned(LEVEL * melody(notes_of(rule, side), rate_hz), side)


def words_clip(words: Mono, side: Side | None, rate_hz: int) -> NDArray[np.float32]:
    """(n, 2) the same of words with peak 1, after the pause that follows the tones."""
    pause = np.zeros(round(PAUSE_S * rate_hz), np.float32)
    return panned(LEVEL * np.concatenate([pause, ramped(words, 0.003, 0.01, rate_hz)]), side)
