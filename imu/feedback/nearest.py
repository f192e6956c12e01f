"""How near each rule comes to its limit in the repetition under way, frame by frame: for those that nothing exceeds."""

from __future__ import annotations

import numpy as np

from imu.feedback.records import Records
from imu.kernels import kernel


@kernel
def forget(kept: Records) -> None:
    """A new repetition: nothing has been judged yet. kept: a row of `records.LEG` or of `compensations.WATCHED`."""
    kept["near"] = -np.inf
    kept["near_us"] = -1


@kernel
def keep_nearest(kept: Records, t: int, near: float, value: float, limit: float, sigma: float) -> bool:
    """Keep it if it is nearer to its limit than all before; near: a measure of that, larger = nearer."""
    if not near > kept["near"]:
        return False
    kept["near"] = near
    kept["near_us"] = t
    kept["near_value"] = value
    kept["near_limit"] = limit
    kept["near_sigma"] = sigma
    return True


@kernel
def note(leg: Records, t: int, j: int, how: int, value: float, limit: float, sigma: float) -> None:
    """The same of a knee. j: segment, how: `records.BY_EXCURSION` or `BY_RETURN`."""
    if keep_nearest(leg, t, value / limit, value, limit, sigma):
        leg["near_what"] = 2 * j + how


@kernel
def keep(leg: int, legs: Records, closed: Records) -> None:
    """Write what was kept of a leg into a closed repetition."""
    state = legs[leg]
    closed["near_us"][leg] = state["near_us"]
    closed["near_what"][leg] = state["near_what"]
    closed["near_value"][leg] = state["near_value"]
    closed["near_limit"][leg] = state["near_limit"]
    closed["near_sigma"][leg] = state["near_sigma"]
