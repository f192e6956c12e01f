"""Pings: on the wire, in a recording, and over the virtual radio with the simulated sensor's own answers."""

from __future__ import annotations

import asyncio
import copy
import struct
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from ble_wire import CONFIG as WIRE_CONFIG
from ble_wire import SENSOR, assert_equal, decode_bytes, decoder, device_us, marks_of, stream
from bumble.host import Host
from firmware_bench import CountingSource
from virtual_time import arrive_in_its_time, run

from firmware_sim.air import CLEAR_AIR, RadioConditions
from firmware_sim.controller import RadioController
from firmware_sim.device import SensorDevice
from firmware_sim.hub import CONFIG
from firmware_sim.identity import Identity
from firmware_sim.radio import RadioLink
from firmware_sim.script_clock import ScriptClock
from firmware_sim.sensor_clock import SensorClock
from imu.ble import SensorNetwork
from imu.ble.adapter import BumbleBluetooth
from imu.ble.bumble_backend import BumbleAdapter
from imu.ble.profiles import make_decoder, v1
from imu.ble.profiles.v1_sync import FAR_US, LATEST_NS, Ping, PingAnswer
from imu.clock import DeviceClock
from imu.config import Setup
from imu.errors import ProtocolError
from imu.packets import ClockMark, Packet
from imu.recording import Recorder, Recording, load
from imu.recording.layout import NotificationColumns

BOTH = v1.Feature.TX_DONE | v1.Feature.SYNC
NEITHER = v1.Feature(0)


# On the wire


def test_pings_and_answers_round_trip_and_have_the_documented_layout() -> None:
    assert bytes(Ping(259)) == b"\x01\x03"
    assert Ping.from_bytes(b"\x01\x03") == Ping(3)
    data = bytes(PingAnswer(3, 2**40 + 5, 2**64 - 1))
    assert data == struct.pack("<BBQQ", 0x81, 3, 2**40 + 5, 2**64 - 1)
    assert len(data) == 18
    assert PingAnswer.from_bytes(data) == PingAnswer(3, 2**40 + 5, 2**64 - 1)


@pytest.mark.parametrize("data", [b"\x01", b"\x01\x02\x03", b"\x81\x02", bytes(17), b"\x81" + bytes(18), bytes(40)])
def test_malformed_sync_is_refused_and_the_stream_goes_on(data: bytes) -> None:
    by, sent = decoder(), stream(3)
    by.decode(bytes(sent[0].packet), sent[0].t_host_ns)
    with pytest.raises(ProtocolError):
        by.decode(data, 5)
    with pytest.raises(ProtocolError):
        decoder().decode_many([bytes(sent[0].packet), data], np.array([1, 2]))
    assert by.decode(bytes(sent[1].packet), sent[1].t_host_ns) is not None


def asked_and_answered(at: int, number: int = 7, shift_us: int = 0, delay_ns: int = 20_000_000) -> list[tuple[bytes, int]]:
    """A ping and its answer, the device's times shortly before sample `at`."""
    t_host = 10**9 + device_us(at) * 1000 - delay_ns
    rx = device_us(at) - 15_000 + shift_us
    return [(bytes(Ping(number)), t_host), (bytes(PingAnswer(number, rx, rx + 150)), t_host + delay_ns)]


def test_an_answer_becomes_two_bounds_at_the_next_row() -> None:
    sent = stream(20)
    by = decoder()
    for s in sent[:10]:
        by.decode(bytes(s.packet), s.t_host_ns)
    (ping, asked_ns), (answer, came_ns) = asked_and_answered(29)
    assert by.decode(ping, asked_ns) is None
    assert by.decode(answer, came_ns) is None
    packet = by.decode(bytes(sent[10].packet), sent[10].t_host_ns)
    assert packet is not None
    rx = device_us(29) - 15_000
    assert [m for m in packet.marks if m.asked] == [
        ClockMark(0, rx, asked_ns, asked=True), ClockMark(0, rx + 150, came_ns, sent=True, asked=True),
    ]  # fmt: skip
    packet = by.decode(bytes(sent[11].packet), sent[11].t_host_ns)
    assert packet is not None
    assert not any(m.asked for m in packet.marks)


@pytest.mark.parametrize(
    "pair",
    [
        asked_and_answered(29, shift_us=FAR_US + 10**6),  # another boot
        asked_and_answered(29, delay_ns=LATEST_NS + 1),  # the id of an older ping
        asked_and_answered(29)[1:],  # nobody has asked
        asked_and_answered(29)[:1],
    ],
)
def test_answers_that_say_nothing_are_not_used(pair: list[tuple[bytes, int]]) -> None:
    by = decoder()
    sent = stream(12)
    for s in sent[:10]:
        by.decode(bytes(s.packet), s.t_host_ns)
    for data, t in pair:
        assert by.decode(data, t) is None
    packet = by.decode(bytes(sent[10].packet), sent[10].t_host_ns)
    assert packet is not None
    assert not any(m.asked for m in packet.marks)


def stream_with_pings(seed: int) -> tuple[list[bytes], list[int]]:
    """DATA with losses, duplicates, a reboot, stamps and pings between them, some of them twice between two packets."""
    rng = np.random.default_rng(seed)
    sent = stream(60, seed=seed) + stream(60, seed=seed + 1)
    payloads: list[bytes] = []
    for k, s in enumerate(sent):
        if rng.random() < 0.1:
            continue
        if rng.random() < 0.2:
            for number in range(int(rng.integers(1, 3))):
                at = 3 * (k % 60) + int(rng.integers(0, 3))
                payloads += [data for data, _ in asked_and_answered(at, 2 * k + number)][: 1 if rng.random() < 0.1 else 2]
        payloads += [bytes(s.packet)] * (2 if rng.random() < 0.05 else 1)
    arrivals = (10**9 + np.cumsum(rng.integers(10**6, 40_000_000, len(payloads)))).tolist()
    return payloads, arrivals


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("sizes", [(1000,), (7, 1, 30)])
def test_many_at_once_equal_one_by_one(seed: int, sizes: tuple[int, ...]) -> None:
    payloads, arrivals = stream_with_pings(seed)
    one_by_one = decode_bytes(payloads, arrivals)
    assert sum(m.asked for m in marks_of(one_by_one)) > 10
    by, found, first, k = decoder(), [], 0, 0
    while first < len(payloads):
        rows = slice(first, first + sizes[k % len(sizes)])
        by = copy.deepcopy(by)
        found += by.decode_many(payloads[rows], np.array(arrivals[rows], np.int64))
        first, k = rows.stop, k + 1
    assert_equal(found, one_by_one)


def test_a_recording_holds_them_and_gives_the_same_in_every_grouping(tmp_path: Path) -> None:
    payloads, arrivals = stream_with_pings(3)
    setup = Setup((SENSOR,), t0_host_ns=10**9)
    recorder = Recorder(tmp_path / "s", setup)
    for data, t in zip(payloads, arrivals, strict=True):
        recorder.write(SENSOR.sensor, data, t)
    recorder.close()
    recording = load(tmp_path / "s")
    assert [(data, t) for _, data, t in recording.notifications()] == list(zip(payloads, arrivals, strict=True))
    received = list(recording.packets())
    assert_equal(list(recording.blocks(1.0)), received)
    for n in (1, 25):
        assert_equal(list(recording.packets(n)), received)
    stream_ = NotificationColumns.join([0] * len(payloads), arrivals, payloads)
    assert_equal(list(Recording(setup, stream_).packets()), received)
    assert WIRE_CONFIG.cfg_id == 3


# Over the virtual radio


class SkewedSource(CountingSource):
    """Samples that carry their index, on a clock of its own."""

    def __init__(self, on_s: float, seed: int, rate_hz: float) -> None:
        super().__init__(on_s)
        self.rate_hz = rate_hz
        self._clock = SensorClock((5, seed), on_s)

    def next_index(self, true_s: float) -> int:
        return int(np.ceil(self._clock.device_time(true_s) * self.rate_hz - 1e-9))

    def true_time_of(self, index: int) -> float:
        return float(self._clock.true_time(np.array([index / self.rate_hz]))[0])

    def device_us_of(self, index: int) -> int:
        return round(index * 1e6 / self.rate_hz) + self._clock.first_tick_us

    def device_us(self, true_s: float) -> int:
        return round(self._clock.device_time(true_s) * 1e6) + self._clock.first_tick_us


@dataclass
class Heard:
    """What the shipped client delivered, and the session time of its samples, µs."""

    features: list[v1.Feature]
    t0_ns: int = 0
    raw: list[tuple[str, bytes, int]] = field(default_factory=list)
    packets: dict[str, list[Packet]] = field(default_factory=lambda: defaultdict(list))
    error_ms: dict[str, np.ndarray] = field(default_factory=dict)
    clocks: dict[str, DeviceClock] = field(default_factory=dict)


def hear(
    monkeypatch: pytest.MonkeyPatch, features: list[v1.Feature], seconds: float, conditions: RadioConditions = CLEAR_AIR,
    n_samples: int = 3, odr_mhz: int = 100_000,
) -> Heard:  # fmt: skip
    """One sensor for each set of features, all on one radio at 15 ms, for so long."""
    heard = Heard(features)
    config = v1.Config(CONFIG.cfg_id, odr_mhz, CONFIG.acc_g, CONFIG.gyr_dps, n_samples)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        arrive_in_its_time(monkeypatch, loop)
        zero_s = loop.time()
        heard.t0_ns = round(zero_s * 1e9)
        link = RadioLink(conditions, 1)
        script = ScriptClock(frozenset(), zero_s)
        sources: dict[str, SkewedSource] = {}
        sensors = []
        for k, able in enumerate(features):
            identity = Identity(0x51A0 + k, k)

            def switch_on(on_s: float, k: int = k, name: str = f"51A{k}") -> SkewedSource:
                sources[name] = SkewedSource(on_s, k, odr_mhz / 1000.0)
                return sources[name]

            sensors.append(SensorDevice(link, identity, switch_on, script, zero_s, config, able))
        for sensor in sensors:
            await sensor.power_on()
        bumble = BumbleAdapter("a controller in this process")
        host = Host()
        host.controller = RadioController("adapter", link)
        await bumble.attach(host)
        adapter = BumbleBluetooth(bumble)
        network = SensorNetwork(adapter, search_s=5.0, expected=len(features))
        setups = await network.open()
        decoders = {s.sensor: make_decoder(s) for s in setups}
        heard.clocks = {s.sensor: DeviceClock(heard.t0_ns) for s in setups}
        errors: dict[str, list[np.ndarray]] = defaultdict(list)

        def deliver(sensor: str, data: bytes, t_host_ns: int) -> None:
            heard.raw.append((sensor, data, t_host_ns))
            packet = decoders[sensor].decode(data, t_host_ns)
            if packet is None:
                return
            heard.packets[sensor].append(packet)
            raw = np.rint(packet.acc * (32768 / next(s for s in setups if s.sensor == sensor).acc_range))
            index = raw[:, 0].astype(np.int64) + (raw[:, 1].astype(np.int64) << 15)
            true_us = np.array([sources[sensor].true_time_of(int(i)) for i in index]) * 1e6
            errors[sensor].append(heard.clocks[sensor].map(packet.t_us, packet.marks) - true_us)

        await network.start(deliver, lambda _: None)
        await asyncio.sleep(seconds)
        await network.close()
        heard.error_ms = {sensor: np.concatenate(e) / 1000.0 for sensor, e in errors.items()}
        await adapter.close()
        for sensor in sensors:
            await sensor.power_off()

    run(main())
    return heard


def test_the_client_pings_once_a_second_and_the_sensor_answers_with_its_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = hear(monkeypatch, [v1.Feature.SYNC], 20.0)
    assert len(heard.packets) == 1
    pings = [(data, t) for _, data, t in heard.raw if data[0] == 0x01]
    answers = [data for _, data, _ in heard.raw if data[0] == 0x81]
    assert 17 <= len(pings) <= 24
    assert len(answers) >= len(pings) - 1
    apart = np.diff([t for _, t in pings]) * 1e-9
    assert apart.min() > 0.7
    assert apart.max() < 1.3
    # random against the connection interval, or some would never come near an event
    assert np.unique(np.array([t // 1_000_000 for _, t in pings]) % 15).size > 6
    assert all(np.diff([t for _, _, t in heard.raw]) >= 0)  # in the order in which everything happened
    marks = marks_of(heard.packets["51A0"])
    asked = [m for m in marks if m.asked and not m.sent]
    answered = [m for m in marks if m.asked and m.sent]
    assert len(asked) == len(answered) > 15
    # and both are bounds: of what the clock says after a while, on its two sides
    offset = heard.clocks["51A0"].offset_us - float(np.median(heard.error_ms["51A0"][-100:])) * 1000.0
    late_ms = [(m.t_host_ns - heard.t0_ns) / 1e6 - (m.t_device_us + offset) / 1e3 for m in marks]
    assert {data[1] for data, _ in pings} == set(range(1, len(pings) + 1))
    assert max(d for d, m in zip(late_ms, marks, strict=True) if m.asked and not m.sent) < 1.5
    assert min(d for d, m in zip(late_ms, marks, strict=True) if not m.asked or m.sent) > -1.5


def test_a_sensor_without_the_characteristic_works_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = hear(monkeypatch, [v1.Feature.TX_DONE, NEITHER], 6.0)
    assert {data[0] for _, data, _ in heard.raw} == {0x10}
    assert sum(len(p) for p in heard.packets["51A0"]) > 450
    assert sum(len(p) for p in heard.packets["51A1"]) > 450
    assert not any(m.sent for m in marks_of(heard.packets["51A1"]))


def test_sensors_on_the_virtual_radio_agree_as_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 Hz in fours at 15 ms: with stamps a tenth of a millisecond, with pings or with nothing what they say."""
    features = [BOTH, BOTH, v1.Feature.SYNC, v1.Feature.SYNC, NEITHER]
    heard = hear(monkeypatch, features, 45.0, RadioConditions(per=0.05, burst_every_s=10.0), n_samples=4)
    late = {sensor: e[-500:] for sensor, e in heard.error_ms.items()}
    n = min(len(e) for e in late.values())
    assert np.abs(late["51A0"][:n] - late["51A1"][:n]).max() < 0.1
    for sensor, clock in heard.clocks.items():
        assert clock.stamped == (v1.Feature.TX_DONE in features[int(sensor[-1])])
        error = np.abs(late[sensor][:n] - late["51A0"][:n])
        assert error.max() < 2.0 * np.hypot(clock.sigma_ms, heard.clocks["51A0"].sigma_ms) + 0.3
    assert heard.clocks["51A0"].sigma_ms < 0.05


def test_an_mtu_without_room_for_stamps_still_has_pings() -> None:
    """The short form: nothing but its own time, so the answers are all there is from the other side."""
    by = decoder()
    zero = np.zeros(3, np.int16)
    found: list[Packet] = []
    for k in range(300):
        at = 10**9 + device_us(k) * 1000 + 9_000_000
        if k % 100 == 50:
            (ping, _), (answer, _) = asked_and_answered(k, k)
            by.decode(ping, at - 8_000_000)
            by.decode(answer, at - 1_000_000)
        packet = by.decode(bytes(v1.ShortPacket(k, k, device_us(k), zero, zero)), at)
        assert packet is not None
        found.append(packet)
    assert sum(m.asked for m in marks_of(found)) == 6
