"""The same samples in packets of another size. Lost counts, clipping, epoch and marks stay with their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np

from imu.packets import ClockMark, Packet, joined

HOLE_US = 50_000
"""A sensor does not keep samples back until a longer hole is over: no packet spans one, or its rows would come too late
for frames that had to be made without them."""
STALL_NS = 100_000_000
"""The same for a pause in the arrival: what had come in time before it must not wait for its end."""


def concatenate(packets: Sequence[Packet]) -> list[Packet]:
    """One packet per run of equal epoch; packets of one sensor, in order, empty ones left out."""
    out = []
    for _, run in groupby((p for p in packets if len(p)), key=lambda p: p.epoch):
        parts = list(run)
        if len(parts) == 1:
            out.append(parts[0])
            continue
        marks: list[ClockMark] = []
        offset = 0
        for p in parts:
            marks += [replace(m, position=m.position + offset) for m in p.marks]
            offset += len(p)
        out.append(joined(parts, marks))
    return out


def regroup(packets: Sequence[Packet], samples: int) -> Iterator[Packet]:
    """Packets of `samples` rows (before a long hole and at the end of an epoch fewer), never across an epoch change.

    Each arrives when the packet arrived that supplied its last row. None keeps a row back for longer than the time that its
    rows cover: whoever waits for a sensor counts on that.
    """
    for _, run in groupby((p for p in packets if len(p)), key=lambda p: p.epoch):
        parts = list(run)
        (whole,) = concatenate(parts)
        ends = np.cumsum([len(p) for p in parts])
        marks = sorted(whole.marks, key=lambda m: m.position)
        used = 0
        apart = (np.diff(whole.t_us) > HOLE_US) | (np.diff(whole.arrival_ns) > STALL_NS)
        breaks = [0, *(np.flatnonzero(apart) + 1).tolist(), len(whole)]
        for a, b in _pieces(breaks, samples, whole):
            here: list[ClockMark] = []
            while used < len(marks) and marks[used].position < b:
                here.append(replace(marks[used], position=marks[used].position - a))
                used += 1
            yield Packet(
                whole.sensor,
                parts[int(np.searchsorted(ends, b))].t_host_ns,
                whole.epoch,
                whole.t_us[a:b],
                whole.lost[a:b],
                whole.gyr[a:b],
                whole.acc[a:b],
                whole.clipped[a:b],
                tuple(here),
                whole.arrival_ns[a:b],
            )


def _pieces(breaks: Sequence[int], samples: int, whole: Packet) -> Iterator[tuple[int, int]]:
    """[a, b) of every packet; none contains a break."""
    t_us, came_us = whole.t_us, whole.arrival_ns // 1000
    period_us = int(np.median(np.diff(t_us))) if len(whole) > 1 else 0
    for start, end in pairwise(breaks):
        a = start
        while a < end:
            b = min(a + samples, end)
            kept_back = came_us[a:b] - came_us[a] > t_us[a:b] - t_us[a] + period_us
            if kept_back.any():
                b = a + int(np.argmax(kept_back))
            yield a, b
            a = b
