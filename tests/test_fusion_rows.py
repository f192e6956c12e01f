"""The gap policy that gets packets, against its definition from all samples."""

from __future__ import annotations

import numpy as np
import pytest
from reference.gaps_twin import Policy, Samples

from imu.config import GapLimits
from imu.fusion.gaps import FRESH, RESTART
from imu.fusion.rows import RowMaker, Rows
from imu.packets import CLIPPED_ACC, CLIPPED_GYR, Quality

FIELDS = ("t_us", "arrived_us", "gyr", "acc", "flags", "actions", "holes", "doubts", "pace")
ACC_RANGE, GYR_RANGE = 157.0, 35.0


def rough(rng: np.random.Generator, rate_hz: float) -> Samples:
    """Samples with holes of all lengths, rubbish, saturation, dead accelerometers and a reboot."""
    n = int(rng.integers(0, 600))
    lost = np.zeros(n, np.int32)
    for _ in range(rng.integers(0, 6) if n else 0):
        long = [int(seconds * rate_hz) for seconds in (0.1, 0.2, 0.3)]
        lost[rng.integers(n)] = rng.choice([-1, 1, 2, 3, 5, *long, 1000])
    t_us = np.rint(np.cumsum(1 + np.maximum(lost, 0)) * 1e6 / rate_hz).astype(np.int64)
    gyr = np.cumsum(rng.normal(0, 0.3, (n, 3)), axis=0) if rng.random() < 0.7 else rng.normal(0, 0.01, (n, 3))
    gyr = np.clip(gyr, -20.0, 20.0)
    acc = rng.normal(0, 9, (n, 3))
    clipped = np.zeros(n, np.uint8)
    for _ in range(rng.integers(0, 5) if n else 0):
        first = int(rng.integers(n))
        part = slice(first, first + int(rng.choice([1, 2, 7, 40])))
        kind = int(rng.integers(7))
        if kind == 0:
            gyr[part, rng.integers(3)] = rng.choice([np.nan, np.inf, 1e9])
        elif kind == 1:
            acc[part, rng.integers(3)] = rng.choice([np.nan, -np.inf])
        elif kind == 2:
            acc[part] = rng.choice([0.0, 156.0, 1e6])
        elif kind == 3:
            gyr[part, 1] = 34.5
        elif kind == 4:
            acc[first : first + int(4 * rate_hz)] = 0.0
        else:
            clipped[part] |= CLIPPED_ACC if kind == 5 else CLIPPED_GYR
    epoch = np.zeros(n, np.int64)
    if n and rng.random() < 0.3:
        epoch[int(rng.integers(n)) :] = 1
    pace = np.ones(n)
    if n and rng.random() < 0.3:  # a sensor without a clock, whose rate is not known at first
        pace[:] = rng.uniform(0.8, 1.2, n)
        pace[: rng.integers(n)] = np.nan
    return Samples(t_us, t_us + 5_000, lost, gyr, acc, clipped, epoch, pace)


def made(maker: RowMaker, s: Samples, ends: list[int]) -> Rows:
    """The rows of packets that end there; none spans a reboot."""
    parts = [Rows.unwritten(0)]
    last_epoch = s.epoch[0] if len(s.epoch) else 0
    for first, end in zip([0, *ends[:-1]], ends, strict=True):
        p = s.of(np.arange(first, end))
        if len(p.t_us):
            reboot = bool(p.epoch[0] != last_epoch)
            rows = maker.make(p.t_us, p.arrived_us, p.lost, p.gyr, p.acc, p.clipped, new_epoch=reboot, pace=p.pace)
            parts.append(rows)
            last_epoch = p.epoch[0]
    return Rows(*(np.concatenate([getattr(r, f) for r in parts]) for f in FIELDS))


@pytest.mark.parametrize("first_seed", range(0, 120, 30))
def test_rows_are_those_of_the_definition_in_packets_of_any_size(first_seed: int) -> None:
    seen = 0
    for seed in range(first_seed, first_seed + 30):
        rng = np.random.default_rng(seed)
        rate_hz = float(rng.choice([25.0, 57.0, 100.0, 104.0]))
        limits = GapLimits() if rng.random() < 0.6 else GapLimits(0.05, 0.4, 0.5, 2.0, 1.0, 4.0, 0.3, 0.5, 0.9, 0.1)
        s = rough(rng, rate_hz)
        offset = (1.0, -2.0, 0.5) if rng.random() < 0.3 else (0.0, 0.0, 0.0)
        defined = Policy(rate_hz, limits, ACC_RANGE, GYR_RANGE, np.array(offset)).rows(s)
        n = len(s.t_us)
        reboots = (np.flatnonzero(np.diff(s.epoch)) + 1).tolist()
        for pieces in (0, n // 7, n):
            ends = sorted({*rng.integers(0, n + 1, pieces).tolist(), *reboots, n})
            maker = RowMaker(rate_hz, limits, ACC_RANGE, GYR_RANGE, offset)
            rows = made(maker, s, ends)
            for name in FIELDS:
                got, expected = getattr(rows, name), getattr(defined, name)
                if name in ("gyr", "acc", "doubts"):
                    np.testing.assert_allclose(got, expected, atol=1e-9, err_msg=f"seed {seed}: {name}")
                else:
                    np.testing.assert_array_equal(got, expected, err_msg=f"seed {seed}: {name}")
            assert maker.filled == np.count_nonzero(rows.flags & int(Quality.FILLED))
            assert maker.restarts == np.count_nonzero(rows.actions & (RESTART | FRESH))
            assert (maker.received, maker.lost) == (n, np.maximum(s.lost, 0).sum())
        seen |= int(np.bitwise_or.reduce(defined.flags, initial=0))
    for flag in ("FILLED", "GAP", "SATURATED_ACC", "SATURATED_GYR", "SETTLING", "CLOCK_JUMP"):
        assert seen & Quality[flag], flag
