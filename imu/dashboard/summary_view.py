"""The end of a set: one sentence, how many were clean, every repetition, and the marks in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from imu.dashboard.count import MARK
from imu.dashboard.panel import Panel, box, fitted, write
from imu.dashboard.shapes import draw_shape
from imu.snapshot import CadenceView, ShareView, Snapshot

CARD_HEIGHT: Final = 144.0
GAP: Final = 32.0
COURSE: Final[dict[str, tuple[str, str]]] = {
    "tired": ("depth", "warn"),
    "changed": ("depth", "ink2"),
    "steady": ("ok", "ok"),
}
"""Shape and colour of what is said about the course of the set; all others are marks of repetitions."""


@dataclass(frozen=True, slots=True)
class SummaryState:
    sentence: str = ""
    shares: tuple[ShareView, ...] = ()
    marks: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    """(mark, sentence)."""
    recorded: bool = False
    problem: str = ""
    """What is wrong with the recording, if anything."""


def sentence_of_walk(c: CadenceView) -> str:
    """The same for a walk at a prescribed cadence."""
    if c.steps == 0:
        return "The set has ended. No step was counted."
    steps = f"Well done. {c.steps} step{'' if c.steps == 1 else 's'}"
    return f"{steps}, {100 * c.kept // c.judged} % at the target cadence." if c.judged else f"{steps}."


class Summary(Panel[SummaryState]):
    def words(self) -> str:
        s = self.state
        shares = [" ".join(filter(None, (share.value.replace("–", ""), share.of, share.word))) for share in s.shares]
        return ". ".join(
            [s.sentence.rstrip(".") or "No set yet", *shares, *(text for _, text in s.notes), *self._kept()]
        )

    def _kept(self) -> list[str]:
        """What became of the recording."""
        if self.state.problem:
            return [self.state.problem]
        return ["The set is recorded"] if self.state.recorded else []

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        start = min(round(48 * self.look.text), 60)
        size, lines = fitted(s.sentence, width, start=start, least=36, weight=700, spacing=-0.5)
        y = 0.0
        for row in lines:
            write(p, 0, y + 28 + size * 0.36, row, size, palette["ink"], 700, spacing=-0.5)
            y += size + 8
        y += 24
        cards = max(len(s.shares), 2)
        card = (width - GAP * (cards - 1)) / cards
        for k, share in enumerate(s.shares):
            self._share(p, k * (card + GAP), y, card, share)
        y = self._repetitions(p, y + CARD_HEIGHT + 32, width) + 8
        note, foot = min(round(32 * self.look.text), 40), 56.0 if self._kept() else 0.0
        pitch = 56.0 if y + 56.0 * len(s.notes) + foot <= height else 44.0
        for mark, text in s.notes:
            shape, colour = COURSE.get(mark) or MARK[mark]
            draw_shape(p, shape, 6, y + pitch / 2 - 18, 36, palette[colour], palette["bg"])
            px, words = fitted(text, width - 64, start=note, least=28, weight=400, lines=1)
            write(p, 64, y + pitch / 2 + px * 0.36, words[0], px, palette["ink"])
            y += pitch
        for text in self._kept():
            px, words = fitted(text, width - 64, start=28, least=24, weight=400, lines=1)
            colour = palette["stop" if s.problem else "ink2"]
            x = width - write(p, width, height - 36 + px * 0.36, words[0], px, colour, align="right")
            if s.problem:
                draw_shape(p, "lost", x - 48, height - 54, 36, colour, palette["bg"])

    def _share(self, p: QPainter, x: float, y: float, width: float, share: ShareView) -> None:
        palette, known = self.look.palette, share.share == share.share
        box(p, x, y, width, CARD_HEIGHT, palette["surface"], 8)
        ring = QRectF(x + 40, y + 36, 72, 72)
        p.setBrush(Qt.BrushStyle.NoBrush)
        if known:
            p.setPen(QPen(palette["ref"], 12))
            p.drawEllipse(ring)
            p.setPen(QPen(palette["ok"], 12, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            p.drawArc(ring, 90 * 16, -round(360 * 16 * min(share.share, 1.0)))
        else:
            draw_shape(p, "unknown", x + 34, y + 30, 84, palette["ink2"], palette["surface"])
        used = write(p, x + 144, y + 68, share.value, 56, palette["ink"], 700)
        if share.of:
            write(p, x + 144 + used + 10, y + 68, share.of, 32, palette["ink2"], 500)
        start = min(round(28 * self.look.text), 40)
        px, words = fitted(share.word, width - 144 - 16, start=start, least=24, weight=400, lines=1)
        write(p, x + 144, y + 112, words[0], px, palette["ink2"])

    def _repetitions(self, p: QPainter, y: float, width: float) -> float:
        """One shape with its number for each; returns where the next thing may begin."""
        palette, marks = self.look.palette, self.state.marks
        pitch = 80.0 if len(marks) <= 15 else 56.0
        per_row, size = max(int(width // pitch), 1), 48.0 if len(marks) <= 15 else 36.0
        for k, mark in enumerate(marks):
            shape, colour = MARK.get(mark, MARK["clean"])
            x, top = (k % per_row) * pitch, y + (k // per_row) * 100
            draw_shape(p, shape, x, top, size, palette[colour], palette["bg"])
            write(p, x + size / 2, top + size + 34, str(k + 1), 28, palette["ink2"], align="middle")
        return y + (len(marks) + per_row - 1) // per_row * 100


def summary_state(s: Snapshot) -> SummaryState:
    recorded = bool(s.recording)
    if not s.drill.title:
        return SummaryState("The measurement has ended.", recorded=recorded, problem=s.problem)
    if s.cadence.target:
        c, target = s.cadence, s.drill.target_count
        of = target or c.steps
        shares = (
            ShareView(str(c.steps), f"of {of}" if of else "", c.steps / of if of else 0.0, "steps done"),
            ShareView(
                str(c.kept), f"of {c.judged}" if c.judged else "", c.kept / c.judged if c.judged else 0.0,
                "at the target cadence",
            ),
        )  # fmt: skip
        return SummaryState(sentence_of_walk(c), shares, recorded=recorded, problem=s.problem)
    v, n = s.summary, s.repetition.count
    # a session that broke off has no summary
    sentence = v.sentence or (f"The set has ended after {n} repetitions." if n else "The set has ended.")
    return SummaryState(sentence, v.shares, s.repetition.marks, v.notes, recorded, s.problem)
