"""Connect, stand, guided movement: the steps, one big instruction, the sensors. Readable at 3 m."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtGui import QPainter

from imu.conventions import place
from imu.dashboard.figure import FigureState, View
from imu.dashboard.header import SOUND_WORDS
from imu.dashboard.panel import Panel, box, disc, fitted, line, text_width, write
from imu.dashboard.pose import Posture
from imu.dashboard.reading import lost_segments, not_measured
from imu.dashboard.shapes import draw_shape
from imu.snapshot import Snapshot

STEPS: Final = (
    ("connect", "Put on and connect"),
    ("stand", "Stand still"),
    ("movement", "Guided movement"),
    ("drill", "Ready"),
)
FALLBACK: Final = {
    "connect": "Put the sensors on and switch them on",
    "stand": "Stand still, feet hip-width apart, arms relaxed",
    "movement": "Lift one knee, then the other, slowly",
}
LOW_BATTERY: Final = 20


@dataclass(frozen=True, slots=True)
class StepsState:
    now: int = 0


class Steps(Panel[StepsState]):
    def words(self) -> str:
        return f"Step {self.state.now + 1} of {len(STEPS)}, {STEPS[self.state.now][1]}"

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, now, size = self.look.palette, self.state.now, min(round(28 * self.look.text), 48)
        weights = [600 if k == now else 400 for k in range(len(STEPS))]
        # larger text has room for the present step's name only
        names = [name if k == now or not self.look.large else "" for k, (_, name) in enumerate(STEPS)]
        used = sum(36 + 12 + text_width(name, size, w) for name, w in zip(names, weights, strict=True))
        gap = min(max((width - used) / (len(STEPS) - 1), 16.0), 140.0)
        x, middle = 0.0, height / 2
        for k, name in enumerate(names):
            if k < now:
                draw_shape(p, "ok", x, middle - 18, 36, palette["ok"], palette["bg"])
            else:
                filled = palette["ink"] if k == now else None
                edge = None if k == now else palette["outline"]
                disc(p, x + 18, middle, 16, filled, edge, 2)
                colour = palette["bg" if k == now else "ink2"]
                write(p, x + 18, middle + 20 * 0.36, str(k + 1), 20, colour, 700, align="middle")
            colour = palette["ink" if k == now else "ink2"]
            x += 48 + write(p, x + 48, middle + size * 0.36, name, size, colour, weights[k])
            if k < len(STEPS) - 1:
                if gap >= 44:
                    line(p, x + 16, middle, x + gap - 16, middle, palette["ok" if k < now else "outline"], 2)
                x += gap


@dataclass(frozen=True, slots=True)
class InstructionState:
    text: str = ""
    problem: str = ""


class Instruction(Panel[InstructionState]):
    def words(self) -> str:
        return ". ".join(part.rstrip(".") for part in (self.state.problem, self.state.text) if part)

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s = self.look.palette, self.state
        edge = palette["stop_fill"] if s.problem else None
        box(p, 0, 0, width, height, palette["surface"], 16, edge, 4)
        room, note = width - 64, 48 if s.problem else 0
        start = min(round(60 * self.look.text), 76)
        size, lines = fitted(s.text, room, start=start, least=36, weight=700, spacing=-0.5)
        while size > 36 and len(lines) * size * 1.1 + note > height - 32:
            size, lines = fitted(s.text, room, start=size - 4, least=36, weight=700, spacing=-0.5)
        pitch = size * 64 / 60
        top = (height - pitch * len(lines) - note) / 2
        for k, row in enumerate(lines):
            write(p, 32, top + note + pitch * (k + 0.5) + size * 0.36, row, size, palette["ink"], 700, spacing=-0.5)
        if s.problem:
            draw_shape(p, "lost", 32, top, 40, palette["stop"], palette["surface"])
            small, words = fitted(s.problem, room - 56, start=34, least=28, weight=500, lines=1)
            write(p, 88, top + 20 + small * 0.36, words[0], small, palette["stop"], 500)


@dataclass(frozen=True, slots=True)
class SensorRow:
    place: str
    state: str
    battery: int | None = None

    @property
    def shape(self) -> tuple[str, str, str]:
        """Shape, colour token, word."""
        match self.state:
            case "streaming":
                return "ok", "ok", "Connected"
            case "settling":
                return "busy", "ink2", "Settling"
            case "stale":
                return "unknown", "ink2", "Late"
            case "lost":
                return "lost", "stop", "Not answering"
            case "refused":
                return "lost", "stop", "Wrong readings"
            case _:
                return "unknown", "ink2", "Waiting"


@dataclass(frozen=True, slots=True)
class SensorListState:
    rows: tuple[SensorRow, ...] = ()
    sound: str = "on"
    """As `SoundView.state`; what is not `on` takes a row, so that the person knows before the set begins."""


class SensorList(Panel[SensorListState]):
    def words(self) -> str:
        rows = [f"{row.place}, {row.shape[2].lower()}{_battery_words(row.battery)}" for row in self.state.rows]
        if self.state.sound != "on":
            rows.append(f"{SOUND_WORDS.get(self.state.sound, SOUND_WORDS['none'])[0]}, cues are shown")
        return ". ".join(rows or ["Searching for sensors"])

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, rows = self.look.palette, self.state.rows
        box(p, 0, 0, width, height, palette["surface"], 8)
        quiet = self.state.sound != "on"
        pitch = min((height - 16) / max(len(rows) + quiet, 1), 88.0)
        size = min(round(32 * self.look.text), 40) if pitch >= 52 else 28
        if not rows:
            draw_shape(p, "busy", 24, 32, 40, palette["ink2"], palette["surface"])
            write(p, 80, 32 + 20 + size * 0.36, "Searching for sensors", size, palette["ink2"])
        if quiet:
            middle = 8 + pitch * (max(len(rows), 1) + 0.5)
            colour = palette["stop" if self.state.sound == "none" else "warn"]
            draw_shape(p, "mute", 24, middle - 18, 36, colour, palette["surface"])
            used = write(p, 80, middle + size * 0.36, SOUND_WORDS[self.state.sound][0], size, colour, 600)
            write(p, 80 + used + 16, middle + size * 0.36, "Cues are shown", size, palette["ink2"])
        column = 80 + max((text_width(row.place, size, 600) for row in rows), default=0.0) + 32
        for k, row in enumerate(rows):
            middle = 8 + pitch * (k + 0.5)
            if k:
                line(p, 24, middle - pitch / 2, width - 24, middle - pitch / 2, palette["rule"], 1)
            shape, colour, word = row.shape
            # the tint keeps clear of the card's round corners
            if row.state in ("lost", "refused"):
                p.fillRect(0, round(middle - pitch / 2) + 1, round(width), round(pitch) - 1, palette["stop_tint"])
            draw_shape(p, shape, 24, middle - 18, 36, palette[colour], palette["surface"])
            write(p, 80, middle + size * 0.36, row.place, size, palette["ink"], 600)
            said, weight = (palette[colour], 600) if row.state in ("lost", "refused") else (palette["ink2"], 400)
            write(p, column, middle + size * 0.36, word, size, said, weight)
            if row.battery is not None:
                self._battery(p, width - 24, middle, row.battery)

    def _battery(self, p: QPainter, right: float, middle: float, percent: int) -> None:
        palette = self.look.palette
        colour = palette["warn" if percent < LOW_BATTERY else "ink2"]
        x = right - write(p, right, middle + 28 * 0.36, f"{percent} %", 28, colour, align="right") - 12
        box(p, x - 40, middle - 11, 36, 22, None, 5, colour, 2)
        box(p, x - 3, middle - 4, 3, 8, colour, 1)
        box(p, x - 36, middle - 7, max(28 * percent / 100, 2), 14, colour, 2)


def steps_state(s: Snapshot) -> StepsState:
    return StepsState(next((k for k, (stage, _) in enumerate(STEPS) if stage == s.stage), 0))


def instruction_state(s: Snapshot) -> InstructionState:
    return InstructionState(s.instruction or FALLBACK.get(s.stage, ""), s.problem)


def sensor_list_state(s: Snapshot) -> SensorListState:
    rows = (SensorRow(place(h.segment).capitalize(), h.state, h.battery_percent) for h in s.sensors)
    return SensorListState(tuple(rows), s.sound.state)


def picture_state(s: Snapshot, view: View) -> FigureState:
    """The places: filled where a sensor answers, dashed where one is awaited. Nothing is measured yet."""
    return FigureState(
        Posture(), None, view, lost=lost_segments(s.sensors), not_measured=not_measured(s.sensors), picture=True
    )


def _battery_words(percent: int | None) -> str:
    return "" if percent is None else f", battery {percent} percent"
