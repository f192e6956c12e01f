"""The frames of a session by their definition: every frame by itself, from all samples and when each arrived.

The twin of `imu.fusion.grid`, which makes the same frames while samples come in packets of any size. Slow, readable.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from imu.fusion.channel import PoseBlock
from imu.fusion.grid import GridBlock, GridParams
from imu.packets import Quality

AWAY = int(Quality.STALE | Quality.GAP)


def on_the_way(a: np.ndarray, b: np.ndarray, rate_a: np.ndarray, rate_b: np.ndarray, step_s: float, s: float) -> np.ndarray:
    """Orientation at share s between a and b, with constant angular acceleration in between."""
    start, end = Rotation.from_quat(a, scalar_first=True), Rotation.from_quat(b, scalar_first=True)
    turned = s * (start.inv() * end).as_rotvec() - s * (1 - s) / 2 * step_s * (rate_b - rate_a)
    return (start * Rotation.from_rotvec(turned)).as_quat(scalar_first=True)


@dataclass
class Session:
    """All samples of all sensors."""

    blocks: Sequence[PoseBlock]
    rate_hz: float
    wait_us: int
    params: GridParams

    def __post_init__(self) -> None:
        self.worn = [b for b in self.blocks if len(b)]
        self.limit = min(self.params.hole_us, max(self.params.short_hole_us, self.wait_us))
        heard = min((b.arrived_us[0] for b in self.worn), default=0) + self.wait_us
        self.start = min((b.t_us[0] for b in self.worn if b.arrived_us[0] <= heard), default=0)
        self.newest = max((b.t_us[-1] for b in self.worn), default=-1)
        self.now = max((b.arrived_us[-1] for b in self.worn), default=0)

    def instant(self, number: int) -> int:
        return int(np.floor(number * 1e6 / self.rate_hz + 0.5))

    def late_until(self, b: PoseBlock, instants: np.ndarray) -> int:
        """Arrival of the newest sample that came too late for one of these frames."""
        t = instants[instants <= b.t_us[-1]]
        arrived = b.arrived_us[np.searchsorted(b.t_us, t)]
        return max(arrived[arrived > t + self.wait_us], default=-(2**62))

    def nobody_waits(self, b: PoseBlock, instants: np.ndarray) -> bool:
        """The last of these frames does not need another sample of this sensor."""
        if not len(b) or b.t_us[-1] >= instants[-1]:
            return True
        silent = self.newest - b.t_us[-1] > min(self.limit, self.wait_us) // 2
        missing = instants[instants > b.t_us[-1]][0]
        return silent or self.now > missing + self.wait_us or instants[-1] < self.late_until(b, instants)

    def untrusted(self, b: PoseBlock) -> np.ndarray:
        """Rows in too long a hole between received ones, and after it."""
        received = b.t_us[(b.flags & int(Quality.FILLED)) == 0]
        out = np.zeros(len(b), bool)
        for before, after in itertools.pairwise(received):
            if after - before > self.limit:
                out |= (b.t_us > before) & (b.t_us < after + self.params.return_us)
        return out

    def of_sensor(self, b: PoseBlock, instants: np.ndarray) -> tuple[np.ndarray, int]:
        """(10,) q, gyr, acc at the last of the instants, and its flags."""
        t, unknown = instants[-1], np.full(10, np.nan)
        if not len(b) or b.t_us[-1] < t or t < self.late_until(b, instants):
            return unknown, AWAY
        if b.t_us[0] - self.start > self.limit and t < b.t_us[0] + self.params.return_us:
            return unknown, AWAY
        if t < b.t_us[0]:
            return unknown, int(Quality.SETTLING)
        after = int(np.searchsorted(b.t_us, t))
        before = after if b.t_us[after] == t else after - 1
        step = int(b.t_us[after] - b.t_us[before])
        flags = int(b.flags[before] | b.flags[after])
        if step > self.limit or self.untrusted(b)[[before, after]].any():
            return unknown, AWAY
        share = float(t - b.t_us[before]) / step if step else 0.0
        if flags & int(Quality.SETTLING) or np.isnan(b.q[[before, after]]).any():
            measured = [(1 - share) * x[before] + share * x[after] for x in (b.gyr, b.acc)]
            return np.concatenate([unknown[:4], *measured]), flags | int(Quality.SETTLING)
        if step == 0:
            return np.concatenate([b.q[after], b.gyr[after], b.acc[after]]), flags
        q = on_the_way(b.q[before], b.q[after], b.gyr[before], b.gyr[after], step * 1e-6, share)
        gyr, acc = ((1 - share) * x[before] + share * x[after] for x in (b.gyr, b.acc))
        return np.concatenate([q, gyr, acc]), flags

    def waited(self, b: PoseBlock, instants: np.ndarray) -> int:
        """When this sensor no longer held up the last of these frames; a very long time ago if nobody waited for it."""
        t, before = instants[-1], instants[:-1]
        if t < self.late_until(b, before):
            return -(2**62)
        if len(b) and b.t_us[-1] >= t:
            return int(min(b.arrived_us[np.searchsorted(b.t_us, t)], t + self.wait_us))
        first = not len(before) or (len(b) and b.t_us[-1] >= before[-1])
        return int(t + self.wait_us) if first else -(2**62)

    def frames(self) -> GridBlock:
        """All frames there are."""
        instants = np.zeros(0, np.int64)
        for k in itertools.count(int(self.start * self.rate_hz / 1e6) - 2):
            if self.instant(k) < self.start:
                continue
            ahead = np.append(instants, self.instant(k))
            if ahead[-1] > self.newest or not all(self.nobody_waits(b, ahead) for b in self.blocks):
                break
            instants = ahead
        out = GridBlock.empty(len(self.blocks), len(instants))
        for m, t in enumerate(instants):
            out.t_us[m] = t
            held_up = max(self.waited(b, instants[: m + 1]) for b in self.blocks)
            out.known_us[m] = max(held_up, out.known_us[m - 1]) if m else held_up
            for j, b in enumerate(self.blocks):
                values, out.flags[m, j] = self.of_sensor(b, instants[: m + 1])
                out.q[m, j], out.gyr[m, j], out.acc[m, j] = values[:4], values[4:7], values[7:]
        return out
