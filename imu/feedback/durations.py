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
def edge(
    ring_t: Ints, ring_rate: Floats, first: int, last: int, step: int, sign: float, peak: float
) -> tuple[int, bool]:  # fmt: skip
    """Time at which the movement's rate was (or will be) zero, int64 µs, and whether it has been seen.

    ring_t (N,) µs, ring_rate (N,) rad/s (NaN = unknown), N a power of two; frames `first` .. `last` by `step` (+1 towards
    the end of a movement, -1 towards its start), `first` known and inside the movement. sign * rate is positive in the
    movement, at most `peak`. Not seen: the rate passed a level while it was unknown (then the middle of that stretch
    stands for the moment), or the frames end before it is below the innermost level (then the last one does).
    """
    mask = len(ring_t) - 1
    inner = max(SHARE * peak, SLOWEST)
    t_40 = t_20 = t_10 = -1.0
    before, t_before, i_before = 0.0, float(ring_t[first & mask]), first
    seen = True
    i = first
    while True:
        v, t = sign * ring_rate[i & mask], float(ring_t[i & mask])
        for level in range(3):
            limit = inner * (4 >> level)
            if not v < limit or (level == 0 and t_40 >= 0.0) or (level == 1 and t_20 >= 0.0):
                continue
            if abs(i - i_before) > 1:  # unknown in between
                share, seen = 0.5, False
            elif before >= limit:
                share = (before - limit) / (before - v)
            else:  # the first frame: a slow movement never reaches the outer levels
                share, seen = 1.0, seen and level < 2
            crossing = t_before + share * (t - t_before)
            if level == 0:
                t_40 = crossing
            elif level == 1:
                t_20 = crossing
            else:
                t_10 = crossing
        if t_10 >= 0.0 or i == last:
            break
        if v == v:
            before, t_before, i_before = v, t, i
        i += step
    if t_10 < 0.0:
        return ring_t[last & mask], False
    # a movement slower than four times the innermost level has no spacing to look at
    if peak < 4.4 * inner:
        return round(t_10), seen
    near, far = abs(t_20 - t_10), abs(t_40 - t_20)
    if near <= 0.0:
        return round(t_10), seen
    straight = min(max((far / near - SPACING[0]) / (SPACING[1] - SPACING[0]), 0.0), 1.0)
    told = EXTENSION[0] + straight * (EXTENSION[1] - EXTENSION[0])
    extension = 0.5 * (told + FIXED_EXTENSION) * (near + far)
    return round(t_10 + step * min(extension, float(LONGEST))), seen


@kernel
def fastest(ring_rate: Floats, first: int, last: int, sign: float) -> float:
    """Largest known sign * rate within frames `first` .. `last`, rad/s; 0 if none is positive."""
    mask = len(ring_rate) - 1
    peak = 0.0
    for i in range(first, last + 1):
        v = sign * ring_rate[i & mask]
        if v > peak:
            peak = v
    return peak


@kernel
def find(ring_rate: Floats, first: int, last: int, step: int, sign: float, limit: float) -> int:
    """First frame from `first` to `last` by `step` whose sign * rate is known and at least `limit`; -1 if there is none."""
    mask = len(ring_rate) - 1
    i = first
    while True:
        if sign * ring_rate[i & mask] >= limit:
            return i
        if i == last:
            return -1
        i += step


@kernel
def begin(ring_t: Ints, ring_rate: Floats, first: int, last: int, oldest: int, sign: float) -> tuple[int, bool]:
    """Start, µs, of the movement whose sign * rate peaks within `first` .. `last`, looking back to `oldest`; seen?"""
    peak = fastest(ring_rate, first, last, sign)
    if peak == 0.0:
        return ring_t[first & (len(ring_t) - 1)], False
    i = find(ring_rate, first, last, 1, sign, 0.4 * peak)
    return edge(ring_t, ring_rate, i, oldest, -1, sign, peak)


@kernel
def end(ring_t: Ints, ring_rate: Floats, first: int, last: int, newest: int, sign: float) -> tuple[int, bool]:
    """End, µs, of the movement whose sign * rate peaks within `first` .. `last`, looking on to `newest`; seen?"""
    peak = fastest(ring_rate, first, last, sign)
    if peak == 0.0:
        return ring_t[last & (len(ring_t) - 1)], False
    i = find(ring_rate, last, first, -1, sign, 0.4 * peak)
    return edge(ring_t, ring_rate, i, newest, 1, sign, peak)
