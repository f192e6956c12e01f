"""The client's Bluetooth adapter: one virtual controller, offered as HCI over loopback TCP."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser

from firmware_sim.controller import RadioController

logger = logging.getLogger(__name__)


PATIENCE_S: Final = 0.5
"""How long a second client waits for the first to go: when a program is restarted, both come at about the same time."""


class AdapterPort:
    """Serves one client at a time, as one adapter has one host.

    When the client goes away, however it ends, the adapter is reset: its links are silent from then on and the sensors
    find out by supervision, as when a USB dongle is pulled.
    """

    def __init__(self, controller: RadioController) -> None:
        self._controller = controller
        self._server: asyncio.Server | None = None
        self._client: _Client | None = None
        self._clients: list[_Client] = []
        """In order of arrival, the one that is served first."""

    async def listen(self, host: str, port: int) -> int:
        """The port that it listens on; 0 asks for a free one. `OSError` if it cannot be had."""
        self._server = await asyncio.get_running_loop().create_server(lambda: _Client(self), host, port)
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Hang up and listen no more."""
        if self._server is not None:
            self._server.close()
        for client in tuple(self._clients):
            client.hang_up()

    def came(self, client: _Client) -> None:
        """It is served now, or waits a moment."""
        self._clients.append(client)
        if self._client is None:
            self._serve(client)
        else:
            client.wait()
            asyncio.get_running_loop().call_later(PATIENCE_S, self._refuse, client)

    def went(self, client: _Client) -> None:
        """It has gone; who waits is next."""
        self._clients.remove(client)
        if self._client is client:
            self._client = self._controller.host = None
            self._controller.switch_off()
            if self._clients:
                self._serve(self._clients[0])

    def on_packet(self, packet: bytes) -> None:
        """From the client's host to the controller."""
        self._controller.on_packet(packet)

    def _serve(self, client: _Client) -> None:
        self._client = client
        self._controller.host = client
        client.go_on()

    def _refuse(self, client: _Client) -> None:
        if client in self._clients and client is not self._client:
            logger.warning("a second program asked for the adapter and was refused")
            client.hang_up()


class _Client(asyncio.Protocol):
    """One TCP connection; a packet sink for the controller."""

    def __init__(self, port: AdapterPort) -> None:
        self._port = port
        self._parser = PacketParser(port)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._port.came(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except InvalidPacketError as error:
            logger.warning("what came in is not HCI (%s); hung up", error)
            self.hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._port.went(self)

    def on_packet(self, packet: bytes) -> None:
        """From the controller to the client."""
        if self._transport is not None:
            self._transport.write(packet)

    def wait(self) -> None:
        """What it sends is read later."""
        if self._transport is not None:
            self._transport.pause_reading()

    def go_on(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()
