"""The scripted walk: what it promises over many seeds, that it can be written down, and that a drift is one and is cued."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from simulated_activity import USUAL, perform_activity

from firmware_sim.activities import ActivityBody, Stand, Walk
from firmware_sim.activities.paced import Pace, PacedBody
from firmware_sim.body import STILL_S
from firmware_sim.truth import truth
from firmware_sim.walk_script import SAID_WITHIN_S, WalkScript, make_walk_script
from imu import process
from imu.commands.script_check import ScriptedWalk, read_script
from imu.config import Setup
from imu.feedback import drill_text, load_drill, with_cadence
from imu.recording import Recording

SEEDS = range(40)


def test_every_script_follows_its_rules():
    rates = []
    for seed in SEEDS:
        script = make_walk_script(seed, 60.0, 110.0)
        assert script == make_walk_script(seed, 60.0, 110.0)
        assert abs(script.own_steps_per_minute / 110.0 - 1.0) <= 0.01
        assert 0.085 < abs(script.drift_rate - 1.0) < 0.125
        assert 12.0 < script.drift_end_s - script.drift_start_s < 17.0
        assert 60.0 - script.drift_end_s > 8.0
        rates.append(script.drift_rate)
    assert min(rates) < 1.0 < max(rates)


def test_the_drift_is_outside_the_band_of_the_drill_and_the_rest_inside():
    low, high = load_drill(drill_text("walk_cadence")).cadence.band
    for seed in SEEDS:
        script = make_walk_script(seed, 60.0)
        assert low < script.own_steps_per_minute < high
        assert not 0.97 * low < script.own_steps_per_minute * script.drift_rate < 1.03 * high


def test_it_can_be_written_and_read():
    script = make_walk_script(5)
    assert WalkScript.from_json(script.to_json()) == script
    (cue,) = json.loads(script.to_json())["expected_cues"]
    assert cue["from_s"] == script.drift_start_s
    assert cue["until_s"] == script.drift_end_s + SAID_WITHIN_S
    for text in ("{}", "[]", '{"kind": "squat", "version": 1}'):
        with pytest.raises(ValueError, match=r"no script of a simulated walk|not a walk_cadence"):
            WalkScript.from_json(text)


def test_a_walk_that_is_too_short_says_how_long_it_must_be():
    with pytest.raises(ValueError, match=r"give at least 5\d s"):
        make_walk_script(1, 30.0)


@pytest.mark.parametrize("seed", [1, 3])
def test_feet_strike_at_the_cadence_and_drift_where_the_script_says(seed):
    script = make_walk_script(seed)
    body = script.body()
    assert body.seconds == pytest.approx(60.0, abs=3.0)
    at = np.array([s for _, s in body.strikes])
    assert [side for side, _ in body.strikes[:4]] in (["left", "right"] * 2, ["right", "left"] * 2)
    cadence, middle = 60.0 / np.diff(at), 0.5 * (at[1:] + at[:-1])
    drifts = (middle > script.drift_start_s + 3.0) & (middle < script.drift_end_s - 0.5)
    in_step = (middle < script.drift_start_s - 0.5) | (middle > script.drift_end_s + 3.0)
    assert drifts.sum() > 15
    assert in_step.sum() > 30
    np.testing.assert_allclose(cadence[drifts], script.own_steps_per_minute * script.drift_rate, rtol=1e-3)
    np.testing.assert_allclose(cadence[in_step], script.own_steps_per_minute, rtol=1e-3)


def test_another_pace_is_the_same_motion_at_other_times():
    body = ActivityBody.performing(2, (Stand(2.0), Walk(12.0), Stand(1.0)))
    paced = PacedBody(body, (Pace(5.0, 9.0, 0.9),))
    t = np.arange(STILL_S, body.seconds, 0.01)
    assert (np.diff(paced.performed_at(t)) > 0.0).all()
    for s in (1.0, 6.0, 12.0):
        assert float(paced.performed_at(np.array([paced.seen_at(s)]))[0]) == pytest.approx(s, abs=1e-6)
    before, after = truth(paced, t), truth(body, paced.performed_at(t))
    for label, values in before.items():
        np.testing.assert_array_equal(values, after[label], err_msg=label)
    # neither the pace nor its rate jumps
    pace = np.diff(paced.performed_at(t)) / 0.01
    assert pace.min() == pytest.approx(0.9, abs=1e-6)
    assert np.abs(np.diff(pace, 2)).max() < 1e-4


@pytest.mark.parametrize("seed", [3, 4])
def test_the_drift_is_cued_in_its_direction_and_nothing_else_is(seed, tmp_path: Path):
    script = make_walk_script(seed)
    body = script.body()
    simulated = perform_activity(seed, script.plan, USUAL, body=body)  # pyright: ignore[reportArgumentType]
    setup: Setup = simulated.recording.setup.with_(drill_toml=with_cadence(drill_text("walk_cadence"), 110.0))
    result = process(Recording(setup, simulated.recording.stream))
    file = tmp_path / "script.json"
    file.write_text(script.to_json(), encoding="utf-8")
    scripted = read_script(file)
    assert isinstance(scripted, ScriptedWalk)
    assert scripted.too_slow == (script.drift_rate < 1.0)
    lines, agrees = scripted.check(result)
    assert agrees, lines
    # and the check can fail
    assert not ScriptedWalk(scripted.from_s, scripted.until_s, not scripted.too_slow).check(result)[1]
    assert not ScriptedWalk(0.0, 5.0, scripted.too_slow).check(result)[1]
