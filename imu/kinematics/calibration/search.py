"""Looks for the calibration: what is decided when a quiet run or a movement is complete.

A decision belongs to its frame, wherever a block of frames ends. What a stand is: `stands`.

The first movement that gives every leg a frame is the calibration. Of a marching shin its own axis tells little: as long as
the accelerations of the knees do not tell its front, the march goes on for up to `ENOUGH` lifts of each leg, or until the
person has stood for `STOPPED_S`. If a sensor is poor then (score below 50), the person is asked once more; the better one
of the two is taken, or the poor one when `WAIT_S` have passed without another. After that nothing is replaced by itself,
only by `redo`.

What could not be calibrated with the others is looked for on: `late`.
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
from imu.kinematics.calibration import movement, posture, scan, stored
from imu.kinematics.calibration.calibration import Calibration, JointCalibration, SegmentCalibration, lowest_score
from imu.kinematics.calibration.fit import Found
from imu.kinematics.calibration.fronts import Standing
from imu.kinematics.calibration.joints import Evidence
from imu.kinematics.calibration.late import LateSearch
from imu.kinematics.calibration.layout import FULL, MOVED, PROVISIONAL, QUIET, REDO, SHORT, WAITED, Sums
from imu.kinematics.calibration.quiet import QuietRun
from imu.kinematics.layout import FOOT, OTHER, PELVIS
from imu.outputs import Event

ATTEMPTS: Final = 2
"""Movements that are refused for one segment of a leg; the next one is taken without it."""
ENOUGH: Final = 4
STOPPED_S: Final = 3.0
POOR: Final = 50
WAIT_S: Final = 10.0
ANEW: Final = "is being calibrated anew"
ASK_ON: Final = "Keep marching, briskly: lift each knee a few more times, then stand still"
ASK_UPRIGHT: Final = "Stand upright and still once more, knees straight, feet hip-width apart, looking straight ahead"


@dataclass(frozen=True, slots=True, eq=False)
class SearchState:
    """Everything that changes in a `CalibrationSearch`."""

    sums: Sums
    standing: Standing
    reported: tuple[str, ...]
    help: str
    redo: tuple[tuple[str, int], ...]
    open_again: bool
    going_on: bool
    felt: tuple[float, ...]
    candidate: Calibration | None
    calibration: Calibration | None


class CalibrationSearch(LateSearch):
    """Finds the stand and the movement of a session, or judges the windows that the setup names.

    Parameters
    ----------
    setup : Setup
    stored : Calibration, optional
        Of another day; holds from a quiet stand on, for the sensors that sit as they sat then.
    """

    def __init__(self, setup: Setup, stored: Calibration | None = None) -> None:
        super().__init__(setup)
        self._stored = stored
        self._redo: tuple[tuple[str, int], ...] = ()
        self._open_again = False
        self._going_on = False

    @property
    def open(self) -> bool:
        """There is still a sensor to be calibrated. Windows that were given are not gone beyond, but for a redo."""
        if self.calibration is None or self._redo:
            return True
        given = (self._setup.stand_s or self._setup.movement_s) and not self._open_again
        sensors = self._sums.sensors
        return not given and bool(np.any((sensors["done"] == 0) & (sensors["part"] != OTHER)))

    def redo(self, segment: str, t_us: int) -> None:
        """Calibrate this sensor alone once more: unknown from the frame at `t_us` on (or the next one that comes).

        It is calibrated at the next rest in which the others are where they stood, and the movement after it. If nothing
        is calibrated by then there is nothing to redo.
        """
        if segment not in self._names:
            raise ConfigError(f"no sensor on {segment!r}; worn: {', '.join(self._names)}")
        self._redo = (*self._redo, (segment, t_us))

    def scan(self, grid: GridBlock, row: int) -> tuple[int, int]:
        """Frames from `row` on, up to a decision: (frame after them, why). Then `decide`, with evidence of that moment."""
        stop = len(grid)
        for _, t_us in self._redo:
            first = row + int(np.searchsorted(grid.t_us[row:], t_us))
            if first == row:
                self._sums.search["t"] = grid.t_us[row]
                return row, REDO
            stop = min(stop, first)
        s = self._sums
        return scan.run(
            row, stop, grid.t_us, grid.q, grid.gyr, grid.acc, grid.flags, self._dt,
            s.search, s.sensors, s.joints, s.own, s.relative, s.history,
        )  # fmt: skip

    def decide(self, why: int, evidence: Evidence, events: list[Event]) -> None:
        """What `scan` stopped for; adds what happened to `events`. The calibration holds from the next frame on."""
        g = self._sums.search
        if why == REDO:
            self._begin_again(events)
        elif why == QUIET and g[0]["stand_to"] >= 0:
            quiet = self._judge_given_stand(events)
            if quiet is not None and self._stored is not None:
                self._try_stored(self._stored, quiet, evidence, events)
            g["still"] = -1
        elif why == QUIET:
            held = self._holds
            if held:
                g["has_stand"] = 0  # a new stand is better than the one that is held
            quiet = self._consider_stand(FULL, events)
            if held and quiet is None:
                g["has_stand"] = FULL
            if quiet is not None and self.calibration is not None:
                self._accept_late(self._fit(evidence), events, moved=False)
            elif quiet is not None and self._stored is not None:
                self._try_stored(self._stored, quiet, evidence, events)
            g["still"] = 0
        elif why == SHORT:
            self._consider_stand(PROVISIONAL, events)
        elif why == MOVED and g[0]["move_to"] >= 0:
            self._judge_given_movement(evidence, events)
        elif self._holds and (why == WAITED or self._no_rest_since):
            self._try_late(evidence, events)
        elif why == MOVED:
            self._consider_movement(evidence, events)
        elif why == WAITED:
            g["wait_until"] = -1
            if self._going_on:
                self._consider_movement(evidence, events, stopped=True)
            elif self._candidate is not None:
                self._accept(self._candidate, events)

    def _begin_again(self, events: list[Event]) -> None:
        """Sensors whose redo is due become unknown."""
        if self.calibration is None:
            self._redo = tuple(r for r in self._redo if r[1] > self._now)
            return
        segments, joints, now = list(self.calibration.segments), list(self.calibration.joints), self._now
        due, self._redo = self._redo, ()
        for name, t_us in due:
            if t_us > now:
                self._redo = (*self._redo, (name, t_us))
                continue
            j = self._names.index(name)
            segments[j] = SegmentCalibration(
                name, None, math.nan, 0, ANEW, segments[j].stand_acc,
                "stand still, then march on the spot", self._serials[j],
            )  # fmt: skip
            joints = [JointCalibration(k.proximal, k.distal, math.nan, math.inf) if name in (k.proximal, k.distal) else k
                      for k in joints]  # fmt: skip
            self._sums.sensors[j]["done"] = self._sums.sensors[j]["stood"] = 0
            words = f"{name}: {segments[j].remedy}"
            events.append(Event("segment_redo", now, now, side=side_of(name), detail=words, segment=name))
        for window in ("stand_from", "stand_to", "move_from", "move_to"):
            self._sums.search[window] = -1
        self._sums.search["still"], self._open_again = 0, True
        self.calibration = replace(self.calibration, segments=tuple(segments), joints=tuple(joints))
        self._look_on()

    def _consider_movement(self, evidence: Evidence, events: list[Event], stopped: bool = False) -> None:
        """The person has moved enough: is there a frame for every segment?"""
        found, sensors, g = self._fit(evidence), self._sums.sensors, self._sums.search[0]
        if self.calibration is not None:
            self._accept_late(found, events)
            return
        self._going_on = found.wants_more and not stopped and int(sensors["cycles"].max()) < ENOUGH
        if self._going_on:
            self._help = ASK_ON
            g["wait_until"] = self._now + round(STOPPED_S * 1e6)
            return
        if found.bent:
            self._refuse(f"{found.bent}; stand upright with straight knees, and move once more", events)
            g["refused"] += 1
            g["has_stand"] = 0
            self._forget()
            self._help = ASK_UPRIGHT
            return
        # the pelvis is not waited for: an upright squat hardly tilts it; nor the feet, which stay on the ground in one
        most_missed = movement.MISSED_S / self._dt
        missing = [
            f"{f.segment}: {f.reason}{', ' + f.remedy if f.remedy else ''}"
            for f, s in zip(found.segments, sensors, strict=True)
            if s["used"] and f.q_sensor_segment is None and s["part"] not in (PELVIS, FOOT) and s["missed"] <= most_missed
        ]
        leading = int(movement.leading_part(sensors))
        led = any(f.q_sensor_segment and s["part"] == leading for f, s in zip(found.segments, sensors, strict=True))
        if not led or (missing and g["refused"] < ATTEMPTS):
            self._refuse("; ".join(missing or [f"{f.segment}: {f.reason}" for f in found.segments if f.reason]), events)
            g["refused"] += 1
            self._forget()  # a clean one counts, not the mean with a bad one
            return
        calibration = self._made(found, int(g["t_moved"]))
        if self._candidate is not None:
            calibration = max(self._candidate, calibration, key=lambda c: lowest_score(c.segments))
        elif lowest_score(calibration.segments) < POOR:
            worst = min((s for s in calibration.segments if s.q_sensor_segment is not None), key=lambda s: s.score)
            self._refuse(f"{worst.segment} is poor ({worst.score}/100): {worst.reason}; {worst.remedy}", events)
            self._candidate = calibration
            g["wait_until"] = self._now + round(WAIT_S * 1e6)
            self._forget()
            return
        self._accept(calibration, events)

    def _judge_given_movement(self, evidence: Evidence, events: list[Event]) -> None:
        """The window of the movement is over."""
        assert self._setup.movement_s is not None
        if self.calibration is not None:
            return  # a stored one fitted
        if self._sums.search[0]["has_stand"] == 0:
            self._refuse("no quiet stand was found before movement_s", events)
            return
        found = self._fit(evidence)
        if found.bent or not any(f.q_sensor_segment for f in found.segments):
            self._refuse(found.bent or "; ".join(f"{f.segment}: {f.reason}" for f in found.segments if f.reason), events)
            return
        self._accept(self._made(found, round(self._setup.movement_s[0] * 1e6)), events)

    def _made(self, found: Found, moved_us: int) -> Calibration:
        cycles = max(int(self._sums.sensors["cycles"].max()), *(int(k["swings"]) for k in self._sums.joints), 0)
        kind = posture.kind_of(self._sums)
        return Calibration(self.stand_us, (moved_us, self._now), cycles, found.segments, found.joints, kind)

    def _accept(self, calibration: Calibration, events: list[Event]) -> None:
        """The calibration is complete; it holds from the next frame on."""
        self.calibration, self._candidate, now = calibration, None, self._now
        self._sums.search["wait_until"] = -1
        a, b = calibration.stand_us
        method = "stored" if calibration.kind == "stored" else ""
        if self._sums.search[0]["has_stand"] != FULL:
            events.append(Event("stand_found", a, now, detail=f"stood still for {(b - a) * 1e-6:.1f} s"))
        if not method:
            words = f"{calibration.kind}, {calibration.cycles} times out and back"
            events.append(Event("movement_found", calibration.movement_us[0], now, method=calibration.kind, detail=words))
        events.append(Event("calibrated", now, now, method=method, detail=calibration.summary))
        self._sums.sensors["done"] = [f.q_sensor_segment is not None for f in calibration.segments]
        # who is calibrated later is zero in this stand all the same: nobody stands twice alike
        self._sums.sensors["stood"] = self._sums.sensors["used"]
        self._look_on(self._late())

    def _try_stored(self, old: Calibration, quiet: QuietRun, evidence: Evidence, events: list[Event]) -> None:
        """Is it the stand of the stored calibration?"""
        found = stored.adopt(old, self._names, self._serials, quiet)
        if found is None:
            self._refuse("the stored calibration does not fit this stand: stand as then, or make the movement", events)
            return
        now = self._now
        turns = [self.turn_at_stand(j) for j in range(len(found))]
        headings = stored.pose_headings(self.joints, old, found, turns, evidence)
        calibration = Calibration(self.stand_us, (now, now), 0, found, headings, "stored")
        waiting = [q and f.q_sensor_segment is None for q, f in zip(quiet.fits, found, strict=True)]
        self._accept(calibration, events)
        # this stand serves the others as well
        self._sums.sensors["used"] = waiting
        self._sums.search["has_stand"] = FULL if any(waiting) else 0

    def state(self) -> SearchState:
        """A copy of everything that changes."""
        return SearchState(
            self._sums.copy(), self._standing, self._reported, self._help, self._redo, self._open_again,
            self._going_on, self._felt, self._candidate, self.calibration,
        )  # fmt: skip

    def restore(self, state: SearchState) -> None:
        """Continue from what `state` of a search with equal setup returned."""
        self._sums, self._standing, self._help = state.sums.copy(), state.standing, state.help
        self._reported = state.reported
        self._redo, self._open_again, self._going_on = state.redo, state.open_again, state.going_on
        self._felt, self._candidate, self.calibration = state.felt, state.candidate, state.calibration
