"""The patient's screen: one thing at a time, read at 3 m. Laid out on a design of 1280 × 800, scaled as a whole."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from imu.dashboard.button import HEIGHT as BUTTON_HEIGHT
from imu.dashboard.button import Button
from imu.dashboard.cadence_bar import CadenceBar, CadenceBarState, CadenceNumber
from imu.dashboard.count import Count, CountState
from imu.dashboard.cue_slot import CueSlot, CueState, EdgeBar
from imu.dashboard.figure import Figure, FigureState
from imu.dashboard.gauge import WIDTH as GAUGE_WIDTH
from imu.dashboard.gauge import Gauge, GaugeState
from imu.dashboard.header import Header, HeaderState
from imu.dashboard.key_table import KeyTable, KeyTableState
from imu.dashboard.mute_button import MuteButton
from imu.dashboard.panel import Panel
from imu.dashboard.pose import UNKNOWN_POSTURE
from imu.dashboard.reading import (
    cadence_state,
    count_state,
    counted,
    cue_state,
    figure_state,
    gauge_state,
    header_state,
    is_stale,
    paused,
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
    picture_state,
    sensor_list_state,
    steps_state,
)
from imu.dashboard.summary_view import Summary, SummaryState, summary_state
from imu.dashboard.tempo_bar import TempoBar, TempoState
from imu.dashboard.theme import DESIGN_HEIGHT, DESIGN_WIDTH, Look
from imu.dashboard.trouble_view import Kept, KeptState, Remedy, RemedyState, remedy_state
from imu.snapshot import Snapshot

MARGIN: Final = 32.0
FLOOR: Final = 72.0
"""Height of the figure's floor, which reaches under the words beside it."""
TROUBLE_AFTER_NS: Final = 700_000_000
"""Values are unknown at once; the screen asks the person to stop only when it lasts. A radio that stalls for half a second
would otherwise turn the whole screen over twice."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What decides which panels there are."""

    scene: str
    """`setup`, `drill` or `finished`."""
    trouble: bool
    drill: bool
    """False: a measurement without a drill."""
    cadence: bool = False
    """A walk at a prescribed cadence: no depth, no phases."""


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
        self._shown: Shown | None = None
        self._trouble_since_ns: int | None = None
        self.setAccessibleName("Patient view")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.header = Header("Drill, sensors and sound", HeaderState(), self)
        self.cue = CueSlot("Cue", CueState(), self)
        self.count = Count("Count", CountState(), self)
        self.front = Figure("You, as in a mirror", FigureState(UNKNOWN_POSTURE), self)
        self.side = Figure("You, from the side", FigureState(UNKNOWN_POSTURE, view="side"), self)
        self.gauge = Gauge("Depth", GaugeState(), self)
        self.tempo = TempoBar("Tempo", TempoState(), self)
        self.cadence = CadenceNumber("Cadence", CadenceBarState(), self)
        self.cadence_bar = CadenceBar("Cadence and target", CadenceBarState(), self)
        self.remedy = Remedy("What to do", RemedyState(), self)
        self.kept = Kept("Count kept", KeptState(), self)
        self.steps = Steps("Steps", StepsState(), self)
        self.instruction = Instruction("What to do now", InstructionState(), self)
        self.sensors = SensorList("Sensors", SensorListState(), self)
        self.summary = Summary("Summary of the set", SummaryState(), self)
        self.edges = (EdgeBar("left", self), EdgeBar("right", self))
        self.key_table = KeyTable("Keys", KeyTableState(), self)
        self.key_table.hide()
        self.close_button = Button("Close", "Enter", self)
        self.close_button.hide()
        self.mute_button = MuteButton(self)
        self.can_mute = False
        """Somebody listens to the button."""
        self.panels: tuple[Panel, ...] = tuple(self.findChildren(Panel))
        self.set_look(self.look)
        self.show_snapshot(self.snapshot, 0)

    def set_look(self, look: Look) -> None:
        """Change theme or text scale."""
        self.look = look
        for panel in self.panels:
            panel.set_look(look)
        self.close_button.set_look(look)
        self.mute_button.set_look(look)
        self._shown = None
        self.update()
        self.show_snapshot(self.snapshot, None)

    def set_mirror(self, mirror: bool) -> None:
        """As in a mirror, or as another person would see it."""
        self.mirror = mirror
        self.front.setAccessibleName("You, as in a mirror" if mirror else "You, as others see you")
        self.show_snapshot(self.snapshot, None)

    def show_keys(self, rows: tuple[tuple[str, str], ...]) -> None:
        """Show the table of keys over the screen; without rows it goes."""
        if rows:
            self.key_table.show_state(KeyTableState(rows))
            self._lay_out()
            self.key_table.raise_()
        self.key_table.setVisible(bool(rows))

    def offer_close(self) -> None:
        """The set is over and the screen stays: the one next step is to close it."""
        self.close_button.show()
        self.close_button.setFocus()
        self._lay_out()

    def show_snapshot(self, snapshot: Snapshot, now_ns: int | None) -> None:
        """Draw this one. `now_ns`: the clock of `Snapshot.t_host_ns`; None = do not judge its age again."""
        if now_ns is not None:
            if self.live and is_stale(snapshot, now_ns):
                snapshot = without_values(snapshot)
            snapshot = self._settled(snapshot, now_ns)
        self.snapshot = snapshot
        scene = snapshot.stage if snapshot.stage in ("drill", "finished") else "setup"
        trouble, cadence = scene == "drill" and paused(snapshot), snapshot.cadence.target > 0.0
        shown = Shown(scene, trouble, bool(snapshot.drill.title), cadence)
        if shown != self._shown:
            self._shown = shown
            self._choose_panels()
            self._lay_out()
        self.header.show_state(header_state(snapshot))
        self.mute_button.show_sound(snapshot.sound.state)
        self._place_mute()
        if scene == "drill":
            self._show_drill(snapshot)
        elif scene == "finished":
            self.summary.show_state(summary_state(snapshot))
        else:
            self._show_setup(snapshot)
        side = snapshot.cue_side if scene == "drill" and self.cue.state.side else None
        for edge in self.edges:
            edge.show_state(side)

    def _place_mute(self) -> None:
        """Over the words that say it; they are wider when the sound is off."""
        width = self.header.sound_width()
        self.mute_button.setVisible(self.can_mute and width > 0.0 and self.header.isVisibleTo(self))
        factor, (inner, height) = self.header.factor, self.header.design_size
        self.mute_button.place(MARGIN + inner - width - 8, 24, width + 16, height, factor)
        self.mute_button.raise_()

    def _settled(self, s: Snapshot, now_ns: int) -> Snapshot:
        """Trouble is told when it has lasted; what is unknown is unknown from the first moment."""
        if not paused(s):
            self._trouble_since_ns = None
            return s
        if self._trouble_since_ns is None:
            self._trouble_since_ns = now_ns
        return s if now_ns - self._trouble_since_ns >= TROUBLE_AFTER_NS else replace(s, problem="")

    def _show_drill(self, s: Snapshot) -> None:
        self.cue.show_state(cue_state(s))
        self.count.show_state(count_state(s))
        self.front.show_state(figure_state(s, "mirror" if self.mirror else "front"))
        self.gauge.show_state(gauge_state(s))
        self.cadence.show_state(cadence_state(s))
        self.cadence_bar.show_state(cadence_state(s))
        if self._shown is not None and self._shown.trouble:
            self.remedy.show_state(remedy_state(s))
            self.kept.show_state(KeptState(s.repetition.count, counted(s)))
        else:
            self.side.show_state(figure_state(s, "side"))
            self.tempo.show_state(tempo_state(s))

    def _show_setup(self, s: Snapshot) -> None:
        self.steps.show_state(steps_state(s))
        self.instruction.show_state(instruction_state(s))
        self.sensors.show_state(sensor_list_state(s))
        self.front.show_state(picture_state(s, "mirror" if self.mirror else "front"))

    def _choose_panels(self) -> None:
        shown = self._shown
        assert shown is not None
        side_view = not shown.trouble and not self.look.large and not shown.cadence
        visible: set[Panel] = {
            "setup": {self.steps, self.instruction, self.sensors, self.front},
            "finished": {self.header, self.summary},
            "drill": {self.header, self.cue, self.front}
            | ({self.remedy} if shown.trouble else set())
            | ({self.side} if side_view else set()),
        }[shown.scene]
        if shown.scene == "drill" and shown.cadence:
            visible |= {self.count} | ({self.kept} if shown.trouble else {self.cadence, self.cadence_bar})
        elif shown.scene == "drill" and shown.drill:
            # without a drill there is nothing to count, no depth to reach and no tempo to keep
            visible |= {self.count, self.gauge, self.kept if shown.trouble else self.tempo}
        for panel in self.panels:
            if not isinstance(panel, EdgeBar | KeyTable):
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
        table = min(720.0, width - 2 * MARGIN), self.key_table.design_height
        # at the bottom: a cue must be seen whatever else is asked for
        self.key_table.place((width - table[0]) / 2, height - MARGIN - table[1], *table, factor)
        {"setup": self._lay_out_setup, "drill": self._lay_out_drill, "finished": self._lay_out_finished}[self._shown.scene](
            width, height, factor
        )

    def _lay_out_drill(self, width: float, height: float, factor: float) -> None:
        large, trouble = self.look.large, self._shown is not None and self._shown.trouble
        inner, spare = width - 2 * MARGIN, width - DESIGN_WIDTH
        top = 96.0 if large else 88.0
        tempo_height = 128.0 if large else 104.0
        middle = top + 144 + 24
        tempo_top = height - MARGIN - tempo_height
        middle_height = tempo_top - 24 - middle
        self.header.place(MARGIN, 24, inner, 56 if large else 48, factor)
        self.cue.place(MARGIN, top, inner, 144, factor)
        self.count.place(MARGIN, middle, 328, middle_height, factor)
        if large and not trouble and not (self._shown is not None and self._shown.cadence):
            self.front.place(376 + spare / 2, middle, 616, middle_height, factor)
        else:
            self.front.place(376 + spare * 0.4, middle, 448, middle_height, factor)
        self.side.place(824 + spare * 0.75, middle, 256, middle_height, factor)
        remedy = 760 + spare * 0.5
        self.remedy.place(remedy, middle, width - MARGIN - GAUGE_WIDTH - 8 - remedy, middle_height - FLOOR, factor)
        self.gauge.place(width - MARGIN - GAUGE_WIDTH, middle, GAUGE_WIDTH, middle_height, factor)
        number = 824 + spare * 0.75
        self.cadence.place(number, middle, width - MARGIN - number, middle_height - FLOOR, factor)
        self.cadence_bar.place(MARGIN, tempo_top, inner, tempo_height, factor)
        self.kept.place(MARGIN, tempo_top, inner, tempo_height, factor)
        self.tempo.place(MARGIN, tempo_top, inner, tempo_height, factor)

    def _lay_out_setup(self, width: float, height: float, factor: float) -> None:
        inner = width - 2 * MARGIN
        self.steps.place(MARGIN, 24, inner, 56, factor)
        self.instruction.place(MARGIN, 88, inner, 176, factor)
        below = 88 + 176 + 24
        self.front.place(MARGIN, below, 464, height - MARGIN - below, factor)
        left = MARGIN + 464 + 24
        self.sensors.place(left, below, width - MARGIN - left, height - MARGIN - below, factor)

    def _lay_out_finished(self, width: float, height: float, factor: float) -> None:
        inner, bottom = width - 2 * MARGIN, height - MARGIN - BUTTON_HEIGHT
        self.header.place(MARGIN, 24, inner, 56 if self.look.large else 48, factor)
        self.summary.place(MARGIN, 96, inner, bottom - 96 - 8, factor)
        self.close_button.place(MARGIN - 5, bottom, factor)

    def resizeEvent(self, event: QResizeEvent) -> None:  # Qt's name
        self._lay_out()
        self._place_mute()

    def paintEvent(self, event: QPaintEvent) -> None:  # Qt's name
        p = QPainter(self)
        p.fillRect(event.rect(), self.look.palette["bg"])
        p.end()
