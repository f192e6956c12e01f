"""Orientation for people who have arrays: whole recordings, or a filter to feed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imu.fusion import gaps, vqf
from imu.fusion.coefficients import Coefficients, Params
from imu.packets import Floats, Ints


def orientation(
    gyr: ArrayLike,
    acc: ArrayLike,
    rate_hz: float | None = None,
    t_us: ArrayLike | None = None,
    params: Params | None = None,
) -> Floats:
    """Orientation of one sensor over a whole recording: (n, 3), (n, 3) -> (n, 4) q_earth_sensor.

    Parameters
    ----------
    gyr : (n, 3) rad/s, sensor frame.
    acc : (n, 3) m/s², sensor frame, including gravity. Rows with NaN are not believed (the rate is integrated).
    rate_hz : float, optional
        Sample rate. May be left out if `t_us` is given: then the mean step counts, without holes.
    t_us : (n,) int µs, optional
        Time of each row, strictly increasing. Missing samples are missing rows: up to 250 ms are bridged (and not
        returned); after a longer hole the filter starts again, with a new heading.
    params : Params, optional
        Of the filter.

    Returns
    -------
    (n, 4) w, x, y, z; earth z up, heading arbitrary.
    """
    g, a, skip = _checked(gyr, acc, 2)
    n = len(g)
    if t_us is None:
        if rate_hz is None:
            raise ValueError("orientation: give rate_hz, or t_us with the time of each row")
        return OrientationFilter(rate_hz, params=params).update(g, np.where(skip[:, None] != 0, np.nan, a))
    t = np.array(t_us, dtype=np.int64)
    if t.shape != (n,):
        raise ValueError(f"orientation: t_us has shape {t.shape}, gyr has {n} rows; give one time per row")
    if n == 0:
        return np.zeros((0, 4))
    steps = np.diff(t)
    if n > 1 and not bool(np.all(steps > 0)):
        row = int(np.flatnonzero(steps <= 0)[0]) + 1
        raise ValueError(f"orientation: t_us does not increase at row {row}; sort by time and drop duplicate rows")
    if rate_hz is None:
        if n < 2:
            raise ValueError("orientation: one row has no rate; give rate_hz")
        # the median alone would be off by up to 5 % where times are rounded to whole ms
        rate_hz = 1e6 / float(np.mean(steps[steps <= 1.5 * np.median(steps)]))
    c = Coefficients.of(rate_hz, params)
    lost = np.zeros(n, np.int32)
    lost[1:] = np.minimum(np.maximum(np.rint(steps * (rate_hz / 1e6)) - 1, 0), 1 << 30)
    limits = gaps.limits_in_samples(rate_hz)
    i, last, ranges = np.zeros(gaps.INTS, np.int64), np.zeros(gaps.FLOATS), np.array([np.inf, np.inf])
    rows = gaps.rows_after_filling(i, limits, lost)
    q, flags = np.empty((rows, 4)), np.empty(rows, np.uint16)
    s = vqf.initial_state(c)[0]
    gaps.run(
        s, c.row, i, last, limits, ranges, False, t, t, lost, g, a, skip,
        np.empty(rows, np.int64), np.empty(rows, np.int64), q, np.empty((rows, 3)), np.empty((rows, 3)), flags,
    )  # fmt: skip
    filled = np.where(lost <= limits[gaps.LONG], lost, 0)
    filled[0] = 0
    return q[np.arange(n) + np.cumsum(filled)]


class OrientationFilter:
    """Orientation of one or several sensors of equal rate, fed in pieces of any size.

    Parameters
    ----------
    rate_hz : float
        Sample rate in the sensor's own clock. Every row is one step of `1 / rate_hz`: rows must not be missing.
    n_sensors : int
        Sensors that are updated together.
    params : Params, optional
        Of the filter.
    """

    def __init__(self, rate_hz: float, n_sensors: int = 1, params: Params | None = None) -> None:
        if n_sensors < 1:
            raise ValueError(f"OrientationFilter: n_sensors is {n_sensors}; give 1 or more")
        self._c = Coefficients.of(rate_hz, params)
        self._n = n_sensors
        self._states = vqf.initial_state(self._c, n_sensors)

    def update(self, gyr: ArrayLike, acc: ArrayLike) -> Floats:
        """Feed k more samples: (k, 3) rad/s, (k, 3) m/s² -> (k, 4) q_earth_sensor; several sensors: (n, k, 3) -> (n, k, 4).

        Rows of `acc` with NaN are not believed: the rate is integrated.
        """
        g, a, skip = _checked(gyr, acc, 2 if self._n == 1 else 3)
        if self._n == 1:
            out = np.empty((len(g), 4))
            vqf.run(self._states[0], self._c.row, g, a, skip, out)
            return out
        if len(g) != self._n:
            raise ValueError(f"OrientationFilter: gyr has {len(g)} sensors, the filter {self._n}; give (n, k, 3)")
        out = np.empty((*g.shape[:2], 4))
        vqf.run_many(self._states, self._c.row, g, a, skip, out)
        return out

    @property
    def bias(self) -> Floats:
        """Estimated gyroscope bias, rad/s: (3,), several sensors (n, 3)."""
        b = self._states[:, vqf.BIAS : vqf.BIAS + 3].copy()
        return b[0] if self._n == 1 else b

    @property
    def state(self) -> vqf.State:
        """A copy of everything that changes; assign it to continue from there."""
        return self._states.copy()

    @state.setter
    def state(self, state: vqf.State) -> None:
        if np.shape(state) != self._states.shape:
            raise ValueError(f"OrientationFilter: state has shape {np.shape(state)}, this filter's is {self._states.shape}")
        self._states[:] = state


def _checked(gyr: ArrayLike, acc: ArrayLike, dimensions: int) -> tuple[Floats, Floats, NDArray[np.uint8]]:
    """Own contiguous float64 copies, and which rows of acc to skip."""
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
    bad = ~np.isfinite(g).all(axis=-1)
    if bad.any():
        where: Ints = np.argwhere(bad)[0]
        raise ValueError(f"gyr is not a finite number at row {tuple(where.tolist())}; drop such rows and give t_us instead")
    skip = np.asarray(~np.isfinite(a).all(axis=-1), dtype=np.uint8)
    a[skip != 0] = 0.0
    return g, a, skip
