"""Relative orientation of two connected segments: found without a start, honest, causal, whatever the mounting."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
from jointed_rods import Rods, rods
from reference.heading_twin import BandTwin
from scipy.spatial.transform import Rotation
from shared_data import DATA

from imu.fusion.quaternion import angle_array, conj_array, mul_array
from imu.kinematics import relative_orientation
from imu.kinematics.heading import band_filter, hinge
from imu.kinematics.heading.layout import initial

DEG = np.pi / 180


@functools.cache
def shaken(seed: int) -> Rods:
    return rods(seed)


def errors_deg(q: np.ndarray, r: Rods, after_s: float) -> np.ndarray:
    return angle_array(q, r.q_1_2)[round(after_s * r.rate_hz) :] / DEG


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_heading_is_found_from_no_start_at_all(seed: int) -> None:
    r = shaken(seed)
    q, sigma = relative_orientation(*r.arrays, r.rate_hz)
    assert sigma[0] == pytest.approx(math.pi, rel=1e-3)
    assert sigma[-1] < 4 * DEG
    late = errors_deg(q, r, 20.0)
    assert np.sqrt(np.mean(late**2)) < 2.5, late
    assert np.mean(late * DEG < 2 * sigma[round(20 * r.rate_hz) :]) > 0.9


def test_a_wrong_start_is_left_behind() -> None:
    r = shaken(1)
    wrong = mul_array(r.q_1_2[0], Rotation.from_rotvec([0.0, 0.35, 0.0]).as_quat(scalar_first=True))
    q, sigma = relative_orientation(*r.arrays, r.rate_hz, q_1_2_start=wrong)
    assert errors_deg(q, r, 0.0)[10] > 10.0
    assert errors_deg(q, r, 20.0).max() < 5.0
    assert 20 * DEG < sigma[10] < 25 * DEG


def test_lever_arms_that_are_given_are_used() -> None:
    r = shaken(2)
    given, _ = relative_orientation(
        *r.arrays, r.rate_hz, q_1_2_start=r.q_1_2[0], lever_arm_1=[0.05, 0.2, 0.02], lever_arm_2=[-0.03, -0.18, 0.04]
    )
    assert np.sqrt(np.mean(errors_deg(given, r, 3.0) ** 2)) < 2.0


def test_nothing_before_a_cut_depends_on_what_follows() -> None:
    r = shaken(1)
    cut = 1777
    whole, sigma = relative_orientation(*r.arrays, r.rate_hz, joint="hinge", q_1_2_start=r.q_1_2[0])
    part, part_sigma = relative_orientation(*(a[:cut] for a in r.arrays), r.rate_hz, joint="hinge", q_1_2_start=r.q_1_2[0])
    np.testing.assert_array_equal(part, whole[:cut])
    np.testing.assert_array_equal(part_sigma, sigma[:cut])


def test_mounting_does_not_matter() -> None:
    r = shaken(3)
    turns = [Rotation.from_rotvec(v) for v in ([0.7, -1.9, 0.4], [-2.0, 0.3, 1.1])]
    g1, a1, g2, a2 = r.arrays
    q, _ = relative_orientation(*r.arrays, r.rate_hz)
    p, _ = relative_orientation(
        turns[0].inv().apply(g1), turns[0].inv().apply(a1), turns[1].inv().apply(g2), turns[1].inv().apply(a2), r.rate_hz
    )
    first, second = (t.as_quat(scalar_first=True) for t in turns)
    back = mul_array(mul_array(first, p), conj_array(second))
    # before it is found the heading is anything
    assert angle_array(q, back)[2000:].max() < 0.3 * DEG


def test_missing_rows_and_rows_of_nan_are_the_same() -> None:
    r = shaken(2)
    lost = np.zeros(len(r.gyr_1), bool)
    for k in range(300, len(lost) - 300, 470):
        lost[k : k + 9] = True
    nan = [np.where(lost[:, None], np.nan, a) for a in r.arrays]
    t_us = np.arange(len(lost)) * 10_000
    q, sigma = relative_orientation(*nan, r.rate_hz)
    p, p_sigma = relative_orientation(*(a[~lost] for a in r.arrays), r.rate_hz, t_us=t_us[~lost])
    np.testing.assert_array_equal(q[~lost], p)
    np.testing.assert_array_equal(sigma[~lost], p_sigma)
    assert np.isfinite(q).all(axis=1).mean() > 0.9  # holes of 90 ms are bridged, but for those in too fast a turn
    late = errors_deg(q, r, 20.0)
    assert np.sqrt(np.nanmean(late**2)) < 3.0


def test_after_a_long_hole_the_heading_is_unknown_until_it_is_found_again() -> None:
    r = shaken(1)
    arrays = [a.copy() for a in r.arrays]
    arrays[2][1500:1560], arrays[3][1500:1560] = np.nan, np.nan
    q, sigma = relative_orientation(*arrays, r.rate_hz)
    assert np.isnan(q[1510:1550]).all()
    assert sigma[1499] < 5 * DEG
    assert sigma[1570] > 100 * DEG
    assert sigma[-1] < 10 * DEG
    assert errors_deg(q, r, 35.0).max() < 6.0


def test_sigma_grows_while_the_joint_moves_too_smoothly_to_tell() -> None:
    r = shaken(1)
    slow = np.arange(len(r.gyr_1)) / 100.0
    rng = np.random.default_rng(5)
    w = 0.4 * np.sin(2 * np.pi * 0.1 * slow)
    gyr = np.stack([w, 0 * w, 0 * w], axis=1)
    tilt = np.cumsum(w) / 100.0
    acc = np.stack([0 * w, 9.81 * np.sin(tilt), 9.81 * np.cos(tilt)], axis=1)
    noisy = [x + rng.normal(0, s, x.shape) for x, s in ((gyr, 0.003), (acc, 0.03), (0.3 * gyr, 0.003), (acc, 0.03))]
    _, sigma = relative_orientation(*noisy, 100.0, joint="spherical", q_1_2_start=[1.0, 0.0, 0.0, 0.0])
    assert sigma[-1] > 10 * DEG


def test_the_axes_of_a_hinge_are_found_from_the_rates_alone() -> None:
    rng = np.random.default_rng(6)
    j1, j2 = np.array([0.6, 0.0, 0.8]), np.array([0.0, 1.0, 0.0])
    to_second = Rotation.align_vectors([j2], [j1])[0]
    w1 = rng.normal(0, 1.0, (400, 3))
    angle = np.cumsum(rng.normal(0, 0.2, 400))
    w2 = (Rotation.from_rotvec(angle[:, None] * j2).inv() * to_second).apply(w1) + rng.normal(0, 1, (400, 1)) * j2
    fit = hinge.fit_hinge(w1, w2)
    assert fit.is_hinge
    assert abs(fit.j1 @ j1) > math.cos(0.5 * DEG)
    assert abs(fit.j2 @ j2) > math.cos(0.5 * DEG)
    assert not hinge.fit_hinge(w1, rng.normal(0, 1.0, (400, 3))).is_hinge


def test_kernels_agree_with_their_twin() -> None:
    rng = np.random.default_rng(7)
    _, bands = initial(100.0, 0.3, 20 * DEG, None)
    band, twin = bands[0], BandTwin(0.3, 20 * DEG)
    scratch = band_filter.scratch()
    for _ in range(200):
        out = rng.normal(0, 1.0, 24)
        band["out"] = out
        band_filter.predict(band, 0.08)
        twin.predict(0.08)
        band["apart"] = 0.0  # the scout never takes over
        band_filter.step(band, 0.08, *scratch)
        twin.step(out, 0.08)
    np.testing.assert_allclose(band["x"], twin.x, rtol=0, atol=1e-9)
    np.testing.assert_allclose(band["P"], twin.P, rtol=0, atol=1e-9)
    assert band["s2"] == pytest.approx(twin.s2, rel=1e-9)
    assert band["signal"] == pytest.approx(twin.signal, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"joint": "ball"}, "joint is 'ball'"),
        ({"rate_hz": 5.0}, "rate_hz is 5.0"),
        ({"lever_arm_1": [0.0, 0.1, 0.0]}, "one lever arm alone"),
        ({"q_1_2_start": [1.0, 0.0, 0.0]}, "q_1_2_start has shape"),
        ({"t_us": [0, 1]}, "t_us has shape"),
        ({"gyr_2": np.zeros((10, 3))}, "rows"),
    ],
)
def test_wrong_input_is_refused(change: dict[str, object], words: str) -> None:
    still = {"gyr_1": np.zeros((50, 3)), "acc_1": np.tile([0.0, 0.0, 9.81], (50, 1)), "rate_hz": 100.0}
    arguments = still | {"gyr_2": still["gyr_1"], "acc_2": still["acc_1"]} | change
    with pytest.raises(ValueError, match=words):
        relative_orientation(**arguments)  # pyright: ignore[reportArgumentType]


@pytest.mark.validation
@pytest.mark.skipif(not (DATA / "two_link").is_dir(), reason="shared data not present")
def test_a_linkage_against_cameras() -> None:
    """Total angle after 20 s, the start turned by 20°: hinge median <= 1.5°, others <= 2.2°, none above 3°."""
    found: dict[str, float] = {}
    for file in sorted((DATA / "two_link").glob("*.npz")):
        d = np.load(file)
        q1, q2 = (d[key].astype(float) for key in ("ref_quat_1", "ref_quat_2"))
        truth = mul_array(conj_array(q1), q2)
        turn = Rotation.from_rotvec([0, 0, 20 * DEG]).as_quat(scalar_first=True)
        start = mul_array(conj_array(q1[0]), mul_array(turn, q2[0]))
        joint = {"1": "hinge", "2": "saddle", "3": "spherical"}[file.stem[0]]
        arrays = (d[key].astype(float) for key in ("gyr_1", "acc_1", "gyr_2", "acc_2"))
        q, sigma = relative_orientation(*arrays, 50.0, joint, q_1_2_start=start)  # pyright: ignore[reportArgumentType]
        late = [angle_array(q[s:], truth[: len(q) - s])[1000:] for s in (0, 1)]  # stamps agree within a sample
        found[file.stem] = min(math.sqrt(float(np.mean(e**2))) for e in late) / DEG
        assert math.sqrt(float(np.mean((late[0] / sigma[1000:]) ** 2))) < 1.3
    hinges = [v for k, v in found.items() if k.startswith("1D")]
    others = [v for k, v in found.items() if not k.startswith("1D")]
    assert np.median(hinges) <= 1.5, found
    assert np.median(others) <= 2.2, found
    assert max(found.values()) <= 3.0, found
