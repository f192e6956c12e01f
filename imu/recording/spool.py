"""A file that keeps what the disk refuses and tries again: a full disk delays a recording before it costs anything."""

from __future__ import annotations

import os
from pathlib import Path


class Spool:
    """Binary output for the MCAP writer. `write` only collects; `drain` gives the bytes to the operating system."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
        self._pending = bytearray()
        self._written = 0

    def write(self, data: bytes, /) -> int:
        self._pending += data
        return len(data)

    def tell(self) -> int:
        return self._written + len(self._pending)

    def flush(self) -> None:
        """Nothing: errors of the disk belong to `drain`."""

    @property
    def pending(self) -> int:
        """Bytes not yet taken by the operating system."""
        return len(self._pending)

    def drain(self) -> None:
        """Write what is pending; on an `OSError` the rest stays pending, in order."""
        while self._pending:
            taken = os.write(self._fd, self._pending)
            del self._pending[:taken]
            self._written += taken

    def sync(self) -> None:
        """Down to the medium; may take long, other threads go on writing meanwhile."""
        os.fsync(self._fd)

    def close(self) -> None:
        os.close(self._fd)
