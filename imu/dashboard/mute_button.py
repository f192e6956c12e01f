"""Sound off, and on again, with the mouse: over the words of the header that say which it is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from imu.dashboard.panel import box
from imu.dashboard.theme import Look

KEY = "S"
"""Presses it from anywhere; Esc silences besides."""


class MuteButton(QAbstractButton):
    """The header draws the words, so this one paints its focus ring only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = Look()
        self.factor = 1.0
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCheckable(True)
        self.setAccessibleDescription(f"Key {KEY}")
        self.show_sound("none")

    def show_sound(self, state: str) -> None:
        """As `SoundView.state`; without sound there is nothing to mute."""
        self.setChecked(state == "muted")
        self.setAccessibleName("Sound is off, press for sound" if state == "muted" else "Sound is on, press to mute")

    def set_look(self, look: Look) -> None:
        self.look = look
        self.update()

    def place(self, x: float, y: float, width: float, height: float, factor: float) -> None:
        """Take this rectangle of the design."""
        self.factor = factor
        self.setGeometry(round(x * factor), round(y * factor), round(width * factor), round(height * factor))

    def nextCheckState(self) -> None:  # Qt's name
        """The sound itself says what it is."""

    def paintEvent(self, e: QPaintEvent) -> None:  # Qt's name
        if not self.hasFocus():
            return
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.scale(self.factor, self.factor)
        box(p, 0, 0, self.width() / self.factor, self.height() / self.factor, None, 8, self.look.palette["focus"], 3)
        p.end()
