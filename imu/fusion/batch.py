"""Orientation for people who have arrays: whole recordings, or a filter to feed."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from imu.config import GapLimits
from imu.fusion import gyro_only, vqf
from imu.fusion.coefficients import Coefficients, Params
from imu.fusion.filters import FilterParams, SensorFilter, baseline, name_of, run_baseline
from imu.fusion.gaps import BELIEVABLE_ACC, most_gyr
from imu.fusion.rates import shown_period_us
from imu.fusion.rows import RowMaker
from imu.fusion.side_by_side import one_by_one, run_many, side_by_side
from imu.packets import Floats, Ints

_DOUBLE: Final = np.dtype(np.float64)


def orientation(
    gyr: ArrayLike,
    acc: ArrayLike,
    rate_hz: float | None = None,
    t_us: ArrayLike | None = None,
    params: FilterParams | None = None,
    method: str | None = None,
    limits: GapLimits | None = None,
) -> Floats:
    """Orientation of one sensor over a whole recording: (n, 3), (n, 3) -> (n, 4) q_earth_sensor.

    Parameters
    ----------
    gyr : (n, 3) rad/s, sensor frame.
    acc : (n, 3) m/s², sensor frame, including gravity. Rows that are not finite, zero or above 1000 g are not believed (the
        rate is integrated).
    rate_hz : float, optional
        Sample rate. May be left out if `t_us` is given: then the mean step counts, without holes.
    t_us : (n,) int µs, optional
        Time of each row, strictly increasing. Missing samples are missing rows: up to 250 ms are bridged (and not
        returned); after a longer hole the filter starts again, with a new heading.
    params, method : optional
        Of the filter, see `OrientationFilter`.
    limits : GapLimits, optional
        What is done where rows are missing.

    Returns
    -------
    (n, 4) w, x, y, z; earth z up, heading arbitrary; NaN before the first acceleration that can be believed.

    Raises
    ------
    ValueError
        Shapes, rate or times are wrong; a row of `gyr` is not finite or turns by more than half a turn per sample.
    """
    g, a = _arrays(gyr, acc, 2)
    n = len(g)
    if t_us is None:
        if rate_hz is None:
            raise ValueError("orientation: give rate_hz, or t_us with the time of each row")
        return OrientationFilter(rate_hz, params=params, method=method).update(g, a)
    t, step_us = _times(t_us, n)
    if rate_hz is None:
        if n == 0:
            return np.zeros((0, 4))
        if n < 2:
            raise ValueError("orientation: one row has no rate; give rate_hz")
        rate_hz = 1e6 / shown_period_us(step_us)
    follower = SensorFilter(rate_hz, method, params)
    _refuse_unusable(g, vqf.unusable_row(g, most_gyr(rate_hz)), rate_hz)
    lost = np.zeros(n, np.int32)
    lost[1:] = np.minimum(np.maximum(np.rint(step_us * (rate_hz / 1e6)) - 1, 0), 1 << 30)
    believable = np.abs(a).sum(axis=1) < BELIEVABLE_ACC
    a[~believable] = 0.0  # the rate of such a row counts, its acceleration does not
    maker = RowMaker(rate_hz, limits or GapLimits())
    q, _ = follower.follow(maker.make(t, t, lost, g, a, np.zeros(n, np.uint8)))
    return q[np.arange(n) + np.cumsum(_bridged(lost, maker))]


def _bridged(lost: np.ndarray, maker: RowMaker) -> Ints:
    """(n,) number of rows that were made up before each row."""
    filled = np.where(lost <= maker.longest_bridged, lost, 0).astype(np.int64)
    filled[:1] = 0
    return filled


class OrientationFilter:
    """Orientation of one or several sensors of equal rate, fed in pieces of any size.

    Parameters
    ----------
    rate_hz : float
        Sample rate in the sensor's own clock. Every row is one step of `1 / rate_hz`: rows must not be missing.
    n_sensors : int
        Sensors that are updated together.
    params : optional
        `Params` of this package (VQF), or of `imu.fusion.madgwick`, `mahony`, `gyro_only`.
    method : str, optional
        `vqf`, `madgwick`, `mahony` or `gyro_only`; by default the one that `params` belong to, else vqf.
    """

    def __init__(
        self, rate_hz: float, n_sensors: int = 1, params: FilterParams | None = None, method: str | None = None
    ) -> None:
        if n_sensors < 1:
            raise ValueError(f"OrientationFilter: n_sensors is {n_sensors}; give 1 or more")
        self.method = name_of(method, params)
        self._rate_hz = rate_hz
        self._n = n_sensors
        self._dimensions = 2 if n_sensors == 1 else 3
        self._buffers = (np.empty(0), np.empty(0), np.empty(0))
        self._shape, self._out_shape = (), ()
        self._kind = 0
        if self.method == "vqf":
            c = Coefficients.of(rate_hz, params if isinstance(params, Params) else None)
            self._c = c.row
            self.state = vqf.initial_state(c, n_sensors)
        else:
            self._kind, self._c, state = baseline(self.method, rate_hz, params, n_sensors)
            self.state = state

    def update(self, gyr: ArrayLike, acc: ArrayLike, out: Floats | None = None) -> Floats:
        """Feed k more samples: (k, 3) rad/s, (k, 3) m/s² -> (k, 4) q_earth_sensor; several sensors: (n, k, 3) -> (n, k, 4).

        Rows of `acc` that are not finite, zero or above 1000 g are not believed: the rate is integrated. Before the first
        acceleration that is believed the orientation is NaN. `out`, if given, receives the result (float64, contiguous):
        together with float64 inputs nothing is allocated. Wrong input raises `ValueError` and changes nothing.
        """
        g, a, q = self._buffers
        if out is None or gyr is not g or acc is not a or out is not q:
            # buffers that come again need no second look, which would cost as much as the filter does for one sample
            g, a, q = self._fitting(gyr, acc, out)
            if out is not None:
                self._buffers = g, a, q
        bad = self._run(self._running, self._c, g, a, q)
        if bad >= 0:
            _refuse_unusable(g, bad, self._rate_hz)
        return q

    def _fitting(self, gyr: ArrayLike, acc: ArrayLike, out: Floats | None) -> tuple[Floats, Floats, Floats]:
        """The arrays as the kernels take them, copied only if they are not; a place for the result.

        Written out and with the last shape in mind, because for one sample this costs as much as the filter.
        """
        if not (
            type(gyr) is np.ndarray and type(acc) is np.ndarray and gyr.dtype is _DOUBLE and acc.dtype is _DOUBLE
            and gyr.flags.carray and acc.flags.carray
        ):  # fmt: skip
            gyr, acc = _arrays(gyr, acc, self._dimensions)
        shape = gyr.shape
        if shape != self._shape or acc.shape != shape:
            if len(shape) != self._dimensions or acc.shape != shape or shape[-1] != 3:
                _arrays(gyr, acc, self._dimensions)  # says what is wrong
            if self._n > 1 and shape[0] != self._n:
                raise ValueError(f"OrientationFilter: gyr has {shape[0]} sensors, the filter {self._n}; give (n, k, 3)")
            self._shape, self._out_shape = shape, (*shape[:-1], 4)
        if out is None:
            out = np.empty(self._out_shape)
        elif out.shape != self._out_shape or out.dtype != np.float64 or not out.flags.carray:
            raise ValueError(f"OrientationFilter: out must be a contiguous float64 array of shape {self._out_shape}")
        return gyr, acc, out

    def _run_baseline(self, states: Floats, c: Floats, gyr: Floats, acc: Floats, out: Floats) -> int:
        n, k = self._n, gyr.shape[-2]
        g, a, q = gyr.reshape(n, k, 3), acc.reshape(n, k, 3), out.reshape(n, k, 4)
        return run_baseline(self._kind, states, c, g, a, q)

    @property
    def bias(self) -> Floats:
        """Estimated gyroscope bias, rad/s: (3,), several sensors (n, 3)."""
        at = vqf.BIAS if self._kind == 0 else gyro_only.BIAS
        b = self.state[:, at : at + 3]
        return b[0] if self._n == 1 else b

    @property
    def state(self) -> Floats:
        """A copy of everything that changes, one row per sensor; assign it to continue from there."""
        if self._run is run_many:
            return one_by_one(self._running, self._n)
        return self._running.reshape(self._n, -1).copy()

    @state.setter
    def state(self, state: Floats) -> None:
        wanted = (self._n, vqf.STATE_SIZE if self._kind == 0 else gyro_only.STATE_SIZE)
        if np.shape(state) != wanted:
            raise ValueError(f"OrientationFilter: state has shape {np.shape(state)}, this filter's is {wanted}")
        own = np.array(state, np.float64)
        if self._kind != 0:
            self._run, self._running = self._run_baseline, own
        elif self._n == 1:
            self._run, self._running = vqf.run, own[0]
        else:
            self._run, self._running = run_many, side_by_side(own)


def _times(t_us: ArrayLike, n: int) -> tuple[Ints, Ints]:
    """The times as own int64 and their steps; `ValueError` if there is not one per row or they do not increase."""
    t = np.asarray(t_us)
    if t.shape != (n,):
        raise ValueError(f"orientation: t_us has shape {t.shape}, gyr has {n} rows; give one time per row")
    if n and (t.dtype.kind not in "iuf" or not bool(np.isfinite(t).all()) or not bool((np.abs(t) < 2**62).all())):
        raise ValueError("orientation: t_us holds what is no time in µs; give finite integers")
    t = t.astype(np.int64)
    step_us = np.diff(t)
    if n > 1 and not bool(np.all(step_us > 0)):
        row = int(np.flatnonzero(step_us <= 0)[0]) + 1
        raise ValueError(f"orientation: t_us does not increase at row {row}; sort by time and drop duplicate rows")
    return t, step_us


def _refuse_unusable(gyr: Floats, bad: int, rate_hz: float) -> None:
    """Say which row is no rate; nothing if `bad` is negative."""
    if bad < 0:
        return
    row = np.unravel_index(bad, gyr.shape[:-1])
    where = ", ".join(str(int(i)) for i in row)
    x = gyr[row]
    if not bool(np.isfinite(x).all()):
        raise ValueError(f"gyr is not a finite number at row ({where}); drop such rows and give t_us instead")
    raise ValueError(
        f"gyr at row ({where}) is {math.hypot(*x):.3g} rad/s, more than half a turn per sample at {rate_hz:g} Hz; "
        "is it in °/s, or the rate wrong?"
    )


def _arrays(gyr: ArrayLike, acc: ArrayLike, dimensions: int) -> tuple[Floats, Floats]:
    """Own contiguous float64 copies of the right number of dimensions."""
    try:
        g, a = np.array(gyr, dtype=np.float64, order="C"), np.array(acc, dtype=np.float64, order="C")
    except (TypeError, ValueError) as e:
        raise ValueError(f"gyr and acc must be arrays of numbers ({e})") from e
    wanted = "(n, 3)" if dimensions == 2 else "(sensors, n, 3)"
    for name, x in (("gyr", g), ("acc", a)):
        if x.ndim != dimensions or x.shape[-1] != 3:
            raise ValueError(f"{name} has shape {x.shape}; give {wanted}, one sample per row")
    if g.shape != a.shape:
        raise ValueError(f"gyr has shape {g.shape}, acc {a.shape}; both need the same rows")
    return g, a
