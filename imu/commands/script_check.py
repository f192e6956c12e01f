"""What the simulated person was told to do, against what the system saw."""

from __future__ import annotations

import json
from dataclasses import dataclass
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


def read_script(file: Path) -> tuple[ScriptedRepetition, ...]:
    """The repetitions of a script that `firmware_sim` has written."""
    try:
        script = json.loads(file.read_text("utf-8"))
        return tuple(
            ScriptedRepetition(
                int(r["number"]), str(r["kind"]), tuple((str(c["rule"]), c.get("side")) for c in r["expected_cues"])
            )
            for r in script["repetitions"]
        )
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise RecordingError(f"the script of the simulated set cannot be read ({e!r}); start the demo again") from e


def check_lines(script: tuple[ScriptedRepetition, ...], result: Result) -> tuple[list[str], bool]:
    """Lines for people, and whether counts and cues are exactly the scripted ones."""
    counted = len(result.repetitions)
    given = _given(result)
    lines = [f"Script       {len(script)} repetitions, {counted} counted: {_verdict(counted == len(script))}"]
    agrees = counted == len(script)
    for r in script:
        wanted, got = sorted(r.cues, key=str), sorted(given.pop(r.number, []), key=str)
        same = wanted == got
        agrees = agrees and same
        lines.append(f"  {r.number:3d}  {r.kind:8s} scripted {_named(wanted):24s} cued {_named(got):24s} {_verdict(same)}")
    for number, got in given.items():
        agrees = False
        lines.append(f"  {number:3d}  not in the script, cued {_named(got)}  DIFFERENT")
    return lines, agrees


def _given(result: Result) -> dict[int, list[tuple[str, str | None]]]:
    cues: dict[int, list[tuple[str, str | None]]] = {}
    for cue in result.cues:
        cues.setdefault(cue.repetition, []).append((cue.rule, cue.side))
    return cues


def _named(cues: list[tuple[str, str | None]]) -> str:
    return ", ".join(f"{rule} {side}" if side else rule for rule, side in cues) or "nothing"


def _verdict(same: bool) -> str:
    return "as scripted" if same else "DIFFERENT"
