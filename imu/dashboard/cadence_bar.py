"""A walk at a prescribed cadence: how fast the person steps as a number, and on a bar with the target as a zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QPainter

from imu.dashboard.panel import Panel, box, disc, fitted, line, text_width, write

BAR_HEIGHT: Final = 56.0
DIGITS: Final = 160
"""px: as large as a count of as many digits."""
LEAST_SCALE: Final = 0.2
"""of the target to both sides are on the bar at least ..."""
BANDS: Final = 3.0
"""... and so many times the dead band."""


@dataclass(frozen=True, slots=True)
class CadenceBarState:
    """Steps per minute. `now` None = unknown: not walking, not long enough yet, or a sensor is silent."""

    target: float = 0.0
    band: tuple[float, float] = (0.0, 0.0)
    now: float | None = None
    late: bool = False
    """A cue about it is shown: the disc turns to its colour and a line joins it to the target."""

    def place(self) -> str:
        """Where the person is, in words."""
        if self.now is None:
            return "not known"
        low, high = self.band
        return "below target" if self.now < low else "above target" if self.now > high else "in target"


class CadenceNumber(Panel[CadenceBarState]):
    """The number, in place of the side view and the gauge."""

    def words(self) -> str:
        s = self.state
        if s.now is None:
            return f"Cadence not known, target {s.target:.0f} steps a minute"
        return f"Cadence {s.now:.0f}, target {s.target:.0f} steps a minute"

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s, start = self.look.palette, self.state, min(round(48 * self.look.text), 56)
        baseline = 16 + DIGITS * 0.73
        known = s.now is not None
        digits = f"{s.now:.0f}" if known else "–"
        write(p, -8, baseline, digits, DIGITS, palette["ink" if known else "ink2"], 700, spacing=-4.0)
        size, lines = fitted("steps a minute", width, start=start, least=28, weight=500, lines=1)
        write(p, 0, baseline + 20 + size * 0.73, lines[0], size, palette["ink2"], 500)


class CadenceBar(Panel[CadenceBarState]):
    """From slower on the left to quicker on the right, in place of the tempo bar."""

    def words(self) -> str:
        return f"Cadence {self.state.place()}"

    def position(self, steps_per_minute: float, width: float) -> float:
        """x of a cadence."""
        s = self.state
        half = max(LEAST_SCALE * s.target, BANDS * (s.band[1] - s.target))
        share = 0.5 if half <= 0.0 else 0.5 + 0.5 * (steps_per_minute - s.target) / half
        return width * min(max(share, 0.0), 1.0)

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        top, size = height - BAR_HEIGHT, round(36 * min(self.look.text, 48 / 36))
        box(p, 0, top, width, BAR_HEIGHT, palette["surface"], 10)
        low, high = self.position(s.band[0], width), self.position(s.band[1], width)
        box(p, low, top, high - low, BAR_HEIGHT, palette["band"])
        for edge in (low, high):
            line(p, edge, top, edge, top + BAR_HEIGHT, palette["band_edge"], 3)
        write(p, 0, top - 16, "Slower", size, palette["ink2"], 500)
        write(p, width, top - 16, "Quicker", size, palette["ink2"], 500, align="right")
        middle = (low + high) / 2
        word = f"Target {s.target:.0f}"
        if text_width(word, size, 600) < 0.5 * width:
            write(p, middle, top - 16, word, size, palette["ok"], 600, align="middle")
        if s.now is None:
            return
        y, now = top + BAR_HEIGHT / 2, min(max(self.position(s.now, width), 20.0), width - 20.0)
        if s.late:
            line(p, low if now < middle else high, y, now, y, palette["warn"], 6)
        disc(p, now, y, 18, palette["cue" if s.late else "ink"], palette["ink" if s.late else "bg"], 4)
