"""Where a movement begins and ends, found back in time from its rate.

A dead band alone is biased: a smooth start is slower than 5 deg/s for its first tenth, so a 3 s way down of 75° reads
2.5 s. Here the moments at which the rate passes 10, 20 and 40 % of the movement's own peak rate are extended to zero rate,
so the result scales with time and amplitude. How far depends on how the rate grows: by 0.33 of the time from 40 to 10 %
when it grows linearly (trapezoid, sine), by 0.79 when it grows with the square of time (minimum jerk). The spacing of the
three moments tells which (1 : 2 or 1 : 1.64), but it is noisy: trusting it fully is exact without noise and scatters by
0.13 s with 0.07° of noise; a fixed 0.6 scatters by 0.03 s and is off by up to 0.08 s. The mean of both is used: 0.05 s of
scatter, off by at most 0.045 s, at each end of a 3 s phase (0.02 s of a 1.5 s one).
"""

from __future__ import annotations

from typing import Final

from imu.kernels import kernel
from imu.packets import Floats, Ints

SHARE: Final = 0.1
"""of the peak rate: the innermost level; the others are 2 and 4 times as much."""
SLOWEST: Final = 0.0436
"""rad/s (2.5 deg/s): sway at rest reaches this, so no level is put below it."""
SPACING: Final = (1.643, 2.0)
"""Time from 40 to 20 % over time from 20 to 10 %: minimum jerk, linear."""
EXTENSION: Final = (0.785, 0.333)
"""Time from 10 % to zero over time from 40 to 10 %, for the same."""
FIXED_EXTENSION: Final = 0.6
LONGEST: Final = 500_000
"""µs; an extension is never longer."""


@kernel
def edge(ring_t: Ints, ring_rate: Floats, first: int, last: int, step: int, sign: float, peak: float) -> int:
    """Time at which the movement's rate was (or will be) zero, int64 µs.

    ring_t (N,) µs, ring_rate (N,) rad/s, N a power of two; frames `first` .. `last` by `step` (+1 towards the end of a
    movement, -1 towards its start), `first` inside the movement. sign * rate is positive in the movement, at most
    `peak`. If the frames end before the rate is below a level, the last one stands for it.
    """
    mask = len(ring_t) - 1
    inner = max(SHARE * peak, SLOWEST)
    previous = first
    t_40 = t_20 = t_10 = -1.0
    i = first
    while True:
        v = sign * ring_rate[i & mask]
        before = sign * ring_rate[previous & mask]
        t, t_before = float(ring_t[i & mask]), float(ring_t[previous & mask])
        for level in range(3):
            limit = inner * (4 >> level)
            if v < limit:
                share = (before - limit) / (before - v) if before > v and before >= limit else 1.0
                crossing = t_before + share * (t - t_before)
                if level == 0 and t_40 < 0.0:
                    t_40 = crossing
                elif level == 1 and t_20 < 0.0:
                    t_20 = crossing
                elif level == 2:
                    t_10 = crossing
        if t_10 >= 0.0 or i == last:
            break
        previous = i
        i += step
    if t_10 < 0.0:
        return ring_t[last & mask]
    # a movement slower than four times the innermost level has no spacing to look at
    if peak < 4.4 * inner:
        return round(t_10)
    near, far = abs(t_20 - t_10), abs(t_40 - t_20)
    if near <= 0.0:
        return round(t_10)
    straight = min(max((far / near - SPACING[0]) / (SPACING[1] - SPACING[0]), 0.0), 1.0)
    told = EXTENSION[0] + straight * (EXTENSION[1] - EXTENSION[0])
    extension = 0.5 * (told + FIXED_EXTENSION) * (near + far)
    return round(t_10 + step * min(extension, float(LONGEST)))


@kernel
def find(ring_rate: Floats, first: int, last: int, step: int, sign: float, limit: float) -> int:
    """First frame from `first` to `last` by `step` whose sign * rate is at least `limit`; -1 if there is none."""
    mask = len(ring_rate) - 1
    i = first
    while True:
        if sign * ring_rate[i & mask] >= limit:
            return i
        if i == last:
            return -1
        i += step


@kernel
def begin(ring_t: Ints, ring_rate: Floats, first: int, last: int, oldest: int, sign: float) -> int:
    """Start, µs, of the movement whose rate sign * rate peaks within frames `first` .. `last`; looks back to `oldest`."""
    mask = len(ring_t) - 1
    peak = 0.0
    for i in range(first, last + 1):
        peak = max(peak, sign * ring_rate[i & mask])
    i = find(ring_rate, first, last, 1, sign, 0.4 * peak)
    return edge(ring_t, ring_rate, i, oldest, -1, sign, peak) if i >= 0 and peak > 0.0 else ring_t[first & mask]


@kernel
def end(ring_t: Ints, ring_rate: Floats, first: int, last: int, newest: int, sign: float) -> int:
    """End, µs, of the movement whose rate peaks within frames `first` .. `last`; looks on up to `newest`."""
    mask = len(ring_t) - 1
    peak = 0.0
    for i in range(first, last + 1):
        peak = max(peak, sign * ring_rate[i & mask])
    i = find(ring_rate, last, first, -1, sign, 0.4 * peak)
    return edge(ring_t, ring_rate, i, newest, 1, sign, peak) if i >= 0 and peak > 0.0 else ring_t[last & mask]
