"""What relative orientation is measured on: two sensors on segments that are joined at a point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imu.conventions import G
from imu.fusion.quaternion import conj_array, mul_array, rotate_array
from imu.packets import Floats

KEYS = ("gyr_1", "acc_1", "gyr_2", "acc_2", "ref_quat_1", "ref_quat_2", "fs", "dof")
JOINT_OF_DOF = {1: "hinge", 2: "saddle", 3: "spherical"}


@dataclass(frozen=True, slots=True, eq=False)
class Linkage:
    """Samples of both sensors, equally spaced, and their true relative orientation."""

    name: str
    rate_hz: float
    joint: str
    """As `relative_orientation` names it."""
    gyr_1: Floats
    """(n, 3) rad/s."""
    acc_1: Floats
    """(n, 3) m/s², including gravity."""
    gyr_2: Floats
    acc_2: Floats
    q_1: Floats
    """(n, 4) true q_earth_sensor of sensor 1."""
    q_1_2: Floats
    """(n, 4) true orientation of sensor 2 as sensor 1 sees it."""

    def __len__(self) -> int:
        return len(self.gyr_1)

    def start(self, wrong_by: float) -> Floats:
        """(4,) the orientation at the start, with a heading that is wrong by so many rad."""
        up = rotate_array(conj_array(self.q_1[0]), np.array([0.0, 0.0, 1.0]))
        turn = np.concatenate([[np.cos(0.5 * wrong_by)], np.sin(0.5 * wrong_by) * up])
        return mul_array(turn, self.q_1_2[0])


def is_linkage(path: Path) -> bool:
    """An .npz with two sensors and their references."""
    if path.suffix.lower() != ".npz" or not path.is_file():
        return False
    try:
        with np.load(path, allow_pickle=False) as archive:
            return set(archive.files) >= set(KEYS)
    except (OSError, ValueError):
        return False


def linkage_files(paths: Sequence[Path]) -> list[Path]:
    """Those of the files, and of the files in the folders, that are linkages."""
    inside = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    return [file for file in inside if is_linkage(file)]


def load_linkage(path: Path) -> Linkage:
    """An .npz with `KEYS`: gyr rad/s, acc m/s², ref_quat_i (n, 4) sensor to earth, fs Hz, dof 1 to 3."""
    with np.load(path, allow_pickle=False) as archive:
        a = {key: np.array(archive[key], np.float64, order="C") for key in KEYS}
    joint = JOINT_OF_DOF[int(a["dof"])]
    reference = mul_array(conj_array(a["ref_quat_1"]), a["ref_quat_2"])
    return Linkage(
        path.stem, float(a["fs"]), joint, a["gyr_1"], a["acc_1"], a["gyr_2"], a["acc_2"], a["ref_quat_1"], reference
    )


def synthetic_linkage(
    joint: str = "spherical", seconds: float = 60.0, rate_hz: float = 100.0, seed: int = 1, drift: float = 0.0,
    push: float = 1.0,
) -> Linkage:  # fmt: skip
    """Smooth random motion with sensor noise; the arms are about 0.15 m, the axis of a hinge is x of sensor 1.

    drift : rad/s, error of gyroscope 2 about its own z axis.
    push : m/s², acceleration of the joint, rms per axis.
    """
    rng = np.random.default_rng(seed)
    n = round(seconds * rate_hz)
    t = np.arange(n) / rate_hz
    q_1 = _turned(_waves(rng, t, 3, (0.2, 0.8), 0.4))
    bend = _waves(rng, t, 3, (0.2, 0.8), 0.4)
    if joint == "hinge":
        bend[:, 1:] = 0.0
    mounting = rng.normal(size=4)
    q_1_2 = mul_array(_turned(bend), mounting / np.linalg.norm(mounting))
    centre = _waves(rng, t, 3, (0.5, 3.0), push) + np.array([0.0, 0.0, G])
    samples: list[Floats] = []
    for q, arm in ((q_1, (0.12, 0.03, -0.02)), (mul_array(q_1, q_1_2), (-0.15, 0.02, 0.03))):
        steps = mul_array(conj_array(q[:-2]), q[2:])
        steps *= np.sign(steps[:, :1])
        half = np.arctan2(np.linalg.norm(steps[:, 1:], axis=1), steps[:, 0])[:, None]
        gyr = np.zeros((n, 3))
        gyr[1:-1] = steps[:, 1:] / np.sinc(half / np.pi) * rate_hz
        gyr[0], gyr[-1] = gyr[1], gyr[-2]
        r = np.array(arm)
        acc = rotate_array(conj_array(q), centre) + np.cross(np.gradient(gyr, 1.0 / rate_hz, axis=0), r)
        acc += np.cross(gyr, np.cross(gyr, r)) + rng.normal(0.0, 0.02, (n, 3))
        error = np.array([0.0, 0.0, drift]) if samples else 0.0
        samples += [gyr + error + rng.normal(0.0, 0.002, (n, 3)), acc]
    gyr_1, acc_1, gyr_2, acc_2 = samples
    return Linkage(f"synthetic {joint}, {seconds:g} s", rate_hz, joint, gyr_1, acc_1, gyr_2, acc_2, q_1, q_1_2)


def _waves(rng: np.random.Generator, t: Floats, columns: int, band_hz: tuple[float, float], size: float) -> Floats:
    """(n, columns) sums of four sines of random frequencies and phases, zero at the start and of rms about `size`."""
    f, phase = rng.uniform(*band_hz, (4, columns)), rng.uniform(0.0, 2.0 * np.pi, (4, columns))
    x = np.sin(2.0 * np.pi * f * t[:, None, None] + phase).sum(axis=1) * (size / np.sqrt(2.0))
    return x * np.minimum(1.0, t / 1.0)[:, None] ** 2


def _turned(angles: Floats) -> Floats:
    """(n, 4) turns about x, then y, then z of what was turned, (n, 3) rad."""
    q = np.array([[1.0, 0.0, 0.0, 0.0]])
    for axis in range(3):
        turn = np.zeros((len(angles), 4))
        turn[:, 0], turn[:, 1 + axis] = np.cos(0.5 * angles[:, axis]), np.sin(0.5 * angles[:, axis])
        q = mul_array(q, turn)
    return q
