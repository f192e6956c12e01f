"""Times of calls beside those of another call. What else a computer does slows both, so their ratio holds."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from imu.packets import Floats

BLOCK = 50
"""Single calls of one function before it is the turn of the next: short against what disturbs them all, long enough for
each to be at home in the cache, as in a busy session."""


@dataclass(frozen=True, slots=True)
class Task:
    """A call, and how many samples it takes care of."""

    name: str
    samples: int
    call: Callable[[], object]


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Of one task."""

    ns: Floats
    """(rounds,) ns per sample."""
    base_ns: Floats
    """(rounds,) ns per sample of the task that it is compared with, directly before or after."""

    @property
    def speedup(self) -> Floats:
        """(rounds,) how many times as fast as the base."""
        return self.base_ns / self.ns


@contextmanager
def no_collection() -> Iterator[None]:
    """Garbage is collected before, not in between."""
    gc.collect()
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def beside(base: Task, tasks: Sequence[Task], rounds: int) -> dict[str, Times]:
    """Each task once per round with the base beside it, by turns before and after; one call before does not count."""
    found = {task.name: Times(np.empty(rounds), np.empty(rounds)) for task in tasks}
    for task in (base, *tasks):
        task.call()
    with no_collection():
        for k in range(rounds):
            for task in tasks:
                times = found[task.name]
                if k % 2:
                    times.ns[k] = _timed(task)
                times.base_ns[k] = _timed(base)
                if not k % 2:
                    times.ns[k] = _timed(task)
    return found


def _timed(task: Task) -> float:
    began = time.perf_counter_ns()
    task.call()
    return (time.perf_counter_ns() - began) / task.samples


def _nothing(_: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Call:
    """What is timed with the number of each call, and what is done before it and is not."""

    call: Callable[[int], object]
    prepare: Callable[[int], object] = _nothing


def each_call(calls: Sequence[Call], n: int) -> list[Floats]:
    """ns of each of n single calls of every function: (n,); blocks of calls in turn, the timer itself taken off.

    No first calls are left out: whoever wants that makes them.
    """
    found = [np.empty(n) for _ in calls]
    clock = time.perf_counter_ns
    empty = np.empty(1000)
    for k in range(len(empty)):
        began = clock()
        empty[k] = clock() - began
    timer = float(np.median(empty))
    with no_collection():
        for first in range(0, n, BLOCK):
            for each, times in zip(calls, found, strict=True):
                call, prepare = each.call, each.prepare
                for k in range(first, min(n, first + BLOCK)):
                    prepare(k)
                    began = clock()
                    call(k)
                    times[k] = clock() - began
    return [times - timer for times in found]


def ratio_of_blocks(ns: Floats, base_ns: Floats) -> float:
    """How many base calls one call costs: median over the blocks of `each_call` of the ratio of their medians."""
    n = len(ns) // BLOCK * BLOCK
    middle, base = (np.median(x[:n].reshape(-1, BLOCK), axis=1) for x in (ns, base_ns))
    return float(np.median(middle / base))
