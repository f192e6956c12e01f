"""What must hold for every person, mounting and heading: properties of joints, and of whole sessions."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinematics_bodies import DEG, joined, part_of, run
from scipy.spatial.transform import Rotation
from simulated_activity import perform_activity

from firmware_sim.activities import March, SingleLegSquats, Squats, Stand
from imu.conventions import ANGLES, SIDES, angle_column, angles_of
from imu.kinematics import Body, joint_angles
from imu.kinematics.whole_body import GatheringBody
from imu.packets import UNKNOWN, Quality
from imu.pipeline import Pipeline

angles = st.floats(-60.0, 60.0).map(np.radians)
headings = st.floats(-np.pi, np.pi)
quick = settings(max_examples=60, deadline=None, derandomize=True)
WORN = [key for key in ANGLES if not key[0].startswith("ankle")]


def quat(r: Rotation) -> np.ndarray:
    return r.as_quat(scalar_first=True)


@quick
@given(a=angles, b=angles, c=angles, heading=headings, lean=angles, side=st.sampled_from(SIDES))
def test_a_joint_gives_back_what_it_was_made_of_in_any_world(a, b, c, heading, lean, side):
    """Round trip, and independence of where the person faces or leans."""
    sign = 1.0 if side == "right" else -1.0
    thigh = Rotation.from_euler("z", heading) * Rotation.from_euler("xy", [lean, 0.3])
    shank = thigh * Rotation.from_euler("ZXY", [a, sign * b, sign * c])
    np.testing.assert_allclose(joint_angles(quat(thigh), quat(shank), side), [a, b, c], atol=1e-9)


@quick
@given(a=angles, b=angles, c=angles)
def test_mirrored_joints_are_equal(a, b, c):
    """Mirrored in the sagittal plane x and y rotations change sign: the other leg shows the same angles."""
    thigh = Rotation.from_euler("xyz", [0.2, -0.4, 0.1])
    shank = thigh * Rotation.from_euler("ZXY", [a, b, c])
    mirrored = [Rotation.from_rotvec(r.as_rotvec() * [-1.0, -1.0, 1.0]) for r in (thigh, shank)]
    right = joint_angles(quat(thigh), quat(shank), "right")
    np.testing.assert_allclose(joint_angles(*map(quat, mirrored), "left"), right, atol=1e-9)


@quick
@given(thigh=angles, shank=angles)
def test_in_the_sagittal_plane_a_knee_is_thigh_minus_shank(thigh, shank):
    one, two = (Rotation.from_euler("z", x) for x in (thigh, shank))
    knee = -joint_angles(quat(one), quat(two), "left")
    np.testing.assert_allclose(np.remainder(knee[0] - (thigh - shank) + np.pi, 2 * np.pi), np.pi, atol=1e-9)
    np.testing.assert_allclose(knee[1:], 0.0, atol=1e-9)


def test_an_axis_that_is_off_by_5_degrees_shows_as_adduction():
    """5° about the long axis give 4.3° at 60° of flexion (and 0 in the stand): crosstalk, on a perfect hinge."""
    off = Rotation.from_euler("y", 5.0 * DEG)
    flexion = np.radians([0.0, 30.0, 60.0, 90.0])
    shank = off.inv() * Rotation.from_euler("z", -flexion[:, None]) * off
    found = joint_angles(np.array([1.0, 0.0, 0.0, 0.0]), quat(shank), "right") / DEG
    np.testing.assert_allclose(np.abs(found[:, 1]), [0.0, 2.5, 4.33, 5.0], atol=0.05)


PLAN = (Stand(4.0), March(6), Stand(3.0), Squats(2), SingleLegSquats(1), Stand(2.0))


@functools.cache
def session(mirrored: bool = False):
    """(grid, setup, frames) of a simulated person with every error of sensors and straps."""
    simulated = perform_activity(6, PLAN, loss=0.01)
    setup, body = simulated.recording.setup, GatheringBody(simulated.recording.setup)
    pipeline = Pipeline(setup, body)
    blocks = [pipeline.push(p).frames for p in simulated.recording.blocks()] + [pipeline.finish().frames]
    names = ("t_us", "q", "gyr", "acc", "flags")
    grid = type(body.blocks[0])(*(np.concatenate([getattr(b, n) for b in body.blocks]) for n in names))
    return grid, setup, joined(blocks)


def test_headings_of_world_and_sensors_change_nothing():
    """Each filter starts with a heading of its own; all angles and sigmas stay."""
    grid, setup, frames = session()
    rng = np.random.default_rng(4)
    q = grid.q.copy()
    for j in range(q.shape[1]):
        known = np.isfinite(q[:, j, 0])
        turn = Rotation.from_euler("z", rng.uniform(-np.pi, np.pi))
        q[known, j] = quat(turn * Rotation.from_quat(q[known, j], scalar_first=True))
    other, _, _ = run(replace(grid, q=q), setup)
    np.testing.assert_array_equal(other.flags, frames.flags)
    # the axes of the calibration are equal to 0.1°; what a joint does with its headings is exact
    np.testing.assert_allclose(other.angle, frames.angle, atol=0.3 * DEG)
    np.testing.assert_allclose(other.sigma, frames.sigma, atol=0.2 * DEG)


def test_tilts_against_gravity_do_not_feel_headings_that_drift():
    """2 °/min in one direction in one sensor, in the other one in the next."""
    grid, setup, frames = session()
    q = grid.q.copy()
    t = grid.t_us * 1e-6
    for j in range(q.shape[1]):
        known = np.isfinite(q[:, j, 0])
        turn = Rotation.from_euler("z", ((-1.0) ** j * 2.0 / 60.0 * DEG * t[known])[:, None])
        q[known, j] = quat(turn * Rotation.from_quat(q[known, j], scalar_first=True))
    other, _, _ = run(replace(grid, q=q), setup)
    for name, side in WORN:
        if name.endswith(("tilt", "obliquity")) and "frontal" not in name:
            column = angle_column(name, side)
            # the axis comes from the guided movement, in which the headings have drifted by 0.2°
            np.testing.assert_allclose(other.angle[:, column], frames.angle[:, column], atol=1.0 * DEG, err_msg=name)


def mirrored_grid(grid, setup):
    """The same session in a mirror: every vector loses its part to the side, labels change sides, pseudovectors turn."""
    swap = {"left": "right", "right": "left"}
    names = [s.segment for s in setup.sensors]
    order = [names.index(n if n == "pelvis" else f"{n.split('_')[0]}_{swap[n.split('_')[1]]}") for n in names]
    q, gyr, acc = grid.q[:, order].copy(), grid.gyr[:, order].copy(), grid.acc[:, order].copy()
    # mirror in the sensor's own y: acc loses its y, rates their x and z; the earth is mirrored in its own y
    acc[..., 1] *= -1.0
    gyr[..., 0] *= -1.0
    gyr[..., 2] *= -1.0
    q[..., 1] *= -1.0
    q[..., 3] *= -1.0
    return replace(grid, q=q, gyr=gyr, acc=acc, flags=grid.flags[:, order].copy())


def test_mirroring_a_session_swaps_left_and_right_and_nothing_else():
    grid, setup, frames = session()
    mirrored, events, _ = run(mirrored_grid(grid, setup), setup)
    assert any(e.kind == "calibrated" for e in events)
    swap = {"left": "right", "right": "left", None: None}
    for name, side in WORN:
        sign = -1.0 if name in ("pelvis_obliquity", "pelvis_rotation") else 1.0
        wanted = frames.angle[:, angle_column(name, swap[side])]
        found = sign * mirrored.angle[:, angle_column(name, side)]
        np.testing.assert_allclose(found, wanted, atol=1e-5, err_msg=f"{name} {side}")


@settings(max_examples=4, deadline=None, derandomize=True)
@given(frames=st.integers(1, 400))
def test_grouping_of_frames_changes_nothing(frames):
    grid, setup, whole = session()
    pieces, _, _ = run(grid, setup, frames if frames > 20 else 20 + frames)
    for name in ("angle", "sigma", "flags", "q_earth_segment"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name))


@pytest.mark.parametrize("share", [0.11, 0.37, 0.83])
def test_a_session_goes_on_from_its_saved_state(share):
    grid, setup, whole = session()
    cut = round(share * len(grid))
    first = Body(setup)
    a, _ = first.push(part_of(grid, 0, cut))
    second = Body(setup)
    second.restore(first.state())
    first.push(part_of(grid, cut, len(grid)))  # what it does later must not reach the copy
    b, _ = second.push(part_of(grid, cut, len(grid)))
    both = joined([a, b])
    for name in ("angle", "sigma", "flags"):
        np.testing.assert_array_equal(getattr(both, name), getattr(whole, name))


@pytest.mark.parametrize("segment", ["pelvis", "thigh_left", "shank_right"])
def test_a_silent_sensor_makes_its_joints_unknown_and_no_number_plausible(segment):
    silent_us = (30_000_000, 33_000_000)
    grid, setup, _ = session()
    j = [s.segment for s in setup.sensors].index(segment)
    away = (grid.t_us >= silent_us[0]) & (grid.t_us < silent_us[1])
    flags, q = grid.flags.copy(), grid.q.copy()
    flags[away, j] = int(Quality.STALE | Quality.GAP)
    q[away, j] = np.nan
    frames, _, _ = run(replace(grid, q=q, flags=flags), setup)
    for column in angles_of(segment):
        if ANGLES[column][0].startswith("ankle"):
            continue
        assert np.isnan(frames.angle[away, column]).all()
        assert ((frames.flags[away, column] & int(UNKNOWN)) != 0).all()
