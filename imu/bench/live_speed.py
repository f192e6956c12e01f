"""How long one packet takes while somebody moves, beside the same call of vqf C++."""

from __future__ import annotations

import numpy as np

from imu.bench.packages import Packages
from imu.bench.recordings import Trial
from imu.bench.speed import FIVE, long_enough
from imu.bench.stopwatch import Call, each_call, ratio_of_blocks
from imu.bench.tables import Column, Table
from imu.conventions import CORE_SEGMENTS
from imu.fusion import OrientationFilter
from imu.packets import Floats, Samples
from imu.pipeline import Pipeline
from imu.recording import Recording

PACKET = 3
BASE = "vqf C++ update + getQuat6D, 1 sensor x 1"


def packets_table(trial: Trial, packages: Packages, calls: int) -> Table:
    """Single calls of the filters, with samples that are in memory as contiguous float64 already."""
    gyr, acc = long_enough(trial)
    rate_hz, n = trial.rate_hz, min(calls, len(gyr) // PACKET)
    shapes = {
        f"{FIVE} sensors x 1 sample": [np.repeat(x[:n, None, None], FIVE, axis=1) for x in (gyr, acc)],
        f"1 sensor x {PACKET} samples": [x[: n * PACKET].reshape(n, PACKET, 3) for x in (gyr, acc)],
    }
    timed = {BASE: _theirs(packages, rate_hz, gyr[:n, None], acc[:n, None])}
    for (name, (g, a)), sensors in zip(shapes.items(), (FIVE, 1), strict=True):
        if sensors == 1:
            timed[f"vqf C++, {name}"] = _theirs(packages, rate_hz, g, a)
        timed[f"vqf, {name}, same buffers"] = _ours_in_buffers(rate_hz, sensors, g, a)
        timed[f"vqf, {name}, new arrays"] = _ours(rate_hz, sensors, g, a)
    times = dict(zip(timed, each_call(list(timed.values()), n), strict=True))
    return Table(
        "packets",
        f"Speed, one packet of samples: {n} calls each",
        f"µs per call, and how many single calls of vqf C++ that is; the aim: {FIVE} sensors for at most 2.",
        (Column("p50 µs"), Column("p99 µs"), Column("in calls of vqf C++")),
        tuple((name, (*_percentiles_us(t), ratio_of_blocks(t, times[BASE]))) for name, t in times.items()),
        (
            "The time of reading the clock is taken off. vqf C++ needs one call per sensor and sample.",
            "same buffers: the caller writes each packet where the last one was; nothing is checked twice.",
        ),
    )


def _theirs(packages: Packages, rate_hz: float, gyr: Floats, acc: Floats) -> Call:
    """Packets (packets, samples, 3) through vqf C++, each sample with its orientation."""
    filter_ = packages.vqf.VQF(1.0 / rate_hz)
    update, get = filter_.update, filter_.getQuat6D
    # cut beforehand: making views costs as much as the filter
    packets = [[(g[i], a[i]) for i in range(len(g))] for g, a in zip(gyr, acc, strict=True)]
    if len(packets[0]) > 1:

        def several(k: int) -> None:
            for g, a in packets[k]:
                update(g, a)
                get()

        return Call(several)
    first = [samples[0] for samples in packets]

    def one(k: int) -> None:
        g, a = first[k]
        update(g, a)
        get()

    return Call(one)


def _ours(rate_hz: float, sensors: int, gyr: Floats, acc: Floats) -> Call:
    """Packets (packets, ..., 3) through our filter, each in arrays of its own."""
    filter_, out = OrientationFilter(rate_hz, sensors), np.empty((*gyr.shape[1:-1], 4))
    packets = list(zip(gyr, acc, strict=True))

    def call(k: int) -> None:
        g, a = packets[k]
        filter_.update(g, a, out=out)

    return Call(call)


def _ours_in_buffers(rate_hz: float, sensors: int, gyr: Floats, acc: Floats) -> Call:
    """The same through buffers that a decoder writes into."""
    filter_, out = OrientationFilter(rate_hz, sensors), np.empty((*gyr.shape[1:-1], 4))
    g, a = np.empty(gyr.shape[1:]), np.empty(gyr.shape[1:])

    def prepare(k: int) -> None:
        g[:], a[:] = gyr[k], acc[k]

    def call(_: int) -> None:
        filter_.update(g, a, out=out)

    return Call(call, prepare)


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
    (times,) = each_call([Call(lambda k: pipeline.push(later[k]))], len(later))
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
