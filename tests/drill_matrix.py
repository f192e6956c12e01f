"""What every drill of the library says of simulated people: clean, with each fault in two sizes, and with lost packets.

    PYTHONPATH=. python tests/drill_matrix.py [--drill squat] [--seeds 40] [--clean 200] [--people 4] [--feet]

Two lines in the table of a drill are about clean sets (until there are so many repetitions) and clean sets of which 2 % of
the packets are lost. The others are about one fault in one size, of each leg or on each side, in `--people` sets in which
every other repetition is clean. Columns:

    n        repetitions performed (with the fault)
    miss     counted otherwise than performed: sets (clean), repetitions with the fault (else)
    named    the repetition carries the fault
    said     the cue was given in the same repetition, and (next) not there but in the next one
    outrank  it was held back for another cue only
    side     the cue was given with another side than the fault's
    also     other cues given in the same repetition
    beside   cues given in clean repetitions of the same set (told in the line of the moderate size)
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from drill_faults import FAULTS, SIMULATED, Told, performed, placed, rule_of, told
from simulated_drills import DRILLS, perform_drill

from firmware_sim.activities import FaultKind
from imu.outputs import Cue

OUTRANKED = ("lower priority", "one cue at a time")
LOSS = 0.02
HEAD = f"{'':24}{'n':>5}{'miss':>6}{'named':>7}{'said':>6}{'next':>6}{'outrank':>9}{'side':>6}  also / beside"


@dataclass
class Row:
    """One line of the table."""

    label: str
    n: int = 0
    missed: int = 0
    named: int = 0
    said: int = 0
    later: int = 0
    outranked: int = 0
    wrong_side: int = 0
    also: Counter[str] = field(default_factory=Counter)
    beside: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        more = f"{words(self.also)} / {words(self.beside)}" if self.also or self.beside else ""
        return (
            f"{self.label:24}{self.n:5}{self.missed:6}{self.named:7}{self.said:6}{self.later:6}{self.outranked:9}"
            f"{self.wrong_side:6}  {more}"
        ).rstrip()


def words(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.most_common()) or "-"


def label(cue: Cue) -> str:
    return cue.rule if cue.side is None else f"{cue.rule} {cue.side}"


def clean(drill: str, seed: int, least: int, loss: float, feet: bool) -> Row:
    """Clean sets of one person after the other."""
    row = Row("clean" if not loss else f"clean, {100 * loss:g} % lost")
    size = 1 if drill == "single_leg_balance" else 10 if DRILLS[SIMULATED[drill]].legs == 1 else 5
    while row.n < least:
        done, result = performed(drill, seed, loss=loss, repetitions=size, feet=feet)
        row.n += len(done.whole)
        row.missed += bool(done.differences(result))
        row.named += sum(bool(r.faults) for r in result.repetitions)
        row.beside.update(label(c) for c in result.cues)
        forget()
        seed += 1
    return row


def faulty(drill: str, kind: FaultKind, seeds: range, feet: bool) -> tuple[Row, Row]:
    """One fault in both sizes."""
    sizes = FAULTS[drill][kind]
    rows = Row(f"{kind} {sizes[0]:g}"), Row(f"{kind} {sizes[1]:g}")
    rule = rule_of(drill, kind)
    for seed in seeds:
        faults, repetitions = placed(drill, kind, True)
        done, result = performed(drill, seed, faults, repetitions=repetitions, feet=feet)
        slow = [e.t_us for e in result.events if e.kind == "tempo_slow"]
        of_faults = set()
        for one in told(drill, seed, kind, apart=True, feet=feet):
            row = rows[one.plain]
            row.n += 1
            aborted = kind == "turns_back" and drill != "sit_to_stand"
            row.missed += (one.repetition is None) != aborted
            if one.repetition is not None:
                of_faults.add(one.repetition.number)
                truth = done.repetitions[one.fault.repetition - 1]
                if rule == "tempo_slow":
                    row.said += any(truth.start_s * 1e6 <= t <= truth.end_s * 1e6 + 1e6 for t in slow)
            judge(row, one, rule)
        for cue in result.cues:
            if cue.repetition not in of_faults:
                rows[0].beside[label(cue)] += 1
        if kind != "touch_down" and len(result.repetitions) != len(done.whole):  # a broken hold is two
            rows[0].also[f"{len(result.repetitions) - len(done.whole):+} counted"] += 1
        forget()
    return rows


def judge(row: Row, one: Told, rule: str) -> None:
    """Note what was decided about one fault."""
    name = "partial" if rule == "depth" else rule
    if one.repetition is not None and name:
        row.named += any(fault == name or fault.startswith(f"{name}_") for fault in one.repetition.faults)
    given, later = ([c for c in cues if c.given and c.rule == rule] for cues in (one.cues, one.later))
    row.said += bool(given)
    row.later += bool(later) and not given
    row.outranked += not given and any(c.rule == rule and c.reason in OUTRANKED for c in one.cues)
    row.wrong_side += any(one.fault.side is not None and c.side != one.fault.side for c in given)
    row.also.update(c.rule for c in one.cues if c.given and c.rule != rule)


def forget() -> None:
    """Sets are long; none is needed twice."""
    performed.cache_clear()
    perform_drill.cache_clear()


def table(drill: str, seed: int, least: int, people: int, feet: bool) -> Iterator[Row]:
    yield clean(drill, seed, least, 0.0, feet)
    yield clean(drill, seed, least // 4, LOSS, feet)
    for kind in FAULTS[drill]:
        yield from faulty(drill, kind, range(seed, seed + people), feet)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description="What every drill of the library says of simulated people.")
    parser.add_argument("--drill", choices=[*SIMULATED, "all"], default="all", help="one drill, or all of them")
    parser.add_argument("--seeds", type=int, default=40, help="the first person")
    parser.add_argument("--clean", type=int, default=200, help="clean repetitions of each drill, at least")
    parser.add_argument("--people", type=int, default=4, help="sets of each fault, one person each")
    parser.add_argument("--feet", action="store_true", help="sensors on the feet, too")
    given = parser.parse_args()
    for drill in SIMULATED if given.drill == "all" else [given.drill]:
        say(f"\n{drill}\n{HEAD}")
        for row in table(drill, given.seeds, given.clean, given.people, given.feet):
            say(str(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
