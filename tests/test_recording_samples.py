"""Arrays as a recording: nothing is rounded, nothing is hidden; and the same samples in packets of another size."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fusion_streams import packet_of, swinging, with_marks
from recording_fixtures import assert_same_rows, joined, samples, three_sensors

import imu
from imu.config import SensorSetup
from imu.errors import ConfigError, ProtocolError, RecordingError
from imu.packets import ClockMark, Packet, Samples
from imu.recording import load, make_decoder
from imu.recording.layout import NotificationColumns, decode_batches, encode_batch
from imu.recording.regroup import concatenate, regroup
from imu.recording.samples_codec import SamplesDecoder

SENSOR = SensorSetup("A", "pelvis", 100.0, "samples")


@pytest.mark.parametrize("float32", [True, False])
def test_every_bit_comes_back(tmp_path: Path, float32: bool) -> None:
    given = {"pelvis": samples(999, 1, float32=float32), "shank_left": samples(500, 2, rate_hz=60.0)}
    recording = imu.Recording.from_samples(given)
    loaded = load(recording.save(tmp_path / "a.mcap"))
    assert not loaded.incomplete
    packets = list(loaded.packets())
    for segment, s in given.items():
        rows = joined(packets, segment)
        for name in ("t_us", "gyr", "acc", "clipped"):
            np.testing.assert_array_equal(rows[name], getattr(s, name))
        assert not rows["lost"].any()
    assert [s.rate_hz for s in loaded.setup.sensors] == pytest.approx([104.0, 60.0], rel=1e-3)


def test_values_from_float32_take_half_their_room() -> None:
    wide, narrow = (imu.Recording.from_samples({"pelvis": samples(1000, 1, float32=f)}) for f in (False, True))
    assert len(wide.stream.data) - len(narrow.stream.data) == 1000 * 6 * 4


def test_missing_rows_are_lost_samples_that_are_said() -> None:
    recording = three_sensors()
    rows = joined(list(recording.packets()), "thigh_left")
    assert rows["lost"].sum() == rows["lost"][200] == 60
    assert recording.notes == ("thigh_left: 60 of 1040 samples are missing",)


def test_rounded_time_stamps_give_the_true_rate_and_no_loss() -> None:
    n = 1040
    t_us = np.rint(np.arange(n) * 1000 / 104).astype(np.int64) * 1000
    given = Samples(t_us, np.zeros((n, 3)), np.tile([0, 0, 9.81], (n, 1)))
    recording = imu.Recording.from_samples({"pelvis": given})
    assert recording.setup.sensors[0].rate_hz == pytest.approx(104.0, rel=1e-3)
    assert recording.notes == ()


def test_rows_that_are_not_numbers_are_missing() -> None:
    s = samples(500, 3)
    s.gyr[100:104, 1] = math.nan
    s.acc[300, 2] = math.inf
    recording = imu.Recording.from_samples({"pelvis": s})
    rows = joined(list(recording.packets()), "pelvis")
    assert len(rows["t_us"]) == 495
    assert rows["lost"][100] == 4
    assert "5 rows that are not all numbers" in recording.notes[0]


def test_sensors_take_turns_in_time() -> None:
    t = three_sensors().stream.t_host_ns
    assert np.all(np.diff(t) >= 0)
    order = [sensor for sensor, _, _ in three_sensors().notifications()]
    assert order[:6].count("shank_left") == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "no samples"),
        ({"hip": samples(100, 1)}, "unknown segment 'hip'"),
        ({"pelvis": samples(1, 1)}, "at least 2 are needed"),
        ({"pelvis": Samples(np.arange(9), np.full((9, 3), np.nan), np.zeros((9, 3)))}, "0 usable samples"),
    ],
)
def test_arrays_that_make_no_recording_are_refused(given: dict[str, Samples], words: str) -> None:
    with pytest.raises(RecordingError, match=words):
        imu.Recording.from_samples(given)


@pytest.mark.parametrize(
    ("t_us", "rows", "words"),
    [([0, 10, 10], 3, "strictly increasing"), ([0, 10], 3, r"give \(n,\), \(n, 3\), \(n, 3\)")],
)
def test_wrong_samples_are_refused_at_once(t_us: list[int], rows: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Samples(np.array(t_us), np.zeros((rows, 3)), np.zeros((rows, 3)))


def payload(n: int = 2, version: int = 1, width: int = 8, t: tuple[int, ...] = (0, 10_000), cut: int = 0) -> bytes:
    data = struct.pack("<BBH", version, width, n) + struct.pack(f"<{n}q", *t) + bytes(5 * n) + bytes(6 * width * n)
    return data[: len(data) - cut]


@pytest.mark.parametrize(
    "data",
    [b"", b"\x01", payload(version=2), payload(width=3), payload(cut=1), payload() + b"x", payload(t=(10_000, 0))],
)
def test_bytes_that_are_no_samples_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        SamplesDecoder(SENSOR).decode(data, 0)


def test_time_does_not_go_back_between_notifications() -> None:
    decoder = SamplesDecoder(SENSOR)
    assert decoder.decode(payload(), 5) is not None
    with pytest.raises(ProtocolError, match="back in time"):
        decoder.decode(payload(), 6)
    assert decoder.decode_many([], np.zeros(0, np.int64)) == []


def test_unknown_codec_is_named() -> None:
    with pytest.raises(ConfigError, match="'telepathy'"):
        make_decoder(replace(SENSOR, profile="telepathy"))


def test_damaged_notification_is_left_out_and_the_rest_is_read() -> None:
    recording = three_sensors(2.0)
    sensor, t, parts = [], [], []
    for name, data, t_ns in recording.notifications():
        sensor.append([s.sensor for s in recording.setup.sensors].index(name))
        t.append(t_ns)
        parts.append(data)
    at = [i for i, s in enumerate(sensor) if s == 1][4]
    parts[at] = b"\xff" + parts[at][1:]
    broken = replace(recording, stream=NotificationColumns.join(sensor, t, parts))
    one_by_one, large = list(broken.packets()), list(broken.blocks(1.0))
    assert_same_rows(one_by_one, large)
    assert len(joined(large, "thigh_left")["t_us"]) == len(joined(list(recording.packets()), "thigh_left")["t_us"]) - 4


def test_batch_layout_round_trip_and_damage() -> None:
    stream = three_sensors(1.0).stream
    parts = [stream.part(a, min(a + 7, len(stream))) for a in range(0, len(stream), 7)]
    again = decode_batches([encode_batch(p) for p in parts])
    for name in ("sensor", "t_host_ns", "start"):
        np.testing.assert_array_equal(getattr(again, name), getattr(stream, name))
    assert again.data == stream.data
    whole = encode_batch(stream)
    for bad in (b"", b"\x05\x00", whole[:20], whole[:-1], whole + b"x"):
        if bad:
            with pytest.raises(ValueError, match="bytes"):
                decode_batches([bad])
    assert len(decode_batches([])) == 0


@pytest.mark.parametrize("seconds", [0.3, 3.0, 100.0])
def test_large_blocks_hold_the_same_rows(seconds: float) -> None:
    recording = three_sensors()
    assert_same_rows(list(recording.blocks(seconds)), list(recording.packets()))


@pytest.mark.parametrize("size", [1, 7, 25])
def test_packets_of_another_size_hold_the_same_rows(size: int) -> None:
    recording = three_sensors()
    packets = list(recording.packets(size))
    assert_same_rows(packets, list(recording.packets()))
    assert max(len(p) for p in packets) == size
    arrivals = [p.t_host_ns for p in packets]
    assert arrivals == sorted(arrivals)


def stream() -> list[Packet]:
    """Two epochs with marks, short holes and one long one, in packets as received."""
    gyr, acc, _ = swinging(300)
    keep = np.random.default_rng(0).random(300) > 0.05
    keep[0] = True
    keep[140:190] = False
    packets = []
    for epoch in range(2):
        p = with_marks(packet_of(gyr, acc, keep=keep, epoch=epoch), per=3)
        for a in range(0, len(p), 3):
            marks = tuple(replace(m, position=m.position - a) for m in p.marks if a <= m.position < a + 3)
            rows = slice(a, a + 3)
            packets.append(
                Packet(
                    "S1", (epoch * 100 + 1) * 10**9 + a, epoch, p.t_us[rows], p.lost[rows], p.gyr[rows], p.acc[rows],
                    p.clipped[rows], marks,
                )
            )
    return packets


def placed_marks(packets: list[Packet]) -> list[tuple[int, ClockMark]]:
    """Marks with the number of their row in the whole stream."""
    out, rows = [], 0
    for p in packets:
        out += [(rows + m.position, replace(m, position=0)) for m in p.marks]
        rows += len(p)
    return out


@pytest.mark.parametrize("size", [1, 2, 7, 25, 10_000])
def test_regrouping_keeps_rows_marks_epochs_and_arrival(size: int) -> None:
    received = stream()
    packets = list(regroup(received, size))
    assert_same_rows(packets, received)
    assert placed_marks(packets) == placed_marks(received)
    assert [p.epoch for p in packets] == sorted(p.epoch for p in packets)
    arrival = {int(t): p.t_host_ns for p in received for t in p.t_us + p.epoch * 10**9}
    for p in packets:
        assert p.t_host_ns == arrival[int(p.t_us[-1]) + p.epoch * 10**9]
        assert np.all(np.diff(p.t_us) <= 50_000)  # nobody keeps samples back until a long hole is over


@pytest.mark.parametrize("size", [2, 7, 25])
def test_a_row_is_kept_back_no_longer_than_its_packet_covers(size: int) -> None:
    """Seen on a starved computer: rows that came in threes, each a little later than the last, waited for 150 ms in packets
    of seven, and a sensor counted as stale for six frames more."""
    late_ms = np.repeat([0, 60, 120, 120, 180, 240, 300, 300, 300, 300], 3)
    whole = stream()[0]
    t_us = np.arange(30) * 10_000
    rows = {
        name: np.resize(getattr(whole, name), (30, *getattr(whole, name).shape[1:]))
        for name in ("lost", "gyr", "acc", "clipped")
    }
    arrival_ns = (np.repeat(t_us[2::3], 3) * 1000 + late_ms * 1_000_000).astype(np.int64)
    packet = replace(whole, t_us=t_us, arrival_ns=arrival_ns, marks=(), t_host_ns=int(arrival_ns[-1]), **rows)
    for p in regroup([packet], size):
        assert int(p.arrival_ns[-1] - p.arrival_ns[0]) <= int(p.t_us[-1] - p.t_us[0]) * 1000 + 10_000_000


def test_concatenating_makes_one_packet_per_epoch() -> None:
    received = stream()
    packets = concatenate(received)
    assert [p.epoch for p in packets] == [0, 1]
    assert_same_rows(packets, received)
    assert placed_marks(packets) == placed_marks(received)


def test_first_seconds_and_impossible_requests() -> None:
    recording = three_sensors()
    assert recording.first(2.0).duration_s == pytest.approx(2.0, abs=0.1)
    assert recording.first(100.0).duration_s == recording.duration_s
    for wrong in (lambda: recording.first(0), lambda: list(recording.packets(0)), lambda: list(recording.blocks(-1))):
        with pytest.raises(RecordingError):
            wrong()


def test_saving_keeps_what_is_said_and_overwrites_nothing(tmp_path: Path) -> None:
    recording = three_sensors(1.0)
    path = recording.save(tmp_path / "a.mcap", origin="a lab", licence="CC0")
    loaded = load(path)
    assert (loaded.origin, loaded.metadata["licence"]) == ("a lab", "CC0")
    assert loaded.notes == recording.notes
    before = path.read_bytes()
    with pytest.raises(RecordingError, match="nothing was overwritten"):
        recording.save(path)
    assert path.read_bytes() == before
    with pytest.raises(RecordingError, match="cannot be written"):
        recording.save(tmp_path / "no" / "such" / "folder.mcap")
    assert [f.name for f in tmp_path.iterdir()] == ["a.mcap"]
