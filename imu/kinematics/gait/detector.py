"""Gait events in real time, fed with the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from imu.conventions import SIDES, segment_of
from imu.fusion.grid import GridBlock
from imu.kinematics.calibration import Calibration
from imu.kinematics.gait import frames
from imu.kinematics.gait.layout import (
    AXIS,
    COLUMNS,
    FOOT,
    KINDS,
    LEG,
    METHODS,
    NEVER,
    RAW,
    REPORT,
    SHANK,
    STANCE,
    STRAPDOWN,
    WAITING,
)
from imu.kinematics.layout import Records
from imu.outputs import Event
from imu.packets import Floats


@dataclass(frozen=True, slots=True, eq=False)
class GaitState:
    """Everything that changes in a `GaitDetector`."""

    legs: Records
    axes: Records
    thighs: Records
    straps: Records
    raw: Floats
    rings: Floats


class GaitDetector:
    def __init__(self, segments: Sequence[str], rate_hz: float) -> None:
        self._segments = tuple(segments)
        self._sides = [s for s in SIDES if {segment_of("foot", s), segment_of("shank", s)} & set(segments)]
        self._period_us = round(1e6 / rate_hz)
        n = len(self._sides)
        self._legs = np.zeros(n, LEG)
        self._axes, self._thighs, self._straps = np.zeros(n, AXIS), np.zeros(n, AXIS), np.zeros(n, STRAPDOWN)
        for j, side in enumerate(self._sides):
            leg = self._legs[j]
            where = {part: self._row(segment_of(part, side)) for part in ("foot", "shank", "thigh")}
            leg["source"] = FOOT if where["foot"] >= 0 else SHANK
            leg["main"] = where["foot"] if where["foot"] >= 0 else where["shank"]
            leg["thigh"] = where["thigh"] if where["foot"] < 0 else -1
            leg["state"] = WAITING if leg["source"] == FOOT else STANCE
            for name in ("t_contact", "t_told", "mute", "last_off", "last_contact", "t_flat", "kept_contact"):
                leg[name] = NEVER
            leg["usual"], leg["lag"] = 3.0, 15_000.0
        order = 2 * max(1, round(0.02 * rate_hz))
        self._taps = np.array([comb(order, i) for i in range(order + 1)], np.float64) / 2.0**order
        size = 1 << int(np.ceil(np.log2(5.0 * rate_hz)))
        self._raw, self._rings = np.zeros((n, order + 1, RAW)), np.zeros((n, size, COLUMNS))
        self._reports = np.zeros(256, REPORT)

    def _row(self, segment: str) -> int:
        return self._segments.index(segment) if segment in self._segments else -1

    def push(self, grid: GridBlock) -> tuple[Event, ...]:
        events: list[Event] = []
        row, m = 0, len(grid)
        while row < m and self._sides:
            row, k = frames.run(
                row, m, grid.t_us, grid.gyr, grid.acc, grid.flags, self._period_us, self._taps, self._legs, self._axes,
                self._thighs, self._straps, self._raw, self._rings, self._reports,
            )  # fmt: skip
            for r in self._reports[:k]:
                events.append(
                    Event(
                        KINDS[r["kind"]], int(r["t_us"]), int(r["t_emitted_us"]), self._sides[r["leg"]],
                        round(float(r["confidence"]), 3), METHODS[r["method"]],
                    )
                )
        return tuple(events)
