"""Tempo bar: the prescribed phases to scale. Fill and line = pace, disc = the person."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan
from typing import Final

from PySide6.QtGui import QPainter

from imu.dashboard.panel import Panel, box, disc, line, text_width, write

GAP: Final = 8.0
BAR_HEIGHT: Final = 56.0


@dataclass(frozen=True, slots=True)
class TempoState:
    """s on the axis 0 .. sum(tempo). None = not known (a repetition has not begun, or the value is unknown)."""

    tempo: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    words: tuple[str, str, str, str] = ("Down", "Hold", "Up", "Rest")
    letters: tuple[str, str, str, str] = ("E", "P1", "C", "P2")
    phase: int = -1
    pace: float | None = None
    person: float | None = None
    late: bool = False
    """Out of tempo: the disc turns to the cue's colour and a line joins it to the pace."""


def seconds(value: float) -> str:
    return f"{value:g}"


def known_time(value: float) -> float | None:
    """s to 20 ms, about three pixels of the bar; NaN becomes None."""
    return None if isnan(value) else round(value * 50) / 50


class TempoBar(Panel[TempoState]):
    def words(self) -> str:
        s = self.state
        if sum(s.tempo) <= 0:
            return "No tempo prescribed"
        phase = self.phase_now()
        if phase >= 0:
            now = f"{s.words[phase]}, {seconds(s.tempo[phase])} seconds"
            return f"{now}, out of tempo" if s.late else now
        plan = ", ".join(f"{word} {seconds(t)}" for word, t in zip(s.words, s.tempo, strict=True) if t > 0)
        return f"Tempo in seconds: {plan}"

    def phase_now(self) -> int:
        """The phase that the tempo asks for now; without a pace the one the person is in; -1 = none."""
        s = self.state
        if s.pace is None:
            return s.phase if 0 <= s.phase < 4 else -1
        ends = [sum(s.tempo[: k + 1]) for k in range(4)]
        return next((k for k in range(4) if s.tempo[k] > 0 and s.pace < ends[k]), -1)

    def segments(self, width: float) -> list[tuple[int, float, float, float]]:
        """(phase, start in s, x, width) of every phase that has a duration."""
        tempo = self.state.tempo
        used = [k for k in range(4) if tempo[k] > 0]
        if not used:
            return []
        unit = (width - GAP * (len(used) - 1)) / sum(tempo)
        out, x, start = [], 0.0, 0.0
        for k in used:
            out.append((k, start, x, unit * tempo[k]))
            x += unit * tempo[k] + GAP
            start += tempo[k]
        return out

    def position(self, t: float, width: float) -> float:
        """x of an instant of the axis."""
        x = 0.0
        for k, start, left, wide in self.segments(width):
            if t >= start:
                x = left + wide * min((t - start) / self.state.tempo[k], 1.0)
        return x

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        top, size = height - BAR_HEIGHT, round(36 * min(self.look.text, 48 / 36))
        segments, now = self.segments(width), self.phase_now()
        for k, start, x, wide in segments:
            current = k == now
            box(p, x, top, wide, BAR_HEIGHT, palette["raised" if current else "surface"], 10)
            if current and s.pace is not None:
                done = wide * (s.pace - start) / s.tempo[k]
                box(p, x, top, max(20.0, done), BAR_HEIGHT, palette["ref"], 10)
            self._label(p, k, x, top, wide, size, current)
            letter = text_width(s.letters[k], 20, 500)
            if wide > letter + 24:
                write(p, x + wide - 12, top + BAR_HEIGHT / 2 + 7, s.letters[k], 20, palette["ink3"], 500, align="right")
        if s.pace is None or not segments:
            return
        middle, pace = top + BAR_HEIGHT / 2, min(max(self.position(s.pace, width), 3.0), width - 3.0)
        line(p, pace, top - 6, pace, top + BAR_HEIGHT - 3, palette["ink"], 6, cap_round=True)
        if s.person is None:
            return
        person = min(max(self.position(s.person, width), 20.0), width - 20.0)
        if s.late:
            line(p, pace + (3 if person > pace else -3), middle, person, middle, palette["warn"], 6)
        disc(p, person, middle, 18, palette["cue" if s.late else "ink"], palette["ink" if s.late else "bg"], 4)

    def _label(self, p: QPainter, k: int, x: float, top: float, wide: float, size: int, current: bool) -> None:
        palette, word, number = self.look.palette, self.state.words[k], seconds(self.state.tempo[k])
        # a short phase has no room for its word and its seconds side by side: the seconds go first, then the size
        while size > 28 and text_width(word, size, 700) > wide:
            size -= 2
        used = write(p, x, top - 16, word, size, palette["ink" if current else "ink2"], 700 if current else 500)
        if used + 10 + text_width(number, size, 500) <= wide + GAP:
            write(p, x + used + 10, top - 16, number, size, palette["ink2"], 500)
