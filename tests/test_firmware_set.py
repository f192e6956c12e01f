"""A simulated set through the whole pipeline: counted, cued and measured as it was performed."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_set import DEG, differences, errors_deg, perform

import imu
from imu.conventions import SIDES
from imu.result import Result

SEEDS = (0, 4, 11)


@pytest.fixture(scope="module", params=SEEDS)
def performed(request):
    simulated = perform(request.param)
    return simulated, imu.process(simulated.recording, drill="squat")


def test_every_repetition_counts_and_every_fault_and_nothing_else_is_cued(performed):
    simulated, result = performed
    assert differences(simulated.script, result) == []


def test_the_calibration_is_done_before_the_set_begins(performed):
    simulated, result = performed
    calibrated = [e.t_emitted_us * 1e-6 for e in result.events if e.kind == "calibrated"]
    assert len(calibrated) == 1
    assert simulated.script.movement[0].bottom_s < calibrated[0] < simulated.script.movement[-1].end_s + 1.5


def test_depth_and_tempo_are_those_performed(performed):
    simulated, result = performed
    for performed_, counted in zip(simulated.script.repetitions, result.repetitions, strict=True):
        assert counted.depth / DEG == pytest.approx(performed_.depth_deg, abs=3.0)
        assert counted.phases.descent_s == pytest.approx(performed_.bottom_s - performed_.start_s, abs=0.3)
        assert counted.phases.ascent_s == pytest.approx(performed_.end_s - performed_.rise_s, abs=0.3)
        assert counted.t_start_us * 1e-6 == pytest.approx(performed_.start_s, abs=0.25)
        assert counted.t_end_us * 1e-6 == pytest.approx(performed_.end_s, abs=0.25)


def test_angles_are_near_the_truth(performed):
    simulated, result = performed
    worst = {"knee_flexion": 2.0, "hip_flexion": 3.0, "thigh_tilt": 2.0, "shank_tilt": 2.0, "shank_frontal_tilt": 3.0}
    for name, most in worst.items():
        for side in SIDES:
            error = errors_deg(simulated, result, name, side)
            assert not np.isnan(error).any()
            assert np.sqrt((error**2).mean()) < most, (name, side)
    assert np.sqrt((errors_deg(simulated, result, "pelvis_tilt", None) ** 2).mean()) < 2.0


def test_the_mirrored_set_has_the_mirrored_faults():
    simulated = perform(SEEDS[1])
    mirrored = perform(SEEDS[1], body=simulated.body.mirrored())

    def faults(result: Result):
        return [(c.repetition, c.rule, c.side) for c in result.cues]

    other = {"left": "right", "right": "left", None: None}
    straight = faults(imu.process(simulated.recording, drill="squat"))
    turned = faults(imu.process(mirrored.recording, drill="squat"))
    assert straight
    assert turned == [(number, rule, other[side]) for number, rule, side in straight]
