"""How much of the radio's delay can hide from whoever sees only arrivals.

A packet waits for the next connection event. Where its period and the connection interval have a common divisor, the
waiting times that occur are `phase + k * divisor` for ever, and the phase is part of what looks like the clock's offset.
Waiting times modulo the interval are points on a circle, which the unknown phase turns: it is at most the gap in which
the circle is cut open. The host is not told the interval, but can do without:
- the widest gap between delays that do occur (those of repeated packets continue the circle) is such a bound;
- so is the rest of the packet's period: who has waited longer finds a younger packet leaving with the same event;
- so is the rest of any difference between two common steps from arrival to arrival: all are multiples of the interval.
"""

from __future__ import annotations

import math
from typing import Final

from imu.clock.layout import APART_CELLS, CELL_US, CELLS, COMMON_SHARE, DELAYS, RARE_SHARE, STEPS
from imu.kernels import kernel
from imu.packets import Floats

KEEP: Final = 1.0 - 1.0 / 60.0
"""Of a histogram from one second to the next: it remembers about a minute."""


@kernel
def count_delays(histograms: Floats, held: Floats, n: int, smallest: float) -> None:
    """Add a second's delays held[:n] as excess over the smallest; what was there before fades."""
    for c in range(CELLS):
        histograms[DELAYS, c] *= KEEP
        histograms[STEPS, c] *= KEEP
    for k in range(n):
        c = int((held[k] - smallest) / CELL_US)
        if c < CELLS:
            histograms[DELAYS, c] += 1.0


@kernel
def count_step(histograms: Floats, step_us: float) -> None:
    """Add the time from one arrival to the next."""
    c = int(step_us / CELL_US + 0.5)
    if 0 <= c < CELLS:
        histograms[STEPS, c] += 1.0


@kernel
def longest_interval(histograms: Floats) -> float:
    """Upper bound of the connection interval, µs: the smallest difference between common steps; inf if there is one."""
    total = 0.0
    for c in range(CELLS):
        total += histograms[STEPS, c]
    found = math.inf
    # clusters are apart by APART_CELLS empty cells; the first one is at 0 (two packets in one event)
    centre, weight, moment, quiet = 0.0, 0.0, 0.0, APART_CELLS
    for c in range(CELLS + APART_CELLS):
        count = histograms[STEPS, c] if c < CELLS else 0.0
        if count > RARE_SHARE * total:
            weight += count
            moment += count * c
            quiet = 0
        else:
            quiet += 1
            if quiet == APART_CELLS and weight > 0.0:
                if weight >= COMMON_SHARE * total:
                    here = moment / weight
                    if here - centre >= APART_CELLS:
                        found = min(found, here - centre)
                    centre = here
                weight = moment = 0.0
    return found * CELL_US


@kernel
def hidden_room(histograms: Floats, period_us: float) -> float:
    """Width in µs of the range in which the hidden phase is; period_us: between two packets."""
    end = min(int(min(period_us, longest_interval(histograms)) / CELL_US + 0.5), CELLS)
    total = 0.0
    for c in range(CELLS):
        total += histograms[DELAYS, c]
    enough = max(1.5, RARE_SHARE * total)
    last = widest = blur = 0
    for c in range(1, end):
        if histograms[DELAYS, c] >= enough:
            widest = max(widest, c - last)
            if c == blur + 1:
                blur = c  # cells filled from the smallest delay on: scatter of arrivals, or a phase that wanders
            last = c
    widest = max(widest, end - last, 1)
    if widest > 2:
        widest += min(blur, 4)  # scatter widens what occurs and narrows the gaps
    return widest * CELL_US
