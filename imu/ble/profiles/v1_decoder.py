"""Reference protocol v1 on the host's side: DATA notifications in, packets out.

Time and loss
    Every packet is anchored at its own `t_us`; within it samples follow at the nominal rate. `sample_index` says what is
    missing and what is old, `t_us` is unwrapped with its help. The filter integrates with the nominal rate, the clock
    model takes the rest, so a line through `t_us` against `sample_index` would gain nothing and would make a sample's
    time depend on later ones.
Epochs
    A new one begins with b6, with a backward tick, when `t_us` and `sample_index` disagree by more than 2 s, and when
    the index falls back by more than a second. What is less than that behind, on the same clock, is a duplicate or late
    and is dropped.
Marks
    The TX-done stamp with the arrival of the packet that it belongs to; the newest sample's time with the arrival of its
    own packet where there is no stamp, at the start of an epoch and in every 32nd packet (for the lag that people see:
    in every packet it would cost a third of the decoding time of a long recording). Pings and their answers (`v1_sync`)
    stand between the DATA notifications and become marks of the next row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.ble.profiles.v1_data import (
    CLIPPED,
    COUNT_BITS,
    FORM,
    FULL_SCALE,
    HEAD,
    RESTARTED,
    SAMPLE_BYTES,
    SHORT_BYTES,
    SHORT_FORM,
    SHORT_HEAD,
    TX_LIMIT,
    TX_UNIT_US,
    Raw,
    check_full,
    check_short,
)
from imu.ble.profiles.v1_rows import N, clipped_rows, joined_runs, layout, signed
from imu.ble.profiles.v1_setup import full_scales, read_config
from imu.ble.profiles.v1_sync import SYNC_LENGTHS, PingBook, is_sync
from imu.config import SensorSetup
from imu.errors import ProtocolError
from imu.packets import ClockMark, Floats, Ints, Packet

JUMP_US: Final = 2_000_000
LAG_EVERY: Final = 32
MEMORY: Final = 256
"""Packets whose arrival is remembered: as far as tx_back reaches."""
_MASK32: Final = 0xFFFFFFFF


class V1Decoder:
    """Decodes one sensor's DATA; see `base.Decoder`.

    Parameters
    ----------
    sensor : SensorSetup
        Its `config` holds INFO and CONFIG, see `config_text`.
    """

    def __init__(self, sensor: SensorSetup) -> None:
        _, config = read_config(sensor.config)
        self._sensor = sensor.sensor
        self._cfg_id = config.cfg_id
        self._odr_mhz = config.odr_mhz
        self._late = config.odr_mhz // 1000 + 1
        acc, gyr = full_scales(config)
        self._scale = np.array([acc] * 3 + [gyr] * 3) / FULL_SCALE
        self._epoch = -1
        self._start = (0, 0)  # index and t_us as sent of the epoch's first packet
        # the newest accepted packet: index (32 bits), number of samples, unwrapped time of its first and last sample
        self._index = self._n = self._t = self._t_last = 0
        self._seq = 0
        self._rows = 0  # of this epoch in the packet that is being put together
        self._offsets: dict[int, Ints] = {}
        self._seqs = np.full(MEMORY, -1, np.int64)
        self._arrivals = np.zeros(MEMORY, np.int64)
        self._pings = PingBook()

    def decode(self, data: bytes, t_host_ns: int, /) -> Packet | None:
        """One notification; None if it brings no new samples. `ProtocolError` if it is malformed."""
        if is_sync(data):
            self._pings.take(data, t_host_ns)
            return None
        self._rows = 0
        return self._decode(data, t_host_ns, 0)

    def _decode(self, data: bytes, t_host_ns: int, due: int) -> Packet | None:
        if data[:1] == bytes((SHORT_FORM,)):
            check_short(data)
            _, _, index16, t32 = SHORT_HEAD.unpack_from(data)
            raw = np.frombuffer(data, "<i2", 6, SHORT_HEAD.size).reshape(1, 6)
            return self._accept(0, self._whole_index(index16, t32), t32, 0, 0, 0, raw, t_host_ns, due)
        n = check_full(data)
        _, flags, seq, index, t32, tx_back, cfg_id, done = HEAD.unpack_from(data)
        if cfg_id != self._cfg_id:
            raise self._other_configuration(cfg_id)
        raw = np.frombuffer(data, "<i2", 6 * n, HEAD.size).reshape(n, 6)
        return self._accept(flags, index, t32, seq, tx_back, done, raw, t_host_ns, due)

    def decode_many(self, payloads: Sequence[bytes], arrival: Ints, /) -> list[Packet]:
        """The same rows, marks and epochs as repeated `decode`, one packet for a run of equal epoch."""
        packets: list[Packet] = []
        payloads, arrival = self._without_pings(payloads, arrival)
        self._rows = first = 0
        for length, run in groupby(payloads, key=len):
            group = list(run)
            times = arrival[first : first + len(group)]
            if length == SHORT_BYTES or length <= HEAD.size:
                for k, (data, t) in enumerate(zip(group, times.tolist(), strict=True)):
                    packet = self._decode(data, t, first + k)
                    packets += [] if packet is None else [packet]
            else:
                packets += self._decode_equal(group, times, first)
            first += len(group)
        self._pings.next_block()
        return joined_runs(packets)

    def _without_pings(self, payloads: Sequence[bytes], arrival: Ints) -> tuple[Sequence[bytes], Ints]:
        """DATA alone, so that long runs stay long; the answers are due with the DATA notification after them."""
        ours = np.fromiter((len(data) in SYNC_LENGTHS for data in payloads), np.bool_, len(payloads))
        if not ours.any():
            return payloads, arrival
        due = np.cumsum(~ours)
        for k in np.flatnonzero(ours).tolist():
            if not is_sync(payloads[k]):
                check_full(payloads[k])
            self._pings.take(payloads[k], int(arrival[k]), int(due[k]))
        return [payloads[k] for k in np.flatnonzero(~ours).tolist()], arrival[~ours]

    def _decode_equal(self, payloads: list[bytes], arrival: Ints, due: int) -> list[Packet]:
        """Full packets of one length, the first of them number `due` of its block. Runs in which each follows its
        predecessor are decoded at once."""
        n = (len(payloads[0]) - HEAD.size) // SAMPLE_BYTES
        for data in payloads:  # the first byte and the count decide whether the layout below holds
            if data[0] != FORM or data[1] & COUNT_BITS != n:
                check_full(data)
        check_full(payloads[0])
        a = np.frombuffer(b"".join(payloads), layout(n))
        other = np.flatnonzero(a["cfg_id"] != self._cfg_id)
        if len(other):
            raise self._other_configuration(int(a["cfg_id"][other[0]]))
        flags, seq = a["flags"].astype(np.int64), a["seq"].astype(np.int64)
        index, t32 = a["index"].astype(np.int64), a["t_us"].astype(np.int64)
        # the same rules as in `_accept`, against the predecessor
        index_step = signed(np.diff(index), 32)
        expected = self._span(index_step)
        t_step = expected + signed(np.diff(t32) - expected, 32)
        seq_step = np.diff(seq) & 0xFFFF
        follows = (
            (index_step >= n)
            & (np.abs(t_step - expected) <= JUMP_US)
            & (t_step > self._span(n - 1))
            & (flags[1:] & RESTARTED == 0)
            & (seq_step > 0)
            & (seq_step < MEMORY)
        )
        breaks = np.append(np.flatnonzero(~follows) + 1, len(a))
        packets: list[Packet] = []
        k = 0
        while k < len(a):
            packet = self._accept(
                int(flags[k]), int(index[k]), int(t32[k]), int(seq[k]), int(a["tx_back"][k]), int(a["done"][k]),
                a["raw"][k], int(arrival[k]), due + k,
            )  # fmt: skip
            k += 1
            if packet is None:
                continue
            packets.append(packet)
            end = int(breaks[np.searchsorted(breaks, k)]) if k < len(a) else k
            if end > k:
                s, rows = slice(k - 1, end - 1), slice(k, end)
                t_after, seq_after = np.cumsum(t_step[s]), np.cumsum(seq_step[s])
                packets.append(self._run(a[rows], index_step[s] - n, t_after, seq_after, arrival[rows], due + k))
                k = end
        return packets

    def _accept(
        self, flags: int, index: int, t32: int, seq: int, tx_back: int, done: int, raw: Raw, t_host_ns: int,
        due: int,
    ) -> Packet | None:  # fmt: skip
        """One packet by the rules at the top; `index` has 32 bits, raw is (n, 6)."""
        n = len(raw)
        t, skip, lost, fresh = t32, 0, 0, True
        if self._epoch >= 0:
            step = signed(index - self._index, 32)
            expected = self._t + self._span(step)
            t = expected + signed(t32 - expected, 32)
            ahead = step - self._n
            again = (index, t32) == self._start
            fresh = (flags & RESTARTED != 0 and not again) or abs(t - expected) > JUMP_US or ahead < -self._late
            if not fresh:
                skip, lost = max(0, -ahead), max(0, ahead)
                if skip >= n:
                    return None
                fresh = t + self._span(skip) <= self._t_last
        if fresh:
            self._epoch += 1
            self._start = index, t32
            self._seqs[:] = -1
            t, skip, lost, self._rows = t32, 0, 0, 0
        elif not 0 < (seq - self._seq) & 0xFFFF < MEMORY:
            self._seqs[:] = -1
        self._index, self._n, self._t, self._t_last, self._seq = index, n, t, t + self._span(n - 1), seq
        marks: list[ClockMark] = []
        sent = self._sent_mark(t, seq, tx_back, done)
        if fresh or sent is None or seq % LAG_EVERY == 0:
            marks.append(ClockMark(self._rows, self._t_last, t_host_ns))
        if sent is not None:
            marks.append(sent)
        marks += self._pings.marks(self._rows, t, due)
        self._seqs[seq % MEMORY] = seq
        self._arrivals[seq % MEMORY] = t_host_ns
        rows = raw[skip:]
        t_us = t + self._offsets_of(n)[skip:]
        missing = np.zeros(n - skip, np.int32)
        missing[0] = min(lost, 2**31 - 1)
        if flags & CLIPPED or rows.max() >= FULL_SCALE - 1 or rows.min() <= 1 - FULL_SCALE:
            clipped = clipped_rows(rows.reshape(1, -1, 6), np.array([flags & CLIPPED != 0]))
        else:
            clipped = np.zeros(n - skip, np.uint8)
        values = rows * self._scale
        arrival = np.full(n - skip, t_host_ns, np.int64)
        return self._packet(t_host_ns, t_us, missing, values, clipped, marks, arrival)

    def _run(self, a: np.ndarray, lost: Ints, t_after: Ints, seq_after: Ints, arrival: Ints, due: int) -> Packet:
        """Packets that follow each other and the newest accepted one; `*_after` counts from that one."""
        m, n = a["raw"].shape[:2]
        t_first = self._t + t_after
        t_us = (t_first[:, None] + self._offsets_of(n)).ravel()
        missing = np.zeros((m, n), np.int32)
        missing[:, 0] = np.minimum(lost, 2**31 - 1)
        clipped = clipped_rows(a["raw"], a["flags"] & CLIPPED != 0)
        # arrivals by packet number, counted from the newest accepted packet: remembered ones, then those of this run
        age = (self._seq - self._seqs) & 0xFFFF
        remembered = np.flatnonzero((self._seqs >= 0) & (age < MEMORY))
        remembered = remembered[np.argsort(-age[remembered])]
        numbers = np.concatenate((-age[remembered], seq_after))
        arrivals = np.concatenate((self._arrivals[remembered], arrival))
        wanted = seq_after - a["tx_back"]
        at = np.searchsorted(numbers, wanted)
        done = a["done"].astype(np.int64)
        stamped = (a["tx_back"] > 0) & (np.abs(done) < TX_LIMIT) & (numbers[at] == wanted)
        lagged = ~stamped | (a["seq"] % LAG_EVERY == 0)
        marks: list[ClockMark] = []
        position = self._rows + n * np.arange(m)
        columns = (position, lagged, stamped, t_us[n - 1 :: n], arrival, t_first + TX_UNIT_US * done, arrivals[at])
        for row, lag, stamp, t_last, own, t_done, noticed in zip(*(c.tolist() for c in columns), strict=True):
            if lag:
                marks.append(ClockMark(row, t_last, own))
            if stamp:
                marks.append(ClockMark(row, t_done, noticed, True))
            number = due + (row - self._rows) // n
            if self._pings.waiting(number):
                marks += self._pings.marks(row, t_last - int(self._offsets_of(n)[-1]), number)
        last = a[-1]
        self._index, self._n, self._t, self._t_last = int(last["index"]), n, int(t_first[-1]), int(t_us[-1])
        self._seq = int(last["seq"])
        new = seq_after > seq_after[-1] - MEMORY  # older ones would be overwritten
        slots = a["seq"][new] % MEMORY
        self._seqs[slots], self._arrivals[slots] = a["seq"][new], arrival[new]
        values = a["raw"].reshape(m * n, 6) * self._scale
        return self._packet(int(arrival[-1]), t_us, missing.ravel(), values, clipped, marks, np.repeat(arrival, n))

    def _packet(
        self, t_host_ns: int, t_us: Ints, lost: NDArray[np.int32], values: Floats, clipped: NDArray[np.uint8],
        marks: list[ClockMark], arrival: Ints,
    ) -> Packet:  # fmt: skip
        self._rows += len(t_us)
        acc, gyr = np.ascontiguousarray(values[:, :3]), np.ascontiguousarray(values[:, 3:])
        return Packet(self._sensor, t_host_ns, self._epoch, t_us, lost, gyr, acc, clipped, tuple(marks), arrival)

    def _sent_mark(self, t: int, seq: int, tx_back: int, done: int) -> ClockMark | None:
        if tx_back == 0 or abs(done) >= TX_LIMIT:
            return None
        wanted = (seq - tx_back) & 0xFFFF
        if self._seqs[wanted % MEMORY] != wanted:
            return None
        return ClockMark(self._rows, t + TX_UNIT_US * done, int(self._arrivals[wanted % MEMORY]), True)

    def _span(self, samples: N) -> N:
        """µs of so many samples at the nominal rate, rounded."""
        return (samples * 1_000_000_000 + self._odr_mhz // 2) // self._odr_mhz

    def _offsets_of(self, n: int) -> Ints:
        """(n,) times within a packet, from its first sample; kept, because making them costs as much as all the rest."""
        if n not in self._offsets:
            self._offsets[n] = self._span(np.arange(n))
        return self._offsets[n]

    def _whole_index(self, index16: int, t32: int) -> int:
        """32 bits of the short form's index: the time since the newest packet says which of the possible ones it is."""
        if self._epoch < 0:
            return index16
        near = self._index + (signed(t32 - self._t, 32) * self._odr_mhz + 500_000_000) // 1_000_000_000
        return (near + signed(index16 - near, 16)) & _MASK32

    def _other_configuration(self, cfg_id: int) -> ProtocolError:
        return ProtocolError(
            f"sensor {self._sensor} sends with configuration {cfg_id}, this session began with {self._cfg_id}; start anew"
        )
