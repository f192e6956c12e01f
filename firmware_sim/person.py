"""Who the simulated person is: lengths, stance, habits. Every seed is another person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import radians
from typing import Final

import numpy as np

from firmware_sim.motion import Sway

PERSON_STREAM: Final = 102
"""Sets these random numbers apart from those of the script and the sensors."""

SWAY: Final = {
    "lean": (radians(0.20), 1.0),
    "shift": (0.0015, -1.0),
    "obliquity": (radians(0.04), -1.0),
    "pelvis_tilt": (radians(0.15), 1.0),
    "pelvis_rotation": (radians(0.15), -1.0),
}
"""Channels of sway: rms, and the sign under exchange of left and right. Lean: the whole body about the ankles, forward
positive. Shift: pelvis to the left, m. Obliquity: right side up. Rotation: to the left."""


@dataclass(frozen=True, slots=True)
class Leg:
    """What may differ between the legs; rad."""

    toe_out: float
    rotation_axis: float
    """How far the axis about which the shank falls in points up at its front end. 0: it only leans; more: it turns inwards
    as it leans. The subtalar joint has 42° ± 9° (Inman 1976). Acted faults of two real people rolled the shank by 0.54 to
    0.78 of what the knee moved in, which is 45° to 60°."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Lengths in m, angles in rad."""

    thigh: float
    shank: float
    hip_width: float
    """Between the hip joint centres."""
    stance_width: float
    """Between the ankles."""
    ankle_height: float
    left: Leg
    right: Leg
    knee_at_stand: float
    """Flexion of the standing knee; a straight one could not take up any sway."""
    shank_at_stand: float
    """Forward lean of the standing shank."""
    shank_share: float
    """of knee flexion that is forward lean of the shank; the rest is tilt of the thigh."""
    pelvis_share: float
    """Anterior pelvis tilt per knee flexion."""
    shift_at_depth: float
    """Pelvis to the left at 90° of knee flexion, m: nobody squats evenly."""
    obliquity_at_depth: float
    """Right side up at 90° of knee flexion."""
    rotation_at_depth: float
    """Pelvis turned to the left at 90° of knee flexion."""
    sway: Sway
    """Channels as in `SWAY`."""

    @staticmethod
    def drawn(seed: int) -> Person:
        """The person of this seed."""
        rng = np.random.default_rng((PERSON_STREAM, seed))

        def between(low: float, high: float) -> float:
            return float(rng.uniform(low, high))

        stature = between(1.58, 1.90)
        hip_width = between(0.095, 0.105) * stature
        toe_out = between(4.0, 12.0)
        return Person(
            # shares of body height: Winter 2009; hip centres: half of the pelvis width
            thigh=0.245 * stature * between(0.97, 1.03),
            shank=0.246 * stature * between(0.97, 1.03),
            hip_width=hip_width,
            stance_width=hip_width + between(0.04, 0.12),
            ankle_height=0.039 * stature,
            left=Leg(radians(toe_out + between(-2.0, 2.0)), radians(between(38.0, 54.0))),
            right=Leg(radians(toe_out + between(-2.0, 2.0)), radians(between(38.0, 54.0))),
            knee_at_stand=radians(between(7.0, 9.0)),
            shank_at_stand=radians(between(3.0, 5.0)),
            shank_share=between(0.32, 0.38),
            pelvis_share=between(0.22, 0.32),
            shift_at_depth=between(-0.008, 0.008),
            obliquity_at_depth=radians(between(-0.6, 0.6)),
            rotation_at_depth=radians(between(-1.0, 1.0)),
            sway=Sway.drawn(rng, tuple(rms for rms, _ in SWAY.values())),
        )

    def mirrored(self) -> Person:
        """The same person with left and right exchanged."""
        return replace(
            self,
            left=self.right,
            right=self.left,
            shift_at_depth=-self.shift_at_depth,
            obliquity_at_depth=-self.obliquity_at_depth,
            rotation_at_depth=-self.rotation_at_depth,
            sway=self.sway.mirrored(tuple(sign for _, sign in SWAY.values())),
        )
