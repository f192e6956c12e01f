"""Kernels that find the flexion axis of a sensor on a walking leg, from its rate and gravity alone."""

from __future__ import annotations

import math
from typing import Final

from imu.kernels import kernel
from imu.kinematics.layout import Record
from imu.packets import Floats

MOTION: Final = 1.0
"""rad/s, rate without its vertical part from which the axis is learnt."""
MEMORY_S: Final = 15.0
"""s of such motion over which it is learnt. Larger = steadier, slower after a slip."""
ENERGY: Final = 1.0
"""rad²/s, trace of the sums of an axis from which it counts."""
GRAVITY_S: Final = 2.0
"""s, time constant of up of a shank or a thigh."""
EVERY: Final = 5
"""Frames of motion between two looks at the sums."""


@kernel
def follow_gravity(a: Record, acc: Floats, share: float) -> None:
    """Take an acceleration into the mean direction of up, with this weight."""
    s = 0.0
    for i in range(3):
        a["acc"][i] = a["acc"][i] + share * (acc[i] - a["acc"][i]) if a["up_known"] else acc[i]
        s += a["acc"][i] ** 2
    a["up_known"] = 1
    s = math.sqrt(s) + 1e-9
    for i in range(3):
        a["up"][i] = a["acc"][i] / s


@kernel
def learn_axis(a: Record, gyr: Floats, dt: float) -> None:
    """Take one rate into the sums; the axis is the principal one of the rate square to gravity.

    Turning about the vertical is taken out: it is walking round a corner, not a step.
    """
    u = a["up"]
    along = gyr[0] * u[0] + gyr[1] * u[1] + gyr[2] * u[2]
    w0, w1, w2 = gyr[0] - along * u[0], gyr[1] - along * u[1], gyr[2] - along * u[2]
    e = w0 * w0 + w1 * w1 + w2 * w2
    if e < MOTION * MOTION:
        return
    keep = 1.0 - dt / MEMORY_S
    a["energy"] = a["energy"] * keep + e * dt
    c = a["c"]
    for i in range(3):
        wi = w0 if i == 0 else w1 if i == 1 else w2
        c[i, 0] = c[i, 0] * keep + wi * w0 * dt
        c[i, 1] = c[i, 1] * keep + wi * w1 * dt
        c[i, 2] = c[i, 2] * keep + wi * w2 * dt
    a["count"] += 1
    if a["known"] and a["count"] % EVERY != 0:
        return
    principal(a)


@kernel
def principal(a: Record) -> None:
    """Principal axis of the sums in the plane square to up; its sense is that of the last one."""
    u, c = a["up"], a["c"]
    # two directions square to up
    i = 0
    if abs(u[1]) < abs(u[i]):
        i = 1
    if abs(u[2]) < abs(u[i]):
        i = 2
    e0, e1, e2 = -u[i] * u[0], -u[i] * u[1], -u[i] * u[2]
    if i == 0:
        e0 += 1.0
    elif i == 1:
        e1 += 1.0
    else:
        e2 += 1.0
    s = 1.0 / math.sqrt(e0 * e0 + e1 * e1 + e2 * e2)
    e0, e1, e2 = e0 * s, e1 * s, e2 * s
    f0, f1, f2 = u[1] * e2 - u[2] * e1, u[2] * e0 - u[0] * e2, u[0] * e1 - u[1] * e0
    ce0 = c[0, 0] * e0 + c[0, 1] * e1 + c[0, 2] * e2
    ce1 = c[1, 0] * e0 + c[1, 1] * e1 + c[1, 2] * e2
    ce2 = c[2, 0] * e0 + c[2, 1] * e1 + c[2, 2] * e2
    cf0 = c[0, 0] * f0 + c[0, 1] * f1 + c[0, 2] * f2
    cf1 = c[1, 0] * f0 + c[1, 1] * f1 + c[1, 2] * f2
    cf2 = c[2, 0] * f0 + c[2, 1] * f1 + c[2, 2] * f2
    ee, ef, ff = e0 * ce0 + e1 * ce1 + e2 * ce2, f0 * ce0 + f1 * ce1 + f2 * ce2, f0 * cf0 + f1 * cf1 + f2 * cf2
    angle = 0.5 * math.atan2(2.0 * ef, ee - ff)
    x, y = math.cos(angle), math.sin(angle)
    v0, v1, v2 = x * e0 + y * f0, x * e1 + y * f1, x * e2 + y * f2
    z = a["axis"]
    if a["known"] and v0 * z[0] + v1 * z[1] + v2 * z[2] < 0.0:
        v0, v1, v2 = -v0, -v1, -v2
    z[0], z[1], z[2] = v0, v1, v2
    a["known"] = 1


@kernel
def about(a: Record, gyr: Floats) -> float:
    """Rate about the axis, rad/s, with the sign of the axis as it stands."""
    z = a["axis"]
    return gyr[0] * z[0] + gyr[1] * z[1] + gyr[2] * z[2]


@kernel
def ahead(a: Record, v: Floats) -> float:
    """Part of a velocity that points forward if the axis points to the person's right: up x axis."""
    u, z = a["up"], a["axis"]
    f0, f1, f2 = u[1] * z[2] - u[2] * z[1], u[2] * z[0] - u[0] * z[2], u[0] * z[1] - u[1] * z[0]
    return v[0] * f0 + v[1] * f1 + v[2] * f2


@kernel
def at_rest(s: Record, gravity: Floats) -> None:
    """The sensor stands still now; what its accelerometer reads is gravity."""
    s["known"], s["age_us"] = 1, 0
    for i in range(3):
        s["gravity"][i], s["v"][i] = gravity[i], 0.0
        for j in range(3):
            s["turn"][i, j] = 1.0 if i == j else 0.0


@kernel
def carry_gravity(a: Record, s: Record, acc: Floats) -> None:
    """Up, when a rest begins: as it was in the last one (a foot that is flat again), or as it has turned since (a heel that
    rises slowly seems at rest), whichever is nearer to what is measured now."""
    r, g, u = s["turn"], s["gravity"], a["acc"]
    t0 = r[0, 0] * g[0] + r[1, 0] * g[1] + r[2, 0] * g[2]
    t1 = r[0, 1] * g[0] + r[1, 1] * g[1] + r[2, 1] * g[2]
    t2 = r[0, 2] * g[0] + r[1, 2] * g[1] + r[2, 2] * g[2]
    if t0 * acc[0] + t1 * acc[1] + t2 * acc[2] > u[0] * acc[0] + u[1] * acc[1] + u[2] * acc[2]:
        u[0], u[1], u[2] = t0, t1, t2


@kernel
def go_on(s: Record, gyr: Floats, acc: Floats, dt: float, period_us: int) -> None:
    """One frame of strapdown integration in the sensor frame of the last rest: columns of `turn` are its axes."""
    if s["known"] == 0:
        return
    r, v = s["turn"], s["v"]
    x, y, z = gyr[0] * dt, gyr[1] * dt, gyr[2] * dt
    # first order in the turn of one frame, made orthonormal again
    a0, b0 = r[0, 0] + r[0, 1] * z - r[0, 2] * y, r[0, 1] - r[0, 0] * z + r[0, 2] * x
    a1, b1 = r[1, 0] + r[1, 1] * z - r[1, 2] * y, r[1, 1] - r[1, 0] * z + r[1, 2] * x
    a2, b2 = r[2, 0] + r[2, 1] * z - r[2, 2] * y, r[2, 1] - r[2, 0] * z + r[2, 2] * x
    k = 1.0 / math.sqrt(a0 * a0 + a1 * a1 + a2 * a2)
    a0, a1, a2 = a0 * k, a1 * k, a2 * k
    d = a0 * b0 + a1 * b1 + a2 * b2
    b0, b1, b2 = b0 - d * a0, b1 - d * a1, b2 - d * a2
    k = 1.0 / math.sqrt(b0 * b0 + b1 * b1 + b2 * b2)
    b0, b1, b2 = b0 * k, b1 * k, b2 * k
    r[0, 0], r[1, 0], r[2, 0], r[0, 1], r[1, 1], r[2, 1] = a0, a1, a2, b0, b1, b2
    r[0, 2], r[1, 2], r[2, 2] = a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0
    for i in range(3):
        v[i] += (r[i, 0] * acc[0] + r[i, 1] * acc[1] + r[i, 2] * acc[2] - s["gravity"][i]) * dt
    s["age_us"] += period_us
