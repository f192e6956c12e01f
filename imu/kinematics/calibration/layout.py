"""Layout of what the kernels of the calibration keep. Angles rad, rates rad/s, times int64 µs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.kinematics.layout import Records, part_of
from imu.packets import Floats

# SEARCH.has_stand: a short run, or a full one
PROVISIONAL, FULL = 1, 2
# why the search stopped
END, QUIET, SHORT, MOVED, WAITED, REDO = range(6)

BLOCKS: Final = 32
"""Blocks of the movement whose differences tell how sure an axis is; when all are full, each two become one."""
HISTORY: Final = 512
"""Directions of up kept of a movement; when full, every second is dropped."""
MOMENTS: Final = 21
"""Of six values: the upper triangle of their products, row by row."""

SENSOR: Final = np.dtype(
    [
        ("part", "i8"), ("away", "i8"), ("rest_gyr", "f8", (3,)), ("settled", "i8"),
        # the quiet run under way: direction of up at its start, sums over its frames
        ("run_up", "f8", (3,)), ("run_turn", "f8", (9,)), ("run_acc", "f8"), ("run_acc2", "f8"), ("run_n", "i8"),
        # the stand: up in the sensor frame, two directions square to it (a x b = up), wanted or calibrated already;
        # it stood in the calibrated stand, whose up stays zero
        ("used", "i8"), ("done", "i8"), ("stood", "i8"), ("up", "f8", (3,)), ("a", "f8", (3,)), ("b", "f8", (3,)),
        # mean rotation to earth (row by row), and whether the filter has started again since
        ("turn", "f8", (9,)), ("turned", "i8"),
        # m, height above where it was in the stand, summed from rest to rest; integrals since the last rest, and what
        # they were when the quiet run under way began
        ("height", "f8"), ("rise_v", "f8"), ("rise", "f8"), ("rise_n", "i8"), ("climb", "f8"), ("climb_n", "i8"),
        # the movement: low-passed rate in the plane a, b; the lean of gravity there
        ("low", "f8", (4,)), ("lean", "f8", (2,)), ("spread", "f8", (3,)), ("path", "f8"),
        ("leant", "f8", (2,)), ("tilt", "f8"), ("out", "i8"), ("cycles", "i8"),
        ("missed", "i8"),
    ]
)  # fmt: skip
"""One sensor while the calibration is looked for."""

JOINT: Final = np.dtype(
    [
        ("proximal", "i8"), ("distal", "i8"), ("knee", "i8"), ("low", "f8", (12,)),
        # of a knee whose thigh is level: turning points of the shank's tilt, swings out and back
        ("turning", "f8"), ("out", "i8"), ("swings", "i8"),
    ]
)  # fmt: skip
"""Two neighbours while the calibration is looked for; `proximal`, `distal` are rows of the sensors. `low`: the six values
of `relative`, after one and after two low-passes."""

SEARCH: Final = np.dtype(
    [
        ("has_stand", "i8"), ("still", "i8"), ("t_run", "i8"), ("t", "i8"), ("near", "i8"), ("judged", "i8"),
        ("moving", "i8"), ("t_moved", "i8"), ("seated", "i8"), ("swings", "i8"),
        # windows that were asked for, -1 = none; how many of the stand's frames were restless
        ("stand_from", "i8"), ("stand_to", "i8"), ("move_from", "i8"), ("move_to", "i8"), ("move_judged", "i8"),
        ("restless", "i8"), ("refused", "i8"),
        # block of the movement under way, its frames so far, its length in frames; the history
        ("block", "i8"), ("block_n", "i8"), ("block_length", "i8"),
        # both thighs bent: frames, sums of the upward acceleration, the cosine of the lesser tilt, their product, and the
        # square of the cosine's rate; the cosine of the last frame
        ("bend_n", "i8"), ("bend_acc", "f8"), ("bend_cos", "f8"), ("bend_both", "f8"), ("bend_rate2", "f8"),
        ("bend_last", "f8"),
        ("history", "i8"), ("history_step", "i8"), ("history_wait", "i8"),
        # a poor calibration is taken at this time unless a better movement comes first; -1 = none waits
        ("wait_until", "i8"),
    ]
)  # fmt: skip
"""What all sensors have in common meanwhile; still, near, moving, seated count frames."""


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """What is kept of S sensors and J joints; the kernels change it in place."""

    search: Records
    """(1,) SEARCH."""
    sensors: Records
    """(S,) SENSOR."""
    joints: Records
    """(J,) JOINT."""
    own: Floats
    """(S, BLOCKS, 3) second moments of the rate square to up (aa, ab, bb), rad²/s, by block."""
    relative: Floats
    """(J, BLOCKS, MOMENTS) second moments of the six values of `relative`, by block."""
    history: Floats
    """(S, HISTORY, 3) direction of up along a, b and the stand's up; NaN = unknown."""

    @staticmethod
    def empty(names: list[str], pairs: list[tuple[int, int, bool]]) -> Sums:
        """For sensors on these segments; pairs: proximal and distal row of every joint, and whether it is a knee."""
        sensors, joints, search = np.zeros(len(names), SENSOR), np.zeros(len(pairs), JOINT), np.zeros(1, SEARCH)
        sensors["part"] = [part_of(name) for name in names]
        for j, (proximal, distal, knee) in enumerate(pairs):
            joints[j]["proximal"], joints[j]["distal"], joints[j]["knee"] = proximal, distal, int(knee)
        for name in ("t_moved", "stand_from", "stand_to", "move_from", "move_to", "wait_until"):
            search[name] = -1
        return Sums(
            search, sensors, joints, np.zeros((len(names), BLOCKS, 3)), np.zeros((len(pairs), BLOCKS, MOMENTS)),
            np.full((len(names), HISTORY, 3), np.nan),
        )  # fmt: skip

    def copy(self) -> Sums:
        return Sums(
            self.search.copy(), self.sensors.copy(), self.joints.copy(), self.own.copy(), self.relative.copy(),
            self.history.copy(),
        )  # fmt: skip
