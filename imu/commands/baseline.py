"""The option --baseline: a person's approved set, from its recording."""

from __future__ import annotations

import argparse
from pathlib import Path

from imu.errors import ConfigError, ImuError
from imu.feedback.drill import Drill, load_drill
from imu.feedback.judge import comparable
from imu.processing import process
from imu.recording import load
from imu.result import Result


def add_baseline(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--baseline",
        type=Path,
        metavar="FILE",
        help="recording of an approved set of this person with the same drill: knee, depth and lean are judged against it",
    )


def baseline_of(arguments: argparse.Namespace, drill_toml: str, *, correct_accelerometers: bool = False) -> Result | None:
    """The approved set that was named, as the same drill counts it; None = none was named.

    ConfigError or RecordingError, before anything else is begun, if it cannot serve.
    """
    path: Path | None = arguments.baseline
    if path is None:
        return None
    drill = load_drill(drill_toml, "drill of this session") if drill_toml else None
    if drill is None:
        raise ConfigError("a baseline needs a drill that is judged against it; name one with --drill")
    if not isinstance(drill, Drill) or not comparable(drill):
        raise ConfigError(f"drill {drill.name} is not compared with an approved set; leave the baseline away")
    result = process(load(path), drill_toml, correct_accelerometers=correct_accelerometers)
    try:
        _ = result.approved
    except ImuError as e:
        raise ConfigError(f"{path}: {e}") from e
    return result


def approved_text(arguments: argparse.Namespace, drill_toml: str) -> str:
    """The same as `Setup.baseline` holds it; empty = none was named."""
    result = baseline_of(arguments, drill_toml)
    return "" if result is None else result.approved.to_json()
