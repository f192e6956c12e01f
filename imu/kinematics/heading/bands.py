"""Relative heading from the acceleration of the joint's centre, which both sensors must agree on: one band.

State x = heading δ, its rate, what it gains per turn of both sensors (the scales of their gyroscopes differ), and both arms
(joint centre -> sensor, in the sensor's frame). Both sides give the joint's acceleration J = A - B r (A, B: `features`),
and J1 = Rz(δ) J2 up to an error that grows with the motion. A scout estimates the arms from the vertical component alone,
which no heading enters, and finds the heading from any start. After Weygers & Kok 2020 (10.1109/JSEN.2020.2982459), with
heading in place of orientation, and band-passed: below 1 Hz the error of the inclinations times gravity is as large as the
signal.
"""

from __future__ import annotations

import math

from imu.kernels import kernel
from imu.kinematics.heading.layout import ARM_1, ARM_2, ARMS, STATE
from imu.kinematics.layout import Record
from imu.packets import Floats

FULL_TURN2 = math.pi**2
"""rad²: a heading that is not known."""


@kernel
def wrapped(angle: float) -> float:
    """The same angle in ±π."""
    return angle - 2.0 * math.pi * math.floor((angle + math.pi) / (2.0 * math.pi))


@kernel
def begin(b: Record, c: Record) -> None:
    """Nothing is known but the arms' prior."""
    for i in range(STATE):
        b["x"][i] = 0.0
        for j in range(STATE):
            b["p"][i, j] = 0.0
    for i in range(ARMS):
        b["y"][i] = 0.0
        for j in range(ARMS):
            b["q"][i, j] = 0.0
        b["q"][i, i] = b["p"][ARM_1 + i, ARM_1 + i] = c["arm_sigma"] ** 2
    b["p"][1, 1] = c["start_rate_sigma"] ** 2
    b["noise"] = 4.0 * c["noise_floor"] ** 2
    lose_heading(b, c)


@kernel
def lose_heading(b: Record, c: Record) -> None:
    """A sensor has a new heading: search again, with the arms and the noise as they are."""
    x, p = b["x"], b["p"]
    rate2 = p[1, 1]
    for i in range(STATE):
        p[0, i] = p[i, 0] = p[1, i] = p[i, 1] = p[2, i] = p[i, 2] = 0.0
    x[0] = x[1] = x[2] = 0.0
    p[0, 0], p[1, 1], p[2, 2] = FULL_TURN2, max(rate2, c["rate_sigma"] ** 2), c["scale_sigma"] ** 2
    b["searching"], b["variance"], b["prior"] = 1, FULL_TURN2, FULL_TURN2
    b["c_re"] = b["c_im"] = b["e1"] = b["e2"] = b["brisk"] = b["against"] = 0.0


@kernel
def start_at(b: Record, delta: float, sigma: float, c: Record) -> None:
    """Somebody tells the heading while it is searched for."""
    b["x"][0], b["x"][1] = delta, 0.0
    b["p"][0, 0] = b["prior"] = sigma * sigma
    b["prior_delta"] = delta
    b["searching"] = 0


@kernel
def predict(b: Record, turn: float, c: Record) -> None:
    """One update's time passes, in which both sensors turned about the vertical by `turn`, rad."""
    x, p, dt, kept = b["x"], b["p"], c["step_s"], c["rate_kept"]
    x[0] += x[1] * dt + x[2] * turn
    x[1] *= kept
    for j in range(STATE):
        p[0, j] += dt * p[1, j] + turn * p[2, j]
    for j in range(STATE):
        p[j, 0] += dt * p[j, 1] + turn * p[j, 2]
    for j in range(STATE):
        p[1, j] *= kept
    for j in range(STATE):
        p[j, 1] *= kept
    p[1, 1] += c["rate_sigma"] ** 2 * (1.0 - kept * kept)
    p[0, 0] = min(p[0, 0] + c["walk"] ** 2 * dt, FULL_TURN2)
    for j in range(ARM_1, STATE):
        p[j, j] += c["arm_walk"] ** 2 * dt
    for j in range(ARMS):
        b["q"][j, j] += c["arm_walk"] ** 2 * dt


@kernel
def doubt(b: Record, variance: float, c: Record) -> None:
    """Something happened that nobody measured: the heading is less sure by this variance, or is lost."""
    b["p"][0, 0] += variance
    if b["searching"] == 0 and b["p"][0, 0] > c["lost"] ** 2:
        lose_heading(b, c)


@kernel
def forget_rate(b: Record, c: Record) -> None:
    """Both sensors have measured their bias anew."""
    for i in range(STATE):
        b["p"][1, i] = b["p"][i, 1] = 0.0
    b["x"][1], b["p"][1, 1] = 0.0, c["rate_sigma"] ** 2


@kernel
def joint_acc(f: Floats, r: Floats, o: int) -> tuple[float, float, float]:
    """Acceleration of the joint's centre by one side: A - B r, f (12,), arm r[o : o + 3]."""
    return (
        f[0] - f[3] * r[o] - f[4] * r[o + 1] - f[5] * r[o + 2],
        f[1] - f[6] * r[o] - f[7] * r[o + 1] - f[8] * r[o + 2],
        f[2] - f[9] * r[o] - f[10] * r[o + 1] - f[11] * r[o + 2],
    )


@kernel
def _correct(x: Floats, p: Floats, h: Floats, ph: Floats, e: float, variance: float, c: Record) -> float:
    """Scalar Kalman update; returns the innovation's gain e / S. h, ph (n,): row of H, and scratch that is P hᵀ after."""
    n = x.shape[0]
    for i in range(n):
        ph[i] = p[i, 0] * h[0]
    for j in range(1, n):
        hj = h[j]
        for i in range(n):
            ph[i] += p[j, i] * hj
    hph = 0.0
    for i in range(n):
        hph += h[i] * ph[i]
    # the same error lasts for several updates; beyond the gate it counts less (Huber)
    r = c["correlation"] * variance
    ratio = e * e / ((hph + variance) * c["gate"] ** 2)
    if ratio > 1.0:
        r *= ratio
    gain = 1.0 / (hph + r)
    for i in range(n):
        x[i] += ph[i] * gain * e
    for i in range(n):
        t = ph[i] * gain
        for j in range(n):
            p[i, j] -= t * ph[j]
    return e * gain


@kernel
def _along_and_across(h: Floats, e0: float, e1: float) -> tuple[float, float]:
    """Turn the two level rows of h and their errors to along and across the acceleration that the distal side tells.

    The gate looks at one component at a time; along the axes of an earth frame it would depend on where that frame faces.
    """
    ax, ay = h[1, 0], -h[0, 0]
    n = math.sqrt(ax * ax + ay * ay)
    if n < 1e-12:
        return e0, e1
    ax, ay = ax / n, ay / n
    for i in range(h.shape[1]):
        h[0, i], h[1, i] = ax * h[0, i] + ay * h[1, i], ax * h[1, i] - ay * h[0, i]
    return ax * e0 + ay * e1, ax * e1 - ay * e0


@kernel
def learn(b: Record, f1: Floats, f2: Floats, c: Record, h: Floats, ph: Floats) -> None:
    """Features f1, f2 (12,) of both sides; h (3, 8), ph (8,) scratch."""
    x, p = b["x"], b["p"]
    u0, u1, u2 = joint_acc(f1, x, ARM_1)
    v0, v1, v2 = joint_acc(f2, x, ARM_2)
    cd, sd = math.cos(x[0]), math.sin(x[0])
    e0, e1, e2 = u0 - cd * v0 + sd * v1, u1 - sd * v0 - cd * v1, u2 - v2
    size = u0 * u0 + u1 * u1 + u2 * u2 + v0 * v0 + v1 * v1 + v2 * v2
    variance = max(b["noise"], c["noise_floor"] ** 2) + c["motion_share"] ** 2 * 0.5 * size
    b["power"] += c["step_s"] / c["noise_memory_s"] * (0.5 * (u0 * u0 + u1 * u1 + v0 * v0 + v1 * v1) - b["power"])
    for i in range(3):
        h[i, 0] = h[i, 1] = h[i, 2] = 0.0
        for j in range(3):
            h[i, ARM_1 + j] = f1[3 + 3 * i + j]
    h[0, 0], h[1, 0] = -sd * v0 - cd * v1, cd * v0 - sd * v1
    for j in range(3):
        h[0, ARM_2 + j] = -cd * f2[3 + j] + sd * f2[6 + j]
        h[1, ARM_2 + j] = -sd * f2[3 + j] - cd * f2[6 + j]
        h[2, ARM_2 + j] = -f2[9 + j]
    # vertical first: linear in the arms and free of the heading
    g = _correct(x, p, h[2], ph, e2, variance, c)
    if b["searching"] == 0:
        for i in range(STATE):
            e1 -= h[1, i] * ph[i] * g
            e0 -= h[0, i] * ph[i] * g
        e0, e1 = _along_and_across(h, e0, e1)
        g = _correct(x, p, h[1], ph, e1, variance, c)
        for i in range(STATE):
            e0 -= h[0, i] * ph[i] * g
        _correct(x, p, h[0], ph, e0, variance, c)
    scout(b, f1, f2, variance, c, h[0], ph)
    u0, u1, u2 = joint_acc(f1, x, ARM_1)
    v0, v1, v2 = joint_acc(f2, x, ARM_2)
    left = (u2 - v2) ** 2
    if b["searching"] == 0:
        cd, sd = math.cos(x[0]), math.sin(x[0])
        left = (left + (u0 - cd * v0 + sd * v1) ** 2 + (u1 - sd * v0 - cd * v1) ** 2) / 3.0
    b["noise"] += c["step_s"] / c["noise_memory_s"] * (min(left, 25.0 * b["noise"]) - b["noise"])


@kernel
def scout(b: Record, f1: Floats, f2: Floats, variance: float, c: Record, h: Floats, ph: Floats) -> None:
    """Arms from the vertical component; the heading that both sides then show, taken over if nothing better is known."""
    y, q = b["y"], b["q"]
    for j in range(3):
        h[j], h[3 + j] = f1[9 + j], -f2[9 + j]
    e = f1[2] - f2[2]
    for j in range(ARMS):
        e -= h[j] * y[j]
    _correct(y, q, h[:ARMS], ph[:ARMS], e, variance, c)
    u0, u1, _ = joint_acc(f1, y, 0)
    v0, v1, _ = joint_acc(f2, y, 3)
    kept = c["scout_kept"]
    b["c_re"] = kept * b["c_re"] + u0 * v0 + u1 * v1
    b["c_im"] = kept * b["c_im"] + u1 * v0 - u0 * v1
    p1, p2 = u0 * u0 + u1 * u1, v0 * v0 + v1 * v1
    b["e1"] = kept * b["e1"] + p1
    b["e2"] = kept * b["e2"] + p2
    least = c["excited"] ** 2
    if min(p1, p2) > least:
        b["brisk"] += c["step_s"]
    found = math.atan2(b["c_im"], b["c_re"])
    coherence = math.hypot(b["c_re"], b["c_im"]) / math.sqrt(b["e1"] * b["e2"] + 1e-12)
    good = coherence > c["coherence"] and b["brisk"] > c["acquire_s"] and b["e1"] * (1.0 - kept) > least
    x, p = b["x"], b["p"]
    if b["searching"] == 0:
        off = abs(wrapped(found - x[0]))
        b["against"] = b["against"] + c["step_s"] if good and off > max(c["jump"], 4.0 * math.sqrt(p[0, 0])) else 0.0
        good = b["against"] > c["jump_s"]
    if not good:
        return
    b["searching"], b["against"] = 0, 0.0
    rate2 = p[1, 1]
    x[0], x[1], x[2] = found, 0.0, 0.0
    for i in range(STATE):
        for j in range(STATE):
            p[i, j] = 0.0
    for i in range(ARMS):
        x[ARM_1 + i] = y[i]
        for j in range(ARMS):
            p[ARM_1 + i, ARM_1 + j] = q[i, j]
    p[0, 0], p[1, 1], p[2, 2] = c["acquired_sigma"] ** 2, max(rate2, c["rate_sigma"] ** 2), c["scale_sigma"] ** 2
    b["prior"] = FULL_TURN2  # it is learnt from the motion


@kernel
def judge(b: Record, c: Record) -> None:
    """b.variance: of the heading, with the part that does not average out, which grows with error over signal."""
    noise = max(b["noise"], c["least_noise"] ** 2)
    ratio = 2.0 * noise / max(b["power"] - b["noise"], 1e-9)
    b["variance"] = min(FULL_TURN2, b["p"][0, 0] + c["systematic"] ** 2 * ratio)
