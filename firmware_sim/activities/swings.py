"""Pieces in which a free leg moves: swings, circles of the thigh, the ankle's warm-up."""

from __future__ import annotations

from math import radians
from typing import Final

from firmware_sim.activities.course import Course, of_repetition
from firmware_sim.activities.faults import opposite
from firmware_sim.activities.one_leg_pieces import AnkleCircles, AnklePumps, HipCircles, LegSwings
from firmware_sim.activities.stance import Free, stand_on, stand_on_both
from firmware_sim.activities.timeline import Timeline
from imu.conventions import Side

BACKWARD: Final = 0.5
"""How far a leg swings back, as a share of how far it swings forward."""
FRONT: Final = Free.degrees(0.0, 16.0, 20.0)
"""Knee and foot of a leg that swings, at the front end."""
BACK: Final = Free.degrees(0.0, 31.0, -30.0)
"""The same behind."""
ROCKS_DEG: Final = (-2.0, 1.5)
"""Pelvis tilt of everybody who swings a leg, at the front and behind."""
INTO_S: Final = 0.9
CIRCLE: Final = Free.degrees(34.0, 78.0, -25.0)
"""A leg whose thigh circles, in the middle."""
OUTWARD_DEG: Final = 12.0
OUTWARD: Final = 0.6
"""Width of a circle of the thigh, of its height."""
LIFTED: Final = Free.degrees(28.0, 24.0, -8.0)
"""A leg whose foot moves in the air."""
ROLL: Final = 0.8
"""Width of a circle of the foot, of its height."""


def leg_swings(line: Timeline, piece: LegSwings) -> None:
    """From behind to the front and back, growing."""
    start, count = line.now, 0
    for side in (piece.first, opposite(piece.first)) if piece.both else (piece.first,):
        t = stand_on(line, opposite(side), line.now, Free.degrees(8.0, 30.0, -12.0))
        depth = _grown(piece, 1)
        t = _into(line, side, t, Free(-BACKWARD * radians(depth), BACK.knee, BACK.pitch))
        for number in range(1, piece.repetitions + 1):
            count += 1
            faults = of_repetition(piece.faults, count)
            course = Course.of(line, t, piece.tempo, _grown(piece, number), faults, 1.5)
            line.follow(course.ways, f"thigh_{side}", course.depth, -BACKWARD * radians(_grown(piece, number + 1)))
            line.follow(course.ways, f"knee_{side}", FRONT.knee)
            line.follow(course.ways, f"pitch_{side}", FRONT.pitch)
            tilt = line.posture["tilt"]
            line.follow(course.ways, "tilt", tilt + radians(ROCKS_DEG[0]), tilt + radians(ROCKS_DEG[1]))
            course.act(line, bend=0.0, hangs=side)
            line.repetitions.append(course.repetition(side))
            t = course.next_s
        line.now = _out_of(line, side, t)
    line.done(piece, start, line.now)


def hip_circles(line: Timeline, piece: HipCircles) -> None:
    """The thigh goes up in front, out, and down."""
    start, count = line.now, 0
    for side in (piece.first, opposite(piece.first)) if piece.both else (piece.first,):
        t = stand_on(line, opposite(side), line.now, Free.degrees(14.0, 60.0, -20.0))
        low = CIRCLE.thigh - radians(_grown(piece, 1))
        t = _into(line, side, t, Free(low, CIRCLE.knee, CIRCLE.pitch))
        line.move(f"abduct_{side}", t - INTO_S, t - 0.1, radians(OUTWARD_DEG))
        outward = t
        for number in range(1, piece.repetitions + 1):
            count += 1
            faults = of_repetition(piece.faults, count)
            course = Course.of(line, t, piece.tempo, _grown(piece, number), faults, 1.0)
            after = CIRCLE.thigh - radians(_grown(piece, number + 1))
            line.follow(course.ways, f"thigh_{side}", CIRCLE.thigh + course.depth, after)
            outward = _across(line, course, f"abduct_{side}", radians(OUTWARD_DEG), OUTWARD * course.depth, outward)
            line.follow(course.ways, "tilt", line.posture["tilt"] + radians(ROCKS_DEG[0]), line.posture["tilt"])
            course.act(line, bend=0.0, hangs=side)
            line.repetitions.append(course.repetition(side))
            t = course.next_s
        line.move(f"abduct_{side}", outward, t + 0.4, 0.0)
        line.now = _out_of(line, side, t)
    line.done(piece, start, line.now)


def ankle_pumps(line: Timeline, piece: AnklePumps) -> None:
    """The foot goes up and down."""
    _ankles(line, piece, circling=False)


def ankle_circles(line: Timeline, piece: AnkleCircles) -> None:
    """The foot goes up, in, down, and out."""
    _ankles(line, piece, circling=True)


def _ankles(line: Timeline, piece: AnklePumps | AnkleCircles, *, circling: bool) -> None:
    start, count = line.now, 0
    for side in (piece.first, opposite(piece.first)) if piece.both else (piece.first,):
        t = stand_on(line, opposite(side), line.now, LIFTED)
        t = _into(line, side, t, Free(LIFTED.thigh, LIFTED.knee, LIFTED.pitch - radians(piece.depth_deg)))
        inward = t
        for _ in range(piece.repetitions):
            count += 1
            faults = of_repetition(piece.faults, count)
            course = Course.of(line, t, piece.tempo, piece.depth_deg, faults, 1.0)
            line.follow(course.ways, f"pitch_{side}", LIFTED.pitch + course.depth)
            if circling:
                inward = _across(line, course, f"roll_{side}", 0.0, ROLL * course.depth, inward)
            course.act(line, bend=0.0, hangs=side)
            line.repetitions.append(course.repetition(side))
            t = course.next_s
        line.move(f"roll_{side}", inward, max(t, inward + 0.2), 0.0)
        line.now = _out_of(line, side, t)
    line.done(piece, start, line.now)


def _across(line: Timeline, course: Course, channel: str, middle: float, half: float, since: float) -> float:
    """The other direction of a circle, a quarter of it later; s of its last turning point."""
    first, second = 0.5 * (course.start_s + course.bottom_s), 0.5 * (course.rise_s + course.end_s)
    line.move(channel, since, first, middle - half)
    line.move(channel, first, second, middle + half)
    return second


def _grown(piece: LegSwings | HipCircles, number: int) -> float:
    """Degrees; swings and circles grow from one to the next."""
    grown = min(1.0, (number - 1) / max(1, piece.repetitions - 1))
    return piece.depth_deg * (1.0 - piece.growth * (1.0 - grown))


def _into(line: Timeline, side: Side, t: float, free: Free) -> float:
    """The free leg goes to where its first repetition begins; s at which it is there."""
    for channel, level in (("thigh", free.thigh), ("knee", free.knee), ("pitch", free.pitch)):
        line.move(f"{channel}_{side}", t, t + INTO_S, level)
    return t + INTO_S


def _out_of(line: Timeline, side: Side, t: float) -> float:
    """From wherever the free leg is back to the stand; s."""
    line.move("tilt", t, t + 0.4, line.posture["tilt"])
    return stand_on_both(line, opposite(side), t) + 0.2
