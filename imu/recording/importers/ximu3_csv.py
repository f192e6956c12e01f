"""x-IMU3 logs: a folder with one folder per sensor, each with `Inertial.csv` (deg/s, g, device µs) and `Command.json`.

The sensors' time stamps count from a common origin (the maker's network synchronisation), their sample clocks drift
apart. Messages lost on the way are missing rows: they become `lost`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imu.conventions import SEGMENTS, G
from imu.errors import RecordingError
from imu.packets import Samples
from imu.recording.importers.csv_table import read_table
from imu.recording.importers.segment_names import segment_named
from imu.recording.recording import Recording

DESCRIPTION = "a folder of x-IMU3 CSV logs (one folder per sensor with Inertial.csv)"
_FILE = "Inertial.csv"
_COLUMNS = (
    "Timestamp (us)",
    *(f"Gyroscope {axis} (deg/s)" for axis in "XYZ"),
    *(f"Accelerometer {axis} (g)" for axis in "XYZ"),
)
_RESTART_US = 1_000_000
"""Time stamps that go back by more are a restarted sensor, by less messages that overtook each other."""


@dataclass(frozen=True, slots=True)
class _Log:
    name: str
    serial: str
    file: Path


def recognises(path: Path) -> bool:
    return path.is_dir() and bool(_files(path))


def _files(folder: Path) -> list[Path]:
    """`Inertial.csv` of every sensor; the folder may also be a single sensor's."""
    if (folder / _FILE).is_file():
        return [folder / _FILE]
    return sorted(folder.glob(f"*/{_FILE}"))


def read(path: Path) -> Recording:
    """A folder of logs as a recording whose time 0 is the earliest sample of any sensor."""
    samples: dict[str, Samples] = {}
    serials: dict[str, str] = {}
    taken: dict[str, _Log] = {}
    notes: list[str] = []
    for file in _files(path):
        log = _identity(file)
        segment = segment_named(log.name)
        if segment is None:
            notes.append(f"sensor {log.name!r} ({log.serial}) is not on a segment that this program knows; left out")
            continue
        if segment in taken:
            raise RecordingError(
                f"{path}: {segment} is measured twice, by {taken[segment].file.parent.name!r} and {file.parent.name!r};"
                " take one of the folders away"
            )
        taken[segment] = log
        serials[segment] = log.serial
        samples[segment], found = _samples(file)
        notes += [f"{segment}: {note}" for note in found]
    if not samples:
        raise RecordingError(f"{path}: no sensor is on a known segment; name them 'Pelvis', 'Left Upper Leg' and so on")
    _check_overlap(path, samples)
    origin = min(int(s.t_us[0]) for s in samples.values())
    ordered = [segment for segment in SEGMENTS if segment in samples]
    shifted = {k: Samples(samples[k].t_us - origin, samples[k].gyr, samples[k].acc) for k in ordered}
    notes.append(f"time 0 is {origin} µs on the sensors' common clock")
    return Recording.from_samples(shifted, sensors=serials, metadata={"importer": "ximu3_csv"}, notes=tuple(notes))


def _identity(file: Path) -> _Log:
    """Name and serial number from `Command.json`, else from the folder's name (`Left Foot 64F0EBCE (UDP)`)."""
    folder = file.parent.name
    in_folder = re.fullmatch(r"(.*?)\s+([0-9A-Fa-f]{8})(?:\s+\(.*\))?", folder)
    name, serial = in_folder.groups() if in_folder else (folder, folder)
    try:
        for entry in json.loads((file.parent / "Command.json").read_text(encoding="utf-8")):
            if isinstance(ping := entry.get("ping"), dict):
                return _Log(str(ping.get("name", name)), str(ping.get("sn", serial)), file)
    except (OSError, ValueError, AttributeError, TypeError):
        pass  # an old or damaged side file: the folder's name says the same
    return _Log(name, serial, file)


def _samples(file: Path) -> tuple[Samples, list[str]]:
    table = read_table(file, _COLUMNS)
    notes = list(table.notes)
    if len(table.values) == 0:
        raise RecordingError(f"{file} has no samples; take this sensor's folder away or record again")
    t_us = table.values[:, 0]
    no_time = ~(np.abs(t_us) < 2.0**62)
    if no_time.any():
        raise RecordingError(f"{file}, line {table.line[int(np.argmax(no_time))]}: no time stamp; remove the line")
    back = np.diff(t_us) < 0
    if np.any(np.diff(t_us) < -_RESTART_US):
        line = table.line[int(np.argmin(np.diff(t_us))) + 1]
        raise RecordingError(f"{file}, line {line}: the time goes back, the sensor was restarted; split the log there")
    order = np.argsort(t_us, kind="stable")
    keep = order[np.diff(t_us[order], prepend=-np.inf) > 0]
    if back.any():
        notes.append(f"{np.count_nonzero(back)} messages arrived out of order and were put back")
    if len(keep) < len(t_us):
        notes.append(f"{len(t_us) - len(keep)} messages with a time stamp that was there already were dropped")
    if len(keep) < 2:
        raise RecordingError(f"{file} has a single sample; at least 2 are needed to know the rate, record again")
    values = table.values[keep]
    return Samples(values[:, 0].astype(np.int64), np.radians(values[:, 1:4]), values[:, 4:7] * G), notes


def _check_overlap(path: Path, samples: dict[str, Samples]) -> None:
    start, end = max(s.t_us[0] for s in samples.values()), min(s.t_us[-1] for s in samples.values())
    if start >= end:
        raise RecordingError(
            f"{path}: the sensors' time stamps have no moment in common; their clocks were not synchronised,"
            " log them over one network connection"
        )
