"""A live session to disk: raw notifications as received, with one's own thread between the radio and the disk."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from imu import __version__
from imu.config import Setup
from imu.recording.files import disk_error, new_file, new_folder
from imu.recording.json_text import json_text, plain
from imu.recording.layout import FORMAT_VERSION, NotificationColumns
from imu.recording.mcap_writer import ContentWriter, LoggedFact
from imu.recording.spool import Spool

logger = logging.getLogger(__name__)

SESSION_FILE, STREAM_FILE = "session.json", "stream-000.mcap"
BATCH_S = 0.08
"""A batch is what arrived in this time."""
BATCHES_PER_CHUNK = 3
"""A chunk goes to disk after so many batches: a killed process loses about 0.25 s."""
SYNC_S = 1.5
"""A power cut may lose this much more."""
QUEUE_LIMIT = 30_000
"""Notifications and log lines waiting for the writer: about 4 min of five sensors."""
PENDING_LIMIT = 32 << 20
"""Bytes kept while the disk refuses them; then the queue fills, then notifications are lost and counted."""


def session_metadata(extra: Mapping[str, str]) -> dict[str, str]:
    """What every recording says of itself, with `extra` (origin, licence, drill, script ...) added."""
    return {"software_version": __version__, "created": datetime.now(UTC).isoformat(timespec="seconds"), **extra}


class Recorder:
    """Records one session into a new folder.

    `write` and `log` never block and never raise: what cannot be recorded is counted in `lost`, said in `fault`, and
    noted in the recording as a gap as soon as recording goes on.

    Parameters
    ----------
    path : Path
        Folder of the session: new or empty.
    setup : Setup
        Complete: it is on disk before the first packet.
    meta : mapping of text, optional
        `origin`, `licence`, `drill`, `script` ...

    Raises
    ------
    RecordingError
        The folder has something in it or cannot be written.
    """

    def __init__(
        self, path: Path | str, setup: Setup, meta: Mapping[str, str] | None = None, *, queue_limit: int = QUEUE_LIMIT
    ) -> None:
        self.path = Path(path)
        self.lost = 0
        """Notifications that are not in the recording."""
        self._number = {s.sensor: i for i, s in enumerate(setup.sensors)}
        self._queue: deque[tuple[int, int, bytes] | LoggedFact] = deque()
        self._limit = queue_limit
        self._gap: tuple[int, int] | None = None
        self._disk = self._refused = ""
        metadata = session_metadata(meta or {})
        new_folder(self.path)
        try:
            self._spool = Spool(self.path / STREAM_FILE)
            self._content = ContentWriter(self._spool, setup, metadata, chunk_bytes=16 << 10)
            self._content.add_fact(LoggedFact("recording_started", time.perf_counter_ns(), metadata))
            self._content.flush()
            self._spool.drain()
            self._spool.sync()
            text = {"format_version": FORMAT_VERSION, "stream": STREAM_FILE, "metadata": metadata, "setup": plain(setup)}
            with new_file(self.path / SESSION_FILE) as aside:
                aside.write_text(json_text(text, indent=1), encoding="utf-8")
        except OSError as e:
            raise disk_error(self.path, e) from e
        self._closing = threading.Event()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._write_loop, name="imu-recorder", daemon=True),
            threading.Thread(target=self._sync_loop, name="imu-recorder-sync", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def fault(self) -> str:
        """What is wrong now, for people; empty = everything is being recorded."""
        if self._disk:
            return self._disk
        if self._gap is not None:
            return f"{self.path}: the disk cannot keep up; packets are missing from the recording"
        return self._refused

    def write(self, sensor: str, data: bytes, t_host_ns: int) -> None:
        """Take one notification as received."""
        number = self._number.get(sensor)
        if number is None or self._closed or len(self._queue) >= self._limit:
            self._lose(sensor, number, t_host_ns)
            return
        if self._gap is not None:
            self._end_gap(t_host_ns)
        self._queue.append((number, t_host_ns, bytes(data)))

    def log(self, kind: str, values: Mapping[str, object]) -> None:
        """Take one fact beside the packets: a cue, an event, a link state, a latency."""
        if self._closed or len(self._queue) >= 2 * self._limit:
            return
        self._queue.append(LoggedFact(kind, time.perf_counter_ns(), dict(values)))

    def close(self) -> None:
        """Write everything that waits, and the footer. Afterwards `fault` is empty if all of it is on disk."""
        if self._closed:
            return
        self._closed = True
        self._closing.set()
        for thread in self._threads:
            thread.join()

    def _lose(self, sensor: str, number: int | None, t_host_ns: int) -> None:
        self.lost += 1
        if number is None:
            self._refused = f"sensor {sensor} is not in the setup of this recording; its packets are not recorded"
        elif self._closed:
            self._refused = "packets came after the recording was closed; they are not recorded"
        elif self._gap is None:
            self._gap = (t_host_ns, 1)
            logger.warning("recording %s: queue full, packets are lost", self.path)
        else:
            self._gap = (self._gap[0], self._gap[1] + 1)

    def _end_gap(self, t_host_ns: int) -> None:
        assert self._gap is not None
        first, count = self._gap
        self._gap = None
        self._queue.append(LoggedFact("recording_gap", t_host_ns, {"lost": count, "from_ns": first, "until_ns": t_host_ns}))

    def _write_loop(self) -> None:
        batches = 0
        last = False
        while not last:
            last = self._closing.wait(BATCH_S)
            try:
                if self._spool.pending < PENDING_LIMIT:
                    self._take()
                    batches += 1
                    if last and self._gap is not None:
                        self._end_gap(time.perf_counter_ns())
                        self._take()
                    if last:
                        self._content.finish()
                    elif batches % BATCHES_PER_CHUNK == 0:
                        self._content.flush()
                self._spool.drain()
                if last:
                    self._spool.sync()
                self._disk = ""
            except OSError as e:
                self._disk_trouble(e)
            except Exception as e:
                # a fault of ours must not end the recording of what comes next
                self._disk = f"{self.path}: a part could not be recorded ({e!r}); please report this"
                logger.exception("recording %s", self.path)
        left = sum(isinstance(item, tuple) for item in self._queue)
        if left or self._spool.pending:
            self.lost += left
            self._disk = f"{self._disk or self.path}; the end of the recording is missing"
        self._spool.close()

    def _take(self) -> None:
        """Everything that waits, as batches in arrival order with the log lines between them."""
        sensor: list[int] = []
        times: list[int] = []
        payloads: list[bytes] = []
        for _ in range(len(self._queue)):
            item = self._queue.popleft()
            if isinstance(item, LoggedFact):
                self._content.add_fact(item)
                continue
            number, t_host_ns, data = item
            sensor.append(number)
            times.append(t_host_ns)
            payloads.append(data)
        if sensor:
            self._content.add_batch(NotificationColumns.join(sensor, times, payloads))

    def _disk_trouble(self, e: OSError) -> None:
        text = f"{disk_error(self.path, e)}; the recording waits for it"
        if not self._disk:
            logger.error("%s", text)
        self._disk = text

    def _sync_loop(self) -> None:
        """Apart from the writing thread: an fsync may take longer than a killed process is allowed to lose."""
        while not self._closing.wait(SYNC_S):
            try:
                self._spool.sync()
            except OSError as e:
                self._disk_trouble(e)
