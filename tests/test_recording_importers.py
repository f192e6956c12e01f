"""Vendor files: what is in them, and what their damage looks like to a user."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from shared_data import DATA

import imu
from imu.conventions import G
from imu.errors import RecordingError
from imu.packets import Packet
from imu.recording import load
from imu.recording.importers import import_recording
from imu.recording.importers.segment_names import segment_named
from imu.recording.regroup import concatenate

HEADER = "Timestamp (us),Gyroscope X (deg/s),Gyroscope Y (deg/s),Gyroscope Z (deg/s)," + (
    "Accelerometer X (g),Accelerometer Y (g),Accelerometer Z (g)"
)


def log(folder: Path, name: str, rows: list[str] | None = None, *, serial: str = "0000ABCD", end: str = "\n") -> Path:
    """One sensor's folder as the maker's program writes it; the file."""
    here = folder / f"{name} {serial} (UDP)"
    here.mkdir(parents=True)
    (here / "Command.json").write_text(json.dumps([{"ping": {"interface": "UDP", "name": name, "sn": serial}}]))
    file = here / "Inertial.csv"
    file.write_text("\n".join([HEADER, *(rows if rows is not None else lines())]) + end)
    return file


def lines(count: int = 100, *, start_us: int = 7_000_000, step_us: int = 20_000) -> list[str]:
    return [f"{start_us + k * step_us},{k}.5,-2.25,0.125,-0.5,{k / 1000:.3f},0.875" for k in range(count)]


def whole(recording: imu.Recording, segment: str) -> Packet:
    (sensor,) = (s.sensor for s in recording.setup.sensors if s.segment == segment)
    (packet,) = concatenate([p for p in recording.packets() if p.sensor == sensor])
    return packet


def refused(path: Path, *words: str) -> None:
    """One line that names the file and what is wrong; the same from both doors."""
    for door in (import_recording, load):
        with pytest.raises(RecordingError) as e:
            door(path)
        text = str(e.value)
        assert "\n" not in text
        assert str(path) in text
        for word in words:
            assert word in text


def test_ximu3_units_names_and_serials(tmp_path: Path) -> None:
    log(tmp_path, "Left Upper Leg", serial="00000A11")
    log(tmp_path, "pelvis", serial="00000B22")
    recording = import_recording(tmp_path)
    assert [(s.segment, s.sensor) for s in recording.setup.sensors] == [("pelvis", "00000B22"), ("thigh_left", "00000A11")]
    assert recording.setup.sensors[0].rate_hz == 50.0
    p = whole(recording, "thigh_left")
    assert len(p) == 100
    np.testing.assert_array_equal(p.t_us, np.arange(100) * 20_000)
    np.testing.assert_array_equal(p.gyr[3], np.radians([3.5, -2.25, 0.125]))
    np.testing.assert_array_equal(p.acc[3], np.array([-0.5, 0.003, 0.875]) * G)
    assert not p.lost.any()


def test_dropped_messages_become_lost_samples_and_a_note(tmp_path: Path) -> None:
    rows = lines(200)
    del rows[50:53], rows[120:121]
    log(tmp_path, "pelvis", rows)
    recording = import_recording(tmp_path)
    p = whole(recording, "pelvis")
    assert len(p) == 196
    assert p.lost[50] == 3
    assert p.lost[120] == 1
    assert p.lost.sum() == 4
    assert "pelvis: 4 of 200 samples are missing" in recording.notes


def test_torn_last_line_is_dropped_and_noted(tmp_path: Path) -> None:
    log(tmp_path, "pelvis", [*lines(60), "8200000,1.0,2.0,3.0,0.1,0.2,0.9"], end="")
    recording = import_recording(tmp_path)
    assert len(whole(recording, "pelvis")) == 60
    assert any("torn" in n for n in recording.notes)


def test_values_that_are_not_numbers_count_as_missing(tmp_path: Path) -> None:
    rows = lines(60)
    rows[30] = rows[30].replace("-2.25", "nan")
    rows[31] = rows[31].replace("-2.25", "")
    log(tmp_path, "pelvis", rows)
    recording = import_recording(tmp_path)
    p = whole(recording, "pelvis")
    assert len(p) == 58
    assert p.lost[30] == 2
    assert any("2 rows that are not all numbers" in n for n in recording.notes)


def test_messages_that_overtook_each_other_are_put_back(tmp_path: Path) -> None:
    rows = lines(60)
    rows[20], rows[21] = rows[21], rows[20]
    rows.insert(40, rows[40])
    log(tmp_path, "pelvis", rows)
    recording = import_recording(tmp_path)
    np.testing.assert_array_equal(whole(recording, "pelvis").t_us, np.arange(60) * 20_000)
    assert any("out of order" in n for n in recording.notes)
    assert any("there already" in n for n in recording.notes)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("rubbish", ("line 12", "1 fields, expected 7")),
        ("1,2,3", ("line 12", "3 fields")),
        ("7200000,1,x7,3,4,5,6", ("line 12", "'x7' is not a number")),
        (",1,2,3,4,5,6", ("line 12", "no time stamp")),
        ("100,1,2,3,4,5,6", ("line 12", "restarted")),
    ],
)
def test_rubbish_is_named_with_its_line(tmp_path: Path, bad: str, words: tuple[str, ...]) -> None:
    rows = lines(60)
    rows[10] = bad
    file = log(tmp_path, "pelvis", rows)
    refused(tmp_path, str(file), *words)


def test_segment_named_twice_is_refused_with_both_names(tmp_path: Path) -> None:
    log(tmp_path, "Left Upper Leg", serial="00000001")
    log(tmp_path, "upper_leg_left", serial="00000002")
    refused(tmp_path, "thigh_left is measured twice", "Left Upper Leg 00000001", "upper_leg_left 00000002")


def test_sensor_named_twice_is_refused(tmp_path: Path) -> None:
    log(tmp_path, "Left Upper Leg", serial="00000001")
    log(tmp_path, "Right Upper Leg", serial="00000001")
    with pytest.raises(RecordingError, match="'00000001' is named 2 times"):
        import_recording(tmp_path)


def test_clocks_without_a_common_moment_are_refused(tmp_path: Path) -> None:
    log(tmp_path, "Left Upper Leg", serial="00000001")
    log(tmp_path, "pelvis", lines(start_us=900_000_000), serial="00000002")
    refused(tmp_path, "no moment in common")


def test_sensors_on_other_segments_are_left_out_with_a_note(tmp_path: Path) -> None:
    log(tmp_path, "Left Upper Leg", serial="00000001")
    log(tmp_path, "Left Hand", serial="00000002")
    recording = import_recording(tmp_path)
    assert [s.segment for s in recording.setup.sensors] == ["thigh_left"]
    assert any("'Left Hand'" in n for n in recording.notes)
    shutil.rmtree(tmp_path / "Left Upper Leg 00000001 (UDP)")
    refused(tmp_path, "no sensor is on a known segment")


@pytest.mark.parametrize("text", ["", "\n\n", HEADER + "\n"])
def test_empty_logs_are_refused(tmp_path: Path, text: str) -> None:
    file = log(tmp_path, "pelvis")
    file.write_text(text)
    refused(tmp_path, str(file), "record again")


def test_single_sample_has_no_rate(tmp_path: Path) -> None:
    log(tmp_path, "pelvis", lines(1))
    log(tmp_path, "Left Upper Leg", lines(50, start_us=6_900_000), serial="00000002")
    with pytest.raises(RecordingError, match="at least 2 are needed"):
        import_recording(tmp_path)


def test_log_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = log(tmp_path, "pelvis")
    file.write_text(file.read_text().replace("Accelerometer X (g)", "Accelerometer X (m/s^2)"))
    refused(tmp_path, str(file), "line 1", "'Accelerometer X (g)' is missing")


def test_damaged_side_file_does_not_matter(tmp_path: Path) -> None:
    file = log(tmp_path, "pelvis", serial="0000F00D")
    (file.parent / "Command.json").write_bytes(b"\xff\xfe{")
    assert import_recording(tmp_path).setup.sensors[0].sensor == "0000F00D"


def arrays(n: int = 200, **more: np.ndarray) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    out: dict[str, np.ndarray] = {"fs": np.array(100.0, np.float32)}
    for name in ("hip", "upper_leg_left"):
        out[f"acc_{name}"] = (np.array([0, 9.81, 0]) + rng.normal(size=(n, 3))).astype(np.float32)
        out[f"gyr_{name}"] = rng.normal(size=(n, 3)).astype(np.float32)
    return {k: v for k, v in (out | more).items() if v is not None}


def npz(path: Path, content: dict[str, np.ndarray]) -> Path:
    np.savez(path, **content)  # type: ignore[arg-type]
    return path


def test_npz_keeps_every_bit(tmp_path: Path) -> None:
    content = arrays()
    recording = import_recording(npz(tmp_path / "a.npz", content))
    assert [(s.segment, s.sensor, s.rate_hz) for s in recording.setup.sensors] == [
        ("pelvis", "hip", 100.0),
        ("thigh_left", "upper_leg_left", 100.0),
    ]
    p = whole(recording, "thigh_left")
    np.testing.assert_array_equal(p.gyr, content["gyr_upper_leg_left"].astype(float))
    np.testing.assert_array_equal(p.acc, content["acc_upper_leg_left"].astype(float))
    np.testing.assert_array_equal(p.t_us, np.arange(200) * 10_000)


def test_npz_time_may_have_holes_and_rounding(tmp_path: Path) -> None:
    t = (40.0 + np.arange(200) / 100).astype(np.float32)  # resolves 4 µs only
    even = import_recording(npz(tmp_path / "a.npz", arrays(t=t)))
    np.testing.assert_array_equal(whole(even, "pelvis").t_us, np.arange(200) * 10_000)
    assert any("time 0 is t = 40.000 s" in n for n in even.notes)
    t = np.arange(200) / 100
    t[100:] += 0.05
    holed = import_recording(npz(tmp_path / "b.npz", arrays(t=t)))
    assert whole(holed, "pelvis").lost[100] == 5


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"acc_upper_leg_left": np.full((200, 3), 0.57)}, ("acc_upper_leg_left", "is it g?")),
        ({"gyr_hip": np.full((200, 3), 300.0)}, ("gyr_hip", "deg/s")),
        ({"gyr_hip": None}, ("gyr_hip is missing",)),
        ({"gyr_hip": np.zeros((199, 3))}, ("200 rows of acc, 199 of gyr",)),
        ({"gyr_hip": np.zeros((200, 4))}, ("expected numbers in (n, 3)",)),
        ({"fs": None}, ("neither t (s) nor fs (Hz)",)),
        ({"t": np.zeros(200)}, ("increasing seconds",)),
        ({"t": np.arange(150.0)}, ("150 times",)),
        ({"acc_pelvis": np.ones((200, 3)) * 5.7, "gyr_pelvis": np.zeros((200, 3))}, ("pelvis is there twice",)),
    ],
)
def test_npz_mistakes_are_named(tmp_path: Path, more: dict, words: tuple[str, ...]) -> None:
    refused(npz(tmp_path / "a.npz", arrays(**more)), *words)


def test_files_that_are_no_recordings_are_refused(tmp_path: Path) -> None:
    refused(npz(tmp_path / "other.npz", {"x": np.zeros(3)}), "no array is named after a segment", "found: x")
    (tmp_path / "torn.npz").write_bytes((tmp_path / "other.npz").read_bytes()[:40])
    refused(tmp_path / "torn.npz", "not a readable .npz")
    (tmp_path / "empty.npz").touch()
    refused(tmp_path / "empty.npz")
    np.savez(tmp_path / "objects.npz", acc_hip=np.array([{}], dtype=object))
    refused(tmp_path / "objects.npz", "not a readable .npz")
    (tmp_path / "walk.c3d").write_bytes(b"\x02\x50rubbish")
    refused(tmp_path / "walk.c3d", "unknown format", "x-IMU3", ".npz")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "unknown format")
    refused(tmp_path / "nowhere", "no such file or folder")


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("Left Upper Leg", "thigh_left"),
        ("lower_leg_right", "shank_right"),
        ("hip", "pelvis"),
        ("Pelvis", "pelvis"),
        ("Right Foot", "foot_right"),
        ("upper_back", "trunk"),
        ("TIBIA-left", "shank_left"),
        ("left right thigh", None),
        ("left pelvis", None),
        ("thigh", None),
        ("forearm_left", None),
        ("", None),
    ],
)
def test_names_of_segments(text: str, segment: str | None) -> None:
    assert segment_named(text) == segment


@pytest.mark.validation
def test_real_ximu3_log() -> None:
    folder = DATA / "native" / "ximu3_csv"
    if not folder.exists():
        pytest.skip("../shared/data/native/ximu3_csv is absent")
    recording = import_recording(folder)
    assert [s.segment for s in recording.setup.sensors] == [
        "pelvis", "thigh_left", "thigh_right", "shank_left", "shank_right", "foot_left", "foot_right",
    ]  # fmt: skip
    lost = {s.segment: int(whole(recording, s.segment).lost.sum()) for s in recording.setup.sensors}
    assert sum(lost.values()) == 126
    assert min(lost.values()) > 0
    for s in recording.setup.sensors:
        p = whole(recording, s.segment)
        # each sensor's own clock: its rate is right to 0.1 % of what the whole log says
        per = (p.t_us[-1] - p.t_us[0]) / (len(p) - 1 + p.lost.sum())
        assert s.rate_hz == pytest.approx(1e6 / per, rel=1e-4)
        assert np.median(np.linalg.norm(p.acc, axis=1)) == pytest.approx(G, rel=0.1)


@pytest.mark.validation
def test_real_full_body_file() -> None:
    file = DATA / "full_body" / "full_body.npz"
    if not file.exists():
        pytest.skip("../shared/data/full_body is absent")
    recording = import_recording(file)
    assert len(recording.setup.sensors) == 8
    assert recording.duration_s == pytest.approx(100.0, abs=0.1)
    with np.load(file) as d:
        np.testing.assert_array_equal(whole(recording, "shank_right").gyr, d["gyr_lower_leg_right"].astype(float))
