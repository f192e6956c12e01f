"""Relative headings of all joints, fed with the grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from imu.fusion.grid import GridBlock
from imu.kinematics.heading import bands, frames
from imu.kinematics.heading.layout import ARM_1, BAND, CHANNELS, JOINT, LONG, SENSOR, STATE
from imu.kinematics.heading.params import BANDS, Params, coefficients
from imu.kinematics.layout import Records
from imu.packets import Floats

KINDS: Final = ("hip", "knee", "ankle", "hinge", "saddle", "spherical")


@dataclass(frozen=True, slots=True)
class JointSpec:
    """Two sensors on segments that are joined."""

    proximal: int
    """Row of its sensor in the grid."""
    distal: int
    kind: str
    """One of KINDS. What a flexion axis is worth: most at a `hinge` (mechanical), little at a `knee`."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"joint kind is {self.kind!r}; give one of {', '.join(KINDS)}")
        if self.proximal == self.distal or min(self.proximal, self.distal) < 0:
            raise ValueError(f"joint of sensors {self.proximal} and {self.distal}; give two different rows")


@dataclass(frozen=True, slots=True, eq=False)
class HeadingState:
    """Everything that changes in `Headings`."""

    number: int
    sensors: Records
    joints: Records
    bands: Records


class Headings:
    """Heading δ of the distal sensor's earth frame in the proximal one's, per joint: q_rel = conj(q1) ⊗ rot_z(δ) ⊗ q2.

    Parameters
    ----------
    joints : sequence of JointSpec
    rate_hz : float
        Of the grid.
    params : Params, optional
    """

    def __init__(self, joints: Sequence[JointSpec], rate_hz: float, params: Params | None = None) -> None:
        self.params = params or Params()
        self._c = coefficients(rate_hz, self.params)
        self.specs = tuple(joints)
        self._number = 0
        self._sensors = np.zeros(1 + max((max(s.proximal, s.distal) for s in self.specs), default=-1), SENSOR)
        self._sensors["clean"] = LONG
        self._joints = np.zeros(len(self.specs), JOINT)
        self._bands = np.zeros((len(self.specs), BANDS), BAND)
        self._scratch = (np.empty(CHANNELS), np.empty((3, STATE)), np.empty(STATE))
        floors = {"hinge": self.params.floor_hinge, "knee": self.params.floor_knee}
        for j, spec in enumerate(self.specs):
            joint = self._joints[j]
            joint["proximal"], joint["distal"] = spec.proximal, spec.distal
            joint["floor"] = floors.get(spec.kind, self.params.floor_other)
            joint["delta"], joint["sigma"] = math.nan, math.pi
            for k in range(BANDS):
                bands.begin(self._bands[j, k], self._c[0])

    def run(self, grid: GridBlock, start: int, stop: int, delta: Floats, sigma: Floats) -> None:
        """Frames start..stop of the grid; writes the same rows of delta and sigma (m, J), rad; NaN and π = unknown.

        The heading of a frame is that of two frames before it: it moves by less than 0.01° in that time.
        """
        frames.run(
            self._number, start, stop, grid.q, grid.gyr, grid.acc, grid.flags, self._c[0],
            self._sensors, self._joints, self._bands, *self._scratch, delta, sigma,
        )  # fmt: skip
        self._number += stop - start

    def set_pose(self, j: int, delta: float, sigma: float) -> None:
        """A static pose tells the heading of joint j, from the next frame on; it ages by 0.1 °/s."""
        joint = self._joints[j]
        joint["pose_known"], joint["pose"], joint["pose_var"], joint["changed"] = 1, delta, sigma**2, 1
        for band in self._bands[j]:
            if band["searching"] or band["p"][0, 0] > self.params.start_sigma**2:
                bands.start_at(band, delta, max(sigma, self.params.start_sigma), self._c[0])
                bands.judge(band, self._c[0])

    def set_arms(self, j: int, proximal: ArrayLike, distal: ArrayLike) -> None:
        """Arms of joint j that were measured: joint centre -> sensor, m, in the frame of each sensor."""
        arms = np.concatenate([np.asarray(proximal, np.float64), np.asarray(distal, np.float64)])
        for band in self._bands[j]:
            band["x"][ARM_1:] = band["y"][:] = arms
            for i in range(len(arms)):
                band["q"][i, i] = band["p"][ARM_1 + i, ARM_1 + i] = self.params.given_arm_sigma**2

    def set_axes(self, j: int, z_proximal: ArrayLike, z_distal: ArrayLike, sigma: float) -> None:
        """Flexion axis of joint j, known in both sensors' frames (unit, (3,)) up to sigma, rad; from the next frame on."""
        joint = self._joints[j]
        joint["z1"], joint["z2"] = z_proximal, z_distal
        joint["axes_known"], joint["axes_sigma"], joint["changed"] = 1, sigma, 1

    def forget_axes(self, j: int) -> None:
        """The flexion axis of joint j is not to be used any more."""
        self._joints[j]["axes_known"], self._joints[j]["changed"] = 0, 1

    def axes_heading(self, j: int) -> tuple[float, float]:
        """Heading of joint j and its sigma by the flexion axis alone; (NaN, π) if there is none or it is too upright."""
        delta, variance = frames.axes_heading(self._joints[j], self._c[0])
        return (delta, math.sqrt(variance)) if math.isfinite(variance) else (math.nan, math.pi)

    def evidence(self, j: int) -> tuple[float, float]:
        """Heading of joint j and its sigma by the motion alone: neither pose nor axes. (NaN, π) if there is none."""
        total, turned, variance = 0.0, 0j, 0.0
        for band in self._bands[j]:
            p, prior = float(band["p"][0, 0]), float(band["prior"])
            if band["searching"] or p >= 0.5 * prior:
                continue
            # what was told at the start is taken off again
            v = p / (1.0 - p / prior)
            d = float(band["x"][0]) + (float(band["x"][0]) - float(band["prior_delta"])) * v / prior
            v += float(band["variance"]) - p
            total += v**-2
            turned += v**-2 * complex(math.cos(d), math.sin(d))
            variance += v**-1
        if not total > 0.0 or variance / total >= math.pi**2:
            return math.nan, math.pi
        return math.atan2(turned.imag, turned.real), math.sqrt(variance / total)

    def turn_back(self) -> None:
        """From now on the motion is seen in reverse: arms, scale and noise stay, all else begins anew at the heading."""
        self._number = 0
        self._sensors[:] = 0
        self._sensors["clean"] = LONG
        for j in range(len(self._joints)):
            frames.turn_back(self._joints[j], self._bands[j], self._c[0])

    def state(self) -> HeadingState:
        """A copy of everything that changes."""
        return HeadingState(self._number, self._sensors.copy(), self._joints.copy(), self._bands.copy())

    def restore(self, state: HeadingState) -> None:
        """Continue from what `state` of an equal one returned."""
        self._number = state.number
        self._sensors, self._joints, self._bands = state.sensors.copy(), state.joints.copy(), state.bands.copy()
