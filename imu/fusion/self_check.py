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
GYR, ACC = slice(0, 3), slice(3, 6)


@dataclass(slots=True)
class _Run:
    """Sums over the blocks of one rest."""

    blocks: int = 0
    norm: float = 0.0
    norm2: float = 0.0
    acc_noise2: float = 0.0
    gyr_noise2: float = 0.0
    gyr: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gyr2: float = 0.0
    dead: tuple[int, ...] = (0,) * 6
    noisy: tuple[int, ...] = (0,) * 6


@dataclass(frozen=True, slots=True, eq=False)
class CheckState:
    """Everything that changes in a `SelfCheck`."""

    block: Floats
    run: _Run
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
        self._run = _Run()
        self._slow = self._gross = 0
        self.check = SensorCheck()
        """What is known now."""

    def push(self, gyr: Floats, acc: Floats, broken: NDArray[np.uint8]) -> list[tuple[int, SensorCheck]]:
        """Feed k samples; returns (row, check) wherever the verdict has become another: it holds from that row on.

        gyr (k, 3) rad/s as measured, acc (k, 3) m/s², broken (k,) nonzero: saturated, made up, or a hole before it.
        """
        changes: list[tuple[int, SensorCheck]] = []
        row, n = 0, len(gyr)
        while row < n:
            row = kernels.gather(self._block, self._size, row, gyr, acc, broken)
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
        if float(b[kernels.LARGEST]) > p.impossible_rate:
            self._refuse_units(float(b[kernels.LARGEST]))
            return
        if turning < 2.0 * p.still_mean_dps and math.degrees(gyr_spread) < 4.0 * p.still_gyr_dps and acc_spread < 1.0:
            self._slow += 1
            self._gross += abs(norm - G) > p.gross + 2.0 * acc_spread
        still = math.degrees(gyr_spread) < p.still_gyr_dps and acc_spread < p.still_acc and turning < p.still_mean_dps
        if still:
            dead = b[kernels.CHANGED : kernels.CHANGED + 6] == 0.0
            # noise is as large from sample to sample as from the mean, sway is not
            noisy = (noise2 > 0.3 * spread2) & (b[kernels.CHANGED : kernels.CHANGED + 6] > 0.25 * n)
            self._add(norm, mean[GYR], noise2, dead, noisy)
        else:
            self._run = _Run()
        self._judge()

    def _add(
        self, norm: float, gyr: Floats, noise2: Floats, dead: NDArray[np.bool_], noisy: NDArray[np.bool_]
    ) -> None:
        r = self._run
        x, y, z = (float(a + b) for a, b in zip(r.gyr, gyr, strict=True))
        self._run = _Run(
            r.blocks + 1,
            r.norm + norm,
            r.norm2 + norm * norm,
            r.acc_noise2 + float(noise2[ACC].mean()),
            r.gyr_noise2 + float(noise2[GYR].mean()),
            (x, y, z),
            r.gyr2 + float(gyr @ gyr),
            tuple(a + int(b) for a, b in zip(r.dead, dead, strict=True)),
            tuple(a + int(b) for a, b in zip(r.noisy, noisy, strict=True)),
        )

    def _refuse_units(self, largest: float) -> None:
        reason = f"its gyroscope turns with up to {largest:.0f} rad/s, which no sensor measures; the rates are in °/s"
        self.check = replace(self.check, verdict="refused", reason=reason, remedy=CHECK_UNITS)

    def _judge(self) -> None:
        """After every block: what does the rest so far say?"""
        p, r = self._params, self._run
        rest_s = r.blocks * self._block_s
        if rest_s < p.rest_s - 1e-6:
            need = math.ceil(p.gross_s / self._block_s - 1e-6)
            if self.check.verdict == "unchecked" and self._gross >= need and self._gross >= 0.9 * self._slow:
                reason = f"its accelerometer is off by more than {p.gross} m/s² in slow movement"
                self.check = replace(self.check, verdict="refused", reason=reason, remedy=CHECK_RANGE)
            return
        norm = r.norm / r.blocks
        gyr = [x / r.blocks for x in r.gyr]
        bias = math.hypot(*gyr)
        measured = SensorCheck(
            "good", "", "", rest_s, norm, math.degrees(bias), math.sqrt(r.acc_noise2 / r.blocks),
            math.degrees(math.sqrt(r.gyr_noise2 / r.blocks)),
        )  # fmt: skip
        sway = math.sqrt(max(0.0, r.norm2 / r.blocks - norm * norm))
        turning = math.sqrt(max(0.0, r.gyr2 / r.blocks - bias * bias))
        self.check = judged(
            measured, sway, math.degrees(turning), _dead_axes(r), self.check.verdict == "refused", p
        )

    def state(self) -> CheckState:
        """A copy of everything that changes."""
        return CheckState(self._block.copy(), self._run, self._slow, self._gross, self.check)

    def restore(self, state: CheckState) -> None:
        """Continue from what `state` of a check of equal rate returned."""
        self._block = state.block.copy()
        self._run, self._slow, self._gross, self.check = state.run, state.slow, state.gross, state.check


def _dead_axes(r: _Run) -> tuple[int, ...]:
    """Axes that never changed in this rest while both others of their kind were noisy all the time."""
    found = []
    for axis in range(6):
        kind = range(3) if axis < 3 else range(3, 6)
        if r.dead[axis] == r.blocks and all(r.noisy[other] == r.blocks for other in kind if other != axis):
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
        Nonzero: saturated, made up, or a hole before the row. Rows that are not finite count as broken.

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
