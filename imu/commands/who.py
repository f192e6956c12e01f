"""`imu who FILE`: which sensor was worn where, as its motion says; nothing is changed by it."""

from __future__ import annotations

import argparse
from pathlib import Path

from imu.places import propose_places
from imu.recording import load


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = subparsers.add_parser("who", help="propose where every sensor was worn, from a recorded march or walk")
    p.add_argument("file", type=Path, help="a .mcap, a session folder, or a vendor's file or folder")
    p.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    recording = load(arguments.file)
    found = propose_places(recording)
    for sensor, one in zip(recording.setup.sensors, found.places, strict=True):
        told = f"{one.segment} ({one.confidence:.0%})" if one.segment else "not told"
        print(f"{sensor.sensor:16s} labelled {sensor.segment:12s} seems {told:20s} {one.reason}")
    return 0
