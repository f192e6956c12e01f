"""Scale error of a gyroscope, found in its own recording: what each axis shows too much, and how sure that is.

A gyroscope whose scale is wrong turns the inclination away from gravity by so much of every turn that is made, and back
when it is undone; the accelerometer shows where gravity is. In the frame in which the rates are integrated, over a node
of `NODE_S`:

    ∫ R a dt = h · G · (tilt of that frame) + R b + change of velocity,

of which only the horizontal part says anything about inclination. The tilt is that of bias and scale, integrated. That is
linear, so a Kalman filter with constant states gives the maximum a posteriori estimate, with these priors (1σ):

- scale 1 % per axis, between axes 0.5 %: what data sheets of consumer MEMS give over temperature and soldering (ICM-20948
  ± 1.5 %, LSM6DSO ± 1 %, ICM-42688 ± 0.5 %; between axes 0.5 to 2 %). Between axes it is estimated and not corrected: a
  gyroscope turned against its accelerometer shows the same, and is no error of the rates;
- accelerometer offset 0.3 m/s² (30 to 60 mg): it is the same tilt in every pose of the sensor, and would be mistaken;
- velocity: zero, as uncertain as the movement of that moment is fast. A limb is a pendulum, its velocity and acceleration
  follow its turns, and that is the same in every repetition: so the distance to where it turns is estimated too;
- gyroscope and accelerometer may see the same motion half a row apart.

What is left of the prior says how much the recording knows. Squats turn about one axis by as much as they turn back: they
leave the scale as unknown as it was, and then nothing is corrected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.conventions import G
from imu.fusion import gyro_nodes as nodes
from imu.fusion.quaternion import rotate_array
from imu.packets import Floats

NODE_S: Final = 1.0
"""About one swing of a limb: what is faster is motion, and says little about inclination. With 0.7 and 1.5 s the figures of
the recordings with a reference are the same within half a percent; with 0.2 s motion is mistaken for scale."""
SCALE_SIGMA: Final = 0.01
CROSS_SIGMA: Final = 0.005
OFFSET_SIGMA: Final = 0.3
"""m/s²."""
ARM_SIGMA: Final = 0.3
"""m, from the sensor to where the limb turns."""
LATE_ROWS: Final = 0.5
TILT_SIGMA: Final = math.radians(10.0)
BIAS_SIGMA: Final = math.radians(0.5)
TILT_WALK: Final = math.radians(0.02)
"""rad per sqrt(s), noise of the rates; consumer MEMS have 0.004 to 0.015 °/s per sqrt(Hz)."""
BIAS_WALK: Final = math.radians(0.01)
"""rad/s per sqrt(s), as in the filter: 0.1 °/s after 100 s."""
SPEED_NOISE: Final = 0.02
"""m/s per sqrt(s), noise of the integrated acceleration."""
STILL_SPEED: Final = 0.01
"""m/s, sway of what is at rest."""
SPEED_S: Final = 2.0
"""s over which the speed of the movement is taken together."""
WANDER_S: Final = 6.0
"""s. A velocity that changes more slowly is an error of inclination, not a movement: limbs come back."""
SYSTEMATIC_SIGMA: Final = 0.002
"""Of the scale: it changes while the sensor warms up (0.02 % per K), and with the rate (0.1 % of full scale)."""
KNOWN_SIGMA: Final = 0.5 * SCALE_SIGMA
"""An axis whose 1σ is larger is as good as unknown: it is not corrected."""
LINEAR: Final = 0.005
"""A larger change of the scale needs another look: what was left out is its square times the turns."""

TILT, BIAS, SCALE, OFFSET, SPEED, LATE, ARM = 0, 2, 5, 14, 17, 19, 20
STATES: Final = 23
_DIAGONAL = np.array([SCALE, SCALE + 4, SCALE + 8])


@dataclass(frozen=True, slots=True)
class GyroScale:
    """Per axis x, y, z of the sensor."""

    found: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Most likely share of what an axis shows that is too much: 0.01 = 1 % too fast."""
    sigma: tuple[float, float, float] = (SCALE_SIGMA, SCALE_SIGMA, SCALE_SIGMA)
    """1σ of it. Before anything is seen it is `SCALE_SIGMA`."""

    @property
    def correction(self) -> Floats:
        """(3,) what is taken off: `gyr * (1 - correction)`. 0 for an axis about which the recording says too little."""
        return np.array([f if s <= KNOWN_SIGMA else 0.0 for f, s in zip(self.found, self.sigma, strict=True)])

    @property
    def words(self) -> str:
        """`gyroscope scale x +1.02 ± 0.21 %, …; taken off`, of the axes that are wrong beyond 2σ; empty if none is."""
        wrong = [
            f"{axis} {100.0 * found:+.2f} ± {100.0 * sigma:.2f} %"
            for axis, found, sigma, taken in zip("xyz", self.found, self.sigma, self.correction, strict=True)
            if taken and abs(found) > 2.0 * sigma
        ]
        return f"gyroscope scale {', '.join(wrong)}; taken off" if wrong else ""


def find_scale(
    gyr: Floats,
    acc: Floats,
    use: NDArray[np.bool_],
    bias: Floats,
    q: Floats,
    rate_hz: float,
    stretches: Sequence[slice],
    scale: Floats,
) -> GyroScale:
    """The scale that all stretches of one sensor show together.

    gyr : (n, 3) rad/s, as measured; acc : (n, 3) m/s², `use` (n,): it is believed. bias : (n, 3) rad/s and
    q : (n, 4) q_earth_sensor, smoothed with gyr * (1 - scale); scale : (3,) to look from, near to the right one.
    stretches : rows that follow each other.
    """
    rows = max(1, round(NODE_S * rate_hz))
    parts = []
    for i in stretches:
        m = (len(gyr[i]) - 1) // rows
        if m < 1 or np.isnan(q[i]).any():
            continue
        sums = np.empty((m + 1, nodes.SIZE))
        nodes.sum_nodes(gyr[i], acc[i], use[i], bias[i], scale, q[i.start], 1.0 / rate_hz, rows, sums)
        speed = _speed(q[i], acc[i], use[i], rate_hz)[np.arange(m + 1) * rows]
        parts.append((sums, np.maximum(speed, STILL_SPEED), bias[i.start]))
    if not parts:
        return GyroScale()
    x, p, surprise = _filtered(parts, rows, rate_hz, scale, 1.0)
    if surprise > 1.0:
        # this motion is less regular than was assumed
        x, p, _ = _filtered(parts, rows, rate_hz, scale, surprise)
    found, variance = scale + x[_DIAGONAL], p[_DIAGONAL, _DIAGONAL] + SYSTEMATIC_SIGMA**2
    sigma = np.minimum(np.sqrt(variance), SCALE_SIGMA)
    return GyroScale(_three(found), _three(sigma))


_Part = tuple[Floats, Floats, Floats]


def _filtered(
    parts: Sequence[_Part], rows: int, rate_hz: float, scale: Floats, noise: float
) -> tuple[Floats, Floats, float]:
    """States, their covariance, and the mean square of what came unexpected as a multiple of its variance.

    noise : factor of the variance of all that is measured.
    """
    sigma = np.concatenate([
        np.full(2, TILT_SIGMA), np.full(3, BIAS_SIGMA), np.full(9, CROSS_SIGMA), np.full(3, OFFSET_SIGMA), np.zeros(2),
        [LATE_ROWS / rate_hz], np.full(3, ARM_SIGMA),
    ])  # fmt: skip
    sigma[_DIAGONAL] = SCALE_SIGMA
    x, p = np.zeros(STATES), np.diag(sigma**2)
    x[_DIAGONAL] = -scale
    h = rows / rate_hz
    surprises, count = 0.0, 0
    for sums, speed, bias in parts:
        anew = [*range(TILT, SCALE), *range(SPEED, LATE)]
        variance = noise * speed**2
        x[anew], p[anew], p[:, anew] = 0.0, 0.0, 0.0
        x[BIAS:SCALE] = bias
        p[range(SCALE), range(SCALE)] = sigma[:SCALE] ** 2
        p[[SPEED, SPEED + 1], [SPEED, SPEED + 1]] = variance[0]
        for k in range(1, len(sums)):
            arm = sums[k - 1][nodes.ARM : nodes.ARM + 6].reshape(2, 3)
            x, p, surprise = _node(x, p, sums[k], arm, variance[k], h, noise)
            if surprise is not None:
                surprises += surprise
                count += 2
    return x, p, surprises / max(1, count)


def _node(
    x: Floats, p: Floats, node: Floats, arm: Floats, variance: float, h: float, noise: float
) -> tuple[Floats, Floats, float | None]:
    """States and covariance at the end of a node, from those at its beginning; arm (2, 3): ARM of the node before.

    What is measured depends on the states at both ends. Velocities a node apart have nothing to do with each other.
    """
    turn, turn_2 = node[nodes.TURN : nodes.TURN_2].reshape(2, 3), node[nodes.TURN_2 : nodes.WARP].reshape(2, 3)
    f = np.eye(STATES)
    f[TILT:BIAS, BIAS:SCALE] = -turn
    f[TILT:BIAS, SCALE:OFFSET] = -node[nodes.WARP : nodes.WARP_2].reshape(2, 9)
    f[SPEED:LATE, SPEED:LATE] = 0.0
    ahead, both = f @ x, p @ f.T
    ahead[TILT:BIAS] += node[nodes.GIVEN : nodes.GIVEN_2]
    p_ahead = f @ both
    for first, end, walk in ((TILT, BIAS, TILT_WALK**2 * h), (BIAS, SCALE, BIAS_WALK**2 * h), (SPEED, LATE, variance)):
        p_ahead[range(first, end), range(first, end)] += walk
    if node[nodes.UNSEEN] > 0.0:
        return ahead, p_ahead, None
    before, after = np.zeros((2, STATES)), np.zeros((2, STATES))
    before[:, TILT:BIAS] = h * G * np.eye(2)
    before[:, BIAS:SCALE] = -G * turn_2
    before[:, SCALE:OFFSET] = -G * node[nodes.WARP_2 : nodes.GIVEN].reshape(2, 9)
    before[:, SPEED:LATE], after[:, SPEED:LATE] = -np.eye(2), np.eye(2)
    before[:, ARM:], after[:, ARM:] = -arm, node[nodes.ARM : nodes.UNSEEN].reshape(2, 3)
    after[0, OFFSET:SPEED], after[1, OFFSET:SPEED] = turn[1], -turn[0]
    after[:, LATE] = node[nodes.LATE : nodes.ARM]
    y = node[nodes.FORCE : nodes.LATE] - G * node[nodes.GIVEN_2 : nodes.FORCE] - before @ x - after @ ahead
    cross = p_ahead @ after.T + both.T @ before.T
    total = after @ cross + before @ (p @ before.T + both @ after.T) + noise * SPEED_NOISE**2 * h * np.eye(2)
    gain = np.linalg.solve(total, cross.T).T
    p = p_ahead - gain @ cross.T
    return ahead + gain @ y, 0.5 * (p + p.T), float(y @ np.linalg.solve(total, y))


def _speed(q: Floats, acc: Floats, use: NDArray[np.bool_], rate_hz: float) -> Floats:
    """(n,) m/s, RMS of either horizontal velocity around each row, without what changes slowly."""
    force = np.where(use[:, None], rotate_array(q, acc)[:, :2], 0.0)
    velocity = np.cumsum(force - force.mean(axis=0), axis=0) / rate_hz
    velocity -= _moving_mean(velocity, round(WANDER_S * rate_hz))
    return np.sqrt(np.maximum(_moving_mean((velocity**2).mean(axis=1, keepdims=True), round(SPEED_S * rate_hz))[:, 0], 0.0))


def _moving_mean(x: Floats, rows: int) -> Floats:
    """(n, m) mean of so many rows around each, fewer at the ends."""
    n = len(x)
    sums = np.concatenate([np.zeros((1, x.shape[1])), np.cumsum(x, axis=0)])
    k = np.arange(n)
    first, end = np.maximum(k - rows // 2, 0), np.minimum(k + rows // 2 + 1, n)
    return (sums[end] - sums[first]) / (end - first)[:, None]


def _three(v: Floats) -> tuple[float, float, float]:
    return float(v[0]), float(v[1]), float(v[2])
