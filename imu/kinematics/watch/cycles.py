"""Cycles of a leg (repetition, stride, knee lift): in which direction thigh and shank turn, each in its own frame.

A sensor that has turned on the limb by e about the long axis shows every turn of the segment turned by -e about y: the
regression of the rate about x on that about z moves by tan e, that of the rate about y does not. A person who moves
otherwise (a knee that falls in) changes both, and thigh and shank together.
"""

from __future__ import annotations

import math
from typing import Final

from imu.kernels import kernel
from imu.kinematics.layout import Record, Records

OUT: Final = math.radians(15.0)
"""Forward tilt of the thigh at which a cycle is under way."""
BACK: Final = math.radians(8.0)
"""at which it is complete."""
UPRIGHT: Final = math.radians(25.0)
"""Tilt of thigh or shank at which a frame counts nothing for how they face each other."""


@kernel
def add(m: Record, x: float, y: float, z: float, dt: float) -> None:
    """One frame's rate into the moments `layout.TURN`."""
    m["zz"] += z * z * dt
    m["xz"] += x * z * dt
    m["yz"] += y * z * dt


@kernel
def hand_over(a: Record, b: Record) -> None:
    """Moments a into b; a begins anew."""
    b["zz"], b["xz"], b["yz"] = a["zz"], a["xz"], a["yz"]
    a["zz"], a["xz"], a["yz"] = 0.0, 0.0, 0.0


@kernel
def face(c: Record, thigh: Record, shank: Record, dt: float) -> None:
    """One frame of how the shank faces the thigh; both known."""
    weight = 1.0 - max(thigh["tilt"], shank["tilt"]) / UPRIGHT
    if weight > 0.0:
        ax, ay, bx, by = thigh["face"][0], thigh["face"][1], shank["face"][0], shank["face"][1]
        c["upright"] += weight * dt
        c["late"] += weight * dt * c["frames"] * dt
        c["face"][0] += weight * dt * (ax * bx + ay * by)
        c["face"][1] += weight * dt * (ax * by - ay * bx)


@kernel
def clear(c: Record) -> None:
    """What is summed beside the moments."""
    c["frames"], c["missed"], c["upright"], c["late"] = 0, 0, 0.0, 0.0
    c["turned"], c["hidden"] = 0.0, 0.0
    for x in range(2):
        c["tilt"][x], c["face"][x] = 0.0, 0.0


@kernel
def begin(cycles: Record) -> None:
    """A quiet stand: what was done before it (stepping on a box, turning round) belongs to no cycle."""
    c = cycles["running"]
    clear(c)
    for x in range(2):
        m = c["own"][x]
        m["zz"], m["xz"], m["yz"] = 0.0, 0.0, 0.0


@kernel
def step(t: int, dt: float, leg: Record, limbs: Records, cycles: Record) -> bool:
    """One frame of one leg; True when a cycle has just ended (in `done`)."""
    c = cycles["running"]
    if c["frames"] == 0:
        c["t_start"] = t
    c["frames"] += 1
    if leg["fine"] == 0:
        c["missed"] += 1
        return False
    i, k = int(leg["thigh"]), int(leg["shank"])
    for x in range(2):
        j = i if x == 0 else k
        if j >= 0:
            s = limbs[j]
            c["tilt"][x] = max(c["tilt"][x], s["tilt"])
            if s["clean"] != 0:
                w = s["lower"]
                add(c["own"][x], w[0], w[1], w[2], dt)
            else:
                c["missed"] += 1
                w = s["rate"]
                c["hidden"] += math.sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]) * dt
    j = i if i >= 0 else k
    c["turned"] += dt * (
        limbs[j]["up"][0] * limbs[j]["rate"][0] + limbs[j]["up"][1] * limbs[j]["rate"][1]
        + limbs[j]["up"][2] * limbs[j]["rate"][2]
    )  # fmt: skip
    if i >= 0 and k >= 0:
        face(c, limbs[i], limbs[k], dt)
        c["restarts"] = limbs[i]["restarts"] + limbs[k]["restarts"]
    # without a thigh sensor the shank tells
    forward = limbs[i]["sagittal"] if i >= 0 else -limbs[k]["sagittal"]
    if forward > OUT:
        cycles["out"] = 1
    elif cycles["out"] == 1 and forward < BACK:
        cycles["out"] = 0
        d = cycles["done"]
        d["frames"], d["t_start"], d["t_end"], d["missed"] = c["frames"], c["t_start"], t, c["missed"]
        d["upright"], d["late"], d["turned"], d["restarts"] = c["upright"], c["late"], c["turned"], c["restarts"]
        d["hidden"] = c["hidden"]
        for x in range(2):
            d["tilt"][x], d["face"][x] = c["tilt"][x], c["face"][x]
        clear(c)
        for x in range(2):
            hand_over(c["own"][x], d["own"][x])
        return True
    return False
