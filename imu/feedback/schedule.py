"""In which repetitions cues are given, and when: data of the drill and of the visit, decided without chance.

Feedback that is always there is leaned on; one that fades is kept. The drill says how the share of cued repetitions falls
from visit to visit and within a set; the visit says which one it is. Which repetitions these are looks like chance to the
person and is none: it follows from the setup, which is in the recording, so a replay chooses the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from imu.config import Setup
from imu.feedback.drill_reader import choice

MODES: Final = ("at_once", "end_of_repetition", "end_of_set")
BLOCK: Final = 4
"""Repetitions among which the cued ones are drawn: no more than 2 · (BLOCK - 1) in a row go without at a share of 25 %."""
WHOLE: Final = 10_000
"""A share of 1, in the units of the sums here: integers, so that they are exact."""

RETENTION: Final = "retention set"
FADED: Final = "faded"


def _shares(doc: str) -> Any:
    """A field that is a list of whole per cents; left out: always."""

    def check(value: object) -> str:
        if not isinstance(value, list) or not value:
            return f"is {value!r}; give a list of whole per cents, such as [100, 50, 25]"
        wrong = [v for v in value if isinstance(v, bool) or not isinstance(v, int) or not 0 <= v <= 100]
        return f"has {', '.join(repr(v) for v in wrong)}; give whole per cents, 0 to 100" if wrong else ""

    convert: Callable[[Any], object] = tuple
    return field(default=(100,), metadata={"doc": doc, "check": check, "convert": convert})


@dataclass(frozen=True, slots=True)
class Schedule:
    """When cues are given, and in how many of the repetitions. May be left out: at once, in all of them."""

    mode: str = choice(
        "at_once: while it happens. end_of_repetition: one cue at the top. end_of_set: one cue after the last repetition, "
        "for what was most frequent. Recommended: at_once for a new movement, later end_of_repetition.",
        MODES,
        "at_once",
    )
    visits_percent: tuple[int, ...] = _shares(
        "Per cent of the repetitions with cues at the first visit, the second ...; the last holds for later visits too. "
        "Larger = more guidance; smaller = more is kept without it; 0 = a retention set. "
        "Recommended [100, 100, 100, 100, 75, 50, 25, 10]."
    )
    set_percent: tuple[int, ...] = _shares(
        "Per cent of that in equal parts of the set, first part first. Larger = more guidance. Recommended [100], later "
        "[100, 50]."
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """What schedule and visit come to in one set."""

    mode: str = "at_once"
    visit_percent: int = 100
    set_percent: tuple[int, ...] = (100,)
    target_count: int = 1
    retention: bool = False
    """No cue in this set, to see what is kept without."""
    muted: bool = False
    """The person wants none."""
    seed: bytes = b""

    def silent(self, repetition: int) -> str:
        """Why no cue may be given in this repetition (1, 2, 3 ...); empty = one may."""
        if self.retention or not self.visit_percent or not any(self.set_percent):
            return RETENTION
        return "" if self.cued(repetition) else FADED

    def cued(self, repetition: int) -> bool:
        """This repetition is one of those with cues.

        In every `BLOCK` of repetitions so many have them as their shares add up to, rounded so that what one block has too
        little the next makes up: after any block the number is the sum of all shares within 1.
        """
        first = (repetition - 1) // BLOCK * BLOCK + 1
        numbers = range(first, first + BLOCK)
        shares = {n: self.share(n) for n in numbers}
        before = self._drawn("round") % WHOLE + sum(self.share(n) for n in range(1, first))
        count = (before + sum(shares.values())) // WHOLE - before // WHOLE
        drawn = sorted(numbers, key=lambda n: (shares[n] < WHOLE, shares[n] == 0, self._drawn(f"repetition {n}")))
        return repetition in drawn[:count]

    def share(self, repetition: int) -> int:
        """Of this repetition, in `WHOLE`."""
        parts = len(self.set_percent)
        part = min((repetition - 1) * parts // self.target_count, parts - 1)
        return self.visit_percent * self.set_percent[part]

    def _drawn(self, what: str) -> int:
        return int.from_bytes(hashlib.blake2b(what.encode(), key=self.seed, digest_size=8).digest(), "little")


def plan_of(setup: Setup, drill: str, target_count: int, schedule: Schedule | None = None) -> Plan:
    """The plan of one set of `drill`; without a schedule only what the visit says counts."""
    s, v = schedule or Schedule(), setup.cues
    visit = s.visits_percent[min(v.visit, len(s.visits_percent)) - 1]
    if v.share_percent is not None:
        visit = v.share_percent
    key = f"{v.seed} {v.visit} {setup.t0_host_ns} {drill}"
    seed = hashlib.blake2b(key.encode(), digest_size=16).digest()
    return Plan(s.mode, visit, s.set_percent, target_count, v.retention, v.muted, seed)
