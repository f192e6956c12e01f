"""Which sensors are neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from imu.conventions import SIDES
from imu.kinematics.heading import JointSpec

Evidence = Callable[[int], tuple[float, float]]
"""Number of a joint -> (delta, sigma), rad: heading of the distal sensor's earth frame in the proximal one's, now, as the
accelerations of the joint tell it. NaN, or a sigma beyond 20°: they do not."""


def joints_of(names: Sequence[str]) -> tuple[JointSpec, ...]:
    """Hips, knees, ankles whose two segments are worn, left before right."""
    parts = (("hip", "pelvis", "thigh"), ("knee", "thigh", "shank"), ("ankle", "shank", "foot"))
    found: list[JointSpec] = []
    for kind, above, below in parts:
        for side in SIDES:
            proximal, distal = (s if s == "pelvis" else f"{s}_{side}" for s in (above, below))
            if proximal in names and distal in names:
                found.append(JointSpec(names.index(proximal), names.index(distal), kind))
    return tuple(found)


def no_evidence(joint: int) -> tuple[float, float]:
    """Where nothing is known of the joints' accelerations."""
    return float("nan"), float("inf")
