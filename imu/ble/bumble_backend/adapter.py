"""One HCI host, shared by scanners and clients."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from bleak.exc import BleakError
from bumble.device import Advertisement, Device, DeviceConfiguration
from bumble.hci import Address
from bumble.host import Host
from bumble.transport import open_transport
from bumble.transport.common import Transport

from imu.ble.bumble_backend.client import DISCONNECT_S, BumbleClient
from imu.ble.bumble_backend.scanner import BumbleScanner
from imu.ble.bumble_backend.waiting import apart
from imu.errors import LinkError

logger = logging.getLogger(__name__)

MTU = 247
INTERVAL_MS = 15.0
OPEN_S = 5.0
"""Longest time a controller may take to answer while it is opened."""
_ADDRESS = "F0:00:00:00:00:01"


class BumbleAdapter:
    """One HCI host.

    Parameters
    ----------
    transport : str
        As bumble writes it: `tcp-client:127.0.0.1:9100`, `usb:0`, `unix:/tmp/hci` ...
    mtu, interval_ms
        What is asked for in every connection.
    """

    def __init__(self, transport: str, mtu: int = MTU, interval_ms: float = INTERVAL_MS) -> None:
        self.name = transport
        self.mtu = mtu
        self.interval_ms = interval_ms
        self.connect_lock = asyncio.Lock()
        self.clients: set[BumbleClient] = set()
        self._open_lock = asyncio.Lock()
        self._device: Device | None = None
        self._transport: Transport | None = None
        self._scanners: list[BumbleScanner] = []
        # bleak takes classes, not instances: these carry the adapter
        self.scanner_class = type("BumbleScanner", (BumbleScanner,), {"adapter": self})
        self.client_class = type("BumbleClient", (BumbleClient,), {"adapter": self})

    @property
    def device(self) -> Device:
        """bumble's device; `BleakError` while the adapter is not open."""
        if self._device is None:
            raise BleakError(f"the Bluetooth adapter at {self.name} is gone")
        return self._device

    async def open(self) -> None:
        """Open the transport and start the controller, unless it is running; `LinkError` says why that is impossible."""
        async with self._open_lock:
            if self._device is None:
                await self._open()

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(OPEN_S):
                transport = await open_transport(self.name)
        except TimeoutError as e:
            raise LinkError(f"the Bluetooth adapter at {self.name} does not answer; check the address") from e
        except Exception as e:  # bumble's transports raise whatever their libraries raise
            raise LinkError(_why_not_opened(self.name, e)) from e
        try:
            await apart(self.attach(Host(transport.source, transport.sink)), OPEN_S)
        except BaseException as e:
            with contextlib.suppress(Exception):
                await transport.close()
            if isinstance(e, BleakError):
                raise LinkError(
                    f"what answers at {self.name} is not a Bluetooth controller, or it is in use; check the address"
                ) from e
            raise
        self._transport = transport
        transport.source.terminated.add_done_callback(self._lost)

    async def attach(self, host: Host) -> None:
        """Start on a host that is there already; for controllers in the same process."""
        device = Device(config=DeviceConfiguration(name="imu", address=Address(_ADDRESS), keystore=None), host=host)
        await device.power_on()
        device.on(Device.EVENT_ADVERTISEMENT, self._on_advertisement)
        self._device = device

    async def close(self) -> None:
        """Disconnect everything and give the transport back; takes at most `DISCONNECT_S`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DISCONNECT_S):
                await asyncio.gather(*(client.disconnect() for client in list(self.clients)), return_exceptions=True)
        transport, self._transport, self._device = self._transport, None, None
        if transport is not None:
            with contextlib.suppress(Exception):
                await transport.close()

    def _lost(self, _: object) -> None:
        """The transport has ended: all connections are gone, though no controller is left to say so."""
        if self._transport is None:
            return
        logger.warning("Bluetooth adapter at %s is gone", self.name)
        self._transport = self._device = None
        self._scanners.clear()
        for client in list(self.clients):
            client.connection_lost(0)

    async def add_scanner(self, scanner: BumbleScanner) -> None:
        """HCI knows scanning or not: the first scanner switches it on."""
        device = self.device
        self._scanners.append(scanner)
        try:
            if len(self._scanners) == 1:
                await apart(device.start_scanning(active=True, filter_duplicates=False))
        except BaseException:
            await self.remove_scanner(scanner)
            raise

    async def remove_scanner(self, scanner: BumbleScanner) -> None:
        if scanner in self._scanners:
            self._scanners.remove(scanner)
            if not self._scanners and self._device is not None:
                await apart(self._device.stop_scanning())

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        for scanner in list(self._scanners):
            scanner.on_advertisement(advertisement)


def _why_not_opened(transport: str, e: Exception) -> str:
    kind = transport.partition(":")[0]
    if isinstance(e, ConnectionRefusedError):
        return f"no Bluetooth adapter listens at {transport}; start it (the simulated sensors), or check the port"
    if isinstance(e, ValueError):
        return f"{transport!r} is not a Bluetooth transport; write it like tcp-client:127.0.0.1:9100 or usb:0"
    if kind in ("usb", "pyusb"):
        return f"the Bluetooth dongle {transport} cannot be opened ({e}); plug it in, or check that you may use it"
    return f"the Bluetooth adapter at {transport} cannot be opened ({e}); check the address"
