"""`imu process FILE`: a recording through the pipeline as fast as it goes; results as Parquet and CSV."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from imu.commands.arguments import (
    add_calibration,
    add_drill,
    add_exchange,
    add_height,
    add_windows,
    calibration_of,
    drill_of,
    drill_text_of,
    packet_size,
)
from imu.commands.baseline import add_baseline, baseline_of
from imu.commands.places import results_folder
from imu.config import FILTERS
from imu.processing import Timing, process
from imu.recording import load
from imu.recording.exporters.tables import write_tables
from imu.summary import summary_lines


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    p = subparsers.add_parser("process", help="compute everything a recording holds and write it as Parquet and CSV")
    p.add_argument("file", type=Path, help="a .mcap, a session folder, or a vendor's file or folder")
    p.add_argument("--out", type=Path, help="new folder for the results (default: results/<name of the recording>)")
    p.add_argument("--no-files", action="store_true", help="print the summary only")
    p.add_argument(
        "--packets",
        type=packet_size,
        metavar="N",
        help="feed the samples in packets of N per sensor, as a check: the results are the same (default: large blocks)",
    )
    p.add_argument(
        "--offline",
        action="store_true",
        help="smooth with what came later: nearer to the truth, and not what was shown live",
    )
    p.add_argument("--filter", choices=FILTERS, help="orientation filter, for comparison (default: vqf)")
    p.add_argument("--timing", action="store_true", help="print where the time went")
    p.add_argument(
        "--correct-accelerometers",
        action="store_true",
        help="first find the offset of accelerometers that are wrong at rest in the recording itself, and take it off",
    )
    add_baseline(p)
    add_drill(p)
    add_windows(p)
    add_calibration(p)
    add_exchange(p)
    add_height(p)
    p.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    folder = None if arguments.no_files else results_folder(arguments.out, arguments.file)
    timing = Timing()
    began = time.perf_counter()
    recording = load(arguments.file)
    timing.add("read", began)
    show = sys.stderr.isatty()

    def progress(share: float) -> None:
        print(f"\r{share:4.0%}", end="\r" if share < 1 else "\n", file=sys.stderr, flush=True)

    text = drill_text_of(arguments, recording.setup.drill_toml)
    result = process(
        recording,
        drill_of(arguments),
        baseline_of(arguments, text, correct_accelerometers=arguments.correct_accelerometers),
        offline=arguments.offline,
        stand_s=arguments.stand,
        movement_s=arguments.movement,
        progress=progress if show else None,
        timing=timing,
        packet_samples=arguments.packets,
        correct_accelerometers=arguments.correct_accelerometers,
        method=arguments.filter,
        calibration=calibration_of(arguments),
        exchange=arguments.exchange,
        height_m=arguments.height,
        cadence=arguments.cadence,
    )
    print("\n".join(summary_lines(result)))
    if folder is not None:
        files = write_tables(result, folder)
        print(f"Results      {folder.resolve()}: {', '.join(f.name for f in files)}")
    if arguments.timing:
        spent = timing.seconds
        print(f"Time         {sum(spent.values()):.2f} s: " + ", ".join(f"{stage} {s:.2f}" for stage, s in spent.items()))
    return 0
