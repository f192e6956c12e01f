"""The simulated person with real sensor errors, from samples to angles, against the true angles of its body."""

from __future__ import annotations

import numpy as np
import pytest
from kinematics_bodies import DEG, kinds
from scipy.spatial.transform import Rotation

import imu
from firmware_sim.body import Body
from firmware_sim.script import make_script
from firmware_sim.sensor import SensorModel
from firmware_sim.truth import truth
from imu.conventions import ANGLES, CORE_SEGMENTS, SIDES, G, angle_label
from imu.kinematics import joint_angles

SECONDS = 45.0
RATE = 104.0


@pytest.fixture(scope="module", params=[11, 12])
def session(request):
    """(body, result): bias, noise, scale errors, sliding skin, any mounting; one clock."""
    body = Body.performing(make_script(request.param, SECONDS))
    n = int(SECONDS * RATE)
    t_us = np.round(np.arange(n) * 1e6 / RATE).astype(np.int64)
    samples = {}
    for segment in CORE_SEGMENTS:
        raw = SensorModel(segment, body, request.param, RATE).samples(0, n, 0.0)
        samples[segment] = imu.Samples(t_us, raw.gyr * (2000 * DEG / 32768), raw.acc * (16 * G / 32768))
    return body, imu.process(imu.Recording.from_samples(samples))


def test_calibration_is_complete_before_the_set_begins(session):
    body, result = session
    done = next(e for e in result.events if e.kind == "calibrated")
    guided, first = body.script.movement[-1], body.script.repetitions[0]
    assert guided.bottom_s < done.t_emitted_us * 1e-6 < min(guided.end_s + 1.5, first.start_s - 1.0)
    assert kinds(result.events) == ["stand_found", "movement_found", "calibrated"]
    assert all(found.word == "good" for found in result.calibration.segments)


WORN = [key for key in ANGLES if not key[0].startswith("ankle")]


@pytest.mark.parametrize("key", WORN, ids=lambda key: angle_label(*key))
def test_angles_are_true_within_their_own_uncertainty(session, key):
    body, result = session
    true = truth(body, result.t_us * 1e-6)[angle_label(*key)]
    angle, sigma = result.angle(*key), result.sigma(*key)
    known = np.isfinite(angle)
    assert known.mean() > 0.65
    error = angle[known] - true[known]
    # of the heading of a hip these squats tell nothing but that the person stood straight
    limit = 2.0 if "frontal" in key[0] or key[0].startswith(("knee", "hip")) else 1.5
    limit = 4.0 if key[0] in ("hip_adduction", "hip_rotation") else limit
    assert np.sqrt(np.mean(error**2)) < limit * DEG
    assert np.mean(np.abs(error) < 2 * sigma[known]) > 0.95
    assert np.abs(error).max() < 3 * sigma[known].max()


def test_orientations_of_the_segments_are_those_of_the_body(session):
    """As seen in one earth frame whose heading is free; drift of a minute included."""
    body, result = session
    known = np.isfinite(result.orientation("pelvis")[:, 0])
    t = result.t_us[known] * 1e-6
    standing = {s: Rotation.from_matrix(body.pose(s, np.array([-1.0])).rotation[0]) for s in CORE_SEGMENTS}
    upright = Rotation.from_matrix(np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]))
    for segment in CORE_SEGMENTS:
        true = Rotation.from_matrix(body.pose(segment, t).rotation)
        found = Rotation.from_quat(result.orientation(segment)[known], scalar_first=True)
        since_stand = true * standing[segment].inv()
        # what has turned since the stand, as seen from where the segment faced then
        facing = Rotation.from_euler("z", np.arctan2(*standing[segment].as_matrix()[[1, 0], 0]))
        wanted = facing.inv() * since_stand * facing
        error = (wanted.inv() * (found * upright.inv())).magnitude()
        assert np.median(error) < 3 * DEG, segment


def test_knee_from_the_segments_agrees_with_knee_from_gravity(session):
    _, result = session
    for side in SIDES:
        thigh, shank = result.orientation(f"thigh_{side}"), result.orientation(f"shank_{side}")
        known = np.isfinite(thigh[:, 0]) & np.isfinite(shank[:, 0])
        knee = -joint_angles(thigh[known], shank[known], side)[:, 0]
        assert np.abs(knee - result.angle("knee_flexion", side)[known]).max() < 4 * DEG
