"""What the last strides were like, as a table: both legs, each leg, right against left. `~` marks what is fragile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from imu.dashboard.panel import Panel, box, line, wrapped, write
from imu.dashboard.theme import font
from imu.snapshot import GaitRow

FRAGILE_NOTE: Final = "~ is fragile: compare it with this person's own values only."
EMPTY: Final = "No strides yet. They are shown from the second step of each leg on."

LONGEST: Final = 8
"""Characters of a value."""


@dataclass(frozen=True, slots=True)
class Column:
    head: str
    of: Callable[[GaitRow], str]
    colour: str
    weight: int = 400


COLUMNS: Final = (
    Column("R − L", lambda r: r.against, "ink2"),
    Column("varies", lambda r: r.varies, "ink2"),
    Column("R", lambda r: r.right, "right", 600),
    Column("L", lambda r: r.left, "left", 600),
)
"""From the right."""


@dataclass(frozen=True, slots=True)
class GaitTableState:
    rows: tuple[GaitRow, ...] = ()
    strides: int = 0
    counted: int = 0
    notes: tuple[str, ...] = ()
    """Sentences below the table."""


class GaitTable(Panel[GaitTableState]):
    def words(self) -> str:
        s = self.state
        if not s.rows:
            return self._summary()
        return ". ".join([self._summary(), *(f"{r.name} {r.both} {r.unit}" for r in s.rows)])

    def _summary(self) -> str:
        s = self.state
        if not s.strides:
            return EMPTY
        return f"{s.strides} strides, the last {s.counted} of those that count"

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        box(p, 0, 0, width, height, palette["surface"], 8)
        size = min(round(13 * self.look.text), 20)
        title = min(round(14 * self.look.text), 22)
        write(p, 12, 28, "Strides", title, palette["ink"], 600)
        y = 28.0
        if s.strides:
            write(p, width - 12, y, f"{s.strides}, means of {s.counted}", size, palette["ink3"], align="right")
        y += 20
        if not s.rows:
            for row in wrapped(EMPTY if not s.strides else "Too few strides that count yet.", size + 1, 400, width - 24):
                y += size + 8
                write(p, 12, y, row, size + 1, palette["ink2"])
            return
        notes = (FRAGILE_NOTE, *s.notes) if any(r.caution for r in s.rows) else s.notes
        below = [row for note in notes for row in wrapped(note, size, 400, width - 24)]
        # what must be said beside the numbers has its place first
        pitch = min(size + 15.0, (height - 84.0 - len(below) * (size + 6)) / len(s.rows))
        # columns from the right; what does not fit at a large text size goes
        columns = [c for c in COLUMNS if self.look.text < 1.5 or c.head != "varies"]
        column = 62.0 * max(size / 13, 1.0)
        y += 12
        for k, c in enumerate(columns):
            write(p, width - 12 - k * column, y, c.head, size, palette[c.colour], 600, align="right")
        name_width = width - 24 - len(columns) * column
        for r in s.rows:
            edge = y + (pitch - size) / 2 + 1
            line(p, 12, edge, width - 12, edge, palette["rule"], 1)
            y += pitch
            mark = "~ " if r.caution else ""
            label = f"{mark}{r.name}, {r.unit.removesuffix(' of stride')}"
            elided = QFontMetricsF(font(size)).elidedText(label, Qt.TextElideMode.ElideRight, name_width)
            write(p, 12, y, elided, size, palette["ink2"])
            for k, c in enumerate(columns):
                text = c.of(r)
                # why there is no index is too long for a table
                text = text if 0 < len(text) <= LONGEST else "–"
                write(p, width - 12 - k * column, y, text, size, palette[c.colour], c.weight, align="right")
        y += 16
        for row in below:
            y += size + 6
            write(p, 12, y, row, size, palette["ink3"])
