"""Simulated sensors and the shipped Bluetooth client on one radio, in one process and in virtual time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from bumble.host import Host
from firmware_bench import CountingSource

from firmware_sim.air import CLEAR_AIR, RadioConditions
from firmware_sim.controller import RadioController
from firmware_sim.device import Identity, SensorDevice
from firmware_sim.hub import CONFIG
from firmware_sim.radio import RadioLink
from firmware_sim.script_clock import ScriptClock
from firmware_sim.stream import SampleSource
from imu.ble import LinkReport, SensorNetwork
from imu.ble.adapter import BumbleBluetooth
from imu.ble.bumble_backend import BumbleAdapter
from imu.ble.profiles import make_decoder
from imu.config import SensorSetup
from imu.packets import Packet


@dataclass
class Room:
    """A radio, sensors that send their own sample index, and our adapter."""

    link: RadioLink
    sensors: list[SensorDevice]
    bumble: BumbleAdapter
    adapter: BumbleBluetooth
    script: ScriptClock

    @classmethod
    async def of(
        cls,
        slots: tuple[int, ...],
        conditions: RadioConditions = CLEAR_AIR,
        seed: int = 0,
        source: Callable[[int], Callable[[float], SampleSource]] = lambda slot: CountingSource,
    ) -> Room:
        """One sensor for each slot; serials 51A0, 51A1 ...; `source` says for each slot what its sensor measures."""
        zero_s = asyncio.get_running_loop().time()
        link = RadioLink(conditions, seed)
        identities = [Identity(0x51A0 + k, slot, 90 - k) for k, slot in enumerate(slots)]
        script = ScriptClock(frozenset(i.name for i in identities), zero_s)
        sensors = [
            SensorDevice(link, identity, source(slot), script, zero_s, CONFIG)
            for identity, slot in zip(identities, slots, strict=True)
        ]
        for sensor in sensors:
            await sensor.power_on()
        bumble = BumbleAdapter("a controller in this process")
        host = Host()
        host.controller = RadioController("adapter", link)
        await bumble.attach(host)
        return cls(link, sensors, bumble, BumbleBluetooth(bumble), script)

    def away(self, k: int) -> None:
        """Sensor k is out of range."""
        self.link.block(self.sensors[k].identity.address)

    def back(self, k: int) -> None:
        self.link.unblock(self.sensors[k].identity.address)

    async def close(self) -> None:
        await self.adapter.close()
        for sensor in self.sensors:
            await sensor.power_off()


@dataclass
class Session:
    """What a network delivers, decoded as the engine does."""

    network: SensorNetwork
    setups: list[SensorSetup]
    packets: dict[str, list[Packet]] = field(default_factory=lambda: defaultdict(list))
    reports: list[LinkReport] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    async def of(cls, room: Room, expected: int | None = None, search_s: float = 5.0) -> Session:
        """Found, connected, streaming."""
        wanted = len(room.sensors) if expected is None else expected
        network = SensorNetwork(room.adapter, search_s=search_s, expected=wanted)
        session = cls(network, await network.open())
        decoders = {s.sensor: make_decoder(s) for s in session.setups}

        def deliver(sensor: str, data: bytes, t_host_ns: int) -> None:
            packet = decoders[sensor].decode(data, t_host_ns)
            if packet is not None:
                session.packets[sensor].append(packet)
                session._changed.set()

        await network.start(deliver, session.report)
        return session

    def report(self, link: LinkReport) -> None:
        self.reports.append(link)
        self._changed.set()

    async def until(self, reached: Callable[[], bool], within_s: float = 300.0) -> None:
        """Wait for it, checked at every packet and report."""
        async with asyncio.timeout(within_s):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    def count(self, sensor: str) -> int:
        """Samples received."""
        return sum(len(p) for p in self.packets[sensor])

    async def more(self, sensor: str, samples: int = 200) -> None:
        """Until so many further samples have come."""
        enough = self.count(sensor) + samples
        await self.until(lambda: self.count(sensor) >= enough)

    def states(self, sensor: str) -> list[str]:
        return [r.state for r in self.reports if r.sensor == sensor]

    def indices(self, sensor: str) -> np.ndarray:
        """Sample indices as the samples themselves say."""
        setup = next(s for s in self.setups if s.sensor == sensor)
        raw = np.concatenate([p.acc for p in self.packets[sensor]]) * (32768 / setup.acc_range)
        return np.rint(raw[:, 0]).astype(np.int64) + (np.rint(raw[:, 1]).astype(np.int64) << 15)

    def lost(self, sensor: str) -> np.ndarray:
        return np.concatenate([p.lost for p in self.packets[sensor]])

    def epochs(self, sensor: str) -> list[int]:
        return sorted({p.epoch for p in self.packets[sensor]})
