"""Has the person turned, or only a leg?

A knee that falls in turns its shank about the vertical by asin(sin(frontal) / sin(sagittal)): 40° for a frontal tilt of 13°
over a shank that leans forward by 20°. The pelvis stays where it is. A person who turns takes the pelvis along, and mostly
the pelvis goes first. So each segment of a leg keeps where the pelvis (without one, the other leg) faced when it last
stood, just as it keeps its own axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from imu.kernels import kernel
from imu.kinematics.layout import Records
from imu.packets import Quality

TOGETHER: Final = math.radians(15.0)
"""By which the pelvis must have turned the same way when a leg has turned by more than `segments.TURNED`: less than half of
that, as hips turn by 20 to 30° before a foot must follow; a pelvis that turns as a fault of a drill is cued from 12° on."""
LEG_MOST: Final = math.radians(80.0)
"""No leg turns in or out by so much in a body that does not turn."""
FOLLOW_S: Final = 0.5
"""As `segments.FOLLOW_S`."""

_SETTLING = int(Quality.SETTLING)


def witness_of(names: Sequence[str], j: int) -> int:
    """Row of the sensor that says whether the person has turned when the segment of row j has; -1 = none is worn."""
    part, _, side = names[j].partition("_")
    if not side:
        return -1
    far = "left" if side == "right" else "right"
    seen = ("pelvis", f"thigh_{far}", f"shank_{far}")
    return next((names.index(name) for name in seen if part in ("thigh", "shank") and name in names), -1)


@kernel
def look_beside(segments: Records, dt: float) -> None:
    """After a frame: each segment that stands keeps where its witness faces, each other one how far that has turned."""
    for j in range(len(segments)):
        s = segments[j]
        if s["witness"] < 0:
            continue
        w = segments[int(s["witness"])]
        s["beside_turn"] = float("nan")
        if w["known"] == 0 or s["axis_known"] == 0 or (int(w["flags"]) & _SETTLING) != 0:
            s["beside_known"] = 0  # its heading is a new one
        if s["fine"] == 0 or w["fine"] == 0 or s["axis_known"] == 0:
            continue
        x, y = w["right"][0], w["right"][1]
        bx, by = s["beside"][0], s["beside"][1]
        turn = math.atan2(bx * y - by * x, bx * x + by * y)
        if s["axis_age"] == 0:
            gain = dt / FOLLOW_S if s["beside_known"] == 1 and abs(turn) < TOGETHER else 1.0
            s["beside"][0], s["beside"][1] = bx + gain * (x - bx), by + gain * (y - by)
            s["beside_known"] = 1
        elif s["beside_known"] == 1:
            s["beside_turn"] = turn


@kernel
def only_this(apart: float, beside_known: int, beside_turn: float) -> bool:
    """A segment has turned by `apart` rad since it last stood, and it is known that the person has not."""
    return abs(apart) < LEG_MOST and beside_known == 1 and beside_turn * math.copysign(1.0, apart) < TOGETHER
