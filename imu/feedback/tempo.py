"""Measured phase times against the prescribed ones."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan, nan

from imu.feedback.drill import Drill
from imu.outputs import Phases


@dataclass(frozen=True, slots=True)
class TempoError:
    """One phase that is out of tempo."""

    phase: str
    """`down`, `up` or `hold`."""
    fast: bool
    seconds: float
    limit_s: float
    """The nearest duration that would have been in tempo."""
    text: str
    """What the drill says about it; empty = nothing."""

    @property
    def words(self) -> str:
        """What was measured, for people."""
        return f"the way {self.phase} took {self.seconds:.1f} s, longer than {self.limit_s:.1f} s"


def prescribed(drill: Drill, phase: str) -> float:
    """s, 0 = not prescribed."""
    t = drill.tempo
    return {"down": t.down_s, "hold": t.hold_s, "up": t.up_s, "rest": t.rest_s}[phase]


def judge(drill: Drill, phase: str, seconds: float) -> TempoError | None:
    """The error of one phase, None when it is in tempo, not prescribed or unknown; a pause is never too long, and a way
    that the drill has no words for never too fast.

    seconds : measured duration. In 180 simulated repetitions with sway and all sensor errors, 3 s down read 0.06 s short
    (SD 0.035, at most 0.18) and 2 s up 0.02 s (SD 0.03, at most 0.09): inside the tolerance of 25 % that is recommended.
    """
    rule = drill.tempo_rule
    target = prescribed(drill, phase)
    if target <= 0.0 or isnan(seconds):
        return None
    share = rule.tolerance_percent / 100.0
    if phase == "hold":
        short = rule.short_hold and seconds < target * (1.0 - share)
        return TempoError(phase, True, seconds, target * (1.0 - share), rule.short_hold) if short else None
    if seconds < target * (1.0 - share):
        text = rule.fast_down if phase == "down" else rule.fast_up
        return TempoError(phase, True, seconds, target * (1.0 - share), text) if text else None
    if seconds > target * (1.0 + share):
        text = rule.slow_down if phase == "down" else rule.slow_up
        return TempoError(phase, False, seconds, target * (1.0 + share), text)
    return None


def phases_of(drill: Drill, out_s: float, hold_s: float, back_s: float) -> Phases:
    """Way out, pause and way back by the names of the phases they are."""
    if drill.tempo.first == "down":
        return Phases(out_s, hold_s, back_s)
    return Phases(back_s, nan, out_s, hold_s)


def tempo_errors(drill: Drill, phases: Phases, rest_s: float) -> dict[str, float]:
    """Share by which each prescribed phase was longer (+) or shorter (-), if it is known: `tempo_error_down`, ...

    rest_s : the pause before this repetition.
    """
    pause = phases.bottom_s if drill.tempo.first == "down" else phases.top_s
    measured = {"down": phases.descent_s, "hold": pause, "up": phases.ascent_s, "rest": rest_s}
    return {
        f"tempo_error_{phase}": seconds / target - 1.0
        for phase, seconds in measured.items()
        if (target := prescribed(drill, phase)) > 0.0 and not isnan(seconds)
    }
