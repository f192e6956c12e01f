"""A body that performs a plan: pelvis, thighs, shanks and feet."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline

from firmware_sim.activities.assembly import BodyPath, LegPath, assemble
from firmware_sim.activities.both_legs import calf_raises, heel_toe_rocks, hip_hinges, squats, stand
from firmware_sim.activities.chair import seated_extensions, sit_to_stands
from firmware_sim.activities.faults import opposite
from firmware_sim.activities.habits import Habits
from firmware_sim.activities.leg import bend_at, solve_leg
from firmware_sim.activities.lying import bridges, unilateral_bridges
from firmware_sim.activities.one_leg import balances, deadlifts, march, single_leg_squats, step_downs
from firmware_sim.activities.one_leg_pieces import (
    AnkleCircles,
    AnklePumps,
    Balances,
    BandWalks,
    HipCircles,
    LegSwings,
    Lunges,
    SingleLegDeadlifts,
    SingleLegSquats,
    StepDowns,
    WallLunges,
)
from firmware_sim.activities.pieces import (
    Bridges,
    CalfRaises,
    HeelToeRocks,
    HipHinges,
    March,
    SeatedExtensions,
    SitToStands,
    Squats,
    Stand,
    UnilateralBridges,
    Walk,
)
from firmware_sim.activities.plan import Plan
from firmware_sim.activities.steps import band_walks, lunges, wall_lunges
from firmware_sim.activities.swings import ankle_circles, ankle_pumps, hip_circles, leg_swings
from firmware_sim.activities.timeline import Contact, Performed, Timeline
from firmware_sim.activities.walking import walk
from firmware_sim.body import STILL_S, LegPose, Pose, pelvis_axes, pose_matrix
from firmware_sim.person import Person
from imu.conventions import SEGMENTS, SIDES, Segment, Side

Floats = NDArray[np.float64]

NODE_HZ: Final = 200.0
"""Rate at which a performance is worked out; quintic splines between."""
AFTER_S: Final = 2.0
"""The person goes on standing for this long after the plan."""
STAND_S: Final = 1.0
"""A stand counts as one when it has lasted this long."""
WORN: Final[tuple[Segment, ...]] = SEGMENTS[:7]
"""Segments that this body has."""


class ActivityBody:
    """A person performing a plan; the interface of `firmware_sim.body.Body`, and feet.

    Parameters
    ----------
    person : Person
    habits : Habits
    path : BodyPath
        At NODE_HZ from STILL_S on.
    performed : tuple of Performed
        What was done when, s.
    stands : tuple of (start, end)
        The quiet ones.
    contacts : tuple of Contact
        of walking feet.
    """

    segments: tuple[Segment, ...] = WORN

    def __init__(
        self,
        person: Person,
        habits: Habits,
        path: BodyPath,
        performed: tuple[Performed, ...],
        stands: tuple[tuple[float, float], ...],
        contacts: tuple[Contact, ...],
    ) -> None:
        self.person, self.habits = person, habits
        self.performed, self.stands, self.contacts = performed, stands, contacts
        self._path = path
        n = path.centre.shape[1]
        self._times = STILL_S + np.arange(n) / NODE_HZ
        self._pelvis = self._spline(*path.centre, path.heading, path.obliquity, path.tilt)
        self._facing = _single(self._spline(path.facing))
        self._legs: dict[Side, BSpline] = {side: self._leg_spline(leg) for side, leg in self._paths().items()}

    @staticmethod
    def performing(seed: int, plan: Plan, habits: Habits | None = None) -> ActivityBody:
        """The person of the seed, with other habits if given, performing the plan; the first piece should be a stand."""
        person, habits = Person.drawn(seed), habits or Habits.drawn(seed)
        line = Timeline.begun(person, habits, seed)
        for piece in plan:
            _write(line, piece)
        t = STILL_S + np.arange(int((line.now + AFTER_S - STILL_S) * NODE_HZ) + 1) / NODE_HZ
        path = assemble(line, t)
        return ActivityBody(person, habits, path, tuple(line.performed), tuple(line.stands), tuple(line.contacts))

    @property
    def seconds(self) -> float:
        """From the start of the plan to its end."""
        return self.performed[-1].end_s

    def pose(self, segment: Segment, t: Floats) -> Pose:
        """Pose of one segment at (n,) s since the start of the plan; `KeyError` for one that this body does not have.

        The origin of a foot is its ankle.
        """
        if segment == "pelvis":
            (x, y, z), centre = self._pelvis_at(t)
            return Pose(pose_matrix(x, y, z), np.ascontiguousarray(centre.T))
        part, _, side = segment.partition("_")
        if side not in SIDES:
            raise KeyError(f"the simulated body has no {segment!r}; it has pelvis, thighs, shanks and feet")
        leg, channels = self._leg_at(side, t)
        if part == "foot":
            sole_in = channels[7] * (1.0 if side == "right" else -1.0)
            return Pose(_foot_rotation(channels[3], channels[4], sole_in), np.ascontiguousarray(leg.ankle.T))
        axes, origin = (leg.thigh, leg.hip) if part == "thigh" else (leg.shank, leg.knee)
        return Pose(pose_matrix(*axes), np.ascontiguousarray(origin.T))

    def leg(self, side: Side, t: Floats) -> LegPose:
        """Both segments and all joints of one leg at (n,) s."""
        return self._leg_at(side, t)[0]

    def skin(self, segment: Segment, t: Floats) -> tuple[Floats, Floats]:
        """(n,) rad of knee flexion beyond the stand, over which the skin of a segment slides; and zeros: how soft tissue
        lags when accelerated is simulated from the true motion (`firmware_sim.soft_tissue`)."""
        bends = self._bends
        t = self._within(t)
        if segment == "pelvis":
            bend = 0.5 * (bends["left"](t) + bends["right"](t))
        else:
            bend = bends["left" if segment.endswith("left") else "right"](t)
        return bend, np.zeros_like(bend)

    def facing(self, t: Floats) -> Floats:
        """(n,) rad, to the left of earth x: to where the feet that carry the person point; turns add up."""
        return self._facing(self._within(t))

    def faced(self, t: Floats) -> Floats:
        """(n,) rad, to the left of earth x: where the pelvis pointed in the last quiet stand (one counts after STAND_S)."""
        starts = np.array([start for start, _ in self.stands])
        means = np.array([self._pelvis(np.linspace(*stand, 50))[:, 3].mean() for stand in self.stands])
        return means[np.maximum(np.searchsorted(starts + STAND_S, t, side="right") - 1, 0)]

    def mirrored(self) -> ActivityBody:
        """The same body with left and right exchanged."""
        p = self._path
        path = BodyPath(
            _across(p.centre), -p.facing, -p.heading, -p.obliquity, p.tilt, _leg_across(p.right), _leg_across(p.left)
        )
        performed = tuple(
            Performed(
                d.piece.mirrored(),
                d.start_s,
                d.end_s,
                tuple(r.mirrored() for r in d.repetitions),
            )
            for d in self.performed
        )
        contacts = tuple(Contact(opposite(c.side), c.strike_s, c.off_s, c.strike_ratio, c.off_ratio) for c in self.contacts)
        return ActivityBody(self.person.mirrored(), self.habits.mirrored(), path, performed, self.stands, contacts)

    @cached_property
    def _bends(self) -> dict[Side, BSpline]:
        bends: dict[Side, BSpline] = {}
        (_, _, across), centre = self._pelvis_at(self._times)
        for side, path in self._paths().items():
            reach = path.ankle - self._hip(side, across, centre)
            bends[side] = self._spline(bend_at(self.person, np.sqrt((reach * reach).sum(axis=0))))
        return {side: _single(spline) for side, spline in bends.items()}

    def _paths(self) -> dict[Side, LegPath]:
        return {"left": self._path.left, "right": self._path.right}

    def _spline(self, *channels: Floats) -> BSpline:
        return make_interp_spline(self._times, np.stack(channels, axis=1), k=5)  # pyright: ignore[reportReturnType]

    def _leg_spline(self, leg: LegPath) -> BSpline:
        return self._spline(*leg.ankle, leg.heading, leg.pitch, leg.inward, leg.adduction, leg.roll)

    def _within(self, t: Floats) -> Floats:
        """Before STILL_S nothing moves at all; after the end the person stands on."""
        return np.clip(t, STILL_S, self._times[-1])

    def _pelvis_at(self, t: Floats) -> tuple[tuple[Floats, Floats, Floats], Floats]:
        x, y, z, heading, obliquity, tilt = self._pelvis(self._within(t)).T
        return pelvis_axes(heading, obliquity, tilt), np.stack((x, y, z))

    def _hip(self, side: Side, across: Floats, centre: Floats) -> Floats:
        return centre - (1.0 if side == "left" else -1.0) * 0.5 * self.person.hip_width * across

    def _leg_at(self, side: Side, t: Floats) -> tuple[LegPose, Floats]:
        t = self._within(t)
        (_, _, across), centre = self._pelvis_at(t)
        channels = self._legs[side](t).T
        pelvis_heading = np.arctan2(across[0], -across[1])
        # near the foot's, whatever the number of turns
        pelvis_heading = channels[3] + np.remainder(pelvis_heading - channels[3] + np.pi, 2.0 * np.pi) - np.pi
        leg = solve_leg(
            self.person,
            self.habits.left if side == "left" else self.habits.right,
            side,
            self._hip(side, across, centre),
            channels[:3],
            # the knee points between where the pelvis faces and where the foot points
            0.5 * (pelvis_heading + channels[3]),
            channels[5],
            channels[6],
        )
        return leg, channels


WRITERS: Final[dict[type, Callable[..., None]]] = {
    Stand: stand,
    March: march,
    Squats: squats,
    HipHinges: hip_hinges,
    CalfRaises: calf_raises,
    HeelToeRocks: heel_toe_rocks,
    SitToStands: sit_to_stands,
    SeatedExtensions: seated_extensions,
    Bridges: bridges,
    UnilateralBridges: unilateral_bridges,
    SingleLegSquats: single_leg_squats,
    StepDowns: step_downs,
    SingleLegDeadlifts: deadlifts,
    Balances: balances,
    Lunges: lunges,
    WallLunges: wall_lunges,
    BandWalks: band_walks,
    LegSwings: leg_swings,
    HipCircles: hip_circles,
    AnklePumps: ankle_pumps,
    AnkleCircles: ankle_circles,
    Walk: walk,
}
"""Who writes which piece."""


def _write(line: Timeline, piece: object) -> None:
    writer = WRITERS.get(type(piece))
    if writer is None:
        raise TypeError(f"{piece!r} is not a piece of a plan")
    writer(line, piece)


def _foot_rotation(heading: Floats, pitch: Floats, roll: Floats) -> Floats:
    """x along the foot, z to the right, toes up by `pitch`, then turned by `roll` about x: + = right edge down."""
    c, s, zero = np.cos(heading), np.sin(heading), np.zeros_like(heading)
    u, v = np.cos(pitch), np.sin(pitch)
    y, z = np.stack((-c * v, -s * v, u)), np.stack((s, -c, zero))
    a, b = np.cos(roll), np.sin(roll)
    return pose_matrix(np.stack((c * u, s * u, v)), a * y + b * z, a * z - b * y)


def _across(v: Floats) -> Floats:
    """Left and right exchanged; earth x is forward."""
    return v * np.array([[1.0], [-1.0], [1.0]])


def _leg_across(leg: LegPath) -> LegPath:
    return LegPath(_across(leg.ankle), -leg.heading, leg.pitch, leg.inward, leg.adduction, leg.roll)


def _single(spline: BSpline) -> BSpline:
    return BSpline(spline.t, spline.c[:, 0], spline.k)
