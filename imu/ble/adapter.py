"""This computer's way to Bluetooth: its own stack, or bumble on a transport. Scanners and clients come from here only."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Protocol

from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from imu.errors import LinkError

if TYPE_CHECKING:
    from imu.ble.bumble_backend import BumbleAdapter

Detected = Callable[[BLEDevice, AdvertisementData], None]

BUMBLE = "bumble:"
NO_BLUETOOTH = (
    "Bluetooth cannot be used on this computer; switch it on or plug in an adapter, or name another way with "
    "--ble-backend (imu demo needs no Bluetooth)"
)


class Adapter(Protocol):
    """Makes bleak scanners and clients."""

    scan_lock: asyncio.Lock
    """Held while scanning."""
    acquires_notifications: bool
    """Ask BlueZ for AcquireNotify: through StartNotify it drops notifications with two or more devices."""

    @property
    def connect_lock(self) -> AbstractAsyncContextManager[object]:
        """Held while connecting: the same one where the system answers InProgress to scanning and connecting at once."""
        ...

    async def open(self) -> None:
        """Make it ready; does nothing if it is. `LinkError` if it cannot be used."""
        ...

    def make_scanner(self, detected: Detected, service: str) -> BleakScanner: ...

    def make_client(self, device: BLEDevice, gone: Callable[[BleakClient], None], timeout_s: float) -> BleakClient: ...

    async def close(self) -> None: ...


class PlatformAdapter:
    """BlueZ, WinRT or CoreBluetooth, as bleak chooses."""

    def __init__(self) -> None:
        self.scan_lock = self.connect_lock = asyncio.Lock()
        self.acquires_notifications = sys.platform == "linux"

    async def open(self) -> None:
        return

    def make_scanner(self, detected: Detected, service: str) -> BleakScanner:
        with link_errors(NO_BLUETOOTH):
            return BleakScanner(detected, service_uuids=[service])

    def make_client(self, device: BLEDevice, gone: Callable[[BleakClient], None], timeout_s: float) -> BleakClient:
        # Windows answers from a stale list of services after a firmware change or a lost link
        return BleakClient(device, gone, timeout=timeout_s, winrt={"use_cached_services": False})

    async def close(self) -> None:
        return


class BumbleBluetooth:
    """bumble on an HCI transport."""

    def __init__(self, adapter: BumbleAdapter) -> None:
        self.scan_lock = asyncio.Lock()
        self.connect_lock = nullcontext()  # the backend has its own, held for a shorter time
        self.acquires_notifications = False
        self._adapter = adapter

    async def open(self) -> None:
        await self._adapter.open()

    def make_scanner(self, detected: Detected, service: str) -> BleakScanner:
        return BleakScanner(detected, service_uuids=[service], backend=self._adapter.scanner_class)

    def make_client(self, device: BLEDevice, gone: Callable[[BleakClient], None], timeout_s: float) -> BleakClient:
        return BleakClient(device, gone, timeout=timeout_s, backend=self._adapter.client_class)

    async def close(self) -> None:
        await self._adapter.close()


def make_adapter(backend: str) -> Adapter:
    """From the text of `--ble-backend`: empty = this computer's own Bluetooth, `bumble:<transport>` = bumble.

    Raises
    ------
    LinkError
        The text is neither.
    """
    if backend == "":
        return PlatformAdapter()
    transport = backend.removeprefix(BUMBLE)
    if not backend.startswith(BUMBLE) or ":" not in transport:
        raise LinkError(
            f"{backend!r} is not a Bluetooth backend; write bumble:<transport>, such as bumble:tcp-client:127.0.0.1:9100 "
            "or bumble:usb:0, or leave it out for this computer's own Bluetooth"
        )
    from imu.ble.bumble_backend import BumbleAdapter  # costs half a second that nobody else should pay

    return BumbleBluetooth(BumbleAdapter(transport))


@contextmanager
def link_errors(doing: str) -> Iterator[None]:
    """What bleak and the operating system raise, as `LinkError`."""
    try:
        yield
    except (BleakError, OSError, EOFError, TimeoutError) as e:
        text = str(e) or type(e).__name__
        raise LinkError(f"{doing} ({text})") from e
