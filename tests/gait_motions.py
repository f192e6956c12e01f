"""Legs that swing about a hip in the sagittal plane, as sensors of any mounting on them measure it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from imu.conventions import G
from imu.fusion.grid import GridBlock

Array = NDArray[np.float64]
DEG = np.pi / 180
RATE = 100.0
THIGH, SHANK = 0.42, 0.42
AT = {"thigh": 0.25, "shank": 0.20, "foot": 0.12}
"""m from its upper joint to the sensor."""


def leg_samples(t: Array, thigh: Array, shank: Array, foot: Array) -> dict[str, tuple[Array, Array]]:
    """Angles from the vertical, rad, + forward (toes up), hip fixed -> part: (rate about the axis to the right, acc (n, 2)
    forward and up with gravity, in the axes of the segment)."""

    def along(angle: Array, length: float) -> Array:
        return length * np.stack([np.sin(angle), -np.cos(angle)], axis=1)

    knee, ankle = along(thigh, THIGH), along(thigh, THIGH) + along(shank, SHANK)
    toe = AT["foot"] * np.stack([np.cos(foot), np.sin(foot)], axis=1)
    places = {"thigh": along(thigh, AT["thigh"]), "shank": knee + along(shank, AT["shank"]), "foot": ankle + toe}
    out = {}
    for part, angle in (("thigh", thigh), ("shank", shank), ("foot", foot)):
        acc = CubicSpline(t, places[part])(t, 2) + np.array([0.0, G])
        c, s = np.cos(angle), np.sin(angle)
        rate = CubicSpline(t, angle)(t, 1)
        out[part] = rate, np.stack([c * acc[:, 0] + s * acc[:, 1], -s * acc[:, 0] + c * acc[:, 1]], axis=1)
    return out


def block(
    t: Array, legs: Mapping[str, tuple[Array, Array, Array]], parts: tuple[str, ...], seed: int
) -> tuple[list[str], GridBlock]:
    """Grid of the sensors on these parts of the legs `side: (thigh, shank, foot)`, mounted at random, with noise."""
    rng = np.random.default_rng(seed)
    names, gyr, acc = [], [], []
    for side, angles in legs.items():
        samples = leg_samples(t, *angles)
        for part in parts:
            rate, force = samples[part]
            mounting = Rotation.random(rng=rng)
            w = np.stack([0.0 * rate, 0.0 * rate, rate], axis=1)
            f = np.concatenate([force, np.zeros((len(t), 1))], axis=1)
            gyr.append(mounting.apply(w) + rng.normal(0.0, 0.005, w.shape))
            acc.append(mounting.apply(f) + rng.normal(0.0, 0.03, f.shape))
            names.append(f"{part}_{side}")
    m, n = len(t), len(names)
    q = np.zeros((m, n, 4))
    q[:, :, 0] = 1.0
    stamps = np.round(t * 1e6).astype(np.int64)
    # as the pipeline gives them: for every other order of the axes the kernels would be compiled anew
    rates, forces = (np.ascontiguousarray(np.stack(a, axis=1)) for a in (gyr, acc))
    return names, GridBlock(stamps, q, rates, forces, np.zeros((m, n), np.uint16))


def time(seconds: float) -> Array:
    return np.arange(round(seconds * RATE)) / RATE


def pedalling(t: Array, per_minute: float, phase: float) -> tuple[Array, Array, Array]:
    """A seated cyclist's leg: crank of 170 mm, hip and crank fixed."""
    turn = 2.0 * np.pi * per_minute / 60.0 * t + phase
    pedal = np.stack([0.22 + 0.17 * np.cos(turn), -0.62 - 0.17 * np.sin(turn)], axis=1)
    far = np.linalg.norm(pedal, axis=1)
    knee = np.arccos(np.clip((far**2 - THIGH**2 - SHANK**2) / (2.0 * THIGH * SHANK), -1.0, 1.0))
    line = np.arctan2(pedal[:, 0], -pedal[:, 1])
    thigh = line + np.arctan2(SHANK * np.sin(knee), THIGH + SHANK * np.cos(knee))
    return thigh, thigh - knee, -10.0 * DEG + 15.0 * DEG * np.sin(turn + 1.0)


def swinging(t: Array, per_minute: float, degrees: float) -> tuple[Array, Array, Array]:
    """A leg that swings to and fro from the hip, the other hand at a rail; the knee gives a little."""
    phase = 2.0 * np.pi * per_minute / 60.0 * t
    share = np.clip(t / 3.0, 0.0, 1.0)
    thigh = degrees * DEG * share * np.sin(phase)
    shank = thigh - 12.0 * DEG * share * (1.0 - np.cos(phase - 0.8)) / 2.0
    return thigh, shank, shank


def standing(t: Array, seed: int) -> tuple[Array, Array, Array]:
    """Sway of a few tenths of a degree."""
    rng = np.random.default_rng(seed)
    sway = sum(0.3 * DEG * np.sin(2.0 * np.pi * f * t + rng.uniform(0.0, 6.3)) for f in (0.23, 0.41, 0.67))
    return sway, -sway, 0.0 * t


def kicking(t: Array, period_s: float, degrees: float) -> tuple[Array, Array, Array]:
    """Seated: the knee is extended, held and let down again."""
    share = t / period_s % 1.0
    up = np.clip(share / 0.25, 0.0, 1.0) - np.clip((share - 0.5) / 0.25, 0.0, 1.0)
    smooth = up**3 * (10.0 - 15.0 * up + 6.0 * up**2)
    shank = degrees * DEG * smooth
    return np.full(len(t), 88.0 * DEG), shank, shank
