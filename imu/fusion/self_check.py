"""What a sensor at rest says about itself: gravity's length, rate at standstill, noise, dead axes, wrong units.

Rest is judged by the spread of the samples, not by their mean: a gyroscope that is off by 5 °/s is at rest all the same.
A bad sensor is refused (its joints are unknown) or marked, with the numbers and what to do in words for a person.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imu.conventions import G
from imu.fusion import rest_blocks as kernels
from imu.fusion.rates import sample_period
from imu.fusion.sensor_check import CHECK_RANGE, CHECK_UNITS, CheckParams, SensorCheck, judged
from imu.packets import Floats

BLOCK_S: Final = 0.5
LONGEST: Final = 12
"""Blocks: what happened more than 6 s ago is not held against a sensor, and does not hide what it does now."""


@dataclass(frozen=True, slots=True, eq=False)
class CheckState:
    """Everything that changes in a `SelfCheck`."""

    block: Floats
    rest: Floats
    blocks: int
    slow: int
    gross: int
    check: SensorCheck


class SelfCheck:
    """Watches one sensor. Fed in pieces of any size it decides at the same samples.

    Parameters
    ----------
    rate_hz : float
        Sample rate.
    params : CheckParams, optional
        Limits.
    """

    def __init__(self, rate_hz: float, params: CheckParams | None = None) -> None:
        sample_period(rate_hz)  # says what is wrong with it
        self._params = params or CheckParams()
        self._size = max(2, round(BLOCK_S * rate_hz))
        self._block_s = self._size / rate_hz
        self._block = np.zeros(kernels.BLOCK_SIZE)
        self._summary = np.zeros(kernels.SUMMARY_SIZE)
        self._rest = np.zeros((LONGEST, kernels.SUMMARY_SIZE))
        self._blocks = 0
        self._slow = self._gross = 0
        self.check = SensorCheck()
        """What is known now."""

    def push(self, gyr: Floats, acc: Floats, broken: NDArray[np.uint8]) -> list[tuple[int, SensorCheck]]:
        """Feed k samples; returns (row, check) wherever the verdict has become another: it holds from that row on.

        gyr (k, 3) rad/s as measured, acc (k, 3) m/s², broken (k,) nonzero: saturated or made up.
        """
        changes: list[tuple[int, SensorCheck]] = []
        row, n = 0, len(gyr)
        while row < n:
            row = kernels.gather(self._block, self._size, self._params.impossible_rate, row, gyr, acc, broken)
            if self._block[kernels.COUNT] >= self._size:
                before = self.check.verdict
                self._take()
                if self.check.verdict != before:
                    changes.append((row, self.check))
        return changes

    def _take(self) -> None:
        """A block is full."""
        p, out = self._params, self._summary
        if self._block[kernels.BEYOND] >= p.impossible_samples:
            self._refuse_units(float(self._block[kernels.LARGEST]))
            return
        kernels.summarise(self._block, out)
        norm, gx, gy, gz, _, _, acc_spread, gyr_spread, _, _ = out.tolist()
        turning, gyr_spread = math.degrees(math.hypot(gx, gy, gz)), math.degrees(gyr_spread)
        if turning < 2.0 * p.still_mean_dps and gyr_spread < 4.0 * p.still_gyr_dps and acc_spread < 1.0:
            self._slow += 1
            self._gross += abs(norm - G) > p.gross + 2.0 * acc_spread
            if self._gross_error():
                return
        # of data in another unit the spread is in that unit too
        still_acc = p.still_acc * max(norm / G, 0.05)
        if gyr_spread < p.still_gyr_dps and acc_spread < still_acc and turning < p.still_mean_dps:
            self._rest[self._blocks % LONGEST] = out
            self._blocks += 1
            self._judge()
        else:
            self._blocks = 0

    def _gross_error(self) -> bool:
        """Without any rest: is it so far off that slow movement shows it?"""
        p = self._params
        need = math.ceil(p.gross_s / self._block_s - 1e-6)
        if self.check.verdict != "unchecked" or self._gross < need or self._gross < 0.9 * self._slow:
            return False
        reason = f"its accelerometer is off by more than {p.gross} m/s² in slow movement"
        self.check = replace(self.check, verdict="refused", reason=reason, remedy=CHECK_RANGE)
        return True

    def _refuse_units(self, largest: float) -> None:
        reason = f"its gyroscope turns with up to {largest:.0f} rad/s, which no sensor measures; the rates are in °/s"
        self.check = replace(self.check, verdict="refused", reason=reason, remedy=CHECK_UNITS)

    def _judge(self) -> None:
        """What does the rest so far say? The first of it decides as soon as there is enough, a long one every second."""
        p, n = self._params, min(self._blocks, LONGEST)
        if n * self._block_s < p.rest_s - 1e-6 or (self._blocks > LONGEST and self._blocks % 2):
            return
        rest = self._rest[:n]
        means, squares = rest.mean(axis=0).tolist(), (rest[:, : kernels.ACC_NOISE] ** 2).mean(axis=0).tolist()
        norm, gx, gy, gz, acc_noise, gyr_noise, *_ = means
        measured = SensorCheck(
            "good", "", "", n * self._block_s, norm, math.degrees(math.hypot(gx, gy, gz)), math.sqrt(acc_noise),
            math.degrees(math.sqrt(gyr_noise)),
        )  # fmt: skip
        sway = math.sqrt(max(0.0, squares[0] - norm * norm))
        turning = math.sqrt(max(0.0, sum(squares[1:4]) - gx * gx - gy * gy - gz * gz))
        dead = _dead_axes(rest[:, kernels.DEAD], rest[:, kernels.NOISY]) if rest[0, kernels.DEAD] else ()
        self.check = judged(measured, sway, math.degrees(turning), dead, self.check.verdict == "refused", p)

    def state(self) -> CheckState:
        """A copy of everything that changes."""
        return CheckState(
            self._block.copy(), self._rest.copy(), self._blocks, self._slow, self._gross, self.check
        )

    def restore(self, state: CheckState) -> None:
        """Continue from what `state` of a check of equal rate returned."""
        self._block, self._rest = state.block.copy(), state.rest.copy()
        self._blocks, self._slow, self._gross, self.check = state.blocks, state.slow, state.gross, state.check


def _dead_axes(dead: Floats, noisy: Floats) -> tuple[int, ...]:
    """Axes that never changed in this rest while both others of their kind were noisy all the time; (n,) bits each."""
    found = []
    for axis in range(6):
        others = sum(1 << other for other in range(axis // 3 * 3, axis // 3 * 3 + 3) if other != axis)
        if all(int(d) & 1 << axis and int(n) & others == others for d, n in zip(dead, noisy, strict=True)):
            found.append(axis)
    return tuple(found)


def check_at_rest(
    gyr: ArrayLike, acc: ArrayLike, rate_hz: float, params: CheckParams | None = None, broken: ArrayLike | None = None
) -> SensorCheck:
    """Verdict on one sensor from a recording that holds at least 1.5 s of rest somewhere.

    Parameters
    ----------
    gyr : (n, 3) rad/s, as measured; acc : (n, 3) m/s², including gravity; sensor frame.
    rate_hz : float
    params : CheckParams, optional
        Limits.
    broken : (n,), optional
        Nonzero: saturated or made up. Rows that are not finite count as broken.

    Returns
    -------
    SensorCheck
        `unchecked` if there is no rest in it.
    """
    g, a = (np.array(x, dtype=np.float64, order="C") for x in (gyr, acc))
    n = len(g)
    if g.shape != (n, 3) or a.shape != (n, 3):
        raise ValueError(f"gyr has shape {g.shape}, acc {a.shape}; give (n, 3), (n, 3), one sample per row")
    bad = ~(np.isfinite(g).all(axis=1) & np.isfinite(a).all(axis=1))
    if broken is not None:
        bad |= np.asarray(broken) != 0
    g[bad] = a[bad] = 0.0
    watch = SelfCheck(rate_hz, params)
    watch.push(g, a, np.array(bad, np.uint8))
    return watch.check
