"""How well sensors agree in time, and how often the published uncertainty is right: the measurement behind the claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from reference.clock_simulation import Conditions, Link, simulate

from imu.clock import DeviceClock
from imu.packets import ClockMark

SKEWS_PPM = (-40.0, -29.0, -17.0, -8.0, 3.0, 12.0, 24.0, 40.0)
MANY_SKEWS_PPM = tuple(np.linspace(-40.0, 40.0, 24).tolist())
"""Where the phase between sampling and radio decides, each sensor is one draw of it: eight are a lottery."""
SETTLED_S = 60.0
EVERY_S = 0.5


@dataclass(frozen=True)
class Accuracy:
    """Of one kind of link; errors of pairs of sensors, ms, from `SETTLED_S` on."""

    name: str
    rms_ms: float
    p95_ms: float
    largest_ms: float
    covered: float
    """Share of pairs and instants at which the error is within the published uncertainty of both (95 % is promised)."""
    median_error_ms: float
    median_uncertainty_ms: float
    """Of a pair."""

    def __str__(self) -> str:
        return (
            f"{self.name:44s} rms {self.rms_ms:7.3f}  p95 {self.p95_ms:7.3f}  max {self.largest_ms:7.3f} ms"
            f"  covered {self.covered:6.1%}"
            f"  median error {self.median_error_ms:6.3f}, said {self.median_uncertainty_ms:6.3f}"
        )


def followed(link: Link, clock: DeviceClock, step: int) -> tuple[np.ndarray, np.ndarray]:
    """(error, published 1σ) at every `step`-th row, ms: what a live session would have shown at that time."""
    by_row: dict[int, list[ClockMark]] = {}
    for m in link.marks:
        by_row.setdefault(m.position // step, []).append(
            ClockMark(m.position % step, m.t_device_us, m.t_host_ns, m.sent, m.asked)
        )
    errors, sigmas = [], []
    for k in range(len(link.t_us) // step):
        rows = slice(k * step, (k + 1) * step)
        out = clock.map(link.t_us[rows], by_row.get(k, ()))
        errors.append((out[-1] - link.true_us[rows][-1]) / 1000.0)
        sigmas.append(clock.sigma_ms)
    return np.array(errors), np.array(sigmas)


@cache
def accuracy(
    name: str, c: Conditions, seed: int = 0, seconds: float = 240.0, skews: Sequence[float] = SKEWS_PPM,
    settled_s: float = SETTLED_S,
) -> Accuracy:  # fmt: skip
    """Sensors of the given skews on links of one kind."""
    rate_hz = c.rate_hz * c.true_rate_share
    step = max(1, round(rate_hz * EVERY_S))
    errors, sigmas = [], []
    for k, skew in enumerate(skews):
        link = simulate(1000 * seed + k, seconds, skew, c=c)
        clock = DeviceClock(0, "arrival" if c.counted else "device")
        e, s = followed(link, clock, step)
        errors.append(e)
        sigmas.append(s)
    first = int(settled_s / EVERY_S)
    e, s = np.stack(errors)[:, first:], np.stack(sigmas)[:, first:]
    a, b = np.triu_indices(len(skews), 1)
    error, said = np.abs(e[a] - e[b]), 2.0 * np.hypot(s[a], s[b])
    return Accuracy(
        name,
        float(np.sqrt(np.mean(error**2))),
        float(np.percentile(error, 95)),
        float(error.max()),
        float(np.mean(error <= said)),
        float(np.median(error)),
        float(np.median(said)),
    )


def kinds() -> Iterator[tuple[str, Conditions]]:
    """The links for which accuracy is claimed."""
    for interval in (15.0, 50.0):
        for rate, n in ((104.0, 3), (100.0, 5)):
            yield f"TX-done, {rate:.0f} Hz, {n}/packet, {interval:.0f} ms", Conditions(rate, n, interval, sent=True)
    for rate, n in ((100.0, 1), (100.0, 3), (100.0, 4), (100.0, 5), (104.0, 1), (104.0, 3), (104.0, 4)):
        for interval in (15.0, 30.0, 50.0):
            c = Conditions(rate, n, interval)
            if n == 1 and interval == 50.0:  # more errors would be more than such a link can carry
                c = replace(c, packet_error=0.02, ack_lost=0.005)
            yield f"no stamps, {rate:.0f} Hz, {n}/packet, {interval:.0f} ms", c
    for rate, n, interval in ((100.0, 1, 15.0), (100.0, 3, 15.0), (100.0, 5, 50.0), (104.0, 4, 15.0)):
        yield f"pings, {rate:.0f} Hz, {n}/packet, {interval:.0f} ms", Conditions(rate, n, interval, pings=True)
    for share in (1.0, 1.01, 1.1):
        c = Conditions(100.0, 1, 15.0, counted=True, true_rate_share=share)
        yield f"no clock, {share:.0%} of 100 Hz, 1/packet, 15 ms", c


def measured(seconds: float = 240.0, seed: int = 0) -> list[Accuracy]:
    """One row for each kind of link."""
    return [accuracy(name, c, seed, seconds) for name, c in kinds()]
