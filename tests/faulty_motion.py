"""Hypothesis strategies: a limb whose true motion is known, and everything that can be wrong with what its sensor sends."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from fusion_streams import packet_of, swinging
from hypothesis import strategies as st

from imu.fusion.gaps import BELIEVABLE_ACC
from imu.packets import CLIPPED_ACC, CLIPPED_GYR, Packet

ODD = (np.nan, np.inf, -np.inf, 0.0, 1e300, -1e300, 1e6, -156.0, 1e-300, 5e-324)
"""What no working sensor sends, beside values that it might."""
RATES = (1.0, 25.0, 57.0, 100.0, 285.7, 2000.0)


@dataclass
class Signal:
    """Samples of one sensor at equal steps, and where it truly was."""

    rate_hz: float
    gyr: np.ndarray
    acc: np.ndarray
    true: np.ndarray

    def __len__(self) -> int:
        return len(self.gyr)

    @property
    def usable_gyr(self) -> np.ndarray:
        """(n,) rows that are a rate at all."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.square(self.gyr).sum(axis=1) <= (np.pi * self.rate_hz) ** 2

    @property
    def usable_acc(self) -> np.ndarray:
        """(n,) rows with an acceleration that can be believed."""
        with np.errstate(over="ignore", invalid="ignore"):
            return (np.abs(self.acc).sum(axis=1) < BELIEVABLE_ACC) & (self.acc != 0.0).any(axis=1)


@st.composite
def motions(draw: st.DrawFn, most: int = 120, rates: tuple[float, ...] = RATES, *, still: bool = False) -> Signal:
    """A limb that swings as fast as its sensor can follow, or not at all; 0, 1 or more rows."""
    rate_hz = draw(st.sampled_from(rates))
    n = draw(st.integers(0, most))
    size = 0.0 if still else min(1.0, rate_hz / 25.0)
    return Signal(rate_hz, *swinging(n, rate_hz, size=size, seed=draw(st.integers(0, 20))))


@st.composite
def rubbish(draw: st.DrawFn, most: int = 120, *, spoil_gyr: bool = True) -> Signal:
    """The same with odd values anywhere."""
    signal = draw(motions(most, still=draw(st.booleans())))
    faults = st.tuples(
        st.sampled_from(("gyr", "acc") if spoil_gyr else ("acc",)),
        st.integers(0, most), st.integers(1, 40), st.sampled_from([0, 1, 2, slice(0, 3)]), st.sampled_from(ODD),
    )  # fmt: skip
    for array, first, count, axes, value in draw(st.lists(faults, max_size=4)):
        getattr(signal, array)[first : first + count, axes] = value
    return signal


@dataclass
class Sent:
    """One packet with all that arrived, and the true orientation at every sample the sensor took."""

    packet: Packet
    true: np.ndarray


@st.composite
def sent(draw: st.DrawFn, n: int = 1500, gyr_range: float = 35.0) -> Sent:
    """15 s at 100 Hz in which the sensor may lose, spoil, saturate and restart, as sensors do: what it shows is either
    true, or the sensor, its counter or its range tells."""
    gyr, acc, true = swinging(n, 100.0, seed=draw(st.integers(0, 20)))
    clipped, keep = np.zeros(n, np.uint8), np.ones(n, bool)
    kinds = ("lost", "not a number", "too fast to be", "no acceleration", "saturated acc", "clipped acc", "saturated gyr")
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=4)):
        first, count = draw(st.integers(1, n - 2)), draw(st.sampled_from([1, 2, 3, 4, 10, 15, 25, 26, 100, 320]))
        part = slice(first, min(first + count, n - 1))
        if kind == "lost":
            keep[part] = False
        elif kind == "not a number":
            (gyr if draw(st.booleans()) else acc)[part, 1] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
        elif kind == "too fast to be":
            gyr[part] = draw(st.sampled_from([400.0, 1e300]))
        elif kind == "no acceleration":
            acc[part] = 0.0
        elif kind == "saturated acc":
            acc[part] = draw(st.sampled_from([157.0, -1e5, 1e300]))
        elif kind == "clipped acc":
            acc[part, 0], clipped[part] = 80.0, clipped[part] | CLIPPED_ACC
        else:
            limit = np.abs(gyr[part]).max() * draw(st.sampled_from([0.5, 0.8, 0.95]))
            over = np.abs(gyr[part]) >= limit
            gyr[part] = np.clip(gyr[part], -limit, limit)
            clipped[part] |= np.where(over.any(axis=1), CLIPPED_GYR, 0).astype(np.uint8)
    return Sent(replace(packet_of(gyr, acc, keep=keep, clipped=clipped), t_host_ns=int(n * 1e7)), true)


@st.composite
def cuts(draw: st.DrawFn, n: int) -> list[tuple[int, int]]:
    """[a, b) of consecutive pieces of n rows; some are empty."""
    places = sorted(draw(st.lists(st.integers(0, n), max_size=8)))
    return list(zip([0, *places], [*places, n], strict=True))
