"""The kernels of `imu.kinematics` once more, in plain numpy and scipy, written from their description."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
DEG = np.pi / 180


def rotations(q: Array) -> Rotation:
    """w, x, y, z -> scipy."""
    return Rotation.from_quat(q, scalar_first=True)


def gravity_angles(q_earth_segment: Array) -> dict[str, Array]:
    """(n, 4) -> tilt, sagittal, roll, rad (n,) each."""
    u = rotations(q_earth_segment).as_matrix()[:, 2, :]  # up in the segment's frame
    return {
        "tilt": np.arctan2(np.hypot(u[:, 0], u[:, 2]), u[:, 1]),
        "sagittal": np.arctan2(u[:, 0], u[:, 1]),
        "roll": np.arcsin(np.clip(u[:, 2], -1, 1)),
    }


@dataclass
class Axis:
    """The flexion axis as it was when the person last stood: level direction in the filter's earth frame."""

    direction: Array
    age: int
    turned: float = 0.0


def frontal(q_earth_segment: Array, gyr: Array, dt: float, axis: Axis) -> tuple[Array, Array, Array]:
    """Sideways tilt of the long axis (n,), rad; standard deviation of the heading, rad; whether it is stale."""
    matrices = rotations(q_earth_segment).as_matrix()
    tilt = gravity_angles(q_earth_segment)["tilt"]
    value, spread, stale = np.empty(len(tilt)), np.empty(len(tilt)), np.zeros(len(tilt), bool)
    for k, m in enumerate(matrices):
        axis.age += 1
        level = np.sqrt(1.0 - m[2, 2] ** 2)
        z = m[:2, 2] / level
        if tilt[k] < 12 * DEG and np.linalg.norm(gyr[k]) < 0.6:
            axis.direction = z if axis.age * dt > 20.0 else axis.direction + dt / 0.5 * (z - axis.direction)
            axis.age = 0
        elif level > 0.7:
            apart = np.arctan2(axis.direction[0] * z[1] - axis.direction[1] * z[0], axis.direction @ z)
            if abs(apart) > 35 * DEG:
                axis.age = max(axis.age, int(20.0 / dt) + 1)
            if axis.age * dt > 20.0:
                axis.turned += dt / 2.0 * (apart**2 - axis.turned)
                axis.direction = axis.direction + dt / 2.0 * (z - axis.direction)
        axis.direction = axis.direction / np.linalg.norm(axis.direction)
        value[k] = np.arcsin(np.clip(m[:2, 1] @ axis.direction, -1, 1))
        spread[k] = 0.05 * DEG * min(axis.age * dt, 20.0)
        if axis.age * dt > 20.0:
            stale[k] = True
            spread[k] += 5 * DEG + np.sqrt(axis.turned)
        else:
            axis.turned = 0.0
    return value, spread, stale


def movement_sums(q: Array, gyr: Array, up: Array, a: Array, b: Array, dt: float) -> dict[str, Array]:
    """Sums over a movement: second moments of the rate and of the lean in the plane a, b; path; directed lean."""
    u = rotations(q).as_matrix()[:, 2, :]
    lean = np.stack([u @ a, u @ b], axis=1)
    gain = 1.0 - np.exp(-2 * np.pi * 6.0 * dt)
    rate = np.stack([gyr @ a, gyr @ b], axis=1)
    for _ in range(2):
        rate = lfilter([gain], [1.0, gain - 1.0], rate, axis=0)

    def moments(x: Array) -> Array:
        return np.array([x[:, 0] @ x[:, 0], x[:, 0] @ x[:, 1], x[:, 1] @ x[:, 1]]) * dt

    return {
        "rate": moments(rate),
        "spread": moments(lean),
        "path": np.array(np.linalg.norm(rate, axis=1).sum() * dt),
        "lean": (lean * np.linalg.norm(lean, axis=1)[:, None]).sum(axis=0) * dt,
        "tilt": np.array(np.arctan2(np.linalg.norm(lean[-1]), u[-1] @ up)),
    }


def principal_axis(rate_moments: Array, a: Array, b: Array) -> tuple[Array, float]:
    """Direction (up to its sign) and second over first principal value."""
    aa, ab, bb = rate_moments
    values, vectors = np.linalg.eigh(np.array([[aa, ab], [ab, bb]]))
    return vectors[0, 1] * a + vectors[1, 1] * b, float(values[0] / values[1])
