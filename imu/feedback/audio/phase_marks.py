"""Where the phases of a prescribed repetition begin, by the sample: way down, hold, way up, rest (E-P1-C-P2), again and
again. Exact arithmetic, as for even beats: mark k of an hour lies on the nearest sample, whatever is asked for together.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Final

from imu.feedback.audio.tones import RATE_HZ, Note

KINDS: Final = ("count", "down", "hold", "up", "rest", "tick")
NOTES: Final = {
    "count": Note(880.0, 0.03, decay_s=0.01),
    "down": Note(783.99, 0.06, to_hz=523.25, decay_s=0.05),
    "hold": Note(523.25, 0.03, decay_s=0.01),
    "up": Note(523.25, 0.06, to_hz=783.99, decay_s=0.05),
    "rest": Note(783.99, 0.03, decay_s=0.01),
    "tick": Note(659.26, 0.02, decay_s=0.008),
}
"""The way down sinks and the way up rises; seconds in between are a soft tick."""
SHARE: Final = {"tick": 0.4}
"""Of the level of the others."""
HALF: Final = Fraction(1, 2)
SHORTEST_S: Final = 0.1
"""s; a prescribed phase below this has no mark of its own."""


@dataclass(frozen=True, slots=True)
class PhaseTempo:
    """What is asked for."""

    seconds: tuple[float, float, float, float]
    """Way out, hold, way back, rest; 0 = no such phase."""
    count_in: int = 0
    """Beats, one a second, before the first way out."""
    first: str = "down"
    """The way out: `down` (E-P1-C-P2) or `up` (C-P1-E-P2: bridges, calf raises)."""


@dataclass(frozen=True, slots=True)
class PhaseMarks:
    """Marks on the sample clock."""

    start: int
    """Sample of the first beat of the count-in, or of the first way down."""
    count_in: int
    offsets: tuple[tuple[Fraction, str], ...]
    """(seconds from the start of a repetition, kind), in order."""
    period: Fraction
    """s, length of a repetition."""
    rate_hz: int = RATE_HZ

    @staticmethod
    def begun(sample: int, tempo: PhaseTempo, rate_hz: int = RATE_HZ) -> PhaseMarks:
        """The count-in begins at this sample. ValueError if no phase is long enough to be heard."""
        offsets: list[tuple[Fraction, str]] = []
        at = Fraction(0)
        ways = ("down", "up") if tempo.first == "down" else ("up", "down")
        for kind, seconds in zip((ways[0], "hold", ways[1], "rest"), tempo.seconds, strict=True):
            length = Fraction(seconds).limit_denominator(1000)  # what was typed, not its nearest binary number
            if seconds >= SHORTEST_S:
                offsets.append((at, kind))
                offsets += [(at + k, "tick") for k in range(1, ceil(length)) if length - k >= HALF]
            at += length
        if not offsets:
            raise ValueError(f"a tempo of {tempo.seconds} s has no phase that can be heard")
        return PhaseMarks(sample, tempo.count_in, tuple(offsets), at, rate_hz)

    def within(self, first: int, end: int) -> list[tuple[int, str]]:
        """(sample, kind) of the marks at samples first .. end - 1."""
        found = [(self.start + k * self.rate_hz, "count") for k in range(self.count_in)]
        found = [(sample, kind) for sample, kind in found if first <= sample < end]
        begin = self.start + self.count_in * self.rate_hz
        cycle = self.period * self.rate_hz
        number = max(0, floor((first - 1 - begin) / cycle))
        while begin + number * cycle - HALF < end:
            for offset, kind in self.offsets:
                sample = floor(begin + number * cycle + offset * self.rate_hz + HALF)
                if first <= sample < end:
                    found.append((sample, kind))
            number += 1
        return found
