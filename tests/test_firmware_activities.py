"""Simulated activities: limbs, feet and knees that obey geometry, normal gait, one-legged stands that balance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from firmware_sim.activities import (
    ActivityBody,
    Fault,
    March,
    SeatedExtensions,
    SingleLegSquats,
    SitToStands,
    Squats,
    Stand,
    StepDowns,
    Walk,
    half_squats,
    set_up_plan,
)
from firmware_sim.body import STILL_S
from firmware_sim.truth import truth
from imu.conventions import SIDES

DEG = np.pi / 180
PLAN = (
    *set_up_plan(),
    Squats(2, faults=(Fault(2, "valgus", 12.0, "right"),)),
    SingleLegSquats(1),
    StepDowns(1),
    Stand(2.0),
    Walk(28.0),
    Stand(2.0),
    SitToStands(1),
    SeatedExtensions(1, first="right"),
    Stand(2.0),
)
STEP = 0.005


@pytest.fixture(scope="module", params=[1, 8])
def body(request) -> ActivityBody:
    return ActivityBody.performing(request.param, PLAN)


@pytest.fixture(scope="module")
def times(body):
    return np.arange(STILL_S, body.seconds, STEP)


@pytest.fixture(scope="module")
def angles(body, times):
    return {label: values / DEG for label, values in truth(body, times).items()}


def done(body, kind):
    return next(d for d in body.performed if isinstance(d.piece, kind))


def within(times, start, end):
    return (times >= start) & (times < end)


def test_joints_hold_together_and_limbs_keep_their_length(body, times):
    pelvis = body.pose("pelvis", times)
    for side in SIDES:
        sign = -1.0 if side == "left" else 1.0
        thigh, shank, foot = (body.pose(f"{part}_{side}", times) for part in ("thigh", "shank", "foot"))
        hip = pelvis.origin + sign * 0.5 * body.person.hip_width * pelvis.rotation[:, :, 2]
        np.testing.assert_allclose(thigh.origin, hip, atol=1e-12)
        np.testing.assert_allclose(shank.origin, thigh.origin - body.person.thigh * thigh.rotation[:, :, 1], atol=1e-12)
        np.testing.assert_allclose(foot.origin, shank.origin - body.person.shank * shank.rotation[:, :, 1], atol=1e-12)
        for pose in (pelvis, thigh, shank, foot):
            product = pose.rotation.transpose(0, 2, 1) @ pose.rotation
            np.testing.assert_allclose(product, np.broadcast_to(np.eye(3), product.shape), atol=1e-12)
            np.testing.assert_allclose(np.linalg.det(pose.rotation), 1.0)


def test_feet_that_carry_stay_where_they_are(body):
    def wandered(side, start, end):
        return np.ptp(body.leg(side, np.arange(start, end, 0.01)).ankle, axis=1).max()

    for d in body.performed:
        if isinstance(d.piece, Stand | Squats | SitToStands):
            assert max(wandered(side, d.start_s, d.end_s) for side in SIDES) < 2e-4
        elif isinstance(d.piece, SingleLegSquats | StepDowns):
            for r in d.repetitions:
                assert wandered(r.side, r.start_s, r.end_s) < 2e-4
        elif isinstance(d.piece, March):
            for r in d.repetitions:
                assert wandered("left" if r.side == "right" else "right", r.start_s, r.end_s) < 2e-4
    # a walking foot rolls over its heel before and over its toes after it is flat; the shock of its strike is over then
    stride = 120.0 / body.habits.cadence
    contacts = [c for c in body.contacts if c.strike_s is not None and c.off_s is not None]
    assert len(contacts) > 30
    for c in contacts:
        assert wandered(c.side, c.strike_s + 0.16 * stride, c.strike_s + 0.34 * stride) < 2e-4


def test_nothing_jumps_and_nobody_is_thrown_about(body):
    """Acceleration of the joints from second differences; a knee just above a striking foot feels the most."""
    t = np.arange(0.0, body.seconds, 0.001)
    most = {}
    for segment in body.segments:
        origin = body.pose(segment, t).origin
        force = np.linalg.norm(origin[2:] - 2.0 * origin[1:-1] + origin[:-2], axis=1) / 1e-6
        most[segment] = force.max()
        quiet = np.concatenate([force[int(s * 1000) + 1 : int(e * 1000) - 1] for s, e in body.stands])
        assert np.sqrt((quiet**2).mean()) < 0.1
    assert 3.0 < most["pelvis"] < 30.0
    assert max(most[f"thigh_{s}"] for s in SIDES) < 40.0
    assert max(most[f"shank_{s}"] for s in SIDES) < 110.0
    assert max(most[f"foot_{s}"] for s in SIDES) < 100.0


def test_angles_are_zero_in_the_first_stand_and_near_it_in_later_ones(body, times, angles):
    for label, values in angles.items():
        # where the pelvis faced is a mean over the stand, with its sway
        assert abs(values[0]) < (0.3 if label == "pelvis_rotation" else 1e-9), label
        # before it ends the weight begins to shift
        assert np.abs(values[within(times, 0.0, 3.2)]).max() < 1.0, label
    for start, end in body.stands[1:]:
        rows = within(times, start + 1.1, end)
        for label, values in angles.items():
            assert np.abs(values[rows]).max() < 9.0, label
            assert np.abs(values[rows].mean()) < 6.0, label
    # but nobody returns exactly
    rows = within(times, *body.stands[-1])
    assert max(abs(values[rows].mean()) for label, values in angles.items() if "knee" in label) > 0.3


def test_a_step_over_one_foot_leans_the_leg_that_carries_inwards(body, times, angles):
    """The hip of a leg that carries alone is further out over its ankle than in the stand, as the weight must be there."""
    for kind in (March, SingleLegSquats, StepDowns):
        for r in done(body, kind).repetitions:
            carrier = r.side if kind is not March else ("left" if r.side == "right" else "right")
            free = "left" if carrier == "right" else "right"
            t = np.array([STILL_S, r.deepest_s])
            leg = body.leg(carrier, t)
            outward = (leg.hip - leg.ankle)[1] * (1.0 if carrier == "left" else -1.0)
            assert outward[1] - outward[0] > 0.03
            ankle = leg.ankle[1, 1]
            centre = body.pose("pelvis", t).origin[1, 1]
            width = abs(ankle - body.leg(free, np.array([STILL_S])).ankle[1, 0])
            # over the foot when one stands there, part of the way when one marches
            assert abs(centre - ankle) / width < (0.42 if kind is March else 0.2)
            row = int(np.argmin(np.abs(times - r.deepest_s)))
            assert angles[f"hip_adduction_{carrier}"][row] > 2.5


def test_squats_fall_in_on_the_named_side_only(body, times, angles):
    clean, faulty = done(body, Squats).repetitions
    assert faulty.faulty
    assert not clean.faulty
    for side in SIDES:
        deepest = [int(np.argmin(np.abs(times - r.deepest_s))) for r in (clean, faulty)]
        bend = angles[f"knee_flexion_{side}"][deepest]
        np.testing.assert_allclose(bend, 85.0, atol=5.0)
        more = np.diff(angles[f"shank_frontal_tilt_{side}"][deepest])[0]
        assert (more > 5.0) == (side == "right")
    rows = within(times, clean.start_s, clean.end_s)
    for side in SIDES:
        tilts = angles[f"thigh_sagittal_tilt_{side}"] + angles[f"shank_sagittal_tilt_{side}"]
        np.testing.assert_allclose(angles[f"knee_flexion_{side}"][rows], tilts[rows], atol=2.0)


def test_drills_reach_what_they_are_made_for(body, times, angles):
    def at(label, s):
        return angles[label][int(np.argmin(np.abs(times - s)))]

    for r in done(body, March).repetitions:
        assert at(f"hip_flexion_{r.side}", r.deepest_s) == pytest.approx(60.0, abs=9.0)
        assert at(f"knee_flexion_{r.side}", r.deepest_s) == pytest.approx(75.0, abs=9.0)
    for r in done(body, SingleLegSquats).repetitions:
        assert at(f"knee_flexion_{r.side}", r.deepest_s) == pytest.approx(50.0, abs=6.0)
    for r in done(body, StepDowns).repetitions:
        assert at(f"knee_flexion_{r.side}", r.deepest_s) == pytest.approx(62.0, abs=6.0)
        free = "left" if r.side == "right" else "right"
        ankle = body.leg(free, np.array([STILL_S, r.deepest_s])).ankle[2]
        assert 0.12 < ankle[0] - ankle[1] < 0.22
    for r in done(body, SitToStands).repetitions:
        assert at("thigh_sagittal_tilt_left", r.deepest_s) == pytest.approx(75.0, abs=10.0)
        assert at("thigh_sagittal_tilt_left", r.end_s) == pytest.approx(0.0, abs=4.0)
    sides = [r.side for r in done(body, SeatedExtensions).repetitions]
    assert sides == ["right", "left"]
    for r in done(body, SeatedExtensions).repetitions:
        assert at(f"knee_flexion_{r.side}", r.start_s) > 75.0
        assert at(f"knee_flexion_{r.side}", r.deepest_s) < 8.0
        assert at(f"thigh_sagittal_tilt_{r.side}", r.deepest_s) == pytest.approx(75.0, abs=10.0)


def test_knees_adduct_and_turn_as_they_bend(body):
    """About the person's own axis: a pure bend about an axis turned by e shows as adduction of sin(e) sin(flexion)."""
    t = np.array([STILL_S, done(body, Squats).repetitions[0].deepest_s])
    for side in SIDES:
        knee, sign = getattr(body.habits, side), 1.0 if side == "right" else -1.0
        bones = [Rotation.from_matrix(body.pose(f"{part}_{side}", t).rotation) for part in ("thigh", "shank")]
        relative = bones[0].inv() * bones[1]
        axis = Rotation.from_euler("Y", -sign * knee.axis_offset)
        flexion, adduction, rotation = (axis.inv() * relative * axis).as_euler("ZXY", degrees=True).T
        assert flexion[1] == pytest.approx(-85.0 - body.person.knee_at_stand / DEG, abs=5.0)
        np.testing.assert_allclose(sign * adduction, [0.0, knee.adduction / DEG], atol=1.5)
        np.testing.assert_allclose(sign * rotation, [0.0, knee.rotation / DEG], atol=0.5)
        anatomical = relative.as_euler("ZXY", degrees=True).T[1] * sign
        crosstalk = np.arcsin(np.sin(knee.axis_offset) * np.sin(-flexion * DEG)) / DEG
        np.testing.assert_allclose(anatomical, sign * adduction + crosstalk, atol=0.4)


def test_a_mirrored_body_has_the_mirrored_angles(body, times):
    t = times[::20]
    angles, mirrored = truth(body, t), truth(body.mirrored(), t)
    for label, values in angles.items():
        if label.endswith("left"):
            np.testing.assert_allclose(mirrored[label.replace("left", "right")], values, atol=1e-9)
        elif label.endswith("right"):
            np.testing.assert_allclose(mirrored[label.replace("right", "left")], values, atol=1e-9)
        else:
            turned = -values if label in ("pelvis_obliquity", "pelvis_rotation") else values
            np.testing.assert_allclose(np.remainder(mirrored[label] - turned + 1.0, 2.0 * np.pi), 1.0, atol=1e-9)
    assert body.mirrored().performed[1].repetitions[0].side == "right"
    assert body.mirrored().performed[1].piece.first == "right"


@pytest.mark.parametrize("seed", range(20, 32))
def test_every_person_can_perform_every_plan(seed):
    plan = (Stand(2.0), half_squats(1), Walk(14.0, first="right"), March(2, "right"), Stand(1.0))
    body = ActivityBody.performing(seed, plan)
    t = np.arange(STILL_S, body.seconds + 3.0, 0.01)
    for segment in body.segments:
        assert np.isfinite(body.pose(segment, t).rotation).all()
    bends = [truth(body, t)[f"knee_flexion_{side}"] / DEG for side in SIDES]
    assert min(b.min() for b in bends) > -6.0
    assert max(b.max() for b in bends) < 90.0


def test_plans_of_equal_seeds_are_equal_and_of_others_are_not():
    t = np.array([3.0, 5.0, 7.0])
    one, same, other = (ActivityBody.performing(seed, set_up_plan()).leg("left", t).knee for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0.01


def test_before_the_plan_nothing_moves_and_after_it_the_person_stands_on(body):
    t = np.array([-100.0, STILL_S, body.seconds + 1.0, body.seconds + 100.0])
    for label, values in truth(body, t).items():
        np.testing.assert_allclose(values[:2], 0.0, atol=0.3 * DEG if label == "pelvis_rotation" else 1e-9)
        assert np.isfinite(values).all()


def test_a_segment_that_is_not_simulated_is_named(body):
    with pytest.raises(KeyError, match="trunk"):
        body.pose("trunk", np.array([0.0]))
