"""`imu`: the command line. Bad input is one line on stderr and exit code 2; nothing is overwritten."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from imu import __version__
from imu.commands import bench, demo, drills, importing, live, process, replay, scan, who, why
from imu.errors import ImuError

COMMANDS = (demo, live, scan, importing, process, replay, why, who, drills, bench)


class OneLineParser(argparse.ArgumentParser):
    """Says what is wrong in one line, as everything else here does."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    top = OneLineParser(
        prog="imu",
        description="Real-time wearable IMU biofeedback. A research and training aid, not a medical device.",
    )
    top.add_argument("--version", action="version", version=f"imu {__version__}")
    top.add_argument("-v", "--verbose", action="store_true", help="log what happens inside")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(subparsers)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    logging.basicConfig(level=logging.ERROR, format="%(name)s: %(message)s", stream=sys.stderr)
    if arguments.verbose:
        logging.getLogger("imu").setLevel(logging.DEBUG)
    try:
        return int(arguments.run(arguments))
    except ImuError as e:
        if arguments.verbose:
            logging.getLogger(__name__).debug("failed", exc_info=True)
        print(f"imu {arguments.command}: {e}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader of our output has gone (`imu process … | head`): not an error of ours
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
