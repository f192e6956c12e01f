"""What a filter is given for the samples of one sensor, by its definition, from all samples at once.

The twin of `imu.fusion.rows.RowMaker`, which does the same while samples come in packets of any size. Every row has a
number on the sensor's own time line; what lasts for some samples is an interval of rows. Slow, readable.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from imu.config import GapLimits
from imu.fusion.gaps import BELIEVABLE_ACC, FRESH, RESTART, SKIP_ACC
from imu.fusion.rows import Rows
from imu.packets import CLIPPED_ACC, CLIPPED_GYR, Quality

FILLED, GAP, SETTLING, JUMP = (int(Quality[name]) for name in ("FILLED", "GAP", "SETTLING", "CLOCK_JUMP"))
SATURATED_ACC, SATURATED_GYR = int(Quality.SATURATED_ACC), int(Quality.SATURATED_GYR)


@dataclass
class Samples:
    """All samples of one sensor as they arrived; `epoch` (n,) counts reboots."""

    t_us: np.ndarray
    arrived_us: np.ndarray
    lost: np.ndarray
    gyr: np.ndarray
    acc: np.ndarray
    clipped: np.ndarray
    epoch: np.ndarray
    pace: np.ndarray

    def of(self, rows: np.ndarray) -> Samples:
        return Samples(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


class Policy:
    """The limits for one sensor."""

    def __init__(
        self, rate_hz: float, limits: GapLimits, acc_range: float, gyr_range: float, acc_offset: np.ndarray
    ) -> None:
        self.limits, self.rate_hz, self.offset = limits, rate_hz, acc_offset
        self.acc_limit = min(limits.saturated_share * acc_range, BELIEVABLE_ACC)
        self.gyr_limit = limits.saturated_share * gyr_range
        self.settle, self.suspect, self.blind = (
            int(np.ceil(s * rate_hz)) for s in (limits.settling_s, limits.suspect_s, limits.blind_s)
        )

    def within(self, hole: int, seconds: float) -> bool:
        """A tenth of a sample is forgiven: a sensor measured at 99.9 Hz is a 100 Hz sensor."""
        return hole <= seconds * self.rate_hz + 0.1

    def rows(self, all_samples: Samples) -> Rows:
        """All rows, made up ones included."""
        number = np.cumsum(1 + np.maximum(all_samples.lost, 0))
        rate = np.linalg.norm(all_samples.gyr, axis=1)
        usable = np.flatnonzero((rate <= np.pi * self.rate_hz) & np.isfinite(all_samples.acc).all(axis=1))
        s, number = all_samples.of(usable), number[usable]
        starts = [0] if len(usable) else []
        for k in range(1, len(usable)):
            hole = number[k] - number[k - 1] - 1
            # a row that is no measurement takes its reboot along to the next
            if s.epoch[k] != s.epoch[k - 1] or not self.within(hole, self.limits.long_s):
                starts.append(k)
        parts = []
        for first, end in itertools.pairwise([*starts, len(usable)]):
            rows = self.stretch(s.of(np.arange(first, end)), number[first:end])
            if first:
                rebooted = s.epoch[first] != s.epoch[first - 1]
                rows.flags[0] |= JUMP if rebooted else GAP
                rows.actions[0] |= FRESH if rebooted else RESTART
                rows.holes[0] = number[first] - number[first - 1] - 1
            parts.append(rows)
        empty = Rows.unwritten(0)
        return Rows(*(np.concatenate([getattr(r, f) for r in (empty, *parts)]) for f in Rows.__dataclass_fields__))

    def stretch(self, s: Samples, number: np.ndarray) -> Rows:
        """Rows from a (re)start to the next one."""
        n = number[-1] - number[0] + 1
        at = number - number[0]
        out = Rows.unwritten(n)
        every = np.arange(n)
        out.holes[:], out.flags[:], out.actions[:], out.doubts[:] = 0, 0, 0, 0.0
        behind = np.searchsorted(at, every)
        out.arrived_us[:] = s.arrived_us[behind]
        out.pace[:] = np.nan_to_num(s.pace, nan=1.0)[behind]
        for x in range(3):
            out.gyr[:, x] = np.interp(every, at, s.gyr[:, x])
            out.acc[:, x] = np.interp(every, at, np.clip(s.acc[:, x], -BELIEVABLE_ACC, BELIEVABLE_ACC) - self.offset[x])

        saturated = ((s.clipped & CLIPPED_ACC) != 0) | (np.abs(s.acc).max(axis=1) >= self.acc_limit)
        unbelievable = saturated | (s.acc == 0.0).all(axis=1)
        turned_away = ((s.clipped & CLIPPED_GYR) != 0) | (np.abs(s.gyr).max(axis=1) >= self.gyr_limit)
        rate = np.linalg.norm(s.gyr, axis=1)
        just_paced = np.zeros(n, bool)
        for k in range(len(at)):
            row = at[k]
            out.t_us[row] = s.t_us[k]
            if saturated[k]:
                out.flags[row] |= SATURATED_ACC
            if unbelievable[k]:
                out.actions[row] |= SKIP_ACC
            if k and np.isnan(s.pace[k - 1]) and not np.isnan(s.pace[k]):
                out.actions[row] |= RESTART
                just_paced[row] = True
            hole = row - at[k - 1] - 1 if k else 0
            if not turned_away[k]:
                turned = sum(rate[i] for i in itertools.takewhile(lambda i: turned_away[i], range(k - 1, -1, -1)))
                out.doubts[row] = self.limits.saturated_error * turned / self.rate_hz
            made_up = slice(row - hole, row)
            if turned_away[k]:
                out.flags[row - hole : row + self.suspect + 1] |= SATURATED_GYR
            if hole == 0:
                continue
            step = int(s.t_us[k] - s.t_us[k - 1])
            out.t_us[made_up] = [s.t_us[k - 1] + step * j // (hole + 1) for j in range(1, hole + 1)]
            out.flags[made_up] |= FILLED if self.within(hole, self.limits.short_s) else FILLED | GAP
            if unbelievable[k - 1] or unbelievable[k]:
                out.flags[made_up] |= SATURATED_ACC
                out.actions[made_up] |= SKIP_ACC
            mean = (rate[k - 1] + rate[k]) / 2
            change = np.linalg.norm(s.gyr[k] - s.gyr[k - 1])
            error = self.limits.error_share * ((hole + 1) / self.rate_hz) ** 1.5 * np.hypot(change, mean)
            out.doubts[row] = max(out.doubts[row], error)
            if error > np.radians(self.limits.suspect_deg):
                out.flags[row - hole : row + self.suspect] |= GAP
        skipped = (out.actions & SKIP_ACC) != 0
        wrong = out.doubts > np.radians(self.limits.wrong_deg)
        out.doubts[~wrong] = 0.0
        out.flags[self.settling(skipped, wrong | just_paced, np.isnan(s.pace)[behind])] |= SETTLING
        return out

    def settling(self, skipped: np.ndarray, wrong: np.ndarray, unpaced: np.ndarray) -> np.ndarray:
        """Rows with too few believed accelerations since the start, since a bridge that is off, since too long a time
        without any, or since the sensor's rate was not known."""
        since, run = 0, 0
        out = np.zeros(len(skipped), bool)
        for row in range(len(skipped)):
            run = run + 1 if skipped[row] else 0
            if run > self.blind or wrong[row] or unpaced[row]:
                since = row
            out[row] = np.count_nonzero(~skipped[since:row]) < self.settle
        return out
