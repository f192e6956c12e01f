"""Simulated sensors and a bumble client on one radio, in virtual time, for tests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import numpy as np
from bumble.device import Connection, ConnectionParametersPreferences, Device, DeviceConfiguration, Peer
from bumble.gatt_client import CharacteristicProxy
from bumble.hci import Address, HCI_LE_Create_Connection_Cancel_Command, Phy
from bumble.host import Host

from firmware_sim.air import CLEAR_AIR, RadioConditions
from firmware_sim.controller import RadioController
from firmware_sim.device import SensorDevice
from firmware_sim.hub import CONFIG
from firmware_sim.identity import Identity
from firmware_sim.radio import RadioLink
from firmware_sim.script_clock import ScriptClock
from imu.ble.profiles import v1

CENTRAL = "F0:00:00:00:00:01"


@dataclass(frozen=True)
class CountedSamples:
    acc: np.ndarray
    gyr: np.ndarray
    clipped: np.ndarray


class CountingSource:
    """A perfect clock, and samples that carry their own index: a lost or doubled one cannot hide."""

    rate_hz = 104.0

    def __init__(self, on_s: float) -> None:
        self.on_s = on_s
        self.starts: list[float | None] = []

    def next_index(self, true_s: float) -> int:
        return int(np.ceil((true_s - self.on_s) * self.rate_hz - 1e-9))

    def true_time_of(self, index: int) -> float:
        return self.on_s + index / self.rate_hz

    def device_us_of(self, index: int) -> int:
        return round(index * 1e6 / self.rate_hz)

    def device_us(self, true_s: float) -> int:
        return round((true_s - self.on_s) * 1e6)

    def samples(self, first: int, n: int, start_s: float | None) -> CountedSamples:
        self.starts.append(start_s)
        index = np.arange(first, first + n)
        columns = np.stack((index & 0x7FFF, index >> 15, -(index & 0x7FFF)), axis=1).astype(np.int16)
        return CountedSamples(columns, -columns, np.zeros(n, np.uint8))


async def switched_on(link: RadioLink, name: str, address: str) -> Device:
    """A bare host on a controller of its own."""
    host = Host()
    device = Device(config=DeviceConfiguration(name=name, address=Address(address), keystore=None), host=host)
    host.controller = RadioController(name, link)
    await device.power_on()
    return device


def preferences(interval_ms: float = 15.0, supervision_ms: float = 4000.0) -> dict[Phy, ConnectionParametersPreferences]:
    return {
        Phy.LE_1M: ConnectionParametersPreferences(
            connection_interval_min=interval_ms,
            connection_interval_max=interval_ms,
            max_latency=0,
            supervision_timeout=supervision_ms,
        )
    }


async def connect(central: Device, address: str, interval_ms: float = 15.0, supervision_ms: float = 4000.0) -> Connection:
    return await central.connect(address, connection_parameters_preferences=preferences(interval_ms, supervision_ms))


async def cancel_connecting(central: Device) -> None:
    await central.send_sync_command(HCI_LE_Create_Connection_Cancel_Command())


async def ended(connection: Connection) -> int:
    """The reason for which a connection ends."""
    reason: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    connection.once(Connection.EVENT_DISCONNECTION, reason.set_result)
    return await reason


@dataclass
class Client:
    """What a client has of one sensor."""

    connection: Connection
    peer: Peer
    packets: list[v1.DataPacket] = field(default_factory=list)
    arrivals: list[float] = field(default_factory=list)
    answers: asyncio.Queue[v1.Response] = field(default_factory=asyncio.Queue)
    raw: list[bytes] = field(default_factory=list)
    _tag: int = 0

    @classmethod
    async def of(cls, central: Device, sensor: SensorDevice, mtu: int = 247, **parameters: float) -> Client:
        connection = await connect(central, sensor.identity.address, **parameters)
        peer = Peer(connection)
        if mtu > 23:
            await peer.request_mtu(mtu)
        await peer.discover_all()
        client = cls(connection, peer)
        await client.find(v1.CONTROL).subscribe(
            lambda value: client.answers.put_nowait(v1.Response.from_bytes(bytes(value))), prefer_notify=False
        )
        return client

    def find(self, uuid: str) -> CharacteristicProxy[bytes]:
        """By any form of its UUID."""
        long = {str(c.uuid.to_hex_str("-")).lower(): c for s in self.peer.services for c in s.characteristics}
        return long[uuid] if uuid in long else long[uuid[4:8]]

    async def read(self, uuid: str) -> bytes:
        return bytes(await self.find(uuid).read_value())

    async def subscribe_data(self) -> None:
        def arrived(value: bytes) -> None:
            self.arrivals.append(asyncio.get_running_loop().time())
            self.raw.append(bytes(value))
            if value[0] == 0x10:
                self.packets.append(v1.DataPacket.from_bytes(bytes(value)))

        await self.find(v1.DATA).subscribe(arrived)

    async def ask(self, op: int, args: bytes = b"") -> v1.Response:
        self._tag = (self._tag + 1) & 0xFF
        await self.find(v1.CONTROL).write_value(bytes(v1.Request(op, self._tag, args)), with_response=True)
        answer = await asyncio.wait_for(self.answers.get(), 10.0)
        assert (answer.op, answer.tag) == (op, self._tag)
        return answer

    async def start(self) -> None:
        await self.subscribe_data()
        assert (await self.ask(v1.Op.START)).result is v1.Result.OK

    def indices(self) -> np.ndarray:
        """Of all samples, as the samples themselves say."""
        return np.concatenate([p.acc[:, 0].astype(np.int64) + (p.acc[:, 1].astype(np.int64) << 15) for p in self.packets])


@dataclass
class Bench:
    """A radio, a central and sensors that count."""

    link: RadioLink
    central: Device
    script: ScriptClock
    sensors: list[SensorDevice]

    @classmethod
    async def of(cls, n: int = 1, conditions: RadioConditions = CLEAR_AIR, seed: int = 0) -> Bench:
        zero_s = asyncio.get_running_loop().time()
        link = RadioLink(conditions, seed)
        identities = [Identity(0x51A0 + slot, slot) for slot in range(n)]
        script = ScriptClock(frozenset(i.name for i in identities), zero_s)
        sensors = [SensorDevice(link, i, CountingSource, script, zero_s, CONFIG) for i in identities]
        for sensor in sensors:
            await sensor.power_on()
        return cls(link, await switched_on(link, "central", CENTRAL), script, sensors)
