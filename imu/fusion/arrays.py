"""Arrays as kernels want them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def owned(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """The array itself if it is contiguous, writeable and of this type, else a copy.

    Every other combination would be compiled anew at first use: seconds in the middle of a session.
    """
    return array if array.dtype == dtype and array.flags.carray else np.array(array, dtype=dtype, order="C")
