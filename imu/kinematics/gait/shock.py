"""Kernels that feel a foot meet the floor: the largest change of its acceleration around the zero of its rate.

The shock says that a foot has landed, and when, but only to a frame or two; the rate says it steadily from step to step,
but with an offset of the person (of the shoe, of the pace). So the rate tells each contact and the shocks of the steps
before tell the offset. Against labels of eight people (half of the walks) contacts are off by 13.3 ms by the shock alone,
by 15.8 ms by the rate alone.
"""

from __future__ import annotations

from typing import Final

from imu.kernels import kernel
from imu.kinematics.gait.layout import JERK, T
from imu.kinematics.layout import Record
from imu.packets import Floats

SPAN_US: Final = 20_000
"""µs over which the change of the acceleration is taken."""
BEFORE_US: Final = 30_000
"""µs before the zero of the rate: from here a shock belongs to the landing ..."""
OVER_US: Final = 60_000
"""µs ... up to so long behind it."""
SHOCK: Final = 375.0
"""m/s³: a foot has met the floor ..."""
SHARE: Final = 0.4
"""... or with this share of the person's usual shock, if that is less: slow walkers put it down softly (simulated at
0.65 m/s 470 m/s³, one in sixteen below 375; at 1 m/s 2000)."""
USUAL_START: Final = 1000.0
"""m/s³, usual shock before one has been felt."""
BEHIND_START_US: Final = 10_000.0
"""µs of the shock behind what the rate tells, before one has been felt: as of people with labels."""
LEARN: Final = 0.2
"""Weight of a new step in what is usual."""


@kernel
def enough(leg: Record) -> float:
    """m/s³ from which a change of the acceleration is a shock of this person."""
    return min(SHOCK, SHARE * leg["usual_shock"])


@kernel
def look_back(leg: Record, ring: Floats, t: int) -> None:
    """The rate has just become zero: the largest change of the acceleration up to now."""
    mask, i = ring.shape[0] - 1, leg["n"] - 1
    leg["shock"], leg["t_shock"] = 0.0, t
    while i >= leg["known"] and ring[i & mask, T] >= t - BEFORE_US:
        feel(leg, ring[i & mask])
        i -= 1


@kernel
def feel(leg: Record, row: Floats) -> None:
    """Take a row into the largest change, and its instant: the middle of the span."""
    if row[JERK] > leg["shock"]:
        leg["shock"], leg["t_shock"] = row[JERK], int(row[T]) - SPAN_US // 2


@kernel
def learn(leg: Record, row: Floats) -> None:
    """A row behind a contact that the rate has told; when the shock is over, what is usual follows it."""
    feel(leg, row)
    if row[T] - leg["t_zero"] < OVER_US:
        return
    leg["unlearnt"] = 0
    leg["usual_shock"] += LEARN * (leg["shock"] - leg["usual_shock"])
    if leg["shock"] > enough(leg):
        leg["behind"] += LEARN * (leg["t_shock"] - leg["t_zero"] - leg["by_rate"] - leg["behind"])
