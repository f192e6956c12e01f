"""What every codec of a sensor family offers to whoever has its bytes: the engine, and recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from imu.packets import Ints, Packet


class Decoder(Protocol):
    """Turns the notifications of one sensor, in arrival order, into packets. Holds everything it must remember and can
    be deep-copied; nothing reads a clock."""

    def decode(self, data: bytes, t_host_ns: int, /) -> Packet | None:
        """One notification; None if it brings nothing new. `ProtocolError` if it is malformed; the stream goes on."""
        ...

    def decode_many(self, payloads: Sequence[bytes], arrival: Ints, /) -> list[Packet]:
        """The same rows, marks and epochs as repeated `decode`, one packet for a run of equal epoch.

        `ProtocolError` if any notification is malformed; the decoder is then of no further use.
        """
        ...
