"""A body that performs a script: pelvis, thighs and shanks on feet that stay where they are.

The pelvis path and the sideways lean of each shank are given; everything else follows, since both legs must close:
the shank stands on a fixed ankle, leans forward about its own axis and inwards about an axis of the foot, and its forward
lean is the one at which the thigh just reaches from the knee to the hip joint.

Earth here: x to where the person faces, y to the left, z up. Inside, vectors are rows of components, (3, n): x, y and z
of all instants lie side by side. Poses are handed out as (n, 3, 3) and (n, 3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_sim.motion import Move, Track
from firmware_sim.person import Person
from firmware_sim.script import Repetition, Script, Squat
from imu.conventions import CORE_SEGMENTS, SIDES, Segment, Side

Floats = NDArray[np.float64]

STILL_S: Final = -1.0
"""Before this script time nothing moves at all, so that a body whose script has not begun can wait at any length."""
SWAY_MOVE: Final = Move(-0.45, -0.05, 1.0)
"""Sway sets in shortly before the script begins."""
DEPTH_OF_HABITS: Final = np.pi / 2
"""rad of knee flexion to which `Person.*_at_depth` belong."""
UP: Final = np.array([[0.0], [0.0], [1.0]])
ONWARD: Final = np.array([[1.0], [0.0], [0.0]])
RIGHTWARD: Final = np.array([[0.0], [-1.0], [0.0]])

VALGUS_UP: Final = ((-0.15, 0.28), (0.38, 0.78))
"""In on the way up only: when the shank goes in and back, as shares of the way up. Acted faults of real people are
furthest in after 0.27 to 0.42 of it."""
VALGUS_BOTH: Final = ((0.35, 0.75), (0.30, 0.70))
"""In on both ways: when it goes in, as shares of the way down, and back, as shares of the way up."""


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """One segment at n instants."""

    rotation: Floats
    """(n, 3, 3) R_earth_segment: columns are the segment's x (anterior), y (proximal) and z (right)."""
    origin: Floats
    """(n, 3) m: middle between the hip joints; hip joint of a thigh; knee of a shank."""


@dataclass(frozen=True, slots=True, eq=False)
class LegPose:
    """One leg at n instants, (3, n) each."""

    hip: Floats
    knee: Floats
    ankle: Floats
    thigh: tuple[Floats, Floats, Floats]
    """x, y, z axes."""
    shank: tuple[Floats, Floats, Floats]


class Moving(Protocol):
    """What sensors are put on; times are (n,) s since the start of what is performed."""

    @property
    def person(self) -> Person: ...
    @property
    def segments(self) -> tuple[Segment, ...]: ...
    @property
    def seconds(self) -> float:
        """How long it takes."""
        ...

    def pose(self, segment: Segment, t: Floats) -> Pose: ...
    def skin(self, segment: Segment, t: Floats) -> tuple[Floats, Floats]:
        """rad of knee flexion over which the skin of a segment slides, and rad/s² that shake it; (n,) each."""
        ...

    def facing(self, t: Floats) -> Floats:
        """(n,) rad, to the left of earth x: to where the person faces."""
        ...

    def faced(self, t: Floats) -> Floats:
        """(n,) rad, to the left of earth x: to where the pelvis pointed in the last quiet stand."""
        ...


class Body:
    """A person performing a script.

    Parameters
    ----------
    person : Person
    script : Script
        Script time 0 is its beginning; before and after it the person stands.
    """

    segments: tuple[Segment, ...] = CORE_SEGMENTS

    def __init__(self, person: Person, script: Script) -> None:
        self.person = person
        self.script = script
        squats: tuple[Squat, ...] = (*script.movement, *script.repetitions)
        self._depth = Track(
            tuple(
                move
                for s in squats
                for move in (Move(s.start_s, s.bottom_s, np.radians(s.depth_deg)), Move(s.rise_s, s.end_s, 0.0))
            )
        )
        self._drift: dict[Side, Track] = {side: _drift_track(squats, side) for side in SIDES}
        self._fault: dict[Side, Track] = {side: _fault_track(script.repetitions, side) for side in SIDES}
        self._sway_in = Track((SWAY_MOVE,))
        offset = 0.5 * (person.stance_width - person.hip_width)
        # a standing leg is straight in the frontal plane: shank and thigh lean alike
        self._lean_at_stand = float(np.arcsin(offset / (person.shank + person.thigh)))

    @staticmethod
    def performing(script: Script) -> Body:
        """The person of the script's seed, performing it."""
        return Body(Person.drawn(script.seed), script)

    @property
    def seconds(self) -> float:
        return self.script.seconds

    def facing(self, t: Floats) -> Floats:
        """Along earth x, always."""
        return np.zeros(len(t))

    def faced(self, t: Floats) -> Floats:
        """Along earth x, always."""
        return np.zeros(len(t))

    def bend(self, t: Floats) -> Floats:
        """(n,) s -> (n,) rad, planned knee flexion beyond the stand."""
        return self._depth(t)

    def bend_acceleration(self, t: Floats) -> Floats:
        """(n,) s -> (n,) rad/s²; what shakes soft tissue."""
        return self._depth.acceleration(t)

    def skin(self, segment: Segment, t: Floats) -> tuple[Floats, Floats]:
        """(n,) s -> rad of knee flexion over which the skin of a segment slides, rad/s² that shake it; (n,) each."""
        del segment  # both knees bend alike
        return self.bend(t), self.bend_acceleration(t)

    def pelvis(self, t: Floats) -> Pose:
        """(n,) s of script time."""
        (x, y, z), centre = self._pelvis(t)
        return Pose(pose_matrix(x, y, z), np.ascontiguousarray(centre.T))

    def pose(self, segment: Segment, t: Floats) -> Pose:
        """Pose of one segment at (n,) s of script time; `KeyError` for one that this body does not have."""
        if segment == "pelvis":
            return self.pelvis(t)
        part, _, side = segment.partition("_")
        if part not in ("thigh", "shank") or side not in SIDES:
            raise KeyError(f"the simulated body has no {segment!r}; it has pelvis, thighs and shanks")
        leg = self.leg(side, t)
        if part == "thigh":
            return Pose(pose_matrix(*leg.thigh), np.ascontiguousarray(leg.hip.T))
        return Pose(pose_matrix(*leg.shank), np.ascontiguousarray(leg.knee.T))

    def leg(self, side: Side, t: Floats) -> LegPose:
        """Both segments and all joints of one leg at (n,) s of script time."""
        p = self.person
        own = p.left if side == "left" else p.right
        left = 1.0 if side == "left" else -1.0
        (_, _, pelvis_z), centre = self._pelvis(t)
        hip = centre - left * 0.5 * p.hip_width * pelvis_z
        ankle = np.array([[0.0], [left * 0.5 * p.stance_width], [p.ankle_height]])
        forward = np.array([[np.cos(own.toe_out)], [left * np.sin(own.toe_out)], [0.0]])
        across = _cross(forward, UP)
        # a: the axis about which the shank falls in; (a, b, across) is right-handed
        c, s = np.cos(own.rotation_axis), np.sin(own.rotation_axis)
        a, b = left * (c * forward - s * UP), left * (s * forward + c * UP)
        fall = self._lean_at_stand + self._drift[side](t) * self._depth(t) / DEPTH_OF_HABITS + self._fault[side](t)
        fall = fall - left * centre[1] / (p.thigh + p.shank)  # the whole leg leans when the pelvis goes sideways
        turned = np.cos(fall) * b + np.sin(fall) * across
        shank_z = np.cos(fall) * across - np.sin(fall) * b
        front, top = left * (c * a + s * turned), left * (c * turned - s * a)
        # forward lean at which the knee is as far from the hip as the thigh is long
        reach = hip - ankle
        along, over = _dot(reach, front), _dot(reach, top)
        need = (_dot(reach, reach) + p.shank**2 - p.thigh**2) / (2.0 * p.shank)
        share = need / np.hypot(along, over)
        if np.any(share >= 1.0):
            raise ValueError(f"the {side} leg cannot reach the pelvis: a stance, sway or fault is too large for it")
        lean = np.arctan2(along, over) + np.arccos(share)
        shank_y = np.sin(lean) * front + np.cos(lean) * top
        knee = ankle + p.shank * shank_y
        thigh_y = (hip - knee) / p.thigh
        # the knee bends and gives way sideways, but does not twist
        thigh_z = shank_z - _dot(shank_z, thigh_y) * thigh_y
        thigh_z = thigh_z / np.sqrt(_dot(thigh_z, thigh_z))
        return LegPose(
            hip,
            knee,
            np.broadcast_to(ankle, knee.shape),
            (_cross(thigh_y, thigh_z), thigh_y, thigh_z),
            (_cross(shank_y, shank_z), shank_y, shank_z),
        )

    def _pelvis(self, t: Floats) -> tuple[tuple[Floats, Floats, Floats], Floats]:
        """Axes of the pelvis and the middle between the hip joints."""
        p = self.person
        t = np.maximum(t, STILL_S)
        depth = self._depth(t)
        habit = depth / DEPTH_OF_HABITS
        sway_lean, sway_shift, sway_obliquity, sway_tilt, sway_rotation = p.sway(t) * self._sway_in(t)
        shift = p.shift_at_depth * habit + sway_shift
        knee = p.knee_at_stand + depth
        lean = p.shank_at_stand + p.shank_share * depth + sway_lean
        # height at which legs of this bend reach from ankle to hip
        length2 = p.thigh**2 + p.shank**2 + 2.0 * p.thigh * p.shank * np.cos(knee)
        onward = p.shank * np.sin(lean) - p.thigh * np.sin(knee - lean)
        offset = 0.5 * (p.stance_width - p.hip_width)
        height = np.sqrt(length2 - onward * onward - offset * offset)
        # shifting sideways over feet that stay, the pelvis dips on the other side, or one knee would have to give in
        obliquity = p.obliquity_at_depth * habit + sway_obliquity - 2.0 * offset * shift / (height * p.hip_width)
        rotation = p.rotation_at_depth * habit + sway_rotation
        tilt = p.pelvis_share * depth + sway_tilt
        centre = np.stack((onward, shift, p.ankle_height + height))
        return pelvis_axes(rotation, obliquity, tilt), centre

    def mirrored(self) -> Body:
        """The same body with left and right exchanged."""
        return Body(self.person.mirrored(), self.script.mirrored())


def pelvis_axes(rotation: Floats, obliquity: Floats, tilt: Floats) -> tuple[Floats, Floats, Floats]:
    """Axes x, y, z of a pelvis that is turned to the left, then has its right side up, then is tilted forward; rad."""
    level_x = np.cos(rotation) * ONWARD - np.sin(rotation) * RIGHTWARD
    level_z = np.cos(rotation) * RIGHTWARD + np.sin(rotation) * ONWARD
    side_y = np.cos(obliquity) * UP - np.sin(obliquity) * level_z
    side_z = np.cos(obliquity) * level_z + np.sin(obliquity) * UP
    x = np.cos(tilt) * level_x - np.sin(tilt) * side_y
    y = np.cos(tilt) * side_y + np.sin(tilt) * level_x
    return x, y, side_z


def pose_matrix(x: Floats, y: Floats, z: Floats) -> Floats:
    """Axes (3, n) as columns of (n, 3, 3)."""
    return np.ascontiguousarray(np.stack((x, y, z), axis=1).transpose(2, 0, 1))


def _drift_track(squats: tuple[Squat, ...], side: Side) -> Track:
    """How far a shank drifts in at depth; rad. It changes at the top, where it does not count, and around the hold."""
    moves, last = [], -1.0
    for s in squats:
        down, back = (s.drift_left_deg, s.return_left_deg) if side == "left" else (s.drift_right_deg, s.return_right_deg)
        moves.append(Move(max(last, s.start_s - 0.4), s.start_s, float(np.radians(down))))
        moves.append(Move(s.bottom_s - 0.2, s.rise_s + 0.2, float(np.radians(down + back))))
        last = s.end_s
    return Track(tuple(moves))


def _fault_track(repetitions: tuple[Repetition, ...], side: Side) -> Track:
    """The acted fall of the knee; rad."""
    moves = []
    for r in repetitions:
        if r.kind != "valgus" or r.side != side:
            continue
        up = r.end_s - r.rise_s
        if r.phase == "down":
            (first, full), back = VALGUS_BOTH
            down = r.bottom_s - r.start_s
            go = (r.start_s + first * down, r.start_s + full * down)
        else:
            (first, full), back = VALGUS_UP
            go = (r.rise_s + first * up, r.rise_s + full * up)
        moves.append(Move(*go, float(np.radians(r.medial_deg))))
        moves.append(Move(r.rise_s + back[0] * up, r.rise_s + back[1] * up, 0.0))
    return Track(tuple(moves))


def _dot(a: Floats, b: Floats) -> Floats:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Floats, b: Floats) -> Floats:
    return np.stack((a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]))
