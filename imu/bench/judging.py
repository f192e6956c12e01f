"""How far an orientation is from the true one; the metric of BROAD (Laidig et al., Data 6(7):72, 2021).

e = q_estimated ⊗ q_true⁻¹ in the earth frame. Inclination: 2·acos √(e_w² + e_z²), what gravity can show. Total: the whole
angle after the best constant turn about the vertical, because a heading without a magnetometer starts anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from imu.bench.recordings import Trial
from imu.fusion.quaternion import angle_array, conj_array, mul_array
from imu.packets import Floats


@dataclass(frozen=True, slots=True)
class Errors:
    """Of one method on one trial; NaN without a reference."""

    inclination_deg: float = math.nan
    """RMSE of the motion samples."""
    total_deg: float = math.nan
    """RMSE of the motion samples."""
    drift_deg_per_min: float = math.nan
    """Slope of a straight line through the heading error of the motion samples, without its sign."""


def judge(q: Floats, trial: Trial) -> Errors:
    """(n, 4) q_earth_sensor against the trial's reference."""
    use = trial.judged()
    if trial.reference is None or np.count_nonzero(use) < 2:
        return Errors()
    e = mul_array(q[use], conj_array(trial.reference[use]))
    inclination = 2.0 * np.arccos(np.clip(np.hypot(e[:, 0], e[:, 3]), 0.0, 1.0))
    heading = np.unwrap(2.0 * np.arctan2(e[:, 3], e[:, 0]))
    minutes = np.flatnonzero(use) / (trial.rate_hz * 60.0)
    slope = float(np.polyfit(minutes - minutes.mean(), heading, 1)[0])
    return Errors(_rms_deg(inclination), _rms_deg(_aligned(e)), abs(math.degrees(slope)))


def _aligned(e: Floats) -> Floats:
    """Angles that are left after the constant turn about the vertical that makes Σ sin²(angle / 2) least.

    Turned by h, e has the real part e_w·cos(h/2) - e_z·sin(h/2): the sum of its squares is largest along the first
    principal axis of the points (e_w, -e_z).
    """
    points = np.stack([e[:, 0], -e[:, 3]])
    axis = np.linalg.eigh(points @ points.T)[1][:, -1]
    return 2.0 * np.arccos(np.clip(np.abs(axis @ points), 0.0, 1.0))


def _rms_deg(angle: Floats) -> float:
    return math.degrees(math.sqrt(float(np.mean(angle**2))))


def largest_difference_deg(a: Floats, b: Floats) -> float:
    """Largest rotation between two orientations of the same rows, heading included."""
    return math.degrees(float(angle_array(a, b).max()))
