"""One connection as bleak shows it: discovery, reading, writing, notifications, and its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError
from bumble import att, core
from bumble.device import Connection, ConnectionParametersPreferences, Device, Peer
from bumble.hci import Address, HCI_LE_Create_Connection_Cancel_Command, Phy

from imu.ble.bumble_backend.scanner import uuid_text
from imu.ble.bumble_backend.waiting import drop, result_of

if TYPE_CHECKING:
    from imu.ble.bumble_backend.adapter import BumbleAdapter

try:
    from bleak.exc import BleakGATTProtocolError
except ImportError:  # bleak before 3.0
    BleakGATTProtocolError = None

logger = logging.getLogger(__name__)

T = TypeVar("T")

SUPERVISION_MS = 4000
DISCONNECT_S = 5.0


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
        return result_of(connecting)

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
            drop(task)
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
            drop(task)

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


async def _stop_initiating(device: Device, connecting: asyncio.Future[Connection]) -> None:
    """Or the controller goes on, and refuses the next connection."""
    with contextlib.suppress(core.BaseBumbleError, asyncio.CancelledError):
        await device.send_sync_command(HCI_LE_Create_Connection_Cancel_Command())
    await asyncio.wait({connecting}, timeout=1.0)
    if connecting.done() and not connecting.cancelled() and connecting.exception() is None:
        with contextlib.suppress(core.BaseBumbleError, asyncio.CancelledError):
            await connecting.result().disconnect()
    drop(connecting)
