"""The recordings that come with the project: they load, they are what their README says, and they process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader

import imu
from imu.packets import Quality
from imu.recording.layout import decode_batches

FOLDER = Path(__file__).resolve().parent.parent / "recordings"
FILES = sorted(FOLDER.glob("*.mcap"))
LOST = {
    "pelvis": 28, "thigh_left": 8, "thigh_right": 27, "shank_left": 21, "shank_right": 11, "foot_left": 8, "foot_right": 23,
}  # fmt: skip


def test_readme_names_every_file_its_origin_and_licence() -> None:
    text = (FOLDER / "README.md").read_text()
    assert len(FILES) == 2
    for file in FILES:
        assert file.stat().st_size < 3_000_000
        recording = imu.load(file)
        assert f"`{file.name}`" in text
        assert recording.metadata["licence"] == "MIT"
        assert recording.origin in text
        assert recording.origin.split(",")[0] in text
    assert text.count("Permission is hereby granted") == 1


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_any_mcap_reader_gives_the_same_notifications(file: Path) -> None:
    with open(file, "rb") as f:
        found = [m.data for _, _, m in make_reader(f, validate_crcs=True).iter_messages(topics="notifications")]
    ours, theirs = imu.load(file).stream, decode_batches(found)
    assert ours.data == theirs.data
    np.testing.assert_array_equal(ours.t_host_ns, theirs.t_host_ns)


def test_person_who_stands_sits_and_runs() -> None:
    recording = imu.load(FOLDER / "full_body_legs.mcap")
    assert len(recording.setup.sensors) == 8
    assert recording.duration_s == pytest.approx(75.0, abs=0.1)
    result = imu.process(recording)
    assert result.t_us[-1] * 1e-6 == pytest.approx(75.0, abs=0.1)
    t = result.t_us * 1e-6
    for side in ("left", "right"):
        knee = np.degrees(result.angle("knee_flexion", side))
        assert np.isfinite(knee[t > 11.1]).all()
        sitting, standing, running = (knee[(t > a) & (t < b)] for a, b in ((15, 35), (45.5, 46.5), (60, 75)))
        assert 70 < sitting.min() < sitting.max() < 95
        assert np.abs(standing).max() < 8  # half a minute and much movement after the stand that is zero
        assert -15 < running.min() < 15
        assert 60 < running.max() < 100


def test_log_with_lost_samples_gives_both_knees_and_flags_what_was_lost() -> None:
    recording = imu.load(FOLDER / "ximu3_lower_body.mcap")
    assert len(recording.setup.sensors) == 7
    assert recording.duration_s == pytest.approx(18.6, abs=0.1)
    result = imu.process(recording)
    for side in ("left", "right"):
        knee = np.degrees(result.angle("knee_flexion", side))
        known = np.isfinite(knee)
        assert 0.5 < known.mean() < 1.0
        assert (result.flags("knee_flexion", side)[~known] != 0).all()
        assert -15 < knee[known].min() < 5
        assert 40 < knee[known].max() < 70
        assert np.abs(knee[-100:]).max() < 8  # it ends as it began, standing
    assert {h.segment: h.lost for h in result.health} == LOST
    assert {h.segment: h.filled for h in result.health} == LOST
    seen = int(np.bitwise_or.reduce(result.flags("knee_flexion", "left")))
    assert seen & Quality.FILLED
    assert seen & Quality.GAP  # two in a row at 50 Hz are 40 ms: more than a short hole
