"""The network of one person's sensors: found, streamed whole, and back after everything that ends a link."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from ble_bench import Room, Session
from virtual_time import run

from firmware_sim.air import CLEAR_AIR, RadioConditions
from firmware_sim.hub import Hub, HubSettings
from firmware_sim.script import make_script
from imu.ble import LinkReport, SensorNetwork, discover
from imu.ble.adapter import make_adapter
from imu.ble.connection import SensorConnection
from imu.ble.discovery import search
from imu.ble.network import CLOSE_S
from imu.ble.profiles import v1
from imu.errors import ConfigError, LinkError, ProtocolError

CORE = (0, 1, 2, 3, 4)
BAD_AIR = RadioConditions(per=0.1, burst_every_s=1.0)


def assert_whole(session: Session, sensor: str, missing: int = 0) -> None:
    """Every sample once and in order; what is missing is counted where it is missing."""
    step = np.diff(session.indices(sensor))
    assert (step > 0).all()
    lost = session.lost(sensor)
    np.testing.assert_array_equal(step - 1, lost[1:])
    assert lost[0] == 0
    if missing == 0:
        assert lost.sum() == 0
    else:
        assert lost.sum() >= missing


@pytest.mark.parametrize("conditions", [CLEAR_AIR, BAD_AIR])
def test_five_sensors_stream_without_a_hole(conditions: RadioConditions) -> None:
    async def main() -> None:
        room = await Room.of(CORE, conditions)
        session = await Session.of(room)
        assert [s.segment for s in session.setups] == ["pelvis", "thigh_left", "thigh_right", "shank_left", "shank_right"]
        first = session.setups[0]
        assert (first.sensor, first.name, first.rate_hz, first.profile) == ("51A0", "IMU-51A0", 104.0, "v1")
        assert first.acc_range == pytest.approx(16 * 9.80665)
        assert first.gyr_range == pytest.approx(np.radians(2000))
        for s in session.setups:
            await session.more(s.sensor, 1000)
        for s in session.setups:
            assert_whole(session, s.sensor)
            assert session.epochs(s.sensor) == [0]
            assert session.states(s.sensor) == ["connecting", "streaming"]
        assert {r.sensor: r.battery_percent for r in session.reports} == {f"51A{k}": 90 - k for k in range(5)}
        assert all(r.rssi_dbm is not None and -100 < r.rssi_dbm < -30 for r in session.reports)
        await session.network.close()
        assert {r.state for r in session.reports[-5:]} == {"disconnected"}
        await room.close()

    run(main())


def test_nearly_every_packet_carries_a_stamp_of_an_earlier_one() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        session = await Session.of(room)
        await session.more("51A0", 600)
        marks = [m for p in session.packets["51A0"] for m in p.marks]
        assert sum(m.sent for m in marks) > 190
        assert 5 < sum(not m.sent for m in marks) < 15
        await session.network.close()
        await room.close()

    run(main())


def test_a_dropped_sensor_comes_back_in_the_same_epoch_and_the_others_do_not_notice() -> None:
    async def main() -> None:
        room = await Room.of(CORE)
        session = await Session.of(room)
        await session.more("51A3", 300)
        await room.sensors[3].drop()
        await session.until(lambda: "lost" in session.states("51A3"))
        await session.more("51A3", 300)
        assert session.states("51A3") == ["connecting", "streaming", "lost", "searching", "connecting", "streaming"]
        assert session.epochs("51A3") == [0]
        assert_whole(session, "51A3", missing=20)
        assert np.count_nonzero(session.lost("51A3")) == 1
        for other in ("51A0", "51A1", "51A2", "51A4"):
            assert_whole(session, other)
        await session.network.close()
        await room.close()

    run(main())


def test_a_restarted_sensor_begins_an_epoch_and_is_reported() -> None:
    async def main() -> None:
        room = await Room.of((0, 1))
        session = await Session.of(room)
        await session.more("51A1", 300)
        await room.sensors[1].reboot(off_s=1.0)
        await session.until(lambda: 1 in session.epochs("51A1"))
        streaming = [r for r in session.reports if r.sensor == "51A1" and r.state == "streaming"]
        assert [r.note for r in streaming] == ["", "restarted"]
        assert_whole(session, "51A0")
        await session.network.close()
        await room.close()

    run(main())


def test_a_sensor_out_of_range_for_minutes_comes_back() -> None:
    async def main() -> None:
        room = await Room.of((0, 1))
        session = await Session.of(room)
        await session.more("51A0", 100)
        room.away(0)
        await session.until(lambda: "searching" in session.states("51A0"))
        await session.more("51A1", 104 * 120)
        # minutes of searching are one report, not one per attempt
        assert session.states("51A0") == ["connecting", "streaming", "lost", "searching"]
        room.back(0)
        await session.more("51A0", 100)
        assert session.states("51A0")[4:] == ["connecting", "streaming"]
        assert session.epochs("51A0") == [0]
        assert_whole(session, "51A0", missing=104 * 118)
        assert_whole(session, "51A1")
        await session.network.close()
        await room.close()

    run(main())


def test_a_fade_loses_nothing() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        session = await Session.of(room)
        await session.more("51A0", 100)
        room.away(0)
        await asyncio.sleep(0.3)
        room.back(0)
        await session.more("51A0", 200)
        assert session.states("51A0") == ["connecting", "streaming"]
        assert_whole(session, "51A0")
        await session.network.close()
        await room.close()

    run(main())


def test_a_fade_longer_than_the_sensor_remembers_is_counted() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        session = await Session.of(room)
        await session.more("51A0", 100)
        room.away(0)
        await asyncio.sleep(3.0)
        room.back(0)
        await session.more("51A0", 200)
        assert session.states("51A0") == ["connecting", "streaming"]
        assert_whole(session, "51A0", missing=200)
        await session.network.close()
        await room.close()

    run(main())


def test_the_configuration_of_the_session_is_restored_after_a_restart() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        (found,) = await search(room.adapter, 5.0, 1)
        connection = await SensorConnection.open(room.adapter, found)
        await connection.configure(replace(connection.config, cfg_id=9, n_samples=2))
        await connection.close()
        session = await Session.of(room)
        await session.more("51A0", 50)
        assert {len(p) for p in session.packets["51A0"]} == {2}
        await room.sensors[0].reboot(off_s=1.0)
        # packets of another configuration would be refused
        await session.until(lambda: 1 in session.epochs("51A0"))
        await session.more("51A0", 50)
        assert {len(p) for p in session.packets["51A0"]} == {2}
        await session.network.close()
        await room.close()

    run(main())


def test_two_sensors_on_one_segment_are_both_named() -> None:
    async def main() -> None:
        room = await Room.of((0, 1, 1))
        network = SensorNetwork(room.adapter, search_s=5.0, expected=3)
        with pytest.raises(ConfigError, match=r"51A1 and 51A2 are both assigned to thigh_left"):
            await network.open()
        await network.close()
        await room.close()

    run(main())


def test_missing_sensors_do_not_stop_those_that_are_here(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        room = await Room.of((0, v1.NO_SLOT, 2))
        session = await Session.of(room, expected=5, search_s=2.0)
        assert [s.segment for s in session.setups] == ["pelvis", "thigh_right"]
        assert session.network.notes == ("sensor 51A1 is not assigned to a segment", "2 of 5 sensors are here")
        assert [r.note for r in session.reports if r.sensor == ""] == list(session.network.notes)
        await session.more("51A2", 100)
        await session.network.close()
        await room.close()

    with caplog.at_level(logging.WARNING, "imu"):
        run(main())
    assert "2 of 5 sensors are here" in caplog.text


def test_a_sensor_that_cannot_be_connected_is_left_out() -> None:
    async def main() -> None:
        room = await Room.of((0, 1))
        network = SensorNetwork(room.adapter, search_s=5.0, expected=2)
        found = await search(room.adapter, 5.0, 2)
        assert len(found) == 2
        opening = asyncio.create_task(network.open())
        while len(network.found) < 2:
            await asyncio.sleep(0.001)
        room.away(1)
        setups = await opening
        assert [s.sensor for s in setups] == ["51A0"]
        assert "51A1" in network.notes[0]
        await network.close()
        await room.close()

    run(main())


def test_no_sensor_and_none_assigned_say_what_to_do() -> None:
    async def main() -> None:
        room = await Room.of((v1.NO_SLOT,))
        network = SensorNetwork(room.adapter, search_s=1.0)
        with pytest.raises(LinkError, match=r"51A0 is not assigned to a segment; assign"):
            await network.open()
        await network.close()
        await room.close()
        room = await Room.of(())
        network = SensorNetwork(room.adapter, search_s=1.5)
        with pytest.raises(LinkError, match=r"no sensor was found within 1.5 s; switch them on"):
            await network.open()
        await network.close()

    run(main())


def test_a_sensor_of_another_protocol_version_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        room = await Room.of((0,))
        control = type(room.sensors[0].control)
        info = control.info.fget
        assert info is not None
        monkeypatch.setattr(control, "info", property(lambda self: replace(info(self), major=2)))
        network = SensorNetwork(room.adapter, search_s=1.0, expected=1)
        with pytest.raises(ProtocolError, match=r"speaks protocol 2, this program 1; update"):
            await network.open()
        await network.close()
        await room.close()

    run(main())


def test_closing_is_bounded_when_nobody_answers() -> None:
    async def main() -> None:
        room = await Room.of((0, 1))
        session = await Session.of(room)
        await session.more("51A1", 50)
        room.away(0)
        room.away(1)
        began_s = asyncio.get_running_loop().time()
        await session.network.close()
        assert asyncio.get_running_loop().time() - began_s <= CLOSE_S + 1.0
        await session.network.close()

    run(main())


def test_closing_while_a_sensor_is_searched_for() -> None:
    async def main() -> None:
        room = await Room.of((0, 1))
        session = await Session.of(room)
        room.away(0)
        await session.until(lambda: "searching" in session.states("51A0"))
        await session.network.close()
        assert session.states("51A0")[-1] == "disconnected"
        await room.close()

    run(main())


def test_a_fault_in_processing_does_not_cost_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        room = await Room.of((0,))
        network = SensorNetwork(room.adapter, search_s=5.0, expected=1)
        await network.open()
        calls: list[int] = []
        notes: list[str] = []

        def deliver(sensor: str, data: bytes, t_host_ns: int) -> None:
            calls.append(t_host_ns)
            if len(calls) < 5:
                raise RuntimeError("a bug")

        await network.start(deliver, lambda r: notes.append(r.note))
        while len(calls) < 50:
            await asyncio.sleep(0.1)
        assert calls == sorted(calls)
        assert "its samples cannot be processed" in notes
        await network.close()
        await room.close()

    run(main())
    assert caplog.text.count("RuntimeError: a bug") == 1


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        ("nonsense", "not a Bluetooth backend; write bumble:<transport>"),
        ("bumble:", "not a Bluetooth backend"),
        ("bumble:parrot:1", "not a Bluetooth transport; write it like"),
        ("bumble:tcp-client:127.0.0.1:port", "not a Bluetooth transport"),
        ("bumble:unix:/nowhere/at/all", "cannot be opened"),
    ],
)
def test_bad_backends_are_one_line_with_a_remedy(backend: str, reason: str) -> None:
    with pytest.raises(LinkError, match=reason) as caught:
        asyncio.run(discover(backend, 0.1))
    assert "\n" not in str(caught.value)


def test_a_port_where_nobody_listens() -> None:
    async def main() -> None:
        server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        with pytest.raises(LinkError, match=rf"no Bluetooth adapter listens at tcp-client:127.0.0.1:{port}; start it"):
            await discover(f"bumble:tcp-client:127.0.0.1:{port}", 0.1)

    asyncio.run(main())


def test_what_answers_but_is_no_controller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imu.ble.bumble_backend.adapter.OPEN_S", 0.2)

    async def main() -> None:
        gone = asyncio.Event()

        async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()
            await writer.wait_closed()
            gone.set()

        server = await asyncio.start_server(swallow, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        adapter = make_adapter(f"bumble:tcp-client:127.0.0.1:{port}")
        with pytest.raises(LinkError, match="not a Bluetooth controller"):
            await adapter.open()
        await gone.wait()
        server.close()

    asyncio.run(main())


def test_an_adapter_that_dies_and_comes_back_is_opened_again() -> None:
    """Over loopback TCP, as in the demo; a second program is refused meanwhile."""

    async def main() -> None:
        settings = HubSettings(make_script(1), ("pelvis", "thigh_left"), per=0.0)
        hub = Hub(settings)
        port = await hub.open("127.0.0.1", 0)
        backend = f"bumble:tcp-client:127.0.0.1:{port}"
        network = SensorNetwork(backend, search_s=10.0, expected=2)
        setups = await network.open()
        assert [s.segment for s in setups] == ["pelvis", "thigh_left"]
        with pytest.raises(LinkError, match="in use"):
            await discover(backend, 0.1)
        received: Counter[str] = Counter()
        streaming: Counter[str] = Counter()
        notes: list[str] = []
        changed = asyncio.Event()

        def deliver(sensor: str, _data: bytes, _t_host_ns: int) -> None:
            received[sensor] += 1
            changed.set()

        def report(link: LinkReport) -> None:
            streaming[link.sensor] += link.state == "streaming"
            notes.append(link.note)
            changed.set()

        async def until(reached: Callable[[], bool]) -> None:
            while not reached():
                changed.clear()
                await changed.wait()

        await network.start(deliver, report)
        await until(lambda: min(received[s.sensor] for s in setups) >= 10)
        await hub.close()
        await until(lambda: any("no Bluetooth adapter listens" in note for note in notes))
        hub = Hub(settings)
        await hub.open("127.0.0.1", port)
        await until(lambda: min(streaming[s.sensor] for s in setups) == 2)
        received.clear()
        await until(lambda: min(received[s.sensor] for s in setups) >= 10)
        await network.close()
        await hub.close()

    asyncio.run(main())
