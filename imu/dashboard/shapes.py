"""One shape per meaning. The shape never changes with the theme, and no meaning is told by colour alone.

Each shape is drawn on a field of 24 × 24 units: filled paths in the state's colour, strokes in the colour behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import cos, pi, sin
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

FIELD: Final = 24.0


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    path: QPainterPath
    width: float
    inner: bool = False
    """True: in the colour behind the shape (the check in the disc); False: in the colour of the state."""
    dash: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """`rim`: width of an outline of the filled path, in the same colour, that rounds its corners."""

    fill: QPainterPath | None = None
    rim: float = 0.0
    strokes: tuple[Stroke, ...] = ()
    dots: tuple[tuple[float, float, float], ...] = ()
    """Discs (x, y, radius) in the colour behind the shape."""


def _line(*points: tuple[float, float]) -> QPainterPath:
    path = QPainterPath(QPointF(*points[0]))
    for point in points[1:]:
        path.lineTo(QPointF(*point))
    return path


def _area(*points: tuple[float, float]) -> QPainterPath:
    path = QPainterPath()
    path.addPolygon(QPolygonF([QPointF(*point) for point in points]))
    path.closeSubpath()
    return path


def _disc(radius: float) -> QPainterPath:
    path = QPainterPath()
    path.addEllipse(QPointF(12, 12), radius, radius)
    return path


def _arc(x: float, y: float, radius: float, start_deg: float, sweep_deg: float) -> QPainterPath:
    box = QRectF(x - radius, y - radius, 2 * radius, 2 * radius)
    path = QPainterPath()
    path.arcMoveTo(box, start_deg)
    path.arcTo(box, start_deg, sweep_deg)
    return path


def _speaker() -> QPainterPath:
    return _area((3, 9), (7, 9), (13, 4), (13, 20), (7, 15), (3, 15))


def _octagon() -> QPainterPath:
    turn = pi / 8
    return _area(*((12 + 10.8 * cos(turn + k * pi / 4), 12 + 10.8 * sin(turn + k * pi / 4)) for k in range(8)))


@cache
def shapes() -> dict[str, Shape]:
    """By meaning. `ok` in band, done · `warn` alignment cue, attention · `clock` tempo cue · `depth` depth cue ·
    `stop` stop advice · `lost` lost, void · `unknown` not measured, waiting · `todo` to do · `now` to do now ·
    `held` held back."""
    cross = (Stroke(_line((9, 9), (15, 15)), 2.6, True), Stroke(_line((15, 9), (9, 15)), 2.6, True))
    return {
        "ok": Shape(_disc(10), strokes=(Stroke(_line((7, 12.4), (10.4, 15.8), (17, 8.6)), 2.6, True),)),
        "warn": Shape(
            _area((12, 2.5), (22.5, 21.5), (1.5, 21.5)),
            rim=2.0,
            strokes=(Stroke(_line((12, 9), (12, 15)), 2.6, True),),
            dots=((12, 18.4, 1.6),),
        ),
        "clock": Shape(_disc(10), strokes=(Stroke(_line((12, 6.5), (12, 12), (16, 15)), 2.6, True),)),
        "depth": Shape(
            _disc(10),
            strokes=(
                Stroke(_line((12, 6), (12, 14.5)), 2.6, True),
                Stroke(_line((8.2, 11.2), (12, 15), (15.8, 11.2)), 2.6, True),
                Stroke(_line((8, 18), (16, 18)), 2.2, True),
            ),
        ),
        "stop": Shape(_octagon(), strokes=(Stroke(_line((8, 12), (16, 12)), 3.0, True),)),
        "lost": Shape(_area((12, 1.5), (22.5, 12), (12, 22.5), (1.5, 12)), strokes=cross),
        "unknown": Shape(strokes=(Stroke(_disc(9), 2.0, dash=(4, 3)), Stroke(_line((8.5, 12), (15.5, 12)), 2.4))),
        "todo": Shape(strokes=(Stroke(_disc(9), 2.0),)),
        "now": Shape(strokes=(Stroke(_disc(9.4), 4.3),)),
        "held": Shape(strokes=(Stroke(_disc(9), 2.0), Stroke(_line((6, 18), (18, 6)), 2.0))),
        "busy": Shape(strokes=(Stroke(_arc(12, 12, 9, 180, 180), 2.4),)),
        "sound": Shape(
            _speaker(), strokes=(Stroke(_arc(13, 12, 5, -45, 90), 2.0), Stroke(_arc(12.5, 12, 9.2, -45, 90), 2.0))
        ),
        "mute": Shape(
            _speaker(),
            strokes=(Stroke(_line((16.5, 9.5), (21.5, 14.5)), 2.0), Stroke(_line((21.5, 9.5), (16.5, 14.5)), 2.0)),
        ),
        "right": Shape(strokes=(Stroke(_line((5, 12), (19, 12)), 3.0), Stroke(_line((13, 6), (19, 12), (13, 18)), 3.0))),
        "left": Shape(strokes=(Stroke(_line((19, 12), (5, 12)), 3.0), Stroke(_line((11, 6), (5, 12), (11, 18)), 3.0))),
    }


def draw_shape(p: QPainter, name: str, x: float, y: float, size: float, colour: QColor, behind: QColor) -> None:
    """Draw a shape with its field's upper left corner at (x, y)."""
    shape = shapes()[name]
    p.save()
    p.translate(x, y)
    p.scale(size / FIELD, size / FIELD)
    if shape.fill is not None:
        p.setPen(_pen(colour, shape.rim) if shape.rim else QPen(Qt.PenStyle.NoPen))
        p.setBrush(colour)
        p.drawPath(shape.fill)
    p.setBrush(Qt.BrushStyle.NoBrush)
    for stroke in shape.strokes:
        pen = _pen(behind if stroke.inner else colour, stroke.width)
        if stroke.dash is not None:
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            pen.setDashPattern([part / stroke.width for part in stroke.dash])
        p.setPen(pen)
        p.drawPath(stroke.path)
    p.setPen(QPen(Qt.PenStyle.NoPen))
    p.setBrush(behind)
    for cx, cy, radius in shape.dots:
        p.drawEllipse(QPointF(cx, cy), radius, radius)
    p.restore()


def _pen(colour: QColor, width: float) -> QPen:
    return QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
