"""Curves of normal adults to draw behind a person's own.

Pinzone 2014, first of two centres, means at chosen shares of the stride; the hip contains the pelvic tilt of standing, as
is usual there: a person's own curves are relative to the own stand, so only their shape compares. These people walked at
their own pace. Peaks fall as walking slows (Schwartz 2008): a slow walker has no norm here, and none is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.packets import Floats

AT: Final[NDArray[np.float64]] = np.array([0, 6, 12, 20, 30, 40, 50, 60, 66, 72, 80, 90, 100]) / 100.0
"""Shares of the stride, from contact to contact."""
_DEG: Final = {
    "knee_flexion": (5.5, 14.3, 19.5, 16.8, 10.8, 6.8, 11.6, 34.2, 52.6, 60.4, 50.5, 18.8, 5.0),
    "hip_flexion": (36.4, 35.7, 31.5, 23.0, 12.1, 2.3, -4.8, -0.3, 11.1, 22.5, 32.9, 37.5, 36.0),
    "pelvis_obliquity": (0.9, 2.2, 4.0, 3.5, 0.2, -0.7, -0.8, -3.5, -4.3, -2.9, -0.3, 0.6, 0.9),
}
"""°; obliquity: own side up."""
_SD_DEG: Final = {"knee_flexion": 5.8}
"""°, at the peak in swing, the one of which both centres give it; of the others none is known here."""
_STANDING_DEG: Final = {"hip_flexion": 12.0}
"""°, pelvic tilt of these people (10.9 to 12.9) that the angle contains."""
FREE: Final = (1.2, 1.6)
"""m/s, walkway range of adults at their own pace (30-39 years; the widest quoted)."""
SPEED_ERROR: Final = 0.1
"""of a speed: segment lengths guessed from body height are off by up to 5 %, and so are geometric step lengths."""
SOURCE: Final = "Pinzone 2014, centre 1, adults at their own pace"


@dataclass(frozen=True, slots=True, eq=False)
class NormCurve:
    """Mean of normal adults over a stride."""

    angle: str
    share: Floats
    """(n,) 0..1 of the stride."""
    mean: Floats
    """(n,) rad."""
    sd: float
    """rad, between people, at the peak in swing; NaN = not known."""
    standing: float
    """rad, about what it is in a quiet stand: to be taken off where a person's own curve is relative to the own stand."""
    source: str
    caution: str
    """What to say next to it; empty = compares."""


def norm_curve(angle: str, speed: float | None = None) -> NormCurve | None:
    """The curve for an angle of a person who walks at `speed`, m/s; None if there is none for it.

    Unknown speed (None, NaN): the curve, with a caution. Slower or faster than people at their own pace, by more than a
    speed from step lengths may be wrong: None.
    """
    if angle not in _DEG:
        return None
    caution = ""
    if speed is None or speed != speed:
        caution = "walking speed unknown: slower people bend less"
    elif not FREE[0] * (1.0 - SPEED_ERROR) <= speed <= FREE[1] * (1.0 + SPEED_ERROR):
        return None
    mean = np.radians(np.array(_DEG[angle], np.float64))
    sd, standing = np.radians(_SD_DEG.get(angle, np.nan)), np.radians(_STANDING_DEG.get(angle, 0.0))
    return NormCurve(angle, AT, mean, float(sd), float(standing), SOURCE, caution)
