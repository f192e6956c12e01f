"""Recorded squats of two people as recordings, whole, cut, mirrored, with straps turned or a fault added to them.

The recordings have no licence: they are read from outside the project, and nothing of them is kept in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import shared_data
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import imu
from imu.result import Result

Array = NDArray[np.float64]
DATA = shared_data.DATA / "squats"
PEOPLE = (3, 4)
LABELS = ("correct", "valgus", "butt_wink", "lean", "partial")
PLACES = {"pelvis": "waist", "thigh_right": "thigh", "shank_right": "shank"}


@dataclass(frozen=True, eq=False)
class SquatSet:
    """One set: device time µs, and per segment gyr rad/s, acc m/s²; windows (10, 2) µs, one around every repetition."""

    t_us: NDArray[np.int64]
    gyr: Mapping[str, Array]
    acc: Mapping[str, Array]
    windows: NDArray[np.int64]

    def recording(self, cut_us: int = 0) -> imu.Recording:
        """From `cut_us` on."""
        keep = self.t_us >= cut_us
        t = self.t_us[keep] - self.t_us[keep][0]
        return imu.Recording.from_samples({s: imu.Samples(t, self.gyr[s][keep], self.acc[s][keep]) for s in self.gyr})

    def turned(self, segment: str, rotation: Rotation, offset: Array) -> SquatSet:
        """The sensor sits turned on its segment; `offset` (3,) m/s², the error of its accelerometer, stays the device's."""
        gyr, acc = dict(self.gyr), dict(self.acc)
        gyr[segment] = rotation.apply(gyr[segment])
        acc[segment] = rotation.apply(acc[segment] - offset) + offset
        return SquatSet(self.t_us, gyr, acc, self.windows)

    def mirrored(self) -> SquatSet:
        """The same on the left leg, seen in a mirror whose normal is the sensors' x."""
        flip = np.array([-1.0, 1.0, 1.0])
        name = {"pelvis": "pelvis", "thigh_right": "thigh_left", "shank_right": "shank_left"}
        gyr = {name[s]: -flip * g for s, g in self.gyr.items()}  # rates are pseudovectors
        return SquatSet(self.t_us, gyr, {name[s]: flip * a for s, a in self.acc.items()}, self.windows)


def squat_set(person: int, label: str, k: int) -> SquatSet:
    """Set `k` of a label; the test is skipped without the recordings."""
    if not DATA.exists():
        pytest.skip("no validation recordings")
    return _read(f"s{person}_{label}_set{k}")


@cache
def _read(name: str) -> SquatSet:
    data = np.load(DATA / f"{name}.npz")
    t_us = (data["t_ms"].astype(np.int64) - int(data["t_ms"][0])) * 1000
    keep = np.concatenate([[True], np.diff(t_us) > 0])
    seq = data["seq"]
    first = np.searchsorted(seq, data["windows"][:, 0])
    last = np.minimum(np.searchsorted(seq, data["windows"][:, 1], side="right") - 1, len(seq) - 1)
    gyr = {s: data[f"gyr_{place}"][keep].astype(float) for s, place in PLACES.items()}
    acc = {s: data[f"acc_{place}"][keep].astype(float) for s, place in PLACES.items()}
    return SquatSet(t_us[keep], gyr, acc, np.column_stack([t_us[first], t_us[last]]))


@cache
def approved(person: int, k: int, corrected: bool = True) -> Result:
    """The person's approved set: `correct` number k, its accelerometers corrected with what it says itself."""
    recording = squat_set(person, "correct", k).recording()
    return imu.process(recording, drill="squat", correct_accelerometers=corrected)


def against(squats: SquatSet, baseline: Result) -> Result:
    return imu.process(squats.recording(), drill="squat", baseline=baseline)


def share(result: Result, name: str) -> float:
    """Of the ten repetitions, those that are named."""
    return sum(any(fault.startswith(name) for fault in r.faults) for r in result.repetitions) / 10


def offsets(baseline: Result) -> dict[str, Array]:
    """m/s², of every sensor's accelerometer, as found."""
    return {s.segment: np.array(s.acc_offset) for s in baseline.setup.sensors}


def pose(baseline: Result, segment: str) -> tuple[Array, Array]:
    """(up at the stand, axis it turns about) of a segment in its sensor's frame."""
    row = ("pelvis", "thigh_right", "shank_right").index(segment)
    up = np.mean([c.rest[row] for c in baseline.courses], axis=0)
    axis = np.array(baseline.approved.legs[0].axis[row])
    axis = axis - up * (axis @ up) / (up @ up)
    return up / np.linalg.norm(up), axis / np.linalg.norm(axis)


def with_fault(squats: SquatSet, baseline: Result, depth_deg: Callable[[Array], Array]) -> SquatSet:
    """The knee further in on the way down and up alike, by `depth_deg` of the thigh's tilt (deg): thigh and shank both lean
    towards the middle by so much, in the sensors' own signals."""
    clean = imu.process(squats.recording(), drill="squat", baseline=baseline)
    starts = [int(np.searchsorted(squats.t_us, c.t_rest_us)) for c in clean.courses]
    gyr = {s: g.copy() for s, g in squats.gyr.items()}
    acc = {s: a.copy() for s, a in squats.acc.items()}
    dt = np.diff(squats.t_us, append=squats.t_us[-1] + 9000)[:, None] * 1e-6
    for first, end in zip(starts, [*starts[1:], len(squats.t_us)], strict=True):
        tilt = np.zeros(end - first)
        for segment in ("thigh_right", "shank_right"):
            up, axis = pose(baseline, segment)
            w, error = squats.gyr[segment][first:end], offsets(baseline)[segment]
            turns = Rotation.from_rotvec(w * dt[first:end])
            r = [Rotation.identity()]
            for step in turns[:-1]:
                r.append(r[-1] * step)
            since = Rotation.concatenate(r)
            if segment == "thigh_right":
                tilt = np.degrees(np.arccos(np.clip(since.apply(up) @ up, -1.0, 1.0)))
            long = since.apply(up)
            about = np.cross(long, axis)  # the axis about which the segment's top goes sideways, wherever it points
            about /= np.linalg.norm(about, axis=1)[:, None]
            lean = Rotation.from_rotvec(-np.radians(depth_deg(tilt))[:, None] * about)
            leaning = lean * since
            gyr[segment][first : end - 1] = (leaning[:-1].inv() * leaning[1:]).as_rotvec() / dt[first : end - 1]
            acc[segment][first:end] = leaning.inv().apply(since.apply(acc[segment][first:end] - error)) + error
    return SquatSet(squats.t_us, gyr, acc, squats.windows)
