"""At most one cue at a time: who may speak, and why the others may not. Every decision is a `Cue`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from imu.conventions import Side
from imu.outputs import Cue


@dataclass(frozen=True, slots=True)
class Condition:
    """A rule's condition is met (or could not be judged) at one instant."""

    rule: str
    side: Side | None
    text: str
    priority: int
    t_us: int
    t_emitted_us: int
    repetition: int
    value: float
    threshold: float
    sigma: float
    enabled: bool = True
    """False: the drill reports it and does not say it."""
    held: str = ""
    """Already held back by the rule itself: `dwell` or `quality`."""


@dataclass(frozen=True, slots=True)
class CueState:
    """What the engine remembers; immutable, so it is its own snapshot."""

    shown: Cue | None = None
    until_us: int = 0
    """End of the least time it stays."""
    phase_open: bool = False
    """The phase it was given in still goes on."""
    last: tuple[tuple[str, Side | None, int], ...] = ()
    """(rule, side, repetition) of the last cue given."""
    logged: tuple[tuple[str, Side | None, int], ...] = ()
    """What was held back in the newest repetition: logged once."""
    hold: str = ""
    """Why no cue may be given at all; empty = they may."""


class CueEngine:
    """Decides on conditions in order of time.

    Parameters
    ----------
    show_s : float
        A cue stays at least this long, or to the end of the phase it was given in.
    every_repetitions : int
        The same rule and side speak at most once in so many repetitions.
    """

    def __init__(self, show_s: float, every_repetitions: int) -> None:
        self._show_us = round(show_s * 1e6)
        self._every = every_repetitions
        self.state = CueState()

    def decide(self, condition: Condition) -> Cue | None:
        """The decision, given or held back; None if the same was already logged in this repetition."""
        s = self.state
        reason = s.hold or condition.held or self._objection(condition)
        if reason:
            key = (condition.rule, condition.side, condition.repetition)
            if key in s.logged:
                return None
            logged = (*(k for k in s.logged if k[2] == condition.repetition), key)
            self.state = replace(s, logged=logged)
            return _cue(condition, given=False, reason=reason)
        cue = _cue(condition, given=True, reason="beyond the limit")
        last: tuple[tuple[str, Side | None, int], ...] = (
            *(k for k in s.last if k[:2] != (condition.rule, condition.side)),
            (condition.rule, condition.side, condition.repetition),
        )
        until_us = condition.t_emitted_us + self._show_us
        self.state = replace(s, shown=cue, until_us=until_us, phase_open=True, last=last)
        return cue

    def end_phase(self) -> None:
        """A phase of the movement has ended."""
        self.state = replace(self.state, phase_open=False)

    def hold(self, reason: str) -> None:
        """Give no cue at all, for this reason; "" = as usual again. What is shown goes."""
        self.state = replace(self.state, hold=reason, shown=None if reason else self.state.shown)

    def current(self, t_us: int) -> Cue | None:
        """The cue to show at `t_us`, None = calm."""
        s = self.state
        return s.shown if s.shown is not None and (s.phase_open or t_us < s.until_us) else None

    def _objection(self, c: Condition) -> str:
        """Why it may not be said; empty = it may."""
        if not c.enabled or not c.text:
            return "off in this drill"
        for rule, side, repetition in self.state.last:
            if (rule, side) == (c.rule, c.side) and c.repetition - repetition < self._every:
                return "refractory"
        shown = self.current(c.t_emitted_us)
        if shown is None or c.priority > shown.priority:
            return ""
        return "lower priority" if c.priority < shown.priority else "one cue at a time"


def _cue(c: Condition, *, given: bool, reason: str) -> Cue:
    return Cue(
        c.t_us, c.t_emitted_us, c.rule, c.side, c.text, c.repetition, c.value, c.threshold, c.sigma, given, reason,
        c.priority,
    )  # fmt: skip
