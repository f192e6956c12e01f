"""The client's Bluetooth adapter: one virtual controller, offered as HCI over loopback TCP."""

from __future__ import annotations

import asyncio
import logging

from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser

from firmware_sim.controller import RadioController

logger = logging.getLogger(__name__)


class AdapterPort:
    """Serves one client at a time, as one adapter has one host.

    When the client goes away, however it ends, the adapter is reset: its links are silent from then on and the sensors
    find out by supervision, as when a USB dongle is pulled.
    """

    def __init__(self, controller: RadioController) -> None:
        self._controller = controller
        self._client: _Client | None = None
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> int:
        """The port that it listens on; 0 asks for a free one. `OSError` if it cannot be had."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Client(self), host, port)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Hang up and listen no more."""
        if self._server is not None:
            self._server.close()
        if self._client is not None and self._client.transport is not None:
            self._client.transport.abort()

    def begin(self, client: _Client) -> bool:
        """False: there is a client already."""
        if self._client is not None:
            logger.warning("a second program asked for the adapter and was refused")
            return False
        self._client = client
        self._controller.host = client
        return True

    def end(self, client: _Client) -> None:
        """The client has gone."""
        if self._client is client:
            self._client = self._controller.host = None
            self._controller.switch_off()

    def on_packet(self, packet: bytes) -> None:
        """From the client's host to the controller."""
        self._controller.on_packet(packet)


class _Client(asyncio.Protocol):
    """One TCP connection; a packet sink for the controller."""

    def __init__(self, port: AdapterPort) -> None:
        self.transport: asyncio.Transport | None = None
        self._port = port
        self._parser = PacketParser(port)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if not self._port.begin(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except InvalidPacketError as error:
            logger.warning("what came in is not HCI (%s); hung up", error)
            if self.transport is not None:
                self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._port.end(self)

    def on_packet(self, packet: bytes) -> None:
        """From the controller to the client."""
        if self.transport is not None:
            self.transport.write(packet)
