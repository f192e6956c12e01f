"""Plain twin of `imu.kinematics.watch.scan`: one frame at a time with matrices, sets and lists."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from imu.conventions import G
from imu.kinematics.watch import cycles, frames, phases, rests
from imu.packets import UNKNOWN, Quality

DIRTY = int(Quality.SATURATED_GYR | Quality.SATURATED_ACC | Quality.GAP)


def gain(hz, dt):
    return 1.0 - np.exp(-2.0 * np.pi * hz * dt)


class Limb:
    """One sensor; `of` its segment's calibration."""

    def __init__(self, q_sensor_segment, group):
        self.mount, self.group = Rotation.from_quat(q_sensor_segment, scalar_first=True), group
        self.fine = self.clean = False
        self.looked, self.lifted, self.alone, self.turned, self.rest = [], 0, 0, 0.0, None

    def read(self, q, gyr, acc, flags, dt):
        fresh = not self.fine
        self.fine = not flags & int(UNKNOWN) and bool(np.isfinite(q[0]))
        self.clean = self.fine and not flags & DIRTY
        if not self.fine:
            return
        sensor = Rotation.from_quat(q, scalar_first=True)
        frame = (sensor * self.mount).as_matrix()
        self.up, right = frame[2], frame[:, 2]
        self.tilt = np.arccos(np.clip(self.up[1], -1, 1))
        self.sagittal, self.lean = np.arctan2(self.up[0], self.up[1]), -np.arcsin(self.up[2])
        self.face = right[:2] / np.linalg.norm(right[:2])
        self.rate = self.mount.inv().apply(gyr)
        vertical = sensor.apply(acc)[2] - G
        if fresh:
            self.low = self.lower = self.calm = self.rate
            self.busy, self.rise, self.risen, self.slow = 0.0, 0.0, 0.0, vertical
        g = gain(frames.RATE_CORNER_HZ, dt)
        self.low = self.low + g * (self.rate - self.low)
        self.lower = self.lower + g * (self.low - self.lower)
        self.calm = self.calm + dt / (frames.CALM_S + dt) * (self.rate - self.calm)
        self.busy += dt / (frames.BUSY_S + dt) * (np.sqrt(np.linalg.norm(self.lower)) - self.busy)
        slow, fast = (gain(hz, dt) for hz in frames.RISE_HZ)
        self.slow += slow * (vertical - self.slow)
        self.rise += fast * (vertical - self.slow - self.rise)
        self.risen += fast * (self.rise - self.risen)
        self.turned += abs(self.up @ self.rate) * dt


def free(thigh, shank):
    ahead = np.sin(thigh.sagittal) + np.sin(shank.sagittal)
    return abs(ahead) + 2.0 - np.cos(thigh.tilt) - np.cos(shank.tilt)


class Pairing:
    def __init__(self):
        self.stance, self.frames = None, []

    def step(self, dt, legs):
        """(side, frames of it) when a single-leg phase has ended; legs: ((thigh, shank), (thigh, shank))."""
        now = None
        if all(s.fine for leg in legs for s in leg):
            frees = [free(*leg) for leg in legs]
            for side in (0, 1):
                lead = frees[1 - side] - frees[side]
                if lead > (phases.FREE_LESS if self.stance == side else phases.FREE_MORE) and frees[side] < phases.CARRYING:
                    now = side
        ended = None
        if now != self.stance:
            if self.stance is not None and len(self.frames) * dt >= phases.PHASE_S:
                ended = self.stance, self.sums(dt)
            self.stance, self.frames = now, []
        if now is not None:
            self.frames.append([
                (legs[now][x].tilt, legs[now][x].lean, legs[1 - now][x].risen, legs[now][x].busy) for x in range(2)
            ])  # fmt: skip
        return ended

    def sums(self, dt):
        """(2, 4): weight, weighted lean, squared rise of thigh and shank; mean busy, twice."""
        tilt, lean, rise, busy = np.moveaxis(np.array(self.frames), 2, 0)
        weight = np.maximum(0.0, 1.0 - tilt / phases.STEEP) * dt
        both = np.full(2, busy.mean(1).sum() * dt)
        return np.stack([weight.sum(0), (weight * lean).sum(0), (rise**2).sum(0) * dt, both], axis=1)


class Cycle:
    def __init__(self):
        self.out, self.frames = False, []

    def step(self, dt, thigh, shank):
        """Sums of a cycle that has just ended: zz, xz, yz of thigh and shank, face, upright, turned, hidden; else None."""
        if not (thigh.fine and shank.fine):
            self.frames.append(None)
            return None
        moments = [
            np.outer(s.lower, [s.lower[2]])[:, 0][[2, 0, 1]] * dt if s.clean else np.zeros(3) for s in (thigh, shank)
        ]
        weight = max(0.0, 1.0 - max(thigh.tilt, shank.tilt) / cycles.UPRIGHT) * dt
        a, b = thigh.face, shank.face
        face = weight * np.array([a @ b, a[0] * b[1] - a[1] * b[0]])
        hidden = sum(np.linalg.norm(s.rate) * dt for s in (thigh, shank) if not s.clean)
        self.frames.append(np.r_[moments[0], moments[1], face, weight, (thigh.up @ thigh.rate) * dt, hidden])
        if thigh.sagittal > cycles.OUT:
            self.out = True
        elif self.out and thigh.sagittal < cycles.BACK:
            done = np.sum([f for f in self.frames if f is not None], axis=0)
            self.out, self.frames = False, []
            return done
        return None


class Twin:
    """Both legs of thighs and shanks, left and right, and whatever else is worn in group 2."""

    def __init__(self, limbs, legs, dt):
        self.limbs, self.legs, self.dt = limbs, legs, dt
        crossed = ((legs[0][0], legs[1][1]), (legs[1][0], legs[0][1]))
        self.pairings, self.ways = (Pairing(), Pairing()), (legs, crossed)
        self.cycles, self.number = (Cycle(), Cycle()), 0
        self.block, self.runs = np.zeros(4), [0, 0, 0]

    def step(self, q, gyr, acc, flags):
        """What was decided with this frame: [(name, values)]."""
        for j, limb in enumerate(self.limbs):
            limb.read(q[j], gyr[j], acc[j], int(flags[j]), self.dt)
        found = []
        for n, (pairing, way) in enumerate(zip(self.pairings, self.ways, strict=True)):
            ended = pairing.step(self.dt, way)
            if ended:
                found.append((f"phase {n}", np.r_[ended[0], ended[1].ravel()]))
        for n, leg in enumerate(self.legs):
            done = self.cycles[n].step(self.dt, *leg)
            if done is not None:
                found.append((f"cycle {n}", done))
        for group in range(3):
            look = self.look(group)
            if look is not None:
                found.append((f"rest {group}", look))
                if group < 2:
                    self.cycles[group].frames = []
        (a, c), (b, d) = self.legs
        if all(s.fine for s in (a, b, c, d)):
            thighs, shanks = a.busy - b.busy, c.busy - d.busy
            bends = [min(x.sagittal - y.sagittal, z.sagittal - w.sagittal) for x, y, z, w in ((a, d, b, c), (a, c, b, d))]
            back = [float(x < phases.BACKWARD) for x in bends]
            self.block += np.array([thighs * shanks, thighs**2, shanks**2, back[0] - back[1]]) * self.dt
        self.number += 1
        if self.number % round(phases.BLOCK_S / self.dt) == 0:
            found.append(("block", self.block))
            self.block = np.zeros(4)
        return found

    def look(self, group):
        """Mean up and face of every segment of the group, when it has stood still for long enough."""
        members = [s for s in self.limbs if s.group == group]
        known = [s for s in members if s.fine]
        still = known and all(np.linalg.norm(s.calm) <= rests.STILL_RATE and s.tilt <= rests.UPRIGHT for s in known)
        if not still:
            self.runs[group] = 0
            return None
        if self.runs[group] == 0:
            for s in members:
                s.looked = []
        self.runs[group] += 1
        for s in known:
            s.looked.append(np.r_[s.up, s.face])
        if self.runs[group] < round(rests.REST_S / self.dt):
            return None
        self.runs[group] = 0
        means = []
        for s in members:
            up, face = np.mean(s.looked, axis=0)[:3], np.sum(s.looked, axis=0)[3:]
            means.append(np.r_[up, face / len(s.looked), s.turned])
            s.turned = 0.0
        return np.concatenate(means)
