"""What the simulated person does who walks to a beat: set-up, a walk at the cadence asked for, a stretch that drifts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Final

import numpy as np

from firmware_sim.activities import ActivityBody, Habits, March, Plan, Stand, Walk
from firmware_sim.activities.paced import Pace, PacedBody

VERSION: Final = 1
KIND: Final = "walk_cadence"
WALK_STREAM: Final = 121
"""Sets these random numbers apart from those of the body and the sensors."""
STAND_S: Final = 5.2
LIFTS: Final = 4
AFTER_MARCH_S: Final = 2.5
OWN: Final = 0.01
"""of the cadence asked for: how far somebody in step is off."""
DRIFTS: Final = (0.09, 0.12)
"""of it: how far the drift goes."""
BEFORE_DRIFT_S: Final = (13.0, 17.0)
"""From the first step to the drift."""
DRIFT_S: Final = (13.0, 16.0)
AFTER_DRIFT_S: Final = 9.0
"""At least this long the person walks in step again."""
END_S: Final = 2.0
SAID_WITHIN_S: Final = 8.0
"""After the drift has ended a cue about it may still come: the median of the last strides holds some of its steps."""


@dataclass(frozen=True, slots=True)
class WalkScript:
    """Times in s since the start of the script."""

    seed: int
    seconds: float
    steps_per_minute: float
    """The cadence asked for."""
    own_steps_per_minute: float
    """The cadence in step."""
    drift_start_s: float
    drift_end_s: float
    drift_rate: float
    """How much faster than in step the drift is; below 1: slower."""
    walk_s: float
    """Length of the walk as a piece of the plan."""

    @property
    def plan(self) -> Plan:
        return (Stand(STAND_S), March(LIFTS), Stand(AFTER_MARCH_S), Walk(self.walk_s), Stand(END_S))

    def body(self) -> PacedBody:
        """The person of the seed, performing it."""
        habits = replace(Habits.drawn(self.seed), cadence=self.own_steps_per_minute)
        body = ActivityBody.performing(self.seed, self.plan, habits)
        return PacedBody(body, (Pace(self.drift_start_s, self.drift_end_s, self.drift_rate),))

    def to_json(self) -> str:
        """With the cues that the drift should bring, for whoever compares."""
        walk = {**asdict(self), "walk_start_s": walk_start_s(self.seed)}
        cue = {
            "rule": "cadence",
            "direction": "too_slow" if self.drift_rate < 1.0 else "too_fast",
            "from_s": self.drift_start_s,
            "until_s": self.drift_end_s + SAID_WITHIN_S,
        }
        return json.dumps({"version": VERSION, "kind": KIND, **walk, "repetitions": [], "expected_cues": [cue]}, indent=1)

    @staticmethod
    def from_json(text: str) -> WalkScript:
        """What `to_json` wrote; `ValueError` if it is not such a script."""
        try:
            content = json.loads(text)
            if content["kind"] != KIND or content["version"] != VERSION:
                raise ValueError(f"it is a {content['kind']} of version {content['version']}, not a {KIND} of {VERSION}")
            names = WalkScript.__dataclass_fields__
            return WalkScript(int(content["seed"]), *(float(content[name]) for name in list(names)[1:]))
        except (KeyError, TypeError, AttributeError) as e:
            raise ValueError(f"this is no script of a simulated walk ({e!r})") from e


def make_walk_script(seed: int, seconds: float = 60.0, steps_per_minute: float = 110.0) -> WalkScript:
    """Plan a walk that fits into `seconds`; equal arguments, equal script.

    Raises
    ------
    ValueError
        There is no time for a drift and for walking in step before and after it.
    """
    rng = np.random.default_rng((WALK_STREAM, seed))
    own = steps_per_minute * (1.0 + float(rng.uniform(-OWN, OWN)))
    rate = 1.0 + float(rng.uniform(*DRIFTS)) * (1.0 if rng.random() < 0.5 else -1.0)
    begins = walk_start_s(seed)
    start = begins + float(rng.uniform(*BEFORE_DRIFT_S))
    end = start + float(rng.uniform(*DRIFT_S))
    least = end + AFTER_DRIFT_S + END_S
    if seconds < least:
        raise ValueError(
            f"a walk of {seconds:g} s has no time for walking in step, a drift and in step again; give at least"
            f" {int(np.ceil(least))} s"
        )
    # what the drift gains or loses of the plan's time
    gained = float(Pace(start, end, rate).gained(np.array([seconds]))[0])
    return WalkScript(
        seed, float(seconds), float(steps_per_minute), own, start, end, rate, seconds - begins - END_S + gained - 1.5
    )


def walk_start_s(seed: int) -> float:
    """When the person begins to walk, s."""
    before = (Stand(STAND_S), March(LIFTS), Stand(AFTER_MARCH_S))
    return ActivityBody.performing(seed, before).seconds
