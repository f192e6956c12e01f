"""Rubbish at the doors of a session: packets, arrays and files. A typed error, a flag, or what is right."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from faulty_motion import Signal, cuts, motions, rubbish
from fusion_streams import turn
from grid_sessions import streamed, worn
from hypothesis import given, settings
from hypothesis import strategies as st

import imu
from imu.cli import main
from imu.config import SensorSetup, Setup
from imu.conventions import G
from imu.errors import ImuError, RecordingError
from imu.fusion.channel import PoseBlock
from imu.fusion.grid import GridParams
from imu.fusion.quaternion import angle_array, mul_array
from imu.outputs import FrameBlock
from imu.packets import UNKNOWN, Packet, Samples
from imu.recording import Recording

FEW = settings(derandomize=True, deadline=None, max_examples=40)
SETUP = Setup((SensorSetup("A", "thigh_left", 100.0, "samples"), SensorSetup("B", "shank_left", 60.0, "samples")))


def assert_honest(frames: Sequence[FrameBlock]) -> None:
    """Unknown is NaN and has a flag, known is a number; orientations are unit or NaN; time increases."""
    t_us = np.concatenate([f.t_us for f in frames])
    assert (np.diff(t_us) > 0).all()
    for f in frames:
        np.testing.assert_array_equal(np.isnan(f.angle), (f.flags & int(UNKNOWN)) != 0)
        np.testing.assert_array_equal(np.isnan(f.sigma), np.isnan(f.angle))
        assert np.isfinite(f.angle[~np.isnan(f.angle)]).all()
        unit = np.abs(np.linalg.norm(f.q_earth_segment, axis=-1) - 1.0) < 1e-9
        assert (unit | np.isnan(f.q_earth_segment).all(axis=-1)).all()


@FEW
@given(st.integers(0, 10_000), st.floats(-3.2, 3.2))
def test_turning_the_world_turns_frames_and_nothing_else(seed: int, heading: float) -> None:
    rng = np.random.default_rng(seed)
    sensors = [worn(rng, k) for k in range(2)]
    plain = streamed(sensors, [5, 5], 100.0, 200_000, GridParams())
    turning = turn(2, np.array([heading]))[0]
    for s in sensors:
        s.block = PoseBlock(
            s.block.t_us, mul_array(turning, s.block.q), s.block.gyr, s.block.acc, s.block.flags, s.block.arrived_us
        )
    turned = streamed(sensors, [5, 5], 100.0, 200_000, GridParams())
    for name in ("t_us", "gyr", "acc", "flags"):
        np.testing.assert_array_equal(getattr(turned, name), getattr(plain, name))
    known = ~np.isnan(plain.q[..., 0])
    np.testing.assert_array_equal(known, ~np.isnan(turned.q[..., 0]))
    assert angle_array(turned.q[known], mul_array(turning, plain.q[known])).max(initial=0.0) < 1e-9


def some_rows(*values: int) -> st.SearchStrategy[list[tuple[int, int]]]:
    """A few rows and what happens there."""
    return st.lists(st.tuples(st.integers(0, 299), st.sampled_from(values)), max_size=3)


@st.composite
def packets(draw: st.DrawFn) -> list[Packet]:
    """Packets of both sensors in turn, with odd values, wrong counts, steps in time and reboots."""
    out = []
    for s in SETUP.sensors:
        signal = draw(rubbish(300))
        n, period = len(signal), round(1e6 / s.rate_hz)
        steps = np.full(n, period)
        for row, step in draw(some_rows(1, 70_000, 400_000, 5_000_000)):
            steps[row : row + 1] = step
        t_us = np.cumsum(steps) + draw(st.sampled_from([0, 3_700, 2_000_000]))
        lost = np.maximum(steps // period - 1, 0).astype(np.int32)
        for row, count in draw(some_rows(-1, 1, 7, 2**31 - 1)):
            lost[row : row + 1] = count
        clipped = draw(st.sampled_from([0, 0, 0, 1, 2, 255]))
        reboot = draw(st.integers(0, 400))
        for a, b in draw(cuts(n)):
            part = slice(a, b)
            late = draw(st.sampled_from([0, 20_000, 300_000]))
            newest = int(t_us[b - 1]) if b > a else 0
            bits = np.full(b - a, clipped if a % 2 else 0, np.uint8)
            out.append(
                Packet(
                    s.sensor, (newest + late) * 1000, int(a > reboot), t_us[part].copy(), lost[part].copy(),
                    signal.gyr[part].copy(), signal.acc[part].copy(), bits,
                )
            )  # fmt: skip
    return sorted(out, key=lambda p: p.t_host_ns)


@FEW
@given(packets())
def test_pipeline_is_honest_about_any_packets_and_resumes_anywhere(sent: list[Packet]) -> None:
    pipeline, resumed = imu.Pipeline(SETUP), imu.Pipeline(SETUP)
    frames, again = [], []
    for p in sent:
        frames.append(pipeline.push(p).frames)
        again.append(resumed.push(p).frames)
        state, resumed = resumed.state(), imu.Pipeline(SETUP)
        resumed.restore(pickle.loads(pickle.dumps(state)))
    frames.append(pipeline.finish().frames)
    again.append(resumed.finish().frames)
    assert_honest(frames)
    for name in ("t_us", "q_earth_segment", "angle", "sigma", "flags"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(f, name) for f in again]), np.concatenate([getattr(f, name) for f in frames])
        )


@FEW
@given(rubbish(300), some_rows(-(10**7), -1, 0, 1, 10**5, 10**8))
def test_arrays_in_memory_become_honest_results_or_are_refused(s: Signal, jumps: list[tuple[int, int]]) -> None:
    steps = np.full(len(s), round(1e6 / s.rate_hz))
    for row, step in jumps:
        steps[row : row + 1] = step
    t_us = np.cumsum(steps)
    if (np.diff(t_us) <= 0).any():
        with pytest.raises(ValueError, match="increasing"):
            Samples(t_us, s.gyr, s.acc)
        return
    try:
        recording = Recording.from_samples({"shank_left": Samples(t_us, s.gyr, s.acc)})
    except RecordingError:
        return
    assert_honest([imu.process(recording).frames])


@pytest.mark.parametrize("step_us", [3 * 86_400_000_000, 2**61])
def test_times_days_apart_are_refused(step_us: int) -> None:
    """Every frame in between would be made: memory for days, or for ever."""
    t_us = np.arange(200) * 10_000
    t_us[100:] += step_us
    still = Samples(t_us, np.zeros((200, 3)), np.tile([0.0, 0.0, G], (200, 1)))
    with pytest.raises(RecordingError):
        Recording.from_samples({"pelvis": still})


HEADER = "Timestamp (us),Gyroscope X (deg/s),Gyroscope Y (deg/s),Gyroscope Z (deg/s)," + (
    "Accelerometer X (g),Accelerometer Y (g),Accelerometer Z (g)"
)
TEXTS = ("", "nan", "inf", "-inf", "1e300", "-1", "0", "1e-320", "twelve", "0x10", "1;2", "1,2", "\x00", "é", "9" * 400)


def spoilt_log(folder: Path, s: Signal, faults: Sequence[tuple[int, int, str]], end: str) -> Path:
    """A vendor's CSV log of one sensor with some fields replaced."""
    t_us = np.rint(np.arange(len(s)) * 1e6 / s.rate_hz).astype(int)
    numbers = np.column_stack([np.degrees(s.gyr), s.acc / G]).tolist()
    rows = [[str(t), *map(repr, values)] for t, values in zip(t_us, numbers, strict=True)]
    for row, column, text in faults:
        if row < len(rows):
            rows[row][column] = text
    here = folder / "log" / "Left Lower Leg 0000ABCD (UDP)"
    here.mkdir(parents=True)
    (here / "Command.json").write_text(json.dumps([{"ping": {"name": "Left Lower Leg", "sn": "0000ABCD"}}]))
    (here / "Inertial.csv").write_text("\n".join([HEADER, *map(",".join, rows)]) + end, encoding="utf-8")
    return here.parent


def assert_honest_log(log: Path) -> None:
    """`imu process` ends with 0, or with 2 where the library raises an error of the one tree."""
    code = main(["process", str(log), "--no-files"])
    if code:
        assert code == 2
        with pytest.raises(ImuError):
            imu.load(log)
    else:
        assert_honest([imu.process(imu.load(log)).frames])


@FEW
@given(
    motions(300, rates=(57.0, 100.0)),
    st.lists(st.tuples(st.integers(0, 310), st.integers(0, 6), st.sampled_from(TEXTS)), max_size=4),
    st.sampled_from(["\n", "\r\n", "", "\n\n"]),
)
def test_imu_process_of_a_spoilt_log_is_honest(s: Signal, faults: list[tuple[int, int, str]], end: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert_honest_log(spoilt_log(Path(folder), s, faults, end))


@pytest.mark.parametrize("text", TEXTS)
def test_imu_process_of_a_log_with_one_spoilt_field_is_honest(text: str, tmp_path: Path) -> None:
    n = 300
    still = Signal(100.0, np.zeros((n, 3)), np.tile([0.0, G, 0.0], (n, 1)), np.zeros((n, 4)))
    for column in (0, 1, 5):
        for row in (0, 150, n - 1):
            assert_honest_log(spoilt_log(tmp_path / f"{column}-{row}", still, [(row, column, text)], "\n"))


@pytest.mark.parametrize("value", [1e4, 1e160, 1e300])
def test_a_second_of_impossible_acceleration_is_no_trouble(value: float) -> None:
    """Seen: squares of it overflowed where the stand is looked for, and what was found there was not a number."""
    rng = np.random.default_rng(0)
    gyr, acc = rng.normal(0, 1e-3, (600, 3)), np.array([0.0, G, 0.0]) + rng.normal(0, 0.02, (600, 3))
    acc[100:200] = value
    samples = Samples(np.arange(600) * 10_000, gyr, acc)
    assert_honest([imu.process(Recording.from_samples({"thigh_left": samples})).frames])
