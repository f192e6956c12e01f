"""Where a person rests: the level a repetition is counted from when it does not begin in the stand."""

from __future__ import annotations

from typing import Final

from imu.feedback.records import TOP, WAITING, Records
from imu.kernels import kernel

STILL: Final = 0.0349
"""rad (2°): a signal that stays within this is still; sway of a seated or lying person is less."""
STILL_US: Final = 700_000
"""µs; the turn of a slow movement stays within 2° for less: 0.35 s of one that takes 2 s for 30°."""


@kernel
def settle(t: int, s: float, depth: float, params: Records, machine: Records) -> bool:
    """Follow where the signal stays; True when that has become a new level. s, depth : rad, as measured; NaN = unknown.

    The first place to stay is taken, then a lower one (somebody who stood has sat down), then any if nothing is counted
    anyhow. A repetition under way is never re-based.
    """
    p, m = params[0], machine[0]
    if s != s:
        m["t_still"] = -1
        return False
    if m["depth_zero"] != m["depth_zero"] and abs(s - m["zero"]) <= STILL:
        m["depth_zero"] = depth
    if m["t_still"] < 0 or abs(s - m["still_at"]) > STILL:
        m["still_at"], m["t_still"] = s, t
        return False
    if t - m["t_still"] < STILL_US:
        return False
    away = s - m["zero"]
    first = away != away
    lower = away < -0.5 * p["open"] and (m["state"] == TOP or m["state"] == WAITING)
    other = abs(away) > 0.5 * p["open"] and m["state"] == WAITING
    if not (first or lower or other):
        return False
    m["zero"], m["depth_zero"] = s, depth
    return True


@kernel
def leave(machine: Records) -> None:
    """The person is not in the drill's posture: where it rests will have to be found again, unless something is open."""
    m = machine[0]
    m["t_still"] = -1
    if m["state"] == TOP or m["state"] == WAITING:
        m["zero"] = float("nan")


@kernel
def restart(machine: Records) -> None:
    """Forget what was counted from the old level: nothing is open."""
    m = machine[0]
    m["state"] = WAITING
    m["known"] = m["n"]
    m["base"] = 0.0
    m["rate"] = 0.0
