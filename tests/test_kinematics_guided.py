"""The guided movement of simulated people: any of three kinds, any mounting, with and without the joints' accelerations."""

from __future__ import annotations

import numpy as np
import pytest
from calibration_people import axis_error, searched, wearing
from kinematics_bodies import DEG, Person, kinds, part_of, setup, turned

from firmware_sim.activities import March, SeatedExtensions, SitToStands, Stand, half_squats
from imu.conventions import CORE_SEGMENTS, G
from imu.fusion.grid import GridBlock
from imu.kinematics import Body

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
    """Knees 35° bent while 'standing', squats from there with straight knees between, then a proper stand and squats."""
    person = Person(guided=(18.0, 21.5), seconds=28.0)
    bend = np.where(person.t < 13.5, 1.0, 0.0)
    for start, seconds, size in ((5.0, 2.0, 2.5), (7.0, 1.5, -1.0), (8.5, 2.0, 2.5), (10.5, 1.5, -1.0)):
        x = (person.t - start) / seconds
        bend += np.where((x > 0) & (x < 1), size * np.sin(np.pi * x) ** 2, 0.0)
    for side in ("left", "right"):
        for part, share in (("thigh", 20 * DEG), ("shank", -15 * DEG)):
            person.away[f"{part}_{side}"] = person.away[f"{part}_{side}"] * turned(share * bend)
    grid, body = person.grid(), Body(setup())
    _, events = body.push(part_of(grid, 0, 1320))
    assert kinds(events) == ["stand_found", "calibration_refused"]
    assert "left knee became 3" in events[1].detail
    assert "straighter than it was in the stand" in events[1].detail
    assert "knees straight" in body.instruction
    assert body.stage == "stand"
    _, events = body.push(part_of(grid, 1320, len(grid)))
    assert kinds(events) == ["stand_found", "movement_found", "calibrated"]
    assert body.calibration.stand_us[0] > 13.5e6


def sitting_first(seed):
    """(person, frames): sits still for 3.5 s, gets up and down without a pause, stands at the end."""
    worn = wearing(seed, (Stand(4.0), SitToStands(3), Stand(4.0)))
    g, thigh = worn.grid, worn.segment_to_earth["thigh_left"].as_matrix()[:, 2, 1]
    calm = np.linalg.norm(g.gyr, axis=2).max(axis=1) < 0.2
    first = int(np.flatnonzero((thigh < 0.4) & calm)[0])
    rows = np.r_[np.full(350, first), first : len(g)]
    gyr = g.gyr[rows]
    gyr[:350] = 0.0
    acc = g.acc[rows]
    acc[:350] *= G / np.linalg.norm(acc[:350], axis=2, keepdims=True)
    return worn, GridBlock(np.arange(len(rows), dtype=np.int64) * 10_000, g.q[rows], gyr, acc, g.flags[rows])


@pytest.mark.parametrize("sigma", [2 * DEG, None])
def test_who_sits_where_a_stand_is_wanted_is_found_when_getting_up(sigma):
    """Seen from the seat, getting up looks like squatting; but thighs and pelvis go up, not down."""
    for seed in range(3):
        worn, grid = sitting_first(seed)
        search, events, _ = searched(worn, sigma, grid=grid)
        assert kinds(events) == ["stand_found", "calibration_refused", "stand_found"]
        assert "rose from what was taken for the stand" in events[1].detail
        assert events[2].t_us > 3.5e6
        assert search.calibration is None
