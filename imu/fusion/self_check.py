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
from imu.fusion.sensor_check import CHECK_RANGE, CHECK_UNITS, CheckParams, SensorCheck, judged
from imu.packets import Floats

BLOCK_S: Final = 0.5
LONGEST: Final = 12
"""Blocks: what happened more than 6 s ago is not held against a sensor, and does not hide what it does now."""
GYR, ACC = slice(0, 3), slice(3, 6)


@dataclass(frozen=True, slots=True)
class _Still:
    """Half a second of rest."""

    norm: float
    gyr: tuple[float, float, float]
    acc_noise2: float
    gyr_noise2: float
    dead: tuple[bool, ...]
    noisy: tuple[bool, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CheckState:
    """Everything that changes in a `SelfCheck`."""

    block: Floats
    rest: tuple[_Still, ...]
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
        if not (math.isfinite(rate_hz) and rate_hz > 0.0):
            raise ValueError(f"rate_hz is {rate_hz}; give the sample rate in Hz, a positive number")
        self._params = params or CheckParams()
        self._size = max(2, round(BLOCK_S * rate_hz))
        self._block_s = self._size / rate_hz
        self._block = np.zeros(kernels.BLOCK_SIZE)
        self._rest: tuple[_Still, ...] = ()
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
        b, n, p = self._block, self._size, self._params
        offset = b[kernels.SUM : kernels.SUM + 6] / n
        spread2 = np.maximum(b[kernels.SQUARE : kernels.SQUARE + 6] / n - offset**2, 0.0)
        mean = b[kernels.FIRST : kernels.FIRST + 6] + offset
        noise2 = b[kernels.STEP : kernels.STEP + 6] / (2.0 * (n - 1))
        gyr_spread, acc_spread = (math.sqrt(float(spread2[axes].sum())) for axes in (GYR, ACC))
        turning = math.degrees(math.sqrt(float(mean[GYR] @ mean[GYR])))
        norm = math.sqrt(float(mean[ACC] @ mean[ACC]))
        if b[kernels.BEYOND] >= p.impossible_samples:
            self._refuse_units(float(b[kernels.LARGEST]))
            return
        if turning < 2.0 * p.still_mean_dps and math.degrees(gyr_spread) < 4.0 * p.still_gyr_dps and acc_spread < 1.0:
            self._slow += 1
            self._gross += abs(norm - G) > p.gross + 2.0 * acc_spread
        # of data in another unit the spread is in that unit too
        still_acc = p.still_acc * max(norm / G, 0.05)
        still = math.degrees(gyr_spread) < p.still_gyr_dps and acc_spread < still_acc and turning < p.still_mean_dps
        if still:
            dead = b[kernels.CHANGED : kernels.CHANGED + 6] == 0.0
            # steps of noise change by sqrt(3) of their size, those of a sway hardly
            bends, steps = b[kernels.BEND : kernels.BEND + 6], b[kernels.STEP : kernels.STEP + 6]
            noisy = (bends > 1.5 * steps) & (b[kernels.CHANGED : kernels.CHANGED + 6] > 0.25 * n)
            gx, gy, gz = (float(x) for x in mean[GYR])
            new = _Still(
                norm, (gx, gy, gz), float(noise2[ACC].mean()), float(noise2[GYR].mean()), tuple(dead.tolist()),
                tuple(noisy.tolist()),
            )  # fmt: skip
            self._rest = (*self._rest, new)[-LONGEST:]
        else:
            self._rest = ()
        self._judge()

    def _refuse_units(self, largest: float) -> None:
        reason = f"its gyroscope turns with up to {largest:.0f} rad/s, which no sensor measures; the rates are in °/s"
        self.check = replace(self.check, verdict="refused", reason=reason, remedy=CHECK_UNITS)

    def _judge(self) -> None:
        """After every block: what does the rest so far say?"""
        p, rest = self._params, self._rest
        rest_s = len(rest) * self._block_s
        if rest_s < p.rest_s - 1e-6:
            need = math.ceil(p.gross_s / self._block_s - 1e-6)
            if self.check.verdict == "unchecked" and self._gross >= need and self._gross >= 0.9 * self._slow:
                reason = f"its accelerometer is off by more than {p.gross} m/s² in slow movement"
                self.check = replace(self.check, verdict="refused", reason=reason, remedy=CHECK_RANGE)
            return
        norms, rates = np.array([b.norm for b in rest]), np.array([b.gyr for b in rest])
        norm, rate = float(norms.mean()), rates.mean(axis=0)
        measured = SensorCheck(
            "good", "", "", rest_s, norm, math.degrees(math.sqrt(float(rate @ rate))),
            math.sqrt(sum(b.acc_noise2 for b in rest) / len(rest)),
            math.degrees(math.sqrt(sum(b.gyr_noise2 for b in rest) / len(rest))),
        )  # fmt: skip
        turning = math.degrees(math.sqrt(float(rates.var(axis=0).sum())))
        refused = self.check.verdict == "refused"
        self.check = judged(measured, float(norms.std()), turning, _dead_axes(rest), refused, p)

    def state(self) -> CheckState:
        """A copy of everything that changes."""
        return CheckState(self._block.copy(), self._rest, self._slow, self._gross, self.check)

    def restore(self, state: CheckState) -> None:
        """Continue from what `state` of a check of equal rate returned."""
        self._block = state.block.copy()
        self._rest, self._slow, self._gross, self.check = state.rest, state.slow, state.gross, state.check


def _dead_axes(rest: tuple[_Still, ...]) -> tuple[int, ...]:
    """Axes that never changed in this rest while both others of their kind were noisy all the time."""
    found = []
    for axis in range(6):
        others = [other for other in range(axis // 3 * 3, axis // 3 * 3 + 3) if other != axis]
        if all(b.dead[axis] and all(b.noisy[other] for other in others) for b in rest):
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
