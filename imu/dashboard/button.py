"""A button of the patient's screen: large, neutral, with its key written on it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from imu.dashboard.panel import box, text_width, write
from imu.dashboard.theme import Look

HEIGHT: Final = 72.0
KEY_PX: Final = 16


class Button(QAbstractButton):
    """The one filled button of a screen. Colour is data, so it is ink on grey.

    Parameters
    ----------
    text, key : str
        Its words, and the key that presses it.
    """

    def __init__(self, text: str, key: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = Look()
        self.factor = 1.0
        self.key = key
        self.setText(text)
        self.setAccessibleName(text)
        self.setAccessibleDescription(f"Key {key}")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    @property
    def _size(self) -> int:
        return min(round(28 * self.look.text), 36)

    @property
    def design_width(self) -> float:
        """Design pixels that its words need, focus ring included."""
        return 10 + 64 + text_width(self.text(), self._size, 600) + 16 + text_width(self.key, KEY_PX, 600) + 16

    def set_look(self, look: Look) -> None:
        self.look = look
        self.update()

    def place(self, x: float, y: float, factor: float) -> None:
        """Take the upper left corner in design pixels; the width follows the words."""
        self.factor = factor
        self.setGeometry(round(x * factor), round(y * factor), round(self.design_width * factor), round(HEIGHT * factor))

    def paintEvent(self, e: QPaintEvent) -> None:  # Qt's name
        palette = self.look.palette
        p = QPainter(self)
        p.fillRect(self.rect(), palette["bg"])
        p.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        p.scale(self.factor, self.factor)
        width, height = self.width() / self.factor, self.height() / self.factor
        if self.hasFocus():
            box(p, 0, 0, width, height, None, 16, palette["focus"], 3)
        fill = palette["ink2" if self.isDown() else "primary"]
        box(p, 5, 5, width - 10, height - 10, fill, 12)
        size, ink = self._size, palette["primary_ink"]
        used = write(p, 37, height / 2 + size * 0.36, self.text(), size, ink, 600)
        cap = text_width(self.key, KEY_PX, 600) + 16
        box(p, 37 + used + 16, height / 2 - 14, cap, 28, None, 4, ink, 1)
        write(p, 37 + used + 16 + cap / 2, height / 2 + KEY_PX * 0.36, self.key, KEY_PX, ink, 600, align="middle")
        p.end()
