"""The one cue slot: fixed place, one cue at a time, never a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from imu.conventions import Side
from imu.dashboard.panel import Panel, box, fitted, text_width, write
from imu.dashboard.shapes import draw_shape

Kind = Literal["empty", "calm", "note", "alignment", "tempo", "depth", "trouble"]

SHAPE: Final[dict[str, str]] = {"calm": "ok", "alignment": "warn", "tempo": "clock", "depth": "depth", "trouble": "lost"}
LARGEST: Final = 76
SMALLEST: Final = 40


@dataclass(frozen=True, slots=True)
class CueState:
    kind: Kind = "empty"
    text: str = ""
    detail: str = ""
    """Second line of trouble: what happened."""
    side: Side | None = None
    silent: bool = False
    """There is no sound: the cue is shown, not heard. The line above the slot says so; here the words keep their size."""


class CueSlot(Panel[CueState]):
    """1216 × 144 in the design."""

    def words(self) -> str:
        s = self.state
        if s.kind == "empty":
            return "No cue"
        parts = [s.side.capitalize(), s.text] if s.side else [s.text]
        if s.detail:
            parts.append(s.detail)
        if s.silent and s.kind in ("alignment", "tempo", "depth"):
            parts.append("Shown, not heard")
        return ". ".join(part.rstrip(".") for part in parts if part)

    def fit(self, width: float, height: float) -> tuple[int, list[str], float, float]:
        """(size, lines, x of the text, width of the side tag) of a cue's words."""
        icon = self._icon_size()
        x = 32 + icon + 32
        tag = self._tag_width()
        room = width - x - tag - (16 if tag else 32)
        start = min(round(60 * self.look.text), LARGEST)
        size, lines = fitted(self.state.text, room, start=start, least=SMALLEST, weight=700, spacing=-0.5)
        while size > SMALLEST and len(lines) * size * 64 / 60 > height - 8:
            size, lines = fitted(self.state.text, room, start=size - 4, least=SMALLEST, weight=700, spacing=-0.5)
        return size, lines, x, tag

    def _icon_size(self) -> float:
        return round(96 * min(self.look.text, 1.2))

    def _tag_width(self) -> float:
        if self.state.side is None:
            return 0.0
        return 16 + 32 + text_width(self.state.side.upper(), 60, 800) + 16 + 64 + 32

    def draw(self, p: QPainter, width: float, height: float) -> None:
        calm = {"empty": self._empty, "calm": self._calm, "note": self._note, "trouble": self._trouble}
        calm.get(self.state.kind, self._cue)(p, width, height)

    def _empty(self, p: QPainter, width: float, height: float) -> None:
        box(p, 0, 0, width, height, self.look.palette["surface"], 16)

    def _calm(self, p: QPainter, width: float, height: float) -> None:
        palette = self.look.palette
        self._empty(p, width, height)
        draw_shape(p, "ok", 32, height / 2 - 28, 56, palette["ok"], palette["surface"])
        start = min(round(48 * self.look.text), LARGEST)
        size, lines = fitted(self.state.text, width - 112 - 32, start=start, least=SMALLEST, weight=600, lines=1)
        write(p, 112, height / 2 + size * 0.36, lines[0], size, palette["ink"], 600)

    def _note(self, p: QPainter, width: float, height: float) -> None:
        palette = self.look.palette
        self._empty(p, width, height)
        start = min(round(48 * self.look.text), LARGEST)
        size, lines = fitted(self.state.text, width - 64, start=start, least=SMALLEST, weight=500, lines=1)
        write(p, 32, height / 2 + size * 0.36, lines[0], size, palette["ink2"], 500)

    def _cue(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        box(p, 0, 0, width, height, palette["cue"], 16)
        icon = self._icon_size()
        draw_shape(p, SHAPE[s.kind], 32, height / 2 - icon / 2, icon, palette["cue_ink"], palette["cue"])
        size, lines, x, tag = self.fit(width, height)
        pitch = size * 64 / 60
        baseline = height / 2 - pitch * (len(lines) - 1) / 2 + size * 0.36
        for row in lines:
            write(p, x, baseline, row, size, palette["cue_ink"], 700, spacing=-0.5)
            baseline += pitch
        if s.side is not None:
            self._tag(p, s.side, width, height, tag)

    def _tag(self, p: QPainter, side: Side, width: float, height: float, tag: float) -> None:
        """Word and arrow to that edge of the screen."""
        palette = self.look.palette
        left = width - tag
        box(p, left + 8, 8, tag - 16, height - 16, palette["cue_ink"], 12)
        word, baseline = side.upper(), height / 2 + 60 * 0.36
        if side == "right":
            used = write(p, left + 40, baseline, word, 60, palette["cue"], 800)
            draw_shape(p, "right", left + 40 + used + 16, height / 2 - 32, 64, palette["cue"], palette["cue_ink"])
        else:
            draw_shape(p, "left", left + 40, height / 2 - 32, 64, palette["cue"], palette["cue_ink"])
            write(p, left + 40 + 64 + 16, baseline, word, 60, palette["cue"], 800)

    def _trouble(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        box(p, 0, 0, width, height, palette["surface"], 16, palette["stop_fill"], 4)
        draw_shape(p, "lost", 36, height / 2 - 44, 88, palette["stop"], palette["surface"])
        room = width - 156 - 36
        size, head = fitted(s.text, room, start=52, least=40, weight=700, lines=1 if s.detail else 2)
        if not s.detail:
            pitch = size * 60 / 52
            baseline = height / 2 - pitch * (len(head) - 1) / 2 + size * 0.36
            for k, row in enumerate(head):
                write(p, 156, baseline + k * pitch, row, size, palette["ink"], 700)
            return
        small, rest = fitted(s.detail, room, start=34, least=30, weight=400, lines=1)
        write(p, 156, height / 2 - 22 + size * 0.36, head[0], size, palette["ink"], 700)
        write(p, 156, height / 2 + 30 + small * 0.36, rest[0], small, palette["ink2"])


class EdgeBar(Panel[Side | None]):
    """The 12-px bar at the screen edge of a sided cue. Hidden when it is not that edge's turn."""

    def __init__(self, edge: Side, parent: QWidget | None = None) -> None:
        self.edge: Side = edge
        super().__init__(f"Cue at the {edge} edge", None, parent)
        self.hide()

    def show_state(self, state: Side | None) -> None:
        super().show_state(state)
        self.setVisible(state == self.edge)

    def words(self) -> str:
        return f"Cue for the {self.edge} side" if self.state == self.edge else "No cue on this side"

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette = self.look.palette
        p.fillRect(0, 0, round(width) + 1, round(height) + 1, palette["cue"])
        inner = 0 if self.edge == "right" else round(width) - 3
        p.fillRect(inner, 0, 3, round(height) + 1, palette["cue_line"])
