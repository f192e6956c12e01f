"""The clock model once more, in plain numpy and without thought for speed: what the kernels must agree with."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from imu.clock import layout as c
from imu.packets import ClockMark

Line = tuple[float, float, float]
"""Offset at an instant, rate, variance of the offset."""


def hidden_room(delays: np.ndarray, steps: np.ndarray, period_us: float) -> float:
    """How wide the range of the hidden phase is; histograms in cells of `CELL_US`."""
    bounds = [period_us]
    frequent = np.flatnonzero(steps > c.RARE_SHARE * steps.sum())
    if len(frequent):
        clusters = np.split(frequent, np.flatnonzero(np.diff(frequent) > c.APART_CELLS) + 1)
        clusters = [k for k in clusters if steps[k].sum() >= c.COMMON_SHARE * steps.sum()]
        centres = np.array([0.0] + [np.average(k, weights=steps[k]) for k in clusters])
        apart = np.diff(centres)
        bounds += (apart[apart >= c.APART_CELLS] * c.CELL_US).tolist()
    end = min(int(min(bounds) / c.CELL_US + 0.5), c.CELLS)
    occurs = delays >= max(1.5, c.RARE_SHARE * delays.sum())
    occurs[0] = True
    edges = np.append(np.flatnonzero(occurs[:end]), end) if end > 0 else np.array([0, 0])
    widest = max(1, int(np.diff(edges).max()))
    if widest > 2:
        run = int(np.argmin(np.append(occurs[:end], False))) - 1
        widest += min(run, 4)
    return widest * c.CELL_US


def line_through(times: np.ndarray, offsets: np.ndarray, t: float, rate: float) -> Line:
    """Reweighted least squares with a prior of the rate."""
    x = times - times.mean()
    a, b = float(np.sort(offsets - rate * x)[(len(x) - 1) // 2]), rate
    covariance = np.zeros((2, 2))
    for _ in range(5):
        r = np.abs(offsets - a - b * x)
        scale = max(c.SENT_FLOOR_US, 1.25 * float(np.average(r, weights=1.0 / (1.0 + (r / 1000.0) ** 2))))
        w = 1.0 / (1.0 + (r / (3.0 * scale)) ** 2) ** 2 / scale**2
        information = np.array([[w.sum(), (w * x).sum()], [(w * x).sum(), (w * x * x).sum() + 1.0 / c.SKEW_PRIOR**2]])
        b = float(np.linalg.solve(information, [(w * offsets).sum(), (w * x * offsets).sum()])[1])
        b = float(np.clip(b, -c.DEVICE_SKEW, c.DEVICE_SKEW))
        a = float(np.average(offsets - b * x, weights=w))
        covariance = np.linalg.inv(information)
    at = np.array([1.0, t - float(times.mean())])
    return a + b * at[1], b, float(at @ covariance @ at)


def line_between(
    bins: np.ndarray, t: float, gap: float, skew_limit: float, prior: float, rate: float, patience: int
) -> tuple[float, float, float, float]:
    """Centre and spread of all lines that the bounds leave room for, on a fine grid of rates; and what gave way."""
    time, up = bins[:, c.UP_T], bins[:, c.UP_D]
    floors = np.empty(len(bins))
    for k in range(len(bins)):
        j = slice(max(0, k - patience), k + patience + 1)
        near = np.abs(time[j] - time[k]) <= (patience + 1.0) * c.SECOND
        floors[k] = np.min((up[j] - rate * (time[j] - time[k]))[near]) - gap - c.NOISE_US - bins[k, c.SLACK]
    pinged = bins[:, c.DOWN_D] > -np.inf
    low_t = np.append(time, bins[pinged, c.DOWN_T])
    low_d = np.append(floors, bins[pinged, c.DOWN_D])

    def room(b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low = np.max(low_d + b[:, None] * (t - low_t), axis=1)
        return low, np.min(up + b[:, None] * (t - time), axis=1)

    left, right, width = -skew_limit, skew_limit, 0.0
    for _ in range(12):  # a concave function: the best of a grid, then a finer grid around it
        grid = np.linspace(left, right, 41)
        low, high = room(grid)
        best = int(np.argmax(high - low))
        left, right, width = grid[max(0, best - 1)], grid[min(40, best + 1)], float((high - low)[best])
    give = max(0.0, c.NOISE_US - width)
    grid = np.linspace(-skew_limit, skew_limit, 4001)
    for _ in range(4):  # narrow it down to where there is room
        low, high = room(grid)
        inside = np.flatnonzero(high - low + give >= 0.0)
        if len(inside) == 0:
            grid = np.linspace(left, right, 4001)
            continue
        grid = np.linspace(grid[max(0, inside[0] - 1)], grid[min(4000, inside[-1] + 1)], 4001)
    low, high = room(grid)
    low = low - give
    width = np.clip(high - low, 0.0, None)
    w = width * np.exp(-0.5 * (grid / prior) ** 2)
    middle = float(np.average(0.5 * (high + low), weights=w))
    spread = np.average((0.5 * (high + low) - middle) ** 2 + width**2 / 12.0, weights=w)
    return middle, float(np.average(grid, weights=w)), float(spread), give


@dataclass
class ClockTwin:
    """One epoch with marks from its first row on, in the order in which `DeviceClock` gets them."""

    counted: bool = False
    base: int | None = None
    first: int = 0
    last: int = 0
    out: int = -(2**62)
    applied: float = 0.0
    line: tuple[float, float, float] | None = None
    """Instant, offset there, rate."""
    sigma: float = np.nan
    gap: float = np.nan
    stamped: bool = False
    second: int = -1
    smallest: float = np.inf
    held: list[tuple[float, float]] = field(default_factory=list)
    """(time, offset) in the running second."""
    lower: tuple[float, float] = (0.0, -np.inf)
    bins: np.ndarray = field(default_factory=lambda: np.zeros((0, c.BIN_COLUMNS)))
    histograms: np.ndarray = field(default_factory=lambda: np.zeros((2, c.CELLS)))
    period: float = 0.0
    t_mark: float = -np.inf
    t_sent: float = 0.0
    arrived: float = 0.0

    @property
    def rate(self) -> float:
        return self.line[2] if self.line else 0.0

    def forget(self) -> None:
        self.second, self.line, self.smallest, self.lower = -1, None, np.inf, (self.lower[0], -np.inf)
        self.held, self.bins = [], np.zeros((0, c.BIN_COLUMNS))
        self.histograms = np.zeros((2, c.CELLS))

    def observe(self, m: ClockMark) -> None:
        assert self.base is not None
        t = float(m.t_device_us - self.first)
        host = m.t_host_ns / 1000.0
        d = host - m.t_device_us - self.base
        if m.asked and not m.sent:
            if d > self.lower[1]:
                self.lower = t, d
            return
        if m.asked:
            if self.stamped or self.second < 0:
                return
        elif not m.sent:
            if self.stamped:
                if t - self.t_sent < c.STAMPS_GONE_US:
                    return
                self.stamped, self.t_mark = False, -np.inf
                self.forget()
            since = t - self.t_mark
            if since > 0.0:
                if self.period > 0.0:
                    self.period += (min(since, 2.0 * self.period) - self.period) / 64.0
                elif since < 1e6:
                    self.period = since
            self.t_mark = t
            cell = int((host - self.arrived) / c.CELL_US + 0.5)
            if 0 <= cell < c.CELLS:
                self.histograms[c.STEPS, cell] += 1.0
            self.arrived = host
        else:
            if not self.stamped:
                self.stamped = True
                self.forget()
            self.t_sent = t
        second = (m.t_device_us - self.first) // c.SECOND
        if second > self.second:
            if self.second >= 0:
                self.finish(float(second * c.SECOND))
            self.second, self.held, self.lower = second, [], (self.lower[0], -np.inf)
        if len(self.held) < c.HELD:
            self.held.append((t, d))
        self.smallest = min(self.smallest, d)

    def finish(self, t: float) -> None:
        times, offsets = np.array(self.held).T
        start = float(self.second * c.SECOND)
        level = offsets - self.rate * (times - start)
        if self.stamped:
            row = start, float(np.sort(level)[len(level) // 4])
        else:
            k = int(np.argmin(level))
            row = float(times[k]), float(offsets[k])
            self.histograms *= 1.0 - 1.0 / 60.0
            cells = ((level - level[k]) / c.CELL_US).astype(int)
            np.add.at(self.histograms[c.DELAYS], cells[cells < c.CELLS], 1.0)
            if self.line is not None and not self.counted:
                early = self.line[1] + self.line[2] * (row[0] - self.line[0]) - row[1]
                if early > self.gap + c.JUMP_US + 3.0 * self.sigma:
                    self.bins = self.bins[:0]
        slack = c.LEARNING_SLACK_US / (1 + self.second) if self.counted and self.second < c.LEARNING_S else 0.0
        self.bins = np.vstack((self.bins, [*row, *self.lower, slack]))[-(c.SENT_BINS if self.stamped else c.BINS) :]
        if self.stamped and len(self.bins) >= 6 and self.line is not None:
            r = self.bins[-3:, c.UP_D] - self.line[1] - self.line[2] * (self.bins[-3:, c.UP_T] - self.line[0])
            if (r > c.JUMP_US).all() or (r < -c.JUMP_US).all():
                self.bins = self.bins[-3:]
        if self.stamped:
            a, b, variance = line_through(self.bins[:, c.UP_T], self.bins[:, c.UP_D], t, self.rate)
            self.sigma, self.gap = float(np.hypot(np.sqrt(variance), c.SENT_FLOOR_US)), 0.0
        else:
            self.gap = hidden_room(self.histograms[c.DELAYS], self.histograms[c.STEPS], self.period)
            likely = (c.ARRIVAL_SKEW, c.ARRIVAL_SKEW) if self.counted else (c.DEVICE_SKEW, c.SKEW_PRIOR)
            patience = c.IMPATIENCE if self.counted else c.PATIENCE
            while True:
                a, b, variance, give = line_between(self.bins, t, self.gap, *likely, self.rate, patience)
                if not self.counted or give < self.period or len(self.bins) <= 4:
                    break
                self.bins = self.bins[len(self.bins) // 2 :]
            self.sigma = float(np.hypot(c.LASTING * np.sqrt(variance), c.FLOOR_US))
        self.line = t, a, b

    def map(self, t_us: np.ndarray, marks: tuple[ClockMark, ...]) -> np.ndarray:
        """Session time of all rows."""
        of: dict[int, list[ClockMark]] = {}
        for m in marks:
            of.setdefault(m.position, []).append(m)
        out = np.empty(len(t_us), np.int64)
        for k, t in enumerate(t_us.tolist()):
            here = of.get(k, [])
            if self.base is None:
                m = next(m for m in here if not m.asked)
                self.base, self.first, self.last = int(np.floor(m.t_host_ns / 1000.0)) - m.t_device_us, t, t
            for m in here:
                self.observe(m)
            out[k] = self.row(t)
        return out

    def row(self, t_us: int) -> int:
        assert self.base is not None
        dt, t = t_us - self.last, float(t_us - self.first)
        target = self.applied
        if self.line is not None:
            target = self.line[1] + self.line[2] * (t - self.line[0])
        elif self.smallest < np.inf:
            target = self.smallest
        if t <= c.FREE_US:
            self.applied = target
        else:
            limit = (c.ARRIVAL_SLEW if self.counted else c.DEVICE_SLEW) * dt
            self.applied += float(np.clip(target - self.applied, -limit, limit))
        out = max(t_us + self.base + int(np.floor(self.applied + 0.5)), self.out + max(1, (dt + 1) // 2))
        self.last, self.out = t_us, out
        return out
