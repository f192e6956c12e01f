"""The gait kernels once more, as plain as they can be: lists and numpy, one leg, one frame after the other, 100 Hz.

Nothing is shared with the kernels but the numbers in them. A frame is a dictionary; the whole history is kept.
"""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from imu.kinematics.gait import foot, foot_frames, frames, shank, shank_frames, shock
from imu.kinematics.gait.events import (
    BOTH_SHARE,
    BOTH_US,
    HOLE_SHARE,
    LEARN_STRIDE,
    NEAR_HOLE_US,
    SAME_US,
    STANCE_US,
    STRIDE_US,
    SURE,
    WALKING_US,
)

Array = NDArray[np.float64]
PERIOD = 10_000
DT = 0.01
LONG_AGO = -(1 << 60)
TAPS = np.array([1, 4, 6, 4, 1]) / 16


class Axis:
    """Principal axis of the rate square to up."""

    def __init__(self) -> None:
        self.up, self.acc, self.axis, self.c = None, None, None, np.zeros((3, 3))
        self.energy, self.count, self.drive, self.size, self.sign = 0.0, 0, 0.0, 0.0, 0.0
        self.lobe, self.lobes = 0.0, 0

    def gravity(self, acc: Array, share: float) -> None:
        self.acc = acc.copy() if self.acc is None else self.acc + share * (acc - self.acc)
        self.up = self.acc / np.linalg.norm(self.acc)

    def learn(self, gyr: Array) -> None:
        w = gyr - (gyr @ self.up) * self.up
        if w @ w < 1.0:
            return
        keep = 1.0 - DT / 15.0
        self.energy = self.energy * keep + w @ w * DT
        self.c = self.c * keep + np.outer(w, w) * DT
        self.count += 1
        if self.axis is None or self.count % 5 == 0:
            p = np.eye(3) - np.outer(self.up, self.up)
            v = np.linalg.eigh(p @ self.c @ p)[1][:, 2]
            self.axis = -v if self.axis is not None and v @ self.axis < 0.0 else v


class LegTwin:
    """One leg; `other` is asked for its newest events as they were before the frame."""

    def __init__(self, source: str) -> None:
        self.source, self.a, self.b = source, Axis(), Axis()
        self.other: LegTwin | None = None
        self.events: list[tuple[str, int, int, float, str]] = []
        self.rows: list[SimpleNamespace] = []
        self.raw: list[tuple[Array, Array, bool, Array]] = []
        self.hole, self.t_told, self.mute = 0, LONG_AGO, LONG_AGO
        self.usual, self.last_peak, self.lag = 3.0, 0.0, 15_000.0
        self.stride, self.usual_shock, self.behind = 1_100_000.0, shock.USUAL_START, shock.BEHIND_START_US
        self.rest = self.soft = 0
        self.strap: SimpleNamespace | None = None
        self.begin()
        self.seen = SimpleNamespace(off=LONG_AGO, contact=LONG_AGO, sure=LONG_AGO)

    def begin(self) -> None:
        self.state = "waiting" if self.source == "foot" else "stance"
        self.settled, self.t_contact, self.pending, self.held, self.zero = 0, LONG_AGO, False, False, 0.0
        self.last_off = self.last_contact = self.last_sure = LONG_AGO
        self.kept, self.by_rate = None, None

    def interrupt(self, now: int) -> None:
        if now - self.t_told < frames.ASLEEP_US:
            self.events.append(("gait_interrupted", now, now, 1.0, ""))
        self.rows, self.raw, self.rest, self.soft, self.strap = [], [], 0, 0, None
        self.begin()

    def tell(self, kind: str, t: float, confidence: float, method: str) -> None:
        t = int(t)
        if t <= self.mute + SAME_US:
            return
        if any(r.filled and abs(r.t - t) <= NEAR_HOLE_US for r in self.rows):
            confidence *= HOLE_SHARE
        if kind == "foot_off" and self.seen.off > self.seen.contact and t - self.seen.off > BOTH_US:
            confidence *= BOTH_SHARE
        self.events.append((kind, t, self.now, confidence, method))
        if kind != "initial_contact_predicted":
            self.t_told = max(self.t_told, t)
        if kind == "foot_off":
            self.last_off = t
        elif kind == "initial_contact":
            if STRIDE_US[0] < t - self.last_contact < STRIDE_US[1]:
                self.stride += LEARN_STRIDE * (t - self.last_contact - self.stride)
            self.last_contact = t
            if confidence > SURE:
                self.last_sure = t

    def frame(self, now: int, gyr: Array, acc: Array, made_up: bool, thigh: tuple[Array, Array] | None) -> None:
        self.now = now
        self.hole = self.hole + PERIOD if made_up else 0
        known = not np.isnan(gyr[0] + acc[0])
        if not known or self.hole > frames.HOLE_US:
            if self.raw:
                self.interrupt(now)
            return
        self.raw = [*self.raw[-4:], (gyr, acc, made_up, thigh[0] if thigh else np.full(3, np.nan))]
        if len(self.raw) < 5:
            return
        g, f, h = (sum(k * r[i] for k, r in zip(TAPS, self.raw, strict=True)) for i in (0, 1, 3))
        row = SimpleNamespace(t=now - 2 * PERIOD, g=g, f=f, filled=self.raw[2][2], h=h, m=0.0, w=np.nan, v=np.zeros(3))
        row.size = float(np.linalg.norm(g))
        row.jerk = float(np.linalg.norm(f - self.rows[-2].f)) / 0.02 if len(self.rows) >= 2 else 0.0
        self.rows.append(row)
        if thigh is not None and not np.isnan(thigh[1][0] + h[0]):
            self.b.gravity(thigh[1], DT / 2.0)
            self.b.learn(h)
        (self.foot if self.source == "foot" else self.shank)(row)

    # ---- foot
    def foot(self, row: SimpleNamespace) -> None:
        a = self.a
        level = abs(row.f @ row.f - foot.G2) < foot.REST_ACC
        self.rest = self.rest + PERIOD if row.size < foot.RESTING and level else 0
        self.soft = self.soft + PERIOD if row.size < foot_frames.SOFT and level else 0
        if self.rest >= foot.REST_US or self.soft >= foot_frames.SOFT_US:
            if self.strap is not None and 0 < self.strap.age < foot_frames.SPEED_GOOD_US:
                turned = self.strap.turn.T @ self.strap.g
                a.acc = turned if turned @ row.f > a.acc @ row.f else a.acc
            a.gravity(row.f, DT / 0.2)
            self.strap = SimpleNamespace(turn=np.eye(3), g=a.acc.copy(), v=np.zeros(3), age=0)
        elif a.up is None:
            a.gravity(row.f, 1.0)
        else:
            a.learn(row.g)
            if self.strap is not None:
                self.integrate(self.strap, row)
        row.v = self.strap.v.copy() if self.strap else row.v
        if a.axis is None:
            return
        age = self.strap.age if self.strap else -1
        ahead = np.cross(a.up, a.axis)
        a.drive *= 1.0 - DT / 33.0
        if 0 <= age < 1_500_000:
            a.drive += row.v @ ahead * DT
        first = a.sign == 0.0 and a.energy > 1.0 and abs(a.drive) > 0.12
        if first or (a.sign * a.drive < 0.0 and abs(a.drive) > 0.05):
            rows = self.rows[-300:]
            a.drive = sum(r.v @ ahead for r in rows) * DT
            self.again(rows, lambda: self.step_foot(0))
        elif a.sign != 0.0:
            row.m = row.g @ a.axis * a.sign
            self.step_foot(age)

    def integrate(self, s: SimpleNamespace, row: SimpleNamespace) -> None:
        x, y, z = row.g * DT
        turn = s.turn @ np.array([[1.0, -z, y], [z, 1.0, -x], [-y, x, 1.0]])
        one = turn[:, 0] / np.linalg.norm(turn[:, 0])
        two = turn[:, 1] - (one @ turn[:, 1]) * one
        two /= np.linalg.norm(two)
        s.turn = np.stack([one, two, np.cross(one, two)], axis=1)
        s.v = s.v + (s.turn @ row.f - s.g) * DT
        s.age += PERIOD

    def again(self, rows: list[SimpleNamespace], step) -> None:
        a = self.a
        a.sign = 1.0 if a.drive > 0.0 else -1.0
        self.begin()
        self.mute = self.t_told
        whole = self.rows
        before = len(whole) - len(rows)
        self.floor = before
        for i, r in enumerate(rows):
            self.rows = whole[before : before + i + 1]
            r.m = r.g @ a.axis * a.sign
            r.w = self.thigh_rate(r)
            step()
        self.rows = whole

    def step_foot(self, age: int) -> None:
        row = self.rows[-1]
        t, m = row.t, row.m
        last = self.rows[-2].m if len(self.rows) > 1 else m
        level = abs(row.f @ row.f - foot.G2) < foot.REST_ACC
        self.settled = self.settled + PERIOD if row.size < foot.RESTING and level else 0
        if self.by_rate is not None:
            self.feel(row)
            if t - self.zero >= shock.OVER_US:
                self.usual_shock += shock.LEARN * (self.shock - self.usual_shock)
                if self.shock > self.enough():
                    self.behind += shock.LEARN * (self.t_shock - self.zero - self.by_rate - self.behind)
                self.by_rate = None
        if self.state == "waiting":
            calm = self.t_contact > LONG_AGO and t - self.t_contact > foot.AGAIN_US and m > -foot.PUSH
            if 2 * self.settled >= foot.REST_US or calm:
                self.state = "stance"
        elif self.state == "stance":
            if m < -foot.PUSH:
                self.state, self.peak, self.t_peak = "pushing", m, t
        elif self.state == "pushing":
            if m < self.peak:
                self.peak, self.t_peak = m, t
            if self.settled >= foot.REST_US:
                self.state = "stance"
            elif m > foot.LIFTED:
                self.state = "stance"
                slow = float(np.clip((self.stride - foot.SLOW_US[0]) / (foot.SLOW_US[1] - foot.SLOW_US[0]), 0.0, 1.0))
                self.t_off = self.crossing(self.t_peak, (foot.OFF_SHARE + slow * foot.SLOW_SHARE) * self.peak)
                self.t_off -= foot.OFF_EARLIER_US + int(slow * foot.SLOW_EARLIER_US)
                self.t_push = self.t_off
                if self.calm(-foot.CALM * self.peak) < foot.CALM_SHARE:
                    return
                self.state, self.pending, self.predicted = "swing", True, False
                self.turned, self.fast, self.zero = 0.0, 0.0, 0.0
        else:
            self.foot_swings(t, m, last, age)
            return
        if self.settled == foot.REST_US:
            motion = self.motion()
            if motion and max(motion[1]) > foot.DISPLACED:
                self.displaced(*motion)

    def foot_swings(self, t: int, m: float, last: float, age: int) -> None:
        row = self.rows[-1]
        speed = float(np.linalg.norm(row.v))
        if t - self.t_off > foot.LONGEST_US:
            self.landed(t)
            return
        self.fast = max(self.fast, speed)
        self.turned += m * DT
        if self.pending and self.turned > foot.TURNED:
            self.tell("foot_off", self.t_off, 0.9, "push-off")
            self.pending = False
        if last > 0.0 >= m:
            self.zero, self.low, self.t_low = t - PERIOD * -m / (last - m), 0.0, t
            self.shock, self.t_shock = 0.0, t
            for r in reversed([r for r in self.rows if r.t >= t - shock.BEFORE_US]):
                self.feel(r)
        if self.zero and m > foot.SWINGS_ON:
            self.zero = 0.0
        if self.zero and m < self.low:
            self.low, self.t_low = m, t
        may = t - self.t_off > foot.SHORTEST_US and not self.pending
        slow = speed < foot.SLOWED * self.fast or age > foot.SPEED_GOOD_US or age < 0
        if self.zero and may and slow:
            if not self.predicted:
                self.tell("initial_contact_predicted", self.zero + self.lag, 0.5, "reversal")
                self.predicted = True
            since = t - self.zero
            late = since > foot.WAIT_SHOCK_US
            lowered = self.low < foot.LOWERED and since > foot.SOONEST_SHOCK_US
            if self.shock < self.enough() <= row.jerk and lowered:
                self.tell("initial_contact", t, 0.9, "shock")
                self.landed(t)
                return
            self.feel(row)
            passed = m > self.low or since > foot.WAIT_LOW_US
            shocked = self.shock >= self.enough()
            if passed and ((shocked and self.low < foot.LOWERED) or (not shocked and late and self.low < foot.LANDED)):
                self.by_rate = min(foot.LAG_SHARE * (self.t_low - self.zero), foot.LATEST_US)
                lag = self.by_rate + self.behind
                self.tell("initial_contact", min(int(self.zero + lag), self.now), 0.6 if late else 0.9, "reversal")
                self.lag += foot.LEARN * (lag - self.lag)
                self.landed(t)
                return
        if self.settled >= foot.REST_US:
            motion = self.motion()
            if may and motion:
                self.tell("initial_contact", self.fall(*motion), 0.5, "flat landing")
            elif motion and max(motion[1]) > foot.DISPLACED:
                self.displaced(*motion)
            self.landed(t)
            self.state = "stance"

    def enough(self) -> float:
        return min(shock.SHOCK, shock.SHARE * self.usual_shock)

    def feel(self, row: SimpleNamespace) -> None:
        if row.jerk > self.shock:
            self.shock, self.t_shock = row.jerk, row.t - 10_000

    def landed(self, t: int) -> None:
        self.state, self.t_contact, self.pending = "waiting", t, False

    def motion(self) -> tuple[list[SimpleNamespace], list[float]] | None:
        rows = self.rows[-256:]
        while rows and not rows[-1].v.any():
            rows = rows[:-1]
        start = max([i + 1 for i, r in enumerate(rows) if not r.v.any()], default=0)
        rows = rows[start:]
        if len(rows) < 2 or rows[-1].t - rows[0].t < foot.SHORTEST_MOTION_US:
            return None
        n, end = len(rows), rows[-1].v
        return rows, [float(np.linalg.norm(r.v - (i + 1) / n * end)) for i, r in enumerate(rows)]

    def fall(self, rows: list[SimpleNamespace], speed: list[float]) -> int:
        i = int(np.argmax(speed))
        level = foot.FALL * speed[i]
        while i < len(rows) - 1 and speed[i] > level:
            i += 1
        t, most = rows[i].t, 0.0
        best = t
        for k in range(2, len(self.rows) - 1):
            if abs(self.rows[k].t - t) < foot.SHIFT_US:
                change = self.rows[k + 1].f - self.rows[k - 1].f
                d = change @ change * max(0.0, 1.0 - abs(self.rows[k].t - t) / foot.SHIFT_US)
                if d > most:
                    most, best = d, self.rows[k].t
        return best if most > foot.CHANGE else t

    def displaced(self, rows: list[SimpleNamespace], speed: list[float]) -> None:
        if self.t_contact > LONG_AGO and rows[0].t < self.t_contact - foot.SHORTEST_US:
            return
        i = int(np.argmax(speed))
        level = foot.RISE * speed[i]
        while i > 0 and speed[i] > level:
            i -= 1
        off, contact = rows[i].t, self.fall(rows, speed)
        if contact - off < foot.AGAIN_US or off - max(self.last_sure, self.seen.sure) >= WALKING_US:
            return
        self.tell("foot_off", off, 0.4, "displacement")
        self.tell("initial_contact", contact, 0.4, "displacement")
        self.t_contact = contact

    # ---- shank
    def shank(self, row: SimpleNamespace) -> None:
        a, b = self.a, self.b
        a.gravity(row.f, DT / 2.0)
        a.learn(row.g)
        if a.axis is None:
            return
        m = row.g @ a.axis
        if b.axis is not None:
            w = row.h @ b.axis
            if not np.isnan(w) and abs(m) < shank_frames.STANDING:
                b.drive = b.drive * (1.0 - DT / 4.0) + m * w * DT
            if b.energy > 1.0 and abs(b.drive) > shank_frames.SIGN_THIGH:
                b.sign = 1.0 if b.drive > 0.0 else -1.0
        keep = 1.0 - DT / 20.0
        a.drive, a.size = a.drive * keep + m**3 * DT, a.size * keep + abs(m**3) * DT
        if m * a.lobe < 0.0:
            a.lobes += abs(a.lobe) > shank_frames.LOBE
            a.lobe = 0.0
        a.lobe += m * DT
        first = a.sign == 0.0 and a.lobes >= shank_frames.LOBES and a.energy > 1.0 and abs(a.drive) > 0.7
        turn = a.sign * a.drive < 0.0 and abs(a.drive) > 2.0
        if abs(a.drive) > shank_frames.UNEVEN * a.size and (first or turn) and self.sure():
            self.again(self.rows[-500:], self.step_shank)
        elif a.sign != 0.0:
            row.m = m * a.sign
            row.w = self.thigh_rate(row)
            self.step_shank()

    def sure(self) -> bool:
        m = np.array([r.g @ self.a.axis for r in self.rows[-500:]])
        d, size = (m**3).sum() * DT, (abs(m) ** 3).sum() * DT
        if d * self.a.drive > 0.0 and abs(d) > shank_frames.UNEVEN * size:
            return True
        self.a.drive, self.a.size = d, size
        return False

    def thigh_rate(self, row: SimpleNamespace) -> float:
        if self.b.axis is None or self.b.sign == 0.0:
            return np.nan
        return row.h @ self.b.axis * self.b.sign * self.a.sign

    def step_shank(self) -> None:
        if len(self.rows) < 3:
            return
        t, m, last = self.rows[-1].t, self.rows[-1].m, self.rows[-2].m
        if self.state == "swing":
            self.shank_swings(t, m, last)
        elif m > max(shank.SWING_LEAST, shank.SWING_SHARE * self.usual) >= last:
            self.leave(t, m)

    def leave(self, t: int, m: float) -> None:
        since = max(t - shank.LOOK_BACK_US, self.t_contact + shank.AGAIN_US)
        near = [(i, r) for i, r in enumerate(self.rows) if r.t >= since]
        if not near:
            return
        low = min(r.m for _, r in near)
        i_low = next(i for i, r in near if r.m == low)
        method = "push-off"
        if low < shank.PUSHED and i_low > 0:
            t_off = self.rise() - int(shank.OFF_SHARE * self.stride)
        elif self.rows[0].t > t - shank.LOOK_BACK_US:
            return
        else:
            t_off, method = t - shank.OFF_BEFORE_US, "swing"
        self.t_push, self.pushed = t_off, method == "push-off"
        knee = self.knee_off(max(since, self.rows[i_low].t - shank.KNEE_EARLIER_US))
        if knee is not None:
            t_off, method = (knee + t_off) // 2 if self.pushed else knee, "knee rate"
        self.t_off, self.off_method = t_off, method
        self.off_confidence = 0.9 if low < shank.PUSHED_WELL else 0.6
        self.state, self.peak, self.turned, self.zero, self.t_flat = "swing", m, 0.0, 0.0, None
        self.pending, self.predicted, self.t_swing = True, False, t

    def knee_off(self, since: int) -> int | None:
        first = next(i for i, r in enumerate(self.rows) if r.t >= since)
        rate = np.array([r.w - r.m for r in self.rows])
        if np.isnan(rate[first:]).any():
            return None
        best = first + len(rate[first:]) - 1 - int(np.argmax(rate[first:][::-1]))
        if rate[best] <= shank.KNEE_LEAST or best == 0 or best == len(rate) - 1:
            return None
        a, b = rate[best - 1], rate[best + 1]
        bend = a + b - 2.0 * rate[best]
        return int(self.rows[best].t + (0.5 * PERIOD * (a - b) / bend if bend < 0.0 else 0.0))

    def shank_swings(self, t: int, m: float, last: float) -> None:
        self.peak = max(self.peak, m)
        self.turned += m * DT
        if self.pending and self.turned > shank.TURNED and self.peak > shank.PEAK_LEAST:
            walking = t - self.last_contact < WALKING_US
            sure = walking and self.pushed and self.calm(shank.CALM * self.last_peak) >= shank.CALM_SHARE
            if sure:
                self.tell("foot_off", self.t_off, self.off_confidence, self.off_method)
            self.pending, self.held = False, not sure
        if last > 0.0 >= m:
            self.zero, self.low, self.t_low = t - PERIOD * -m / (last - m), 0.0, t
            if not self.pending and not self.held and not self.predicted:
                self.tell("initial_contact_predicted", self.zero + self.lag, 0.5, "reversal")
                self.predicted = True
        elif self.zero and m > -shank.LANDED and t - self.zero < 150_000:
            self.zero = 0.0
        if m > shank.NOT_FLAT * self.peak:
            self.t_flat = None
        elif m < shank.FLAT * self.peak and self.t_flat is None:
            self.t_flat = t
        if self.zero:
            if m < self.low:
                self.low, self.t_low = m, t
            if self.low < shank.LANDED and (m > self.low or t - self.zero >= shank.WAIT_LOW_US):
                lag = min(shank.LAG_SHARE * (self.t_low - self.zero), shank.LATEST_US)
                self.lag += shank.LEARN * (lag - self.lag)
                self.land(t, int(self.zero + lag), 0.9, "reversal")
                return
            if t - self.zero > shank.WAIT_US:
                self.land(t, int(self.zero) + shank.FLAT_US, 0.6, "time")
                return
        elif self.t_flat is not None and t - self.t_flat > shank.WAIT_US:
            self.land(t, self.t_flat + shank.FLAT_US, 0.5, "flat landing")
            return
        if t - self.t_swing > shank.LONGEST_US:
            self.state = "stance"

    def land(self, t: int, contact: int, confidence: float, method: str) -> None:
        if not self.pending:
            signs = int(self.pushed) + (method == "reversal")
            step = signs > 0
            if self.peak < shank.SHORT * self.usual:
                confidence = min(confidence, shank.SHORT_STEP)
            if self.held:
                signs += self.peak > shank.PEAK_SURE
                step = signs >= 2 and self.calm(shank.CALM * self.peak) >= shank.CALM_SHARE
                sizes = [np.linalg.norm(r.f) for r in self.rows if r.t >= self.t_off - shank.NEAR_US]
                moved = max(sizes) - min(sizes) > shank.CARRIED
                if step and (self.peak > shank.PEAK_FAST or moved or t - self.seen.contact < WALKING_US):
                    if self.kept and t - self.kept[1] < WALKING_US:
                        self.tell("foot_off", self.kept[0], shank.KEPT, self.kept[2])
                        self.tell("initial_contact", self.kept[1], shank.KEPT, self.kept[3])
                    self.kept = None
                    self.tell("foot_off", self.t_off, self.off_confidence, self.off_method)
                elif step:
                    self.kept, step = (self.t_off, contact, self.off_method, method), False
            if step:
                self.tell("initial_contact", contact, confidence, method)
                self.usual += shank.LEARN * (min(self.peak, shank.USUAL_MOST) - self.usual)
            self.last_peak, self.t_contact = self.peak, t
        self.state, self.held = "stance", False

    # ---- both
    def crossing(self, since: int, level: float) -> int:
        rows = [r for r in self.rows if r.t >= since]
        for a, b in pairwise(rows):
            if b.m > level:
                return b.t if a.m > level else int(a.t + PERIOD * (level - a.m) / (b.m - a.m))
        return since

    def rise(self) -> int:
        i = len(self.rows) - 1
        while i > 0 and self.rows[i - 1].m > 0.0:
            i -= 1
        if i == 0:
            return self.rows[0].t
        a, b = self.rows[i - 1], self.rows[i]
        return int(a.t - PERIOD * a.m / (b.m - a.m))

    def calm(self, level: float) -> float:
        since = max(self.t_push - STANCE_US, self.t_contact)
        rates = [abs(r.m) for r in self.rows if since <= r.t <= self.t_push]
        return sum(r < level for r in rates) / len(rates) if rates else 1.0


def run_twin(
    sources: dict[str, str], t_us, gyr, acc, filled, columns, thighs
) -> list[tuple[str, str, int, int, float, str]]:
    """Both legs; events (kind, side, t, t_emitted, confidence, method) in the order in which they were decided.

    sources: side -> foot or shank; columns, thighs: side -> column of the grid.
    """
    legs = {side: LegTwin(source) for side, source in sources.items()}
    out = []
    for f, t in enumerate(t_us.tolist()):
        for side, leg in legs.items():
            other = legs.get("left" if side == "right" else "right")
            if other is not None:
                leg.seen = SimpleNamespace(off=other.last_off, contact=other.last_contact, sure=other.last_sure)
        for side, leg in legs.items():
            i, h = columns[side], thighs.get(side)
            before = len(leg.events)
            leg.frame(t, gyr[f, i], acc[f, i], bool(filled[f, i]), None if h is None else (gyr[f, h], acc[f, h]))
            out += [(e[0], side, *e[1:]) for e in leg.events[before:]]
    return out
