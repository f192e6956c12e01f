"""The decorator of every compiled kernel, and where compiled code is kept.

numba's own cache does not see a change in a called function of another file, and parallel writers can crash; so the
cache directory is named after a hash of every kernel source in this package and of the numba and numpy versions.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba
import numba.core.config
import numpy

from imu.cache import user_cache

P = ParamSpec("P")
R = TypeVar("R")

_ROOMS = ("clock", "fusion", "kinematics", "feedback")
_FOUNDATIONS = ("kernels.py", "packets.py", "conventions.py", "config.py")


def cache_directory() -> Path:
    """Per-user directory of the compiled kernels of exactly this source tree."""
    digest = hashlib.blake2b(digest_size=10)
    digest.update(f"{sys.version_info[:2]} {numba.__version__} {numpy.__version__}".encode())
    here = Path(__file__).resolve().parent
    # also files without a kernel: their constants are part of the compiled code
    sources = [here / name for name in _FOUNDATIONS] + [f for room in _ROOMS for f in (here / room).rglob("*.py")]
    for source in sorted(sources):
        digest.update(source.relative_to(here).as_posix().encode() + source.read_bytes())
    return user_cache() / f"kernels-{digest.hexdigest()}"


numba.core.config.CACHE_DIR = str(cache_directory())  # pyright: ignore[reportAttributeAccessIssue]


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile on first use, cached on disk, without the GIL. No fastmath: kernels may rely on NaN tests."""
    return cast(Callable[P, R], numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Like `kernel`, but always made part of its caller: a loop that calls something is never vectorised."""
    return cast(Callable[P, R], numba.njit(nogil=True, error_model="numpy", forceinline=True)(function))
