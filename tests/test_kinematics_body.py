"""The body frame by frame: equal results however frames are grouped, honest when something is missing."""

from __future__ import annotations

import numpy as np
import pytest
from kinematics_bodies import DEG, STANDING, Person, angle_deg, part_of, performed, run, setup, squats, turned
from scipy.spatial.transform import Rotation

from imu.conventions import ANGLES, SIDES, angle_column
from imu.kinematics import Body, joint_angles
from imu.outputs import FrameBlock
from imu.packets import UNKNOWN, Quality

AWAY = int(Quality.STALE | Quality.GAP)
HEADING = int(Quality.HEADING_STALE)


def restless(seconds=24.0, **changes):
    """Repetitions of both legs with the right knee falling in, after the calibration."""

    def path(forward, medial, axial):
        def at(t):
            depth = squats(t, (1.0, 5.0))
            return turned(forward * DEG * depth, medial * DEG * depth**2, axial * DEG * depth**2)

        return at

    moves = {
        "pelvis": path(-20, 2, 3), "thigh_left": path(60, -2, 2), "thigh_right": path(62, 11, -6),
        "shank_left": path(-30, 1, 1), "shank_right": path(-32, -9, 3),
    }  # fmt: skip
    return Person(moves, seconds=seconds, **changes)


def assert_identical(a: FrameBlock, b: FrameBlock):
    for name in ("t_us", "q_earth_segment", "angle", "sigma", "flags"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@pytest.fixture(scope="module")
def disturbed():
    """With noise, silent sensors and a restart: a grid, and what comes out in one piece."""
    person = restless()
    rng = np.random.default_rng(12)
    person.flags[700:720, 2] = AWAY
    person.flags[1500:1560, 3] = AWAY
    person.flags[1560:1660, 3] = int(Quality.SETTLING)
    person.flags[1820:1840, 1] = int(Quality.GAP)
    grid = person.grid()
    grid.gyr[:] += rng.normal(0.0, 0.01, grid.gyr.shape)
    grid.acc[:] += rng.normal(0.0, 0.05, grid.acc.shape)
    return grid, run(grid, setup())


@pytest.mark.parametrize("frames", [1, 7, 25])
def test_results_do_not_depend_on_how_frames_are_grouped(disturbed, frames):
    grid, (whole, events, body) = disturbed
    assert body.calibration is not None
    pieces, events_in_pieces, other = run(grid, setup(), frames)
    assert_identical(pieces, whole)
    assert events_in_pieces == events
    assert other.calibration == body.calibration


@pytest.mark.parametrize("at", [150, 350, 800, 1100, 1570, 1830])
def test_a_restored_body_continues_with_equal_results(disturbed, at):
    grid, (whole, _, _) = disturbed
    first = Body(setup())
    first.push(part_of(grid, 0, at))
    state = first.state()
    first.push(part_of(grid, at, at + 500))  # the copy is not touched by going on
    second = Body(setup())
    second.restore(state)
    block, _, _ = run(part_of(grid, at, len(grid)), setup(), body=second)
    assert_identical(block, FrameBlock(*(getattr(whole, n)[at:] for n in FrameBlock.__slots__)))


def test_an_empty_block_is_nothing():
    grid = Person().grid()
    body = Body(setup())
    frames, events = body.push(part_of(grid, 0, 0))
    assert len(frames) == 0
    assert frames.angle.shape == (0, len(ANGLES))
    assert events == ()


def test_an_unknown_sensor_makes_its_own_angles_unknown_and_no_others():
    person = restless()
    j = person.segments.index("shank_right")
    person.flags[1500:1700, j] = AWAY
    frames, _, _ = performed(person)
    for name, side in ANGLES:
        column = frames.angle[1500:1700, angle_column(name, side)]
        flags = frames.flags[1500:1700, angle_column(name, side)]
        if name.startswith("ankle"):
            continue
        if side == "right" and name.startswith(("knee", "shank")):
            assert np.isnan(column).all(), name
            assert (flags & AWAY == AWAY).all(), name
        else:
            assert np.isfinite(column).all(), name
            assert (flags == 0).all(), name
    assert np.isnan(frames.q_earth_segment[1500:1700, j]).all()
    worn = [angle_column(*key) for key in ANGLES if not key[0].startswith("ankle")]
    assert np.isfinite(frames.angle[1700:, worn]).all()


def test_unknown_is_nan_with_a_flag_and_known_is_not(disturbed):
    _, (frames, _, _) = disturbed
    unknown = (frames.flags & int(UNKNOWN)) != 0
    np.testing.assert_array_equal(np.isnan(frames.angle), unknown)
    np.testing.assert_array_equal(np.isnan(frames.sigma), unknown)
    assert (frames.sigma[~unknown] > 0).all()


def test_an_angle_that_is_not_a_number_is_flagged_whatever_the_fusion_says():
    person = restless()
    grid = person.grid()
    grid.q[1500:1510, 0] = np.nan
    frames, _, _ = run(grid, setup())
    column = angle_column("pelvis_tilt")
    assert np.isnan(frames.angle[1500:1510, column]).all()
    assert (frames.flags[1500:1510, column] & int(Quality.STALE)).all()


def test_segments_that_are_not_worn_are_not_calibrated():
    frames, _, _ = performed(Person(segments=("thigh_left", "shank_left")))
    for name, side in ANGLES:
        column = angle_column(name, side)
        worn = side == "left" and not name.startswith(("hip", "ankle"))
        assert np.isfinite(frames.angle[-1, column]) == worn
        assert bool(frames.flags[-1, column] & int(Quality.NOT_CALIBRATED)) != worn


@pytest.fixture(scope="module")
def restarted():
    """The right thigh's sensor is silent in the first repetition and comes back on the way up, with another heading."""
    person = restless(seconds=30.0)
    j = person.segments.index("thigh_right")
    grid = person.grid()
    turn = Rotation.from_euler("z", 1.3)
    grid.q[1460:, j] = (turn * Rotation.from_quat(grid.q[1460:, j], scalar_first=True)).as_quat(scalar_first=True)
    grid.q[1460:1620, j] = np.nan
    grid.flags[1460:1520, j] = AWAY
    grid.flags[1520:1620, j] = int(Quality.SETTLING)
    return run(grid, setup())[0], performed(restless(seconds=30.0))[0], j


@pytest.mark.parametrize("name", ["thigh_tilt", "thigh_sagittal_tilt", "knee_flexion", "hip_flexion"])
def test_tilts_of_a_restarted_sensor_go_on_at_once(restarted, name):
    frames, undisturbed, _ = restarted
    column = angle_column(name, "right")
    assert np.isnan(frames.angle[1460:1620, column]).all()
    # a joint is read from both tilts until its heading is known again: in the sagittal plane the same
    tolerance = 1e-9 if "tilt" in name else 0.1 * DEG
    np.testing.assert_allclose(frames.angle[1620:, column], undisturbed.angle[1620:, column], atol=tolerance)


def test_the_frontal_tilt_of_a_restarted_sensor_waits_for_a_rest(restarted):
    frames, undisturbed, _ = restarted
    column = angle_column("thigh_frontal_tilt", "right")
    lost = np.isnan(frames.angle[1620:, column])
    assert lost[0]
    back = 1620 + int(np.argmin(lost))
    assert 1660 <= back <= 1780  # half a second after the person stands again, before the next repetition
    assert not np.isnan(frames.angle[back:, column]).any()
    assert (frames.flags[1620:back, column] & HEADING).all()
    assert (frames.flags[back:, column] == 0).all()
    np.testing.assert_allclose(frames.angle[1800:, column], undisturbed.angle[1800:, column], atol=0.3 * DEG)


def test_the_segment_of_a_restarted_sensor_faces_as_the_others_after_a_rest(restarted):
    frames, _, j = restarted
    q = frames.q_earth_segment[:, j]
    assert np.isnan(q[1620:1640]).all()
    last = Rotation.from_quat(q[-1], scalar_first=True)
    assert (STANDING.inv() * last).magnitude() < 1 * DEG


def test_who_has_turned_on_the_move_has_no_frontal_tilt_until_the_next_rest():
    """A walk round a corner: nobody stands still, then a rest."""

    def walking(size, sign):
        def at(t):
            step = 20 * DEG + 15 * DEG * np.sin(2 * np.pi * t)
            share = np.clip(t, 0, 1) * np.clip(8.0 - t, 0, 1)
            corner = np.clip((t - 3.0) / 1.0, 0.0, 1.0) * np.pi / 2
            # seen from outside: first the corner about the vertical, then the leg
            return turned(axial=corner) * turned(sign * size * step * share)

        return at

    moves = {f"{part}_{s}": walking(*how) for part, how in (("thigh", (1.0, 1.0)), ("shank", (0.8, -1.0)))
             for s in ("left", "right")}  # fmt: skip
    moves["pelvis"] = walking(0.1, -1.0)
    frames, _, _ = performed(Person(moves, seconds=26.0))
    column = angle_column("thigh_frontal_tilt", "left")
    walk = slice(1300 + 420, 1300 + 460)
    assert (frames.flags[walk, column] & HEADING).all()
    assert np.isnan(frames.angle[walk, column]).all()
    assert np.isfinite(frames.angle[walk, angle_column("knee_flexion", "left")]).all()
    rest = slice(2350, 2600)
    assert np.isfinite(frames.angle[rest, column]).all()
    assert (frames.flags[rest, column] == 0).all()
    assert np.abs(frames.angle[rest, column]).max() < 0.5 * DEG


def test_uncertainty_grows_with_depth_where_the_axis_matters_and_not_elsewhere():
    frames, _, _ = performed(restless())
    sigma = {name: frames.sigma[:, angle_column(name, "left")] / DEG for name, side in ANGLES if side == "left"}
    stand, deep = 1380, 1550
    assert angle_deg(frames, "thigh_tilt", "left")[deep] > 55
    assert sigma["thigh_frontal_tilt"][stand] < 1.2
    assert 3.0 < sigma["thigh_frontal_tilt"][deep] < 6.0  # an axis 4° off is 3.5° of frontal tilt at 60°
    assert 1.5 < sigma["shank_frontal_tilt"][deep] < 4.0
    assert sigma["thigh_tilt"][deep] < 2.0
    assert 0.4 < sigma["knee_flexion"][deep] < 3.0
    assert sigma["knee_adduction"][deep] > 2.0 * sigma["knee_adduction"][stand]  # crosstalk of an axis that is off


def test_a_bridged_hole_makes_its_angles_less_certain_for_a_while():
    person = restless()
    j = person.segments.index("thigh_left")
    person.flags[1350:1375, j] = int(Quality.GAP)
    frames, _, _ = performed(person)
    plain, _, _ = performed(restless())
    column = angle_column("thigh_tilt", "left")
    grown = frames.sigma[:, column] / plain.sigma[:, column]
    assert grown[1340] == 1.0
    assert 3.0 < grown[1374] < 8.0
    assert 1.0 < grown[1600] < 2.0
    assert (frames.flags[1350:1375, column] == int(Quality.GAP)).all()
    assert np.isfinite(frames.angle[1350:1375, column]).all()
    saturated = restless()
    saturated.flags[1350:1450, j] = int(Quality.SATURATED_GYR)
    frames, _, _ = performed(saturated)
    assert (frames.sigma[1350:1450, column] > 4.5 * DEG).all()


def test_segments_and_angles_tell_the_same_story():
    """Grood & Suntay angles of the segments' orientations against those made from gravity."""
    frames, _, _ = performed(restless())
    person = restless()
    row = slice(1400, 2400)
    for side in SIDES:
        thigh, shank = (frames.q_earth_segment[row, person.segments.index(f"{p}_{side}")] for p in ("thigh", "shank"))
        knee = joint_angles(thigh, shank, side)
        np.testing.assert_allclose(-knee[:, 0], frames.angle[row, angle_column("knee_flexion", side)], atol=3.0 * DEG)

