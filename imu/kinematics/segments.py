"""One calibrated sensor, frame by frame: the segment's orientation and its tilts against gravity.

With u the direction of up in the segment's frame (0, 1, 0 at the stand):

    tilt      = atan2(sqrt(ux² + uz²), uy)         unsigned
    sagittal  = atan2(ux, uy)                      rotation about the flexion axis; + moves the far end forward
    roll      = asin(uz)                           height of the right side
    frontal   = asin(L · n)                        L: long axis (y) now, n: flexion axis (z, level) at the last rest

Sagittal and unsigned tilts need nothing but gravity. The frontal tilt does: a thigh near the horizontal that swings inward
turns about the vertical, and gravity does not see that (a gravity-only formula keeps cos² of the tilt: a quarter of it at
60°). So `n` is kept in the filter's own earth frame, where it is good for the seconds of a repetition, and is followed anew
whenever the segment is near its standing direction and slow. No heading is compared between sensors here, turning the
world or the person changes nothing.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.conventions import G
from imu.fusion.quaternion import conj, mul, rotate
from imu.kernels import kernel
from imu.kinematics.beside import only_this
from imu.kinematics.layout import Record, Records
from imu.packets import UNKNOWN, Floats, Quality

Flags = NDArray[np.uint16]

NEAR: Final = math.radians(12.0)
"""Tilt from the stand below which a segment counts as standing."""
SLOW: Final = 0.6
"""rad/s."""
FOLLOW_S: Final = 0.5
REST_S: Final = 0.5
"""Standing and slow for so long gives a heading to a sensor that had to start again."""
STALE_S: Final = 20.0
"""Without a rest for so long the person may have turned: HEADING_STALE, and the axis is followed on the move."""
TURNED: Final = math.radians(35.0)
"""More than this, and the pelvis too (`beside`): the person has turned, HEADING_STALE at once."""
STALE_FOLLOW_S: Final = 2.0
STALE_SIGMA: Final = math.radians(5.0)
"""rad of heading: how a leg is turned on average on the move against the stand."""
LOST_SIGMA: Final = math.radians(20.0)
"""rad of heading: with more, a frontal tilt would be a number without a meaning."""

INCLINATION_SIGMA: Final = math.radians(0.3)
"""Of VQF-6D at rest and in slow movement."""
PUSH_S: Final = 3.0
"""The filter's time constant: level acceleration that lasts as long is taken for gravity."""
PUSH_SHARE: Final = 0.6
"""of the angle by which the slow acceleration leans against gravity is an error of the inclination (1σ). Simulated people
who walk are off by 2.0° (rms) where it leans by 2°, most of that in few strides; in all else by 0.5° at less than 0.5°."""
TISSUE_SIGMA: Final = math.radians(0.8)
"""Sensor against bone when the segment is tilted by 45° and more."""
DRIFT_SIGMA: Final = math.radians(0.05)
"""rad/s of heading since the last rest: twice the median drift, for turning on the spot."""
GAP_SIGMA: Final = math.radians(8.0)
"""rad per s of propagation: 2° after the longest bridged hole."""
GAP_MOST: Final = math.radians(4.0)
SATURATED_SIGMA: Final = math.radians(5.0)
DOUBTFUL_VARIANCE: Final = (0.5 / G) ** 2
"""Of a sensor whose norm at rest is off by up to 0.5 m/s²: as much may be wrong along any axis."""
FORGET_S: Final = 3.0
"""The filter's own time constant: gravity has corrected by then."""

_UNKNOWN, _STALE = int(UNKNOWN), int(Quality.STALE)
_SETTLING, _NOT_CALIBRATED = int(Quality.SETTLING), int(Quality.NOT_CALIBRATED)
_DOUBTFUL = int(Quality.SENSOR_DOUBTFUL)
_HEADING, _GAP, _GYR = int(Quality.HEADING_STALE), int(Quality.GAP), int(Quality.SATURATED_GYR)
_SLIPPED = int(Quality.SLIPPED)


@kernel
def pose_of(row: int, j: int, q: Floats, s: Record) -> tuple[float, float, float, float]:
    """Orientation of the segment of sensor j, whose record holds q_sensor_segment as `q`, in the sensor's earth frame."""
    return mul((q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3]), (s["q"][0], s["q"][1], s["q"][2], s["q"][3]))


@kernel
def follow(s: Record, zx: float, zy: float, gain: float) -> None:
    """Turn the kept axis towards the level direction (zx, zy)."""
    ax = s["axis"][0] + gain * (zx - s["axis"][0])
    ay = s["axis"][1] + gain * (zy - s["axis"][1])
    n = math.sqrt(ax * ax + ay * ay)
    if n > 1e-9:
        s["axis"][0], s["axis"][1] = ax / n, ay / n


@kernel
def face(row: int, j: int, turn: float, s: Record, q_out: Floats) -> None:
    """Write the orientation, with its own earth frame turned by `turn` into the common one."""
    s["faced"], s["turn"] = 1, turn
    turned = mul((math.cos(0.5 * turn), 0.0, 0.0, math.sin(0.5 * turn)), s["pose"])
    q_out[row, j, 0], q_out[row, j, 1], q_out[row, j, 2], q_out[row, j, 3] = turned


@kernel
def follow_push(ax: float, ay: float, dt: float, s: Record) -> None:
    """Level acceleration m/s² in the sensor's own earth frame into the slow one and the mean of its square."""
    if s["slow_known"] == 0:
        s["slow_known"] = 1
        s["slow"][0], s["slow"][1], s["pushed"] = 0.0, 0.0, 0.0
    if ax == ax and ay == ay:
        gain = dt / PUSH_S
        s["slow"][0] += gain * (ax - s["slow"][0])
        s["slow"][1] += gain * (ay - s["slow"][1])
        s["pushed"] += gain * ((s["slow"][0] ** 2 + s["slow"][1] ** 2) / G**2 - s["pushed"])


@kernel
def read_segment(
    row: int, j: int, q: Floats, gyr: Floats, acc: Floats, flags: Flags, dt: float, s: Record, q_out: Floats
) -> None:  # fmt: skip
    """One sensor of one frame into its record and `q_out[row, j]`."""
    bits = int(flags[row, j])
    s["fine"] = 0
    s["frontal_flags"] = 0
    if s["known"] == 0:
        bits |= _NOT_CALIBRATED
    elif s["slipped"] != 0:
        bits |= _SLIPPED
    if q[row, j, 0] != q[row, j, 0] and (bits & _UNKNOWN) == 0:
        bits |= _STALE
    if (bits & _SETTLING) != 0:
        # the filter has started again: its heading is a new one
        s["facing_known"] = 0
        s["axis_known"] = 0
        s["rest_known"] = s["slow_known"] = 0
        s["extra"] = 0.0
    s["flags"] = bits
    s["axis_age"] += 1
    s["rest_age"] += 1
    s["extra"] *= 1.0 - dt / FORGET_S
    if (bits & _GAP) != 0:
        s["extra"] = min(s["extra"] + GAP_SIGMA * dt, max(s["extra"], GAP_MOST))
    if (bits & _GYR) != 0:
        s["extra"] = max(s["extra"], SATURATED_SIGMA)
    if (bits & _UNKNOWN) != 0:
        s["calm"] = 0
        return
    s["fine"] = 1
    q_turned = pose_of(row, j, q, s)
    ux, uy, uz = rotate(conj(q_turned), (0.0, 0.0, 1.0))
    ax, ay, _ = rotate(
        (q[row, j, 0], q[row, j, 1], q[row, j, 2], q[row, j, 3]), (acc[row, j, 0], acc[row, j, 1], acc[row, j, 2])
    )  # fmt: skip
    follow_push(ax, ay, dt, s)
    level = math.sqrt(max(ux * ux + uy * uy, 1e-12))  # of the flexion axis: 1 = horizontal
    lean = math.sqrt(ux * ux + uz * uz)
    for i in range(4):
        s["pose"][i] = q_turned[i]
    s["up"][0], s["up"][1], s["up"][2] = ux, uy, uz
    s["tilt"] = math.atan2(lean, uy)
    s["sagittal"] = math.atan2(ux, uy)
    s["roll"] = math.asin(min(1.0, max(-1.0, uz)))

    # the axis at the last rest
    wx, wy, wz = gyr[row, j, 0], gyr[row, j, 1], gyr[row, j, 2]
    standing = s["tilt"] < NEAR and wx * wx + wy * wy + wz * wz < SLOW * SLOW
    s["calm"] = s["calm"] + 1 if standing else 0
    zx, zy, _ = rotate(q_turned, (0.0, 0.0, 1.0))
    zx, zy = zx / level, zy / level
    s["right"][0], s["right"][1] = zx, zy
    if s["axis_known"] == 0:
        if s["calm"] * dt >= REST_S:
            s["axis_known"] = 1
            s["axis_age"] = 0
            s["axis"][0], s["axis"][1] = zx, zy
    elif standing:
        # after a turn the old axis is worth nothing
        follow(s, zx, zy, dt / FOLLOW_S if s["axis_age"] * dt <= STALE_S else 1.0)
        s["axis_age"] = 0
    elif level > 0.7:
        apart = math.atan2(s["axis"][0] * zy - s["axis"][1] * zx, s["axis"][0] * zx + s["axis"][1] * zy)
        if abs(apart) > TURNED and not only_this(apart, s["beside_known"], s["beside_turn"]):
            s["axis_age"] = max(s["axis_age"], int(STALE_S / dt) + 1)
        if s["axis_age"] * dt > STALE_S:
            s["turned"] += dt / STALE_FOLLOW_S * (apart * apart - s["turned"])
            follow(s, zx, zy, dt / STALE_FOLLOW_S)

    common = s["extra"] ** 2 + s["stand_sigma"] ** 2
    common += INCLINATION_SIGMA**2 + (TISSUE_SIGMA * min(1.0, s["tilt"] / 0.785)) ** 2
    # an axis turned by e about the long axis rolls the frame by e x sin(tilt)
    across = (s["axis_sigma"] * lean) ** 2
    # A constant error e of the accelerometer is in the stand as well. What is left in the change from there: about the
    # flexion axis ex (1 - cos) + ey sin of the tilt, sideways ez (1 - cos).
    doubt = DOUBTFUL_VARIANCE if (bits & _DOUBTFUL) != 0 else 0.0
    away = (1.0 - uy) ** 2
    aside_var = (s["acc_var"][2] + doubt) * away
    along_var = (s["acc_var"][0] + doubt) * away + (s["acc_var"][1] + doubt) * lean * lean
    s["var"] = common + along_var + aside_var
    common += PUSH_SHARE**2 * s["pushed"]
    s["s_tilt"] = math.sqrt(common + along_var + aside_var)
    s["s_sagittal"] = math.sqrt(common + along_var + (s["axis_sigma"] * uz) ** 2) / max(level, 0.1)
    s["s_roll"] = math.sqrt(common + aside_var + across)
    # of these the part that one constant error of the front makes, with its sign: see `FrameBlock.steady`
    s["steady_roll"], s["steady_frontal"] = s["axis_sigma"] * ux, 0.0
    if s["axis_known"] != 0:
        lx, ly, _ = rotate(q_turned, (0.0, 1.0, 0.0))
        aside = lx * s["axis"][0] + ly * s["axis"][1]
        s["steady_frontal"] = s["axis_sigma"] * (ly * s["axis"][0] - lx * s["axis"][1])
        s["frontal"] = math.asin(min(1.0, max(-1.0, aside)))
        drift = DRIFT_SIGMA * min(s["axis_age"] * dt, STALE_S)
        if s["axis_age"] * dt > STALE_S:
            s["frontal_flags"] = _HEADING
            drift += STALE_SIGMA + math.sqrt(s["turned"])
        else:
            s["turned"] = 0.0
        if drift > LOST_SIGMA:
            s["frontal_flags"] = _HEADING | _SETTLING
        s["s_frontal"] = math.sqrt(common + aside_var + across + (drift * lean) ** 2)
    else:
        s["frontal_flags"] = _HEADING | _SETTLING
        s["s_frontal"] = float("nan")
    s["faced"] = s["facing_known"]
    if s["facing_known"] != 0:
        face(row, j, -math.atan2(s["facing"][1], s["facing"][0]), s, q_out)


@kernel
def face_again(row: int, segments: Records, q_out: Floats, dt: float) -> None:
    """A restarted sensor gets the mean facing of the others at a rest: standing, all segments face one way."""
    lost = False
    for j in range(len(segments)):
        s = segments[j]
        if s["known"] == 0 or s["fine"] == 0:
            continue
        if s["calm"] * dt < REST_S:
            return
        lost = lost or s["faced"] == 0
    if not lost:
        return
    rx, ry = 0.0, 0.0
    for j in range(len(segments)):
        s = segments[j]
        if s["fine"] != 0 and s["faced"] != 0:
            c, sine = math.cos(s["turn"]), math.sin(s["turn"])
            rx += c * s["right"][0] - sine * s["right"][1]
            ry += sine * s["right"][0] + c * s["right"][1]
    if rx * rx + ry * ry < 1e-12:
        ry = -1.0
    for j in range(len(segments)):
        s = segments[j]
        if s["fine"] != 0 and s["faced"] == 0:
            face(row, j, math.atan2(ry, rx) - math.atan2(s["right"][1], s["right"][0]), s, q_out)
            keep_facing(s)


@kernel
def keep_facing(s: Record) -> None:
    """Its earth frame is turned into the common one from now on as in this frame."""
    s["facing"][0], s["facing"][1] = math.cos(s["turn"]), -math.sin(s["turn"])
    s["facing_known"] = 1
