"""What a link says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LinkState = Literal["searching", "connecting", "streaming", "lost", "disconnected"]
"""searching: not heard yet or again · connecting: heard · streaming: samples come · lost: the connection has ended or
could not be made, and will be tried again · disconnected: closed by us."""


@dataclass(frozen=True, slots=True)
class LinkReport:
    """One sensor's link, sent at every change and only then."""

    sensor: str
    """Serial number; empty = about the network as a whole."""
    state: LinkState
    battery_percent: int | None = None
    rssi_dbm: int | None = None
    """Of the newest advertisement heard."""
    note: str = ""
    """For people: why it was lost, or that the sensor has restarted."""
