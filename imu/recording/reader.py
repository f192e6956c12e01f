"""`load`: a session folder, a .mcap file, or any importable vendor file or folder. Torn and damaged files are salvaged."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from mcap.records import Message
from mcap.writer import MCAP0_MAGIC

from imu.config import Setup
from imu.errors import ConfigError, RecordingError
from imu.recording.importers import import_recording
from imu.recording.layout import (
    EVENTS_ID,
    FORMAT_VERSION,
    METADATA_NAME,
    NOTIFICATIONS,
    NOTIFICATIONS_ID,
    NotificationColumns,
    decode_batches,
)
from imu.recording.mcap_scan import Scan, scan
from imu.recording.mcap_writer import LoggedFact, setup_check
from imu.recording.recording import Recording
from imu.recording.writer import SESSION_FILE, STREAM_FILE

logger = logging.getLogger(__name__)


def load(path: Path | str) -> Recording:
    """Read a recording whole.

    Parameters
    ----------
    path : Path
        A session folder, a .mcap of this system, or a file or folder that an importer knows.

    Returns
    -------
    Recording
        With `incomplete` and `notes` if it ended abruptly or a part is damaged: everything readable is in it.

    Raises
    ------
    RecordingError
        Missing, empty, of an unknown format, or damaged beyond use.
    """
    path = Path(path)
    try:
        if path.is_dir():
            if (path / STREAM_FILE).exists() or (path / SESSION_FILE).exists():
                return _load_session(path)
            return import_recording(path)
        if not path.exists():
            raise RecordingError(f"{path}: no such file or folder; check the name")
        with open(path, "rb") as f:
            start = f.read(len(MCAP0_MAGIC))
        if not start:
            raise RecordingError(f"{path} is empty; nothing was recorded, use another file")
        if start == MCAP0_MAGIC or path.suffix.lower() == ".mcap":
            return _load_mcap(path, None)
        return import_recording(path)
    except OSError as e:
        raise RecordingError(f"{path} cannot be read: {e.strerror or e}; check its permissions and the medium") from e


def _load_session(folder: Path) -> Recording:
    stream = folder / STREAM_FILE
    if not stream.exists() or stream.stat().st_size == 0:
        raise RecordingError(f"{folder} has no {STREAM_FILE} with content; nothing was recorded, use another session")
    return _load_mcap(stream, folder / SESSION_FILE)


def _load_mcap(path: Path, session_file: Path | None) -> Recording:
    found = scan(path.read_bytes())
    setup, metadata = _identity(path, found, session_file)
    batches, missing = _of_channel(found, NOTIFICATIONS_ID)
    lines, missing_lines = _of_channel(found, EVENTS_ID)
    try:
        stream = decode_batches([m.data for m in batches])
        facts = tuple(_fact(m.data) for m in lines)
    except (ValueError, KeyError, TypeError) as e:
        raise RecordingError(f"{path} does not hold what its format says ({e}); it was written by another program") from e
    if len(stream) and int(stream.sensor.max()) >= len(setup.sensors):
        raise RecordingError(f"{path} has packets of a sensor that its setup does not name; it cannot be used")
    notes = [line for line in metadata.pop("notes", "").split("\n") if line]
    notes += _holes(stream, batches, missing)
    if missing_lines:
        notes.append(f"{sum(missing_lines.values())} log lines are damaged and left out")
    if not found.finished:
        notes.append(_torn_note(stream))
    elif found.bad_chunks and not missing and not missing_lines:
        notes.append("the last part of the file is damaged and left out")
    elif found.damaged and not found.bad_chunks:
        notes.append(f"damage outside the data, from byte {found.damaged[0]}; no packet is missing")
    notes += [_gap_note(f) for f in facts if f.kind == "recording_gap"]
    if len(stream) == 0:
        notes.append("the recording has no packets")
    for note in notes:
        logger.info("%s: %s", path, note)
    incomplete = metadata.pop("incomplete", "") == "yes" or not found.finished or found.bad_chunks > 0
    incomplete = incomplete or bool(missing) or bool(missing_lines)
    return Recording(setup, stream, metadata, facts, incomplete, tuple(notes))


def _identity(path: Path, found: Scan, session_file: Path | None) -> tuple[Setup, dict[str, str]]:
    """Setup and metadata from the first place that is intact: metadata record, channel table, session.json."""
    own = ("format_version", "setup", "setup_crc32")
    records = [m.metadata for m in found.metadata if m.name == METADATA_NAME]
    intact = [r for r in records if setup_check(r.get("format_version", ""), r.get("setup", "")) == r.get("setup_crc32")]
    for record in intact:
        _check_version(path, record["format_version"])
    metadata = {k: v for k, v in records[0].items() if k not in own} if records else {}
    texts = [r["setup"] for r in intact]
    texts += [c.metadata["setup"] for c in found.channels if c.topic == NOTIFICATIONS and "setup" in c.metadata]
    if session_file is not None and session_file.exists():
        try:
            session = json.loads(session_file.read_text(encoding="utf-8"))
            texts.append(json.dumps(session["setup"]))
            metadata = {str(k): str(v) for k, v in session["metadata"].items()} | metadata
        except (ValueError, KeyError, TypeError, AttributeError):
            logger.warning("%s is damaged; the .mcap beside it is used alone", session_file)
    for text in texts:
        try:
            return Setup.from_json(text), metadata
        except ConfigError:
            continue
    if found.channels or found.metadata:
        raise RecordingError(f"{path} names no sensors; it is another program's .mcap or damaged, use another copy")
    raise RecordingError(f"{path} is damaged beyond use: nothing in it can be read; use another copy")


def _check_version(path: Path, text: str) -> None:
    if text.isdigit() and int(text) > FORMAT_VERSION:
        raise RecordingError(f"{path} has recording format {text}, known is {FORMAT_VERSION}; update this program")


def _of_channel(found: Scan, channel: int) -> tuple[list[Message], dict[int, int]]:
    """Messages of a channel in file order, and where how many are missing: {index of the next one: count}."""
    messages = [m for m in found.messages if m.channel_id == channel]
    missing: dict[int, int] = {}
    expected = 0
    for i, m in enumerate(messages):
        if m.sequence != expected:
            missing[i] = m.sequence - expected
        expected = m.sequence + 1
    return messages, missing


def _holes(stream: NotificationColumns, batches: list[Message], missing: dict[int, int]) -> list[str]:
    """One sentence for each damaged part of the data."""
    notes = []
    for i, count in missing.items():
        first = stream.t_host_ns[0]
        after = 0.0 if i == 0 else (batches[i - 1].log_time - first) * 1e-9
        until = (batches[i].log_time - first) * 1e-9
        notes.append(f"between {after:.2f} s and {until:.2f} s {count} batches are damaged and left out")
    return notes


def _torn_note(stream: NotificationColumns) -> str:
    if len(stream) == 0:
        return "the file ends before the first packet"
    seconds = (int(stream.t_host_ns[-1]) - int(stream.t_host_ns[0])) * 1e-9
    return f"the file ends abruptly after {seconds:.2f} s; everything up to there is used"


def _gap_note(gap: LoggedFact) -> str:
    return f"{gap.values.get('lost', '?')} packets were not recorded because the disk could not keep up"


def _fact(line: bytes) -> LoggedFact:
    d = json.loads(line)
    return LoggedFact(d["kind"], int(d["t_host_ns"]), d["values"])
