"""`python -m firmware_sim`: a person in simulated sensors, behind a Bluetooth adapter on a loopback port.

Prints `READY <port>` when it listens and `FINISHED` when the script has been performed. Started with a pipe as standard
input it ends when the pipe is closed, and leaves Ctrl-C to the program at the other end.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import stat
import sys
import threading
from pathlib import Path

from firmware_sim.faults import Fault, parse_fault
from firmware_sim.hub import Hub, HubSettings
from firmware_sim.script import Script, make_script
from firmware_sim.walk_script import KIND as WALK
from firmware_sim.walk_script import WalkScript, make_walk_script
from imu.conventions import CORE_SEGMENTS, Segment

PARENT_EVERY_S = 1.0
"""How often it is looked whether the program that started this one still lives."""
LONGEST_S = 86400.0
CADENCES = (80.0, 135.0)
"""Steps per minute at which the simulated person can walk."""
DESCRIPTION = "A person in simulated sensors, behind a Bluetooth adapter on a loopback port."


class UsageError(Exception):
    """The command line asks for something impossible."""


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 after an orderly end, 2 for bad input."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="firmware_sim: %(message)s")
    logging.getLogger("bumble").setLevel(logging.ERROR)
    try:
        host, port = _address(options.hci)
        settings = HubSettings(
            script=_script(options.drill, options.seed, options.seconds, options.cadence),
            segments=_segments(options.sensors),
            faults=_faults(options.fault, options.sensors),
            per=_share(options.per),
            interval_ms=_interval(options.interval_ms),
        )
        if options.script is not None:
            _write_script(settings.script, options.script)
        asyncio.run(_serve(settings, host, port))
    except UsageError as error:
        print(f"firmware_sim: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


async def _serve(settings: HubSettings, host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    guided = _watch_stdin(loop, stop)
    if guided:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM,) if guided else (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: the process simply ends
            loop.add_signal_handler(number, stop.set)
    hub = Hub(settings)
    watching = [loop.create_task(_watch_parent(stop)), loop.create_task(_say_when_finished(hub))]
    try:
        try:
            opened = await hub.open(host, port)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            raise UsageError(f"cannot listen on {host}:{port} ({why}); choose another port, or 0 for a free one") from None
        # What exists now stays; without it in its lists, collecting garbage does not delay samples.
        gc.collect()
        gc.freeze()
        print(f"READY {opened}", flush=True)
        await stop.wait()
    finally:
        for task in watching:
            task.cancel()
        await hub.close()


async def _say_when_finished(hub: Hub) -> None:
    await hub.finished.wait()
    with contextlib.suppress(OSError):  # nobody listens any more; that we end is decided elsewhere
        print("FINISHED", flush=True)


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> bool:
    """End when a pipe or socket that we were started with is closed: its other end is the program that needs us.

    False if standard input is something else (a terminal, a file, nothing).
    """
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return False
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return False

    def read() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    return True


async def _watch_parent(stop: asyncio.Event) -> None:
    """End when the program that started us has died, however that happened."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_EVERY_S)
    stop.set()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m firmware_sim", description=DESCRIPTION)
    add = parser.add_argument
    add("--hci", required=True, metavar="tcp-server:127.0.0.1:PORT", help="where to listen; port 0 = a free one")
    add("--seed", type=int, default=1, help="person, sensors, script and air")
    add("--seconds", type=float, default=60.0, help="length of the script from its start")
    add("--drill", choices=("squat", WALK), default="squat", help="what is performed")
    add("--cadence", type=float, default=110.0, help=f"steps per minute that {WALK} asks for")
    add("--script", type=Path, metavar="FILE.json", help="write here what will be performed")
    add("--per", type=float, default=0.02, help="packet error rate of the air, 0 to 1; 0 = perfect air")
    add("--interval-ms", type=float, help="connection interval that the adapter imposes; default: its host's")
    fault = "script time, away|power|drop, segment, how long; may be repeated"
    add("--fault", action="append", default=[], metavar="'t=20 away shank_left 3'", help=fault)
    add("--sensors", default=",".join(CORE_SEGMENTS), help="segments that wear one, with commas between")
    add("--verbose", action="store_true", help="say on the error stream what happens")
    return parser


def _address(text: str) -> tuple[str, int]:
    parts = text.split(":")
    if len(parts) != 3 or parts[0] != "tcp-server" or not parts[2].isdigit() or int(parts[2]) > 65535:
        raise UsageError(f"--hci {text!r} is not an address; write tcp-server:127.0.0.1:PORT, port 0 = a free one")
    if parts[1] not in ("127.0.0.1", "localhost"):
        raise UsageError(f"--hci {text!r}: the adapter is offered to this computer only; use 127.0.0.1")
    return parts[1], int(parts[2])


def _script(drill: str, seed: int, seconds: float, cadence: float) -> Script | WalkScript:
    if not seconds <= LONGEST_S:
        raise UsageError(f"--seconds {seconds:g} is not between a few seconds and {LONGEST_S:g}")
    if not CADENCES[0] <= cadence <= CADENCES[1]:
        raise UsageError(f"--cadence {cadence:g} is not between {CADENCES[0]:g} and {CADENCES[1]:g} steps per minute")
    try:
        return make_walk_script(seed, seconds, cadence) if drill == WALK else make_script(seed, seconds)
    except ValueError as error:
        raise UsageError(f"--seconds: {error}") from None


def _segments(text: str) -> tuple[Segment, ...]:
    names = [name.strip() for name in text.split(",")]
    wrong = [name for name in names if name not in CORE_SEGMENTS]
    if wrong:
        raise UsageError(f"--sensors: {wrong[0]!r} cannot wear a sensor; there are: {', '.join(CORE_SEGMENTS)}")
    if len(set(names)) != len(names):
        raise UsageError("--sensors: a segment is named twice")
    return tuple(segment for segment in CORE_SEGMENTS if segment in names)


def _faults(texts: list[str], sensors: str) -> tuple[Fault, ...]:
    try:
        faults = tuple(parse_fault(text) for text in texts)
    except ValueError as error:
        raise UsageError(f"--fault {error}") from None
    for fault in faults:
        if fault.segment not in _segments(sensors):
            raise UsageError(f"--fault: {fault.segment} wears no sensor")
    return faults


def _share(per: float) -> float:
    if not 0.0 <= per <= 1.0:
        raise UsageError(f"--per {per:g} is not between 0 and 1")
    return per


def _interval(interval_ms: float | None) -> float | None:
    if interval_ms is not None and not 7.5 <= interval_ms <= 4000.0:
        raise UsageError(f"--interval-ms {interval_ms:g} is not between 7.5 and 4000")
    return interval_ms


def _write_script(script: Script | WalkScript, path: Path) -> None:
    """An earlier script may be replaced, anything else not."""
    try:
        if path.exists() and path.stat().st_size:
            _is_script(path.read_text(encoding="utf-8"))
        path.write_text(script.to_json() + "\n", encoding="utf-8")
    except ValueError:
        raise UsageError(f"--script {path} exists and is not a script; it is left alone, choose another name") from None
    except OSError as error:
        raise UsageError(f"--script {path} cannot be written ({error.strerror}); choose another place") from None


def _is_script(text: str) -> None:
    """`ValueError` if it is none."""
    try:
        Script.from_json(text)
    except ValueError:
        WalkScript.from_json(text)


if __name__ == "__main__":
    sys.exit(main())
