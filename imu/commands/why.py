"""`imu why FILE`: why a cue came in a repetition, or why none did, from a replay or as it was recorded."""

from __future__ import annotations

import argparse
from pathlib import Path

from imu.commands.arguments import (
    add_calibration,
    add_drill,
    add_exchange,
    add_windows,
    calibration_of,
    drill_of,
    drill_text_of,
)
from imu.commands.baseline import add_baseline, baseline_of
from imu.errors import RecordingError
from imu.feedback.explain import Decisions, explain, explain_all, numbers
from imu.processing import process
from imu.recording import Recording, load
from imu.recording.decisions import recorded_decisions


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = subparsers.add_parser(
        "why",
        help="why it cued in a repetition, or why not",
        description="Why it cued in a repetition, or why not: every decision with value, limit and reason, and how near "
        "each other rule came to its limit.",
    )
    p.add_argument("file", type=Path, help="a .mcap, a session folder, or a vendor's file or folder")
    p.add_argument("--repetition", type=int, metavar="N", help="only this one (default: all)")
    p.add_argument(
        "--recorded",
        action="store_true",
        help="what the live session decided, as it lies in the recording (default: decide again, as a replay does)",
    )
    add_baseline(p)
    add_drill(p)
    add_windows(p)
    add_calibration(p)
    add_exchange(p)
    p.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    recording = load(arguments.file)
    decisions = recorded_decisions(recording) if arguments.recorded else _decided_again(recording, arguments)
    known = numbers(decisions)
    if not known:
        raise RecordingError(_nothing(arguments))
    if arguments.repetition is None:
        print("\n".join(explain_all(decisions)))
        return 0
    if arguments.repetition not in known:
        raise RecordingError(f"{arguments.file} has no repetition {arguments.repetition}; there are {_ranges(known)}")
    print("\n".join(explain(decisions, arguments.repetition)))
    return 0


def _decided_again(recording: Recording, arguments: argparse.Namespace) -> Decisions:
    baseline = baseline_of(arguments, drill_text_of(arguments, recording.setup.drill_toml))
    result = process(
        recording, drill_of(arguments), baseline, stand_s=arguments.stand, movement_s=arguments.movement,
        calibration=calibration_of(arguments), exchange=arguments.exchange, cadence=arguments.cadence,
    )  # fmt: skip
    return Decisions(result.repetitions, result.decisions, result.events)


def _nothing(arguments: argparse.Namespace) -> str:
    if arguments.recorded:
        return f"{arguments.file} holds no decisions of a live session; leave --recorded away to decide again"
    return f"{arguments.file}: no repetition was counted and no cue decided; name a drill with --drill if there was none"


def _ranges(known: list[int]) -> str:
    """1 to 8, or the numbers themselves."""
    whole = known == list(range(known[0], known[-1] + 1)) and len(known) > 2
    return f"{known[0]} to {known[-1]}" if whole else ", ".join(map(str, known))
