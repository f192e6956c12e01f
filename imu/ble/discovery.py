"""Which sensors are here."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from imu.ble.adapter import NO_BLUETOOTH, Adapter, Detected, link_errors, make_adapter
from imu.ble.profiles import v1
from imu.errors import LinkError, ProtocolError

logger = logging.getLogger(__name__)

SLICE_S = 2.0
"""Longest time that one search for a lost sensor keeps others from connecting."""


@dataclass(frozen=True, slots=True)
class FoundSensor:
    """One sensor as it advertises itself."""

    serial: str
    """Serial number as text; only its last 16 bits while the name has not been heard."""
    segment: str | None
    """Where it is worn; None = not assigned."""
    name: str
    battery_percent: int | None
    rssi_dbm: int
    device: BLEDevice
    """What bleak connects to. Its address says nothing about identity (macOS gives none)."""
    profile: str = "v1"


def sensor_of(device: BLEDevice, shown: AdvertisementData) -> FoundSensor | None:
    """A sensor of ours, None if the advertisement is not one or is of another protocol version."""
    data = shown.manufacturer_data.get(v1.COMPANY)
    if data is None:
        return None
    try:
        said = v1.Advertisement.from_bytes(data)
    except ProtocolError as e:
        logger.debug("advertisement of %s: %s", device.address, e)
        return None
    if said.major != v1.MAJOR:
        logger.warning("a sensor that speaks protocol %d is here; this program speaks %d", said.major, v1.MAJOR)
        return None
    name = shown.local_name or device.name
    serial = v1.serial_of_name(name) or v1.serial_text(said.serial16)
    battery = None if said.battery_percent == v1.UNKNOWN_BATTERY else said.battery_percent
    return FoundSensor(serial, v1.segment_of_slot(said.slot), name or f"IMU-{serial}", battery, shown.rssi, device)


@asynccontextmanager
async def scanning(adapter: Adapter, detected: Detected) -> AsyncIterator[None]:
    """Scan for sensors while the block runs; one at a time."""
    async with adapter.scan_lock:
        await adapter.open()
        scanner = adapter.make_scanner(detected, v1.SERVICE)
        with link_errors(NO_BLUETOOTH):
            await scanner.start()
        try:
            yield
        finally:
            with contextlib.suppress(Exception):  # it may have died with the adapter, and we are leaving anyway
                await scanner.stop()


async def search(adapter: Adapter, search_s: float, expected: int = 0) -> list[FoundSensor]:
    """All sensors heard within `search_s`, or until `expected` (> 0) of them are; in the order of their serials."""
    found: dict[str, FoundSensor] = {}
    enough = asyncio.Event()

    def detected(device: BLEDevice, shown: AdvertisementData) -> None:
        sensor = sensor_of(device, shown)
        if sensor is not None:
            found[device.address] = sensor
            if len(found) == expected:
                enough.set()

    async with scanning(adapter, detected):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(search_s):
                await enough.wait()
    return sorted(found.values(), key=lambda s: s.serial)


async def find_again(adapter: Adapter, serial: str) -> FoundSensor | None:
    """One slice of a search for a known sensor, whatever its address is now."""
    found: list[FoundSensor] = []
    heard = asyncio.Event()

    def detected(device: BLEDevice, shown: AdvertisementData) -> None:
        sensor = sensor_of(device, shown)
        if sensor is not None and same_sensor(sensor.serial, serial):
            found.append(sensor)
            heard.set()

    async with scanning(adapter, detected):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SLICE_S):
                await heard.wait()
    return found[-1] if found else None


def same_sensor(heard: str, serial: str) -> bool:
    """Serials agree as far as the advertisement tells."""
    return heard == serial or int(heard, 16) == int(serial, 16) & 0xFFFF


async def discover(backend: str, search_s: float) -> tuple[FoundSensor, ...]:
    """Sensors nearby; `backend` as in `make_adapter`.

    Raises
    ------
    LinkError
        Bluetooth cannot be used, or no sensor was heard.
    """
    adapter = make_adapter(backend)
    try:
        found = await search(adapter, search_s)
    finally:
        await adapter.close()
    if not found:
        raise LinkError(nothing_found(search_s))
    return tuple(found)


def nothing_found(search_s: float) -> str:
    """For people."""
    return f"no sensor was found within {search_s:g} s; switch them on, bring them near, and close other programs"
