"""Lines through offsets: from stamps on both sides of it, or between bounds.

Both return (offset at `t`, rate, variance of the offset), µs and µs per µs.
"""

from __future__ import annotations

import math

from imu.clock.layout import (
    DOWN_D,
    DOWN_T,
    NOISE_US,
    SECOND,
    SENT_FLOOR_US,
    SKEW_PRIOR,
    SLACK,
    UP_D,
    UP_T,
)
from imu.kernels import kernel
from imu.packets import Floats

SLOPES = 24
SEARCH = 36


@kernel
def line_through(bins: Floats, n: int, t: float, skew_limit: float, rate: float) -> tuple[float, float, float]:
    """Reweighted least squares through n >= 1 seconds of stamps; `rate`: where to begin.

    A stamp can be late (the host stalled) and early (an acknowledgement was lost, so the device sent again what had
    arrived): seconds off on either side count for next to nothing. The rate has a prior, so that few seconds do.
    """
    mean = 0.0
    for k in range(n):
        mean += bins[k, UP_T] / n
    # begin with the median offset around the old rate
    a, b = 0.0, rate
    for j in range(n):
        value = bins[j, UP_D] - b * (bins[j, UP_T] - mean)
        below = 0
        for k in range(n):
            other = bins[k, UP_D] - b * (bins[k, UP_T] - mean)
            below += 1 if other < value or (other == value and k < j) else 0
        if below == (n - 1) // 2:
            a = value
    scale = s = sw = st = stt = det = 0.0
    for _ in range(5):
        scale = weight = 0.0
        for k in range(n):
            r = abs(bins[k, UP_D] - a - b * (bins[k, UP_T] - mean))
            w = 1.0 / (1.0 + (r / 1000.0) ** 2)
            scale += w * r
            weight += w
        scale = max(SENT_FLOOR_US, 1.25 * scale / weight)
        s = 1.0 / (scale * scale)
        sw = st = sd = std = 0.0
        stt = 1.0 / (SKEW_PRIOR * SKEW_PRIOR)
        for k in range(n):
            x, d = bins[k, UP_T] - mean, bins[k, UP_D]
            r = (d - a - b * x) / (3.0 * scale)
            w = s / (1.0 + r * r) ** 2
            sw += w
            st += w * x
            sd += w * d
            stt += w * x * x
            std += w * x * d
        det = sw * stt - st * st
        b = min(max((sw * std - st * sd) / det, -skew_limit), skew_limit)
        a = (sd - b * st) / sw
    x = t - mean
    variance = (stt - 2.0 * x * st + x * x * sw) / det
    return a + b * x, b, variance


@kernel
def _room(bins: Floats, floors: Floats, n: int, t: float, b: float) -> tuple[float, float]:
    """Between which offsets at `t` a line of rate b can lie: (lowest, highest)."""
    low, high = -math.inf, math.inf
    for k in range(n):
        x = b * (t - bins[k, UP_T])
        high = min(high, bins[k, UP_D] + x)
        low = max(low, floors[k] + x)
        if bins[k, DOWN_D] > -math.inf:
            low = max(low, bins[k, DOWN_D] + b * (t - bins[k, DOWN_T]))
    return low, high


@kernel
def line_between(
    bins: Floats, floors: Floats, n: int, t: float, gap: float, skew_limit: float, prior: float, rate: float,
    patience: int,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Centre of all lines that stay below every second's smallest delay (n >= 1), above what it leaves room for, and
    above what the pings allow; the fourth value is by how much the bounds had to give way.

    `gap`: how far the true offset may be below the smallest delay; `rate`: about the line's, to compare seconds;
    `patience`: a second is late as a whole if there is a smaller delay so many seconds around it. floors : (n,) scratch.
    All offsets between the bounds are taken for equally likely: nothing that arrives tells them apart. Rates are likely by
    `prior` (1σ): right after a bound has become sharp, crystals that are far off would fit as well as good ones.
    """
    for k in range(n):
        low = bins[k, UP_D]
        for j in range(max(0, k - patience), min(n, k + patience + 1)):
            if abs(bins[j, UP_T] - bins[k, UP_T]) <= (patience + 1.0) * SECOND:
                low = min(low, bins[j, UP_D] - rate * (bins[j, UP_T] - bins[k, UP_T]))
        floors[k] = low - gap - NOISE_US - bins[k, SLACK]
    # the room is a concave function of the rate: find its largest value, then where it ends on both sides
    left, right = -skew_limit, skew_limit
    for _ in range(SEARCH):
        one, two = left + 0.382 * (right - left), left + 0.618 * (right - left)
        low_1, high_1 = _room(bins, floors, n, t, one)
        low_2, high_2 = _room(bins, floors, n, t, two)
        if high_1 - low_1 < high_2 - low_2:
            left = one
        else:
            right = two
    best = 0.5 * (left + right)
    low, high = _room(bins, floors, n, t, best)
    give = 0.0
    if high - low < NOISE_US:
        # no delay can be too small, so it is the bounds from below that do not hold
        give = NOISE_US - (high - low)
    ends = (-skew_limit, skew_limit)
    first, last = best, best
    for side in range(2):
        inside, outside = best, ends[side]
        low, high = _room(bins, floors, n, t, outside)
        if high - low + give >= 0.0:
            inside = outside
        else:
            for _ in range(16):
                middle = 0.5 * (inside + outside)
                low, high = _room(bins, floors, n, t, middle)
                if high - low + give >= 0.0:
                    inside = middle
                else:
                    outside = middle
        if side == 0:
            first = inside
        else:
            last = inside
    # centre and variance of the polygon of (rate, offset), strip by strip
    area = moment = square = turn = 0.0
    low, high = _room(bins, floors, n, t, best)
    zero = high
    for k in range(SLOPES):
        b = first + (k + 0.5) * (last - first) / SLOPES
        low, high = _room(bins, floors, n, t, b)
        low, high = low - give - zero, high - zero
        if high <= low:
            continue
        w = math.exp(-0.5 * (b / prior) ** 2)
        area += w * (high - low)
        moment += 0.5 * w * (high - low) * (high + low)
        square += w * (high**3 - low**3) / 3.0
        turn += w * (high - low) * b
    if area <= 0.0:
        return zero - 0.5 * gap, best, gap * gap / 12.0, give
    centre = moment / area
    return zero + centre, turn / area, max(0.0, square / area - centre * centre), give
