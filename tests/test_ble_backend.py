"""bleak's client on bumble, in a radio that behaves: what a client meets in a living room, without waiting for it."""

from __future__ import annotations

import asyncio

import pytest
from ble_bench import Room
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from virtual_time import run

from imu.ble.profiles import v1

SLOTS = (0, 1, 2, 3, 4)


async def scan(room: Room) -> dict[str, tuple[BLEDevice, AdvertisementData]]:
    """By local name, once every sensor has said it."""
    found: dict[str, tuple[BLEDevice, AdvertisementData]] = {}
    async with (
        asyncio.timeout(30.0),
        BleakScanner(service_uuids=[v1.SERVICE], backend=room.bumble.scanner_class) as scanner,
    ):
        async for device, shown in scanner.advertisement_data():
            if shown.local_name:
                found[shown.local_name] = device, shown
            if len(found) == len(room.sensors):
                break
    return found


class Ended:
    """Counts calls of a client's disconnected callback."""

    def __init__(self) -> None:
        self.at_s: list[float] = []
        self.event = asyncio.Event()

    def __call__(self, _: BleakClient) -> None:
        self.at_s.append(asyncio.get_running_loop().time())
        self.event.set()


async def connected(room: Room, device: BLEDevice | None = None, ended: Ended | None = None) -> BleakClient:
    """To a device, or to the first sensor."""
    if device is None:
        device, _ = (await scan(room))["IMU-51A0"]
    client = BleakClient(device, ended, timeout=5.0, backend=room.bumble.client_class)
    await client.connect()
    return client


def test_scanner_shows_what_sensors_advertise() -> None:
    async def main() -> None:
        room = await Room.of(SLOTS)
        found = await scan(room)
        assert set(found) == {v1.local_name(0x51A0 + k) for k in range(5)}
        device, shown = found["IMU-51A3"]
        said = v1.Advertisement.from_bytes(shown.manufacturer_data[v1.COMPANY])
        assert (said.serial16, said.slot, said.battery_percent) == (0x51A3, 3, 87)
        assert shown.service_uuids == [v1.SERVICE]
        assert -100 < shown.rssi < -30
        assert device.name == "IMU-51A3"
        await room.close()

    run(main())


def test_scanner_shows_only_the_service_asked_for() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        other = await BleakScanner.discover(1.0, service_uuids=[v1.DATA], backend=room.bumble.scanner_class)
        everything = await BleakScanner.discover(1.0, backend=room.bumble.scanner_class)
        assert (len(other), len(everything)) == (0, 1)
        await room.close()

    run(main())


def test_reading_writing_and_sizes() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        client = await connected(room)
        assert client.is_connected
        assert client.mtu_size == 247
        control = client.services.get_characteristic(v1.CONTROL)
        assert control is not None
        assert control.max_write_without_response_size == 244
        assert "indicate" in control.properties
        assert (await client.read_gatt_char(v1.SERIAL_NUMBER)).decode() == "51A0"
        answers: list[bytes] = []
        answered = asyncio.Event()

        def on_answer(_: object, data: bytearray) -> None:
            answers.append(bytes(data))
            answered.set()

        await client.start_notify(v1.CONTROL, on_answer)
        with pytest.raises(BleakError, match="already"):
            await client.start_notify(v1.CONTROL, on_answer)
        await client.write_gatt_char(v1.CONTROL, bytes(v1.Request(v1.Op.STOP, 9)), response=True)
        await answered.wait()
        assert answers == [bytes(v1.Response(v1.Op.STOP, 9))]
        await client.stop_notify(v1.CONTROL)
        with pytest.raises(BleakError, match="not enabled"):
            await client.stop_notify(v1.CONTROL)
        with pytest.raises(BleakGATTProtocolError):
            await client.write_gatt_char(v1.CONTROL, b"x", response=True)
        await client.disconnect()
        assert not client.is_connected
        await room.close()

    run(main())


def test_remote_drop_is_told_once_and_operations_fail_cleanly() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        ended = Ended()
        client = await connected(room, ended=ended)
        await room.sensors[0].drop()
        await ended.event.wait()
        assert not client.is_connected
        with pytest.raises(BleakError):
            await client.write_gatt_char(v1.CONTROL, b"xx", response=True)
        await client.disconnect()
        await client.connect()
        assert await client.read_gatt_char(v1.INFO)
        assert len(ended.at_s) == 1
        await room.close()

    run(main())


def test_out_of_range_is_noticed_after_the_supervision_timeout_and_others_stay() -> None:
    async def main() -> None:
        room = await Room.of((0, 1))
        ended = Ended()
        found = await scan(room)
        lost = await connected(room, found["IMU-51A0"][0], ended)
        other = await connected(room, found["IMU-51A1"][0])
        began_s = asyncio.get_running_loop().time()
        room.away(0)
        await ended.event.wait()
        assert 3.9 < ended.at_s[0] - began_s < 4.1
        assert await other.read_gatt_char(v1.INFO)
        with pytest.raises(BleakDeviceNotFoundError):
            await lost.connect()
        room.back(0)
        await lost.connect()
        assert await lost.read_gatt_char(v1.INFO)
        await room.close()

    run(main())


def test_a_read_pending_when_the_link_dies_ends_with_an_error() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        client = await connected(room)
        room.away(0)
        with pytest.raises(BleakError, match="disconnected"):
            await client.read_gatt_char(v1.BATTERY_LEVEL)
        await room.close()

    run(main())


def test_a_cancelled_operation_is_cancelled() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        client = await connected(room)
        room.away(0)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.read_gatt_char(v1.BATTERY_LEVEL)
        await room.close()

    run(main())


def test_a_cancelled_connect_leaves_the_adapter_usable() -> None:
    async def main() -> None:
        room = await Room.of((0, 1))
        found = await scan(room)
        room.away(0)
        away = BleakClient(found["IMU-51A0"][0], timeout=30.0, backend=room.bumble.client_class)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await away.connect()
        client = await connected(room, found["IMU-51A1"][0])
        assert client.is_connected
        room.back(0)
        await away.connect()
        await room.close()
        assert not client.is_connected
        assert not away.is_connected

    run(main())


def test_power_loss_is_a_disconnection() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        ended = Ended()
        await connected(room, ended=ended)
        await room.sensors[0].power_off()
        await ended.event.wait()
        await room.close()

    run(main())


def test_a_closed_adapter_says_so() -> None:
    async def main() -> None:
        room = await Room.of((0,))
        device, _ = (await scan(room))["IMU-51A0"]
        await room.close()
        with pytest.raises(BleakError, match="gone"):
            await BleakClient(device, backend=room.bumble.client_class).connect()
        with pytest.raises(BleakError, match="gone"):
            await BleakScanner(backend=room.bumble.scanner_class).start()

    run(main())
