"""What a device's clock and its radio can do to the mapping: wraps, restarts, jumps, rubbish."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ble_wire import CONFIG, decode, decoder, device_us, stream
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.clock_simulation import Conditions, Link, pieces, simulate

from imu.ble.profiles import v1
from imu.clock import DeviceClock
from imu.packets import ClockMark, Packet

WRAP_US = 1 << 32


def sent_by_radio(link: Link, per_packet: int, wrap_at: int = 0) -> list[Packet]:
    """A simulated link as DATA on the wire, its ticks shifted so that the 32-bit counter wraps at row `wrap_at`."""
    shift = WRAP_US - int(link.t_us[wrap_at]) if wrap_at else 0
    arrival = {m.position: m.t_host_ns for m in link.marks if not m.sent}
    by = decoder()
    packets = []
    zero = np.zeros((per_packet, 3), np.int16)
    for row in range(0, len(link.t_us) - per_packet + 1, per_packet):
        data = v1.DataPacket(row // per_packet, row, int(link.t_us[row]) + shift, CONFIG.cfg_id, zero, zero)
        found = by.decode(bytes(data), arrival[row])
        assert found is not None
        packets.append(found)
    return packets


def test_a_counter_that_wraps_changes_nothing() -> None:
    link = simulate(1, 40.0, 30.0, c=Conditions(104.0, 3))

    def session_time(packets: list[Packet]) -> np.ndarray:
        clock = DeviceClock(0)
        return np.concatenate([clock.map(p.t_us, p.marks) for p in packets])

    plain, wrapped = (sent_by_radio(link, 3, at) for at in (0, 2001))
    assert {p.epoch for p in wrapped} == {0}
    np.testing.assert_array_equal(session_time(wrapped), session_time(plain))


@pytest.mark.parametrize("jump_us", [2_500_000, -50_000, -3_000_000])
def test_a_jump_or_a_step_back_starts_anew_and_is_right_at_once(jump_us: int) -> None:
    """The device's clock jumps by more than 2 s, or goes backwards: another epoch, whose first row is where it belongs."""
    sent = stream(600, stamps=False)
    late = [s.change(t_us=s.packet.t_us + jump_us) for s in sent[300:]]
    packets = decode(sent[:300] + late)
    assert [p.epoch for p in packets[298:302]] == [0, 0, 1, 1]
    clock = DeviceClock(0)
    out = []
    for k, p in enumerate(packets):
        if k and p.epoch != packets[k - 1].epoch:
            clock.new_epoch()
        out.append(clock.map(p.t_us, p.marks))
    times = np.concatenate(out)
    assert (np.diff(times) > 0).all()
    true = np.array([device_us(k) for k in range(len(times))]) + 1_000_000
    error = times - true
    assert np.ptp(error[10:890]) < 31_000
    assert abs(error[905:].mean() - error[800:890].mean()) < 31_000  # a packet and an interval: all that arrivals know


def test_small_jumps_are_followed_without_an_epoch() -> None:
    """Half a second, below what the decoder takes for a jump: the offset goes where the arrivals are, as fast as it may."""
    link = simulate(2, 60.0, sent=True, per_packet=3)
    at = len(link.t_us) // 2
    ahead = 500_000
    t_us = link.t_us + np.where(np.arange(len(link.t_us)) >= at, ahead, 0)
    marks = tuple(replace(m, t_device_us=m.t_device_us + ahead * (m.position >= at + 3)) for m in link.marks)
    clock = DeviceClock(0)
    out = clock.map(t_us, marks)
    assert (np.diff(out) > 0).all()
    error = out - link.true_us
    assert error[at + 500] > 400_000  # it cannot step: what is wrong is said
    assert clock.sigma_ms > 100.0
    assert error[-1] == pytest.approx(error[at + 500] - 500e-6 * (t_us[-1] - t_us[at + 500]), abs=2000)


def test_a_reboot_forgets_the_old_clock() -> None:
    c = Conditions(sent=True)
    old, new = simulate(3, 30.0, 40.0, c=c), simulate(4, 30.0, -40.0, start_us=5_000, c=c)
    gap_us = 35_000_000
    clock = DeviceClock(0)
    first = clock.map(old.t_us, old.marks)
    clock.new_epoch()
    second = clock.map(new.t_us, tuple(replace(m, t_host_ns=m.t_host_ns + gap_us * 1000) for m in new.marks))
    assert second[0] > first[-1]
    assert clock.skew_ppm == pytest.approx(-40.0, abs=3.0)
    assert np.abs(second - new.true_us - gap_us)[50:].max() < 1000


def test_stamps_and_arrivals_may_come_and_go() -> None:
    link = simulate(5, 60.0, 20.0, sent=True, per_packet=3)
    third = len(link.t_us) // 3
    marks = tuple(m for m in link.marks if not (third <= m.position < 2 * third))
    clock = DeviceClock(0)
    error = clock.map(link.t_us, marks) - link.true_us
    assert np.abs(error[third:] - error[third - 1]).max() < 200  # µs: 20 s without a word from the radio


MARKS = st.lists(
    st.tuples(
        st.integers(0, 299), st.integers(-(10**9), 10**9), st.integers(-(10**13), 10**13), st.booleans(), st.booleans()
    ),
    max_size=60,
)
STEPS = st.lists(st.integers(1, 3_000_000), min_size=300, max_size=300)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, found=MARKS, sizes=st.lists(st.integers(1, 100), min_size=1, max_size=5), counted=st.booleans())
def test_any_marks_give_increasing_times_that_do_not_depend_on_packet_sizes(
    steps: list[int], found: list[tuple[int, int, int, bool, bool]], sizes: list[int], counted: bool
) -> None:
    t_us = np.cumsum(np.array(steps, np.int64))
    rubbish = (ClockMark(row, int(t_us[row]) + dt, ns, sent, asked) for row, dt, ns, sent, asked in found)
    marks = tuple(sorted(rubbish, key=lambda m: m.position))

    def clock() -> DeviceClock:
        return DeviceClock(0, "arrival" if counted else "device")

    whole = clock().map(t_us, marks)
    assert (np.diff(whole) > 0).all()
    parts, first, other, k = [], 0, clock(), 0
    while first < len(t_us):
        end = min(len(t_us), first + sizes[k % len(sizes)])
        if k % 2:  # and saving and restoring in between does nothing
            again = clock()
            again.restore(other.state())
            other = again
        parts.append(other.map(t_us[first:end], pieces(marks, first, end)))
        first, k = end, k + 1
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), skew=st.floats(-100, 100), sent=st.booleans(), start=st.integers(0, 1 << 40))
def test_where_a_clock_starts_and_how_late_everything_is_changes_nothing(
    seed: int, skew: float, sent: bool, start: int
) -> None:
    """Turning the device on earlier, or the host's clock starting elsewhere, shifts session time and does nothing else."""
    link = simulate(seed, 15.0, skew, sent=sent, per_packet=3)
    later = tuple(replace(m, t_device_us=m.t_device_us + start, t_host_ns=m.t_host_ns + 7_000_000) for m in link.marks)
    plain = DeviceClock(0).map(link.t_us, link.marks)
    shifted = DeviceClock(7_000_000).map(link.t_us + start, later)
    assert np.abs(shifted - plain).max() <= 1
