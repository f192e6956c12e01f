"""All sensors at common instants: multiples of the frame period in session time. The rules are in `frames`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imu.fusion.channel import PoseBlock
from imu.fusion.frames import (
    BACK_AT,
    DUE,
    FILL,
    GRID_INTS,
    HEAD,
    INTS,
    KNOWN,
    LATE_UNTIL,
    NEVER,
    NOW,
    ROW,
    ROWS,
    SPAN,
    append,
    due,
    fill,
)
from imu.packets import Floats, Ints


@dataclass(frozen=True, slots=True)
class GridParams:
    """How long a sensor may be silent and still be believed."""

    hole_us: int = 250_000
    """µs, longest step between two received samples that is bridged; a shorter wait limit counts instead. Larger = fewer
    unknown frames on a bad radio, with orientations that nobody measured (recommended: what the gap policy fills)."""
    short_hole_us: int = 50_000
    """µs, step that is bridged even if the wait limit is shorter. Larger = a short wait limit loses fewer frames of slow
    sensors; at least one step of the slowest sensor, or it is never known."""
    return_us: int = 300_000
    """µs for which a sensor stays unknown after it came back from a longer hole, or came much later than the others.
    Larger = a sensor at the edge of its reach flickers less between known and unknown; smaller = sooner back."""

    def __post_init__(self) -> None:
        for name in ("hole_us", "short_hole_us", "return_us"):
            if getattr(self, name) < 0:
                raise ValueError(f"grid parameter {name} is {getattr(self, name)}; give microseconds, 0 or more")


@dataclass(frozen=True, slots=True, eq=False)
class GridBlock:
    """All sensors at m instants; S in the order of the setup."""

    t_us: Ints
    """(m,) session time, multiples of the frame period."""
    q: Floats
    """(m, S, 4) q_earth_sensor. NaN = unknown, as in all arrays here."""
    gyr: Floats
    """(m, S, 3) rad/s, bias removed. Known while only the orientation is not: SETTLING after a hole, say."""
    acc: Floats
    """(m, S, 3) m/s²."""
    flags: NDArray[np.uint16]
    """(m, S) `Quality` bits; STALE or SETTLING where unknown."""
    known_us: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """(m,) session time at which the last sample that each frame waited for had arrived; empty = not known. A fact about
    the samples, the same for packets of any size; less `t_us` it is how old a frame was when it could be told."""

    def __len__(self) -> int:
        return len(self.t_us)

    @staticmethod
    def joined(blocks: Sequence[GridBlock]) -> GridBlock:
        """Frames that follow each other as one block; at least one block."""
        return GridBlock(
            np.concatenate([b.t_us for b in blocks]), np.concatenate([b.q for b in blocks]),
            np.concatenate([b.gyr for b in blocks]), np.concatenate([b.acc for b in blocks]),
            np.concatenate([b.flags for b in blocks]), np.concatenate([b.known_us for b in blocks]),
        )  # fmt: skip

    @staticmethod
    def empty(n_sensors: int, frames: int = 0) -> GridBlock:
        return GridBlock(
            np.zeros(frames, np.int64),
            np.full((frames, n_sensors, 4), np.nan),
            np.full((frames, n_sensors, 3), np.nan),
            np.full((frames, n_sensors, 3), np.nan),
            np.zeros((frames, n_sensors), np.uint16),
            np.zeros(frames, np.int64),
        )


@dataclass(frozen=True, slots=True, eq=False)
class GridState:
    """Everything that changes in a `Grid`."""

    grid: Ints
    ints: Ints
    times: Ints
    arrived: Ints
    rows: Floats
    flags: NDArray[np.uint16]


class Grid:
    """Collects the blocks of all sensors and hands out frames in order.

    The first frame is the first instant after the start (see `frames`). A frame is made when every sensor has a
    sample at or after it, or when the newest arrival is later than it by `wait_us` plus the longest packet seen; a sensor
    that was missing then is not waited for until it has caught up. Frames do not depend on packet sizes as long as no
    packet is much longer than those before it; a long hole in all sensors makes as many unknown frames as it takes.

    Parameters
    ----------
    n_sensors : int
    rate_hz : float
        Frames per second.
    wait_us : int
        Larger = fewer stale frames on a bad radio, slower to notice a lost sensor.
    params : GridParams, optional
        When a sensor that was silent is believed again.
    """

    def __init__(self, n_sensors: int, rate_hz: float, wait_us: int, params: GridParams | None = None) -> None:
        if n_sensors < 1 or not rate_hz > 0.0 or wait_us < 0:
            raise ValueError(f"grid of {n_sensors} sensors at {rate_hz} Hz, wait {wait_us} µs; give positive numbers")
        self._n, self._rate, self._wait = n_sensors, float(rate_hz), int(wait_us)
        p = params or GridParams()
        self._limit, self._return = min(p.hole_us, max(p.short_hole_us, self._wait)), p.return_us
        self._g = np.zeros(GRID_INTS, np.int64)
        self._g[NOW] = self._g[KNOWN] = NEVER
        self._ints = np.zeros((n_sensors, INTS), np.int64)
        self._ints[:, (BACK_AT, DUE + LATE_UNTIL, FILL + LATE_UNTIL)] = NEVER
        self._allocate(256)

    def push(self, i: int, block: PoseBlock, span_us: int) -> None:
        """Take the samples of sensor number `i`; `span_us` is the length in time of the packet they came in."""
        if span_us > self._g[SPAN]:
            self._g[SPAN] = span_us
        n = len(block.t_us)
        if n == 0:
            return
        if self._ints[i, ROWS] + n > self._times.shape[1]:
            self._make_room(n)
        append(
            self._g, self._ints[i], self._times[i], self._arrived[i], self._rows[i], self._flags[i],
            self._limit, self._return,
            block.t_us, block.arrived_us, block.q, block.gyr, block.acc, block.flags,
        )  # fmt: skip

    def take(self) -> GridBlock:
        """The frames that became complete; may be none."""
        return self._make(self._due(rest=False))

    def finish(self) -> GridBlock:
        """The remaining frames, up to the end of the sensor that ends first; those that have gone do not count."""
        return self._make(self._due(rest=True))

    def _due(self, *, rest: bool) -> int:
        return due(self._g, self._ints, self._times, self._arrived, self._rate, self._wait, self._limit, rest)

    def _make(self, frames: int) -> GridBlock:
        out = GridBlock.empty(self._n, frames)
        if frames:
            fill(
                self._g, self._ints, self._times, self._arrived, self._rows, self._flags,
                self._rate, self._wait, self._limit, self._return,
                out.t_us, out.known_us, out.q, out.gyr, out.acc, out.flags,
            )  # fmt: skip
        return out

    def _allocate(self, capacity: int) -> None:
        self._times = np.zeros((self._n, capacity), np.int64)
        self._arrived = np.zeros((self._n, capacity), np.int64)
        self._rows = np.zeros((self._n, capacity, 10))
        self._flags = np.zeros((self._n, capacity), np.uint16)

    def _make_room(self, n: int) -> None:
        """Drop the rows before HEAD, and grow if that is not enough for n more."""
        old = (self._times, self._arrived, self._rows, self._flags)
        kept = int((self._ints[:, ROWS] - self._ints[:, HEAD]).max())
        capacity = self._times.shape[1]
        while capacity < 2 * (kept + n):  # half empty after this, so that moving is rare
            capacity *= 2
        self._allocate(capacity)
        for j in range(self._n):
            head, end = int(self._ints[j, HEAD]), int(self._ints[j, ROWS])
            for new, rows in zip((self._times, self._arrived, self._rows, self._flags), old, strict=True):
                new[j, : end - head] = rows[j, head:end]
            self._ints[j, HEAD], self._ints[j, ROWS] = 0, end - head
            for which in (DUE, FILL):
                self._ints[j, which + ROW] = max(0, int(self._ints[j, which + ROW]) - head)

    def state(self) -> GridState:
        """A copy of everything that changes."""
        return GridState(
            self._g.copy(), self._ints.copy(), self._times.copy(), self._arrived.copy(),
            self._rows.copy(), self._flags.copy(),
        )  # fmt: skip

    def restore(self, state: GridState) -> None:
        """Continue from what `state` of an equal grid returned."""
        self._g, self._ints = state.grid.copy(), state.ints.copy()
        self._times, self._arrived = state.times.copy(), state.arrived.copy()
        self._rows, self._flags = state.rows.copy(), state.flags.copy()
