"""Heading from the acceleration of the common joint, in one frequency band.

Both sensors must see the same acceleration of the joint, J_i = A_i - B_i r_i in their own earth frames: J1 = Rz(d) J2. An
extended Kalman filter estimates the heading d, its rate and both lever arms r. Its vertical component knows no heading: a
scout finds lever arms from it alone and, with these, the heading by a complex mean, so any start is recovered from.
Connected-joint constraint: Weygers & Kok 2020; Kok et al. 2022. The band and the scout are this project's.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from imu.kernels import kernel
from imu.kinematics.heading.layout import RATE_SIGMA, SYSTEMATIC, UNKNOWN_SIGMA, Record
from imu.packets import Floats

RATE_TAU_S: Final = 100.0
"""Time for which a heading rate lasts: VQF's forgetting time of the bias."""
WALK: Final = math.radians(0.1)
"""rad/√s, of the heading: angle random walk and scale errors."""
ARM_WALK: Final = 5e-4
"""m/√s, of the lever arms: straps creep."""
LEAST_NOISE: Final = 0.05
"""m/s² per axis in the band: sensor and derivative."""
SHARE_NOISE: Final = 0.1
"""of the joint's acceleration that counts as noise: scale, timing and flexibility err in proportion to the motion."""
CORRELATED: Final = 4.0
"""Errors last about four updates (0.3 s)."""
NOISE_TAU_S: Final = 10.0
GATE: Final = 9.0
"""Squared; beyond it the noise grows with the square of the residual."""
SCOUT_TAU_S: Final = 5.0
SCOUT_COHERENCE: Final = 0.8
SCOUT_S: Final = 4.0
"""of excited motion before a heading is acquired: the arms have settled."""
SCOUT_SIGMA: Final = math.radians(10.0)
EXCITED: Final = 0.15
"""m/s², horizontal acceleration of the joint in the band."""
APART: Final = math.radians(20.0)
APART_S: Final = 3.0
"""Filter and scout this far apart for so long: the strap has slipped, or the start was wrong."""


@kernel
def joint_acceleration(out: Floats, first: int, r: Floats, at: int) -> tuple[float, float, float]:
    """J = A - B r of one side; out: channels of the band, r[at:at + 3] m."""
    a, b, c = r[at], r[at + 1], r[at + 2]
    k = first + 3
    return (
        out[first] - out[k] * a - out[k + 1] * b - out[k + 2] * c,
        out[first + 1] - out[k + 3] * a - out[k + 4] * b - out[k + 5] * c,
        out[first + 2] - out[k + 6] * a - out[k + 7] * b - out[k + 8] * c,
    )


@kernel
def predict(s: Record, dt: float) -> None:
    """Let dt s pass without a measurement."""
    x, p = s["x"], s["P"]
    phi = math.exp(-dt / RATE_TAU_S)
    x[0] += x[1] * dt
    x[1] *= phi
    for j in range(8):
        p[0, j] += dt * p[1, j]
    for j in range(8):
        p[j, 0] += dt * p[j, 1]
    for j in range(8):
        p[1, j] *= phi
    for j in range(8):
        p[j, 1] *= phi
    p[1, 1] += RATE_SIGMA**2 * (1.0 - phi * phi)
    p[0, 0] = min(p[0, 0] + WALK**2 * dt, UNKNOWN_SIGMA**2)
    for j in range(6):
        p[2 + j, 2 + j] += ARM_WALK**2 * dt
        s["Q"][j, j] += ARM_WALK**2 * dt


@kernel
def gated(noise: float, innovation2: float, variance: float) -> float:
    """Variance of a measurement, inflated for correlation and, beyond the gate, for being an outlier."""
    over = innovation2 / (variance + noise)
    return noise * CORRELATED * (over / GATE if over > GATE else 1.0)


@kernel
def update(s: Record, noise: float, h: Floats, e: Floats, ph: Floats) -> None:
    """Three scalar updates, vertical first; it is linear in the arms. h (3, 8), e (3,) and ph (8,) are scratch."""
    x, p, out = s["x"], s["P"], s["out"]
    j1 = joint_acceleration(out, 0, x, 2)
    j2 = joint_acceleration(out, 12, x, 5)
    c, sn = math.cos(x[0]), math.sin(x[0])
    e[0] = j1[0] - c * j2[0] + sn * j2[1]
    e[1] = j1[1] - sn * j2[0] - c * j2[1]
    e[2] = j1[2] - j2[2]
    h[0, 0], h[1, 0], h[2, 0] = -sn * j2[0] - c * j2[1], c * j2[0] - sn * j2[1], 0.0
    for i in range(3):
        h[i, 1] = 0.0
    for j in range(3):
        for i in range(3):
            h[i, 2 + j] = out[3 + 3 * i + j]
        h[0, 5 + j] = -c * out[15 + j] + sn * out[18 + j]
        h[1, 5 + j] = -sn * out[15 + j] - c * out[18 + j]
        h[2, 5 + j] = -out[21 + j]
    for back in range(3):
        i = 2 - back
        if s["acquiring"] != 0 and i < 2:
            break
        hph = 0.0
        for a in range(8):
            total = 0.0
            for b in range(8):
                total += p[a, b] * h[i, b]
            ph[a] = total
        for a in range(8):
            hph += h[i, a] * ph[a]
        gain = 1.0 / (hph + gated(noise, e[i] * e[i], hph))
        ei = e[i]
        for a in range(8):
            x[a] += ph[a] * gain * ei
            for b in range(8):
                p[a, b] -= ph[a] * ph[b] * gain
        for other in range(i):  # the other residuals, after this step
            total = 0.0
            for a in range(8):
                total += h[other, a] * ph[a]
            e[other] -= total * gain * ei


@kernel
def scout(s: Record, noise: float, dt: float, ph: Floats) -> bool:
    """Lever arms from the vertical, the heading from them: True if the heading is to be set to the scout's."""
    y, q, out = s["y"], s["Q"], s["out"]
    residual, hph = out[2] - out[14], 0.0
    for a in range(6):
        ha = out[9 + a] if a < 3 else -out[18 + a]
        residual -= ha * y[a]
        total = 0.0
        for b in range(6):
            total += q[a, b] * (out[9 + b] if b < 3 else -out[18 + b])
        ph[a] = total
        hph += ha * total
    gain = 1.0 / (hph + gated(noise, residual * residual, hph))
    for a in range(6):
        y[a] += ph[a] * gain * residual
        for b in range(6):
            q[a, b] -= ph[a] * ph[b] * gain
    k1 = joint_acceleration(out, 0, y, 0)
    k2 = joint_acceleration(out, 12, y, 3)
    keep = math.exp(-dt / SCOUT_TAU_S)
    s["c_re"] = keep * s["c_re"] + k1[0] * k2[0] + k1[1] * k2[1]
    s["c_im"] = keep * s["c_im"] + k1[1] * k2[0] - k1[0] * k2[1]
    p1, p2 = k1[0] ** 2 + k1[1] ** 2, k2[0] ** 2 + k2[1] ** 2
    s["e1"], s["e2"] = keep * s["e1"] + p1, keep * s["e2"] + p2
    if min(p1, p2) > EXCITED**2:
        s["excited"] += dt
    coherence = math.hypot(s["c_re"], s["c_im"]) / math.sqrt(s["e1"] * s["e2"] + 1e-12)
    good = coherence > SCOUT_COHERENCE and s["excited"] > SCOUT_S and s["e1"] * (1.0 - keep) > EXCITED**2
    if s["acquiring"] != 0:
        return good
    off = math.atan2(s["c_im"], s["c_re"]) - s["x"][0]
    off = abs(off - 2.0 * math.pi * math.floor((off + math.pi) / (2.0 * math.pi)))
    far = good and off > max(APART, 4.0 * math.sqrt(s["P"][0, 0]))
    s["apart"] = s["apart"] + dt if far else 0.0
    return s["apart"] > APART_S


@kernel
def start_again(s: Record) -> None:
    """Take heading and lever arms of the scout."""
    s["acquiring"], s["apart"] = 0, 0.0
    s["x"][0], s["x"][1] = math.atan2(s["c_im"], s["c_re"]), 0.0
    p = s["P"]
    for a in range(8):
        for b in range(8):
            p[a, b] = s["Q"][a - 2, b - 2] if a > 1 and b > 1 else 0.0
    for a in range(6):
        s["x"][2 + a] = s["y"][a]
    p[0, 0], p[1, 1] = SCOUT_SIGMA**2, RATE_SIGMA**2


@kernel
def step(s: Record, dt: float, h: Floats, e: Floats, ph: Floats) -> None:
    """One update of a band, dt s after the last; h (3, 8), e (3,), ph (8,) are scratch."""
    x, out = s["x"], s["out"]
    j1 = joint_acceleration(out, 0, x, 2)
    j2 = joint_acceleration(out, 12, x, 5)
    level = j1[0] ** 2 + j1[1] ** 2 + j2[0] ** 2 + j2[1] ** 2
    noise = max(s["s2"], LEAST_NOISE**2) + SHARE_NOISE**2 * 0.5 * (level + j1[2] ** 2 + j2[2] ** 2)
    s["signal"] += dt / NOISE_TAU_S * (0.5 * level - s["signal"])
    update(s, noise, h, e, ph)
    if scout(s, noise, dt, ph):
        start_again(s)
    j1 = joint_acceleration(out, 0, x, 2)
    j2 = joint_acceleration(out, 12, x, 5)
    c, sn = math.cos(x[0]), math.sin(x[0])
    rest = (j1[2] - j2[2]) ** 2
    if s["acquiring"] == 0:
        rest += (j1[0] - c * j2[0] + sn * j2[1]) ** 2 + (j1[1] - sn * j2[0] - c * j2[1]) ** 2
        rest /= 3.0
    s["s2"] += dt / NOISE_TAU_S * (min(rest, 25.0 * s["s2"]) - s["s2"])


@kernel
def variance(s: Record) -> float:
    """rad², of the band's heading: the filter's own, and what does not average out."""
    if s["acquiring"] != 0:
        return UNKNOWN_SIGMA**2
    ratio2 = min(1.0, 2.0 * s["s2"] / max(s["signal"], 1e-9))
    return s["P"][0, 0] + SYSTEMATIC**2 * ratio2


def scratch() -> tuple[Floats, Floats, Floats]:
    """For `step`."""
    return np.zeros((3, 8)), np.zeros(3), np.zeros(8)
