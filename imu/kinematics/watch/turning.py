"""Has a sensor turned about the long axis of its limb? Two witnesses, which must agree, over two cycles of a leg.

1. Its gyroscope has measured the turn, and that of the other segment of the leg has not: how the two face each other in
   the upright parts of a cycle jumps by it. Drift of the two filters and a foot that is put down otherwise do so as well.
2. From then on the segment flexes about another axis of the sensor: the regression of the rate about x on that about z
   moves by it. A person who moves otherwise does so as well.

Cycles are compared with earlier ones of the same kind (as far, as fast), with the drift that these show taken off.
Only while a sensor was away can it be turned with nobody measuring; then the second witness must do, and be surer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import numpy as np

from imu.kinematics.watch.turns import Turns

DEG: Final = math.pi / 180.0
PARTS: Final = ("thigh", "shank")
QUICK_US: Final = 2_000_000
QUICK_CYCLES, SLOW_CYCLES = 3, 2
"""What must be known of a kind of cycle before others are compared with it: the first strides are not like the others."""
MOST_GOOD: Final = 8
MOST_KINDS: Final = 6
GIVE_UP: Final = 5
"""Cycles that are different but tell no slip: from then on they are the usual ones."""
ROUND_A_BEND: Final = 20.0 * DEG
"""Net turn in a cycle that tells nothing."""
LEAST: Final = 3.0 * DEG
LEAST_UNSEEN: Final = 4.0 * DEG
SIGMAS: Final = 4.5
SUSPICIOUS: Final = (1.8 * DEG, 2.0)
"""rad and sigmas from which a cycle is not yet taken for a usual one."""
WITHIN: Final = 2.5
"""Sigmas by which a witness may differ from both together."""
SHARE: Final = 0.4
"""Least of the slip that each must show."""
OTHERS: Final = 0.6
"""of it: what the axis of the other segment, and the turning with flexion, may have moved."""
AXIS_SPREAD: Final = (0.7 * DEG, 1.0 * DEG)
INWARD_SPREAD: Final = 1.2 * DEG
"""1σ of one cycle against another, besides the noise of each."""
FACING_SPREAD: Final = 0.6 * DEG
FACING_DRIFT: Final = 0.1 * DEG
"""rad/s, 1σ of how two filters drift apart; of its change where it is known from three cycles or more."""
KNOWN_DRIFT: Final = 0.05 * DEG


@dataclass(frozen=True, slots=True)
class Witness:
    """By how much the sensor has turned (rad, + from z to x), and 1σ; NaN and inf = it saw nothing."""

    turn: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One cycle against the usual ones of its kind; thigh, shank."""

    seen: tuple[Witness, Witness]
    """By the gyroscopes: either the thigh's sensor has turned by so much, or the shank's by the opposite."""
    axis: tuple[Witness, Witness]
    inward: tuple[Witness, Witness]
    """Turning about the long axis with flexion: the way of moving, not a slip."""


@dataclass(slots=True)
class Kind:
    """Cycles of one kind: the usual ones, and those since that were not."""

    good: list[Turns] = field(default_factory=list)
    fresh: list[Turns] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Turned:
    """A sensor that has turned on its limb."""

    part: int
    amount: float
    """rad, + from z (right) towards x (front)."""
    sigmas: float
    since_us: int


class LegTurning:
    """The cycles of one leg."""

    def __init__(self) -> None:
        self._kinds: list[Kind] = []
        self._good_us = 0

    def take(self, cycle: Turns) -> Turned | None:
        """One more cycle."""
        if abs(cycle.turned) > ROUND_A_BEND:
            return None
        kind = self._kind_of(cycle)
        quick = cycle.t_end_us - cycle.t_start_us < QUICK_US
        if len(kind.good) < (QUICK_CYCLES if quick else SLOW_CYCLES):
            self._usual(kind, [cycle])
            return None
        kind.fresh.append(cycle)
        compared = [compare(c, kind.good) for c in kind.fresh]
        for part in range(len(PARTS)):
            found = decide(part, compared, kind)
            if found is not None:
                turned = Turned(part, found.turn, abs(found.turn) / found.sigma, self._good_us)
                self._kinds = [Kind([], kind.fresh)]
                return turned
        if not any(suspicious(part, compared[-1]) for part in range(len(PARTS))):
            self._usual(kind, kind.fresh)
            kind.fresh = []
        elif len(kind.fresh) >= GIVE_UP:
            kind.good, kind.fresh = kind.fresh, []
        return None

    def forget(self) -> None:
        """What was usual is not any more."""
        self._kinds = []

    def _usual(self, kind: Kind, cycles: list[Turns]) -> None:
        kind.good = [*kind.good, *cycles][-MOST_GOOD:]
        self._good_us = cycles[-1].t_end_us

    def _kind_of(self, cycle: Turns) -> Kind:
        """The kind that it belongs to, most recently used last."""
        for kind in reversed(self._kinds):
            if cycle.like((kind.fresh or kind.good)[-1]):
                self._kinds.remove(kind)
                break
        else:
            kind = Kind()
        self._kinds = [*self._kinds, kind][-MOST_KINDS:]
        return kind

    def copy(self) -> LegTurning:
        """An equal one that changes on its own."""
        other = LegTurning()
        other._kinds = [Kind(list(k.good), list(k.fresh)) for k in self._kinds]
        other._good_us = self._good_us
        return other


def compare(cycle: Turns, usual: list[Turns]) -> Comparison:
    """One cycle with the usual ones of its kind."""
    apart = facing(cycle, usual)
    axis, inward = [], []
    for part in range(len(PARTS)):
        known = [t.own[part] for t in usual if math.isfinite(t.own[part].axis)]
        now = cycle.own[part]
        for name, spread, out in (("axis", AXIS_SPREAD[part], axis), ("inward", INWARD_SPREAD, inward)):
            values = [getattr(d, name) for d in known]
            if len(values) < SLOW_CYCLES or not math.isfinite(now.axis):
                out.append(Witness(math.nan, math.inf))
                continue
            middle = median(values)
            # what this person varies by, if it is more
            varies = 1.5 * median(abs(v - middle) for v in values) if len(values) > 2 else 0.0
            both = max(spread, varies) ** 2
            sigma = math.sqrt(now.sigma**2 + both + (median(d.sigma for d in known) ** 2 + both) / len(known))
            out.append(Witness(middle - getattr(now, name), sigma))
    thigh, shank = Witness(-apart.turn, apart.sigma), apart
    return Comparison((thigh, shank), (axis[0], axis[1]), (inward[0], inward[1]))


def facing(cycle: Turns, usual: list[Turns]) -> Witness:
    """By how much the shank faces otherwise than it would have, had it drifted on as it did."""
    known = [t for t in usual if t.restarts == cycle.restarts and math.isfinite(t.facing)]
    if not known or not math.isfinite(cycle.facing):
        return Witness(math.nan, math.inf)
    last = known[-1]
    t = np.array([(k.facing_us - last.facing_us) * 1e-6 for k in known])
    v = np.array([math.remainder(k.facing - last.facing, 2.0 * math.pi) for k in known])
    ahead = (cycle.facing_us - last.facing_us) * 1e-6
    now = math.remainder(cycle.facing - last.facing, 2.0 * math.pi)
    span = float(np.ptp(t))
    if len(known) >= 3 and ahead < 2.0 * span:
        rate = median((np.diff(v) / np.diff(t)).tolist())
        sigma = math.sqrt(FACING_SPREAD**2 * (1.0 + (ahead / span) ** 2) + (KNOWN_DRIFT * ahead) ** 2)
        return Witness(now - float(np.median(v - rate * t)) - rate * ahead, sigma)
    return Witness(now - float(np.median(v)), math.hypot(FACING_SPREAD, FACING_DRIFT * (ahead + 0.5 * span)))


def together(part: int, c: Comparison) -> Witness:
    """Both witnesses as one."""
    weights = [w.sigma**-2 for w in (c.seen[part], c.axis[part])]
    total = sum(weights)
    if not total > 0.0:
        return Witness(math.nan, math.inf)
    turn = sum(w * x.turn for w, x in zip(weights, (c.seen[part], c.axis[part]), strict=True) if w > 0.0) / total
    return Witness(turn, total**-0.5)


def suspicious(part: int, c: Comparison) -> bool:
    """Different enough to wait for the next one."""
    both = together(part, c)
    return abs(both.turn) > max(SUSPICIOUS[0], SUSPICIOUS[1] * both.sigma)


def decide(part: int, compared: list[Comparison], kind: Kind) -> Witness | None:
    """The turn that the newest cycles agree upon; None = they do not."""
    away = kind.fresh[-1].restarts != kind.good[-1].restarts
    n = 3 if away else 2
    if len(compared) < n:
        return None
    newest = compared[-n:]
    found = [together(part, c) for c in newest]
    if not all(math.isfinite(w.turn) for w in found):
        return None
    turn = sum(w.turn for w in found) / n
    sigma = max(w.sigma for w in found)
    if abs(turn) < max(LEAST_UNSEEN if away else LEAST, SIGMAS * sigma):
        return None
    sign = math.copysign(1.0, turn)
    for c in newest:
        for witness in (c.axis[part],) if away else (c.seen[part], c.axis[part]):
            shown = sign * witness.turn
            if not shown > SHARE * abs(turn) or abs(witness.turn - turn) > WITHIN * witness.sigma:
                return None
        for other in (c.axis[1 - part], c.inward[part]):
            if math.isfinite(other.turn) and abs(other.turn) > max(OTHERS * abs(turn), WITHIN * other.sigma):
                return None
    return Witness(turn, sigma)
