"""Orientation filters by name, fed with prepared rows: `vqf`, and the baselines `madgwick`, `mahony`, `gyro_only`."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.config import FILTERS
from imu.fusion import gyro_only, madgwick, mahony, vqf
from imu.fusion.coefficients import P0, Coefficients, Params, V, load
from imu.fusion.gaps import FRESH, RESTART, SKIP_ACC
from imu.fusion.rows import Rows
from imu.kernels import kernel
from imu.packets import Floats

FilterParams = Params | madgwick.Params | mahony.Params | gyro_only.Params
"""The parameters choose the filter where no name is given."""

MADGWICK, MAHONY, GYRO_ONLY = 1, 2, 3
_PARAMS: Final = {"vqf": Params, "madgwick": madgwick.Params, "mahony": mahony.Params, "gyro_only": gyro_only.Params}
_SKIP, _RESTART, _FRESH = SKIP_ACC, RESTART, FRESH
_BIAS, _P = vqf.BIAS, vqf.P
_Q, _STARTED, _BASELINE_BIAS, _TS = gyro_only.Q, gyro_only.STARTED, gyro_only.BIAS, gyro_only.TS


@kernel
def follow_vqf(
    s: Floats, c: Floats, gyr: Floats, acc: Floats, actions: NDArray[np.uint8], holes: NDArray[np.int32], doubts: Floats,
    pace: Floats, q_out: Floats, gyr_out: Floats,
) -> None:  # fmt: skip
    """n rows of one sensor through VQF: q_out (n, 4) q_earth_sensor, gyr_out (n, 3) with the bias taken off.

    Where a sample truly lasts `pace` times the nominal period, its rate counts as much more; a pace of 1 changes no bit.
    """
    k = load(c)
    for i in range(gyr.shape[0]):
        if (actions[i] & (_RESTART | _FRESH)) != 0:
            vqf.reset(s, c, (actions[i] & _FRESH) == 0)
            for p in (_P, _P + 3, _P + 5):
                # what was not seen makes the bias less certain, as in the filter, never more than at the start
                s[p] = max(s[p], min(s[p] + holes[i] * c[V], c[P0]))
        if doubts[i] > 0.0:
            vqf.doubt(s, c, doubts[i])
        f = pace[i]
        wx, wy, wz = gyr[i, 0] * f, gyr[i, 1] * f, gyr[i, 2] * f
        q_out[i, 0], q_out[i, 1], q_out[i, 2], q_out[i, 3] = vqf.sample(
            s, k, wx, wy, wz, acc[i, 0], acc[i, 1], acc[i, 2], (actions[i] & _SKIP) != 0
        )
        gyr_out[i, 0] = (wx - s[_BIAS]) / f
        gyr_out[i, 1] = (wy - s[_BIAS + 1]) / f
        gyr_out[i, 2] = (wz - s[_BIAS + 2]) / f


@kernel
def _step(
    kind: int, s: Floats, c: Floats, wx: float, wy: float, wz: float, ax: float, ay: float, az: float, use_acc: bool
) -> None:
    if kind == MADGWICK:
        madgwick.step(s, c, wx, wy, wz, ax, ay, az, use_acc)
    elif kind == MAHONY:
        mahony.step(s, c, wx, wy, wz, ax, ay, az, use_acc)
    else:
        gyro_only.step(s, c, wx, wy, wz, ax, ay, az, use_acc)


@kernel
def follow_baseline(
    kind: int, s: Floats, c: Floats, gyr: Floats, acc: Floats, actions: NDArray[np.uint8], pace: Floats, q_out: Floats,
    gyr_out: Floats,
) -> None:  # fmt: skip
    """The same for a baseline; q_out is NaN before the first believed acceleration."""
    b = _BASELINE_BIAS
    for i in range(gyr.shape[0]):
        if (actions[i] & (_RESTART | _FRESH)) != 0:
            gyro_only.reset(s, c, (actions[i] & _FRESH) == 0)
        f = pace[i]
        wx, wy, wz = gyr[i, 0] * f, gyr[i, 1] * f, gyr[i, 2] * f
        use = (actions[i] & _SKIP) == 0
        _step(kind, s, c, wx, wy, wz, acc[i, 0], acc[i, 1], acc[i, 2], use)
        for x in range(4):
            q_out[i, x] = s[_Q + x] if s[_STARTED] > 0.0 else math.nan
        gyr_out[i, 0], gyr_out[i, 1], gyr_out[i, 2] = (wx - s[b]) / f, (wy - s[b + 1]) / f, (wz - s[b + 2]) / f


@kernel
def run_baseline(kind: int, states: Floats, c: Floats, gyr: Floats, acc: Floats, out: Floats) -> int:
    """All samples of S sensors: gyr, acc (S, n, 3), out (S, n, 4), NaN before the first usable acceleration.

    Returns the index, as if all rows were one after the other, of one that is no rate, before anything was done; -1 = none.
    """
    for j in range(gyr.shape[0]):
        bad = vqf.unusable_row(gyr[j], math.pi / c[_TS])
        if bad >= 0:
            return j * gyr.shape[1] + bad
    for j in range(gyr.shape[0]):
        s = states[j]
        for i in range(gyr.shape[1]):
            ax, ay, az = acc[j, i, 0], acc[j, i, 1], acc[j, i, 2]
            _step(kind, s, c, gyr[j, i, 0], gyr[j, i, 1], gyr[j, i, 2], ax, ay, az, vqf.usable_acc(ax, ay, az))
            for x in range(4):
                out[j, i, x] = s[_Q + x] if s[_STARTED] > 0.0 else math.nan
    return -1


def baseline(
    method: str, rate_hz: float, params: FilterParams | None, n_sensors: int = 1
) -> tuple[int, Floats, Floats]:
    """A baseline's number for the kernels, its coefficient row, and the states (n_sensors, …) of sensors at the start."""
    if method == "madgwick":
        row = madgwick.row(rate_hz, params if isinstance(params, madgwick.Params) else None)
        return MADGWICK, row, madgwick.initial_state(n_sensors)
    if method == "mahony":
        row = mahony.row(rate_hz, params if isinstance(params, mahony.Params) else None)
        return MAHONY, row, mahony.initial_state(n_sensors)
    return GYRO_ONLY, gyro_only.row(rate_hz), gyro_only.initial_state(n_sensors)


def name_of(method: str | None, params: FilterParams | None) -> str:
    """The filter that is meant; `ValueError` if there is none of that name or the parameters belong to another."""
    if method is None:
        method = next((name for name, kind in _PARAMS.items() if isinstance(params, kind)), "vqf")
    if method not in FILTERS:
        raise ValueError(f"unknown filter {method!r}; use one of {', '.join(FILTERS)}")
    if params is not None and not isinstance(params, _PARAMS[method]):
        raise ValueError(f"{type(params).__module__}.{type(params).__name__} are not the parameters of {method}")
    return method


class SensorFilter:
    """One sensor's filter: rows in, orientation and bias-free rates out.

    Parameters
    ----------
    rate_hz : float
        Of the sensor's own clock; every row is one step of `1 / rate_hz`.
    method : str, optional
        One of `imu.config.FILTERS`; by default the one that `params` belong to, else vqf.
    params : optional
        `Params` of that filter.
    """

    def __init__(self, rate_hz: float, method: str | None = None, params: FilterParams | None = None) -> None:
        self.method = name_of(method, params)
        self._kind = 0
        if self.method == "vqf":
            vqf_params = params if isinstance(params, Params) else None
            c = Coefficients.of(rate_hz, vqf_params)
            self._c, self._s = c.row, vqf.initial_state(c)[0]
            self._bias, self._rest_min = vqf.BIAS, c.params.rest_min_s
        else:
            self._kind, self._c, states = baseline(self.method, rate_hz, params)
            self._s, self._bias = states[0], gyro_only.BIAS

    def follow(self, rows: Rows) -> tuple[Floats, Floats]:
        """(n, 4) q_earth_sensor, NaN before the first believable acceleration, and (n, 3) rad/s without the bias."""
        q, gyr = np.empty((len(rows), 4)), np.empty((len(rows), 3))
        if self._kind == 0:
            follow_vqf(self._s, self._c, rows.gyr, rows.acc, rows.actions, rows.holes, rows.doubts, rows.pace, q, gyr)
        else:
            follow_baseline(self._kind, self._s, self._c, rows.gyr, rows.acc, rows.actions, rows.pace, q, gyr)
        return q, gyr

    @property
    def resting(self) -> bool:
        """The sensor is still now; always false for a baseline, which does not look."""
        return self._kind == 0 and bool(self._s[vqf.REST_T] >= self._rest_min)

    @property
    def bias(self) -> Floats:
        """(3,) estimated gyroscope bias, rad/s, sensor frame."""
        return self._s[self._bias : self._bias + 3].copy()

    @property
    def state(self) -> Floats:
        """A copy of everything that changes; assign it to continue from there."""
        return self._s.copy()

    @state.setter
    def state(self, state: Floats) -> None:
        self._s = state.copy()
