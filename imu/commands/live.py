"""`imu live`: sensors over Bluetooth through the whole system, recorded."""

from __future__ import annotations

import argparse
from pathlib import Path

from imu.commands.arguments import (
    add_backend,
    add_calibration,
    add_cues,
    add_drill,
    add_height,
    add_strides,
    calibration_of,
    cues_of,
    drill_text_of,
)
from imu.commands.baseline import add_baseline, approved_text
from imu.commands.places import session_folder
from imu.commands.session import audio_for, perform, performance_lines, say
from imu.engine import Engine
from imu.feedback.cadence_drill import with_cadence
from imu.feedback.drill import load_drill
from imu.sources import BleSource
from imu.summary import summary_lines
from imu.warm import warm_up


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = subparsers.add_parser("live", help="connect the sensors, show, cue and record")
    add_backend(p)
    add_drill(p, default="squat")
    add_baseline(p)
    add_calibration(p)
    add_height(p)
    add_strides(p)
    add_cues(p)
    p.add_argument("--out", type=Path, help="new session folder (default: sessions/<date and time>-<drill>)")
    p.add_argument("--headless", action="store_true", help="no window; Ctrl-C ends the session")
    p.add_argument("--no-sound", action="store_true", help="cues on the screen only")
    p.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    text = drill_text_of(arguments)
    name = load_drill(text).name if text else ""
    if arguments.cadence is not None:
        text = with_cadence(text, arguments.cadence)
    calibration = calibration_of(arguments)
    baseline = approved_text(arguments, text)
    folder = session_folder(arguments.out, name or "angles")
    warm_up()
    sentences = load_drill(text).sentences if text else ()
    audio = audio_for(not arguments.no_sound, "sound was switched off for this session", sentences)
    source = BleSource(
        arguments.ble_backend, text, search_s=arguments.search, calibration=calibration, height_m=arguments.height,
        cues=cues_of(arguments), baseline=baseline,
    )  # fmt: skip
    engine = Engine(source, audio, folder, {"drill": name})
    result, figures = perform(engine, headless=arguments.headless, live=True, strides=arguments.strides)
    say(*summary_lines(result), *performance_lines(engine.latencies, figures), f"Recording    {folder.resolve()}")
    return 0
