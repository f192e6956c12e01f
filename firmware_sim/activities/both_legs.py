"""Pieces on both feet: standing, squats, the chair."""

from __future__ import annotations

from math import pi, radians
from typing import Final

from firmware_sim.activities.pieces import SeatedExtensions, SitToStands, Squats, Stand, other
from firmware_sim.activities.timeline import Repetition, Timeline
from imu.conventions import SIDES

SEAT_DEG: Final = 84.0
"""Knee flexion on a chair of knee height, beyond the stand: thighs near level."""
SEATED_SHANK_SHARE: Final = 0.10
"""of that flexion is forward lean of the shank."""
NOSE_OVER_TOES_DEG: Final = 32.0
"""Pelvis tilt with which people leave a chair."""
SLUMP_DEG: Final = -8.0
"""Pelvis tilt of a seated person."""


def stand(line: Timeline, piece: Stand) -> None:
    """Quiet, in the posture to which the piece before returned."""
    line.stands.append((line.now, line.now + piece.seconds))
    line.done(piece, line.now, line.now + piece.seconds)


def squats(line: Timeline, piece: Squats) -> None:
    """With the person's habits at depth, and little differences from one repetition to the next."""
    p, start, t = line.person, line.now, line.now
    for number in range(1, piece.repetitions + 1):
        down, hold, up, rest = (line.varied(s) for s in piece.tempo)
        depth = radians(piece.depth_deg + float(line.rng.uniform(-3.0, 3.0)))
        bottom, rise, end = t + down, t + down + hold, t + down + hold + up
        deep = depth / (pi / 2.0)
        posture = line.posture
        line.move("lean", t, bottom, posture["lean"] + p.shank_share * depth)
        line.move("tilt", t, bottom, posture["tilt"] + p.pelvis_share * depth)
        line.move("share", t, bottom, posture["share"] + p.shift_at_depth * deep / p.stance_width)
        line.move("obliquity", t, bottom, p.obliquity_at_depth * deep)
        line.move("rotation", t, bottom, p.rotation_at_depth * deep)
        faulty = False
        for side in SIDES:
            habit = line.habits.left if side == "left" else line.habits.right
            inward = habit.inward * deep * line.varied(1.0, 0.2)
            for fault in piece.faults:
                if fault.repetition == number and fault.side == side:
                    inward, faulty = inward + radians(fault.inward_deg), True
            line.move(f"bend_{side}", t, bottom, posture["bend"] + depth)
            line.move(f"inward_{side}", t, bottom, inward)
            line.move(f"adduction_{side}", t, bottom, radians(float(line.rng.normal(0.0, 0.6))) * deep)
        line.new_posture()
        line.stand_up_to(rise, end)
        line.repetitions.append(Repetition(None, t, bottom + 0.5 * hold, end, faulty))
        t = end + rest
    line.done(piece, start, t)


def sit_to_stands(line: Timeline, piece: SitToStands) -> None:
    """Down on the chair and up again."""
    start = line.now
    for _ in range(piece.repetitions):
        begin = line.now
        seated = sit_down(line, line.varied(piece.down_s))
        rise = seated + line.varied(piece.seated_s)
        line.now = stand_up(line, rise, line.varied(piece.up_s))
        line.repetitions.append(Repetition(None, begin, 0.5 * (seated + rise), line.now))
        line.now += line.varied(piece.rest_s)
    line.done(piece, start, line.now)


def seated_extensions(line: Timeline, piece: SeatedExtensions) -> None:
    """Seated, each shank swings up until the knee is straight, and down again."""
    start = line.now
    t = sit_down(line, 1.8) + piece.seated_s
    # the seated thigh: what of the knee's flexion is not lean of the shank
    bend, lean = line.level("bend_left"), line.level("lean")
    for side in (piece.first, other(piece.first)):
        for number in range(piece.repetitions):
            up, hold, down, rest = (line.varied(s) for s in piece.tempo)
            if number == 0:
                # lies where it hangs: lifted in name only
                line.move(f"thigh_{side}", t - 0.2, t - 0.1, bend - lean)
                line.move(f"knee_{side}", t - 0.2, t - 0.1, bend)
                line.move(f"lift_{side}", t, t + 0.4, 1.0)
            reach = radians(piece.reach_deg + float(line.rng.uniform(-2.0, 3.0)))
            line.move(f"knee_{side}", t, t + up, reach)
            line.move(f"thigh_{side}", t, t + up, bend - lean + radians(3.0))
            line.move(f"pitch_{side}", t, t + up, radians(65.0))
            back = t + up + hold
            line.move(f"knee_{side}", back, back + down, bend)
            line.move(f"thigh_{side}", back, back + down, bend - lean)
            line.move(f"pitch_{side}", back, back + down, 0.0)
            line.repetitions.append(Repetition(side, t, t + up + 0.5 * hold, back + down))
            if number == piece.repetitions - 1:
                line.move(f"lift_{side}", back + down - 0.4, back + down, 0.0)
            t = back + down + rest
    line.now = stand_up(line, t + piece.seated_s, 1.6)
    line.done(piece, start, line.now)


def sit_down(line: Timeline, seconds: float) -> float:
    """From the stand to the seat; s at which the person sits."""
    t, posture = line.now, line.posture
    end = t + seconds
    depth = radians(SEAT_DEG)
    line.move("tilt", t, t + 0.55 * seconds, posture["tilt"] + radians(NOSE_OVER_TOES_DEG))
    line.move("tilt", t + 0.55 * seconds, end + 0.4, radians(SLUMP_DEG))
    line.move("lean", t, end, posture["lean"] + SEATED_SHANK_SHARE * depth)
    for side in SIDES:
        line.move(f"bend_{side}", t, end, posture["bend"] + depth)
    return end + 0.4


def stand_up(line: Timeline, t: float, seconds: float) -> float:
    """From the seat to the stand; s at which the person stands."""
    line.new_posture()
    line.move("tilt", t, t + 0.4 * seconds, radians(NOSE_OVER_TOES_DEG))
    line.move("tilt", t + 0.4 * seconds, t + seconds, line.posture["tilt"])
    line.stand_up_to(t + 0.2 * seconds, t + seconds, keep=("tilt",))
    return t + seconds
