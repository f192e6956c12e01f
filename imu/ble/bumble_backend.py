"""bleak on bumble: a third-party backend for `BleakScanner` and `BleakClient`, past the operating system's stack.

It drives virtual controllers, a USB dongle or any other HCI transport. The shipped client code above it is unmodified, so
what is tested without a radio is what runs with one. One `BumbleAdapter` is what hci0 is to BlueZ: scanners and clients
share it, and it makes one connection at a time, as HCI demands.

bleak promises no stable backend interface (2.0, 2.1.1, 3.0 and 3.1 all changed it): every keyword is passed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, TypeVar

from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bleak.uuids import normalize_uuid_str
from bumble import att, core
from bumble.core import AdvertisingData
from bumble.device import Advertisement, Connection, ConnectionParametersPreferences, Device, DeviceConfiguration, Peer
from bumble.hci import Address, HCI_LE_Create_Connection_Cancel_Command, Phy
from bumble.host import Host
from bumble.transport import open_transport
from bumble.transport.common import Transport

from imu.errors import LinkError

try:
    from bleak.exc import BleakGATTProtocolError
except ImportError:  # bleak before 3.0
    BleakGATTProtocolError = None

logger = logging.getLogger(__name__)

T = TypeVar("T")

MTU = 247
INTERVAL_MS = 15.0
SUPERVISION_MS = 4000
OPEN_S = 5.0
"""Longest time a controller may take to answer while it is opened."""
DISCONNECT_S = 5.0
_ADDRESS = "F0:00:00:00:00:01"
_SERVICE_LISTS = range(2, 8)  # advertising data types that list service UUIDs


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


class BumbleScanner(BaseBleakScanner):
    """`BleakScanner(backend=adapter.scanner_class)`."""

    adapter: ClassVar[BumbleAdapter]

    def __init__(
        self,
        detection_callback: Callable[[BLEDevice, AdvertisementData], None] | None,
        service_uuids: list[str] | None,
        scanning_mode: str = "active",
        **kwargs: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)

    async def start(self) -> None:
        self.seen_devices = {}
        await self.adapter.add_scanner(self)

    async def stop(self) -> None:
        await self.adapter.remove_scanner(self)

    def on_advertisement(self, advertisement: Advertisement) -> None:
        data = advertisement.data
        uuids = [uuid_text(uuid) for kind in _SERVICE_LISTS for uuids in data.get_all(kind) for uuid in uuids]  # pyright: ignore
        if not self.is_allowed_uuid(uuids):
            return
        name = data.get(AdvertisingData.Type.COMPLETE_LOCAL_NAME) or data.get(AdvertisingData.Type.SHORTENED_LOCAL_NAME)
        tx_power = data.get(AdvertisingData.Type.TX_POWER_LEVEL)
        address = advertisement.address.to_string(False)
        shown = AdvertisementData(
            local_name=str(name) if name else None,
            manufacturer_data={int(k): bytes(v) for k, v in data.get_all(AdvertisingData.Type.MANUFACTURER_SPECIFIC_DATA)},  # pyright: ignore
            service_data={},
            service_uuids=uuids,
            tx_power=tx_power if isinstance(tx_power, int) else None,
            rssi=advertisement.rssi,
            platform_data=(advertisement,),
        )
        details = {"address": advertisement.address}  # with its type, which the text does not tell
        device = self.create_or_update_device(address, address, shown.local_name, details, shown)
        self.call_detection_callbacks(device, shown)


class BumbleClient(BaseBleakClient):
    """`BleakClient(device, backend=adapter.client_class)`."""

    adapter: ClassVar[BumbleAdapter]

    def __init__(self, address_or_ble_device: BLEDevice | str, **kwargs: Any) -> None:
        kwargs.setdefault("timeout", 10.0)
        kwargs.setdefault("disconnected_callback", None)
        super().__init__(address_or_ble_device, **kwargs)
        if isinstance(address_or_ble_device, BLEDevice):
            self._peer_address: Address = address_or_ble_device.details["address"]
            self._name = address_or_ble_device.name
        else:
            self._peer_address, self._name = Address(address_or_ble_device, Address.RANDOM_DEVICE_ADDRESS), None
        self._connection: Connection | None = None
        self._gone: asyncio.Future[None] | None = None
        """Done when this connection has ended."""
        self._subscribed: dict[int, Callable[[bytes], None]] = {}

    @property
    def name(self) -> str:
        return self._name or self.address.replace(":", "-")

    @property
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection is not None else att.ATT_DEFAULT_MTU

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def connect(self, pair: bool = False, **kwargs: Any) -> None:
        """Connect, agree on the MTU and discover, all within the time-out."""
        if self._connection is not None:
            raise BleakError("already connected")
        adapter = self.adapter
        try:
            async with asyncio.timeout(kwargs.get("timeout", self._timeout)):
                async with adapter.connect_lock:
                    connection = await self._initiate(adapter.device)
                self._connection = connection
                self._gone = asyncio.get_running_loop().create_future()
                adapter.clients.add(self)
                connection.on(Connection.EVENT_DISCONNECTION, self.connection_lost)
                if pair:
                    await self.pair()
                peer = Peer(connection)
                await self._att(peer.request_mtu(adapter.mtu))
                self.services = await self._att(self._discover(peer))
        except TimeoutError as e:
            await self._abandon()
            raise BleakDeviceNotFoundError(self.address, f"device {self.address} was not found") from e
        except BaseException:
            await self._abandon()
            raise

    async def _initiate(self, device: Device) -> Connection:
        interval = self.adapter.interval_ms
        preferences = ConnectionParametersPreferences(
            connection_interval_min=interval,
            connection_interval_max=interval,
            max_latency=0,
            supervision_timeout=SUPERVISION_MS,
        )
        connecting = asyncio.ensure_future(
            device.connect(self._peer_address, timeout=None, connection_parameters_preferences={Phy.LE_1M: preferences})
        )
        try:
            await asyncio.wait({connecting})
        except asyncio.CancelledError:
            await asyncio.shield(_stop_initiating(device, connecting))
            raise
        return _result_of(connecting)

    async def _abandon(self) -> None:
        with contextlib.suppress(BleakError):
            await self.disconnect()

    async def disconnect(self) -> None:
        connection, gone = self._connection, self._gone
        if connection is None or gone is None:
            return
        task = asyncio.ensure_future(connection.disconnect())
        try:
            async with asyncio.timeout(DISCONNECT_S):
                await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            logger.warning("the controller does not confirm the disconnection of %s", self.address)
        finally:
            _drop(task)
            self.connection_lost(0)

    def connection_lost(self, _reason: int) -> None:
        """The link has ended, or the adapter has; tells the user once."""
        if self._connection is None:
            return
        self._connection.remove_listener(Connection.EVENT_DISCONNECTION, self.connection_lost)
        self._connection = None
        self.services = None
        self._subscribed.clear()
        self.adapter.clients.discard(self)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def pair(self, *args: Any, **kwargs: Any) -> None:
        if self._connection is None:
            raise BleakError("not connected")
        await self._att(self._connection.pair())

    async def unpair(self) -> None:
        await self.disconnect()

    async def _discover(self, peer: Peer) -> BleakGATTServiceCollection:
        found = BleakGATTServiceCollection()
        for service in await peer.discover_services():
            shown = BleakGATTService(service, service.handle, uuid_text(service.uuid))
            found.add_service(shown)
            for characteristic in await service.discover_characteristics():
                properties = list(gatt_char_props_to_strs(int(characteristic.properties)))
                handle, uuid = characteristic.handle, uuid_text(characteristic.uuid)
                of = BleakGATTCharacteristic(characteristic, handle, uuid, properties, lambda: self.mtu_size - 3, shown)
                found.add_characteristic(of)
                if "notify" in properties or "indicate" in properties:  # others have none that anybody asks for
                    for descriptor in await characteristic.discover_descriptors():
                        uuid = uuid_text(descriptor.type)
                        found.add_descriptor(BleakGATTDescriptor(descriptor, descriptor.handle, uuid, of))
        return found

    async def _att(self, operation: Coroutine[Any, Any, T]) -> T:
        """An operation on the link, ended by the link's death: bumble alone would leave its caller cancelled or waiting."""
        gone = self._gone
        if self._connection is None or gone is None:
            operation.close()
            raise BleakError("not connected")
        task = asyncio.ensure_future(operation)
        try:
            await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() or task.cancelled():
                raise BleakError("disconnected during an operation")
            return task.result()
        except att.ATT_Error as e:
            if BleakGATTProtocolError is not None:
                raise BleakGATTProtocolError(int(e.error_code)) from e
            raise BleakError(f"ATT error {int(e.error_code):#x}") from e
        except core.BaseBumbleError as e:
            raise BleakError(f"operation failed: {e}") from e
        finally:
            _drop(task)

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **kwargs: Any) -> bytearray:
        return bytearray(await self._att(characteristic.obj.read_value()))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **kwargs: Any) -> bytearray:
        return bytearray(await self._att(descriptor.obj.read_value()))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: Any, response: bool) -> None:
        await self._att(characteristic.obj.write_value(bytes(data), with_response=response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: Any) -> None:
        await self._att(descriptor.obj.write_value(bytes(data), with_response=True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: Callable[[bytearray], None], **kwargs: Any
    ) -> None:
        if characteristic.handle in self._subscribed:
            raise BleakError("notifications are enabled already")

        def on_value(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribed[characteristic.handle] = on_value
        try:
            await self._att(characteristic.obj.subscribe(on_value))
        except BaseException:
            self._subscribed.pop(characteristic.handle, None)
            raise

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        on_value = self._subscribed.pop(characteristic.handle, None)
        if on_value is None:
            raise BleakError("notifications are not enabled")
        await self._att(characteristic.obj.unsubscribe(on_value))


def uuid_text(uuid: core.UUID) -> str:
    """As bleak writes it: 128 bits, lower case."""
    return normalize_uuid_str(uuid.to_hex_str("-") if len(uuid.uuid_bytes) == 16 else uuid.to_hex_str())


async def apart(work: Coroutine[Any, Any, T], limit_s: float | None = None) -> T:
    """Do something of bumble's in a task of its own, with bumble's errors as bleak's.

    `asyncio.wait_for` of Python 3.11, which bumble uses, swallows a cancellation that comes together with the result:
    awaited directly, a time-out or a close could be lost and the caller would wait for ever.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=limit_s)
        if not task.done():
            raise BleakError(f"the Bluetooth adapter does not answer within {limit_s} s")
        return _result_of(task)
    finally:
        _drop(task)


def _result_of(task: asyncio.Future[T]) -> T:
    """Of a task of bumble's that is done."""
    if task.cancelled():  # what waits when the transport dies is ended by a cancellation
        raise BleakError("the Bluetooth adapter is gone")
    try:
        return task.result()
    except core.BaseBumbleError as e:
        raise BleakError(f"the Bluetooth adapter refuses: {e}") from e


async def _stop_initiating(device: Device, connecting: asyncio.Future[Connection]) -> None:
    """Or the controller goes on, and refuses the next connection."""
    with contextlib.suppress(core.BaseBumbleError, asyncio.CancelledError):
        await device.send_sync_command(HCI_LE_Create_Connection_Cancel_Command())
    await asyncio.wait({connecting}, timeout=1.0)
    if connecting.done() and not connecting.cancelled() and connecting.exception() is None:
        with contextlib.suppress(core.BaseBumbleError, asyncio.CancelledError):
            await connecting.result().disconnect()
    _drop(connecting)


def _drop(task: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more; its result, if it has one, has been looked at or does not matter."""
    if not task.done():
        task.cancel()
    task.add_done_callback(lambda t: t.cancelled() or t.exception())


def _why_not_opened(transport: str, e: Exception) -> str:
    kind = transport.partition(":")[0]
    if isinstance(e, ConnectionRefusedError):
        return f"no Bluetooth adapter listens at {transport}; start it (the simulated sensors), or check the port"
    if isinstance(e, ValueError):
        return f"{transport!r} is not a Bluetooth transport; write it like tcp-client:127.0.0.1:9100 or usb:0"
    if kind in ("usb", "pyusb"):
        return f"the Bluetooth dongle {transport} cannot be opened ({e}); plug it in, or check that you may use it"
    return f"the Bluetooth adapter at {transport} cannot be opened ({e}); check the address"
