"""A leg between a hip joint and an ankle whose places are known: two segments and a knee that also adducts and turns.

Vectors are rows of components, (3, n), as in `firmware_sim.body`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.activities.habits import Knee
from firmware_sim.body import LegPose
from firmware_sim.person import Person
from imu.conventions import Side

Floats = NDArray[np.float64]

STRAIGHTEST: Final = np.radians(3.0)
"""A leg is never straighter than this; its length would no longer tell its flexion."""
REACH_SOFTNESS: Final = 0.0002
"""m over which a leg gives in when its ankle is about to be too far away."""
ROTATION_OVER: Final = np.radians(40.0)
"""Flexion over which most of the rotation of a bending knee happens."""


def leg_length(person: Person, bend: Floats | float) -> Floats:
    """Distance from hip to ankle, m, of a leg bent by `bend` rad beyond the stand (angle between the long axes)."""
    return np.sqrt(
        person.thigh**2 + person.shank**2 + 2.0 * person.thigh * person.shank * np.cos(person.knee_at_stand + bend)
    )


def longest(person: Person) -> float:
    """Distance from hip to ankle of the straightest leg, m."""
    return float(leg_length(person, STRAIGHTEST - person.knee_at_stand))


def bend_at(person: Person, distance: Floats) -> Floats:
    """Inverse of `leg_length`, rad; a leg that would have to be longer than it is gives in."""
    limited = longest(person) - soft_positive(longest(person) - distance, REACH_SOFTNESS)
    cosine = (limited * limited - person.thigh**2 - person.shank**2) / (2.0 * person.thigh * person.shank)
    return np.arccos(np.clip(cosine, -1.0, 1.0)) - person.knee_at_stand


def hanging(person: Person, thigh_forward: Floats, bend: Floats) -> tuple[Floats, Floats]:
    """(forward, down) in m from hip to ankle of a leg in its own plane; both angles rad beyond those of the stand."""
    thigh = person.knee_at_stand - person.shank_at_stand + thigh_forward
    shank = thigh - (person.knee_at_stand + bend)
    forward = person.thigh * np.sin(thigh) + person.shank * np.sin(shank)
    return forward, person.thigh * np.cos(thigh) + person.shank * np.cos(shank)


def solve_leg(
    person: Person,
    knee: Knee,
    side: Side,
    hip: Floats,
    ankle: Floats,
    heading: Floats,
    inward: Floats,
    adduction: Floats,
) -> LegPose:
    """The pose of a leg.

    hip, ankle : (3, n) m. An ankle out of reach is drawn in to where the leg ends; the pose says where it is.
    heading : (n,) rad, to where the knee points, from earth x towards y.
    inward : (n,) rad, swing of the knee about the line from hip to ankle, + inwards.
    adduction : (n,) rad, beyond what the knee does by itself.
    """
    s = 1.0 if side == "right" else -1.0
    reach = ankle - hip
    distance = np.sqrt(_dot(reach, reach))
    down = reach / distance
    bend = bend_at(person, distance)
    # functional angles: flexion about z, adduction, internal rotation
    b = s * (knee.adduction * np.sin(bend) + adduction)
    c = s * knee.rotation * np.tanh(bend / ROTATION_OVER)
    sin_b, cos_b, sin_c, cos_c = np.sin(b), np.cos(b), np.sin(c), np.cos(c)
    cos_f = np.minimum(np.cos(person.knee_at_stand + bend) / cos_b, 1.0)
    sin_f = np.sqrt(1.0 - cos_f * cos_f)
    shank_x = _about_z(cos_c, sin_c * sin_b, -sin_c * cos_b, sin_f, cos_f)
    shank_y = _about_z(np.zeros_like(b), cos_b, sin_b, sin_f, cos_f)
    shank_z = _about_z(sin_c, -cos_c * sin_b, cos_c * cos_b, sin_f, cos_f)
    # the line from hip to ankle, and the plane square to it, as the thigh sees them
    line = -person.shank * shank_y
    line[1] -= person.thigh
    own_y = -line / np.sqrt(_dot(line, line))
    own_x, own_z = _square_to(own_y, np.array([[0.0], [0.0], [1.0]]))
    # and as the earth sees them
    y = -down
    rightward = np.stack((np.sin(heading), -np.cos(heading), np.zeros_like(heading)))
    x, z = _square_to(y, rightward)
    cos_i, sin_i = np.cos(s * inward), np.sin(s * inward)
    x, z = cos_i * x - sin_i * z, cos_i * z + sin_i * x

    def seen(v: tuple[Floats, Floats, Floats] | Floats) -> Floats:
        """A vector of the thigh in the earth's axes."""
        return _dot(own_x, v) * x + _dot(own_y, v) * y + _dot(own_z, v) * z

    thigh = tuple(own_x[i] * x + own_y[i] * y + own_z[i] * z for i in range(3))
    shank = (seen(shank_x), seen(shank_y), seen(shank_z))
    hip = np.broadcast_to(hip, reach.shape)
    length = np.sqrt(_dot(line, line))
    return LegPose(
        hip,
        hip - person.thigh * thigh[1],
        hip + length * down,
        _anatomical(thigh, s * knee.axis_offset),
        _anatomical(shank, s * knee.axis_offset),
    )


def soft_positive(value: Floats, softness: float) -> Floats:
    """Near max(value, 0), and smooth."""
    return 0.5 * (value + np.sqrt(value * value + 4.0 * softness * softness))


def _about_z(x: Floats, y: Floats, z: Floats, sin_f: Floats, cos_f: Floats) -> Floats:
    """Turned by -flexion about z: a knee bends backward."""
    return np.stack((x * cos_f + y * sin_f, y * cos_f - x * sin_f, z))


def _square_to(y: Floats, rightward: Floats) -> tuple[Floats, Floats]:
    """x and z of the frame whose y is given and whose z is as near to `rightward` as can be."""
    z = rightward - _dot(rightward, y) * y
    z = z / np.sqrt(_dot(z, z))
    return np.stack((y[1] * z[2] - y[2] * z[1], y[2] * z[0] - y[0] * z[2], y[0] * z[1] - y[1] * z[0])), z


def _anatomical(axes: tuple[Floats, ...], turn: float) -> tuple[Floats, Floats, Floats]:
    """Functional axes -> anatomical ones, turned about y."""
    x, y, z = axes
    return np.cos(turn) * x - np.sin(turn) * z, y, np.cos(turn) * z + np.sin(turn) * x


def _dot(a: Floats | tuple[Floats, Floats, Floats], b: Floats | tuple[Floats, Floats, Floats]) -> Floats:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
