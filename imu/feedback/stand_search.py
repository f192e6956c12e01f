"""Which end of an up-and-down movement is the stand, when nobody stood still first?

A person who squats is pushed upwards at the bottom and not at the top, so the pelvis' accelerometer shows more at the
bottom; its length alone is used, which needs neither a calibration nor a good sensor. Over a whole cycle its correlation
with the thighs' angle was at least 0.44 in 1932 windows cut out of 20 sets, over half a cycle it was wrong in 23 of them,
by up to 0.40. The first quiet moment is no sign: in 8 of the 20 sets it was the bottom.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from imu.kernels import kernel
from imu.packets import Floats

SWING: Final = 0.5236
"""rad (30°), of a half of a cycle."""
EACH: Final = 0.35
"""rad (20°), that each leg must turn in it: who marches turns one, ..."""
TOGETHER: Final = 0.5
"""... share of the turning that both legs must do at the same time: or one after the other."""
BACK: Final = 0.2094
"""rad (12°) away from an extreme, it was one."""
HALF_SURE: Final = 0.55
"""Correlation that is believed after half a cycle, ..."""
SURE: Final = 0.2
"""... after a whole one ..."""
LESS_SURE: Final = 0.1
"""... and after one and a half."""
NEAR: Final = 0.2094
"""rad (12°) from the highest position seen: the calmest moment there is the stand."""
EDGE: Final = 8
"""Rows from the beginning of what is seen."""
AT_REST: Final = 0.0279
"""rad (1.6°) in so many rows: 20 °/s."""
CALM: Final = 4
"""Frames on both sides of the calmest moment."""


@kernel
def angle_about(gyr: Floats, j: int, first: int, period_s: float, out: Floats) -> None:
    """Angle (n,) that sensor j has turned since frame `first`, about the axis about which it turned most; unknown = 0."""
    mask = gyr.shape[0] - 1
    m = np.zeros((3, 3))
    for i in range(out.shape[0]):
        w = gyr[(first + i) & mask, j]
        if w[0] == w[0]:
            for x in range(3):
                for y in range(3):
                    m[x, y] += w[x] * w[y]
    axis = np.ones(3)
    largest = 0
    for x in range(1, 3):
        if m[x, x] > m[largest, largest]:
            largest = x
    axis[:] = m[largest]
    for _ in range(50):
        new = np.zeros(3)
        for x in range(3):
            for y in range(3):
                new[x] += m[x, y] * axis[y]
        norm = math.sqrt(new[0] * new[0] + new[1] * new[1] + new[2] * new[2])
        if norm == 0.0:
            break
        axis[:] = new / norm
    angle: float = 0.0
    for i in range(out.shape[0]):
        w = gyr[(first + i) & mask, j]
        if w[0] == w[0]:
            angle += (w[0] * axis[0] + w[1] * axis[1] + w[2] * axis[2]) * period_s
        out[i] = angle


@kernel
def extremes(y: Floats, at: Floats) -> int:
    """Rows of y (n,) where it turned, each once it is `BACK` away -> at; returns their number.

    The first row is one of them only if it began at rest: who is first seen in the middle of a movement did not turn there.
    """
    began = y.shape[0] > EDGE and abs(y[EDGE] - y[0]) < AT_REST
    high, low, i_high, i_low, way, k = y[0], y[0], 0, 0, 0, 0
    for i in range(1, y.shape[0]):
        if y[i] > high:
            high, i_high = y[i], i
        if y[i] < low:
            low, i_low = y[i], i
        if way >= 0 and high - y[i] >= BACK:
            if way == 0 and i_low < i_high and (began or i_low >= EDGE):
                at[k] = i_low
                k += 1
            if way != 0 or began or i_high >= EDGE:
                at[k] = i_high
                k += 1
            way, low, i_low = -1, y[i], i
        elif way <= 0 and y[i] - low >= BACK:
            if way == 0 and i_high < i_low and (began or i_high >= EDGE):
                at[k] = i_high
                k += 1
            if way != 0 or began or i_low >= EDGE:
                at[k] = i_low
                k += 1
            way, high, i_high = 1, y[i], i
        if k > at.shape[0] - 3:
            break
    return k


@kernel
def together(a: Floats, b: Floats, first: int, last: int) -> bool:
    """Both angles change at the same time between the rows first and last, whichever way."""
    less, more = 0.0, 0.0
    for i in range(first, last):
        x, y = abs(a[i + 1] - a[i]), abs(b[i + 1] - b[i])
        less, more = less + min(x, y), more + max(x, y)
    return less >= TOGETHER * more


@kernel
def correlation(acc: Floats, j: int, first: int, y: Floats, start: int) -> float:
    """Of the length of sensor j's acceleration with y (n,), from row `start` on; 0 if too little is known."""
    mask = acc.shape[0] - 1
    n, sa, sy, saa, syy, say = 0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(start, y.shape[0]):
        a = acc[(first + i) & mask, j]
        f = math.sqrt(a[0] * a[0] + a[1] * a[1] + a[2] * a[2])
        if f == f:
            n, sa, sy = n + 1, sa + f, sy + y[i]
            saa, syy, say = saa + f * f, syy + y[i] * y[i], say + f * y[i]
    if n < 20:
        return 0.0
    both = (saa - sa * sa / n) * (syy - sy * sy / n)
    return (say - sa * sy / n) / math.sqrt(both) if both > 0.0 else 0.0


@kernel
def rate_around(gyr: Floats, left: int, right: int, i: int) -> float:
    """rad/s, mean over 2 CALM + 1 frames of how fast both thighs turn; infinite if unknown."""
    mask = gyr.shape[0] - 1
    total = 0.0
    for k in range(i - CALM, i + CALM + 1):
        for j in (left, right):
            if j >= 0:
                w = gyr[k & mask, j]
                total += math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2])
    return total / (2 * CALM + 1) if total == total else np.inf


@kernel
def find_stand(
    gyr: Floats, acc: Floats, left: int, right: int, pelvis: int, first: int, last: int, period_s: float
) -> int:
    """Number of the frame first .. last that is the calmest of the stand; -1 = not known yet.

    left, right, pelvis : columns of the thighs' and the pelvis' sensors, -1 = not worn. Without a pelvis the calmest moment
    of all is taken, which was the bottom in 8 of 20 sets.
    """
    n = last - first + 1
    y, other = np.zeros(n), np.zeros(n)
    lead = left if left >= 0 else right
    angle_about(gyr, lead, first, period_s, y)
    two = left >= 0 and right >= 0
    if two:
        angle_about(gyr, right, first, period_s, other)
        my, mo, product = y.mean(), other.mean(), 0.0
        for i in range(n):
            product += (y[i] - my) * (other[i] - mo)
        if product < 0.0:
            other = -other
    both = 0.5 * (y + other) if two else y
    at = np.zeros(64)
    k = extremes(both, at)
    swings, start = 0, -1
    for i in range(1, k):
        a, b = int(at[i - 1]), int(at[i])
        alike = not two or (min(abs(y[b] - y[a]), abs(other[b] - other[a])) >= EACH and together(y, other, a, b))
        if alike and abs(both[b] - both[a]) >= SWING:
            swings += 1
            if start < 0:
                start = a
    if swings == 0:
        return -1
    calmest, least = -1, np.inf
    if pelvis >= 0:
        r = correlation(acc, pelvis, first, both, start)
        enough = HALF_SURE if swings == 1 else SURE if swings == 2 else LESS_SURE
        if abs(r) < enough:
            return -1
        if r < 0.0:
            both = -both
    else:
        for i in range(CALM, n - CALM):
            rate = rate_around(gyr, left, right, first + i)
            if rate < least:
                calmest, least = i, rate
        if calmest >= 0 and both[calmest] > 0.5 * (both.min() + both.max()):
            both = -both
    limit = both.min() + NEAR
    calmest, least = -1, np.inf
    for i in range(CALM, n - CALM):
        if both[i] <= limit:
            rate = rate_around(gyr, left, right, first + i)
            if rate < least:
                calmest, least = i, rate
    return first + calmest if calmest >= 0 else -1
