"""What is between a sensor and the bone: flesh that swings when it is accelerated, and a strap that slips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline
from scipy.signal import lfilter

from firmware_sim.body import STILL_S, Moving
from firmware_sim.motion import minimum_jerk
from imu.conventions import Segment

Floats = NDArray[np.float64]

NODE_HZ: Final = 400.0
"""Rate at which the swinging mass is worked out; quintic splines between."""
RESONANCE_HZ: Final = (5.0, 10.0)
DAMPING: Final = (0.15, 0.35)
"""of critical."""
LEVER: Final = (0.12, 0.20)
"""m: a patch that has moved by u along the skin has rolled by u / lever. With 10 m/s² at 7 Hz: 5 mm and 2°."""
FLESH: Final = {"pelvis": 0.5, "thigh": 0.6, "shank": 0.4, "foot": 0.1}
"""How much of the sensor rides on flesh. A walk then turns sensors on thighs and shanks by 0.3 to 1.2° rms and 2 to 5°
at the most, and moves them by a centimetre."""


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
        return full * minimum_jerk((t - self.at_s) / self.over_s)


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
        self._body, self._position = body, position
        self._segment: Segment = segment
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
        # the spring and its damper by the trapezoid rule: at 10 Hz its resonance is 0.2 % too low
        k, w, d = 2.0 * NODE_HZ, self._natural, 2.0 * self._damping * self._natural
        denominator = np.array([k * k + d * k + w * w, 2.0 * (w * w - k * k), k * k - d * k + w * w])
        swing = -self._size * np.asarray(lfilter(np.array([1.0, 2.0, 1.0]), denominator, force, axis=0), np.float64)
        return make_interp_spline(t, swing, k=5)  # pyright: ignore[reportReturnType]
