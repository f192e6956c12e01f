"""The table of keys, shown over the screen while it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QPainter

from imu.dashboard.panel import Panel, box, text_width, write

PITCH: Final = 44.0


@dataclass(frozen=True, slots=True)
class KeyTableState:
    rows: tuple[tuple[str, str], ...] = ()
    """(key, what it does)."""


class KeyTable(Panel[KeyTableState]):
    @property
    def design_height(self) -> float:
        return 32 + PITCH * (len(self.state.rows) + 1)

    def words(self) -> str:
        return ". ".join(f"{key}: {text}" for key, text in self.state.rows)

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette = self.look.palette
        box(p, 0, 0, width, height, palette["raised"], 8, palette["outline"], 2)
        write(p, 32, 16 + PITCH / 2 + 32 * 0.36, "Keys", 32, palette["ink"], 700)
        for k, (key, text) in enumerate(self.state.rows, 1):
            middle = 16 + PITCH * (k + 0.5)
            cap = text_width(key, 24, 600) + 24
            box(p, 32, middle - 20, cap, 40, None, 6, palette["outline"], 2)
            write(p, 32 + cap / 2, middle + 24 * 0.36, key, 24, palette["ink"], 600, align="middle")
            write(p, 160, middle + 28 * 0.36, text, 28, palette["ink"])
