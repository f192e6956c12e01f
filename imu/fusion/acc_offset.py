"""Constant error of an accelerometer, found in its own recording: how large, how sure, and in which direction unknown.

A biased accelerometer does not show at rest in one pose: only the length of what it measures can be wrong, its direction
cannot be told from gravity's. Turned into several poses, the offset turns with the sensor and gravity does not. What stays
unknown is the part along an axis about which everything turned; squats turn about one axis only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imu.fusion import acc_offset_filter as kernels
from imu.fusion.acc_offset_filter import GYR_BIAS, NEW_FRAME, NODE_S, OFFSET, UNBELIEVED
from imu.fusion.rates import sample_period, shown_period_us
from imu.packets import Floats, Ints

SYSTEMATIC_SIGMA: Final = 0.15
"""m/s² per axis: scale errors of 1 to 2 % look like an offset in the poses that were taken."""
LONGEST_HOLE_S: Final = 0.25
"""s. Over a longer hole in the rates nobody knows how the sensor has turned."""


@dataclass(frozen=True, slots=True)
class OffsetParams:
    """When an offset that was found may be removed."""

    known_sigma: float = 0.8
    """m/s². A direction with a larger 1σ is called not observable. 0.8 is 5° of inclination, a sixth of what a bad sensor
    is off by. Larger = corrects after fewer movements."""
    worst_sigma: float = 2.2
    """m/s², largest 1σ of the one direction that may stay unobserved. Before anything is seen it is 3; in 40 recordings of
    squats the estimates along it spread by 0.2 to 0.4 only."""
    known_directions: int = 2
    """Directions that must be known. Squats give two; the third needs a movement about another axis."""
    most: float = 8.0
    """m/s². A larger offset is a broken sensor, not one to be corrected."""


@dataclass(frozen=True, slots=True, eq=False)
class AccOffset:
    """What `acc` shows too much, in the sensor's frame: subtract `offset`."""

    offset: tuple[float, float, float]
    """m/s²."""
    covariance: Floats
    """(3, 3) (m/s²)², of what remains after the correction."""
    gyr_bias: tuple[float, float, float]
    """rad/s, found with it."""
    usable: bool
    """The remaining error is small enough to correct with it."""
    reason: str
    """Why it is not usable, or what is not known; empty = all is well."""
    unobservable: tuple[float, float, float] | None
    """Unit direction in the sensor's frame about which the recording says little; None = all three are known."""
    duration_s: float
    """Time it was estimated from."""

    @property
    def principal_sigmas(self) -> Floats:
        """(3,) m/s², 1σ along the best, middle and worst known direction."""
        return np.sqrt(np.linalg.eigvalsh(self.covariance))

    @property
    def size(self) -> float:
        """m/s²."""
        return math.hypot(*self.offset)

    @property
    def known_size(self) -> float:
        """m/s², without the part along a direction that is not observable."""
        along = 0.0 if self.unobservable is None else float(np.array(self.offset) @ np.array(self.unobservable))
        return math.sqrt(max(0.0, self.size**2 - along * along))

    @property
    def certainty(self) -> float:
        """Size of the offset as a multiple of its uncertainty, all directions taken together."""
        offset = np.array(self.offset)
        return math.sqrt(float(offset @ np.linalg.solve(self.covariance, offset)))

    @property
    def words(self) -> str:
        """`(0.12, 4.80, 0.61) m/s² ± 0.18, 0.40 and 1.20; direction (…) not observable`."""
        sigmas = self.principal_sigmas
        text = f"{_vector(self.offset)} m/s² ± {sigmas[0]:.2f}, {sigmas[1]:.2f}, {sigmas[2]:.2f} along its principal axes"
        if self.unobservable is not None:
            text += f"; direction {_vector(self.unobservable)} not observable"
        return text


class AccOffsetFilter:
    """Finds the offset of one sensor, fed in pieces of any size: causal, equal results for any grouping.

    Parameters
    ----------
    rate_hz : float
        Sample rate in the sensor's own clock.
    params : OffsetParams, optional
        When the offset may be used.
    """

    def __init__(self, rate_hz: float, params: OffsetParams | None = None) -> None:
        self.period_s = sample_period(rate_hz)
        self._rate_hz = float(rate_hz)
        self._params = params or OffsetParams()
        self._node = max(1, round(NODE_S * rate_hz))
        self._book, self._x = np.zeros(kernels.BOOK_SIZE), np.zeros(kernels.STATES)
        self._p = np.zeros((kernels.STATES, kernels.STATES))
        self._rows = 0
        kernels.start(self._book, self._x, self._p)

    def update(
        self, gyr: Floats, acc: Floats, dt: Floats | None = None, what: NDArray[np.uint8] | None = None
    ) -> None:
        """Feed k more samples.

        gyr : (k, 3) rad/s, bias included; acc : (k, 3) m/s². dt : (k,) s from the row before to each, by default
        `1 / rate_hz`. what : (k,) bits `UNBELIEVED`, `NEW_FRAME` of `acc_offset_filter`.
        """
        n = len(gyr)
        if dt is None:
            dt = np.full(n, self.period_s)
        if what is None:
            what = np.zeros(n, np.uint8)
        self._rows += n
        kernels.run(self._book, self._x, self._p, self._node, gyr, acc, dt, what)

    @property
    def state(self) -> tuple[Floats, Floats, Floats, int]:
        """A copy of everything that changes; assign it to continue from there."""
        return self._book.copy(), self._x.copy(), self._p.copy(), self._rows

    @state.setter
    def state(self, state: tuple[Floats, Floats, Floats, int]) -> None:
        self._book, self._x, self._p = (array.copy() for array in state[:3])
        self._rows = state[3]

    def estimate(self) -> AccOffset:
        """From everything fed so far."""
        x, p = self._x.copy(), self._p.copy()
        if self._book[kernels.NODES] > 0.0:
            kernels.condition(x, p)
        inner = slice(OFFSET, OFFSET + 3)
        covariance = p[inner, inner] + SYSTEMATIC_SIGMA**2 * np.eye(3)
        return _judged(x[inner], covariance, x[GYR_BIAS : GYR_BIAS + 3], self._rows / self._rate_hz, self._params)


def estimate_acc_offset(
    gyr: ArrayLike,
    acc: ArrayLike,
    rate_hz: float | None = None,
    t_us: ArrayLike | None = None,
    clipped: ArrayLike | None = None,
    params: OffsetParams | None = None,
) -> AccOffset:
    """Offset of an accelerometer over a whole recording of a sensor that was turned about.

    Parameters
    ----------
    gyr : (n, 3) rad/s, sensor frame.
    acc : (n, 3) m/s², sensor frame, including gravity.
    rate_hz : float, optional
        Sample rate. May be left out if `t_us` is given.
    t_us : (n,) int µs, optional
        Time of each row, strictly increasing; missing samples are missing rows.
    clipped : (n,), optional
        Nonzero where a sample is not to be believed.
    params : OffsetParams, optional
        When the offset may be used.
    """
    g, a = (np.array(x, dtype=np.float64, order="C") for x in (gyr, acc))
    n = len(g)
    if rate_hz is not None:
        sample_period(rate_hz)  # says what is wrong with it
    if g.shape != (n, 3) or a.shape != (n, 3):
        raise ValueError(f"gyr has shape {g.shape}, acc {a.shape}; give (n, 3), (n, 3), one sample per row")
    good = np.isfinite(g).all(axis=1)
    what = np.where(np.isfinite(a).all(axis=1), 0, UNBELIEVED).astype(np.uint8)
    if clipped is not None:
        what |= np.where(np.asarray(clipped) != 0, UNBELIEVED, 0).astype(np.uint8)
    if t_us is None:
        if rate_hz is None:
            raise ValueError("estimate_acc_offset: give rate_hz, or t_us with the time of each row")
        t = np.rint(np.arange(n) * (1e6 / rate_hz)).astype(np.int64)
    else:
        t = np.asarray(t_us, dtype=np.int64)
        if t.shape != (n,) or bool(np.any(np.diff(t) <= 0)):
            raise ValueError(f"t_us has shape {t.shape} for {n} rows, or does not increase; sort by time, one per row")
    g, a, t, what = g[good], a[good], t[good], what[good]
    steps = np.diff(t)
    if rate_hz is None:
        if len(t) < 2:
            raise ValueError("estimate_acc_offset: fewer than two rows have no rate; give rate_hz")
        rate_hz = 1e6 / shown_period_us(steps)
    one = AccOffsetFilter(rate_hz, params)
    g, dt = _over_holes(g, t, rate_hz, what)
    one.update(np.ascontiguousarray(g), np.ascontiguousarray(np.nan_to_num(a)), dt, what)
    return one.estimate()


def _over_holes(gyr: Floats, t_us: Ints, rate_hz: float, what: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Rates and steps to integrate with: over a hole the mean of the rates on both sides; marks those that are too long."""
    samples = np.maximum(1.0, np.rint(np.diff(t_us, prepend=t_us[:1] - round(1e6 / rate_hz)) * (rate_hz / 1e6)))
    too_long = samples > LONGEST_HOLE_S * rate_hz + 1.0
    what[too_long] |= NEW_FRAME
    samples[too_long] = 1.0
    gyr = gyr.copy()
    hole = np.flatnonzero(samples > 1.5)
    gyr[hole] = (0.5 * (samples[hole, None] - 1.0) * (gyr[hole - 1] + gyr[hole]) + gyr[hole]) / samples[hole, None]
    return gyr, samples / rate_hz


def _judged(offset: Floats, covariance: Floats, gyr_bias: Floats, duration_s: float, p: OffsetParams) -> AccOffset:
    """May it be used, and what is not known?"""
    squares, directions = np.linalg.eigh(covariance)
    sigmas = np.sqrt(squares)
    unknown = int(np.sum(sigmas > p.known_sigma))
    worst = directions[:, 2] * (1.0 if directions[np.argmax(np.abs(directions[:, 2])), 2] > 0 else -1.0)
    reason = ""
    size = float(np.linalg.norm(offset))
    if 3 - unknown < p.known_directions:
        reason = (
            f"the movements of {duration_s:.0f} s leave ± {sigmas[1]:.1f} and ± {sigmas[2]:.1f} m/s² in two directions:"
            " turn the sensor into several poses, with short rests"
        )
    elif sigmas[2] > p.worst_sigma:
        reason = (
            f"± {sigmas[2]:.1f} m/s² along {_vector(worst)} are left after {duration_s:.0f} s: add a movement about"
            " another axis, such as circles of the hip or a sideways lunge"
        )
    elif size > p.most:
        reason = f"an offset of {size:.1f} m/s² is a broken sensor: replace it"
    x, y, z = (float(v) for v in offset)
    bx, by, bz = (float(v) for v in gyr_bias)
    wx, wy, wz = (float(v) for v in worst)
    return AccOffset(
        (x, y, z), covariance, (bx, by, bz), not reason, reason, (wx, wy, wz) if unknown else None, duration_s
    )


def _vector(v: ArrayLike) -> str:
    return "(" + ", ".join(f"{x:.2f}" for x in np.asarray(v).tolist()) + ")"
