"""`imu drills`: what is in the library, a drill's text to copy, and whether a drill of one's own is as it should be."""

from __future__ import annotations

import argparse
from pathlib import Path

from imu.commands.arguments import drill_file
from imu.commands.session import say
from imu.feedback.cadence_drill import CadenceDrill
from imu.feedback.drill import AnyDrill, Drill, drill_names, drill_text, load_drill
from imu.feedback.drill_reader import describe


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = subparsers.add_parser("drills", help="list the drills, print one to copy and edit, check one of your own")
    p.add_argument("name", nargs="?", metavar="NAME", help="print this drill, to copy into a file of your own")
    p.add_argument("--check", type=Path, metavar="FILE.toml", help="say everything that is wrong with a drill of your own")
    p.add_argument("--fields", action="store_true", help="every key of a drill and what it means")
    p.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.check:
        drill = load_drill(drill_file(str(arguments.check)), str(arguments.check))
        say(f"{arguments.check}: in order", *lines_of(drill))
    elif arguments.fields:
        say(*(f"{key}\n    {text}" for key, text in describe(Drill)))
    elif arguments.name:
        say(drill_text(arguments.name).rstrip())
    else:
        for name in drill_names():
            say(*lines_of(load_drill(drill_text(name), name)))
    return 0


def lines_of(drill: AnyDrill) -> list[str]:
    """A drill in a few lines."""
    lines = [f"{drill.name:22s}{drill.title}"]
    if isinstance(drill, CadenceDrill):
        lines.append(f"  {drill.cadence.steps_per_minute:g} steps per minute")
    else:
        s, t = drill.signal, drill.target
        whose = {"both": "both legs", "one": "one leg", "alternating": "legs in turn"}[s.legs]
        lines.append(f"  {drill.target_count} x {drill.tempo.label}, {whose}, counted by {s.angle}")
        lines.append(f"  aim {t.aim_deg:g}° of {t.angle} ({t.low_deg:g} to {t.high_deg:g})")
        watched = [*(("valgus",) if drill.knees_judged else ()), *(c.name for c in drill.compensations)]
        lines.append(f"  watches {', '.join([*watched, *(m.name for m in drill.metrics if m.text)])}")
    for word, steps in (("easier", drill.easier), ("harder", drill.harder)):
        if steps:
            lines.append(f"  {word}: {', '.join(steps)}")
    lines += [f"  not seen: {sentence}" for sentence in drill.unseen]
    return lines
