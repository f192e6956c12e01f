"""Bytes of a recording: what one MCAP message holds, and the same notifications as columns in memory.

One message per notification would be 450 000 small records an hour and read slowly, so a message is a batch of
notifications of all sensors in arrival order. Columns first, bytes last: a batch is read by views, with no loop over
its notifications.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imu.packets import Ints

FORMAT_VERSION = 1
METADATA_NAME = "imu_session"
NOTIFICATIONS, EVENTS = "notifications", "events"
NOTIFICATIONS_ID, EVENTS_ID = 1, 2
"""Channel numbers, always these: a file whose first chunk (with the channel table) is damaged can still be read."""

BATCH_SCHEMA = """\
imu notification batch, layout 1. All numbers little-endian, no padding.
u32 count                   notifications in this message, in the order in which they arrived at the host, all sensors mixed
i64 t_host_ns[count]        arrival at the host, ns of its monotonic clock; session time 0 is `t0_host_ns` of the setup
u32 length[count]           bytes of each notification
u8  sensor[count]           number of the sensor: row of `sensors` in the setup (channel metadata `setup`, JSON)
u8  bytes[sum(length)]      the notifications exactly as received, one after the other; codec = `profile` of the sensor
The MCAP message sequence counts batches from 0: a missing number is a damaged part of the file.
"""
EVENT_SCHEMA = """{"title": "imu log line", "type": "object", "required": ["kind", "t_host_ns", "values"],
"properties": {"kind": {"type": "string"}, "t_host_ns": {"type": "integer"}, "values": {"type": "object"}}}"""

_COUNT = struct.Struct("<I")
_ROW_BYTES = 8 + 4 + 1


@dataclass(frozen=True, slots=True, eq=False)
class NotificationColumns:
    """Notifications of all sensors in arrival order."""

    sensor: NDArray[np.uint8]
    """(k,) row of `Setup.sensors`."""
    t_host_ns: Ints
    """(k,) arrival."""
    start: Ints
    """(k + 1,) notification i is `data[start[i]:start[i + 1]]`."""
    data: bytes

    def __len__(self) -> int:
        return len(self.sensor)

    @staticmethod
    def join(sensor: Sequence[int], t_host_ns: Sequence[int], payloads: Sequence[bytes]) -> NotificationColumns:
        """Columns of notifications that are at hand as objects."""
        start = np.zeros(len(payloads) + 1, np.int64)
        np.cumsum([len(p) for p in payloads], out=start[1:])
        return NotificationColumns(np.array(sensor, np.uint8), np.array(t_host_ns, np.int64), start, b"".join(payloads))

    def part(self, first: int, end: int) -> NotificationColumns:
        """Notifications `[first, end)`."""
        a, b = int(self.start[first]), int(self.start[end])
        return NotificationColumns(
            self.sensor[first:end], self.t_host_ns[first:end], self.start[first : end + 1] - a, self.data[a:b]
        )

    def payloads(self, rows: Ints) -> list[bytes]:
        """Bytes of the notifications `rows`."""
        data = self.data
        return [data[a:b] for a, b in zip(self.start[rows].tolist(), self.start[rows + 1].tolist(), strict=True)]


def encode_batch(n: NotificationColumns) -> bytes:
    """One message of the `notifications` channel."""
    return b"".join(
        (
            _COUNT.pack(len(n)),
            n.t_host_ns.astype("<i8").tobytes(),
            np.diff(n.start).astype("<u4").tobytes(),
            n.sensor.tobytes(),
            n.data,
        )
    )


def decode_batches(messages: Sequence[bytes]) -> NotificationColumns:
    """All messages of the `notifications` channel, in file order.

    Raises
    ------
    ValueError
        A message does not follow the layout (its chunk was intact, so it was written so).
    """
    sensor, t_host_ns, length, data = [], [], [], []
    for i, message in enumerate(messages):
        (count,) = _COUNT.unpack_from(message) if len(message) >= _COUNT.size else (0,)
        body = _COUNT.size + count * _ROW_BYTES
        if len(message) < body:
            raise ValueError(f"batch {i} has {len(message)} bytes, {count} notifications need {body} and their own")
        t_host_ns.append(np.frombuffer(message, "<i8", count, 4))
        length.append(np.frombuffer(message, "<u4", count, 4 + 8 * count))
        sensor.append(np.frombuffer(message, np.uint8, count, 4 + 12 * count))
        data.append(message[body:])
    if not messages:
        return NotificationColumns.join([], [], [])
    lengths = np.concatenate(length)
    start = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=start[1:])
    joined = b"".join(data)
    if start[-1] != len(joined):
        raise ValueError(f"batches hold {len(joined)} bytes, their lengths add up to {start[-1]}")
    return NotificationColumns(np.concatenate(sensor), np.concatenate(t_host_ns).astype(np.int64), start, joined)
