"""From the orientations of the sensors to the body: finds the calibration, then gives segments and angles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.config import Setup
from imu.conventions import ANGLES, CORE_SEGMENTS, SEGMENTS, G
from imu.errors import ConfigError
from imu.fusion.grid import GridBlock
from imu.kinematics import angles, search
from imu.kinematics.calibration import (
    ACC_SPREAD,
    ACC_TOLERANCE,
    Calibration,
    SegmentCalibration,
    calibrate_segment,
    directions_square_to,
)
from imu.kinematics.layout import OTHER, PART_NAMES, PELVIS, SEARCH, SEGMENT, SENSOR, SHANK, THIGH, Records
from imu.outputs import Event, FrameBlock
from imu.packets import Floats, Quality

SAME_POSE: Final = math.radians(10.0)
"""Two stands closer than this are one."""
STAND_SIGMA: Final = math.radians(0.5)
"""rad; sway of the mean of a stand."""
ATTEMPTS: Final = 2
"""Movements that are refused for one segment of a leg; the next one is taken without it."""
RESTLESS_SHARE: Final = 0.2
"""of the frames of a given stand."""
ASK_TO_STAND: Final = "Stand upright and still, feet hip-width apart, looking straight ahead"
ASK_TO_MOVE: Final = "Now make two slow half squats, straight ahead, and stand still again"
ASK_AGAIN: Final = "Once more, please: two slow half squats, straight ahead, and stand still again"


def _place(segment: str) -> str:
    """`thigh_left` in words: left thigh."""
    part, _, side = segment.partition("_")
    return f"{side} {part}".strip().replace("shank", "shin")


@dataclass(frozen=True, slots=True, eq=False)
class BodyState:
    """Everything that changes in a `Body`."""

    search: Records
    sensors: Records
    segments: Records
    stand_us: tuple[int, int]
    stand_acc: Floats
    reported: str
    help: str
    calibration: Calibration | None


class Body:
    """All sensors of one person, frame by frame.

    First looks for a quiet stand and the guided movement after it (or takes the windows that the setup names), then gives
    segment orientations and angles. Nothing is decided at the edge of a block: outputs do not depend on how frames are
    grouped.

    Parameters
    ----------
    setup : Setup
        Who is where; `stand_s`, `movement_s` are windows in session time, None = found automatically.
    """

    def __init__(self, setup: Setup) -> None:
        if setup.stand_s and setup.movement_s and setup.movement_s[0] < setup.stand_s[1]:
            raise ConfigError(
                f"movement_s {setup.movement_s} begins before stand_s {setup.stand_s} has ended; name a stand before it"
            )
        self._setup = setup
        self._names = [s.segment for s in setup.sensors]
        self._dt = 1.0 / setup.grid_hz
        n = len(self._names)
        self._search = np.zeros(1, SEARCH)
        self._search["t_moved"] = -1
        for key, window in (("stand", setup.stand_s), ("move", setup.movement_s)):
            for end, x in zip(("from", "to"), window or (-1e-6, -1e-6), strict=True):
                self._search[f"{key}_{end}"] = round(x * 1e6)
        self._sensors, self._segments = np.zeros(n, SENSOR), np.zeros(n, SEGMENT)
        for j, name in enumerate(self._names):
            part = PART_NAMES.get(name.split("_")[0], OTHER)
            self._sensors[j]["part"] = self._segments[j]["part"] = part
            self._segments[j]["leg"] = 1 if name.endswith("right") else 0
        slots = [self._names.index(s) if s in self._names else -1 for s in SEGMENTS[: len(CORE_SEGMENTS)]]
        self._slots = np.array(slots, np.int64)
        self._stand_us = (0, 0)
        self._stand_acc = np.full(n, np.nan)
        self._reported, self._help = "", ""
        self.calibration: Calibration | None = None
        """None until the movement has been found."""

    @property
    def stage(self) -> str:
        """`stand`, `movement` or `ready`."""
        if self.calibration is not None:
            return "ready"
        return "movement" if self._search[0]["has_stand"] == search.FULL else "stand"

    @property
    def instruction(self) -> str:
        """What the person should do now; empty when ready."""
        if self.calibration is not None:
            return ""
        if self._search[0]["has_stand"] != search.FULL:
            return self._help or ASK_TO_STAND
        return ASK_AGAIN if self._search[0]["refused"] else ASK_TO_MOVE

    def push(self, grid: GridBlock) -> tuple[FrameBlock, tuple[Event, ...]]:
        """Frames of the grid -> the same frames of the body, and what happened in them."""
        m, n, a = len(grid), len(self._names), len(ANGLES)
        out = FrameBlock(
            grid.t_us, np.full((m, n, 4), np.nan), np.full((m, a), np.nan), np.full((m, a), np.nan),
            np.full((m, a), int(Quality.NOT_CALIBRATED), np.uint16),
        )  # fmt: skip
        events: list[Event] = []
        row = 0
        while row < m and self.calibration is None:
            row = self._look(grid, row, out, events)
        self._read(grid, row, m, out)
        return out, tuple(events)

    def _read(self, grid: GridBlock, start: int, stop: int, out: FrameBlock) -> None:
        """Frames start..stop with the calibration as it is."""
        angles.run(
            start, stop, grid.q, grid.gyr, grid.flags, self._dt, self._slots, self._segments,
            out.q_earth_segment, out.angle, out.sigma, out.flags,
        )  # fmt: skip

    def _look(self, grid: GridBlock, start: int, out: FrameBlock, events: list[Event]) -> int:
        """Go on to the next decision; returns the next frame. Frames up to it say what was wrong with them."""
        row, why = search.run(
            start, grid.t_us, grid.q, grid.gyr, grid.acc, grid.flags, self._dt, self._search, self._sensors
        )
        self._read(grid, start, row, out)
        if why == search.QUIET and self._setup.stand_s:
            self._judge_given_stand(events)
            self._search["still"] = -1
        elif why == search.QUIET:
            self._consider_stand(search.FULL, events)
            self._search["still"] = 0
        elif why == search.SHORT:
            self._consider_stand(search.PROVISIONAL, events)
        elif why == search.MOVED and self._setup.movement_s:
            self._judge_given_movement(events)
        elif why == search.MOVED:
            self._consider_movement(events)
        return row

    def _run_means(self) -> tuple[list[Floats], Floats, Floats]:
        """Of the quiet run: up in each sensor's frame (zeros = no data), mean and spread of |acc|, m/s² (NaN = no data)."""
        ups: list[Floats] = []
        acc, spread = np.full((2, len(self._names)), np.nan)
        for j, s in enumerate(self._sensors):
            n = int(s["run_n"])
            up = np.zeros(3)
            if n > 0:
                acc[j] = float(s["run_acc"]) / n
                spread[j] = math.sqrt(max(0.0, float(s["run_acc2"]) / n - acc[j] ** 2))
                up = np.array(s["run_turn"][6:9])
                up /= math.sqrt(float(up @ up))
            ups.append(up)
        return ups, acc, spread

    def _consider_stand(self, kind: int, events: list[Event]) -> None:
        """A run of quiet frames has ended or is long enough: is it the stand?"""
        g, now = self._search[0], int(self._search[0]["t"])
        if g["has_stand"] and 0 <= g["move_from"] <= now:
            return  # the movement that was asked for has begun
        ups, acc, spread = self._run_means()
        if bool(np.any(spread > ACC_SPREAD)):
            return
        fits = self._fitting(acc)
        if kind == search.FULL or not any(fits):
            self._report_bad(acc, now, events)
        if not any(fits):
            bad = [_place(name) for name, x in zip(self._names, acc, strict=True) if abs(x - G) > ACC_TOLERANCE]
            self._help = f"Please ask for help: the sensor on the {bad[0]} does not measure correctly" if bad else ""
            return
        used = [bool(s["used"]) for s in self._sensors]
        same = fits == used and all(
            not ok or float(np.array(s["up"]) @ up) > math.cos(SAME_POSE)
            for ok, s, up in zip(fits, self._sensors, ups, strict=True)
        )
        had, moving = int(g["has_stand"]), int(self._sensors["cycles"].max()) > 0
        # between the first and the second half of the movement; or a short rest among movements
        if moving and ((same and had == kind) or kind == search.PROVISIONAL):
            return
        self._take_stand(kind, ups, acc, (int(g["t_run"]), now), fits)
        if kind == search.FULL and not (had == kind and same):
            events.append(Event("stand_found", int(g["t_run"]), now, detail=f"stood still for {search.STAND_S:.0f} s"))

    def _fitting(self, acc: Floats) -> list[bool]:
        """Which sensors measure gravity at rest; none if no leg does although one is worn."""
        fits = [bool(abs(x - G) <= ACC_TOLERANCE) for x in acc]
        legs = [j for j, s in enumerate(self._sensors) if s["part"] in (THIGH, SHANK)]
        return fits if not legs or any(fits[j] for j in legs) else [False] * len(fits)

    def _take_stand(self, kind: int, ups: list[Floats], acc: Floats, stand_us: tuple[int, int], used: list[bool]) -> None:
        """Keep directions and headings; what has moved so far is forgotten."""
        for s, segment, up, ok in zip(self._sensors, self._segments, ups, used, strict=True):
            s["used"] = int(ok)
            if ok:
                s["up"], s["turned"] = up, 0
                s["a"], s["b"] = directions_square_to(up)
                segment["stand_turn"] = np.array(s["run_turn"]) / int(s["run_n"])
        self._stand_us, self._stand_acc = stand_us, acc
        self._search["has_stand"] = kind
        self._help = ""
        search.forget_movement(self._search, self._sensors)

    def _judge_given_stand(self, events: list[Event]) -> None:
        """The window of the stand is over."""
        g, now = self._search[0], int(self._search[0]["t"])
        ups, acc, spread = self._run_means()
        frames, reason = int(g["still"]), ""
        fits = self._fitting(acc)
        if frames * self._dt < search.SHORT_STAND_S - self._dt:
            reason = f"stand_s holds {frames * self._dt:.2f} s of data; give at least {search.SHORT_STAND_S} s"
        elif int(g["restless"]) > RESTLESS_SHARE * frames or bool(np.any(spread > ACC_SPREAD)):
            reason = "somebody moved in stand_s; name a window of standing still"
        elif not any(fits):
            reason = self._bad_words(acc) or "no sensor was known in stand_s"
        if reason:
            self._refuse(reason, events)
            return
        self._report_bad(acc, now, events)
        self._take_stand(search.FULL, ups, acc, (int(g["t_run"]), now), fits)
        events.append(Event("stand_found", int(g["t_run"]), now, method="given", detail=f"{frames * self._dt:.1f} s"))

    def _refuse(self, reason: str, events: list[Event]) -> None:
        now = int(self._search[0]["t"])
        events.append(Event("calibration_refused", now, now, detail=reason))

    def _bad_words(self, acc: Floats) -> str:
        bad = [j for j in range(len(acc)) if abs(acc[j] - G) > ACC_TOLERANCE]
        return "; ".join(
            f"the sensor on {self._names[j]} measures {acc[j]:.1f} m/s² at rest instead of 9.8: replace it or calibrate it"
            for j in bad
        )

    def _report_bad(self, acc: Floats, now: int, events: list[Event]) -> None:
        """Say once which sensors cannot be used."""
        bad = ", ".join(name for name, x in zip(self._names, acc, strict=True) if abs(x - G) > ACC_TOLERANCE)
        if bad and bad != self._reported:
            events.append(Event("calibration_refused", now, now, detail=self._bad_words(acc)))
        self._reported = bad

    def _consider_movement(self, events: list[Event]) -> None:
        """The person has moved enough: is there a frame for every segment?"""
        found = self._fit()
        # the pelvis is not waited for: an upright squat hardly tilts it
        missing = [
            f"{f.segment}: {f.reason}"
            for f, s in zip(found, self._sensors, strict=True)
            if s["used"] and f.q_sensor_segment is None and s["part"] != PELVIS
        ]
        waited = self._search[0]["refused"] >= ATTEMPTS
        leading = int(search.leading_part(self._sensors))
        led = any(f.q_sensor_segment and s["part"] == leading for f, s in zip(found, self._sensors, strict=True))
        if not led or (missing and not waited):
            self._refuse("; ".join(missing or [f"{f.segment}: {f.reason}" for f in found if f.reason]), events)
            self._search["refused"] += 1
            search.forget_movement(self._search, self._sensors)  # a clean one counts, not the mean with a bad one
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
        for j, one in enumerate(found):
            if one.q_sensor_segment is not None:
                self._mount(j, one)
        a, b = self._stand_us
        if self._search[0]["has_stand"] != search.FULL:
            events.append(Event("stand_found", a, now, detail=f"stood still for {(b - a) * 1e-6:.1f} s"))
        events.append(Event("movement_found", moved_us, now, detail=f"{cycles} times out and back"))
        events.append(Event("calibrated", now, now, detail=calibration.summary))

    def _mount(self, j: int, found: SegmentCalibration) -> None:
        """Fill the record of a calibrated segment."""
        segment, sensor = self._segments[j], self._sensors[j]
        q = found.q_sensor_segment
        assert q is not None
        segment["known"], segment["q"] = 1, q
        segment["axis_sigma"], segment["stand_sigma"] = found.axis_sigma, STAND_SIGMA
        if sensor["turned"] == 0:
            turn = np.array(segment["stand_turn"]).reshape(3, 3)
            w, x, y, z = q
            forward = np.array([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)])
            right = np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
            for name, direction in (("facing", turn @ forward), ("axis", turn @ right)):
                length = math.hypot(float(direction[0]), float(direction[1]))
                segment[name] = float(direction[0]) / length, float(direction[1]) / length
            age = (int(self._search[0]["t"]) - self._stand_us[1]) * 1e-6
            # who has been on the move for long may have turned: the axis is known again after the next rest
            segment["facing_known"], segment["axis_known"] = 1, int(age < angles.STALE_S)
            segment["axis_age"] = round(age / self._dt)

    def state(self) -> BodyState:
        """A copy of everything that changes."""
        return BodyState(
            self._search.copy(), self._sensors.copy(), self._segments.copy(), self._stand_us, self._stand_acc.copy(),
            self._reported, self._help, self.calibration,
        )  # fmt: skip

    def restore(self, state: BodyState) -> None:
        """Continue from what `state` of a body with equal setup returned."""
        self._search, self._sensors = state.search.copy(), state.sensors.copy()
        self._segments, self._stand_acc = state.segments.copy(), state.stand_acc.copy()
        self._stand_us, self._reported, self._help = state.stand_us, state.reported, state.help
        self.calibration = state.calibration
