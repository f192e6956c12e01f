"""Places on the body in the words a patient knows."""

from __future__ import annotations

from typing import Final

_PLACES: Final = {"shank_left": "left shin", "shank_right": "right shin"}


def place(segment: str) -> str:
    """`shank_left` -> `left shin`, `thigh_right` -> `right thigh`, `pelvis` -> `pelvis`."""
    part, _, side = segment.partition("_")
    return _PLACES.get(segment, f"{side} {part}" if side else part)
