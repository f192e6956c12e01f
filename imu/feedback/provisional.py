"""Frames for a drill without a calibration: tilts against a stand that is found in the movement itself.

What needs no axis and no front is known from gravity and the gyroscope: how far thigh and shank are tilted away from the
stand. Frames are kept until it is known which end of the movement the stand is, and are then given all at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.conventions import ANGLES, SIDES, angle_column, segment_of
from imu.feedback.carried import backwards, forwards, stand_at
from imu.feedback.motion import ROWS, Motion
from imu.feedback.stand_search import CALM, find_stand
from imu.outputs import FrameBlock
from imu.packets import Floats, Quality

LOOK_EVERY: Final = 10
"""Frames between two looks for the stand."""
WINDOW: Final = 1500
"""Frames that are looked at, and given late: 15 s at 100 Hz."""
SIGMA: Final = 0.0873
"""rad (5°), of a tilt against a stand that nobody has verified."""
_KEPT: Final = 0xFFFF ^ int(Quality.SENSOR_FAULT)
"""A wrong accelerometer does not count here."""


@dataclass(slots=True, eq=False)
class ProvisionalState:
    """Everything that changes. Copy = snapshot."""

    done: int
    """Frames that were given."""
    looked: int
    found: bool
    stand: Floats
    """(S, 3) what the sensors showed there."""
    carried: Floats
    """(S, 3) the same now."""

    def copy(self) -> ProvisionalState:
        return ProvisionalState(self.done, self.looked, self.found, self.stand.copy(), self.carried.copy())


class ProvisionalFrames:
    """Turns what was measured into frames with tilts, as soon as the stand is known.

    Parameters
    ----------
    segments : tuple of str
        What the columns of the grid are; at least one thigh.
    rate_hz : float
        Of the grid.
    """

    def __init__(self, segments: tuple[str, ...], rate_hz: float) -> None:
        index = {segment: i for i, segment in enumerate(segments)}
        self._period_s = 1.0 / rate_hz
        self._thighs = [index.get(segment_of("thigh", side), -1) for side in SIDES]
        self._shanks = [index.get(segment_of("shank", side), -1) for side in SIDES]
        self._pelvis = index.get("pelvis", -1)
        n = len(segments)
        self._s = ProvisionalState(0, 0, False, np.full((n, 3), np.nan), np.full((n, 3), np.nan))

    @property
    def found(self) -> bool:
        """The stand is known."""
        return self._s.found

    def push(self, motion: Motion) -> list[tuple[FrameBlock, int]]:
        """Frames that became known with the newest of `motion`; each block with the time at which it did."""
        s, blocks = self._s, list[tuple[FrameBlock, int]]()
        while not s.found and s.looked + LOOK_EVERY <= motion.n:
            s.looked += LOOK_EVERY
            last = s.looked - 1
            first = max(0, s.looked - WINDOW)
            at = find_stand(
                motion.gyr, motion.acc, self._thighs[0], self._thighs[1], self._pelvis, first, last, self._period_s
            )
            if at < 0:
                continue
            s.found = True
            stand_at(motion.acc, at, CALM, s.stand)
            s.carried = s.stand.copy()
            before, after = np.full((at - first + 1, len(s.stand)), np.nan), np.full((last - at, len(s.stand)), np.nan)
            backwards(motion.gyr, at, self._period_s, s.stand, before)
            forwards(motion.gyr, motion.acc, at + 1, self._period_s, s.stand, s.carried, after)
            block = self._frames(motion, first, np.concatenate([before, after]))
            blocks.append((block, int(block.t_us[-1])))
            s.done = s.looked
        if s.found and s.done < motion.n:
            tilt = np.full((motion.n - s.done, len(s.stand)), np.nan)
            forwards(motion.gyr, motion.acc, s.done, self._period_s, s.stand, s.carried, tilt)
            blocks.append((self._frames(motion, s.done, tilt), 0))
            s.done = motion.n
        return blocks

    def _frames(self, motion: Motion, first: int, tilt: Floats) -> FrameBlock:
        """tilt (m, S) of the frames from `first` on, as frames of the body that know nothing else."""
        m = len(tilt)
        rows = (first + np.arange(m)) & (ROWS - 1)
        flags = motion.flags[rows] & np.uint16(_KEPT)
        angle = np.full((m, len(ANGLES)), np.nan)
        marks = np.full((m, len(ANGLES)), int(Quality.NOT_CALIBRATED), np.uint16)
        for side, thigh, shank in zip(SIDES, self._thighs, self._shanks, strict=True):
            for name, j in (("thigh_tilt", thigh), ("shank_tilt", shank)):
                if j >= 0:
                    column = angle_column(name, side)
                    angle[:, column] = tilt[:, j]
                    marks[:, column] |= flags[:, j]
            if thigh >= 0 and shank >= 0:
                # both turn about nearly one axis in opposite directions: the sum is the bend of the knee
                column = angle_column("knee_flexion", side)
                angle[:, column] = tilt[:, thigh] + tilt[:, shank]
                marks[:, column] |= flags[:, thigh] | flags[:, shank]
        sigma = np.where(np.isnan(angle), np.nan, SIGMA)
        return FrameBlock(motion.t_us[rows], np.full((m, tilt.shape[1], 4), np.nan), angle, sigma, marks)

    def state(self) -> ProvisionalState:
        """A copy of everything that changes."""
        return self._s.copy()

    def restore(self, state: ProvisionalState) -> None:
        """Continue from what `state` of an equal one returned."""
        self._s = state.copy()
