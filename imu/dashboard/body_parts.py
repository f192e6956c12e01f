"""How a part of the body is drawn: filled = measured, dashed = not measured, hatched = unknown now."""

from __future__ import annotations

from collections.abc import Callable
from math import acos, atan2, cos, degrees, hypot, sin
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPainterPath, QPen, QTransform

from imu.dashboard.theme import Palette

HATCH_SCALE: Final = 1.6


def capsule(ax: float, ay: float, ar: float, bx: float, by: float, br: float) -> QPainterPath:
    """Outline of two circles and their outer tangents."""
    path = QPainterPath()
    distance = hypot(bx - ax, by - ay)
    if distance <= abs(ar - br) + 0.5:
        x, y, r = (ax, ay, ar) if ar > br else (bx, by, br)
        path.addEllipse(QPointF(x, y), r, r)
        return path
    along = atan2(by - ay, bx - ax)
    spread = acos((ar - br) / distance)
    # Qt's angles run anticlockwise on a screen whose y points down: hence the minus signs
    start, turn = -degrees(along + spread), 2 * degrees(spread)
    path.moveTo(ax + ar * cos(along + spread), ay + ar * sin(along + spread))
    path.arcTo(QRectF(bx - br, by - br, 2 * br, 2 * br), start, turn)
    path.arcTo(QRectF(ax - ar, ay - ar, 2 * ar, 2 * ar), start + turn, 360.0 - turn)
    path.closeSubpath()
    return path


def fill_unknown(p: QPainter, path: QPainterPath, palette: Palette) -> None:
    """Ground, hatch and edge of what is unknown now."""
    p.setPen(QPen(Qt.PenStyle.NoPen))
    p.setBrush(palette["unknown"])
    p.drawPath(path)
    lines = QBrush(palette["unknown_line"], Qt.BrushStyle.BDiagPattern)
    # a pattern keeps its size in device pixels, and its plain one is a grey from 3 m
    lines.setTransform(QTransform.fromScale(HATCH_SCALE, HATCH_SCALE))
    p.setPen(QPen(palette["unknown_line"], 2))
    p.setBrush(lines)
    p.drawPath(path)


def draw_dashed(p: QPainter, path: QPainterPath, colour: QColor) -> None:
    pen = QPen(colour, 2, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin)
    pen.setDashPattern([2.5, 2.5])
    p.setPen(pen)
    p.setBrush(Qt.BrushStyle.NoBrush)
    p.drawPath(path)


def filler(p: QPainter, palette: Palette, path: QPainterPath, fill: str, rim: float = 6.0) -> Callable[[], None]:
    """Drawing of one part: rim of the background, then a colour token's fill, `unknown` hatched or `dashed`."""

    def draw() -> None:
        if fill == "dashed":
            draw_dashed(p, path, palette["outline"])
            return
        p.setPen(QPen(palette["bg"], rim, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawPath(path)
        if fill == "unknown":
            fill_unknown(p, path, palette)
            return
        p.setPen(QPen(palette["cue_line"], 3) if fill == "cue" else QPen(Qt.PenStyle.NoPen))
        p.setBrush(palette[fill])
        p.drawPath(path)

    return draw
