"""What a radio connection is between two controllers: its channel, its queues and its times."""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bumble import hci, ll
from bumble.controller import Connection

if TYPE_CHECKING:
    from firmware_sim.controller import RadioController

INTERVAL_UNIT_S = 1.25e-3
TIMEOUT_UNIT_S = 10e-3
LL_PAYLOAD = 251  # bytes of one link-layer packet with data length extension
PACKETS_PER_EVENT = 6  # and direction: what common controllers send before they look after other links
BIT_S = 0.5e-6  # 2M PHY
IFS_S = 150e-6  # pause between two packets of a connection event
OVERHEAD_BYTES = 11  # preamble (2), access address, header, CRC on the 2M PHY


@dataclass(frozen=True, slots=True)
class RadioConditions:
    """How good the air is: a two-state channel per link (Gilbert 1960, Elliott 1963)."""

    per: float = 0.02
    """Share of packets with data that are lost on a good channel and sent again, 0..1. Larger = worse."""
    burst_per: float = 0.8
    """The same during a burst of errors (a body in the way, Wi-Fi)."""
    burst_every_s: float = 5.0
    """Mean time between bursts, s; `inf` = none."""
    burst_s: float = 0.05
    """Mean length of a burst, s."""

    def __post_init__(self) -> None:
        if not (0.0 <= self.per <= 1.0 and 0.0 <= self.burst_per <= 1.0):
            raise ValueError(f"packet error rates are shares between 0 and 1, not {self.per} and {self.burst_per}")
        if not (self.burst_every_s > 0.0 and self.burst_s > 0.0):
            raise ValueError("times between bursts and of bursts are positive seconds")

    @classmethod
    def of(cls, per: float) -> RadioConditions:
        """Usual bursts around the given error rate; 0 = perfect air, without bursts."""
        return cls(per=per) if per > 0.0 else CLEAR_AIR


CLEAR_AIR = RadioConditions(per=0.0, burst_every_s=math.inf)


@dataclass(slots=True)
class RadioCounts:
    """What happened on the air, for reports."""

    delivered: int = 0
    retransmitted: int = 0
    missed_events: int = 0
    timeouts: int = 0


class Channel:
    """The errors of one link, in the order in which packets are sent."""

    def __init__(self, conditions: RadioConditions, rng: random.Random, now_s: float) -> None:
        self._conditions = conditions
        self._rng = rng
        self._bad = False
        self._until_s = now_s + self._stay_s()

    def _stay_s(self) -> float:
        mean_s = self._conditions.burst_s if self._bad else self._conditions.burst_every_s
        return math.inf if math.isinf(mean_s) else self._rng.expovariate(1.0 / mean_s)

    def loses(self, now_s: float) -> bool:
        """Whether a packet with data sent now is damaged."""
        while now_s >= self._until_s:
            self._bad = not self._bad
            self._until_s += self._stay_s()
        per = self._conditions.burst_per if self._bad else self._conditions.per
        return per > 0.0 and self._rng.random() < per


@dataclass(slots=True, eq=False)
class Pdu:
    """What waits to be sent: an L2CAP PDU or a link-layer control PDU."""

    payload: bytes | ll.ControlPdu
    fragments: int
    """Link-layer packets still to be sent."""
    bytes_per_fragment: int
    hci_packets: int = 0
    """HCI packets that the sender's host gets back as completed when the PDU has been delivered."""
    then: Callable[[], None] | None = None
    """Called after delivery."""


@dataclass(slots=True, eq=False)
class Side:
    """One end of a connection and what it has to send."""

    controller: RadioController
    connection: Connection
    queue: deque[Pdu] = field(default_factory=deque)

    @property
    def alive(self) -> bool:
        """False once this end has forgotten the connection (reset, power loss, disconnected)."""
        return self.controller.le_connections.get(self.connection.peer_address) is self.connection

    @property
    def address(self) -> hci.Address:
        return self.connection.self_address

    def end(self, reason: int) -> None:
        """Tell this end's host that the connection is over, if it still knows of one."""
        self.queue.clear()
        if self.alive:
            self.controller.on_le_disconnected(self.connection, reason)


@dataclass(slots=True, eq=False)
class AirLink:
    """One connection on the air.

    Connection events lie on the grid `anchor_s + k * interval_s`. Between two events with data the link is idle:
    empty packets are exchanged then, which nobody sees, so they are not simulated one by one.
    """

    central: Side
    peripheral: Side
    interval_s: float
    latency: int
    timeout_s: float
    anchor_s: float
    born_s: float
    channel: Channel
    event: asyncio.TimerHandle | None = None
    supervision: asyncio.TimerHandle | None = None
    terminating: Side | None = None
    """The side whose host asked for the disconnection."""

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.central, self.peripheral

    def other(self, side: Side) -> Side:
        return self.peripheral if side is self.central else self.central

    @property
    def key(self) -> frozenset[str]:
        """What it is known by: its two addresses."""
        return pair_key(self.central.address, self.peripheral.address)

    def side_of(self, controller: RadioController) -> Side:
        return self.central if self.central.controller is controller else self.peripheral

    def next_event_s(self, now_s: float) -> float:
        """The first connection event after `now_s`; a timer may fire a hair before its time, that event counts as past."""
        return self.anchor_s + (math.floor((now_s - self.anchor_s) / self.interval_s + 1e-6) + 1) * self.interval_s

    def cancel_timers(self) -> None:
        for timer in (self.event, self.supervision):
            if timer is not None:
                timer.cancel()
        self.event = self.supervision = None


def packet_air_s(payload_bytes: int) -> float:
    """Time on the air of one link-layer packet and the pause after it, s."""
    return (payload_bytes + OVERHEAD_BYTES) * 8 * BIT_S + IFS_S


def address_text(address: hci.Address) -> str:
    """`C4:1A:00:00:51:A0`, whatever kind of address it is."""
    return address.to_string(with_type_qualifier=False)


def pair_key(one: hci.Address, other: hci.Address) -> frozenset[str]:
    """Of the connection between two addresses."""
    return frozenset((address_text(one), address_text(other)))
