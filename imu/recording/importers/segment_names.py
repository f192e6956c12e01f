"""What others call the segments of the body."""

from __future__ import annotations

import re

from imu.conventions import SEGMENTS, SIDES

_PARTS = {
    "pelvis": ("pelvis", "hip", "hips"),
    "trunk": ("trunk", "torso", "chest", "upper back", "upper torso", "sternum", "thorax"),
    "thigh": ("thigh", "upper leg", "femur"),
    "shank": ("shank", "lower leg", "tibia"),
    "foot": ("foot",),
}
_PART_OF = {word: part for part, words in _PARTS.items() for word in words}


def segment_named(text: str) -> str | None:
    """`"Left Upper Leg"` and `"upper_leg_left"` are `thigh_left`; None for what is not one of our segments."""
    words = re.findall(r"[a-z]+", text.lower())
    sides = [w for w in words if w in SIDES]
    part = _PART_OF.get(" ".join(w for w in words if w not in SIDES))
    if part is None or len(sides) > 1:
        return None
    segment = f"{part}_{sides[0]}" if sides else part
    return segment if segment in SEGMENTS else None
