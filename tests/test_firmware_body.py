"""The simulated body: limbs that keep their length, feet that stay, and angles with the signs of the conventions."""

from __future__ import annotations

import numpy as np
import pytest

from firmware_sim.body import STILL_S, Body
from firmware_sim.motion import Move, Track
from firmware_sim.person import Person
from firmware_sim.script import make_script
from firmware_sim.truth import truth
from imu.conventions import ANGLES, CORE_SEGMENTS, SIDES, angle_label

DEG = np.pi / 180
TIMES = np.arange(-2.0, 62.0, 0.02)


@pytest.fixture(scope="module", params=[0, 7, 23])
def body(request) -> Body:
    return Body.performing(make_script(request.param, 60.0))


def length(v):
    return np.sqrt((v * v).sum(axis=0))


def at(t, *instants):
    return [int(np.argmin(np.abs(t - i))) for i in instants]


def test_limbs_keep_their_length_and_feet_stay_where_they_are(body):
    pelvis = body.pelvis(TIMES)
    hips = {}
    for side in SIDES:
        leg = body.leg(side, TIMES)
        np.testing.assert_allclose(length(leg.hip - leg.knee), body.person.thigh, atol=1e-12)
        np.testing.assert_allclose(length(leg.knee - leg.ankle), body.person.shank, atol=1e-12)
        assert np.ptp(leg.ankle, axis=1).max() == 0.0
        hips[side] = leg.hip
    np.testing.assert_allclose(length(hips["left"] - hips["right"]), body.person.hip_width, atol=1e-12)
    np.testing.assert_allclose(0.5 * (hips["left"] + hips["right"]).T, pelvis.origin, atol=1e-12)


def test_segments_are_right_handed_and_point_where_the_conventions_say(body):
    for segment in CORE_SEGMENTS:
        rotation = body.pose(segment, TIMES).rotation
        product = rotation.transpose(0, 2, 1) @ rotation
        np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-12)
        np.testing.assert_allclose(np.linalg.det(rotation), 1.0)
        x, y, z = rotation[0].T
        assert x[0] > 0.9  # the person faces earth x
        assert y[2] > 0.98
        assert z[1] < -0.9  # right is earth -y


def test_knees_stay_in_front_and_bend_as_planned(body):
    for side in SIDES:
        leg = body.leg(side, TIMES)
        bend = np.arccos(np.clip((leg.thigh[1] * leg.shank[1]).sum(axis=0), -1, 1)) / DEG
        assert 2.0 < bend.min() < 10.0
        for r in body.script.repetitions:
            bottom = bend[at(TIMES, 0.5 * (r.bottom_s + r.rise_s))[0]] - bend[0]
            assert bottom == pytest.approx(r.depth_deg, abs=2.0)


def test_the_body_moves_without_jumps(body):
    """Second differences of a path that is twice differentiable shrink with the square of the step."""
    for segment in CORE_SEGMENTS:
        origin = body.pose(segment, np.arange(-2.0, 62.0, 0.001)).origin
        assert np.abs(np.diff(origin, axis=0)).max() < 0.002
        assert np.abs(np.diff(origin, n=2, axis=0)).max() < 8.0 * 0.001**2


def test_a_quiet_stand_sways_by_less_than_a_degree_but_is_not_frozen(body):
    t = np.arange(0.0, 5.0, 0.02)
    for label, values in truth(body, t).items():
        assert np.abs(values).max() < 1.0 * DEG, label
    lean = truth(body, t)["shank_sagittal_tilt_left"]
    assert np.ptp(lean) > 0.05 * DEG


def test_before_and_after_the_script_the_person_stands(body):
    t = np.array([-1e6, -10.0, STILL_S, 60.0, 100.0])
    for values in truth(body, t).values():
        np.testing.assert_allclose(values[:3], 0.0, atol=1e-9)
        assert np.abs(values).max() < 1.0 * DEG


def test_signs_at_the_bottom_of_a_squat_are_those_of_the_conventions(body):
    bottoms = np.array([0.5 * (r.bottom_s + r.rise_s) for r in body.script.repetitions if r.kind != "valgus"])
    angles = truth(body, bottoms)
    assert {angle_label(*key) for key in ANGLES if not key[0].startswith("ankle")} <= set(angles)
    assert np.all(angles["pelvis_tilt"] > 15 * DEG)
    for side in SIDES:
        assert np.all(angles[f"thigh_sagittal_tilt_{side}"] > 50 * DEG)
        assert np.all(angles[f"shank_sagittal_tilt_{side}"] > 25 * DEG)
        assert np.all(angles[f"hip_flexion_{side}"] > 70 * DEG)
        sum_ = angles[f"thigh_sagittal_tilt_{side}"] + angles[f"shank_sagittal_tilt_{side}"]
        np.testing.assert_allclose(angles[f"knee_flexion_{side}"], sum_, atol=1.0 * DEG)
        assert np.abs(angles[f"shank_frontal_tilt_{side}"]).max() < 5 * DEG


def test_an_acted_fault_brings_the_named_knee_in_and_the_other_one_not(body):
    for r in body.script.repetitions:
        angles = truth(body, np.arange(r.start_s, r.end_s, 0.02))
        for side in SIDES:
            shank, thigh = angles[f"shank_frontal_tilt_{side}"].max(), angles[f"thigh_frontal_tilt_{side}"].max()
            if r.kind == "valgus" and r.side == side:
                assert 10.5 * DEG < shank < 17 * DEG
                assert thigh > 7 * DEG
            else:
                assert shank < 4 * DEG


@pytest.mark.parametrize("phase", ["up", "down"])
def test_a_fault_comes_on_the_way_it_is_named_for(phase):
    script = next(
        s for s in (make_script(seed, 60.0) for seed in range(50)) if any(r.phase == phase for r in s.repetitions if r.side)
    )
    r = next(r for r in script.repetitions if r.side and r.phase == phase)
    way_down = truth(Body.performing(script), np.arange(r.start_s, r.bottom_s - 0.35, 0.02))
    assert (way_down[f"shank_frontal_tilt_{r.side}"].max() > 9 * DEG) == (phase == "down")


def test_a_mirrored_body_has_the_mirrored_angles(body):
    t = np.arange(0.0, 60.0, 0.1)
    angles, mirrored = truth(body, t), truth(body.mirrored(), t)
    for label, values in angles.items():
        if label.endswith("left"):
            np.testing.assert_allclose(mirrored[label.replace("left", "right")], values, atol=1e-10)
        elif label.endswith("right"):
            np.testing.assert_allclose(mirrored[label.replace("right", "left")], values, atol=1e-10)
        else:
            sign = 1.0 if label == "pelvis_tilt" else -1.0
            np.testing.assert_allclose(mirrored[label], sign * values, atol=1e-10)


def test_every_person_can_perform_every_script():
    for seed in range(120):
        body = Body.performing(make_script(seed, 60.0))
        for side in SIDES:
            assert np.isfinite(body.leg(side, np.arange(-1.0, 61.0, 0.1)).knee).all()
    assert Person.drawn(1).thigh != Person.drawn(2).thigh


def test_a_segment_that_is_not_simulated_is_named(body):
    with pytest.raises(KeyError, match="foot_left"):
        body.pose("foot_left", TIMES)


def test_a_track_holds_its_levels_and_refuses_overlapping_moves():
    track = Track((Move(1.0, 2.0, 3.0), Move(2.0, 4.0, -1.0)))
    np.testing.assert_allclose(track(np.array([0.0, 1.0, 1.5, 2.0, 4.0, 9.0])), [0, 0, 1.5, 3, -1, -1])
    t = np.linspace(0.0, 5.0, 5001)
    np.testing.assert_allclose(
        np.gradient(np.gradient(track(t), t), t)[5:-5], track.acceleration(t)[5:-5], atol=0.2
    )
    with pytest.raises(ValueError, match="overlap"):
        Track((Move(1.0, 2.0, 3.0), Move(1.5, 4.0, -1.0)))
