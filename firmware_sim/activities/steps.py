"""Pieces with steps that are not walking: lunges, the knee to the wall, sideways with a band."""

from __future__ import annotations

from math import radians, sin
from typing import Final

from firmware_sim.activities.course import Course, of_repetition
from firmware_sim.activities.faults import opposite
from firmware_sim.activities.leg import leg_length
from firmware_sim.activities.one_leg_pieces import BandWalks, Lunges, WallLunges
from firmware_sim.activities.stance import SHIFT_S, Free
from firmware_sim.activities.timeline import Footprint, Timeline
from imu.conventions import SIDES, Side

LUNGE: Final = 1.0
"""Length of a lunge's step, of thigh and shank."""
TIMID: Final = 0.6
"""of the depth: who goes less far takes a step that is shorter by as much."""
LUNGE_HEEL_DEG: Final = 55.0
"""How far the rear heel is off the floor at 90° of the front knee."""
LUNGE_LEAN: Final = 0.10
"""of the front knee's flexion is forward lean of its shank."""
LUNGE_TILT_DEG: Final = 5.0
SHIFTED: Final = 0.17
"""Share of the way out after which the weight is over the foot that stays."""
SWUNG: Final = (0.14, 0.48)
"""In which the other one steps."""
CENTRED: Final = (0.17, 0.52)
"""In which the weight comes back between the feet."""
LED: Final = (0.12, 0.72)
"""In which it goes forward over the front one."""
LIFTS: Final = Free.degrees(34.0, 52.0, 0.0)
"""A leg that has left the floor for a lunge."""
REACHES: Final = Free.degrees(44.0, 26.0, 0.0)
"""The same before it comes down."""
AHEAD: Final = Free.degrees(24.0, 44.0, 0.0)
"""A leg that takes a small step."""
LEADS: Final = 0.5
"""All weight forward; sideways the pelvis stays between the feet."""
WALL: Final = 0.28
"""Step ahead of the foot whose knee goes to the wall, of thigh and shank."""
WALL_BEND: Final = 1.35
"""Knee flexion per shank tilt."""
WALL_HEEL_DEG: Final = 16.0
STEP_S: Final = 0.9
"""A step ahead or back to the stand, and the weight before and after it."""
OVER: Final = 0.35
"""Share of a step in which the foot comes off the floor, and in which it comes down."""
CLEARS_DEG: Final = 15.0
"""More knee flexion of a foot that steps than of the one that stays."""
LOW_S: Final = 1.3
"""Into the bent knees of a band walk, and out of it."""


def lunges(line: Timeline, piece: Lunges) -> None:
    """One step ahead and back with each leg in turn."""
    start, t, front = line.now, line.now, piece.first
    p = line.person
    for number in range(1, piece.repetitions + 1):
        course = Course.of(line, t, piece.tempo, piece.depth_deg, of_repetition(piece.faults, number))
        rear, sign = opposite(front), 1.0 if front == "left" else -1.0
        habit = line.habits.left if front == "left" else line.habits.right
        depth, deep, out_s = course.depth, course.share, course.bottom_s - course.start_s
        t, bottom, rise, end = course.start_s, course.bottom_s, course.rise_s, course.end_s
        back_s = end - rise
        # out: over the rear foot, step, and down between the two
        _over(line, rear, t, t + SHIFTED * out_s, 0.5)
        # who turns back has not stepped far
        gone = depth / radians(piece.depth_deg)
        far = LUNGE * (p.thigh + p.shank) * line.varied(1.0, 0.03) * (1.0 if gone > TIMID else gone)
        place = line.near(line.standing_place(front).beside(far, 0.0))
        early, late = (LIFTS, REACHES) if gone > TIMID else (AHEAD, AHEAD)
        _step(line, front, t + SWUNG[0] * out_s, t + SWUNG[1] * out_s, place, early, late)
        line.move("share", t + CENTRED[0] * out_s, t + CENTRED[1] * out_s, 0.0)
        line.move("lead", t + LED[0] * out_s, t + LED[1] * out_s, LEADS * sign)
        line.move("alone", t + SHIFTED * out_s, t + CENTRED[1] * out_s, 0.0)
        # back: the same in reverse
        line.move("lead", end - LED[1] * back_s, end - LED[0] * back_s, 0.0)
        line.move("share", end - CENTRED[1] * back_s, end - CENTRED[0] * back_s, -0.5 * sign)
        place = line.near(line.standing_place(front))
        _step_back(line, front, end - SWUNG[1] * back_s, end - SWUNG[0] * back_s, place, late, early)
        ways, out = course.ways, course.out
        line.follow(ways, f"heel_{rear}", -radians(LUNGE_HEEL_DEG) * deep)
        line.follow(out, f"bend_{front}", depth)
        line.follow(out, f"bend_{rear}", 0.8 * depth)
        line.follow(out, "lean", line.posture["lean"] + LUNGE_LEAN * depth)
        line.follow(out, "tilt", line.posture["tilt"] + radians(LUNGE_TILT_DEG) * deep)
        line.follow(out, f"inward_{front}", habit.inward * deep * line.varied(1.0, 0.2))
        line.follow(out, "rotation", -sign * radians(4.0) * deep * line.varied(1.0, 0.3))
        line.move("obliquity", t + SWUNG[1] * out_s, bottom, -sign * 0.3 * line.habits.free_drop)
        line.new_posture()
        line.stand_up_along(course.back, keep=("share", "alone"))
        line.move("share", end - SWUNG[0] * back_s, end + 0.1, line.posture["share"])
        course.act(line)
        line.repetitions.append(course.repetition(front))
        t, front = course.next_s, rear
    line.done(piece, start, t + 0.2)


def wall_lunges(line: Timeline, piece: WallLunges) -> None:
    """The shank of the front leg leans over its flat foot."""
    start, count, p = line.now, 0, line.person
    t = start
    for front in (piece.first, opposite(piece.first)) if piece.both else (piece.first,):
        rear, sign = opposite(front), 1.0 if front == "left" else -1.0
        t = _place(line, front, t, WALL * (p.thigh + p.shank))
        for _ in range(piece.repetitions):
            count += 1
            course = Course.of(line, t, piece.tempo, piece.depth_deg, of_repetition(piece.faults, count), 2.0)
            bend, ways = WALL_BEND * course.depth, course.ways
            habit = line.habits.left if front == "left" else line.habits.right
            line.follow(ways, "lean", line.level("lean") + course.depth)
            line.follow(ways, "lead", LEADS * sign)
            line.follow(ways, f"bend_{front}", bend)
            line.follow(ways, f"bend_{rear}", 0.5 * bend)
            line.follow(ways, f"heel_{rear}", -radians(WALL_HEEL_DEG))
            line.follow(ways, f"inward_{front}", 0.4 * habit.inward * course.share * line.varied(1.0, 0.2))
            line.follow(ways, "rotation", -sign * radians(2.0) * line.varied(1.0, 0.3))
            course.act(line, bend=bend)
            line.repetitions.append(course.repetition(front))
            t = course.next_s
        t = _place(line, front, t, 0.0)
    line.done(piece, start, t)


def band_walks(line: Timeline, piece: BandWalks) -> None:
    """Out with the foot that leads, after it with the other one, knees bent all the time."""
    start, count = line.now, 0
    t, low = start + LOW_S, radians(piece.bend_deg)
    lean = line.posture["lean"] + line.person.shank_share * low
    for side in SIDES:
        line.move(f"bend_{side}", start, t, low)
    line.move("lean", start, t, lean)
    line.move("tilt", start, t, line.posture["tilt"] + line.person.pelvis_share * low + radians(6.0))
    line.move("share", start, t, 0.0)
    length = float(leg_length(line.person, low))
    for leading in (piece.first, opposite(piece.first)) if piece.both else (piece.first,):
        sign = 1.0 if leading == "left" else -1.0
        for _ in range(piece.repetitions):
            count += 1
            course = Course.of(line, t, piece.tempo, piece.depth_deg, of_repetition(piece.faults, count), 1.5)
            wide = 2.0 * length * sin(0.5 * course.depth)
            line.home = line.home.beside(0.0, sign * wide)
            _sideways(line, leading, course.start_s, course.bottom_s, low, lean - line.posture["lean"])
            _sideways(line, opposite(leading), course.rise_s, course.end_s, low, lean - line.posture["lean"])
            course.act(line, bend=low)
            line.repetitions.append(course.repetition(leading))
            t = course.next_s
    line.new_posture()
    line.stand_up_to(t, t + LOW_S)
    line.done(piece, start, t + LOW_S + 0.3)


def _sideways(line: Timeline, foot: Side, first_s: float, last_s: float, bend: float, lean: float) -> None:
    """One foot goes to where it belongs beside the other one; the weight is over that one meanwhile."""
    seconds = last_s - first_s
    _over(line, opposite(foot), first_s, first_s + 0.35 * seconds, 0.4)
    clear = radians(CLEARS_DEG)
    thigh, knee = bend - lean + 0.5 * clear, bend + clear
    begin, end = first_s + 0.25 * seconds, first_s + 0.90 * seconds
    # it hangs as it stands before it leaves the floor
    _step(line, foot, begin, end, line.near(line.standing_place(foot)), Free(thigh, knee, 0.0))
    line.move("share", first_s + 0.55 * seconds, last_s, 0.0)
    line.move("obliquity", first_s + 0.60 * seconds, last_s, 0.0)
    line.move("alone", first_s + 0.60 * seconds, last_s, 0.0)


def _step(
    line: Timeline, side: Side, start_s: float, end_s: float, place: Footprint, early: Free, late: Free | None = None
) -> None:
    """A foot leaves the floor and comes down at a place; how its leg hangs when it has left and before it is down."""
    late = late or early
    over = OVER * (end_s - start_s)
    line.move(f"lift_{side}", start_s, start_s + over, 1.0)
    line.move(f"lift_{side}", end_s - over, end_s, 0.0)
    for channel in ("thigh", "knee"):
        line.move(f"{channel}_{side}", start_s, start_s + 1.1 * over, getattr(early, channel))
        line.move(f"{channel}_{side}", start_s + 1.1 * over, end_s - 0.3 * over, getattr(late, channel))
        line.move(f"{channel}_{side}", end_s, end_s + 0.1, 0.0)
    line.move(f"clears_{side}", start_s - 0.1, start_s, 1.0)
    line.move(f"clears_{side}", end_s, end_s + 0.1, 0.0)
    line.put_down(side, start_s + 0.3 * over, end_s - 0.3 * over, place)
    line.strikes.append((side, end_s - 0.02, 0.25 * line.habits.strike))


def _step_back(line: Timeline, side: Side, start_s: float, end_s: float, place: Footprint, early: Free, late: Free) -> None:
    """The step of a lunge in reverse."""
    over = OVER * (end_s - start_s)
    line.move(f"lift_{side}", start_s, start_s + over, 1.0)
    line.move(f"lift_{side}", end_s - over, end_s, 0.0)
    for channel in ("thigh", "knee"):
        # it hangs, in name only, as it stands
        line.move(f"{channel}_{side}", start_s - 0.1, start_s, getattr(early, channel))
        line.move(f"{channel}_{side}", start_s + 0.3 * over, end_s - 1.1 * over, getattr(late, channel))
        line.move(f"{channel}_{side}", end_s - 1.1 * over, end_s, 0.0)
    line.move(f"clears_{side}", start_s - 0.1, start_s, 1.0)
    line.move(f"clears_{side}", end_s, end_s + 0.1, 0.0)
    line.put_down(side, start_s + 0.3 * over, end_s - 0.3 * over, place)
    line.strikes.append((side, end_s - 0.02, 0.2 * line.habits.strike))


def _place(line: Timeline, side: Side, t: float, ahead: float) -> float:
    """A foot goes ahead of where it stands, or back; s at which the weight is on both again."""
    _over(line, opposite(side), t, t + SHIFT_S, 0.5)
    begin, end = t + SHIFT_S - 0.1, t + SHIFT_S + STEP_S
    _step(line, side, begin, end, line.near(line.standing_place(side).beside(ahead, 0.0)), AHEAD)
    line.new_posture()
    line.stand_up_to(end - 0.3, end + SHIFT_S)
    return end + SHIFT_S + 0.3


def _over(line: Timeline, carrier: Side, start_s: float, end_s: float, drop_share: float) -> None:
    """The weight goes over one foot before the other one steps."""
    sign = 1.0 if carrier == "left" else -1.0
    line.move("share", start_s, end_s, 0.5 * sign)
    line.move("obliquity", start_s, end_s, -sign * drop_share * line.habits.free_drop)
    line.move("alone", start_s, end_s, 1.0)
