"""A calibration of another day: written, read, and checked against today's stand."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Final

import numpy as np

from imu.errors import CalibrationError
from imu.kinematics.calibration.axes import Heading, apart, fused, quaternion_of
from imu.kinematics.calibration.calibration import Calibration, JointCalibration, SegmentCalibration
from imu.kinematics.calibration.joints import Evidence
from imu.kinematics.calibration.quiet import QuietRun
from imu.kinematics.heading import JointSpec
from imu.packets import Floats

VERSION: Final = 1
FINE: Final = math.radians(4.0)
"""Up today against up then: posture and straps of another day."""
MOST: Final = math.radians(8.0)
"""Beyond, the sensor sits elsewhere."""
POSE_SIGMA: Final = math.radians(5.0)
"""rad of delta from facing as in the other stand."""
MARKED_POINTS: Final = 30
RENEW: Final = "redo this sensor: stand still, then march on the spot"


def to_json(calibration: Calibration) -> str:
    """Text that `from_json` reads."""
    fields = {"version": VERSION, **asdict(calibration)}
    for group in ("segments", "joints"):
        fields[group] = [{k: _plain(v) for k, v in one.items()} for one in fields[group]]
    return json.dumps(fields, sort_keys=True, allow_nan=False)


def from_json(text: str) -> Calibration:
    """A calibration that `to_json` wrote; CalibrationError if it is damaged or of another version."""
    try:
        d = json.loads(text)
        if d.pop("version") != VERSION:
            raise CalibrationError("the stored calibration was written by another version; calibrate anew")
        segments = []
        for one in d.pop("segments"):
            q = one["q_sensor_segment"]
            q = None if q is None else tuple(float(x) for x in q)
            if q is not None and (len(q) != 4 or abs(sum(x * x for x in q) - 1.0) > 1e-6):
                raise ValueError(f"{one['segment']}: {q} is no orientation")
            one = {**one, "q_sensor_segment": q, "axis_sigma": _number(one["axis_sigma"], math.nan)}
            segments.append(SegmentCalibration(**{**one, "stand_acc": _number(one["stand_acc"], math.nan)}))
        joints = []
        for one in d.pop("joints"):
            unknown = {"delta": _number(one["delta"], math.nan), "sigma": _number(one["sigma"], math.inf)}
            joints.append(JointCalibration(**{**one, **unknown}))
        stand, movement = ((int(a), int(b)) for a, b in (d.pop("stand_us"), d.pop("movement_us")))
        return Calibration(stand, movement, segments=tuple(segments), joints=tuple(joints), **d)
    except (ValueError, TypeError, KeyError, AttributeError) as e:
        raise CalibrationError(f"the stored calibration cannot be read ({e}); it is damaged: calibrate anew") from e


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: object, unknown: float) -> float:
    if value is None:
        return unknown
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def adopt(
    stored: Calibration, names: Sequence[str], serials: Sequence[str], quiet: QuietRun
) -> tuple[SegmentCalibration, ...] | None:
    """Today's frames of the sensors that sit where they sat then; None if the person does not stand as then.

    The front is that of then, up is that of today's stand, so that today's stand is zero again. A sensor that is turned by
    up to 4° is fine, up to 8° marked, beyond refused, as is another sensor in its place. If most are refused the pose is
    not that stand at all, or everything was strapped on anew.
    """
    found: list[SegmentCalibration] = []
    tried = kept = 0
    for name, serial, up, acc, fits in zip(names, serials, quiet.up, quiet.acc, quiet.fits, strict=True):
        one = stored.of(name)
        frame = None if one is None else one.frame
        if one is None or frame is None or one.sensor != serial or not fits:
            other = one is not None and one.sensor != serial
            reason = "another sensor than then" if other else "not in the stored calibration"
            found.append(SegmentCalibration(name, None, math.nan, 0, reason, float(acc), RENEW, serial))
            continue
        tried += 1
        tilt = math.acos(max(-1.0, min(1.0, float(frame[:, 1] @ up))))
        if tilt > MOST:
            reason = f"turned by {math.degrees(tilt):.0f}° since the stored calibration"
            found.append(SegmentCalibration(name, None, math.nan, 0, reason, float(acc), RENEW, serial))
            continue
        kept += 1
        one = replace(one, q_sensor_segment=quaternion_of(_upright(frame, up)), stand_acc=float(acc))
        if tilt > FINE:
            reason = f"turned by {math.degrees(tilt):.0f}° since the stored calibration"
            sigma = math.hypot(one.axis_sigma, tilt)
            one = replace(one, score=max(0, one.score - MARKED_POINTS), reason=reason, remedy=RENEW, axis_sigma=sigma)
        found.append(one)
    return tuple(found) if tried and 2 * kept > tried else None


def pose_headings(
    joints: Sequence[JointSpec], old: Calibration, found: Sequence[SegmentCalibration], turns: Sequence[Floats | None],
    evidence: Evidence,
) -> tuple[JointCalibration, ...]:  # fmt: skip
    """Neighbours face as in the stored stand; turns: (3, 3) sensor to earth in that of today, None = unknown."""
    headings: list[JointCalibration] = []
    for k, joint in enumerate(joints):
        names = found[joint.proximal].segment, found[joint.distal].segment
        facing: list[float] = []
        for j in (joint.proximal, joint.distal):
            frame, turn = found[j].frame, turns[j]
            if frame is not None and turn is not None:
                right = turn @ frame[:, 2]
                facing.append(math.atan2(float(right[1]), float(right[0])))
        if len(facing) < 2:
            headings.append(JointCalibration(*names, math.nan, math.inf))
            continue
        then = old.joint(names[1])
        turned = then.turned if then is not None else 0.0
        delta = fused([Heading(apart(facing[0], facing[1]) + turned, POSE_SIGMA), Heading(*evidence(k))])
        headings.append(JointCalibration(*names, delta.angle, delta.sigma, turned))
    return tuple(headings)


def _upright(frame: Floats, up: Floats) -> Floats:
    """The frame turned the shortest way so that its y is up."""
    axis = np.cross(frame[:, 1], up)
    sine, cosine = math.sqrt(float(axis @ axis)), float(frame[:, 1] @ up)
    x, y, z = axis
    k = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turn = np.eye(3) + k + k @ k * ((1.0 - cosine) / sine**2 if sine > 1e-9 else 0.5)
    return turn @ frame
