"""The end of a set: one sentence, how many were clean, every repetition, and the marks in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from imu.dashboard.count import MARK
from imu.dashboard.panel import Panel, box, fitted, write
from imu.dashboard.shapes import draw_shape
from imu.snapshot import CadenceView, RepetitionView, Snapshot

CARD_HEIGHT: Final = 144.0
MEANING: Final = (("cued", "needed a correction"), ("tempo", "went too fast"), ("void", "not counted, a sensor was silent"))
"""What a mark says about a repetition. `cued` covers knee alignment and depth: the marks do not tell them apart."""


@dataclass(frozen=True, slots=True)
class SummaryState:
    sentence: str = ""
    count: int = 0
    target: int = 0
    marks: tuple[str, ...] = ()
    recorded: bool = False
    problem: str = ""
    """What is wrong with the recording, if anything."""
    drill: bool = True
    """False: nothing was counted because no drill was chosen."""
    walk: tuple[int, int] | None = None
    """Of a walk at a prescribed cadence: steps that were in the band, of those at which the cadence was known."""

    def clean(self) -> int:
        return sum(mark == "clean" for mark in self.marks)

    def notes(self) -> list[tuple[str, str]]:
        """(mark, sentence) for every kind of mark that is not clean."""
        found = ((mark, [k for k, m in enumerate(self.marks, 1) if m == mark], text) for mark, text in MEANING)
        return [(mark, f"{numbered(numbers)}: {text}") for mark, numbers, text in found if numbers]


def numbered(numbers: list[int]) -> str:
    """`Repetition 3`, `Repetitions 3 and 6`, `Repetitions 1, 3 and 6`."""
    if len(numbers) == 1:
        return f"Repetition {numbers[0]}"
    return f"Repetitions {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def sentence_of_set(r: RepetitionView) -> str:
    """The one sentence at the end."""
    n, clean = r.count, sum(m == "clean" for m in r.marks)
    if n == 0:
        return "The set has ended. No repetition was counted."
    if n == 1:
        return "Well done. 1 repetition, and it was clean." if clean else "Well done. 1 repetition."
    if clean >= n:
        return f"Well done. {n} repetitions, all of them clean."
    return f"Well done. {n} repetitions, {clean} of them clean." if clean else f"Well done. {n} repetitions."


def sentence_of_walk(c: CadenceView) -> str:
    """The same for a walk at a prescribed cadence."""
    if c.steps == 0:
        return "The set has ended. No step was counted."
    steps = f"Well done. {c.steps} step{'' if c.steps == 1 else 's'}"
    return f"{steps}, {100 * c.kept // c.judged} % at the target cadence." if c.judged else f"{steps}."


class Summary(Panel[SummaryState]):
    def words(self) -> str:
        notes = [text for _, text in self.state.notes()]
        return ". ".join([self.state.sentence.rstrip(".") or "No set yet", *notes, *self._kept()])

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
        card = (width - 32) / 2
        if s.drill:
            done = "repetitions done" if s.walk is None else "steps done"
            self._share(p, 0, y, card, s.count, s.target or s.count, done)
            good, of = (s.clean(), s.count) if s.walk is None else s.walk
            self._share(p, card + 32, y, card, good, of, "clean" if s.walk is None else "at the target cadence")
        y = self._repetitions(p, y + CARD_HEIGHT + 32, width) + 8
        note = min(round(32 * self.look.text), 40)
        for mark, text in s.notes():
            shape, colour = MARK[mark]
            draw_shape(p, shape, 6, y + 6, 36, palette[colour], palette["bg"])
            px, words = fitted(text, width - 64, start=note, least=28, weight=400, lines=1)
            write(p, 64, y + 24 + px * 0.36, words[0], px, palette["ink"])
            y += 56
        for text in self._kept():
            px, words = fitted(text, width - 64, start=28, least=24, weight=400, lines=1)
            colour = palette["stop" if s.problem else "ink2"]
            x = width - write(p, width, height - 36 + px * 0.36, words[0], px, colour, align="right")
            if s.problem:
                draw_shape(p, "lost", x - 48, height - 54, 36, colour, palette["bg"])

    def _share(self, p: QPainter, x: float, y: float, width: float, n: int, of: int, word: str) -> None:
        palette = self.look.palette
        box(p, x, y, width, CARD_HEIGHT, palette["surface"], 8)
        ring = QRectF(x + 40, y + 36, 72, 72)
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(palette["ref"], 12))
        p.drawEllipse(ring)
        if of:
            p.setPen(QPen(palette["ok"], 12, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            p.drawArc(ring, 90 * 16, -round(360 * 16 * min(n / of, 1.0)))
        used = write(p, x + 144, y + 68, str(n), 56, palette["ink"], 700)
        if of:
            write(p, x + 144 + used + 10, y + 68, f"of {of}", 32, palette["ink2"], 500)
        px, words = fitted(word, width - 144 - 16, start=min(round(28 * self.look.text), 40), least=24, weight=400, lines=1)
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
    r = s.repetition
    if not s.drill.title:
        return SummaryState("The measurement has ended.", recorded=bool(s.recording), problem=s.problem, drill=False)
    if s.cadence.target:
        c = s.cadence
        return SummaryState(
            sentence_of_walk(c), c.steps, s.drill.target_count, (), bool(s.recording), s.problem, walk=(c.kept, c.judged)
        )
    return SummaryState(sentence_of_set(r), r.count, s.drill.target_count, r.marks, bool(s.recording), s.problem)
