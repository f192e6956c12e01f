"""What the VQF filter can be tuned with, and the numbers derived from it once per sample rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from imu.conventions import G
from imu.fusion.rates import sample_period
from imu.kernels import inlined
from imu.packets import Floats

RAD: Final = math.pi / 180.0

# Where things are in the coefficient row. START_*: samples for which a low-pass returns the running mean.
TS, START_ACC, LP_ACC, START_REST, LP_REST = 0, 1, 2, 7, 8
P0, V, W_MOTION, W_VERTICAL, W_REST = 13, 14, 15, 16, 17
REST_GYR2, REST_ACC2, REST_MIN_T, BIAS_CLIP, USE_MOTION, USE_REST = 18, 19, 20, 21, 22, 23
DOUBT = 24  # samples · rad
COEFFICIENTS_SIZE: Final = 25


class K(NamedTuple):
    """The coefficient row by names, for kernels (a value, no allocation)."""

    ts: float
    half_ts: float
    start_acc: float
    start_rest: float
    common_after: float
    """Corrections after which all low-passes run; infinite if a bias estimation is off."""
    acc: tuple[float, float, float, float, float]
    rest: tuple[float, float, float, float, float]
    p0: float
    v: float
    w_motion: float
    w_vertical: float
    w_rest: float
    rest_gyr2: float
    rest_acc2: float
    rest_min: float
    bias_clip: float
    motion_bias: bool
    rest_bias: bool


@inlined
def load(c: Floats) -> K:
    """Of a row from `Coefficients`."""
    a, r = LP_ACC, LP_REST
    both = c[USE_MOTION] > 0.0 and c[USE_REST] > 0.0
    return K(
        c[TS], 0.5 * c[TS], c[START_ACC], c[START_REST], max(c[START_ACC], c[START_REST]) if both else math.inf,
        (c[a], c[a + 1], c[a + 2], c[a + 3], c[a + 4]), (c[r], c[r + 1], c[r + 2], c[r + 3], c[r + 4]),
        c[P0], c[V], c[W_MOTION], c[W_VERTICAL], c[W_REST], c[REST_GYR2], c[REST_ACC2], c[REST_MIN_T], c[BIAS_CLIP],
        c[USE_MOTION] > 0.0, c[USE_REST] > 0.0,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Params:
    """What can be tuned. The defaults are the authors' and are right for limbs at 50 to 300 Hz."""

    tau_acc_s: float = 3.0
    """s, time constant of the inclination correction. Larger = trusts the gyroscope longer."""
    motion_bias: bool = True
    """Estimate the gyroscope bias while moving (its horizontal part)."""
    rest_bias: bool = True
    """Estimate the gyroscope bias in detected rest: the only source for the vertical part, so the main guard of heading."""
    bias_sigma_init_dps: float = 0.5
    """°/s, 1σ of the bias at the start. Larger = faster, noisier start."""
    bias_forgetting_s: float = 100.0
    """s in which 1σ of the bias grows from 0 to 0.1 °/s without information."""
    bias_clip_dps: float = 2.0
    """°/s, largest bias believed, per axis. A worse sensor must be calibrated first: it is never seen at rest."""
    bias_sigma_motion_dps: float = 0.1
    """°/s, 1σ that the bias settles to in motion. Larger = slower."""
    bias_vertical_forgetting: float = 1e-4
    """Strength with which the unobservable vertical part of the bias is drawn to zero in motion, 0..1."""
    bias_sigma_rest_dps: float = 0.03
    """°/s, 1σ that the bias settles to at rest. Larger = slower."""
    limb_speed: float = 1.5
    """m/s by which the velocity of a limb changes in motion: the mean acceleration over T s is off by speed / (g T), so
    memory of T = speed / (g · expected error) balances what was guessed wrong over a bridged hole. Larger = slower
    recovery, less disturbed by motion. Not in the authors' program. Inclination 1 s behind holes of 120 to 250 ms that are
    expected to cost more than 10°, 95th percentile: walking 37 -> 11°, jumping 52 -> 13°, moved by hand 32 -> 12°."""
    rest_min_s: float = 1.5
    """s of stillness before it counts as rest."""
    rest_tau_s: float = 0.5
    """s, time constant of the low-passes of rest detection."""
    rest_gyr_dps: float = 2.0
    """°/s, largest deviation of the rate from its low-pass at rest."""
    rest_acc: float = 0.5
    """m/s², largest deviation of the acceleration from its low-pass at rest."""

    def __post_init__(self) -> None:
        positive = ("tau_acc_s", "bias_sigma_init_dps", "bias_forgetting_s", "bias_clip_dps", "bias_sigma_motion_dps")
        positive += ("bias_sigma_rest_dps", "limb_speed", "rest_min_s", "rest_tau_s", "rest_gyr_dps", "rest_acc")
        for name in positive:
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise ValueError(f"filter parameter {name} is {value}; give a positive number")


def low_pass(tau_s: float, ts: float) -> tuple[float, float, float, float, float]:
    """b0, b1, b2, a1, a2 of a second-order Butterworth low-pass whose step response has time constant `tau_s`."""
    if tau_s < ts / 2.0:
        return (1.0, 0.0, 0.0, 0.0, 0.0)  # beyond 90 % of the Nyquist frequency: let everything through
    c = math.tan(math.pi * ts * math.sqrt(2.0) / (2.0 * math.pi * tau_s))
    d = c * c + math.sqrt(2.0) * c + 1.0
    b0 = c * c / d
    return (b0, 2.0 * b0, b0, 2.0 * (c * c - 1.0) / d, (1.0 - math.sqrt(2.0) * c + c * c) / d)


def start_up(tau_s: float, ts: float) -> int:
    """Samples until `tau_s` has passed, the last one included; at least 1."""
    n = max(1, math.floor(tau_s / ts) - 1)
    while n * ts < tau_s:  # as the authors' program decides it, in the same arithmetic
        n += 1
    return n


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """Everything derived once from `Params` and the sample rate; kernels take `row`."""

    params: Params
    rate_hz: float
    row: Floats

    @staticmethod
    def of(rate_hz: float, params: Params | None = None) -> Coefficients:
        """For samples `1 / rate_hz` s apart in the sensor's own clock."""
        p = params or Params()
        ts = sample_period(rate_hz)
        row = np.zeros(COEFFICIENTS_SIZE)
        row[TS], row[START_ACC], row[START_REST] = ts, start_up(p.tau_acc_s, ts), start_up(p.rest_tau_s, ts)
        row[LP_ACC : LP_ACC + 5] = low_pass(p.tau_acc_s, ts)
        row[LP_REST : LP_REST + 5] = low_pass(p.rest_tau_s, ts)
        v = (0.1 * RAD) ** 2 * ts / p.bias_forgetting_s
        motion, rest = (p.bias_sigma_motion_dps * RAD) ** 2, (p.bias_sigma_rest_dps * RAD) ** 2
        row[P0], row[V] = (p.bias_sigma_init_dps * RAD) ** 2, v
        # the measurement variance with which the filter settles at the wanted 1σ
        row[W_MOTION], row[W_REST] = motion * motion / v + motion, rest * rest / v + rest
        row[W_VERTICAL] = row[W_MOTION] / max(p.bias_vertical_forgetting, 1e-10)
        row[REST_GYR2], row[REST_ACC2] = (p.rest_gyr_dps * RAD) ** 2, p.rest_acc**2
        row[REST_MIN_T], row[BIAS_CLIP] = p.rest_min_s, p.bias_clip_dps * RAD
        row[USE_MOTION], row[USE_REST] = float(p.motion_bias), float(p.rest_bias)
        row[DOUBT] = p.limb_speed / G / ts
        return Coefficients(p, float(rate_hz), row)
