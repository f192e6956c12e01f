"""Pieces on one leg at a time: marching on the spot, single-leg squats, step-downs."""

from __future__ import annotations

from math import pi, radians
from typing import Final

from firmware_sim.activities.pieces import Fault, March, SingleLegSquats, StepDowns, Tempo, other
from firmware_sim.activities.timeline import Repetition, Timeline
from imu.conventions import Side

SHIFT_S: Final = 0.7
"""From both feet to one, when nothing hurries."""
LIFT_S: Final = 0.6


def march(line: Timeline, piece: March) -> None:
    """Knee lifts in turn; the weight goes over while both feet are down."""
    start, side = line.now, piece.first
    t = start
    for _ in range(piece.lifts):
        period = line.varied(piece.seconds_per_lift)
        shift, lift, hold = 0.28 * period, 0.32 * period, 0.05 * period
        carrier = other(side)
        _onto(line, carrier, t, t + shift, 0.5)
        line.move(f"bend_{carrier}", t, t + shift, line.habits.stance_bend)
        line.move(f"bend_{side}", t + shift, t + shift + lift, line.posture["bend"])
        up, top = t + shift, t + shift + lift
        down, end = top + hold, top + hold + lift
        hip = radians(line.varied(piece.hip_deg))
        knee = radians(line.varied(piece.knee_deg))
        # it leaves the floor before it hangs freely: the knee goes up from its stand
        _hang(line, side, up, top, hip, knee, 0.45)
        line.put_down(side, up + 0.5 * lift, down + 0.5 * lift, line.near(line.standing_place(side)))
        _land(line, side, down, end, 0.55)
        line.strikes.append((side, end - 0.02, 0.35 * line.habits.strike))
        line.repetitions.append(Repetition(side, up, top + 0.5 * hold, end))
        t, side = end, carrier
    line.new_posture()
    line.stand_up_to(t, t + 0.5)
    line.done(piece, start, t + 0.5)


def single_leg_squats(line: Timeline, piece: SingleLegSquats) -> None:
    """The free leg bends behind."""
    free = (radians(4.0), radians(62.0), radians(-55.0))
    start, count = line.now, 0
    for carrier in (piece.first, other(piece.first)):
        t = _stand_on(line, carrier, line.now, free)
        for _ in range(piece.repetitions):
            count += 1
            t = _bend_on(line, carrier, t, piece.depth_deg, piece.tempo, _fault(piece.faults, count), free, free)
        line.now = _stand_on_both(line, carrier, t)
    line.done(piece, start, line.now)


def step_downs(line: Timeline, piece: StepDowns) -> None:
    """The free leg hovers in front of the edge, reaches down as the other knee bends, and comes back."""
    hover = (radians(24.0), radians(14.0), radians(-5.0))
    reach = (radians(15.0), radians(4.0), radians(-8.0))
    start, count = line.now, 0
    for carrier in (piece.first, other(piece.first)):
        t = _stand_on(line, carrier, line.now, hover)
        for _ in range(piece.repetitions):
            count += 1
            t = _bend_on(line, carrier, t, piece.depth_deg, piece.tempo, _fault(piece.faults, count), hover, reach)
        line.now = _stand_on_both(line, carrier, t)
    line.done(piece, start, line.now)


def _fault(faults: tuple[Fault, ...], number: int) -> Fault | None:
    return next((f for f in faults if f.repetition == number), None)


def _onto(line: Timeline, carrier: Side, start_s: float, end_s: float, drop_share: float) -> None:
    """The weight goes onto one leg; the pelvis drops a little on the other side."""
    sign = 1.0 if carrier == "left" else -1.0
    line.move("share", start_s, end_s, 0.5 * sign)
    line.move("obliquity", start_s, end_s + 0.2, -sign * drop_share * line.habits.free_drop)
    line.move("alone", start_s, end_s, 1.0)


def _hang(line: Timeline, side: Side, start_s: float, end_s: float, thigh: float, knee: float, over: float) -> None:
    """The foot leaves the floor, within the share `over` of the time, and the leg goes to where it hangs."""
    line.move(f"lift_{side}", start_s, start_s + over * (end_s - start_s), 1.0)
    line.move(f"under_{side}", start_s, end_s, 0.5)
    line.move(f"thigh_{side}", start_s, end_s, thigh)
    line.move(f"knee_{side}", start_s, end_s, knee)
    line.move(f"pitch_{side}", start_s, end_s, radians(-14.0))


def _land(line: Timeline, side: Side, start_s: float, end_s: float, over: float) -> None:
    """The reverse."""
    line.move(f"lift_{side}", end_s - over * (end_s - start_s), end_s, 0.0)
    line.move(f"under_{side}", start_s, end_s, 0.0)
    line.move(f"thigh_{side}", start_s, end_s, 0.0)
    line.move(f"knee_{side}", start_s, end_s, 0.0)
    line.move(f"pitch_{side}", start_s, end_s, 0.0)


def _stand_on(line: Timeline, carrier: Side, t: float, free: tuple[float, float, float]) -> float:
    """From both legs to one; `free`: thigh, knee and foot pitch of the other leg. s at which the person is steady."""
    side = other(carrier)
    _onto(line, carrier, t, t + SHIFT_S, 1.0)
    line.move(f"bend_{carrier}", t, t + SHIFT_S, line.habits.stance_bend)
    thigh, knee, pitch = free
    begin = t + SHIFT_S
    line.move(f"lift_{side}", begin, begin + 0.5 * LIFT_S, 1.0)
    line.move(f"under_{side}", begin, begin + LIFT_S, 0.5)
    # the foot comes off by a bend of the knee, whatever follows
    line.move(f"knee_{side}", begin, begin + LIFT_S, max(knee, radians(30.0)))
    line.move(f"thigh_{side}", begin, begin + LIFT_S, max(thigh, radians(12.0)))
    line.move(f"pitch_{side}", begin, begin + LIFT_S, pitch)
    settled = begin + 2.0 * LIFT_S
    line.move(f"knee_{side}", begin + LIFT_S, settled, knee)
    line.move(f"thigh_{side}", begin + LIFT_S, settled, thigh)
    return settled + 0.5


def _bend_on(
    line: Timeline,
    carrier: Side,
    t: float,
    depth_deg: float,
    tempo: Tempo,
    fault: Fault | None,
    free: tuple[float, float, float],
    reach: tuple[float, float, float],
) -> float:
    """One repetition; s at which the next one may begin."""
    p, side = line.person, other(carrier)
    sign = 1.0 if carrier == "left" else -1.0
    habit = line.habits.left if carrier == "left" else line.habits.right
    down, hold, up, rest = (line.varied(s) for s in tempo)
    depth = radians(depth_deg + float(line.rng.uniform(-3.0, 3.0)))
    bottom, rise, end = t + down, t + down + hold, t + down + hold + up
    deep = depth / (pi / 2.0)
    # one leg alone swings in more than two
    inward = 1.3 * habit.inward * deep * line.varied(1.0, 0.2) + (radians(fault.inward_deg) if fault else 0.0)
    drop = -sign * line.habits.free_drop
    line.move(f"bend_{carrier}", t, bottom, depth)
    line.move("lean", t, bottom, line.posture["lean"] + 0.8 * p.shank_share * depth)
    line.move("tilt", t, bottom, line.posture["tilt"] + 1.2 * p.pelvis_share * depth)
    line.move("obliquity", t, bottom, drop * (1.0 + deep))
    line.move("rotation", t, bottom, sign * radians(6.0) * deep * line.varied(1.0, 0.3))
    line.move(f"inward_{carrier}", t, bottom, inward)
    line.move(f"adduction_{carrier}", t, bottom, radians(float(line.rng.normal(0.0, 0.8))) * deep)
    for channel, there, back in zip(("thigh", "knee", "pitch"), reach, free, strict=True):
        line.move(f"{channel}_{side}", t, bottom, there)
        line.move(f"{channel}_{side}", rise, end, back)
    line.move(f"bend_{carrier}", rise, end, line.habits.stance_bend)
    line.move("lean", rise, end, line.posture["lean"])
    line.move("tilt", rise, end, line.posture["tilt"])
    line.move("obliquity", rise, end, drop)
    line.move("rotation", rise, end, 0.0)
    line.move(f"inward_{carrier}", rise, end, 0.0)
    line.move(f"adduction_{carrier}", rise, end, 0.0)
    line.repetitions.append(Repetition(carrier, t, bottom + 0.5 * hold, end, fault is not None))
    return end + rest


def _stand_on_both(line: Timeline, carrier: Side, t: float) -> float:
    """From one leg back to the stand; s at which the person stands."""
    side = other(carrier)
    line.move(f"knee_{side}", t, t + 0.4, radians(30.0))
    line.move(f"thigh_{side}", t, t + 0.4, radians(14.0))
    line.put_down(side, t, t + 0.4, line.near(line.standing_place(side)))
    begin = t + 0.4
    _land(line, side, begin, begin + LIFT_S, 0.6)
    t = begin + LIFT_S
    line.strikes.append((side, t - 0.02, 0.2 * line.habits.strike))
    line.new_posture()
    line.stand_up_to(t, t + SHIFT_S)
    return t + SHIFT_S + 0.3


