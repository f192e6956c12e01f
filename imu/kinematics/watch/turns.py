"""One cycle of a leg in numbers: in which direction its segments and its knee turned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from imu.kinematics.layout import Record

LEAST_TURN: Final = 0.06
"""rad²/s, integral of the squared flexion rate in a cycle; in a slow squat the thigh has 0.5, the shank 0.1, the knee 1.
Less gives no direction."""
NOISE: Final = math.radians(0.6)
"""rad · sqrt(rad²/s): 1σ of a direction at 1 rad²/s; sway is what turns a segment otherwise."""
LEAST_UPRIGHT_S: Final = 0.05
MOST_MISSED: Final = 0.15
"""Share of the frames, of both sensors; a lost packet or two in a stride."""
LONGEST_S: Final = 30.0
QUICK_US: Final = 2_000_000
ALIKE: Final = math.radians(4.0)


@dataclass(frozen=True, slots=True)
class Direction:
    """Regression of the rates about x and y on that about z, rad; NaN = not turned enough."""

    axis: float
    """What a sensor that turns on the limb changes, and nothing else does alone."""
    inward: float
    """Turning about the long axis together with flexion; a slip does not change it."""
    sigma: float
    """rad, 1σ of both."""


UNTOLD: Final = Direction(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Turns:
    """One cycle of one leg; thigh, shank."""

    t_start_us: int
    t_end_us: int
    tilt: tuple[float, float]
    """Largest, rad."""
    own: tuple[Direction, Direction]
    """Of each segment in its own frame."""
    facing: float
    """rad, heading of the shank's flexion axis against the thigh's by the gyroscopes alone, while the leg is upright: it
    drifts, and a sensor that turns on the limb moves it at once. NaN = never upright."""
    facing_us: int
    """When, on average."""
    turned: float
    """rad, net turn about the vertical."""
    restarts: int
    """How often the heading of either sensor had begun anew."""
    hidden: float
    """rad, what both have turned while nobody measured it."""

    @staticmethod
    def of(record: Record, dt: float) -> Turns | None:
        """From `layout.CYCLES`; None where too much was missed or it took too long."""
        done = record["done"]
        frames = int(done["frames"])
        if int(done["missed"]) > MOST_MISSED * frames or frames * dt > LONGEST_S:
            return None
        own = tuple(_direction(done["own"][x]) for x in range(2))
        tilt = (float(done["tilt"][0]), float(done["tilt"][1]))
        upright, start = float(done["upright"]), int(done["t_start"])
        facing = math.nan if upright < LEAST_UPRIGHT_S else math.atan2(float(done["face"][1]), float(done["face"][0]))
        middle = start + round(1e6 * float(done["late"]) / upright) if upright > 0.0 else start
        return Turns(
            start, int(done["t_end"]), tilt, (own[0], own[1]), facing, middle,
            float(done["turned"]), int(done["restarts"]), float(done["hidden"]),
        )  # fmt: skip

    @property
    def quick(self) -> bool:
        """A stride or the like."""
        return self.t_end_us - self.t_start_us < QUICK_US

    def like(self, other: Turns) -> bool:
        """The same kind of movement: as far, as fast."""
        spans = [t.t_end_us - t.t_start_us for t in (self, other)]
        return all(abs(a - b) < ALIKE + 0.15 * max(a, b) for a, b in zip(self.tilt, other.tilt, strict=True)) and (
            max(spans) < 1.7 * min(spans)
        )


def _direction(m: Record) -> Direction:
    xz, yz, zz = float(m["xz"]), float(m["yz"]), float(m["zz"])
    if zz < LEAST_TURN:
        return UNTOLD
    return Direction(math.atan2(xz, zz), math.atan2(yz, zz), NOISE / math.sqrt(zz))
