"""The folder in which this user's computer keeps what can be made again: compiled kernels, spoken sentences."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def user_cache() -> Path:
    """`IMU_CACHE_DIR` if it is set, else the system's usual place."""
    if "IMU_CACHE_DIR" in os.environ:
        return Path(os.environ["IMU_CACHE_DIR"])
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", str(Path.home())))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")))
    return base / "imu-biofeedback"
