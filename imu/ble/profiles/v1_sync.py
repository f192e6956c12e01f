"""SYNC of reference protocol v1: pings, and what their answers say about the clock.

The host asks `[01][id]` once a second at a random phase, the device answers `[81][id][t_rx u64 µs][t_tx u64 µs]` with its
own clock: when it noticed, and when it handed the answer to its radio. Both go into a recording beside the DATA
notifications, in order and with the host's stamp: the ping with the instant just before it was written. So what the clock
model gets can be decoded again from the bytes alone.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import Final

from imu.ble.profiles.v1_rows import signed
from imu.errors import ProtocolError
from imu.packets import ClockMark

PING, ANSWER = 0x01, 0x81
_PING: Final = struct.Struct("<BB")
_ANSWER: Final = struct.Struct("<BBQQ")
SYNC_LENGTHS: Final = frozenset((_PING.size, _ANSWER.size))
"""No DATA notification has one of these."""
LATEST_NS: Final = 5_000_000_000
"""A later answer belongs to an earlier ping of the same id, or says next to nothing."""
FAR_US: Final = 10_000_000
"""Device times so far from the samples around them are of another boot, or of a clock that has jumped since."""
_U64: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Ping:
    """From the host."""

    number: int

    def __bytes__(self) -> bytes:
        return _PING.pack(PING, self.number & 0xFF)

    @classmethod
    def from_bytes(cls, data: bytes) -> Ping:
        """`ProtocolError` if it is none."""
        if len(data) != _PING.size or data[0] != PING:
            raise ProtocolError(f"{len(data)} bytes on SYNC are not a ping; it has 2, the first of them 1")
        return cls(data[1])


@dataclass(frozen=True, slots=True)
class PingAnswer:
    """From the device; times of its clock, µs."""

    number: int
    t_rx_us: int
    t_tx_us: int

    def __bytes__(self) -> bytes:
        return _ANSWER.pack(ANSWER, self.number & 0xFF, self.t_rx_us & _U64, self.t_tx_us & _U64)

    @classmethod
    def from_bytes(cls, data: bytes) -> PingAnswer:
        """`ProtocolError` if it is none."""
        if len(data) != _ANSWER.size or data[0] != ANSWER:
            raise ProtocolError(f"{len(data)} bytes on SYNC do not answer a ping; an answer has {_ANSWER.size}")
        _, number, t_rx, t_tx = _ANSWER.unpack(data)
        return cls(number, t_rx, t_tx)


def is_sync(data: bytes) -> bool:
    """Whether these bytes of a sensor's stream are of SYNC and not of DATA."""
    return data[:1] in (b"\x01", b"\x81")


@dataclass(frozen=True, slots=True)
class _Answered:
    due: int
    """Which DATA notification of the running block comes next."""
    answer: PingAnswer
    asked_ns: int
    arrived_ns: int


class PingBook:
    """Pairs answers with their pings, and keeps them for the next samples: a mark belongs to a row."""

    def __init__(self) -> None:
        self._asked: dict[int, int] = {}
        self._answered: deque[_Answered] = deque()

    def take(self, data: bytes, t_host_ns: int, due: int = 0) -> None:
        """One ping (stamped when it was sent) or answer (when it arrived)."""
        if data[0] == PING:
            self._asked[Ping.from_bytes(data).number] = t_host_ns
            return
        answer = PingAnswer.from_bytes(data)
        asked_ns = self._asked.pop(answer.number, None)
        if asked_ns is not None and 0 <= t_host_ns - asked_ns <= LATEST_NS:
            self._answered.append(_Answered(due, answer, asked_ns, t_host_ns))

    def waiting(self, due: int = 0) -> bool:
        """Whether `marks` of this DATA notification would find something."""
        return len(self._answered) > 0 and self._answered[0].due <= due

    def marks(self, row: int, t_us: int, due: int = 0) -> list[ClockMark]:
        """What became known before a DATA notification whose first row is `row`, at unwrapped device time `t_us`."""
        out: list[ClockMark] = []
        while self.waiting(due):
            a = self._answered.popleft()
            received = signed(a.answer.t_rx_us - t_us, 32)
            answered = signed(a.answer.t_tx_us - t_us, 32)
            if abs(received) <= FAR_US and 0 <= answered - received <= FAR_US:
                out.append(ClockMark(row, t_us + received, a.asked_ns, asked=True))
                out.append(ClockMark(row, t_us + answered, a.arrived_ns, sent=True, asked=True))
        return out

    def next_block(self) -> None:
        """DATA notifications are counted from 0 again."""
        self._answered = deque(_Answered(0, a.answer, a.asked_ns, a.arrived_ns) for a in self._answered)
