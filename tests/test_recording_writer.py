"""The recorder: what was taken is on disk, in order, and trouble is visible and never the caller's."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from recording_fixtures import SETUP, notifications

from imu.config import Setup
from imu.errors import RecordingError
from imu.outputs import Event, Phases
from imu.recording import Recorder, load

PRELUDE = """
import sys, time
from imu.config import Setup
from imu.recording import Recorder
recorder = Recorder(sys.argv[1], Setup.from_json(sys.argv[2]), {"origin": "test"})
"""
STREAMING = (
    PRELUDE
    + """
i = 0
while True:
    t = time.perf_counter_ns()
    recorder.write(("0A1", "0B2")[i % 2], i.to_bytes(4, "little") * 16, t)
    if i % 100 == 0:
        recorder.log("cue", {"text": "knees out", "number": i})
    print(i, t, flush=True)
    i += 1
    time.sleep(0.002)
"""
)
# The file-size limit is a disk that is full, and lifting it a disk that was cleared. It holds several batches, however
# many packets a fast machine puts into one.
FULL_DISK = (
    PRELUDE
    + """
import resource
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
import random
r = random.Random(1)
i, until = 0, time.perf_counter() + 20
def put():
    global i
    recorder.write("0A1", i.to_bytes(4, "little") + r.randbytes(400), i)
    i += 1
while not recorder.fault and time.perf_counter() < until:
    put()
    time.sleep(0.001)
print(recorder.fault)
for _ in range(200):
    put()
if sys.argv[3] == "cleared":
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    while recorder.fault and time.perf_counter() < until:
        time.sleep(0.01)
recorder.close()
print(repr(recorder.fault))
print(i, recorder.lost)
"""
)


def child(program: str, folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, str(folder), SETUP.to_json(), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("seed", range(3))
def test_killed_process_loses_less_than_half_a_second(tmp_path: Path, seed: int) -> None:
    lines = 350 + random.Random(seed).randrange(300)
    with child(STREAMING, tmp_path / "s") as process:
        assert process.stdout is not None
        written = [tuple(map(int, process.stdout.readline().split())) for _ in range(lines)]
        process.kill()
        killed_ns = time.perf_counter_ns()
    recording = load(tmp_path / "s")
    got = [(int.from_bytes(data[:4], "little"), t) for _, data, t in recording.notifications()]
    assert got[: len(written)] == written[: len(got)]  # a prefix of what was acknowledged, unchanged and in order
    assert got == [(i, t) for i, (_, t) in enumerate(got)]
    due = [w for w in written if w[1] < killed_ns - 500_000_000]
    assert len(due) > 20
    assert set(due) <= set(got)
    assert recording.incomplete
    assert any("ends abruptly" in note for note in recording.notes)
    assert recording.setup == SETUP
    assert recording.events("cue")[0].values == {"text": "knees out", "number": 0}


def test_mcap_alone_is_enough(tmp_path: Path) -> None:
    items = notifications(500)
    with_close(tmp_path / "s", items, {"origin": "clinic", "drill": "squat"})
    (tmp_path / "s" / "session.json").unlink()
    recording = load(tmp_path / "s" / "stream-000.mcap")
    assert list(recording.notifications()) == items
    assert recording.setup == SETUP
    assert (recording.origin, recording.metadata["drill"]) == ("clinic", "squat")
    assert not recording.incomplete
    assert recording.notes == ()


def with_close(folder: Path, items: list[tuple[str, bytes, int]], meta: dict[str, str] | None = None) -> Recorder:
    recorder = Recorder(folder, SETUP, meta)
    for item in items:
        recorder.write(*item)
    recorder.close()
    assert recorder.fault == ""
    assert recorder.lost == 0
    return recorder


def test_arrival_order_across_sensors_is_kept(tmp_path: Path) -> None:
    items = notifications(2000, seed=3)
    with_close(tmp_path / "s", items)
    assert list(load(tmp_path / "s").notifications()) == items


def test_bytearray_is_recorded_as_it_was(tmp_path: Path) -> None:
    buffer = bytearray(b"first")
    recorder = Recorder(tmp_path / "s", SETUP)
    recorder.write("0A1", buffer, 1)  # type: ignore[arg-type]
    buffer[:] = b"other"
    recorder.close()
    assert next(load(tmp_path / "s").notifications()) == ("0A1", b"first", 1)


def test_session_file_says_who_wore_what_before_the_first_packet(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s", SETUP, {"licence": "CC0"})
    text = json.loads((tmp_path / "s" / "session.json").read_text())
    recorder.close()
    assert Setup.from_json(json.dumps(text["setup"])) == SETUP
    assert text["metadata"]["licence"] == "CC0"
    empty = load(tmp_path / "s")
    assert not empty.incomplete
    assert list(empty.packets()) == []
    assert "no packets" in empty.notes[0]


def test_facts_keep_their_values(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s", SETUP)
    recorder.log("event", {"event": Event("calibrated", 1, 2), "nothing": float("nan"), "phases": Phases(1, 2, 3)})
    recorder.log("odd", {"object": object})
    recorder.close()
    event, odd = load(tmp_path / "s").events()[1:]
    assert event.kind == "event"
    assert isinstance(event.values["event"], dict)
    assert event.values["event"]["kind"] == "calibrated"
    assert event.values["nothing"] is None
    assert event.values["phases"] == {"descent_s": 1, "bottom_s": 2, "ascent_s": 3, "top_s": None}
    assert odd.kind == "odd"


def test_full_queue_is_a_fault_and_a_recorded_gap(tmp_path: Path) -> None:
    items = notifications(10)
    recorder = Recorder(tmp_path / "s", SETUP, queue_limit=3)
    for item in items:
        recorder.write(*item)
    assert "cannot keep up" in recorder.fault
    recorder.close()
    assert recorder.lost == 7
    recording = load(tmp_path / "s")
    assert list(recording.notifications()) == items[:3]
    (gap,) = recording.events("recording_gap")
    assert gap.values["lost"] == 7
    assert gap.values["from_ns"] == items[3][2]
    assert any("7 packets were not recorded" in note for note in recording.notes)


def test_unknown_sensor_and_late_packets_are_visible(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "s", SETUP)
    recorder.write("XYZ", b"1", 1)
    assert "XYZ" in recorder.fault
    recorder.close()
    recorder.write("0A1", b"1", 2)
    recorder.log("cue", {})
    recorder.close()
    assert "closed" in recorder.fault
    assert recorder.lost == 2


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "notes.txt").write_text("mine")
    with pytest.raises(RecordingError, match="not empty"):
        Recorder(tmp_path / "s", SETUP)
    assert [f.name for f in (tmp_path / "s").iterdir()] == ["notes.txt"]
    with pytest.raises(RecordingError, match="exists already"):
        Recorder(tmp_path / "s" / "notes.txt", SETUP)
    with pytest.raises(RecordingError, match="cannot be written"):
        Recorder(tmp_path / "s" / "notes.txt" / "below", SETUP)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file-size limit")
def test_full_disk_delays_but_loses_nothing_once_cleared(tmp_path: Path) -> None:
    with child(FULL_DISK, tmp_path / "s", "cleared") as process:
        fault, after, counts = process.communicate(timeout=60)[0].splitlines()
    assert "cannot be written" in fault
    assert after == "''"
    count, lost = map(int, counts.split())
    recording = load(tmp_path / "s")
    assert lost == 0
    assert [t for _, _, t in recording.notifications()] == list(range(count))
    assert not recording.incomplete


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file-size limit")
def test_disk_full_to_the_end_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    with child(FULL_DISK, tmp_path / "s", "stays full") as process:
        _, after, counts = process.communicate(timeout=60)[0].splitlines()
    assert "end of the recording is missing" in after
    recording = load(tmp_path / "s")
    got = [t for _, _, t in recording.notifications()]
    assert 0 < len(got) < int(counts.split()[0])
    assert got == list(range(len(got)))
    assert recording.incomplete
