"""A vendor's CSV of numbers, with the damage that real logs have: torn ends, empty fields, foreign text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imu.errors import RecordingError
from imu.packets import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class NumberTable:
    """Columns as asked for."""

    values: Floats
    """(n, columns); NaN where a field is empty or says so."""
    line: Ints
    """(n,) line in the file, from 1."""
    notes: tuple[str, ...]


def read_table(file: Path, columns: Sequence[str]) -> NumberTable:
    """Read the named columns of a CSV with one header line.

    A last line without its line end was torn by whatever stopped the log: even if it has all its fields, the last
    number may be cut. It is dropped and noted.

    Raises
    ------
    RecordingError
        With the line: a column is missing, a field is not a number, a line has too few or too many fields.
    """
    raw = file.read_bytes()
    notes: list[str] = []
    if not raw.strip():
        raise RecordingError(f"{file} is empty; take this sensor's folder away or record again")
    if not raw.endswith((b"\n", b"\r")):
        cut = max(raw.rfind(b"\n"), raw.rfind(b"\r")) + 1
        notes.append(f"{file.name}: the last line is torn and was dropped")
        raw = raw[:cut]
    text = raw.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    header = [name.strip() for name in lines[0].split(",")]
    missing = [name for name in columns if name not in header]
    if missing:
        raise RecordingError(f"{file}, line 1: column {missing[0]!r} is missing; the log is of another version or kind")
    which = [header.index(name) for name in columns]
    # commas decide whether a line is whole, and the message can say which is not
    filled = [i for i, line in enumerate(lines) if i > 0 and line.strip()]
    for i in filled:
        if lines[i].count(",") != len(header) - 1:
            raise _wrong(file, i, f"{lines[i].count(',') + 1} fields, expected {len(header)}")
    if not filled:
        return NumberTable(np.zeros((0, len(columns))), np.zeros(0, np.int64), tuple(notes))
    try:
        values = np.loadtxt([lines[i] for i in filled], delimiter=",", usecols=which, comments=None, ndmin=2)
    except ValueError:  # an empty field, or rubbish
        values = _slowly(file, lines, filled, which)
    return NumberTable(values, np.array(filled, np.int64) + 1, tuple(notes))


def _slowly(file: Path, lines: list[str], filled: list[int], which: list[int]) -> Floats:
    """Field by field, to say where the rubbish is."""
    values = np.empty((len(filled), len(which)))
    for row, i in enumerate(filled):
        fields = lines[i].split(",")
        for column, k in enumerate(which):
            text = fields[k].strip()
            try:
                values[row, column] = float(text) if text else np.nan
            except ValueError:
                raise _wrong(file, i, f"{text[:40]!r} is not a number") from None
    return values


def _wrong(file: Path, i: int, what: str) -> RecordingError:
    return RecordingError(f"{file}, line {i + 1}: {what}; repair or remove the line")
