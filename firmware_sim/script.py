"""What the simulated person does and when: the truth that counts and cues are compared with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal, Self

import numpy as np

from imu.conventions import Side

Kind = Literal["clean", "valgus", "fast"]
Phase = Literal["down", "up"]

VERSION: Final = 1
STAND_S: Final = 5.2
"""Quiet stand at the start."""
MOVEMENT_S: Final = (1.7, 0.3, 1.7, 0.5)
"""Down, hold, up and rest of each squat of the guided movement."""
MOVEMENT_SQUATS: Final = 2
REST_S: Final = 2.3
"""Between the guided movement and the set."""
TEMPO_S: Final = (3.0, 1.0, 2.0, 1.0)
"""Down, hold, up, rest of a repetition: what the squat drill prescribes."""
VARIATION: Final = 0.06
"""of each time: how far a person in tempo is off."""
FAST: Final = (0.47, 0.57)
"""of the prescribed time, in the phase that is too fast."""
END_S: Final = 1.5
"""At least this long the person stands at the end."""
MEDIAL_DEG: Final = (12.5, 14.5)
"""How far the shank of an acted valgus goes in."""
SET_STREAM: Final = 101
"""Sets these random numbers apart from those of the body and the sensors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Squat:
    """One way down and up. Times in s since the start of the script; angles relative to the quiet stand."""

    start_s: float
    bottom_s: float
    """The way down ends."""
    rise_s: float
    """The way up begins."""
    end_s: float
    """The way up ends."""
    depth_deg: float
    """Knee flexion at the bottom."""
    drift_left_deg: float = 0.0
    """How far the shank drifts in towards 90° of knee flexion without any fault."""
    drift_right_deg: float = 0.0
    return_left_deg: float = 0.0
    """How much further in that is on the way up than on the way down; negative: less. Healthy people: within 3.5°."""
    return_right_deg: float = 0.0

    def mirrored(self) -> Self:
        """With left and right exchanged."""
        return replace(
            self,
            drift_left_deg=self.drift_right_deg,
            drift_right_deg=self.drift_left_deg,
            return_left_deg=self.return_right_deg,
            return_right_deg=self.return_left_deg,
        )


@dataclass(frozen=True, slots=True)
class ExpectedCue:
    """A cue that a correct system gives, and no other one, in a repetition."""

    rule: str
    side: Side | None
    phase: Phase
    """In which the fault shows first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition(Squat):
    """One repetition of the set."""

    number: int
    kind: Kind
    side: Side | None = None
    """Of the knee that falls in."""
    phase: Phase | None = None
    """valgus: `up` = only on the way up, `down` = from the way down on. fast: the phase that is too fast."""
    medial_deg: float = 0.0
    """valgus: how far the shank goes in."""

    def mirrored(self) -> Repetition:
        other: dict[Side | None, Side | None] = {"left": "right", "right": "left", None: None}
        return replace(super(Repetition, self).mirrored(), side=other[self.side])

    @property
    def expected_cues(self) -> tuple[ExpectedCue, ...]:
        if self.kind == "clean" or self.phase is None:
            return ()
        return (ExpectedCue("valgus" if self.kind == "valgus" else "tempo", self.side, self.phase),)


@dataclass(frozen=True, slots=True)
class Script:
    """A set as it is performed: quiet stand, guided movement, rest, repetitions, stand."""

    seed: int
    seconds: float
    """From the start of the script to its end."""
    stand_end_s: float
    movement: tuple[Squat, ...]
    repetitions: tuple[Repetition, ...]

    def mirrored(self) -> Script:
        """The same with left and right exchanged."""
        return replace(
            self,
            movement=tuple(s.mirrored() for s in self.movement),
            repetitions=tuple(r.mirrored() for r in self.repetitions),
        )

    def to_json(self) -> str:
        """With the cues that each repetition should bring, for whoever compares."""
        content = {"version": VERSION, **asdict(self)}
        for values, r in zip(content["repetitions"], self.repetitions, strict=True):
            values["expected_cues"] = [asdict(c) for c in r.expected_cues]
        return json.dumps(content, indent=1)

    @staticmethod
    def from_json(text: str) -> Script:
        """What `to_json` wrote; `ValueError` if it is not a script."""
        try:
            content = json.loads(text)
            if content["version"] != VERSION:
                raise ValueError(f"it has version {content['version']}, this program writes {VERSION}")
            repetitions = [{k: v for k, v in r.items() if k != "expected_cues"} for r in content["repetitions"]]
            return Script(
                int(content["seed"]),
                float(content["seconds"]),
                float(content["stand_end_s"]),
                tuple(Squat(**s) for s in content["movement"]),
                tuple(Repetition(**r) for r in repetitions),
            )
        except (KeyError, TypeError, AttributeError) as e:
            raise ValueError(f"this is no script of a simulated set ({e!r})") from e


def make_script(seed: int, seconds: float = 60.0) -> Script:
    """Plan a set that fits into `seconds`; equal arguments, equal script.

    The first repetition is clean. As far as there is room: one valgus on each side, one too fast, and half of the
    repetitions with a fault; never two faults in one repetition.

    Raises
    ------
    ValueError
        There is no time for even one repetition.
    """
    movement = _movement(seed)
    first_s = movement[-1].end_s + MOVEMENT_S[3] + REST_S
    # as if every repetition were fast; then fewer, until they fit
    n = int((seconds - END_S - first_s) / (sum(TEMPO_S) * (1.0 - VARIATION) - TEMPO_S[0] * (1.0 - FAST[0]))) + 1
    while n > 0:
        repetitions = _repetitions(seed, n, first_s)
        over_s = repetitions[-1].end_s + END_S - seconds
        if over_s <= 0.0:
            return Script(seed, float(seconds), STAND_S, movement, repetitions)
        n -= max(1, int(over_s / (sum(TEMPO_S) * (1.0 + VARIATION))))
    least = first_s + sum(TEMPO_S[:3]) * (1.0 + VARIATION) + END_S
    raise ValueError(
        f"a set of {seconds:g} s has no time for one repetition after the stand and the guided movement;"
        f" give at least {int(np.ceil(least))} s (60 for every kind of repetition)"
    )


def _movement(seed: int) -> tuple[Squat, ...]:
    rng = np.random.default_rng((SET_STREAM, seed, 0))
    down, hold, up, rest = MOVEMENT_S
    squats, t = [], STAND_S
    for _ in range(MOVEMENT_SQUATS):
        drift, back = rng.uniform(0.0, 1.0, 2), rng.uniform(-0.5, 0.5, 2)
        squats.append(
            Squat(
                start_s=t,
                bottom_s=t + down,
                rise_s=t + down + hold,
                end_s=t + down + hold + up,
                depth_deg=float(rng.uniform(46.0, 56.0)),
                drift_left_deg=float(drift[0]),
                drift_right_deg=float(drift[1]),
                return_left_deg=float(back[0]),
                return_right_deg=float(back[1]),
            )
        )
        t += down + hold + up + rest
    return tuple(squats)


def _plan(seed: int, n: int) -> list[tuple[Kind, Side | None]]:
    """Kind and side of n repetitions."""
    rng = np.random.default_rng((SET_STREAM, seed, 1, n))
    sides: list[Side] = ["left", "right"] if rng.random() < 0.5 else ["right", "left"]
    faults: list[tuple[Kind, Side | None]] = [("valgus", sides[0]), ("fast", None), ("valgus", sides[1])]
    wanted = min(n - 1, max(3, n // 2))
    chosen = [faults[i % 3] for i in range(wanted)]
    places = np.sort(1 + rng.permutation(n - 1)[:wanted])
    plan: list[tuple[Kind, Side | None]] = [("clean", None)] * n
    for place, which in zip(places.tolist(), rng.permutation(wanted).tolist(), strict=True):
        plan[place] = chosen[which]
    return plan


def _repetitions(seed: int, n: int, first_s: float) -> tuple[Repetition, ...]:
    repetitions, t = [], first_s
    for i, (kind, side) in enumerate(_plan(seed, n)):
        rng = np.random.default_rng((SET_STREAM, seed, 2, i))
        down, hold, up, rest = np.array(TEMPO_S) * rng.uniform(1.0 - VARIATION, 1.0 + VARIATION, 4)
        drift, back = rng.uniform(0.0, 2.0, 2), rng.uniform(-1.2, 1.2, 2)
        depth, medial, hurry = rng.uniform(87.0, 93.0), rng.uniform(*MEDIAL_DEG), rng.uniform(*FAST)
        early = bool(rng.random() < (0.3 if kind == "valgus" else 0.5))
        if kind == "fast":
            down, up = (TEMPO_S[0] * hurry, up) if early else (down, TEMPO_S[2] * hurry)
        repetitions.append(
            Repetition(
                start_s=t,
                bottom_s=float(t + down),
                rise_s=float(t + down + hold),
                end_s=float(t + down + hold + up),
                depth_deg=float(depth),
                drift_left_deg=float(drift[0]),
                drift_right_deg=float(drift[1]),
                return_left_deg=float(back[0]),
                return_right_deg=float(back[1]),
                number=i + 1,
                kind=kind,
                side=side,
                phase=None if kind == "clean" else "down" if early else "up",
                medial_deg=float(medial) if kind == "valgus" else 0.0,
            )
        )
        t = float(t + down + hold + up + rest)
    return tuple(repetitions)
