"""Where the prescribed tempo is and where the person is, on one axis from 0 to the length of a repetition."""

from __future__ import annotations

from math import isnan, nan, radians
from typing import Final

from imu.feedback.drill import Drill
from imu.feedback.phases import LEAVE
from imu.feedback.records import CLOSING, DOWN, HOLD, TOP, UP, Records
from imu.outputs import Repetition
from imu.snapshot import RepetitionView

UNSEEN_START_US: Final = 200_000
"""A smooth start is about this old when its rate passes the dead band."""


def ease(share: float) -> float:
    """Minimum-jerk course of a movement: share of time -> share of way."""
    x = min(max(share, 0.0), 1.0)
    return x * x * x * (10.0 + x * (6.0 * x - 15.0))


def ease_inverse(way: float) -> float:
    """Share of the way -> share of the time, so that who follows the prescribed course is exactly on pace."""
    low, high = 0.0, 1.0
    for _ in range(24):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if ease(middle) < way else (low, middle)
    return 0.5 * (low + high)


def mark_of(r: Repetition) -> str:
    """Its mark, as in `RepetitionView.marks`."""
    if not r.faults:
        return "clean" if r.clean else "counted"
    return "tempo" if r.faults == ("tempo",) else "cued"


def under_way(machine: Records) -> tuple[bool, int]:
    """By this the machine is found that says most about now: one inside a repetition, the newest."""
    m = machine[0]
    return m["state"] in (DOWN, HOLD, UP, CLOSING), int(m["t_start"])


def prescribed_depth(drill: Drill, pace_s: float) -> float:
    """Depth, rad, at `pace_s` of the prescribed repetition."""
    aim, (out, hold, back, _) = radians(drill.target.aim_deg), drill.tempo.seconds
    if pace_s < out:
        return aim * ease(pace_s / out)
    pace_s -= out + hold
    if pace_s <= 0.0:
        return aim
    return aim * (1.0 - ease(pace_s / back)) if pace_s < back else 0.0


def repetition_view(drill: Drill, machine: Records, count: int, marks: tuple[str, ...]) -> RepetitionView:
    """The newest frame for people."""
    m, (out, hold, back, rest) = machine[0], drill.tempo.seconds
    state, now, depth = int(m["state"]), int(m["t_us"]), float(m["depth_now"])
    total, start = out + hold + back + rest, int(m["t_start"])
    moving = state == TOP and m["rate"] >= radians(drill.repetition.dead_band_dps) and m["signal"] > m["base"] + LEAVE
    if moving:
        state, start = DOWN, int(m["t_move"]) - UNSEEN_START_US
    if isnan(float(m["signal"])) or start < 0 or (state not in (DOWN, HOLD, UP, CLOSING) and not marks):
        return RepetitionView(count, marks, depth=depth)
    held = nan
    if state in (DOWN, HOLD) and not moving and m["t_bottom"] >= 0 and m["t_up"] < 0:  # swaying in it is holding too
        held = max((now - int(m["t_bottom"])) * 1e-6, 0.0)
    pace = min(max((now - start) * 1e-6, 0.0), total)
    in_phase = max((now - int(m["t_phase"])) * 1e-6, 0.0)
    aim = radians(drill.target.aim_deg)
    if state == DOWN:
        phase, progress = 0, out * ease_inverse(depth / aim)
    elif state == HOLD:
        phase, progress = 1, out + min(in_phase, hold)
    elif state in (UP, CLOSING):
        way = 1.0 - depth / float(m["depth"]) if m["depth"] > 0.0 else nan
        phase, progress = 2, out + hold + back * ease_inverse(way)
    else:
        phase, progress = 3, total - rest + min(in_phase, rest)
    if isnan(depth):
        progress = nan
    return RepetitionView(count, marks, phase, pace, progress, depth, prescribed_depth(drill, pace), held)
