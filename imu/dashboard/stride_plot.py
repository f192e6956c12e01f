"""One angle over the stride: both legs' means with their spread, the newest stride, and normal adults behind them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import degrees, isfinite
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from imu.dashboard.panel import Panel, box, line, write
from imu.snapshot import NormView, StrideCurveView

AXIS: Final = 56.0
"""Room left of the plot for the numbers."""
TITLE: Final = 36.0
FOOT: Final = 24.0

UNKNOWN: Final = "Not known: a sensor is missing, or not calibrated yet"


@dataclass(frozen=True, slots=True)
class Area:
    """Where the curves are, in design pixels, and what is where."""

    left: float
    top: float
    right: float
    bottom: float
    low: float
    high: float

    def x(self, share: float) -> float:
        return self.left + share * (self.right - self.left)

    def y(self, degrees_: float) -> float:
        return self.bottom - (degrees_ - self.low) / (self.high - self.low) * (self.bottom - self.top)

    def points(self, values: Iterable[float]) -> list[QPointF]:
        """rad, at even shares of the stride."""
        known = [degrees(v) for v in values]
        return [QPointF(self.x(k / (len(known) - 1)), self.y(v)) for k, v in enumerate(known)]


@dataclass(frozen=True, slots=True)
class StridePlotState:
    """`low` and `high`: °, the fixed range of the axis; `step`: between its lines."""

    title: str
    low: float
    high: float
    step: float
    curves: tuple[StrideCurveView, ...] = ()
    norm: NormView | None = None


class StridePlot(Panel[StridePlotState]):
    def words(self) -> str:
        s = self.state
        if not s.curves:
            return f"{s.title}: no strides yet"
        parts = []
        for c in s.curves:
            known = [v for v in c.mean if isfinite(v)]
            if known:
                low, high = degrees(min(known)), degrees(max(known))
                parts.append(f"{c.side} {low:.0f} to {high:.0f} degrees over {c.strides} strides")
            else:
                parts.append(f"{c.side} not known")
        if s.norm is not None:
            parts.append(f"normal adults {degrees(min(s.norm.mean)):.0f} to {degrees(max(s.norm.mean)):.0f}")
        return f"{s.title}: {'; '.join(parts)}"

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        size = min(round(14 * self.look.text), 22)
        box(p, 0, 0, width, height, palette["surface"], 8)
        write(p, 12, TITLE / 2 + size * 0.36 + 2, s.title, size, palette["ink"], 600)
        area = Area(AXIS, TITLE, width - 20, height - FOOT, s.low, s.high)
        box(p, area.left, area.top, area.right - area.left, area.bottom - area.top, palette["bg"])
        for value in np.arange(np.ceil(s.low / s.step) * s.step, s.high + 1e-9, s.step):
            line(p, area.left, area.y(value), area.right, area.y(value), palette["rule"], 1)
            write(p, area.left - 8, area.y(value) + 4.4, f"{value + 0.0:.0f}°", 12, palette["ink3"], align="right")
        for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
            write(p, area.x(share), height - 7, f"{share * 100:.0f} %", 12, palette["ink3"], align="middle")
        p.save()
        p.setClipRect(QRectF(area.left, area.top, area.right - area.left, area.bottom - area.top))
        if s.norm is not None:
            self._norm(p, s.norm, area)
        for c in s.curves:
            if all(map(isfinite, (*c.mean, *c.sd))):
                above = area.points(m + d for m, d in zip(c.mean, c.sd, strict=True))
                below = area.points(m - d for m, d in zip(c.mean, c.sd, strict=True))
                p.setPen(Qt.PenStyle.NoPen)
                p.setBrush(palette[f"{c.side}_rib"])
                p.drawPolygon(QPolygonF(above + below[::-1]))
        for c in s.curves:
            for values, thick in ((c.newest, 1.0), (c.mean, 3.0)):
                if all(map(isfinite, values)):
                    pen = QPen(palette[c.side], thick)
                    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
                    p.setPen(pen)
                    p.drawPolyline(QPolygonF(area.points(values)))
            # here the foot leaves
            off = area.x(c.stance_share)
            line(p, off, area.bottom - 14, off, area.bottom, palette[c.side], 3)
        p.restore()
        if s.curves and not any(isfinite(v) for c in s.curves for v in c.mean):
            middle = 0.5 * (area.left + area.right), 0.5 * (area.top + area.bottom)
            write(p, *middle, UNKNOWN, size, palette["ink2"], align="middle")
        self._values(p, width, size)

    def _values(self, p: QPainter, width: float, size: int) -> None:
        """At the right of the title: from and to, of each leg."""
        palette, at = self.look.palette, width - 20
        baseline = TITLE / 2 + size * 0.36 + 2
        for c in reversed(self.state.curves):
            known = [v for v in c.mean if isfinite(v)]
            span = f"{degrees(min(known)):.0f} … {degrees(max(known)):.0f}°" if known else "–"
            text = f"{c.side[0].upper()} {span}"
            at -= write(p, at, baseline, text, size, palette[c.side], 700, align="right") + 20

    def _norm(self, p: QPainter, norm: NormView, area: Area) -> None:
        palette, points = self.look.palette, QPolygonF(area.points(norm.mean))
        p.setPen(QPen(palette["ref"], 10, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin))
        p.drawPolyline(points)
        p.setPen(QPen(palette["ref_edge"], 2, Qt.PenStyle.DashLine))
        p.drawPolyline(points)
        if isfinite(norm.sd):
            # between people, and known at the peak only
            k = int(np.argmax(norm.mean))
            at = area.x(k / (len(norm.mean) - 1))
            low, high = (area.y(degrees(norm.mean[k] + sign * norm.sd)) for sign in (-1.0, 1.0))
            line(p, at, low, at, high, palette["ref_edge"], 2)
            for end in (low, high):
                line(p, at - 6, end, at + 6, end, palette["ref_edge"], 2)
