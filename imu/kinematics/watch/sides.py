"""Is every sensor on the leg, and on the segment, that its label says? Nobody has to look at a heading for that.

Who stands on one leg must be above that foot, so against the stand on both feet the carrying leg leans outward with its
hip end: 6 to 9° on the spot, 2 to 5° on average in walking. A calibrated segment knows its right side from gravity and
from the first bend of the knee, on either leg alike; a leg labelled left that leans the right leg's way is a right leg.

Three kinds of evidence, each a logarithm of odds, are added up over the session for every way in which labels may have
been exchanged: the lean of the carrying thigh and shank; which shank is busy when a thigh is; and which of the two
sensors of a leg is the upper one (a lifted shank rises more than its thigh; with both knees bent alike the thighs tilt
more; and a thigh taken for a shank has its right side on the left). One phase says little, and what a person does always
in the same way counts as one systematic part. Who never stands on one leg is not checked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from imu.conventions import SIDES
from imu.kinematics.layout import Record, Records
from imu.packets import Floats, Ints

LEAN: Final = math.radians(4.0)
"""Expected outward lean of a carrying leg against the stand; between walking and standing on one leg."""
LEAN_SPREAD: Final = math.radians(2.5)
"""1σ of one phase."""
LEAN_SYSTEMATIC: Final = math.radians(2.5)
"""1σ of what is the same in all phases of one leg: an uneven stand, an axis wrong by 5°, soft tissue."""
LEAST_WEIGHT_S: Final = 0.1
"""Less of a carrying segment near upright tells nothing."""
TOGETHER: Final = 4.0
"""Odds of one block in which thighs and shanks are busy on the same side throughout; 95 % of blocks have the right sign."""
BACK_ODDS: Final = 3.0
"""per s in which a knee would bend backward."""
PAIR_MOST: Final = 12.0
BUSY: Final = 0.05
"""rad/s, mean square of the left-right difference of the activities in a block from which it counts."""
RISE: Final = 1.2
"""Expected logarithm of the vertical acceleration of a shank over its thigh, squared, when a knee is lifted on the spot."""
ON_THE_SPOT: Final = 0.75
"""Root of rad/s, mean of a carrying leg that does not walk: 0.4 in a march, 1.1 in a walk, whose shanks swing level."""
RISE_SPREAD: Final = 1.0
ORDER_MOST: Final = 4.0
"""Largest odds of one phase."""
BENT_ODDS: Final = 3.0
"""per s with both knees bent alike."""
ORDER_TOTAL: Final = 10.0
OTHER_SIDE: Final = {"left": "right", "right": "left"}
OTHER_PART: Final = {"thigh": "shank", "shank": "thigh"}
SURE: Final = 6.0
"""Odds (400 to 1) against every other explanation from which one is believed."""
LEAST_PHASES: Final = 2


@dataclass(frozen=True, slots=True)
class Exchange:
    """One way in which labels may be wrong. +1 = as labelled, -1 = exchanged."""

    name: str
    thighs: int = 1
    shanks: int = 1
    left: int = 1
    """Thigh and shank of the left leg against each other."""
    right: int = 1

    @property
    def pairing(self) -> int:
        """0: thighs and shanks of one label belong together."""
        return 0 if self.thighs == self.shanks else 1

    def wearer(self, label: str) -> str:
        """Where the sensor is that bears this label, a thigh or shank."""
        part, _, side = label.partition("_")
        if (self.thighs if part == "thigh" else self.shanks) < 0:
            side = OTHER_SIDE[side]
        if (self.left if side == "left" else self.right) < 0:
            part = OTHER_PART[part]
        return f"{part}_{side}"


AS_LABELLED: Final = Exchange("")
BOTH_WORN: Final = (
    AS_LABELLED,
    Exchange("left/right", -1, -1),
    Exchange("left/right thighs", -1, 1),
    Exchange("left/right shanks", 1, -1),
    Exchange("thigh/shank left", left=-1),
    Exchange("thigh/shank right", right=-1),
    Exchange("thigh/shank both", left=-1, right=-1),
)
ONE_WORN: Final = (AS_LABELLED, Exchange("left/right", -1, -1))
"""Only thighs, or only shanks: nothing to exchange them with but each other."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says now."""

    exchange: Exchange
    odds: float
    """Natural logarithm, of the best explanation against the second best."""
    phases: int
    """Single-leg phases that it rests on."""

    @property
    def sure(self) -> bool:
        enough = self.phases >= LEAST_PHASES or min(self.exchange.left, self.exchange.right) < 0
        return self.odds >= SURE and enough

    @property
    def confidence(self) -> float:
        """0..1."""
        return 1.0 / (1.0 + math.exp(-self.odds))


@dataclass(slots=True)
class SideEvidence:
    """Sums of the evidence; indices: pairing, part (0 thigh, 1 shank), labelled side (0 left, 1 right)."""

    lean: Floats = field(default_factory=lambda: np.zeros((2, 2, 2)))
    """rad, sum over phases of the mean outward lean."""
    phases: Ints = field(default_factory=lambda: np.zeros((2, 2, 2), np.int64))
    together: float = 0.0
    """Odds that thighs and shanks of one label belong together, from who is busy when."""
    back: float = 0.0
    """The same from knees that do not bend backward."""
    order: Floats = field(default_factory=lambda: np.zeros((2, 2)))
    """Odds per pairing and leg that the sensor labelled thigh is the upper one; from free legs."""
    bent: Floats = field(default_factory=lambda: np.zeros(2))
    """The same from bends of both knees."""

    def take_phase(self, pairing: int, record: Record, dt: float) -> None:
        """A single-leg phase (`layout.PAIRING`) has ended."""
        done, carrying = record["done"], int(record["ended"])
        for part in range(2):
            weight = float(done["weight"][part])
            if weight < LEAST_WEIGHT_S:
                continue
            # in the crossed pairing the shank bears the other label
            side = carrying if part == 0 or pairing == 0 else 1 - carrying
            outward = 1.0 if side == 1 else -1.0
            self.lean[pairing, part, side] += outward * float(done["lean"][part]) / weight
            self.phases[pairing, part, side] += 1
        thigh, shank = (float(x) for x in done["rise"])
        on_the_spot = float(done["busy"]) < ON_THE_SPOT * int(done["frames"]) * dt
        if thigh > 0.0 and shank > 0.0 and on_the_spot:
            odds = 2.0 * RISE * math.log(shank / thigh) / RISE_SPREAD**2
            self.order[pairing, 1 - carrying] += max(-ORDER_MOST, min(ORDER_MOST, odds))

    def take_block(self, common: Record, block_s: float) -> None:
        """A block of activity (`layout.COMMON`) is complete."""
        thighs, shanks = float(common["block_thighs"]), float(common["block_shanks"])
        if min(thighs, shanks) > BUSY * block_s:
            self.together += TOGETHER * float(common["block_both"]) / math.sqrt(thighs * shanks)
        self.together = max(-PAIR_MOST, min(PAIR_MOST, self.together))
        self.back = max(-PAIR_MOST, min(PAIR_MOST, self.back + BACK_ODDS * float(common["block_back"])))
        for leg in range(2):
            self.bent[leg] += BENT_ODDS * float(common["block_bent"][leg])

    def lean_odds(self, pairing: int, part: int, side: int) -> float:
        """Odds that the segments labelled so are on that side, from the lean of carrying legs."""
        n = int(self.phases[pairing, part, side])
        if n == 0:
            return 0.0
        mean = float(self.lean[pairing, part, side]) / n
        return 2.0 * LEAN * mean / (LEAN_SYSTEMATIC**2 + LEAN_SPREAD**2 / n)

    def odds_of(self, exchange: Exchange) -> float:
        """Logarithm of the likelihood, up to a constant."""
        n = exchange.pairing
        paired = 1.0 if n == 0 else -1.0
        total = 0.5 * paired * self.together
        if min(exchange.left, exchange.right) > 0:  # a thigh taken for a shank bends the other way
            total += min(0.0, paired * self.back)
        for side, order in enumerate((exchange.left, exchange.right)):
            # thigh and shank of a carrying leg lean together: 0.7 of each
            share = 0.7 if self.phases[n, :, side].all() else 1.0
            total += 0.5 * share * order * exchange.thighs * self.lean_odds(n, 0, side)
            total += 0.5 * share * order * exchange.shanks * self.lean_odds(n, 1, side)
            upper = float(self.order[n, side] + self.bent[side])
            # only what contradicts counts: pairings see different phases, and one must not win by their number
            total += min(0.0, order * max(-ORDER_TOTAL, min(ORDER_TOTAL, upper)))
        return total

    def verdict(self, exchanges: tuple[Exchange, ...]) -> Verdict:
        """The best explanation and how far ahead it is."""
        ranked = sorted(((self.odds_of(e), -i) for i, e in enumerate(exchanges)), reverse=True)
        best = exchanges[-ranked[0][1]]
        return Verdict(best, ranked[0][0] - ranked[1][0], int(self.phases[best.pairing].sum(axis=1).max()))


def exchanges_of(legs: Records) -> tuple[Exchange, ...]:
    """What can be told for these sensors (records `layout.LEG` of the left and right leg as labelled)."""
    thighs, shanks = bool(np.all(legs["thigh"][:2] >= 0)), bool(np.all(legs["shank"][:2] >= 0))
    if thighs and shanks:
        return BOTH_WORN
    return ONE_WORN if thighs or shanks else ()


def advice(exchange: Exchange) -> str:
    """What to do, in words for people."""
    what, _, which = exchange.name.partition(" ")
    if what == "thigh/shank":
        legs = "both legs" if which == "both" else f"the {which} leg"
        return f"the thigh and shin sensors of {legs} seem to be exchanged: swap the two straps, or confirm the swap"
    parts = {"thighs": "thigh sensors", "shanks": "shin sensors"}.get(which, "sensors of the two legs")
    return f"the left and right {parts} seem to be exchanged: swap the straps, or confirm the swap" if which else (
        "the sensors of the left and the right leg seem to be exchanged: swap the straps, or confirm the swap"
    )


assert SIDES == ("left", "right")
