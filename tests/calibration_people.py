"""Simulated people as perfect sensors see them, and the search for their calibration with any evidence of the headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from kinematics_bodies import DEG, RATE, part_of
from scipy.spatial.transform import Rotation

from firmware_sim.activities import ActivityBody, Plan
from imu.config import SensorSetup, Setup
from imu.conventions import SEGMENTS, G
from imu.fusion.grid import GridBlock
from imu.kinematics.calibration import Calibration, CalibrationSearch
from imu.outputs import Event

WORN = SEGMENTS[:7]
"""Everything but the trunk."""


@dataclass(frozen=True, slots=True, eq=False)
class Worn:
    """A person with sensors in any mounting, each with its own heading."""

    body: ActivityBody
    segments: tuple[str, ...]
    grid: GridBlock
    segment_to_earth: dict[str, Rotation]
    mounting: dict[str, Rotation]
    """R_segment_sensor."""
    heading: dict[str, float]

    def setup(self, **changes: object) -> Setup:
        return Setup(tuple(SensorSetup(f"serial {s}", s, 100.0, "samples") for s in self.segments)).with_(**changes)

    def delta(self, proximal: str, distal: str) -> float:
        return self.heading[proximal] - self.heading[distal]


def wearing(
    seed: int, plan: Plan, segments: Sequence[str] = WORN, mounting_seed: int = 0, heading_seed: int = 0
) -> Worn:  # fmt: skip
    body = ActivityBody.performing(seed, plan)
    t = np.arange(int(body.seconds * RATE)) / RATE
    m, n = len(t), len(segments)
    q, gyr, acc = np.empty((m, n, 4)), np.empty((m, n, 3)), np.empty((m, n, 3))
    rng = np.random.default_rng((seed, heading_seed))
    levers = np.random.default_rng(seed).normal(0.0, 0.03, (len(SEGMENTS), 3))
    true, mounting, heading = {}, {}, {}
    for j, segment in enumerate(segments):
        pose = body.pose(segment, t)
        r = true[segment] = Rotation.from_matrix(pose.rotation)
        place = pose.origin + r.apply(levers[SEGMENTS.index(segment)])
        moved = np.gradient(np.gradient(place, t, axis=0), t, axis=0)
        mounting[segment] = Rotation.random(random_state=1000 * mounting_seed + SEGMENTS.index(segment))
        heading[segment] = rng.uniform(-np.pi, np.pi)
        sensor = r * mounting[segment]
        q[:, j] = (Rotation.from_euler("z", heading[segment]) * sensor).as_quat(scalar_first=True)
        step = (sensor[:-1].inv() * sensor[1:]).as_rotvec() * RATE
        gyr[:, j] = 0.5 * (np.vstack([step[:1], step]) + np.vstack([step, step[-1:]]))
        acc[:, j] = sensor.inv().apply(moved + np.array([0.0, 0.0, G]))
    grid = GridBlock(np.round(t * 1e6).astype(np.int64), q, gyr, acc, np.zeros((m, n), np.uint16))
    return Worn(body, tuple(segments), grid, true, mounting, heading)


class Evidence:
    """True heading of every joint plus a constant error, told with its sigma; None = the accelerations tell nothing."""

    def __init__(self, worn: Worn, search: CalibrationSearch, sigma: float | None = 2 * DEG, seed: int = 0) -> None:
        self._worn, self._search, self._sigma = worn, search, sigma
        self._errors = np.random.default_rng(seed).normal(0.0, 1.0, len(search.joints))

    def __call__(self, k: int) -> tuple[float, float]:
        if self._sigma is None:
            return float("nan"), float("inf")
        joint, names = self._search.joints[k], self._worn.segments
        true = self._worn.delta(names[joint.proximal], names[joint.distal])
        return true + self._sigma * float(self._errors[k]), self._sigma


def searched(
    worn: Worn,
    sigma: float | None = 2 * DEG,
    frames: int | None = None,
    stored: Calibration | None = None,
    redo: Sequence[tuple[str, int]] = (),
    grid: GridBlock | None = None,
    **changes: object,
) -> tuple[CalibrationSearch, list[Event], list[tuple[int, Calibration | None]]]:
    """All frames, `frames` at a time: the search, what happened, and every calibration with the frame it holds from."""
    search = CalibrationSearch(worn.setup(**changes), stored)
    evidence, events = Evidence(worn, search, sigma), list[Event]()
    grid = grid or worn.grid
    step = frames or len(grid)
    history: list[tuple[int, Calibration | None]] = []
    for start in range(0, len(grid), step):
        block, row = part_of(grid, start, start + step), 0
        for segment, t_us in redo:
            if block.t_us[0] <= t_us <= block.t_us[-1]:
                search.redo(segment, t_us)
        while row < len(block) and search.open:
            row, why = search.scan(block, row)
            search.decide(why, evidence, events)
            if not history or history[-1][1] != search.calibration:
                history.append((start + row, search.calibration))
    return search, events, history


def axis_error(worn: Worn, calibration: Calibration, segment: str) -> float:
    """rad about the vertical, from the true flexion axis to the one found, at the stand."""
    found = calibration.of(segment)
    assert found is not None
    assert found.q_sensor_segment is not None, found.reason
    frame = Rotation.from_quat(found.q_sensor_segment, scalar_first=True)
    stand = worn.segment_to_earth[segment][calibration.stand_us[0] // 10_000 + 50]
    z, true = ((stand * r).apply([0.0, 0.0, 1.0]) for r in (worn.mounting[segment] * frame, Rotation.identity()))
    return float(np.remainder(np.arctan2(z[1], z[0]) - np.arctan2(true[1], true[0]) + np.pi, 2 * np.pi) - np.pi)
