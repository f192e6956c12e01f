"""What a screen reader is told: at most one sentence per second, trouble and cues first."""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

LEAST_NS: Final = 1_000_000_000


class Announcer:
    """Chooses from texts in order of importance the first that has changed since it was last told.

    Parameters
    ----------
    widget : QWidget
        Whose announcements they are.
    """

    def __init__(self, widget: QWidget) -> None:
        self.widget = widget
        self._told: dict[str, str] = {}
        self._last_ns: int | None = None

    def offer(self, now_ns: int, texts: dict[str, str]) -> str | None:
        """`texts`: subject -> sentence, most important first; an empty one is never told. Returns what was announced."""
        if self._last_ns is not None and now_ns - self._last_ns < LEAST_NS:
            return None
        for subject, text in texts.items():
            if text == self._told.get(subject, ""):
                continue
            self._told[subject] = text
            if text:
                self._last_ns = now_ns
                QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.widget, text))
                return text
        return None
