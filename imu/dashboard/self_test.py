"""Finds out whether this PySide6 loses references to None, True or False. `python -m imu.dashboard.self_test` says so.

PySide6 6.12.0 on CPython 3.11 drops one reference to None for each void call: a painting window then aborts the
interpreter within seconds. The count says which call does it long before. From CPython 3.12 on these objects are immortal
and the count says nothing; there the repaints at the end are the test.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent, QPen, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from imu.dashboard.app import application
from imu.dashboard.patient_view import PatientView
from imu.dashboard.theme import DARK, LIGHT, Look

CALLS: Final = 300
DRIFT: Final = 0.2
"""References per call; a leak is 1."""
FEWEST: Final = 2500
"""With fewer references to None left, stop: the interpreter would abort."""
REPAINTS: Final = 300


class _Painted(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:  # Qt's name
        pass


class _Sender(QObject):
    plain = Signal()
    carrying = Signal(object)


def calls(app: QApplication, painter: QPainter) -> dict[str, Callable[[], object]]:
    """Cheap calls of every kind that the dashboard makes."""
    pen, path, rect, point = QPen(), QPainterPath(), QRectF(0, 0, 1, 1), QPointF(1, 2)
    widget, painted, sender = QWidget(), _Painted(), _Sender()
    painted.resize(20, 20)
    painted.show()
    app.processEvents()
    sender.plain.connect(lambda: None)
    sender.carrying.connect(lambda _: None)
    return {
        "painter.setPen(pen)": lambda: painter.setPen(pen),
        "painter.setPen(style)": lambda: painter.setPen(Qt.PenStyle.NoPen),
        "painter.setBrush(style)": lambda: painter.setBrush(Qt.BrushStyle.NoBrush),
        "painter.setRenderHint": lambda: painter.setRenderHint(QPainter.RenderHint.Antialiasing, True),
        "painter.drawLine": lambda: painter.drawLine(point, point),
        "painter.drawPath": lambda: painter.drawPath(path),
        "painter.drawEllipse": lambda: painter.drawEllipse(point, 1.0, 1.0),
        "painter.save, restore": lambda: (painter.save(), painter.restore()),
        "painter.isActive": lambda: painter.isActive(),
        "path.lineTo": lambda: path.lineTo(1, 1),
        "path.clear": lambda: path.clear(),
        "pen.setCosmetic": lambda: pen.setCosmetic(True),
        "pen.isCosmetic": lambda: pen.isCosmetic(),
        "rect.contains": lambda: rect.contains(point),
        "rect.setLeft": lambda: rect.setLeft(0.0),
        "rect | rect": lambda: rect | rect,
        "QColor(name)": lambda: QColor("#ffffff"),
        "flag | flag": lambda: Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop,
        "widget.update": lambda: widget.update(),
        "widget.resize": lambda: widget.resize(10, 10),
        "widget.setVisible": lambda: widget.setVisible(False),
        "widget.isVisible": lambda: widget.isVisible(),
        "widget.parentWidget is None": lambda: widget.parentWidget(),
        "widget.setProperty": lambda: widget.setProperty("a", 1),
        "widget.setAccessibleDescription": lambda: widget.setAccessibleDescription("x"),
        "painted.repaint": lambda: painted.repaint(),
        "QObject()": lambda: QObject(),
        "emit": lambda: sender.plain.emit(),
        "emit an object": lambda: sender.carrying.emit(None),
        "processEvents": lambda: app.processEvents(),
    }


def leaks(app: QApplication) -> dict[str, tuple[float, float, float]]:
    """Calls that lose or gain references: name -> drift per call of None, True and False."""
    found: dict[str, tuple[float, float, float]] = {}
    picture = QPixmap(50, 50)
    painter = QPainter(picture)
    for name, call in calls(app, painter).items():
        call()
        before = (sys.getrefcount(None), sys.getrefcount(True), sys.getrefcount(False))
        for _ in range(CALLS):
            call()
        after = (sys.getrefcount(None), sys.getrefcount(True), sys.getrefcount(False))
        n, t, f = ((b - a) / CALLS for a, b in zip(before, after, strict=True))
        if max(abs(n), abs(t), abs(f)) > DRIFT:
            found[name] = (n, t, f)
        if after[0] < FEWEST:
            break
    painter.end()
    return found


def main() -> int:
    """0 = sound. The reports go to the standard error."""
    app = application(offscreen=True)
    if sys.version_info < (3, 12) and (found := leaks(app)):
        for name, drift in found.items():
            sys.stderr.write(f"{name}: None {drift[0]:+.2f}, True {drift[1]:+.2f}, False {drift[2]:+.2f} a call\n")
        sys.stderr.write("this PySide6 loses references and will abort; install a version below 6.12\n")
        return 1
    view = PatientView()
    view.show()
    for k in range(REPAINTS):
        view.set_look(Look((DARK, LIGHT)[k % 2]))
        app.processEvents()
    return 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # an interpreter that has lost references dies while it shuts down
    os._exit(status)
