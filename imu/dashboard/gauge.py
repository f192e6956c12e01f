"""Depth gauge: a bar that fills downwards as the person goes down, the target as a zone, a disc for now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPainterPath

from imu.dashboard.body_parts import fill_unknown
from imu.dashboard.panel import Panel, box, disc, line, write

WIDTH: Final = 160.0


@dataclass(frozen=True, slots=True)
class GaugeState:
    """rad. `depth` None = unknown. A target of (0, 0) = none prescribed."""

    depth: float | None = None
    target: tuple[float, float] = (0.0, 0.0)
    scale: float = 2.0


class Gauge(Panel[GaugeState]):
    def words(self) -> str:
        s = self.state
        if s.depth is None:
            return "Depth, not known"
        low, high = s.target
        if high <= 0.0:
            return "Depth, no target"
        if s.depth < low:
            return "Depth, above target"
        return "Depth, in target" if s.depth <= high else "Depth, below target"

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        span = height - 16

        def y(depth: float) -> float:
            return 8 + span * min(max(depth / s.scale, 0.0), 1.0)

        write(p, 62, 8 + 28 * 0.75, "Depth", 28, palette["ink2"], 500)
        if s.depth is None:
            outline = QPainterPath()
            outline.addRoundedRect(QRectF(1, 9, 46, span - 2), 11, 11)
            fill_unknown(p, outline, palette)
            write(p, 62, height / 2 + 10, "–", 40, palette["ink2"], 600)
            return
        box(p, 0, 8, 48, span, palette["surface"], 12)
        low, high = y(s.target[0]), y(s.target[1])
        if high > low:
            box(p, 0, low, 48, high - low, palette["band"])
            for edge in (low, high):
                line(p, 0, edge, 48, edge, palette["band_edge"], 3)
        now = y(s.depth)
        box(p, 18, 20, 12, max(now - 20, 0.0), palette["bone2"], 6)
        disc(p, 24, max(now, 26.0), 16, palette["ink"], palette["surface"], 4)
        if high > low:
            write(p, 62, (low + high) / 2 + 28 * 0.36, "Target", 28, palette["ok"], 600)
