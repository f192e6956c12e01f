"""What to do when sensors do not answer, and what is safe: the count is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QPainter

from imu.conventions import place
from imu.dashboard.panel import Panel, disc, fitted, wrapped, write
from imu.dashboard.reading import lost_segments
from imu.dashboard.shapes import draw_shape
from imu.snapshot import Snapshot

LARGEST: Final = 40
"""px; smaller where the steps would reach the floor of the figure beside them."""


@dataclass(frozen=True, slots=True)
class RemedyState:
    steps: tuple[str, ...] = ()
    waiting: str = ""


class Remedy(Panel[RemedyState]):
    """Two numbered steps in place of the side view."""

    def words(self) -> str:
        return ". ".join((*self.state.steps, self.state.waiting))

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, size = self.look.palette, min(round(32 * self.look.text), LARGEST)
        steps = [wrapped(step, size, 400, width - 64) for step in self.state.steps]
        while size > 32 and sum(len(rows) for rows in steps) * size * 1.25 + 160 > height:
            size -= 2
            steps = [wrapped(step, size, 400, width - 64) for step in self.state.steps]
        pitch, y = size * 1.25, 40.0 if self.look.text == 1.0 else 16.0
        for k, rows in enumerate(steps):
            disc(p, 24, y + 24, 24, palette["raised"])
            write(p, 24, y + 24 + 28 * 0.36, str(k + 1), 28, palette["ink"], 700, align="middle")
            for row in rows:
                write(p, 64, y + 24 + size * 0.36, row, size, palette["ink"])
                y += pitch
            y += 28
        if self.state.waiting:
            y += 8
            draw_shape(p, "busy", 4, y + 4, 40, palette["ink2"], palette["bg"])
            write(p, 64, y + 24 + size * 0.36, self.state.waiting, size, palette["ink2"])


@dataclass(frozen=True, slots=True)
class KeptState:
    count: int = 0
    noun: str = "repetition"


class Kept(Panel[KeptState]):
    """In place of the tempo bar."""

    def words(self) -> str:
        return f"Counting is paused. {self.kept()}"

    def kept(self) -> str:
        n, noun = self.state.count, self.state.noun
        return f"Your {noun} is kept" if n == 1 else (f"Your {n} {noun}s are kept" if n else "Begin when all answer")

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette = self.look.palette
        size, lines = fitted("Counting is paused", width, start=40, least=32, weight=700, lines=1)
        write(p, 0, 24 + size * 0.36, lines[0], size, palette["ink"], 700)
        write(p, 0, 68 + 32 * 0.36, self.kept(), 32, palette["ink2"])


def remedy_state(s: Snapshot) -> RemedyState:
    lost = lost_segments(s.sensors)
    if len(lost) == 1:
        return RemedyState((f"Check the {place(lost[0])} strap", "Press its button"), "Searching")
    return RemedyState(("Check the straps", "Press the sensors' buttons"), "Searching")
