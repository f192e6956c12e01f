"""From two legs to one signal, and its rate."""

from __future__ import annotations

from typing import Final

from imu.feedback.records import Records
from imu.kernels import kernel
from imu.packets import Floats, Ints

SIGNED_MOST: Final = 0.0873
"""rad (5°): up to here a tilt is taken with its sign."""
UNSIGNED_LEAST: Final = 0.2618
"""rad (15°): from here on as it is, below any angle at which a repetition opens by the recommended limits."""


@kernel
def unfold(tilt: float, forward: float) -> float:
    """An unsigned tilt without its kink at zero, rad: near the stand the forward part of it, further away the tilt itself.

    With 0.2° rms of sway the kink alone made a way down of 3 s read 0.144 s (SD 0.081) too short, unfolded 0.059 (0.036).
    The tilt counts because it needs no axis; `forward` unknown (NaN) leaves it as it is.
    """
    if forward != forward:
        return tilt
    share = min(max((UNSIGNED_LEAST - tilt) / (UNSIGNED_LEAST - SIGNED_MOST), 0.0), 1.0)
    return tilt + share * (forward - tilt)


@kernel
def combine(left: float, right: float, apart: float, one_leg: int, worn_left: int, worn_right: int) -> float:
    """Signal of both legs, rad: their mean, but at most `apart` above the smaller one. NaN if it may not be told.

    One lifted knee (90 against 0) gives `apart`, which opens nothing; uneven legs of a squat are averaged.
    """
    known_left, known_right = left == left, right == right
    if known_left and known_right:
        return min(0.5 * (left + right), min(left, right) + apart)
    if known_left and (one_leg == 2 or (one_leg == 1 and worn_right == 0)):
        return left
    if known_right and (one_leg == 2 or (one_leg == 1 and worn_left == 0)):
        return right
    return float("nan")


@kernel
def mean_known(left: float, right: float) -> float:
    """Mean of both legs, or the one that is known; NaN if none is."""
    if left != left:
        return right
    return left if right != right else 0.5 * (left + right)


@kernel
def measure_rate(machine: Records, half: int, period_s: float, t: int, s: float, ring_t: Ints, ring_s: Floats,
                 ring_rate: Floats) -> float:  # fmt: skip
    """Take frame (t, s); returns the rate, rad/s, `half` frames ago: least-squares slope over 2 half + 1 frames.

    An unknown s (NaN) makes every rate unknown that it is part of: nothing is interpolated.
    """
    m = machine[0]
    n, mask = m["n"], len(ring_t) - 1
    ring_t[n & mask] = t
    ring_s[n & mask] = s
    ring_rate[n & mask] = 0.0
    m["n"] = n + 1
    c = n - half
    rate: float = 0.0
    if c - half >= m["known"]:
        total = 0.0
        for j in range(1, half + 1):
            rate += j * float(ring_s[(c + j) & mask] - ring_s[(c - j) & mask])
            total += 2.0 * j * j
        rate /= total * period_s
        ring_rate[c & mask] = rate
    m["rate"] = rate
    return rate
