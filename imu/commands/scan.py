"""`imu scan`: which sensors are here."""

from __future__ import annotations

import argparse
import asyncio

from imu.ble import discover
from imu.commands.arguments import add_backend


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = subparsers.add_parser("scan", help="list the sensors nearby")
    add_backend(p)
    p.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    found = asyncio.run(discover(arguments.ble_backend, arguments.search))
    for f in found:
        battery = f"{f.battery_percent} %" if f.battery_percent is not None else "–"
        print(f"{f.serial:10s} {f.segment or '–':12s} battery {battery:6s} signal {f.rssi_dbm} dBm  {f.name}")
    return 0
