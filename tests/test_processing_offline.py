"""Recordings processed with what came later: nearer to the truth, said so, and the live way as it was."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated_session import simulated

import imu
from firmware_sim.body import Body
from firmware_sim.script import make_script
from firmware_sim.sensor import SensorModel
from firmware_sim.truth import truth
from imu.cli import main
from imu.config import SensorSetup
from imu.conventions import ANGLES, CORE_SEGMENTS, JOINT_ANGLES, G, angle_label
from imu.errors import ConfigError
from imu.fusion.channel import SensorChannel
from imu.fusion.smoother import smooth, smooth_blocks, smooth_rows
from imu.packets import Packet, Quality
from imu.recording import Recording, load
from imu.recording.exporters.tables import write_tables
from imu.result import Result
from imu.summary import summary_lines

SHIPPED = Path(__file__).resolve().parent.parent / "recordings" / "full_body_legs.mcap"
RATE = 104.0


@pytest.fixture(scope="module")
def shipped() -> tuple[Recording, Result, Result]:
    """The recording, as live, and offline."""
    recording = load(SHIPPED)
    return recording, imu.process(recording), imu.process(recording, offline=True)


def test_angles_differ_from_live_by_little(shipped: tuple[Recording, Result, Result]) -> None:
    _, live, offline = shipped
    np.testing.assert_array_equal(offline.t_us, live.t_us)
    assert offline.digest() != live.digest()
    for key in ANGLES:
        both = np.isfinite(live.angle(*key)) & np.isfinite(offline.angle(*key))
        assert both.mean() > 0.7, key
        difference = np.degrees(offline.angle(*key) - live.angle(*key))[both]
        if key[0].endswith(("flexion", "tilt")) and "frontal" not in key[0]:
            assert np.sqrt(np.mean(difference**2)) < 2.0, key
        # what turns about a limb rests on its axis, which the whole recording shows better than three squats
        unsure = np.degrees(np.hypot(offline.sigma(*key), live.sigma(*key)))[both]
        assert np.mean(np.abs(difference) < 2.0 * unsure) > 0.7, key
    assert all(h.gyr_bias_dps > 0.0 for h in offline.health)
    for a, b in zip(live.health, offline.health, strict=True):
        assert repr(replace(b, gyr_bias_dps=a.gyr_bias_dps)) == repr(a)  # NaN is not equal to NaN


def test_processing_offline_changes_nothing_for_those_who_do_not_ask(shipped: tuple[Recording, Result, Result]) -> None:
    recording, live, offline = shipped
    assert imu.process(recording).digest() == live.digest()
    assert imu.process(recording, packet_samples=3).digest() == live.digest()
    assert imu.process(recording, offline=True).digest() == offline.digest()
    assert offline.setup == live.setup == recording.setup.with_(drill_toml=live.setup.drill_toml)


def test_results_say_which_they_are(shipped: tuple[Recording, Result, Result], tmp_path: Path) -> None:
    _, live, offline = shipped
    assert (live.offline, offline.offline) == (False, True)
    assert not any("offline" in line for line in summary_lines(live))
    assert any("smoothed offline" in line for line in summary_lines(offline))
    for name, result in (("live", live), ("offline", offline)):
        write_tables(result, tmp_path / name)
        assert json.loads((tmp_path / name / "summary.json").read_text())["offline"] is (name == "offline")


def worn(seed: int, seconds: float) -> tuple[Body, Recording]:
    """Pelvis, thighs and shanks with biases, noise, scale errors and sliding skin; all samples, one clock."""
    body = Body.performing(make_script(seed, seconds))
    n = int(seconds * RATE)
    t_us = np.round(np.arange(n) * 1e6 / RATE).astype(np.int64)
    samples = {}
    for segment in CORE_SEGMENTS:
        raw = SensorModel(segment, body, seed, RATE).samples(0, n, 0.0)
        gyr, acc = np.asarray(raw.gyr, np.float64), np.asarray(raw.acc, np.float64)
        samples[segment] = imu.Samples(t_us, gyr * (math.radians(2000) / 32768), acc * (16 * G / 32768))
    return body, Recording.from_samples(samples)


WORN = [key for key in ANGLES if not key[0].startswith("ankle")]


def test_angles_of_a_simulated_person_are_nearer_to_the_truth() -> None:
    errors = []
    for seed in range(20, 24):
        body, recording = worn(seed, 60.0)
        pair = imu.process(recording), imu.process(recording, offline=True)
        true = truth(body, np.asarray(pair[0].t_us * 1e-6, np.float64))
        errors.append([
            [np.sqrt(np.nanmean((result.angle(*key) - true[angle_label(*key)]) ** 2)) for key in WORN]
            for result in pair
        ])  # fmt: skip
    live, offline = np.degrees(np.mean(errors, axis=0))
    frontal = np.array(["frontal" in name for name, _ in WORN])
    # squats tell little of the headings, forward or backward
    turns = np.array([name in (*JOINT_ANGLES, "pelvis_rotation") for name, _ in WORN])
    gravity = ~frontal & ~turns
    assert offline[gravity].mean() < 0.85 * live[gravity].mean()  # measured 0.75; over eight people 0.62
    assert offline[frontal].mean() < live[frontal].mean()
    assert offline[turns].mean() < 1.3 * live[turns].mean()


@pytest.fixture(scope="module")
def torn() -> Recording:
    """A session over the radio; one sensor is silent for 3 s in its middle."""
    whole = simulated(45.0, seed=5, loss=0.01)
    t = (whole.stream.t_host_ns - whole.setup.t0_host_ns) * 1e-9
    rows = np.flatnonzero(~((whole.stream.sensor == 3) & (t > 27.0) & (t < 30.0)))
    s = whole.stream
    return Recording(
        whole.setup, type(s).join(s.sensor[rows].tolist(), s.t_host_ns[rows].tolist(), s.payloads(rows)), whole.metadata
    )


def test_what_was_not_recorded_stays_unknown(torn: Recording) -> None:
    live, offline = imu.process(torn), imu.process(torn, offline=True)
    np.testing.assert_array_equal(offline.t_us, live.t_us)
    gap = int(Quality.STALE | Quality.GAP)
    np.testing.assert_array_equal(offline.flags("knee_flexion", "left") & gap, live.flags("knee_flexion", "left") & gap)
    silent = (live.t_us > 27_200_000) & (live.t_us < 29_900_000)
    assert np.isnan(offline.angle("knee_flexion", "left")[silent]).all()
    assert np.isfinite(offline.angle("knee_flexion", "right")[silent]).all()
    assert [e.detail for e in offline.events if e.kind == "sensor_stale"] == ["shank_left"]
    assert len(offline.repetitions) == len(live.repetitions) > 2
    assert sum(h.restarts for h in offline.health) == 1


def test_each_stretch_between_restarts_is_smoothed_by_itself(torn: Recording) -> None:
    setup = torn.setup.sensors[3]
    channel = SensorChannel(setup, torn.setup.t0_host_ns)
    blocks = [channel.rows(p) for p in torn.blocks(20.0) if p.sensor == setup.sensor]
    smoothed = smooth_blocks(blocks, setup.rate_hz)
    poses, bias = smoothed.poses, smoothed.gyr_bias
    assert [len(p) for p in poses] == [len(b) for b in blocks]
    q, gyr = np.concatenate([p.q for p in poses]), np.concatenate([b.gyr for b in blocks])
    acc, use = np.concatenate([b.acc for b in blocks]), np.concatenate([b.actions & 1 for b in blocks]) == 0
    (start,) = np.flatnonzero(np.concatenate([b.holes for b in blocks]))
    for part in (slice(0, start), slice(start, None)):
        alone = smooth(gyr[part], acc[part], setup.rate_hz, use[part]).q
        # alone it does not know what the other stretch knows of the bias; and no stretch pulls at the other's ends
        e = np.degrees(2 * np.arccos(np.clip(np.abs((alone * q[part]).sum(axis=1)), 0, 1)))
        assert e.max() < 0.5
    assert 0.0 < np.degrees(bias) < 2.0


def still(n: int, *, epoch: int, start: int, bias: float, lost: int = 0) -> Packet:
    rng = np.random.default_rng(epoch + n)
    gyr = np.radians([bias, 0.0, 0.0]) + rng.normal(0, 1e-3, (n, 3))
    acc = np.array([0.0, 0.0, G]) + rng.normal(0, 0.02, (n, 3))
    before = np.zeros(n, np.int32)
    before[0] = lost
    t = (start + np.arange(n)) * 10_000
    return Packet("S1", int(t[-1]) * 1000, epoch, t, before, gyr, acc, np.zeros(n, np.uint8))


def test_the_bias_is_known_across_a_hole_and_forgotten_across_a_reboot() -> None:
    setup = SensorSetup("S1", "thigh_left", 100.0, "samples")
    channel = SensorChannel(setup, 0)
    blocks = [
        channel.rows(still(1000, epoch=0, start=0, bias=0.5)),
        channel.rows(still(40, epoch=0, start=1400, bias=0.5, lost=400)),
        channel.rows(still(1000, epoch=1, start=2000, bias=-0.5)),
    ]
    rows = type(blocks[0])(*(np.concatenate([getattr(b, name) for b in blocks]) for name in blocks[0].__slots__))
    bias = np.degrees(smooth_rows(rows, 100.0).bias[:, 0])
    np.testing.assert_allclose(bias[:1040], 0.5, atol=0.1)  # 0.4 s are too short to be recognised as rest
    np.testing.assert_allclose(bias[1040:], -0.5, atol=0.1)


def test_only_the_very_beginning_needs_no_settling() -> None:
    setup = SensorSetup("S1", "thigh_left", 100.0, "samples")
    channel = SensorChannel(setup, 0)
    blocks = [
        channel.rows(still(500, epoch=0, start=0, bias=0.5)),
        channel.rows(still(500, epoch=0, start=900, bias=0.5, lost=400)),
    ]
    live = np.concatenate([b.flags for b in blocks]) & int(Quality.SETTLING)
    settling = np.concatenate([p.flags for p in smooth_blocks(blocks, 100.0).poses]) & int(Quality.SETTLING)
    assert live[:100].all()
    assert not settling[:500].any()
    np.testing.assert_array_equal(settling[500:], live[500:])


def test_a_recording_shorter_than_settling_stays_unknown() -> None:
    channel = SensorChannel(SensorSetup("S1", "thigh_left", 100.0, "samples"), 0)
    poses = smooth_blocks([channel.rows(still(60, epoch=0, start=0, bias=0.0))], 100.0).poses
    assert (poses[0].flags & int(Quality.SETTLING)).all()
    assert smooth_blocks([], 100.0).poses == []


def test_what_does_not_fit_is_said(shipped: tuple[Recording, Result, Result], capsys: pytest.CaptureFixture[str]) -> None:
    recording = shipped[0]
    with pytest.raises(ConfigError, match="all samples at once"):
        imu.process(recording, offline=True, packet_samples=3)
    other = Recording(recording.setup.with_(filter="madgwick"), recording.stream, recording.metadata)
    with pytest.raises(ConfigError, match="not to madgwick"):
        imu.process(other, offline=True)
    assert main(["process", str(SHIPPED), "--no-files", "--offline", "--packets", "3"]) != 0
    assert "all samples at once" in capsys.readouterr().err


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["process", str(SHIPPED), "--offline", "--out", str(tmp_path / "results"), "--timing"]) == 0
    out = capsys.readouterr().out
    assert "smoothed offline" in out
    assert "smooth " in out
    assert json.loads((tmp_path / "results" / "summary.json").read_text())["offline"] is True
