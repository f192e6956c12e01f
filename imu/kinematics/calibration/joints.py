"""Which sensors are neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from imu.conventions import SIDES

Evidence = Callable[[int], tuple[float, float]]
"""Number of a joint -> (delta, sigma), rad: heading of the distal sensor's earth frame in the proximal one's, now, as the
accelerations of the joint tell it. NaN, or a sigma beyond 20°: they do not."""


@dataclass(frozen=True, slots=True)
class Joint:
    """Two neighbours: rows of the setup's sensors."""

    proximal: int
    distal: int
    kind: str
    """`hip`, `knee` or `ankle`."""


def joints_of(names: Sequence[str]) -> tuple[Joint, ...]:
    """Hips, knees, ankles whose two segments are worn, left before right."""
    parts = (("hip", "pelvis", "thigh"), ("knee", "thigh", "shank"), ("ankle", "shank", "foot"))
    found: list[Joint] = []
    for kind, above, below in parts:
        for side in SIDES:
            proximal, distal = (s if s == "pelvis" else f"{s}_{side}" for s in (above, below))
            if proximal in names and distal in names:
                found.append(Joint(names.index(proximal), names.index(distal), kind))
    return tuple(found)


def no_evidence(joint: int) -> tuple[float, float]:
    """Where nothing is known of the joints' accelerations."""
    return float("nan"), float("inf")
