"""Pieces on both feet: standing, squats, hinges, up on the toes."""

from __future__ import annotations

from math import radians
from typing import Final

from firmware_sim.activities.course import Course, of_repetition
from firmware_sim.activities.pieces import CalfRaises, HeelToeRocks, HipHinges, Squats, Stand
from firmware_sim.activities.timeline import Timeline
from imu.conventions import SIDES

HINGE_LEAN_DEG: Final = -2.0
"""Shanks of somebody who sends the hips back."""
TOES_BEND_DEG: Final = -1.0
"""of the knees of somebody on the toes."""
ON_HEELS: Final = 0.5
"""How far the toes come up in rocking, as a share of how far the heels do."""
FLAT_AT: Final = 0.4
"""of the way from the heels to the toes the feet are flat."""
INTO_ROCKING_S: Final = 0.8


def stand(line: Timeline, piece: Stand) -> None:
    """Quiet, in the posture to which the piece before returned."""
    line.stands.append((line.now, line.now + piece.seconds))
    line.done(piece, line.now, line.now + piece.seconds)


def squats(line: Timeline, piece: Squats) -> None:
    """With the person's habits at depth, and little differences from one repetition to the next."""
    p, start, t = line.person, line.now, line.now
    for number in range(1, piece.repetitions + 1):
        course = Course.of(line, t, piece.tempo, piece.depth_deg, of_repetition(piece.faults, number))
        depth, deep, out, posture = course.depth, course.share, course.out, line.posture
        line.follow(out, "lean", posture["lean"] + p.shank_share * depth)
        line.follow(out, "tilt", posture["tilt"] + p.pelvis_share * depth)
        line.follow(out, "share", posture["share"] + p.shift_at_depth * deep / p.stance_width)
        line.follow(out, "obliquity", p.obliquity_at_depth * deep)
        line.follow(out, "rotation", p.rotation_at_depth * deep)
        for side in SIDES:
            habit = line.habits.left if side == "left" else line.habits.right
            line.follow(out, f"bend_{side}", posture["bend"] + depth)
            line.follow(out, f"inward_{side}", habit.inward * deep * line.varied(1.0, 0.2))
            line.follow(out, f"adduction_{side}", radians(float(line.rng.normal(0.0, 0.6))) * deep)
        course.act(line)
        t = _returned(line, course)
    line.done(piece, start, t)


def hip_hinges(line: Timeline, piece: HipHinges) -> None:
    """The pelvis tips forward over shanks that stay upright, so the hips go back."""
    p, start, t = line.person, line.now, line.now
    for number in range(1, piece.repetitions + 1):
        course = Course.of(line, t, piece.tempo, piece.depth_deg, of_repetition(piece.faults, number))
        deep, out, posture = course.share, course.out, line.posture
        soft = radians(piece.knee_deg * line.varied(1.0, 0.1))
        line.follow(out, "tilt", posture["tilt"] + course.depth)
        line.follow(out, "lean", posture["lean"] + radians(HINGE_LEAN_DEG))
        line.follow(out, "share", posture["share"] + p.shift_at_depth * deep / p.stance_width)
        line.follow(out, "obliquity", p.obliquity_at_depth * deep)
        line.follow(out, "rotation", p.rotation_at_depth * deep)
        for side in SIDES:
            habit = line.habits.left if side == "left" else line.habits.right
            line.follow(out, f"bend_{side}", posture["bend"] + soft)
            line.follow(out, f"inward_{side}", 0.3 * habit.inward * deep * line.varied(1.0, 0.2))
        course.act(line, bend=soft)
        t = _returned(line, course)
    line.done(piece, start, t)


def calf_raises(line: Timeline, piece: CalfRaises) -> None:
    """Both heels rise; the person comes forward over the toes."""
    start, t = line.now, line.now
    for number in range(1, piece.repetitions + 1):
        course = Course.of(line, t, piece.tempo, piece.depth_deg, of_repetition(piece.faults, number))
        posture = line.posture
        for side in SIDES:
            line.follow(course.ways, f"heel_{side}", -course.depth)
            line.follow(course.out, f"bend_{side}", posture["bend"] + radians(TOES_BEND_DEG))
        course.act(line, bend=0.0)
        t = _returned(line, course)
    line.done(piece, start, t)


def heel_toe_rocks(line: Timeline, piece: HeelToeRocks) -> None:
    """From the heels to the toes and back. A foot that passes flat is at rest there: its pivot changes."""
    start = line.now
    t = start + INTO_ROCKING_S
    on_heels = ON_HEELS * radians(piece.depth_deg)
    for side in SIDES:
        line.move(f"heel_{side}", start, t, on_heels)
    for number in range(1, piece.repetitions + 1):
        course = Course.of(line, t, piece.tempo, piece.depth_deg, of_repetition(piece.faults, number), 2.0)
        flat = course.start_s + FLAT_AT * (course.bottom_s - course.start_s)
        flat_again = course.end_s - FLAT_AT * (course.end_s - course.rise_s)
        for side in SIDES:
            line.move(f"heel_{side}", course.start_s, flat, 0.0)
            line.move(f"heel_{side}", flat, course.bottom_s, -course.depth)
            line.move(f"heel_{side}", course.rise_s, flat_again, 0.0)
            line.move(f"heel_{side}", flat_again, course.end_s, on_heels)
        course.act(line, bend=0.0)
        line.repetitions.append(course.repetition(None))
        t = course.next_s
    for side in SIDES:
        line.move(f"heel_{side}", t, t + INTO_ROCKING_S, 0.0)
    line.new_posture()
    line.stand_up_to(t, t + INTO_ROCKING_S)
    line.done(piece, start, t + INTO_ROCKING_S + 0.4)


def _returned(line: Timeline, course: Course) -> float:
    """Back to a stand, noted as done; s at which the next repetition may begin."""
    line.new_posture()
    line.stand_up_along(course.back)
    line.repetitions.append(course.repetition(None))
    return course.next_s
