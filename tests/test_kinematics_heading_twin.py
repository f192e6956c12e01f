"""The kernels of the relative heading against their plain twin, through everything that can happen to a sensor."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from heading_linkages import DEG, damaged, linked, one_joint, restarted
from reference.heading_twin import HeadingTwin
from scipy.signal import butter, sosfreqz

from imu.bench.linkage import synthetic_linkage
from imu.fusion.quaternion import conj_array, rotate_array
from imu.kinematics.heading import Params, hinge
from imu.kinematics.heading.params import band_pass
from imu.packets import Quality


def troubled():
    """24 s with a bridged hole, a silent sensor, saturation, a rest, and a restart."""
    on = linked(seconds=24.0, seed=3)
    grid = damaged(on.grid, slice(600, 612), 0, int(Quality.FILLED | Quality.GAP), unknown=False)
    grid = damaged(grid, slice(700, 720), 1, int(Quality.STALE | Quality.GAP), unknown=True)
    grid = damaged(grid, slice(800, 830), 0, int(Quality.SATURATED_GYR), unknown=False)
    grid = damaged(grid, slice(850, 860), 1, int(Quality.SATURATED_ACC), unknown=False)
    grid = damaged(grid, slice(900, 902), 1, int(Quality.FILLED), unknown=False)
    gyr = grid.gyr.copy()
    gyr[1000:1450] *= 0.01
    return restarted(replace(on, grid=replace(grid, gyr=gyr)), slice(1700, 1800), 1, 2.0)


@pytest.mark.parametrize("told", [False, True])
def test_kernels_agree_with_the_twin(told):
    grid = troubled().grid
    headings, twin = one_joint("knee"), HeadingTwin(100.0, Params().floor_knee)
    z1, z2 = np.array([0.0, 0.6, 0.8]), np.array([1.0, 0.0, 0.0])
    delta, sigma = np.full((len(grid), 1), np.nan), np.full((len(grid), 1), np.nan)
    expected = np.empty((len(grid), 2))
    for row in range(len(grid)):
        if told and row in (5, 1500, 2000):
            headings.set_pose(0, 0.5, 5 * DEG)
            twin.set_pose(0.5, 5 * DEG)
        if told and row == 300:
            headings.set_axes(0, z1, z2, 2 * DEG)
            twin.set_axes(z1, z2, 2 * DEG)
        headings.run(grid, row, row + 1, delta, sigma)
        expected[row] = twin.take(row, grid.q[row], grid.gyr[row], grid.acc[row], grid.flags[row])
    known = np.isfinite(expected[:, 0])
    assert known.mean() > (0.9 if told else 0.2)
    np.testing.assert_array_equal(np.isfinite(delta[:, 0]), known)
    np.testing.assert_allclose(np.exp(1j * delta[known, 0]), np.exp(1j * expected[known, 0]), atol=1e-8)
    np.testing.assert_allclose(sigma[:, 0], expected[:, 1], rtol=1e-7)


@pytest.mark.parametrize("rate_hz", [50.0, 100.0, 200.0])
@pytest.mark.parametrize("band", [(1.0, 3.0), (2.0, 8.0)])
def test_band_pass_is_butterworths(rate_hz, band):
    sections = band_pass(*band, rate_hz)
    sos = np.concatenate([sections[:, :3], np.ones((2, 1)), sections[:, 3:]], axis=1)
    _, found = sosfreqz(sos, fs=rate_hz)
    _, expected = sosfreqz(butter(2, band, "band", fs=rate_hz, output="sos"), fs=rate_hz)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_axis_of_a_hinge_is_found_in_both_frames():
    linkage = synthetic_linkage("hinge", 30.0, 50.0, 4)
    found = hinge.hinge_axes(linkage.gyr_1[::4], linkage.gyr_2[::4])
    x = np.array([1.0, 0.0, 0.0])
    assert abs(found.j1 @ x) > np.cos(0.5 * DEG)
    assert abs(found.j2 @ rotate_array(conj_array(linkage.q_1_2[0]), x)) > np.cos(0.5 * DEG)
    assert found.sigma < hinge.AXIS_SIGMA
    assert found.singular < hinge.SINGULAR


def test_a_joint_that_turns_about_all_axes_is_no_hinge():
    linkage = synthetic_linkage("spherical", 30.0, 50.0, 4)
    found = hinge.hinge_axes(linkage.gyr_1[::4], linkage.gyr_2[::4])
    assert found.residual > hinge.RESIDUAL
