"""What to do when sensors do not answer, and what is safe: the count is kept."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QPainter

from imu.dashboard.panel import Panel, disc, fitted, wrapped, write
from imu.dashboard.reading import PLACES, lost_segments
from imu.dashboard.shapes import draw_shape
from imu.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RemedyState:
    steps: tuple[str, ...] = ()
    waiting: str = ""


class Remedy(Panel[RemedyState]):
    """Two numbered steps in place of the side view."""

    def words(self) -> str:
        return ". ".join((*self.state.steps, self.state.waiting))

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, y = self.look.palette, 40.0
        for k, step in enumerate(self.state.steps):
            disc(p, 24, y + 24, 24, palette["raised"])
            write(p, 24, y + 24 + 28 * 0.36, str(k + 1), 28, palette["ink"], 700, align="middle")
            for row in wrapped(step, 32, 400, width - 64):
                write(p, 64, y + 24 + 32 * 0.36, row, 32, palette["ink"])
                y += 40
            y += 28
        if self.state.waiting:
            y += 8
            draw_shape(p, "busy", 4, y + 4, 40, palette["ink2"], palette["bg"])
            write(p, 64, y + 24 + 32 * 0.36, self.state.waiting, 32, palette["ink2"])


@dataclass(frozen=True, slots=True)
class KeptState:
    count: int = 0


class Kept(Panel[KeptState]):
    """In place of the tempo bar."""

    def words(self) -> str:
        return f"Counting is paused. {self.kept()}"

    def kept(self) -> str:
        n = self.state.count
        return "Your repetition is kept" if n == 1 else (f"Your {n} repetitions are kept" if n else "Begin when all answer")

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette = self.look.palette
        size, lines = fitted("Counting is paused", width, start=40, least=32, weight=700, lines=1)
        write(p, 0, 24 + size * 0.36, lines[0], size, palette["ink"], 700)
        write(p, 0, 68 + 32 * 0.36, self.kept(), 32, palette["ink2"])


def remedy_state(s: Snapshot) -> RemedyState:
    lost = lost_segments(s.sensors)
    if len(lost) == 1:
        place = PLACES.get(lost[0], lost[0]).lower()
        return RemedyState((f"Check the {place} strap", "Press its button"), "Searching")
    return RemedyState(("Check the straps", "Press the sensors' buttons"), "Searching")
