"""All sensors at common instants: multiples of the frame period in session time.

What a sensor contributes to a frame depends on its own samples around that instant, never on packet sizes:

- between two samples: the orientation by slerp (constant rate), gyr and acc linearly, the flags of both;
- in a hole longer than the limit, and for 300 ms after it: STALE | GAP. Frames that were made live before the first
  packet after the hole had arrived are stale as well, so results with small and large packets are equal;
- next to a sample that is SETTLING: unknown, SETTLING;
- not arrived when the frame had to be made: STALE | GAP. Only this depends on when packets came.

The limit is the wait limit, at most 250 ms: a shorter hole never makes a frame that has to be made without the sensor.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion.channel import PoseBlock
from imu.fusion.quaternion import slerp
from imu.kernels import kernel
from imu.packets import Floats, Ints, Quality

HOLE_US: Final = 250_000
RETURN_US: Final = 300_000
SHORT_HOLE_US: Final = 50_000  # what is bridged whatever the wait limit

_UNKNOWN = int(Quality.STALE | Quality.SETTLING)
_STALE, _SETTLING = int(Quality.STALE), int(Quality.SETTLING)
_AWAY = int(Quality.STALE | Quality.GAP)
_MADE_UP = int(Quality.FILLED)

# One sensor's integers. HEAD: oldest row that may still be needed; ROWS: end of the rows.
HEAD, ROWS, SEEN, FIRST, NEWEST, T_REAL, BACK_AT, GIVEN_UP = range(8)
INTS: Final = 8
# The grid's integers.
STARTED, FRAME, T_START, SPAN = range(4)


@dataclass(frozen=True, slots=True, eq=False)
class GridBlock:
    """All sensors at m instants; S in the order of the setup."""

    t_us: Ints
    """(m,) session time, multiples of the frame period."""
    q: Floats
    """(m, S, 4) q_earth_sensor. NaN = unknown, as in all arrays here."""
    gyr: Floats
    """(m, S, 3) rad/s, bias removed."""
    acc: Floats
    """(m, S, 3) m/s²."""
    flags: NDArray[np.uint16]
    """(m, S) `Quality` bits; STALE or SETTLING where unknown."""

    def __len__(self) -> int:
        return len(self.t_us)

    @staticmethod
    def empty(n_sensors: int, frames: int = 0) -> GridBlock:
        return GridBlock(
            np.zeros(frames, np.int64),
            np.full((frames, n_sensors, 4), np.nan),
            np.full((frames, n_sensors, 3), np.nan),
            np.full((frames, n_sensors, 3), np.nan),
            np.zeros((frames, n_sensors), np.uint16),
        )


@kernel
def frame_time(number: int, rate_hz: float) -> int:
    """Session time of a frame, µs."""
    return int(np.floor(number * 1e6 / rate_hz + 0.5))


@kernel
def append(
    i: Ints, times: Ints, rows: Floats, flags: NDArray[np.uint16], limit: int,
    t_us: Ints, q: Floats, gyr: Floats, acc: Floats, new_flags: NDArray[np.uint16],
) -> None:  # fmt: skip
    """Put a block's rows behind those of one sensor, and mark the rows in and after too long a hole as STALE."""
    n = t_us.shape[0]
    end = i[ROWS]
    k = 0
    while k < n:
        # a run of made-up rows ends with the received row that made it known, in the same block
        stop = k
        while stop < n - 1 and (new_flags[stop] & _MADE_UP) != 0:
            stop += 1
        hole = i[SEEN] != 0 and t_us[stop] - i[T_REAL] > limit
        if hole:
            i[BACK_AT] = t_us[stop] + RETURN_US
        for j in range(k, stop + 1):
            times[end] = t_us[j]
            for a in range(4):
                rows[end, a] = q[j, a]
            for a in range(3):
                rows[end, 4 + a] = gyr[j, a]
                rows[end, 7 + a] = acc[j, a]
            flags[end] = new_flags[j] | _AWAY if t_us[j] < i[BACK_AT] else new_flags[j]
            end += 1
        if i[SEEN] == 0:
            i[SEEN] = 1
            i[FIRST] = t_us[k]
        i[T_REAL] = t_us[stop]
        k = stop + 1
    i[ROWS] = end
    i[NEWEST] = times[end - 1]


@kernel
def due(g: Ints, ints: Ints, rate_hz: float, wait_us: int, limit: int, rest: bool) -> int:
    """Number of frames that can be made now; decides which sensors are not waited for.

    `rest`: all frames there are, up to the end of the sensor that ends first. That sensors do not end with one sample
    makes none of them stale; one that ended earlier than by the limit has gone, and the others are followed to their end.
    """
    sensors = ints.shape[0]
    newest, first, missing = -(2**62), 2**62, False
    for j in range(sensors):
        if ints[j, SEEN] != 0:
            newest = max(newest, ints[j, NEWEST])
            first = min(first, ints[j, FIRST])
        else:
            missing = True
    if first == 2**62:
        return 0
    patience = wait_us + g[SPAN]
    if g[STARTED] == 0:
        if missing and not rest and newest - first < patience:
            return 0
        g[STARTED] = 1
        g[T_START] = first
        g[FRAME] = int(np.ceil(first * rate_hz / 1e6)) - 1
        while frame_time(g[FRAME], rate_hz) < first:
            g[FRAME] += 1
    n = 0
    while True:
        t = frame_time(g[FRAME] + n, rate_hz)
        if t > newest:
            return n
        forced = rest or newest - t >= patience
        for j in range(sensors):
            if ints[j, SEEN] != 0 and ints[j, NEWEST] >= t:
                ints[j, GIVEN_UP] = 0
            elif ints[j, GIVEN_UP] == 0:
                if not forced or (rest and ints[j, SEEN] != 0 and newest - ints[j, NEWEST] <= min(limit, wait_us)):
                    return n
                ints[j, GIVEN_UP] = 1
        n += 1


@kernel
def fill(
    g: Ints, ints: Ints, times: Ints, rows: Floats, flags: NDArray[np.uint16], rate_hz: float, limit: int,
    t_out: Ints, q_out: Floats, gyr_out: Floats, acc_out: Floats, flags_out: NDArray[np.uint16],
) -> None:  # fmt: skip
    """Make the frames that `due` counted; outputs come filled with NaN and 0."""
    for m in range(t_out.shape[0]):
        t = frame_time(g[FRAME] + m, rate_hz)
        t_out[m] = t
        for j in range(ints.shape[0]):
            if ints[j, SEEN] == 0 or ints[j, NEWEST] < t:
                flags_out[m, j] = _AWAY
                continue
            late_start = ints[j, FIRST] - g[T_START] > limit
            if late_start and t < ints[j, FIRST] + RETURN_US:
                flags_out[m, j] = _AWAY
                continue
            if t < ints[j, FIRST]:
                flags_out[m, j] = _SETTLING
                continue
            # b: first row at or after t; a: the one before it, or the same
            b = ints[j, HEAD]
            while times[j, b] < t:
                b += 1
            ints[j, HEAD] = max(ints[j, HEAD], b - 1)
            a = b if times[j, b] == t else b - 1
            bits = flags[j, a] | flags[j, b]
            if (bits & _STALE) != 0 or times[j, b] - times[j, a] > limit:
                flags_out[m, j] = _AWAY
                continue
            flags_out[m, j] = bits
            if (bits & _SETTLING) != 0:
                continue
            share = 0.0 if a == b else (t - times[j, a]) / float(times[j, b] - times[j, a])
            if a == b:
                for x in range(4):
                    q_out[m, j, x] = rows[j, a, x]
            else:
                qa = (rows[j, a, 0], rows[j, a, 1], rows[j, a, 2], rows[j, a, 3])
                qb = (rows[j, b, 0], rows[j, b, 1], rows[j, b, 2], rows[j, b, 3])
                q_out[m, j, 0], q_out[m, j, 1], q_out[m, j, 2], q_out[m, j, 3] = slerp(qa, qb, share)
            for x in range(3):
                gyr_out[m, j, x] = (1.0 - share) * rows[j, a, 4 + x] + share * rows[j, b, 4 + x]
                acc_out[m, j, x] = (1.0 - share) * rows[j, a, 7 + x] + share * rows[j, b, 7 + x]
    g[FRAME] += t_out.shape[0]


@dataclass(frozen=True, slots=True, eq=False)
class GridState:
    """Everything that changes in a `Grid`."""

    grid: Ints
    ints: Ints
    times: Ints
    rows: Floats
    flags: NDArray[np.uint16]


class Grid:
    """Collects the blocks of all sensors and hands out frames in order.

    The first frame is the first instant after the first sample of any sensor. A frame is made when every sensor has a
    sample at or after it, or when the newest sensor is ahead of it by `wait_us` plus the longest packet seen; a sensor
    that was missing then is not waited for until it has caught up.

    Parameters
    ----------
    n_sensors : int
    rate_hz : float
        Frames per second.
    wait_us : int
        Larger = fewer stale frames on a bad radio, slower to notice a lost sensor.
    """

    def __init__(self, n_sensors: int, rate_hz: float, wait_us: int) -> None:
        if n_sensors < 1 or not rate_hz > 0.0 or wait_us < 0:
            raise ValueError(f"grid of {n_sensors} sensors at {rate_hz} Hz, wait {wait_us} µs; give positive numbers")
        self._n, self._rate, self._wait = n_sensors, float(rate_hz), int(wait_us)
        self._limit = min(HOLE_US, max(SHORT_HOLE_US, self._wait))
        self._g = np.zeros(4, np.int64)
        self._ints = np.zeros((n_sensors, INTS), np.int64)
        self._ints[:, BACK_AT] = -(2**62)
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
            self._ints[i], self._times[i], self._rows[i], self._flags[i], self._limit,
            block.t_us, block.q, block.gyr, block.acc, block.flags,
        )  # fmt: skip

    def take(self) -> GridBlock:
        """The frames that became complete; may be none."""
        return self._make(due(self._g, self._ints, self._rate, self._wait, self._limit, False))

    def finish(self) -> GridBlock:
        """The remaining frames, up to the end of the sensor that ends first; those that have gone do not count."""
        return self._make(due(self._g, self._ints, self._rate, self._wait, self._limit, True))

    def _make(self, frames: int) -> GridBlock:
        out = GridBlock.empty(self._n, frames)
        if frames:
            fill(
                self._g, self._ints, self._times, self._rows, self._flags, self._rate, self._limit,
                out.t_us, out.q, out.gyr, out.acc, out.flags,
            )  # fmt: skip
        return out

    def _allocate(self, capacity: int) -> None:
        self._times = np.zeros((self._n, capacity), np.int64)
        self._rows = np.zeros((self._n, capacity, 10))
        self._flags = np.zeros((self._n, capacity), np.uint16)

    def _make_room(self, n: int) -> None:
        """Drop the rows before HEAD, and grow if that is not enough for n more."""
        old = (self._times, self._rows, self._flags)
        kept = int((self._ints[:, ROWS] - self._ints[:, HEAD]).max())
        capacity = self._times.shape[1]
        while capacity < 2 * (kept + n):  # half empty after this, so that moving is rare
            capacity *= 2
        self._allocate(capacity)
        for j in range(self._n):
            head, end = int(self._ints[j, HEAD]), int(self._ints[j, ROWS])
            for new, rows in zip((self._times, self._rows, self._flags), old, strict=True):
                new[j, : end - head] = rows[j, head:end]
            self._ints[j, HEAD], self._ints[j, ROWS] = 0, end - head

    def state(self) -> GridState:
        """A copy of everything that changes."""
        return GridState(self._g.copy(), self._ints.copy(), self._times.copy(), self._rows.copy(), self._flags.copy())

    def restore(self, state: GridState) -> None:
        """Continue from what `state` of an equal grid returned."""
        self._g, self._ints = state.grid.copy(), state.ints.copy()
        self._times, self._rows, self._flags = state.times.copy(), state.rows.copy(), state.flags.copy()
