"""Several sensors of equal rate through VQF at once: eight lanes, one vector instruction."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from imu.fusion.coefficients import K, load
from imu.fusion.lanes import LANES, Lane, at, put
from imu.fusion.vqf import CORRECTIONS, QE, QI, STATE_SIZE, State, advance, common, general, unusable_row, usable_acc
from imu.kernels import inlined, kernel
from imu.packets import Floats

# Lanes carry their sample and their result along.
GYR_IN, ACC_IN, Q_OUT = STATE_SIZE, STATE_SIZE + 3, STATE_SIZE + 6
LANE_ROWS: Final = STATE_SIZE + 10


@inlined
def _gather(s: Floats, k: K, lane: Lane, gyr: Floats, acc: Floats) -> bool:
    """Put a sensor's sample into its lane; is the common variant of the filter good for it?"""
    gx, gy, gz, ax, ay, az = gyr[0], gyr[1], gyr[2], acc[0], acc[1], acc[2]
    put(s, GYR_IN, lane, LANES, gx)
    put(s, GYR_IN + 1, lane, LANES, gy)
    put(s, GYR_IN + 2, lane, LANES, gz)
    put(s, ACC_IN, lane, LANES, ax)
    put(s, ACC_IN + 1, lane, LANES, ay)
    put(s, ACC_IN + 2, lane, LANES, az)
    return usable_acc(ax, ay, az) and common(s, lane, LANES, k, gx, gy, gz)


@kernel
def _run_lanes(s: Floats, k: K, first: int, gyr: Floats, acc: Floats, out: Floats) -> None:
    """Sensors first .. first + 7 (or the last) side by side in s (LANE_ROWS * LANES,); lanes without one idle along."""
    sensors = min(gyr.shape[0] - first, LANES)
    lanes = np.uint64(LANES)
    for i in range(gyr.shape[1]):
        all_common = True
        for j in range(sensors):
            all_common &= _gather(s, k, np.uint64(j), gyr[first + j, i], acc[first + j, i])
        if all_common:
            for lane in range(lanes):
                q = advance(
                    s, lane, LANES, k, False,
                    at(s, GYR_IN, lane, LANES), at(s, GYR_IN + 1, lane, LANES), at(s, GYR_IN + 2, lane, LANES),
                    at(s, ACC_IN, lane, LANES), at(s, ACC_IN + 1, lane, LANES), at(s, ACC_IN + 2, lane, LANES), True,
                )  # fmt: skip
                put(s, Q_OUT, lane, LANES, q[0])
                put(s, Q_OUT + 1, lane, LANES, q[1])
                put(s, Q_OUT + 2, lane, LANES, q[2])
                put(s, Q_OUT + 3, lane, LANES, q[3])
            for j in range(sensors):
                for x in range(4):
                    out[first + j, i, x] = at(s, Q_OUT + x, np.uint64(j), LANES)
            continue
        for j in range(sensors):
            g, a, lane = gyr[first + j, i], acc[first + j, i], np.uint64(j)
            usable = usable_acc(a[0], a[1], a[2])
            q = general(s, lane, LANES, k, g[0], g[1], g[2], a[0], a[1], a[2], usable)
            known = at(s, CORRECTIONS, lane, LANES) > 0.0
            for x in range(4):
                out[first + j, i, x] = q[x] if known else math.nan


@kernel
def run_many(groups: Floats, c: Floats, gyr: Floats, acc: Floats, out: Floats) -> int:
    """Several sensors of equal rate: groups (G, LANE_ROWS * LANES) from `side_by_side`, gyr, acc (S, n, 3), out (S, n, 4).

    Returns the index, as if all rows were one after the other, of one that is no rate, as `vqf.run` does; -1 = all is well.
    """
    k = load(c)
    for j in range(gyr.shape[0]):
        bad = unusable_row(gyr[j], math.pi / k.ts)
        if bad >= 0:
            return j * gyr.shape[1] + bad
    for g in range(groups.shape[0]):
        _run_lanes(groups[g], k, g * LANES, gyr, acc, out)
    return -1


def side_by_side(states: State) -> Floats:
    """States (S, STATE_SIZE) in groups of LANES for `run_many`: (G, LANE_ROWS * LANES)."""
    n = len(states)
    groups = np.zeros((-(-n // LANES), LANE_ROWS, LANES))
    groups[:, (QI, QE), :] = 1.0  # lanes without a sensor: at rest, no number is ever NaN
    groups[:, ACC_IN + 2, :] = 1.0
    for j in range(n):
        groups[j // LANES, :STATE_SIZE, j % LANES] = states[j]
    return groups.reshape(len(groups), -1)


def one_by_one(groups: Floats, n_sensors: int) -> State:
    """The states (n_sensors, STATE_SIZE) in `groups`, copied."""
    lanes = groups.reshape(len(groups), LANE_ROWS, LANES)
    return np.stack([lanes[j // LANES, :STATE_SIZE, j % LANES] for j in range(n_sensors)])
