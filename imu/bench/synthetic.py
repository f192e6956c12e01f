"""A recording whose truth is known, for those who have none: one sensor on a limb that moves, with pauses."""

from __future__ import annotations

import numpy as np

from imu.bench.recordings import Trial
from imu.conventions import G
from imu.fusion.quaternion import conj_array, mul_array, rotate_array
from imu.packets import Floats

RATE_HZ = 2000.0 / 7.0
"""As in BROAD, so that the means of five samples come at 57 Hz."""
STILL_S, MOVING_S, RAMP_S = 6.0, 24.0, 1.5
BIAS_DPS = (0.4, -0.3, 0.5)
"""°/s; what a sensor that was calibrated at another temperature has."""
GYR_NOISE, ACC_NOISE = 2e-3, 0.03
"""1σ of each sample: rad/s, m/s²."""

# Turns about the sensor's axes, one after the other: axis, rad, Hz, rad. Sums of sines that never repeat.
TURNS = ((2, 0.7, 0.23, 0.3), (0, 0.9, 0.41, 0.0), (1, 0.6, 0.67, 1.1), (2, 0.4, 0.89, 2.0), (0, 0.25, 1.7, 0.5))
# Way of the sensor in the earth frame: axis, m, Hz, rad. Up to about 5 m/s² together.
WAYS = ((0, 0.05, 0.7, 0.0), (0, 0.008, 2.3, 1.0), (1, 0.04, 0.9, 0.5), (2, 0.05, 0.8, 1.3), (2, 0.006, 2.9, 0.2))


def synthetic_trial(seconds: float, seed: int = 1) -> Trial:
    """One sensor with a constant gyroscope bias and white noise; motion of 24 s and pauses of 6 s in turn.

    The rate of row k is the mean one since row k - 1, as from a sensor that averages, so that the truth is exactly what
    integration of perfect rates gives; acceleration is that of the way in the earth frame, plus gravity.
    """
    n = int(seconds * RATE_HZ)
    rng = np.random.default_rng(seed)
    t = np.arange(-2, n + 1) / RATE_HZ
    size = _envelope(t)
    q = np.tile([1.0, 0.0, 0.0, 0.0], (len(t), 1))
    for axis, amplitude, hz, phase in TURNS:
        q = mul_array(q, _turn(axis, size * amplitude * np.sin(2 * np.pi * hz * t + phase)))
    way = np.zeros((len(t), 3))
    for axis, amplitude, hz, phase in WAYS:
        way[:, axis] += size * amplitude * np.sin(2 * np.pi * hz * t + phase)
    acc_earth = np.diff(way, 2, axis=0) * RATE_HZ**2 + np.array([0.0, 0.0, G])
    q_earth_sensor = q[1:-1]  # where the second difference is centred
    step = mul_array(conj_array(q[:-2]), q[1:-1])
    gyr = _rotation_vector(step) * RATE_HZ + np.radians(BIAS_DPS) + rng.normal(0.0, GYR_NOISE, (n + 1, 3))
    acc = rotate_array(conj_array(q_earth_sensor), acc_earth) + rng.normal(0.0, ACC_NOISE, (n + 1, 3))
    rows = slice(1, None)
    moving = size[2:-1] > 0.05
    return Trial(
        f"synthetic, {seconds:.0f} s, seed {seed}",
        RATE_HZ,
        np.ascontiguousarray(gyr[rows]),
        np.ascontiguousarray(acc[rows]),
        np.ascontiguousarray(q_earth_sensor[rows]),
        moving,
    )


def _envelope(t: Floats) -> Floats:
    """0 in the pauses, 1 in the motion, with soft edges of 1.5 s."""
    phase = np.mod(t, STILL_S + MOVING_S) - STILL_S
    x = np.clip(np.minimum(phase, MOVING_S - phase) / RAMP_S, 0.0, 1.0)
    return x**3 * (10.0 - 15.0 * x + 6.0 * x**2)  # also its second derivative is continuous


def _turn(axis: int, angle: Floats) -> Floats:
    q = np.zeros((len(angle), 4))
    q[:, 0], q[:, 1 + axis] = np.cos(angle / 2), np.sin(angle / 2)
    return q


def _rotation_vector(q: Floats) -> Floats:
    """(n, 4) -> (n, 3) rad, for turns below a half one."""
    length = np.linalg.norm(q[:, 1:], axis=1, keepdims=True)
    return q[:, 1:] * (2.0 * np.arctan2(length, q[:, :1]) / np.where(length > 0.0, length, 1.0))
