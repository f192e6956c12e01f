"""The end of a set in words and shares, for the screen and for the text: one sentence, what it rests on, what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import degrees, isfinite, nan, radians
from typing import Final

from imu.conventions import SIDES, Side
from imu.feedback.drill import Drill
from imu.feedback.set_summary import FEWEST, Drift, SetSummary, summarise_set
from imu.outputs import Cue, Repetition
from imu.snapshot import ShareView, SummaryView

MOST_FAULTS: Final = 3
"""Kinds of faults that are named to the person; all of them are in the results."""
IN_WORDS: Final = {
    "seconds_up": "way up",
    "smoothness_up": "smoothness of the way up",
    "shank_frontal_tilt": "shin inward",
    "thigh_frontal_tilt": "thigh inward",
    "shank": "shin",
}
"""Parts of a drift's name, as people say them."""
NOT_JUDGED: Final = "knee not judged"


def summary_view(drill: Drill, repetitions: Sequence[Repetition], decisions: Sequence[Cue] = ()) -> SummaryView:
    """Of one set, in order."""
    summary = summarise_set(drill, repetitions, decisions)
    done = [r for r in repetitions if "void" not in r.faults]
    notes = (*_faults(drill, repetitions), *_unjudged(done), *_trend(summary, done))
    return SummaryView(summary.sentence, shares_of(drill, summary, done) if done else (), notes)


def shares_of(drill: Drill, summary: SetSummary, done: Sequence[Repetition]) -> tuple[ShareView, ...]:
    """Up to three: knee, depth and tempo; of a hold the longest of each side."""
    n, rule = len(done), drill.tempo_rule
    if drill.held:
        return (*(_hold(drill, side, value) for side, value in summary.best.items()), _share(summary.clean, n, "clean"))[:3]
    shares = [_knee(done) if drill.knees_judged else _share(summary.clean, n, "clean")]
    known = [r for r in done if isfinite(r.depth)]
    if known:
        shares.append(_share(sum(r.depth >= radians(drill.target.low_deg) for r in known), len(known), "target depth"))
    timed = [r for r in done if "tempo" in r.faults or isfinite(r.phases.descent_s + r.phases.ascent_s)]
    if timed and drill.tempo.down_s + drill.tempo.up_s > 0.0 and (rule.fast_down or rule.fast_up):
        shares.append(_share(sum("tempo" not in r.faults for r in timed), len(timed), "tempo kept"))
    return tuple(shares)


def _share(n: int, of: int, word: str) -> ShareView:
    return ShareView(str(n), f"of {of}", n / of if of else nan, word)


def _knee(done: Sequence[Repetition]) -> ShareView:
    """Of the repetitions in which the knees were judged."""
    fell_in = [any(f.startswith("valgus") for f in r.faults) for r in done]
    judged = [bad for r, bad in zip(done, fell_in, strict=True) if bad or not r.unjudged]
    return _share(len(judged) - sum(judged), len(judged), "knee aligned") if judged else ShareView("–", "", nan, NOT_JUDGED)


def _hold(drill: Drill, side: Side | None, value: float) -> ShareView:
    where = f", {side}" if side else ""
    if drill.score == "time":
        aim = drill.tempo.hold_s
        return ShareView(f"{value:.0f} s", f"of {aim:g}", value / aim if aim else nan, f"longest hold{where}")
    aim = drill.target.aim_deg
    return ShareView(f"{degrees(value):.0f}°", f"of {aim:g}", degrees(value) / aim, f"furthest{where}")


def _faults(drill: Drill, repetitions: Sequence[Repetition]) -> Iterator[tuple[str, str]]:
    """(mark, sentence) of the most frequent faults; of those that were not counted always."""
    found: dict[str, list[int]] = {}
    for r in repetitions:
        for name in r.faults:
            found.setdefault(name, []).append(r.number)
    void = found.pop("void", [])
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST_FAULTS]
    for name, numbers in sorted(ordered, key=lambda item: item[1]):
        mark = "tempo" if name == "tempo" else "cued"
        yield mark, f"{numbered(numbers)}: {fault_words(drill, name)}"
    if void:
        yield "void", f"{numbered(void)}: not counted, a sensor was silent"


def fault_words(drill: Drill, name: str) -> str:
    """What happened; where the drill only has words for what to do, those."""
    side = next((side for side in SIDES if name.endswith(f"_{side}")), None)
    plain = name.removesuffix(f"_{side}")
    if plain == "valgus":
        return f"{side} knee moved inward" if side else "knees moved inward"
    if name in ("tempo", "partial"):
        return {"tempo": "too fast", "partial": "not deep enough"}[name]
    text = next((rule.text for rule in (*drill.compensations, *drill.metrics) if rule.name == plain and rule.text), "")
    said = f"{text[0].lower()}{text[1:]}" if text else plain.replace("_", " ")
    return f"{said} ({side})" if side else said


def _unjudged(done: Sequence[Repetition]) -> Iterator[tuple[str, str]]:
    """(mark, sentence) for every reason why knees were not judged."""
    found: dict[tuple[str, ...], dict[str, list[int]]] = {}
    for r in done:
        by_reason: dict[str, tuple[str, ...]] = {}
        for name, why in r.unjudged.items():
            by_reason[why] = (*by_reason.get(why, ()), name.rpartition("_")[2])
        for why, sides in by_reason.items():
            found.setdefault(sides, {}).setdefault(why, []).append(r.number)
    for sides, reasons in found.items():
        which = "Knee alignment" if len(sides) > 1 else f"Alignment of the {' and '.join(sides)} knee"
        for why, numbers in reasons.items():
            when = "" if len(numbers) == len(done) else f" in {numbered(numbers).lower()}"
            yield "counted", f"{which} not judged{when}: {why}"


def _trend(summary: SetSummary, done: Sequence[Repetition]) -> Iterator[tuple[str, str]]:
    """(mark, sentence): did the last repetitions differ from the first ones?"""
    if summary.drifts:
        mark = "tired" if summary.fatigue else "changed"
        drifts = sorted(summary.drifts, key=lambda d: not d.tiring)[:2]
        yield mark, f"First three to last three: {', '.join(drift_words(d) for d in drifts)}"
    elif max((sum(r.side == side for r in done) for side in (*SIDES, None)), default=0) >= FEWEST:
        yield "steady", "The last repetitions were like the first ones"


def drift_words(d: Drift) -> str:
    """`depth 92° → 80°`, `way up 2.0 → 2.9 s`, `left shin inward 2° → 7°`."""
    name, side = d.name, next((side for side in SIDES if d.name.endswith(f"_{side}")), None)
    if side is not None:
        name = f"{side} {name.removesuffix(f'_{side}')}"
    for key, words in IN_WORDS.items():
        name = name.replace(key, words)
    name = name.replace("_", " ")
    if d.name.startswith("seconds"):
        return f"{name} {d.first:.1f} → {d.last:.1f} s"
    if d.name.startswith("smoothness"):
        return f"{name} {d.first:.1f} → {d.last:.1f}"
    return f"{name} {degrees(d.first):.0f}° → {degrees(d.last):.0f}°"


def numbered(numbers: Sequence[int]) -> str:
    """`Repetition 3`, `Repetitions 3 and 6`, `Repetitions 1 to 4`, `Repetitions 1, 3 and 6`."""
    if len(numbers) == 1:
        return f"Repetition {numbers[0]}"
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"Repetitions {numbers[0]} to {numbers[-1]}"
    return f"Repetitions {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
