"""Single-leg phases: when one leg carries and the other is in the air, and how the carrying leg leans meanwhile.

Which leg is free follows from gravity alone: the foot of a carrying leg is below the hip, or the person would fall. With
ts the forward tilt of the thigh (knee in front of the hip) and ss of the shank (knee in front of the ankle), in units of
the length of one segment, the foot is ahead of the hip by sin ts - sin ss, and the leg is shorter than a straight one by
2 - cos ts - cos ss. `free` is the sum of both: 0 to 0.5 for a carrying leg down to 70° of knee flexion, 0.7 and more for
one that reaches ahead, is lifted or trails. It is the same when thigh and shank are taken for each other.
"""

from __future__ import annotations

import math
from typing import Final

from imu.kernels import kernel
from imu.kinematics.layout import Record, Records
from imu.kinematics.watch.layout import BLOCK, END

FREE_MORE: Final = 0.30
"""by which `free` of the other leg must be larger for a phase to begin."""
FREE_LESS: Final = 0.15
"""below: it is over."""
CARRYING: Final = 0.35
"""Largest `free` of a carrying leg: 0.2 when walking. One that reaches ahead for the floor has 0.4 and more, a seated one
1.8, that of a deep squat 1."""
PHASE_S: Final = 0.2
"""Shorter ones do not count; the swing of a step is 0.35 to 0.45 s."""
STEEP: Final = math.radians(35.0)
"""Tilt at which the lean of a carrying segment counts nothing: a flexion axis that is wrong by e shows as e x sin(tilt)."""
BLOCK_S: Final = 2.0
ALIKE: Final = math.radians(12.0)
BENT: Final = math.radians(25.0)
BACKWARD: Final = math.radians(-12.0)
"""Knee flexion against the stand that no knee has; with the shank of the other leg a third of all walking has it."""


@kernel
def take_leg(leg: Record, limbs: Records) -> None:
    """How far a leg is from carrying."""
    i, k = int(leg["thigh"]), int(leg["shank"])
    leg["fine"] = 0
    ahead, short = 0.0, 0.0
    if i >= 0:
        if limbs[i]["fine"] == 0:
            return
        ahead += math.sin(limbs[i]["sagittal"])
        short += 1.0 - math.cos(limbs[i]["tilt"])
    if k >= 0:
        if limbs[k]["fine"] == 0:
            return
        # the shank's forward tilt is minus its sagittal one
        ahead += math.sin(limbs[k]["sagittal"])
        short += 1.0 - math.cos(limbs[k]["tilt"])
    if i < 0 or k < 0:
        # where the foot is cannot be told from one segment
        ahead = 0.0
    leg["fine"] = 1 if i >= 0 or k >= 0 else 0
    leg["free"] = abs(ahead) + short


@kernel
def forget(p: Record) -> None:
    """Begin the sums of a phase anew."""
    p["frames"], p["busy"] = 0, 0.0
    for x in range(2):
        p["weight"][x] = 0.0
        p["lean"][x] = 0.0
        p["rise"][x] = 0.0


@kernel
def keep(p: Record, done: Record) -> None:
    """Hand the sums of a phase over."""
    done["frames"], done["t_start"], done["t_end"], done["busy"] = p["frames"], p["t_start"], p["t_end"], p["busy"]
    for x in range(2):
        done["weight"][x], done["lean"][x], done["rise"][x] = p["weight"][x], p["lean"][x], p["rise"][x]


@kernel
def step(t: int, dt: float, left: Record, right: Record, limbs: Records, pairing: Record) -> bool:
    """One frame of one pairing; True when a phase has just ended (in `done`, side in `ended`)."""
    p = pairing["running"]
    stance = int(pairing["stance"])
    known = left["fine"] != 0 and right["fine"] != 0
    lead = right["free"] - left["free"] if known else 0.0  # > 0: the left one carries
    now = -1
    if known:
        if (lead > FREE_MORE and left["free"] < CARRYING) or (stance == 0 and lead > FREE_LESS and left["free"] < CARRYING):
            now = 0
        elif (lead < -FREE_MORE and right["free"] < CARRYING) or (
            stance == 1 and lead < -FREE_LESS and right["free"] < CARRYING
        ):
            now = 1
    ended = False
    if now != stance:
        if stance >= 0 and p["frames"] * dt >= PHASE_S:
            keep(p, pairing["done"])
            pairing["ended"] = stance
            ended = True
        forget(p)
        p["t_start"] = t
        pairing["stance"] = now
    if now < 0:
        return ended
    p["frames"] += 1
    p["t_end"] = t
    worn, busy = 0, 0.0
    for x in range(2):
        if x == 0:
            i, k = int(left["thigh"]), int(right["thigh"])
        else:
            i, k = int(left["shank"]), int(right["shank"])
        carrying, free = (i, k) if now == 0 else (k, i)
        if carrying >= 0:
            s = limbs[carrying]
            weight = max(0.0, 1.0 - s["tilt"] / STEEP) * dt
            p["weight"][x] += weight
            p["lean"][x] += weight * s["lean"]
            worn += 1
            busy += s["busy"]
        if free >= 0:
            p["rise"][x] += limbs[free]["rise"][1] ** 2 * dt
    p["busy"] += busy / max(1, worn) * dt
    return ended


@kernel
def note_load(pairing: Record, legs: Records, limbs: Records) -> None:
    """While one leg carries, the foot of the other may be put down elsewhere."""
    stance = int(pairing["stance"])
    if stance < 0:
        return
    for n in range(2):
        for j in (int(legs[n]["thigh"]), int(legs[n]["shank"])):
            if j >= 0:
                if n == stance:
                    limbs[j]["alone"] += 1
                else:
                    limbs[j]["lifted"] += 1


@kernel
def gather(dt: float, left: Record, right: Record, limbs: Records, common: Record) -> int:
    """Add left minus right activity of thighs and shanks; BLOCK when a block is complete."""
    worn = min(left["thigh"], left["shank"], right["thigh"], right["shank"]) >= 0
    if worn and left["fine"] != 0 and right["fine"] != 0:
        a, b = limbs[int(left["thigh"])], limbs[int(right["thigh"])]
        c, d = limbs[int(left["shank"])], limbs[int(right["shank"])]
        thighs, shanks = a["busy"] - b["busy"], c["busy"] - d["busy"]
        common["both"] += thighs * shanks * dt
        common["thighs"] += thighs * thighs * dt
        common["shanks"] += shanks * shanks * dt
        bent_alike(dt, a, b, c, d, common)
        # a knee bends backward only: thigh and shank of one leg
        if min(a["sagittal"] - d["sagittal"], b["sagittal"] - c["sagittal"]) < BACKWARD:
            common["back"] += dt
        if min(a["sagittal"] - c["sagittal"], b["sagittal"] - d["sagittal"]) < BACKWARD:
            common["back"] -= dt
    common["frame"] += 1
    if common["frame"] % int(BLOCK_S / dt + 0.5) != 0:
        return END
    common["block_both"], common["both"] = common["both"], 0.0
    common["block_thighs"], common["thighs"] = common["thighs"], 0.0
    common["block_shanks"], common["shanks"] = common["shanks"], 0.0
    common["block_back"], common["back"] = common["back"], 0.0
    for x in range(2):
        common["block_bent"][x], common["bent"][x] = common["bent"][x], 0.0
    return BLOCK


@kernel
def bent_alike(dt: float, a: Record, b: Record, c: Record, d: Record, common: Record) -> None:
    """While both legs are bent alike the thighs tilt more than the shanks: a person whose shanks tilted more, over feet
    that stand, would fall forward. a, b thighs, c, d shanks, left and right."""
    if max(a["tilt"], c["tilt"]) < BENT or max(b["tilt"], d["tilt"]) < BENT:
        return
    more = min(abs(a["tilt"] - c["tilt"]), abs(b["tilt"] - d["tilt"]))
    if more < ALIKE:
        return
    straight = abs(a["tilt"] - b["tilt"]) < ALIKE and abs(c["tilt"] - d["tilt"]) < ALIKE
    crossed = abs(a["tilt"] - d["tilt"]) < ALIKE and abs(c["tilt"] - b["tilt"]) < ALIKE
    if straight or crossed:
        common["bent"][0] += (dt if a["tilt"] > c["tilt"] else -dt)
        common["bent"][1] += (dt if b["tilt"] > d["tilt"] else -dt)
