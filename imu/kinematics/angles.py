"""The loop over frames: calibrated sensors -> segment orientations, tilts, joint angles, each with sigma and flags.

Segments: `segments`. Joints: `joint_reading`. Whether the person has turned: `beside`.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.conventions import angle_column
from imu.kernels import kernel
from imu.kinematics.beside import look_beside
from imu.kinematics.joint_reading import LOST_HEADING, put, read_joint
from imu.kinematics.layout import OTHER, PELVIS, Record, Records
from imu.kinematics.segments import Flags, face, face_again, keep_facing, read_segment
from imu.packets import Floats, Quality

PELVIS_DRIFT: Final = math.radians(0.06)
"""rad/s of the pelvis' heading since the last quiet stand: what its filter drifts by while the person moves (1σ)."""
PELVIS_STALE: Final = math.radians(5.0)
PELVIS_LOST: Final = math.radians(20.0)
REST_SIGMA: Final = math.radians(1.3)
"""rad; how exactly a person stands still about the vertical."""

_SETTLING, _HEADING = int(Quality.SETTLING), int(Quality.HEADING_STALE)
_TILT = (0, angle_column("thigh_tilt", "left"), angle_column("shank_tilt", "left"))
_SAGITTAL = (0, angle_column("thigh_sagittal_tilt", "left"), angle_column("shank_sagittal_tilt", "left"))
_FRONTAL = (0, angle_column("thigh_frontal_tilt", "left"), angle_column("shank_frontal_tilt", "left"))
_PELVIS_TILT, _OBLIQUITY = angle_column("pelvis_tilt"), angle_column("pelvis_obliquity")
_PELVIS_ROTATION = angle_column("pelvis_rotation")


@kernel
def put_tilts(
    row: int, part: int, leg: int, s: Record, angle: Floats, sigma: Floats, out_flags: Flags, steady: Floats
) -> None:  # fmt: skip
    """Tilts of a thigh (part 1) or shank (2) of the left (leg 0) or right side."""
    # the knee is the far end of the thigh and the near end of the shank
    way, side, bits = (1.0 if part == 1 else -1.0), (1.0 if leg == 1 else -1.0), s["flags"]
    put(row, _TILT[part] + leg, s["tilt"], s["s_tilt"] ** 2, bits, angle, sigma, out_flags)
    put(row, _SAGITTAL[part] + leg, way * s["sagittal"], s["s_sagittal"] ** 2, bits, angle, sigma, out_flags)
    put(
        row, _FRONTAL[part] + leg, way * side * s["frontal"], s["s_frontal"] ** 2, bits | s["frontal_flags"],
        angle, sigma, out_flags,
    )  # fmt: skip
    steady[row, _FRONTAL[part] + leg] = way * side * s["steady_frontal"]


@kernel
def put_pelvis(
    row: int, s: Record, dt: float, angle: Floats, sigma: Floats, out_flags: Flags, steady: Floats
) -> None:  # fmt: skip
    """Tilt, obliquity, and rotation against the last quiet stand."""
    bits = s["flags"]
    put(row, _PELVIS_TILT, -s["sagittal"], s["s_sagittal"] ** 2, bits, angle, sigma, out_flags)
    put(row, _OBLIQUITY, s["roll"], s["s_roll"] ** 2, bits, angle, sigma, out_flags)
    steady[row, _OBLIQUITY] = s["steady_roll"]
    drift = PELVIS_DRIFT * s["rest_age"] * dt
    if s["rest_known"] == 0 or drift > PELVIS_LOST:
        bits |= _HEADING | _SETTLING
    elif drift > PELVIS_STALE:
        bits |= _HEADING
    x, y, rx, ry = s["right"][0], s["right"][1], s["rest"][0], s["rest"][1]
    variance = s["var"] + REST_SIGMA**2 + drift**2
    put(row, _PELVIS_ROTATION, math.atan2(rx * y - ry * x, rx * x + ry * y), variance, bits, angle, sigma, out_flags)


@kernel
def run(
    start: int, stop: int, q: Floats, gyr: Floats, acc: Floats, flags: Flags, delta: Floats, s_delta: Floats,
    dt: float, slots: NDArray[np.int64], segments: Records, joints: Records,
    q_out: Floats, angle: Floats, sigma: Floats, out_flags: Flags, steady: Floats,
) -> None:  # fmt: skip
    """Frames start..stop; outputs come filled with NaN and NOT_CALIBRATED, `steady` with zeros.

    q (m, S, 4) q_earth_sensor, gyr, acc (m, S, 3), flags (m, S) of the grid; delta, s_delta (m, J) relative headings of the
    joints and their sigma, rad; slots (5,) row in `segments` of pelvis, left and right thigh, left and right shank, -1 =
    not worn; joints (J,) JOINT, proximal ones first.
    """
    for row in range(start, stop):
        for j in range(len(segments)):
            if segments[j]["part"] != OTHER:
                read_segment(row, j, q, gyr, acc, flags, dt, segments[j], q_out)
        for k in range(len(joints)):
            joint = joints[k]
            a, b = segments[int(joint["proximal"])], segments[int(joint["distal"])]
            read_joint(row, joint, a, b, delta[row, k], s_delta[row, k], dt, angle, sigma, out_flags)
            # a hip's heading is less sure than that the pelvis and the thighs faced one way at the last rest
            below = a["part"] != PELVIS and a["fine"] != 0 and b["fine"] != 0 and a["faced"] != 0
            if below and joint["known"] != 0 and s_delta[row, k] < LOST_HEADING:
                face(row, int(joint["distal"]), a["turn"] + delta[row, k] - joint["turned"], b, q_out)
                if b["facing_known"] == 0:
                    keep_facing(b)
        face_again(row, segments, q_out, dt)
        for leg in range(2):
            for part in range(1, 3):
                j = int(slots[2 * part - 1 + leg])
                if j >= 0:
                    put_tilts(row, part, leg, segments[j], angle, sigma, out_flags, steady)
        if slots[PELVIS] >= 0:
            put_pelvis(row, segments[int(slots[PELVIS])], dt, angle, sigma, out_flags, steady)
        look_beside(segments, dt)
