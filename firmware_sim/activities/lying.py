"""Pieces on the back: down on the floor with the feet where they are, the pelvis raised, and up again."""

from __future__ import annotations

from dataclasses import dataclass
from math import acos, atan2, hypot, radians
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.activities.course import Course, of_repetition
from firmware_sim.activities.faults import opposite
from firmware_sim.activities.leg import leg_length
from firmware_sim.activities.pieces import Bridges, UnilateralBridges
from firmware_sim.activities.timeline import Timeline
from firmware_sim.person import Person
from imu.conventions import SIDES, Side

Floats = NDArray[np.float64]

HOOK_DEG: Final = 100.0
"""Knee flexion of somebody on the back with flat feet, beyond the stand."""
HIP_OVER_FLOOR: Final = 0.10
"""m, of the hip joints and of the shoulder blades of who lies."""
TRUNK: Final = 0.5
"""of thigh and shank: from the hips to the shoulder blades, about which a bridge turns."""
SUPINE_DEG: Final = -90.0
SINKS_S: Final = 4.0
SITS_S: Final = 0.5
LIES_S: Final = 2.6
"""Down to the floor with the hands' help, a moment there, and back on the back; up again in reverse."""
STOOP_DEG: Final = 24.0
"""Pelvis tilt half-way down."""
BESIDE_S: Final = 1.6
"""In which a leg is stretched out beside the other thigh, or put down."""
STRETCHED_DEG: Final = 6.0
"""Knee flexion of that leg."""
STILL: Final = 0.4
"""Share of the sway of a stand that is left in who lies: breath."""


@dataclass(frozen=True, slots=True)
class Mat:
    """Where the person lies, as seen from the feet; m."""

    behind: float
    """From the ankles back to the hips."""
    trunk: float

    @staticmethod
    def of(person: Person) -> Mat:
        far = float(leg_length(person, radians(HOOK_DEG)))
        down = HIP_OVER_FLOOR - person.ankle_height
        apart = 0.5 * (person.stance_width - person.hip_width)
        return Mat((far**2 - down**2 - apart**2) ** 0.5, TRUNK * (person.thigh + person.shank))

    def hip(self, raised: Floats) -> tuple[Floats, Floats]:
        """(n,) rad -> (m forward of the ankles, m over the floor) of the hips."""
        return -self.behind - self.trunk * (1.0 - np.cos(raised)), HIP_OVER_FLOOR + self.trunk * np.sin(raised)

    def thigh(self, person: Person, raised: float) -> float:
        """Sagittal tilt of the thigh beyond the stand; rad."""
        forward, up = (float(v) for v in self.hip(np.array(raised)))
        across, down = -forward, person.ankle_height - up
        far = hypot(across, down)
        at_hip = acos((person.thigh**2 + far**2 - person.shank**2) / (2.0 * person.thigh * far))
        # from straight down over the front: to the ankle, and further up to the knee
        return atan2(across, -down) + at_hip - (person.knee_at_stand - person.shank_at_stand)

    def raised_to(self, person: Person, hip_flexion: float) -> float:
        """rad by which the trunk must turn for a hip flexion at the top."""
        low, high = 0.0, radians(60.0)
        for _ in range(50):
            middle = 0.5 * (low + high)
            flexion = radians(SUPINE_DEG) - middle + self.thigh(person, middle)
            low, high = (middle, high) if flexion > hip_flexion else (low, middle)
        return 0.5 * (low + high)


def laid(line: Timeline, t: Floats, centre: Floats, feet: Floats, facing: Floats) -> Floats:
    """(3, n) of the middle between the hips: of a stand, or on the floor behind the feet, or on the way.

    feet : (2, n) m, the middle between the ankles. facing : (n,) rad.
    """
    floor = line.values("floor", t)
    if not floor.any():
        return centre
    forward, up = Mat.of(line.person).hip(line.values("raised", t))
    there = np.stack((feet[0] + np.cos(facing) * forward, feet[1] + np.sin(facing) * forward, up))
    return centre + floor * (there - centre)


def bridges(line: Timeline, piece: Bridges) -> None:
    """Both feet press, both hips extend."""
    start = line.now
    t = _lie_down(line) + piece.lying_s
    for number in range(1, piece.repetitions + 1):
        course = _raise(line, t, piece, number)
        for side in SIDES:
            habit = line.habits.left if side == "left" else line.habits.right
            line.follow(course.ways, f"inward_{side}", 0.3 * habit.inward * line.varied(1.0, 0.2))
        course.act(line, bend=radians(HOOK_DEG - 15.0), standing=False)
        line.repetitions.append(course.repetition(None))
        t = course.next_s
    line.done(piece, start, _get_up(line, t + piece.lying_s))


def unilateral_bridges(line: Timeline, piece: UnilateralBridges) -> None:
    """One foot presses; the other leg is stretched out beside its thigh."""
    start, count, p = line.now, 0, line.person
    mat = Mat.of(p)
    t = _lie_down(line) + piece.lying_s
    for carrier in (piece.first, opposite(piece.first)) if piece.both else (piece.first,):
        side, sign = opposite(carrier), 1.0 if carrier == "left" else -1.0
        t = _stretch(line, side, t, mat)
        for _ in range(piece.repetitions):
            count += 1
            course = _raise(line, t, piece, count)
            drop = 0.4 * line.habits.free_drop
            line.follow(course.ways, "obliquity", -sign * drop * line.varied(1.0, 0.2))
            line.follow(course.ways, f"thigh_{side}", mat.thigh(p, course.depth))
            line.follow(course.ways, f"pitch_{side}", _toes_up(mat.thigh(p, course.depth)))
            course.act(line, bend=radians(HOOK_DEG - 15.0), standing=False)
            line.repetitions.append(course.repetition(carrier))
            t = course.next_s
        t = _put_back(line, side, t, mat)
    line.done(piece, start, _get_up(line, t + piece.lying_s))


def _raise(line: Timeline, t: float, piece: Bridges | UnilateralBridges, number: int) -> Course:
    """One repetition, without the legs; `partial` counts degrees of hip flexion, the course degrees of the trunk."""
    mat, p = Mat.of(line.person), line.person
    faults = of_repetition(piece.faults, number)
    short = sum(radians(f.size) for f in faults if f.kind == "partial")
    full = mat.raised_to(p, radians(piece.hip_deg) + short)
    others = tuple(f for f in faults if f.kind != "partial")
    course = Course.of(line, t, piece.tempo, float(np.degrees(full)), others, 0.8)
    course = Course(course.ways, course.depth, course.bottom_s, course.rise_s, course.next_s, faults)
    line.follow(course.ways, "raised", course.depth)
    line.follow(course.ways, "tilt", line.level("tilt") - course.depth)
    return course


def _lie_down(line: Timeline) -> float:
    """s at which the person lies."""
    t = line.now
    seated, lies = t + SINKS_S, t + SINKS_S + SITS_S + LIES_S
    line.move("floor", t, seated, 1.0)
    line.move("tilt", t, t + 0.5 * SINKS_S, radians(STOOP_DEG))
    line.move("tilt", t + 0.5 * SINKS_S, seated, radians(-10.0))
    line.move("tilt", seated + SITS_S, lies, radians(SUPINE_DEG))
    line.move("share", t, seated, 0.0)
    return lies


def _get_up(line: Timeline, t: float) -> float:
    """s at which the person stands."""
    sits, end = t + LIES_S + SITS_S, t + LIES_S + SITS_S + SINKS_S
    line.new_posture()
    line.move("tilt", t, t + LIES_S, radians(-10.0))
    line.move("floor", sits, end, 0.0)
    line.move("tilt", sits, sits + 0.5 * SINKS_S, radians(STOOP_DEG))
    line.move("tilt", sits + 0.5 * SINKS_S, end, line.posture["tilt"])
    line.stand_up_to(sits, end, keep=("tilt",))
    return end + 0.3


def _stretch(line: Timeline, side: Side, t: float, mat: Mat) -> float:
    """One leg leaves the floor and is stretched out beside the other thigh; s at which it is."""
    thigh = mat.thigh(line.person, 0.0)
    # it hangs, in name only, where it stands
    line.move(f"thigh_{side}", t, t + 0.1, thigh)
    line.move(f"knee_{side}", t, t + 0.1, radians(HOOK_DEG))
    line.move(f"lift_{side}", t + 0.1, t + 0.1 + 0.5 * BESIDE_S, 1.0)
    line.move(f"knee_{side}", t + 0.1, t + 0.1 + BESIDE_S, radians(STRETCHED_DEG))
    line.move(f"pitch_{side}", t + 0.1, t + 0.1 + BESIDE_S, _toes_up(thigh))
    return t + 0.1 + BESIDE_S + 0.6


def _put_back(line: Timeline, side: Side, t: float, mat: Mat) -> float:
    """The reverse."""
    end = t + BESIDE_S
    line.move(f"thigh_{side}", t, end, mat.thigh(line.person, 0.0))
    line.move(f"knee_{side}", t, end, radians(HOOK_DEG))
    line.move(f"pitch_{side}", t, end, 0.0)
    line.move(f"lift_{side}", end - 0.5 * BESIDE_S, end, 0.0)
    line.move(f"thigh_{side}", end, end + 0.1, 0.0)
    line.move(f"knee_{side}", end, end + 0.1, 0.0)
    return end + 0.6


def _toes_up(thigh: float) -> float:
    """Pitch of a foot at ease at the end of a stretched leg."""
    return thigh - radians(STRETCHED_DEG + 15.0)
