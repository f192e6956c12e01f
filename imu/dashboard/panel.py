"""A painted part of the screen: draws one frozen state, repaints only when it changes, and says it in words."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Generic, TypeVar

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from imu.dashboard.theme import Look, font

S = TypeVar("S")

paint_ns = 0
"""Time spent in all panels' paint events so far; the window takes differences of it."""


class Panel(QWidget, Generic[S]):
    """Base of the painted parts. `draw` works in design pixels (see `theme.DESIGN_HEIGHT`), whatever the real size is.

    A painted widget has no children that a screen reader could visit, so `words` puts its state into a sentence.
    """

    def __init__(self, name: str, state: S, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state: S = state
        self.look = Look()
        self.factor = 1.0
        self.setAccessibleName(name)
        self.setAccessibleDescription(self.words())
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def show_state(self, state: S) -> None:
        """Draw this from now on; equal states cost nothing."""
        if state == self.state:
            return
        self.state = state
        words = self.words()
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)
        self.update()

    def set_look(self, look: Look) -> None:
        self.look = look
        self.update()

    def place(self, x: float, y: float, width: float, height: float, factor: float) -> None:
        """Take this rectangle of the design, `factor` real pixels per design pixel."""
        self.factor = factor
        left, top = round(x * factor), round(y * factor)
        self.setGeometry(left, top, round((x + width) * factor) - left, round((y + height) * factor) - top)

    @property
    def design_size(self) -> tuple[float, float]:
        return self.width() / self.factor, self.height() / self.factor

    def words(self) -> str:
        """The state as a sentence for a screen reader."""
        raise NotImplementedError

    def draw(self, p: QPainter, width: float, height: float) -> None:
        raise NotImplementedError

    def paintEvent(self, event: QPaintEvent) -> None:  # Qt's name
        global paint_ns
        began = time.perf_counter_ns()
        p = QPainter(self)
        try:
            p.fillRect(self.rect(), self.look.palette["bg"])
            p.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            p.scale(self.factor, self.factor)
            self.draw(p, *self.design_size)
        finally:
            # an open painter kept alive by a traceback would outlive its widget and crash when it is collected
            p.end()
        paint_ns += time.perf_counter_ns() - began


def write(
    p: QPainter,
    x: float,
    baseline: float,
    text: str,
    px: int,
    colour: QColor,
    weight: int = 400,
    *,
    align: str = "left",
    spacing: float = 0.0,
    tabular: bool = True,
) -> float:
    """Write one line; returns its width. `align`: where `x` is, `left`, `right` or `middle`."""
    width = text_width(text, px, weight, spacing, tabular)
    p.setFont(font(px, weight, spacing, tabular))
    p.setPen(colour)
    p.drawText(QPointF(x - {"left": 0.0, "right": width, "middle": width / 2}[align], baseline), text)
    return width


@lru_cache(maxsize=2048)
def text_width(text: str, px: int, weight: int = 400, spacing: float = 0.0, tabular: bool = True) -> float:
    """Width of one line. Cached: the same few words are measured in every frame."""
    return QFontMetricsF(font(px, weight, spacing, tabular)).horizontalAdvance(text)


def wrapped(text: str, px: int, weight: int, width: float, spacing: float = 0.0) -> list[str]:
    """Words in lines no wider than `width`; a single word may be wider."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, px, weight, spacing) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def fitted(
    text: str, width: float, *, start: int, least: int, weight: int, lines: int = 2, spacing: float = 0.0
) -> tuple[int, list[str]]:
    """Largest size from `start` down by 4 to `least` at which the words fit; at `least` the last line is elided."""
    px = start
    while True:
        rows = wrapped(text, px, weight, width, spacing)
        if len(rows) <= lines and all(text_width(row, px, weight, spacing) <= width for row in rows):
            return px, balanced(rows, px, weight, width, spacing)
        if px - 4 < least:
            break
        px -= 4
    kept = [*rows[: lines - 1], " ".join(rows[lines - 1 :])]
    metrics = QFontMetricsF(font(px, weight, spacing))
    return px, [metrics.elidedText(row, Qt.TextElideMode.ElideRight, width) for row in kept]


def balanced(rows: list[str], px: int, weight: int, width: float, spacing: float) -> list[str]:
    """Two lines of about equal length read better than a full one and a single word."""
    if len(rows) != 2:
        return rows
    words = " ".join(rows).split()
    splits = [(" ".join(words[:k]), " ".join(words[k:])) for k in range(1, len(words))]
    best = min(splits, key=lambda s: max(text_width(line, px, weight, spacing) for line in s), default=tuple(rows))
    return list(best)


def line(
    p: QPainter, x1: float, y1: float, x2: float, y2: float, colour: QColor, width: float, *, cap_round: bool = False
) -> None:
    cap = Qt.PenCapStyle.RoundCap if cap_round else Qt.PenCapStyle.FlatCap
    p.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, cap))
    p.drawLine(QPointF(x1, y1), QPointF(x2, y2))


def box(
    p: QPainter,
    x: float,
    y: float,
    width: float,
    height: float,
    fill: QColor | None,
    radius: float = 0.0,
    edge: QColor | None = None,
    edge_width: float = 1.0,
) -> None:
    """A filled rounded rectangle; an edge lies inside it."""
    inset = edge_width / 2 if edge is not None else 0.0
    p.setPen(QPen(edge, edge_width) if edge is not None else QPen(Qt.PenStyle.NoPen))
    p.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
    r = max(radius - inset, 0.0)
    p.drawRoundedRect(QRectF(x + inset, y + inset, max(width - 2 * inset, 0.0), max(height - 2 * inset, 0.0)), r, r)


def disc(
    p: QPainter, x: float, y: float, radius: float, fill: QColor | None, edge: QColor | None = None, edge_width: float = 1.0
) -> None:
    """A disc; an edge is centred on its rim."""
    p.setPen(QPen(edge, edge_width) if edge is not None else QPen(Qt.PenStyle.NoPen))
    p.setBrush(fill if fill is not None else Qt.BrushStyle.NoBrush)
    p.drawEllipse(QPointF(x, y), radius, radius)
