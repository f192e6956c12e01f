"""A virtual Bluetooth controller that behaves like a real one where bumble's does not.

Corrected against bumble 0.0.236: connecting can be cancelled, a reset forgets the links, buffers are given back when a
packet has been delivered and not when it was accepted, 251-byte packets, disconnection and parameter updates take effect
when the peer has heard of them, the peripheral is told the true connection parameters, scan responses and signal strength.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bumble import hci, ll
from bumble.controller import Connection, Controller

if TYPE_CHECKING:
    from firmware_sim.radio import RadioLink

_Report = hci.HCI_LE_Extended_Advertising_Report_Event
_Kind = hci.HCI_LE_Extended_Advertising_Report_Event.EventType
_ADVERTISING = _Kind.CONNECTABLE_ADVERTISING | _Kind.SCANNABLE_ADVERTISING | _Kind.LEGACY_ADVERTISING_PDU_USED
_RESPONSE = _ADVERTISING | _Kind.SCAN_RESPONSE


class RadioController(Controller):
    """Controller on a `RadioLink`. `interval_ms` imposes a connection interval on every connection that it makes,
    whatever its host asks for, as operating systems do; None takes the host's."""

    # 27 in bumble: a 200-byte notification would cross HCI in 8 pieces (74 % of a core at 7 x 200 Hz, against 22 %).
    le_acl_data_packet_length = 251
    total_num_le_acl_data_packets = 16
    supported_max_tx_octets = 251
    supported_max_rx_octets = 251
    suggested_max_tx_octets = 251

    def __init__(self, name: str, link: RadioLink, interval_ms: float | None = None) -> None:
        super().__init__(name, link=link)
        self.radio = link
        self._interval_ms = interval_ms
        self._fed_packets = 0
        self._connect_ind: ll.ConnectInd | None = None

    # Links

    @property
    def is_listening(self) -> bool:
        """Scanning or about to connect."""
        return self.le_scan_enable or self.pending_le_connection is not None

    def on_hci_acl_data_packet(self, packet: hci.HCI_AclDataPacket) -> None:
        connection = self.find_connection_by_handle(packet.connection_handle)
        if connection is not None:
            self._fed_packets += 1
            connection.assembler.feed_packet(packet)

    def take_fed_packets(self, peer: hci.Address) -> int:
        """HCI packets that make up the PDU just assembled for `peer`."""
        fed, self._fed_packets = self._fed_packets, 0
        return fed

    def report_completed(self, connection: Connection, packets: int) -> None:
        """Give the host its buffers back."""
        self.send_hci_packet(
            hci.HCI_Number_Of_Completed_Packets_Event(
                connection_handles=[connection.handle], num_completed_packets=[packets]
            )
        )

    def on_le_connect_ind(self, packet: ll.ConnectInd) -> None:
        self._connect_ind = packet
        super().on_le_connect_ind(packet)
        self._connect_ind = None

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        ind = self._connect_ind
        if ind is not None and isinstance(packet, hci.HCI_LE_Connection_Complete_Event):
            packet = hci.HCI_LE_Connection_Complete_Event(
                status=packet.status,
                connection_handle=packet.connection_handle,
                role=packet.role,
                peer_address_type=packet.peer_address_type,
                peer_address=packet.peer_address,
                connection_interval=ind.interval,
                peripheral_latency=ind.latency,
                supervision_timeout=ind.timeout,
                central_clock_accuracy=packet.central_clock_accuracy,
            )
        super().send_hci_packet(packet)

    def on_hci_le_create_connection_command(self, command: hci.HCI_LE_Create_Connection_Command) -> None:
        if self._interval_ms is not None:
            command.connection_interval_min = command.connection_interval_max = round(self._interval_ms / 1.25)
        super().on_hci_le_create_connection_command(command)

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        pending = self.pending_le_connection
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        self.send_hci_packet(
            hci.HCI_LE_Connection_Complete_Event(
                status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
                connection_handle=0,
                role=hci.Role.CENTRAL,
                peer_address_type=pending.peer_address.address_type,
                peer_address=pending.peer_address,
                connection_interval=0,
                peripheral_latency=0,
                supervision_timeout=0,
                central_clock_accuracy=0,
            )
        )
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)

    def on_hci_disconnect_command(self, command: hci.HCI_Disconnect_Command) -> None:
        connection = self.find_le_connection_by_handle(command.connection_handle)
        if connection is None:
            self._send_hci_command_status(hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR, command.op_code)
            return
        self._send_hci_command_status(hci.HCI_COMMAND_STATUS_PENDING, command.op_code)
        self.radio.terminate(self, connection.peer_address, command.reason)

    def on_hci_le_connection_update_command(self, command: hci.HCI_LE_Connection_Update_Command) -> None:
        connection = self.find_le_connection_by_handle(command.connection_handle)
        if connection is None:
            self._send_hci_command_status(hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR, command.op_code)
            return
        self._send_hci_command_status(hci.HCI_COMMAND_STATUS_PENDING, command.op_code)
        update = ll.ConnectionUpdateInd(
            interval=command.connection_interval_max, latency=command.max_latency, timeout=command.supervision_timeout
        )

        def in_force() -> None:
            self.send_hci_packet(
                hci.HCI_LE_Connection_Update_Complete_Event(
                    status=hci.HCI_ErrorCode.SUCCESS,
                    connection_handle=connection.handle,
                    connection_interval=update.interval,
                    peripheral_latency=update.latency,
                    supervision_timeout=update.timeout,
                )
            )

        self.radio.update_parameters(self, connection.peer_address, update, in_force)

    def on_hci_read_rssi_command(self, command: hci.HCI_Command) -> hci.HCI_Read_RSSI_ReturnParameters:
        assert isinstance(command, hci.HCI_Read_RSSI_Command)
        handle: int = command.handle  # pyright: ignore[reportAttributeAccessIssue]
        connection = self.find_le_connection_by_handle(handle)
        if connection is None:
            unknown = hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR
            return hci.HCI_Read_RSSI_ReturnParameters(status=unknown, handle=handle, rssi=127)
        return hci.HCI_Read_RSSI_ReturnParameters(
            status=hci.HCI_ErrorCode.SUCCESS,
            handle=handle,
            rssi=self.radio.rssi_dbm(connection.self_address, connection.peer_address),
        )

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        self.switch_off()
        return super().on_hci_reset_command(_command)

    def switch_off(self) -> None:
        """Forget links, advertising, scanning and connecting, as at a power loss: peers find out by supervision."""
        self.radio.power_loss(self)
        self.pending_le_connection = None
        self.le_scan_enable = False
        self._fed_packets = 0
        self.le_legacy_advertiser.stop()
        for advertising_set in self.advertising_sets.values():
            advertising_set.stop()
        self.advertising_sets.clear()

    # Advertising

    def scan_response_of(self, advertiser: hci.Address) -> bytes:
        """What this controller answers when asked about one of its advertising addresses."""
        for advertising_set in self.advertising_sets.values():
            if advertising_set.enabled and advertising_set.address == advertiser:
                return bytes(advertising_set.scan_response_data)
        return self.le_legacy_advertiser.scan_response_data

    def on_advertisement(self, pdu: ll.AdvInd | ll.AdvExtInd, response: bytes, rssi_dbm: int) -> None:
        """An advertising packet was heard: reported when scanning, answered when a connection to it is wanted."""
        if self.le_scan_enable:
            self._report_advertising(pdu, _ADVERTISING, pdu.data, rssi_dbm)
            self._report_advertising(pdu, _RESPONSE, response, rssi_dbm)
        pending = self.pending_le_connection
        if pending is not None and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)

    def _report_advertising(self, pdu: ll.AdvInd | ll.AdvExtInd, kind: int, data: bytes, rssi_dbm: int) -> None:
        report = _Report.Report(
            event_type=kind,
            address_type=pdu.advertiser_address.address_type,
            address=pdu.advertiser_address,
            primary_phy=hci.Phy.LE_1M,
            secondary_phy=hci.Phy.LE_1M,
            advertising_sid=0,
            tx_power=0,
            rssi=rssi_dbm,
            periodic_advertising_interval=0,
            direct_address_type=0,
            direct_address=hci.Address.ANY,
            data=data,
        )
        self.send_hci_packet(_Report([report]))
