"""The grid that gets packets, against the definition of its frames from all samples; what its interpolation is worth."""

from __future__ import annotations

import numpy as np
import pytest
from fusion_streams import turn
from grid_sessions import streamed, worn
from reference.grid_twin import Session, on_the_way
from scipy.spatial.transform import Rotation
from shared_data import DATA

from imu.fusion import Grid, GridBlock, OrientationFilter, interpolation
from imu.fusion.channel import PoseBlock
from imu.fusion.grid import GridParams
from imu.fusion.quaternion import angle_array, conj_array, mul_array, normalise_array, slerp_array


def assert_same_frames(made: GridBlock, defined: GridBlock, what: str) -> None:
    np.testing.assert_array_equal(made.t_us, defined.t_us, err_msg=what)
    np.testing.assert_array_equal(made.known_us, defined.known_us, err_msg=what)
    np.testing.assert_array_equal(made.flags, defined.flags, err_msg=what)
    np.testing.assert_array_equal(np.isnan(made.q), np.isnan(defined.q), err_msg=what)
    known = ~np.isnan(made.q[..., 0])
    assert angle_array(made.q[known], defined.q[known]).max(initial=0.0) < 1e-9, what
    np.testing.assert_allclose(made.gyr, defined.gyr, atol=1e-12, err_msg=what)
    np.testing.assert_allclose(made.acc, defined.acc, atol=1e-12, err_msg=what)


@pytest.mark.parametrize("first_seed", range(0, 160, 40))
def test_frames_are_those_of_the_definition_in_packets_of_any_size(first_seed: int) -> None:
    """Seen: a session whose first sample came too late, and one in which a sensor ended early behind a slow radio, had
    some frames more or fewer with large packets."""
    away = known = 0
    for seed in range(first_seed, first_seed + 40):
        rng = np.random.default_rng(seed)
        sensors = [worn(rng, k) for k in range(int(rng.integers(1, 4)))]
        rate_hz, wait_us = float(rng.choice([50.0, 60.0, 100.0])), int(rng.choice([40_000, 150_000, 200_000, 250_000]))
        params = GridParams() if rng.random() < 0.7 else GridParams(120_000, 30_000, 0)
        defined = Session([s.block for s in sensors], rate_hz, wait_us, params).frames()
        for sizes in ([1] * 3, rng.integers(1, 26, 3).tolist(), [1000] * 3):
            assert_same_frames(streamed(sensors, sizes, rate_hz, wait_us, params), defined, f"seed {seed}, packets {sizes}")
        away += int(np.isnan(defined.q[..., 0]).sum())
        known += int(np.isfinite(defined.q[..., 0]).sum())
    assert min(away, known) > 1000


def test_kernel_equals_its_twin() -> None:
    rng = np.random.default_rng(0)
    for size in (1e-12, 1e-6, 0.1, 3.0):
        a = normalise_array(rng.normal(size=(100, 4)))
        turned = Rotation.from_rotvec(rng.uniform(-size, size, (100, 3)) / 2).as_quat(scalar_first=True)
        b = mul_array(a, turned) * rng.choice([-1.0, 1.0], (100, 1))
        rates = rng.normal(size=(2, 100, 3)) * size / 0.02
        for k in range(100):
            share = float(rng.random())
            ours = interpolation.on_the_way(a[k], b[k], rates[0, k], rates[1, k], 0.02, share)
            expected = on_the_way(a[k], b[k], rates[0, k], rates[1, k], 0.02, share)
            assert angle_array(np.array(ours), expected) < 1e-12


def block_of(t_us: np.ndarray, q: np.ndarray, gyr: np.ndarray) -> PoseBlock:
    return PoseBlock(t_us, q, gyr, np.zeros((len(t_us), 3)), np.zeros(len(t_us), np.uint16))


def frames_of(block: PoseBlock, rate_hz: float) -> GridBlock:
    grid = Grid(1, rate_hz, 200_000)
    grid.push(0, block, 20_000)
    return grid.take()


def test_constant_rate_about_any_axis_is_exact_with_any_bias_left_in() -> None:
    t = np.arange(200) / 57.0
    rate = np.array([1.0, -4.0, 2.5])
    for bias in (0.0, 0.3):
        q = Rotation.from_rotvec(t[:, None] * rate).as_quat(scalar_first=True)
        block = block_of(np.rint(t * 1e6).astype(np.int64), q, np.tile(rate + bias, (200, 1)))
        frames = frames_of(block, 1000.0)
        truth = Rotation.from_rotvec(frames.t_us[:, None] * 1e-6 * rate).as_quat(scalar_first=True)
        # times are whole µs: half of one at 4.8 rad/s
        assert angle_array(frames.q[:, 0], truth).max() < 3e-6


@pytest.mark.parametrize("meaning", ["instant", "mean"])
def test_swinging_limb_is_followed_between_slow_samples(meaning: str) -> None:
    """Whether a sensor reports the rate at its instant or the mean since the sample before."""
    rate_hz, w = 57.0, 2 * np.pi * 1.5

    def angle(t: np.ndarray) -> np.ndarray:
        return 1.2 * np.sin(w * t)

    t_us = np.rint(np.arange(600) * 1e6 / rate_hz).astype(np.int64)
    t = t_us * 1e-6
    speed = 1.2 * w * np.cos(w * t) if meaning == "instant" else (angle(t) - angle(t - 1 / rate_hz)) * rate_hz
    gyr = np.stack([0 * t, speed, 0 * t], axis=1)
    frames = frames_of(block_of(t_us, turn(1, angle(t)), gyr), 500.0)
    truth = turn(1, angle(frames.t_us * 1e-6))
    wrong = np.degrees(angle_array(frames.q[:, 0], truth).max())
    by_slerp = np.degrees(angle_array(frames_of(block_of(t_us, turn(1, angle(t)), 0 * gyr), 500.0).q[:, 0], truth).max())
    assert by_slerp > 0.2
    assert wrong < by_slerp / (20 if meaning == "instant" else 5)


@pytest.mark.validation
@pytest.mark.parametrize(("every", "averaged", "share"), [(5, False, 0.2), (5, True, 0.6), (3, False, 0.2), (3, True, 0.4)])
def test_between_samples_of_real_recordings_it_is_better_than_slerp(every: int, averaged: bool, share: float) -> None:
    """Error in between beyond what the filter at 57 or 95 Hz has at its samples, in the first 15 s of motion."""
    ours, slerps = [], []
    for file in sorted((DATA / "orientation").glob("*.npz")):
        trial = np.load(file)
        rate_hz, n = float(trial["fs"]), 5700 // every * every
        first = int(np.argmax(trial["movement"])) - n // 4  # the filter starts at rest
        gyr, acc = (trial[name][first : first + n].astype(float) for name in ("gyr", "acc"))
        full = OrientationFilter(rate_hz).update(gyr, acc)
        rows = np.arange(every - 1, n, every)
        if averaged:
            gyr, acc = (x.reshape(-1, every, 3).mean(axis=1) for x in (gyr, acc))
        else:
            gyr, acc = gyr[rows], acc[rows]
        q = OrientationFilter(rate_hz / every).update(gyr, acc)
        between = np.arange(rows[0], rows[-1] + 1)
        row, share_of_step = (between - rows[0]) // every, (between - rows[0]) % every / every
        row = np.minimum(row, len(rows) - 2)
        wrong = mul_array(q, conj_array(full[rows]))
        expected = mul_array(slerp_array(wrong[row], wrong[row + 1], share_of_step), full[between])
        frames = frames_of(block_of(np.floor(rows * 1e6 / rate_hz + 0.5).astype(np.int64), q, gyr), rate_hz)
        inside = (share_of_step > 0) & trial["movement"][first + between]
        ours.append(angle_array(frames.q[inside, 0], expected[inside]))
        slerps.append(angle_array(slerp_array(q[row], q[row + 1], share_of_step)[inside], expected[inside]))
    for percentile in (50, 95):
        better = np.percentile(np.concatenate(ours), percentile) / np.percentile(np.concatenate(slerps), percentile)
        assert better < share
