"""Every method on every trial: how far from the truth, and how far ours is from the authors' program."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imu.bench.filters import Method, ours, smoothed
from imu.bench.judging import Errors, judge, largest_difference_deg
from imu.bench.packages import Packages
from imu.bench.recordings import Trial
from imu.bench.tables import Column, Table
from imu.fusion import OrientationFilter, orientation
from imu.packets import Floats

PACKET = 3
"""Samples per call when a recording is fed as a sensor would send it."""

@dataclass(frozen=True, slots=True)
class Judged:
    """One trial and the errors of every method on it."""

    trial: Trial
    errors: dict[str, Errors]


def methods(packages: Packages) -> dict[str, Method]:
    """Name in the tables -> whole recording to q. Ours first; the last two look ahead."""
    return {
        "vqf": ours("vqf"),
        "vqf C++": packages.vqf_batch,
        "madgwick": ours("madgwick"),
        "mahony": ours("mahony"),
        "gyro_only": ours("gyro_only"),
        "imufusion": packages.imufusion_batch,
        "ahrs Madgwick": packages.ahrs_madgwick,
        "smoother": smoothed,
        "offlineVQF C++": packages.vqf_offline,
    }


def judge_all(trials: Sequence[Trial], packages: Packages) -> list[Judged]:
    """Those trials that have a reference."""
    found = methods(packages)
    return [
        Judged(t, {name: judge(method(t.gyr, t.acc, t.rate_hz), t) for name, method in found.items()})
        for t in trials
        if t.judged().any()
    ]


def errors_table(judged: Sequence[Judged]) -> Table:
    """Mean over trials, and the worst."""
    base = _mean([j.errors["vqf C++"].inclination_deg for j in judged])
    rows = []
    for name in judged[0].errors:
        errors = [j.errors[name] for j in judged]
        inclination = [e.inclination_deg for e in errors]
        mean = _mean(inclination)
        drift = float(np.median([e.drift_deg_per_min for e in errors]))
        total = _mean([e.total_deg for e in errors])
        rows.append((name, (mean, mean / base if base > 0.0 else math.nan, max(inclination), total, drift)))
    return Table(
        "errors",
        f"Errors of {len(judged)} trial{'s' if len(judged) > 1 else ''} with a reference",
        "RMSE over the motion samples, smaller is better; smoother and offlineVQF look ahead: not for live.",
        (
            Column("inclination °"),
            Column("of vqf C++", ".3f"),
            Column("worst trial °"),
            Column("total °"),
            Column("drift °/min"),
        ),
        tuple(rows),
        (
            "inclination: what gravity can show, mean of the trials. total: after the best constant heading.",
            "drift: slope of the heading error, median of the trials.",
        ),
    )


SHORT = {"vqf C++": "C++", "gyro_only": "gyro", "imufusion": "imuf.", "ahrs Madgwick": "ahrs"}
SHORT |= {"madgwick": "madgw.", "smoother": "smooth", "offlineVQF C++": "offl."}


def trials_table(judged: Sequence[Judged]) -> Table:
    """Inclination of each trial."""
    names = list(judged[0].errors)
    return Table(
        "trials",
        "Inclination error by trial, °",
        "RMSE over the motion samples, smaller is better; columns in the order of the rows above.",
        tuple(Column(SHORT.get(name, name)) for name in names),
        tuple((_short(j.trial.name), tuple(j.errors[name].inclination_deg for name in names)) for j in judged),
    )


def differences_table(trials: Sequence[Trial], packages: Packages) -> Table:
    """Ours against the authors' program, as a whole and as a sensor would send it."""
    rows = []
    for t in trials:
        batch = largest_difference_deg(orientation(t.gyr, t.acc, t.rate_hz), packages.vqf_batch(t.gyr, t.acc, t.rate_hz))
        streamed = largest_difference_deg(in_packets(t), packages.vqf_streaming(t.gyr, t.acc, t.rate_hz))
        rows.append((_short(t.name), (len(t), batch, streamed)))
    worst = [max(float(values[k]) for _, values in rows) for k in (1, 2)]
    rows.append(("largest", (sum(len(t) for t in trials), *worst)))
    notes = [f"{_short(t.name)}: {t.note}." for t in trials if t.note]
    if unknown := sum(not t.judged().any() for t in trials):
        notes.append(f"Without a reference, so without errors: {unknown} of {len(trials)}.")
    return Table(
        "differences",
        "Largest rotation between our vqf and vqf C++, °",
        "They are one filter written twice: anything above 1e-6° is an error of ours.",
        (Column("samples", "d"), Column("whole", ".1e"), Column(f"packets of {PACKET}", ".1e")),
        tuple(rows),
        tuple(notes),
    )


def in_packets(trial: Trial) -> Floats:
    """Our filter fed a few samples at a time."""
    filter_ = OrientationFilter(trial.rate_hz)
    parts = [
        filter_.update(trial.gyr[k : k + PACKET], trial.acc[k : k + PACKET]) for k in range(0, len(trial), PACKET)
    ]
    return np.concatenate(parts)


def _short(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:29]}…"


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan
