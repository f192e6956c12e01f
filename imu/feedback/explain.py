"""Why did it cue here, and why not? One repetition in words, from what was decided and nothing else.

Live, replayed and read back from a recording the same decisions give the same text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import degrees, isnan
from typing import Final

from imu.conventions import Side
from imu.outputs import Approach, Cue, Event, Repetition

UNITS: Final = {"tempo": ("s", 2), "cadence": ("steps/min", 1)}
"""Unit of a rule's values, and decimals shown; all others are angles: rad inside, degrees here."""

MEANING: Final = {
    "dwell": "too short: it was not beyond the limit for the dwell time",
    "quality": "the sensors could not tell for sure",
    "refractory": "the same was said a short while ago",
    "lower priority": "something more important was being said",
    "one cue at a time": "another cue was being given",
    "off in this drill": "this drill reports it and does not say it",
    "faded": "this repetition is one of those without cues: feedback fades",
    "retention set": "this set is without cues, to see what is kept",
    "muted": "the person wanted no cues",
    "stale": "it was too old when it could have been said",
    "sensors seem exchanged": "sensors seem exchanged: a cue might have named the wrong leg",
    "told once, at the end of the set": "it was told once, at the end of the set",
    "less frequent": "something else was more frequent in the set",
}
"""What a reason means, in words. Others speak for themselves."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Everything that was decided in a session."""

    repetitions: tuple[Repetition, ...]
    cues: tuple[Cue, ...]
    """Given and held back."""
    events: tuple[Event, ...] = ()


def numbers(decisions: Decisions) -> list[int]:
    """Repetitions (of a walk: steps) about which there is something to say, in order; also one that was never finished."""
    return sorted({r.number for r in decisions.repetitions} | {c.repetition for c in decisions.cues})


def explain(decisions: Decisions, number: int) -> list[str]:
    """Lines about repetition `number`: what it was, every cue given or held back, and how near every other rule came."""
    repetition = next((r for r in decisions.repetitions if r.number == number), None)
    cues = [c for c in decisions.cues if c.repetition == number]
    lines = [_headline(number, repetition, cues)]
    lines += [f"  {line}" for c in sorted(cues, key=lambda c: (c.t_emitted_us, c.t_us)) for line in _decided(c)]
    reported = _reported(decisions, repetition)
    for e in reported:
        lines.append(f"  {_seconds(e.t_emitted_us)}  tempo: reported, the drill has no words for it ({e.detail})")
    nearest = repetition.nearest if repetition is not None else ()
    told = [a for a in nearest if _was_decided(a, cues) or (reported and a.rule == "tempo")]
    lines += [f"  {_approached(a)}" for a in nearest if a not in told]
    if repetition is not None and "void" in repetition.faults:
        lines.append("  nothing else was judged: a sensor was unknown during it")
    elif not cues and not nearest:
        lines.append("  nothing was decided about it" if repetition else "  there was no such repetition")
    return lines


def explain_all(decisions: Decisions) -> list[str]:
    """The same of every repetition."""
    return [line for n in numbers(decisions) for line in explain(decisions, n)]


def _headline(number: int, r: Repetition | None, cues: Sequence[Cue]) -> str:
    if r is None and cues and all(c.rule == "cadence" for c in cues):
        return f"Step {number}"
    if r is None:
        return f"Repetition {number}: not finished"
    return f"Repetition {number}: {_seconds(r.t_start_us)} to {_seconds(r.t_end_us)}, {r.verdict}"


def _decided(c: Cue) -> list[str]:
    fate = "cued" if c.given else "held back"
    said = f" “{c.text}”" if c.text else ""
    first = f"{_seconds(c.t_emitted_us)}  {_rule(c.rule, c.side)}: {fate}{said}"
    meaning = MEANING.get(c.reason, c.reason)
    limit = _value(c.rule, c.threshold)
    if isnan(c.value):
        measured = f"limit {limit}"
    else:
        measured = f"{_value(c.rule, c.value)}, limit {limit}" + (f", 1σ {_value(c.rule, c.sigma)}" if c.sigma > 0 else "")
    when = f"met at {_seconds(c.t_us)}" + ("" if isnan(c.age_ms) else f", data {c.age_ms:.0f} ms old")
    return [first, f"    because: {meaning} ({measured}; {when})"]


def _approached(a: Approach) -> str:
    if isnan(a.value):
        why = f"; {a.detail}" if a.detail else ""
        return f"{_rule(a.rule, a.side)}: not judged in this repetition (limit {_value(a.rule, a.threshold)}{why})"
    sigma = f", 1σ {_value(a.rule, a.sigma)}" if a.sigma > 0 else ""
    what = f" ({a.detail})" if a.detail else ""
    return (
        f"{_rule(a.rule, a.side)}: nothing exceeded, nearest {_value(a.rule, a.value)} at {_seconds(a.t_us)},"
        f" limit {_value(a.rule, a.threshold)}{sigma}{what}"
    )


def _reported(decisions: Decisions, r: Repetition | None) -> list[Event]:
    """What this drill reports of a repetition and has no words for."""
    if r is None:
        return []
    return [e for e in decisions.events if e.kind == "tempo_slow" and r.t_start_us <= e.t_us <= r.t_end_us]


def _was_decided(a: Approach, cues: Sequence[Cue]) -> bool:
    return any(c.rule == a.rule and (c.side is None or c.side == a.side) for c in cues)


def _rule(rule: str, side: Side | None) -> str:
    return f"{rule} {side}" if side else rule


def _value(rule: str, value: float) -> str:
    unit, decimals = UNITS.get(rule, ("°", 1))
    shown = degrees(value) if unit == "°" else value
    text = f"{shown:.{decimals}f}"
    if float(text) == 0.0:
        text = text.removeprefix("-")
    return f"{text}°" if unit == "°" else f"{text} {unit}"


def _seconds(t_us: int) -> str:
    return f"{t_us / 1e6:.2f} s"
