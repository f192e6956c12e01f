"""Looks for the quiet stand: what is decided when a quiet run is complete.

A quiet run in another pose replaces the stand (who lay on a table or was being strapped is not calibrated as standing),
unless the person has gone down to it: who sits down after the stand for knee extensions keeps the stand.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from imu.config import Setup
from imu.errors import ConfigError
from imu.kinematics.calibration import movement, posture, stand
from imu.kinematics.calibration.calibration import Calibration
from imu.kinematics.calibration.fronts import Standing
from imu.kinematics.calibration.joints import joints_of
from imu.kinematics.calibration.layout import FULL, PROVISIONAL, Sums
from imu.kinematics.calibration.quiet import QuietRun, quiet_run
from imu.kinematics.calibration.start import take_stand
from imu.kinematics.heading import JointSpec
from imu.outputs import Event
from imu.packets import Floats

SAME_POSE: Final = math.radians(10.0)
"""Two stands closer than this are one."""
RESTLESS_SHARE: Final = 0.2
"""of the frames of a given stand."""
ASK_TO_STAND: Final = "Stand upright and still, feet hip-width apart, looking straight ahead"
ASK_TO_MOVE: Final = "Now march on the spot: lift each knee three times, then stand still (slow half squats do as well)"
ASK_AGAIN: Final = "Once more, please: lift each knee three times, straight ahead and briskly, then stand still"


class StandSearch:
    """The part of `CalibrationSearch` that knows stands."""

    def __init__(self, setup: Setup) -> None:
        if setup.stand_s and setup.movement_s and setup.movement_s[0] < setup.stand_s[1]:
            raise ConfigError(
                f"movement_s {setup.movement_s} begins before stand_s {setup.stand_s} has ended; name a stand before it"
            )
        self._setup = setup
        self._names, self._serials = [s.segment for s in setup.sensors], [s.sensor for s in setup.sensors]
        self._dt = 1.0 / setup.grid_hz
        self.joints: tuple[JointSpec, ...] = joints_of(self._names)
        """In the order in which evidence is asked for."""
        pairs = [(k.proximal, k.distal, k.kind == "knee") for k in self.joints]
        self._sums = Sums.empty(self._names, pairs)
        for key, window in (("stand", setup.stand_s), ("move", setup.movement_s)):
            for end, x in zip(("from", "to"), window or (-1e-6, -1e-6), strict=True):
                self._sums.search[f"{key}_{end}"] = round(x * 1e6)
        nothing = np.full(len(self._names), np.nan)
        self._standing = Standing((0, 0), nothing, nothing)
        self._reported: tuple[str, ...] = ()
        self._help = ""
        self._candidate: Calibration | None = None
        self.calibration: Calibration | None = None
        """None until the movement has been found."""
        self._forget()

    @property
    def stand_us(self) -> tuple[int, int]:
        """Session time, [start, end) of the newest stand."""
        return self._standing.stand_us

    @property
    def stage(self) -> str:
        """`stand`, `movement` or `ready`."""
        if self.calibration is not None:
            return "ready"
        return "movement" if self._sums.search[0]["has_stand"] == FULL else "stand"

    @property
    def instruction(self) -> str:
        """What the person should do now; empty when ready."""
        g = self._sums.search[0]
        if self.calibration is not None:
            return ""
        if g["has_stand"] != FULL:
            return self._help or ASK_TO_STAND
        if self._help:
            return self._help
        return ASK_AGAIN if g["refused"] or self._candidate is not None else ASK_TO_MOVE

    def turn_at_stand(self, j: int) -> Floats | None:
        """(3, 3) mean R_earth_sensor of one sensor in the stand; None if its heading has changed since."""
        s = self._sums.sensors[j]
        return np.array(s["turn"]).reshape(3, 3) if s["turned"] == 0 else None

    def _consider_stand(self, kind: int, events: list[Event]) -> QuietRun | None:
        """A run of quiet frames has ended or is long enough: is it the stand? What it says, if it is."""
        sensors, g, now = self._sums.sensors, self._sums.search[0], self._now
        if g["has_stand"] and 0 <= g["move_from"] <= now:
            return None  # the movement that was asked for has begun
        quiet = quiet_run(self._names, sensors)
        if not quiet.steady:
            return None
        if self.calibration is not None:
            quiet = self._late_stand(quiet)
        elif kind == FULL or not any(quiet.fits):
            self._report_bad(quiet, events)
        if not any(quiet.fits):
            self._help = quiet.for_the_person
            return None
        used = [bool(s["used"]) for s in sensors]
        there = all(
            not ok or not s["used"] or float(np.array(s["up"]) @ up) > math.cos(SAME_POSE)
            for ok, s, up in zip(quiet.fits, sensors, quiet.up, strict=True)
        )
        same = there and quiet.fits == used
        had, moving = int(g["has_stand"]), int(sensors["cycles"].max()) > 0
        # between the first and the second half of the movement; or a short rest among movements
        if moving and ((same and had == kind) or kind == PROVISIONAL):
            return None
        if had == FULL and not there and posture.sat_down(self._sums):
            return None
        self._take_stand(kind, quiet)
        if kind == FULL and self.calibration is None and not (had == kind and same):
            events.append(Event("stand_found", int(g["t_run"]), now, detail=f"stood still for {stand.STAND_S:.0f} s"))
        return quiet

    def _late_stand(self, quiet: QuietRun) -> QuietRun:
        """The same run for the sensors that are not calibrated yet; it fits none if the others are not as they stood."""
        there = [
            float(np.array(s["up"]) @ up)
            for s, up, n in zip(self._sums.sensors, quiet.up, self._sums.sensors["run_n"], strict=True)
            if s["done"] and n > 0
        ]
        standing = bool(there) and min(there) > math.cos(SAME_POSE)
        fits = [standing and ok and not s["done"] for s, ok in zip(self._sums.sensors, quiet.fits, strict=True)]
        return replace(quiet, fits=fits)

    def _take_stand(self, kind: int, quiet: QuietRun) -> None:
        """Keep directions and headings; what has moved so far is forgotten."""
        take_stand(self._sums.sensors, quiet)
        self._standing = Standing((int(self._sums.search[0]["t_run"]), self._now), quiet.acc, quiet.spread)
        self._sums.search["has_stand"] = kind
        self._help = ""
        self._forget()

    def _judge_given_stand(self, events: list[Event]) -> QuietRun | None:
        """The window of the stand is over: what it says, None if it is none."""
        g = self._sums.search[0]
        quiet, frames, reason = quiet_run(self._names, self._sums.sensors), int(g["still"]), ""
        if frames * self._dt < stand.SHORT_STAND_S - self._dt:
            reason = f"stand_s holds {frames * self._dt:.2f} s of data; give at least {stand.SHORT_STAND_S} s"
        elif int(g["restless"]) > RESTLESS_SHARE * frames or not quiet.steady:
            reason = "somebody moved in stand_s; name a window of standing still"
        elif not any(quiet.fits):
            reason = quiet.complaint or "no sensor was known in stand_s"
        if reason:
            self._refuse(reason, events)
            return None
        self._report_bad(quiet, events)
        self._take_stand(FULL, quiet)
        detail = f"{frames * self._dt:.1f} s"
        events.append(Event("stand_found", int(g["t_run"]), self._now, method="given", detail=detail))
        return quiet

    def _report_bad(self, quiet: QuietRun, events: list[Event]) -> None:
        """Say once which sensors cannot be used."""
        if quiet.bad and quiet.bad != self._reported:
            self._refuse(quiet.complaint, events)
        self._reported = quiet.bad

    def _refuse(self, reason: str, events: list[Event]) -> None:
        events.append(Event("calibration_refused", self._now, self._now, detail=reason))

    @property
    def _now(self) -> int:
        return int(self._sums.search[0]["t"])

    def _forget(self) -> None:
        """What has moved so far does not count."""
        self._help = ""
        s = self._sums
        movement.forget_movement(self._dt, s.search, s.sensors, s.joints, s.own, s.relative, s.history)
