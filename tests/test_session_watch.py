"""Sessions in which a strap slips or labels are exchanged, and what people may ask for, through the whole pipeline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from kinematics_bodies import kinds
from simulated_activity import perform_activity

import imu
from firmware_sim.activities import Fault, March, Squats, Stand
from firmware_sim.soft_tissue import Slip
from imu.conventions import ANGLES, angle_column, angles_of
from imu.errors import CalibrationError, ConfigError
from imu.kinematics.calibration import from_json, to_json
from imu.packets import Command, Quality
from imu.recording.mcap_writer import LoggedFact

SLIPPED = int(Quality.SLIPPED)
HASTY = (1.0, 0.3, 1.0, 1.0)
"""Tempo of squats that are cued whichever leg is meant."""
FAULTS = (Fault(1, "valgus", 18.0, "left"), Fault(3, "valgus", 18.0, "left"))
FAULTY = (Stand(4.0), March(6), Stand(3.0), Squats(3, tempo=HASTY, faults=FAULTS), Stand(2.0))
BOTH = [("thigh_left", "thigh_right"), ("shank_left", "shank_right")]


def asked(recording, *commands):
    """The recording with commands in it, as a live session keeps them."""
    facts = tuple(LoggedFact("command", 0, {"kind": c.kind, "t_us": c.t_us, "segment": c.segment}) for c in commands)
    return replace(recording, facts=recording.facts + facts)


@pytest.fixture(scope="module")
def exchanged():
    """Hasty squats with valgus on the left; the sensors of left and right leg wear each other's label."""
    return perform_activity(3, FAULTY, swapped=BOTH, drill="squat")


def test_cues_wait_while_labels_seem_exchanged(exchanged):
    result = imu.process(exchanged.recording)
    found = next(e for e in result.events if e.kind == "swap_found")
    assert "exchanged" in found.detail
    late = [c for c in result.decisions if c.t_emitted_us > found.t_emitted_us]
    assert late
    assert not any(c.given for c in late)
    assert {c.reason for c in late} == {"sensors seem exchanged"}


def test_exchanging_the_labels_back_sets_it_right(exchanged):
    result = imu.process(exchanged.recording, exchange=BOTH)
    assert "sides_checked" in kinds(result.events)
    assert "swap_found" not in kinds(result.events)
    assert {c.side for c in result.cues if c.rule == "valgus"} == {"left"}
    with pytest.raises(ConfigError, match="cannot exchange"):
        imu.process(exchanged.recording, exchange=[("foot_left", "foot_right")])


def test_cues_go_on_when_somebody_has_looked(exchanged):
    found = next(e for e in imu.process(exchanged.recording).events if e.kind == "swap_found")
    recording = asked(exchanged.recording, Command("confirm_sides", found.t_emitted_us + 1_000_000))
    result = imu.process(recording)
    assert kinds(result.events).count("swap_found") == 1
    assert "sides_confirmed" in kinds(result.events)
    given = [c for c in result.cues if c.t_emitted_us > found.t_emitted_us + 1_000_000]
    assert given
    assert imu.process(recording, packet_samples=7).digest() == result.digest()


def test_who_confirms_twice_is_heard_the_first_time(exchanged):
    """Live each confirmation comes when it is said; a recording knows both beforehand."""
    found = next(e for e in imu.process(exchanged.recording).events if e.kind == "swap_found")
    first, second = found.t_emitted_us + 1_000_000, found.t_emitted_us + 9_000_000
    result = imu.process(asked(exchanged.recording, Command("confirm_sides", first), Command("confirm_sides", second)))
    heard = [e.t_us for e in result.events if e.kind == "sides_confirmed"]
    assert heard == [pytest.approx(first, abs=10_000), pytest.approx(second, abs=10_000)]


def test_a_sensor_is_calibrated_alone_once_more():
    plan = (Stand(4.0), March(6), Stand(3.0), Squats(2), Stand(4.0), March(6), Stand(3.0), Squats(2), Stand(2.0))
    simulated = perform_activity(5, plan)
    before = imu.process(simulated.recording)
    second = next(p for p in simulated.body.performed if isinstance(p.piece, Squats)).end_s
    recording = asked(simulated.recording, Command("redo", round(second * 1e6), "shank_left"))
    result = imu.process(recording)
    names = kinds(result.events)
    assert names.count("segment_redo") == 1
    done = next(e for e in result.events if e.kind == "segment_calibrated" and "shank_left" in e.detail)
    column = angle_column("shank_tilt", "left")
    between = (result.t_us >= second * 1e6) & (result.t_us <= done.t_us)
    assert np.isnan(result.frames.angle[between, column]).all()
    assert np.isfinite(result.frames.angle[result.t_us > done.t_us, column]).mean() > 0.95
    # nobody else notices
    others = angle_column("thigh_tilt", "right")
    np.testing.assert_array_equal(result.frames.angle[:, others], before.frames.angle[:, others])
    assert imu.process(recording, packet_samples=11).digest() == result.digest()
    with pytest.raises(ConfigError, match="no sensor on 'foot_left'"):
        imu.process(asked(simulated.recording, Command("redo", 1, "foot_left")))


def test_a_slipped_strap_marks_its_angles_before_and_after_it_is_found():
    plan = (Stand(4.0), March(6), Stand(3.0), Squats(4), Stand(3.0), Squats(5), Stand(3.0))
    simulated = perform_activity(2, plan, slips={"shank_right": Slip(at_s=45.0, turn_deg=25.0)})
    result = imu.process(simulated.recording)
    found = next(e for e in result.events if e.kind == "slip_found")
    assert found.segment == "shank_right"
    assert found.side == "right"
    assert "strap" in found.detail
    assert found.t_us <= 45.5e6 <= found.t_emitted_us
    marked = (result.frames.flags & SLIPPED) != 0
    since = result.t_us > found.t_us
    for column in range(marked.shape[1]):
        touched = column in angles_of("shank_right") and not ANGLES[column][0].startswith("ankle")
        assert marked[since, column].all() == touched
        assert not marked[~since, column].any()
    held = [c for c in result.decisions if c.t_emitted_us > found.t_emitted_us and c.side == "right"]
    assert not any(c.given and c.rule == "valgus" for c in held)


@pytest.fixture(scope="module")
def first_day():
    simulated = perform_activity(7, (Stand(4.0), March(6), Stand(3.0), Squats(2), Stand(2.0)))
    return simulated, imu.process(simulated.recording)


def test_a_stored_calibration_serves_again_while_the_sensors_stay(first_day):
    _, first = first_day
    text = to_json(first.calibration)
    assert to_json(from_json(text)) == text
    again = perform_activity(7, (Stand(5.0), Squats(3), Stand(3.0)))
    result = imu.process(again.recording, calibration=text)
    assert result.calibration.kind == "stored"
    ready = next(e for e in result.events if e.kind == "calibrated")
    assert ready.t_us < 5e6
    assert ready.method == "stored"
    truth = again.truth(result.t_us)
    for side in ("left", "right"):
        off = np.degrees(result.angle("knee_flexion", side) - truth[f"knee_flexion_{side}"])
        assert np.sqrt(np.nanmean(off**2)) < 2.0


def test_a_stored_calibration_of_other_straps_is_not_taken(first_day):
    _, first = first_day
    other = perform_activity(8, (Stand(5.0), Squats(3), Stand(3.0)))
    result = imu.process(other.recording, calibration=to_json(first.calibration))
    assert result.calibration is None or result.calibration.kind != "stored"
    assert any("does not fit this stand" in e.detail for e in result.events if e.kind == "calibration_refused")
    with pytest.raises(CalibrationError, match="cannot be read"):
        imu.process(other.recording, calibration="{}")


def test_relative_angles_are_zero_at_every_stand(first_day):
    simulated, result = first_day
    relative = result.relative_angle("thigh_sagittal_tilt", "left")
    last = simulated.during(result.t_us, Stand) & (result.t_us > 1e6 * (simulated.body.seconds - 0.9))
    assert abs(np.nanmean(relative[last])) < np.radians(1.0)
    assert np.isnan(relative[result.t_us < 2e6]).all()
