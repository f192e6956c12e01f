"""CONTROL of reference protocol v1: requests and their answers. Open points are settled in `v1`."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from imu.errors import ProtocolError

NO_SLOT: Final = 255
"""Slot of a sensor that has no place on the body."""
ANSWER: Final = 0x80


class Op(IntEnum):
    """What a sensor is asked to do."""

    GET_INFO = 0x01
    SET_CONFIG = 0x02
    START = 0x03
    STOP = 0x04
    IDENTIFY = 0x05
    SET_SLOT = 0x06
    SELF_TEST = 0x07
    RESEND = 0x08
    AUTH_CHALLENGE = 0x09
    CAL_COMMIT = 0x0A
    SET_UTC = 0x0B
    CONN_PARAM_REQ = 0x0C
    POWER_OFF = 0x0D
    REBOOT = 0x0F


class Result(IntEnum):
    """Status of an answer."""

    OK = 0
    UNKNOWN_OP = 1
    LENGTH = 2
    VALUE = 3
    STATE = 4
    BUSY = 5
    AUTHENTICATION = 6


@dataclass(frozen=True, slots=True)
class Request:
    """`op`, a tag that the answer repeats, and arguments. A device answers an unknown `op` with UNKNOWN_OP."""

    op: int
    tag: int
    args: bytes = b""

    def __bytes__(self) -> bytes:
        return bytes((self.op, self.tag)) + self.args

    @classmethod
    def from_bytes(cls, data: bytes) -> Request:
        """`ProtocolError` if it is too short to have a tag or is an answer."""
        if len(data) < 2 or data[0] & ANSWER:
            raise ProtocolError(f"{len(data)} bytes are not a request; it has an op below 0x80 and a tag")
        return cls(data[0], data[1], bytes(data[2:]))

    @classmethod
    def start(cls, tag: int, *, delay_ms: int = 0, at_us: int | None = None) -> Request:
        """Stream now, after a delay, or from an instant of the device's clock."""
        if at_us is not None:
            return cls(Op.START, tag, struct.pack("<Q", at_us))
        return cls(Op.START, tag, struct.pack("<H", delay_ms) if delay_ms else b"")

    @classmethod
    def identify(cls, tag: int, ms: int) -> Request:
        """Blink for so long."""
        return cls(Op.IDENTIFY, tag, struct.pack("<H", ms))

    @classmethod
    def set_slot(cls, tag: int, slot: int) -> Request:
        """Say where on the body the sensor is worn."""
        return cls(Op.SET_SLOT, tag, bytes((slot,)))

    def start_time(self) -> tuple[int, int | None]:
        """(delay in ms, instant in µs of the device's clock or None) of START; `ProtocolError` on a wrong length."""
        if len(self.args) == 0:
            return 0, None
        if len(self.args) == 2:
            return int.from_bytes(self.args, "little"), None
        if len(self.args) == 8:
            return 0, int.from_bytes(self.args, "little")
        raise ProtocolError(f"START has {len(self.args)} bytes of arguments; 0, 2 or 8 are known")


@dataclass(frozen=True, slots=True)
class Response:
    """Answer to the request of the same tag."""

    op: int
    """Of the request, without the answer bit."""
    tag: int
    result: Result = Result.OK
    data: bytes = b""

    def __bytes__(self) -> bytes:
        return bytes((self.op | ANSWER, self.tag, self.result)) + self.data

    @classmethod
    def from_bytes(cls, data: bytes) -> Response:
        """`ProtocolError` if it is too short, a request, or has an unknown status."""
        if len(data) < 3 or not data[0] & ANSWER:
            raise ProtocolError(f"{len(data)} bytes are not an answer; it has an op of 0x80 or more, a tag and a status")
        try:
            result = Result(data[2])
        except ValueError:
            raise ProtocolError(f"unknown status {data[2]} in an answer of the sensor") from None
        return cls(data[0] & ~ANSWER, data[1], result, bytes(data[3:]))
