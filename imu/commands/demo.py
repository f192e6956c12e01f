"""`imu demo`: the whole way once. Simulated sensors in their own process, real Bluetooth stack, pipeline, cues, screen."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from imu.commands.arguments import cadence, seconds
from imu.commands.baseline import add_baseline, approved_text
from imu.commands.places import session_folder
from imu.commands.script_check import read_script
from imu.commands.session import audio_for, perform, performance_lines, say
from imu.commands.simulator import Simulator
from imu.engine import Engine
from imu.errors import ImuError
from imu.feedback import with_cadence
from imu.feedback.drill import drill_text, load_drill
from imu.sources import BleSource
from imu.summary import summary_lines
from imu.warm import warm_up

WALK = "walk_cadence"
DRILLS = ("squat", WALK)
CADENCE = 110.0
SENSORS = 5
SEARCH_S = 15.0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = subparsers.add_parser("demo", help="simulated person and sensors through the whole system")
    p.add_argument("--seconds", type=seconds, default=60.0, help="length of the performance (default 60)")
    p.add_argument("--seed", type=int, default=1, help="another person, other faults, other sensor errors (default 1)")
    p.add_argument("--drill", choices=DRILLS, default=DRILLS[0], help="what is performed (default squat)")
    p.add_argument("--cadence", type=cadence, default=CADENCE, help=f"steps per minute of {WALK} (default {CADENCE:g})")
    add_baseline(p)
    p.add_argument("--out", type=Path, help="new session folder (default: sessions/<date and time>-demo)")
    p.add_argument("--headless", action="store_true", help="no window at all")
    p.add_argument("--no-sound", action="store_true", help="cues on the screen only")
    p.add_argument("--port", type=int, default=0, help="TCP port of the simulated radio (default: a free one)")
    p.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="TEXT",
        help="something that goes wrong, such as “t=25 away shank_left 2”; may be repeated",
    )
    p.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    text, performed = drill_text(arguments.drill), ["--drill", arguments.drill]
    if arguments.drill == WALK:
        text = with_cadence(text, arguments.cadence)
        performed += ["--cadence", f"{arguments.cadence:g}"]
    baseline = approved_text(arguments, text)
    folder = session_folder(arguments.out, "demo")
    warm_up()
    sentences = load_drill(text).sentences
    with tempfile.TemporaryDirectory(prefix="imu-demo-") as temporary:
        plan = Path(temporary) / "script.json"
        with Simulator(
            plan, arguments.seconds, arguments.seed, arguments.port, arguments.fault, performed
        ) as simulator:
            script = read_script(plan)
            source = BleSource(simulator.backend, text, search_s=SEARCH_S, expected=SENSORS, baseline=baseline)
            origin = f"simulated person, seed {arguments.seed}"
            metadata = {"drill": arguments.drill, "script": plan.read_text("utf-8"), "origin": origin}
            audio = audio_for(not arguments.no_sound, "sound was switched off for this session", sentences)
            engine = Engine(source, audio, folder, metadata)
            say(f"Recording to {folder.resolve()}")
            simulator.on_end = engine.stop
            screenshot = None if arguments.headless else folder / "mid-set.png"
            result, figures = perform(engine, headless=arguments.headless, screenshot=screenshot, live=True)
    say(*summary_lines(result))
    lines, agrees = script.check(result)
    say(*lines, *performance_lines(engine.latencies, figures))
    if engine.damaged:
        say(f"Damaged      {engine.damaged} notifications could not be decoded")
    if engine.snapshot.sound.state == "none":
        say(f"Sound        none: {engine.snapshot.sound.reason}")
    if figures is not None and figures.screenshot is not None:
        say(f"Screenshot   {figures.screenshot.resolve()}")
    say(f"Recording    {folder.resolve()}", f"             imu replay {folder}    imu process {folder}")
    if simulator.died:
        raise ImuError("the simulated sensors ended before their script; the recording holds what came until then")
    # what was made to go wrong on purpose, or stopped by hand, is no failure of the system
    return 0 if agrees or arguments.fault or not simulator.finished else 1
