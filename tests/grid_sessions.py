"""Random sessions of several sensors, as samples with their arrivals, and the same samples in packets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from fusion_streams import turn

from imu.fusion import Grid, GridBlock
from imu.fusion.channel import PoseBlock
from imu.fusion.grid import GridParams
from imu.packets import Quality
from imu.recording.regroup import HOLE_US, STALL_NS

FILLED, SETTLING, SATURATED = int(Quality.FILLED), int(Quality.SETTLING), int(Quality.SATURATED_ACC)
FIELDS = ("t_us", "q", "gyr", "acc", "flags")


@dataclass
class Worn:
    """One sensor: its rows, which of them were received, and its rate."""

    block: PoseBlock
    received: np.ndarray
    rate_hz: float

    def packets(self, size: int) -> list[tuple[int, PoseBlock, int]]:
        """(arrival, rows, length in time) of packets of `size` received rows, as `regroup` makes them."""
        t, arrived, rows = self.block.t_us, self.block.arrived_us, self.received
        out, first = [], 0
        for k in range(len(rows)):
            apart = k == len(rows) - 1 or k - first + 1 == size
            if not apart:
                step_us, pause_us = t[rows[k + 1]] - t[rows[k]], arrived[rows[k + 1]] - arrived[rows[k]]
                apart = step_us > HOLE_US or pause_us > STALL_NS // 1000
                # nobody keeps a row back for longer than the packet covers
                spread_us, covers_us = arrived[rows[k + 1]] - arrived[rows[first]], t[rows[k + 1]] - t[rows[first]]
                apart = apart or spread_us > covers_us + round(1e6 / self.rate_hz)
            if apart:
                part = slice(rows[first - 1] + 1 if first else 0, rows[k] + 1)
                piece = PoseBlock(
                    *(np.ascontiguousarray(getattr(self.block, name)[part]) for name in (*FIELDS, "arrived_us"))
                )
                out.append((int(arrived[rows[k]]), piece, int(t[rows[k]] - t[rows[first]]) + round(1e6 / self.rate_hz)))
                first = k + 1
        return out


def worn(rng: np.random.Generator, k: int) -> Worn:
    """A sensor with holes, some of them filled, that starts and ends when it likes, behind a radio that stalls."""
    rate_hz = float(rng.choice([25.0, 60.0, 100.0, 104.0, 200.0]))
    n = int(rng.uniform(0.05, 1.2) * rate_hz)
    t_us = rng.choice([0, 3_700, 60_000, rng.integers(0, 900_000)]) + np.rint(np.arange(n) * 1e6 / rate_hz).astype(np.int64)
    lost, filled = np.zeros(n, bool), np.zeros(n, bool)
    for _ in range(rng.integers(0, 3)):
        first = int(rng.integers(1, n + 1))
        hole = slice(first, min(first + int(rng.integers(1, max(2, 0.4 * rate_hz))), n - 1))
        (lost if rng.random() < 0.5 else filled)[hole] = True
    t_us, filled = t_us[~lost], filled[~lost]
    n = len(t_us)
    filled[:1] = filled[-1:] = False
    flags = np.where(filled, FILLED, 0) | np.where(rng.random(n) < 0.05, SATURATED, 0)
    flags[: int(rng.choice([0, 0, 5, 20]))] |= SETTLING
    q = turn(k % 3, (1 + k) * t_us * 1e-6 + 3 * (t_us * 1e-6) ** 2)
    q[rng.random(n) < 0.02] = np.nan
    received = np.flatnonzero(~filled)
    # notifications of a few rows; a made-up row came with the one behind its hole
    per = int(rng.choice([1, 3, 5]))
    newest = received[np.minimum(np.arange(len(received)) // per * per + per, len(received)) - 1]
    arrived = t_us[newest] + rng.choice([0, 5_000, 25_000, 25_000, 150_000]) + rng.integers(0, 8_000)
    for _ in range(rng.choice([0, 0, 1, 2])):
        start = rng.uniform(0, 1.2e6)
        end = start + rng.uniform(5e4, 7e5)
        arrived[(arrived >= start) & (arrived < end)] = int(end)
    arrived = np.maximum.accumulate(arrived)[np.searchsorted(received, np.arange(n))]
    vectors = rng.normal(size=(2, n, 3))
    return Worn(PoseBlock(t_us, q, vectors[0], vectors[1], flags.astype(np.uint16), arrived), received, rate_hz)


def streamed(
    sensors: Sequence[Worn], sizes: Sequence[int], rate_hz: float, wait_us: int, params: GridParams
) -> GridBlock:
    """All frames of a grid that gets the packets in order of arrival and knows how long they may be."""
    packets = [(arrival, j, *rest) for j, s in enumerate(sensors) for arrival, *rest in s.packets(sizes[j])]
    packets.sort(key=lambda p: p[0])
    grid = Grid(len(sensors), rate_hz, wait_us, params)
    grid.push(0, PoseBlock.empty(), max((span for *_, span in packets), default=0))
    frames = []
    for _, j, block, span in packets:
        grid.push(j, block, span)
        frames.append(grid.take())
    frames.append(grid.finish())
    return GridBlock.joined(frames)
