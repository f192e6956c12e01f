"""Has a sensor moved on the limb since the calibration? Found by three signs, each of which posture cannot make alone.

1. In a quiet stand up has moved in one segment's frame and not in its neighbour's: the strap has tilted.
2. Between two quiet stands in one pose, with the foot where it was, a segment has turned about its long axis and its
   neighbour across the knee has not.
3. From one repetition to the next a segment has turned against its neighbour, and flexes about another axis (`turning`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from imu.kinematics.watch.turning import PARTS, LegTurning
from imu.kinematics.watch.turns import Turns

DEG: Final = math.pi / 180.0
TILTED: Final = (10.0 * DEG, 6.0 * DEG, 6.0 * DEG)
"""By part (pelvis, thigh, shank): more than the neighbours explain, in looks `TILTED_US` apart and all between."""
TILTED_US: Final = 2_000_000
AS_CALIBRATED: Final = 5.0 * DEG
"""All other segments, or it is another posture: a foot on a step tilts a thigh alone, and the other leg leans."""
TOGETHER_US: Final = 1_500_000
"""Looks of all groups within so long are one stand."""
NEARBY_US: Final = 1_500_000
MOST_LOOKS: Final = 60
TURNED: Final = 3.8 * DEG
"""Across a knee, between two stands with the foot where it was; of simulated people's 3.0 is the most in 900 pairs of
stands and 3.6 in one of 420 on one leg. The filters' biases make most of it."""
AT_ONCE_S: Final = 1.2
"""A foot is not put down elsewhere between two looks so close."""
KNEE_POSTURE: Final = 0.8 * DEG
"""1σ of how a thigh is turned against its shank from one stand to the next, both feet where they were."""
RATES: Final = 3
"""The newest looks in one stand tell how fast two filters drift apart: who hinges slowly turns so evenly that it is taken
for bias, and the shank's filter then turns by 0.3 to 0.9 deg/s in the stand, 4° from one repetition to the next."""
ASTRAY: Final = (0.3 * DEG, 1.5 * DEG)
"""rad/s; slower is how a person sways between two looks, faster is no drift."""
MOVES: Final = 1.0 * DEG
"""of lean between two looks: a movement has begun, and its turn is no drift."""
DRIFT: Final = 0.07 * DEG
"""rad/s, 1σ of the heading of a filter; a slow turn that was taken for bias makes 0.5 deg/s, but on one leg only."""
SCALE: Final = 0.01
"""1σ of the gyroscope's scale, of what was turned in all about the vertical."""
SIGMAS: Final = 3.3
SAME_POSE: Final = 4.0 * DEG
"""of lean of thigh and shank: a knee that bends turns its shank, and flesh with it, so only stands in one pose are
compared. Between two rests of a slow hinge (17° of thigh) the shanks of simulated people turn by up to 5.4°."""
FAR_S: Final = 10.0
"""Beyond, a pose that was taken again tells nothing; a slow repetition is shorter."""


@dataclass(frozen=True, slots=True)
class Look:
    """One segment in one quiet stand."""

    forward: float
    """rad, lean of its upper end against the calibrated stand; NaN = unknown."""
    aside: float
    heading: float
    """rad, of its x axis in its own drifting earth frame."""
    turned: float
    """rad, turned in all about the vertical since the stand before."""
    restarted: bool
    lifted: bool
    """The leg has been free since the look before: its foot may stand elsewhere."""
    both: bool
    """Nobody stood on one leg since the look before."""


@dataclass(frozen=True, slots=True)
class Before:
    """An earlier stand of one leg in the same pose."""

    t_us: int
    thigh: float
    """rad, heading then."""
    shank: float
    turned: float
    """rad, turned in all about the vertical by both since."""
    still: bool
    """It was the look before, and nothing has moved since."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A sensor that has moved."""

    segment: str
    amount: float
    """rad."""
    sign: str
    """`tilt`, `turn` or `axis`: which of the three it was found by."""
    sigmas: float
    since_us: int
    """Until then it was in place."""


class SlipWatch:
    """Decides, from quiet stands and cycles, which segments have slipped.

    Parameters
    ----------
    segments : names, in the order of the setup.
    parts : `kinematics.layout` part of each.
    """

    def __init__(self, segments: Sequence[str], parts: Sequence[int]) -> None:
        self._segments, self._parts = tuple(segments), tuple(parts)
        self.slipped: set[str] = set()
        self._legs = {side: LegTurning() for side in ("left", "right")}
        self._looks: dict[str, list[tuple[int, Look]]] = {}
        self._zero: dict[str, tuple[float, float] | None] = {}
        self._tilted: dict[str, int] = {}
        self._upright_us: dict[str, int] = {}
        self._start_us = 0
        self._drift: dict[str, tuple[float, ...]] = {}
        """By leg: rad/s of its newest looks."""

    def begin(self, t_us: int) -> None:
        """The calibration is known; what comes from here on is compared with it."""
        self._start_us = t_us

    def rest(self, t_us: int, looks: dict[str, Look]) -> list[Slip]:
        """A look at one leg, or the pelvis, that stood quiet until `t_us`."""
        turned = self._turn(t_us, looks)
        for segment, look in looks.items():
            seen = [] if look.restarted else self._looks.get(segment, [])
            self._looks[segment] = [*seen, (t_us, look)][-MOST_LOOKS:]
        return self._new(self._tilt(t_us) + turned)

    def cycle(self, side: str, turns: Turns) -> list[Slip]:
        """A cycle of one leg."""
        turned = self._legs[side].take(turns)
        if turned is None:
            return []
        since = max(turned.since_us, self._start_us)
        return self._new([Slip(f"{PARTS[turned.part]}_{side}", abs(turned.amount), "axis", turned.sigmas, since)])

    def _tilt(self, t_us: int) -> list[Slip]:
        """Sign 1: in a stand on both feet, which is one in which all others are where they were in the calibrated one."""
        away: dict[str, tuple[float, float]] = {}
        for segment, part in zip(self._segments, self._parts, strict=True):
            if not 0 <= part < len(TILTED) or segment not in self._looks:
                continue
            t, look = self._looks[segment][-1]
            if t_us - t > TOGETHER_US or not look.both:
                return []
            if segment in self._zero and self._zero[segment] is None:
                self._zero[segment] = (look.forward, look.aside)
            zero = self._zero.get(segment) or (0.0, 0.0)
            away[segment] = (look.forward - zero[0], look.aside - zero[1])
        found = []
        for segment, part in zip(self._segments, self._parts, strict=True):
            if segment not in away or self._looks[segment][-1][0] != t_us:
                continue  # it may have come back from where it was a second ago
            forward, aside = away[segment]
            near = _neighbours(segment)
            # a knee that is bent, or a leg put forward, tilts both by as much; feet further apart lean both alike
            shared = max((abs(away[n][0]) for n in near if n in away), default=0.0)
            alike = max((away[n][1] * math.copysign(1.0, aside) for n in near if n in away), default=0.0)
            rest = math.hypot(max(0.0, abs(forward) - shared), max(0.0, abs(aside) - max(0.0, alike)))
            others = max((math.hypot(*a) for n, a in away.items() if n != segment and n not in self.slipped), default=0.0)
            if rest <= TILTED[part]:
                self._tilted.pop(segment, None)
                self._upright_us[segment] = t_us
            elif others < AS_CALIBRATED:
                first = self._tilted.setdefault(segment, t_us)
                if t_us - first >= TILTED_US:
                    since = self._upright_us.get(segment, self._start_us)
                    found.append(Slip(segment, rest, "tilt", rest / (0.3 * TILTED[part]), since))
        return found

    def _turn(self, t_us: int, looks: dict[str, Look]) -> list[Slip]:
        """Sign 2; of two sensors on a leg the one that has turned more than the rest of the body."""
        found: list[Slip] = []
        for side in ("left", "right"):
            names = [f"{part}_{side}" for part in PARTS]
            if not all(n in looks and n in self._looks for n in names):
                continue  # a look at the other leg
            if any(looks[n].restarted for n in names):
                self._drift.pop(side, None)
                continue
            before = self._before(t_us, names, looks)
            if before is None:
                continue
            thigh, shank = (looks[n] for n in names)
            t0, between_s = before.t_us, (t_us - before.t_us) * 1e-6
            turns = [_wrapped(now.heading - was) for now, was in ((thigh, before.thigh), (shank, before.shank))]
            apart = _wrapped(turns[1] - turns[0])
            # a filter whose bias has gone astray goes on turning
            seen = self._drift.get(side, ())
            rate = median(seen) if len(seen) == RATES else 0.0
            drifted = rate * between_s if abs(rate) > ASTRAY[0] else 0.0
            sigma = math.hypot(KNEE_POSTURE, 1.4 * DRIFT * between_s, SCALE * before.turned)
            if min(abs(apart), abs(apart - drifted)) > max(TURNED, SIGMAS * sigma):
                common = self._turned_meanwhile(t0, t_us, side)
                which = 0 if abs(_wrapped(turns[0] - common)) > abs(_wrapped(turns[1] - common)) else 1
                found.append(Slip(names[which], abs(apart), "turn", abs(apart) / sigma, t0))
            elif between_s < AT_ONCE_S and abs(apart) < ASTRAY[1] * between_s and before.still:
                self._drift[side] = (*seen, apart / between_s)[-RATES:]
        return found

    def _before(self, t_us: int, names: Sequence[str], looks: dict[str, Look]) -> Before | None:
        """The newest stand of this leg in the pose of `looks`; None: too long ago, the foot was lifted since, or a
        heading is new."""
        now = [looks[n] for n in names]
        later, turned, t_later = now, 0.0, t_us
        for (t0, thigh), (t1, shank) in zip(*(reversed(self._looks[n]) for n in names), strict=False):
            lifted = any(one.lifted for one in later) and (t_later - t0) * 1e-6 > AT_ONCE_S
            far = later is not now and (t_us - t0) * 1e-6 > FAR_S
            if t0 != t1 or lifted or far or any(one.restarted for one in later):
                return None
            turned += sum(one.turned for one in later)
            if all(abs(a.forward - b.forward) < SAME_POSE for a, b in zip(now, (thigh, shank), strict=True)):
                moved = max(abs(a.forward - b.forward) for a, b in zip(now, (thigh, shank), strict=True))
                return Before(t0, thigh.heading, shank.heading, turned, later is now and moved < MOVES)
            later, t_later = [thigh, shank], t0
        return None

    def _turned_meanwhile(self, from_us: int, to_us: int, side: str) -> float:
        """Median turn of what is not on this leg; 0 if nothing is known: a foot that carries stays where it is."""
        turns = []
        for segment, seen in self._looks.items():
            if segment.endswith(side) or segment in self.slipped:
                continue
            ends = [min(seen, key=lambda look, t=t: abs(look[0] - t)) for t in (from_us, to_us)]
            if all(abs(look[0] - t) < NEARBY_US for look, t in zip(ends, (from_us, to_us), strict=True)):
                turns.append(_wrapped(ends[1][1].heading - ends[0][1].heading))
        return median(turns) if turns else 0.0

    def _new(self, found: list[Slip]) -> list[Slip]:
        fresh: dict[str, Slip] = {}
        for slip in found:
            if slip.segment not in self.slipped and slip.segment not in fresh:
                fresh[slip.segment] = slip
        self.slipped |= set(fresh)
        return list(fresh.values())

    def renew(self, segment: str) -> None:
        """Its present position is the right one: after its strap was set right and calibrated again, or accepted."""
        self.slipped.discard(segment)
        self._looks.pop(segment, None)
        self._tilted.pop(segment, None)
        self._zero[segment] = None
        for side, leg in self._legs.items():
            if segment.endswith(side):
                leg.forget()

    def copy(self) -> SlipWatch:
        """An equal one that changes on its own."""
        other = SlipWatch(self._segments, self._parts)
        other.slipped, other._start_us = set(self.slipped), self._start_us
        other._legs = {side: leg.copy() for side, leg in self._legs.items()}
        other._drift = dict(self._drift)
        other._looks, other._zero = {k: list(v) for k, v in self._looks.items()}, dict(self._zero)
        other._tilted, other._upright_us = dict(self._tilted), dict(self._upright_us)
        return other


def _neighbours(segment: str) -> tuple[str, ...]:
    part, _, side = segment.partition("_")
    if part == "thigh":
        return (f"shank_{side}",)
    if part == "shank":
        return (f"thigh_{side}",)
    return ("thigh_left", "thigh_right") if part == "pelvis" else ()


def _wrapped(angle: float) -> float:
    return math.remainder(angle, 2.0 * math.pi)
