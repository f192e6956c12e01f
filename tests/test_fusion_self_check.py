"""A sensor at rest is checked: good ones pass, bad ones are refused or marked with numbers and what to do."""

from __future__ import annotations

import numpy as np
import pytest
import shared_data
from reference import acc_offset_twin as twin

from imu.conventions import G
from imu.fusion import rest_blocks as kernels
from imu.fusion.self_check import SelfCheck, check_at_rest

Array = np.ndarray
UP = np.array([0.36, 0.48, 0.8])


def resting(n: int = 1000, *, acc: Array = G * UP, bias_dps: Array | None = None, seed: int = 0) -> tuple[Array, Array]:
    """gyr, acc at 100 Hz of somebody who stands still: noise, and a little sway."""
    rng = np.random.default_rng(seed)
    sway = np.radians(0.5) * np.sin(2 * np.pi * 0.4 * np.arange(n) / 100)[:, None] * [1.0, 0.5, 0.2]
    bias = np.radians(np.array([0.2, -0.1, 0.3]) if bias_dps is None else bias_dps)
    return bias + sway + rng.normal(0, 1e-3, (n, 3)), acc + rng.normal(0, 0.02, (n, 3))


def test_a_good_sensor_is_good():
    found = check_at_rest(*resting(), 100.0)
    assert found.verdict == "good"
    assert found.words == ""
    assert found.rest_s == pytest.approx(6.0)
    assert found.acc_norm == pytest.approx(G, abs=0.01)
    assert found.acc_noise == pytest.approx(0.02, rel=0.1)
    assert found.gyr_noise_dps == pytest.approx(np.degrees(1e-3), rel=0.1)
    assert found.gyr_bias_dps == pytest.approx(np.linalg.norm([0.2, -0.1, 0.3]), abs=0.05)


@pytest.mark.parametrize(("norm", "verdict"), [(9.65, "good"), (10.1, "good"), (10.22, "marked"), (9.4, "marked")])
def test_how_far_the_norm_may_be_off(norm, verdict):
    assert check_at_rest(*resting(acc=norm * UP), 100.0).verdict == verdict


@pytest.mark.parametrize("norm", [9.2, 10.4, 14.1])
def test_an_accelerometer_that_does_not_show_gravity_is_refused_with_the_number_and_the_remedy(norm):
    found = check_at_rest(*resting(acc=norm * UP), 100.0)
    assert found.verdict == "refused"
    assert not found.usable
    assert f"{norm:.1f} m/s² at rest instead of 9.8" in found.reason
    assert "replace" in found.remedy


@pytest.mark.parametrize(("bias_dps", "verdict"), [(1.5, "good"), (3.0, "marked"), (8.0, "refused")])
def test_a_biased_gyroscope_is_at_rest_all_the_same(bias_dps, verdict):
    found = check_at_rest(*resting(bias_dps=bias_dps * UP), 100.0)
    assert found.verdict == verdict
    assert found.gyr_bias_dps == pytest.approx(bias_dps, abs=0.1)
    if verdict != "good":
        assert f"{bias_dps:.1f} °/s at rest instead of 0" in found.reason


@pytest.mark.parametrize(("scale", "unit"), [(1 / G, "in g"), (1000 / G, "milli-g"), (100.0, "cm/s²")])
def test_an_accelerometer_in_another_unit_is_told_which(scale, unit):
    gyr, acc = resting()
    found = check_at_rest(gyr, acc * scale, 100.0)
    assert found.verdict == "refused"
    assert unit in found.reason
    assert "convert" in found.remedy


def test_rates_in_degrees_are_told_from_what_no_sensor_measures():
    gyr, acc = resting()
    gyr[500:600, 2] = 150.0
    found = check_at_rest(gyr, acc, 100.0)
    assert found.verdict == "refused"
    assert "°/s" in found.reason


@pytest.mark.parametrize("axis", range(6))
def test_a_dead_axis_is_named(axis):
    gyr, acc = resting()
    both = np.hstack([gyr, acc])
    both[:, axis] = both[0, axis]
    found = check_at_rest(both[:, :3], both[:, 3:], 100.0)
    assert found.verdict == "refused"
    kind, letter = ("gyroscope", "accelerometer")[axis // 3], "xyz"[axis % 3]
    assert f"{kind} {letter} does not change" in found.reason


def test_data_without_any_noise_are_no_dead_sensor():
    gyr, acc = np.zeros((1000, 3)), np.tile(G * UP, (1000, 1))
    assert check_at_rest(gyr, acc, 100.0).verdict == "good"
    # an ideal sensor that swings a little about one of its axes
    gyr[:, 2] = 0.02 * np.sin(np.arange(1000) / 50)
    acc[:, :2] += 0.01 * gyr[:, 2:]
    assert check_at_rest(gyr, acc, 100.0).verdict == "good"


def test_nothing_but_zeros_is_refused():
    found = check_at_rest(np.zeros((1000, 3)), np.zeros((1000, 3)), 100.0)
    assert found.verdict == "refused"
    assert "nothing at all" in found.reason


def test_a_noisy_sensor_is_marked():
    gyr, acc = resting()
    rng = np.random.default_rng(4)
    shaken = check_at_rest(gyr + np.radians(2.2) * rng.normal(size=(1000, 3)), acc, 100.0)
    assert shaken.verdict == "marked"
    assert "gyroscope is noisy" in shaken.reason


def test_without_rest_there_is_no_verdict():
    gyr, acc = resting()
    moving = gyr + np.sin(np.arange(1000) / 20)[:, None]
    assert check_at_rest(moving, acc, 100.0).verdict == "unchecked"
    assert check_at_rest(gyr[:140], acc[:140], 100.0).verdict == "unchecked"


def test_a_gross_error_is_seen_in_slow_movement_too():
    gyr, acc = resting(acc=14.0 * UP)
    moving = gyr + 0.2 * np.sin(np.arange(1000) / 12)[:, None]
    found = check_at_rest(moving, acc, 100.0)
    assert found.verdict == "refused"
    assert "slow movement" in found.reason
    assert check_at_rest(moving, acc * (G / 14.0), 100.0).verdict == "unchecked"


def test_rows_that_were_not_measured_do_not_count():
    gyr, acc = resting()
    broken = np.zeros(1000, np.uint8)
    broken[::100] = 1
    acc[::100] = 150.0
    acc[50], gyr[51] = np.nan, np.inf
    found = check_at_rest(gyr, acc, 100.0, broken=broken)
    assert found.verdict == "good"
    assert found.acc_norm == pytest.approx(G, abs=0.01)


def test_a_sensor_that_is_good_again_is_taken_back_and_the_limit_does_not_flicker():
    watch = SelfCheck(100.0)
    none = np.zeros(300, np.uint8)
    seen = []
    for norm in (9.8, 10.4, 10.29, 10.0):
        gyr, acc = resting(300, acc=norm * UP)
        # a movement between, so that each is a rest of its own
        watch.push(np.full((50, 3), 2.0), np.tile(G * UP, (50, 1)), none[:50])
        watch.push(gyr, acc, none)
        seen.append(watch.check.verdict)
    assert seen == ["good", "refused", "refused", "good"]


def test_packets_of_any_size_and_a_saved_state_decide_at_the_same_sample():
    gyr, acc = (np.concatenate(x) for x in zip(resting(300), resting(400, acc=13.0 * UP), resting(300), strict=True))
    broken = (np.random.default_rng(1).random(1000) < 0.003).astype(np.uint8)
    gyr[300:320] = 3.0
    gyr[700:720] = 3.0
    whole = SelfCheck(100.0).push(gyr, acc, broken)
    assert [check.verdict for _, check in whole] == ["good", "refused", "good"]
    for size in (1, 7, 25):
        watch, found = SelfCheck(100.0), []
        for k in range(0, 1000, size):
            if k == 20 * size:
                resumed = SelfCheck(100.0)
                resumed.restore(watch.state())
                watch = resumed
            rows = slice(k, k + size)
            changes = watch.push(gyr[rows].copy(), acc[rows].copy(), broken[rows].copy())
            found += [(k + row, check) for row, check in changes]
        assert found == whole


def test_the_kernel_agrees_with_plain_numpy():
    gyr, acc = resting(50)
    gyr[20:30, 1] = gyr[20, 1]
    gyr += 0.3
    block = np.zeros(kernels.BLOCK_SIZE)
    assert kernels.gather(block, 50, 80.0, 0, gyr, acc, np.zeros(50, np.uint8)) == 50
    out = np.zeros(kernels.SUMMARY_SIZE)
    kernels.summarise(block, out)
    expected = twin.block_summary(np.hstack([gyr, acc]))
    np.testing.assert_allclose(out, expected, rtol=1e-9)
    assert out[kernels.DEAD] == 0.0
    assert out[kernels.NOISY] == 63.0


@pytest.mark.parametrize(("columns", "rate_hz"), [(2, 100.0), (3, 0.0), (3, np.nan)])
def test_what_cannot_be_used_is_said(columns, rate_hz):
    with pytest.raises(ValueError, match="give"):
        check_at_rest(np.zeros((3, columns)), np.zeros((3, 3)), rate_hz)


@pytest.mark.validation
def test_real_sensors_pass_and_the_biased_ones_do_not():
    if not shared_data.DATA.exists():
        pytest.skip("no validation recordings")
    body = np.load(shared_data.DATA / "full_body" / "full_body.npz")
    for place in ("hip", "upper_leg_left", "upper_leg_right", "lower_leg_left", "lower_leg_right"):
        assert check_at_rest(body[f"gyr_{place}"], body[f"acc_{place}"], 100.0).verdict == "good"
    for file in (shared_data.DATA / "orientation").glob("*.npz"):
        hand = np.load(file)
        assert check_at_rest(hand["gyr"], hand["acc"], float(hand["fs"])).verdict == "good"
    verdicts = []
    for file in (shared_data.DATA / "squats").glob("*.npz"):
        data = np.load(file)
        rate_hz = 1e3 * (len(data["t_ms"]) - 1) / float(data["t_ms"][-1] - data["t_ms"][0])
        verdicts += [check_at_rest(data[f"gyr_{p}"], data[f"acc_{p}"], rate_hz).verdict for p in ("thigh", "shank")]
        # of the waist's sensor nobody can say, and nothing is said: it is never at rest
        assert check_at_rest(data["gyr_waist"], data["acc_waist"], rate_hz).verdict == "unchecked"
    assert "good" not in verdicts
    assert verdicts.count("refused") >= 10
