"""The measuring half of a sensor's firmware: samples on its own clock, packets, a queue, stamps of what has been sent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from firmware_sim.script_clock import ScriptClock
from imu.ble.profiles.v1 import DataPacket, ShortPacket, samples_that_fit

QUEUE_PACKETS: Final = 16
"""Packets that wait in firmware while the radio is busy: 0.5 s at 104 Hz and 3 samples each."""
RADIO_PACKETS: Final = 4
"""Packets handed to the radio and not yet sent; more would only make their stamps and flags old."""
READ_AHEAD: Final = 24
"""Samples asked of the model at once: 1.9 % of a core for five sensors at 104 Hz, against 11 % for three at a time."""
TX_BACK_LIMIT: Final = 255


class RawSamples(Protocol):
    """n samples as the sensor gives them."""

    @property
    def acc(self) -> NDArray[np.int16]: ...
    @property
    def gyr(self) -> NDArray[np.int16]: ...
    @property
    def clipped(self) -> NDArray[np.uint8]: ...


class SampleSource(Protocol):
    """The sensor as firmware sees it. True times are those of the hub's clock, s; device times µs, not wrapped."""

    rate_hz: float

    def next_index(self, true_s: float) -> int:
        """First sample taken at a true time or later."""
        ...

    def true_time_of(self, index: int) -> float: ...
    def device_us_of(self, index: int) -> int: ...
    def device_us(self, true_s: float) -> int: ...
    def samples(self, first: int, n: int, start_s: float | None) -> RawSamples:
        """`start_s`: true time of script time 0; None: the body stands still."""
        ...


class Outlet(Protocol):
    """The way to the radio."""

    def send(self, data: bytes, done: Callable[[], None]) -> None:
        """Hand over one notification; `done` is called when the radio has sent it."""
        ...


@dataclass(slots=True, eq=False)
class Waiting:
    """A packet in the firmware's queue. Flags and stamps are put in when it leaves."""

    pkt_seq: int
    first: int
    """Sample index."""
    acc: NDArray[np.int16]
    gyr: NDArray[np.int16]
    clipped: bool
    restarted: bool = False
    dropped: bool = False


def choose_samples(rate_hz: float, mtu: int, latency_ms: float, interval_ms: float, wanted: int = 0) -> int:
    """Samples per packet; 0 = only the short form fits.

    As many as the latency budget allows (filling plus one connection interval) and the MTU holds. The filling time must
    not be a multiple of the interval, or the phase between sampling and radio never changes and hides in the clock
    offset, unseen by any host (104 Hz and 3 samples: 28.8 ms against 15 ms).
    """
    fit = samples_that_fit(mtu)
    if fit == 0 or wanted:
        return min(wanted, fit) if fit else 0
    n = max(1, min(fit, int((latency_ms - interval_ms) * rate_hz / 1000.0)))

    def locked(count: int) -> bool:
        intervals = count * 1000.0 / rate_hz / interval_ms
        return round(intervals) >= 1 and abs(intervals - round(intervals)) < 0.01

    candidates = [*range(n, 0, -1), *range(n + 1, fit + 1)]
    return next((count for count in candidates if not locked(count)), n)


class SampleStream:
    """From START to STOP, over and over, for one boot of the device.

    Sampling never stops and `sample_index` counts from boot, so what is not streamed shows as a gap. Packets are paced on
    the device's clock by an absolute schedule: no error accumulates, and a late wake-up is made up for.

    Parameters
    ----------
    source : SampleSource
    script : ScriptClock
        Shared by all sensors of the person.
    loop_zero_s : float
        The event loop's time at true time 0.
    stamps : bool
        Packets tell when an earlier one had been sent.
    """

    def __init__(self, source: SampleSource, script: ScriptClock, loop_zero_s: float, *, stamps: bool = True) -> None:
        self.source = source
        self._stamps = stamps
        self.dropped = 0
        """Packets since boot."""
        self.queue_hwm = 0
        """Longest queue since it was last read and reset."""
        self._script = script
        self._zero_s = loop_zero_s
        self._next_seq = 0
        self._restarted = True
        self._waiting: deque[Waiting] = deque()
        self._in_radio = 0
        self._sent: tuple[int, int] | None = None  # (pkt_seq, device µs) of the newest packet that has been sent
        self._outlet: Outlet | None = None
        self._task: asyncio.Task[None] | None = None
        self._ahead: tuple[int, float | None, RawSamples] | None = None
        self._cfg_id = 0
        self._n = 0

    @property
    def running(self) -> bool:
        return self._task is not None

    def true_now_s(self) -> float:
        return asyncio.get_running_loop().time() - self._zero_s

    def start(self, outlet: Outlet, n: int, cfg_id: int, from_s: float) -> None:
        """Stream from true time `from_s`; n samples per packet, 0 = short packets. Stops what ran before."""
        self.stop()
        self._outlet, self._n, self._cfg_id = outlet, n, cfg_id
        self._task = asyncio.get_running_loop().create_task(self._run(self.source.next_index(from_s)))

    def resize(self, n: int) -> None:
        """Another number of samples per packet, from the next packet on."""
        self._n = n

    def stop(self) -> None:
        """What was queued is gone; the gap shows in `sample_index`."""
        if self._task is not None:
            self._task.cancel()
        self._task = self._outlet = self._sent = None
        self._waiting.clear()
        self._in_radio = 0

    async def _run(self, first: int) -> None:
        while True:
            n = max(1, self._n)
            due_s = self.source.true_time_of(first + n - 1)
            await asyncio.sleep(due_s - self.true_now_s())
            self._push(first, n)
            first += n

    def _push(self, first: int, n: int) -> None:
        acc, gyr, clipped = self._take(first, n)
        packet = Waiting(self._next_seq, first, acc, gyr, clipped, restarted=self._restarted)
        self._next_seq += 1
        self._restarted = False
        if len(self._waiting) >= QUEUE_PACKETS:
            # The oldest goes: after a fade, live feedback needs the newest half second.
            lost = self._waiting.popleft()
            head = self._waiting[0]
            head.dropped, head.restarted = True, head.restarted or lost.restarted
            self.dropped += 1
        self._waiting.append(packet)
        self.queue_hwm = max(self.queue_hwm, len(self._waiting))
        self._flush()

    def _take(self, first: int, n: int) -> tuple[NDArray[np.int16], NDArray[np.int16], bool]:
        start_s = self._script.start_s
        if self._ahead is None or self._ahead[1] != start_s or not 0 <= first - self._ahead[0] <= READ_AHEAD - n:
            self._ahead = (first, start_s, self.source.samples(first, READ_AHEAD, start_s))
        begin, _, block = self._ahead
        rows = slice(first - begin, first - begin + n)
        return block.acc[rows], block.gyr[rows], bool(block.clipped[rows].any())

    def _flush(self) -> None:
        while self._waiting and self._in_radio < RADIO_PACKETS and self._outlet is not None:
            packet = self._waiting.popleft()
            self._in_radio += 1
            outlet, seq = self._outlet, packet.pkt_seq
            outlet.send(self._encode(packet), lambda seq=seq, outlet=outlet: self._done(seq, outlet))

    def _done(self, seq: int, outlet: Outlet) -> None:
        if outlet is self._outlet:  # not of an earlier connection
            self._sent = (seq, self.source.device_us(self.true_now_s()))
            self._in_radio -= 1
            self._flush()

    def _encode(self, packet: Waiting) -> bytes:
        t_us = self.source.device_us_of(packet.first)
        if self._n == 0:
            return bytes(ShortPacket(packet.pkt_seq, packet.first, t_us, packet.acc[0], packet.gyr[0]))
        back = 0 if self._sent is None else packet.pkt_seq - self._sent[0]
        stamped = self._stamps and self._sent is not None and 0 < back <= TX_BACK_LIMIT
        return bytes(
            DataPacket(
                pkt_seq=packet.pkt_seq,
                sample_index=packet.first,
                t_us=t_us,
                cfg_id=self._cfg_id,
                acc=packet.acc,
                gyr=packet.gyr,
                clipped=packet.clipped,
                restarted=packet.restarted,
                dropped=packet.dropped,
                tx_back=back if stamped else 0,
                tx_done_us=self._sent[1] - t_us if stamped and self._sent is not None else 0,
            )
        )
