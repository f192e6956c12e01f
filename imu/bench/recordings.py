"""What the filters are compared on: one sensor's samples without a hole, with its true orientation where that is known."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imu.errors import RecordingError
from imu.packets import Floats, Packet
from imu.recording import load
from imu.recording.writer import STREAM_FILE

ONE_SENSOR = {"gyr", "acc"}
RATE_KEYS = ("fs", "rate_hz", "rate", "frequency")


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One sensor's samples, equally spaced in its own clock."""

    name: str
    rate_hz: float
    gyr: Floats
    """(n, 3) rad/s, sensor frame."""
    acc: Floats
    """(n, 3) m/s², sensor frame, including gravity."""
    reference: Floats | None = None
    """(n, 4) true q_earth_sensor, unit; NaN where it is not known. None: not known at all."""
    moving: NDArray[np.bool_] | None = None
    """(n,) rows to be judged; None: all."""
    note: str = ""

    def __len__(self) -> int:
        return len(self.gyr)

    def judged(self) -> NDArray[np.bool_]:
        """(n,) rows that count: marked as motion, with a known reference."""
        if self.reference is None:
            return np.zeros(len(self), np.bool_)
        known = np.asarray(np.isfinite(self.reference).all(axis=1), dtype=np.bool_)
        return known if self.moving is None else known & self.moving


def load_trials(paths: Sequence[Path]) -> list[Trial]:
    """Every sensor of every file; a folder of files is all of its .npz and .mcap.

    An .npz with `gyr` and `acc` is one sensor (`fs` Hz or `t` s; `ref_quat` w, x, y, z, and `movement` if there); all else
    is read as `imu.load` does, and of each sensor the longest stretch without a lost sample is taken.

    Raises
    ------
    RecordingError
        Something cannot be read, or there is nothing to compare.
    """
    trials = [trial for path in paths for file in _files(path) for trial in _trials(file)]
    if not trials:
        names = ", ".join(map(str, paths))
        raise RecordingError(f"{names}: no sensor has enough samples to compare; use another recording")
    return trials


def _files(path: Path) -> list[Path]:
    if path.is_dir() and not (path / STREAM_FILE).exists():
        files = sorted(f for f in path.iterdir() if f.suffix.lower() in (".npz", ".mcap"))
        if files:
            return files
    return [path]


def _trials(file: Path) -> list[Trial]:
    if file.suffix.lower() == ".npz" and file.is_file():
        arrays = _arrays(file)
        if arrays.keys() >= ONE_SENSOR:
            return [_one_sensor(file, arrays)]
    recording = load(file)
    packets: dict[str, list[Packet]] = {s.sensor: [] for s in recording.setup.sensors}
    for packet in recording.blocks(60.0):
        packets[packet.sensor].append(packet)
    found = [_longest(file, s.segment, s.rate_hz, packets[s.sensor]) for s in recording.setup.sensors]
    return [trial for trial in found if trial is not None]


def _arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        with open(file, "rb") as f, np.load(f, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except OSError as e:
        raise RecordingError(f"{file} cannot be read: {e.strerror or e}; check its name and permissions") from e
    except (ValueError, zipfile.BadZipFile, EOFError, KeyError, TypeError, AttributeError) as e:
        raise RecordingError(f"{file} is not a readable .npz file ({e}); save it again with numpy.savez") from e


def _one_sensor(file: Path, arrays: dict[str, np.ndarray]) -> Trial:
    n = len(arrays["gyr"])
    gyr, acc = (_rows(file, arrays, key, (n, 3)) for key in ("gyr", "acc"))
    if n < 2 or not (np.isfinite(gyr).all() and np.isfinite(acc).all()):
        raise RecordingError(f"{file}: gyr and acc must be finite, in 2 rows or more; leave such rows out")
    size = float(np.median(np.linalg.norm(acc, axis=1)))
    if not 4.0 <= size <= 25.0:
        raise RecordingError(f"{file}: acc is {size:.2f} at the median; expected m/s² with gravity, is it g?")
    rate_hz = _rate(file, arrays, n)
    reference = moving = None
    if "ref_quat" in arrays:
        reference = _rows(file, arrays, "ref_quat", (n, 4))
        with np.errstate(invalid="ignore", divide="ignore"):
            reference /= np.linalg.norm(reference, axis=1, keepdims=True)
    if "movement" in arrays:
        moving = _rows(file, arrays, "movement", (n,)) > 0.0
    return Trial(file.stem, rate_hz, gyr, acc, reference, moving)


def _rows(file: Path, arrays: dict[str, np.ndarray], key: str, shape: tuple[int, ...]) -> Floats:
    a = arrays[key]
    if a.shape != shape or a.dtype.kind not in "fiub":
        raise RecordingError(f"{file}: {key} is {a.dtype} {a.shape}; expected numbers {shape}")
    return np.array(a, dtype=np.float64, order="C")


def _rate(file: Path, arrays: dict[str, np.ndarray], n: int) -> float:
    for key in RATE_KEYS:
        if key in arrays and arrays[key].size == 1:
            rate_hz = float(arrays[key].reshape(()))
            if not 0.0 < rate_hz < 1e5:
                raise RecordingError(f"{file}: {key} is {rate_hz}; expected the sample rate in Hz")
            return rate_hz
    if "t" not in arrays:
        raise RecordingError(f"{file}: neither {', '.join(RATE_KEYS)} (Hz) nor t (s) is there; add one of them")
    steps = np.diff(_rows(file, arrays, "t", (n,)))
    if not (np.isfinite(steps).all() and steps.min() > 0.0 and steps.max() < 1.5 * np.median(steps)):
        raise RecordingError(f"{file}: t must increase in equal steps of seconds; samples are missing or double")
    return 1.0 / float(steps.mean())


def _longest(file: Path, segment: str, rate_hz: float, packets: list[Packet]) -> Trial | None:
    """The longest run of samples that the sensor took one after the other."""
    if not packets:
        return None
    epoch = np.concatenate([np.full(len(p), p.epoch) for p in packets])
    lost = np.concatenate([p.lost for p in packets])
    gyr, acc = np.concatenate([p.gyr for p in packets]), np.concatenate([p.acc for p in packets])
    cuts = np.flatnonzero((lost[1:] > 0) | (np.diff(epoch) != 0)) + 1
    ends = np.concatenate([[0], cuts, [len(lost)]])
    k = int(np.argmax(np.diff(ends)))
    part = slice(int(ends[k]), int(ends[k + 1]))
    n = part.stop - part.start
    if n < 2 or not np.isfinite(acc[part]).all():
        return None
    note = "" if n == len(lost) else f"its longest stretch without a lost sample: {n} of {len(lost)}"
    gyr, acc = np.ascontiguousarray(gyr[part]), np.ascontiguousarray(acc[part])
    return Trial(f"{file.stem} {segment}", rate_hz, gyr, acc, note=note)
