"""The simulated air: what a client can rely on, and what it must survive. All in virtual time, so times are exact."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from bumble.core import ConnectionError as LinkLost
from bumble.device import Connection, Device
from bumble.hci import HCI_CONNECTION_TIMEOUT_ERROR, HCI_Error, HCI_Reset_Command
from bumble.host import DataPacketQueue
from firmware_bench import CENTRAL, cancel_connecting, connect, ended, switched_on
from virtual_time import run

from firmware_sim.air import CLEAR_AIR, RadioConditions
from firmware_sim.radio import RadioLink

PERIPHERAL = "C4:00:00:00:00:01"
FIXED_CHANNEL = 0x3E  # an L2CAP channel that nobody else uses


async def pair(link: RadioLink, **parameters: float) -> tuple[Device, Device, Connection, Connection]:
    """Central and peripheral with a connection: both devices, both ends."""
    peripheral = await switched_on(link, "peripheral", PERIPHERAL)
    central = await switched_on(link, "central", CENTRAL)
    await peripheral.start_advertising(advertising_interval_min=60.0, advertising_interval_max=60.0)
    there: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
    peripheral.once(Device.EVENT_CONNECTION, there.set_result)
    here = await connect(central, PERIPHERAL, **parameters)
    return central, peripheral, here, await there


def received(device: Device) -> list[tuple[float, bytes]]:
    """Time and content of everything that comes in on the fixed channel, as it comes."""
    got: list[tuple[float, bytes]] = []
    loop = asyncio.get_running_loop()
    device.l2cap_channel_manager.register_fixed_channel(
        FIXED_CHANNEL, lambda _handle, pdu: got.append((loop.time(), bytes(pdu)))
    )
    return got


def queue_of(device: Device, connection: Connection) -> DataPacketQueue:
    queue = device.host.get_data_packet_queue(connection.handle)
    assert queue is not None
    return queue


def test_a_bad_radio_delays_and_reorders_nothing() -> None:
    async def main() -> None:
        link = RadioLink(RadioConditions(per=0.3, burst_every_s=0.5, burst_s=0.1), seed=3)
        central, peripheral, _, there = await pair(link)
        got = received(central)
        sent: list[float] = []
        for number in range(1000):
            sent.append(asyncio.get_running_loop().time())
            peripheral.send_l2cap_pdu(there.handle, FIXED_CHANNEL, number.to_bytes(2, "little") + bytes(70))
            await asyncio.sleep(0.03)
        await asyncio.sleep(1.0)
        assert [int.from_bytes(pdu[:2], "little") for _, pdu in got] == list(range(1000))
        delay = [arrival - start for (arrival, _), start in zip(got, sent, strict=True)]
        assert link.counts.retransmitted > 200
        assert max(delay) > 0.045  # some needed three events and more

    run(main())


def test_packets_arrive_at_connection_events_and_every_connection_has_its_own_phase() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        phases = []
        for seed in range(6):
            central, peripheral, here, there = await pair(RadioLink(CLEAR_AIR, seed), interval_ms=30.0)
            assert here.parameters.connection_interval == there.parameters.connection_interval == 30.0
            got = received(central)
            begin = loop.time()
            for _ in range(40):
                peripheral.send_l2cap_pdu(there.handle, FIXED_CHANNEL, bytes(20))
                await asyncio.sleep(0.007)
            times = [t for t, _ in got]
            steps = [b - a for a, b in itertools.pairwise(times)]
            assert all(abs(s / 0.030 - round(s / 0.030)) < 1e-3 for s in steps)
            phases.append((times[0] - begin) % 0.030)
        assert max(phases) - min(phases) > 0.005

    run(main())


def test_only_so_many_packets_fit_into_one_event() -> None:
    async def main() -> None:
        central, peripheral, _, there = await pair(RadioLink(CLEAR_AIR))
        got = received(central)
        for number in range(14):
            peripheral.send_l2cap_pdu(there.handle, FIXED_CHANNEL, bytes([number]) + bytes(40))
        await asyncio.sleep(0.2)
        events: dict[float, int] = {}
        for t, _ in got:
            events[round(t, 6)] = events.get(round(t, 6), 0) + 1
        assert list(events.values()) == [6, 6, 2]

    run(main())


def test_links_share_the_air() -> None:
    """Seven links with more than 15 ms can carry: each gets less than it would alone."""

    async def main() -> None:
        link = RadioLink(CLEAR_AIR, seed=1)
        central = await switched_on(link, "central", CENTRAL)
        got: dict[int, int] = {}
        central.l2cap_channel_manager.register_fixed_channel(
            FIXED_CHANNEL, lambda handle, _pdu: got.update({handle: got.get(handle, 0) + 1})
        )
        senders = []
        for k in range(7):
            address = f"C4:00:00:00:01:{k:02X}"
            peripheral = await switched_on(link, f"p{k}", address)
            await peripheral.start_advertising(advertising_interval_min=60.0, advertising_interval_max=60.0)
            await connect(central, address)
            senders.append(peripheral)
        for _ in range(100):  # of 15 ms
            for peripheral in senders:
                for connection in peripheral.connections.values():
                    while queue_of(peripheral, connection).pending < 12:
                        peripheral.send_l2cap_pdu(connection.handle, FIXED_CHANNEL, bytes(240))
            await asyncio.sleep(0.015)
        alone = 6 * 100
        assert len(got) == 7
        assert sum(got.values()) < 0.5 * 7 * alone
        assert sum(got.values()) * (240 + 11) * 8 * 0.5e-6 < 1.5  # not more than the air can hold in that time
        assert min(got.values()) > 0.1 * alone  # and nobody starves

    run(main())


@pytest.mark.parametrize("supervision_ms", [500.0, 4000.0])
def test_silence_ends_the_link_on_both_sides_after_the_supervision_timeout(supervision_ms: float) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        link = RadioLink(CLEAR_AIR)
        _, _, here, there = await pair(link, supervision_ms=supervision_ms)
        await asyncio.sleep(3.0)  # an idle link lives
        link.block(PERIPHERAL)
        begin = loop.time()
        reasons = await asyncio.gather(ended(here), ended(there))
        assert reasons == [HCI_CONNECTION_TIMEOUT_ERROR] * 2
        silent_s = loop.time() - begin  # counted from the last event that was heard, at most 15 ms before
        assert supervision_ms / 1000 - 0.015 <= silent_s <= supervision_ms / 1000 + 1e-6

    run(main())


def test_a_shorter_fade_loses_nothing() -> None:
    async def main() -> None:
        link = RadioLink(CLEAR_AIR)
        central, peripheral, _, there = await pair(link, supervision_ms=1000.0)
        got = received(central)
        link.block(PERIPHERAL)
        for number in range(10):
            peripheral.send_l2cap_pdu(there.handle, FIXED_CHANNEL, bytes([number]))
        await asyncio.sleep(0.9)
        assert got == []
        link.unblock(PERIPHERAL)
        await asyncio.sleep(5.0)
        assert [pdu[0] for _, pdu in got] == list(range(10))
        assert central.connections
        assert link.counts.timeouts == 0

    run(main())


def test_a_return_of_one_sensor_does_not_save_another_that_lost_power() -> None:
    """Seen when a fade ended while the battery of another sensor was out: that link lived on for ever."""

    async def main() -> None:
        link = RadioLink(CLEAR_AIR)
        central, peripheral, here, _ = await pair(link, supervision_ms=1000.0)
        await peripheral.host.send_sync_command(HCI_Reset_Command())
        link.block("C4:00:00:00:00:77")
        link.unblock("C4:00:00:00:00:77")
        assert await asyncio.wait_for(ended(here), 2.0) == HCI_CONNECTION_TIMEOUT_ERROR
        assert not central.connections

    run(main())


def test_buffers_come_back_when_packets_have_been_delivered() -> None:
    async def main() -> None:
        link = RadioLink(CLEAR_AIR)
        central, peripheral, _, there = await pair(link)
        got = received(central)
        queue = queue_of(peripheral, there)
        done: list[tuple[float, int]] = []
        queue.on("flow", lambda: done.append((asyncio.get_running_loop().time(), queue.completed)))
        link.block(PERIPHERAL)
        before = queue.completed
        for _ in range(5):
            peripheral.send_l2cap_pdu(there.handle, FIXED_CHANNEL, bytes(100))
        await asyncio.sleep(0.5)
        assert queue.pending == 5
        assert done == []
        link.unblock(PERIPHERAL)
        await asyncio.sleep(0.5)
        assert queue.pending == 0
        assert [count - before for _, count in done] == [1, 2, 3, 4, 5]
        assert [t for t, _ in done] == pytest.approx([t for t, _ in got], abs=1e-6)

    run(main())


def test_a_cancelled_connect_leaves_the_adapter_usable() -> None:
    async def main() -> None:
        link = RadioLink(CLEAR_AIR)
        central = await switched_on(link, "central", CENTRAL)
        absent = asyncio.create_task(connect(central, PERIPHERAL))
        await asyncio.sleep(1.0)
        await cancel_connecting(central)
        with pytest.raises(LinkLost):
            await absent
        with pytest.raises(HCI_Error):  # nothing is pending any more
            await cancel_connecting(central)
        peripheral = await switched_on(link, "peripheral", PERIPHERAL)
        await peripheral.start_advertising()
        assert (await connect(central, PERIPHERAL)).handle

    run(main())


def test_nobody_hears_or_reaches_a_sensor_out_of_range() -> None:
    async def main() -> None:
        link = RadioLink(CLEAR_AIR)
        central = await switched_on(link, "central", CENTRAL)
        peripheral = await switched_on(link, "peripheral", PERIPHERAL)
        await peripheral.start_advertising(advertising_interval_min=60.0, advertising_interval_max=60.0)
        heard: list[object] = []
        central.on(Device.EVENT_ADVERTISEMENT, heard.append)
        link.block(PERIPHERAL)
        await central.start_scanning(filter_duplicates=False)
        await asyncio.sleep(2.0)
        assert heard == []
        connecting = asyncio.create_task(connect(central, PERIPHERAL))
        await asyncio.sleep(2.0)
        assert not connecting.done()
        link.unblock(PERIPHERAL)
        await connecting
        assert heard

    run(main())


def test_reset_forgets_links_and_the_peer_finds_out_by_itself() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        link = RadioLink(CLEAR_AIR)
        central, peripheral, here, _ = await pair(link, supervision_ms=2000.0)
        begin = loop.time()
        await peripheral.host.send_sync_command(HCI_Reset_Command())
        assert await ended(here) == HCI_CONNECTION_TIMEOUT_ERROR
        assert loop.time() - begin == pytest.approx(2.0, abs=0.016)
        assert not central.connections

    run(main())


def test_disconnecting_is_known_when_the_peer_has_heard_of_it() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        _, _, here, there = await pair(RadioLink(CLEAR_AIR), interval_ms=100.0)
        begin = loop.time()
        peer = asyncio.create_task(ended(there))
        await here.disconnect()
        assert 0.0 < loop.time() - begin <= 0.1
        assert await peer == 0x13

    run(main())


def test_another_interval_takes_effect_on_both_sides() -> None:
    async def main() -> None:
        central, peripheral, here, there = await pair(RadioLink(CLEAR_AIR), interval_ms=60.0)
        await there.update_parameters(15.0, 15.0, 0, 4000.0, use_l2cap=True)
        await asyncio.sleep(1.0)
        assert here.parameters.connection_interval == there.parameters.connection_interval == 15.0
        got = received(central)
        for _ in range(60):
            peripheral.send_l2cap_pdu(there.handle, FIXED_CHANNEL, bytes(20))
            await asyncio.sleep(0.005)
        steps = {round((b - a) / 0.015, 3) for a, b in itertools.pairwise(t for t, _ in got)}
        assert steps <= {0.0, 1.0}

    run(main())


def test_signal_strength_belongs_to_the_pair_and_the_scan_response_to_the_sensor() -> None:
    async def main() -> None:
        link = RadioLink(CLEAR_AIR, seed=5)
        central = await switched_on(link, "central", CENTRAL)
        heard: dict[str, list[tuple[int, bytes]]] = {}
        central.on(
            Device.EVENT_ADVERTISEMENT,
            lambda a: heard.setdefault(a.address.to_string(False), []).append((a.rssi, a.data_bytes)),
        )
        for k in range(4):
            address = f"C4:00:00:00:02:{k:02X}"
            peripheral = await switched_on(link, f"p{k}", address)
            await peripheral.start_advertising(
                advertising_data=bytes([2, 1, 6]),
                scan_response_data=bytes([3, 9, 0x50, 0x30 + k]),
                advertising_interval_min=60.0,
                advertising_interval_max=60.0,
            )
        await central.start_scanning(filter_duplicates=False)
        await asyncio.sleep(2.0)
        means = {address: sum(rssi for rssi, _ in reports) / len(reports) for address, reports in heard.items()}
        assert len(means) == 4
        assert max(means.values()) - min(means.values()) > 2.0
        assert all(-90 < mean < -40 for mean in means.values())
        assert {reports[-1][1][-1] for reports in heard.values()} == {0x30, 0x31, 0x32, 0x33}

    run(main())


@pytest.mark.parametrize("per", [-0.1, 1.5])
def test_impossible_conditions_are_refused(per: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        RadioConditions(per=per)
