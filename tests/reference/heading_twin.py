"""The relative heading of one joint in plain numpy, matrix by matrix: slow, the twin of `imu.kinematics.heading`."""

from __future__ import annotations

import numpy as np
from reference.vqf_twin import matrix
from scipy.signal import butter, sosfilt

from imu.kinematics.heading import Params
from imu.packets import UNKNOWN, Quality


def cross(v: np.ndarray) -> np.ndarray:
    return np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])


class SensorTwin:
    """One sensor: its last five frames, and its features in both bands."""

    def __init__(self, rate_hz: float, p: Params) -> None:
        self.rate, self.p = rate_hz, p
        self.sos = [butter(2, band, "band", fs=rate_hz, output="sos") for band in p.bands_hz]
        self.frames: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.since, self.clean, self.hole, self.before, self.saturated = 0, 10**9, 0, np.zeros(3), False
        self.turn, self.restarted, self.doubt = 0.0, False, 0.0
        self.feature = [np.zeros(12), np.zeros(12)]

    def take(self, q: np.ndarray, gyr: np.ndarray, acc: np.ndarray, flags: int) -> None:
        self.doubt = 0.0
        if flags & UNKNOWN or not np.isfinite(np.concatenate([q, gyr, acc])).all():
            self.frames, self.since, self.clean, self.hole = [], 0, 10**9, 0
            self.restarted |= bool(flags & Quality.SETTLING)
            return
        made_up = Quality.FILLED | Quality.GAP
        dirty = flags & made_up == made_up or flags & (Quality.SATURATED_ACC | Quality.SATURATED_GYR)
        self.clean = 0 if dirty else self.clean + 1
        if flags & Quality.SATURATED_GYR and not self.saturated:
            self.doubt += np.radians(10) ** 2
        self.saturated = bool(flags & Quality.SATURATED_GYR)
        if flags & Quality.FILLED:
            self.hole += 1
        else:
            if self.hole:
                mean = (np.linalg.norm(gyr) + np.linalg.norm(self.before)) / 2
                length = (self.hole + 1) / self.rate
                change = np.sum((gyr - self.before) ** 2)
                self.doubt += self.p.hole_error**2 * length**3 * (change + mean**2) / 3
            self.hole, self.before = 0, gyr
        first = len(self.frames) == 4
        self.frames = [*self.frames[-4:], (q, gyr, acc)]
        if len(self.frames) < 5:
            return
        q, gyr, acc = self.frames[2]
        w = [f[1] for f in self.frames]
        alpha = (w[0] - 8 * w[1] + 8 * w[3] - w[4]) * self.rate / 12
        r = matrix(q)
        x = np.concatenate([r @ acc, (r @ (cross(alpha) + cross(gyr) @ cross(gyr))).ravel()])
        if first:
            self.start = x[:3].copy()
            self.state = [np.zeros((12, 2, 2)) for _ in self.sos]
        self.since += 1
        x[:3] -= self.start
        if self.clean >= 4:
            self.turn += (r @ gyr)[2] / self.rate
        for b, sos in enumerate(self.sos):
            for c in range(12):
                out, self.state[b][c] = sosfilt(sos, x[c : c + 1], zi=self.state[b][c])
                self.feature[b][c] = out[0]


def joint_acc(f: np.ndarray, arm: np.ndarray) -> np.ndarray:
    return f[:3] - f[3:].reshape(3, 3) @ arm


def rz(d: float) -> np.ndarray:
    return np.array([[np.cos(d), -np.sin(d), 0], [np.sin(d), np.cos(d), 0], [0, 0, 1]])


def wrapped(a: float) -> float:
    return (a + np.pi) % (2 * np.pi) - np.pi


class BandTwin:
    """State [heading, rate, scale, arm 1, arm 2] of one band, and its scout."""

    def __init__(self, p: Params, dt: float) -> None:
        self.p, self.dt = p, dt
        self.x, self.y, self.q = np.zeros(9), np.zeros(6), np.eye(6) * p.arm_sigma**2
        self.cov = np.diag([0, p.start_rate_sigma**2, 0, *[p.arm_sigma**2] * 6])
        self.noise, self.power = 4 * p.noise_floor**2, 0.0
        self.lose()

    def lose(self) -> None:
        rate2 = max(self.cov[1, 1], self.p.rate_sigma**2)
        self.cov[:3], self.cov[:, :3], self.x[:3] = 0, 0, 0
        self.cov[[0, 1, 2], [0, 1, 2]] = np.pi**2, rate2, self.p.scale_sigma**2
        self.searching, self.c, self.e, self.brisk, self.against = True, 0j, np.zeros(2), 0.0, 0.0

    def doubt(self, variance: float) -> None:
        self.cov[0, 0] += variance
        if not self.searching and self.cov[0, 0] > self.p.lost**2:
            self.lose()

    def told(self, delta: float, sigma: float) -> None:
        if self.searching or self.cov[0, 0] > self.p.start_sigma**2:
            self.x[:2], self.searching = (delta, 0), False
            self.cov[0, 0] = max(sigma, self.p.start_sigma) ** 2

    def predict(self, turn: float) -> None:
        p, f = self.p, np.eye(9)
        kept = np.exp(-self.dt / p.rate_memory_s)
        f[0, 1:3], f[1, 1] = (self.dt, turn), kept
        self.x = f @ self.x
        self.cov = f @ self.cov @ f.T
        self.cov[1, 1] += p.rate_sigma**2 * (1 - kept**2)
        self.cov[0, 0] = min(self.cov[0, 0] + p.walk**2 * self.dt, np.pi**2)
        self.cov[3:, 3:] += np.eye(6) * p.arm_walk**2 * self.dt
        self.q += np.eye(6) * p.arm_walk**2 * self.dt

    def correct(self, x, cov, h, e, variance):
        hph = h @ cov @ h
        r = self.p.correlation * variance * max(1.0, e * e / ((hph + variance) * self.p.gate**2))
        gain = cov @ h / (hph + r)
        return x + gain * e, cov - np.outer(gain, h @ cov)

    def residual(self, f1, f2):
        u, v = joint_acc(f1, self.x[3:6]), joint_acc(f2, self.x[6:])
        return u - rz(self.x[0]) @ v, u, v

    def learn(self, f1: np.ndarray, f2: np.ndarray) -> None:
        p = self.p
        e, u, v = self.residual(f1, f2)
        variance = max(self.noise, p.noise_floor**2) + p.motion_share**2 * (u @ u + v @ v) / 2
        share = self.dt / p.noise_memory_s
        self.power += share * ((u[:2] @ u[:2] + v[:2] @ v[:2]) / 2 - self.power)
        h = np.zeros((3, 9))
        turned = rz(self.x[0]) @ v
        h[0, 0], h[1, 0] = -turned[1], turned[0]
        h[:, 3:6], h[:, 6:] = f1[3:].reshape(3, 3), -rz(self.x[0]) @ f2[3:].reshape(3, 3)
        # level components along and across the distal acceleration, whatever way the earth frame faces
        basis = np.eye(3)
        if (size := np.hypot(*turned[:2])) > 1e-12:
            basis[:2, :2] = np.array([[turned[0], turned[1]], [-turned[1], turned[0]]]) / size
        e, h = basis @ e, basis @ h
        x0 = self.x.copy()
        for i in (2, 1, 0):
            if i == 2 or not self.searching:
                left = e[i] - h[i] @ (self.x - x0)
                self.x, self.cov = self.correct(self.x, self.cov, h[i], left, variance)
        self.scout(f1, f2, variance)
        e, _, _ = self.residual(f1, f2)
        left = e[2] ** 2 if self.searching else e @ e / 3
        self.noise += share * (min(left, 25 * self.noise) - self.noise)

    def scout(self, f1: np.ndarray, f2: np.ndarray, variance: float) -> None:
        p = self.p
        h = np.concatenate([f1[9:], -f2[9:]])
        self.y, self.q = self.correct(self.y, self.q, h, f1[2] - f2[2] - h @ self.y, variance)
        u, v = joint_acc(f1, self.y[:3]), joint_acc(f2, self.y[3:])
        kept = np.exp(-self.dt / p.scout_memory_s)
        self.c = kept * self.c + complex(*u[:2]) * np.conj(complex(*v[:2]))
        sizes = np.array([u[:2] @ u[:2], v[:2] @ v[:2]])
        self.e = kept * self.e + sizes
        self.brisk += self.dt * (sizes.min() > p.excited**2)
        coherent = abs(self.c) / np.sqrt(self.e[0] * self.e[1] + 1e-12) > p.coherence
        good = coherent and self.brisk > p.acquire_s and self.e[0] * (1 - kept) > p.excited**2
        found = np.angle(self.c)
        if not self.searching:
            off = abs(wrapped(found - self.x[0])) > max(p.jump, 4 * np.sqrt(self.cov[0, 0]))
            self.against = self.against + self.dt if good and off else 0.0
            good = self.against > p.jump_s
        if good:
            rate2 = max(self.cov[1, 1], p.rate_sigma**2)
            self.searching, self.against, self.x = False, 0.0, np.array([found, 0, 0, *self.y])
            self.cov = np.diag([p.acquired_sigma**2, rate2, p.scale_sigma**2, *[0.0] * 6])
            self.cov[3:, 3:] = self.q

    def variance(self) -> float:
        ratio = 2 * max(self.noise, self.p.least_noise**2) / max(self.power - self.noise, 1e-9)
        return min(np.pi**2, self.cov[0, 0] + self.p.systematic**2 * ratio)


class HeadingTwin:
    """One joint of two sensors. `poses` and `axes`: frame number -> what is told before it."""

    def __init__(self, rate_hz: float, floor: float, p: Params | None = None) -> None:
        self.p, self.rate, self.floor = p or Params(), rate_hz, floor
        self.step = max(1, round(rate_hz / self.p.update_hz))
        self.dt = self.step / rate_hz
        self.sensors = [SensorTwin(rate_hz, self.p) for _ in range(2)]
        self.bands = [BandTwin(self.p, self.dt) for _ in range(2)]
        self.variances = [np.pi**2, np.pi**2]
        self.still, self.pose, self.axes, self.turns = 0, None, None, []
        self.extra, self.fused, self.changed = 0.0, (np.nan, np.pi), False

    def set_pose(self, delta: float, sigma: float) -> None:
        self.pose, self.changed = [delta, sigma**2], True
        for k, b in enumerate(self.bands):
            before = b.searching or b.cov[0, 0] > self.p.start_sigma**2
            b.told(delta, sigma)
            if before:
                self.variances[k] = b.variance()

    def set_axes(self, z1: np.ndarray, z2: np.ndarray, sigma: float) -> None:
        self.axes, self.changed = (np.asarray(z1), np.asarray(z2), sigma), True

    def axes_heading(self) -> tuple[float, float] | None:
        """From all turns since the last restart, weighted by their age."""
        if self.axes is None or not self.turns:
            return None
        z1, z2, sigma = self.axes
        kept = np.exp(-self.dt / self.p.axes_memory_s)
        weights = kept ** np.arange(len(self.turns))[::-1]
        v1, v2 = np.array([a @ z1 for a, _ in self.turns]), np.array([b @ z2 for _, b in self.turns])
        mean = weights @ ((v1[:, 0] + 1j * v1[:, 1]) * (v2[:, 0] - 1j * v2[:, 1])) / weights.sum()
        if abs(mean) < self.p.axes_share:
            return None
        upright = weights @ (v1[:, 2] - v2[:, 2]) ** 2 / weights.sum()
        variance = self.floor**2 + (2 * sigma) ** 2 + upright
        return float(np.angle(mean)), variance / abs(mean) + self.extra

    def fuse(self) -> tuple[float, float]:
        found = [(b.x[0], v) for b, v in zip(self.bands, self.variances, strict=True) if not b.searching]
        found += [tuple(self.pose)] if self.pose else []
        axes = self.axes_heading()
        found += [axes] if axes else []
        if not found:
            return np.nan, np.pi
        d, v = np.array(found).T
        w = v**-2 / np.sum(v**-2)
        mean = w @ np.exp(1j * d)
        variance = w @ v + 2 * (1 - abs(mean))
        return (float(np.angle(mean)), float(np.sqrt(variance))) if variance < np.pi**2 else (np.nan, np.pi)

    def take(self, number: int, q: np.ndarray, gyr: np.ndarray, acc: np.ndarray, flags: np.ndarray) -> tuple[float, float]:
        p, (one, two) = self.p, self.sensors
        for s, *values in zip(self.sensors, q, gyr, acc, flags, strict=True):
            s.take(values[0], values[1], values[2], int(values[3]))
        if one.restarted or two.restarted:
            for b in self.bands:
                b.lose()
            self.variances = [np.pi**2, np.pi**2]
            self.pose, self.turns, self.extra, self.still, self.changed = None, [], 0.0, 0, True
        doubt = one.doubt + two.doubt
        if doubt > 0:
            for k, b in enumerate(self.bands):
                was = b.searching
                b.doubt(doubt)
                if b.searching and not was:
                    self.variances[k] = np.pi**2
            if self.pose:
                self.pose[1] += doubt
            self.extra += doubt
            self.changed = True
        known = min(len(one.frames), len(two.frames)) == 5
        fresh = min(one.clean, two.clean) >= 4
        if not known:
            self.still = 0
        elif fresh:
            slow = max(np.linalg.norm(s.frames[2][1]) for s in self.sensors) < p.still_rate
            self.still = self.still + 1 if slow else 0
        if number % self.step == 0:
            still_s = self.still / self.rate
            if still_s < p.still_s:
                for b in self.bands:
                    b.predict((one.turn + two.turn) / 2)
            elif still_s >= p.rest_s:
                for b in self.bands:
                    b.cov[1], b.cov[:, 1], b.x[1] = 0, 0, 0
                    b.cov[1, 1] = p.rate_sigma**2
            if self.pose:
                self.pose[1] = (np.sqrt(self.pose[1]) + p.pose_drift * self.dt) ** 2
            if known and fresh:
                self.turns.append((matrix(one.frames[2][0]), matrix(two.frames[2][0])))
                self.extra *= np.exp(-self.dt / p.axes_memory_s)
            if known:
                for k, b in enumerate(self.bands):
                    settled = min(one.since, two.since) > round(p.settle_s[k] * self.rate)
                    clean = min(one.clean, two.clean) >= 4 + round(p.dirty_s[k] * self.rate)
                    if still_s < p.still_s and settled and clean:
                        b.learn(one.feature[k], two.feature[k])
            self.variances = [b.variance() for b in self.bands]
            self.changed = True
            one.turn = two.turn = 0.0
        if self.changed:
            self.fused, self.changed = self.fuse(), False
        one.restarted = two.restarted = False
        return self.fused
