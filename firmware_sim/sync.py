"""SYNC: pings are answered with the sensor's own clock."""

from __future__ import annotations

from collections.abc import Callable

from imu.ble.profiles.v1_sync import Ping, PingAnswer, ProtocolError


def answer_to(value: bytes, now_us: Callable[[], int]) -> bytes | None:
    """What is notified for a ping that has just come; None for bytes that are none, as SYNC has no word for errors.

    `now_us`: the sensor's clock, not wrapped.
    """
    received_us = now_us()
    try:
        ping = Ping.from_bytes(value)
    except ProtocolError:
        return None
    return bytes(PingAnswer(ping.number, received_us, now_us()))
