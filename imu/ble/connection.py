"""One connection to one sensor of protocol v1, from connecting to its end. A new one is made for every attempt: bleak's
clients come back unreliably on Windows."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from time import perf_counter_ns

from bleak import BleakClient
from bleak.exc import BleakError

from imu.ble.adapter import Adapter, link_errors
from imu.ble.discovery import FoundSensor
from imu.ble.profiles import v1
from imu.ble.profiles.v1_sync import Ping
from imu.errors import LinkError, ProtocolError

logger = logging.getLogger(__name__)

CONNECT_S = 10.0
ANSWER_S = 5.0
CLOSE_S = 1.0

OnData = Callable[[bytes, int], None]
"""(notification bytes, host arrival in ns)"""


class SensorConnection:
    """Use `open`; then `configure`, `stream`, wait for `ended`, `close`."""

    def __init__(self, adapter: Adapter, found: FoundSensor) -> None:
        self.found = found
        self.info: v1.Info
        self.config: v1.Config
        self.info_bytes = self.config_bytes = b""
        self.battery_percent = found.battery_percent
        self.ended = asyncio.Event()
        self._adapter = adapter
        self._client: BleakClient | None = None
        self._tag = self._pings = 0
        self._on_sync: OnData | None = None
        self._answers: dict[int, asyncio.Future[v1.Response]] = {}

    @classmethod
    async def open(cls, adapter: Adapter, found: FoundSensor) -> SensorConnection:
        """Connect and read who it is.

        Raises
        ------
        LinkError
            It cannot be reached, or went away meanwhile.
        ProtocolError
            It speaks another version or answers nonsense.
        """
        connection = cls(adapter, found)
        try:
            with link_errors(f"sensor {found.serial} cannot be connected; bring it near and check its battery"):
                await connection._connect()
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _connect(self) -> None:
        client = self._adapter.make_client(self.found.device, self._on_disconnected, CONNECT_S)
        self._client = client
        async with self._adapter.connect_lock:
            await self._adapter.open()
            async with asyncio.timeout(CONNECT_S + 1.0):
                await client.connect()
        async with asyncio.timeout(CONNECT_S):
            self.info_bytes = bytes(await client.read_gatt_char(v1.INFO))
            self.info = v1.Info.from_bytes(self.info_bytes)
            self.config_bytes = bytes(await client.read_gatt_char(v1.CONFIG))
            self.config = v1.Config.from_bytes(self.config_bytes)
            with contextlib.suppress(BleakError):  # not every sensor has it
                self.battery_percent = (await client.read_gatt_char(v1.BATTERY_LEVEL))[0]
            await client.start_notify(v1.CONTROL, self._on_answer)

    async def configure(self, config: v1.Config) -> None:
        """SET_CONFIG; afterwards `config` is what the sensor has in force."""
        self.config_bytes = await self.request(v1.Op.SET_CONFIG, bytes(config))
        self.config = v1.Config.from_bytes(self.config_bytes)

    async def stream(self, on_data: OnData, on_status: Callable[[v1.StatusReport], None], on_sync: OnData) -> None:
        """Subscribe, then START: what comes before the sensor knows of the subscription would be lost.

        `on_sync` gets the pings as they are sent and their answers as they arrive, if the sensor answers pings.
        """

        def data_came(_: object, data: bytearray) -> None:
            t_host_ns = perf_counter_ns()
            on_data(bytes(data), t_host_ns)

        def answer_came(_: object, data: bytearray) -> None:
            t_host_ns = perf_counter_ns()
            on_sync(bytes(data), t_host_ns)

        def status_came(_: object, data: bytearray) -> None:
            try:
                on_status(v1.StatusReport.from_bytes(bytes(data)))
            except ProtocolError as e:
                logger.warning("sensor %s: %s", self.found.serial, e)

        await self._subscribe(v1.STATUS, status_came)
        await self._subscribe(v1.DATA, data_came)
        self._on_sync = None
        if self._require().services.get_characteristic(v1.SYNC) is not None:
            await self._subscribe(v1.SYNC, answer_came)
            self._on_sync = on_sync
        await self.request(v1.Op.START)

    async def ping(self) -> bool:
        """Ask for the sensor's clock; the answer comes by itself. False if it does not answer pings.

        Raises
        ------
        LinkError
            The sensor has gone.
        """
        if self._on_sync is None:
            return False
        client = self._require()
        self._pings += 1
        ping = bytes(Ping(self._pings))
        with link_errors(f"sensor {self.found.serial} cannot be pinged"):
            self._on_sync(ping, perf_counter_ns())
            await client.write_gatt_char(v1.SYNC, ping, response=False)
        return True

    async def request(self, op: v1.Op, args: bytes = b"") -> bytes:
        """Ask on CONTROL and wait for the answer with the same tag; its data.

        Raises
        ------
        LinkError
            No answer, or the sensor refuses.
        """
        client = self._require()
        self._tag = self._tag % 255 + 1
        tag = self._tag
        answer: asyncio.Future[v1.Response] = asyncio.get_running_loop().create_future()
        self._answers[tag] = answer
        serial = self.found.serial
        try:
            with link_errors(f"sensor {serial} does not answer {op.name}"):
                async with asyncio.timeout(ANSWER_S):
                    await client.write_gatt_char(v1.CONTROL, bytes(v1.Request(op, tag, args)), response=True)
                    response = await answer
        finally:
            self._answers.pop(tag, None)
        if response.result != v1.Result.OK:
            raise LinkError(f"sensor {serial} refuses {op.name}: {response.result.name.lower().replace('_', ' ')}")
        return response.data

    async def close(self) -> None:
        """Stop and disconnect, as far as the sensor still listens."""
        client = self._client
        if client is None:
            return
        if client.is_connected and not self.ended.is_set():
            with contextlib.suppress(LinkError, TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self.request(v1.Op.STOP)
        with contextlib.suppress(BleakError, OSError, EOFError):
            await client.disconnect()
        self._on_disconnected(client)

    async def _subscribe(self, uuid: str, callback: Callable[[object, bytearray], None]) -> None:
        client = self._require()
        with link_errors(f"sensor {self.found.serial} cannot be listened to"):
            async with asyncio.timeout(ANSWER_S):
                if self._adapter.acquires_notifications:
                    try:
                        await client.start_notify(uuid, callback, bluez={"use_start_notify": False})
                        return
                    except BleakError as e:
                        logger.debug("sensor %s: %s; falling back", self.found.serial, e)
                await client.start_notify(uuid, callback)

    def _require(self) -> BleakClient:
        if self._client is None or self.ended.is_set():
            raise LinkError(f"sensor {self.found.serial} is not connected")
        return self._client

    def _on_answer(self, _: object, data: bytearray) -> None:
        try:
            response = v1.Response.from_bytes(bytes(data))
        except ProtocolError as e:
            logger.warning("sensor %s: %s", self.found.serial, e)
            return
        answer = self._answers.get(response.tag)
        if answer is not None and not answer.done():
            answer.set_result(response)

    def _on_disconnected(self, _: BleakClient) -> None:
        self.ended.set()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(LinkError(f"sensor {self.found.serial} has disconnected"))
