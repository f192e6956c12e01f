"""What goes wrong during a script, told as text: `t=20 away shank_left 3`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imu.conventions import CORE_SEGMENTS, Segment

ACTIONS: Final = {
    "away": 3.0,  # out of range; shorter than the supervision timeout (4 s) it is a fade, longer a lost link
    "power": 2.0,  # battery out, and in again: boots anew
    "drop": 0.0,  # the sensor ends the connection and advertises again
}
"""Action -> how long it lasts by default, s."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that happens to one sensor."""

    at_s: float
    """Script time."""
    action: str
    segment: Segment
    for_s: float

    def __str__(self) -> str:
        return f"t={self.at_s:g} {self.action} {self.segment}" + (f" {self.for_s:g}" if self.for_s else "")


def parse_fault(text: str) -> Fault:
    """Read `t=SECONDS ACTION SEGMENT [HOW LONG]`.

    Raises
    ------
    ValueError
        Says which word is wrong and what is possible.
    """
    words = text.split()
    if len(words) not in (3, 4) or not words[0].startswith("t="):
        raise ValueError(f"{text!r} is not a fault; write t=SECONDS {'|'.join(ACTIONS)} SEGMENT [SECONDS]")
    when, action, segment = words[:3]
    if action not in ACTIONS:
        raise ValueError(f"{text!r}: unknown action {action!r}; there are: {', '.join(ACTIONS)}")
    known: Segment | None = next((one for one in CORE_SEGMENTS if one == segment), None)
    if known is None:
        raise ValueError(f"{text!r}: {segment!r} cannot wear a sensor; there are: {', '.join(CORE_SEGMENTS)}")
    at_s = _seconds(text, when.removeprefix("t="))
    for_s = _seconds(text, words[3]) if len(words) == 4 else ACTIONS[action]
    return Fault(at_s, action, known, for_s)


def _seconds(text: str, number: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < 1e6:
        raise ValueError(f"{text!r}: {number!r} is not a time in seconds")
    return value
