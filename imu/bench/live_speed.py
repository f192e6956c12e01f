"""How long one packet takes while somebody moves, beside the same call of vqf C++."""

from __future__ import annotations

import numpy as np

from imu.bench.packages import Packages
from imu.bench.recordings import Trial
from imu.bench.speed import FIVE, long_enough
from imu.bench.stopwatch import each_call, ratio_of_blocks
from imu.bench.tables import Column, Table
from imu.conventions import CORE_SEGMENTS
from imu.fusion import OrientationFilter
from imu.packets import Floats, Samples
from imu.pipeline import Pipeline
from imu.recording import Recording

PACKET = 3
BASE = "vqf C++ update + getQuat6D, 1 sensor"


def packets_table(trial: Trial, packages: Packages, calls: int) -> Table:
    """Single calls of the filters."""
    gyr, acc = long_enough(trial)
    rate_hz, n = trial.rate_hz, min(calls, len(gyr) // PACKET)
    theirs, fives, ones = packages.vqf.VQF(1.0 / rate_hz), OrientationFilter(rate_hz, FIVE), OrientationFilter(rate_hz)
    update, get = theirs.update, theirs.getQuat6D
    other = packages.vqf.VQF(1.0 / rate_hz)
    update3, get3 = other.update, other.getQuat6D
    # everything is cut beforehand, as packets come: contiguous float64
    rows = list(zip(gyr[:n], acc[:n], strict=True))
    five = [tuple(np.ascontiguousarray(np.repeat(x[None, k : k + 1], FIVE, axis=0)) for x in (gyr, acc)) for k in range(n)]
    three = [(gyr[k : k + PACKET], acc[k : k + PACKET]) for k in range(0, n * PACKET, PACKET)]
    one_by_one = [list(zip(g, a, strict=True)) for g, a in three]
    out5, out3 = np.empty((FIVE, 1, 4)), np.empty((PACKET, 4))

    def one_of_theirs(k: int) -> None:
        g, a = rows[k]
        update(g, a)
        get()

    def five_of_ours(k: int) -> None:
        g, a = five[k]
        fives.update(g, a, out=out5)

    def three_of_theirs(k: int) -> None:
        for g, a in one_by_one[k]:
            update3(g, a)
            get3()

    def three_of_ours(k: int) -> None:
        g, a = three[k]
        ones.update(g, a, out=out3)

    names = (
        BASE,
        f"vqf, {FIVE} sensors x 1 sample in one call",
        f"vqf C++, 1 sensor x {PACKET} samples",
        f"vqf, 1 sensor x {PACKET} samples in one call",
    )
    times = each_call((one_of_theirs, five_of_ours, three_of_theirs, three_of_ours), n)
    return Table(
        "packets",
        f"Speed, one packet of samples: {n} calls each",
        f"µs per call, and how many single calls of vqf C++ that is; the aim: {FIVE} sensors for at most 2.",
        (Column("p50 µs"), Column("p99 µs"), Column("in calls of vqf C++")),
        tuple((name, (*_percentiles_us(t), ratio_of_blocks(t, times[0]))) for name, t in zip(names, times, strict=True)),
        ("The time of reading the clock is taken off. vqf C++ needs one call per sensor and sample.",),
    )


def pipeline_table(trial: Trial, calls: int) -> Table:
    """The whole way from a packet to joint angles, for information."""
    n = min(len(trial), calls * PACKET // FIVE)
    t_us = np.rint(np.arange(n) * 1e6 / trial.rate_hz).astype(np.int64)
    recording = Recording.from_samples({s: Samples(t_us, trial.gyr[:n], trial.acc[:n]) for s in CORE_SEGMENTS})
    packets = list(recording.packets(PACKET))
    pipeline = Pipeline(recording.setup)
    first = len(packets) // 10
    for packet in packets[:first]:
        pipeline.push(packet)
    later = packets[first:]
    (times,) = each_call((lambda k: pipeline.push(later[k]),), len(later))
    return Table(
        "pipeline",
        f"Speed, whole pipeline: {len(CORE_SEGMENTS)} sensors, packets of {PACKET} samples, {len(later)} packets",
        "µs per packet from samples to joint angles, for information: nothing to compare it with.",
        (Column("p50 µs", ".0f"), Column("p99 µs", ".0f")),
        (("Pipeline.push", _percentiles_us(times)),),
    )


def _percentiles_us(ns: Floats) -> tuple[float, float]:
    p50, p99 = np.percentile(ns, (50, 99)) / 1000.0
    return float(p50), float(p99)
