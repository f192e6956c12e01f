"""The patient's screen: one thing at a time, read at 3 m. Laid out on a design of 1280 × 800, scaled as a whole."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from imu.dashboard.count import Count, CountState
from imu.dashboard.cue_slot import CueSlot, CueState, EdgeBar
from imu.dashboard.figure import Figure, FigureState
from imu.dashboard.gauge import WIDTH as GAUGE_WIDTH
from imu.dashboard.gauge import Gauge, GaugeState
from imu.dashboard.header import Header, HeaderState
from imu.dashboard.panel import Panel
from imu.dashboard.pose import STANDING, UNKNOWN_POSTURE, Posture
from imu.dashboard.reading import (
    count_state,
    cue_state,
    figure_state,
    gauge_state,
    header_state,
    is_stale,
    tempo_state,
    without_values,
)
from imu.dashboard.setup_view import (
    Instruction,
    InstructionState,
    SensorList,
    SensorListState,
    Steps,
    StepsState,
    instruction_state,
    sensor_list_state,
    steps_state,
    worn_and_lost,
)
from imu.dashboard.summary_view import Summary, SummaryState, summary_state
from imu.dashboard.tempo_bar import TempoBar, TempoState
from imu.dashboard.theme import DESIGN_HEIGHT, DESIGN_WIDTH, Look
from imu.dashboard.trouble_view import Kept, KeptState, Remedy, RemedyState, remedy_state
from imu.snapshot import Snapshot

MARGIN = 32.0


class PatientView(QWidget):
    """Shows the snapshots it is given.

    Parameters
    ----------
    look : Look
        Theme and text scale.
    live : bool
        Data that arrive now: what is older than 300 ms is unknown. False for a replay, whose stamps are of the past.
    """

    def __init__(self, look: Look | None = None, *, live: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = look or Look()
        self.live = live
        self.mirror = True
        self.snapshot = Snapshot()
        self._shown: tuple[str, bool] | None = None
        self.setAccessibleName("Patient view")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.header = Header("Drill, sensors and sound", HeaderState(), self)
        self.cue = CueSlot("Cue", CueState(), self)
        self.count = Count("Count", CountState(), self)
        self.front = Figure("You, as in a mirror", FigureState(UNKNOWN_POSTURE), self)
        self.side = Figure("You, from the side", FigureState(UNKNOWN_POSTURE, view="side"), self)
        self.gauge = Gauge("Depth", GaugeState(), self)
        self.tempo = TempoBar("Tempo", TempoState(), self)
        self.remedy = Remedy("What to do", RemedyState(), self)
        self.kept = Kept("Count kept", KeptState(), self)
        self.steps = Steps("Steps", StepsState(), self)
        self.instruction = Instruction("What to do now", InstructionState(), self)
        self.sensors = SensorList("Sensors", SensorListState(), self)
        self.summary = Summary("Summary of the set", SummaryState(), self)
        self.edges = (EdgeBar("left", self), EdgeBar("right", self))
        self.panels: tuple[Panel, ...] = tuple(self.findChildren(Panel))
        self.set_look(self.look)
        self.show_snapshot(self.snapshot, 0)

    def set_look(self, look: Look) -> None:
        """Change theme or text scale."""
        self.look = look
        for panel in self.panels:
            panel.set_look(look)
        self._shown = None
        self.update()
        self.show_snapshot(self.snapshot, None)

    def set_mirror(self, mirror: bool) -> None:
        """As in a mirror, or as another person would see it."""
        self.mirror = mirror
        self.front.setAccessibleName("You, as in a mirror" if mirror else "You, as others see you")
        self.show_snapshot(self.snapshot, None)

    def show_snapshot(self, snapshot: Snapshot, now_ns: int | None) -> None:
        """Draw this one. `now_ns`: the clock of `Snapshot.t_host_ns`; None = do not judge its age again."""
        if now_ns is not None and self.live and is_stale(snapshot, now_ns):
            snapshot = without_values(snapshot)
        self.snapshot = snapshot
        scene = snapshot.stage if snapshot.stage in ("drill", "finished") else "setup"
        shown = (scene, scene == "drill" and bool(snapshot.problem))
        if shown != self._shown:
            self._shown = shown
            self._choose_panels()
            self._lay_out()
        self.header.show_state(header_state(snapshot))
        if scene == "drill":
            self._show_drill(snapshot)
        elif scene == "finished":
            self.summary.show_state(summary_state(snapshot))
        else:
            self._show_setup(snapshot)
        side = snapshot.cue_side if scene == "drill" and self.cue.state.side else None
        for edge in self.edges:
            edge.show_state(side)

    def _show_drill(self, s: Snapshot) -> None:
        self.cue.show_state(cue_state(s))
        self.count.show_state(count_state(s))
        self.front.show_state(figure_state(s, "mirror" if self.mirror else "front"))
        self.gauge.show_state(gauge_state(s))
        if self._shown == ("drill", True):
            self.remedy.show_state(remedy_state(s))
            self.kept.show_state(KeptState(s.repetition.count))
        else:
            self.side.show_state(figure_state(s, "side"))
            self.tempo.show_state(tempo_state(s))

    def _show_setup(self, s: Snapshot) -> None:
        self.steps.show_state(steps_state(s))
        self.instruction.show_state(instruction_state(s))
        self.sensors.show_state(sensor_list_state(s))
        # a picture of the stand, nothing measured: where the sensors are is what it shows
        still = Posture(STANDING, STANDING, 0.0, 0.0)
        self.front.show_state(FigureState(still, None, "mirror" if self.mirror else "front", lost=worn_and_lost(s)))

    def _choose_panels(self) -> None:
        assert self._shown is not None
        scene, trouble = self._shown
        side_view = not trouble and not self.look.large
        visible = {
            "setup": {self.steps, self.instruction, self.sensors, self.front},
            "finished": {self.header, self.summary},
            "drill": {self.header, self.cue, self.count, self.front, self.gauge}
            | ({self.remedy, self.kept} if trouble else {self.tempo})
            | ({self.side} if side_view else set()),
        }[scene]
        for panel in self.panels:
            if not isinstance(panel, EdgeBar):
                panel.setVisible(panel in visible)

    def _lay_out(self) -> None:
        if self._shown is None:
            return
        factor = min(self.height() / DESIGN_HEIGHT, self.width() / DESIGN_WIDTH)
        if factor <= 0.0:
            return
        width, height = self.width() / factor, self.height() / factor
        for edge, x in zip(self.edges, (0.0, width - 12), strict=True):
            edge.place(x, 0, 12, height, factor)
            edge.raise_()
        {"setup": self._lay_out_setup, "drill": self._lay_out_drill, "finished": self._lay_out_finished}[self._shown[0]](
            width, height, factor
        )

    def _lay_out_drill(self, width: float, height: float, factor: float) -> None:
        large, trouble = self.look.large, self._shown == ("drill", True)
        inner, spare = width - 2 * MARGIN, width - DESIGN_WIDTH
        top = 96.0 if large else 88.0
        tempo_height = 128.0 if large else 104.0
        middle = top + 144 + 24
        tempo_top = height - MARGIN - tempo_height
        middle_height = tempo_top - 24 - middle
        self.header.place(MARGIN, 24, inner, 56 if large else 48, factor)
        self.cue.place(MARGIN, top, inner, 144, factor)
        self.count.place(MARGIN, middle, 328, middle_height, factor)
        if large:
            self.front.place(376 + spare / 2, middle, 616, middle_height, factor)
        else:
            self.front.place(368 + spare * 0.4, middle, 464, middle_height, factor)
        self.side.place(824 + spare * 0.75, middle, 256, middle_height, factor)
        self.remedy.place(760 + spare * 0.6, middle, 320, middle_height, factor)
        self.gauge.place(width - MARGIN - GAUGE_WIDTH, middle, GAUGE_WIDTH, middle_height, factor)
        if trouble:
            self.kept.place(MARGIN, tempo_top, inner, tempo_height, factor)
        self.tempo.place(MARGIN, tempo_top, inner, tempo_height, factor)

    def _lay_out_setup(self, width: float, height: float, factor: float) -> None:
        inner = width - 2 * MARGIN
        self.steps.place(MARGIN, 24, inner, 48, factor)
        self.instruction.place(MARGIN, 88, inner, 176, factor)
        below = 88 + 176 + 24
        self.front.place(MARGIN, below, 464, height - MARGIN - below, factor)
        left = MARGIN + 464 + 24
        self.sensors.place(left, below, width - MARGIN - left, height - MARGIN - below, factor)

    def _lay_out_finished(self, width: float, height: float, factor: float) -> None:
        inner = width - 2 * MARGIN
        self.header.place(MARGIN, 24, inner, 48, factor)
        self.summary.place(MARGIN, 88, inner, height - 88 - MARGIN, factor)

    def resizeEvent(self, event: QResizeEvent) -> None:  # Qt's name
        self._lay_out()

    def paintEvent(self, event: QPaintEvent) -> None:  # Qt's name
        p = QPainter(self)
        p.fillRect(event.rect(), self.look.palette["bg"])
        p.end()
