"""Our content in an MCAP file: metadata first, then batches of notifications and log lines."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Protocol, cast

from mcap.writer import CompressionType, Writer

from imu.config import Setup
from imu.recording.json_text import json_text
from imu.recording.layout import (
    BATCH_SCHEMA,
    EVENT_SCHEMA,
    EVENTS,
    EVENTS_ID,
    FORMAT_VERSION,
    METADATA_NAME,
    NOTIFICATIONS,
    NOTIFICATIONS_ID,
    NotificationColumns,
    encode_batch,
)


@dataclass(frozen=True, slots=True)
class LoggedFact:
    """One line of the `events` channel: what happened beside the packets."""

    kind: str
    """`event`, `cue`, `repetition`, `link`, `recording_gap` ..."""
    t_host_ns: int
    """When it was logged, on the clock of the arrival stamps."""
    values: Mapping[str, object]


def setup_check(version: str, setup: str) -> str:
    """CRC of what a reader must be able to trust."""
    return str(zlib.crc32(f"{version}\n{setup}".encode()))


class Output(Protocol):
    """What the MCAP writer needs of a binary stream."""

    def write(self, data: bytes, /) -> int: ...
    def tell(self) -> int: ...
    def flush(self) -> None: ...


class ContentWriter:
    """Writes one .mcap file to `stream` (binary, at its start). `chunk_bytes` is what compression works on at once."""

    def __init__(self, stream: Output, setup: Setup, metadata: Mapping[str, str], chunk_bytes: int) -> None:
        # zstd: +1 s per hour of recording, a third smaller; the chunk's CRC is what finds damage
        self._writer = Writer(cast(IO[bytes], stream), chunk_size=chunk_bytes, compression=CompressionType.ZSTD)
        self._batches = self._facts = 0
        text = setup.to_json()
        version = str(FORMAT_VERSION)
        self._writer.start("imu-biofeedback", f"imu-biofeedback {metadata.get('software_version', '')}".strip())
        # metadata records have no CRC of their own in MCAP
        own = {"format_version": version, "setup": text, "setup_crc32": setup_check(version, text)}
        self._writer.add_metadata(METADATA_NAME, {**metadata, **own})
        batch = self._writer.register_schema("imu.NotificationBatch", "text/plain", BATCH_SCHEMA.encode())
        event = self._writer.register_schema("imu.LogLine", "jsonschema", EVENT_SCHEMA.encode())
        table = {"layout": version, "setup": text}
        ids = (
            self._writer.register_channel(NOTIFICATIONS, "imu-notification-batch", batch, table),
            self._writer.register_channel(EVENTS, "json", event),
        )
        assert ids == (NOTIFICATIONS_ID, EVENTS_ID)

    def add_batch(self, notifications: NotificationColumns) -> None:
        """The next notifications, in arrival order; index time is the arrival of the last one."""
        newest = max(0, int(notifications.t_host_ns[-1]))
        self._writer.add_message(NOTIFICATIONS_ID, newest, encode_batch(notifications), newest, self._batches)
        self._batches += 1

    def add_fact(self, fact: LoggedFact) -> None:
        line = json_text({"kind": fact.kind, "t_host_ns": fact.t_host_ns, "values": fact.values})
        t = max(0, fact.t_host_ns)
        self._writer.add_message(EVENTS_ID, t, line.encode(), t, self._facts)
        self._facts += 1

    def flush(self) -> None:
        """Close the open chunk and hand everything to the stream."""
        self._writer.flush()

    def finish(self) -> None:
        """Index and footer; the stream stays open."""
        self._writer.finish()
