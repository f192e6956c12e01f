"""Relative heading of every joint, frame by frame: sensors, then joints, then the sources put together."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from imu.kernels import kernel
from imu.kinematics.heading import bands, features
from imu.kinematics.heading.layout import WINDOW
from imu.kinematics.heading.params import BANDS
from imu.kinematics.layout import Record, Records
from imu.packets import Floats


@kernel
def turn_to_earth(q: Floats) -> tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]:
    """Rows of the rotation matrix of q w, x, y, z (the first four of a ring)."""
    w, x, y, z = q[0], q[1], q[2], q[3]
    return (
        (1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y - w * z), 2.0 * (x * z + w * y)),
        (2.0 * (x * y + w * z), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z - w * x)),
        (2.0 * (x * z - w * y), 2.0 * (y * z + w * x), 1.0 - 2.0 * (x * x + y * y)),
    )


@kernel
def gather_axes(joint: Record, ring1: Floats, ring2: Floats, c: Record) -> None:
    """Sums of products of the turns to earth, R1 and R2, of both sensors (q (4,) of each): see `axes`.

    The mean over time of v1h conj(v2h), v = R z the axis and h its horizontal part as a complex number, is z1ᵀ M z2 for any
    axes, with M the mean of products of the rows of R1 and R2; so axes can come, change and go without losing the past.
    """
    a, b = turn_to_earth(ring1), turn_to_earth(ring2)
    kept = c["axes_kept"]
    joint["weight"] = kept * joint["weight"] + 1.0
    joint["axes_extra"] *= kept
    m_re, m_im, n11, n22, n12 = joint["m_re"], joint["m_im"], joint["n11"], joint["n22"], joint["n12"]
    for i in range(3):
        for j in range(3):
            m_re[i, j] = kept * m_re[i, j] + a[0][i] * b[0][j] + a[1][i] * b[1][j]
            m_im[i, j] = kept * m_im[i, j] + a[1][i] * b[0][j] - a[0][i] * b[1][j]
            n11[i, j] = kept * n11[i, j] + a[2][i] * a[2][j]
            n22[i, j] = kept * n22[i, j] + b[2][i] * b[2][j]
            n12[i, j] = kept * n12[i, j] + a[2][i] * b[2][j]


@kernel
def form(u: Floats, m: Floats, v: Floats) -> float:
    """uᵀ m v."""
    total = 0.0
    for i in range(3):
        for j in range(3):
            total += u[i] * m[i, j] * v[j]
    return total


@kernel
def axes_heading(joint: Record, c: Record) -> tuple[float, float]:
    """Heading by the flexion axis and its variance; NaN if there is none or it stands too upright."""
    weight = joint["weight"]
    if joint["axes_known"] == 0 or weight < 1.0:
        return math.nan, math.nan
    z1, z2 = joint["z1"], joint["z2"]
    re, im = form(z1, joint["m_re"], z2), form(z1, joint["m_im"], z2)
    share = math.hypot(re, im) / weight
    if share < c["axes_share"]:
        return math.nan, math.nan
    upright = form(z1, joint["n11"], z1) + form(z2, joint["n22"], z2) - 2.0 * form(z1, joint["n12"], z2)
    variance = joint["floor"] ** 2 + (2.0 * joint["axes_sigma"]) ** 2 + max(upright, 0.0) / weight
    return math.atan2(im, re), variance / share + joint["axes_extra"]


@kernel
def fuse(joint: Record, band: Records, c: Record) -> None:
    """Weights 1 / V²; V = Σ w V: the sources share prior and errors, so that together they are no better than the best.

    What they differ by is added.
    """
    total, re, im, variance = 0.0, 0.0, 0.0, 0.0
    for k in range(BANDS + 2):
        if k < BANDS:
            if band[k]["searching"] != 0:
                continue
            d, v = band[k]["x"][0], band[k]["variance"]
        elif k == BANDS:
            if joint["pose_known"] == 0:
                continue
            d, v = joint["pose"], joint["pose_var"]
        else:
            d, v = axes_heading(joint, c)
            if math.isnan(d):
                continue
        w = 1.0 / (v * v)
        total += w
        re += w * math.cos(d)
        im += w * math.sin(d)
        variance += w * v
    if total > 0.0:
        # sources that disagree are less sure than they say: their spread about the mean, 2 (1 - R) for small angles
        variance = (variance + 2.0 * (total - math.hypot(re, im))) / total
    if total > 0.0 and variance < bands.FULL_TURN2:
        joint["delta"], joint["sigma"] = math.atan2(im, re), math.sqrt(variance)
    else:
        joint["delta"], joint["sigma"] = math.nan, math.pi
    joint["changed"] = 0


@kernel
def lose(joint: Record, band: Records, c: Record) -> None:
    """A sensor of the joint has a new heading."""
    for k in range(BANDS):
        bands.lose_heading(band[k], c)
    lose_others(joint)


@kernel
def turn_back(joint: Record, band: Records, c: Record) -> None:
    """The motion is seen in reverse from here on."""
    for k in range(BANDS):
        known, delta, scale = band[k]["searching"] == 0, band[k]["x"][0], band[k]["x"][2]
        scale2 = band[k]["p"][2, 2]
        bands.lose_heading(band[k], c)
        band[k]["x"][2], band[k]["p"][2, 2] = scale, scale2
        if known:
            bands.start_at(band[k], delta, c["start_sigma"], c)
            bands.judge(band[k], c)
    lose_others(joint)


@kernel
def lose_others(joint: Record) -> None:
    """What poses and axes told is void."""
    joint["pose_known"], joint["weight"], joint["axes_extra"] = 0, 0.0, 0.0
    for i in range(3):
        for j in range(3):
            joint["m_re"][i, j] = joint["m_im"][i, j] = 0.0
            joint["n11"][i, j] = joint["n22"][i, j] = joint["n12"][i, j] = 0.0
    joint["still"], joint["changed"] = 0, 1


@kernel
def _rate2(ring: Floats, m: int) -> float:
    return ring[m, 4] ** 2 + ring[m, 5] ** 2 + ring[m, 6] ** 2


@kernel
def follow(
    number: int, joint: Record, one: Record, two: Record, band: Records, c: Record, h: Floats, ph: Floats
) -> None:  # fmt: skip
    """One frame of one joint, its sensors one and two with their features."""
    if one["restarted"] != 0 or two["restarted"] != 0:
        lose(joint, band, c)
    doubt = one["doubt"] + two["doubt"]
    if doubt > 0.0:
        for k in range(BANDS):
            bands.doubt(band[k], doubt, c)
        joint["pose_var"] += doubt
        joint["axes_extra"] += doubt
        joint["changed"] = 1
    m = (number + 3) % WINDOW
    known = one["known"] >= WINDOW and two["known"] >= WINDOW
    clean = min(one["clean"], two["clean"])
    if not known:
        joint["still"] = 0
    elif clean >= WINDOW - 1:  # what was made up says neither that they move nor that they do not
        slow = max(_rate2(one["ring"], m), _rate2(two["ring"], m)) < c["still_rate"] ** 2
        joint["still"] = joint["still"] + 1 if slow else 0
    if number % c["step"] == 0:
        turn = 0.5 * (one["turn"] + two["turn"])
        still_s = joint["still"] * c["dt"]
        if still_s < c["still_s"]:
            for k in range(BANDS):
                bands.predict(band[k], turn, c)
        elif still_s >= c["rest_s"]:
            for k in range(BANDS):
                bands.forget_rate(band[k], c)
        age = c["pose_drift"] * c["step_s"]
        sigma = math.sqrt(joint["pose_var"]) + age
        joint["pose_var"] = sigma * sigma
        if known and clean >= WINDOW - 1:
            gather_axes(joint, one["ring"][m], two["ring"][m], c)
            for k in range(BANDS):
                if (
                    still_s < c["still_s"]
                    and min(one["since"], two["since"]) > c["settle"][k]
                    and clean >= WINDOW - 1 + c["dirty"][k]
                ):
                    bands.learn(band[k], one["feature"][k], two["feature"][k], c, h, ph)
        for k in range(BANDS):
            bands.judge(band[k], c)
        joint["changed"] = 1
    if joint["changed"] != 0:
        fuse(joint, band, c)


@kernel
def run(
    number: int, start: int, stop: int, q: Floats, gyr: Floats, acc: Floats, flags: NDArray[np.uint16], c: Record,
    sensors: Records, joints: Records, band: Records, x: Floats, h: Floats, ph: Floats, delta: Floats, sigma: Floats,
) -> None:  # fmt: skip
    """Frames start..stop; the first of them is frame `number` since the beginning.

    q (m, S, 4) q_earth_sensor, gyr, acc (m, S, 3), flags (m, S) of the grid; sensors (S,), joints (J,), band (J, BANDS)
    this room's states; x (12,), h (3, STATE), ph (STATE,) scratch.
    delta, sigma (m, J) rad are written: NaN, π where the heading is not known.
    """
    for row in range(start, stop):
        for j in range(len(sensors)):
            features.sense(sensors[j], number, q[row, j], gyr[row, j], acc[row, j], flags[row, j], c, x)
        for j in range(len(joints)):
            joint = joints[j]
            one: Record = sensors[joint["proximal"]]  # pyright: ignore[reportAssignmentType]
            two: Record = sensors[joint["distal"]]  # pyright: ignore[reportAssignmentType]
            follow(number, joint, one, two, band[j], c, h, ph)
            delta[row, j], sigma[row, j] = joint["delta"], joint["sigma"]
        for j in range(len(sensors)):
            sensors[j]["restarted"] = 0
            if number % c["step"] == 0:
                sensors[j]["turn"] = 0.0
        number += 1
