"""A recorded session of five simulated sensors: equal results however it is read, and what a torn file still gives."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated_session import simulated

import imu
from imu.config import Setup
from imu.packets import Packet
from imu.recording import Recorder, Recording, load
from imu.result import Result, ResultBuilder


@pytest.fixture(scope="module")
def recording() -> Recording:
    """45 s with 1 % of the packets lost; one sensor is silent for 3 s and back."""
    whole = simulated(45.0, seed=5, loss=0.01)
    t = (whole.stream.t_host_ns - whole.setup.t0_host_ns) * 1e-9
    keep = ~((whole.stream.sensor == 3) & (t > 27.0) & (t < 30.0))
    return with_notifications(whole, np.flatnonzero(keep))


def with_notifications(whole: Recording, rows: np.ndarray) -> Recording:
    s = whole.stream
    stream = type(s).join(s.sensor[rows].tolist(), s.t_host_ns[rows].tolist(), s.payloads(rows))
    return Recording(whole.setup, stream, whole.metadata)


def pushed(setup: Setup, packets: Iterable[Packet]) -> Result:
    pipeline, builder = imu.Pipeline(setup), ResultBuilder(setup)
    for packet in packets:
        builder.add(pipeline.push(packet))
    builder.add(pipeline.finish())
    return builder.result(pipeline.health(), pipeline.body.calibration)


@pytest.fixture(scope="module")
def received(recording: Recording) -> Result:
    """As a live session computes it: every notification for itself."""
    return pushed(recording.setup, recording.packets())


def test_session_has_what_it_takes_to_be_a_test(received: Result) -> None:
    assert len(received.repetitions) >= 3
    assert received.cues
    assert {e.detail for e in received.events if e.kind == "sensor_stale"} == {"shank_left"}
    assert {e.detail for e in received.events if e.kind == "sensor_back"} == {"shank_left"}
    assert sum(h.lost for h in received.health) > 100
    assert max(h.clock_uncertainty_ms for h in received.health) < 1.0


def test_processing_in_large_blocks_gives_the_live_result(recording: Recording, received: Result) -> None:
    assert imu.process(recording).digest() == received.digest()


@pytest.mark.parametrize("size", [1, 7, 25])
def test_packets_of_another_size_give_the_live_result(recording: Recording, received: Result, size: int) -> None:
    assert pushed(recording.setup, recording.packets(size)).digest() == received.digest()


@pytest.mark.parametrize("sensors", [(3,), (0, 1, 2, 3, 4)], ids=["one link", "host"])
def test_what_is_held_up_on_the_way_gives_the_live_result_however_grouped(
    recording: Recording, sensors: tuple[int, ...]
) -> None:
    """Radio fades and busy hosts: 250 to 600 ms without a packet, then all of them."""
    s = recording.stream
    t_ns = s.t_host_ns - recording.setup.t0_host_ns
    arrival = t_ns.copy()
    for at, pause in ((18.0, 0.25), (33.0, 0.35), (39.0, 0.6)):
        begin, end = int(at * 1e9), int((at + pause) * 1e9)
        held = (t_ns >= begin) & (t_ns < end) & np.isin(s.sensor, sensors)
        arrival[held] = end + np.arange(np.count_nonzero(held)) * 50_000
    order = np.argsort(arrival, kind="stable")
    stream = type(s).join(
        s.sensor[order].tolist(), (arrival[order] + recording.setup.t0_host_ns).tolist(), s.payloads(order)
    )
    late = replace(recording, stream=stream)
    live = pushed(late.setup, late.packets())
    assert {e.detail for e in live.events if e.kind == "sensor_stale"} >= {late.setup.sensors[j].segment for j in sensors}
    assert imu.process(late).digest() == live.digest()
    for size in (1, 7, 25):
        assert pushed(late.setup, late.packets(size)).digest() == live.digest(), size


def test_saved_and_loaded_gives_the_live_result(recording: Recording, received: Result, tmp_path: Path) -> None:
    assert imu.process(load(recording.save(tmp_path / "a.mcap"))).digest() == received.digest()


def test_torn_session_gives_the_beginning_of_the_whole_result(
    recording: Recording, received: Result, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "session", recording.setup, {"origin": "test"})
    for notification in recording.notifications():
        recorder.write(*notification)
    recorder.close()
    assert not recorder.fault
    stream = tmp_path / "session" / "stream-000.mcap"
    assert imu.process(load(tmp_path / "session")).digest() == received.digest()
    # written in one go it would be one chunk: in small ones, as a session that took 45 s
    small = tmp_path / "small.mcap"
    _write_in_chunks(recording, small)
    data = small.read_bytes()
    for cut in sorted(random.Random(0).sample(range(len(data) // 3, len(data) - 200), 4)):
        stream.write_bytes(data[:cut])
        torn = load(tmp_path / "session")
        assert torn.incomplete
        result = imu.process(torn)
        assert result.incomplete
        n = len(result.t_us) - 1
        assert n > 1000
        assert result.t_us[n] * 1e-6 > torn.duration_s - 0.5
        np.testing.assert_array_equal(result.t_us[:n], received.t_us[:n])
        np.testing.assert_array_equal(result.frames.angle[:n], received.frames.angle[:n])
        np.testing.assert_array_equal(result.frames.flags[:n], received.frames.flags[:n])
        done = [r for r in result.repetitions if r.t_end_us < result.t_us[n] - 1_500_000]
        assert list(received.repetitions[: len(done)]) == done


def _write_in_chunks(recording: Recording, path: Path) -> None:
    from imu.recording.mcap_writer import ContentWriter

    with open(path, "wb") as f:
        content = ContentWriter(f, recording.setup, {}, 16 << 10)
        for first in range(0, len(recording.stream), 40):
            content.add_batch(recording.stream.part(first, min(first + 40, len(recording.stream))))
            content.flush()
        content.finish()
