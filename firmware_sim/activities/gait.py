"""One stride of a walking person: curves of normal adults, and what follows from them for this person's legs.

Knee, hip and pelvis follow the means of Pinzone 2014 (first centre), with the person's own offset and scale. The stride
length, the path of the pelvis over the standing foot and the rise of its heel are found so that they fit those curves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, CubicSpline

from firmware_sim.activities.balance import over_the_feet
from firmware_sim.activities.habits import Habits
from firmware_sim.activities.leg import hanging, leg_length
from firmware_sim.motion import minimum_jerk
from firmware_sim.person import Person

Floats = NDArray[np.float64]

AT: Final = np.array([0, 6, 12, 20, 30, 40, 50, 60, 66, 72, 80, 90, 100]) / 100.0
KNEE_DEG: Final = (5.5, 14.3, 19.5, 16.8, 10.8, 6.8, 11.6, 34.2, 52.6, 60.4, 50.5, 18.8, 5.5)
HIP_DEG: Final = (36.2, 35.7, 31.5, 23.0, 12.1, 2.3, -4.8, -0.3, 11.1, 22.5, 32.9, 37.5, 36.2)
OBLIQUITY_DEG: Final = (0.9, 2.2, 4.0, 3.5, 0.2, -0.7, -0.8, -3.5, -4.3, -2.9, -0.3, 0.6, 0.9)
"""Own side up."""
STANDING_TILT_DEG: Final = 12.0
"""Anterior pelvis tilt that those hip angles contain; a stand counts as 0 here."""
FOOT_OFF: Final = 0.62
"""of the stride; each double support takes what is left to a half."""
DOUBLE: Final = FOOT_OFF - 0.5
FLAT: Final = (0.10, 0.36)
"""of the stride: the whole foot is on the floor."""
HEEL_RISEN: Final = 0.585
"""of the stride: up to here the rise of the heel is what the knee asks for; then the toes begin to leave."""
STRIKE_PITCH: Final = np.radians(18.0)
"""Toes up at heel strike."""
SWING_PITCH_DEG: Final = ((0.64, -66.0), (0.71, -49.0), (0.78, -32.0), (0.84, -13.0), (0.90, 8.0))
"""Foot against the floor in swing."""
HEEL, TOE = -0.05, 0.15
"""m, of the points on which the foot rolls, in front of the ankle."""
PRESSURE: Final = (-0.03, 0.13)
"""m in front of the ankle: from where to where the pressure goes under a walking foot."""
STEP_SHARE: Final = 0.93
"""of the reach that the curves give: a foot that comes to rest at full reach would pull the knee straight."""
SMOOTH: Final = 0.3
"""Weight of the third differences of the coefficients of a pitch curve."""
GRID: Final = 400
"""Instants of a stride at which the curves are fitted."""


def _periodic(degrees: tuple[float, ...]) -> CubicSpline:
    return CubicSpline(AT, np.radians(degrees), bc_type="periodic")


KNEE: Final = _periodic(KNEE_DEG)
HIP: Final = _periodic(HIP_DEG)
OBLIQUITY: Final = _periodic(OBLIQUITY_DEG)


def pivoted(pitch: Floats, height: float) -> tuple[Floats, Floats]:
    """(forward, up) in m of the ankle of a foot that rolls over its heel (toes up, +) or its toes (heel up, -)."""
    ahead = np.where(pitch > 0.0, -HEEL, -TOE)
    c, s = np.cos(pitch), np.sin(pitch)
    return ahead * (c - 1.0) - height * s, ahead * s + height * (c - 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Gait:
    """Curves over the phase of a stride, which begins with the leg's own heel strike."""

    person: Person
    habits: Habits
    stride_s: float
    stride: float
    """Length, m, of two steps."""
    ahead: float
    """m by which the middle of the hips is in front of where balance alone would have it."""
    _pitch: BSpline

    @staticmethod
    def of(person: Person, habits: Habits) -> Gait:
        """Fit a stride to this person's legs."""
        stride_s = 120.0 / habits.cadence
        plain = Gait(person, habits, stride_s, 1.0, 0.0, _pitch_spline(np.array([]), np.array([])))
        phase = np.arange(GRID) / GRID
        forward, _ = hanging(person, plain.hip(phase), plain.knee(phase))
        # a guess of the heel's rise, for the length of a stride only
        guess = np.radians(np.interp(phase, (0.36, 0.42, 0.50, 0.56, 0.62), (0.0, -4.0, -20.0, -42.0, -62.0)))
        early = STRIKE_PITCH * (1.0 - minimum_jerk(phase / FLAT[0]))
        rolled, _ = pivoted(early + guess, person.ankle_height)
        half = GRID // 2
        turned = 0.5 * person.hip_width * np.sin(plain.side_forward(phase))
        wanted = rolled - forward - turned
        stride = STEP_SHARE * 2.0 * float(wanted[half] - wanted[0])
        balanced = _balanced(person, habits, stride, stride_s)
        ahead = float(np.mean(wanted[:half] - balanced[:half]))
        hip_x = balanced + ahead + turned
        # height of the hip over the foot that carries, for as long as that is flat; smooth and periodic in between
        lateral = 0.5 * (person.hip_width - habits.step_width)
        flat = (phase < FLAT[1]) & (phase > 0.02)
        drawn, raised = pivoted(early, person.ankle_height)
        length = leg_length(person, plain.knee(phase))
        level = person.ankle_height + raised + np.sqrt(np.maximum(length**2 - (hip_x - drawn) ** 2 - lateral**2, 0.0))
        level = level - 0.5 * person.hip_width * np.sin(plain.side_up(phase))
        angle = 4.0 * np.pi * phase[:, None] * np.arange(1, 4)
        waves = np.hstack((np.ones((GRID, 1)), np.cos(angle), np.sin(angle)))
        damped = np.diag(np.array([0.0, 0.05, 0.2, 0.6, 0.05, 0.2, 0.6]))
        right = np.concatenate((level[flat], np.zeros(7)))
        height = waves @ np.linalg.lstsq(np.vstack((waves[flat], damped)), right, rcond=None)[0]
        # the heel rises by as much as the knee of the curves asks for
        late = (phase > FLAT[1]) & (phase < HEEL_RISEN)
        hip_z = height + 0.5 * person.hip_width * np.sin(plain.side_up(phase))
        pitch = _rising(person, hip_x[late], hip_z[late], np.sqrt(length[late] ** 2 - lateral**2))
        return Gait(person, habits, stride_s, stride, ahead, _pitch_spline(phase[late], pitch))

    def knee(self, phase: Floats) -> Floats:
        """Flexion beyond the stand."""
        return self.habits.knee_scale * KNEE(phase % 1.0) + self.habits.knee_offset

    def hip(self, phase: Floats) -> Floats:
        """How far the thigh is in front of where it is in the stand."""
        flexion = self.habits.hip_scale * (HIP(phase % 1.0) - np.radians(STANDING_TILT_DEG))
        return flexion - self.habits.walk_tilt

    def side_up(self, phase: Floats) -> Floats:
        """Pelvic obliquity, + own side up; alike for both legs half a stride apart."""
        return 0.5 * self.habits.obliquity_scale * (OBLIQUITY(phase % 1.0) - OBLIQUITY((phase + 0.5) % 1.0))

    def side_forward(self, phase: Floats) -> Floats:
        """Pelvic rotation, + own side in front."""
        return self.habits.walk_rotation * np.cos(2.0 * np.pi * phase)

    def pitch(self, phase: Floats) -> Floats:
        """Of the foot, + toes up; phase within [0, 1]."""
        early = STRIKE_PITCH * (1.0 - minimum_jerk(phase / FLAT[0]))
        return np.where(phase < FLAT[1], early, self._pitch(np.clip(phase, FLAT[1], 1.0)))


def _balanced(person: Person, habits: Habits, stride: float, stride_s: float) -> Floats:
    """(GRID,) m: where balance alone has the pelvis in front of the ankle of the foot that struck at phase 0."""
    strides = 12
    t = np.arange(strides * GRID) / GRID
    pressure = np.zeros(len(t))
    for step in range(2 * strides):
        struck = 0.5 * step
        share = minimum_jerk((t - struck) / DOUBLE) - minimum_jerk((t - struck - 0.5) / DOUBLE)
        roll = PRESSURE[0] + (PRESSURE[1] - PRESSURE[0]) * minimum_jerk((t - struck) / FOOT_OFF)
        pressure += share * (struck * stride + roll)
    path = over_the_feet(pressure - stride * t, stride_s / GRID, person) + stride * t
    middle = strides // 2
    return path[middle * GRID : (middle + 1) * GRID] - middle * stride


def _rising(person: Person, hip_x: Floats, hip_z: Floats, length: Floats) -> Floats:
    """Pitch at which the ankle of a foot on its toes is as far from the hip as the leg is long; rad, <= 0."""
    low, high = np.full(len(hip_x), -1.5), np.zeros(len(hip_x))
    for _ in range(40):
        pitch = 0.5 * (low + high)
        forward, up = pivoted(pitch, person.ankle_height)
        too_far = np.hypot(hip_x - forward, hip_z - person.ankle_height - up) > length
        low, high = np.where(too_far, low, pitch), np.where(too_far, pitch, high)
    return 0.5 * (low + high)


def _pitch_spline(phase: Floats, pitch: Floats) -> BSpline:
    """From flat, through the rise of the heel and the swing, to the next strike; at rest at both ends."""
    knots = np.concatenate((np.full(5, FLAT[1]), np.linspace(FLAT[1], 1.0, 24), np.full(5, 1.0)))
    n = len(knots) - 6
    x = np.concatenate((phase, [at for at, _ in SWING_PITCH_DEG]))
    y = np.concatenate((pitch, np.radians([deg for _, deg in SWING_PITCH_DEG])))
    weight = np.concatenate((np.ones(len(phase)), np.full(len(SWING_PITCH_DEG), 3.0)))
    basis = BSpline.design_matrix(x, knots, 5).toarray()
    # equal coefficients at an end: no rate and no acceleration there
    last = basis[:, -3:].sum(axis=1) * STRIKE_PITCH
    inner = slice(3, n - 3)
    bend = np.diff(np.eye(n), n=3, axis=0)[:, inner] * SMOOTH
    ends = -np.diff(np.eye(n), n=3, axis=0)[:, -3:].sum(axis=1) * SMOOTH * STRIKE_PITCH
    left = np.vstack((basis[:, inner] * weight[:, None], bend))
    right = np.concatenate(((y - last) * weight, ends))
    coefficients = np.concatenate((np.zeros(3), np.linalg.lstsq(left, right, rcond=None)[0], np.full(3, STRIKE_PITCH)))
    return BSpline(knots, coefficients, 5)
