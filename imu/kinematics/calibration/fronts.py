"""What is known of every segment while the calibration is worked out: axes, fronts, and headings between neighbours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.kinematics.calibration.axes import MOST_SIGMA, UNKNOWN_HEADING, Heading, apart, quaternion_of
from imu.kinematics.calibration.calibration import Calibration, JointCalibration, SegmentCalibration
from imu.kinematics.calibration.joints import Evidence
from imu.kinematics.calibration.layout import Sums
from imu.kinematics.calibration.own import Own, own_axis
from imu.kinematics.calibration.score import ACCELEROMETER, Mark, heading_mark, scored, stand_marks
from imu.kinematics.heading import JointSpec
from imu.kinematics.layout import OTHER
from imu.packets import Floats

SYSTEMATIC_AXIS_SIGMA: Final = math.radians(4.0)
"""rad. Functional against anatomical axis of a real knee: 3.8°, not visible to any statistic of the movement."""
OWN_SIGMA: Final = math.radians(4.5)
"""rad by which a shank's own axis is further from its segment's than a thigh's: 6.7° in squats of simulated people."""
ALIGNED_SIGMA: Final = math.radians(6.0)
"""rad of delta from making two segments' own axes one: each is off by its systematic part. 6.9° on a real knee."""


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What the stand was like."""

    stand_us: tuple[int, int]
    acc: Floats
    """(S,) m/s², mean norm of the acceleration; NaN = no data."""
    spread: Floats
    """(S,) m/s², its deviation."""


@dataclass(slots=True, eq=False)
class Front:
    """What is known of one segment while the fit is made."""

    own: Own
    z: Floats | None = None
    sigma: float = math.nan
    refused: tuple[str, str] | None = None
    marks: list[Mark] | None = None


class Fronts:
    """One evaluation of the sums: the parts that do not depend on where a segment is.

    Parameters
    ----------
    names, sensors : segment and serial number of every row.
    sums, joints, evidence : what was kept, and what the accelerations say of every joint.
    standing : Standing
    dt : s, frame period.
    known : Calibration, optional
        Its frames hold for the sensors that are done.
    trusted : bool
        Evidence that there is decides alone, as it is what the angles will be made with.
    """

    def __init__(
        self, names: list[str], sensors: list[str], sums: Sums, joints: tuple[JointSpec, ...], evidence: Evidence,
        standing: Standing, dt: float, known: Calibration | None = None, trusted: bool = False,
    ) -> None:  # fmt: skip
        self._names, self._serials, self._sums, self._joints = names, sensors, sums, joints
        self._evidence, self._standing, self._known, self._trusted = evidence, standing, known, trusted
        self._dt, g = dt, sums.search[0]
        self._moved_s = (int(g["block"]) * int(g["block_length"]) + int(g["block_n"])) * dt
        self._fronts = [self._begin(j) for j in range(len(names))]
        self._delta = [UNKNOWN_HEADING] * len(joints)

    def _begin(self, j: int) -> Front:
        s = self._sums.sensors[j]
        if s["done"] and self._known is not None and (frame := self._known.segments[j].frame) is not None:
            return Front(Own(None, frame[:, 2], 1.0), frame[:, 2], self._known.segments[j].axis_sigma)
        nothing = Own(None, None, 0.0)
        if int(s["part"]) == OTHER:
            return Front(nothing, refused=("no angle of this version needs it", ""))
        if not s["used"]:
            acc = float(self._standing.acc[j])
            if s["away"] > 0 or math.isnan(acc):
                return Front(nothing, refused=("no data in the stand", "check that it is switched on and near"))
            return Front(nothing, refused=(f"measures {acc:.1f} m/s² at rest instead of 9.8", ACCELEROMETER))
        return Front(own_axis(s, self._sums.own[j]))

    def _free(self, j: int) -> bool:
        """This sensor's frame is still to be found."""
        return self._fronts[j].z is None and self._fronts[j].refused is None

    def _take(
        self, j: int, z: Floats, sigma: float, marks: list[Mark], systematic: float = SYSTEMATIC_AXIS_SIGMA
    ) -> None:  # fmt: skip
        front = self._fronts[j]
        front.z, front.sigma, front.marks = z, math.hypot(systematic, sigma), marks

    def _facing(self, j: int, z: Floats) -> float:
        """Heading of a level direction of sensor j, in its earth frame, at the stand."""
        right = np.array(self._sums.sensors[j]["turn"]).reshape(3, 3) @ z
        return math.atan2(float(right[1]), float(right[0]))

    def _at_heading(self, j: int, angle: float) -> Floats:
        """(3,) level direction of sensor j that has this heading at the stand."""
        s = self._sums.sensors[j]
        z = np.array(s["turn"]).reshape(3, 3).T @ np.array([math.cos(angle), math.sin(angle), 0.0])
        up = np.array(s["up"])
        z = z - up * float(up @ z)
        return z / math.sqrt(float(z @ z))

    def _headings(self, k: int, joint: JointSpec) -> tuple[Heading, Heading]:
        """Delta from the accelerations, and from the two axes; unknown if a filter has started again since the stand."""
        if not self._reachable(joint):
            return UNKNOWN_HEADING, UNKNOWN_HEADING
        delta, sigma = self._evidence(k)
        felt = Heading(delta, sigma) if math.isfinite(delta) and sigma < MOST_SIGMA else UNKNOWN_HEADING
        if felt.known and self._trusted:
            return felt, UNKNOWN_HEADING
        one, two = (self._fronts[j].z if self._fronts[j].z is not None else self._fronts[j].own.z for j in
                    (joint.proximal, joint.distal))  # fmt: skip
        if one is None or two is None:
            return felt, UNKNOWN_HEADING
        unsure = [a.of_its_own for j in (joint.proximal, joint.distal) if (a := self._fronts[j].own.axis) is not None]
        angle = apart(self._facing(joint.proximal, one), self._facing(joint.distal, two))
        return felt, Heading(angle, math.hypot(ALIGNED_SIGMA, *unsure))

    def _reachable(self, joint: JointSpec) -> bool:
        """Both stood, and no filter has started again since."""
        both = [self._sums.sensors[j] for j in (joint.proximal, joint.distal)]
        return all(not s["turned"] and (s["used"] or s["done"]) for s in both)

    def _through(self, joint: JointSpec, z: Floats, delta: Heading) -> Floats:
        """Direction of the distal sensor that faces as z of the proximal one does."""
        return self._at_heading(joint.distal, self._facing(joint.proximal, z) - delta.angle)

    def _follow(self, leader: int, j: int, delta: Heading, way: float, marks: list[Mark]) -> None:
        """Sensor j faces as its neighbour does; way 1: j is the distal one. marks: of delta."""
        front, z = self._fronts[leader], self._fronts[leader].z
        if z is None or not self._free(j):
            return
        own = self._fronts[j].own
        sigma = math.hypot(delta.sigma, math.sqrt(max(0.0, front.sigma**2 - SYSTEMATIC_AXIS_SIGMA**2)))
        if own.z is not None and own.axis is not None:
            # it has an axis itself, and delta went with it
            sigma = min(sigma, math.hypot(own.axis.of_its_own, OWN_SIGMA))
        z = self._at_heading(j, self._facing(leader, z) - way * delta.angle)
        self._take(j, z, sigma, [heading_mark(delta.sigma), *marks])

    def _segment(self, j: int) -> SegmentCalibration:
        if self._sums.sensors[j]["done"] and self._known is not None:
            return self._known.segments[j]
        front, name, serial = self._fronts[j], self._names[j], self._serials[j]
        acc = float(self._standing.acc[j])
        if front.z is None:
            reason, remedy = front.refused or (front.own.reason or "its front is not known", front.own.remedy)
            return SegmentCalibration(name, None, math.nan, 0, reason, acc, remedy, serial)
        up = np.array(self._sums.sensors[j]["up"])
        stand_s = (self._standing.stand_us[1] - self._standing.stand_us[0]) * 1e-6
        marks = [*(front.marks or []), *stand_marks(acc, float(self._standing.spread[j]), stand_s)]
        score, reason, remedy = scored(marks)
        frame = np.stack([np.cross(up, front.z), up, front.z], axis=1)
        return SegmentCalibration(name, quaternion_of(frame), front.sigma, score, reason, acc, remedy, serial)

    def _joint(self, k: int, off: float) -> JointCalibration:
        joint, delta = self._joints[k], self._delta[k]
        names = self._names[joint.proximal], self._names[joint.distal]
        one, two = self._fronts[joint.proximal].z, self._fronts[joint.distal].z
        if not delta.known or one is None or two is None:
            return JointCalibration(*names, math.nan, math.inf)
        turned = apart(delta.angle + self._facing(joint.distal, two), self._facing(joint.proximal, one))
        return JointCalibration(*names, apart(delta.angle + off, 0.0), delta.sigma, turned)
