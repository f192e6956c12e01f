"""Protocol v1 on the wire: what one end writes the other reads, and rubbish is refused with a reason."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from imu.ble.profiles import v1
from imu.conventions import SEGMENTS, SLOT_OF_SEGMENT
from imu.errors import ProtocolError

EXTREMES = np.array([[-32768, 32767, 0], [1, -1, 32766]], np.int16)


@pytest.mark.parametrize("n", [1, 2, 4, 19])
def test_data_round_trip(n: int) -> None:
    rng = np.random.default_rng(n)
    acc, gyr = rng.integers(-32768, 32768, (2, n, 3)).astype(np.int16)
    sent = v1.DataPacket(65535, 2**32 - 1, 2**32 - 1, 255, acc, gyr, True, True, True, 255, -64 * 32766)
    data = bytes(sent)
    assert len(data) == 16 + 12 * n
    read = v1.DataPacket.from_bytes(data)
    for name in ("pkt_seq", "sample_index", "t_us", "cfg_id", "clipped", "restarted", "dropped", "tx_back", "tx_done_us"):
        assert getattr(read, name) == getattr(sent, name)
    np.testing.assert_array_equal(read.acc, acc)
    np.testing.assert_array_equal(read.gyr, gyr)


def test_data_layout_is_the_documented_one() -> None:
    sent = v1.DataPacket(0x0102, 0x03040506, 0x0708090A, 0x0B, EXTREMES, -EXTREMES[::-1], True, tx_back=3, tx_done_us=640)
    data = bytes(sent)
    assert data[:16] == struct.pack("<BBHIIBBh", 0x10, 2 | 0x20, 0x0102, 0x03040506, 0x0708090A, 3, 0x0B, 10)
    assert struct.unpack("<6h", data[16:28]) == (-32768, 32767, 0, -1, 1, -32766)


def test_counters_wrap_on_the_wire() -> None:
    sent = v1.DataPacket(65536 + 5, 2**32 + 6, 2**32 + 7, 1, EXTREMES, EXTREMES)
    read = v1.DataPacket.from_bytes(bytes(sent))
    assert (read.pkt_seq, read.sample_index, read.t_us) == (5, 6, 7)


@pytest.mark.parametrize("done_us", [-64 * 40_000, 64 * 40_000])
def test_a_stamp_out_of_range_is_not_sent(done_us: int) -> None:
    read = v1.DataPacket.from_bytes(bytes(v1.DataPacket(1, 1, 1, 1, EXTREMES, EXTREMES, tx_back=1, tx_done_us=done_us)))
    assert (read.tx_back, read.tx_done_us) == (0, 0)


def test_a_packet_of_too_many_samples_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="1 to 31"):
        bytes(v1.DataPacket(1, 1, 1, 1, np.zeros((32, 3), np.int16), np.zeros((32, 3), np.int16)))


def test_short_form_round_trip() -> None:
    data = bytes(v1.ShortPacket(256 + 9, 65536 + 8, 7, EXTREMES[0], EXTREMES[1]))
    assert len(data) == 20
    read = v1.ShortPacket.from_bytes(data)
    assert (read.seq, read.sample_index, read.t_us) == (9, 8, 7)
    np.testing.assert_array_equal(read.acc, EXTREMES[0])
    np.testing.assert_array_equal(read.gyr, EXTREMES[1])


@pytest.mark.parametrize(("mtu", "samples"), [(247, 19), (185, 13), (31, 1), (30, 0), (23, 0), (517, 19)])
def test_samples_that_fit(mtu: int, samples: int) -> None:
    assert v1.samples_that_fit(mtu) == samples
    if samples and samples < v1.MAX_SAMPLES:
        assert 16 + 12 * samples <= mtu - 3 < 16 + 12 * (samples + 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x20" + bytes(27), "protocol 2"),
        (b"\x12" + bytes(27), "form 2"),
        (b"\x10", "1 bytes"),
        (b"\x10\x02" + bytes(26), "28 bytes"),
        (b"\x10\x00" + bytes(14), "0 samples"),
    ],
)
def test_malformed_data_says_what_is_wrong(data: bytes, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        v1.DataPacket.from_bytes(data)


def test_info_round_trip_and_unknown_lists_are_skipped() -> None:
    info = v1.Info(2**64 - 1, 65535, (104_000, 1_000), (2, 16), (125, 2000), 19, 3000, v1.Feature.SYNC | v1.Feature.RESEND)
    assert v1.Info.from_bytes(bytes(info)) == info
    assert v1.Info.from_bytes(bytes(info) + b"\xee\x03abc") == info


def test_unknown_feature_bits_are_kept() -> None:
    data = bytearray(bytes(v1.Info(1, 2, (), (), ())))
    data[19:23] = b"\x01\x00\x00\x80"
    assert v1.Feature.TX_DONE in v1.Info.from_bytes(bytes(data)).features


@pytest.mark.parametrize("cut", [0, 5, 22, -1])
def test_info_cut_short_is_refused(cut: int) -> None:
    data = bytes(v1.Info(1, 2, (104_000,), (16,), (2000,)))
    with pytest.raises(ProtocolError):
        v1.Info.from_bytes(data[:cut])


def test_another_major_is_refused_with_what_to_do() -> None:
    data = b"\x02" + bytes(v1.Info(1, 2, (104_000,), (16,), (2000,)))[1:]
    with pytest.raises(ProtocolError, match=r"speaks protocol 2.*update"):
        v1.Info.from_bytes(data)


def test_config_round_trip() -> None:
    config = v1.Config(255, 10_000_000, 255, 65535, 19, 3, 255, 65535)
    assert len(bytes(config)) == 13
    assert v1.Config.from_bytes(bytes(config)) == config


@pytest.mark.parametrize(
    "config", [v1.Config(1, 0, 16, 2000), v1.Config(1, 104_000, 0, 2000), v1.Config(1, 104_000, 16, 0)]
)
def test_config_without_a_scale_is_refused(config: v1.Config) -> None:
    with pytest.raises(ProtocolError, match="above 0"):
        v1.Config.from_bytes(bytes(config))
    with pytest.raises(ProtocolError, match="12 bytes"):
        v1.Config.from_bytes(bytes(config)[:-1])


def test_status_round_trip_and_short_form() -> None:
    status = v1.StatusReport(
        v1.State.STREAMING, v1.StatusFlag.LOW_BATTERY, 3701, 42, -12.34, 2**32 - 1, 200, 12, 247, 2, 65535, 2**32 - 1
    )
    assert len(bytes(status)) == 25
    assert v1.StatusReport.from_bytes(bytes(status)) == status
    short = v1.StatusReport.from_bytes(bytes(status)[:20])
    assert (short.mtu, short.phy, short.boot_id, short.uptime_s) == (247, 2, None, None)
    with pytest.raises(ProtocolError, match="19 bytes"):
        v1.StatusReport.from_bytes(bytes(status)[:19])


def test_advertisement_round_trip() -> None:
    said = v1.Advertisement(0x51A3, 3, 88, v1.State.IDLE, 5)
    assert len(bytes(said)) == 6
    assert v1.Advertisement.from_bytes(bytes(said) + b"later") == said
    with pytest.raises(ProtocolError):
        v1.Advertisement.from_bytes(bytes(said)[:5])


def test_the_whole_advertisement_fits_31_bytes() -> None:
    assert 3 + 2 + 16 + 2 + 2 + len(bytes(v1.Advertisement(1))) == 31


@pytest.mark.parametrize("segment", SEGMENTS)
def test_slots_are_segments(segment: str) -> None:
    assert v1.segment_of_slot(SLOT_OF_SEGMENT[segment]) == segment
    assert v1.segment_of_slot(v1.NO_SLOT) is None


@pytest.mark.parametrize("serial", [0, 0xA1, 0x51A3, 2**64 - 1])
def test_serials_in_names(serial: int) -> None:
    assert v1.serial_of_name(v1.local_name(serial)) == v1.serial_text(serial)
    assert v1.serial_of_name("Other") is None
    assert v1.serial_of_name("IMU-xyz") is None
    assert v1.serial_of_name(None) is None


def test_requests_and_answers() -> None:
    request = v1.Request.start(7, at_us=2**40)
    assert v1.Request.from_bytes(bytes(request)) == request
    assert request.start_time() == (0, 2**40)
    assert v1.Request.start(7, delay_ms=300).start_time() == (300, None)
    assert v1.Request.start(7).start_time() == (0, None)
    with pytest.raises(ProtocolError, match="3 bytes"):
        v1.Request(v1.Op.START, 1, b"abc").start_time()
    answer = v1.Response(v1.Op.START, 7, v1.Result.STATE, b"x")
    assert bytes(answer) == b"\x83\x07\x04x"
    assert v1.Response.from_bytes(bytes(answer)) == answer
    for rubbish in (b"", b"\x83", b"\x83\x07", bytes(request)):
        with pytest.raises(ProtocolError):
            v1.Response.from_bytes(rubbish)
    with pytest.raises(ProtocolError, match="unknown status 99"):
        v1.Response.from_bytes(b"\x83\x07\x63")
    with pytest.raises(ProtocolError):
        v1.Request.from_bytes(bytes(answer))
