"""Kernels that bring a frame of a foot to its machine: up, axis, speed, and which way round the axis is.

The sign comes from the displacement of a step: people walk forwards.
"""

from __future__ import annotations

from typing import Final

from imu.kernels import kernel
from imu.kinematics.gait.axis import ENERGY, about, ahead, at_rest, carry_gravity, follow_gravity, go_on, learn_axis
from imu.kinematics.gait.events import begin
from imu.kinematics.gait.foot import G2, REST_ACC, REST_US, RESTING, step_foot
from imu.kinematics.gait.layout import GYR, RATE, SIZE, VEL
from imu.kinematics.layout import Record, Records
from imu.packets import Floats

SOFT, SOFT_US = 0.8, 70_000
"""rad/s, µs: slow and with nothing but gravity for so long is a rest for the speed, though not for the machine.
One person's foot never had 60 ms of full rest in 11 s of brisk walking."""
SIGN: Final = 0.12
"""m, displacement from which the sign of the axis counts ..."""
FLIP: Final = 0.05
"""... and from which contrary evidence turns it round."""
GRAVITY_FOOT_S: Final = 0.2
"""s, time constant of up, at rest."""
DRIVE_S: Final = 33.0
"""s, memory of the evidence for the sign."""
SPEED_GOOD_US: Final = 1_500_000
"""µs since the last rest for which a displacement is believed."""
AGAIN_S: Final = 3.0
"""s that are gone through once more when the sign has become known."""


@kernel
def take_foot(
    legs: Records, j: int, a: Record, s: Record, ring: Floats, row: Floats, g: Floats, f: Floats, dt: float, now: int,
    period_us: int, reports: Records, k: int,
) -> int:  # fmt: skip
    """One frame of a foot: up, axis, speed, sign, machine."""
    leg = legs[j]
    size, f2 = row[SIZE], f[0] ** 2 + f[1] ** 2 + f[2] ** 2
    leg["rest_us"] = leg["rest_us"] + period_us if size < RESTING and abs(f2 - G2) < REST_ACC else 0
    leg["soft_us"] = leg["soft_us"] + period_us if size < SOFT and abs(f2 - G2) < REST_ACC else 0
    if leg["rest_us"] >= REST_US or leg["soft_us"] >= SOFT_US:
        if s["known"] and 0 < s["age_us"] < SPEED_GOOD_US:
            carry_gravity(a, s, f)
        follow_gravity(a, f, dt / GRAVITY_FOOT_S)
        at_rest(s, a["acc"])
    elif a["up_known"] == 0:
        follow_gravity(a, f, 1.0)
    else:
        if a["told"] == 0:
            learn_axis(a, g, dt)
        go_on(s, g, f, dt, period_us)
    for x in range(3):
        row[VEL + x] = s["v"][x]
    if a["known"] == 0:
        return k
    age = s["age_us"] if s["known"] else -1
    if a["told"] == 0:
        a["drive"] *= 1.0 - dt / DRIVE_S
        if 0 <= age < SPEED_GOOD_US:
            a["drive"] += ahead(a, s["v"]) * dt
        d = a["drive"]
        if (a["sign"] == 0.0 and a["energy"] > ENERGY and abs(d) > SIGN) or (a["sign"] * d < 0.0 and abs(d) > FLIP):
            return _again(legs, j, a, s, ring, dt, now, period_us, reports, k)
        if a["sign"] == 0.0:
            return k
    row[RATE] = about(a, g) * a["sign"]
    return step_foot(legs, j, ring, age, now, period_us, reports, k)


@kernel
def _again(
    legs: Records, j: int, a: Record, s: Record, ring: Floats, dt: float, now: int, period_us: int, reports: Records, k: int
) -> int:
    """The sign is known now, or was wrong: the last 3 s once more."""
    leg = legs[j]
    mask, end = ring.shape[0] - 1, leg["n"]
    first = max(leg["known"], end - min(ring.shape[0], int(AGAIN_S / dt)))
    d = 0.0
    for i in range(first, end):
        d += ahead(a, ring[i & mask, VEL : VEL + 3]) * dt
    a["drive"] = d
    a["sign"] = 1.0 if d > 0.0 else -1.0
    begin(leg)
    leg["mute"] = leg["t_told"]
    known = leg["known"]
    leg["known"] = first
    for i in range(first, end):
        leg["n"] = i + 1
        row = ring[i & mask]
        row[RATE] = about(a, row[GYR : GYR + 3]) * a["sign"]
        k = step_foot(legs, j, ring, 0, now, period_us, reports, k)
    leg["known"] = known
    return k
