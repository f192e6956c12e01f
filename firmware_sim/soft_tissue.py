"""What is between a sensor and the bone: flesh that swings when it is accelerated, and a strap that slips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline
from scipy.signal import cont2discrete, lfilter

from firmware_sim.body import STILL_S, Moving
from imu.conventions import Segment

Floats = NDArray[np.float64]

NODE_HZ: Final = 400.0
"""Rate at which the swinging mass is worked out; quintic splines between."""
RESONANCE_HZ: Final = (5.0, 10.0)
DAMPING: Final = (0.15, 0.35)
"""of critical."""
LEVER: Final = (0.12, 0.20)
"""m: a patch that has moved by u along the skin has rolled by u / lever. With 10 m/s² at 7 Hz: 5 mm and 2°."""
FLESH: Final = {"pelvis": 0.6, "thigh": 1.0, "shank": 0.6, "foot": 0.15}
"""How much of the sensor rides on flesh."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A strap that turns on its limb: about the segment's long axis, by `turn_deg` from z (right) towards x (front)."""

    at_s: float
    """When it begins, s since the start of what is performed."""
    turn_deg: float
    seen: bool = True
    """True: it takes `over_s` and the gyroscope measures it. False: the sensor is at once somewhere else, as after
    someone has moved it while the sensor was off."""
    over_s: float = 0.3

    def turn(self, t: Floats, at: Floats | None = None) -> Floats:
        """(n,) s -> (n,) rad. `at`: instants whose turn is wanted when the slip is not seen."""
        full = np.radians(self.turn_deg)
        if not self.seen:
            return np.where((t if at is None else at) >= self.at_s, full, 0.0)
        x = np.clip((t - self.at_s) / self.over_s, 0.0, 1.0)
        return full * x * x * x * (10.0 + x * (6.0 * x - 15.0))


class SoftTissue:
    """The swing of one sensor against its bone: a damped mass on springs, driven by the acceleration of the bone there.

    It moves along the skin only, and rolls on the limb as it does. Gravity does not drive it: flesh that sags is what
    `SensorErrors.slide_deg` is about.

    Parameters
    ----------
    body : Moving
    segment : Segment
    position : (3,) m
        of the sensor in the segment.
    size : float
        1: as on an average person.
    rng : Generator
        Draws resonance, damping and lever.
    """

    def __init__(
        self, body: Moving, segment: Segment, position: Floats, size: float, rng: np.random.Generator
    ) -> None:
        self._body, self._segment, self._position = body, segment, position
        self._size = size * FLESH[segment.split("_")[0]]
        self._natural = 2.0 * np.pi * float(rng.uniform(*RESONANCE_HZ))
        self._damping = float(rng.uniform(*DAMPING))
        lever = float(rng.uniform(*LEVER))
        # straight out of the limb; the pelvis sensor lies on its back
        out = np.array([-1.0, 0.0, 0.0]) if segment == "pelvis" else position * np.array([1.0, 0.0, 1.0])
        self._out: Floats = out / np.linalg.norm(out)
        self._lever = lever
        self._swing: BSpline | None = None

    def swing(self, t: Floats) -> Floats:
        """(n,) s -> (n, 3) m along the skin, in the segment's axes."""
        if self._swing is None:
            self._swing = self._worked_out()
        first, last = self._swing.t[0], self._swing.t[-1]
        return self._swing(np.clip(t, first, last))

    def rolled(self, swing: Floats) -> Floats:
        """(n, 3) m -> (n, 3) rad of the sensor against the bone, in the segment's axes."""
        return np.cross(self._out, swing) / self._lever

    def _worked_out(self) -> BSpline:
        step = 1.0 / NODE_HZ
        t = np.arange(STILL_S, self._body.seconds + 2.0, step)
        pose = self._body.pose(self._segment, t)
        place = pose.origin + np.einsum("nij,j->ni", pose.rotation, self._position)
        force = np.zeros_like(place)
        force[1:-1] = (place[2:] - 2.0 * place[1:-1] + place[:-2]) / step**2
        force = np.einsum("nji,nj->ni", pose.rotation, force)
        force -= np.outer(force @ self._out, self._out)
        a = np.array([[0.0, 1.0], [-(self._natural**2), -2.0 * self._damping * self._natural]])
        numerator, denominator = _discrete(a, step)
        swing = -self._size * lfilter(numerator, denominator, force, axis=0)
        return make_interp_spline(t, swing, k=5)  # pyright: ignore[reportReturnType]


def _discrete(a: Floats, step: float) -> tuple[Floats, Floats]:
    """Filter from acceleration to place of a mass on a spring; the acceleration is linear between the nodes."""
    system = (a, np.array([[0.0], [1.0]]), np.array([[1.0, 0.0]]), np.array([[0.0]]))
    ad, bd, cd, dd, _ = cont2discrete(system, step, method="foh")
    # C (zI - A)^-1 B + D of two states
    denominator = np.array([1.0, -np.trace(ad), np.linalg.det(ad)])
    adjoint = np.array([[-ad[1, 1], ad[0, 1]], [ad[1, 0], -ad[0, 0]]])
    first = float((cd @ bd)[0, 0])
    second = float((cd @ adjoint @ bd)[0, 0])
    return float(dd[0, 0]) * denominator + np.array([0.0, first, second]), denominator
