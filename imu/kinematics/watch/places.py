"""Who is where? Proposes a segment for every sensor from a stand and a march or a walk, whatever the labels say.

1. Legs move by turns: sensors that are busy together are on one leg, what is busy with both is on the pelvis.
2. On one leg what is farther from the hip jerks more, and the thigh swings before its shank; who lifts the knees tilts
   the thighs far more than the shanks. A foot rests flat between its steps.
3. A leg that carries leans outward with its hip end (see `sides`). Its right side is known from the thigh's, shank's or
   foot's first way to turn: thighs go forward, shanks and feet lag behind.

Only a proposal: a person confirms it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from imu.conventions import SIDES, Segment
from imu.fusion.grid import GridBlock
from imu.kinematics.watch.sides import LEAN, LEAN_SPREAD, LEAN_SYSTEMATIC, Exchange
from imu.packets import UNKNOWN, Floats

LEG_PARTS: Final = ("thigh_", "shank_")
PLACES_SURE: Final = 0.95
"""Confidence from which a proposal is held against the labels."""
SMOOTH_S: Final = 0.3
STILL: Final = 0.35
"""rad/s; slower is a stand."""
LEAST_STAND_S: Final = 0.5
LEAST_MOVING_S: Final = 3.0
CENTRAL: Final = 0.5
"""of the usual share in the alternation of legs: less is on neither."""
AT_ONCE: Final = 0.2
"""Correlation of the legs from which they do not go by turns: -0.7 to -0.05 in marches and walks, 0.9 in squats."""
MOST_CENTRAL: Final = 2
"""Pelvis and trunk."""
BY_TURNS: Final = 0.3
"""Share of the differences in activity that one alternation must explain."""
JERK_SPREAD: Final = 0.5
"""1σ of the logarithm of how much more a sensor is shaken than the one above it, about as much as the mean."""
KNEE_LIFT: Final = (math.radians(40.0), 2.0)
"""A thigh that tilts so far, and so many times as far as the other sensor of its leg."""
LIFT_ODDS: Final = 4.0
STEEP: Final = math.radians(35.0)
RESTING: Final = 0.5
"""rad/s, slower a foot that stands; a shank that goes over it has 1."""
REST_ODDS: Final = 3.0
REST_MORE: Final = 0.4
"""Logarithm of how much longer than its shank a foot rests, at even odds; of the lower of a thigh and a shank it is 0."""
BRISK: Final = 1.0
"""rad/s, median rate of lone sensors above which they are on the shanks."""
LONE_ODDS: Final = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where one sensor seems to be."""

    sensor: str
    segment: Segment | None
    """None = cannot be told."""
    confidence: float
    """0..1, of segment and side together."""
    reason: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where all sensors seem to be, in their order."""

    places: tuple[Place, ...]

    def of(self, sensor: str) -> Place:
        """Of one sensor; KeyError if it was not there."""
        for place in self.places:
            if place.sensor == sensor:
                return place
        raise KeyError(sensor)

    @property
    def confidence(self) -> float:
        """Of the least sure one."""
        return min((p.confidence for p in self.places), default=0.0)


def exchanged(places: Places, exchanges: Sequence[Exchange]) -> str:
    """Name of the exchange that the places show against the labels, which are the sensors' names; empty = none, or not
    sure enough of every thigh and shank."""
    worn = [p for p in places.places if p.sensor.startswith(LEG_PARTS)]
    if len(worn) < 4 or min(p.confidence for p in worn) < PLACES_SURE:
        return ""
    return next((e.name for e in exchanges if all(e.wearer(p.sensor) == p.segment for p in worn)), "")


@dataclass(frozen=True, slots=True, eq=False)
class _Moved:
    """What one sensor did; frames in which all are known."""

    busy: Floats
    rate: Floats
    shaken: float
    """m/s², rms of the change of the acceleration's norm."""
    tilt: Floats
    forward: Floats
    """rad, tilt about its axis of flexion, whose sign is free."""
    aside: Floats
    """rad, tilt to the end of that axis."""


def propose(grid: GridBlock, sensors: Sequence[str]) -> Places:
    """A proposal from all frames of the grid; a march or walk must be among them, and should a quiet stand.

    sensors : names, one for each column of the grid.
    """
    known = np.flatnonzero((np.isfinite(grid.q[:, :, 0]) & ((grid.flags & int(UNKNOWN)) == 0)).all(axis=1))
    if len(known) < 2:
        return _untold(sensors, "a sensor was silent all the time")
    rate_hz = 1e6 / float(np.median(np.diff(grid.t_us)))
    n = max(1, round(SMOOTH_S * rate_hz))
    rate = np.linalg.norm(grid.gyr[known], axis=2)
    slow = uniform_filter1d(rate, n, axis=0)
    still = (slow < STILL).all(axis=1)
    moving = slow.max(axis=1) > STILL
    if moving.sum() < LEAST_MOVING_S * rate_hz:
        return _untold(sensors, "nothing moved; march on the spot or walk")
    first = np.flatnonzero(still)[: round(3.0 * rate_hz)]
    if len(first) < LEAST_STAND_S * rate_hz:
        # on average over steps a leg is as upright as in a stand, to some degrees
        first = np.arange(len(known))
    moved = [_moved(grid, known, j, first, moving, rate[:, j], n) for j in range(len(sensors))]
    legs, share = _legs(moved)
    if share < BY_TURNS or _at_once(moved, legs) > AT_ONCE:
        return _untold(sensors, "the legs did not move by turns; march on the spot or walk")
    places: list[Place | None] = [None] * len(sensors)
    odds = _parts(moved, legs)
    if not odds[1] or not odds[-1]:
        return _untold(sensors, "the two legs do not wear the same; put as many sensors on either leg")
    side = _side(moved, legs, odds)
    for sign, leg in odds.items():
        which = SIDES[0] if sign * side > 0 else SIDES[1]
        for j, (part, sure) in leg.items():
            segment: Segment = f"{part}_{which}"  # pyright: ignore[reportAssignmentType]
            confidence = _probability(sure) * _probability(abs(side))
            reason = f"it moves with the {'other sensors' if len(leg) > 1 else 'steps'} of one leg, as a {part} does"
            places[j] = Place(sensors[j], segment, confidence, reason)
    central: list[int] = np.flatnonzero(legs == 0).tolist()
    for j in central:
        if len(central) > MOST_CENTRAL:
            places[j] = Place(sensors[j], None, 0.0, "it does not move by turns with the others; march on the spot or walk")
            continue
        sure = 0.9 if len(central) == 1 else 0.5
        if j == min(central, key=lambda k: -float(np.sqrt(np.mean(moved[k].rate**2)))):
            places[j] = Place(sensors[j], "pelvis", sure, "it moves with both legs alike")
        else:
            places[j] = Place(sensors[j], "trunk", sure, "it moves with both legs alike, and less than another")
    return Places(tuple(p for p in places if p is not None))


def _moved(
    grid: GridBlock, known: np.ndarray, j: int, stand: np.ndarray, moving: np.ndarray, rate: Floats, n: int
) -> _Moved:
    w, x, y, z = grid.q[known, j].T
    up = np.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=1)
    zero = up[stand].mean(axis=0)
    zero /= np.linalg.norm(zero)
    gyr = grid.gyr[known, j]
    level = (gyr - np.outer(gyr @ zero, zero))[moving]
    axis = np.linalg.eigh(level.T @ level)[1][:, -1]
    front = np.cross(zero, axis)
    shaken = float(np.std(np.linalg.norm(grid.acc[known, j], axis=1)[moving]))
    busy = uniform_filter1d(np.sqrt(rate), max(1, n // 2))[moving]
    return _Moved(
        busy, rate[moving], shaken, np.arccos(np.clip(up @ zero, -1.0, 1.0))[moving],
        np.arctan2(up @ front, up @ zero)[moving], -np.arcsin(np.clip(up @ axis, -1.0, 1.0))[moving],
    )  # fmt: skip


def _legs(moved: Sequence[_Moved]) -> tuple[np.ndarray, float]:
    """(n,) +1 one leg, -1 the other, 0 neither; and how much of the differences in activity it explains."""
    busy = np.stack([m.busy for m in moved])
    busy = (busy - busy.mean(axis=1, keepdims=True)) / np.maximum(busy.std(axis=1, keepdims=True), 1e-9)
    apart = busy - busy.mean(axis=0)
    values, vectors = np.linalg.eigh(apart @ apart.T)
    v = vectors[:, -1]
    usual = float(np.median(np.sort(np.abs(v))[len(v) // 2 :]))
    return np.where(np.abs(v) < CENTRAL * usual, 0, np.sign(v)).astype(int), float(values[-1] / values.sum())


def _at_once(moved: Sequence[_Moved], legs: np.ndarray) -> float:
    """Correlation of the two legs' activities; 1 without a leg."""
    rows = [np.flatnonzero(legs == sign).tolist() for sign in (1, -1)]
    if not all(rows):
        return 1.0
    one, other = (np.mean([moved[j].busy for j in leg], axis=0) for leg in rows)
    if min(float(np.std(one)), float(np.std(other))) < 1e-9:
        return 1.0
    return float(np.corrcoef(one, other)[0, 1])


def _parts(moved: Sequence[_Moved], legs: np.ndarray) -> dict[int, dict[int, tuple[str, float]]]:
    """By leg: part of each of its sensors, and the odds that it is that one (logarithm). Both legs wear the same."""
    ranks = {sign: sorted(np.flatnonzero(legs == sign).tolist(), key=lambda j: moved[j].shaken) for sign in (1, -1)}
    counts = {len(r) for r in ranks.values()}
    if counts == {1}:
        alone = [r[0] for r in ranks.values()]
        part = "shank" if np.mean([np.median(moved[j].rate) for j in alone]) > BRISK else "thigh"
        return {sign: {r[0]: (part, LONE_ODDS)} for sign, r in ranks.items()}
    if len(counts) > 1 or max(counts) > 3:
        return {sign: {} for sign in ranks}
    if counts == {2}:
        rests = sum(_rest_odds(moved[r[0]], moved[r[1]]) for r in ranks.values())
        if rests > 0.0:
            odds = sum(_jerk_odds(moved[r[0]], moved[r[1]]) for r in ranks.values())
            return {
                sign: {r[0]: ("shank", min(rests, odds)), r[1]: ("foot", min(rests, odds))} for sign, r in ranks.items()
            }
    distal = math.inf
    if counts == {3}:
        distal = sum(_jerk_odds(moved[r[1]], moved[r[2]]) + _rest_odds(moved[r[1]], moved[r[2]]) for r in ranks.values())
    sure = sum(_jerk_odds(moved[r[0]], moved[r[1]]) + _lift_odds(moved[r[0]], moved[r[1]]) for r in ranks.values())
    found: dict[int, dict[int, tuple[str, float]]] = {}
    for sign, r in ranks.items():
        upper, lower = (r[0], r[1]) if sure >= 0.0 else (r[1], r[0])
        found[sign] = {upper: ("thigh", abs(sure)), lower: ("shank", min(abs(sure), distal))}
        if len(r) == 3:
            found[sign][r[2]] = ("foot", distal)
    return found


def _rest_odds(upper: _Moved, lower: _Moved) -> float:
    """Odds that the lower one is a foot: it rests flat while the shank goes over it."""
    a, b = (max(float(np.mean(m.rate < RESTING)), 0.02) for m in (upper, lower))
    return REST_ODDS * (math.log(b / a) - REST_MORE)


def _tilts(m: _Moved) -> float:
    return float(np.percentile(m.tilt, 97))


def _jerk_odds(upper: _Moved, lower: _Moved) -> float:
    return 2.0 * JERK_SPREAD * math.log(lower.shaken / upper.shaken) / JERK_SPREAD**2


def _lift_odds(upper: _Moved, lower: _Moved) -> float:
    a, b = _tilts(upper), _tilts(lower)
    if max(a, b) < KNEE_LIFT[0] or max(a, b) < KNEE_LIFT[1] * min(a, b):
        return 0.0
    return LIFT_ODDS if a > b else -LIFT_ODDS


def _side(moved: Sequence[_Moved], legs: np.ndarray, odds: dict[int, dict[int, tuple[str, float]]]) -> float:
    """Odds (logarithm) that the leg +1 is the left one, by how legs lean while they carry."""
    free = {sign: np.mean([moved[j].busy for j in np.flatnonzero(legs == sign).tolist()], axis=0) for sign in (1, -1)}
    total = 0.0
    for sign, leg in odds.items():
        lead = free[-sign] - free[sign]
        carries = lead > np.percentile(lead, 75)
        evidence = []
        for j, (part, _) in leg.items():
            if part == "foot":
                continue
            m = moved[j]
            low, high = np.percentile(m.forward, (2, 98))
            # thighs go forward further than back, shanks lag behind
            right = math.copysign(1.0, low + high) * (1.0 if part == "thigh" else -1.0)
            weight = np.clip(1.0 - m.tilt[carries] / STEEP, 0.0, None)
            if weight.sum() > 0.0:
                evidence.append(-right * float(np.average(m.aside[carries], weights=weight)))
        if evidence:
            total += sign * 2.0 * LEAN * float(np.mean(evidence)) / (LEAN_SYSTEMATIC**2 + LEAN_SPREAD**2 / 4.0)
    return total


def _probability(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))


def _untold(sensors: Sequence[str], why: str) -> Places:
    return Places(tuple(Place(s, None, 0.0, why) for s in sensors))
