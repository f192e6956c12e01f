"""Loading: whole, torn, damaged and hopeless files."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mcap.reader import make_reader
from recording_fixtures import SETUP, notifications, write_file

import imu
from imu.errors import RecordingError
from imu.recording import load, mcap_writer

ITEMS = notifications(120)


def test_imu_load_is_this_load() -> None:
    assert imu.load is load
    assert imu.Recording.__name__ == "Recording"


def test_other_mcap_readers_open_the_file(tmp_path: Path) -> None:
    write_file(tmp_path / "a.mcap", ITEMS)
    with open(tmp_path / "a.mcap", "rb") as f:
        reader = make_reader(f, validate_crcs=True)
        found = list(reader.iter_messages())
        summary = reader.get_summary()
    assert len(found) == 12
    schema = found[0][0]
    assert schema is not None
    assert "t_host_ns[count]" in schema.data.decode()
    assert found[0][2].log_time == ITEMS[9][2]
    assert summary is not None
    assert summary.channels[1].metadata["setup"] == SETUP.to_json()


def test_tail_cut_anywhere_keeps_every_whole_chunk(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    ends = write_file(path, ITEMS)
    data = path.read_bytes()
    rng = random.Random(1)
    last_record = range(ends[-2], len(data), 3)
    for cut in {*last_record, *rng.sample(range(9, ends[-2]), 60), len(data) - 1}:
        path.write_bytes(data[:cut])
        if cut < ends[0] and b"setup_crc32" not in data[: cut - 20]:
            with pytest.raises(RecordingError, match="use another copy"):
                load(path)
            continue
        recording = load(path)
        got = list(recording.notifications())
        whole = sum(end <= cut for end in ends)
        assert got == ITEMS[: len(got)], cut
        assert len(got) >= 10 * whole
        assert recording.incomplete
        assert recording.notes


def test_flipped_byte_costs_at_most_its_chunk_and_is_never_silent(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    write_file(path, ITEMS)
    data = path.read_bytes()
    rng = random.Random(2)
    for at in [*range(0, 60, 7), *rng.sample(range(len(data)), 400)]:
        broken = bytearray(data)
        broken[at] ^= 1 << rng.randrange(8)
        path.write_bytes(broken)
        recording = load(path)
        assert recording.setup == SETUP, at
        got = list(recording.notifications())
        assert [n for n in ITEMS if n in got] == got, at  # in order, none altered
        assert len(got) >= len(ITEMS) - 10, at
        assert len(got) == len(ITEMS) or recording.incomplete, at
        assert len(got) == len(ITEMS) or any("damaged" in n for n in recording.notes), at


def test_hole_in_the_middle_is_noted_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    ends = write_file(path, ITEMS)
    broken = bytearray(path.read_bytes())
    broken[ends[4] : ends[5]] = bytes(ends[5] - ends[4])
    path.write_bytes(broken)
    recording = load(path)
    assert list(recording.notifications()) == ITEMS[:50] + ITEMS[60:]
    after, until = ((ITEMS[i][2] - ITEMS[0][2]) * 1e-9 for i in (49, 69))
    assert f"between {after:.2f} s and {until:.2f} s" in recording.notes[0]


def test_first_chunk_lost_does_not_orphan_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    ends = write_file(path, ITEMS, finish=False)
    data = bytearray(path.read_bytes())
    data[ends[0] - 40 : ends[0] - 20] = bytes(20)
    data[ends[0] // 2 : ends[0] - 40] = bytes(ends[0] - 40 - ends[0] // 2)
    path.write_bytes(data)
    assert list(load(path).notifications()) == ITEMS[10:]


def test_repair_makes_a_whole_file_and_keeps_the_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    ends = write_file(path, ITEMS, finish=False)
    path.write_bytes(path.read_bytes()[: ends[7] + 5])
    torn = load(path)
    repaired = load(torn.save(tmp_path / "b.mcap"))
    assert list(repaired.notifications()) == ITEMS[:80]
    assert repaired.incomplete
    assert repaired.notes == torn.notes
    assert repaired.origin == "made for a test"


def test_newer_format_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcap_writer, "FORMAT_VERSION", 2)
    write_file(tmp_path / "a.mcap", ITEMS)
    with pytest.raises(RecordingError, match="update this program"):
        load(tmp_path / "a.mcap")


def test_bad_files_are_refused_in_one_line(tmp_path: Path) -> None:
    def refused(path: Path, why: str) -> None:
        with pytest.raises(RecordingError, match=why) as e:
            load(path)
        assert "\n" not in str(e.value)
        assert str(path) in str(e.value)

    refused(tmp_path / "none.mcap", "no such file")
    (tmp_path / "empty.mcap").touch()
    refused(tmp_path / "empty.mcap", "empty")
    (tmp_path / "rubbish.mcap").write_bytes(random.Random(0).randbytes(5000))
    refused(tmp_path / "rubbish.mcap", "damaged beyond use")
    (tmp_path / "letter.txt").write_text("Dear Sir")
    refused(tmp_path / "letter.txt", "x-IMU3")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "unknown format")
    (tmp_path / "session").mkdir()
    (tmp_path / "session" / "session.json").write_text("{}")
    refused(tmp_path / "session", "nothing was recorded")
    write_file(tmp_path / "a.mcap", ITEMS)
    stranger = (tmp_path / "a.mcap").read_bytes().replace(b"imu_session", b"abc_session").replace(b"setup", b"other")
    (tmp_path / "foreign.mcap").write_bytes(stranger)
    foreign = load(tmp_path / "foreign.mcap")  # the channel table inside the checked chunk still says who wore what
    assert foreign.setup == SETUP


def test_packets_of_a_sensor_without_setup_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recording_fixtures.SETUP", replace(SETUP, sensors=SETUP.sensors[:1]))
    items = [("0A1", b"x", 1)]
    write_file(tmp_path / "a.mcap", items)
    assert list(load(tmp_path / "a.mcap").notifications()) == items


def test_session_json_stands_in_for_a_damaged_stream_head(tmp_path: Path) -> None:
    from imu.recording import Recorder

    recorder = Recorder(tmp_path / "s", SETUP, {"origin": "lab"})
    recorder.close()
    stream = tmp_path / "s" / "stream-000.mcap"
    ends = write_file(tmp_path / "a.mcap", ITEMS)
    data = bytearray((tmp_path / "a.mcap").read_bytes()[: ends[3]])
    data[8 : ends[0]] = bytes(ends[0] - 8)
    stream.write_bytes(data)
    recording = load(tmp_path / "s")
    assert recording.setup == SETUP
    assert recording.origin == "lab"
    assert list(recording.notifications()) == ITEMS[10:40]
    shutil.rmtree(tmp_path / "s")
