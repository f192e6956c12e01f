"""Relative orientation of two sensors on a joint: how wrong, how sure, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from imu.bench.linkage import Linkage
from imu.bench.stopwatch import no_collection
from imu.bench.tables import Column, Table
from imu.fusion.grid import GridBlock
from imu.fusion.quaternion import angle_array
from imu.kinematics.heading import Headings, JointSpec, relative_orientation
from imu.packets import Floats

AFTER_S = 20.0
"""Errors count from here on."""
WRONG_START_DEG = 20.0
SPEED_FRAMES = 60_000
LEG = (JointSpec(0, 1, "hip"), JointSpec(1, 2, "knee"), JointSpec(0, 3, "hip"), JointSpec(3, 4, "knee"))
"""Pelvis, left thigh, left shank, right thigh, right shank."""


def errors_deg(linkage: Linkage, q: Floats) -> Floats:
    """(k,) angle between q (n, 4) and the truth from AFTER_S on, for the better of the truth as it is and a sample late."""
    first = round(AFTER_S * linkage.rate_hz)
    truth = linkage.q_1_2
    late = np.concatenate([truth[:1], truth[:-1]])
    found = [np.degrees(angle_array(reference, q)[first:]) for reference in (truth, late)]
    return min(found, key=lambda e: float(np.nanmean(e * e)))


def linkages_table(linkages: Sequence[Linkage]) -> Table:
    """Total angle of the relative orientation."""
    rows = []
    for one in linkages:
        q, sigma = relative_orientation(
            one.gyr_1, one.acc_1, one.gyr_2, one.acc_2, one.rate_hz, one.joint,
            q_1_2_start=one.start(np.radians(WRONG_START_DEG)),
        )  # fmt: skip
        errors = errors_deg(one, q)
        first = round(AFTER_S * one.rate_hz)
        unknown = float(np.mean(np.isnan(errors)))
        sigma_deg = float(np.degrees(np.mean(sigma[first:][np.isfinite(errors)])))
        rmse, largest = float(np.sqrt(np.nanmean(errors**2))), float(np.nanmax(errors))
        rows.append((one.name, (one.joint, rmse, largest, sigma_deg, unknown)))
    return Table(
        "headings",
        "Relative orientation of two joined sensors, °",
        f"Total angle from {AFTER_S:g} s on, start heading wrong by {WRONG_START_DEG:g}°; smaller is better.",
        (Column("joint", "s"), Column("RMSE °"), Column("largest °"), Column("mean heading σ °"), Column("unknown", ".1%")),
        tuple(rows),
    )


def speed_table(linkage: Linkage, rounds: int) -> Table:
    """ns per joint and frame of two legs and a pelvis on the grid."""
    n = SPEED_FRAMES
    times = -(-n // len(linkage))
    gyr, acc = (np.tile(np.stack([a, b], axis=1), (times, 1, 1))[:n] for a, b in (
        (linkage.gyr_1, linkage.gyr_2), (linkage.acc_1, linkage.acc_2)
    ))  # fmt: skip
    sensor = np.array([0, 1, 0, 1, 0])
    q = np.zeros((n, 5, 4))
    q[:, :, 0] = 1.0
    grid = GridBlock(
        np.arange(n) * 10_000, q, np.ascontiguousarray(gyr[:, sensor]), np.ascontiguousarray(acc[:, sensor]),
        np.zeros((n, 5), np.uint16),
    )  # fmt: skip
    delta, sigma = np.empty((n, len(LEG))), np.empty((n, len(LEG)))
    found = []
    with no_collection():
        for _ in range(rounds):
            headings = Headings(LEG, 100.0)
            began = time.perf_counter_ns()
            headings.run(grid, 0, n, delta, sigma)
            found.append((time.perf_counter_ns() - began) / (n * len(LEG)))
    return Table(
        "heading",
        f"Speed of relative headings: {len(LEG)} joints of 5 sensors, {n} frames of 100 Hz",
        "ns per joint and frame; smaller is better.",
        (Column("median", ".0f"), Column("lowest", ".0f"), Column("highest", ".0f")),
        (("headings", (float(np.median(found)), min(found), max(found))),),
    )
