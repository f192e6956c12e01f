"""From both feet onto one and back: how a free leg leaves the floor, hangs, and lands."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import Final

from firmware_sim.activities.faults import opposite
from firmware_sim.activities.timeline import Timeline
from imu.conventions import Side

SHIFT_S: Final = 0.7
"""From both feet to one, when nothing hurries."""
LIFT_S: Final = 0.6


@dataclass(frozen=True, slots=True)
class Free:
    """How a free leg hangs, rad beyond the stand."""

    thigh: float
    knee: float
    pitch: float
    """of the foot, toes up."""

    @staticmethod
    def degrees(thigh: float, knee: float, pitch: float) -> Free:
        return Free(radians(thigh), radians(knee), radians(pitch))


def onto(line: Timeline, carrier: Side, start_s: float, end_s: float, drop_share: float) -> None:
    """The weight goes onto one leg; the pelvis drops a little on the other side."""
    sign = 1.0 if carrier == "left" else -1.0
    line.move("share", start_s, end_s, 0.5 * sign)
    line.move("obliquity", start_s, end_s + 0.2, -sign * drop_share * line.habits.free_drop)
    line.move("alone", start_s, end_s, 1.0)


def hang(line: Timeline, side: Side, start_s: float, end_s: float, thigh: float, knee: float, over: float) -> None:
    """The foot leaves the floor, within the share `over` of the time, and the leg goes to where it hangs."""
    line.move(f"lift_{side}", start_s, start_s + over * (end_s - start_s), 1.0)
    line.move(f"under_{side}", start_s, end_s, 0.5)
    line.move(f"thigh_{side}", start_s, end_s, thigh)
    line.move(f"knee_{side}", start_s, end_s, knee)
    line.move(f"pitch_{side}", start_s, end_s, radians(-14.0))


def land(line: Timeline, side: Side, start_s: float, end_s: float, over: float) -> None:
    """The reverse."""
    line.move(f"lift_{side}", end_s - over * (end_s - start_s), end_s, 0.0)
    line.move(f"under_{side}", start_s, end_s, 0.0)
    line.move(f"thigh_{side}", start_s, end_s, 0.0)
    line.move(f"knee_{side}", start_s, end_s, 0.0)
    line.move(f"pitch_{side}", start_s, end_s, 0.0)


def stand_on(line: Timeline, carrier: Side, t: float, free: Free) -> float:
    """From both legs to one, the other one hangs as told. s at which the person is steady."""
    side = opposite(carrier)
    onto(line, carrier, t, t + SHIFT_S, 1.0)
    line.move(f"bend_{carrier}", t, t + SHIFT_S, line.habits.stance_bend)
    begin = t + SHIFT_S
    line.move(f"lift_{side}", begin, begin + 0.5 * LIFT_S, 1.0)
    line.move(f"under_{side}", begin, begin + LIFT_S, 0.5)
    # the foot comes off by a bend of the knee, whatever follows
    line.move(f"knee_{side}", begin, begin + LIFT_S, max(free.knee, radians(30.0)))
    line.move(f"thigh_{side}", begin, begin + LIFT_S, max(free.thigh, radians(12.0)))
    line.move(f"pitch_{side}", begin, begin + LIFT_S, free.pitch)
    settled = begin + 2.0 * LIFT_S
    line.move(f"knee_{side}", begin + LIFT_S, settled, free.knee)
    line.move(f"thigh_{side}", begin + LIFT_S, settled, free.thigh)
    return settled + 0.5


def stand_on_both(line: Timeline, carrier: Side, t: float) -> float:
    """From one leg back to the stand; s at which the person stands."""
    side = opposite(carrier)
    line.move(f"knee_{side}", t, t + 0.4, radians(30.0))
    line.move(f"thigh_{side}", t, t + 0.4, radians(14.0))
    line.put_down(side, t, t + 0.4, line.near(line.standing_place(side)))
    begin = t + 0.4
    land(line, side, begin, begin + LIFT_S, 0.6)
    t = begin + LIFT_S
    line.strikes.append((side, t - 0.02, 0.2 * line.habits.strike))
    line.new_posture()
    line.stand_up_to(t, t + SHIFT_S)
    return t + SHIFT_S + 0.3
