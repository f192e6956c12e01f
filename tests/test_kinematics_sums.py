"""The sums of the calibration against their twins, and the calibration of a whole recording."""

from __future__ import annotations

import numpy as np
import pytest
from calibration_people import axis_error, wearing
from kinematics_bodies import DEG, minimum_jerk
from reference.calibration_twin import height_gained, relative_moments, sinking
from scipy.signal import lfilter
from scipy.spatial.transform import Rotation
from shared_data import DATA

import imu
from firmware_sim.activities import March, SeatedExtensions, Squats, Stand, half_squats
from imu.config import SensorSetup, Setup
from imu.conventions import CORE_SEGMENTS, G
from imu.errors import CalibrationError
from imu.fusion.grid import GridBlock
from imu.kinematics.calibration import CalibrationSearch, calibrate_whole, joints_of, movement, posture, stand
from imu.kinematics.calibration.axes import Heading, apart, axis_of, directions_square_to, fused, matrix_of, quaternion_of
from imu.kinematics.calibration.layout import BLOCKS, Sums
from imu.kinematics.calibration.relative import halve, moments_at

DT = 0.01
LEGS = CORE_SEGMENTS[1:]


def sums_of(grid, names, first):
    """All frames from a given stand on."""
    joints = joints_of(names)
    sums = Sums.empty(list(names), [(k.proximal, k.distal, k.kind == "knee") for k in joints])
    sums.sensors["used"] = sums.sensors["settled"] = 1
    kept = (sums.search, sums.sensors, sums.joints, sums.own, sums.relative, sums.history)
    movement.forget_movement(DT, *kept)
    for j, s in enumerate(sums.sensors):
        up = Rotation.from_quat(grid.q[first, j], scalar_first=True).as_matrix()[2]
        s["up"] = up
        s["a"], s["b"] = directions_square_to(up)
    for row in range(first, len(grid)):
        movement.move(row, grid.q, grid.gyr, grid.acc, grid.flags, DT, *kept)
    return sums


@pytest.fixture(scope="module")
def marched():
    worn = wearing(6, (Stand(2.0), March(14), half_squats(), Stand(2.0)), CORE_SEGMENTS)
    return worn, sums_of(worn.grid, worn.segments, 100)


@pytest.mark.parametrize("delta", [0.0, 0.7, -2.5])
def test_relative_rates_for_any_heading_afterwards(marched, delta):
    worn, sums = marched
    g = worn.grid
    assert sums.search[0]["block"] >= 16  # they were halved on the way
    for k, joint in enumerate(joints_of(worn.segments)):
        p, d, s = joint.proximal, joint.distal, sums.sensors[joint.proximal]
        wanted = relative_moments(
            g.q[100:, p], g.q[100:, d], g.gyr[100:, p], g.gyr[100:, d], s["a"], s["b"], delta, DT
        )  # fmt: skip
        np.testing.assert_allclose(moments_at(sums.relative[k], delta).sum(axis=0), wanted, rtol=1e-8)


def test_sinking_of_who_squats(marched):
    worn, sums = marched
    both = [j for j, name in enumerate(worn.segments) if name.startswith(("thigh", "pelvis"))]
    ups = [Rotation.from_quat(worn.grid.q[100:, j], scalar_first=True).as_matrix()[:, 2] for j in both[1:]]
    tilt = [np.arccos(np.clip(up @ sums.sensors[j]["up"], -1, 1)) for j, up in zip(both[1:], ups, strict=True)]
    wanted = sinking([worn.grid.q[100:, j] for j in both], [worn.grid.acc[100:, j] for j in both], np.min(tilt, axis=0), DT)
    assert wanted > 0.2
    g = sums.search[0]
    assert float(g["bend_rate2"]) > 0.02
    sums.search["bend_rate2"] = 5 * g["bend_rate2"]  # beyond what counts as a movement of both
    assert 5 * posture.sinking(sums, DT) == pytest.approx(wanted, rel=1e-6)


def test_height_from_rest_to_rest():
    """Who sits down is lower then, in spite of an accelerometer that is wrong by 0.1 m/s²."""
    worn = wearing(3, (Stand(3.0), SeatedExtensions(), Stand(3.0)), CORE_SEGMENTS)
    g = worn.grid
    acc = g.acc + 0.1
    sums = Sums.empty(list(worn.segments), [])
    heights = []
    for row in range(len(g)):
        stand.step(row, g.q, g.gyr, acc, g.flags, DT, sums.search, sums.sensors)
        if sums.search[0]["still"] == 199:
            heights.append((row, sums.sensors["height"].copy()))
            sums.search["still"] = 0
    pelvis = np.array([worn.body.pose("pelvis", np.array([row * DT])).origin[0, 2] for row, _ in heights])
    for (row, found), true in zip(heights, pelvis, strict=True):
        assert found[0] == pytest.approx(true - pelvis[0], abs=0.08), row
    assert min(h[0] for _, h in heights) < -0.25


def test_height_of_one_way_up():
    """0.4 m in 1.5 s after a wild shake, and an accelerometer that is wrong by 0.2 m/s² along the vertical."""
    t = np.arange(900) * DT
    x = np.clip((t - 4.0) / 1.5, 0.0, 1.0)
    height = 0.4 * minimum_jerk(x)
    lift = np.gradient(np.gradient(height, t), t) + 0.2
    acc = np.zeros((len(t), 1, 3))
    acc[:, 0, 2] = G + lift
    gyr = np.zeros_like(acc)
    gyr[(x > 0) & (x < 1)] = 1.0  # it is not still on the way
    q = np.zeros((len(t), 1, 4))
    q[..., 0] = 1.0
    sums = Sums.empty(["thigh_left"], [])
    for row in range(len(t)):
        stand.step(row, q, gyr, acc, np.zeros((len(t), 1), np.uint16), DT, sums.search, sums.sensors)
    found = float(sums.sensors[0]["height"])
    assert found == pytest.approx(0.4, abs=0.02)
    moving = np.flatnonzero(sums_still(gyr))
    assert found == pytest.approx(height_gained(q[moving, 0], acc[moving, 0], DT), abs=0.01)


def sums_still(gyr):
    """(n,) not still: the smoothed rate is above 0.25 rad/s."""
    low = lfilter([DT / (0.1 + DT)], [1.0, DT / (0.1 + DT) - 1.0], np.linalg.norm(gyr[:, 0], axis=1))
    return low > 0.25


def test_blocks_are_halved_without_loss():
    sums = np.random.default_rng(0).normal(size=(2, BLOCKS, 3))
    wanted = sums.reshape(2, BLOCKS // 2, 2, 3).sum(axis=2)
    halve(sums)
    np.testing.assert_allclose(sums[:, : BLOCKS // 2], wanted)
    assert (sums[:, BLOCKS // 2 :] == 0).all()


def test_spread_of_an_axis_is_how_it_varies_from_movement_to_movement():
    rng = np.random.default_rng(1)
    found, told = [], []
    for _ in range(200):
        angle = rng.normal(0.4, 0.1, 12)
        c, s = np.cos(angle), np.sin(angle)
        axis = axis_of(np.stack([c * c, c * s, s * s], axis=1), 10.0)
        found.append(axis.angle)
        told.append(axis.sigma)
    assert np.mean(found) == pytest.approx(0.4, abs=0.01)
    assert np.sqrt(np.mean(np.square(told))) == pytest.approx(np.std(found), rel=0.2)


def test_headings_are_joined_across_the_turn_and_no_surer_than_they_agree():
    near = fused([Heading(3.1, 0.1), Heading(-3.1, 0.1)])
    assert abs(apart(near.angle, np.pi)) < 1e-9
    assert near.sigma == pytest.approx(0.1 / np.sqrt(2))
    assert fused([Heading(0.0, 0.05), Heading(0.6, 0.05)]).sigma > 0.25
    assert not fused([Heading(0.0, np.inf), Heading(np.nan, np.inf)]).known
    for r in Rotation.random(20, random_state=1):
        np.testing.assert_allclose(matrix_of(quaternion_of(r.as_matrix())), r.as_matrix(), atol=1e-12)


class TestWholeRecording:
    def believed(self, worn, drift=0.0, late=0.0):
        """(delta, sigma) of every joint: true, drifting in rad/s; before the first 8 s wrong by `late` and told so."""
        t = worn.grid.t_us * 1e-6
        joints = CalibrationSearch(worn.setup()).joints
        names = worn.segments
        delta = np.stack([worn.delta(names[k.proximal], names[k.distal]) + drift * t for k in joints], axis=1)
        sigma = np.full(delta.shape, 1.5 * DEG)
        delta[t < 8.0] += late
        sigma[t < 8.0] = max(1.5 * DEG, abs(late))
        return delta, sigma

    def worn(self):
        return wearing(7, (Stand(6.0), Squats(2), Stand(3.0), March(), Stand(4.0)), CORE_SEGMENTS)

    def test_has_the_axes_of_a_guided_movement(self):
        worn = self.worn()
        whole = calibrate_whole(worn.grid, worn.setup(), *self.believed(worn), (2_000_000, 4_000_000))
        for segment in LEGS:
            assert abs(axis_error(worn, whole, segment)) < 3 * whole.of(segment).axis_sigma
        for joint in whole.joints:
            error = np.angle(np.exp(1j * (joint.delta - worn.delta(joint.proximal, joint.distal))))
            assert abs(error) < 3 * DEG

    def test_follows_a_heading_that_drifts(self):
        """2°/min per sensor as seen by delta: the earth frames turn, the person does not."""
        worn = self.worn()
        delta, sigma = self.believed(worn)
        still = calibrate_whole(worn.grid, worn.setup(), delta, sigma, (2_000_000, 4_000_000))
        t = worn.grid.t_us * 1e-6
        g, turned = worn.grid, worn.grid.q.copy()
        rates = np.radians([0.0, 3.0, -3.0, 2.0, -4.0])
        for j, rate in enumerate(rates):
            spin = Rotation.from_euler("z", rate * t[:, None])
            turned[:, j] = (spin * Rotation.from_quat(g.q[:, j], scalar_first=True)).as_quat(scalar_first=True)
        joints = joints_of(worn.segments)
        for k, joint in enumerate(joints):
            delta[:, k] += (rates[joint.proximal] - rates[joint.distal]) * t
        grid = GridBlock(g.t_us, turned, g.gyr, g.acc, g.flags)
        drifting = calibrate_whole(grid, worn.setup(), delta, sigma, (2_000_000, 4_000_000))
        for one, two in zip(still.segments, drifting.segments, strict=True):
            assert Rotation.from_matrix(one.frame.T @ two.frame).magnitude() < 0.5 * DEG

    def test_corrects_the_first_stand_by_the_later_ones(self):
        """Before the first motion the heading is extrapolated: 12° wrong here, and told as unsure."""
        worn = self.worn()
        delta, sigma = self.believed(worn, late=12 * DEG)
        whole = calibrate_whole(worn.grid, worn.setup(), delta, sigma, (2_000_000, 4_000_000))
        for joint in whole.joints:
            if joint.distal.startswith("shank"):
                error = np.angle(np.exp(1j * (joint.delta - worn.delta(joint.proximal, joint.distal))))
                assert abs(error) < 5 * DEG
                assert joint.sigma < 5 * DEG

    def test_needs_a_stand(self):
        worn = self.worn()
        with pytest.raises(CalibrationError, match="stand"):
            calibrate_whole(worn.grid, worn.setup(), *self.believed(worn), (90_000_000, 92_000_000))

    def test_without_headings_is_the_axes_alone(self):
        worn = self.worn()
        delta, sigma = self.believed(worn)
        whole = calibrate_whole(worn.grid, worn.setup(), delta * np.nan, sigma, (2_000_000, 4_000_000))
        assert all(whole.of(s).q_sensor_segment is not None for s in LEGS)
        assert all(whole.of(s).axis_sigma > 4 * DEG for s in LEGS)


@pytest.fixture(scope="module")
def landing():
    """(grid, reference in degrees: flexion, adduction, internal rotation) of a recorded knee."""
    data = np.load(DATA / "knee_landing" / "drop_landing_left.npz")
    parts = [(data[f"gyr_{p}"].astype(float), data[f"acc_{p}"].astype(float)) for p in ("thigh", "shank")]
    return parts, (data["ref_knee_clin_deg"] - data["ref_knee_clin_deg"][200:300].mean(axis=0)) * [1, -1, 1]


def knee_of_a_person(parts, mountings):
    """(n, 3) degrees relative to the stand of 2 to 3 s; the heading from the knee's own axes, as a hinge, over 5 s."""
    gyr, acc = (
        [np.ascontiguousarray(m.inv().apply(x)) for m, x in zip(mountings, both, strict=True)]
        for both in zip(*parts, strict=True)
    )
    q = [imu.fusion.orientation(g, a, rate_hz=100.0) for g, a in zip(gyr, acc, strict=True)]
    n = len(q[0])
    grid = GridBlock(
        np.arange(n, dtype=np.int64) * 10_000, *(np.ascontiguousarray(np.stack(x, axis=1)) for x in (q, gyr, acc)),
        np.zeros((n, 2), np.uint16),
    )  # fmt: skip
    setup = Setup(tuple(SensorSetup(s, s, 100.0, "samples") for s in ("thigh_left", "shank_left")), stand_s=(2.0, 3.0))
    search, row, events = CalibrationSearch(setup), 0, []
    while row < n and search.open:
        row, why = search.scan(grid, row)
        search.decide(why, lambda _: (np.nan, np.inf), events)
    assert search.calibration is not None
    r = [Rotation.from_quat(x, scalar_first=True) for x in q]
    z = [one.apply(s.frame[:, 2]) @ np.array([1, 1j, 0]) for one, s in zip(r, search.calibration.segments, strict=True)]
    moves = sum(np.linalg.norm(g, axis=1) for g in gyr) > 0.14
    product = np.where(moves, z[0] * np.conj(z[1]), 0.0)
    kernel = np.exp(-np.abs(np.arange(-1500, 1501)) / 500.0)
    delta = np.unwrap(np.angle(np.convolve(product, kernel, mode="same")))
    whole = calibrate_whole(grid, setup, delta[:, None], np.full((n, 1), 6 * DEG), (2_000_000, 3_000_000))
    s = [Rotation.from_matrix(one.frame) for one in whole.segments]
    turn = ((r[0] * s[0]).inv() * Rotation.from_euler("z", delta[:, None]) * (r[1] * s[1])).as_matrix()
    flexion, rotation = np.arctan2(turn[:, 0, 1], turn[:, 1, 1]), np.arctan2(turn[:, 2, 0], turn[:, 2, 2])
    found = np.stack([np.unwrap(flexion), -np.arcsin(turn[:, 2, 1]), np.unwrap(rotation)], axis=1) / DEG
    return found - found[200:300].mean(axis=0)


@pytest.mark.validation
def test_knee_of_a_person_against_markers(landing):
    """Heading from the calibrated axes alone, nothing of the reference; predicting zero gives 3.1° of adduction."""
    parts, reference = landing
    found = knee_of_a_person(parts, [Rotation.identity()] * 2)
    error = np.sqrt(np.nanmean((found - reference) ** 2, axis=0))
    assert error[0] < 1.1
    assert error[1] < 2.1
    turned = knee_of_a_person(parts, [Rotation.random(random_state=k) for k in (1, 2)])
    assert np.abs(turned - found)[:, :2].max() < 0.3
