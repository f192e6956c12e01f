"""DATA of protocol v1 to packets: loss, order, wraps, epochs, saturation, marks, and every grouping alike."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
from ble_wire import (
    CONFIG,
    INFO,
    SENSOR,
    Sent,
    assert_equal,
    decode,
    decode_bytes,
    decoder,
    device_us,
    marks_of,
    row_us,
    rows_of,
    stream,
)

from imu.ble.profiles import make_decoder, v1
from imu.ble.profiles.v1_setup import config_text
from imu.conventions import G
from imu.errors import ConfigError, ProtocolError
from imu.packets import CLIPPED_ACC, CLIPPED_GYR, Packet


def many(sent: list[Sent], *sizes: int) -> list[Packet]:
    """By decode_many, in blocks of these sizes over and over; all at once without."""
    by, out, first = decoder(), [], 0
    k = 0
    while first < len(sent):
        size = sizes[k % len(sizes)] if sizes else len(sent)
        block = sent[first : first + size]
        by = copy.deepcopy(by)
        out += by.decode_many([bytes(s.packet) for s in block], np.array([s.t_host_ns for s in block], np.int64))
        first += size
        k += 1
    return out


def test_units_and_times() -> None:
    sent = stream(40, first=30)
    rows = rows_of(decode(sent))
    np.testing.assert_array_equal(rows["t_us"], row_us(30, 120))
    acc, gyr = (np.concatenate([getattr(s.packet, name) for s in sent]) for name in ("acc", "gyr"))
    np.testing.assert_allclose(rows["acc"], acc * (16 * G / 32768), rtol=1e-15)
    np.testing.assert_allclose(rows["gyr"], gyr * (math.radians(2000) / 32768), rtol=1e-15)
    assert not rows["lost"].any()
    assert not rows["clipped"].any()
    assert not rows["epoch"].any()


def test_packet_carries_its_sensor_and_arrival() -> None:
    sent = stream(2)
    packet = decode(sent)[1]
    assert (packet.sensor, packet.t_host_ns) == ("00A1", sent[1].t_host_ns)
    assert packet.acc.flags.c_contiguous
    assert packet.gyr.flags.c_contiguous


def test_lost_packets_are_counted_before_the_row_that_shows_it() -> None:
    sent = stream(10)
    rows = rows_of(decode(sent[:3] + sent[7:]))
    assert rows["lost"].tolist() == [0] * 9 + [12] + [0] * 8
    assert rows["t_us"][9] == device_us(21)


def test_first_packet_has_lost_nothing() -> None:
    assert not rows_of(decode(stream(2, first=999)))["lost"].any()


def test_duplicates_and_late_packets_are_dropped() -> None:
    sent = stream(10)
    shuffled = [*sent[:4], sent[3], sent[5], sent[4], sent[5], *sent[6:], sent[0]]
    found = decode(shuffled)
    kept = rows_of(decode(sent[:4] + sent[5:]))  # 4 comes after 5: too late
    rows = rows_of(found)
    for name in ("t_us", "lost", "acc", "gyr", "epoch"):
        np.testing.assert_array_equal(rows[name], kept[name])
    assert len(found) == 9


def test_only_what_is_new_of_an_overlapping_packet_is_kept() -> None:
    sent = stream(4)
    ones = np.ones((4, 3), np.int16)
    wide = replace(sent[3].packet, sample_index=7, t_us=device_us(7), acc=ones, gyr=ones)
    rows = rows_of(decode([*sent[:3], Sent(wide, 10**10)]))
    np.testing.assert_array_equal(rows["t_us"], row_us(0, 9) + [device_us(7) + device_us(2 + k) for k in range(2)])
    assert not rows["lost"].any()


def test_sample_index_wraps() -> None:
    first = 2**32 - 60
    sent = stream(40, first=first)
    rows = rows_of(decode(sent))
    assert not rows["lost"].any()
    assert not rows["epoch"].any()
    np.testing.assert_array_equal(rows["t_us"] - rows["t_us"][0], np.array(row_us(first, 120)) - device_us(first))


def test_time_wraps() -> None:
    offset = 2**32 - 1_000_000
    sent = [s.change(t_us=s.packet.t_us + offset) for s in stream(100)]
    rows = rows_of(decode(sent))
    np.testing.assert_array_equal(np.diff(rows["t_us"]), np.diff(row_us(0, 300)))
    assert rows["t_us"][-1] > 2**32
    assert not rows["epoch"].any()


def test_a_gap_longer_than_the_clock_goes_round_is_bridged() -> None:
    # 2.5 hours: t_us has wrapped twice meanwhile; only the index says so
    later = 936_000
    rows = rows_of(decode(stream(2) + [s.change(restarted=False) for s in stream(2, first=later)]))
    assert rows["t_us"][6] == device_us(later)
    assert rows["lost"][6] == later - 6
    assert not rows["epoch"].any()


def test_reboot_starts_an_epoch() -> None:
    before, after = stream(50, first=9), stream(5)
    assert after[0].packet.restarted
    rows = rows_of(decode(before + after))
    assert rows["epoch"].tolist() == [0] * 150 + [1] * 15
    assert rows["lost"][150] == 0
    assert rows["t_us"][150] == device_us(0)


def test_reboot_is_seen_without_its_flag() -> None:
    before, after = stream(50, first=300), [s.change(restarted=False) for s in stream(5)]
    assert rows_of(decode(before + after))["epoch"].tolist() == [0] * 150 + [1] * 15


def test_a_repeated_first_packet_is_no_reboot() -> None:
    sent = stream(5)
    assert not rows_of(decode([sent[0], sent[0], *sent[1:]]))["epoch"].any()


@pytest.mark.parametrize(
    ("jump_us", "epochs"), [(1_900_000, 1), (2_100_000, 2), (-5_000, 1), (-40_000, 2), (-3_000_000, 2)]
)
def test_clock_jumps_and_backward_ticks(jump_us: int, epochs: int) -> None:
    sent = stream(20, first=600)
    jumped = sent[:10] + [s.change(t_us=s.packet.t_us + jump_us) for s in sent[10:]]
    found = decode(jumped)
    rows = rows_of(found)
    assert len(set(rows["epoch"])) == epochs
    for epoch in set(rows["epoch"]):
        assert np.all(np.diff(rows["t_us"][rows["epoch"] == epoch]) > 0)


def test_full_scale_is_clipped_row_by_row() -> None:
    sent = stream(3)
    acc, gyr = sent[1].packet.acc.copy(), sent[1].packet.gyr.copy()
    acc[0, 2], gyr[1, 0], acc[1, 1] = 32767, -32768, -32767
    rows = rows_of(decode([sent[0], sent[1].change(acc=acc, gyr=gyr, clipped=True), sent[2]]))
    assert rows["clipped"].tolist() == [0, 0, 0, CLIPPED_ACC, CLIPPED_ACC | CLIPPED_GYR, 0, 0, 0, 0]


def test_announced_clipping_below_full_scale_makes_the_whole_packet_suspect() -> None:
    sent = stream(3)
    rows = rows_of(decode([sent[0], sent[1].change(clipped=True), sent[2]]))
    assert rows["clipped"].tolist() == [0] * 3 + [CLIPPED_ACC | CLIPPED_GYR] * 3 + [0] * 3


def test_every_epoch_begins_with_a_mark_at_its_first_row() -> None:
    for packets in (decode(stream(5, first=900) + stream(5)), many(stream(5, first=900) + stream(5))):
        for epoch in (0, 1):
            first = next(p for p in packets if p.epoch == epoch)
            mark = first.marks[0]
            assert (mark.position, mark.sent) == (0, False)
            assert mark.t_device_us == first.t_us[2]


def test_stamps_tie_to_the_arrival_of_the_packet_they_name() -> None:
    sent = stream(60)
    marks = [m for m in marks_of(decode(sent)) if m.sent]
    assert len(marks) == 58
    for k, mark in enumerate(marks, start=2):
        assert mark.t_host_ns == sent[k - 2].t_host_ns
        assert mark.t_device_us == sent[k].packet.t_us + sent[k].packet.tx_done_us
        assert mark.position == 3 * k


def test_a_stamp_of_a_packet_that_never_came_is_not_used() -> None:
    sent = stream(20)
    marks = [m for m in marks_of(decode(sent[:8] + sent[9:])) if m.sent]
    assert len(marks) == 20 - 2 - 2


def test_stamps_are_not_carried_over_a_reboot() -> None:
    before = stream(40, first=0, stamps=True)
    after = [s.change(tx_back=k + 2, tx_done_us=-640) for k, s in enumerate(stream(2))]
    assert not any(m.sent for p in decode(before[1:] + after) if p.epoch == 1 for m in p.marks)


def test_without_stamps_every_packet_has_a_mark() -> None:
    sent = stream(70, stamps=False)
    marks = marks_of(decode(sent))
    assert [m.t_host_ns for m in marks] == [s.t_host_ns for s in sent]
    assert [m.t_device_us for m in marks] == row_us(0, 210)[2::3]


def test_short_form_counts_on_over_its_small_wraps() -> None:
    first = 65536 * 3 - 5
    zero = np.zeros(3, np.int16)
    sent = [v1.ShortPacket(k, first + k, device_us(first + k), zero + np.int16(k), zero) for k in range(40)]
    del sent[10:13]
    by = decoder()
    rows = rows_of([p for k, s in enumerate(sent) if (p := by.decode(bytes(s), k)) is not None])
    assert rows["lost"].sum() == 3
    assert rows["lost"][10] == 3
    assert not rows["epoch"].any()
    assert np.all(np.diff(rows["t_us"]) > 0)


def test_short_form_after_a_long_gap() -> None:
    # 20 minutes: the 16-bit index has gone round, t_us says how often
    sent = [v1.ShortPacket(0, k, device_us(k), np.zeros(3, np.int16), np.zeros(3, np.int16)) for k in (0, 124_800)]
    by = decoder()
    rows = rows_of([p for k, s in enumerate(sent) if (p := by.decode(bytes(s), k)) is not None])
    assert rows["lost"].tolist() == [0, 124_799]


def faulty(seed: int) -> list[Sent]:
    """A stream with everything that can happen to it."""
    rng = np.random.default_rng(seed)
    sent = stream(400, first=2**32 - 300, seed=seed, jitter_us=40)
    sent += stream(200, seed=seed + 1) + stream(150, first=2000, seed=seed + 2, n=5, jitter_us=40)
    sent += [s.change(t_us=s.packet.t_us + 5_000_000) for s in stream(100, first=3000, seed=seed + 3)]
    out: list[Sent] = []
    for s in sent:
        what = rng.random()
        if what < 0.03:
            continue
        if what < 0.05:
            s = s.change(clipped=True)
        elif what < 0.07:
            acc = s.packet.acc.copy()
            acc[0, 0] = 32767
            s = s.change(acc=acc)
        elif what < 0.09:
            s = s.change(t_us=s.packet.t_us - int(rng.integers(0, 60_000)))
        elif what < 0.1:
            s = s.change(pkt_seq=int(rng.integers(65536)))
        out.append(s)
        if what > 0.98:
            out.append(out[int(rng.integers(max(0, len(out) - 40), len(out)))])
        elif what > 0.96 and len(out) > 1:
            out[-1], out[-2] = out[-2], out[-1]
    return out


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sizes", [(), (1,), (7,), (2, 40, 3, 90)])
def test_many_at_once_equal_one_by_one(seed: int, sizes: tuple[int, ...]) -> None:
    sent = faulty(seed)
    one_by_one = decode(sent)
    assert {p.epoch for p in one_by_one} >= {0, 1, 2}
    assert_equal(many(sent, *sizes), one_by_one)


def test_a_block_becomes_one_packet_per_epoch() -> None:
    packets = many(stream(100, first=900) + stream(100))
    assert [(p.epoch, len(p)) for p in packets] == [(0, 300), (1, 300)]
    assert packets[1].t_host_ns == stream(100)[-1].t_host_ns


def test_short_and_full_packets_in_one_block() -> None:
    full = stream(10)
    short = [v1.ShortPacket(k, 30 + k, device_us(30 + k), full[0].packet.acc[0], full[0].packet.gyr[0]) for k in range(9)]
    rest = stream(5, first=39)
    payloads = [bytes(s.packet) for s in full] + [bytes(s) for s in short] + [bytes(s.packet) for s in rest]
    arrivals = list(range(10**9, 10**9 + len(payloads)))
    packets = decoder().decode_many(payloads, np.array(arrivals, np.int64))
    assert [len(p) for p in packets] == [54]
    assert_equal(packets, decode_bytes(payloads, arrivals))


def test_nothing_is_nothing() -> None:
    assert decoder().decode_many([], np.zeros(0, np.int64)) == []


def test_rubbish_raises_protocol_errors_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    good = stream(300)
    by = decoder()
    refused = 0
    for s in good:
        data = bytearray(bytes(s.packet))
        kind = rng.integers(3)
        if kind == 0:
            data = bytearray(rng.bytes(int(rng.integers(0, 300))))
        elif kind == 1:
            del data[int(rng.integers(len(data))) :]
        else:
            data[int(rng.integers(2))] ^= 1 << int(rng.integers(8))
        try:
            packet = by.decode(bytes(data), s.t_host_ns)
        except ProtocolError:
            refused += 1
        else:
            assert packet is None or np.all(np.diff(packet.t_us) > 0)
    assert refused > 200


def test_malformed_notifications_leave_the_rest_alone() -> None:
    sent = stream(50)
    payloads = [bytes(s.packet) for s in sent]
    damaged = payloads.copy()
    damaged[20] = payloads[20][:-1]
    arrivals = [s.t_host_ns for s in sent]
    without = decode_bytes(payloads[:20] + payloads[21:], arrivals[:20] + arrivals[21:])
    assert_equal(decode_bytes(damaged, arrivals), without)
    with pytest.raises(ProtocolError, match="51 bytes"):
        decoder().decode_many(damaged, np.array(arrivals, np.int64))


def test_data_of_another_configuration_is_refused() -> None:
    other = bytes(stream(1)[0].change(cfg_id=9).packet)
    with pytest.raises(ProtocolError, match=r"configuration 9.*began with 3"):
        decoder().decode(other, 0)
    with pytest.raises(ProtocolError, match="configuration 9"):
        decoder().decode_many([other], np.zeros(1, np.int64))


def test_data_of_another_major_is_refused_with_what_to_do() -> None:
    data = b"\x20" + bytes(stream(1)[0].packet)[1:]
    for attempt in (lambda: decoder().decode(data, 0), lambda: decoder().decode_many([data], np.zeros(1, np.int64))):
        with pytest.raises(ProtocolError, match=r"protocol 2.*update"):
            attempt()


def test_a_setup_that_cannot_be_decoded_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"unknown profile 'v9'.*v1"):
        make_decoder(replace(SENSOR, profile="v9"))
    for text in ("", "zz:zz", "0102", bytes(INFO).hex() + ":00"):
        with pytest.raises(ProtocolError):
            make_decoder(replace(SENSOR, config=text))
    with pytest.raises(ProtocolError, match="speaks protocol 2"):
        make_decoder(replace(SENSOR, config=config_text(b"\x02" + bytes(INFO)[1:], bytes(CONFIG))))
