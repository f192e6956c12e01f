"""Times of several calls, taken in turn: a computer that slows down slows all of them, so their ratios hold."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from imu.packets import Floats


@dataclass(frozen=True, slots=True)
class Task:
    """A call, and how many samples it takes care of."""

    name: str
    samples: int
    call: Callable[[], object]


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


def in_turn(tasks: Sequence[Task], rounds: int) -> dict[str, Floats]:
    """ns per sample of each task: (rounds,). Every round begins with another task; one round before does not count."""
    found = {task.name: np.empty(rounds) for task in tasks}
    for task in tasks:
        task.call()
    with no_collection():
        for k in range(rounds):
            for j in range(len(tasks)):
                task = tasks[(j + k) % len(tasks)]
                began = time.perf_counter_ns()
                task.call()
                found[task.name][k] = (time.perf_counter_ns() - began) / task.samples
    return found


BLOCK = 250
"""Single calls of one function before it is the turn of the next: what is in the cache is that of a busy session."""


def each_call(calls: Sequence[Callable[[int], object]], n: int) -> list[Floats]:
    """ns of each of n single calls `call(k)` of every function: (n,); blocks of calls in turn, the timer itself taken off.

    Nothing is called before: whoever wants to leave out the first calls does so.
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
            for call, times in zip(calls, found, strict=True):
                for k in range(first, min(n, first + BLOCK)):
                    began = clock()
                    call(k)
                    times[k] = clock() - began
    return [times - timer for times in found]
