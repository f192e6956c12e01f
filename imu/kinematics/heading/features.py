"""What each sensor contributes, once per frame: its acceleration and the effect of an arm, in its earth frame, in bands.

The acceleration of a point at r from the sensor's joint centre is that of the joint plus K r, K = [α]x + [ω]x² (α by
five-point derivative, two frames late). Band-passed products R acc and R K of one sensor serve all its joints.
"""

from __future__ import annotations

import math
from typing import Final

from imu.kernels import kernel
from imu.kinematics.heading.layout import CHANNELS, LONG, WINDOW
from imu.kinematics.heading.params import BANDS, SECTIONS
from imu.kinematics.layout import Record
from imu.packets import UNKNOWN, Floats, Quality

_UNKNOWN, _SETTLING = int(UNKNOWN), int(Quality.SETTLING)
_FILLED, _GAP = int(Quality.FILLED), int(Quality.GAP)
_MADE_UP: Final = int(Quality.FILLED | Quality.GAP)
_CLIPPED: Final = int(Quality.SATURATED_ACC | Quality.SATURATED_GYR)
_SATURATED = int(Quality.SATURATED_GYR)
SATURATION_DOUBT: Final = math.radians(10.0) ** 2
"""rad²; a saturated gyroscope that is still believed may have missed so much (`GapLimits.wrong_deg`)."""


@kernel
def feature(ring: Floats, m: int, derivative: float, out: Floats) -> float:
    """Rate about the vertical of the frame at place m of the ring (5, 10); out (12,): its R acc and R K, row by row.

    derivative : frames per second / 12.
    """
    a, b, d, e = (m + 3) % WINDOW, (m + 4) % WINDOW, (m + 1) % WINDOW, (m + 2) % WINDOW
    w, x, y, z = ring[m, 0], ring[m, 1], ring[m, 2], ring[m, 3]
    gx, gy, gz = ring[m, 4], ring[m, 5], ring[m, 6]
    ax, ay, az = ring[m, 7], ring[m, 8], ring[m, 9]
    dx = (ring[a, 4] - 8.0 * ring[b, 4] + 8.0 * ring[d, 4] - ring[e, 4]) * derivative
    dy = (ring[a, 5] - 8.0 * ring[b, 5] + 8.0 * ring[d, 5] - ring[e, 5]) * derivative
    dz = (ring[a, 6] - 8.0 * ring[b, 6] + 8.0 * ring[d, 6] - ring[e, 6]) * derivative
    vertical = 0.0
    k00, k01, k02 = -gy * gy - gz * gz, gx * gy - dz, gx * gz + dy
    k10, k11, k12 = gx * gy + dz, -gx * gx - gz * gz, gy * gz - dx
    k20, k21, k22 = gx * gz - dy, gy * gz + dx, -gx * gx - gy * gy
    for i in range(3):
        if i == 0:
            r0, r1, r2 = 1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)
        elif i == 1:
            r0, r1, r2 = 2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)
        else:
            r0, r1, r2 = 2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)
        if i == 2:
            vertical = r0 * gx + r1 * gy + r2 * gz
        out[i] = r0 * ax + r1 * ay + r2 * az
        out[3 + 3 * i] = r0 * k00 + r1 * k10 + r2 * k20
        out[4 + 3 * i] = r0 * k01 + r1 * k11 + r2 * k21
        out[5 + 3 * i] = r0 * k02 + r1 * k12 + r2 * k22
    return vertical


@kernel
def filtered(sos: Floats, state: Floats, x: Floats, out: Floats) -> None:
    """All channels x (12,) through the sections (2, 5), transposed direct form II; state (2, 2, 12); out (12,)."""
    for c in range(CHANNELS):
        out[c] = x[c]
    for s in range(SECTIONS):
        b0, b1, b2, a1, a2 = sos[s, 0], sos[s, 1], sos[s, 2], sos[s, 3], sos[s, 4]
        for c in range(CHANNELS):
            v = out[c]
            y = b0 * v + state[s, 0, c]
            state[s, 0, c] = b1 * v - a1 * y + state[s, 1, c]
            state[s, 1, c] = b2 * v - a2 * y
            out[c] = y


@kernel
def _doubt(s: Record, flags: int, gx: float, gy: float, gz: float, c: Record) -> None:
    """s.doubt: what the hole that ended with this frame, or the saturation that began, may hide of the heading, rad²."""
    s["doubt"] = 0.0
    if (flags & _SATURATED) != 0:
        if s["saturated"] == 0:
            s["doubt"] = SATURATION_DOUBT
        s["saturated"] = 1
    else:
        s["saturated"] = 0
    w = s["hole_gyr"]
    if (flags & _FILLED) != 0:
        s["hole"] += 1
        return
    if s["hole"] > 0:
        change = (gx - w[0]) ** 2 + (gy - w[1]) ** 2 + (gz - w[2]) ** 2
        mean = 0.5 * (math.sqrt(gx * gx + gy * gy + gz * gz) + math.sqrt(w[0] ** 2 + w[1] ** 2 + w[2] ** 2))
        # a third of the square: one direction of three
        s["doubt"] += c["hole_error"] ** 2 * ((s["hole"] + 1) * c["dt"]) ** 3 * (change + mean * mean) / 3.0
        s["hole"] = 0
    w[0], w[1], w[2] = gx, gy, gz


@kernel
def sense(s: Record, number: int, q: Floats, gyr: Floats, acc: Floats, flags: int, c: Record, x: Floats) -> None:
    """Take frame `number` of one sensor: q (4,), gyr, acc (3,); s.feature is then that of two frames ago.

    s.known is 0 if the frame is unknown; from 5 on there is a feature, and s.since says for how many frames. x (12,) is
    scratch.
    """
    if (flags & _UNKNOWN) != 0 or math.isnan(q[0] + gyr[0] + gyr[1] + gyr[2] + acc[0] + acc[1] + acc[2]):
        s["known"], s["since"], s["hole"], s["doubt"] = 0, 0, 0, 0.0
        s["clean"] = LONG
        if (flags & _SETTLING) != 0:
            s["restarted"] = 1
        return
    s["known"] = min(s["known"] + 1, LONG)
    # GAP alone only says that the inclination is suspect for seconds: that is nearly constant, and the bands take it away
    dirty = (flags & _MADE_UP) == _MADE_UP or (flags & _CLIPPED) != 0
    s["clean"] = 0 if dirty else min(s["clean"] + 1, LONG)
    ring = s["ring"]
    at = number % WINDOW
    for i in range(4):
        ring[at, i] = q[i]
    for i in range(3):
        ring[at, 4 + i], ring[at, 7 + i] = gyr[i], acc[i]
    _doubt(s, flags, gyr[0], gyr[1], gyr[2], c)
    if s["known"] < WINDOW:
        return
    vertical = feature(ring, (number + 3) % WINDOW, 1.0 / (12.0 * c["dt"]), x)
    if s["clean"] >= WINDOW - 1:
        s["turn"] += c["dt"] * vertical
    start, state = s["start"], s["state"]
    if s["known"] == WINDOW:
        # a band-pass that begins with zero at rest is at once where it will be
        for i in range(3):
            start[i] = x[i]
        for b in range(BANDS):
            for k in range(SECTIONS):
                for i in range(CHANNELS):
                    state[b, k, 0, i] = state[b, k, 1, i] = 0.0
    s["since"] = min(s["since"] + 1, LONG)
    for i in range(3):
        x[i] -= start[i]
    for b in range(BANDS):
        filtered(c["sos"][b], state[b], x, s["feature"][b])
