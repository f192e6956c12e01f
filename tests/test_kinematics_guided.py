"""The guided movement of simulated people: any of three kinds, any mounting, with and without the joints' accelerations."""

from __future__ import annotations

import numpy as np
import pytest
from calibration_people import axis_error, searched, wearing
from kinematics_bodies import DEG, Person, kinds, performed, turned

from firmware_sim.activities import March, SeatedExtensions, SitToStands, Stand, half_squats
from imu.conventions import CORE_SEGMENTS

MOVEMENTS = {
    "march": (Stand(4.0), March(), Stand(3.0)),
    "squats": (Stand(4.0), half_squats(), Stand(3.0)),
    "seated knee extensions": (Stand(4.0), SeatedExtensions(), Stand(3.0)),
}
LEGS = CORE_SEGMENTS[1:]


@pytest.fixture(scope="module", params=MOVEMENTS)
def people(request):
    return request.param, [wearing(seed, MOVEMENTS[request.param]) for seed in range(5)]


def test_every_kind_calibrates_every_leg_and_is_named(people):
    kind, worn = people
    errors, unsure = [], []
    for person in worn:
        search, events, _ = searched(person)
        assert kinds(events) == ["stand_found", "movement_found", "calibrated"]
        calibration = search.calibration
        assert calibration.kind == kind
        assert kind in str(calibration)
        assert calibration.stand_us[1] < 5.5e6  # before the movement, not where the person sat
        for segment in ("pelvis", *LEGS):
            assert calibration.of(segment).score >= 60
            errors.append(axis_error(person, calibration, segment))
            unsure.append(calibration.of(segment).axis_sigma)
    # functional axes of these people are 3° off the anatomical ones, and the headings told are 2° off
    assert np.sqrt(np.mean(np.square(errors))) < 6 * DEG
    assert np.max(np.abs(errors)) < 16 * DEG
    assert 0.4 < np.sqrt(np.mean(np.square(errors) / np.square(unsure))) < 1.5


def test_headings_of_the_joints_are_those_of_the_sensors(people):
    _, worn = people
    for person in worn:
        search, _, _ = searched(person)
        for joint in search.calibration.joints:
            error = np.angle(np.exp(1j * (joint.delta - person.delta(joint.proximal, joint.distal))))
            assert abs(error) < 3.5 * joint.sigma < 25 * DEG, joint


def test_without_the_accelerations_axes_are_aligned_and_less_sure(people):
    """Squats and extensions turn both segments about one axis; of a marching shank it is a guess, and told as such."""
    kind, worn = people
    alone, with_them, share = [], [], []
    for person in worn[:3]:
        search, _, _ = searched(person, sigma=None)
        calibration = search.calibration or search.state().candidate
        other = searched(person)[0].calibration
        for segment in LEGS:
            found = calibration.of(segment)
            assert found.q_sensor_segment is not None
            alone.append(found.axis_sigma)
            with_them.append(other.of(segment).axis_sigma)
            share.append(axis_error(person, calibration, segment) / found.axis_sigma)
    assert np.sqrt(np.mean(np.square(share))) < 2.2
    if kind == "march":
        assert np.mean(alone) > 1.3 * np.mean(with_them)


def test_mounting_and_facing_do_not_matter():
    """Every sensor turned any way on its segment, and every heading another: the same frames within 0.3°."""
    plan = MOVEMENTS["march"]
    one, two = (wearing(3, plan, mounting_seed=k, heading_seed=k) for k in (0, 1))
    frames = []
    for person in (one, two):
        calibration = searched(person)[0].calibration
        frames.append({s: person.mounting[s].as_matrix() @ calibration.of(s).frame for s in LEGS})
    for segment in LEGS:
        turn = frames[0][segment].T @ frames[1][segment]
        assert np.arccos(np.clip(0.5 * (np.trace(turn) - 1.0), -1, 1)) < 0.3 * DEG, segment


def test_calibration_does_not_depend_on_how_frames_are_grouped(people):
    _, worn = people
    whole, events, _ = searched(worn[0])
    pieces, events_of_pieces, _ = searched(worn[0], frames=13)
    assert pieces.calibration == whole.calibration
    assert events_of_pieces == events


def test_set_up_takes_little_time():
    """From cold sensors, stand and march as asked for: calibrated within 12 s, at the last put-down of the march."""
    for seed in range(3):
        search, events, _ = searched(wearing(seed, MOVEMENTS["march"]))
        assert search.calibration is not None
        assert events[-1].t_emitted_us < 12e6


def test_a_knee_bent_in_the_stand_is_refused_with_the_reason():
    """Knees 35° bent while 'standing'; straightened and bent again in the movement, then a proper stand and squats."""
    person = Person(guided=(16.0, 19.5), seconds=26.0)
    straight = np.clip((person.t - 4.5) / 0.8, 0.0, 1.0)
    lifts = np.where((person.t > 6.0) & (person.t < 10.0), np.sin(0.5 * np.pi * (person.t - 6.0)) ** 2, 0.0)
    for side in ("left", "right"):
        for part, share in (("thigh", 20 * DEG), ("shank", -15 * DEG)):
            bent = share * (1.0 - straight) + 2.2 * share * lifts * straight
            person.away[f"{part}_{side}"] = person.away[f"{part}_{side}"] * turned(bent)
    _, events, body = performed(person)
    if "calibration_refused" in kinds(events):
        assert "straighter than it was in the stand" in events[1].detail
        assert "stand upright with straight knees" in events[1].detail
    assert body.calibration is not None
    assert body.calibration.stand_us[0] > 9.9e6


def test_who_sits_where_a_stand_is_wanted_is_found_when_standing_up():
    """Sitting still, then up and down without a pause: the shins lean as nobody's do who stands."""
    worn = wearing(1, (Stand(4.0), SitToStands(3), Stand(2.0)))
    seat = next(p for p in worn.body.line.performed if isinstance(p.piece, SitToStands))
    thigh = worn.segment_to_earth["thigh_left"].as_matrix()[:, 2, 1]
    level = np.flatnonzero(thigh < 0.4)
    assert len(level) > 100
    assert seat.end_s > seat.start_s
    first = int(level[0]) + 30
    still = np.r_[np.full(350, first), first : len(worn.grid)]
    from imu.fusion.grid import GridBlock

    g = worn.grid
    gyr, acc = g.gyr[still].copy(), g.acc[still].copy()
    gyr[:350] = 0.0
    grid = GridBlock(np.arange(len(still)) * 10_000, g.q[still], gyr, acc, g.flags[still])
    search, events, _ = searched(worn, grid=grid)
    assert "stand_found" in kinds(events)
    for event in events:
        if event.kind == "calibrated":
            assert search.calibration.stand_us[0] > 4e6
