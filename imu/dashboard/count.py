"""The count of completed repetitions and one mark for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QPainter

from imu.dashboard.panel import Panel, text_width, write
from imu.dashboard.shapes import draw_shape

SIZE_OF_DIGITS: Final = {1: 320, 2: 240, 3: 160}
MARK: Final[dict[str, tuple[str, str]]] = {
    "clean": ("ok", "ok"),
    "cued": ("warn", "warn"),
    "tempo": ("clock", "warn"),
    "void": ("lost", "unknown_line"),
    "now": ("now", "ink"),
    "todo": ("todo", "outline"),
}
"""Shape and colour of a repetition's mark."""
MARK_SIZE: Final = 28
COLUMNS: Final = 4
ROWS: Final = 2
"""More than eight are shown in the two rows that contain the one under way."""


@dataclass(frozen=True, slots=True)
class CountState:
    count: int = 0
    target: int = 0
    marks: tuple[str, ...] = ()
    running: bool = False
    """A ring marks the repetition to do now."""


class Count(Panel[CountState]):
    def words(self) -> str:
        s = self.state
        if s.target:
            return f"Repetition {s.count} of {s.target} done"
        return f"{s.count} repetition{'' if s.count == 1 else 's'} done"

    def shown_marks(self) -> list[str]:
        s = self.state
        marks = [m if m in MARK else "clean" for m in s.marks]
        if s.running and (not s.target or len(marks) < s.target):
            marks.append("now")
        marks += ["todo"] * (s.target - len(marks))
        room = COLUMNS * ROWS
        if len(marks) <= room:
            return marks
        at = max(min(len(s.marks), len(marks) - 1), 0)
        first = min(max(at // COLUMNS - (ROWS - 1), 0) * COLUMNS, len(marks) - 1)
        return marks[first : first + room]

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        digits = str(s.count)
        size = SIZE_OF_DIGITS.get(len(digits), 120)
        label = f"of {s.target}" if s.target else ""
        label_size = min(round(48 * self.look.text), 56)
        while (
            label
            and size > 120
            and text_width(digits, size, 700) - 14 + 16 + text_width(label, label_size, 500) > width + 24
        ):
            size -= 20
        baseline = 250.0
        spacing = -8.0 * size / 320
        used = write(p, -14 * size / 320, baseline, digits, size, palette["ink"], 700, spacing=spacing, tabular=False)
        if label:
            write(p, used - 14 * size / 320 + 16 + 8, baseline + 2, label, label_size, palette["ink2"], 500)
        rows = self.shown_marks()
        lines = (len(rows) + COLUMNS - 1) // COLUMNS
        top = height - lines * MARK_SIZE - (lines - 1) * 16
        for k, mark in enumerate(rows):
            name, colour = MARK[mark]
            x, y = (k % COLUMNS) * (MARK_SIZE + 24), top + (k // COLUMNS) * (MARK_SIZE + 16)
            draw_shape(p, name, x, y, MARK_SIZE, palette[colour], palette["bg"])
