"""A table that can be read by people and by programs."""

from __future__ import annotations

import math
from dataclasses import dataclass

Value = float | int | str | None
"""A number, a word, or None: there is nothing to say (no reference, not installed)."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of values."""

    name: str
    form: str = ".2f"
    """Of its numbers, as in `format`."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with a name and one value per column."""

    key: str
    """Its name for programs."""
    title: str
    meaning: str
    """One line: what the figures are, and which way is better."""
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, tuple[Value, ...]], ...]
    notes: tuple[str, ...] = ()

    def value(self, row: str, column: str) -> Value:
        """One cell by its names; `KeyError` if there is none."""
        for name, values in self.rows:
            if name == row:
                return dict(zip((c.name for c in self.columns), values, strict=True))[column]
        raise KeyError(f"{self.key} has no row {row!r}; there are: {', '.join(name for name, _ in self.rows)}")

    def lines(self) -> list[str]:
        """As text, at most 100 columns wide for names of up to 36 letters."""
        cells = [[name, *(_text(v, c) for v, c in zip(values, self.columns, strict=True))] for name, values in self.rows]
        head = ["", *(c.name for c in self.columns)]
        widths = [max(len(row[i]) for row in [head, *cells]) for i in range(len(head))]
        out = [self.title, f"  {self.meaning}"]
        for row in [head, *cells]:
            first, *others = row
            text = "  ".join([first.ljust(widths[0]), *(t.rjust(w) for t, w in zip(others, widths[1:], strict=True))])
            out.append(f"  {text}".rstrip())
        return out + [f"  {note}" for note in self.notes]

    def as_json(self) -> dict[str, object]:
        """Plain values; what is not a finite number is null."""
        names = [c.name for c in self.columns]
        rows = {name: dict(zip(names, map(_plain, values), strict=True)) for name, values in self.rows}
        return {"title": self.title, "meaning": self.meaning, "rows": rows, "notes": list(self.notes)}


def _text(value: Value, column: Column) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    return value if isinstance(value, str) else format(value, column.form)


def _plain(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value
