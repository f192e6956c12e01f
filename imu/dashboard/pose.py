"""The figure's joint points from measured tilts, and the two cameras. Plain geometry, no drawing.

Metres; x to the person's right, y up, z forward. Proportions follow a person of about 1.7 m.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, exp, isnan, radians, sin
from typing import Final, Literal

from imu.conventions import SIDES, Side, angle_column
from imu.packets import Floats

Point = tuple[float, float, float]

LIMB_LENGTH: Final = 0.42
HIP_X: Final = 0.085
ANKLE_X: Final = 0.15
ANKLE_Y: Final = 0.08
STAND_THIGH_IN: Final = -0.1313
"""rad, a standing thigh leans outwards on its way down from hip to knee: asin(-0.055 / 0.42)."""
STAND_SHANK_IN: Final = 0.0238
"""rad, a standing shank leans inwards on its way up from ankle to knee: asin(0.01 / 0.42)."""
SHIN_SHARE: Final = 0.4
"""Share of the knee flexion that the shin's forward lean takes in the target pose of a squat."""
TRUNK_SHARE: Final = 0.42
GHOST_OUT: Final = radians(-14.0)
"""The target follows the better leg outwards this far at most."""
FOOT_EASE_M: Final = 0.03
PELVIS_UP: Final = 0.05

SIGN: Final[dict[Side, float]] = {"left": -1.0, "right": 1.0}


@dataclass(frozen=True, slots=True)
class Leg:
    """Tilts of one leg against its stand, rad; None = unknown (NaN would make equal states unequal). Signs as in
    `imu.conventions`."""

    thigh_sagittal: float | None = None
    thigh_frontal: float | None = None
    shank_sagittal: float | None = None
    shank_frontal: float | None = None

    @property
    def thigh_known(self) -> bool:
        return self.thigh_sagittal is not None and self.thigh_frontal is not None

    @property
    def shank_known(self) -> bool:
        return self.shank_sagittal is not None and self.shank_frontal is not None

    def placed(self, other: Leg) -> tuple[float, float, float, float]:
        """The four tilts, unknown ones as the other leg's, else as in the stand: hatched wherever they are drawn."""
        mine = (self.thigh_sagittal, self.thigh_frontal, self.shank_sagittal, self.shank_frontal)
        theirs = (other.thigh_sagittal, other.thigh_frontal, other.shank_sagittal, other.shank_frontal)
        a, b, c, d = (next((v for v in pair if v is not None), 0.0) for pair in zip(mine, theirs, strict=True))
        return a, b, c, d


STANDING: Final = Leg(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Posture:
    """Both legs, the pelvis and the lean of the (unmeasured) trunk, rad."""

    left: Leg = STANDING
    right: Leg = STANDING
    lean: float = 0.0
    pelvis_tilt: float | None = 0.0
    """+ anterior; None = unknown."""

    def leg(self, side: Side) -> Leg:
        return self.left if side == "left" else self.right


UNKNOWN_POSTURE: Final = Posture(Leg(), Leg(), 0.0, None)


def rounded(value: float) -> float:
    """To 0.1°: what the eye cannot see does not cause a repaint."""
    return round(value * 573.0) / 573.0


def known_angle(value: float) -> float | None:
    """rad to 0.1°; NaN becomes None."""
    return None if isnan(value) else rounded(value)


def measured_posture(angle: Floats) -> Posture:
    """Posture from a row of `conventions.ANGLES`."""

    def leg(side: Side) -> Leg:
        names = ("thigh_sagittal_tilt", "thigh_frontal_tilt", "shank_sagittal_tilt", "shank_frontal_tilt")
        return Leg(*(known_angle(float(angle[angle_column(name, side)])) for name in names))

    left, right = leg("left"), leg("right")
    tilts = ((leg_.thigh_sagittal, leg_.shank_sagittal) for leg_ in (left, right))
    known = [thigh + shank for thigh, shank in tilts if thigh is not None and shank is not None]
    # no trunk sensor: the dashed trunk follows the knees as in a balanced squat, it shows nothing measured
    lean = TRUNK_SHARE * max(min(known), 0.0) if known else 0.0
    return Posture(left, right, rounded(lean), known_angle(float(angle[angle_column("pelvis_tilt")])))


def target_posture(knee_flexion: float, person: Posture) -> Posture:
    """Where the prescribed tempo would have the person now.

    The knees follow the leg that is further out (never inwards): outwards is allowed, inwards is the fault, so the better
    leg shows where the other one belongs.
    """

    def outward(*values: float | None) -> float:
        return max(min((v for v in values if v is not None), default=0.0), GHOST_OUT)

    thigh = min(outward(person.left.thigh_frontal, person.right.thigh_frontal), 0.0)
    shank = min(outward(person.left.shank_frontal, person.right.shank_frontal), 0.0)
    leg = Leg(rounded((1 - SHIN_SHARE) * knee_flexion), thigh, rounded(SHIN_SHARE * knee_flexion), shank)
    return Posture(leg, leg, rounded(TRUNK_SHARE * knee_flexion))


def joints(posture: Posture) -> dict[str, Point]:
    """Joint points of a posture.

    The chain starts at the pelvis, so that a lifted leg hangs free; then all is moved until the lower foot is on the floor
    and in its place. Feet within some centimetres of each other share that role, which keeps it from jumping.
    """
    hang: dict[str, Point] = {}
    for side in SIDES:
        sign = SIGN[side]
        thigh, thigh_in, shank, shank_in = posture.leg(side).placed(posture.leg("right" if side == "left" else "left"))
        hip = (sign * HIP_X, 0.0, 0.0)
        knee = _below(hip, thigh, thigh_in + STAND_THIGH_IN, sign)
        ankle = _below(knee, -shank, -(shank_in + STAND_SHANK_IN), sign)
        hang |= {"hip_" + side: hip, "knee_" + side: knee, "ankle_" + side: ankle}
    lowest = min(hang["ankle_left"][1], hang["ankle_right"][1])
    weight = {s: exp(-(hang["ankle_" + s][1] - lowest) / FOOT_EASE_M) for s in SIDES}
    total = sum(weight.values())
    dx = sum(weight[s] * (SIGN[s] * ANKLE_X - hang["ankle_" + s][0]) for s in SIDES) / total
    dz = -sum(weight[s] * hang["ankle_" + s][2] for s in SIDES) / total
    dy = ANKLE_Y - lowest
    out = {name: (x + dx, y + dy, z + dz) for name, (x, y, z) in hang.items()}
    for side in SIDES:
        sign, (x, y, z) = SIGN[side], out["ankle_" + side]
        out["heel_" + side] = (x - sign * 0.003, y - 0.05, z - 0.05)
        out["toe_" + side] = (x + sign * 0.035, y - 0.06, z + 0.17)
    middle = _middle(out["hip_left"], out["hip_right"])
    tilt = posture.pelvis_tilt or 0.0
    out["pelvis"] = _above(middle, PELVIS_UP, tilt)
    for name, up, across in (("neck", 0.44, 0.0), ("shoulder_left", 0.40, -0.17), ("shoulder_right", 0.40, 0.17)):
        x, y, z = _above((middle[0], middle[1] + PELVIS_UP, middle[2]), up, posture.lean)
        out[name] = (x + across, y, z)
    return out


def _below(top: Point, sagittal: float, medial: float, sign: float) -> Point:
    """Lower end of a limb: `sagittal` > 0 brings it forward, `medial` > 0 towards the middle."""
    return (
        top[0] - sign * LIMB_LENGTH * sin(medial),
        top[1] - LIMB_LENGTH * cos(medial) * cos(sagittal),
        top[2] + LIMB_LENGTH * cos(medial) * sin(sagittal),
    )


def _above(point: Point, length: float, lean: float) -> Point:
    return (point[0], point[1] + length * cos(lean), point[2] + length * sin(lean))


def _middle(a: Point, b: Point) -> Point:
    return ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2)


@dataclass(frozen=True, slots=True)
class Projected:
    x: float
    y: float
    depth: float
    """m, larger = nearer to the viewer."""
    scale: float
    """Size factor of perspective."""


@dataclass(frozen=True, slots=True)
class Camera:
    """`mirror`: the person's right is on the right of the screen. `front`: as seen by another person. `side`: from the
    person's right, orthographic."""

    view: Literal["mirror", "front", "side"]
    scale: float
    """Design pixels per metre."""
    centre_x: float
    floor_y: float
    distance: float = 4.2
    height: float = 0.55

    def __call__(self, point: Point) -> Projected:
        x, y, z = point
        if self.view == "side":
            return Projected(self.centre_x + self.scale * z, self.floor_y - self.scale * y, x, 1.0)
        across = x if self.view == "mirror" else -x
        f = self.distance / (self.distance - z)
        return Projected(
            self.centre_x + self.scale * f * across,
            self.floor_y - self.scale * (self.height + f * (y - self.height)),
            z,
            f,
        )
