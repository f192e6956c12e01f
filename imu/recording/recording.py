"""A recording in memory: the notifications as they arrived, who wore what, and how to decode them."""

from __future__ import annotations

import copy
import heapq
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from imu.config import Setup
from imu.errors import ProtocolError, RecordingError
from imu.packets import Command, Ints, Packet, Samples
from imu.recording.decoders import make_decoder
from imu.recording.files import new_file
from imu.recording.layout import NotificationColumns
from imu.recording.mcap_writer import ContentWriter, LoggedFact
from imu.recording.regroup import concatenate, regroup
from imu.recording.writer import session_metadata

if TYPE_CHECKING:
    from imu.ble.profiles.base import Decoder

SAVE_BATCH = 256
"""Notifications per message of a saved file."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """From `load`, an importer, or `Recording.from_samples`. Decoding starts anew with every call."""

    setup: Setup
    stream: NotificationColumns
    metadata: Mapping[str, str] = field(default_factory=dict)
    """`software_version`, `created`, `origin`, `licence`, `drill`, `script` ... as far as known."""
    facts: tuple[LoggedFact, ...] = ()
    incomplete: bool = False
    """It ended abruptly or is damaged: something that was recorded is not in here."""
    notes: tuple[str, ...] = ()
    """For people: what is missing, dropped or skipped, one sentence each."""

    @property
    def origin(self) -> str:
        """Where the data come from; empty = not said."""
        return self.metadata.get("origin", "")

    @property
    def duration_s(self) -> float:
        """From the first to the last arrival."""
        t = self.stream.t_host_ns
        return float(t.max() - t.min()) * 1e-9 if len(t) else 0.0

    def events(self, kind: str | None = None) -> tuple[LoggedFact, ...]:
        """What was logged beside the packets (`cue`, `event`, `link` ...), all or of one kind."""
        return tuple(f for f in self.facts if kind is None or f.kind == kind)

    @property
    def commands(self) -> tuple[Command, ...]:
        """What a person asked for during the session: part of what a replay needs."""
        found = []
        for fact in self.events("command"):
            kind, t_us, segment = (fact.values.get(name) for name in ("kind", "t_us", "segment"))
            if not (isinstance(kind, str) and isinstance(t_us, int) and isinstance(segment, str)):
                raise RecordingError(f"a command in this recording cannot be read ({dict(fact.values)}); it is damaged")
            found.append(Command(kind, t_us, segment))
        return tuple(found)

    @property
    def calibration(self) -> str:
        """The newest calibration of the session, as `imu.kinematics.calibration.from_json` reads it; "" = none."""
        facts = self.events("calibration")
        return str(facts[-1].values.get("json", "")) if facts else ""

    def notifications(self) -> Iterator[tuple[str, bytes, int]]:
        """(sensor, bytes as received, arrival in ns), in arrival order."""
        s = self.stream
        names = [sensor.sensor for sensor in self.setup.sensors]
        start = s.start.tolist()
        for i, (number, t) in enumerate(zip(s.sensor.tolist(), s.t_host_ns.tolist(), strict=True)):
            yield names[number], s.data[start[i] : start[i + 1]], t

    def packets(self, samples: int | None = None) -> Iterator[Packet]:
        """Decoded packets in arrival order.

        Parameters
        ----------
        samples : int, optional
            None: one packet per notification, as received. n: the same samples in packets of n per sensor.
        """
        if samples is None:
            yield from self._received()
            return
        if samples < 1:
            raise RecordingError(f"packets of {samples} samples do not exist; give 1 or more")
        of: dict[str, list[Packet]] = {s.sensor: [] for s in self.setup.sensors}
        for packet in self._received():
            of[packet.sensor].append(packet)
        yield from heapq.merge(*(regroup(p, samples) for p in of.values()), key=lambda p: p.t_host_ns)

    def _received(self) -> Iterator[Packet]:
        decoders = {s.sensor: make_decoder(s) for s in self.setup.sensors}
        for sensor, data, t_host_ns in self.notifications():
            try:
                packet = decoders[sensor].decode(data, t_host_ns)
            except ProtocolError:
                continue  # the live engine leaves it out too; the decoder's own counter shows the loss
            if packet is not None:
                yield packet

    def blocks(self, seconds: float = 20.0) -> Iterator[Packet]:
        """The same samples in large packets: for each sensor, what arrived in `seconds`; for batch processing.

        Ordered by the arrival of the last sample, so that no sensor is ahead of another by more than one block.
        """
        if not seconds > 0:
            raise RecordingError(f"blocks of {seconds} s do not exist; give more than 0")
        s = self.stream
        if len(s) == 0:
            return
        decoders = [make_decoder(sensor) for sensor in self.setup.sensors]
        # arrival never goes backwards in a recording of ours; a running maximum keeps the windows in order if it does
        arrival = np.maximum.accumulate(s.t_host_ns)
        step_ns = max(1, round(seconds * 1e9))
        first = 0
        while first < len(s):
            end = int(np.searchsorted(arrival, arrival[first] + step_ns))
            window: list[Packet] = []
            for number in range(len(decoders)):
                rows = first + np.flatnonzero(s.sensor[first:end] == number)
                if len(rows):
                    decoders[number], packets = _decode_block(decoders[number], s, rows)
                    window += packets
            yield from sorted(window, key=lambda p: p.t_host_ns)
            first = end

    def first(self, seconds: float) -> Recording:
        """Only what arrived in the first `seconds`."""
        if not seconds > 0:
            raise RecordingError(f"the first {seconds} s of a recording are nothing; give more than 0")
        t = self.stream.t_host_ns
        end = int(np.searchsorted(np.maximum.accumulate(t), t[0] + round(seconds * 1e9))) if len(t) else 0
        until = t[end - 1] if end else 0
        return replace(self, stream=self.stream.part(0, end), facts=tuple(f for f in self.facts if f.t_host_ns <= until))

    @staticmethod
    def from_samples(
        samples: Mapping[str, Samples],
        drill_toml: str = "",
        *,
        sensors: Mapping[str, str] | None = None,
        metadata: Mapping[str, str] | None = None,
        notes: tuple[str, ...] = (),
    ) -> Recording:
        """Arrays in memory as a recording; see `imu.recording.samples_codec.encode_samples`."""
        from imu.recording.samples_codec import encode_samples

        setup, stream, found = encode_samples(samples, drill_toml, sensors or {})
        return Recording(setup, stream, session_metadata(metadata or {}), notes=notes + found)

    def save(self, path: Path | str, *, origin: str = "", licence: str = "") -> Path:
        """Write everything into one new .mcap file; also repairs: what is torn here is whole there.

        Raises
        ------
        RecordingError
            The file exists, or cannot be written.
        """
        path = Path(path)
        metadata = dict(self.metadata)
        given = {"origin": origin, "licence": licence, "notes": "\n".join(self.notes)}
        metadata.update({k: v for k, v in given.items() if v})
        if self.incomplete:
            metadata["incomplete"] = "yes"
        with new_file(path) as aside, open(aside, "wb") as f:
            content = ContentWriter(f, self.setup, metadata, chunk_bytes=256 << 10)
            for first in range(0, len(self.stream), SAVE_BATCH):
                content.add_batch(self.stream.part(first, min(first + SAVE_BATCH, len(self.stream))))
            for fact in self.facts:
                content.add_fact(fact)
            content.finish()
            f.flush()
            os.fsync(f.fileno())
        return path


def _decode_block(decoder: Decoder, s: NotificationColumns, rows: Ints) -> tuple[Decoder, list[Packet]]:
    """Many notifications of one sensor at once, without those the decoder refuses; the decoder to go on with."""
    payloads, arrival = s.payloads(rows), s.t_host_ns[rows]
    before = copy.deepcopy(decoder)
    try:
        return decoder, decoder.decode_many(payloads, arrival)
    except ProtocolError:
        decoder = before
    packets: list[Packet] = []
    for data, t_host_ns in zip(payloads, arrival.tolist(), strict=True):
        try:
            packet = decoder.decode(data, t_host_ns)
        except ProtocolError:
            continue
        if packet is not None:
            packets.append(packet)
    return decoder, concatenate(packets)
