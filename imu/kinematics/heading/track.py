"""The bands of one joint over a stretch of samples."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.kernels import kernel
from imu.kinematics.heading import band_filter
from imu.kinematics.heading.features import band_pass, feature
from imu.kinematics.heading.layout import CHANNELS, LAG, UNKNOWN_SIGMA, Record, Records
from imu.packets import Floats

STILL: Final = math.radians(4.0)
"""rad/s; both sensors slower for `STILL_S`: the joint holds, nothing is learnt and nothing drifts."""
STILL_S: Final = 1.0
DIRTY_S: Final = 0.3
"""After samples that were not measured: the bands ring for about as long."""
RESTART_S: Final = 1.5
"""After a hole in which nothing was known: the bands start from nothing."""


@kernel
def hold(joint: Record, bands: Records) -> None:
    """Nothing is known at this sample: the band-passes start anew with the next one that is."""
    joint["begun"], joint["dirty"] = 0, RESTART_S
    for b in range(len(bands)):
        memory = bands[b]["memory"]
        for i in range(2):
            for k in range(2):
                for c in range(CHANNELS):
                    memory[i, k, c] = 0.0


@kernel
def forget(bands: Records) -> None:
    """A sensor has started again, with a new heading."""
    for b in range(len(bands)):
        s = bands[b]
        s["acquiring"], s["excited"], s["apart"] = 1, 0.0, 0.0
        s["c_re"], s["c_im"], s["e1"], s["e2"] = 0.0, 0.0, 0.0, 0.0
        s["x"][1] = 0.0
        for a in range(8):
            for c in range(2):
                s["P"][a, c], s["P"][c, a] = 0.0, 0.0
        s["P"][0, 0], s["P"][1, 1] = UNKNOWN_SIGMA**2, band_filter.RATE_SIGMA**2


@kernel
def run(
    q1: Floats, q2: Floats, gyr1: Floats, gyr2: Floats, acc1: Floats, acc2: Floats, made: NDArray[np.bool_],
    bridged: Floats, renewed: NDArray[np.bool_], joint: Records, bands: Records, raw: Floats, h: Floats, e: Floats,
    ph: Floats, heading: Floats, var: Floats,
) -> None:  # fmt: skip
    """Samples 4 .. n of one joint; sample k is judged with those up to k, so the heading runs two samples late.

    q (n, 4), gyr, acc (n, 3) of both sensors, NaN = unknown; made (n,): at least one of them was not measured; bridged
    (n,) rad²: what the heading may have gone wrong by over a hole before the sample; renewed (n,): a sensor has a new
    heading. heading, var (n, bands): rad and rad².
    """
    g, ts = joint[0], 1.0 / joint[0]["rate"]
    dt = g["step"] * ts
    for k in range(len(q1)):
        m = k - LAG
        if renewed[k]:
            forget(bands)
        if bridged[k] > 0.0:
            for b in range(len(bands)):
                p = bands[b]["P"]
                p[0, 0] = min(p[0, 0] + bridged[k], UNKNOWN_SIGMA**2)
        known = m >= LAG
        if known:
            for i in range(m - LAG, m + LAG + 1):
                if not (q1[i, 0] == q1[i, 0] and q2[i, 0] == q2[i, 0]):
                    known = False
        if not known:
            hold(g, bands)
        else:
            feature(q1, acc1, gyr1, m, g["rate"], 0, raw)
            feature(q2, acc2, gyr2, m, g["rate"], 12, raw)
            if g["begun"] == 0:
                g["begun"] = 1
                for i in range(3):
                    g["offset"][i], g["offset"][3 + i] = raw[i], raw[12 + i]
            for i in range(3):
                raw[i] -= g["offset"][i]
                raw[12 + i] -= g["offset"][3 + i]
            for b in range(len(bands)):
                band_pass(bands[b], raw)
            dirt = False
            for i in range(m - LAG, m + LAG + 1):
                dirt = dirt or made[i]
            if dirt:
                g["dirty"] = max(g["dirty"], DIRTY_S)
            w1 = gyr1[m, 0] ** 2 + gyr1[m, 1] ** 2 + gyr1[m, 2] ** 2
            w2 = gyr2[m, 0] ** 2 + gyr2[m, 1] ** 2 + gyr2[m, 2] ** 2
            g["still"] = g["still"] + ts if max(w1, w2) < STILL * STILL else 0.0
        if g["dirty"] > 0.0:
            g["dirty"] = max(0.0, g["dirty"] - ts)
        g["count"] += 1
        if g["count"] >= g["step"]:
            g["count"] = 0
            if not known or g["still"] < STILL_S:
                for b in range(len(bands)):
                    band_filter.predict(bands[b], dt)
                    if known and g["dirty"] == 0.0:
                        band_filter.step(bands[b], dt, h, e, ph)
        for b in range(len(bands)):
            heading[k, b] = bands[b]["x"][0]
            var[k, b] = band_filter.variance(bands[b])
