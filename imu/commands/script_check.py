"""What the simulated person was told to do, against what the system saw."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import nan
from pathlib import Path

from imu.errors import RecordingError
from imu.result import Result


@dataclass(frozen=True, slots=True)
class ScriptedRepetition:
    """One repetition of the script, as far as the check needs it."""

    number: int
    kind: str
    cues: tuple[tuple[str, str | None], ...]
    """(rule, side) of every cue it must cause."""


@dataclass(frozen=True, slots=True)
class ScriptedSet:
    """A set of repetitions."""

    repetitions: tuple[ScriptedRepetition, ...]

    def check(self, result: Result) -> tuple[list[str], bool]:
        """Lines for people, and whether counts and cues are exactly the scripted ones."""
        counted, script = len(result.repetitions), self.repetitions
        given = _given(result)
        lines = [f"Script       {len(script)} repetitions, {counted} counted: {_verdict(counted == len(script))}"]
        agrees = counted == len(script)
        for r in script:
            wanted, got = sorted(r.cues, key=str), sorted(given.pop(r.number, []), key=str)
            same = wanted == got
            agrees = agrees and same
            what = f"scripted {_named(wanted):24s} cued {_named(got):24s}"
            lines.append(f"  {r.number:3d}  {r.kind:8s} {what} {_verdict(same)}")
        for number, got in given.items():
            agrees = False
            lines.append(f"  {number:3d}  not in the script, cued {_named(got)}  DIFFERENT")
        return lines, agrees


@dataclass(frozen=True, slots=True)
class ScriptedWalk:
    """A walk with one stretch that drifts; s since its first step."""

    from_s: float
    until_s: float
    too_slow: bool

    def check(self, result: Result) -> tuple[list[str], bool]:
        """Lines for people, and whether the drift was cued, in its direction, and nothing else was."""
        began = [e.t_us for e in result.events if e.kind == "walk_started"]
        direction = "too slow" if self.too_slow else "too fast"
        lines = [f"Script       a walk, {direction} from {self.from_s:.0f} s to {self.until_s:.0f} s after its first step"]
        agrees = len(began) == 1 and bool(result.cues)
        for cue in result.cues:
            after_s = 1e-6 * (cue.t_us - began[0]) if began else nan
            # a value below the limit is a cadence that is too low
            same = self.from_s < after_s < self.until_s and (cue.value < cue.threshold) == self.too_slow
            agrees = agrees and same
            lines.append(f"  cued “{cue.text}” at {after_s:.1f} s ({cue.value:.0f} steps per minute)  {_verdict(same)}")
        if not result.cues:
            lines.append(f"  not cued  {_verdict(False)}")
        return lines, agrees


def read_script(file: Path) -> ScriptedSet | ScriptedWalk:
    """What `firmware_sim` has written that it performs."""
    try:
        script = json.loads(file.read_text("utf-8"))
        if "walk_start_s" in script:
            (cue,), began = script["expected_cues"], float(script["walk_start_s"])
            return ScriptedWalk(float(cue["from_s"]) - began, float(cue["until_s"]) - began, cue["direction"] == "too_slow")
        return ScriptedSet(
            tuple(
                ScriptedRepetition(
                    int(r["number"]), str(r["kind"]), tuple((str(c["rule"]), c.get("side")) for c in r["expected_cues"])
                )
                for r in script["repetitions"]
            )
        )
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise RecordingError(f"the script of the simulated set cannot be read ({e!r}); start the demo again") from e


def _given(result: Result) -> dict[int, list[tuple[str, str | None]]]:
    cues: dict[int, list[tuple[str, str | None]]] = {}
    for cue in result.cues:
        cues.setdefault(cue.repetition, []).append((cue.rule, cue.side))
    return cues


def _named(cues: list[tuple[str, str | None]]) -> str:
    return ", ".join(f"{rule} {side}" if side else rule for rule, side in cues) or "nothing"


def _verdict(same: bool) -> str:
    return "as scripted" if same else "DIFFERENT"
