"""A radio link for clock tests: skewed device clocks, connection events, lost events, host stalls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imu.packets import ClockMark


@dataclass(frozen=True)
class Link:
    """What one sensor's clock saw: device time of rows, true session time, marks by row."""

    t_us: np.ndarray
    true_us: np.ndarray
    marks: tuple[ClockMark, ...]


def simulate(
    seed: int,
    seconds: float = 100.0,
    skew_ppm: float = 0.0,
    rate_hz: float = 104.0,
    per_packet: int = 4,
    interval_ms: float = 15.0,
    sent: bool = False,
    start_us: int = 7_000_000,
) -> Link:
    """Samples leave in packets at the next connection event, 10 % of events fail, the host stalls 30-250 ms now and then.

    `sent`: each packet also tells when the one before it left (true time, device clock).
    """
    rng = np.random.default_rng(seed)
    n = int(seconds * rate_hz) // per_packet * per_packet
    device = np.round(np.arange(n) * 1e6 / rate_hz).astype(np.int64) + start_us
    true = (device - start_us) * (1.0 + skew_ppm * 1e-6) + rng.uniform(0, 50_000)
    phase = rng.uniform(0, interval_ms * 1000)
    stalls = np.cumsum(rng.uniform(10e6, 40e6, 20))
    lengths = rng.uniform(30e3, 250e3, 20)
    marks: list[ClockMark] = []
    left: tuple[float, float] | None = None
    for row in range(0, n, per_packet):
        newest = row + per_packet - 1
        event = np.ceil((true[newest] - phase) / (interval_ms * 1000))
        while rng.random() < 0.1:
            event += 1
        gone = event * interval_ms * 1000 + phase
        arrival = gone + 300 + rng.exponential(100)
        for start, length in zip(stalls, lengths, strict=True):
            if start <= arrival < start + length:
                arrival = start + length
        if sent and left is not None:
            stamp = start_us + (left[0] - (true[0])) / (1.0 + skew_ppm * 1e-6)
            marks.append(ClockMark(row, round(stamp), round(left[1] * 1000), sent=True))
        marks.append(ClockMark(row, int(device[newest]), round(arrival * 1000)))
        left = (gone, arrival)
    return Link(device, true, tuple(marks))


def pieces(marks: tuple[ClockMark, ...], start: int, end: int) -> tuple[ClockMark, ...]:
    """The marks of rows [start, end), as a packet of those rows carries them."""
    return tuple(
        ClockMark(m.position - start, m.t_device_us, m.t_host_ns, m.sent) for m in marks if start <= m.position < end
    )
