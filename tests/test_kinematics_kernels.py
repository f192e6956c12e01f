"""Every kernel against its plain twin, on tumbling segments that no person could perform."""

from __future__ import annotations

import numpy as np
import pytest
from kinematics_bodies import DEG, Person, performed
from reference.body_twin import Axis, frontal, gravity_angles, movement_sums, principal_axis, rotations
from scipy.spatial.transform import Rotation

from imu.conventions import ANGLES, angle_column
from imu.kinematics import angles, joint_angles, warm_up
from imu.kinematics.calibration import movement, scan, stand
from imu.kinematics.calibration.axes import directions_square_to, quaternion_of
from imu.kinematics.calibration.layout import Sums
from imu.kinematics.calibration.own import own_axis
from imu.kinematics.layout import JOINT, SEGMENT
from imu.packets import Quality

DT = 0.01


def tumbling(seed, n, rate):
    """(q (n, 4), gyr (n, 3)) of a smooth random rotation; `rate` rad/s."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) * DT
    phase = rng.uniform(0, 2 * np.pi, (3, 3))
    frequency = rng.uniform(0.1, 0.9, (3, 3))
    w = rate * np.sin(2 * np.pi * frequency[None] * t[:, None, None] + phase[None]).sum(axis=2)
    r = Rotation.from_quat(rng.normal(size=4))
    q = np.empty((n, 4))
    for k in range(n):
        q[k] = r.as_quat(scalar_first=True)
        r = r * Rotation.from_rotvec(w[k] * DT)
    return q, w


def frame_of(n, sensors):
    a = len(ANGLES)
    return (
        np.full((n, sensors, 4), np.nan), np.full((n, a), np.nan), np.full((n, a), np.nan), np.zeros((n, a), np.uint16),
    )  # fmt: skip


@pytest.mark.parametrize(("seed", "rate"), [(1, 0.2), (2, 0.8), (3, 3.0)])
def test_angles_of_frames(seed, rate):
    n = 4000
    moved = [tumbling((seed, j), n, rate) for j in range(5)]
    q = np.ascontiguousarray(np.stack([m[0] for m in moved], axis=1))
    gyr = np.ascontiguousarray(np.stack([m[1] for m in moved], axis=1))
    rng = np.random.default_rng(seed)
    segments = np.zeros(5, SEGMENT)
    segments["part"] = [0, 1, 1, 2, 2]
    segments["witness"] = -1
    segments["known"] = segments["facing_known"] = segments["axis_known"] = 1
    mounting = rng.normal(size=(5, 4))
    segments["q"] = mounting = mounting / np.linalg.norm(mounting, axis=1, keepdims=True)
    facing, axis = rng.uniform(-np.pi, np.pi, (2, 5))
    segments["facing"] = np.stack([np.cos(facing), np.sin(facing)], axis=1)
    segments["axis"] = np.stack([np.cos(axis), np.sin(axis)], axis=1)
    segments["axis_sigma"], segments["stand_sigma"] = 5 * DEG, 0.5 * DEG
    q_out, angle, sigma, flags_out = frame_of(n, 5)
    # two hips, two knees, headings drifting as they like; those of the left knee are not known
    joints = np.zeros(4, JOINT)
    joints["proximal"], joints["distal"], joints["known"] = [0, 0, 1, 2], [1, 2, 3, 4], [1, 1, 0, 1]
    joints["columns"] = [[angle_column(f"{joint}_{a}", side) for a in ("flexion", "adduction", "rotation")]
                         for joint in ("hip", "knee") for side in ("left", "right")]  # fmt: skip
    joints["flexion_sign"], joints["side_sign"] = [1, 1, -1, -1], [-1, 1, -1, 1]
    joints["turned"], joints["turned_var"], joints["axis_sigma"] = [0.1, -0.2, 0, 0], (4 * DEG) ** 2, 5 * DEG
    delta = rng.uniform(-3, 3, 4) + 0.05 * np.arange(n)[:, None] * DT * rng.normal(size=4)
    unsure = np.full((n, 4), 6 * DEG)
    acc = rng.normal((0.0, 0.0, 9.8), 2.0, (n, 5, 3))
    angles.run(
        0, n, q, gyr, acc, np.zeros((n, 5), np.uint16), delta, unsure, DT, np.arange(5), segments, joints,
        q_out, angle, sigma, flags_out, np.zeros(angle.shape),
    )  # fmt: skip

    found = []
    for j in range(5):
        turned = (rotations(q[:, j]) * rotations(mounting[j])).as_quat(scalar_first=True)
        one = gravity_angles(turned)
        start = Axis(np.array([np.cos(axis[j]), np.sin(axis[j])]), 0)
        one["frontal"], one["heading"], one["stale"] = frontal(turned, gyr[:, j], DT, start)
        found.append(one)
        if j < 4:  # the right shank faces as its thigh does
            faced = Rotation.from_euler("z", -facing[j]) * rotations(turned)
            assert (faced.inv() * rotations(q_out[:, j])).magnitude().max() < 1e-7
    own = [(rotations(q[:, j]) * rotations(mounting[j])).as_quat(scalar_first=True) for j in range(5)]
    for k, (joint, side) in enumerate((("hip", "left"), ("hip", "right"), ("knee", "left"), ("knee", "right"))):
        a, b = int(joints[k]["proximal"]), int(joints[k]["distal"])
        distal = (Rotation.from_euler("z", delta[:, k : k + 1]) * rotations(own[b])).as_quat(scalar_first=True)
        wanted = joint_angles(own[a], distal, side)
        wanted[:, 2] -= (1.0 if side == "right" else -1.0) * joints[k]["turned"]
        if joint == "knee":
            wanted[:, 0] *= -1.0
        columns = [angle_column(f"{joint}_{name}", side) for name in ("flexion", "adduction", "rotation")]
        if k == 2:
            assert np.isnan(angle[:, columns[1:]]).all()
            continue
        apart = np.remainder(angle[:, columns] - wanted + np.pi, 2 * np.pi) - np.pi
        np.testing.assert_allclose(apart, 0.0, atol=1e-7)
        assert np.isfinite(sigma[:, columns]).all()
    pelvis, thighs, shanks = found[0], found[1:3], found[3:5]
    for leg, (side, sign) in enumerate((("left", -1.0), ("right", 1.0))):
        thigh, shank = thighs[leg], shanks[leg]
        wanted = {
            "thigh_tilt": thigh["tilt"], "shank_tilt": shank["tilt"],
            "thigh_sagittal_tilt": thigh["sagittal"], "shank_sagittal_tilt": -shank["sagittal"],
        }  # fmt: skip
        if side == "left":
            wanted["knee_flexion"] = thigh["sagittal"] - shank["sagittal"]
        for name, values in wanted.items():
            np.testing.assert_allclose(angle[:, angle_column(name, side)], values, atol=1e-9, err_msg=name)
        for name, one, way in (("thigh_frontal_tilt", thigh, sign), ("shank_frontal_tilt", shank, -sign)):
            column = angle_column(name, side)
            lost = one["heading"] > 20 * DEG
            np.testing.assert_array_equal(np.isnan(angle[:, column]), lost)
            np.testing.assert_allclose(angle[~lost, column], way * one["frontal"][~lost], atol=1e-7, err_msg=name)
            np.testing.assert_array_equal((flags_out[:, column] & int(Quality.HEADING_STALE)) != 0, one["stale"] | lost)
    np.testing.assert_allclose(angle[:, angle_column("pelvis_tilt")], -pelvis["sagittal"], atol=1e-9)
    np.testing.assert_allclose(angle[:, angle_column("pelvis_obliquity")], pelvis["roll"], atol=1e-7)


@pytest.mark.parametrize("seed", [4, 5])
def test_sums_of_a_movement(seed):
    n = 1500
    q, gyr = tumbling(seed, n, 0.4)
    up = rotations(q[:1]).as_matrix()[0, 2, :]
    sums = Sums.empty(["thigh_left"], [])
    sensors, search = sums.sensors, sums.search
    sensors["used"], sensors["settled"] = 1, 1
    a, b = directions_square_to(up)
    np.testing.assert_allclose(np.cross(a, b), up, atol=1e-12)
    sensors[0]["up"], sensors[0]["a"], sensors[0]["b"] = up, a, b
    kept = (search, sensors, sums.joints, sums.own, sums.relative, sums.history)
    movement.forget_movement(DT, *kept)
    for k in range(n):
        movement.move(k, q[:, None], gyr[:, None], gyr[:, None], np.zeros((n, 1), np.uint16), DT, *kept)
    wanted = movement_sums(q, gyr, up, a, b, DT)
    np.testing.assert_allclose(sums.own[0].sum(axis=0), wanted.pop("rate"), rtol=1e-9, atol=1e-12)
    for name, value in wanted.items():
        np.testing.assert_allclose(sensors[0][name], value, rtol=1e-9, atol=1e-12, err_msg=name)
    assert sensors[0]["cycles"] >= 1
    movement.forget_movement(DT, *kept)
    assert sensors[0]["path"] == 0
    assert sensors[0]["cycles"] == 0
    assert (sums.own == 0).all()


def test_mean_orientation_of_a_stand():
    n = 100
    q, gyr = tumbling(8, n, 0.01)
    acc = np.random.default_rng(1).normal([0.0, 0.0, 9.81], 0.1, (n, 1, 3))
    sensors = Sums.empty(["thigh_left"], []).sensors
    for k in range(n):
        assert stand.watch(k, q[:, None], gyr[:, None], np.zeros((n, 1), np.uint16), DT, k == 0, sensors)
        stand.gather(k, q[:, None], acc, sensors)
    s = sensors[0]
    np.testing.assert_allclose(s["run_turn"].reshape(3, 3) / n, rotations(q).as_matrix().mean(axis=0), atol=1e-12)
    norms = np.linalg.norm(acc[:, 0], axis=1)
    assert s["run_acc"] / n == pytest.approx(norms.mean())
    assert s["run_acc2"] / n == pytest.approx((norms**2).mean())


def test_the_axis_is_the_first_principal_direction():
    rng = np.random.default_rng(2)
    for _ in range(50):
        s = Sums.empty(["thigh_left"], []).sensors[0]
        up = rng.normal(size=3)
        up /= np.linalg.norm(up)
        s["up"] = up
        s["a"], s["b"] = a, b = directions_square_to(up)
        angle = rng.uniform(0, np.pi)
        main, side = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        rate = 9.0 * np.outer(main, main) + 1.0 * np.outer(side, side)
        s["spread"], s["lean"] = (side[0] ** 2, side[0] * side[1], side[1] ** 2), 0.9 * side
        s["used"], s["path"] = 1, 10.0
        moments = np.array([rate[0, 0], rate[0, 1], rate[1, 1]])
        axis, share = principal_axis(moments, a, b)
        found = own_axis(s, moments[None])
        assert found.z is not None
        assert found.axis.share == pytest.approx(share) == pytest.approx(1 / 9)
        assert abs(found.z @ axis) == pytest.approx(1.0)
        # gravity leant to +side in the movement, which is forward for a thigh
        assert np.cross(up, found.z) @ (side[0] * a + side[1] * b) == pytest.approx(1.0)


def test_quaternion_of_a_matrix_in_all_four_cases():
    for r in Rotation.random(200, random_state=3):
        q = np.array(quaternion_of(r.as_matrix()))
        assert q[0] >= 0
        assert (rotations(q).inv() * r).magnitude() < 1e-9


def test_warm_up_leaves_nothing_to_compile_in_a_session():
    """Compiling takes seconds: in the middle of a session the picture would stand still."""
    kernels = [angles.run, scan.run, movement.forget_movement, movement.leading_part]
    if not all(hasattr(k, "signatures") for k in kernels):
        pytest.skip("kernels are not compiled here")
    warm_up()
    before = [list(k.signatures) for k in kernels]
    performed(Person())
    performed(Person(segments=("thigh_left", "foot_left")), stand_s=(1.0, 3.0), movement_s=(4.0, 12.0))
    assert [list(k.signatures) for k in kernels] == before
