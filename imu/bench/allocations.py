"""Whether compiled code takes memory while samples come: it must not, a collector could then stop a session."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from imu.bench.recordings import Trial
from imu.bench.tables import Column, Table, Value
from imu.fusion import OrientationFilter

FEW, MANY = 500, 1000


@contextmanager
def allocation_counter() -> Iterator[Callable[[], int] | None]:
    """A function that says how often compiled code has taken memory so far; None: this numba cannot tell."""
    try:
        native = importlib.import_module("numba.core.runtime._nrt_python")
        enabled, enable, disable = native.memsys_stats_enabled, native.memsys_enable_stats, native.memsys_disable_stats
        count: Callable[[], int] = native.memsys_get_stats_alloc
    except (ImportError, AttributeError):
        yield None
        return
    was_on = enabled()
    enable()
    try:
        yield count
    finally:
        if not was_on:
            disable()


def allocations_table(trial: Trial) -> Table:
    """One call with few and one with more samples, all arrays made before."""
    rows: list[tuple[str, tuple[Value, ...]]] = []
    with allocation_counter() as count:
        for sensors in (1, 5):
            name = f"vqf, {sensors} sensor{'s' if sensors > 1 else ''}"
            if count is None:
                rows.append((name, (None, None, None)))
                continue
            few, many = (_allocated(count, trial, sensors, n) for n in (FEW, MANY))
            rows.append((name, (few, many, many - few)))
    return Table(
        "allocations",
        "Memory taken by compiled code, number of allocations",
        "One call with few and one with more samples: 0 more means that no sample takes any.",
        (Column(f"{FEW} samples", "d"), Column(f"{MANY} samples", "d"), Column("more", "d")),
        tuple(rows),
        ("Each array that is handed over costs one small record per call.",)
        if rows[0][1][0] is not None
        else ("This version of numba does not count them.",),
    )


def _allocated(count: Callable[[], int], trial: Trial, sensors: int, n: int) -> int:
    shape = (n,) if sensors == 1 else (sensors, n)
    gyr, acc = (np.ascontiguousarray(np.broadcast_to(np.resize(x, (n, 3)), (*shape, 3))) for x in (trial.gyr, trial.acc))
    out, filter_ = np.empty((*shape, 4)), OrientationFilter(trial.rate_hz, sensors)
    filter_.update(gyr, acc, out=out)  # compiled before it is counted
    before = count()
    filter_.update(gyr, acc, out=out)
    return count() - before
