"""The course of one repetition, how faults change it, and what faults add to its channels."""

from __future__ import annotations

from dataclasses import dataclass
from math import asin, radians, sin
from typing import Final

import numpy as np

from firmware_sim.activities.faults import Fault, FaultPhase
from firmware_sim.activities.leg import leg_length
from firmware_sim.activities.sided import Tempo
from firmware_sim.activities.timeline import Bump, Repetition, Timeline, Way
from firmware_sim.motion import minimum_jerk
from firmware_sim.person import Person
from imu.conventions import SIDES, Side

SHORTEST_S: Final = 0.25
"""of a way out or back, however fast."""
STOPS_AT: Final = 0.5
"""Share of the depth at which somebody stops."""
TURNING_S: Final = 0.15
"""Between the way out and back of a repetition that is turned back early."""
OUT: Final = ((0.20, 0.60), (0.64, 1.0))
"""A fault on the way out only: when it comes and goes, as shares of the way out."""
BACK: Final = ((0.0, 0.35), (0.40, 0.80))
"""On the way back only. Acted faults of real people are furthest in after 0.27 to 0.42 of it."""
DEEP: Final = (0.5, 0.5)
"""A fault near the deepest: it comes after this share of the way out, and is gone after this share of the way back."""
LARGEST_SWING: Final = 0.9
"""Sine of the largest swing of a knee about the line from hip to ankle."""


@dataclass(frozen=True, slots=True)
class Course:
    """When a repetition is where; s, and `depth` in rad of the drill's own measure."""

    ways: tuple[Way, ...]
    depth: float
    bottom_s: float
    rise_s: float
    next_s: float
    """The next one may begin."""
    faults: tuple[Fault, ...]

    @staticmethod
    def of(line: Timeline, t: float, tempo: Tempo, depth: float, faults: tuple[Fault, ...], spread: float = 3.0) -> Course:
        """From `t` on; depth in degrees, which people meet within `spread`.

        A fault draws no random numbers: the same plan without it is the same in everything else.
        """
        out, hold, back, rest = (line.varied(s) for s in tempo)
        deep = radians(depth + float(line.rng.uniform(-spread, spread)))
        stops: dict[FaultPhase, float] = {}
        for f in faults:
            if f.kind in ("fast", "slow"):
                more = f.size if f.kind == "slow" else -f.size
                out = max(SHORTEST_S, out + more) if f.phase in ("out", "both") else out
                back = max(SHORTEST_S, back + more) if f.phase in ("back", "both") else back
                hold = max(0.0, hold + more) if f.phase == "hold" else hold
            elif f.kind == "partial":
                deep = deep - radians(f.size)
            elif f.kind == "turns_back":
                share = radians(f.size) / deep
                deep, hold = radians(f.size), TURNING_S
                out, back = max(SHORTEST_S, out * share**0.5), max(SHORTEST_S, back * share**0.5)
            elif f.kind == "stops":
                stops["out" if f.phase == "both" else f.phase] = f.size
        hold += stops.get("hold", 0.0)
        ways = list(halves(t, out, 0.0, 1.0, stops.get("out")))
        bottom = ways[-1].end_s
        ways += halves(bottom + hold, back, 1.0, 0.0, stops.get("back"))
        return Course(tuple(ways), deep, bottom, bottom + hold, ways[-1].end_s + rest, faults)

    @property
    def start_s(self) -> float:
        return self.ways[0].start_s

    @property
    def end_s(self) -> float:
        return self.ways[-1].end_s

    @property
    def out(self) -> tuple[Way, ...]:
        """The ways to the deepest only."""
        return tuple(w for w in self.ways if w.start_s < self.bottom_s)

    @property
    def back(self) -> tuple[Way, ...]:
        """The ways back only."""
        return tuple(w for w in self.ways if w.start_s >= self.rise_s)

    @property
    def share(self) -> float:
        """of a right angle: what habits at depth go with."""
        return self.depth / (np.pi / 2.0)

    def repetition(self, side: Side | None, *, scale: float = 1.0) -> Repetition:
        """The truth about it; `scale`: degrees per degree of depth."""
        middle = 0.5 * (self.bottom_s + self.rise_s)
        depth = float(np.degrees(self.depth)) * scale
        return Repetition(side, self.start_s, middle, self.end_s, self.bottom_s, self.rise_s, depth, self.faults)

    def window(self, phase: FaultPhase) -> tuple[float, float, float, float]:
        """When a fault comes, is full, leaves and is gone."""
        out, back = self.bottom_s - self.start_s, self.end_s - self.rise_s
        if phase == "out":
            (come, full), (leave, gone) = OUT
            return tuple(self.start_s + share * out for share in (come, full, leave, gone))  # pyright: ignore[reportReturnType]
        if phase == "back":
            (come, full), (leave, gone) = BACK
            return tuple(self.rise_s + share * back for share in (come, full, leave, gone))  # pyright: ignore[reportReturnType]
        if phase == "hold":
            return self.start_s + DEEP[0] * out, self.bottom_s, self.rise_s, self.rise_s + DEEP[1] * back
        return self.start_s, self.bottom_s, self.rise_s, self.end_s

    def depth_at(self, t: float) -> float:
        """rad, of the drill's own measure."""
        share = 0.0
        for way in self.ways:
            if t >= way.start_s:
                x = np.array([(t - way.start_s) / (way.end_s - way.start_s)])
                share += (way.share - share) * float(minimum_jerk(x)[0])
        return share * self.depth

    def add(self, line: Timeline, channel: str, fault: Fault, level: float, phase: FaultPhase | None = None) -> None:
        """A fault on top of a channel."""
        line.bump(channel, Bump(*self.window(phase or fault.phase), level))

    def act(self, line: Timeline, *, bend: float | None = None, standing: bool = True, hangs: Side | None = None) -> None:
        """Add what the faults of alignment do.

        bend : rad of knee flexion beyond the stand of legs that do not bend with the depth; None: they do.
        hangs : the leg that swings freely: its knee is the one that bends too much.
        standing : False for who lies; a hip is then hiked towards the shoulder, and not up.
        """
        person = line.person
        for f in self.faults:
            size = radians(f.size)
            left = 1.0 if f.side == "left" else -1.0
            sides: tuple[Side, ...] = SIDES if f.side is None else (f.side,)
            match f.kind:
                case "valgus":
                    worst = self.window(f.phase)[1]
                    bent = self.depth_at(worst) if bend is None else bend
                    for side in sides:
                        self.add(line, f"inward_{side}", f, swing_in(person, bent, size))
                case "pelvic_drop":
                    self.add(line, "obliquity", f, left * size)
                case "hip_hike" | "open_hip":
                    if standing:
                        self.add(line, "obliquity", f, -left * size)
                    else:
                        # who faces up turns towards the side that is hiked
                        self.add(line, "rotation", f, left * size)
                case "pelvis_turn":
                    self.add(line, "rotation", f, left * size)
                case "side_shift":
                    self.add(line, "sideways", f, left * sin(size) * (person.thigh + person.shank))
                case "forward_lean":
                    self.add(line, "tilt", f, size)
                case "butt_wink":
                    self.add(line, "tilt", f, -size, "hold")
                case "knee_forward":
                    self.add(line, "lean", f, size)
                case "knee_bend" if hangs is not None:
                    self.add(line, f"knee_{hangs}", f, size)
                case "knee_bend" | "rises":
                    for side in sides:
                        self.add(line, f"bend_{side}", f, size if f.kind == "knee_bend" else -size)
                case "pelvis_rock":
                    self.add(line, "tilt", f, -size)
                case "heel_rise":
                    for side in sides:
                        self.add(line, f"heel_{side}", f, -size)
                case "roll_out":
                    for side in sides:
                        self.add(line, f"roll_{side}", f, size)
                case "unsteady":
                    self.add(line, "unsteady", f, unsteadiness(line, f.size))
                case _:
                    pass  # of the course, or of one drill alone


def swing_in(person: Person, bend: float, tilt: float) -> float:
    """By how much the knee must swing about the line from hip to ankle so that the shank tilts inwards by `tilt`; rad.

    The knee is off that line by thigh * shank * sin(flexion) / length, and a tilt brings it in by shank * sin(tilt). A leg
    that is nearly straight has no knee to swing: it swings as far as it goes.
    """
    off = person.thigh * sin(person.knee_at_stand + bend) / float(leg_length(person, bend))
    return asin(float(np.clip(sin(tilt) / off, -LARGEST_SWING, LARGEST_SWING)))


def unsteadiness(line: Timeline, rms_deg: float) -> float:
    """How many times more than the person's own wobble makes so many degrees rms of obliquity."""
    size = line.habits.balance.size[:, 1]
    own = float(np.sqrt(0.5 * (size * size).sum()))
    return max(0.0, radians(rms_deg) / own - 1.0)


def of_repetition(faults: tuple[Fault, ...], number: int) -> tuple[Fault, ...]:
    """The faults of one repetition; the first is 1."""
    return tuple(f for f in faults if f.repetition == number)


def halves(t: float, seconds: float, start: float, end: float, stop_s: float | None = None) -> tuple[Way, ...]:
    """From one share of the depth to another, with a stop in the middle."""
    if stop_s is None:
        return (Way(t, t + seconds, end),)
    half = t + 0.5 * seconds
    return Way(t, half, start + STOPS_AT * (end - start)), Way(half + stop_s, t + seconds + stop_s, end)
