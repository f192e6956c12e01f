"""The simulated sensor as a client sees it: what it answers, streams, drops and forgets."""

from __future__ import annotations

import asyncio
import struct

import numpy as np
import pytest
from bumble.device import Device
from firmware_bench import Bench, Client, CountingSource, ended
from virtual_time import run

from firmware_sim.air import RadioConditions
from firmware_sim.hub import CONFIG
from firmware_sim.stream import QUEUE_PACKETS, RADIO_PACKETS, choose_samples
from imu.ble.profiles import v1

RATE = 104.0


async def streaming(bench: Bench, **parameters: float) -> Client:
    client = await Client.of(bench.central, bench.sensors[0], **parameters)
    await client.start()
    return client


def test_it_is_found_by_service_name_serial_and_slot() -> None:
    async def main() -> None:
        bench = await Bench.of(2)
        heard: dict[str, object] = {}
        complete = asyncio.Event()

        def on_advertisement(report: object) -> None:
            heard[report.address.to_string(False)] = report  # pyright: ignore
            if len(heard) == 2:
                complete.set()

        bench.central.on(Device.EVENT_ADVERTISEMENT, on_advertisement)
        await bench.central.start_scanning(filter_duplicates=False)
        await asyncio.wait_for(complete.wait(), 5.0)
        data = heard[bench.sensors[1].identity.address].data  # pyright: ignore
        assert v1.SERVICE.replace("-", "").lower() in str(data).replace("-", "").lower()
        assert data.get(0x09) == "IMU-51A1"
        company, own = data.get(0xFF)
        assert company == v1.COMPANY
        advertisement = v1.Advertisement.from_bytes(own)
        assert (advertisement.serial16, advertisement.slot, advertisement.battery_percent) == (0x51A1, 1, 100)

    run(main())


def test_it_says_who_it_is_and_what_it_can_do() -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await Client.of(bench.central, bench.sensors[0])
        info = v1.Info.from_bytes(await client.read(v1.INFO))
        assert (info.serial, info.major, info.odr_mhz, info.acc_ranges_g) == (0x51A0, 1, (104_000,), (16,))
        assert v1.Feature.TX_DONE in info.features
        assert (await client.ask(v1.Op.GET_INFO)).data == bytes(info)
        assert v1.Config.from_bytes(await client.read(v1.CONFIG)) == CONFIG
        assert await client.read(v1.BATTERY_LEVEL) == bytes([100])
        assert await client.read(v1.SERIAL_NUMBER) == b"51A0"
        status = v1.StatusReport.from_bytes(await client.read(v1.STATUS))
        assert (status.state, status.conn_int, status.mtu, status.boot_id) == (v1.State.CONNECTED, 12, 247, info.boot_id)

    run(main())


def test_start_needs_a_subscription() -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await Client.of(bench.central, bench.sensors[0])
        assert (await client.ask(v1.Op.START)).result is v1.Result.STATE
        await client.subscribe_data()
        await asyncio.sleep(1.0)
        assert client.packets == []  # and a subscription alone starts nothing
        answer = await client.ask(v1.Op.START)
        assert answer.result is v1.Result.OK
        assert answer.data == struct.pack("<H", bench.sensors[0].boot_id)
        await asyncio.sleep(1.0)
        assert client.packets

    run(main())


def test_a_configuration_goes_round() -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await Client.of(bench.central, bench.sensors[0])
        wanted = v1.Config(cfg_id=7, odr_mhz=104_000, acc_g=16, gyr_dps=2000, n_samples=5, lat_ms=100)
        answer = await client.ask(v1.Op.SET_CONFIG, bytes(wanted))
        assert (answer.result, answer.data) == (v1.Result.OK, bytes(wanted))
        assert v1.Config.from_bytes(await client.read(v1.CONFIG)) == wanted
        await client.start()
        await asyncio.sleep(1.0)
        assert {(len(p.acc), p.cfg_id) for p in client.packets} == {(5, 7)}
        assert (await client.ask(v1.Op.SET_CONFIG, bytes(CONFIG))).result is v1.Result.STATE

    run(main())


@pytest.mark.parametrize(
    ("op", "args", "result"),
    [
        (v1.Op.SET_CONFIG, bytes(12), v1.Result.LENGTH),
        (v1.Op.SET_CONFIG, bytes(13), v1.Result.VALUE),
        (v1.Op.SET_CONFIG, bytes(v1.Config(1, 200_000, 16, 2000)), v1.Result.VALUE),
        (v1.Op.SET_CONFIG, bytes(v1.Config(1, 104_000, 16, 2000, fmt=3)), v1.Result.VALUE),
        (v1.Op.START, bytes(3), v1.Result.LENGTH),
        (v1.Op.SET_SLOT, bytes([99]), v1.Result.VALUE),
        (v1.Op.SET_SLOT, b"", v1.Result.LENGTH),
        (v1.Op.IDENTIFY, struct.pack("<H", 500), v1.Result.OK),
        (v1.Op.CONN_PARAM_REQ, struct.pack("<HH", 24, 12), v1.Result.VALUE),
        (v1.Op.SELF_TEST, b"", v1.Result.UNKNOWN_OP),
        (0x55, b"", v1.Result.UNKNOWN_OP),
    ],
)
def test_what_it_does_not_do_it_says(op: int, args: bytes, result: v1.Result) -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await Client.of(bench.central, bench.sensors[0])
        assert (await client.ask(op, args)).result is result

    run(main())


def test_every_sample_arrives_once_and_in_order_over_a_bad_radio() -> None:
    async def main() -> None:
        bench = await Bench.of(conditions=RadioConditions(per=0.1), seed=2)
        client = await streaming(bench)
        await asyncio.sleep(60.0)
        index = client.indices()
        assert len(index) > 59 * RATE
        assert np.array_equal(index, np.arange(index[0], index[0] + len(index)))
        assert [p.sample_index for p in client.packets] == list(index[::3])
        assert [p.pkt_seq for p in client.packets] == list(range(len(client.packets)))
        assert {len(p.acc) for p in client.packets} == {3}
        assert [p.restarted for p in client.packets] == [True] + [False] * (len(client.packets) - 1)
        assert not any(p.dropped for p in client.packets)
        source = CountingSource(0.0)
        assert [p.t_us for p in client.packets] == [source.device_us_of(i) for i in index[::3]]

    run(main())


def test_its_pace_has_no_error_that_grows() -> None:
    """A sample leaves at most one packet and some connection events after it was taken, after minutes as well."""

    async def main() -> None:
        bench = await Bench.of()
        client = await streaming(bench)
        await asyncio.sleep(150.0)
        taken = client.packets[-1].sample_index / RATE + (bench.sensors[0].stream.source.on_s)  # pyright: ignore
        late = client.arrivals[-1] - bench.sensors[0]._zero_s - taken
        assert 2 / RATE <= late <= 2 / RATE + 0.0151

    run(main())


def test_stamps_say_when_a_packet_was_sent() -> None:
    async def main() -> None:
        bench = await Bench.of(conditions=RadioConditions(per=0.2), seed=4)
        client = await streaming(bench)
        await asyncio.sleep(20.0)
        zero_s = bench.sensors[0]._zero_s + bench.sensors[0].stream.source.on_s  # pyright: ignore
        arrived = {p.pkt_seq: t - zero_s for p, t in zip(client.packets, client.arrivals, strict=True)}
        stamped = [p for p in client.packets if p.tx_back]
        assert len(stamped) > 0.9 * len(client.packets)
        error = [(p.t_us + p.tx_done_us) / 1e6 - arrived[p.pkt_seq - p.tx_back] for p in stamped]
        assert np.abs(error).max() < 1e-4  # half of 64 µs, and rounding

    run(main())


def test_a_full_queue_drops_the_oldest_and_says_so() -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await streaming(bench)
        await asyncio.sleep(2.0)
        before = len(client.packets)
        sensor = bench.sensors[0]
        bench.link.block(sensor.identity.address)
        await asyncio.sleep(2.0)  # below the supervision timeout
        bench.link.unblock(sensor.identity.address)
        await asyncio.sleep(2.0)
        index = client.indices()
        holes = np.flatnonzero(np.diff(index) != 1) + 1
        assert len(holes) == 1  # one gap, nothing doubled
        after_hole = holes[0] // 3
        missing = (index[holes[0]] - index[holes[0] - 1] - 1) // 3
        assert missing == sensor.stream.dropped > 0
        assert [k for k, p in enumerate(client.packets) if p.dropped] == [after_hole]
        held = 2.0 * RATE / 3 - missing
        assert held == pytest.approx(QUEUE_PACKETS + RADIO_PACKETS, abs=2)
        assert after_hole - before <= RADIO_PACKETS + 1
        status = v1.StatusReport.from_bytes(await client.read(v1.STATUS))
        assert (status.dropped, status.queue_hwm) == (missing, QUEUE_PACKETS)

    run(main())


def test_streaming_ends_with_the_connection_and_goes_on_where_the_clock_is() -> None:
    async def main() -> None:
        bench = await Bench.of()
        sensor = bench.sensors[0]
        first = await streaming(bench)
        await asyncio.sleep(2.0)
        await first.connection.disconnect()
        await asyncio.sleep(3.0)
        assert not sensor.stream.running
        again = await streaming(bench)
        await asyncio.sleep(1.0)
        gap = int(again.packets[0].sample_index - first.packets[-1].sample_index)
        assert gap > 3.0 * RATE
        assert not again.packets[0].restarted
        assert again.packets[0].t_us - first.packets[-1].t_us == pytest.approx(gap * 1e6 / RATE, abs=1)
        assert again.packets[0].tx_back == 0  # stamps of another connection mean nothing

    run(main())


def test_stop_and_unsubscribing_end_the_stream() -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await streaming(bench)
        await asyncio.sleep(0.5)
        assert (await client.ask(v1.Op.STOP)).result is v1.Result.OK
        await asyncio.sleep(0.5)
        n = len(client.packets)
        await asyncio.sleep(0.5)
        assert len(client.packets) == n > 0
        assert (await client.ask(v1.Op.START)).result is v1.Result.OK
        await client.find(v1.DATA).unsubscribe()
        assert not bench.sensors[0].stream.running

    run(main())


@pytest.mark.parametrize("op", ["reboot", "battery"])
def test_a_reboot_forgets_everything_and_shows_it(op: str) -> None:
    async def main() -> None:
        bench = await Bench.of()
        sensor = bench.sensors[0]
        client = await streaming(bench)
        before = v1.Info.from_bytes(await client.read(v1.INFO)).boot_id
        await asyncio.sleep(5.0)
        last = client.packets[-1]
        gone = asyncio.create_task(ended(client.connection))
        if op == "reboot":
            assert (await client.ask(v1.Op.REBOOT)).result is v1.Result.OK
        else:
            sensor.after(0.0, sensor.reboot)
        assert await asyncio.wait_for(gone, 10.0) == 0x08  # nobody says goodbye when the power goes
        again = await Client.of(bench.central, sensor)
        assert v1.Info.from_bytes(await again.read(v1.INFO)).boot_id != before
        assert v1.StatusReport.from_bytes(await again.read(v1.STATUS)).boot_id == sensor.boot_id
        await again.start()
        await asyncio.sleep(0.5)
        assert again.packets[0].restarted
        assert again.packets[0].pkt_seq == 0
        assert again.packets[0].t_us < last.t_us

    run(main())


def test_a_slot_is_kept_over_a_power_loss() -> None:
    async def main() -> None:
        bench = await Bench.of()
        sensor = bench.sensors[0]
        client = await Client.of(bench.central, sensor)
        assert (await client.ask(v1.Op.SET_SLOT, bytes([4]))).result is v1.Result.OK
        await sensor.reboot()
        heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        bench.central.once(Device.EVENT_ADVERTISEMENT, lambda report: heard.set_result(report.data.get(0xFF)[1]))
        await bench.central.start_scanning()
        assert v1.Advertisement.from_bytes(await heard).slot == 4

    run(main())


def test_the_sensor_can_end_the_connection_and_is_found_again() -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await streaming(bench)
        gone = asyncio.create_task(ended(client.connection))
        await bench.sensors[0].drop()
        assert await gone == 0x13
        again = await streaming(bench)
        await asyncio.sleep(0.5)
        assert again.packets

    run(main())


def test_with_the_smallest_mtu_it_sends_the_short_form() -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await Client.of(bench.central, bench.sensors[0], mtu=23)
        await client.start()
        await asyncio.sleep(1.0)
        assert {len(data) for data in client.raw} == {20}
        packets = [v1.ShortPacket.from_bytes(data) for data in client.raw]
        assert [p.sample_index - packets[0].sample_index for p in packets] == list(range(len(packets)))
        assert [int(p.acc[0]) for p in packets] == [p.sample_index for p in packets]

    run(main())


def test_a_slow_central_is_asked_for_a_faster_interval() -> None:
    """Windows begins with 60 ms. The samples per packet follow the interval, as far as the latency allows."""

    async def main() -> None:
        bench = await Bench.of()
        client = await streaming(bench, interval_ms=60.0)
        await asyncio.sleep(5.0)
        assert client.connection.parameters.connection_interval == 30.0
        await client.connection.update_parameters(15.0, 15.0, 0, 4000.0)
        await asyncio.sleep(1.0)
        assert [len(p.acc) for p in client.packets[:1] + client.packets[-1:]] == [2, 3]
        index = client.indices()
        assert np.array_equal(index, np.arange(index[0], index[0] + len(index)))

    run(main())


def test_a_notification_that_does_not_fit_is_an_error() -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await Client.of(bench.central, bench.sensors[0], mtu=60)
        outlet = bench.sensors[0].outlet
        assert outlet is not None
        outlet.send(bytes(57), lambda: None)
        with pytest.raises(ValueError, match="does not fit MTU 60"):
            outlet.send(bytes(58), lambda: None)
        assert client.connection.att_mtu == 60

    run(main())


def test_status_comes_once_a_second() -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await streaming(bench)
        reports: list[v1.StatusReport] = []
        await client.find(v1.STATUS).subscribe(lambda value: reports.append(v1.StatusReport.from_bytes(bytes(value))))
        await asyncio.sleep(10.5)
        assert len(reports) == 11
        assert {r.state for r in reports} == {v1.State.STREAMING}
        assert np.all(np.diff([r.uptime_s for r in reports]) == 1)  # pyright: ignore

    run(main())


def test_a_wish_to_start_at_a_device_time_is_met() -> None:
    async def main() -> None:
        bench = await Bench.of()
        client = await Client.of(bench.central, bench.sensors[0])
        await client.subscribe_data()
        at_us = bench.sensors[0].stream.source.device_us(bench.sensors[0].stream.true_now_s()) + 2_000_000
        assert (await client.ask(v1.Op.START, struct.pack("<Q", at_us))).result is v1.Result.OK
        await asyncio.sleep(3.0)
        assert 0 <= client.packets[0].t_us - at_us < 1e6 / RATE
        past = await client.ask(v1.Op.STOP)
        assert past.result is v1.Result.OK
        assert (await client.ask(v1.Op.START, struct.pack("<Q", 5))).result is v1.Result.VALUE

    run(main())


class TestScript:
    """The person begins to move when everybody looks."""

    def test_the_motion_begins_half_a_second_after_the_last_sensor(self) -> None:
        async def main() -> None:
            bench = await Bench.of(3)
            clients = [await Client.of(bench.central, sensor) for sensor in bench.sensors]
            for client in clients[:2]:
                await client.start()
                await asyncio.sleep(1.0)
            assert bench.script.start_s is None
            await clients[2].start()
            started = bench.script.start_s
            assert started is not None
            now_s = bench.sensors[0].stream.true_now_s()
            assert now_s + 0.35 < started <= now_s + 0.5
            await asyncio.sleep(2.0)
            for sensor in bench.sensors:
                starts = sensor.stream.source.starts  # pyright: ignore
                assert starts[-1] == started

        run(main())

    def test_it_does_not_wait_for_ever(self) -> None:
        async def main() -> None:
            bench = await Bench.of(3)
            await (await Client.of(bench.central, bench.sensors[0])).start()
            await asyncio.sleep(4.0)
            assert bench.script.start_s is None
            await asyncio.sleep(2.0)
            assert bench.script.start_s is not None

        run(main())


@pytest.mark.parametrize(
    ("mtu", "latency_ms", "interval_ms", "wanted", "n"),
    [
        (247, 50.0, 15.0, 0, 3),  # 28.8 + 15 ms
        (247, 500.0, 15.0, 0, 19),  # the MTU is the limit
        (44, 50.0, 15.0, 0, 2),
        (247, 10.0, 15.0, 0, 1),  # no time to fill more than one
        (247, 50.0, 15.0, 4, 4),
        (44, 50.0, 15.0, 9, 2),
        (23, 50.0, 15.0, 3, 0),
    ],
)
def test_samples_per_packet(mtu: int, latency_ms: float, interval_ms: float, wanted: int, n: int) -> None:
    assert choose_samples(RATE, mtu, latency_ms, interval_ms, wanted) == n


@pytest.mark.parametrize(("rate", "interval_ms"), [(100.0, 15.0), (100.0, 30.0), (200.0, 7.5), (200.0, 15.0), (50.0, 30.0)])
def test_filling_a_packet_never_takes_a_multiple_of_the_interval(rate: float, interval_ms: float) -> None:
    """Or the phase between sampling and radio stays the same, and no host can tell it from the clock's offset."""
    for latency_ms in range(20, 120, 5):
        intervals = choose_samples(rate, 247, latency_ms, interval_ms) * 1000.0 / rate / interval_ms
        assert abs(intervals - round(intervals)) > 0.01 or intervals < 0.99
