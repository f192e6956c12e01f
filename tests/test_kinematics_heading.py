"""Relative headings on the grid: found from motion, told by poses and axes, lost with a sensor, and honest about it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from heading_linkages import DEG, damaged, followed, linked, on_grid, one_joint, part, restarted, wrapped

from imu.bench.linkage import synthetic_linkage
from imu.fusion.quaternion import conj_array, mul_array, rotate_array
from imu.kinematics.heading import AxesOf, Headings, JointSpec, PoseAt, two_way_headings
from imu.packets import Quality


@pytest.fixture(scope="module")
def spherical():
    return linked(seconds=60.0)


def resting(grid):
    """Nothing moves."""
    q, acc = (np.ascontiguousarray(np.broadcast_to(x[:1], x.shape)) for x in (grid.q, grid.acc))
    return replace(grid, q=q, gyr=np.zeros_like(grid.gyr), acc=acc)


def errors(on, delta):
    return np.abs(wrapped(delta - on.delta[-len(delta) :])) / DEG


@pytest.mark.parametrize("heading", [-3.0, 0.4, 2.5])
def test_motion_shows_the_heading_from_any_start(heading):
    on = linked(seconds=30.0, heading=heading)
    delta, sigma = followed(one_joint(), on.grid)
    known = np.isfinite(delta[:, 0])
    assert not known[:400].any()  # nothing is guessed
    assert (sigma[~known] == np.pi).all()
    assert known[1200:].all()
    late = slice(2000, None)
    assert np.sqrt(np.mean(errors(on, delta[late, 0]) ** 2)) < 3.0
    assert np.mean(errors(on, delta[late, 0]) < 2 * sigma[late, 0] / DEG) > 0.9


def test_turning_the_world_changes_nothing_and_turning_one_sensors_world_only_the_heading():
    linkage = synthetic_linkage(seconds=20.0)
    delta, sigma = followed(one_joint(), on_grid(linkage, 0.3).grid)
    turned, turned_sigma = followed(one_joint(), on_grid(linkage, 0.3, common=2.0).grid)
    other, other_sigma = followed(one_joint(), on_grid(linkage, 1.0).grid)
    late = slice(1500, None)
    np.testing.assert_allclose(wrapped(turned - delta)[late], 0.0, atol=1e-6)
    np.testing.assert_allclose(turned_sigma, sigma, rtol=1e-4)
    np.testing.assert_allclose(wrapped(other - delta)[late], 0.7, atol=1e-6)
    np.testing.assert_allclose(other_sigma, sigma, rtol=1e-4)


def test_results_do_not_depend_on_how_frames_are_grouped(spherical):
    grid = damaged(spherical.grid, slice(1500, 1600), 1, int(Quality.SETTLING), unknown=True)
    expected = followed(one_joint(), grid)
    for size in (1, 7, 25):
        headings = one_joint()
        found = [followed(headings, part(grid, slice(k, k + size))) for k in range(0, 3000, size)]
        for values, whole in zip(zip(*found, strict=True), expected, strict=True):
            np.testing.assert_array_equal(np.concatenate(values)[:3000], whole[:3000])


def test_state_can_be_saved_and_restored_midway(spherical):
    first = one_joint("knee")
    first.set_pose(0, 1.0, 5 * DEG)
    followed(first, spherical.grid, 0, 1001)
    first.set_axes(0, (0.0, 0.0, 1.0), (1.0, 0.0, 0.0), 0.02)
    state = first.state()
    expected = followed(first, spherical.grid, 1001, 3000)
    second = one_joint("knee")
    second.restore(state)
    for found, wanted in zip(followed(second, spherical.grid, 1001, 3000), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert second.evidence(0) == first.evidence(0)


def test_a_thigh_serves_hip_and_knee_as_if_they_were_alone(spherical):
    grid = spherical.grid
    q, gyr, acc, flags = (np.ascontiguousarray(x[:, [1, 0, 1]]) for x in (grid.q, grid.gyr, grid.acc, grid.flags))
    three = replace(grid, q=q, gyr=gyr, acc=acc, flags=flags)
    both = Headings([JointSpec(0, 1, "hip"), JointSpec(1, 2, "knee")], 100.0)
    delta, sigma = followed(both, three, 0, 2500)
    alone, alone_sigma = followed(one_joint("knee"), grid, 0, 2500)
    np.testing.assert_array_equal(delta[:, 1:], alone)
    np.testing.assert_array_equal(sigma[:, 1:], alone_sigma)
    known = np.isfinite(alone[:, 0])
    assert np.abs(wrapped(delta[known, 0] + alone[known, 0])).max() < 3 * DEG  # the other way round


def test_a_restarted_sensor_takes_the_heading_with_it_until_motion_shows_the_new_one(spherical):
    on = restarted(spherical, slice(2500, 2600), 1, 2.0)
    headings = one_joint()
    delta, sigma = followed(headings, on.grid)
    assert np.isfinite(delta[2499, 0])
    assert np.isnan(delta[2500:2900, 0]).all()
    assert (sigma[2500:2900, 0] == np.pi).all()
    assert headings.evidence(0)[1] < 4 * DEG
    assert errors(on, delta[4500:, 0]).max() < 6.0


def test_a_sensor_that_was_only_late_keeps_its_heading_and_nothing_false_is_learnt(spherical):
    hole = slice(3000, 3150)
    grid = damaged(spherical.grid, hole, 0, int(Quality.STALE | Quality.GAP), unknown=True)
    delta, sigma = followed(one_joint(), grid)
    whole, whole_sigma = followed(one_joint(), spherical.grid)
    assert np.isfinite(delta[2900:, 0]).all()
    assert sigma[3149, 0] > whole_sigma[3149, 0]
    assert np.abs(wrapped(delta - whole))[3000:3400].max() < 1.5 * DEG


def test_what_was_made_up_over_a_hole_is_doubted_and_not_learnt_from(spherical):
    rng = np.random.default_rng(5)
    grid = damaged(spherical.grid, slice(3000, 3012), 0, int(Quality.FILLED | Quality.GAP), unknown=False)
    acc = grid.acc.copy()
    acc[3000:3012, 0] += rng.normal(0.0, 10.0, (12, 3))
    made_up, _ = followed(one_joint(), replace(grid, acc=acc))
    clean, sigma = followed(one_joint(), grid)
    believed, _ = followed(one_joint(), replace(spherical.grid, acc=acc))
    whole, whole_sigma = followed(one_joint(), spherical.grid)
    assert sigma[3014, 0] > 1.005 * whole_sigma[3014, 0]
    at_once = slice(3000, 3020)
    np.testing.assert_array_equal(made_up[at_once], clean[at_once])
    assert np.abs(wrapped(believed - whole))[at_once].max() > 0.02 * DEG
    assert np.abs(wrapped(made_up - clean))[3020:].max() < 1.0 * DEG  # what rings on in the bands is faint


def test_a_pose_tells_the_heading_at_once_and_ages(spherical):
    still = resting(spherical.grid)
    headings = one_joint()
    followed(headings, still, 0, 10)
    headings.set_pose(0, 1.2, 5 * DEG)
    delta, sigma = followed(headings, still, 10, 6000)
    np.testing.assert_allclose(delta, 1.2, atol=1e-6)
    assert sigma[0, 0] == pytest.approx(5 * DEG, rel=0.01)
    assert sigma[-1, 0] == pytest.approx(11 * DEG, rel=0.05)  # a minute at 0.1 °/s


def test_a_pose_far_off_is_overcome_by_motion_and_sigma_admits_the_dispute(spherical):
    headings = one_joint()
    followed(headings, spherical.grid, 0, 10)
    headings.set_pose(0, spherical.delta[10] + 60 * DEG, 5 * DEG)
    delta, sigma = followed(headings, spherical.grid, 10, 6000)
    assert errors(spherical, delta[4000:, 0]).max() < 8.0
    assert sigma[0, 0] < 6 * DEG
    assert sigma[600:1500, 0].max() > 10 * DEG


def test_the_axis_tells_the_heading_without_any_push_on_the_joint():
    on = linked("hinge", seconds=30.0, seed=2)
    grid = replace(on.grid, acc=np.full_like(on.grid.acc, 5.0))
    q = synthetic_linkage("hinge", 30.0, 100.0, 2).q_1_2[0]
    axis_2 = rotate_array(conj_array(q), np.array([1.0, 0.0, 0.0]))
    found = {}
    for kind in ("hinge", "knee"):
        headings = one_joint(kind)
        followed(headings, grid, 0, 500)
        headings.set_axes(0, (1.0, 0.0, 0.0), axis_2, 1 * DEG)
        found[kind] = followed(headings, grid, 500, 1500)
        headings.forget_axes(0)
        assert np.isnan(followed(headings, grid, 1500, 1600)[0]).all()
    for delta, sigma in found.values():
        known = np.isfinite(delta[:, 0])
        assert known.all()
        off = np.abs(wrapped(delta[:, 0] - on.delta[500:1500]))[known]
        assert (off < 3 * sigma[known, 0]).all()
    assert np.nanmin(found["knee"][1]) > 6 * DEG
    assert np.nanmin(found["hinge"][1]) < 4 * DEG


def test_evidence_is_of_the_motion_alone(spherical):
    truth = float(spherical.delta[4000])
    headings = one_joint("knee")
    followed(headings, spherical.grid, 0, 10)
    assert headings.evidence(0)[1] == np.pi
    headings.set_pose(0, truth + 15 * DEG, 2 * DEG)
    followed(headings, spherical.grid, 10, 60)
    assert headings.evidence(0)[1] == np.pi  # nothing has moved yet: what was told is no evidence
    followed(headings, spherical.grid, 60, 4000)
    headings.set_axes(0, (0.0, 1.0, 0.0), (0.0, 1.0, 0.0), 0.01)
    delta, sigma = headings.evidence(0)
    assert abs(wrapped(delta - truth)) < 4 * DEG
    assert sigma < 4 * DEG


def test_nothing_drifts_while_the_person_is_still(spherical):
    grid = spherical.grid
    gyr, acc = grid.gyr.copy(), grid.acc.copy()
    gyr[3000:], acc[3000:] = 0.0, acc[3000]
    q = grid.q.copy()
    q[3000:] = q[3000]
    delta, sigma = followed(one_joint(), replace(grid, q=q, gyr=gyr, acc=acc))
    np.testing.assert_array_equal(delta[3120:], delta[3120:3121].repeat(len(delta) - 3120, axis=0))
    np.testing.assert_array_equal(sigma[3120:], sigma[3120:3121].repeat(len(sigma) - 3120, axis=0))


def test_slow_motion_makes_it_less_sure(spherical):
    """Fast at first, then so slow that nothing pushes the joint."""
    grid = spherical.grid
    gyr, acc, q = grid.gyr.copy(), grid.acc.copy(), grid.q.copy()
    turn = np.cumsum(np.full(3000, 0.1 / 100))
    q[3000:] = mul_array(np.stack([np.cos(turn / 2), 0 * turn, 0 * turn, np.sin(turn / 2)], axis=1)[:, None], q[3000][None])
    gyr[3000:], acc[3000:] = 0.1, acc[2999]
    _, sigma = followed(one_joint(), replace(grid, q=q, gyr=gyr, acc=acc))
    assert sigma[3000, 0] < 4 * DEG
    assert sigma[-1, 0] > 1.5 * sigma[3100, 0]
    assert (np.diff(sigma[3400:, 0]) > -1e-9).all()


def test_both_directions_know_the_start_and_are_better_than_one(spherical):
    joints = [JointSpec(0, 1, "spherical")]
    delta, sigma = two_way_headings(spherical.grid, joints, 100.0)
    one_way, _ = followed(one_joint(), spherical.grid)
    assert np.isnan(one_way[:400]).all()
    assert np.isfinite(delta).all()
    assert errors(spherical, delta[:, 0]).max() < 6.0
    assert np.mean(errors(spherical, delta[:, 0]) < 2 * sigma[:, 0] / DEG) > 0.9


def test_both_directions_hear_of_poses_on_both_sides(spherical):
    pose = PoseAt(0, 3000, 0.7, 4 * DEG)
    delta, sigma = two_way_headings(resting(spherical.grid), [JointSpec(0, 1, "hip")], 100.0, [pose])
    np.testing.assert_allclose(delta, 0.7, atol=1e-6)
    assert sigma[3001, 0] == pytest.approx(4 * DEG, rel=0.05)
    assert sigma[0, 0] == pytest.approx(7 * DEG, rel=0.05)
    assert sigma[-1, 0] == pytest.approx(7 * DEG, rel=0.05)


def test_both_directions_use_the_axis_before_it_was_found():
    linkage = synthetic_linkage("hinge", 20.0, seed=2)
    on = on_grid(linkage)
    grid = replace(on.grid, acc=np.full_like(on.grid.acc, 5.0))
    axis_2 = rotate_array(conj_array(linkage.q_1_2[0]), np.array([1.0, 0.0, 0.0]))
    axes = [AxesOf(0, np.array([1.0, 0.0, 0.0]), axis_2, 1 * DEG)]
    delta, sigma = two_way_headings(grid, [JointSpec(0, 1, "knee")], 100.0, axes=axes)
    assert np.isfinite(delta).all()
    assert (np.abs(wrapped(delta[:, 0] - on.delta)) < 2 * sigma[:, 0]).all()
    unknown, _ = two_way_headings(grid, [JointSpec(0, 1, "knee")], 100.0)
    assert np.isnan(unknown).all()


@pytest.mark.parametrize(("arguments", "message"), [((0, 0, "knee"), "different"), ((0, 1, "elbow"), "kind")])
def test_an_impossible_joint_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        JointSpec(*arguments)
