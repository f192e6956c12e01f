"""`imu import`: a vendor's file or folder becomes a recording; so does a session, and a torn one becomes whole."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from imu.commands.arguments import add_windows, seconds
from imu.recording import load
from imu.recording.files import refuse_existing


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = subparsers.add_parser("import", help="make a recording from a vendor's file or folder")
    p.add_argument("source", type=Path, help="x-IMU3 CSV folder, .npz with named segments, or a recording to copy or mend")
    p.add_argument("out", type=Path, help="new .mcap file")
    p.add_argument("--seconds", type=seconds, help="only the first so many seconds")
    p.add_argument("--origin", default="", help="where the data come from, kept in the recording")
    p.add_argument("--licence", default="", help="their licence, kept in the recording")
    add_windows(p)
    p.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    refuse_existing(arguments.out)
    recording = load(arguments.source)
    if arguments.seconds is not None:
        recording = recording.first(arguments.seconds)
    if arguments.stand or arguments.movement:
        setup = recording.setup.with_(stand_s=arguments.stand, movement_s=arguments.movement)
        recording = replace(recording, setup=setup)
    path = recording.save(arguments.out, origin=arguments.origin, licence=arguments.licence)
    print(f"{path}: {recording.duration_s:.1f} s")
    for s in recording.setup.sensors:
        print(f"  {s.segment:12s} {s.sensor:10s} {s.rate_hz:.2f} Hz")
    for note in recording.notes:
        print(f"  note: {note}")
    return 0
