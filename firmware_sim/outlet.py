"""Notifications of one characteristic over one connection, with word of when each has been sent."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from bumble import att
from bumble.device import Connection, Device
from bumble.gatt import Characteristic
from bumble.host import DataPacketQueue


class NotificationOutlet:
    """bumble tells that packets have been sent, not which; the order is kept, so counting says it.

    Parameters
    ----------
    device : Device
        The peripheral.
    connection : Connection
    characteristic : Characteristic
        The client must be subscribed: this does not ask again for every packet.
    """

    def __init__(self, device: Device, connection: Connection, characteristic: Characteristic[bytes]) -> None:
        self._device = device
        self._connection = connection
        self._characteristic = characteristic
        queue = device.host.get_data_packet_queue(connection.handle)
        if queue is None:
            raise ValueError(f"the connection 0x{connection.handle:04X} has gone")
        self._queue: DataPacketQueue = queue
        self._flying: deque[tuple[int, Callable[[], None]]] = deque()
        self._queue.on("flow", self._on_flow)

    def send(self, data: bytes, done: Callable[[], None]) -> None:
        """Hand over one notification; `done` is called when it has been sent.

        Raises
        ------
        ValueError
            It does not fit the MTU. bumble would cut it without a word; firmware stacks refuse it.
        """
        mtu = self._connection.att_mtu
        if len(data) > mtu - 3:
            raise ValueError(f"a notification of {len(data)} bytes does not fit MTU {mtu}, which holds {mtu - 3}")
        pdu = att.ATT_Handle_Value_Notification(attribute_handle=self._characteristic.handle, attribute_value=data)
        self._device.gatt_server.send_gatt_pdu(self._connection, bytes(pdu))
        self._flying.append((self._queue.queued, done))

    def close(self) -> None:
        """No more word of what is on its way."""
        self._queue.remove_listener("flow", self._on_flow)
        self._flying.clear()

    def _on_flow(self) -> None:
        while self._flying and self._flying[0][0] <= self._queue.completed:
            _, done = self._flying.popleft()
            done()
