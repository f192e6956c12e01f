"""The end of a set: one sentence, how many were clean, every repetition."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from imu.dashboard.count import MARK
from imu.dashboard.panel import Panel, box, fitted, write
from imu.dashboard.reading import sentence_of_set
from imu.dashboard.shapes import draw_shape
from imu.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class SummaryState:
    sentence: str = ""
    count: int = 0
    target: int = 0
    marks: tuple[str, ...] = ()


class Summary(Panel[SummaryState]):
    def words(self) -> str:
        return self.state.sentence or "No set yet"

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        size, lines = fitted(s.sentence, width, start=48, least=36, weight=700, spacing=-0.5)
        y = 0.0
        for row in lines:
            write(p, 0, y + 28 + size * 0.36, row, size, palette["ink"], 700, spacing=-0.5)
            y += 56
        y += 24
        cued, tempo = sum(m == "cued" for m in s.marks), sum(m == "tempo" for m in s.marks)
        shares = (
            (s.count, s.target or s.count, "repetitions"),
            (s.count - cued, s.count, "without alignment cue"),
            (s.count - tempo, s.count, "tempo kept"),
        )
        card = (width - 64) / 3
        for k, (n, of, word) in enumerate(shares):
            self._share(p, k * (card + 32), y, card, max(n, 0), of, word)
        y += 168 + 40
        self._repetitions(p, y, width)

    def _share(self, p: QPainter, x: float, y: float, width: float, n: int, of: int, word: str) -> None:
        palette = self.look.palette
        box(p, x, y, width, 168, palette["surface"], 8)
        ring = QRectF(x + 40, y + 48, 72, 72)
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(palette["ref"], 12))
        p.drawEllipse(ring)
        if of:
            p.setPen(QPen(palette["ok"], 12, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            p.drawArc(ring, 90 * 16, -round(360 * 16 * min(n / of, 1.0)))
        used = write(p, x + 144, y + 84, str(n), 56, palette["ink"], 700)
        if of:
            write(p, x + 144 + used + 10, y + 84, f"of {of}", 32, palette["ink2"], 500)
        size, lines = fitted(word, width - 144 - 16, start=28, least=24, weight=400, lines=2)
        for k, row in enumerate(lines):
            write(p, x + 144, y + 120 + k * 30, row, size, palette["ink2"])

    def _repetitions(self, p: QPainter, y: float, width: float) -> None:
        palette = self.look.palette
        pitch, per_row = 80.0, max(int(width // 80), 1)
        for k, mark in enumerate(self.state.marks):
            name, colour = MARK.get(mark, MARK["clean"])
            x, top = (k % per_row) * pitch, y + (k // per_row) * 104
            draw_shape(p, name, x, top, 48, palette[colour], palette["bg"])
            write(p, x + 24, top + 84, str(k + 1), 28, palette["ink2"], align="middle")


def summary_state(s: Snapshot) -> SummaryState:
    r = s.repetition
    return SummaryState(sentence_of_set(s), r.count, s.drill.target_count, r.marks)
