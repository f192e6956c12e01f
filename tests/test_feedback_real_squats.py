"""Recorded squats of two people with acted faults: counted exactly, knees judged without a baseline."""

from __future__ import annotations

import numpy as np
import pytest
import shared_data
from feedback_frames import DEG, Array, count, run, setup
from scipy.spatial.transform import Rotation

from imu.conventions import ANGLES, angle_column
from imu.feedback import DrillOutputs
from imu.outputs import FrameBlock

DATA = shared_data.DATA / "squats"
pytestmark = pytest.mark.validation
LABELS = ("correct", "valgus", "butt_wink", "lean", "partial")


class Leg:
    """One right leg of one set: gyroscope only between the standing pauses, because the accelerometers are biased."""

    def __init__(self, name: str) -> None:
        data = np.load(DATA / f"{name}.npz")
        ticks = (data["t_ms"] - data["t_ms"][0]) * 1000
        keep = np.concatenate([[True], np.diff(ticks) > 0])
        self.t_us = ticks[keep]
        self.gyr = {part: data[f"gyr_{part}"][keep].astype(float) for part in ("thigh", "shank")}
        self.acc = {part: data[f"acc_{part}"][keep].astype(float) for part in ("thigh", "shank")}
        speed = np.convolve(np.linalg.norm(self.gyr["thigh"], axis=1), np.ones(9) / 9, "same")
        borders = np.append(data["windows"][:, 0], data["windows"][-1, 1]) - data["seq"][0]
        self.rests = []
        for border in borders:
            low = max(border - 45, 4)
            high = min(border + 45, len(speed) - 5)
            self.rests.append(low + int(np.argmin(speed[low:high])))

    def axis(self, part: str) -> Array:
        """Flexion axis: first principal axis of the angular rate, sensor frame."""
        _, vectors = np.linalg.eigh(self.gyr[part].T @ self.gyr[part])
        return vectors[:, -1]

    def tilts(self, part: str, axis: Array) -> tuple[Array, Array, Array]:
        """(tilt, medial and forward tilt) against the rest before each repetition, rad; the sign of the axis is found
        here."""
        tilt, medial, forward = np.zeros((3, len(self.t_us)))
        gyr = self.gyr[part]
        dt = np.diff(self.t_us)[:, None] * 1e-6
        turns = Rotation.from_rotvec(0.5 * (gyr[1:] + gyr[:-1]) * dt).as_matrix()
        for start, end in zip(self.rests[:-1], self.rests[1:], strict=True):
            up = self.acc[part][start - 4 : start + 5].mean(axis=0)
            up /= np.linalg.norm(up)
            out = axis - up * (axis @ up)
            out /= np.linalg.norm(out)
            turned, long = np.eye(3), np.empty((end - start, 3))
            for i in range(start, end):
                long[i - start] = turned @ up
                turned = turned @ turns[i]
            rows = slice(start, end)
            tilt[rows] = np.arccos(np.clip(long @ up, -1.0, 1.0))
            medial[rows] = -np.arcsin(np.clip(long @ out, -1.0, 1.0))
            forward[rows] = long @ np.cross(up, out)
        sign = np.sign(forward[np.argmax(tilt)])
        return tilt, sign * medial, np.arcsin(np.clip(sign * forward, -1.0, 1.0))


def outputs(leg: Leg, axes: dict[str, Array], *, signed: bool = True) -> DrillOutputs:
    """Of a set; `signed`: the forward part of the tilts is known."""
    t_us = np.arange(0, leg.t_us[-1], 10_000)
    angle = np.full((len(t_us), len(ANGLES)), np.nan)
    knee = np.zeros(len(t_us))
    for part in ("thigh", "shank"):
        tilt, medial, forward = (np.interp(t_us, leg.t_us, x) for x in leg.tilts(part, axes[part]))
        if signed:
            angle[:, angle_column(f"{part}_sagittal_tilt", "right")] = forward
        angle[:, angle_column(f"{part}_tilt", "right")] = tilt
        angle[:, angle_column(f"{part}_frontal_tilt", "right")] = medial
        knee += tilt
    angle[:, angle_column("knee_flexion", "right")] = knee
    sigma = np.where(np.isnan(angle), np.nan, 2.5 * DEG)
    frames = FrameBlock(t_us, np.zeros((len(t_us), 2, 4)), angle, sigma, np.zeros(angle.shape, np.uint16))
    return run(frames, worn=setup(("thigh_right", "shank_right")))


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("person", [3, 4])
def test_recorded_squats_are_counted_timed_and_only_bad_knees_are_named(person, signed):
    good = Leg(f"s{person}_correct_set1")
    axes = {part: good.axis(part) for part in ("thigh", "shank")}
    named = {}
    for label in LABELS:
        for k in (1, 2):
            out = outputs(Leg(f"s{person}_{label}_set{k}"), axes, signed=signed)
            assert count(out) == 10, (label, k)
            for phases in (r.phases for r in out.repetitions):  # unknown: cut off by the start or end of the recording
                assert not phases.descent_s < 0.7
                assert not phases.descent_s > 3.0
                assert not phases.ascent_s < 0.6
                assert not phases.ascent_s > 3.0
                assert not phases.bottom_s > 1.2
            named[label, k] = sum("valgus_right" in r.faults for r in out.repetitions)
            assert not any("left" in fault for r in out.repetitions for fault in r.faults)
    assert named["correct", 1] == named["correct", 2] == 0
    assert min(named["valgus", 1], named["valgus", 2]) >= 9
    assert sum(n for (label, _), n in named.items() if label not in ("correct", "valgus")) <= 6
