"""The walk for whoever watches it: curves over the stride and what the last strides were like. The cue stays in sight."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from imu.dashboard.cue_slot import CueSlot, CueState
from imu.dashboard.gait_table import GaitTable, GaitTableState
from imu.dashboard.header import Header, HeaderState
from imu.dashboard.panel import Panel
from imu.dashboard.reading import cue_state, header_state
from imu.dashboard.stride_plot import StridePlot, StridePlotState
from imu.dashboard.theme import DESIGN_HEIGHT, DESIGN_WIDTH, Look
from imu.snapshot import GaitView, Snapshot

MARGIN: Final = 16.0
PLOTS: Final = {
    "knee_flexion": StridePlotState("Knee bend, from contact to contact", -10.0, 80.0, 20.0),
    "hip_flexion": StridePlotState("Hip bend", -25.0, 50.0, 25.0),
    "pelvis_obliquity": StridePlotState("Pelvis, own side up", -10.0, 10.0, 5.0),
}
"""Fixed ranges, so that a change is seen as one."""

HEIGHTS: Final = {"knee_flexion": 1.5, "hip_flexion": 1.0, "pelvis_obliquity": 1.0}


class GaitPage(QWidget):
    """Shows the snapshots it is given; nothing is painted between two strides."""

    def __init__(self, look: Look | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = look or Look()
        self.setAccessibleName("Strides")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.header = Header("Drill, sensors and sound", HeaderState(), self)
        self.plots = {angle: StridePlot(state.title, state, self) for angle, state in PLOTS.items()}
        self.table = GaitTable("What the last strides were like", GaitTableState(), self)
        self.cue = CueSlot("Cue", CueState(), self)
        self.panels: tuple[Panel, ...] = tuple(self.findChildren(Panel))
        self._gait: GaitView | None = None
        self.set_look(self.look)

    def set_look(self, look: Look) -> None:
        """Change theme or text scale."""
        self.look = look
        for panel in self.panels:
            panel.set_look(look)
        self._lay_out()
        self.update()

    def show_snapshot(self, s: Snapshot) -> None:
        self.header.show_state(header_state(s))
        self.cue.show_state(cue_state(s) if s.stage == "drill" else CueState())
        if s.gait is self._gait:
            return
        self._gait = gait = s.gait
        for angle, plot in self.plots.items():
            base = PLOTS[angle]
            curves = tuple(c for c in gait.curves if c.angle == angle)
            norm = next((n for n in gait.norms if n.angle == angle), None)
            plot.show_state(StridePlotState(base.title, base.low, base.high, base.step, curves, norm))
        self.table.show_state(GaitTableState(gait.rows, gait.strides, gait.counted, notes_of(gait)))

    def words(self) -> str:
        return self.table.words()

    def _lay_out(self) -> None:
        factor = min(self.height() / DESIGN_HEIGHT, self.width() / DESIGN_WIDTH)
        if factor <= 0.0:
            return
        width, height = self.width() / factor, self.height() / factor
        self.header.place(MARGIN, 16, width - 2 * MARGIN, 48, factor)
        cue_height = 144.0
        top, bottom = 80.0, height - MARGIN - cue_height - 16
        table = 416.0 if not self.look.large else 496.0
        column = width - 3 * MARGIN - table
        y, unit = top, (bottom - top - MARGIN * (len(self.plots) - 1)) / sum(HEIGHTS.values())
        for angle, plot in self.plots.items():
            plot.place(MARGIN, y, column, HEIGHTS[angle] * unit, factor)
            y += HEIGHTS[angle] * unit + MARGIN
        self.table.place(2 * MARGIN + column, top, table, bottom - top, factor)
        self.cue.place(MARGIN, height - MARGIN - cue_height, width - 2 * MARGIN, cue_height, factor)

    def resizeEvent(self, event: QResizeEvent) -> None:  # Qt's name
        self._lay_out()

    def paintEvent(self, event: QPaintEvent) -> None:  # Qt's name
        p = QPainter(self)
        p.fillRect(event.rect(), self.look.palette["bg"])
        p.end()


def notes_of(gait: GaitView) -> tuple[str, ...]:
    """What must be said beside the curves."""
    if not gait.curves:
        return ()
    if gait.note:
        return (f"{gait.note}.",)
    norm = gait.norms[0]
    caution = f"; {norm.caution}" if norm.caution else ""
    return (f"Grey: {norm.source}{caution}. Own curves are relative to the own stand.",)
