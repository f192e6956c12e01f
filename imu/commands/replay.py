"""`imu replay FILE`: a recording through the live engine, in the dashboard or headless."""

from __future__ import annotations

import argparse
from pathlib import Path

from imu.commands.arguments import (
    add_calibration,
    add_drill,
    add_exchange,
    add_height,
    add_strides,
    add_windows,
    calibration_of,
    drill_of,
    speed,
)
from imu.commands.baseline import add_baseline, approved_text
from imu.commands.session import audio_for, perform, say
from imu.engine import Engine
from imu.processing import session_setup
from imu.recording import load
from imu.sources import ReplaySource
from imu.summary import summary_lines


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = subparsers.add_parser("replay", help="show a recording as it was live")
    p.add_argument("file", type=Path, help="a .mcap, a session folder, or a vendor's file or folder")
    p.add_argument("--speed", type=speed, default=1.0, help="0.1 to 4, or max (headless)")
    p.add_argument("--headless", action="store_true", help="no window")
    p.add_argument("--sound", action="store_true", help="sound the cues again")
    p.add_argument("--screenshot", type=Path, help="save a picture of mid-set here (new file)")
    add_baseline(p)
    add_drill(p)
    add_windows(p)
    add_calibration(p)
    add_exchange(p)
    add_height(p)
    add_strides(p)
    p.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    recording = load(arguments.file)
    setup = session_setup(
        recording.setup, drill_of(arguments), arguments.stand, arguments.movement,
        calibration=calibration_of(arguments), exchange=arguments.exchange, height_m=arguments.height,
        cadence=arguments.cadence,
    )  # fmt: skip
    if arguments.baseline is not None:
        setup = setup.with_(baseline=approved_text(arguments, setup.drill_toml))
    audio = audio_for(arguments.sound, "sound is off in this replay; start it with --sound")
    engine = Engine(ReplaySource(recording, setup, arguments.speed), audio)
    headless = arguments.headless or arguments.speed is None
    result, _ = perform(engine, headless=headless, screenshot=arguments.screenshot, strides=arguments.strides)
    say(*summary_lines(result))
    return 0
