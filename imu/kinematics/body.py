"""From the orientations of the sensors to the body: finds the calibration, then gives segments and angles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.config import Setup
from imu.conventions import ANGLES, CORE_SEGMENTS, SEGMENTS, G
from imu.fusion.grid import GridBlock
from imu.kinematics import angles
from imu.kinematics.calibration import Calibration, CalibrationSearch, SearchState, no_evidence
from imu.kinematics.layout import SEGMENT, Records, part_of
from imu.outputs import Event, FrameBlock
from imu.packets import Floats, Quality

STAND_SIGMA: Final = math.radians(0.5)
"""rad; sway of the mean of a stand."""


@dataclass(frozen=True, slots=True, eq=False)
class BodyState:
    """Everything that changes in a `Body`."""

    search: SearchState
    segments: Records


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
        self._search = CalibrationSearch(setup)
        self._names = [s.segment for s in setup.sensors]
        self._acc_covariance = [_symmetric(s.acc_covariance) for s in setup.sensors]
        self._dt = 1.0 / setup.grid_hz
        self._segments = np.zeros(len(self._names), SEGMENT)
        self._segments["part"] = [part_of(name) for name in self._names]
        slots = [self._names.index(s) if s in self._names else -1 for s in SEGMENTS[: len(CORE_SEGMENTS)]]
        self._slots = np.array(slots, np.int64)

    @property
    def calibration(self) -> Calibration | None:
        """None until the movement has been found."""
        return self._search.calibration

    @property
    def stage(self) -> str:
        """`stand`, `movement` or `ready`."""
        return self._search.stage

    @property
    def instruction(self) -> str:
        """What the person should do now; empty when ready."""
        return self._search.instruction

    def push(self, grid: GridBlock) -> tuple[FrameBlock, tuple[Event, ...]]:
        """Frames of the grid -> the same frames of the body, and what happened in them."""
        m, n, a = len(grid), len(self._names), len(ANGLES)
        out = FrameBlock(
            grid.t_us, np.full((m, n, 4), np.nan), np.full((m, a), np.nan), np.full((m, a), np.nan),
            np.full((m, a), int(Quality.NOT_CALIBRATED), np.uint16),
        )  # fmt: skip
        events: list[Event] = []
        row = 0
        while row < m and self._search.open:
            stop, why = self._search.scan(grid, row)
            # frames up to the decision are still unknown, and say what else is wrong with them
            self._read(grid, row, stop, out)
            self._search.decide(why, no_evidence, events)
            if self.calibration is not None:
                self._mount(self.calibration, int(grid.t_us[max(stop - 1, 0)]))
            row = stop
        self._read(grid, row, m, out)
        return out, tuple(events)

    def _read(self, grid: GridBlock, start: int, stop: int, out: FrameBlock) -> None:
        """Frames start..stop with the calibration as it is."""
        angles.run(
            start, stop, grid.q, grid.gyr, grid.flags, self._dt, self._slots, self._segments,
            out.q_earth_segment, out.angle, out.sigma, out.flags,
        )  # fmt: skip

    def _mount(self, calibration: Calibration, now: int) -> None:
        """From the next frame on the segments that have been found are known."""
        age_s = (now - self._search.stand_us[1]) * 1e-6
        for j, found in enumerate(calibration.segments):
            q, segment = found.q_sensor_segment, self._segments[j]
            if q is None or segment["known"]:
                segment["known"] = int(q is not None)
                continue
            segment["known"], segment["q"] = 1, q
            segment["axis_sigma"], segment["stand_sigma"] = found.axis_sigma, STAND_SIGMA
            w, x, y, z = q
            forward = np.array([1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)])
            right = np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])
            axes = np.stack([forward, np.cross(right, forward), right])
            segment["acc_var"] = np.einsum("ij,jk,ik->i", axes, self._acc_covariance[j], axes) / G**2
            turn = self._search.turn_at_stand(j)
            if turn is None:
                continue
            for name, direction in (("facing", turn @ forward), ("axis", turn @ right)):
                length = math.hypot(float(direction[0]), float(direction[1]))
                segment[name] = float(direction[0]) / length, float(direction[1]) / length
            # who has been on the move for long may have turned: the axis is known again after the next rest
            segment["facing_known"], segment["axis_known"] = 1, int(age_s < angles.STALE_S)
            segment["axis_age"] = round(age_s / self._dt)

    def state(self) -> BodyState:
        """A copy of everything that changes."""
        return BodyState(self._search.state(), self._segments.copy())

    def restore(self, state: BodyState) -> None:
        """Continue from what `state` of a body with equal setup returned."""
        self._search.restore(state.search)
        self._segments = state.segments.copy()


def _symmetric(values: tuple[float, ...]) -> Floats:
    """(3, 3) from xx, xy, xz, yy, yz, zz."""
    xx, xy, xz, yy, yz, zz = values
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
