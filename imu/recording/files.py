"""New files that appear whole or not at all, and never in place of another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imu.errors import RecordingError


def refuse_existing(path: Path) -> None:
    """`RecordingError` if there is something at `path`."""
    if path.exists() or path.is_symlink():
        raise RecordingError(f"{path} exists already; choose another name, nothing was overwritten")


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Write to the path given, then it gets its name; an error leaves nothing behind.

    Raises
    ------
    RecordingError
        `path` exists, or the disk refuses.
    """
    refuse_existing(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            yield aside
            with open(aside, "rb") as f:
                os.fsync(f.fileno())
            _name(aside, path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as e:
        raise disk_error(path, e) from e


def _name(aside: Path, path: Path) -> None:
    """Rename without overwriting: a hard link fails if the name was taken meanwhile, a rename would not."""
    try:
        os.link(aside, path)
    except FileExistsError:
        refuse_existing(path)
        raise
    except OSError:  # a file system without hard links
        refuse_existing(path)
        os.rename(aside, path)


def refuse_used_folder(path: Path) -> None:
    """`RecordingError` if `path` is anything but missing or an empty folder."""
    try:
        if not path.is_dir():
            refuse_existing(path)
        elif any(path.iterdir()):
            raise RecordingError(f"{path} exists already and is not empty; choose a new folder, nothing was overwritten")
    except OSError as e:
        raise disk_error(path, e) from e


def new_folder(path: Path) -> None:
    """Make a folder, or take an empty one; `RecordingError` if there is anything in it."""
    refuse_used_folder(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise disk_error(path, e) from e


def disk_error(path: Path, e: OSError) -> RecordingError:
    """What the operating system said, as one line."""
    return RecordingError(f"{path} cannot be written: {e.strerror or e}; check free space and permissions of the folder")
