"""Long sessions of mixed drills, as a person with sensors performs them, for what is judged over minutes."""

from __future__ import annotations

import numpy as np

from firmware_sim.activities import (
    March,
    Piece,
    Plan,
    SingleLegSquats,
    SitToStands,
    Squats,
    Stand,
    StepDowns,
    Walk,
)

DRILLS = (Squats(5), StepDowns(3), SingleLegSquats(3), Walk(40.0), SitToStands(4))


def set_up(lifts: int = 6) -> Plan:
    return (Stand(4.0), March(lifts), Stand(3.0))


def mixed_session(seconds: float, seed: int, drills: tuple[Piece, ...] = DRILLS, lifts: int = 6) -> Plan:
    """Set-up, then sets of these drills in any order, a short stand after each; about so many seconds."""
    rng = np.random.default_rng((97, seed))
    plan: list[Piece] = list(set_up(lifts))
    # about how long a set takes with its stand
    while seconds > 30.0:
        for k in rng.permutation(len(drills)):
            plan += [drills[k], Stand(float(rng.uniform(2.0, 5.0)))]
            seconds -= 42.0
    return tuple(plan)
