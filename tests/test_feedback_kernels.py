"""Kernels against their plain twins, and the phase edges against known profiles."""

from __future__ import annotations

import numpy as np
import pytest
from feedback_frames import DEG, Squats, minimum_jerk, run, trapezoid
from reference import squat

from imu.conventions import angle_column
from imu.feedback import durations, signal

NAN = float("nan")


def test_combined_signal_agrees_with_its_twin():
    rng = np.random.default_rng(0)
    left, right = rng.uniform(0.0, 1.6, (2, 200))
    kernel = [signal.combine(a, b, 0.1, 0, 1, 1) for a, b in zip(left, right, strict=True)]
    assert kernel == squat.combined(left, right, 0.1).tolist()


def test_unfolded_tilt_agrees_with_its_twin_and_has_no_kink():
    forward = np.linspace(-0.08, 0.5, 581)
    tilt = np.hypot(forward, 0.01)
    unfolded = np.array([signal.unfold(a, b) for a, b in zip(tilt, forward, strict=True)])
    assert unfolded == pytest.approx(squat.unfolded(tilt, forward), abs=1e-6)
    assert np.ptp(np.diff(unfolded)) < 1e-5
    assert unfolded[-1] == tilt[-1]
    assert signal.unfold(0.03, NAN) == 0.03
    assert np.isnan(signal.unfold(NAN, 0.03))


@pytest.mark.parametrize(
    ("left", "right", "one_leg", "worn", "expected"),
    [
        (1.0, NAN, 0, (1, 0), NAN),
        (1.0, NAN, 1, (1, 0), 1.0),
        (1.0, NAN, 1, (1, 1), NAN),
        (NAN, 1.0, 2, (1, 1), 1.0),
        (NAN, NAN, 2, (1, 1), NAN),
    ],
)
def test_one_unknown_leg(left, right, one_leg, worn, expected):
    assert signal.combine(left, right, 0.1, one_leg, *worn) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("profile", [minimum_jerk, trapezoid, lambda x: trapezoid(x, 0.3)])
@pytest.mark.parametrize("seconds", [1.0, 2.0, 4.0])
def test_start_of_a_movement_agrees_with_its_twin_and_the_truth(profile, seconds):
    t = np.arange(700) / 100
    tilt = 75 * DEG * profile((t - 1.503) / seconds)
    v = squat.rate(tilt, 5, 0.01)
    ring_t, ring_rate = np.zeros(1024, np.int64), np.zeros(1024)
    ring_t[: len(t)], ring_rate[: len(t)] = np.round(t * 1e6), v
    inside = int(np.argmax(v >= 0.4 * v.max()))
    start_us, seen = durations.begin(ring_t, ring_rate, 100, 690, 5, 1.0)
    start = start_us * 1e-6
    assert seen
    assert start == pytest.approx(squat.start_of_movement(t, v, inside), abs=2e-6)
    assert start == pytest.approx(1.503, abs=0.02 + 0.015 * seconds)


def test_the_end_of_a_movement_mirrors_its_start():
    t = np.arange(700) / 100
    v = squat.rate(minimum_jerk((t - 1.5) / 3.0), 5, 0.01)
    ring_t, ring_rate = np.zeros(1024, np.int64), np.zeros(1024)
    ring_t[: len(t)], ring_rate[: len(t)] = np.round(t * 1e6), v
    start, _ = durations.begin(ring_t, ring_rate, 100, 690, 5, 1.0)
    end, _ = durations.end(ring_t, ring_rate, 100, 690, 690, 1.0)
    assert start - 1_500_000 == pytest.approx(4_500_000 - end, abs=2)


def test_way_up_against_way_down_agrees_with_its_twin():
    squats = Squats(1, thigh_deg=83.0).knee_in("right", 9.0, only_up=True)
    rep = run(squats).repetitions[0]
    rows = slice(int(rep.t_start_us // 10_000), int(rep.t_end_us // 10_000))
    tilt = squats.angle[rows, angle_column("thigh_tilt", "right")]
    frontal = squats.angle[rows, angle_column("shank_frontal_tilt", "right")]
    differences = squat.way_up_minus_way_down(tilt, frontal)
    means = np.cumsum(differences) / np.arange(1, len(differences) + 1)
    assert rep.excursions["shank_frontal_tilt_right_return"] == pytest.approx(means[2:].max(), abs=1e-4)
    assert rep.excursions["shank_frontal_tilt_left_return"] == pytest.approx(0.0, abs=1e-9)
