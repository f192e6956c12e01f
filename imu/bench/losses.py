"""A slow radio that loses packets: the recording at about 57 Hz, three samples per packet, some of them gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from imu.bench.judging import judge
from imu.bench.packages import Packages
from imu.bench.recordings import Trial
from imu.bench.tables import Column, Table
from imu.fusion import orientation
from imu.packets import Floats, Ints

SLOW_HZ = 57.0
PACKET = 3
SHARES = (0.0, 0.01, 0.05)


def thinned(trial: Trial) -> Trial:
    """Means of so many samples that about 57 Hz are left, judged where the last of them was taken."""
    factor = max(1, round(trial.rate_hz / SLOW_HZ))
    n = len(trial) // factor
    last = slice(factor - 1, n * factor, factor)

    def means(x: Floats) -> Floats:
        return np.ascontiguousarray(x[: n * factor].reshape(n, factor, 3).mean(axis=1))

    return Trial(
        trial.name,
        trial.rate_hz / factor,
        means(trial.gyr),
        means(trial.acc),
        None if trial.reference is None else trial.reference[last],
        None if trial.moving is None else trial.moving[last],
    )


def arrived(n: int, share: float, seed: int) -> Ints:
    """Rows of n that arrive: each packet is lost with probability `share`, whatever became of the others."""
    kept = np.random.default_rng(seed).random(n // PACKET + 1) >= share
    return np.flatnonzero(np.repeat(kept, PACKET)[:n])


def part(trial: Trial, rows: Ints) -> Trial:
    """These rows only; no longer equally spaced."""
    reference = None if trial.reference is None else trial.reference[rows]
    moving = None if trial.moving is None else trial.moving[rows]
    return replace(trial, gyr=trial.gyr[rows], acc=trial.acc[rows], reference=reference, moving=moving)


def losses_table(trials: Sequence[Trial], packages: Packages, seeds: Sequence[int]) -> Table:
    """Inclination with lost packets: ours by the clock, and what a filter makes of it that only counts rows."""
    slow = [thinned(t) for t in trials if t.judged().any()]
    lowest, highest = (f"{f(t.rate_hz for t in slow):.0f}" for f in (min, max))
    at = lowest if lowest == highest else f"{lowest} to {highest}"
    rows = []
    for share in SHARES:
        by_clock, by_row = [], []
        for t in slow:
            for seed in seeds if share else seeds[:1]:
                kept = arrived(len(t), share, seed)
                there = part(t, kept)
                t_us = np.rint(kept * 1e6 / t.rate_hz).astype(np.int64)
                q = orientation(there.gyr, there.acc, t.rate_hz, t_us=t_us)
                by_clock.append(judge(q, there).inclination_deg)
                by_row.append(judge(packages.vqf_batch(there.gyr, there.acc, t.rate_hz), there).inclination_deg)
        name = f"{share:.0%} of the packets lost" if share else "nothing lost"
        rows.append((name, (float(np.mean(by_clock)), max(by_clock), float(np.mean(by_row)))))
    return Table(
        "losses",
        f"Lost packets of {PACKET} samples at {at} Hz",
        "Inclination RMSE over the motion samples that arrived, smaller is better; ours goes by the clock.",
        (Column("vqf °"), Column("worst °"), Column("vqf C++ by row °")),
        tuple(rows),
        (f"Each sample is the mean of about 1/{SLOW_HZ:.0f} s; losses are independent, {_seeds(seeds)}.",),
    )


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"means of seeds {', '.join(map(str, seeds))}"
