"""From the sums over the stand and the movement to a frame for every segment, and how far it can be trusted.

y = up at the stand (gravity from the fusion: a biased accelerometer is averaged out there, and the direction of a stand
is what all angles are relative to). z = flexion axis, level at the stand.

Thigh: principal direction of the shank's rate against it. On a real knee that was the best of six ways (adduction error
1.1°; its own rate 1.5°). Shank: it faces as the thigh does at the stand. Both need delta, the heading between the two
sensors: from the joint's accelerations, from making the two segments' own axes one, or from both. Pelvis: its own axis
when it leans, and the thighs' axes. Foot: it faces as the shank. Without delta every segment has its own axis.

Which way is forward: thighs lean knee-forward (and knees bend only backward); the neighbours follow through delta. A
shank that then leans the wrong way, or a knee that was bent in the stand, refuses the stand.

A person who lies down and bends both knees with the feet on the bench moves like one who stands and squats, as far as
gravity and delta tell: that is not found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from imu.conventions import place
from imu.kinematics.calibration import posture
from imu.kinematics.calibration.axes import (
    MOST_SIGMA,
    UNKNOWN_HEADING,
    Axis,
    Heading,
    apart,
    axis_of,
    fused,
    quaternion_of,
)
from imu.kinematics.calibration.calibration import Calibration, JointCalibration, SegmentCalibration
from imu.kinematics.calibration.joints import Evidence, Joint
from imu.kinematics.calibration.layout import Sums
from imu.kinematics.calibration.own import Own, along, own_axis
from imu.kinematics.calibration.quiet import ACC_TOLERANCE
from imu.kinematics.calibration.relative import moments_at
from imu.kinematics.calibration.score import (
    ACCELEROMETER,
    LEAST_PATH,
    MOST_SECOND_SHARE,
    Mark,
    agreement_mark,
    axis_mark,
    heading_mark,
    one_sided_mark,
    path_mark,
    scored,
    sign_mark,
    stand_marks,
)
from imu.kinematics.layout import FOOT, OTHER, PELVIS, THIGH, part_of
from imu.packets import Floats

SYSTEMATIC_AXIS_SIGMA: Final = math.radians(4.0)
"""rad. Functional against anatomical axis of a real knee: 3.8°, not visible to any statistic of the movement."""
ALIGNED_SIGMA: Final = math.radians(6.0)
"""rad of delta from making two segments' own axes one: each is off by its systematic part. 6.9° on a real knee."""
STANCE_SIGMA: Final = math.radians(8.0)
"""rad. A thigh's front against the pelvis's in a stand: toes point outward by up to 15°."""
OPPOSITE: Final = math.radians(90.0)


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


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Result of a fit: all segments, all joints; `bent`: why the stand was none, for people, or empty."""

    segments: tuple[SegmentCalibration, ...]
    joints: tuple[JointCalibration, ...]
    bent: str


class Fit:
    """One evaluation of the sums.

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
        self, names: list[str], sensors: list[str], sums: Sums, joints: tuple[Joint, ...], evidence: Evidence,
        standing: Standing, dt: float, known: Calibration | None = None, trusted: bool = False,
    ) -> None:  # fmt: skip
        self._names, self._serials, self._sums, self._joints = names, sensors, sums, joints
        self._evidence, self._standing, self._known, self._trusted = evidence, standing, known, trusted
        g = sums.search[0]
        self._moved_s = (int(g["block"]) * int(g["block_length"]) + int(g["block_n"])) * dt
        self._fronts = [self._begin(j) for j in range(len(names))]
        self._delta = [UNKNOWN_HEADING] * len(joints)
        self._bent: list[str] = []

    def found(self) -> Found:
        """Frames of all segments, headings of all joints."""
        for kind, fit in (("knee", self._knee), ("hip", None), ("ankle", self._ankle)):
            if kind == "hip":
                self._alone()
                self._pelvis()
            for k, joint in enumerate(self._joints):
                if fit is not None and joint.kind == kind:
                    fit(k, joint)
        self._alone()
        segments = tuple(self._segment(j) for j in range(len(self._names)))
        return Found(segments, tuple(self._joint(k) for k in range(len(self._joints))), "; ".join(self._bent))

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

    def _take(self, j: int, z: Floats, sigma: float, marks: list[Mark]) -> None:
        front = self._fronts[j]
        front.z, front.sigma, front.marks = z, math.hypot(SYSTEMATIC_AXIS_SIGMA, sigma), marks

    # headings

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

    def _headings(self, k: int, joint: Joint) -> tuple[Heading, Heading]:
        """Delta from the accelerations, and from the two axes; unknown if a filter has started again since the stand."""
        p, d = self._sums.sensors[joint.proximal], self._sums.sensors[joint.distal]
        if p["turned"] or d["turned"] or not (p["used"] or p["done"]) or not (d["used"] or d["done"]):
            return UNKNOWN_HEADING, UNKNOWN_HEADING
        delta, sigma = self._evidence(k)
        felt = Heading(delta, sigma) if math.isfinite(delta) and sigma < MOST_SIGMA else UNKNOWN_HEADING
        if felt.known and self._trusted:
            return felt, UNKNOWN_HEADING
        one, two = (self._fronts[j].z if self._fronts[j].z is not None else self._fronts[j].own.z for j in
                    (joint.proximal, joint.distal))  # fmt: skip
        if one is None or two is None:
            return felt, UNKNOWN_HEADING
        unsure = [a.sigma for j in (joint.proximal, joint.distal) if (a := self._fronts[j].own.axis) is not None]
        angle = apart(self._facing(joint.proximal, one), self._facing(joint.distal, two))
        return felt, Heading(angle, math.hypot(ALIGNED_SIGMA, *unsure))

    # parts

    def _knee(self, k: int, joint: Joint) -> None:
        """Thigh and shank through the heading between them."""
        thigh, shank = joint.proximal, joint.distal
        if self._fronts[thigh].refused or self._fronts[shank].refused:
            return
        felt, aligned = self._headings(k, joint)
        differ = apart(felt.angle, aligned.angle) if felt.known and aligned.known else 0.0
        if abs(differ) > OPPOSITE and (self._free(thigh) or self._free(shank)):
            self._bent.append(
                f"{place(self._names[thigh])} and {place(self._names[shank])} leaned opposite ways: either the person did"
                " not stand upright before, or two sensors are exchanged"
            )
            return
        delta = fused([felt, aligned])
        if not delta.known:
            return
        self._delta[k] = delta
        agreement = [agreement_mark(differ)] if felt.known and aligned.known else []
        if not self._free(thigh):
            self._follow(joint.proximal, shank, delta, 1.0, agreement)
        elif not self._free(shank):
            self._follow(joint.distal, thigh, delta, -1.0, agreement)
        elif self._thigh(k, joint, delta, agreement):
            self._follow(thigh, shank, delta, 1.0, agreement)
        z_thigh, z_shank = self._fronts[thigh].z, self._fronts[shank].z
        if z_thigh is None or z_shank is None:
            return
        bent = posture.bent_in_stand(posture.knee_flexion(self._sums, thigh, z_thigh, shank, z_shank))
        if bent > 0.0:
            side = place(self._names[thigh]).split()[0]
            self._bent.append(f"the {side} knee became {math.degrees(bent):.0f}° straighter than it was in the stand")

    def _thigh(self, k: int, joint: Joint, delta: Heading, marks: list[Mark]) -> bool:
        """The thigh's axis from the shank's rate against it; False if that does not tell."""
        s, own = self._sums.sensors[joint.proximal], self._fronts[joint.proximal].own
        blocks = moments_at(self._sums.relative[k], delta.angle)
        # by Cauchy's inequality at least what it turned in all
        path = math.sqrt(float(blocks[:, 0].sum() + blocks[:, 2].sum()) * self._moved_s)
        axis = axis_of(blocks, path)
        if path < LEAST_PATH[THIGH] or axis.share > MOST_SECOND_SHARE:
            if own.axis is None:
                return False
            axis = own.axis
        else:
            turned = axis_of(moments_at(self._sums.relative[k], delta.angle + 0.05), path)
            slope = 0.5 * math.remainder(2.0 * (turned.angle - axis.angle), 2.0 * math.pi) / 0.05
            axis = Axis(axis.angle, axis.share, math.hypot(axis.sigma, slope * delta.sigma))
        z, sign = along(s, axis.angle), own.sign
        if own.z is not None:
            z = -z if float(z @ own.z) < 0.0 else z
        else:
            bend = posture.knee_flexion(self._sums, joint.proximal, z, joint.distal, self._through(joint, z, delta))
            sign = posture.one_sided(bend)
            if abs(sign) < 0.4:
                return False
            z = -z if sign < 0.0 else z
        cycles = int(s["cycles"])
        others = max((int(t["cycles"]) for t in self._sums.sensors if t["part"] == THIGH), default=0)
        self._take(
            joint.proximal, z, axis.sigma,
            [axis_mark(axis), sign_mark(sign), path_mark(path, LEAST_PATH[THIGH]), one_sided_mark(cycles, others), *marks],
        )  # fmt: skip
        return True

    def _through(self, joint: Joint, z: Floats, delta: Heading) -> Floats:
        """Direction of the distal sensor that faces as z of the proximal one does."""
        return self._at_heading(joint.distal, self._facing(joint.proximal, z) - delta.angle)

    def _follow(self, leader: int, j: int, delta: Heading, way: float, marks: list[Mark]) -> None:
        """Sensor j faces as its neighbour does; way 1: j is the distal one."""
        front, z = self._fronts[leader], self._fronts[leader].z
        if z is None or not self._free(j):
            return
        own = self._fronts[j].own
        more = [axis_mark(own.axis)] if own.axis is not None else []
        sigma = math.hypot(delta.sigma, math.sqrt(max(0.0, front.sigma**2 - SYSTEMATIC_AXIS_SIGMA**2)))
        if own.z is not None and own.axis is not None:
            sigma = min(sigma, own.axis.sigma)  # it has an axis itself, and delta went with it
        z = self._at_heading(j, self._facing(leader, z) - way * delta.angle)
        self._take(j, z, sigma, [heading_mark(delta.sigma), *more, *marks])

    def _pelvis(self) -> None:
        """From its own lean, and from the thighs through the hips."""
        hips = [(k, joint) for k, joint in enumerate(self._joints) if joint.kind == "hip"]
        for j in (j for j in range(len(self._names)) if part_of(self._names[j]) == PELVIS and self._free(j)):
            own = self._fronts[j].own
            ways: list[Heading] = []
            if own.z is not None and own.axis is not None and not self._sums.sensors[j]["turned"]:
                ways.append(Heading(self._facing(j, own.z), math.hypot(SYSTEMATIC_AXIS_SIGMA, own.axis.sigma)))
            for k, joint in hips:
                z = self._fronts[joint.distal].z
                felt, _ = self._headings(k, joint)
                if z is not None and felt.known:
                    ways.append(Heading(self._facing(joint.distal, z) + felt.angle, math.hypot(STANCE_SIGMA, felt.sigma)))
            if own.z is None and len(ways) < len(hips):
                continue  # one thigh alone is turned outward by the stance
            front = fused(ways)
            if not front.known:
                continue
            more = [axis_mark(own.axis), sign_mark(own.sign)] if own.z is not None and own.axis is not None else []
            self._take(j, self._at_heading(j, front.angle), front.sigma, [heading_mark(front.sigma), *more])
        for k, joint in hips:
            felt, _ = self._headings(k, joint)
            one, two = self._fronts[joint.proximal].z, self._fronts[joint.distal].z
            ways = [felt]
            if one is not None and two is not None and self._standing_both(joint):
                straight = apart(self._facing(joint.proximal, one), self._facing(joint.distal, two))
                ways.append(Heading(straight, STANCE_SIGMA))
            self._delta[k] = fused(ways)

    def _standing_both(self, joint: Joint) -> bool:
        p, d = self._sums.sensors[joint.proximal], self._sums.sensors[joint.distal]
        return not p["turned"] and not d["turned"]

    def _ankle(self, k: int, joint: Joint) -> None:
        """The foot faces as the shank does."""
        if self._fronts[joint.proximal].z is None or self._fronts[joint.distal].refused:
            return
        felt, aligned = self._headings(k, joint)
        # feet point up and down by turns: their own lean does not outvote the accelerations
        opposite = felt.known and aligned.known and abs(apart(felt.angle, aligned.angle)) > OPPOSITE
        delta = felt if opposite else fused([felt, aligned])
        if delta.known:
            self._delta[k] = delta
            self._follow(joint.proximal, joint.distal, delta, 1.0, [])

    def _alone(self) -> None:
        """Thighs and shanks that have no neighbour, or no heading to it: their own axis; what is left is refused."""
        for j, name in enumerate(self._names):
            front = self._fronts[j]
            if not self._free(j) or part_of(name) in (PELVIS, FOOT) or self._bent:
                continue
            own = front.own
            if own.z is not None and own.axis is not None:
                marks = [axis_mark(own.axis), sign_mark(own.sign)]
                marks.append(path_mark(float(self._sums.sensors[j]["path"]), LEAST_PATH[part_of(name)]))
                self._take(j, own.z, own.axis.sigma, marks)

    # results

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

    def _joint(self, k: int) -> JointCalibration:
        joint, delta = self._joints[k], self._delta[k]
        names = self._names[joint.proximal], self._names[joint.distal]
        one, two = self._fronts[joint.proximal].z, self._fronts[joint.distal].z
        if not delta.known or one is None or two is None:
            return JointCalibration(*names, math.nan, math.inf)
        turned = apart(delta.angle + self._facing(joint.distal, two), self._facing(joint.proximal, one))
        return JointCalibration(*names, delta.angle, delta.sigma, turned)


__all__ = ["ACC_TOLERANCE", "Fit", "Found", "Standing"]
