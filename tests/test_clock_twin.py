"""The clock's kernels against plain numpy that does the same in another way."""

from __future__ import annotations

import numpy as np
import pytest
from reference import clock_twin
from reference.clock_simulation import Conditions, simulate

from imu.clock import DeviceClock, fits, gap
from imu.clock.layout import BIN_COLUMNS, CELLS, DEVICE_SKEW, PATIENCE, SECOND, SKEW_PRIOR


@pytest.mark.parametrize(
    "c",
    [
        Conditions(per_packet=3, sent=True),
        Conditions(104.0, 4),
        Conditions(100.0, 3),
        Conditions(100.0, 2, pings=True),
        Conditions(100.0, 3, 50.0, packet_error=0.02),
        Conditions(100.0, 3, counted=True, true_rate_share=1.05),
        Conditions(per_packet=3, sent=True, pings=True, ack_lost=0.1),
    ],
    ids=str,
)
def test_session_times_agree(c: Conditions) -> None:
    link = simulate(1, 45.0, 25.0, c=c)
    twin = clock_twin.ClockTwin(counted=c.counted)
    clock = DeviceClock(0, "arrival" if c.counted else "device")
    # µs; the twin looks for the edges of the room on a grid
    assert np.abs(twin.map(link.t_us, link.marks) - clock.map(link.t_us, link.marks)).max() <= (50 if c.counted else 3)
    assert clock.gap_ms == pytest.approx(twin.gap / 1000.0)
    assert clock.skew_ppm == pytest.approx(twin.rate * 1e6, abs=0.5 if c.counted else 0.1)


@pytest.mark.parametrize("seed", range(20))
def test_lines_through_stamps_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 100))
    bins = np.zeros((n, BIN_COLUMNS))
    bins[:, 0] = np.sort(rng.choice(200, n, replace=False)) * float(SECOND)
    bins[:, 1] = rng.uniform(-1e4, 1e4) + rng.uniform(-60e-6, 60e-6) * bins[:, 0] + rng.normal(0, 20.0, n)
    bins[rng.random(n) < 0.1, 1] += rng.uniform(-2e4, 2e4)
    t = bins[-1, 0] + SECOND
    ours = fits.line_through(bins, n, t, DEVICE_SKEW, 0.0)
    np.testing.assert_allclose(ours, clock_twin.line_through(bins[:, 0], bins[:, 1], t, 0.0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_lines_between_bounds_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 100))
    bins = np.zeros((n, BIN_COLUMNS))
    bins[:, 0] = bins[:, 2] = np.sort(rng.choice(150, n, replace=False)) * float(SECOND)
    skew, width = rng.uniform(-60e-6, 60e-6), rng.uniform(300.0, 8000.0)
    bins[:, 1] = skew * bins[:, 0] + rng.uniform(0, width, n) ** 2 / width
    bins[:, 3] = np.where(rng.random(n) < 0.3, skew * bins[:, 0] - rng.uniform(0, 15_000, n), -np.inf)
    t, floors = bins[-1, 0] + SECOND, np.zeros(n)
    a, b, variance, give = fits.line_between(bins, floors, n, t, width, DEVICE_SKEW, SKEW_PRIOR, skew, PATIENCE)
    centre, rate, spread, gave = clock_twin.line_between(bins, t, width, DEVICE_SKEW, SKEW_PRIOR, skew, PATIENCE)
    assert a == pytest.approx(centre, abs=0.02 * np.sqrt(spread) + 1.0)
    assert b == pytest.approx(rate, abs=1e-6)
    assert np.sqrt(variance) == pytest.approx(np.sqrt(spread), rel=0.02, abs=1.0)
    assert give == pytest.approx(gave, abs=1.0)


@pytest.mark.parametrize("seed", range(20))
def test_hidden_room_agrees(seed: int) -> None:
    rng = np.random.default_rng(seed)
    histograms = np.zeros((2, CELLS))
    spacing = int(rng.integers(1, 60))
    for row in histograms:
        row[:: int(rng.integers(1, 90)) if rng.random() < 0.5 else spacing] = rng.uniform(0, 100)
        row += rng.uniform(0, 0.2, CELLS)
    period = rng.uniform(1000.0, 60_000.0)
    assert gap.hidden_room(histograms, period) == clock_twin.hidden_room(histograms[0], histograms[1], period)
