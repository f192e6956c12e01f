"""Relative orientation of two connected segments, for people who have arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from imu.config import GapLimits
from imu.fusion.filters import SensorFilter
from imu.fusion.quaternion import conj_array, mul_array, normalise_array
from imu.fusion.rows import RowMaker
from imu.kinematics.heading import hinge, track
from imu.kinematics.heading.band_filter import scratch
from imu.kinematics.heading.fuse import fuse
from imu.kinematics.heading.layout import BANDS_HZ, CHANNELS, RATE_SIGMA, START_SIGMA, UNKNOWN_SIGMA, initial
from imu.packets import Floats, Ints, Quality

Joint = Literal["hinge", "saddle", "spherical", "knee"]
FLOOR: Final[dict[str, float]] = {
    "hinge": math.radians(1.5), "knee": math.radians(6.0), "saddle": math.radians(3.0), "spherical": math.radians(3.0),
}  # fmt: skip
"""rad, 1σ of the hinge source at best: a mechanical hinge, a real knee, a joint that moves as a hinge now."""
BRIDGE_SHARE: Final = 0.6
"""Error of the rotation over a bridged hole: share / √s x T^1.5 x hypot(change of rate, mean rate)."""
HINGE_PERIOD_S: Final = 1.0
FLIPPED_AFTER: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One sensor on the common steps; NaN = unknown."""

    q: Floats
    gyr: Floats
    acc: Floats
    made: NDArray[np.bool_]
    bridged: Floats
    renewed: NDArray[np.bool_]


def relative_orientation(
    gyr_1: ArrayLike,
    acc_1: ArrayLike,
    gyr_2: ArrayLike,
    acc_2: ArrayLike,
    rate_hz: float,
    joint: Joint = "spherical",
    q_1_2_start: ArrayLike | None = None,
    lever_arm_1: ArrayLike | None = None,
    lever_arm_2: ArrayLike | None = None,
    t_us: ArrayLike | None = None,
) -> tuple[Floats, Floats]:
    """Orientation of sensor 2 in the frame of sensor 1, on two segments that share a joint, without a magnetometer.

    Inclination is VQF's. The heading between the two comes from the acceleration of the joint's centre, which both must
    see alike (Weygers & Kok 2020), in two frequency bands with lever arms found on the way, and from the hinge constraint
    (Laidig 2017) while the data say that the joint is one. Causal: row k uses rows 0..k.

    Parameters
    ----------
    gyr_1, gyr_2 : (n, 3) rad/s, sensor frames. acc_1, acc_2 : (n, 3) m/s², including gravity. Rows that are not finite are
        missing samples: up to 250 ms are bridged, after longer holes the heading is looked for again.
    rate_hz : float
    joint : "hinge", "saddle", "spherical" or "knee"
        How far the hinge constraint may be trusted. Whether it is used at all is decided from the data.
    q_1_2_start : (4,), optional
        Relative orientation at the first row, known from a pose to about 20°. None: not known.
    lever_arm_1, lever_arm_2 : (3,) m, optional
        From the joint's centre to the sensor, in the frame of that sensor, to about 1 cm; both or none. None: estimated.
    t_us : (n,) int µs, optional
        Time of each row, strictly increasing: missing samples may then be missing rows.

    Returns
    -------
    q_1_2 : (n, 4) w, x, y, z, turns vectors of frame 2 into frame 1. NaN where a sensor is unknown.
    sigma_heading : (n,) rad, 1σ of the relative heading; pi = not known (yet).

    Raises
    ------
    ValueError
        Shapes, rate, times, joint or start are wrong.
    """
    if joint not in get_args(Joint):
        raise ValueError(f"relative_orientation: joint is {joint!r}; give one of {', '.join(get_args(Joint))}")
    if not 20.0 <= rate_hz <= 10000.0:
        raise ValueError(f"relative_orientation: rate_hz is {rate_hz}; give the sample rate, 20 or more for this method")
    if (lever_arm_1 is None) != (lever_arm_2 is None):
        raise ValueError("relative_orientation: one lever arm alone is of no use; give both or none")
    arrays = [_rows(name, x) for name, x in
              (("gyr_1", gyr_1), ("acc_1", acc_1), ("gyr_2", gyr_2), ("acc_2", acc_2))]  # fmt: skip
    n = len(arrays[0])
    if any(len(a) != n for a in arrays):
        raise ValueError(f"relative_orientation: {[len(a) for a in arrays]} rows; give equally many of each")
    place = _places(t_us, n, rate_hz)
    steps = int(place[-1]) + 1 if n else 0
    one, two = (_side(arrays[2 * i], arrays[2 * i + 1], place, steps, rate_hz) for i in range(2))
    start, sigma = 0.0, UNKNOWN_SIGMA
    if q_1_2_start is not None:
        start, sigma = _heading_of(np.asarray(q_1_2_start, dtype=np.float64), one, two), START_SIGMA
    arms = None
    if lever_arm_1 is not None and lever_arm_2 is not None:
        arms = np.concatenate([np.asarray(a, dtype=np.float64).reshape(3) for a in (lever_arm_1, lever_arm_2)])
    heading, sigma_heading = _headings(one, two, rate_hz, FLOOR[joint], start, sigma, arms)
    half = 0.5 * heading
    turn = np.stack([np.cos(half), np.zeros(steps), np.zeros(steps), np.sin(half)], axis=1)
    q = mul_array(conj_array(one.q), mul_array(turn, two.q))
    return q[place], sigma_heading[place]


def _rows(name: str, x: ArrayLike) -> Floats:
    a = np.array(x, dtype=np.float64, order="C")
    if a.ndim != 2 or a.shape[1] != 3:
        raise ValueError(f"relative_orientation: {name} has shape {a.shape}; give (n, 3)")
    return a


def _places(t_us: ArrayLike | None, n: int, rate_hz: float) -> Ints:
    """Step of each row, counted from the first."""
    if t_us is None:
        return np.arange(n)
    t = np.asarray(t_us, dtype=np.int64)
    if t.shape != (n,) or bool(np.any(np.diff(t) <= 0)):
        raise ValueError(f"relative_orientation: t_us has shape {t.shape}; give one strictly increasing time for each row")
    return np.rint((t - t[0]) * (rate_hz * 1e-6)).astype(np.int64) if n else t


def _side(gyr: Floats, acc: Floats, place: Ints, steps: int, rate_hz: float) -> _Side:
    """Orientation of one sensor on all steps, holes bridged or unknown."""
    measured = np.isfinite(gyr).all(axis=1) & np.isfinite(acc).all(axis=1)
    k, g, a = place[measured], np.ascontiguousarray(gyr[measured]), np.ascontiguousarray(acc[measured])
    side = _Side(
        np.full((steps, 4), np.nan), np.full((steps, 3), np.nan), np.full((steps, 3), np.nan),
        np.ones(steps, bool), np.zeros(steps), np.zeros(steps, bool),
    )  # fmt: skip
    if len(k) == 0:
        return side
    lost = np.zeros(len(k), np.int32)
    lost[1:] = np.diff(k) - 1
    t = np.rint(k * (1e6 / rate_hz)).astype(np.int64)
    rows = RowMaker(rate_hz, GapLimits()).make(t, t, lost, g, a, np.zeros(len(k), np.uint8))
    q, unbiased = SensorFilter(rate_hz, None, None).follow(rows)
    at = np.rint(rows.t_us * (rate_hz * 1e-6)).astype(np.int64)
    side.q[at], side.gyr[at], side.acc[at] = q, unbiased, rows.acc
    side.made[k] = False
    restarted = at[rows.holes > 0]
    side.renewed[restarted] = True
    hole = np.flatnonzero(lost > 0)
    seconds = (lost[hole] + 1) / rate_hz
    before, after = g[hole - 1], g[hole]
    rate = np.sqrt(np.sum((after - before) ** 2, axis=1) + np.sum((0.5 * (after + before)) ** 2, axis=1))
    side.bridged[k[hole]] = np.minimum(BRIDGE_SHARE * seconds**1.5 * rate, math.pi) ** 2 / 3.0
    unsettled = (rows.flags & int(Quality.SETTLING)) != 0
    side.q[at[unsettled & (np.arange(len(at)) > rate_hz)]] = np.nan
    return side


def _heading_of(q_1_2: Floats, one: _Side, two: _Side) -> float:
    """Heading of earth frame 2 in earth frame 1 that a relative orientation means at the first known step."""
    if q_1_2.shape != (4,) or not bool(np.all(np.isfinite(q_1_2))) or float(q_1_2 @ q_1_2) < 0.25:
        raise ValueError(f"relative_orientation: q_1_2_start has shape {q_1_2.shape}; give one quaternion w, x, y, z")
    known = np.flatnonzero(np.isfinite(one.q[:, 0]) & np.isfinite(two.q[:, 0]))
    if len(known) == 0:
        return 0.0
    k = int(known[0])
    turn = mul_array(mul_array(one.q[k], normalise_array(q_1_2)), conj_array(two.q[k]))
    return 2.0 * math.atan2(float(turn[3]), float(turn[0]))


def _headings(
    one: _Side, two: _Side, rate_hz: float, floor: float, start: float, sigma: float, arms: Floats | None
) -> tuple[Floats, Floats]:
    """(n,) heading and 1σ: the bands, and the hinge where there is one."""
    n, k = len(one.q), len(BANDS_HZ)
    joint, bands = initial(rate_hz, start, sigma, arms)
    heading, variance = np.zeros((n, k + 1)), np.full((n, k + 1), 1e6)
    of_bands, of_bands_var = np.zeros((n, k)), np.zeros((n, k))
    track.run(
        one.q, two.q, one.gyr, two.gyr, one.acc, two.acc, one.made | two.made, one.bridged + two.bridged,
        one.renewed | two.renewed, joint, bands, np.zeros(CHANNELS), *scratch(), of_bands, of_bands_var,
    )  # fmt: skip
    heading[:, :k], variance[:, :k] = of_bands, of_bands_var
    _hinge_source(one, two, rate_hz, floor, start, sigma, heading, variance)
    return fuse(heading, variance)


def _hinge_source(
    one: _Side, two: _Side, rate_hz: float, floor: float, start: float, sigma: float, heading: Floats, variance: Floats
) -> None:
    """Fill the last source, once a second from what was measured before."""
    n, hop, thin = len(one.q), max(1, round(HINGE_PERIOD_S * rate_hz)), max(1, round(rate_hz / hinge.HZ))
    usable = ~(one.made | two.made) & np.isfinite(one.q[:, 0]) & np.isfinite(two.q[:, 0])
    newest, newest_sigma = start, sigma
    passed = failed = against = 0
    held: tuple[float, float, int] | None = None
    for k in range(hop, n, hop):
        first = max(0, k - int(hinge.WINDOW_S * rate_hz)) // thin * thin
        renewed = np.flatnonzero(one.renewed[:k] | two.renewed[:k])
        if len(renewed) and renewed[-1] >= first:
            first = (int(renewed[-1]) // thin + 1) * thin
        rows = np.arange(first, k, thin)
        rows = rows[usable[rows]]
        found = None
        if len(rows):
            found = hinge.hinge_heading(one.q[rows], two.q[rows], one.gyr[rows], two.gyr[rows], (k - rows) / rate_hz)
        if found is not None:
            good = found.usable
            passed, failed = (passed + 1, 0) if good else (0, failed + 1)
            if failed >= hinge.DROPPED_AFTER:
                held = None
            if passed >= hinge.BELIEVED_AFTER:
                sense = found.same_sense
                if newest_sigma < math.pi / 4:
                    sense = 1 if math.cos(found.heading - newest) > 0.0 else -1
                if sense:
                    held = (found.heading + (0.0 if sense > 0 else math.pi), found.variance(floor), k)
        if held is not None:
            # the wrong one of two senses: believe the bands
            told, told_sigma = fuse(heading[k, :-1], variance[k, :-1])
            doubt = told_sigma < math.radians(10.0) and math.cos(held[0] - told) < 0.0
            against = against + 1 if doubt else 0
            if against >= FLIPPED_AFTER:
                held, against = (held[0] + math.pi, held[1], held[2]), 0
            end = min(k + hop, n)
            heading[k:end, -1] = held[0]
            variance[k:end, -1] = held[1] + (RATE_SIGMA * (np.arange(k, end) - held[2]) / rate_hz) ** 2
        both = fuse(heading[k], variance[k])
        newest, newest_sigma = float(both[0]), float(both[1])
