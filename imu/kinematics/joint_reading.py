"""Angles of one joint in one frame, with their uncertainty.

The orientation of the distal segment in the proximal one, R = (R1 S1)ᵀ Rz(δ) (R2 S2), read as R = Rz(a) Rx(b) Ry(c) (Grood
& Suntay 1983): R sensor to its own earth frame, S segment to sensor, δ the relative heading. A small error of R that turns
it by the vector e, in the proximal frame, changes the angles by

    db = e · n                n = (cos a, sin a, 0), the floating axis
    dc = e · p / cos b        p = (-sin a, cos a, 0)
    da = ez - sin b dc

so that every source of error needs nothing but its direction e:

    inclination of either sensor    any direction square to up; what both take for gravity alike does not count
    heading δ now                   up
    heading δ at the stand          long axis of the distal segment, whose front was found through it
    both frames lean sideways       x axis of the distal segment minus that of the proximal one
    both fronts wrong alike         long axis of the distal segment minus that of the proximal one: crosstalk, 4.3° of
                                    adduction at 60° of flexion for 5°
    soft tissue about the bone      long axis of the proximal segment, and of the distal one

An error of δ that is the same now as at the stand was taken in by the front, and only its part that does not cancel, up
minus the long axis, is left.
"""

from __future__ import annotations

import math
from typing import Final

from imu.conventions import G
from imu.fusion.quaternion import conj, mul, rotate
from imu.kernels import kernel
from imu.kinematics.layout import Record
from imu.kinematics.segments import PUSH_S, PUSH_SHARE, Flags
from imu.packets import UNKNOWN, Floats, Quality

STALE_HEADING: Final = math.radians(12.0)
"""rad, sigma of the relative heading from which adduction and rotation carry HEADING_STALE."""
LOST_HEADING: Final = math.radians(25.0)
"""rad; beyond, they are unknown, and flexion is taken from the two sagittal tilts, which need no heading."""
SHARED: Final = 1.0
"""of the error of the heading at the stand is the error of the heading now."""
UPRIGHT_SIGMA: Final = math.radians(2.5)
"""rad by which a bone leans sideways in the stand, where its frame is upright: 3.2° on a knee with an optical reference."""
TWIST_SIGMA: Final = math.radians(0.5)
"""rad by which flesh turns a sensor about the bone when the segment is tilted by 45° and more."""

_UNKNOWN, _SETTLING = int(UNKNOWN), int(Quality.SETTLING)
_HEADING = int(Quality.HEADING_STALE)


@kernel
def put(
    row: int, column: int, value: float, variance: float, bits: int, angle: Floats, sigma: Floats, out_flags: Flags
) -> None:  # fmt: skip
    """Write one angle; unknown bits make it NaN."""
    out_flags[row, column] = bits
    if (bits & _UNKNOWN) == 0:
        angle[row, column] = value
        sigma[row, column] = math.sqrt(variance)


@kernel
def spread(
    along: float, across: float, third: float, j: Record, a: Record, b: Record, ux: float, uy: float, uz: float,
    mx: float, my: float, mz: float, fx: float, fy: float, fz: float, shared: float, now: float, stand: float,
) -> float:  # fmt: skip
    """Variance of the angle that an error e changes by d · e, d = (along, across, third) in the proximal frame.

    (ux, uy, uz) up, (mx, my, mz) and (fx, fy, fz) long and front axis of the distal segment there; shared, now, stand:
    variances of the heading.
    """
    of_up = along * ux + across * uy + third * uz
    of_long = along * mx + across * my + third * mz
    level = max(along * along + across * across + third * third - of_up * of_up, 0.0)
    variance = (a["var"] + b["var"] + PUSH_SHARE**2 * j["pushed"]) * level
    variance += shared * (of_up - of_long) ** 2 + now * of_up**2 + stand * of_long**2
    variance += UPRIGHT_SIGMA**2 * (along * (fx - 1.0) + across * fy + third * fz) ** 2
    variance += j["axis_sigma"] ** 2 * (of_long - across) ** 2
    twist = TWIST_SIGMA**2
    variance += twist * min(1.0, a["tilt"] / 0.785) ** 2 * across**2
    variance += twist * min(1.0, b["tilt"] / 0.785) ** 2 * of_long**2
    return variance


@kernel
def read_joint(
    row: int, j: Record, a: Record, b: Record, delta: float, s_delta: float, dt: float,
    angle: Floats, sigma: Floats, out_flags: Flags,
) -> None:  # fmt: skip
    """Flexion, adduction and rotation of joint `j` between the segments `a` (proximal) and `b` into their columns.

    delta rad, s_delta rad; NaN, or beyond `LOST_HEADING` = unknown.
    """
    bits = a["flags"] | b["flags"]
    flexion, adduction, rotation = j["columns"][0], j["columns"][1], j["columns"][2]
    if (bits & _UNKNOWN) != 0:
        put(row, flexion, 0.0, 0.0, bits, angle, sigma, out_flags)
        put(row, adduction, 0.0, 0.0, bits, angle, sigma, out_flags)
        put(row, rotation, 0.0, 0.0, bits, angle, sigma, out_flags)
        return
    if j["known"] == 0 or delta != delta or not s_delta < LOST_HEADING:
        variance = a["s_sagittal"] ** 2 + b["s_sagittal"] ** 2
        value = j["flexion_sign"] * (b["sagittal"] - a["sagittal"])
        put(row, flexion, value, variance, bits, angle, sigma, out_flags)
        put(row, adduction, 0.0, 0.0, bits | _HEADING | _SETTLING, angle, sigma, out_flags)
        put(row, rotation, 0.0, 0.0, bits | _HEADING | _SETTLING, angle, sigma, out_flags)
        return
    c, sine = math.cos(delta), math.sin(delta)
    px = (a["slow"][0] - c * b["slow"][0] + sine * b["slow"][1]) / G
    py = (a["slow"][1] - sine * b["slow"][0] - c * b["slow"][1]) / G
    j["pushed"] += dt / PUSH_S * (px * px + py * py - j["pushed"])
    turn = (math.cos(0.5 * delta), 0.0, 0.0, math.sin(0.5 * delta))
    w, x, y, z = mul(conj(a["pose"]), mul(turn, b["pose"]))
    sa = math.atan2(2.0 * (w * z - x * y), 1.0 - 2.0 * (x * x + z * z))
    sb = math.asin(min(1.0, max(-1.0, 2.0 * (y * z + w * x))))
    sc = math.atan2(2.0 * (w * y - x * z), 1.0 - 2.0 * (x * x + y * y))
    mx, my, mz = rotate((w, x, y, z), (0.0, 1.0, 0.0))
    fx, fy, fz = rotate((w, x, y, z), (1.0, 0.0, 0.0))
    ux, uy, uz = a["up"][0], a["up"][1], a["up"][2]

    # what is wrong with the heading now and at the stand alike
    shared = SHARED * min(s_delta**2, j["turned_var"])
    now, stand = s_delta**2 - shared, j["turned_var"] - shared
    ca, sina = math.cos(sa), math.sin(sa)
    cosb = max(math.cos(sb), 0.1)
    tanb = math.sin(sb) / cosb
    var_a = spread(tanb * sina, -tanb * ca, 1.0, j, a, b, ux, uy, uz, mx, my, mz, fx, fy, fz, shared, now, stand)
    var_b = spread(ca, sina, 0.0, j, a, b, ux, uy, uz, mx, my, mz, fx, fy, fz, shared, now, stand)
    var_c = spread(-sina / cosb, ca / cosb, 0.0, j, a, b, ux, uy, uz, mx, my, mz, fx, fy, fz, shared, now, stand)

    side = j["side_sign"]
    turned = sc - j["turned"]
    turned -= 2.0 * math.pi * math.floor(turned / (2.0 * math.pi) + 0.5)
    aside = bits | _HEADING if s_delta > STALE_HEADING else bits
    put(row, flexion, j["flexion_sign"] * sa, var_a, bits, angle, sigma, out_flags)
    put(row, adduction, side * sb, var_b, aside, angle, sigma, out_flags)
    put(row, rotation, side * turned, var_c, aside, angle, sigma, out_flags)
