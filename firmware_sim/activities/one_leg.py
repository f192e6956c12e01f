"""Pieces on one leg at a time: marching on the spot, single-leg squats, step-downs, deadlifts, balance."""

from __future__ import annotations

from math import radians
from typing import Final

from firmware_sim.activities.course import Course, of_repetition
from firmware_sim.activities.faults import opposite
from firmware_sim.activities.one_leg_pieces import Balances, SingleLegDeadlifts, SingleLegSquats, StepDowns
from firmware_sim.activities.pieces import March
from firmware_sim.activities.stance import Free, hang, land, onto, stand_on, stand_on_both
from firmware_sim.activities.timeline import Bump, Repetition, Timeline
from imu.conventions import Side

BEHIND: Final = Free.degrees(4.0, 62.0, -55.0)
"""The free leg of a single-leg squat and of a hold."""
HOVERS: Final = Free.degrees(24.0, 14.0, -5.0)
"""The free leg of a step-down, in front of the edge."""
REACHES: Final = Free.degrees(15.0, 4.0, -8.0)
"""The same with its heel on the floor."""
TRAILS: Final = Free.degrees(-8.0, 14.0, -22.0)
"""The free leg before it goes up behind."""
STRAIGHT_BEHIND_DEG: Final = 5.0
"""Flexion of its knee when it is there."""
TOUCHES_OVER_S: Final = 0.5
"""A free foot goes down, and up again, within this."""


def march(line: Timeline, piece: March) -> None:
    """Knee lifts in turn; the weight goes over while both feet are down."""
    start, side = line.now, piece.first
    t = start
    for _ in range(piece.lifts):
        period = line.varied(piece.seconds_per_lift)
        shift, lift, hold = 0.28 * period, 0.32 * period, 0.05 * period
        carrier = opposite(side)
        onto(line, carrier, t, t + shift, 0.5)
        line.move(f"bend_{carrier}", t, t + shift, line.habits.stance_bend)
        line.move(f"bend_{side}", t + shift, t + shift + lift, line.posture["bend"])
        up, top = t + shift, t + shift + lift
        down, end = top + hold, top + hold + lift
        hip = radians(line.varied(piece.hip_deg))
        knee = radians(line.varied(piece.knee_deg))
        # it leaves the floor before it hangs freely: the knee goes up from its stand
        hang(line, side, up, top, hip, knee, 0.45)
        line.put_down(side, up + 0.5 * lift, down + 0.5 * lift, line.near(line.standing_place(side)))
        land(line, side, down, end, 0.55)
        line.strikes.append((side, end - 0.02, 0.35 * line.habits.strike))
        line.repetitions.append(Repetition(side, up, top + 0.5 * hold, end, top, down))
        t, side = end, carrier
    line.new_posture()
    line.stand_up_to(t, t + 0.5)
    line.done(piece, start, t + 0.5)


def single_leg_squats(line: Timeline, piece: SingleLegSquats) -> None:
    """The free leg bends behind."""
    _bends(line, piece, BEHIND, BEHIND)


def step_downs(line: Timeline, piece: StepDowns) -> None:
    """The free leg hovers in front of the edge, reaches down as the other knee bends, and comes back."""
    _bends(line, piece, HOVERS, REACHES)


def carriers(piece: SingleLegSquats | StepDowns | SingleLegDeadlifts | Balances) -> tuple[Side, ...]:
    """Which legs carry, in order."""
    return (piece.first, opposite(piece.first)) if piece.both else (piece.first,)


def _bends(line: Timeline, piece: SingleLegSquats | StepDowns, free: Free, reach: Free) -> None:
    start, count = line.now, 0
    for carrier in carriers(piece):
        t = stand_on(line, carrier, line.now, free)
        for _ in range(piece.repetitions):
            count += 1
            course = Course.of(line, t, piece.tempo, piece.depth_deg, of_repetition(piece.faults, count))
            _bend_on(line, carrier, course, free, reach)
            t = course.next_s
        line.now = stand_on_both(line, carrier, t)
    line.done(piece, start, line.now)


def _bend_on(line: Timeline, carrier: Side, course: Course, free: Free, reach: Free) -> None:
    """One repetition."""
    p, side = line.person, opposite(carrier)
    sign = 1.0 if carrier == "left" else -1.0
    habit = line.habits.left if carrier == "left" else line.habits.right
    depth, deep, out = course.depth, course.share, course.out
    # one leg alone swings in more than two
    inward = 1.3 * habit.inward * deep * line.varied(1.0, 0.2)
    drop = -sign * line.habits.free_drop
    line.follow(out, f"bend_{carrier}", depth)
    line.follow(out, "lean", line.posture["lean"] + 0.8 * p.shank_share * depth)
    line.follow(out, "tilt", line.posture["tilt"] + 1.2 * p.pelvis_share * depth)
    line.follow(out, "obliquity", drop * (1.0 + deep))
    line.follow(out, "rotation", sign * radians(6.0) * deep * line.varied(1.0, 0.3))
    line.follow(out, f"inward_{carrier}", inward)
    line.follow(out, f"adduction_{carrier}", radians(float(line.rng.normal(0.0, 0.8))) * deep)
    _reach(line, course, side, free, reach)
    _back_on(line, course, carrier)
    course.act(line)
    line.repetitions.append(course.repetition(carrier))


def deadlifts(line: Timeline, piece: SingleLegDeadlifts) -> None:
    """Pelvis and free leg tip over the hip that carries as one."""
    start, count = line.now, 0
    for carrier in carriers(piece):
        sign, side = 1.0 if carrier == "left" else -1.0, opposite(carrier)
        habit = line.habits.left if carrier == "left" else line.habits.right
        t = stand_on(line, carrier, line.now, TRAILS)
        for _ in range(piece.repetitions):
            count += 1
            course = Course.of(line, t, piece.tempo, piece.depth_deg, of_repetition(piece.faults, count))
            deep, out = course.share, course.out
            soft = radians(piece.knee_deg * line.varied(1.0, 0.1))
            line.follow(out, f"bend_{carrier}", soft)
            line.follow(out, "lean", line.posture["lean"] + radians(-2.0))
            line.follow(out, "tilt", line.posture["tilt"] + course.depth)
            # the pelvis levels rather than drops: the leg behind is heavy
            line.follow(out, "obliquity", -0.5 * sign * line.habits.free_drop)
            line.follow(out, "rotation", sign * radians(2.0) * deep * line.varied(1.0, 0.3))
            line.follow(out, f"inward_{carrier}", 0.4 * habit.inward * deep)
            up = Free(-course.depth * line.varied(0.97, 0.03), radians(STRAIGHT_BEHIND_DEG), -course.depth - radians(18.0))
            _reach(line, course, side, TRAILS, up)
            _back_on(line, course, carrier)
            course.act(line, bend=soft)
            line.repetitions.append(course.repetition(carrier))
            t = course.next_s
        line.now = stand_on_both(line, carrier, t)
    line.done(piece, start, line.now)


def balances(line: Timeline, piece: Balances) -> None:
    """Holds on one leg."""
    start, count = line.now, 0
    for carrier in carriers(piece):
        side = opposite(carrier)
        for _ in range(piece.repetitions):
            count += 1
            begin = line.now
            faults = of_repetition(piece.faults, count)
            steady = stand_on(line, carrier, begin, BEHIND)
            # how long it is held is the tempo of a hold
            course = Course.of(line, steady, (0.8, piece.hold_s, 0.8, 0.2), 0.0, faults, 0.0)
            course.act(line, bend=0.0)
            middle = 0.5 * (course.bottom_s + course.rise_s)
            for f in faults:
                if f.kind == "touch_down":
                    _touch(line, side, middle, f.size)
            line.now = stand_on_both(line, carrier, course.end_s)
            line.repetitions.append(Repetition(carrier, begin, middle, line.now, steady, course.end_s, 0.0, faults))
            line.now += 1.0
    line.done(piece, start, line.now)


def _touch(line: Timeline, side: Side, middle: float, seconds: float) -> None:
    """The free foot touches the floor and leaves it again."""
    down, up = middle - 0.5 * seconds, middle + 0.5 * seconds
    window = down - TOUCHES_OVER_S, down, up, up + TOUCHES_OVER_S
    line.bump(f"lift_{side}", Bump(*window, -1.0))
    line.bump(f"pitch_{side}", Bump(*window, -line.level(f"pitch_{side}")))
    line.strikes.append((side, down - 0.02, 0.2 * line.habits.strike))


def _reach(line: Timeline, course: Course, side: Side, free: Free, reach: Free) -> None:
    """The free leg goes to where it reaches, and back."""
    channels = ("thigh", reach.thigh, free.thigh), ("knee", reach.knee, free.knee), ("pitch", reach.pitch, free.pitch)
    for channel, there, back in channels:
        line.follow(course.ways, f"{channel}_{side}", there, back)


def _back_on(line: Timeline, course: Course, carrier: Side) -> None:
    """The way back of what carries, to how the person stands on one leg."""
    drop = -(1.0 if carrier == "left" else -1.0) * line.habits.free_drop
    back = {f"bend_{carrier}": line.habits.stance_bend, "obliquity": drop}
    back |= {channel: line.posture[channel] for channel in ("lean", "tilt")}
    back |= dict.fromkeys(("rotation", f"inward_{carrier}", f"adduction_{carrier}"), 0.0)
    for channel, level in back.items():
        deep = line.level(channel)
        for way in course.back:
            line.move(channel, way.start_s, way.end_s, level + way.share * (deep - level))
