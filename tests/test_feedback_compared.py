"""A set against an approved one in the session: what is said, what is logged, and what a mute does to a set that is counted
without a calibration."""

from __future__ import annotations

import numpy as np
import pytest
from squatting_sensors import Squatting

import imu
from imu.errors import ConfigError
from imu.feedback.drill import drill_text
from imu.packets import Command
from imu.pipeline import Pipeline
from imu.result import Result, ResultBuilder


@pytest.fixture(scope="module")
def approved() -> Result:
    return imu.process(Squatting(seed=1).recording(), drill="squat")


def commanded(recording: imu.Recording, commands: tuple[Command, ...], samples: int = 400) -> Result:
    """Squats of a recording during which somebody asked for something."""
    setup = recording.setup.with_(drill_toml=drill_text("squat"))
    pipeline, builder = Pipeline(setup), ResultBuilder(setup)
    for command in commands:
        pipeline.take(command)
    for packet in recording.packets(samples):
        builder.add(pipeline.push(packet))
    builder.add(pipeline.finish())
    return builder.result(pipeline.health(), pipeline.body.calibration)


def test_every_repetition_says_how_near_it_came_to_the_approved_set(approved):
    result = imu.process(Squatting(seed=7).recording(), drill="squat", baseline=approved)
    for r in result.repetitions:
        near = {(a.rule, a.side): a for a in r.nearest}
        assert {("valgus", "left"), ("valgus", "right"), ("depth", None), ("lean", None)} <= set(near)
        for side in ("left", "right"):
            assert "approved set" in near["valgus", side].detail
            assert near["valgus", side].value < near["valgus", side].threshold
        assert near["depth", None].value > near["depth", None].threshold
    assert any("beyond the approved set" in line for line in result.why(2))


def test_a_lean_beyond_the_approved_set_is_said_with_the_words_of_the_drill(approved):
    squatting = Squatting(seed=8)
    squatting.lean = squatting.lean + 18.0 * squatting.share
    result = imu.process(squatting.recording(), drill="squat", baseline=approved)
    named = [r.number for r in result.repetitions if "lean" in r.faults]
    decided = [c for c in result.decisions if c.rule == "lean"]
    assert len(named) >= 6
    assert {c.repetition for c in decided} >= set(named)
    assert {c.text for c in decided} == {"Chest up, sit between your heels"}


def test_who_mutes_a_set_without_calibration_hears_nothing_until_unmuted():
    squatting = Squatting(seed=2, repetitions=10)
    half = int(squatting.starts[7] * 1e6)
    asked = (Command("mute", 1), Command("unmute", half))
    loud, quiet = commanded(squatting.recording(), ()), commanded(squatting.recording(), asked)
    assert any(c.given for c in loud.decisions if c.t_emitted_us < half)
    before = [c for c in quiet.decisions if c.t_emitted_us < half]
    assert not any(c.given for c in before)
    assert "muted" in {c.reason for c in before}
    assert any(c.given for c in quiet.decisions if c.t_emitted_us > half)
    assert commanded(squatting.recording(), asked, 11).digest() == quiet.digest()


@pytest.mark.parametrize("drill", ["lunge", "walk_cadence"])
def test_an_approved_set_of_squats_is_refused_for_another_drill(drill, approved):
    with pytest.raises(ConfigError, match="not compared with an approved set"):
        imu.process(Squatting(seed=1).recording(), drill=drill, baseline=approved)


def test_angles_alone_need_no_drill_to_go_with_a_baseline(approved):
    result = imu.process(Squatting(seed=1).recording(), drill="", baseline=approved)
    assert result.repetitions == ()
    assert np.all(np.diff(result.t_us) > 0)
