"""Where notifications come from: sensors over Bluetooth, or a recording at a chosen speed. The engine treats them alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from imu.ble.link import LinkReport
from imu.ble.network import SensorNetwork
from imu.config import CueSetup, Setup
from imu.packets import Command
from imu.recording import Recording

Deliver = Callable[[str, bytes, int], None]
"""(sensor, notification bytes, host arrival in ns): one call per notification, in arrival order."""


class Source(Protocol):
    """A stream of notifications."""

    live: bool

    @property
    def commands(self) -> tuple[Command, ...]:
        """Known beforehand: those of a recording."""
        ...

    @property
    def real_time(self) -> bool:
        """It delivers as fast as things happened."""
        ...

    async def prepare(self) -> Setup:
        """Find out who is there; the setup's session time starts at its `t0_host_ns`."""
        ...

    async def run(self, deliver: Deliver, report: Callable[[LinkReport], None], stop: asyncio.Event) -> None:
        """Deliver until there is no more or `stop` is set."""
        ...


@dataclass(slots=True)
class BleSource:
    """The sensors of one person over bleak; `backend` as in `imu.ble` (`""` = this computer's own Bluetooth)."""

    backend: str
    drill_toml: str
    search_s: float = 10.0
    expected: int = 0
    """Stop searching early when this many sensors are found; 0 = search the whole time."""
    calibration: str = ""
    """Stored one, to be used if today's stand fits it."""
    height_m: float = 0.0
    """Of the person; 0 = not known."""
    cues: CueSetup = field(default_factory=CueSetup)
    baseline: str = ""
    """The person's approved set, as in `Setup.baseline`; empty = none."""
    live: bool = True
    commands: tuple[Command, ...] = ()
    network: SensorNetwork | None = None

    @property
    def real_time(self) -> bool:
        return True

    async def prepare(self) -> Setup:
        self.network = SensorNetwork(self.backend, search_s=self.search_s, expected=self.expected)
        try:
            sensors = await self.network.open()
        except BaseException:
            await self.network.close()
            raise
        return Setup(
            tuple(sensors), time.perf_counter_ns(), drill_toml=self.drill_toml, calibration=self.calibration,
            height_m=self.height_m,
            cues=self.cues, baseline=self.baseline,
        )  # fmt: skip

    async def run(self, deliver: Deliver, report: Callable[[LinkReport], None], stop: asyncio.Event) -> None:
        assert self.network is not None, "prepare comes first"
        try:
            await self.network.start(deliver, report)
            await stop.wait()
        finally:
            await self.network.close()


@dataclass(slots=True)
class ReplaySource:
    """A recording, byte for byte. `speed` multiplies real time; None = as fast as it goes."""

    recording: Recording
    setup: Setup
    speed: float | None = 1.0
    live: bool = False

    @property
    def commands(self) -> tuple[Command, ...]:
        return self.recording.commands

    @property
    def real_time(self) -> bool:
        return self.speed == 1.0

    async def prepare(self) -> Setup:
        return self.setup

    async def run(self, deliver: Deliver, report: Callable[[LinkReport], None], stop: asyncio.Event) -> None:
        first_ns: int | None = None
        start = time.perf_counter()
        for count, (sensor, data, t_host_ns) in enumerate(self.recording.notifications()):
            if self.speed is None:
                if count % 512 == 0:
                    await asyncio.sleep(0)
            else:
                if first_ns is None:
                    first_ns = t_host_ns
                due = start + (t_host_ns - first_ns) * 1e-9 / self.speed
                wait = due - time.perf_counter()
                if wait > 0.001:
                    await asyncio.sleep(wait)
            if stop.is_set():
                return
            deliver(sensor, data, t_host_ns)
