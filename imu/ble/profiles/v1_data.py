"""DATA of reference protocol v1: samples on the air, full and short form. Open points are settled in `v1`."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.errors import ProtocolError

Raw = NDArray[np.int16]

MAJOR: Final = 1
FORM, SHORT_FORM = 0x10, 0x1F
"""First byte: major in the high nibble; acc + gyr, and the short form of it."""
HEAD: Final = struct.Struct("<BBHIIBBh")
SHORT_HEAD: Final = struct.Struct("<BBHI")
SAMPLE_BYTES: Final = 12
SHORT_BYTES: Final = SHORT_HEAD.size + SAMPLE_BYTES
COUNT_BITS, CLIPPED, RESTARTED, DROPPED = 0x1F, 0x20, 0x40, 0x80
"""Second byte of the full form."""
TX_UNIT_US: Final = 64
TX_LIMIT: Final = 32767
MAX_SAMPLES: Final = 19
"""In a packet at MTU 247."""
FULL_SCALE: Final = 32768
"""A raw value of this would be the end of the range."""


def samples_that_fit(mtu: int) -> int:
    """Samples in one full packet; 0 = only the short form fits."""
    return min(MAX_SAMPLES, max(0, (mtu - 3 - HEAD.size) // SAMPLE_BYTES))


@dataclass(frozen=True, slots=True, eq=False)
class DataPacket:
    """Full form."""

    pkt_seq: int
    sample_index: int
    """Of the first sample, since boot. Sent modulo 2^32, like `t_us`."""
    t_us: int
    """Device time of the first sample."""
    cfg_id: int
    acc: Raw
    """(n, 3) raw, range / 32768."""
    gyr: Raw
    """(n, 3) raw, range / 32768."""
    clipped: bool = False
    restarted: bool = False
    """First packet after boot, or after a step of the clock."""
    dropped: bool = False
    """Packets before this one were dropped."""
    tx_back: int = 0
    """The TX-done stamp belongs to packet pkt_seq - tx_back; 0 = no stamp."""
    tx_done_us: int = 0
    """TX-done time minus t_us; sent in steps of 64 µs."""

    def __bytes__(self) -> bytes:
        n = len(self.acc)
        if not 1 <= n <= COUNT_BITS or self.gyr.shape != (n, 3) or self.acc.shape != (n, 3):
            raise ValueError(f"acc {self.acc.shape}, gyr {self.gyr.shape}; a DATA packet has (1 to {COUNT_BITS}, 3) each")
        flags = n | CLIPPED * self.clipped | RESTARTED * self.restarted | DROPPED * self.dropped
        done = (self.tx_done_us + TX_UNIT_US // 2) // TX_UNIT_US
        stamped = 0 < self.tx_back <= 255 and abs(done) < TX_LIMIT
        head = HEAD.pack(
            FORM, flags, self.pkt_seq & 0xFFFF, self.sample_index & 0xFFFFFFFF, self.t_us & 0xFFFFFFFF,
            self.tx_back if stamped else 0, self.cfg_id, done if stamped else 0,
        )  # fmt: skip
        return head + np.hstack((self.acc, self.gyr)).astype("<i2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> DataPacket:
        """`ProtocolError` if it is not a full packet of this major."""
        n = check_full(data)
        _, flags, seq, index, t_us, tx_back, cfg_id, done = HEAD.unpack_from(data)
        raw = np.frombuffer(data, "<i2", 6 * n, HEAD.size).reshape(n, 6)
        return cls(
            seq, index, t_us, cfg_id, raw[:, :3].copy(), raw[:, 3:].copy(),
            bool(flags & CLIPPED), bool(flags & RESTARTED), bool(flags & DROPPED), tx_back, done * TX_UNIT_US,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ShortPacket:
    """Short form, one sample, for an MTU of 23. No flags, no stamps, no cfg_id."""

    seq: int
    sample_index: int
    """Sent modulo 2^16."""
    t_us: int
    acc: Raw
    """(3,) raw."""
    gyr: Raw
    """(3,) raw."""

    def __bytes__(self) -> bytes:
        head = SHORT_HEAD.pack(SHORT_FORM, self.seq & 0xFF, self.sample_index & 0xFFFF, self.t_us & 0xFFFFFFFF)
        return head + np.concatenate((self.acc, self.gyr)).astype("<i2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> ShortPacket:
        """`ProtocolError` if it is not a short packet of this major."""
        check_short(data)
        _, seq, index, t_us = SHORT_HEAD.unpack_from(data)
        raw = np.frombuffer(data, "<i2", 6, SHORT_HEAD.size)
        return cls(seq, index, t_us, raw[:3].copy(), raw[3:].copy())


def check_full(data: bytes) -> int:
    """Number of samples; `ProtocolError` says what is wrong with the packet."""
    _check_form(data, FORM)
    n = data[1] & COUNT_BITS if len(data) >= HEAD.size else 0
    if n == 0 or len(data) != HEAD.size + SAMPLE_BYTES * n:
        raise ProtocolError(f"a DATA packet of {len(data)} bytes does not hold the {n} samples it announces")
    return n


def check_short(data: bytes) -> None:
    """`ProtocolError` says what is wrong with the packet."""
    _check_form(data, SHORT_FORM)
    if len(data) != SHORT_BYTES:
        raise ProtocolError(f"a short DATA packet has {len(data)} bytes; it must have {SHORT_BYTES}")


def _check_form(data: bytes, form: int) -> None:
    if not data:
        raise ProtocolError("an empty DATA packet")
    if data[0] >> 4 != MAJOR:
        raise ProtocolError(
            f"a DATA packet of protocol {data[0] >> 4}, this program speaks {MAJOR}; update the sensor's firmware or this"
        )
    if data[0] != form:
        raise ProtocolError(f"a DATA packet of form {data[0] & 0xF}; this program reads acc and gyr only (0 and 15)")
