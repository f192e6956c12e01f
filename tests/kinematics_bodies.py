"""A person made of arrays: poses of segments -> what perfect sensors with any mounting and heading hand to the body."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from imu.config import SensorSetup, Setup
from imu.conventions import CORE_SEGMENTS, G, angle_column
from imu.fusion.grid import GridBlock
from imu.kinematics import Body
from imu.outputs import Event, FrameBlock
from imu.packets import Quality

Array = NDArray[np.float64]
DEG = np.pi / 180
RATE = 100
STANDING = Rotation.from_matrix(np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]))
"""R_earth_segment of a person who stands and looks along the earth's x: x forward, y up, z to the right."""


def setup(segments: Sequence[str] = CORE_SEGMENTS, **changes: object) -> Setup:
    return Setup(tuple(SensorSetup(s, s, 100.0, "samples") for s in segments)).with_(**changes)


def minimum_jerk(x: Array) -> Array:
    x = np.clip(x, 0.0, 1.0)
    return x**3 * (10.0 + x * (6.0 * x - 15.0))


def squats(t: Array, starts: Sequence[float], down_s: float = 1.5) -> Array:
    """(n,) 0 in the stand, 1 at the bottom."""
    depth = np.zeros(len(t))
    for start in starts:
        depth += minimum_jerk((t - start) / down_s) * (1.0 - minimum_jerk((t - start - down_s) / down_s))
    return depth


def turned(forward: Array | float = 0.0, medial: Array | float = 0.0, axial: Array | float = 0.0) -> Rotation:
    """Rz(forward) Rx(medial) Ry(axial) in the frame of the stand: flexion first seen from outside, as in a joint."""
    forward, medial, axial = np.broadcast_arrays(np.asarray(forward, float), medial, axial)
    return Rotation.from_euler("ZXY", np.stack([forward, medial, axial], axis=-1))


class Person:
    """Stands 4 s, makes two half squats until 12 s, stands; `moves` says what follows from 13 s on.

    Parameters
    ----------
    moves : segment -> function of (n,) seconds since 13 s, giving the Rotation away from the stand; None = stands.
    seconds : float
    squat : (thigh, shank, pelvis) tilt at the bottom of the guided squats, rad; + = as the sign page says.
    """

    def __init__(
        self,
        moves: Mapping[str, Callable[[Array], Rotation]] | None = None,
        seconds: float = 20.0,
        squat: tuple[float, float, float] = (45 * DEG, 22 * DEG, 12 * DEG),
        segments: Sequence[str] = CORE_SEGMENTS,
        guided: Sequence[float] = (5.0, 8.5),
        mounting_seed: int = 3,
        heading_seed: int = 7,
    ) -> None:
        self.segments = tuple(segments)
        self.t = np.arange(round(seconds * RATE)) / RATE
        depth = squats(self.t, guided)
        self.away: dict[str, Rotation] = {}
        for segment in self.segments:
            part = segment.split("_")[0]
            forward = {"thigh": squat[0], "shank": -squat[1], "pelvis": -squat[2]}.get(part, 0.0) * depth
            away = turned(forward)
            if moves and segment in moves:
                later = self.t >= 13.0
                part_of = moves[segment](self.t[later] - 13.0)
                away = Rotation.concatenate([away[~later], part_of])
            self.away[segment] = away
        rng = np.random.default_rng(mounting_seed)
        self.mounting = {s: Rotation.from_quat(rng.normal(size=4)) for s in CORE_SEGMENTS}
        rng = np.random.default_rng(heading_seed)
        self.heading = {s: rng.uniform(-np.pi, np.pi) for s in CORE_SEGMENTS}
        self.flags = np.zeros((len(self.t), len(self.segments)), np.uint16)
        self.acc_bias = {s: np.zeros(3) for s in self.segments}

    def grid(self) -> GridBlock:
        """What the fusion would deliver; gravity only in the accelerometers."""
        m, n = len(self.t), len(self.segments)
        q, gyr, acc = np.empty((m, n, 4)), np.empty((m, n, 3)), np.empty((m, n, 3))
        for j, segment in enumerate(self.segments):
            world = Rotation.from_euler("z", self.heading.get(segment, 0.0))
            r = world * STANDING * self.away[segment] * self.mounting.get(segment, Rotation.identity())
            q[:, j] = r.as_quat(scalar_first=True)
            step = (r[:-1].inv() * r[1:]).as_rotvec() * RATE
            gyr[:, j] = 0.5 * (np.vstack([step[:1], step]) + np.vstack([step, step[-1:]]))
            acc[:, j] = r.inv().apply([0.0, 0.0, G]) + self.acc_bias[segment]
            unknown = (self.flags[:, j] & int(Quality.STALE | Quality.SETTLING)) != 0
            q[unknown, j] = gyr[unknown, j] = acc[unknown, j] = np.nan
        return GridBlock(np.round(self.t * 1e6).astype(np.int64), q, gyr, acc, self.flags.copy())


def part_of(grid: GridBlock, start: int, stop: int) -> GridBlock:
    return GridBlock(*(np.ascontiguousarray(x[start:stop]) for x in (grid.t_us, grid.q, grid.gyr, grid.acc, grid.flags)))


def joined(blocks: Sequence[FrameBlock]) -> FrameBlock:
    names = ("t_us", "q_earth_segment", "angle", "sigma", "flags", "steady")
    return FrameBlock(*(np.concatenate([getattr(b, name) for b in blocks]) for name in names))


def run(
    grid: GridBlock, setup_: Setup, frames: int | None = None, body: Body | None = None
) -> tuple[FrameBlock, tuple[Event, ...], Body]:
    """The whole grid through a body, `frames` at a time."""
    body = body or Body(setup_)
    step = frames or len(grid)
    blocks, events = [], ()
    for start in range(0, len(grid), step):
        block, new = body.push(part_of(grid, start, start + step))
        blocks.append(block)
        events += new
    return joined(blocks), events, body


def performed(person: Person, **changes: object) -> tuple[FrameBlock, tuple[Event, ...], Body]:
    return run(person.grid(), setup(person.segments, **changes))


def angle_deg(frames: FrameBlock, name: str, side: str | None = None) -> Array:
    return frames.angle[:, angle_column(name, side)] / DEG  # pyright: ignore[reportArgumentType]


def kinds(events: Sequence[Event]) -> list[str]:
    """What happened, but for the rests, which are everywhere."""
    return [e.kind for e in events if e.kind != "rest"]
