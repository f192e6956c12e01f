"""How long the filters take beside each other: one recording as a whole, and seven sensors of one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from imu.bench.filters import BASELINES, Method, ours, smoothed
from imu.bench.packages import Packages
from imu.bench.recordings import Trial
from imu.bench.stopwatch import Task, Times, beside
from imu.bench.tables import Column, Table
from imu.conventions import G
from imu.fusion import OrientationFilter
from imu.packets import Floats

LEAST = 50_000
"""Samples of the recording that is timed; a shorter one is repeated."""
FEW = 1_000
"""Samples for those that take 30 µs or more for each."""
SEVEN, FIVE = 7, 5

TIMES = (Column("ns/sample", ".0f"), Column("vqf C++ / this", ".3g"), Column("lowest", ".3g"), Column("highest", ".3g"))


def long_enough(trial: Trial) -> tuple[Floats, Floats]:
    """gyr and acc of at least `LEAST` rows."""
    times = -(-LEAST // len(trial))
    return np.tile(trial.gyr, (times, 1)), np.tile(trial.acc, (times, 1))


def recording_table(trial: Trial, packages: Packages, rounds: int) -> Table:
    """One recording as a whole."""
    gyr, acc = long_enough(trial)
    n, rate_hz = len(gyr), trial.rate_hz
    few = slice(0, FEW)
    loop, gyr_dps, acc_g, out = packages.imufusion_loop(rate_hz), np.degrees(gyr), acc / G, np.empty((n, 4))
    base = Task("vqf C++ updateBatch", n, lambda: packages.vqf_batch(gyr, acc, rate_hz))
    tasks = [
        Task("vqf", n, lambda: OrientationFilter(rate_hz).update(gyr, acc)),
        *(Task(name, n, _bound(ours(name), gyr, acc, rate_hz)) for name in BASELINES),
        Task("vqf C++ BasicVQF", n, lambda: packages.basic_vqf_batch(gyr, acc, rate_hz)),
        Task("imufusion, loop in Python", n, lambda: loop(gyr_dps, acc_g, out)),
        Task("ahrs Madgwick", FEW, lambda: packages.ahrs_madgwick(gyr[few], acc[few], rate_hz)),
        Task("ahrs Mahony", FEW, lambda: packages.ahrs_mahony(gyr[few], acc[few], rate_hz)),
        Task("smoother", n, _bound(smoothed, gyr, acc, rate_hz)),
        Task("vqf C++ offlineVQF", n, lambda: packages.vqf_offline(gyr, acc, rate_hz)),
    ]
    found = beside(base, tasks, rounds)
    return Table(
        "recording",
        f"Speed, one recording: {n} samples",
        "How many times as fast as vqf C++ updateBatch, called beside it; larger is better.",
        TIMES,
        _rows(base, found),
        (f"Medians of {rounds} pairs of calls, and their range. ahrs: on {FEW} samples.",),
    )


def sensors_table(trial: Trial, packages: Packages, rounds: int) -> Table:
    """Seven sensors of one recording in one call."""
    gyr, acc = long_enough(trial)
    n, rate_hz = len(gyr), trial.rate_hz
    seven_gyr, seven_acc = (np.stack([np.roll(x, 997 * k, axis=0) for k in range(SEVEN)]) for x in (gyr, acc))

    def seven() -> None:
        OrientationFilter(rate_hz, SEVEN).update(seven_gyr, seven_acc)

    base = Task("vqf C++ updateBatch, one", n, lambda: packages.vqf_batch(gyr, acc, rate_hz))
    found = beside(base, [Task("vqf, seven in one call", SEVEN * n, seven)], rounds)
    return Table(
        "sensors",
        f"Speed, {SEVEN} sensors of one recording: {SEVEN} x {n} samples",
        "Per sensor and sample: how many times as fast as vqf C++ updateBatch, larger is better.",
        TIMES,
        _rows(base, found),
        (f"Medians of {rounds} pairs of calls, and their range.",),
    )


def _bound(method: Method, gyr: Floats, acc: Floats, rate_hz: float) -> Callable[[], Floats]:
    return lambda: method(gyr, acc, rate_hz)


def _rows(base: Task, found: dict[str, Times]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    every = np.concatenate([times.base_ns for times in found.values()])
    rows: list[tuple[str, tuple[float, ...]]] = [(base.name, (float(np.median(every)), 1.0, 1.0, 1.0))]
    for name, times in found.items():
        ratio = times.speedup
        numbers = (np.median(times.ns), np.median(ratio), ratio.min(), ratio.max())
        rows.append((name, tuple(float(x) for x in numbers)))
    return tuple(rows)
