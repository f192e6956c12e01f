"""What a set came to: how many, how clean, what drifted, and one sentence for the person. Pure functions of its results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import degrees, isfinite, isnan, nan, radians
from typing import Final

import numpy as np

from imu.conventions import SIDES, Side
from imu.feedback.drill import Drill
from imu.outputs import Cue, Repetition

ENDS: Final = 3
"""Repetitions at each end of a set whose means are compared."""
FEWEST: Final = 2 * ENDS
SPREADS: Final = 2.0
"""The last ones have drifted when their mean is further from that of the first than so many standard deviations."""
LEAST_SD: Final[Mapping[str, float]] = {
    "depth": radians(3.3), "angle": radians(1.2), "lean": radians(2.9), "seconds": 0.23, "smoothness": 0.1,
}  # fmt: skip
"""Spread of single repetitions, at least: three repetitions alike by chance would make anything a drift. Depth, pelvis,
shin and time of 40 recorded sets of squats; smoothness is an assumption."""
WORSE: Final[Mapping[str, int]] = {"depth": -1, "seconds": 0, "smoothness": -1, "angle": 1}
"""The direction that tires: less deep, less smooth, further out; a slower way up, or a hurried one, both."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A quantity whose last repetitions differ from the first."""

    name: str
    """`depth`, `seconds_up`, `smoothness_up`, or an excursion or compensation by its name."""
    first: float
    last: float
    """Mean of the first and the last three, rad or s."""
    per_repetition: float
    """Slope over the set (median of all pairs), in the same unit."""
    spread: float
    """Standard deviation that the change was compared with."""
    tiring: bool
    """In the direction in which people tire."""


@dataclass(frozen=True, slots=True)
class SetSummary:
    counted: int = 0
    clean: int = 0
    void: int = 0
    faults: tuple[tuple[str, int], ...] = ()
    """(name, repetitions) of every fault, the most frequent first."""
    outside: tuple[tuple[str, int], ...] = ()
    """(name, repetitions) of metrics outside their band."""
    drifts: tuple[Drift, ...] = ()
    fatigue: bool = False
    """Something drifted in the direction of tiring: the end of the set is advised."""
    best: Mapping[Side | None, float] = field(default_factory=dict)
    """Of a hold, by side: the longest, s; of an angle the largest depth, rad. Empty where repetitions are counted."""
    side_difference: float = nan
    """Left minus right mean depth, rad; NaN = not of two legs in turn."""
    cues_given: int = 0
    cues_held: int = 0
    sentence: str = ""


def summarise_set(drill: Drill, repetitions: Sequence[Repetition], decisions: Sequence[Cue] = ()) -> SetSummary:
    """Summary of the repetitions of one set, in order, and of its decisions."""
    done = [r for r in repetitions if "void" not in r.faults]
    clean = sum(r.clean for r in done)
    faults = Counter(name for r in done for name in r.faults)
    outside = Counter(name for r in done for name in outside_band(drill, r))
    drifts = drifts_of(drill, done)
    best = _best(drill, done)
    depths = {side: [r.depth for r in done if r.side == side and isfinite(r.depth)] for side in SIDES}
    difference = float(np.mean(depths["left"]) - np.mean(depths["right"])) if all(depths.values()) else nan
    given = sum(c.given for c in decisions)
    summary = SetSummary(
        len(done), clean, len(repetitions) - len(done), _ordered(faults), _ordered(outside), drifts,
        any(d.tiring for d in drifts), best, difference, given, len(decisions) - given,
    )  # fmt: skip
    return replace(summary, sentence=sentence_of(drill, summary))


def outside_band(drill: Drill, repetition: Repetition) -> list[str]:
    """Metrics of a repetition, with their sides, that are outside their band."""
    found = []
    for metric in drill.metrics:
        for name in (metric.name, *(f"{metric.name}_{side}" for side in SIDES)):
            value = repetition.measures.get(name, nan)
            if value < radians(metric.low_deg) or value > radians(metric.high_deg):
                found.append(name)
    return found


def drifts_of(drill: Drill, done: Sequence[Repetition]) -> tuple[Drift, ...]:
    """What differs between the first and the last repetitions by more than twice their spread.

    Each leg is compared with itself: legs in turn differ without anybody tiring.
    """
    found = []
    for side in dict.fromkeys(r.side for r in done):
        of_side = [r for r in done if r.side == side]
        for name, kind, values in _series(drill, of_side):
            drift = _drift(name if side is None or name.endswith(f"_{side}") else f"{name}_{side}", kind, values)
            if drift is not None:
                found.append(drift)
    return tuple(found)


def _series(drill: Drill, done: Sequence[Repetition]) -> list[tuple[str, str, list[float]]]:
    """(name, kind, one value per repetition)."""
    up = drill.tempo.phases.index("up")
    out: list[tuple[str, str, list[float]]] = [
        ("depth", "depth", [r.depth for r in done]),
        ("seconds_up", "seconds", [r.phases.ascent_s for r in done]),
        ("smoothness_up", "smoothness", [r.measures.get(f"smoothness_{drill.tempo.phases[up]}", nan) for r in done]),
    ]
    names = dict.fromkeys(key for r in done for key in r.excursions if not key.endswith("_return"))
    out += [(name, "angle", [r.excursions.get(name, nan) for r in done]) for name in names]
    for rule in drill.compensations:
        for name in (rule.name, *(f"{rule.name}_{side}" for side in SIDES)):
            values = [r.measures.get(name, nan) for r in done]
            if not all(map(isnan, values)):
                sign = -1.0 if rule.way == "below" else 1.0
                kind = "lean" if rule.angle.startswith("pelvis") else "angle"
                out.append((name, kind, [abs(v) if rule.way == "beyond" else sign * v for v in values]))
    return out


def _drift(name: str, kind: str, values: Sequence[float]) -> Drift | None:
    known = np.array([v for v in values if isfinite(v)])
    if len(known) < FEWEST:
        return None
    first, last = known[:ENDS], known[-ENDS:]
    spread = max(float(np.std(first, ddof=1)), LEAST_SD[kind])
    change = float(last.mean() - first.mean())
    # of the middle one too: a single repetition with a fault is that fault, and no drift
    if min(abs(change), abs(float(np.median(last) - first.mean()))) <= SPREADS * spread:
        return None
    i, j = np.triu_indices(len(known), 1)
    slope = float(np.median((known[j] - known[i]) / (j - i)))
    worse = WORSE.get(kind, 1)
    return Drift(name, float(first.mean()), float(last.mean()), slope, spread, worse == 0 or change * worse > 0.0)


def _best(drill: Drill, done: Sequence[Repetition]) -> dict[Side | None, float]:
    if not drill.held:
        return {}
    best: dict[Side | None, float] = {}
    for r in done:
        pause = r.phases.top_s if drill.tempo.first == "up" else r.phases.bottom_s
        value = pause if drill.score == "time" else r.depth
        if isfinite(value):
            best[r.side] = max(best.get(r.side, value), value)
    return best


def _ordered(counts: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def sentence_of(drill: Drill, s: SetSummary) -> str:
    """One sentence to the person: what was done, and one thing to think of."""
    if s.counted == 0:
        return "The set has ended. Nothing was counted."
    if drill.held:
        done = "Longest hold" if drill.score == "time" else "Furthest"
        unit = "s" if drill.score == "time" else "degrees"
        shown = {side: v if drill.score == "time" else degrees(v) for side, v in s.best.items()}
        parts = ", ".join(f"{value:.0f} {unit}{f' on the {side}' if side else ''}" for side, value in shown.items())
        done = f"{done} {parts}" if parts else "Well done"
    else:
        noun = "repetition" if s.counted == 1 else "repetitions"
        clean = "all of them clean" if s.clean == s.counted else f"{s.clean} of them clean"
        done = f"Well done, {s.counted} {noun}" + (f", {clean}" if s.counted > 1 and s.clean else "")
    if s.fatigue:
        return f"{done}; the last ones changed, so rest before the next set."
    text = _advice(drill, s)
    return f"{done}. Next time: {text[0].lower()}{text[1:]}." if text else f"{done}."


def _advice(drill: Drill, s: SetSummary) -> str:
    """The sentence of the most frequent fault, if it was in a third of the repetitions."""
    for name, count in s.faults:
        if 3 * count < s.counted:
            break
        if name.startswith("valgus") and drill.knees_judged:
            return drill.valgus.text
        if name == "partial":
            return drill.depth.text
        if name == "tempo":
            return drill.tempo_rule.fast_down or drill.tempo_rule.fast_up
        for rule in (*drill.compensations, *drill.metrics):
            if rule.text and name in (rule.name, *(f"{rule.name}_{side}" for side in SIDES)):
                return rule.text
    return ""
