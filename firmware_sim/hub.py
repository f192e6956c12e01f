"""Everything simulated in one place: a person in sensors, the air, and the adapter of whoever listens."""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
from dataclasses import dataclass
from functools import partial
from typing import Final

from firmware_sim.adapter_port import AdapterPort
from firmware_sim.air import RadioConditions
from firmware_sim.body import Body, Moving
from firmware_sim.controller import RadioController
from firmware_sim.device import SensorDevice
from firmware_sim.faults import Fault
from firmware_sim.identity import Identity
from firmware_sim.radio import RadioLink
from firmware_sim.script import Script
from firmware_sim.script_clock import ScriptClock
from firmware_sim.sensor import SensorModel
from firmware_sim.walk_script import WalkScript
from imu.ble.profiles import v1
from imu.conventions import SLOT_OF_SEGMENT, Segment

logger = logging.getLogger(__name__)

RATE_HZ: Final = 104.0
"""With 3 samples per packet 28.8 ms: no multiple of a connection interval of 15 ms."""
CONFIG: Final = v1.Config(cfg_id=1, odr_mhz=round(RATE_HZ * 1000), acc_g=16, gyr_dps=2000)
SERIAL: Final = 0x51A0
"""Of the sensor in slot 0; the others follow."""


@dataclass(frozen=True, slots=True)
class HubSettings:
    """What is simulated."""

    script: Script | WalkScript
    segments: tuple[Segment, ...]
    faults: tuple[Fault, ...] = ()
    per: float = 0.02
    """Packet error rate of the air, 0..1; 0 = perfect."""
    interval_ms: float | None = None
    """Connection interval that the adapter imposes; None = what its host asks for."""


class Hub:
    """All simulated sensors, their air and one adapter."""

    def __init__(self, settings: HubSettings) -> None:
        self.finished = asyncio.Event()
        """Set when the script has been performed; the person then stands, and the sensors stream on."""
        self._settings = settings
        seed = settings.script.seed
        self.zero_s = asyncio.get_running_loop().time()
        """The event loop's time at true time 0."""
        self.link = RadioLink(RadioConditions.of(settings.per), seed)
        self._port = AdapterPort(RadioController("adapter", self.link, settings.interval_ms))
        self._rng = random.Random(f"hub {seed}")
        identities: dict[Segment, Identity] = {segment: self._identity(segment) for segment in settings.segments}
        names = frozenset(identity.name for identity in identities.values())
        self.script_clock = ScriptClock(names, self.zero_s, self._begin)
        body = _performing(settings.script)
        self.sensors: dict[Segment, SensorDevice] = {}
        for segment, identity in identities.items():
            switch_on = partial(_switch_on, segment, body, seed)
            device = SensorDevice(self.link, identity, switch_on, self.script_clock, self.zero_s, CONFIG)
            self.sensors[segment] = device
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> int:
        """Switch the sensors on and listen for the adapter's host; the port. `OSError` if it cannot be had."""
        port = await self._port.listen(host, port)
        for sensor in self.sensors.values():
            await sensor.power_on()
        return port

    async def close(self) -> None:
        """Switch everything off."""
        for task in self._tasks:
            task.cancel()
        self._port.close()
        for sensor in self.sensors.values():
            await sensor.power_off()

    def _identity(self, segment: Segment) -> Identity:
        slot = SLOT_OF_SEGMENT[segment]
        # Not from the seed: a client must see that sensors of another process are other boots of the same ones.
        boot_id = secrets.randbits(16)
        return Identity(SERIAL + slot, slot, self._rng.randint(60, 100), boot_id)

    def _begin(self) -> None:
        for work in (self._finish(), *(self._cause(fault) for fault in self._settings.faults)):
            task = asyncio.get_running_loop().create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _until(self, script_s: float) -> None:
        """Wait for a time of the script, which has begun."""
        start_s = self.script_clock.start_s
        assert start_s is not None
        await asyncio.sleep(self.zero_s + start_s + script_s - asyncio.get_running_loop().time())

    async def _finish(self) -> None:
        await self._until(self._settings.script.seconds)
        self.finished.set()

    async def _cause(self, fault: Fault) -> None:
        await self._until(fault.at_s)
        logger.info("fault: %s", fault)
        sensor = self.sensors[fault.segment]
        match fault.action:
            case "away":
                self.link.block(sensor.identity.address)
                await asyncio.sleep(fault.for_s)
                self.link.unblock(sensor.identity.address)
            case "power":
                await sensor.reboot(fault.for_s)
            case _:
                await sensor.drop()


def _performing(script: Script | WalkScript) -> Moving:
    return script.body() if isinstance(script, WalkScript) else Body.performing(script)


def _switch_on(segment: Segment, body: Moving, seed: int, on_s: float) -> SensorModel:
    return SensorModel(
        segment, body, seed, RATE_HZ, on_s=on_s, acc_range_g=float(CONFIG.acc_g), gyr_range_dps=float(CONFIG.gyr_dps)
    )
