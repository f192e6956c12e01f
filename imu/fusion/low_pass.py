"""Second-order low-pass channels in a state row, started by a running mean."""

from __future__ import annotations

from imu.fusion.lanes import Lane, at, put
from imu.kernels import inlined
from imu.packets import Floats


@inlined
def low_pass(
    s: Floats, row: int, lane: Lane, lanes: int, x: float, k: tuple[float, float, float, float, float],
    general: bool, n: float, start: float,
) -> float:  # fmt: skip
    """Feed x to the channel whose two numbers are in `row` and the next; k: b0, b1, b2, a1, a2 (direct form II transposed).

    If `general`, samples number n = 1..start return the mean so far, and the last of them loads the filter as if that mean
    had been there for ever: the first sample already gives a value, and no single sample dominates.
    """
    b0, b1, b2, a1, a2 = k
    z0, z1 = at(s, row, lane, lanes), at(s, row + 1, lane, lanes)
    if general and n <= start:
        mean = (z0 + x) / n
        last = n == start
        put(s, row, lane, lanes, mean * (1.0 - b0) if last else z0 + x)
        put(s, row + 1, lane, lanes, mean * (b2 - a2) if last else 0.0)
        return mean
    y = b0 * x + z0
    put(s, row, lane, lanes, b1 * x - a1 * y + z1)
    put(s, row + 1, lane, lanes, b2 * x - a2 * y)
    return y


@inlined
def shorten(s: Floats, row: int, b0: float, seen: float, start: float, n: float) -> None:
    """From now on the channel at `row` (of a sensor by itself) is as if it had seen only n <= start samples, with the mean
    that it holds; `seen`: samples it has seen, as far as counted."""
    s[row] *= n / seen if seen <= start else n / (1.0 - b0)
    s[row + 1] = 0.0
