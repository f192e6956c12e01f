"""The mapping of device time to session time."""

from __future__ import annotations

import numpy as np
import pytest
from reference.clock_simulation import Conditions, Link, pieces, simulate

from imu.clock import DeviceClock
from imu.packets import ClockMark


def mapped(link: Link, size: int | None = None) -> np.ndarray:
    clock = DeviceClock(0)
    n = len(link.t_us)
    size = size or n
    return np.concatenate([clock.map(link.t_us[k : k + size], pieces(link.marks, k, k + size)) for k in range(0, n, size)])


def pairwise_error_ms(links: list[Link]) -> np.ndarray:
    """Rows: instants after 60 s; columns: sensors minus their mean."""
    errors = np.stack([mapped(link) - link.true_us for link in links], axis=1)[60 * 104 :] / 1000.0
    return errors[:, :, None] - errors[:, None, :]


def test_sensors_agree_to_a_few_ms_in_spite_of_skew_late_events_and_stalls() -> None:
    links = [simulate(k, skew_ppm=skew) for k, skew in enumerate((-40.0, -20.0, 0.0, 20.0, 40.0))]
    error = pairwise_error_ms(links)
    assert np.sqrt(np.mean(error**2)) < 1.0
    assert np.abs(error).max() < 3.0


def test_stamps_of_sent_packets_remove_the_queueing_delay() -> None:
    links = [simulate(k, skew_ppm=skew, sent=True) for k, skew in enumerate((-40.0, 0.0, 40.0))]
    assert np.abs(pairwise_error_ms(links)).max() < 0.2
    one = mapped(links[0]) - links[0].true_us
    assert abs(one[-1]) < 1000  # µs: and it is the true offset, not only the same for all


@pytest.mark.parametrize(
    ("rate_hz", "per_packet", "interval_ms", "rms_ms"),
    [(104.0, 3, 15.0, 1.0), (104.0, 1, 15.0, 0.3), (100.0, 1, 15.0, 5.0), (100.0, 5, 30.0, 15.0)],
)
def test_what_is_left_without_stamps_is_the_phase_between_sampling_and_radio(
    rate_hz: float, per_packet: int, interval_ms: float, rms_ms: float
) -> None:
    """At 100 Hz the phase never changes against 15 or 30 ms and hides in the offset, by up to their common divisor; at
    104 Hz it wanders, and the smallest delays tell the truth. With stamps it is gone in every case."""
    for sent, limit in ((False, rms_ms), (True, 0.05)):
        skews = enumerate((-40.0, 0.0, 40.0))
        c = Conditions(rate_hz, per_packet, interval_ms, sent)
        links = [simulate(7 + k, 100.0, skew, c=c) for k, skew in skews]
        n = min(len(link.t_us) for link in links)
        errors = np.stack([(mapped(link) - link.true_us)[int(60 * rate_hz) : n] for link in links], axis=1) / 1000.0
        pairs = errors[:, :, None] - errors[:, None, :]
        assert np.sqrt(np.mean(pairs**2)) < limit


def test_marks_in_any_order_mean_the_same() -> None:
    link = simulate(4, seconds=20.0, sent=True)
    shuffled = tuple(sorted(link.marks, key=lambda m: m.position % 7))  # those of one row keep their order
    np.testing.assert_array_equal(DeviceClock(0).map(link.t_us, shuffled), DeviceClock(0).map(link.t_us, link.marks))


def test_skew_offset_and_lag_are_published() -> None:
    link = simulate(3, skew_ppm=40.0)
    clock = DeviceClock(0)
    out = clock.map(link.t_us, link.marks)
    assert clock.skew_ppm == pytest.approx(40.0, abs=8.0)
    assert clock.offset_us == pytest.approx(out[-1] - link.t_us[-1], abs=1.0)
    assert 0.0 <= clock.lag_ms < 60.0
    assert 0.0 < clock.sigma_ms < 5.0


@pytest.mark.parametrize("sent", [False, True])
def test_time_is_strictly_increasing_and_slews(sent: bool) -> None:
    link = simulate(5, skew_ppm=-40.0, sent=sent)
    out = mapped(link)
    step, device = np.diff(out), np.diff(link.t_us)
    assert step.min() > 0
    settled = link.t_us[1:] - link.t_us[0] > 3_000_000
    assert np.abs(step - device)[settled].max() <= 0.0005 * device.max() + 2
    # a step back in the first seconds is absorbed at half speed, not by piling samples up
    assert step.min() >= device.min() // 2


@pytest.mark.parametrize("size", [1, 7, 25])
def test_packet_sizes_change_nothing(size: int) -> None:
    link = simulate(11, seconds=30.0, skew_ppm=25.0, sent=True)
    np.testing.assert_array_equal(mapped(link, size), mapped(link))


def test_resumed_clock_continues_equally() -> None:
    link = simulate(12, seconds=40.0, skew_ppm=25.0)
    half = len(link.t_us) // 2
    clock = DeviceClock(0)
    clock.map(link.t_us[:half], pieces(link.marks, 0, half))
    saved = clock.state()
    rest = link.t_us[half:], pieces(link.marks, half, len(link.t_us))
    expected = clock.map(*rest)
    other = DeviceClock(0)
    other.restore(saved)
    np.testing.assert_array_equal(other.map(*rest), expected)
    other.restore(saved)
    np.testing.assert_array_equal(other.map(*rest), expected)


def test_arrays_without_marks_are_in_host_time_already() -> None:
    clock = DeviceClock(3_000_000_000)
    t = np.array([3_500_000, 3_510_000, 3_520_000], np.int64)
    np.testing.assert_array_equal(clock.map(t), [500_000, 510_000, 520_000])
    assert np.isnan(clock.lag_ms)


def test_reboot_starts_a_new_mapping_that_is_right_at_once() -> None:
    link = simulate(13, seconds=20.0)
    clock = DeviceClock(0)
    before = clock.map(link.t_us, link.marks)
    clock.new_epoch()
    t = np.arange(0, 1_000_000, 10_000, dtype=np.int64)
    arrival = 30_000_000_000  # 10 s later by the host's clock
    after = clock.map(t, (ClockMark(0, 0, arrival),))
    assert after[0] == pytest.approx(30_000_000, abs=2)
    assert after[0] > before[-1]
    np.testing.assert_array_equal(np.diff(after), 10_000)


def test_reboot_without_marks_goes_on_in_time() -> None:
    clock = DeviceClock(0)
    t = np.arange(0, 1_000_000, 10_000, dtype=np.int64)
    first = clock.map(t)
    clock.new_epoch()
    again = clock.map(t)
    assert again[0] == first[-1] + 10_000
    np.testing.assert_array_equal(np.diff(again), 10_000)
