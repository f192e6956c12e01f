"""One line above everything: drill, sensors, sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetricsF, QPainter

from imu.dashboard.mute_button import KEY
from imu.dashboard.panel import Panel, box, text_width, write
from imu.dashboard.shapes import draw_shape
from imu.dashboard.theme import font


@dataclass(frozen=True, slots=True)
class HeaderState:
    title: str = ""
    subtitle: str = ""
    sensors: int = 0
    answering: int = 0
    sound: str = "none"
    """As `SoundView.state`: `on`, `muted`, `none`."""
    over: bool = False
    """The set is over: sensors and sound are of no interest any more."""


SOUND_WORDS: Final = {"on": ("Sound on", "On"), "muted": ("Sound off", "Off"), "none": ("No sound", "No sound")}
COLOUR_OF_SOUND: Final = {"on": "ink2", "muted": "warn"}
CAP: Final = 20.0
LARGEST: Final = 48
"""px: the height of the line."""



class Header(Panel[HeaderState]):
    def words(self) -> str:
        s = self.state
        if s.over:
            return f"{s.title}. {s.subtitle}"
        sound = SOUND_WORDS.get(s.sound, SOUND_WORDS["none"])[0]
        if s.sound != "on":
            sound += ", cues are shown, not heard"
        return ". ".join(part for part in (s.title, s.subtitle, self.sensor_words(), sound) if part)

    def sensor_words(self) -> str:
        s = self.state
        if not s.sensors:
            return "No sensor yet"
        return "Sensors" if s.answering == s.sensors else f"{s.answering} of {s.sensors} sensors"

    def sound_width(self) -> float:
        """Design pixels from the right edge that speaker, words and key cap take; 0 = there is no sound to switch."""
        s, size = self.state, min(round(32 * self.look.text), LARGEST)
        if s.over or s.sound not in COLOUR_OF_SOUND:
            return 0.0
        return CAP + 24 + text_width(SOUND_WORDS[s.sound][1 if self.look.large else 0], size) + round(36 * size / 32)

    def draw(self, p: QPainter, width: float, height: float) -> None:
        palette, s, large = self.look.palette, self.state, self.look.large
        size = min(round(32 * self.look.text), LARGEST)
        baseline = height / 2 + size * 0.36
        if s.over:
            self._titles(p, width, size, baseline)
            return
        x = self._sound(p, width, height, size, baseline)
        x -= 36 if not large else 56
        good, words = s.sensors > 0 and s.answering == s.sensors, self.sensor_words()
        shape, colour = ("ok", "ok") if good else (("lost", "stop") if s.sensors else ("unknown", "ink2"))
        icon = 32 if not large else 40
        if not (good and large):
            x -= (
                write(p, x, baseline, words, size, palette["ink2" if good or not s.sensors else "stop"], align="right") + 12
            )
        x -= icon
        draw_shape(p, shape, x, height / 2 - icon / 2, icon, palette[colour], palette["bg"])
        self._titles(p, x - 24, size, baseline)

    def _sound(self, p: QPainter, right: float, height: float, size: int, baseline: float) -> float:
        """Key cap, words and speaker from the right edge; returns the left end."""
        palette, s = self.look.palette, self.state
        x = right
        if s.sound != "none":
            box(p, x - CAP, height / 2 - 10, CAP, 20, None, 4, palette["outline"], 1)
            write(p, x - CAP / 2, height / 2 + 4.4, KEY, 12, palette["ink2"], 500, align="middle")
            x -= CAP + 12
        word = SOUND_WORDS.get(s.sound, SOUND_WORDS["none"])[1 if self.look.large else 0]
        colour = palette[COLOUR_OF_SOUND.get(s.sound, "stop")]
        x -= write(p, x, baseline, word, size, colour, align="right") + 12
        icon = round(36 * size / 32)
        draw_shape(p, "sound" if s.sound == "on" else "mute", x - icon, height / 2 - icon / 2, icon, colour, palette["bg"])
        return x - icon

    def _titles(self, p: QPainter, room: float, size: int, baseline: float) -> None:
        palette, s = self.look.palette, self.state
        metrics = QFontMetricsF(font(size, 600))
        title = metrics.elidedText(s.title, Qt.TextElideMode.ElideRight, max(room, 0.0))
        used = write(p, 0, baseline, title, size, palette["ink"], 600)
        gap = 16 if not self.look.large else 24
        if s.subtitle and used + gap + text_width(s.subtitle, size) <= room:
            write(p, used + gap, baseline, s.subtitle, size, palette["ink2"])
