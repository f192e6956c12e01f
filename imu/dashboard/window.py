"""The window: one timer that reads the newest snapshot, and the keys."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import QMainWindow, QStackedWidget

from imu.dashboard import panel
from imu.dashboard.announcer import Announcer
from imu.dashboard.gait_page import GaitPage
from imu.dashboard.mute_button import KEY
from imu.dashboard.patient_view import PatientView
from imu.dashboard.theme import DARK, DESIGN_HEIGHT, DESIGN_WIDTH, LIGHT, Look
from imu.snapshot import Snapshot

TIMER_MS: Final = 33
IDLE_MS: Final = 200


@dataclass(frozen=True, slots=True)
class Key:
    """One row of the key table. Shortcuts, menu entries and help come from it."""

    sequence: str
    text: str
    act: Callable[[], None]


class Window(QMainWindow):
    """Draws what `read_snapshot` returns, 30 times a second; data arriving never triggers a redraw.

    Parameters
    ----------
    read_snapshot : callable
        The newest snapshot.
    on_silence : callable
        Esc: no more sounding cues.
    on_close : callable
        The window closes; called once.
    on_pause : callable, optional
        Space.
    on_command : callable, optional
        (kind, segment) of `imu.packets.Command`: C, the sensors are where their labels say; R, what has slipped is
        calibrated anew. None: a replay, where nothing can be asked for.
    on_mute : callable, optional
        S, or the button: the sound is muted at once, or comes again. None: there is no sound to mute.
    live : bool
        Data older than 300 ms are unknown. False for replays, whose stamps are of the past.
    clock_ns : callable
        The clock of `Snapshot.t_host_ns`.
    """

    def __init__(
        self,
        read_snapshot: Callable[[], Snapshot],
        *,
        on_silence: Callable[[], None],
        on_close: Callable[[], None],
        on_pause: Callable[[], None] | None = None,
        on_command: Callable[[str, str], None] | None = None,
        on_mute: Callable[[], None] | None = None,
        look: Look | None = None,
        live: bool = True,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        super().__init__()
        self.read_snapshot = read_snapshot
        self.clock_ns = clock_ns
        self.after_tick: Callable[[], None] | None = None
        self.paint_ms: list[float] = []
        self.ended = False
        self._on_close: Callable[[], None] | None = on_close
        self._painted_ns = panel.paint_ns
        self._tick_ms = 0.0
        self.setWindowTitle("Movement feedback")
        self.setAccessibleName("Movement feedback")
        self.view = PatientView(look, live=live)
        self.strides = GaitPage(look)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.view)
        self.pages.addWidget(self.strides)
        self.setCentralWidget(self.pages)
        self.view.close_button.clicked.connect(self.close)
        if on_mute is not None:
            self.view.can_mute = True
            self.view.mute_button.clicked.connect(on_mute)
        self.announcer = Announcer(self.view)
        self.resize(round(DESIGN_WIDTH), round(DESIGN_HEIGHT))
        self.setMinimumSize(640, 400)
        self.keys = [Key("Space", "Pause", on_pause)] if on_pause is not None else []
        if on_command is not None:
            self._ask = on_command
            self.keys += [
                Key("C", "Sensors are where their labels say", lambda: on_command("confirm_sides", "")),
                Key("R", "Calibrate a moved strap anew", self.redo),
            ]
        self.keys += [
            Key("Esc", "Silence the cues", on_silence),
            *([Key(KEY, "Sound off, and on again", on_mute)] if on_mute is not None else []),
            Key("M", "Mirror the figure", lambda: self.view.set_mirror(not self.view.mirror)),
            Key("G", "Strides of a walk, and back", self.change_page),
            Key("T", "Dark or light", self.change_theme),
            Key("F11", "Full screen", self.change_full_screen),
            Key("?", "This table", self.show_keys),
        ]
        for key in self.keys:
            action = QAction(key.text, self)
            action.setShortcut(QKeySequence(key.sequence))
            action.setAutoRepeat(False)  # a key held is one wish
            action.triggered.connect(key.act)
            self.addAction(action)
        # Enter presses the one button, wherever the focus is
        enter = QAction("Close", self)
        enter.setShortcuts([QKeySequence(Qt.Key.Key_Return), QKeySequence(Qt.Key.Key_Enter)])
        enter.triggered.connect(self._press)
        self.addAction(enter)
        self.timer = QTimer(self)
        self.timer.setTimerType(Qt.TimerType.PreciseTimer)
        self.timer.timeout.connect(self.tick)
        self.timer.start(TIMER_MS)

    def tick(self) -> None:
        """Read the newest snapshot and show it; panels whose state is the same are not painted."""
        if self.ended:
            return
        painted = panel.paint_ns - self._painted_ns
        if painted or self._tick_ms:
            self.paint_ms.append(painted * 1e-6 + self._tick_ms)
        self._painted_ns = panel.paint_ns
        began = time.perf_counter_ns()
        now_ns = self.clock_ns()
        self.view.show_snapshot(self.read_snapshot(), now_ns)
        if self.pages.currentWidget() is self.strides:
            self.strides.show_snapshot(self.view.snapshot)
        self.announcer.offer(now_ns, self._sentences())
        self._tick_ms = (time.perf_counter_ns() - began) * 1e-6
        if self.after_tick is not None:
            self.after_tick()

    def end(self, stay: bool) -> None:
        """The session is over: show the summary of the last snapshot. It closes now, or when the person says so."""
        self.ended = True
        # goes on slowly: without any Python call now and then, Ctrl-C would not be noticed
        self.timer.setInterval(IDLE_MS)
        last = self.read_snapshot()
        if last.stage != "finished":
            last = replace(last, stage="finished", problem="", cue=None, cue_side=None)
        self.view.show_snapshot(last, None)
        self.pages.setCurrentWidget(self.view)
        if not stay:
            self.close()
            return
        self.view.offer_close()
        self.announcer.offer(self.clock_ns(), self._sentences())

    def redo(self) -> None:
        """Every strap that has moved is set right now: its sensor is calibrated anew."""
        for segment in self.view.snapshot.slipped:
            self._ask("redo", segment)

    def change_theme(self) -> None:
        other = LIGHT if self.view.look.palette.name == "dark" else DARK
        for page in (self.view, self.strides):
            page.set_look(replace(page.look, palette=other))

    def change_page(self) -> None:
        """The patient's screen, or the strides."""
        self.strides.show_snapshot(self.view.snapshot)
        self.pages.setCurrentIndex(1 - self.pages.currentIndex())

    def change_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def show_keys(self) -> None:
        """Show or hide the table of keys."""
        self.pages.setCurrentWidget(self.view)
        shown = self.view.key_table.isVisible()
        self.view.show_keys(() if shown else tuple((key.sequence, key.text) for key in self.keys))

    def closeEvent(self, event: QCloseEvent) -> None:  # Qt's name
        self.timer.stop()
        if self._on_close is not None:
            on_close, self._on_close = self._on_close, None
            on_close()
        event.accept()

    def _press(self) -> None:
        if self.view.close_button.isVisible():
            self.view.close_button.click()

    def _sentences(self) -> dict[str, str]:
        view = self.view
        match view.snapshot.stage:
            case "drill":
                if self.pages.currentWidget() is self.strides:
                    return {"cue": self.strides.cue.words(), "strides": self.strides.words()}
                cue = view.cue.state
                urgent = view.cue.words() if cue.kind not in ("calm", "empty") else ""
                quiet = view.cue.words() if cue.kind == "calm" else ""
                if view.snapshot.cadence.target:
                    # a number with every step would leave no room for anything else
                    return {"cue": urgent, "calm": quiet, "cadence": view.cadence_bar.words()}
                return {"cue": urgent, "count": view.count.words(), "calm": quiet, "tempo": view.tempo.words()}
            case "finished":
                return {"summary": view.summary.words()}
            case _:
                return {"instruction": view.instruction.words(), "sensors": view.sensors.words()}
