"""How the simulated person's knees work and how they step; beside the lengths and the stance of `firmware_sim.person`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import radians
from typing import Final

import numpy as np

from firmware_sim.motion import Sway

HABITS_STREAM: Final = 111
"""Sets these random numbers apart from those of the person, the sensors and the plan."""

BALANCE: Final = {"shift": (0.004, -1.0), "obliquity": (radians(0.5), -1.0), "rotation": (radians(0.6), -1.0)}
"""Channels of what keeps a person up on one leg, beyond the sway of a stand: rms, and the sign under exchange of left and
right. Shift: pelvis to the left, m."""


@dataclass(frozen=True, slots=True)
class Knee:
    """One knee; rad."""

    axis_offset: float
    """The axis about which it bends is turned by this about the long axis against the anatomical one, in thigh and shank
    alike; + = its inner end to the front. A pure bend then shows as adduction of sin(offset) sin(flexion)."""
    adduction: float
    """Beyond the stand at 90° of flexion, about its own axes."""
    rotation: float
    """The shank turns inwards by this as the knee bends, most of it over the first 40°."""
    inward: float
    """How far the whole knee swings inwards about the line from hip to ankle at 90° of loaded flexion."""


@dataclass(frozen=True, slots=True, eq=False)
class Habits:
    """Angles in rad, lengths in m."""

    left: Knee
    right: Knee
    trunk_share: float
    """How far the pelvis goes over the foot of a single-leg stance; the trunk leans over it for the rest."""
    stance_bend: float
    """Flexion beyond the stand of a knee that carries the person alone."""
    free_drop: float
    """The pelvis drops by this on the side of the free leg in a single-leg squat or step-down."""
    cadence: float
    """Steps per minute."""
    step_width: float
    """Between the lines on which the ankles of a walking person go."""
    walk_tilt: float
    """Anterior pelvis tilt when walking, beyond the stand."""
    walk_rotation: float
    """Amplitude of the pelvis's rotation when walking."""
    knee_offset: float
    """of the knee flexion of walking against the mean of adults."""
    knee_scale: float
    hip_scale: float
    """of the curves of walking against the mean of adults."""
    obliquity_scale: float
    strike: float
    """m/s² of the shock that a shank gets when its heel strikes at full step length."""
    balance: Sway
    """Channels as in `BALANCE`."""

    @staticmethod
    def drawn(seed: int) -> Habits:
        """The habits of the person of this seed."""
        rng = np.random.default_rng((HABITS_STREAM, seed))

        def between(low: float, high: float) -> float:
            return float(rng.uniform(low, high))

        def about_zero(sd: float) -> float:
            return float(np.clip(rng.normal(0.0, sd), -2.0 * sd, 2.0 * sd))

        def knee() -> Knee:
            return Knee(
                axis_offset=radians(float(rng.normal(0.0, 3.0))),
                adduction=radians(about_zero(2.0)),
                rotation=radians(between(2.0, 10.0)),
                inward=radians(between(0.0, 8.0)),
            )

        return Habits(
            left=knee(),
            right=knee(),
            trunk_share=between(0.80, 0.98),
            stance_bend=radians(between(2.0, 5.0)),
            free_drop=radians(between(1.0, 5.0)),
            cadence=between(102.0, 118.0),
            step_width=between(0.08, 0.13),
            walk_tilt=radians(between(0.0, 3.0)),
            walk_rotation=radians(between(3.0, 6.5)),
            knee_offset=radians(about_zero(1.5)),
            knee_scale=1.0 + about_zero(0.04),
            hip_scale=1.0 + about_zero(0.04),
            obliquity_scale=between(0.8, 1.2),
            strike=between(8.0, 16.0),
            balance=Sway.drawn(rng, tuple(rms for rms, _ in BALANCE.values())),
        )

    def mirrored(self) -> Habits:
        """The same with left and right exchanged."""
        signs = tuple(sign for _, sign in BALANCE.values())
        return replace(self, left=self.right, right=self.left, balance=self.balance.mirrored(signs))
