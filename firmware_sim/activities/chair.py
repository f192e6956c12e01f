"""Pieces on a chair: down and up again, and knees extended while seated."""

from __future__ import annotations

from dataclasses import replace
from math import radians
from typing import Final

from firmware_sim.activities.course import SHORTEST_S, Course, halves, of_repetition
from firmware_sim.activities.faults import Fault, FaultPhase, opposite
from firmware_sim.activities.pieces import SeatedExtensions, SitToStands
from firmware_sim.activities.timeline import Repetition, Timeline, Way
from imu.conventions import SIDES

SEAT_DEG: Final = 84.0
"""Knee flexion on a chair of knee height, beyond the stand: thighs near level."""
SEATED_SHANK_SHARE: Final = 0.10
"""of that flexion is forward lean of the shank."""
NOSE_OVER_TOES_DEG: Final = 32.0
"""Pelvis tilt with which people leave a chair."""
SLUMP_DEG: Final = -8.0
"""Pelvis tilt of a seated person."""
SETTLE_S: Final = 0.4
"""From the seat's touch until the person sits."""
ATTEMPT_S: Final = 0.8
"""Each way of an attempt to get up that falls back, and the rest after it."""


def sit_to_stands(line: Timeline, piece: SitToStands) -> None:
    """Down on the chair and up again."""
    start = line.now
    for number in range(1, piece.repetitions + 1):
        # who gets up leans forward on the way up
        faults = tuple(
            replace(f, phase="back") if f.kind == "forward_lean" and f.phase == "both" else f
            for f in of_repetition(piece.faults, number)
        )
        begin = line.now
        down = max(SHORTEST_S, line.varied(piece.down_s) + _longer(faults, "out"))
        seated = sit_down(line, down, _stop(faults, "out"))
        rise = seated + line.varied(piece.seated_s) + _longer(faults, "hold") + (_stop(faults, "hold") or 0.0)
        for f in faults:
            if f.kind == "turns_back":
                rise = _attempt(line, f, rise)
        up = max(SHORTEST_S, line.varied(piece.up_s) + _longer(faults, "back"))
        line.now = stand_up(line, rise, up, _stop(faults, "back"))
        bottom = seated - SETTLE_S
        ways = (Way(begin, bottom, 1.0), Way(rise, line.now, 0.0))
        rest = line.varied(piece.rest_s)
        others = tuple(f for f in faults if f.kind != "turns_back")
        course = Course(ways, radians(SEAT_DEG), bottom, rise, line.now + rest, others)
        course.act(line)
        line.repetitions.append(course.repetition(None))
        line.now += rest
    line.done(piece, start, line.now)


def seated_extensions(line: Timeline, piece: SeatedExtensions) -> None:
    """Seated, each shank swings up until the knee is straight, and down again."""
    start = line.now
    t = sit_down(line, 1.8) + piece.seated_s
    # the seated thigh: what of the knee's flexion is not lean of the shank
    bend, lean = line.level("bend_left"), line.level("lean")
    for side in (piece.first, opposite(piece.first)):
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
            line.repetitions.append(Repetition(side, t, t + up + 0.5 * hold, back + down, t + up, back))
            if number == piece.repetitions - 1:
                line.move(f"lift_{side}", back + down - 0.4, back + down, 0.0)
            t = back + down + rest
    line.now = stand_up(line, t + piece.seated_s, 1.6)
    line.done(piece, start, line.now)


def sit_down(line: Timeline, seconds: float, stop_s: float | None = None) -> float:
    """From the stand to the seat; s at which the person sits. `stop_s`: stands still half-way."""
    t, posture = line.now, line.posture
    ways = halves(t, seconds, 0.0, 1.0, stop_s)
    end = ways[-1].end_s
    depth = radians(SEAT_DEG)
    leans = t + 0.55 * seconds
    line.move("tilt", t, leans, posture["tilt"] + radians(NOSE_OVER_TOES_DEG))
    line.move("tilt", leans + (stop_s or 0.0), end + SETTLE_S, radians(SLUMP_DEG))
    line.follow(ways, "lean", posture["lean"] + SEATED_SHANK_SHARE * depth)
    for side in SIDES:
        line.follow(ways, f"bend_{side}", posture["bend"] + depth)
    return end + SETTLE_S


def stand_up(line: Timeline, t: float, seconds: float, stop_s: float | None = None) -> float:
    """From the seat to the stand; s at which the person stands. `stop_s`: stands still half-way."""
    line.new_posture()
    ways = halves(t + 0.2 * seconds, 0.8 * seconds, 1.0, 0.0, stop_s)
    end = ways[-1].end_s
    leans = t + 0.4 * seconds
    line.move("tilt", t, leans, radians(NOSE_OVER_TOES_DEG))
    line.move("tilt", leans + (stop_s or 0.0), end, line.posture["tilt"])
    line.stand_up_along(ways, keep=("tilt",))
    return end


def _attempt(line: Timeline, fault: Fault, t: float) -> float:
    """Up by so many degrees and back on the seat; s at which the person sits quietly again."""
    top, end = t + ATTEMPT_S, t + 2.0 * ATTEMPT_S
    seat = {side: line.level(f"bend_{side}") for side in SIDES}
    tilt = line.level("tilt")
    line.move("tilt", t, t + 0.6 * ATTEMPT_S, radians(NOSE_OVER_TOES_DEG))
    line.move("tilt", top, end, tilt)
    for side in SIDES:
        line.move(f"bend_{side}", t + 0.2 * ATTEMPT_S, top, seat[side] - radians(fault.size))
        line.move(f"bend_{side}", top, end, seat[side])
    line.repetitions.append(Repetition(None, t, top, end, top, top, fault.size, (fault,)))
    return end + ATTEMPT_S


def _longer(faults: tuple[Fault, ...], phase: FaultPhase) -> float:
    """s, of a phase that is too slow or (negative) too fast."""
    return sum(
        (f.size if f.kind == "slow" else -f.size)
        for f in faults
        if f.kind in ("fast", "slow") and (f.phase == phase or (f.phase == "both" and phase != "hold"))
    )


def _stop(faults: tuple[Fault, ...], phase: FaultPhase) -> float | None:
    """s of standing still in a phase; a stop without one is on the way up."""
    stops = {"back" if f.phase == "both" else f.phase: f.size for f in faults if f.kind == "stops"}
    return stops.get(phase)
