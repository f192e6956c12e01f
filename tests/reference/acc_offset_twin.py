"""The kernels behind the offset of an accelerometer and the check at rest once more, in plain numpy and scipy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from imu.conventions import G

Array = NDArray[np.float64]
DEG = np.pi / 180
GRAVITY, OFFSET, BIAS, VELOCITY = (slice(first, first + 3) for first in (0, 3, 6, 9))


def cross(v: Array) -> Array:
    """Matrix of the product with v from the left."""
    return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])


def update(x: Array, p: Array, h: Array, z: Array, variance: Array) -> tuple[Array, Array]:
    """All measurements of one node at once."""
    s = h @ p @ h.T + np.diag(variance)
    k = np.linalg.solve(s, h @ p).T
    return x + k @ (z - h @ x), p - k @ s @ k.T


def on_the_sphere(x: Array, p: Array) -> tuple[Array, Array]:
    """|g| = 9.81 +- 0.03, iterated."""
    y, h, s = x.copy(), np.zeros((1, 12)), np.eye(1)
    for _ in range(21):
        norm = np.linalg.norm(y[GRAVITY])
        h = np.zeros((1, 12))
        h[0, GRAVITY] = y[GRAVITY] / norm
        s = h @ p @ h.T + 0.03**2
        y = x + (p @ h.T / s @ (G - norm - h @ (x - y))).ravel()
    return y, p - p @ h.T @ h @ p / s


def offset(gyr: Array, acc: Array, rate_hz: float) -> tuple[Array, Array]:
    """State (12,) and covariance (12, 12) after all nodes of a recording without holes and shorter than 30 s."""
    n = max(1, round(0.1 * rate_hz))
    h = n / rate_hz
    alike = max(1.0, 0.3 / h)
    x, p = np.zeros(12), np.diag(np.repeat([20.0, 3.0, 2 * DEG, 1.0], 3) ** 2)
    turn = Rotation.identity()
    for node in range(len(gyr) // n):
        rows = slice(node * n, (node + 1) * n)
        m, force = np.zeros((3, 3)), np.zeros(3)
        for w, a in zip(gyr[rows], acc[rows], strict=True):
            turn = turn * Rotation.from_rotvec(w / rate_hz)
            m += turn.as_matrix() / rate_hz
            force += turn.apply(a) / rate_hz
        r, rate = turn.as_matrix(), np.linalg.norm(gyr[rows].mean(0) - x[BIAS])
        now = np.linalg.norm(gyr[node * n + n - 1] - x[BIAS])
        shake = np.sqrt(acc[max(0, node - 3) * n : (node + 1) * n].var(axis=0).sum())

        f = np.eye(12)
        f[GRAVITY, GRAVITY] += cross(m @ x[BIAS])
        f[GRAVITY, BIAS] = -cross(x[GRAVITY]) @ m
        f[VELOCITY, OFFSET], f[VELOCITY, GRAVITY] = -m, -h * np.eye(3)
        push = force - h * x[GRAVITY]
        x = np.concatenate(
            [
                x[GRAVITY] + np.cross(m @ x[BIAS], x[GRAVITY]),
                x[OFFSET],
                x[BIAS],
                x[VELOCITY] + push - m @ x[OFFSET],
            ]
        )
        frame = G**2 * ((0.1 * DEG) ** 2 * h + (0.01 * rate * h) ** 2)
        walk = [frame, 1e-6 * h, (0.01 * DEG) ** 2 * h, 0.02**2 * (h**2 + push @ push)]
        p = f @ p @ f.T + np.diag(np.repeat(walk, 3))

        look = np.zeros((9, 12))
        look[0:3, VELOCITY] = look[3:6, BIAS] = look[6:9, GRAVITY] = np.eye(3)
        look[6:9, OFFSET] = r
        z = np.concatenate([np.zeros(3), gyr[rows].mean(0), r @ acc[rows].mean(0)])
        sigma = [0.03 + 0.7 * now + 0.3 * shake, 0.5 * DEG + rate + 0.05 * shake, 0.3 + shake + 3.0 * rate]
        x, p = update(x, p, look, z, np.repeat(alike * np.square(sigma), 3))
    return x, p


def block_summary(values: Array) -> Array:
    """(n, 6) gyr and acc of one full block -> norm, mean rate, noise² per axis, spreads, bits of dead and noisy axes."""
    steps = np.diff(values, axis=0)
    noise2 = (steps**2).sum(axis=0) / (2 * (len(values) - 1))
    changes = (steps != 0).sum(axis=0)
    noisy = ((np.diff(steps, axis=0) ** 2).sum(axis=0) > 1.5 * (steps**2).sum(axis=0)) & (changes > 0.25 * len(values))
    mean, spread = values.mean(axis=0), values.var(axis=0)
    bits = 2.0 ** np.arange(6)
    return np.array(
        [
            np.linalg.norm(mean[3:]),
            *mean[:3],
            noise2[3:].mean(),
            noise2[:3].mean(),
            np.sqrt(spread[3:].sum()),
            np.sqrt(spread[:3].sum()),
            bits[changes == 0].sum(),
            bits[noisy].sum(),
        ],
        dtype=np.float64,
    )
