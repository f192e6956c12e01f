"""A bad accelerometer in a session: its joints are unknown and that is said, the others go on; corrected, it serves."""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import pytest
import shared_data
from simulated_set import DEG, errors_deg, perform

import imu
from imu.commands.process import add_parser
from imu.config import Setup
from imu.conventions import G
from imu.live_view import problem_of
from imu.outputs import Event
from imu.packets import Quality
from imu.recording.exporters.tables import write_tables
from imu.result import Result, ResultBuilder
from imu.summary import summary_lines

OFFSET = np.array([2.0, -3.0, 3.4])
VERDICTS = ("sensor_refused", "sensor_marked", "sensor_accepted")


def with_offsets(simulated, offsets):
    """The set with more in some accelerometers than there was."""
    samples = {}
    for sensor, packet in ((p.sensor, p) for p in simulated.recording.blocks(1e6)):
        segment = next(s.segment for s in simulated.recording.setup.sensors if s.sensor == sensor)
        acc = packet.acc + offsets.get(segment, np.zeros(3))
        samples[segment] = imu.Samples(packet.t_us, packet.gyr, acc, packet.clipped)
    return imu.Recording.from_samples(samples)


def along_gravity(simulated, segment: str, size: float) -> np.ndarray:
    """As much along what the sensor measures while the person stands."""
    packet = next(p for p in simulated.recording.blocks(2.0) if p.sensor == segment)
    up = packet.acc.mean(axis=0)
    return size * up / np.linalg.norm(up)


@pytest.fixture(scope="module")
def simulated():
    return perform(21, 50.0)


@pytest.fixture(scope="module")
def offsets(simulated):
    """The right thigh's sensor is broken, the left shank's at the edge."""
    return {"thigh_right": OFFSET, "shank_left": along_gravity(simulated, "shank_left", 0.42)}


@pytest.fixture(scope="module")
def spoiled(simulated, offsets) -> imu.Recording:
    return with_offsets(simulated, offsets)


@pytest.fixture(scope="module")
def result(spoiled) -> Result:
    return imu.process(spoiled, drill="squat")


def verdicts(result: Result) -> list[Event]:
    return [e for e in result.events if e.kind in VERDICTS]


def test_angles_of_a_refused_sensor_are_unknown_and_say_why(result):
    for name in ("thigh_tilt", "thigh_frontal_tilt", "knee_flexion", "hip_flexion"):
        assert np.isnan(result.angle(name, "right")).all()
        late = result.t_us > 5_000_000
        assert ((result.flags(name, "right")[late] & Quality.SENSOR_FAULT) != 0).all()
    assert np.isnan(result.orientation("thigh_right")).all()


def test_the_other_joints_go_on(simulated, result):
    assert result.calibration is not None
    for name, side in (("knee_flexion", "left"), ("shank_tilt", "right"), ("pelvis_tilt", None)):
        assert np.isfinite(result.angle(name, side)).mean() > 0.6
        assert not np.any(result.flags(name, side) & Quality.SENSOR_FAULT)


def test_each_verdict_is_an_event_once_with_reason_and_remedy(result):
    assert sorted((e.kind, e.detail.split(":")[0]) for e in verdicts(result)) == [
        ("sensor_marked", "shank_left"),
        ("sensor_refused", "thigh_right"),
    ]
    refused = next(e for e in verdicts(result) if e.kind == "sensor_refused")
    assert refused.side == "right"
    assert "m/s² at rest instead of 9.8: replace the sensor" in refused.detail
    assert refused.t_emitted_us < 4_000_000


def test_health_summary_and_screen_say_it_too(result, tmp_path):
    of = {h.segment: h for h in result.health}
    assert (of["thigh_right"].state, of["thigh_right"].check) == ("refused", "refused")
    assert "replace the sensor" in of["thigh_right"].note
    assert (of["shank_left"].state, of["shank_left"].check) == ("streaming", "marked")
    assert of["shank_left"].rest_acc == pytest.approx(G + 0.42, abs=0.1)
    assert (of["pelvis"].check, of["pelvis"].note) == ("good", "")
    assert problem_of(result.health).startswith("The sensor on the right thigh does not measure correctly")
    assert any("check refused: its accelerometer" in line for line in summary_lines(result))
    write_tables(result, tmp_path / "tables")
    assert "check" in (tmp_path / "tables" / "health.csv").read_text().splitlines()[0]


def test_a_doubtful_sensor_widens_its_angles(simulated, result):
    clean = imu.process(simulated.recording, drill="squat")
    wider, before = result.sigma("shank_tilt", "left"), clean.sigma("shank_tilt", "left")
    both = np.isfinite(wider) & np.isfinite(before)
    assert both.mean() > 0.6
    assert np.all(wider[both] > before[both] - 0.05 * DEG)
    deep = both & (clean.angle("shank_tilt", "left") > 25 * DEG)
    assert deep.any()
    assert np.all(wider[deep] > before[deep] + 0.1 * DEG)
    flagged = (result.flags("shank_tilt", "left") & Quality.SENSOR_DOUBTFUL) != 0
    assert flagged[both].all()
    assert not verdicts(clean)


def pushed(recording: imu.Recording, samples: int) -> Result:
    setup = imu.process(recording, drill="squat").setup
    pipeline, builder = imu.Pipeline(setup), ResultBuilder(setup)
    for k, packet in enumerate(recording.packets(samples)):
        if k == 150:
            other = imu.Pipeline(setup)
            other.restore(pipeline.state())
            pipeline = other
        builder.add(pipeline.push(packet))
    builder.add(pipeline.finish())
    return builder.result(pipeline.health(), pipeline.body.calibration)


@pytest.mark.parametrize("samples", [3, 25])
def test_verdicts_do_not_depend_on_packets_nor_on_a_pause(spoiled, result, samples):
    again = pushed(spoiled, samples)
    assert again.digest() == result.digest()
    assert [h.check for h in again.health] == [h.check for h in result.health]


def test_a_corrected_accelerometer_serves_and_says_so(simulated, spoiled, offsets):
    corrected = imu.process(spoiled, drill="squat", correct_accelerometers=True)
    of = {s.segment: s for s in corrected.setup.sensors}
    found = of["thigh_right"]
    np.testing.assert_allclose(found.acc_offset, OFFSET, atol=2.0)
    assert "removed, estimated from" in found.acc_note
    assert of["pelvis"].acc_note == ""
    assert of["pelvis"].acc_offset == (0.0, 0.0, 0.0)
    assert {h.check for h in corrected.health if h.segment == "thigh_right"} == {"good"}
    assert any("removed, estimated from" in line for line in summary_lines(corrected))
    errors = errors_deg(simulated, corrected, "thigh_tilt", "right")
    known = np.isfinite(errors)
    assert known.mean() > 0.9
    assert np.sqrt(np.mean(errors[known] ** 2)) < 4.0
    # the set-up is in the recording of results: it reads back, and gives the same again
    assert Setup.from_json(corrected.setup.to_json()) == corrected.setup
    again = imu.process(replace(spoiled, setup=corrected.setup))
    assert again.digest() == corrected.digest()


def test_angles_after_the_correction_are_true_within_their_uncertainty(simulated, spoiled):
    corrected = imu.process(spoiled, drill="squat", correct_accelerometers=True)
    within = corrected.t_us * 1e-6 > simulated.script.repetitions[0].start_s - 1.0
    for name in ("thigh_tilt", "thigh_frontal_tilt", "knee_flexion"):
        errors = errors_deg(simulated, corrected, name, "right")
        known = np.isfinite(errors)
        sigma = corrected.sigma(name, "right")[within] / DEG
        assert np.mean(np.abs(errors[known]) < 2 * sigma[known]) > 0.9


def test_an_offset_that_cannot_be_known_is_not_removed_and_the_reason_is_given(spoiled):
    still = imu.process(spoiled.first(4.0), correct_accelerometers=True)
    found = next(s for s in still.setup.sensors if s.segment == "thigh_right")
    assert found.acc_offset == (0.0, 0.0, 0.0)
    assert found.acc_note.startswith("accelerometer offset not removed: the movements of 4 s leave")
    assert next(h for h in still.health if h.segment == "thigh_right").state == "refused"


def test_the_command_has_the_option():
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    assert parser.parse_args(["process", "x.mcap", "--correct-accelerometers"]).correct_accelerometers


@pytest.mark.validation
def test_the_biased_sensors_of_recorded_squats_are_corrected_and_the_unseen_direction_is_named():
    if not shared_data.DATA.exists():
        pytest.skip("no validation recordings")
    for name in ("s3_correct_set1", "s4_valgus_set2"):
        data = np.load(shared_data.DATA / "squats" / f"{name}.npz")
        ticks = (data["t_ms"] - data["t_ms"][0]) * 1000
        keep = np.concatenate([[True], np.diff(ticks) > 0])
        worn = {"pelvis": "waist", "thigh_right": "thigh", "shank_right": "shank"}
        recording = imu.Recording.from_samples(
            {s: imu.Samples(ticks[keep], data[f"gyr_{p}"][keep], data[f"acc_{p}"][keep]) for s, p in worn.items()}
        )
        assert np.isnan(imu.process(recording, drill="squat").angle("knee_flexion", "right")).all()
        corrected = imu.process(recording, drill="squat", correct_accelerometers=True)
        for sensor in corrected.setup.sensors:
            if sensor.segment == "pelvis":
                assert sensor.acc_note == ""
                continue
            assert 4.0 < np.linalg.norm(sensor.acc_offset) < 6.5
            assert "not observable; removed, estimated from" in sensor.acc_note
        assert not [h for h in corrected.health if h.check == "refused"]
