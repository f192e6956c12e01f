"""Common instants of all sensors: which, when, from what, and what is unknown."""

from __future__ import annotations

import heapq
import operator
import pickle
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from fusion_streams import SETUP, delivered, packet_of, stalled, swinging, turn, with_marks

from imu.fusion import Grid, GridBlock, SensorChannel
from imu.fusion.channel import PoseBlock
from imu.fusion.quaternion import angle_array
from imu.packets import Packet, Quality
from imu.recording.regroup import concatenate, regroup

AWAY = int(Quality.STALE | Quality.GAP)
WAIT_US = 200_000
RATE, FASTER = 2.0, 3.0  # rad/s at time 0 and rad/s² of the turning sensors below


def turned(t: np.ndarray) -> np.ndarray:
    """Orientation of a turning sensor at t, s."""
    return turn(2, RATE * t + FASTER / 2 * t * t)


def turning(first_us: int, count: int, step_us: int = 10_000, flags: int = 0) -> PoseBlock:
    """A sensor that turns about z ever faster; acc tells the time."""
    t_us = first_us + step_us * np.arange(count, dtype=np.int64)
    t = t_us * 1e-6
    return PoseBlock(
        t_us,
        turned(t),
        np.stack([0 * t, 0 * t, RATE + FASTER * t], axis=1),
        np.stack([2 * t, 0 * t, 9.81 + t], axis=1),
        np.full(count, flags, np.uint16),
    )


def all_frames(*blocks: GridBlock) -> GridBlock:
    return GridBlock.joined(blocks)


def assert_equal_frames(a: GridBlock, b: GridBlock) -> None:
    for name in ("t_us", "known_us", "flags", "q", "gyr", "acc"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def assert_right(block: GridBlock, sensor: int, rows: slice = slice(None)) -> None:
    """What a turning sensor is at these instants."""
    t = block.t_us[rows] * 1e-6
    assert np.max(angle_array(block.q[rows, sensor], turned(t))) < 1e-9
    np.testing.assert_allclose(block.gyr[rows, sensor, 2], RATE + FASTER * t, atol=1e-11)
    np.testing.assert_allclose(block.acc[rows, sensor, 2], 9.81 + t, atol=1e-11)


def unknown(block: GridBlock, sensor: int) -> np.ndarray:
    """Where a sensor is unknown; every unknown value is NaN and says why. Rate and acceleration are known while only the
    orientation is not."""
    nan = np.asarray(np.isnan(block.q[:, sensor]).all(axis=1))
    stale = (block.flags[:, sensor] & int(Quality.STALE)) != 0
    for values in (block.gyr, block.acc):
        missing = np.isnan(values[:, sensor]).all(axis=1)
        assert not (missing & ~nan).any()
        assert missing[stale].all()
    why = block.flags[:, sensor] & int(Quality.STALE | Quality.SETTLING)
    np.testing.assert_array_equal(why != 0, nan)
    return nan


def test_frames_are_multiples_of_the_period_between_the_samples() -> None:
    grid = Grid(2, 100.0, WAIT_US)
    grid.push(0, turning(3_000, 100), 10_000)
    grid.push(1, turning(7_500, 60, 16_667), 16_667)
    block = grid.take()
    np.testing.assert_array_equal(block.t_us, np.arange(10_000, 990_001, 10_000))
    assert_right(block, 0)
    assert_right(block, 1)
    assert not block.flags.any()


@pytest.mark.parametrize("rate_hz", [60.0, 104.0])
def test_period_that_is_no_whole_number_of_us_does_not_drift(rate_hz: float) -> None:
    grid = Grid(1, rate_hz, WAIT_US)
    grid.push(0, turning(0, 1001), 10_000)
    t = grid.take().t_us
    np.testing.assert_array_equal(t, np.floor(np.arange(len(t)) * 1e6 / rate_hz + 0.5))
    assert t[-1] > 10_000_000 - 1e6 / rate_hz


def test_sample_on_the_instant_is_taken_as_it_is() -> None:
    grid = Grid(1, 100.0, WAIT_US)
    block = turning(0, 10)
    grid.push(0, block, 10_000)
    np.testing.assert_array_equal(grid.take().q[:, 0], block.q)


def test_frame_waits_for_every_sensor() -> None:
    grid = Grid(2, 100.0, WAIT_US)
    grid.push(0, turning(0, 10), 10_000)
    assert len(grid.take()) == 0
    grid.push(1, turning(1_000, 5), 10_000)
    block = grid.take()
    np.testing.assert_array_equal(block.t_us, np.arange(0, 40_001, 10_000))
    # the very first instant lies before sensor 1's first sample
    assert unknown(block, 1).tolist() == [True, False, False, False, False]
    assert block.flags[0, 1] == Quality.SETTLING
    grid.push(1, turning(51_000, 1), 10_000)
    assert grid.take().t_us.tolist() == [50_000]


def test_silent_sensor_becomes_unknown_within_300_ms_and_holds_nobody_up() -> None:
    grid = Grid(2, 100.0, WAIT_US)
    for k in range(100):
        for j in range(2):
            grid.push(j, turning(k * 10_000, 1), 10_000)
            grid.take()
    made = []
    for k in range(100, 200):  # sensor 1 has gone
        grid.push(0, turning(k * 10_000, 1), 10_000)
        made.append(grid.take())
    first = next(i for i, b in enumerate(made) if len(b))
    assert first * 10_000 <= 300_000
    block = all_frames(*made)
    assert unknown(block, 1).all()
    assert set(block.flags[:, 1]) == {AWAY}
    assert_right(block, 0)
    # once given up, it is not waited for: every sample makes a frame, the one before it by a packet's length
    assert [len(b) for b in made[first + 1 :]] == [1] * (len(made) - first - 1)
    assert block.t_us[-1] == 1_980_000


def test_sensor_that_comes_back_is_believed_after_300_ms() -> None:
    grid = Grid(2, 100.0, WAIT_US)
    frames = []
    for k in range(300):
        grid.push(0, turning(k * 10_000, 1), 10_000)
        if not 100 <= k < 150:
            grid.push(1, turning(k * 10_000, 1), 10_000)
        frames.append(grid.take())
    block = all_frames(*frames)
    np.testing.assert_array_equal(block.t_us, np.arange(0, 2_990_001, 10_000))
    away = unknown(block, 1)
    np.testing.assert_array_equal(np.flatnonzero(away), np.arange(100, 180))
    assert_right(block, 1, slice(180, None))
    assert_right(block, 1, slice(0, 100))


def test_result_of_a_long_hole_does_not_depend_on_who_waited() -> None:
    def run(size: int) -> GridBlock:
        grid = Grid(2, 100.0, WAIT_US)
        frames = []
        for k in range(0, 300, size):
            for j in range(2):
                rows = [r for r in range(k, min(k + size, 300)) if j == 0 or not 100 <= r < 150]
                if rows:
                    t = np.array(rows, np.int64) * 10_000
                    whole = turning(0, 300)
                    block = PoseBlock(t, whole.q[rows], whole.gyr[rows], whole.acc[rows], whole.flags[rows])
                    grid.push(j, block, size * 10_000)
            frames.append(grid.take())
        return all_frames(*frames, grid.finish())

    one = run(1)
    for size in (4, 7, 25, 300):
        assert_equal_frames(run(size), one)


def test_late_starter_is_unknown_until_it_has_shown_itself_for_300_ms() -> None:
    grid = Grid(2, 100.0, WAIT_US)
    frames = []
    for k in range(200):
        grid.push(0, turning(k * 10_000, 1), 10_000)
        if k >= 80:
            grid.push(1, turning(k * 10_000, 1), 10_000)
        frames.append(grid.take())
    block = all_frames(*frames)
    np.testing.assert_array_equal(block.t_us, np.arange(0, 1_990_001, 10_000))
    np.testing.assert_array_equal(unknown(block, 1), np.arange(200) < 110)
    assert_right(block, 1, slice(110, None))


def test_sensor_that_never_comes_does_not_stop_the_others() -> None:
    grid = Grid(3, 100.0, WAIT_US)
    grid.push(0, turning(0, 40), 10_000)
    grid.push(2, turning(2_000, 40), 10_000)
    block = all_frames(grid.take(), grid.finish())
    assert len(block) == 40
    assert unknown(block, 1).all()
    assert_right(block, 2, slice(1, None))


def test_orientation_is_unknown_while_settling_and_flags_of_both_neighbours_show() -> None:
    grid = Grid(1, 100.0, WAIT_US)
    block = turning(5_000, 10)
    block.flags[0:3] = int(Quality.SETTLING)
    block.flags[5] = int(Quality.FILLED)
    block.flags[7] = int(Quality.SATURATED_ACC)
    grid.push(0, block, 10_000)
    frames = grid.take()
    assert unknown(frames, 0).tolist() == [True, True, True] + [False] * 6
    np.testing.assert_allclose(frames.gyr[:, 0, 2], RATE + FASTER * frames.t_us * 1e-6, atol=1e-11)
    np.testing.assert_allclose(frames.acc[:, 0, 2], 9.81 + frames.t_us * 1e-6, atol=1e-11)
    filled, saturated = int(Quality.FILLED), int(Quality.SATURATED_ACC)
    assert frames.flags[3:, 0].tolist() == [0, filled, filled, saturated, saturated, 0]
    assert_right(frames, 0, slice(3, None))


def test_finish_hands_out_the_rest_once() -> None:
    grid = Grid(2, 100.0, WAIT_US)
    grid.push(0, turning(0, 51), 10_000)
    grid.push(1, turning(0, 30), 10_000)
    assert len(grid.take()) == 30
    block = grid.finish()  # 210 ms of silence: it has gone
    np.testing.assert_array_equal(block.t_us, np.arange(300_000, 500_001, 10_000))
    assert unknown(block, 1).all()
    assert_right(block, 0)
    assert len(grid.finish()) == 0


def test_sensors_that_do_not_end_with_one_sample_are_not_stale() -> None:
    grid = Grid(2, 100.0, WAIT_US)
    grid.push(0, turning(0, 10), 10_000)
    grid.push(1, turning(0, 6), 10_000)
    block = all_frames(grid.take(), grid.finish())
    assert block.t_us.tolist() == [0, 10_000, 20_000, 30_000, 40_000, 50_000]
    assert not block.flags.any()


def test_nothing_in_nothing_out() -> None:
    grid = Grid(2, 100.0, WAIT_US)
    grid.push(0, PoseBlock.empty(), 0)
    assert len(grid.take()) == len(grid.finish()) == 0
    assert grid.take().q.shape == (0, 2, 4)


@pytest.mark.parametrize("arguments", [(0, 100.0, 1), (1, 0.0, 1), (1, 100.0, -1), (1, float("nan"), 1)])
def test_impossible_grids_are_refused(arguments: tuple[int, float, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Grid(*arguments)


def test_large_blocks_and_long_sessions_need_no_more_than_what_waits() -> None:
    grid = Grid(2, 100.0, WAIT_US)
    got = []
    for k in range(20):
        grid.push(0, turning(k * 10_000_000, 1000), 10_000_000)
        grid.push(1, turning(k * 10_000_000, 1000), 10_000_000)
        got.append(grid.take())
    block = all_frames(*got)
    assert len(block) == 20_000
    assert_right(block, 1)
    assert grid.state().times.shape[1] <= 8192


RATES = (100.0, 104.0, 60.0)
SENSOR = operator.attrgetter("sensor")


def stream(k: int, size: int) -> list[Packet]:
    """Three sensors of different rates and clocks with lost samples; one has a hole of 400 ms, one reboots."""
    rate_hz, sensor, starts = RATES[k], f"S{k}", k * 1_000_000
    n = int(6 * rate_hz)
    gyr, acc, _ = swinging(n, rate_hz, seed=k)
    keep = np.random.default_rng(k).random(n) >= 0.03
    keep[0] = True
    if k == 1:
        keep[300:342] = False
    p = packet_of(gyr, acc, rate_hz=rate_hz, keep=keep, start_us=k * 3_700, sensor=sensor)
    out = delivered(with_marks(p, device_starts_at_us=starts, seed=k), size, starts)
    if k == 2:
        q = packet_of(gyr[:100], acc[:100], rate_hz=rate_hz, start_us=6_300_000, sensor=sensor, epoch=1)
        out += delivered(with_marks(q, device_starts_at_us=-6_000_000, seed=9), size, -6_000_000)
    return out


def through(size: int, resume_at: int | None = None) -> GridBlock:
    """All sensors through their channels and one grid, in order of arrival."""
    packets = list(heapq.merge(*(stream(k, size) for k in range(3)), key=lambda p: p.t_host_ns))
    setups = [replace(SETUP, sensor=f"S{k}", rate_hz=RATES[k]) for k in range(3)]
    channels, grid = [SensorChannel(s, 0) for s in setups], Grid(3, 100.0, WAIT_US)
    frames = []
    for i, p in enumerate(packets):
        if i == resume_at:
            saved = pickle.loads(pickle.dumps(([c.state() for c in channels], grid.state())))
            channels, grid = [SensorChannel(s, 0) for s in setups], Grid(3, 100.0, WAIT_US)
            for channel, state in zip(channels, saved[0], strict=True):
                channel.restore(state)
            grid.restore(saved[1])
        j = int(p.sensor[1])
        grid.push(j, channels[j].push(p), int(p.t_us[-1] - p.t_us[0]) + round(1e6 / RATES[j]))
        frames.append(grid.take())
    return all_frames(*frames, grid.finish())


@pytest.mark.parametrize("size", [4, 7, 25, 1000])
def test_packet_sizes_change_no_frame(size: int) -> None:
    one = through(1)
    assert np.isfinite(one.q).any(axis=(0, 2)).all()
    assert (one.flags[:, 1] == AWAY).any()
    assert_equal_frames(through(size), one)


@pytest.mark.parametrize("at", [10, 200, 400])
def test_resumed_grid_makes_the_same_frames(at: int) -> None:
    assert_equal_frames(through(4, resume_at=at), through(4))


def through_a_bad_radio(seed: int, size: int, window_ms: int = 0) -> GridBlock:
    """Three sensors whose notifications of 3 rows come late, each at its own times, in packets of `size`; or, as batch
    processing takes them, all that one sensor sent in a window, then the next sensor."""
    packets = []
    for k, rate_hz in enumerate(RATES):
        n = int(8 * rate_hz)
        gyr, acc, _ = swinging(n, rate_hz, seed=k)
        keep = np.random.default_rng(k).random(n) >= 0.01
        p = packet_of(gyr, acc, rate_hz=rate_hz, keep=keep, start_us=k * 3_700, sensor=f"S{k}")
        pieces = regroup([stalled(p, 3, 10 * seed + k)], size)
        packets += [replace(piece, t_host_ns=int(piece.arrival_ns[-1])) for piece in pieces]
    packets.sort(key=lambda p: p.t_host_ns)
    if window_ms:
        windows = groupby(packets, key=lambda p: p.t_host_ns // (window_ms * 1_000_000))
        of_sensors = [groupby(sorted(w, key=SENSOR), key=SENSOR) for _, w in windows]
        packets = [p for groups in of_sensors for _, group in groups for p in concatenate(list(group))]
    channels = [SensorChannel(replace(SETUP, sensor=f"S{k}", rate_hz=r), 0) for k, r in enumerate(RATES)]
    grid, frames = Grid(3, 100.0, WAIT_US), []
    for p in packets:
        j = int(p.sensor[1])
        grid.push(j, channels[j].push(p), int(p.t_us[-1] - p.t_us[0]) + round(1e6 / RATES[j]))
        frames.append(grid.take())
    return all_frames(*frames, grid.finish())


@pytest.mark.parametrize("seed", range(6))
def test_samples_that_came_too_late_are_stale_in_packets_of_any_size(seed: int) -> None:
    """Seen in a session whose radio paused for 215 ms: packets of one sample gave other frames than those of three."""
    as_received = through_a_bad_radio(seed, 3)
    late = (as_received.flags & AWAY) == AWAY
    assert late.any(axis=0).any()
    assert not late.all(axis=0).any()
    for size in (1, 7, 25):
        assert_equal_frames(through_a_bad_radio(seed, size), as_received)
    assert_equal_frames(through_a_bad_radio(seed, 1, window_ms=2000), as_received)
