"""When the guided movement is over: who has just been calibrated may still lift knees, and those are no repetitions."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import Final

import numpy as np

from imu.config import Setup
from imu.conventions import SIDES, angle_column
from imu.feedback.drill import AnyDrill, Drill
from imu.outputs import FrameBlock

STILL_US: Final = 600_000
"""µs for which both legs keep still: between two lifts of a march it is 0.2 s, before a drill a second and more."""
BAND: Final = radians(4.0)
"""rad, within which they do."""
LONGEST_US: Final = 5_000_000
"""µs after the calibration; who has not paused until then is in the drill."""
COLUMNS: Final = np.array([angle_column(name, side) for name in ("thigh_tilt", "knee_flexion") for side in SIDES], np.intp)


def may_march(drill: AnyDrill | None, setup: Setup) -> bool:
    """A drill in which each leg counts for itself, after a guided movement."""
    told = bool(setup.calibration) or setup.stand_s is not None or setup.movement_s is not None or not setup.guided_movement
    return isinstance(drill, Drill) and drill.signal.legs != "both" and not told


@dataclass(frozen=True, slots=True)
class Settling:
    """Since when both legs have kept still; immutable, so it is its own snapshot."""

    since_us: int
    """The calibration, then the last movement."""
    calibrated_us: int
    at: tuple[float, ...] = ()
    """rad, where they have; NaN = not known."""

    @staticmethod
    def after(calibrated_us: int) -> Settling:
        """From a calibration on."""
        return Settling(calibrated_us, calibrated_us)

    def follow(self, frames: FrameBlock) -> tuple[Settling, int | None]:
        """(what follows, the time from which on movements are repetitions; None = not yet)."""
        first = int(np.searchsorted(frames.t_us, self.calibrated_us, side="right"))
        at, since = np.array(self.at or [np.inf] * len(COLUMNS)), self.since_us
        for t_us, angle in zip(frames.t_us[first:], frames.angle[first:][:, COLUMNS], strict=True):
            if (np.abs(angle - at) > BAND).any():  # what is not known does not move
                at, since = angle, int(t_us)
            at = np.where(np.isnan(at), angle, at)
            if t_us - since >= STILL_US or t_us - self.calibrated_us >= LONGEST_US:
                return self, int(t_us)
        return Settling(since, self.calibrated_us, tuple(at.tolist()) if first < len(frames) else self.at), None
