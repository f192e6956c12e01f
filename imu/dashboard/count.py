"""The count of completed repetitions and one mark for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QPainter

from imu.dashboard.panel import Panel, fitted, write
from imu.dashboard.shapes import draw_shape

SIZE_OF_DIGITS: Final = {1: 320, 2: 240, 3: 160}
MARK: Final[dict[str, tuple[str, str]]] = {
    "clean": ("ok", "ok"),
    "cued": ("warn", "warn"),
    "counted": ("unknown", "ink2"),
    "tempo": ("clock", "warn"),
    "void": ("lost", "unknown_line"),
    "now": ("now", "ink"),
    "todo": ("todo", "outline"),
}
"""Shape and colour of a repetition's mark."""
MARK_SIZE: Final = 28
ROWS: Final = 2
COLUMNS: Final = 4
MOST_COLUMNS: Final = 6
"""Up to twelve marks fit; of more, the two rows that contain the one under way are shown."""


@dataclass(frozen=True, slots=True)
class CountState:
    count: int = 0
    target: int = 0
    marks: tuple[str, ...] = ()
    running: bool = False
    """A ring marks the repetition to do now."""
    noun: str = "repetition"
    """What is counted; steps have no marks."""
    held_s: int | None = None
    """Whole seconds of the hold under way, shown in place of the count; None = nothing is held."""
    hold_s: int = 0
    """Seconds asked for; 0 = as long as possible."""


class Count(Panel[CountState]):
    def words(self) -> str:
        s = self.state
        if s.held_s is not None:
            # every second would leave no room for anything else
            return f"Holding, {s.held_s // 5 * 5} seconds" if s.held_s >= 5 else "Holding"
        if s.target:
            return f"{s.noun.capitalize()} {s.count} of {s.target} done"
        return f"{s.count} {s.noun}{'' if s.count == 1 else 's'} done"

    def shown_marks(self) -> list[str]:
        s = self.state
        if s.noun != "repetition":
            return []
        marks = [m if m in MARK else "clean" for m in s.marks]
        missing = max(s.target - sum(m != "void" for m in marks), 0)
        if s.running and (missing or not s.target):
            marks.append("now")
            missing -= 1
        marks += ["todo"] * missing
        columns = self.columns(len(marks))
        room = columns * ROWS
        if len(marks) <= room:
            return marks
        at = max(min(len(s.marks), len(marks) - 1), 0)
        first = max(at // columns - (ROWS - 1), 0) * columns
        return marks[first : first + room]

    def columns(self, n: int) -> int:
        """Columns that hold `n` marks in the rows there are, if any number does."""
        return min(max((n + ROWS - 1) // ROWS, COLUMNS), MOST_COLUMNS)

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        digits, label = str(s.count), f"of {s.target}" if s.target else ""
        steps, places = s.noun != "repetition", len(digits)
        if s.held_s is not None:
            digits, label = str(s.held_s), f"s of {s.hold_s}" if s.hold_s else "s"
            places = max(len(digits), len(str(s.hold_s)))
        if steps:
            # a size that does not change on the way to the target
            label, places = f"{label} steps".strip(), max(places, len(str(s.target)))
        size, label_size = SIZE_OF_DIGITS.get(places, 120), min(round(48 * self.look.text), 56)
        baseline = 16 + size * 0.73
        edge = -14 * size / 320
        used = write(
            p, edge, baseline, digits, size, palette["ink"], 700, spacing=-8.0 * size / 320, tabular=False
        )
        # two digits leave no room beside them at a size that is read from 3 m
        if places == 1 and not steps:
            write(p, used + edge + 24, baseline + 2, label, label_size, palette["ink2"], 500)
        else:
            label_size, lines = fitted(label, width, start=label_size, least=28, weight=500, lines=1)
            write(p, 0, baseline + 20 + label_size * 0.73, lines[0] if lines else "", label_size, palette["ink2"], 500)
        marks = self.shown_marks()
        columns = self.columns(len(marks))
        rows = (len(marks) + columns - 1) // columns
        top = height - rows * MARK_SIZE - (rows - 1) * 16
        for k, mark in enumerate(marks):
            name, colour = MARK[mark]
            x, y = (k % columns) * (MARK_SIZE + 24), top + (k // columns) * (MARK_SIZE + 16)
            draw_shape(p, name, x, y, MARK_SIZE, palette[colour], palette["bg"])
