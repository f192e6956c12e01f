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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from imu.conventions import place
from imu.kinematics.calibration import posture
from imu.kinematics.calibration.axes import UNKNOWN_HEADING, Axis, Heading, apart, axis_of, fused, principal
from imu.kinematics.calibration.calibration import JointCalibration, SegmentCalibration
from imu.kinematics.calibration.fronts import SYSTEMATIC_AXIS_SIGMA, Fronts
from imu.kinematics.calibration.movement import MISSED_S
from imu.kinematics.calibration.own import along
from imu.kinematics.calibration.relative import moments_at
from imu.kinematics.calibration.score import (
    LEAST_PATH,
    LEAST_SIGN,
    MOST_SECOND_SHARE,
    Mark,
    agreement_mark,
    axis_mark,
    heading_mark,
    one_sided_mark,
    path_mark,
    sign_mark,
)
from imu.kinematics.heading import JointSpec
from imu.kinematics.layout import FOOT, PELVIS, THIGH, part_of
from imu.packets import Floats

STANCE_SIGMA: Final = math.radians(8.0)
"""rad. A thigh's front against the pelvis's in a stand: toes point outward by up to 15°."""
UNEVEN_SIGMA: Final = math.radians(3.0)
"""rad. The middle of both thighs' fronts against the pelvis's."""
WELL_KNOWN: Final = math.radians(6.0)
"""rad of a shank's own axis: squats and seated extensions are below."""
PLANAR_SIGMA: Final = math.radians(4.0)
"""rad of delta from the knee turning about one axis."""
SHARP: Final = 0.01
"""Second share of the knee's rate, 60° from delta, above the least one: 0.015 to 0.03 of who sits, 0.003 marching."""
OPPOSITE: Final = math.radians(90.0)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Result of a fit."""

    segments: tuple[SegmentCalibration, ...]
    joints: tuple[JointCalibration, ...]
    bent: str
    """Why the stand was none, for people; or empty."""
    wants_more: bool
    """Of a shank neither the accelerations nor its own axis tell the front well."""

    def only(self, wanted: Sequence[bool]) -> Found:
        """The same without what was found of the other segments."""
        segments = [f if w else replace(f, q_sensor_segment=None) for f, w in zip(self.segments, wanted, strict=True)]
        return replace(self, segments=tuple(segments))


class Fit(Fronts):
    """One evaluation of the sums; parameters as of `Fronts`."""

    def found(self, turned: Floats | None = None) -> Found:
        """Frames of all segments, headings of all joints.

        turned : (J,) rad, what was taken off every heading beforehand; NaN = nothing.
        """
        self._bent: list[str] = []
        self._wants_more = False
        for kind, fit in (("knee", self._knee), ("hip", None), ("ankle", self._ankle)):
            if kind == "hip":
                self._alone()
                self._pelvis()
            for k, joint in enumerate(self._joints):
                if fit is not None and joint.kind == kind:
                    fit(k, joint)
        self._alone()
        # who walks is lowest with both thighs away from the stand, or not: only movements of both together tell
        together = posture.kind_of(self._sums) == "squats"
        if together and posture.sinking(self._sums, self._dt) < -posture.RISES_M:
            self._bent.append("the person rose from what was taken for the stand")
        segments = tuple(self._segment(j) for j in range(len(self._names)))
        off = np.zeros(len(self._joints)) if turned is None else np.nan_to_num(turned)
        joints = tuple(self._joint(k, float(off[k])) for k in range(len(self._joints)))
        return Found(segments, joints, "; ".join(self._bent), self._wants_more)

    def _knee(self, k: int, joint: JointSpec) -> None:
        """Thigh and shank through the heading between them."""
        thigh, shank = joint.proximal, joint.distal
        if self._fronts[thigh].refused or self._fronts[shank].refused:
            return
        felt, aligned = self._headings(k, joint)
        if not felt.known and self._reachable(joint):
            own = self._fronts[shank].own.axis
            there = int(self._sums.sensors[shank]["missed"]) * self._dt <= MISSED_S
            unsure = own is None or own.of_its_own > WELL_KNOWN
            marching = posture.kind_of(self._sums) in ("march", "movement")
            self._wants_more = self._wants_more or (marching and there and unsure)
        differ = apart(felt.angle, aligned.angle) if felt.known and aligned.known else 0.0
        if abs(differ) > OPPOSITE and (self._free(thigh) or self._free(shank)):
            self._bent.append(
                f"{place(self._names[thigh])} and {place(self._names[shank])} leaned opposite ways: either the person did"
                " not stand upright before, or two sensors are exchanged"
            )
            return
        delta = fused([felt, aligned, self._planar(k, fused([felt, aligned]))])
        if not delta.known:
            return
        self._delta[k] = delta
        agreement: list[Mark] = []
        if felt.known and aligned.known:
            agreement = [agreement_mark(differ, math.hypot(felt.sigma, aligned.sigma))]
        elif not felt.known and (axis := self._fronts[shank].own.axis) is not None:
            agreement = [axis_mark(axis)]
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

    def _planar(self, k: int, near: Heading) -> Heading:
        """Delta with which the knee turns about one axis, where that tells: of who sits 2.3° off, own axes 5.4° (simulated
        people). Marching it was 47° off, so only a sharp minimum counts, and not far from where the other ways put it."""
        if self._trusted or not near.known:
            return UNKNOWN_HEADING
        angles = near.angle + np.radians(np.arange(-60.0, 61.0, 2.0))
        shares = np.array([principal(moments_at(self._sums.relative[k], x).sum(axis=0))[1] for x in angles])
        best = int(np.argmin(shares))
        if not 0 < best < len(angles) - 1 or shares[[0, -1]].min() < SHARP + shares[best]:
            return UNKNOWN_HEADING
        low, middle, high = shares[best - 1 : best + 2]
        step = 0.5 * (low - high) / (low - 2.0 * middle + high) * math.radians(2.0)
        return Heading(float(angles[best] + step), PLANAR_SIGMA)

    def _thigh(self, k: int, joint: JointSpec, delta: Heading, marks: list[Mark]) -> bool:
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
            if abs(sign) < LEAST_SIGN:
                return False
            z = -z if sign < 0.0 else z
        cycles = int(s["cycles"])
        others = max((int(t["cycles"]) for t in self._sums.sensors if t["part"] == THIGH), default=0)
        self._take(
            joint.proximal, z, axis.sigma,
            [axis_mark(axis), sign_mark(sign), path_mark(path, LEAST_PATH[THIGH]), one_sided_mark(cycles, others), *marks],
        )  # fmt: skip
        return True

    def _pelvis(self) -> None:
        """From its own lean, and from the thighs through the hips."""
        hips = [(k, joint) for k, joint in enumerate(self._joints) if joint.kind == "hip"]
        for j in (j for j in range(len(self._names)) if part_of(self._names[j]) == PELVIS and self._free(j)):
            own = self._fronts[j].own
            ways: list[Heading] = []
            if own.z is not None and own.axis is not None and not self._sums.sensors[j]["turned"]:
                ways.append(Heading(self._facing(j, own.z), math.hypot(SYSTEMATIC_AXIS_SIGMA, own.axis.of_its_own)))
            thighs: list[Heading] = []
            for k, joint in hips:
                z = self._fronts[joint.distal].z
                felt, _ = self._headings(k, joint)
                if z is not None and felt.known:
                    thighs.append(Heading(self._facing(joint.distal, z) + felt.angle, felt.sigma))
            if len(thighs) == 2:
                # toes point outward on both sides: the middle is straight ahead
                between = thighs[0].angle + 0.5 * apart(thighs[1].angle, thighs[0].angle)
                unsure = 0.5 * math.hypot(thighs[0].sigma, thighs[1].sigma)
                ways.append(Heading(between, math.hypot(UNEVEN_SIGMA, unsure)))
            elif own.z is not None:
                ways += [Heading(h.angle, math.hypot(STANCE_SIGMA, h.sigma)) for h in thighs]
            front = fused(ways)
            if not front.known:
                continue
            more = [axis_mark(own.axis), sign_mark(own.sign)] if own.z is not None and own.axis is not None else []
            self._take(j, self._at_heading(j, front.angle), front.sigma, [heading_mark(front.sigma), *more], 0.0)
        for k, joint in hips:
            felt, _ = self._headings(k, joint)
            one, two = self._fronts[joint.proximal].z, self._fronts[joint.distal].z
            ways = [felt]
            believed = felt.known and self._trusted
            if one is not None and two is not None and self._reachable(joint) and not believed:
                straight = apart(self._facing(joint.proximal, one), self._facing(joint.distal, two))
                ways.append(Heading(straight, STANCE_SIGMA))
            self._delta[k] = fused(ways)

    def _ankle(self, k: int, joint: JointSpec) -> None:
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
                self._take(j, own.z, own.axis.of_its_own, marks)
