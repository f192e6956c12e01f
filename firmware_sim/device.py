"""A simulated sensor: a GATT peripheral that speaks reference protocol v1."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from bumble import att
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic
from bumble.hci import Address
from bumble.host import Host

from firmware_sim.control import Control
from firmware_sim.controller import RadioController
from firmware_sim.gatt_table import GattTable
from firmware_sim.identity import Identity
from firmware_sim.outlet import NotificationOutlet
from firmware_sim.radio import RadioLink
from firmware_sim.script_clock import ScriptClock
from firmware_sim.stream import SampleSource, SampleStream, choose_samples
from firmware_sim.sync import answer_to
from firmware_sim.tasks import Tasks
from imu.ble.profiles import v1

MTU: Final = 247
"""Largest the firmware offers: one notification then is one link-layer packet."""
ADVERTISING_MS: Final = 60.0
STATUS_EVERY_S: Final = 1.0
PREFERRED_INTERVAL_MS: Final = (15.0, 30.0)
SUPERVISION_MS: Final = 4000.0
UPDATE_AFTER_S: Final = 2.0
"""After connecting, when the central's interval is not the preferred one (Windows begins with 60 ms)."""
FIRMWARE: Final = "1.0.0"
SECONDS_PER_PERCENT: Final = 360.0
"""Of the battery: 10 h from full to empty."""


class SensorDevice:
    """One sensor. `power_on` boots it: everything but the identity starts anew, `boot_id` is another one.

    Parameters
    ----------
    link : RadioLink
    identity : Identity
    make_source : callable
        True time of a boot, s -> the sensor's samples from then on.
    script : ScriptClock
        Told when streaming starts.
    loop_zero_s : float
        The event loop's time at true time 0.
    config : v1.Config
        Of every boot. The rate and ranges must be what the source gives; others are refused.
    features : v1.Feature
        What it can do beyond streaming: TX_DONE (stamps), SYNC (pings).
    """

    def __init__(
        self,
        link: RadioLink,
        identity: Identity,
        make_source: Callable[[float], SampleSource],
        script: ScriptClock,
        loop_zero_s: float,
        config: v1.Config,
        features: v1.Feature = v1.Feature.TX_DONE | v1.Feature.SYNC,
    ) -> None:
        self.identity = identity
        self.features = features
        self.boot_id = identity.boot_id
        self.connection: Connection | None = None
        self.outlet: NotificationOutlet | None = None
        self._link = link
        self._make_source = make_source
        self._script = script
        self._zero_s = loop_zero_s
        self._boot_config = config
        self.slot = identity.slot
        """Where it is worn; kept over a power loss, as in flash."""
        self._tasks = Tasks(identity.name)
        """They end with the connection."""
        self._lasting = Tasks(identity.name)
        """They end with the power."""
        self._controller: RadioController | None = None
        self._device: Device | None = None

    # Power

    @property
    def is_on(self) -> bool:
        return self._device is not None

    async def power_on(self) -> None:
        """Boot and advertise."""
        if self._device is not None:
            return
        self.boot_id = (self.boot_id + 1) & 0xFFFF
        self._booted_s = asyncio.get_running_loop().time() - self._zero_s
        source = self._make_source(self._booted_s)
        self.stream = SampleStream(source, self._script, self._zero_s, stamps=v1.Feature.TX_DONE in self.features)
        self.control = Control(self, self._boot_config, self.stream.source)
        config = DeviceConfiguration(
            name=v1.local_name(self.identity.serial),
            address=Address(self.identity.address),
            advertising_interval_min=ADVERTISING_MS,
            advertising_interval_max=ADVERTISING_MS,
            gap_service_enabled=False,  # a small table: discovery costs round trips of a connection interval each
            gatt_service_enabled=False,
            keystore=None,
        )
        host = Host()
        self._device = device = Device(config=config, host=host)
        device.gatt_server.max_mtu = MTU
        self._table = table = GattTable(
            self.identity.name,
            FIRMWARE,
            info=lambda: bytes(self.control.info),
            config=lambda: bytes(self.control.config),
            status=lambda: bytes(self.status()),
            battery=lambda: bytes([self.battery_percent]),
            on_control=self._on_control,
            on_sync=self._on_sync if v1.Feature.SYNC in self.features else None,
        )
        table.data.on(Characteristic.EVENT_SUBSCRIPTION, self._on_data_subscription)
        table.status.on(Characteristic.EVENT_SUBSCRIPTION, self._on_status_subscription)
        self._data_subscribed = self._status_subscribed = False
        device.add_services(table.services)
        device.on(Device.EVENT_CONNECTION, self._on_connection)
        self._controller = RadioController(self.identity.name, self._link)
        host.controller = self._controller
        await device.power_on()
        await self._advertise()

    async def power_off(self) -> None:
        """The battery falls out: nothing is said to anybody."""
        device, controller = self._device, self._controller
        if device is None or controller is None:
            return
        self._device = self._controller = None
        self._forget_connection()
        controller.switch_off()
        self._link.remove_controller(controller)
        await device.power_off()
        controller.host = None
        self._lasting.cancel()

    async def reboot(self, off_s: float = 0.5) -> None:
        """Power off and on again."""
        await self.power_off()
        await asyncio.sleep(off_s)
        await self.power_on()

    async def drop(self) -> None:
        """Firmware ends the connection, in an orderly way."""
        if self.connection is not None:
            await self.connection.disconnect()

    def after(self, delay_s: float, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do something to the whole sensor later, whatever becomes of the connection."""

        async def later() -> None:
            await asyncio.sleep(delay_s)
            await act()

        self._lasting.run(later())

    # Advertising

    async def _advertise(self) -> None:
        device = self._device
        if device is None:
            return
        await device.start_advertising(
            advertising_data=self.identity.advertising(self.slot, self.battery_percent),
            scan_response_data=self.identity.scan_response(),
        )

    # Connection

    def _on_connection(self, connection: Connection) -> None:
        self.connection = connection
        device = self._device
        assert device is not None
        connection.on(Connection.EVENT_DISCONNECTION, self._on_disconnection)
        connection.on(Connection.EVENT_CONNECTION_ATT_MTU_UPDATE, self._resize)
        connection.on(Connection.EVENT_CONNECTION_PARAMETERS_UPDATE, self._resize)
        self.outlet = NotificationOutlet(device, connection, self._table.data)
        if connection.parameters.connection_interval > PREFERRED_INTERVAL_MS[1]:
            self.ask_for_interval(*PREFERRED_INTERVAL_MS, after_s=UPDATE_AFTER_S)

    def _on_disconnection(self, _reason: int) -> None:
        self._forget_connection()
        if self._device is not None:
            self._lasting.run(self._advertise())

    def _forget_connection(self) -> None:
        """Streaming stops with the connection, and so do its notifications."""
        self.stream.stop()
        self.connection = None
        self._data_subscribed = self._status_subscribed = False
        if self.outlet is not None:
            self.outlet.close()
            self.outlet = None
        self._tasks.cancel()

    def ask_for_interval(self, shortest_ms: float, longest_ms: float, after_s: float = 0.0) -> None:
        """Ask the central for another connection interval; it decides."""
        connection = self.connection

        async def ask() -> None:
            await asyncio.sleep(after_s)
            if connection is not None:
                await connection.update_parameters(shortest_ms, longest_ms, 0, SUPERVISION_MS, use_l2cap=True)

        self._tasks.run(ask())

    # Services

    def _on_data_subscription(self, _bearer: object, notify: bool, _indicate: bool) -> None:
        self._data_subscribed = notify
        if not notify:
            self.stream.stop()

    def _on_status_subscription(self, _bearer: object, notify: bool, _indicate: bool) -> None:
        begins = notify and not self._status_subscribed
        self._status_subscribed = notify
        if begins and self.connection is not None:
            self._tasks.run(self._report_status(self.connection))

    async def _report_status(self, connection: Connection) -> None:
        percent = self.battery_percent
        while self._status_subscribed and self.connection is connection and (device := self._device) is not None:
            report = bytes(self.status())
            self.stream.queue_hwm = 0
            await device.gatt_server.notify_subscriber(connection, self._table.status, report[: connection.att_mtu - 3])
            if self.battery_percent != percent:
                percent = self.battery_percent
                await device.gatt_server.notify_subscriber(connection, self._table.battery, bytes([percent]))
            await asyncio.sleep(STATUS_EVERY_S)

    # Control

    def _on_control(self, connection: Connection, value: bytes) -> None:
        response = self.control.answer(value)
        if response is None:
            raise att.ATT_Error(att.ErrorCode.INVALID_ATTRIBUTE_LENGTH)
        self._tasks.run(self._indicate(connection, bytes(response)))

    async def _indicate(self, connection: Connection, response: bytes) -> None:
        if self._device is not None:
            await self._device.gatt_server.indicate_subscriber(connection, self._table.control, response)

    def _on_sync(self, connection: Connection, value: bytes) -> None:
        source, device, sync = self.stream.source, self._device, self._table.sync
        answer = answer_to(value, lambda: source.device_us(self.stream.true_now_s()))
        if answer is not None and device is not None and sync is not None:
            self._tasks.run(device.gatt_server.notify_subscriber(connection, sync, answer))

    def start_streaming(self, delay_s: float) -> bool:
        """False if nobody has subscribed to DATA."""
        connection, outlet = self.connection, self.outlet
        if connection is None or outlet is None or not self._data_subscribed:
            return False
        if not self.stream.running:
            from_s = self.stream.true_now_s() + delay_s
            self.stream.start(outlet, self._packet_size(connection), self.control.config.cfg_id, from_s)
            self._script.started(self.identity.name)
        return True

    def _packet_size(self, connection: Connection) -> int:
        config = self.control.config
        interval_ms = connection.parameters.connection_interval
        return choose_samples(config.odr_mhz / 1000.0, connection.att_mtu, config.lat_ms, interval_ms, config.n_samples)

    def _resize(self) -> None:
        if self.connection is not None and self.stream.running:
            self.stream.resize(self._packet_size(self.connection))

    # State

    @property
    def uptime_s(self) -> float:
        return asyncio.get_running_loop().time() - self._zero_s - self._booted_s

    @property
    def battery_percent(self) -> int:
        on_s = asyncio.get_running_loop().time() - self._zero_s
        return max(0, self.identity.battery_percent - int(on_s / SECONDS_PER_PERCENT))

    def status(self) -> v1.StatusReport:
        """STATUS as it is now."""
        connection = self.connection
        percent = self.battery_percent
        state = v1.State.STREAMING if self.stream.running else v1.State.CONNECTED if connection else v1.State.IDLE
        return v1.StatusReport(
            state=state,
            flags=v1.StatusFlag.LOW_BATTERY if percent < 15 else v1.StatusFlag(0),
            battery_mv=3500 + 7 * percent,
            battery_percent=percent,
            temperature_c=31.0,
            dropped=self.stream.dropped,
            queue_hwm=self.stream.queue_hwm,
            conn_int=round(connection.parameters.connection_interval / 1.25) if connection else 0,
            mtu=connection.att_mtu if connection else 23,
            phy=2,
            boot_id=self.boot_id,
            uptime_s=int(self.uptime_s),
        )
