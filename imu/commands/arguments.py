"""Options that several commands share, and how they are checked."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from imu.config import CueSetup
from imu.conventions import SEGMENTS
from imu.errors import CalibrationError, ConfigError
from imu.feedback.cadence_drill import LEAST, MOST
from imu.feedback.drill import drill_given, drill_names, load_drill
from imu.kinematics.calibration import from_json


def add_drill(p: argparse.ArgumentParser, default: str | None = None) -> None:
    names = ", ".join(drill_names())
    left_out = "" if default else "; default: the one in the recording"
    p.add_argument(
        "--drill",
        default=default,
        metavar="NAME",
        help=f"drill of the library ({names}), a FILE.toml of your own (see imu drills), or none{left_out}",
    )
    p.add_argument(
        "--cadence",
        type=cadence,
        metavar="STEPS",
        help=f"steps per minute that a drill of walking asks for, {LEAST:g} to {MOST:g} (default: as the drill says)",
    )


def drill_of(arguments: argparse.Namespace) -> str | None:
    """Library name or the text of the file given, "" for none, None for what the recording says."""
    if arguments.drill is not None and arguments.drill.endswith(".toml"):
        return drill_file(arguments.drill)
    return "" if arguments.drill == "none" else arguments.drill


def drill_text_of(arguments: argparse.Namespace, recorded: str = "") -> str:
    """Text of the drill that was asked for, else the recorded one's; "" = none."""
    drill = drill_of(arguments)
    return recorded if drill is None else drill and drill_given(drill)


def drill_file(file: str) -> str:
    """Text of a drill of one's own; `ConfigError` tells everything that is wrong with it by the file's name."""
    try:
        text = Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise ConfigError(
            f"{file} cannot be read ({e}); give the file of a drill, or the name of one of the library"
        ) from e
    load_drill(text, file)
    return text


def add_backend(p: argparse.ArgumentParser) -> None:
    """Which Bluetooth, and how long to search."""
    p.add_argument(
        "--ble-backend",
        default="",
        metavar="BACKEND",
        help="bumble:<transport>, such as bumble:tcp-client:127.0.0.1:9100 or bumble:usb:0 (default: this computer's own)",
    )
    p.add_argument("--search", type=seconds, default=10.0, metavar="S", help="how long to search (default 10 s)")


def add_windows(p: argparse.ArgumentParser) -> None:
    for name, what in (("stand", "quiet stand"), ("movement", "guided movement")):
        p.add_argument(
            f"--{name}",
            type=window,
            metavar="FROM:TO",
            help=f"{what}, seconds of the recording (default: found automatically)",
        )


def add_calibration(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--calibration",
        type=Path,
        metavar="FILE",
        help="calibration.json of another session, sensors left in place: used if today's stand fits it",
    )


def calibration_of(arguments: argparse.Namespace) -> str:
    """Text of the stored calibration; "" = none was named."""
    path: Path | None = arguments.calibration
    if path is None:
        return ""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise CalibrationError(f"{path} cannot be read ({e}); name the calibration.json of a results folder") from e
    from_json(text)
    return text


def add_cues(p: argparse.ArgumentParser) -> None:
    """Which visit it is and whether cues are wanted; all of it is recorded, so a replay does the same."""
    p.add_argument("--visit", type=visit, default=1, metavar="N", help="which visit with this drill it is, for fading (1)")
    p.add_argument(
        "--cued", type=percent, metavar="PERCENT", help="share of the repetitions with cues, instead of what the drill says"
    )
    p.add_argument("--retention", action="store_true", help="a set without cues, to see what is kept")


def cues_of(arguments: argparse.Namespace) -> CueSetup:
    return CueSetup(arguments.visit, arguments.cued, arguments.retention)


def add_exchange(p: argparse.ArgumentParser) -> None:
    p.add_argument(
        "--exchange",
        type=exchange,
        action="append",
        default=[],
        metavar="ONE:OTHER",
        help="the sensors of two segments wear each other's label, such as thigh_left:thigh_right; may be repeated",
    )


def exchange(text: str) -> tuple[str, str]:
    """`thigh_left:thigh_right` -> both."""
    one, colon, other = text.partition(":")
    if not colon or one not in SEGMENTS or other not in SEGMENTS:
        raise argparse.ArgumentTypeError(f"{text!r}: write two segments with a colon, such as thigh_left:thigh_right")
    return one, other


def window(text: str) -> tuple[float, float]:
    """`2:3.5` -> (2.0, 3.5)."""
    try:
        start, end = (float(part) for part in text.split(":"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: write two numbers with a colon, such as 2:3.5") from None
    if not 0 <= start < end:
        raise argparse.ArgumentTypeError(f"{text!r}: the start must come before the end")
    return start, end


def _number(text: str, low: float, high: float, wanted: str) -> float:
    """A number from low to high, or what is wanted instead."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"{text!r}: give {wanted}")
    return value


def speed(text: str) -> float | None:
    """`0.1` … `4`, or `max` (None)."""
    return None if text == "max" else _number(text, 0.1, 4.0, "0.1 to 4, or max")


def seconds(text: str) -> float:
    """A positive number of seconds."""
    return _number(text, math.nextafter(0.0, 1.0), math.nextafter(1e6, 0.0), "a positive number of seconds")


def metres(text: str) -> float:
    """A body height."""
    return _number(text, 0.5, 2.5, "the height in metres, such as 1.75")


def cadence(text: str) -> float:
    """Steps per minute."""
    return _number(text, LEAST, MOST, f"steps per minute, {LEAST:g} to {MOST:g}")


def add_height(p: argparse.ArgumentParser) -> None:
    """The option --height."""
    p.add_argument(
        "--height", type=metres, default=0.0, metavar="M", help="body height: gives step length and speed of a walk"
    )


def add_strides(p: argparse.ArgumentParser) -> None:
    """The option --strides."""
    p.add_argument("--strides", action="store_true", help="show the strides of a walk, not the patient's screen (key G)")


def visit(text: str) -> int:
    """1, 2, 3 ..."""
    if not text.isdigit() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"{text!r}: count visits 1, 2, 3 ...")
    return int(text)


def percent(text: str) -> int:
    """A whole share."""
    if not text.isdigit() or int(text) > 100:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 0 to 100")
    return int(text)


def packet_size(text: str) -> int:
    """Samples per packet, 1 or more."""
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 1 or more")
    return int(text)
