"""A NumPy .npz with `acc_<segment>` and `gyr_<segment>` (n, 3), m/s² and rad/s, and `t` (n,) s or `fs` Hz, or both."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from imu.conventions import SEGMENTS
from imu.errors import RecordingError
from imu.packets import Floats, Ints, Samples
from imu.recording.importers.segment_names import segment_named
from imu.recording.recording import Recording

DESCRIPTION = "an .npz with acc_<segment> and gyr_<segment> in SI units and t or fs"
_ACC_RANGE = (4.0, 25.0)
"""m/s², median of |acc| of a person moving; outside it is another unit. A bias of 5 m/s² occurs and is let through."""
_GYR_MOST = 120.0
"""rad/s; no sensor in use reads more (6900 deg/s)."""
_EVEN = 0.25
"""Times closer than this many samples to an even grid are that grid: float32 seconds resolve only 4 to 8 µs."""


def recognises(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".npz"


def read(path: Path) -> Recording:
    """A file as a recording whose time 0 is its first sample."""
    arrays = _arrays(path)
    names = [key[4:] for key in arrays if key.startswith("acc_")]
    source: dict[str, str] = {}
    skipped: list[str] = []
    for name in names:
        segment = segment_named(name)
        if segment is None:
            skipped.append(name)
        elif segment in source:
            raise RecordingError(f"{path}: {segment} is there twice, as {source[segment]!r} and {name!r}; remove one")
        else:
            source[segment] = name
    if not source:
        raise RecordingError(
            f"{path}: no array is named after a segment (found: {', '.join(list(arrays)[:12]) or 'nothing'});"
            f" expected acc_ and gyr_ with {', '.join(SEGMENTS)}"
        )
    samples: dict[str, Samples] = {}
    notes: list[str] = []
    ordered = {segment: source[segment] for segment in SEGMENTS if segment in source}
    for segment, name in ordered.items():
        acc, gyr = _vectors(path, arrays, f"acc_{name}"), _vectors(path, arrays, f"gyr_{name}")
        _check_units(path, name, acc, gyr)
        t_us, note = _times(path, arrays, len(acc))
        if note and note not in notes:
            notes.append(note)
        if len(gyr) != len(acc) or len(t_us) != len(acc):
            raise RecordingError(
                f"{path}: {name} has {len(acc)} rows of acc, {len(gyr)} of gyr, {len(t_us)} times; they must agree"
            )
        samples[segment] = Samples(t_us, gyr, acc)
    if skipped:
        notes.append(f"not on a segment that this program uses, left out: {', '.join(skipped)}")
    return Recording.from_samples(samples, sensors=ordered, metadata={"importer": "npz_segments"}, notes=tuple(notes))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        # numpy leaves a file that it opened itself open when it is no zip
        with open(path, "rb") as f, np.load(f, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError, TypeError, AttributeError) as e:
        raise RecordingError(f"{path} is not a readable .npz file ({e}); save it again with numpy.savez") from e


def _vectors(path: Path, arrays: dict[str, np.ndarray], key: str) -> Floats:
    if key not in arrays:
        raise RecordingError(f"{path}: {key} is missing; every segment needs acc_ and gyr_")
    a = arrays[key]
    if a.ndim != 2 or a.shape[1] != 3 or a.dtype.kind not in "fiu":
        raise RecordingError(f"{path}: {key} is {a.dtype} {a.shape}; expected numbers in (n, 3)")
    return a.astype(np.float64)


def _check_units(path: Path, name: str, acc: Floats, gyr: Floats) -> None:
    size = np.linalg.norm(acc, axis=1)
    size = size[np.isfinite(size)]
    if len(size) and not _ACC_RANGE[0] <= np.median(size) <= _ACC_RANGE[1]:
        raise RecordingError(
            f"{path}: acc_{name} is {np.median(size):.2f} at the median; expected m/s² with gravity, is it g?"
        )
    fast = np.abs(gyr[np.isfinite(gyr)])
    if len(fast) and fast.max() > _GYR_MOST:
        raise RecordingError(f"{path}: gyr_{name} goes to {fast.max():.0f}; expected rad/s, is it deg/s?")


def _times(path: Path, arrays: dict[str, np.ndarray], n: int) -> tuple[Ints, str]:
    """(n,) µs from the first sample, and a note."""
    fs = float(arrays["fs"]) if "fs" in arrays and arrays["fs"].size == 1 else 0.0
    even = np.rint(np.arange(n) * 1e6 / fs).astype(np.int64) if fs > 0 else None
    if "t" not in arrays:
        if even is None:
            raise RecordingError(f"{path}: neither t (s) nor fs (Hz) is there; add one of them")
        return even, ""
    t = arrays["t"].astype(np.float64).ravel()
    if len(t) == 0 or not np.isfinite(t).all() or np.any(np.diff(t) <= 0):
        raise RecordingError(f"{path}: t must be increasing seconds, one per row")
    note = f"time 0 is t = {t[0]:.3f} s of the file" if t[0] else ""
    since = t - t[0]
    if even is not None and len(t) == n and np.abs(since * fs - np.arange(n)).max() < _EVEN:
        return even, note
    return np.rint(since * 1e6).astype(np.int64), note
