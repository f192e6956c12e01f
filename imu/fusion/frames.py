"""Kernels that bring all sensors to common instants.

What a sensor contributes to a frame depends on its own samples around that instant, never on packet sizes:

- between two samples: the orientation as the rates at both say (`interpolation`), gyr and acc linearly, the flags of both;
- in a hole longer than the limit, and for 300 ms after it: STALE | GAP. Frames that were made live before the first
  packet after the hole had arrived are stale as well, so results with small and large packets are equal;
- next to a sample that is SETTLING or has no orientation (NaN): orientation unknown, SETTLING; what was measured is known;
- of a refused sensor: unknown, SENSOR_FAULT;
- before its first sample: SETTLING; STALE | GAP if that sample is later than the start by more than the limit, and then
  for another 300 ms;
- arrived later than the wait limit after the frame's instant: STALE | GAP, and so are all frames up to the instant at
  which that sample arrived. This looks at the arrival of each sample, not at what had been pushed when the frame was
  made; a frame is made without a sensor only when it is certain that this will be the verdict.

The start is the earliest sample of those sensors that are heard of until the wait limit after the very first arrival.
A hole is the step between two received samples. The limit is the wait limit, but not less than 50 ms and at most 250 ms.
These figures are the defaults of `grid.GridParams`.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.fusion.interpolation import on_the_way
from imu.kernels import kernel
from imu.packets import Floats, Ints, Quality

_STALE, _SETTLING, _FAULT = int(Quality.STALE), int(Quality.SETTLING), int(Quality.SENSOR_FAULT)
_AWAY = int(Quality.STALE | Quality.GAP)
_MADE_UP = int(Quality.FILLED)

NEVER: Final = -(2**62)
# One sensor's integers. HEAD: oldest row that may still be needed; ROWS: end of the rows; FIRST, CAME: time and arrival of
# the very first row. Then, twice, for what decides
# that frames can be made (DUE) and for what fills them (FILL): the next frame whose row has not been looked at, where to
# look for it, and the arrival of the newest row that came too late.
HEAD, ROWS, SEEN, FIRST, CAME, NEWEST, T_REAL, BACK_AT, DUE, FILL = 0, 1, 2, 3, 4, 5, 6, 7, 8, 11
INTS: Final = 14
NEXT, ROW, LATE_UNTIL = 0, 1, 2
# The grid's integers. NOW: newest arrival of any sensor; KNOWN: when the newest frame was known.
STARTED, FRAME, T_START, SPAN, NOW, KNOWN = range(6)
GRID_INTS: Final = 6


@kernel
def frame_time(number: int, rate_hz: float) -> int:
    """Session time of a frame, µs."""
    return int(np.floor(number * 1e6 / rate_hz + 0.5))


@kernel
def append(
    g: Ints, i: Ints, times: Ints, arrived: Ints, rows: Floats, flags: NDArray[np.uint16], limit: int, return_us: int,
    t_us: Ints, arrived_us: Ints, q: Floats, gyr: Floats, acc: Floats, new_flags: NDArray[np.uint16],
) -> None:  # fmt: skip
    """Put a block's rows behind those of one sensor, and mark the rows in and after too long a hole as STALE.

    limit, return_us : µs; longest hole that is bridged, and how long a sensor is not believed after a longer one.
    """
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
            i[BACK_AT] = t_us[stop] + return_us
        for j in range(k, stop + 1):
            times[end] = t_us[j]
            arrived[end] = arrived_us[j]
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
            i[CAME] = arrived_us[k]
        i[T_REAL] = t_us[stop]
        k = stop + 1
    i[ROWS] = end
    i[NEWEST] = times[end - 1]
    g[NOW] = max(g[NOW], arrived[end - 1])


@kernel
def look(i: Ints, which: int, frame: int, times: Ints, arrived: Ints, rate_hz: float, wait_us: int) -> None:
    """Find the first row at or after every frame up to `frame` that has one, and remember the arrival of late ones."""
    while i[which + NEXT] <= frame:
        t = frame_time(i[which + NEXT], rate_hz)
        if i[SEEN] == 0 or i[NEWEST] < t:
            return
        row = max(i[which + ROW], i[HEAD])
        while times[row] < t:
            row += 1
        i[which + ROW] = row
        if arrived[row] > t + wait_us:
            i[which + LATE_UNTIL] = max(i[which + LATE_UNTIL], arrived[row])
        i[which + NEXT] += 1


@kernel
def known(i: Ints, frame: int, t: int, times: Ints, arrived: Ints, rate_hz: float, wait_us: int) -> int:
    """Session time at which this sensor no longer held up the frame of instant `t`; NEVER: nobody waited for it.

    By the arrival of each sample, so that it does not depend on packet sizes. A sensor that is late is waited for once.
    """
    look(i, FILL, frame - 1, times, arrived, rate_hz, wait_us)
    if t < i[FILL + LATE_UNTIL] or i[FILL + NEXT] != frame:
        return NEVER
    if i[SEEN] == 0 or i[NEWEST] < t:
        return t + wait_us
    look(i, FILL, frame, times, arrived, rate_hz, wait_us)
    return min(int(arrived[i[FILL + ROW]]), t + wait_us)


@kernel
def due(
    g: Ints, ints: Ints, times: Ints, arrived: Ints, rate_hz: float, wait_us: int, limit: int, rest: bool
) -> int:  # fmt: skip
    """Number of frames that can be made now.

    `rest`: all frames there are, up to the end of the sensor that ends first. That sensors do not end with one sample
    makes none of them stale; one that ended much earlier has gone, and the others are followed to their end.
    """
    sensors = ints.shape[0]
    newest, came, missing = NEVER, -NEVER, False
    for j in range(sensors):
        if ints[j, SEEN] != 0:
            newest = max(newest, ints[j, NEWEST])
            came = min(came, ints[j, CAME])
        else:
            missing = True
    if came == -NEVER:
        return 0
    # What arrived more than a packet's length ago has been pushed; in the end everything has.
    span = 0 if rest else g[SPAN]
    if g[STARTED] == 0:
        if missing and not rest and g[NOW] - span <= came + wait_us:
            return 0
        first = -NEVER
        for j in range(sensors):
            if ints[j, SEEN] != 0 and ints[j, CAME] <= came + wait_us:
                first = min(first, ints[j, FIRST])
        g[STARTED] = 1
        g[T_START] = first
        g[FRAME] = int(np.ceil(first * rate_hz / 1e6)) - 1
        while frame_time(g[FRAME], rate_hz) < first:
            g[FRAME] += 1
        for j in range(sensors):
            ints[j, DUE + NEXT] = ints[j, FILL + NEXT] = g[FRAME]
    n = 0
    while True:
        t = frame_time(g[FRAME] + n, rate_hz)
        if t > newest:
            return n
        for j in range(sensors):
            look(ints[j], DUE, g[FRAME] + n, times[j], arrived[j], rate_hz, wait_us)
            if ints[j, DUE + NEXT] > g[FRAME] + n:
                continue
            # The oldest frame without a row of this sensor is overdue: that row will be late, and with it all frames up to
            # its arrival, which is later than what has been pushed.
            overdue = g[NOW] - span > frame_time(ints[j, DUE + NEXT], rate_hz) + wait_us and t <= g[NOW] - span
            if rest and not overdue:
                overdue = ints[j, SEEN] == 0 or newest - ints[j, NEWEST] > min(limit, wait_us) // 2
            if not overdue and t >= ints[j, DUE + LATE_UNTIL]:
                return n
        n += 1


@kernel
def fill(
    g: Ints, ints: Ints, times: Ints, arrived: Ints, rows: Floats, flags: NDArray[np.uint16], rate_hz: float,
    wait_us: int, limit: int, return_us: int,
    t_out: Ints, known_out: Ints, q_out: Floats, gyr_out: Floats, acc_out: Floats, flags_out: NDArray[np.uint16],
) -> None:  # fmt: skip
    """Make the frames that `due` counted; outputs come filled with NaN and 0."""
    for m in range(t_out.shape[0]):
        t = frame_time(g[FRAME] + m, rate_hz)
        t_out[m] = t
        for j in range(ints.shape[0]):
            g[KNOWN] = max(g[KNOWN], known(ints[j], g[FRAME] + m, t, times[j], arrived[j], rate_hz, wait_us))
        known_out[m] = g[KNOWN]  # frames are known in their order
        for j in range(ints.shape[0]):
            if ints[j, SEEN] == 0 or ints[j, NEWEST] < t:
                flags_out[m, j] = _AWAY
                continue
            look(ints[j], FILL, g[FRAME] + m, times[j], arrived[j], rate_hz, wait_us)
            b = ints[j, FILL + ROW]
            ints[j, HEAD] = max(ints[j, HEAD], b - 1)
            late_start = ints[j, FIRST] - g[T_START] > limit and t < ints[j, FIRST] + return_us
            if late_start or t < ints[j, FILL + LATE_UNTIL]:
                flags_out[m, j] = _AWAY
                continue
            if t < ints[j, FIRST]:
                flags_out[m, j] = _SETTLING
                continue
            # b: first row at or after t; a: the one before it, or the same
            a = b if times[j, b] == t else b - 1
            bits = flags[j, a] | flags[j, b]
            if (bits & _STALE) != 0 or times[j, b] - times[j, a] > limit:
                flags_out[m, j] = _AWAY
                continue
            doubtful = (bits & _SETTLING) != 0 or math.isnan(rows[j, a, 0] + rows[j, b, 0])
            flags_out[m, j] = bits | _SETTLING if doubtful else bits
            if (bits & _FAULT) != 0:
                continue
            step_us = max(times[j, b] - times[j, a], 1)
            share = (t - times[j, a]) / float(step_us)
            for x in range(3):
                # what was measured is known although the orientation is not
                gyr_out[m, j, x] = (1.0 - share) * rows[j, a, 4 + x] + share * rows[j, b, 4 + x]
                acc_out[m, j, x] = (1.0 - share) * rows[j, a, 7 + x] + share * rows[j, b, 7 + x]
            if doubtful:
                continue
            if a == b:
                for x in range(4):
                    q_out[m, j, x] = rows[j, a, x]
                continue
            q_out[m, j, 0], q_out[m, j, 1], q_out[m, j, 2], q_out[m, j, 3] = on_the_way(
                rows[j, a, :4], rows[j, b, :4], rows[j, a, 4:7], rows[j, b, 4:7], step_us * 1e-6, share
            )
    g[FRAME] += t_out.shape[0]
