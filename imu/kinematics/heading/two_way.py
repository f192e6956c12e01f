"""Relative headings of a whole recording, seen in both directions of time. For offline use only: it looks ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imu.fusion.grid import GridBlock
from imu.kinematics.heading.params import Params
from imu.kinematics.heading.streaming import Headings, JointSpec
from imu.packets import Floats


@dataclass(frozen=True, slots=True)
class PoseAt:
    """A static pose told the heading of a joint."""

    joint: int
    frame: int
    """Row of the grid; both passes know it from this frame on."""
    delta: float
    """rad."""
    sigma: float
    """rad."""


@dataclass(frozen=True, slots=True, eq=False)
class AxesOf:
    """Flexion axis of a joint, for the whole recording."""

    joint: int
    z_proximal: Floats
    """(3,) unit, in the frame of the proximal sensor."""
    z_distal: Floats
    sigma: float
    """rad."""


def two_way_headings(
    grid: GridBlock, joints: Sequence[JointSpec], rate_hz: float, poses: Sequence[PoseAt] = (),
    axes: Sequence[AxesOf] = (), params: Params | None = None,
) -> tuple[Floats, Floats]:  # fmt: skip
    """delta, sigma (m, J) rad of all joints at every frame; NaN and π where neither pass knows.

    The filter runs forward, and then backward over the motion in reverse, with the arms and the scale that it has found but
    its heading forgotten to 20°; what happened before the first motion is known from what came after it. Each frame takes
    both, weighted 1 / V²; V is their weighted mean, since both saw the same sensors' errors, plus what they differ by.
    """
    m = len(grid)
    forward = Headings(joints, rate_hz, params)
    passes = []
    for backward in (False, True):
        if backward:
            forward.turn_back()
        delta, sigma = np.full((m, len(joints)), np.nan), np.full((m, len(joints)), np.pi)
        seen = _reversed(grid) if backward else grid
        for a in axes:
            forward.set_axes(a.joint, a.z_proximal, a.z_distal, a.sigma)
        row = 0
        for pose in sorted(poses, key=lambda p: -p.frame if backward else p.frame):
            stop = m - 1 - pose.frame if backward else pose.frame
            forward.run(seen, row, stop, delta, sigma)
            forward.set_pose(pose.joint, pose.delta, pose.sigma)
            row = stop
        forward.run(seen, row, m, delta, sigma)
        passes.append((delta[::-1], sigma[::-1]) if backward else (delta, sigma))
    return _weighted(*passes[0], *passes[1])


def _reversed(grid: GridBlock) -> GridBlock:
    """The same motion from its end to its start."""
    return GridBlock(
        grid.t_us[-1:] - grid.t_us[::-1], grid.q[::-1].copy(), (-grid.gyr[::-1]).copy(), grid.acc[::-1].copy(),
        grid.flags[::-1].copy(),
    )  # fmt: skip


def _weighted(delta_1: Floats, sigma_1: Floats, delta_2: Floats, sigma_2: Floats) -> tuple[Floats, Floats]:
    total, turned, variance = np.zeros(delta_1.shape), np.zeros(delta_1.shape, np.complex128), np.zeros(delta_1.shape)
    for delta, sigma in ((delta_1, sigma_1), (delta_2, sigma_2)):
        known = np.isfinite(delta) & (sigma < np.pi)
        weight = np.where(known, sigma, np.pi) ** -4.0 * known
        total += weight
        turned += weight * np.exp(1j * np.where(known, delta, 0.0))
        variance += weight * np.where(known, sigma, 0.0) ** 2
    known = total > 0.0
    safe = np.where(known, total, 1.0)
    variance = (variance + 2.0 * (total - np.abs(turned))) / safe
    sigma = np.where(known, np.minimum(np.sqrt(np.maximum(variance, 0.0)), np.pi), np.pi)
    return np.where(known, np.angle(turned), np.nan), sigma
