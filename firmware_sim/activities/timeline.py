"""The score of a performance: what each part of the body is to do when, written piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import cos, nan, radians, sin
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.activities.faults import Fault, opposite
from firmware_sim.activities.gait import Gait
from firmware_sim.activities.habits import Habits
from firmware_sim.activities.plan import Piece
from firmware_sim.motion import Move, Track, minimum_jerk
from firmware_sim.person import Person
from imu.conventions import SIDES, Side

Floats = NDArray[np.float64]

PLAN_STREAM: Final = 112
"""Sets these random numbers apart from those of the person, the habits and the sensors."""


@dataclass(frozen=True, slots=True)
class Repetition:
    """One repetition as it was performed; s. A stride, a lift and a seated extension are repetitions too."""

    side: Side | None
    """Of the leg that carries, lifts, extends or swings; None: both legs."""
    start_s: float
    deepest_s: float
    """Middle of the hold; of a stride: its heel strike."""
    end_s: float
    bottom_s: float = nan
    """The way out ends and the hold begins."""
    rise_s: float = nan
    """The hold ends and the way back begins."""
    depth_deg: float = nan
    """How far it went, of the drill's own measure: see `depth_deg` of its piece."""
    faults: tuple[Fault, ...] = ()
    """What was wrong with it."""

    @property
    def faulty(self) -> bool:
        """Anything was."""
        return bool(self.faults)

    @property
    def aborted(self) -> bool:
        """The person turned back early."""
        return any(f.kind == "turns_back" for f in self.faults)

    def mirrored(self) -> Repetition:
        """With left and right exchanged."""
        side = None if self.side is None else opposite(self.side)
        return replace(self, side=side, faults=tuple(f.mirrored() for f in self.faults))


@dataclass(frozen=True, slots=True)
class Performed:
    """One piece of the plan as it was performed; s."""

    piece: Piece
    start_s: float
    end_s: float
    repetitions: tuple[Repetition, ...]


@dataclass(frozen=True, slots=True)
class Footprint:
    """Where a foot stands: its ankle, and to where the person would face with it (the toes point out from there)."""

    x: float
    y: float
    heading: float

    def beside(self, forward: float, leftward: float, turn: float = 0.0) -> Footprint:
        """A place as seen from this one."""
        c, s = cos(self.heading), sin(self.heading)
        return Footprint(self.x + c * forward - s * leftward, self.y + s * forward + c * leftward, self.heading + turn)


@dataclass(frozen=True, slots=True)
class Contact:
    """One walking contact of one foot with the floor; s."""

    side: Side
    strike_s: float | None
    """None: it stood there before the walk."""
    off_s: float | None
    """None: it stays there after the walk."""
    strike_ratio: float
    """Length of the step that ends here, as a share of a full one."""
    off_ratio: float
    """Length of the step that begins here."""


@dataclass(frozen=True, slots=True)
class Bump:
    """Something on top of a channel: it comes, lasts and goes, by minimum jerk; s."""

    start_s: float
    full_s: float
    leave_s: float
    gone_s: float
    level: float

    def __call__(self, t: Floats) -> Floats:
        """(n,) s -> (n,) level."""
        come = minimum_jerk((t - self.start_s) / (self.full_s - self.start_s))
        return self.level * (come - minimum_jerk((t - self.leave_s) / (self.gone_s - self.leave_s)))


@dataclass(frozen=True, slots=True)
class Way:
    """A part of the course of a repetition: until `end_s` it goes to a share of the deepest; s."""

    start_s: float
    end_s: float
    share: float


@dataclass(slots=True, eq=False)
class Timeline:
    """Channels and their moves up to now. A move goes from where its channel is to a level, by minimum jerk.

    Channels of a leg end in its side. bend: flexion beyond the stand of a leg that carries; rad. lift: 0 = the foot is
    where its footprint is, 1 = it hangs from the hip as thigh and knee say. x, y, heading: the footprint. thigh, knee:
    of a leg that hangs, rad beyond the stand. under: 1 = it hangs below the hip, 0 = beside it over its footprint.
    clears: 1 = it is drawn up rather than that its foot goes below the floor.
    pitch: toes up of a foot that does not walk; heel: the same of a planted foot that rolls over its heel (+) or its toes
    (-); roll: sole inwards. inward, adduction: of the knee. abduct: of a leg that hangs, outwards. jolt: shocks.
    Without a side: share (weight on the left foot, -0.5 to 0.5), lead (on top of it, which foot decides how far forward
    and how high the pelvis is), lean (of both shanks), tilt, obliquity, rotation (of the pelvis), sideways (of the pelvis,
    m to the left), walk (0 = stands, 1 = walks), alone (1 = on one leg), unsteady (so many times more wobble on it),
    floor (1 = the pelvis lies on it or is raised from it), raised (of the trunk that lies, rad).
    """

    person: Person
    habits: Habits
    rng: np.random.Generator
    gait: Gait
    now: float = 0.0
    home: Footprint = Footprint(0.0, 0.0, 0.0)
    """The middle of the stand."""
    contacts: list[Contact] = field(default_factory=list)
    strikes: list[tuple[Side, float, float]] = field(default_factory=list)
    """(foot, s, m/s²) of every shock."""
    stands: list[tuple[float, float]] = field(default_factory=list)
    walks: list[tuple[float, Side]] = field(default_factory=list)
    """(s of the first heel strike, its foot) of every walk; its phase runs on from there until the next walk."""
    performed: list[Performed] = field(default_factory=list)
    repetitions: list[Repetition] = field(default_factory=list)
    """of the piece that is being written."""
    _moves: dict[str, list[Move]] = field(default_factory=dict)
    _bumps: dict[str, list[Bump]] = field(default_factory=dict)
    _start: dict[str, float] = field(default_factory=dict)
    _posture: dict[str, float] = field(default_factory=lambda: {"bend": 0.0, "lean": 0.0, "tilt": 0.0, "share": 0.0})

    @staticmethod
    def begun(person: Person, habits: Habits, seed: int) -> Timeline:
        """A person in the first stand, at the earth's origin and facing its x."""
        self = Timeline(person, habits, np.random.default_rng((PLAN_STREAM, seed)), Gait.of(person, habits))
        for side in SIDES:
            place = self.standing_place(side)
            for channel, level in (("x", place.x), ("y", place.y), ("heading", place.heading)):
                self._start[f"{channel}_{side}"] = level
        return self

    def level(self, channel: str) -> float:
        """Where a channel goes by its last move."""
        moves = self._moves.get(channel)
        return moves[-1].level if moves else self._start.get(channel, 0.0)

    def free_from(self, channel: str) -> float:
        """When the last move of a channel ends, s."""
        moves = self._moves.get(channel)
        return moves[-1].end_s if moves else -np.inf

    def move(self, channel: str, start_s: float, end_s: float, level: float) -> None:
        """A channel reaches `level` at `end_s`; nothing is noted where it already is."""
        if level != self.level(channel):
            self._moves.setdefault(channel, []).append(Move(start_s, end_s, level))

    def values(self, channel: str, t: Floats) -> Floats:
        """(n,) s -> (n,) level."""
        start = self._start.get(channel, 0.0)
        levels = np.full(len(t), start)
        moves = self._moves.get(channel)
        if moves:
            levels = start + Track(tuple(Move(m.start_s, m.end_s, m.level - start) for m in moves))(t)
        for bump in self._bumps.get(channel, ()):
            levels = levels + bump(t)
        return levels

    def bump(self, channel: str, bump: Bump) -> None:
        """On top of what the channel does anyway."""
        self._bumps.setdefault(channel, []).append(bump)

    def follow(self, ways: tuple[Way, ...], channel: str, deep: float, back: float | None = None) -> None:
        """A channel goes where the course of a repetition goes: to `deep` at its deepest, and to `back` at its end, by
        default where it came from."""
        top, deepest = self.level(channel), False
        for way in ways:
            origin = back if deepest and back is not None else top
            self.move(channel, way.start_s, way.end_s, origin + way.share * (deep - origin))
            deepest = deepest or way.share == 1.0

    def varied(self, value: float, share: float = 0.06) -> float:
        """A time or a size as people repeat it."""
        return value * float(self.rng.uniform(1.0 - share, 1.0 + share))

    def standing_place(self, side: Side) -> Footprint:
        """Where a foot belongs in the stand."""
        left = 1.0 if side == "left" else -1.0
        return self.home.beside(0.0, 0.5 * left * self.person.stance_width)

    def footprint(self, side: Side) -> Footprint:
        """Where a foot stands by its last move."""
        return Footprint(*(self.level(f"{channel}_{side}") for channel in ("x", "y", "heading")))

    def put_down(self, side: Side, start_s: float, end_s: float, place: Footprint) -> None:
        """The footprint moves while the foot is in the air."""
        for channel, level in (("x", place.x), ("y", place.y), ("heading", place.heading)):
            self.move(f"{channel}_{side}", start_s, end_s, level)

    def near(self, place: Footprint) -> Footprint:
        """That place as a foot finds it without looking: within a centimetre and two degrees or so."""
        forward, leftward, turn = self.rng.normal(0.0, 1.0, 3)
        return place.beside(0.010 * float(forward), 0.006 * float(leftward), radians(2.0) * float(turn))

    def new_posture(self) -> dict[str, float]:
        """How the person stands from the next return on: nobody returns exactly. Relative to the first stand."""
        bend, lean, tilt, share = np.clip(self.rng.normal(0.0, 1.0, 4), -2.0, 2.0)
        self._posture = {
            # a knee that stood at 8° cannot become much straighter
            "bend": max(radians(1.2) * float(bend), radians(-1.5)),
            "lean": radians(0.7) * float(lean),
            "tilt": radians(1.2) * float(tilt),
            "share": 0.03 * float(share),
        }
        return self._posture

    @property
    def posture(self) -> dict[str, float]:
        """bend, lean, tilt, share of the stand to return to."""
        return self._posture

    def stand_up_to(self, start_s: float, end_s: float, *, keep: tuple[str, ...] = ()) -> None:
        """Everything that is not a footprint returns to the stand of the present posture."""
        self.stand_up_along((Way(start_s, end_s, 0.0),), keep=keep)

    def stand_up_along(self, ways: tuple[Way, ...], *, keep: tuple[str, ...] = ()) -> None:
        """The same along the way back of a repetition, from where everything is at its deepest."""
        posture = self._posture
        back = {channel: posture[channel] for channel in ("lean", "tilt", "share")}
        back |= dict.fromkeys(("obliquity", "rotation", "alone"), 0.0)
        for side in SIDES:
            back |= {f"bend_{side}": posture["bend"], f"inward_{side}": 0.0, f"adduction_{side}": 0.0}
        for channel, level in back.items():
            deep = self.level(channel)
            for way in ways:
                if channel not in keep:
                    self.move(channel, way.start_s, way.end_s, level + way.share * (deep - level))

    def done(self, piece: Piece, start_s: float, end_s: float) -> None:
        """The piece has been written; the next one begins where it ends."""
        self.performed.append(Performed(piece, start_s, end_s, tuple(self.repetitions)))
        self.repetitions = []
        self.now = end_s
