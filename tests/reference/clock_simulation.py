"""A radio link for clock tests: skewed and wandering device clocks, connection events, errors, host stalls, pings.

Everything is in true time, which is the host's. What the model must find is device time -> true time.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from imu.packets import ClockMark

NODE_S = 10.0
"""The rate of a device's clock is linear between nodes this far apart."""
PACKETS_PER_EVENT = 6
RETRY_LIMIT = 4000


@dataclass(frozen=True)
class Link:
    """What one sensor's clock saw: device time of rows, true session time, marks by row."""

    t_us: np.ndarray
    true_us: np.ndarray
    marks: tuple[ClockMark, ...]


@dataclass(frozen=True)
class Conditions:
    """Of a link. The defaults are a good one."""

    rate_hz: float = 104.0
    per_packet: int = 4
    interval_ms: float = 15.0
    sent: bool = False
    """Packets carry TX-done stamps, in steps of 64 µs as in protocol v1."""
    pings: bool = False
    """The host asks once a second at random phase, the device answers with its stamps."""
    counted: bool = False
    """The device has no clock: its time is the number of samples divided by `rate_hz`, whatever its true rate is."""
    true_rate_share: float = 1.0
    """True over nominal rate."""
    wander_ppm: float = 0.1
    """Standard deviation of the change of rate from one node to the next."""
    packet_error: float = 0.1
    """Share of events that fail."""
    burst_every_s: float = 20.0
    """Mean time between bursts, in which 80 % of the events fail for 100 ms on average; 0 = none."""
    ack_lost: float = 0.025
    """Share of packets that arrive but whose acknowledgement does not: they are sent again, and stamped one event late."""
    stall_every_s: float = 30.0
    """Mean time between stalls of the host, 30 to 250 ms."""
    interval_ppm: float = 0.0
    """The clock of the radio that keeps the connection interval, against the host's."""


def rate_errors(
    rng: np.random.Generator, skew_ppm: float, wander_ppm: float, seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """(device s, true s) of nodes every 0.1 s: rate 1 + skew, which wanders."""
    n = int(seconds / NODE_S) + 3
    nodes = skew_ppm + np.concatenate(([0.0], np.cumsum(rng.normal(0.0, wander_ppm, n - 1))))
    device = np.arange(0.0, (n - 1) * NODE_S, 0.1)
    rate = 1.0 + 1e-6 * np.interp(device, np.arange(n) * NODE_S, nodes)
    true = np.concatenate(([0.0], np.cumsum(0.1 * 0.5 * (rate[1:] + rate[:-1]))))
    return device, true


def simulate(
    seed: int, seconds: float = 100.0, skew_ppm: float = 0.0, start_us: int = 7_000_000, c: Conditions | None = None,
    **changes: float,
) -> Link:  # fmt: skip
    """Samples wait in order for the connection events of their link; `changes` are fields of `Conditions`."""
    c = replace(c or Conditions(), **changes)  # pyright: ignore[reportArgumentType]
    rng = np.random.default_rng(seed)
    n = int(seconds * c.rate_hz * c.true_rate_share) // c.per_packet * c.per_packet
    device_s, true_s = rate_errors(rng, skew_ppm, c.wander_ppm, seconds + 5.0)
    taken_s = np.arange(n) / (c.rate_hz * c.true_rate_share)  # by the device's oscillator
    first_us = rng.uniform(0, 50_000)
    true = np.interp(taken_s, device_s, true_s) * 1e6 + first_us
    device = np.round((np.arange(n) / c.rate_hz if c.counted else taken_s) * 1e6).astype(np.int64) + start_us

    def stamp(true_us: float) -> int:
        """The device's clock at a true time."""
        return round(float(np.interp((true_us - first_us) * 1e-6, true_s, device_s)) * 1e6) + start_us

    interval = c.interval_ms * 1000 * (1.0 + c.interval_ppm * 1e-6)
    phase = rng.uniform(0, interval)
    end = float(true[-1]) + 1e6
    # lists: asked for one value at a time, they answer several times faster than arrays
    stalls, stalls_end = _stalls(rng, c, end).T.tolist()
    bursts, bursts_end = _bursts(rng, c, end).T.tolist()
    taken_us, device_us = true.tolist(), device.tolist()

    def arrival(gone_us: float) -> float:
        at = gone_us + 300.0 + rng.exponential(100.0)
        k = bisect_left(stalls, at) - 1
        return max(at, stalls_end[k]) if k >= 0 else at

    def fails(event_us: float) -> bool:
        k = bisect_left(bursts, event_us) - 1
        bad = k >= 0 and event_us < bursts_end[k]
        return rng.random() < (0.8 if bad else c.packet_error)

    found: list[tuple[float, int, ClockMark]] = []  # arrival, row, mark
    free = 0.0  # the first event at which the radio has time for another packet
    in_event = 0
    noticed: list[tuple[float, float]] = []  # TX-done in true time, arrival, of packets sent so far
    for row in range(0, n, c.per_packet):
        newest = row + c.per_packet - 1
        event = max(float(ceil((taken_us[newest] - phase) / interval)), free)
        in_event = in_event + 1 if event == free else 1
        if in_event > PACKETS_PER_EVENT:
            event, in_event = event + 1, 1
        for _ in range(RETRY_LIMIT):
            if not fails(event * interval + phase):
                break
            event, in_event = event + 1, 1
        gone = event * interval + phase
        done = gone
        if rng.random() < c.ack_lost:
            done, event, in_event = gone + interval, event + 1, 1
        free = event
        at = arrival(gone)
        if c.sent:
            # the newest stamp that the firmware had when this packet was queued
            known = [x for x in noticed[-8:] if x[0] <= max(taken_us[newest], gone - interval)]
            if known:
                anchor = device_us[row]
                t = anchor + 64 * round((stamp(known[-1][0]) - anchor) / 64)
                found.append((at, row, ClockMark(row, t, round(known[-1][1] * 1000), sent=True)))
            noticed.append((done, at))
        found.append((at, row, ClockMark(row, device_us[newest], round(at * 1000))))
    if c.pings:
        found += _pings(rng, c, stamp, arrival, fails, interval, phase, found, end)
    found.sort(key=lambda x: x[1])
    return Link(device, true, tuple(m for _, _, m in found))


def _pings(rng, c, stamp, arrival, fails, interval, phase, found, end):
    """Lower and upper bounds, known with the first data packet that arrives after the answer."""
    arrivals = np.array([a for a, _, _ in found])
    rows = np.array([r for _, r, _ in found])
    order = np.argsort(arrivals, kind="stable")
    in_order = arrivals[order].tolist()
    out = []
    asked = 0.5e6
    while asked < end - 2e6:
        event = float(ceil((asked + 400.0 + rng.exponential(150.0) - phase) / interval))
        while fails(event * interval + phase):
            event += 1
        received = event * interval + phase
        event += 1
        while fails(event * interval + phase):
            event += 1
        back = arrival(event * interval + phase)
        k = bisect_left(in_order, back)
        if k < len(order):
            row = int(rows[order[k]])
            out.append((back, row, ClockMark(row, stamp(received), round(asked * 1000), asked=True)))
            out.append((back, row, ClockMark(row, stamp(received + 200.0), round(back * 1000), sent=True, asked=True)))
        asked += 1e6 * rng.uniform(0.75, 1.25)
    return out


def _stalls(rng: np.random.Generator, c: Conditions, end: float) -> np.ndarray:
    n = int(end / 1e6 / c.stall_every_s) + 1 if c.stall_every_s else 1
    starts = np.sort(rng.uniform(0, end, n)) if c.stall_every_s else np.array([np.inf])
    return np.stack((starts, starts + rng.uniform(30e3, 250e3, n)), axis=1)


def _bursts(rng: np.random.Generator, c: Conditions, end: float) -> np.ndarray:
    n = int(end / 1e6 / c.burst_every_s) + 1 if c.burst_every_s else 1
    starts = np.sort(rng.uniform(0, end, n)) if c.burst_every_s else np.array([np.inf])
    return np.stack((starts, starts + rng.exponential(100e3, n)), axis=1)


def pieces(marks: tuple[ClockMark, ...], start: int, end: int) -> tuple[ClockMark, ...]:
    """The marks of rows [start, end), as a packet of those rows carries them."""
    return tuple(replace(m, position=m.position - start) for m in marks if start <= m.position < end)
