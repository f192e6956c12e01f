"""Every simulated drill: bodies that hold together, feet that stay or clear the floor, motion that is smooth, people that
differ, and repetitions that go where their truth says."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from simulated_activity import IDEAL
from simulated_drills import DRILLS, ON_RADIO, WITH_FEET, perform_drill, set_of

import imu
from firmware_sim.activities import ActivityBody, Fault, Stand
from firmware_sim.activities.swings import CIRCLE
from firmware_sim.sensor import SensorModel
from firmware_sim.truth import truth
from imu.conventions import SIDES, G, segment_of

DEG = np.pi / 180
SEEDS = (1, 6)
NEW = [n for n in DRILLS if n not in ("squat", "step_down", "single_leg_squat", "sit_to_stand")]
BOTH_PLANTED = ("squat", "hip_hinge", "sit_to_stand", "bridge")
REACHES = {
    "squat": ("knee_flexion", 1.0, 3.0), "step_down": ("knee_flexion", 1.0, 4.0), "hip_hinge": ("pelvis_tilt", 1.0, 3.0),
    "single_leg_squat": ("knee_flexion", 1.0, 4.0), "single_leg_deadlift": ("pelvis_tilt", 1.0, 3.5),
    "lunge": ("knee_flexion", 1.0, 1.0), "wall_lunge": ("shank_sagittal_tilt", 1.0, 3.0),
    "leg_swing": ("thigh_sagittal_tilt", 1.0, 1.0), "calf_raise": ("ankle_flexion", -1.0, 6.0),
    "heel_toe_rock": ("ankle_flexion", -1.0, 4.0),
}  # fmt: skip
"""Which angle is the depth at the deepest: its sign, and how near."""


@cache
def performed(name, seed) -> ActivityBody:
    return ActivityBody.performing(seed, (Stand(2.0), set_of(name, 2), Stand(1.5)))


@pytest.fixture(params=[(n, s) for n in DRILLS for s in SEEDS], ids=lambda p: f"{p[0]}-{p[1]}")
def body(request) -> ActivityBody:
    return performed(*request.param)


def times(body, step=0.02):
    return np.arange(0.0, body.seconds + 1.0, step)


def done(body):
    return body.performed[1]


def test_joints_hold_together_and_angles_are_those_of_the_bones(body):
    t = times(body, 0.1)
    pelvis, angles = body.pose("pelvis", t), truth(body, t)
    for side in SIDES:
        sign = -1.0 if side == "left" else 1.0
        thigh, shank, foot = (body.pose(segment_of(part, side), t) for part in ("thigh", "shank", "foot"))
        hip = pelvis.origin + sign * 0.5 * body.person.hip_width * pelvis.rotation[:, :, 2]
        np.testing.assert_allclose(thigh.origin, hip, atol=1e-12)
        np.testing.assert_allclose(shank.origin, thigh.origin - body.person.thigh * thigh.rotation[:, :, 1], atol=1e-12)
        np.testing.assert_allclose(foot.origin, shank.origin - body.person.shank * shank.rotation[:, :, 1], atol=1e-12)
        for pose in (pelvis, thigh, shank, foot):
            product = pose.rotation.transpose(0, 2, 1) @ pose.rotation
            np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-12)
        # the angle between the long axes is the knee's bend, however it is named
        along = np.einsum("ni,ni->n", thigh.rotation[:, :, 1], shank.rotation[:, :, 1])
        bend = np.arccos(np.clip(along, -1.0, 1.0)) - body.person.knee_at_stand
        np.testing.assert_allclose(angles[f"knee_flexion_{side}"], bend, atol=2.5 * DEG)
        # and in the plane of the person it is what the two segments tilt
        tilts = angles[f"thigh_sagittal_tilt_{side}"] + angles[f"shank_sagittal_tilt_{side}"]
        off = np.remainder(angles[f"knee_flexion_{side}"] - tilts + np.pi, 2.0 * np.pi) - np.pi
        assert np.abs(off).max() < 6.0 * DEG
        hips = angles["pelvis_tilt"] + angles[f"thigh_sagittal_tilt_{side}"]
        off = np.remainder(angles[f"hip_flexion_{side}"] - hips + np.pi, 2.0 * np.pi) - np.pi
        assert np.abs(off).max() < 8.0 * DEG


def test_ankles_are_where_a_foot_on_the_floor_can_have_them(body):
    t = times(body)
    drill = type(done(body).piece)
    for side in SIDES:
        height = body.pose(segment_of("foot", side), t).origin[:, 2] - body.person.ankle_height
        if drill is not DRILLS["step_down"]:
            assert height.min() > -0.006
        assert height[t > body.seconds - 1.0] == pytest.approx(0.0, abs=2e-3)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", BOTH_PLANTED)
def test_feet_that_carry_stay_where_they_are(name, seed):
    body = performed(name, seed)
    t = np.arange(done(body).start_s, done(body).end_s, 0.02)
    for side in SIDES:
        pose = body.pose(segment_of("foot", side), t)
        assert np.ptp(pose.origin, axis=0).max() < 2e-4
        assert np.abs(pose.rotation - pose.rotation[0]).max() < 1e-6


@pytest.mark.parametrize(
    ("name", "planted"),
    [("single_leg_deadlift", "own"), ("unilateral_bridge", "own"), ("balance", "own"), ("leg_swing", "other"),
     ("hip_circle", "other"), ("ankle_pump", "other"), ("ankle_circle", "other"), ("wall_lunge", "own")],
)  # fmt: skip
def test_the_foot_that_carries_stays_while_the_other_one_moves(name, planted):
    for seed in SEEDS:
        body = performed(name, seed)
        for r in done(body).repetitions:
            side = r.side if planted == "own" else ("left" if r.side == "right" else "right")
            pose = body.pose(segment_of("foot", side), np.arange(r.start_s, r.end_s, 0.02))
            assert np.ptp(pose.origin, axis=0).max() < 2e-4
            assert np.abs(pose.rotation - pose.rotation[0]).max() < 1e-6


def test_motion_is_smooth(body):
    """Neither velocity nor acceleration jumps: halving the step halves what they change by; and nobody is thrown about."""
    for segment in ("pelvis", "shank_left", "foot_right"):
        changes, most = [], 0.0
        for step in (0.002, 0.001):
            origin = body.pose(segment, times(body, step)).origin
            acceleration = (origin[2:] - 2.0 * origin[1:-1] + origin[:-2]) / step**2
            changes.append(np.linalg.norm(np.diff(acceleration, axis=0), axis=1).max())
            most = np.linalg.norm(acceleration, axis=1).max()
        assert changes[1] < 0.75 * changes[0] + 0.02
        assert most < {"pelvis": 8.0, "shank_left": 40.0, "foot_right": 35.0}[segment]


def test_rates_of_the_sensors_are_bounded_and_at_rest_they_feel_gravity(body):
    for segment in ("pelvis", "thigh_left", "foot_right"):
        model = SensorModel(segment, body, 1, 100.0, errors=IDEAL)
        acc, gyr = model.motion(np.arange(0.2, body.seconds, 0.01))
        assert np.linalg.norm(gyr, axis=1).max() < 360.0 * DEG
        first, last = body.stands[-1]
        rows = slice(int((first + 0.5) * 100) - 20, int(last * 100) - 25)
        assert np.linalg.norm(acc[rows], axis=1) == pytest.approx(G, abs=0.15)
        assert np.linalg.norm(acc, axis=1).max() < 60.0


def test_everybody_stands_again_at_the_end(body):
    t = np.linspace(body.seconds - 0.8, body.seconds, 20)
    for label, values in truth(body, t).items():
        assert np.abs(values).max() < 9.0 * DEG, label


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", REACHES)
def test_repetitions_reach_the_depth_of_their_truth(name, seed):
    body = performed(name, seed)
    label, sign, near = REACHES[name]
    for r in done(body).repetitions:
        assert r.start_s < r.bottom_s <= r.deepest_s <= r.rise_s < r.end_s
        for side in (r.side,) if r.side else SIDES:
            angle = label if label.startswith("pelvis") else f"{label}_{side}"
            found = sign * truth(body, np.array([r.deepest_s]))[angle][0] / DEG
            assert found == pytest.approx(r.depth_deg, abs=near)


@pytest.mark.parametrize("name", ["bridge", "unilateral_bridge"])
def test_a_bridge_lies_on_the_back_and_ends_with_straight_hips(name):
    for seed in SEEDS:
        body = performed(name, seed)
        for r in done(body).repetitions:
            angles = truth(body, np.array([r.start_s, r.deepest_s]))
            side = r.side or "left"
            assert angles["pelvis_tilt"][0] / DEG == pytest.approx(-90.0, abs=2.0)
            assert angles["pelvis_tilt"][1] / DEG == pytest.approx(-90.0 - r.depth_deg, abs=2.0)
            assert 15.0 < r.depth_deg < 35.0
            assert 35.0 < angles[f"hip_flexion_{side}"][0] / DEG < 65.0
            assert angles[f"hip_flexion_{side}"][1] / DEG == pytest.approx(0.0, abs=5.0)
            if r.side is not None:
                free = "left" if r.side == "right" else "right"
                assert np.abs(angles[f"knee_flexion_{free}"] / DEG).max() < 12.0
                parallel = angles[f"thigh_sagittal_tilt_{free}"] - angles[f"thigh_sagittal_tilt_{side}"]
                assert np.abs(parallel / DEG).max() < 6.0


def test_the_legs_of_a_drill_take_turns_as_it_is_done():
    sides = {n: [r.side for r in done(performed(n, 1)).repetitions] for n in DRILLS}
    assert sides["lunge"] == ["left", "right"]
    for name, drill in DRILLS.items():
        if drill.legs == 2:
            assert sides[name] == ["left", "left", "right", "right"]
            one = ActivityBody.performing(1, (Stand(1.0), set_of(name, 2, first="right", both=False), Stand(1.0)))
            assert [r.side for r in done(one).repetitions] == ["right", "right"]


def test_a_band_walk_goes_to_the_side_and_back_and_keeps_low():
    body = ActivityBody.performing(2, (Stand(2.0), set_of("band_walk", 3), Stand(1.0)))
    rs = done(body).repetitions
    y = body.pose("pelvis", np.array([rs[0].start_s, rs[2].end_s, rs[5].end_s])).origin[:, 1]
    assert y[1] - y[0] > 0.6
    assert y[2] == pytest.approx(y[0], abs=0.25)
    t = np.arange(rs[0].start_s, rs[-1].end_s, 0.05)
    for r in rs:
        angles = truth(body, np.array([r.start_s, r.deepest_s]))
        apart = -(angles["thigh_frontal_tilt_left"] + angles["thigh_frontal_tilt_right"]) / DEG
        assert apart[1] - apart[0] == pytest.approx(r.depth_deg, abs=6.0)
    height = body.pose("pelvis", t).origin[:, 2]
    assert np.ptp(height) < 0.09


def test_a_circle_of_the_thigh_goes_round():
    body = performed("hip_circle", 1)
    for r in done(body).repetitions:
        t = np.linspace(r.start_s, r.end_s, 200)
        angles = truth(body, t)
        up, out = angles[f"thigh_sagittal_tilt_{r.side}"] / DEG, -angles[f"thigh_frontal_tilt_{r.side}"] / DEG
        area = 0.5 * abs(np.sum((up - up.mean()) * np.gradient(out) - (out - out.mean()) * np.gradient(up)))
        # of the ellipse with these half axes
        assert area > 0.6 * np.pi * 0.25 * np.ptp(up) * np.ptp(out)
        assert up.max() - CIRCLE.thigh / DEG == pytest.approx(r.depth_deg, abs=2.0)


def test_swings_grow_and_ankles_stay_the_same():
    def depths(name):
        body = ActivityBody.performing(1, (set_of(name, 5, both=False),))
        return [r.depth_deg for r in body.performed[0].repetitions]

    assert depths("leg_swing")[-1] - depths("leg_swing")[0] > 8.0
    assert np.ptp(depths("ankle_pump")) < 3.0


@pytest.mark.parametrize("name", NEW)
def test_a_mirrored_person_has_the_mirrored_angles(name):
    body = performed(name, 6)
    t = times(body, 0.2)
    angles, mirrored = truth(body, t), truth(body.mirrored(), t)
    for label, values in angles.items():
        other = label.replace("left", "@").replace("right", "left").replace("@", "right")
        turned = -values if label in ("pelvis_obliquity", "pelvis_rotation") else values
        np.testing.assert_allclose(np.remainder(mirrored[other] - turned + 1.0, 2.0 * np.pi), 1.0, atol=1e-9)
    opposite = {"left": "right", "right": "left", None: None}
    for r, m in zip(done(body).repetitions, done(body.mirrored()).repetitions, strict=True):
        assert m.side == opposite[r.side]


@pytest.mark.parametrize("name", NEW)
def test_people_differ_and_equal_seeds_do_not(name):
    found = [ActivityBody.performing(seed, (Stand(1.0), set_of(name, 1))) for seed in (11, 11, 12)]
    one, same, other = ([(r.start_s, r.depth_deg) for r in done(b).repetitions] for b in found)
    assert one == same
    assert one != other


@pytest.mark.parametrize("seed", range(30, 36))
def test_every_person_can_perform_every_drill(seed):
    body = ActivityBody.performing(seed, (Stand(1.0), *(set_of(name, 1) for name in NEW), Stand(1.0)))
    t = np.arange(0.0, body.seconds, 0.02)
    for segment in body.segments:
        assert np.isfinite(body.pose(segment, t).rotation).all()
        origin = body.pose(segment, np.arange(0.0, body.seconds, 0.002)).origin
        most = np.linalg.norm(origin[2:] - 2.0 * origin[1:-1] + origin[:-2], axis=1).max() / 4e-6
        assert most < 60.0, segment
    bends = [truth(body, t)[f"knee_flexion_{side}"] / DEG for side in SIDES]
    assert min(b.min() for b in bends) > -6.0


def test_one_call_gives_a_set_its_truth_and_a_recording_that_is_understood():
    faults = Fault(2, "valgus", 14.0, "left", "back"), Fault(3, "fast", 1.6, None, "out"), Fault(4, "turns_back", 25.0)
    piece = set_of("squat", 5, *faults)
    for radio in (False, True):
        performance = perform_drill(
            3, piece, drill="squat", radio=radio, errors=ON_RADIO if radio else IDEAL, loss=0.01 if radio else 0.0
        )
        assert (
            perform_drill(
                3, piece, drill="squat", radio=radio, errors=ON_RADIO if radio else IDEAL, loss=0.01 if radio else 0.0
            )
            is performance
        )
        assert [r.aborted for r in performance.repetitions] == [False, False, False, True, False]
        assert performance.repetitions[1].faults == faults[:1]
        assert performance.at("knee_flexion_left", performance.repetitions[0].deepest_s) == pytest.approx(85.0, abs=4.0)
        result = imu.process(performance.recording)
        assert performance.differences(result) == []
        assert ("valgus", "left") in [(c.rule, c.side) for c in result.cues]


def test_a_mirrored_performance_is_the_mirrored_recording():
    piece = set_of("single_leg_squat", 1, Fault(1, "valgus", 10.0, "left"), both=False)
    one, other = (perform_drill(4, piece, before=(Stand(2.0),), mirrored=m, segments=WITH_FEET) for m in (False, True))
    assert [f.side for f in other.repetitions[0].faults] == ["right"]
    at = one.repetitions[0].deepest_s
    assert other.at("shank_frontal_tilt_right", at) == pytest.approx(one.at("shank_frontal_tilt_left", at))
