"""Which vendor formats are known, and how the right one is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imu.errors import RecordingError
from imu.recording.importers import npz_segments, ximu3_csv
from imu.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class Importer:
    """One vendor format."""

    name: str
    description: str
    recognises: Callable[[Path], bool]
    """Cheap: looks at names and the first bytes only."""
    read: Callable[[Path], Recording]


IMPORTERS = (
    Importer("ximu3_csv", ximu3_csv.DESCRIPTION, ximu3_csv.recognises, ximu3_csv.read),
    Importer("npz_segments", npz_segments.DESCRIPTION, npz_segments.recognises, npz_segments.read),
)


def import_recording(path: Path | str) -> Recording:
    """Read a vendor's file or folder.

    Raises
    ------
    RecordingError
        Missing, of a format that no importer knows, or not readable; names the file and, in text files, the line.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise RecordingError(f"{path}: no such file or folder; check the name")
        for importer in IMPORTERS:
            if importer.recognises(path):
                return importer.read(path)
    except OSError as e:
        raise RecordingError(f"{e.filename or path} cannot be read: {e.strerror or e}; check its permissions") from e
    known = "; ".join(i.description for i in IMPORTERS)
    raise RecordingError(f"{path} is of an unknown format; known are: a .mcap or session folder of this program; {known}")
