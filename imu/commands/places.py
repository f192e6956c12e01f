"""Where sessions and results go. A folder that holds anything is refused before any work starts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from imu.errors import RecordingError
from imu.recording.files import refuse_used_folder

SESSIONS, RESULTS = Path("sessions"), Path("results")


def session_folder(out: Path | None, name: str) -> Path:
    """The folder asked for, or `sessions/<date>-<time>-<name>`."""
    return _unused(out if out is not None else SESSIONS / f"{datetime.now():%Y%m%d-%H%M%S}-{name}")


def results_folder(out: Path | None, recording: Path) -> Path:
    """The folder asked for, or `results/<name of the recording>`."""
    name = recording.stem if recording.is_file() else recording.resolve().name
    return _unused(out if out is not None else RESULTS / name)


def _unused(folder: Path) -> Path:
    try:
        refuse_used_folder(folder)
    except RecordingError as e:
        raise RecordingError(f"{e} (--out names another)") from None
    return folder
