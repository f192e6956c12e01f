"""VQF-6D in plain numpy with matrices, as the paper writes it: slow, readable, the twin of `imu.fusion.vqf.step`."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, lfilter_zi

RAD = np.pi / 180.0


def product(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    w = p[0] * q[0] - p[1:] @ q[1:]
    return np.concatenate([[w], p[0] * q[1:] + q[0] * p[1:] + np.cross(p[1:], q[1:])])


def matrix(q: np.ndarray) -> np.ndarray:
    w, v = q[0], q[1:]
    cross = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + 2 * w * cross + 2 * cross @ cross


class LowPass:
    """Second-order Butterworth that returns the running mean for its first tau seconds."""

    def __init__(self, tau: float, ts: float) -> None:
        self.tau, self.ts = tau, ts
        self.b, self.a = butter(2, np.sqrt(2) / (2 * np.pi * tau), fs=1 / ts)
        self.seen: list[np.ndarray] | None = []
        self.zi = np.zeros(0)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        x = np.atleast_1d(np.asarray(x, float))
        if self.seen is not None:
            self.seen.append(x)
            mean = np.mean(self.seen, axis=0)
            if len(self.seen) * self.ts >= self.tau:
                self.seen = None
                self.zi = lfilter_zi(self.b, self.a).reshape((2,) + (1,) * x.ndim) * mean
            return mean
        y = self.b[0] * x + self.zi[0]
        self.zi[0] = self.b[1] * x - self.a[1] * y + self.zi[1]
        self.zi[1] = self.b[2] * x - self.a[2] * y
        return y

    def forget(self, n: int) -> None:
        """As if only n samples had been seen, with the mean that is held now."""
        if self.seen is None:
            mean = self.zi[0] / (1 - self.b[0])
        elif len(self.seen) > n:
            mean = np.mean(self.seen, axis=0)
        else:
            return
        if n * self.ts < self.tau:
            self.seen = [mean] * n


class Twin:
    """One sensor with default parameters."""

    def __init__(self, rate_hz: float) -> None:
        self.ts = ts = 1.0 / rate_hz
        self.inertial, self.earth = np.array([1.0, 0, 0, 0]), np.array([1.0, 0, 0, 0])
        self.bias, self.p = np.zeros(3), np.eye(3) * (0.5 * RAD) ** 2
        self.rest_t, self.resting = 0.0, False
        self.gyr_lp, self.acc_rest_lp = LowPass(0.5, ts), LowPass(0.5, ts)
        self.acc_lp, self.r_lp, self.b_lp = LowPass(3.0, ts), LowPass(3.0, ts), LowPass(3.0, ts)

    def doubt(self, error: float) -> None:
        """`error` rad may be wrong: memory of v / (g · error) balances it, v = 1.5 m/s."""
        n = int(np.ceil(1.5 / 9.80665 / error / self.ts))
        for channel in (self.acc_rest_lp, self.acc_lp, self.r_lp, self.b_lp):
            channel.forget(n)

    def step(self, gyr: np.ndarray, acc: np.ndarray | None) -> np.ndarray:
        mean_gyr = self.gyr_lp(gyr)
        if np.sum((gyr - mean_gyr) ** 2) >= (2 * RAD) ** 2 or np.any(np.abs(mean_gyr) > 2 * RAD):
            self.rest_t, self.resting = 0.0, False
        w = gyr - self.bias
        norm = np.linalg.norm(w)
        if norm > 0:
            half = norm * self.ts / 2
            self.inertial = product(self.inertial, np.concatenate([[np.cos(half)], np.sin(half) * w / norm]))
            self.inertial /= np.linalg.norm(self.inertial)
        if acc is not None:
            self.correct(acc, mean_gyr)
        return product(self.earth, self.inertial)

    def correct(self, acc: np.ndarray, mean_gyr: np.ndarray) -> None:
        if np.sum((acc - self.acc_rest_lp(acc)) ** 2) >= 0.25:
            self.rest_t, self.resting = 0.0, False
        else:
            self.rest_t += self.ts
            self.resting = self.resting or self.rest_t >= 1.5
        up = matrix(self.earth) @ self.acc_lp(matrix(self.inertial) @ acc)
        up /= np.linalg.norm(up)
        c = np.sqrt((up[2] + 1) / 2)
        self.earth = product(np.array([c, up[1] / (2 * c), -up[0] / (2 * c), 0]), self.earth)
        self.earth /= np.linalg.norm(self.earth)
        turn = matrix(product(self.earth, self.inertial))
        h = self.r_lp(turn)
        m = self.b_lp((turn @ self.bias)[:2])
        v = (0.1 * RAD) ** 2 * self.ts / 100.0
        for k in range(3):
            if self.p[k, k] < (0.5 * RAD) ** 2:
                self.p[k, k] += v
        if self.resting:
            s = (0.03 * RAD) ** 2
            e, h, noise = mean_gyr - self.bias, np.eye(3), np.eye(3) * (s * s / v + s)
        else:
            s = (0.1 * RAD) ** 2
            e = np.array([-up[1] / self.ts + m[0], up[0] / self.ts + m[1], 0.0]) - h @ self.bias
            noise = np.diag([1.0, 1.0, 1e4]) * (s * s / v + s)
        e = np.clip(e, -2 * RAD, 2 * RAD)
        gain = self.p @ h.T @ np.linalg.inv(noise + h @ self.p @ h.T)
        self.bias = np.clip(self.bias + gain @ e, -2 * RAD, 2 * RAD)
        self.p = self.p - gain @ h @ self.p
