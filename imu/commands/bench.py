"""`imu bench`: our filters beside other programs, in one run on this computer: accuracy, speed, ratios."""

from __future__ import annotations

import argparse
import json
import platform
from pathlib import Path

from imu import __version__
from imu.bench import FULL, QUICK, Packages, Table, linkage_files, load_linkage, load_trials, report, synthetic_trial
from imu.recording.files import new_file, refuse_existing
from imu.warm import warm_up


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = subparsers.add_parser(
        "bench",
        help="compare speed and accuracy with vqf, imufusion and ahrs",
        description="Speed and accuracy beside vqf (C++), imufusion and ahrs, in one run on this computer.",
    )
    p.add_argument(
        "files",
        type=Path,
        nargs="*",
        metavar="FILE_OR_FOLDER",
        help=".npz with gyr, acc and fs, and if known ref_quat and movement; or anything that can be processed"
        " or .npz of two joined sensors (gyr_1, acc_1, gyr_2, acc_2, ref_quat_1, ref_quat_2, fs, dof)"
        " (default: synthetic recordings with known truth)",
    )
    p.add_argument("--quick", action="store_true", help="fewer repetitions: below 20 s without files")
    p.add_argument("--json", type=Path, metavar="OUT", help="write the tables into a new file, too")
    p.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.json is not None:
        refuse_existing(arguments.json)
    packages = Packages.load()
    amount = QUICK if arguments.quick else FULL
    linkages = [load_linkage(file) for file in linkage_files(arguments.files)]
    others = [path for path in arguments.files if not linkage_files([path])]
    trials = load_trials(others) if others else [synthetic_trial(amount.synthetic_s)]
    versions = {"imu": __version__, **Packages.versions()}
    print(", ".join(f"{name} {v}" for name, v in versions.items()) + f"; {_computer()}")
    print(f"{len(trials)} trial{'s' if len(trials) > 1 else ''}: {', '.join(_named([t.name for t in trials]))}")
    warm_up()
    tables: list[Table] = []
    for table in report(trials, packages, amount, linkages):
        print("\n" + "\n".join(table.lines()), flush=True)
        tables.append(table)
    if arguments.json is not None:
        found = {"versions": versions, "computer": _computer(), "trials": [t.name for t in trials]}
        with new_file(arguments.json) as aside:
            text = json.dumps(found | {"tables": {t.key: t.as_json() for t in tables}}, indent=1, ensure_ascii=False)
            aside.write_text(text + "\n", encoding="utf-8")
        print(f"\nWritten to {arguments.json}")
    return 0


def _computer() -> str:
    return f"Python {platform.python_version()}, {platform.machine()}"


def _named(names: list[str]) -> list[str]:
    return names if len(names) <= 2 else [names[0], "…", names[-1]]
