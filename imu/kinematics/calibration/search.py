"""Looks for the calibration: what is decided when a quiet run or a movement is complete.

A decision belongs to its frame, wherever a block of frames ends. A quiet run in another pose replaces the stand: who lay
on a table, sat or was being strapped is not calibrated as standing.

What could not be calibrated with the others (a sensor that was silent, a pelvis that did not tilt) is looked for on: at a
rest in which the others are where they were at the stand, and the movements after it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from imu.config import Setup
from imu.conventions import side_of
from imu.errors import ConfigError
from imu.fusion.grid import GridBlock
from imu.kinematics.calibration import movement, scan, stand
from imu.kinematics.calibration.calibration import (
    Calibration,
    SegmentCalibration,
    calibrate_segment,
    directions_square_to,
)
from imu.kinematics.calibration.layout import FULL, MOVED, PROVISIONAL, QUIET, SEARCH, SENSOR, SHORT
from imu.kinematics.calibration.quiet import QuietRun, quiet_run
from imu.kinematics.layout import OTHER, PELVIS, Records, part_of
from imu.outputs import Event
from imu.packets import Floats

SAME_POSE: Final = math.radians(10.0)
"""Two stands closer than this are one."""
ATTEMPTS: Final = 2
"""Movements that are refused for one segment of a leg; the next one is taken without it."""
RESTLESS_SHARE: Final = 0.2
"""of the frames of a given stand."""
ASK_TO_STAND: Final = "Stand upright and still, feet hip-width apart, looking straight ahead"
ASK_TO_MOVE: Final = "Now make two slow half squats, straight ahead, and stand still again"
ASK_AGAIN: Final = "Once more, please: two slow half squats, straight ahead, and stand still again"


@dataclass(frozen=True, slots=True, eq=False)
class SearchState:
    """Everything that changes in a `CalibrationSearch`."""

    search: Records
    sensors: Records
    stand_us: tuple[int, int]
    stand_acc: Floats
    reported: tuple[str, ...]
    help: str
    calibration: Calibration | None


class CalibrationSearch:
    """Finds the stand and the movement of a session, or judges the windows that the setup names."""

    def __init__(self, setup: Setup) -> None:
        if setup.stand_s and setup.movement_s and setup.movement_s[0] < setup.stand_s[1]:
            raise ConfigError(
                f"movement_s {setup.movement_s} begins before stand_s {setup.stand_s} has ended; name a stand before it"
            )
        self._setup = setup
        self._names = [s.segment for s in setup.sensors]
        self._dt = 1.0 / setup.grid_hz
        self._search = np.zeros(1, SEARCH)
        self._search["t_moved"] = -1
        for key, window in (("stand", setup.stand_s), ("move", setup.movement_s)):
            for end, x in zip(("from", "to"), window or (-1e-6, -1e-6), strict=True):
                self._search[f"{key}_{end}"] = round(x * 1e6)
        self._sensors = np.zeros(len(self._names), SENSOR)
        self._sensors["part"] = [part_of(name) for name in self._names]
        self._stand_us = (0, 0)
        self._stand_acc = np.full(len(self._names), np.nan)
        self._reported: tuple[str, ...] = ()
        self._help = ""
        self.calibration: Calibration | None = None
        """None until the movement has been found."""

    @property
    def open(self) -> bool:
        """There is still a sensor to be calibrated. Windows that were given are not gone beyond."""
        if self.calibration is None:
            return True
        given = self._setup.stand_s or self._setup.movement_s
        return not given and bool(np.any((self._sensors["done"] == 0) & (self._sensors["part"] != OTHER)))

    @property
    def stand_us(self) -> tuple[int, int]:
        """Session time, [start, end) of the newest stand."""
        return self._stand_us


    @property
    def stage(self) -> str:
        """`stand`, `movement` or `ready`."""
        if self.calibration is not None:
            return "ready"
        return "movement" if self._search[0]["has_stand"] == FULL else "stand"

    @property
    def instruction(self) -> str:
        """What the person should do now; empty when ready."""
        if self.calibration is not None:
            return ""
        if self._search[0]["has_stand"] != FULL:
            return self._help or ASK_TO_STAND
        return ASK_AGAIN if self._search[0]["refused"] else ASK_TO_MOVE

    def turn_at_stand(self, j: int) -> Floats | None:
        """(3, 3) mean R_earth_sensor of one sensor in the stand; None if its heading has changed since."""
        s = self._sensors[j]
        return np.array(s["turn"]).reshape(3, 3) if s["turned"] == 0 else None

    def look(self, grid: GridBlock, start: int, events: list[Event]) -> int:
        """Frames from `start` on, to the next decision; returns the frame after it and adds what happened to `events`."""
        row, why = scan.run(start, grid.t_us, grid.q, grid.gyr, grid.acc, grid.flags, self._dt, self._search, self._sensors)
        if why == QUIET and self._setup.stand_s:
            self._judge_given_stand(events)
            self._search["still"] = -1
        elif why == QUIET:
            self._consider_stand(FULL, events)
            self._search["still"] = 0
        elif why == SHORT:
            self._consider_stand(PROVISIONAL, events)
        elif why == MOVED and self._setup.movement_s:
            self._judge_given_movement(events)
        elif why == MOVED:
            self._consider_movement(events)
        return row

    def _consider_stand(self, kind: int, events: list[Event]) -> None:
        """A run of quiet frames has ended or is long enough: is it the stand?"""
        g, now = self._search[0], int(self._search[0]["t"])
        if g["has_stand"] and 0 <= g["move_from"] <= now:
            return  # the movement that was asked for has begun
        quiet = quiet_run(self._names, self._sensors)
        if not quiet.steady:
            return
        if self.calibration is not None:
            quiet = self._late_stand(quiet)
        elif kind == FULL or not any(quiet.fits):
            self._report_bad(quiet, events)
        if not any(quiet.fits):
            self._help = quiet.for_the_person
            return
        used = [bool(s["used"]) for s in self._sensors]
        same = quiet.fits == used and all(
            not ok or float(np.array(s["up"]) @ up) > math.cos(SAME_POSE)
            for ok, s, up in zip(quiet.fits, self._sensors, quiet.up, strict=True)
        )
        had, moving = int(g["has_stand"]), int(self._sensors["cycles"].max()) > 0
        # between the first and the second half of the movement; or a short rest among movements
        if moving and ((same and had == kind) or kind == PROVISIONAL):
            return
        self._take_stand(kind, quiet, (int(g["t_run"]), now))
        if kind == FULL and self.calibration is None and not (had == kind and same):
            events.append(Event("stand_found", int(g["t_run"]), now, detail=f"stood still for {stand.STAND_S:.0f} s"))

    def _late_stand(self, quiet: QuietRun) -> QuietRun:
        """The same run for the sensors that are not calibrated yet; it fits none if the others are not as they stood."""
        there = [
            float(np.array(s["up"]) @ up)
            for s, up, n in zip(self._sensors, quiet.up, self._sensors["run_n"], strict=True)
            if s["done"] and n > 0
        ]
        standing = bool(there) and min(there) > math.cos(SAME_POSE)
        fits = [standing and ok and not s["done"] for s, ok in zip(self._sensors, quiet.fits, strict=True)]
        return replace(quiet, fits=fits)

    def _take_stand(self, kind: int, quiet: QuietRun, stand_us: tuple[int, int]) -> None:
        """Keep directions and headings; what has moved so far is forgotten."""
        for s, up, ok in zip(self._sensors, quiet.up, quiet.fits, strict=True):
            s["used"] = int(ok)
            if ok:
                s["up"], s["turned"] = up, 0
                s["a"], s["b"] = directions_square_to(up)
                s["turn"] = np.array(s["run_turn"]) / int(s["run_n"])
        self._stand_us, self._stand_acc = stand_us, quiet.acc
        self._search["has_stand"] = kind
        self._help = ""
        movement.forget_movement(self._search, self._sensors)

    def _judge_given_stand(self, events: list[Event]) -> None:
        """The window of the stand is over."""
        g, now = self._search[0], int(self._search[0]["t"])
        quiet, frames, reason = quiet_run(self._names, self._sensors), int(g["still"]), ""
        if frames * self._dt < stand.SHORT_STAND_S - self._dt:
            reason = f"stand_s holds {frames * self._dt:.2f} s of data; give at least {stand.SHORT_STAND_S} s"
        elif int(g["restless"]) > RESTLESS_SHARE * frames or not quiet.steady:
            reason = "somebody moved in stand_s; name a window of standing still"
        elif not any(quiet.fits):
            reason = quiet.complaint or "no sensor was known in stand_s"
        if reason:
            self._refuse(reason, events)
            return
        self._report_bad(quiet, events)
        self._take_stand(FULL, quiet, (int(g["t_run"]), now))
        events.append(Event("stand_found", int(g["t_run"]), now, method="given", detail=f"{frames * self._dt:.1f} s"))

    def _refuse(self, reason: str, events: list[Event]) -> None:
        now = int(self._search[0]["t"])
        events.append(Event("calibration_refused", now, now, detail=reason))

    def _report_bad(self, quiet: QuietRun, events: list[Event]) -> None:
        """Say once which sensors cannot be used."""
        if quiet.bad and quiet.bad != self._reported:
            self._refuse(quiet.complaint, events)
        self._reported = quiet.bad

    def _consider_movement(self, events: list[Event]) -> None:
        """The person has moved enough: is there a frame for every segment?"""
        found = self._fit()
        if self.calibration is not None:
            self._accept_late(found, events)
            return
        # the pelvis is not waited for: an upright squat hardly tilts it
        most_missed = movement.MISSED_S / self._dt
        missing = [
            f"{f.segment}: {f.reason}"
            for f, s in zip(found, self._sensors, strict=True)
            if s["used"] and f.q_sensor_segment is None and s["part"] != PELVIS and s["missed"] <= most_missed
        ]
        waited = self._search[0]["refused"] >= ATTEMPTS
        leading = int(movement.leading_part(self._sensors))
        led = any(f.q_sensor_segment and s["part"] == leading for f, s in zip(found, self._sensors, strict=True))
        if not led or (missing and not waited):
            self._refuse("; ".join(missing or [f"{f.segment}: {f.reason}" for f in found if f.reason]), events)
            self._search["refused"] += 1
            movement.forget_movement(self._search, self._sensors)  # a clean one counts, not the mean with a bad one
            return
        self._accept(found, int(self._search[0]["t_moved"]), events)

    def _judge_given_movement(self, events: list[Event]) -> None:
        """The window of the movement is over."""
        assert self._setup.movement_s is not None
        if self._search[0]["has_stand"] == 0:
            self._refuse("no quiet stand was found before movement_s", events)
            return
        found = self._fit()
        if not any(f.q_sensor_segment for f in found):
            self._refuse("; ".join(f"{f.segment}: {f.reason}" for f in found if f.reason), events)
            return
        self._accept(found, round(self._setup.movement_s[0] * 1e6), events)

    def _fit(self) -> tuple[SegmentCalibration, ...]:
        stand_s = (self._stand_us[1] - self._stand_us[0]) * 1e-6
        return tuple(
            calibrate_segment(name, s, float(acc), stand_s)
            for name, s, acc in zip(self._names, self._sensors, self._stand_acc, strict=True)
        )

    def _accept(self, found: tuple[SegmentCalibration, ...], moved_us: int, events: list[Event]) -> None:
        """The calibration is complete; it holds from the next frame on."""
        now, cycles = int(self._search[0]["t"]), int(self._sensors["cycles"].max())
        self.calibration = calibration = Calibration(self._stand_us, (moved_us, now), cycles, found)
        a, b = self._stand_us
        if self._search[0]["has_stand"] != FULL:
            events.append(Event("stand_found", a, now, detail=f"stood still for {(b - a) * 1e-6:.1f} s"))
        events.append(Event("movement_found", moved_us, now, detail=f"{cycles} times out and back"))
        events.append(Event("calibrated", now, now, detail=calibration.summary))
        self._go_on(found)

    def _accept_late(self, found: tuple[SegmentCalibration, ...], events: list[Event]) -> None:
        """Add what has been found to the calibration; the rest is looked for on."""
        assert self.calibration is not None
        now = int(self._search[0]["t"])
        segments = list(self.calibration.segments)
        for j, (one, s) in enumerate(zip(found, self._sensors, strict=True)):
            if s["used"] and one.q_sensor_segment is not None:
                segments[j] = one = replace(one, reason="; ".join(filter(None, (f"at {now / 1e6:.1f} s", one.reason))))
                words = f"{one.segment}: {one.word}"
                events.append(Event("segment_calibrated", now, now, side=side_of(one.segment), detail=words))
        self.calibration = replace(self.calibration, segments=tuple(segments))
        self._go_on(tuple(segments))

    def _go_on(self, found: tuple[SegmentCalibration, ...]) -> None:
        """From now on only what is missing is looked for, from the next rest on."""
        self._sensors["done"] = [f.q_sensor_segment is not None for f in found]
        self._sensors["used"] = 0
        self._search["has_stand"] = 0
        movement.forget_movement(self._search, self._sensors)

    def state(self) -> SearchState:
        """A copy of everything that changes."""
        return SearchState(
            self._search.copy(), self._sensors.copy(), self._stand_us, self._stand_acc.copy(), self._reported, self._help,
            self.calibration,
        )  # fmt: skip

    def restore(self, state: SearchState) -> None:
        """Continue from what `state` of a search with equal setup returned."""
        self._search, self._sensors, self._stand_acc = state.search.copy(), state.sensors.copy(), state.stand_acc.copy()
        self._stand_us, self._reported, self._help = state.stand_us, state.reported, state.help
        self.calibration = state.calibration
