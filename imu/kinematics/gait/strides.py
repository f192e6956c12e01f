"""From events to strides. A stride goes from a contact of a foot to its next one; what was not seen makes none.

Identities that hold for every stride, to the microsecond: stance + swing = stride; the two steps of a stride with both legs
are the stride; what is not double support of the stance is the swing of the other leg.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from imu.conventions import SIDES, Side
from imu.outputs import Event

SHORTEST_US, LONGEST_US = 400_000, 4_000_000
"""µs, stride; outside it is none."""
MOST_STANCE: Final = 0.80
"""of a stride; a foot that stays longer belongs to somebody who stood still in between. After a stroke and in Parkinson's
disease about 0.75 is reached."""
DOUBT: Final = 0.55
"""Least confidence of the events of a stride that counts."""
REMEMBER_US: Final = 10_000_000
"""µs for which the events of the other leg are kept."""

FRAGILE: Final = {
    "stance_share": "foot off is known to 20-40 ms: 3 to 8 % of a stride too small in published data",
    "swing_share": "foot off is known to 20-40 ms: 3 to 8 % of a stride too large in published data",
    "double_support_share": "twice the error of foot off on a quantity of 0.2 s: compare with the person's own values only",
    "step_length": "geometric, from segment lengths and tilts: 14 mm per 2° and segment",
    "speed": "step length over step time: compare with the person's own values",
}
"""What is to be shown with caution, and why. Stride time, step time and cadence are robust."""


@dataclass(frozen=True, slots=True)
class Stride:
    """One stride of one leg. Times are session time, µs."""

    side: Side
    t_start_us: int
    """Contact."""
    t_off_us: int
    t_end_us: int
    """The next contact."""
    t_emitted_us: int
    """When it was known."""
    other_off_us: int | None
    """The other foot leaves, early in this stride; None = not seen (or that leg is not worn)."""
    other_contact_us: int | None
    confidence: float
    """The least of its events."""
    marks: tuple[str, ...] = ()
    """Why it is left out of means: `first` and `last` of a walk, `turn`, `doubtful`, `other leg missing`."""

    @property
    def stride_s(self) -> float:
        return (self.t_end_us - self.t_start_us) * 1e-6

    @property
    def stance_s(self) -> float:
        return (self.t_off_us - self.t_start_us) * 1e-6

    @property
    def swing_s(self) -> float:
        return (self.t_end_us - self.t_off_us) * 1e-6

    @property
    def step_s(self) -> float:
        """From the other foot's contact to the one that ends this stride; NaN = the other leg is not known."""
        return _span(self.other_contact_us, self.t_end_us)

    @property
    def other_step_s(self) -> float:
        """From the contact that begins this stride to the other foot's."""
        return _span(self.t_start_us, self.other_contact_us)

    @property
    def loading_s(self) -> float:
        """First double support: until the other foot leaves."""
        return _span(self.t_start_us, self.other_off_us)

    @property
    def unloading_s(self) -> float:
        """Second double support: from the other foot's contact until this one leaves."""
        return _span(self.other_contact_us, self.t_off_us)

    @property
    def double_support_s(self) -> float:
        return self.loading_s + self.unloading_s

    @property
    def stance_share(self) -> float:
        """0..1; fragile."""
        return self.stance_s / self.stride_s

    @property
    def swing_share(self) -> float:
        """0..1; fragile."""
        return self.swing_s / self.stride_s

    @property
    def double_support_share(self) -> float:
        """0..1; fragile."""
        return self.double_support_s / self.stride_s

    @property
    def cadence(self) -> float:
        """Steps per minute."""
        return 120.0 / self.stride_s

    @property
    def counts(self) -> bool:
        """It belongs into means."""
        return not self.marks


def _span(a: int | None, b: int | None) -> float:
    return float("nan") if a is None or b is None else (b - a) * 1e-6


@dataclass(frozen=True, slots=True)
class LegState:
    """What is open for one leg: the newest contact, foot off after it, whether something was missed since."""

    contact: Event | None = None
    off: Event | None = None
    missed: bool = False
    ended_us: int = -1
    """End of its newest stride."""
    steps: tuple[Event, ...] = ()
    """Its newest contacts and foot offs."""


class StrideBuilder:
    """Takes events as the detector gives them and returns the strides that they complete.

    Parameters
    ----------
    sides : iterable of side
        Legs that are worn. With both, a stride during which the other leg did not take part in walking is none: a leg
        that swings on the spot, a knee that is bent and stretched.
    """

    def __init__(self, sides: Iterable[Side] = SIDES) -> None:
        self._legs: dict[Side, LegState] = {side: LegState() for side in sides}

    def push(self, events: Iterable[Event]) -> tuple[Stride, ...]:
        """In the order in which they were decided."""
        done: list[Stride] = []
        for event in events:
            leg = self._legs.get(event.side) if event.side else None
            if leg is None or event.side is None:
                continue
            if event.kind == "gait_interrupted":
                self._legs[event.side] = replace(leg, contact=None, off=None, missed=False)
            elif event.kind == "foot_off":
                if leg.contact is not None and event.t_us > leg.contact.t_us:
                    leg = replace(leg, off=event, missed=leg.off is not None)
                self._legs[event.side] = _with_step(leg, event)
            elif event.kind == "initial_contact":
                if leg.contact is not None and event.t_us <= leg.contact.t_us:
                    continue
                stride = self._between(leg, event, event.side)
                if stride is not None:
                    done.append(stride)
                    leg = replace(leg, ended_us=stride.t_end_us)
                self._legs[event.side] = _with_step(replace(leg, contact=event, off=None, missed=False), event)
        return tuple(done)

    def _between(self, leg: LegState, end: Event, side: Side) -> Stride | None:
        start, off = leg.contact, leg.off
        if start is None or off is None or leg.missed or not off.t_us < end.t_us:
            return None
        lasted = end.t_us - start.t_us
        if not SHORTEST_US <= lasted <= LONGEST_US or off.t_us - start.t_us > MOST_STANCE * lasted:
            return None
        parts, marks = [start, off, end], list[str]()
        if max(e.confidence for e in parts) < DOUBT:
            return None  # nothing but guesses
        other_off: Event | None = None
        other_contact: Event | None = None
        other = self._legs.get("left" if side == "right" else "right")
        if other is not None:
            near = [e for e in other.steps if e.t_us > start.t_us - lasted]
            if not near:
                return None  # the other leg stands: this one does not walk
            within = [e for e in near if start.t_us < e.t_us < end.t_us]
            offs = [e for e in within if e.kind == "foot_off"]
            contacts = [e for e in within if e.kind == "initial_contact"]
            if len(contacts) == 1 and contacts[0].t_us < off.t_us:
                other_contact = contacts[0]
                parts.append(other_contact)
            if len(offs) == 1 and (other_contact is None or offs[0].t_us < other_contact.t_us):
                other_off = offs[0]
                parts.append(other_off)
            if other_contact is None or other_off is None:
                marks.append("other leg missing")
        if leg.ended_us != start.t_us:
            marks.append("first")
        confidence = min(e.confidence for e in parts)
        if confidence < DOUBT:
            marks.append("doubtful")
        return Stride(
            side, start.t_us, off.t_us, end.t_us, end.t_emitted_us, other_off.t_us if other_off else None,
            other_contact.t_us if other_contact else None, confidence, tuple(marks),
        )  # fmt: skip

    def state(self) -> dict[Side, LegState]:
        """A copy of everything that changes."""
        return dict(self._legs)

    def restore(self, state: dict[Side, LegState]) -> None:
        """Continue from what `state` of a builder for the same legs returned."""
        self._legs = dict(state)


def _with_step(leg: LegState, event: Event) -> LegState:
    kept = tuple(e for e in leg.steps if e.t_us > event.t_us - REMEMBER_US)
    return replace(leg, steps=(*kept, event))


def strides_of(events: Iterable[Event]) -> tuple[Stride, ...]:
    """All strides of a whole walk, in the order of their starts; the last before a pause is marked as well."""
    ordered = sorted(events, key=lambda e: (e.t_emitted_us, e.t_us))
    sides = {e.side for e in ordered if e.side is not None and e.kind in ("initial_contact", "foot_off")}
    strides = StrideBuilder([s for s in SIDES if s in sides]).push(ordered)
    begun = {(s.side, s.t_start_us) for s in strides}
    marked = (s if (s.side, s.t_end_us) in begun else replace(s, marks=(*s.marks, "last")) for s in strides)
    return tuple(sorted(marked, key=lambda s: (s.t_start_us, s.side)))
