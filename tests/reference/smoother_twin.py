"""The offline smoother in plain numpy and scipy, step by step: slow, the twin of `imu.fusion.smoother.smooth`."""

from __future__ import annotations

import numpy as np
from reference.vqf_twin import Twin, matrix, product
from scipy.signal import butter, lfilter, lfilter_zi

from imu.conventions import G


def passes(gyr: np.ndarray, acc: np.ndarray, use: np.ndarray, rate_hz: float) -> tuple[list, list, list]:
    """Bias, covariance and orientation after every row."""
    twin, bias, p, q = Twin(rate_hz), [], [], []
    for g, a, u in zip(gyr, acc, use, strict=True):
        q.append(twin.step(g, a if u else None))
        bias.append(twin.bias.copy())
        p.append(twin.p.copy())
    return bias, p, q


def both_ways(x: np.ndarray, rate_hz: float) -> np.ndarray:
    """Butterworth of 3 s forward and backward, over a signal that goes on as its mirror image."""
    n, m = len(x), int(np.ceil(3.0 * rate_hz))
    x = np.pad(x, ((10 * m, 10 * m), (0, 0)), mode="symmetric")
    coefficients = butter(2, np.sqrt(2) / (2 * np.pi * 3.0), fs=rate_hz)
    assert coefficients is not None
    b, a = coefficients[0], coefficients[1]
    for _ in range(2):
        x = lfilter(b, a, x, axis=0, zi=lfilter_zi(b, a)[:, None] * x[:m].mean(axis=0))[0][::-1]
    return x[10 * m : 10 * m + n]


def line(near: list[np.ndarray], of: np.ndarray) -> tuple[list[int], list[float]]:
    """Corners of the weight that is 1 at row `of` and 0 at the other row of `near`."""
    return [int(j[0]) for j in near], [float(j is of) for j in near]


def smoothed(
    gyr: np.ndarray, acc: np.ndarray, use: np.ndarray, rate_hz: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """q (n, 4), bias (n, 3) and its sigma (n,), with default parameters."""
    n, ts = len(gyr), 1.0 / rate_hz
    forward, p_forward, q_forward = passes(gyr, acc, use, rate_hz)
    seen_in_reverse = -np.concatenate([gyr[-1:], gyr[:0:-1]])
    backward, p_backward, _ = passes(seen_in_reverse, acc[::-1], use[::-1], rate_hz)
    bias, sigma = np.empty((n, 3)), np.empty(n)
    for k in range(n):
        one, two = np.linalg.inv(p_forward[k]), np.linalg.inv(p_backward[n - 1 - k])
        both = np.linalg.inv(one + two)
        bias[k] = both @ (one @ forward[k] - two @ backward[n - 1 - k])
        prior = np.eye(3) / np.radians(0.5) ** 2
        once = np.linalg.inv(one + two - prior)
        sigma[k] = min(np.sqrt(np.abs(once).sum(axis=1).max()), np.radians(0.5))

    inertial, turned = np.array([1.0, 0, 0, 0]), []
    for w in gyr - bias:
        norm = np.linalg.norm(w)
        axis = w / norm if norm > 0 else np.zeros(3)
        inertial = product(inertial, np.concatenate([[np.cos(norm * ts / 2)], np.sin(norm * ts / 2) * axis]))
        turned.append(inertial)
    up = np.array([matrix(q) @ a for q, a in zip(turned, acc, strict=True)])
    rows = np.arange(n)
    force = np.stack([np.interp(rows, rows[use], up[use, x]) for x in range(3)], axis=1)
    up = both_ways(force, rate_hz)
    keep = np.exp(-ts / 0.05)
    for _ in range(5):
        for k in rows[~use]:
            near = [j for j in (rows[use & (rows < k)][-1:], rows[use & (rows > k)][:1]) if len(j)]
            d = sum((force[j[0]] - up[j[0]]) * keep ** abs(k - j[0]) * np.interp(k, *line(near, j)) for j in near)
            force[k] = up[k] + d
        up = both_ways(force, rate_hz)

    earth, out = np.array([1.0, 0, 0, 0]), []
    for q, v in zip(turned, up, strict=True):
        v = matrix(earth) @ v
        v /= np.linalg.norm(v)
        half = np.array([1 + v[2], v[1], -v[0], 0])
        earth = product(half / np.linalg.norm(half), earth)
        out.append(product(earth, q))
    first = int(np.argmax(use))
    e = product(q_forward[first], out[first] * [1, -1, -1, -1])
    turn = np.array([e[0], 0, 0, e[3]]) / np.hypot(e[0], e[3])
    return np.array([product(turn, q) for q in out]), bias, sigma


def node_sums(
    gyr: np.ndarray, acc: np.ndarray, use: np.ndarray, bias: np.ndarray, scale: np.ndarray, start: np.ndarray,
    rate_hz: float, rows: int, count: int,
) -> np.ndarray:  # fmt: skip
    """What `imu.fusion.gyro_nodes.sum_nodes` writes: cumulated over all rows of a node by numpy."""
    rates = gyr * (1 - scale) - bias
    q, r = start, []
    for k, w in enumerate(rates):
        norm = np.linalg.norm(w) if k else 0.0
        axis = w / norm if norm > 0 else np.zeros(3)
        half = norm / rate_hz / 2
        q = product(q, np.concatenate([[np.cos(half)], np.sin(half) * axis]))
        r.append(matrix(q))
    r = np.array(r)
    arms = np.einsum("kij,kjm->kim", r, np.cross(rates[:, None, :], np.eye(3)[None]).transpose(0, 2, 1))[:, :2]
    out = [np.concatenate([np.zeros(56), arms[0].ravel(), [0.0]])]
    for node in range(count):
        i = slice(node * rows + 1, (node + 1) * rows + 1)
        tilt = np.stack([-r[i, 1], r[i, 0]], axis=1)  # (rows, 2, 3): about y towards -x, about x towards y
        turn = np.cumsum(tilt, axis=0) / rate_hz
        warp = np.cumsum((tilt[..., None] * gyr[i, None, None, :]).reshape(rows, 2, 9), axis=0) / rate_hz
        given = np.cumsum(np.einsum("kij,kj->ki", tilt, bias[i]), axis=0) / rate_hz
        force = np.einsum("kij,kj->ki", r[i], np.where(use[i, None], acc[i], 0.0)).sum(axis=0)[:2] / rate_hz
        falling = np.cross(np.einsum("kij,kj->ki", r[i], rates[i]), [0.0, 0.0, G]).sum(axis=0)[:2] / rate_hz
        sums = [x for c in (turn, warp, given) for x in (c[-1].ravel(), c.sum(axis=0).ravel() / rate_hz)]
        out.append(np.concatenate([*sums, force, falling, arms[(node + 1) * rows].ravel(), [np.sum(~use[i])]]))
    return np.array(out)
