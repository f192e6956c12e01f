"""One sensor's link: streams, and comes back for ever until it is closed. Other sensors stream on meanwhile."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter_ns
from typing import Final

from imu.ble.adapter import Adapter
from imu.ble.connection import SensorConnection
from imu.ble.discovery import FoundSensor, find_again
from imu.ble.profiles import v1
from imu.ble.profiles.v1_setup import config_text, full_scales
from imu.ble.report import LinkReport, LinkState
from imu.config import SensorSetup
from imu.errors import LinkError, ProtocolError

__all__ = ["LinkReport", "LinkState", "SensorLink"]

logger = logging.getLogger(__name__)

Deliver = Callable[[str, bytes, int], None]
"""(sensor, notification bytes, host arrival in ns)"""
Report = Callable[[LinkReport], None]

BACK_OFF_S: Final = (0.25, 0.5, 1.0, 2.0, 5.0)
OPEN_ATTEMPTS: Final = 3
SILENCE_S: Final = 5.0
"""A connection that brings nothing for so long is given up and made anew."""
PING_S: Final = 1.0
"""Mean time between two pings."""


class SensorLink:
    """State machine of one sensor.

    Parameters
    ----------
    adapter : Adapter
        Shared by all links.
    found : FoundSensor
        With a segment.
    """

    def __init__(self, adapter: Adapter, found: FoundSensor) -> None:
        self.sensor = found.serial
        self.boot_id: int | None = None
        self._adapter = adapter
        self._found = found
        self._config: v1.Config | None = None
        self._connection: SensorConnection | None = None
        self._task: asyncio.Task[None] | None = None
        self._deliver: Deliver | None = None
        self._report: Report | None = None
        self._last = LinkReport(self.sensor, "searching", found.battery_percent, found.rssi_dbm)
        self._newest_ns = 0
        self._restarted = False
        self._failed = False
        self._phase = random.Random(found.serial)

    async def open(self) -> SensorSetup:
        """Connect for the first time and say what the sensor is; stays connected.

        Raises
        ------
        LinkError
            It cannot be reached in three attempts.
        ProtocolError
            It speaks another version.
        """
        attempt = 0
        while True:
            try:
                connection = await SensorConnection.open(self._adapter, self._found)
                break
            except LinkError:
                if attempt == OPEN_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(_back_off_s(attempt))
                attempt += 1
        self._connection = connection
        if connection.config.fmt != 0:
            await connection.configure(replace(connection.config, fmt=0))
        self.sensor = v1.serial_text(connection.info.serial)
        self.boot_id = connection.info.boot_id
        self._config = config = connection.config
        self._last = LinkReport(self.sensor, "connecting", connection.battery_percent, self._found.rssi_dbm)
        acc_range, gyr_range = full_scales(config)
        return SensorSetup(
            sensor=self.sensor,
            segment=self._found.segment or "",
            rate_hz=config.odr_mhz / 1000.0,
            profile=self._found.profile,
            acc_range=acc_range,
            gyr_range=gyr_range,
            config=config_text(connection.info_bytes, connection.config_bytes),
            name=self._found.name,
        )

    def start(self, deliver: Deliver, report: Report) -> None:
        """Stream from now on. Both are called in the event loop and must not block."""
        assert self._config is not None, "open comes first"
        self._deliver, self._report = deliver, report
        report(self._last)
        self._task = asyncio.create_task(self._run(), name=f"link {self.sensor}")

    async def close(self) -> None:
        """Stop streaming and disconnect."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        await self._hang_up()
        self._say("disconnected")

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                connection = self._connection
                if connection is None or connection.ended.is_set():
                    connection = await self._connect_again()
                if connection is not None:
                    self._newest_ns = perf_counter_ns()
                    await connection.stream(self._on_data, self._on_status, self._hand_over)
                    failures = 0
                    self._say("streaming", note="restarted" if self._restarted else "")
                    self._restarted = False
                    pinging = asyncio.create_task(self._ping(connection), name=f"pings {self.sensor}")
                    try:
                        self._say("lost", note=await self._until_gone(connection))
                    finally:
                        pinging.cancel()
            except (LinkError, ProtocolError) as e:
                self._say("lost", note=str(e))
            except Exception as e:  # the other sensors stream on, and this one is tried again
                logger.exception("link to sensor %s", self.sensor)
                self._say("lost", note=f"{type(e).__name__}: {e}")
            await self._hang_up()
            await asyncio.sleep(_back_off_s(failures))
            failures += 1

    async def _connect_again(self) -> SensorConnection | None:
        """A new connection, with the session's configuration; None if the sensor is not heard."""
        await self._adapter.open()
        self._say("searching")
        found = await find_again(self._adapter, self.sensor)
        if found is None:
            return None
        self._say("connecting", rssi_dbm=found.rssi_dbm)
        self._connection = connection = await SensorConnection.open(self._adapter, found)
        serial = v1.serial_text(connection.info.serial)
        if serial != self.sensor:
            raise LinkError(f"sensor {serial} advertises like {self.sensor}; switch one of them off")
        self._restarted = connection.info.boot_id != self.boot_id
        if self._restarted:
            logger.info("sensor %s has restarted", self.sensor)
        self.boot_id = connection.info.boot_id
        assert self._config is not None
        if _what_decoding_needs(connection.config) != _what_decoding_needs(self._config):
            await connection.configure(self._config)
        return connection

    async def _ping(self, connection: SensorConnection) -> None:
        """About once a second, never in step with anything: then some pings wait for the radio hardly at all."""
        try:
            while await connection.ping():
                await asyncio.sleep(PING_S * self._phase.uniform(0.75, 1.25))
        except LinkError as e:
            logger.debug("%s", e)

    async def _until_gone(self, connection: SensorConnection) -> str:
        """Wait for the end of the connection; why it ended."""
        while not connection.ended.is_set():
            try:
                async with asyncio.timeout(SILENCE_S / 2):
                    await connection.ended.wait()
            except TimeoutError:
                if perf_counter_ns() - self._newest_ns > SILENCE_S * 1e9:
                    return "connected, but silent"
        return "disconnected"

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _on_data(self, data: bytes, t_host_ns: int) -> None:
        self._newest_ns = t_host_ns
        self._hand_over(data, t_host_ns)

    def _hand_over(self, data: bytes, t_host_ns: int) -> None:
        """Everything that decoding needs goes one way, and so into a recording."""
        if self._task is None or self._deliver is None:
            return
        try:
            self._deliver(self.sensor, data, t_host_ns)
        except Exception:  # must not reach the Bluetooth stack, which would drop the connection
            if not self._failed:
                self._failed = True
                logger.exception("notifications of sensor %s cannot be processed", self.sensor)
                self._say(self._last.state, note="its samples cannot be processed")

    def _on_status(self, status: v1.StatusReport) -> None:
        known = status.battery_percent != v1.UNKNOWN_BATTERY
        if known and status.battery_percent != self._last.battery_percent and self._connection is not None:
            self._connection.battery_percent = status.battery_percent
            self._say(self._last.state, note=self._last.note)

    def _say(self, state: LinkState, note: str = "", rssi_dbm: int | None = None) -> None:
        """Report what has changed."""
        battery = self._last.battery_percent if self._connection is None else self._connection.battery_percent
        now = LinkReport(self.sensor, state, battery, self._last.rssi_dbm if rssi_dbm is None else rssi_dbm, note)
        if now != self._last:
            self._last = now
            if self._report is not None:
                self._report(now)


def _what_decoding_needs(config: v1.Config) -> tuple[int, int, int, int, int]:
    return config.cfg_id, config.odr_mhz, config.acc_g, config.gyr_dps, config.fmt


def _back_off_s(failures: int) -> float:
    """Longer after every failure; scattered, so that sensors lost together do not come back in step."""
    return BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)] * random.uniform(0.8, 1.2)
