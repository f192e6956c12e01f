"""Has a sensor turned about the long axis of its limb? Two witnesses, which must agree, over two cycles of a leg.

1. Its gyroscope has measured the turn, and that of the other segment of the leg has not: how the two face each other in
   the upright parts of a cycle jumps by it. So it does when a filter's bias goes astray, after a hole in the data, and
   when a foot is put down otherwise.
2. From then on the segment flexes about another axis of the sensor: the regression of the rate about x on that about z
   moves by it. A person who moves otherwise does so as well.

Cycles are compared with earlier ones of the same kind (as far, as fast), with the drift that these show taken off. Where
the first can have seen nothing (the sensor was away, or a bend or a lost packet is between two strides) the second may
do, over three cycles or more, and by more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from imu.kinematics.watch.turns import Turns

DEG: Final = math.pi / 180.0
PARTS: Final = ("thigh", "shank")
QUICK_CYCLES, SLOW_CYCLES = 3, 2
"""What must be known of a kind of cycle before others are compared with it: the first strides are not like the others."""
MOST_GOOD: Final = 8
MOST_KINDS: Final = 6
GIVE_UP: Final = 6
"""Cycles that are different but tell no slip: from then on they are the usual ones."""
ROUND_A_BEND: Final = 20.0 * DEG
"""Net turn in a cycle that tells nothing."""
LEAST: Final = (3.0 * DEG, 4.0 * DEG)
"""With both witnesses, with the axis alone."""
CYCLES: Final = (2, 3)
MOST_CYCLES: Final = 5
SIGMAS: Final = 4.5
SUSPICIOUS: Final = (1.8 * DEG, 2.0)
"""rad and sigmas from which a cycle is not yet taken for a usual one."""
WITHIN: Final = 2.5
"""Sigmas by which a witness may differ from both together."""
SLACK: Final = 1.0 * DEG
"""The same beside its sigma: a slip in the middle of a cycle counts in part."""
SHARE: Final = 0.4
"""Least of the slip that each must show, and each cycle."""
DOUBTFUL: Final = 0.45
"""of the slip, 1σ of a witness that is no use."""
BEYOND: Final = 2.0
"""Sigmas that each must show."""
OTHERS: Final = 0.6
"""of it: what the axis of the other segment, and the turning with flexion, may have moved."""


@dataclass(frozen=True, slots=True)
class Spread:
    """1σ of one cycle against another, besides the noise of each; rad. Larger = later, surer."""

    axis: tuple[float, float]
    inward: float
    facing: float


SLOW, QUICK = Spread((0.4 * DEG, 0.6 * DEG), 0.8 * DEG, 0.4 * DEG), Spread((1.0 * DEG, 0.9 * DEG), 1.0 * DEG, 0.4 * DEG)
"""Slow repetitions, and strides; of simulated people, by the median. The person's own spread counts if it is more."""
PAUSE_US: Final = (15_000_000, 40_000_000)
"""After so long it may be another movement that only goes as far and as fast; strides, repetitions."""
NEIGHBOURS_US: Final = (3_000_000, 30_000_000)
"""Strides further apart have a bend or a hole between them, which turn two filters apart: 4.5° in simulated walks.
Repetitions stand still between."""
FACING_DRIFT: Final = 0.3 * DEG
"""rad/s, 1σ of how two filters drift apart: after slow turns on one leg that were taken for bias."""
KNOWN_DRIFT: Final = 0.05 * DEG
"""rad/s, 1σ of its change where it is known from three cycles or more."""
HIDDEN: Final = 0.2
"""1σ of a bridged turn, of its size: a lost packet in the swing of a shank turned the headings by 2 to 3° for good."""


@dataclass(frozen=True, slots=True)
class Witness:
    """By how much the sensor has turned (rad, + from z to x), and 1σ; NaN and inf = it saw nothing."""

    turn: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Cycles against the usual ones of their kind; thigh, shank."""

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
        if len(kind.good) < (QUICK_CYCLES if cycle.quick else SLOW_CYCLES):
            self._usual(kind, [cycle])
            return None
        kind.fresh.append(cycle)
        for part in range(len(PARTS)):
            found = decide(part, kind)
            if found is not None:
                self._kinds = [Kind([], kind.fresh)]
                return Turned(part, found.turn, abs(found.turn) / found.sigma, self._good_us)
        if not suspicious(compare(kind.fresh, kind.good)):
            self._usual(kind, kind.fresh)
            kind.fresh = []
        elif len(kind.fresh) >= CYCLES[0] and astray(compare(kind.fresh[-CYCLES[0] :], kind.good)):
            kind.good = [replace(t, facing=math.nan) for t in kind.good]
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
        # it may have slipped late in a cycle that still passed as usual
        self._good_us = cycles[-1].t_start_us

    def _kind_of(self, cycle: Turns) -> Kind:
        """The kind that it belongs to, most recently used last."""
        oldest = cycle.t_start_us - PAUSE_US[not cycle.quick]
        self._kinds = [k for k in self._kinds if (k.fresh or k.good)[-1].t_end_us > oldest]
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


def compare(cycles: list[Turns], usual: list[Turns]) -> Comparison:
    """The mean of these cycles with the usual ones of their kind."""
    spread = QUICK if cycles[-1].quick else SLOW
    apart = facing(cycles, usual, spread.facing)
    axis = (direction("axis", 0, cycles, usual, spread.axis[0]), direction("axis", 1, cycles, usual, spread.axis[1]))
    inward = (direction("inward", 0, cycles, usual, spread.inward), direction("inward", 1, cycles, usual, spread.inward))
    return Comparison((Witness(-apart.turn, apart.sigma), apart), axis, inward)


def direction(name: str, part: int, cycles: list[Turns], usual: list[Turns], spread: float) -> Witness:
    """By how much a direction in which a segment turns has moved the other way: what its sensor would have turned."""
    before = [t.own[part] for t in usual if math.isfinite(t.own[part].axis)]
    now = [t.own[part] for t in cycles if math.isfinite(t.own[part].axis)]
    if len(before) < SLOW_CYCLES or len(now) < len(cycles):
        return Witness(math.nan, math.inf)
    values = [float(getattr(d, name)) for d in before]
    middle = median(values)
    varies = 1.5 * median(abs(v - middle) for v in values) if len(values) > 2 else 0.0
    one, usually = (math.hypot(median(d.sigma for d in ds), spread) for ds in (now, before))
    sigma = math.sqrt(max(one, varies) ** 2 / len(now) + max(usually, varies) ** 2 * 1.3 / len(before))
    return Witness(middle - sum(float(getattr(d, name)) for d in now) / len(now), sigma)


def facing(cycles: list[Turns], usual: list[Turns], spread: float) -> Witness:
    """By how much the shank faces otherwise than it would have, had it drifted on as it did."""
    chain, far_us = list(reversed(cycles)), NEIGHBOURS_US[not cycles[-1].quick]
    for t in reversed(usual):
        if t.restarts != chain[-1].restarts or not chain[-1].facing_us - t.facing_us < far_us or math.isnan(t.facing):
            break
        chain.append(t)
    known = chain[len(cycles) :][::-1]
    if not known or any(math.isnan(c.facing) for c in cycles) or _torn(cycles, far_us):
        return Witness(math.nan, math.inf)
    last = known[-1]
    t, ahead = (np.array([(k.facing_us - last.facing_us) * 1e-6 for k in ks]) for ks in (known, cycles))
    v, now = (np.array([math.remainder(k.facing - last.facing, 2.0 * math.pi) for k in ks]) for ks in (known, cycles))
    span, far = float(np.ptp(t)), float(ahead.mean())
    holes = HIDDEN**2 * sum(c.hidden**2 for c in (last, *cycles))
    if len(known) >= 3 and far < 2.0 * span:
        rate = median((np.diff(v) / np.diff(t)).tolist())
        share = (far / span) ** 2
        sigma = math.sqrt(
            spread**2 * (1.0 / len(cycles) + 1.0 / len(known) + share) + (KNOWN_DRIFT * far) ** 2 + holes
        )
        return Witness(float(np.mean(now - rate * ahead)) - float(np.median(v - rate * t)), sigma)
    drift = FACING_DRIFT * (far + 0.5 * span)
    sigma = math.sqrt(spread**2 * (1.0 / len(cycles) + 1.0 / len(known)) + drift**2 + holes)
    return Witness(float(np.mean(now)) - float(np.median(v)), sigma)


def _torn(cycles: list[Turns], far_us: int) -> bool:
    """Something has come between these cycles."""
    return any(
        b.restarts != a.restarts or b.facing_us - a.facing_us > far_us for a, b in pairwise(cycles)
    )


def together(part: int, c: Comparison) -> Witness:
    """Both witnesses as one."""
    both = (c.seen[part], c.axis[part])
    total = sum(w.sigma**-2 for w in both)
    if not total > 0.0:
        return Witness(math.nan, math.inf)
    return Witness(sum(w.sigma**-2 * w.turn for w in both if math.isfinite(w.turn)) / total, total**-0.5)


def suspicious(c: Comparison) -> bool:
    """Different enough to wait for the next one."""
    both = [together(part, c) for part in range(len(PARTS))]
    return any(abs(w.turn) > max(SUSPICIOUS[0], SUSPICIOUS[1] * w.sigma) for w in both)


def astray(c: Comparison) -> bool:
    """The gyroscopes have seen what neither axis knows of: not the sensor has turned, but the filter's heading."""
    seen = abs(c.seen[0].turn)
    return all(w.sigma < 0.3 * seen and abs(w.turn) < 0.3 * seen for w in c.axis)


def decide(part: int, kind: Kind) -> Witness | None:
    """The turn of the sensor on this part that the newest cycles agree upon; None = they do not."""
    for n in range(CYCLES[0], min(MOST_CYCLES, len(kind.fresh)) + 1):
        newest = kind.fresh[-n:]
        c = compare(newest, kind.good)
        found = together(part, c)
        if not abs(found.turn) > SIGMAS * found.sigma:
            continue
        alone = not c.seen[part].sigma < DOUBTFUL * abs(found.turn)
        if n < CYCLES[alone] or abs(found.turn) < LEAST[alone]:
            continue
        # between slow repetitions the gyroscopes always see; where they do not, the way of moving has changed
        if alone and not newest[-1].quick and newest[-1].restarts == kind.good[-1].restarts:
            continue
        witnesses = (c.axis[part],) if alone else (c.seen[part], c.axis[part])
        if all(_shows(w, found) for w in witnesses) and _nothing_else(part, c, found) and _each(part, newest, kind, found):
            return found
    return None


def _shows(witness: Witness, found: Witness) -> bool:
    """A witness that is sure enough, shows its share and does not contradict."""
    size = abs(found.turn)
    shown = witness.turn * math.copysign(1.0, found.turn)
    agrees = abs(shown - size) < WITHIN * witness.sigma + SLACK
    return witness.sigma < DOUBTFUL * size and shown > max(SHARE * size, BEYOND * witness.sigma) and agrees


def _nothing_else(part: int, c: Comparison, found: Witness) -> bool:
    others = (c.axis[1 - part], *c.inward)
    return not any(abs(w.turn) > max(OTHERS * abs(found.turn), WITHIN * w.sigma) for w in others if math.isfinite(w.turn))


def _each(part: int, newest: list[Turns], kind: Kind, found: Witness) -> bool:
    one = [together(part, compare([t], kind.good)).turn for t in newest]
    return all(turn * math.copysign(1.0, found.turn) > SHARE * abs(found.turn) for turn in one)
