"""One band of the heading filter in matrices, for comparison with `imu.kinematics.heading.band_filter`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
WALK, ARM_WALK, RATE_SIGMA, RATE_TAU = np.radians(0.1), 5e-4, np.radians(0.1), 100.0


class BandTwin:
    """State [heading, rate, arm 1 (3), arm 2 (3)]; the heading is known from the start and no scout interferes."""

    def __init__(self, heading: float, sigma: float) -> None:
        self.x = np.zeros(8)
        self.x[0] = heading
        self.P = np.diag([sigma**2, RATE_SIGMA**2] + [0.15**2] * 6)
        self.s2, self.signal = 0.01, 0.0

    def predict(self, dt: float) -> None:
        phi = np.exp(-dt / RATE_TAU)
        turn = np.eye(8)
        turn[0, 1], turn[1, 1] = dt, phi
        self.x = turn @ self.x
        noise = np.diag([WALK**2 * dt, RATE_SIGMA**2 * (1 - phi**2)] + [ARM_WALK**2 * dt] * 6)
        self.P = turn @ self.P @ turn.T + noise

    def accelerations(self, out: Array) -> tuple[Array, Array]:
        a1, b1, a2, b2 = out[:3], out[3:12].reshape(3, 3), out[12:15], out[15:24].reshape(3, 3)
        return a1 - b1 @ self.x[2:5], a2 - b2 @ self.x[5:8]

    def turned(self) -> Array:
        c, s = np.cos(self.x[0]), np.sin(self.x[0])
        return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])

    def step(self, out: Array, dt: float) -> None:
        j1, j2 = self.accelerations(out)
        level = j1[:2] @ j1[:2] + j2[:2] @ j2[:2]
        noise = max(self.s2, 0.05**2) + 0.1**2 * 0.5 * (j1 @ j1 + j2 @ j2)
        self.signal += dt / 10.0 * (0.5 * level - self.signal)
        rz = self.turned()
        change = np.array([[-rz[1, 0], -rz[0, 0], 0.0], [rz[0, 0], -rz[1, 0], 0.0], [0.0, 0.0, 0.0]])
        e = j1 - rz @ j2
        h = np.hstack([(change @ j2)[:, None], np.zeros((3, 1)), out[3:12].reshape(3, 3), -rz @ out[15:24].reshape(3, 3)])
        x0 = self.x.copy()
        for i in (2, 1, 0):
            residual = e[i] - h[i] @ (self.x - x0)
            spread = h[i] @ self.P @ h[i]
            over = residual**2 / (spread + noise)
            gain = self.P @ h[i] / (spread + 4.0 * noise * max(1.0, over / 9.0))
            self.x = self.x + gain * residual
            self.P = self.P - np.outer(gain, h[i] @ self.P)
        j1, j2 = self.accelerations(out)
        rest = np.mean((j1 - self.turned() @ j2) ** 2)
        self.s2 += dt / 10.0 * (min(rest, 25.0 * self.s2) - self.s2)
