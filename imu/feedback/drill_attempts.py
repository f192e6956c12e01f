"""Attempts that come to nothing and are told: a way back that is given up, a foot that comes down in a hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imu.feedback.drill_reader import flag, number, text, whole


@dataclass(frozen=True, slots=True)
class FellBack:
    """The way back is begun and given up, by 10 degrees and out again by as much: a rise that falls back on the seat."""

    text: str = text("The sentence, exactly as shown and spoken.")
    cue: bool = flag("true = say it; false = only report it. Recommended true.", True)
    priority: int = whole("Larger = wins over smaller. Recommended 22.", 0, 99, 22)


@dataclass(frozen=True, slots=True)
class TouchDown:
    """A hold that ends and begins again at once: the free foot has touched the floor. Both parts are holds of their own."""

    text: str = text("The sentence, exactly as shown and spoken.")
    within_s: float = number(
        "Seconds from the end of a hold in which the next one of the same leg shows a touch. Larger = a pause is taken for "
        "a touch; smaller = a long touch for a pause. Recommended 2.",
        0.2,
        10.0,
    )
    cue: bool = flag("true = say it; false = only report it. Recommended true.", True)
    priority: int = whole("Larger = wins over smaller. Recommended 22.", 0, 99, 22)


NO_FELL_BACK: Final = FellBack("", False, 0)
NO_TOUCH_DOWN: Final = TouchDown("", 0.0, False, 0)
"""Without their tables neither is looked for."""
