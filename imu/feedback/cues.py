"""At most one cue at a time: who may speak, and why the others may not. Every decision is a `Cue`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from math import isnan, nan
from typing import Final

import numpy as np

from imu.conventions import Side
from imu.feedback.schedule import Plan
from imu.outputs import Cue
from imu.packets import Ints

STALE_US: Final = 150_000
"""µs; what a cue rests on may be so old when it can be said. Later words meet another phase of the movement."""
GIVEN: Final = "beyond the limit"
MUTED: Final = "muted"

Key = tuple[str, Side | None, int]
"""(rule, side, repetition)."""


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

    @property
    def key(self) -> Key:
        return self.rule, self.side, self.repetition


@dataclass(frozen=True, slots=True)
class CueState:
    """What the engine remembers; immutable, so it is its own snapshot."""

    shown: Cue | None = None
    until_us: int = 0
    """End of the least time it stays."""
    phase_open: bool = False
    """The phase it was given in still goes on."""
    last: tuple[Key, ...] = ()
    """The last cue given, of each rule and side."""
    logged: tuple[tuple[Key, str], ...] = ()
    """What was held back in the newest repetition, and why: logged once."""
    hold: str = ""
    """Why no cue may be given at all; empty = they may."""
    muted: bool = False
    waiting: tuple[Condition, ...] = ()
    """For the end of the repetition or of the set, if that is when cues are given."""
    newest: tuple[int, float] = (-1, nan)
    """Newest frame that was told about, and its age, ms."""


class CueEngine:
    """Decides on conditions in order of time.

    Parameters
    ----------
    show_s : float
        A cue stays at least this long, or to the end of the phase it was given in.
    every_repetitions : int
        The same rule and side speak at most once in so many repetitions.
    plan : Plan, optional
        In which repetitions, and when; in all of them and at once by default.
    """

    def __init__(self, show_s: float, every_repetitions: int, plan: Plan | None = None) -> None:
        self._show_us = round(show_s * 1e6)
        self._every = every_repetitions
        self.plan = plan or Plan()
        self.state = CueState(muted=self.plan.muted)
        self._t_us: Ints = np.zeros(0, np.int64)
        self._known_us: Ints = self._t_us

    def arrived(self, t_us: Ints, known_us: Ints) -> None:
        """The frames to come, and when each was known (`GridBlock.known_us`). Without it, nothing is ever stale."""
        if len(known_us):
            self._t_us, self._known_us = t_us, known_us
            self.state = replace(self.state, newest=(int(t_us[-1]), int(known_us[-1] - t_us[-1]) * 1e-3))

    def decide(self, condition: Condition) -> Cue | None:
        """The decision; None if it waits, or if the same was already held back for the same reason in this repetition."""
        c, s = condition, self.state
        reason = s.hold or c.held or self._objection(c)
        if not reason and self.plan.mode != "at_once":
            if c.key not in (w.key for w in s.waiting):
                self.state = replace(s, waiting=(*s.waiting, c))
            return None
        reason = reason or self._in_the_way(c)
        if not reason:
            return self._give(c, c.t_emitted_us, GIVEN)
        # what was told and then could not be judged for a while is the same fault still, not a second one
        told = reason == "refractory" and c.key in s.last and any(k == c.key for k, _ in s.logged)
        if told or (c.key, reason) in s.logged:
            return None
        logged = (*((k, why) for k, why in s.logged if k[2] == c.repetition), (c.key, reason))
        self.state = replace(s, logged=logged)
        return self._cue(c, c.t_emitted_us, given=False, reason=reason)

    def end_phase(self) -> None:
        """A phase of the movement has ended."""
        self.state = replace(self.state, phase_open=False)

    def end_repetition(self, t_emitted_us: int, *, last: bool) -> tuple[Cue, ...]:
        """A repetition has ended, at the frame `t_emitted_us`; `last`: the set has all of its repetitions."""
        s, mode = self.state, self.plan.mode
        if not s.waiting or mode == "at_once" or (mode == "end_of_set" and not last):
            return ()
        reason = s.hold or self._silence(t_emitted_us)
        if reason:
            return self._forget(t_emitted_us, dict.fromkeys((w.key for w in s.waiting), reason))
        often = Counter((w.rule, w.side) for w in s.waiting)
        # at the end of a repetition each rule and side is there once, so that the priority decides
        best = min(s.waiting, key=lambda w: (-often[w.rule, w.side], -w.priority, -_excess(w)))
        reasons: dict[Key, str] = {}
        for w in s.waiting:
            if (w.rule, w.side) == (best.rule, best.side):
                reasons[w.key] = "told once, at the end of the set"
            elif often[w.rule, w.side] < often[best.rule, best.side]:
                reasons[w.key] = "less frequent"
            else:
                reasons[w.key] = "lower priority" if w.priority < best.priority else "one cue at a time"
        self.state = replace(s, waiting=tuple(w for w in s.waiting if w is not best))
        when = "repetition" if mode == "end_of_repetition" else "set"
        given = self._give(best, t_emitted_us, f"{GIVEN}, told at the end of the {when}")
        self.end_phase()  # it stays for its time, not for as long as somebody stands at the top
        return given, *self._forget(t_emitted_us, reasons)

    def drop(self, repetition: int, t_emitted_us: int, reason: str) -> tuple[Cue, ...]:
        """A repetition came to nothing: what waits because of it is never said."""
        return self._forget(t_emitted_us, {w.key: reason for w in self.state.waiting if w.repetition == repetition})

    def finish(self) -> tuple[Cue, ...]:
        """The session is over before its set was."""
        s = self.state
        return self._forget(s.newest[0], {w.key: "the set was not finished" for w in s.waiting})

    def hold(self, reason: str) -> None:
        """Give no cue at all, for this reason; "" = as usual again. What is shown goes."""
        self.state = replace(self.state, hold=reason, shown=None if reason else self.state.shown)

    def mute(self, muted: bool) -> None:
        """The person wants no cues, or wants them again. What is shown goes."""
        self.state = replace(self.state, muted=muted, shown=None if muted else self.state.shown)

    def current(self, t_us: int) -> Cue | None:
        """The cue to show at `t_us`, None = calm."""
        s = self.state
        return s.shown if s.shown is not None and (s.phase_open or t_us < s.until_us) else None

    def age_ms(self, t_us: int) -> float:
        """How old the frame of this instant was when it was known, ms; NaN = not told."""
        row = int(np.searchsorted(self._t_us, t_us))
        if row < len(self._t_us) and self._t_us[row] == t_us:
            return int(self._known_us[row] - t_us) * 1e-3
        return self.state.newest[1] if self.state.newest[0] == t_us else nan

    def _objection(self, c: Condition) -> str:
        """Why it may not be said, whatever else is said; empty = it may."""
        if not c.enabled or not c.text:
            return "off in this drill"
        if reason := self._silence(c.t_emitted_us) or self.plan.silent(c.repetition):
            return reason
        for rule, side, repetition in self.state.last:
            if (rule, side) == (c.rule, c.side) and c.repetition - repetition < self._every:
                return "refractory"
        return ""

    def _silence(self, t_us: int) -> str:
        """Why nothing may be said at this frame; empty = something may."""
        if self.state.muted:
            return MUTED
        return "stale" if self.age_ms(t_us) > STALE_US * 1e-3 else ""

    def _in_the_way(self, c: Condition) -> str:
        """Which cue that is shown forbids it; empty = none does."""
        shown = self.current(c.t_emitted_us)
        if shown is None or c.priority > shown.priority:
            return ""
        return "lower priority" if c.priority < shown.priority else "one cue at a time"

    def _give(self, c: Condition, t_emitted_us: int, reason: str) -> Cue:
        s = self.state
        cue = self._cue(c, t_emitted_us, given=True, reason=reason)
        last: tuple[Key, ...] = (*(k for k in s.last if k[:2] != c.key[:2]), c.key)
        self.state = replace(s, shown=cue, until_us=t_emitted_us + self._show_us, phase_open=True, last=last)
        return cue

    def _forget(self, t_emitted_us: int, reasons: dict[Key, str]) -> tuple[Cue, ...]:
        """Those that wait under these keys are held back."""
        s = self.state
        held = [w for w in s.waiting if w.key in reasons]
        self.state = replace(s, waiting=tuple(w for w in s.waiting if w.key not in reasons))
        return tuple(self._cue(w, t_emitted_us, given=False, reason=reasons[w.key]) for w in held)

    def _cue(self, c: Condition, t_emitted_us: int, *, given: bool, reason: str) -> Cue:
        return Cue(
            c.t_us, t_emitted_us, c.rule, c.side, c.text, c.repetition, c.value, c.threshold, c.sigma, given, reason,
            c.priority, self.age_ms(t_emitted_us),
        )  # fmt: skip


def _excess(c: Condition) -> float:
    """How far beyond its limit, as a share of it; 0 if there is no telling."""
    share = abs(c.value - c.threshold) / abs(c.threshold) if c.threshold else nan
    return 0.0 if isnan(share) else share
