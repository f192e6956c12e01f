"""STATUS of reference protocol v1: how a sensor is."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from imu.errors import ProtocolError

MAJOR: Final = 1
UNKNOWN_BATTERY: Final = 255
_STATUS: Final = struct.Struct("<BBHHBhIBHHBHI")
_STATUS_SHORT: Final = 20


class State(IntEnum):
    """What a sensor is doing (STATUS, advertisements)."""

    IDLE = 0
    CONNECTED = 1
    STREAMING = 2
    FAULT = 3


class StatusFlag(IntFlag):
    """Flags of STATUS."""

    CHARGING = 1
    LOW_BATTERY = 2
    SELF_TEST_FAILED = 4
    CLOCK_STEPPED = 8


_NO_FLAGS: Final = StatusFlag(0)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """STATUS, once a second while subscribed."""

    state: State
    flags: StatusFlag = _NO_FLAGS
    battery_mv: int = 0
    battery_percent: int = UNKNOWN_BATTERY
    temperature_c: float = 0.0
    """°C, sent in steps of 0.01."""
    dropped: int = 0
    """Packets dropped since boot because the queue was full."""
    queue_hwm: int = 0
    """Longest queue since the last report, packets."""
    conn_int: int = 0
    """Connection interval, 1.25 ms."""
    mtu: int = 23
    phy: int = 1
    boot_id: int | None = None
    """None in the short form that fits MTU 23."""
    uptime_s: int | None = None
    ver: int = MAJOR

    def __bytes__(self) -> bytes:
        return _STATUS.pack(
            self.ver, self.state, self.flags, self.battery_mv, self.battery_percent, round(self.temperature_c * 100),
            self.dropped & 0xFFFFFFFF, min(self.queue_hwm, 255), self.conn_int, self.mtu, self.phy, self.boot_id or 0,
            self.uptime_s or 0,
        )  # fmt: skip

    @classmethod
    def from_bytes(cls, data: bytes) -> StatusReport:
        """Of the first 20 bytes, or of all 25; `ProtocolError` if it is shorter."""
        if len(data) < _STATUS_SHORT:
            raise ProtocolError(f"STATUS has {len(data)} bytes; protocol v1 has {_STATUS_SHORT} or {_STATUS.size}")
        whole = len(data) >= _STATUS.size
        data = data if whole else bytes(data[:_STATUS_SHORT]).ljust(_STATUS.size, b"\0")
        ver, state, flags, mv, percent, temp, dropped, hwm, interval, mtu, phy, boot_id, uptime = _STATUS.unpack_from(data)
        return cls(
            state_of(state), StatusFlag(flags), mv, percent, temp / 100.0, dropped, hwm, interval, mtu, phy,
            boot_id if whole else None, uptime if whole else None, ver,
        )  # fmt: skip


def state_of(number: int) -> State:
    """`ProtocolError` if there is none of this number."""
    try:
        return State(number)
    except ValueError:
        raise ProtocolError(f"unknown state {number} of a sensor") from None
