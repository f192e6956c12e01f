"""The air between virtual Bluetooth controllers.

bumble's `LocalLink` delivers at once: no air time, no connection events, no loss, no supervision. Streaming code that
works on it has been shown nothing. This link models what a client notices of a radio:

- connection events on each link's own grid: interval from the connection parameters, a new random phase per connection;
- at most `PACKETS_PER_EVENT` packets per event and direction, and one antenna: links share the air time;
- packet errors from a seeded two-state channel. An error ends the event and the packet is sent again in the next one:
  on a live link nothing is ever lost, it is late and comes in bursts;
- link-layer control (terminate, parameter update, encryption) travels in the same events;
- completion is reported to the sender's host when a packet has been delivered, so firmware sees its queue fill;
- silence for the supervision timeout ends the link on both sides with reason 0x08, also when nobody was sending.

Simplified: a damaged empty packet (a tenth as long as one with data) is neglected, and a packet counts as completed when
it is received, not when the acknowledgement has come back. All times are those of the running event loop.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from bumble import core, hci, ll
from bumble import link as bumble_link
from bumble.controller import Controller

from firmware_sim.air import (
    INTERVAL_UNIT_S,
    LL_PAYLOAD,
    PACKETS_PER_EVENT,
    TIMEOUT_UNIT_S,
    AirLink,
    Channel,
    Pdu,
    RadioConditions,
    RadioCounts,
    Side,
    address_text,
    packet_air_s,
    pair_key,
)
from firmware_sim.controller import RadioController

logger = logging.getLogger(__name__)

EVENTS_TO_ESTABLISH = 6
"""A connection whose first six events bring nothing has failed to be established (reason 0x3E)."""
CONTROL_BYTES = 24


class RadioLink(bumble_link.LocalLink):
    """The air. Faults are given by address (`"C4:...:01"`): `block` and `unblock` (out of range), `power_loss`."""

    controllers: set[RadioController]  # pyright: ignore[reportIncompatibleVariableOverride]

    def __init__(self, conditions: RadioConditions | None = None, seed: int = 0) -> None:
        super().__init__()
        self.conditions = conditions if conditions is not None else RadioConditions()
        self.counts = RadioCounts()
        self._seed = seed
        self._rng = random.Random(f"air {seed}")
        self._links: dict[frozenset[str], AirLink] = {}
        self._blocked: set[str] = set()
        self._air_free_s = 0.0

    # Faults

    def block(self, address: str) -> None:
        """Out of range: nothing is heard from this address, advertising neither; its links time out."""
        self._blocked.add(address.upper())
        for link in list(self._links.values()):
            if self._is_silent(link):
                self._supervise(link)

    def unblock(self, address: str) -> None:
        """Back in range; links that have not timed out go on with the next connection event."""
        self._blocked.discard(address.upper())
        for link in self._links.values():
            timer = link.supervision
            heard_in_time = timer is not None and link.next_event_s(_now_s()) < timer.when()
            if timer is not None and heard_in_time and not self._is_silent(link):
                timer.cancel()
                link.supervision = None

    def power_loss(self, controller: RadioController) -> None:
        """The controller forgets its links without a word; the other sides find out by supervision."""
        controller.le_connections.clear()
        for link in list(self._links.values()):
            if controller in (link.central.controller, link.peripheral.controller):
                link.side_of(controller).queue.clear()
                self._supervise(link)

    # Advertising

    def send_advertising_pdu(self, sender_controller: Controller, packet: ll.AdvertisingPdu) -> None:
        assert isinstance(sender_controller, RadioController)
        if isinstance(packet, ll.ConnectInd):
            self._connect(sender_controller, packet)
        elif isinstance(packet, ll.AdvInd | ll.AdvExtInd):
            sender = packet.advertiser_address
            if self._is_blocked(sender):
                return
            response = sender_controller.scan_response_of(sender)
            for controller in self.controllers:
                if controller is sender_controller or not controller.is_listening:
                    continue
                if not self._is_blocked(controller.random_address) and self._rng.random() >= self.conditions.per:
                    rssi_dbm = self.rssi_dbm(controller.random_address, sender)
                    _loop().call_soon(controller.on_advertisement, packet, response, rssi_dbm)

    def rssi_dbm(self, one: hci.Address, other: hci.Address) -> int:
        """Signal strength between two addresses: a level of the pair's own and a few dB of fading."""
        level = random.Random(f"rssi {self._seed} {sorted((address_text(one), address_text(other)))}").uniform(-72.0, -52.0)
        return round(level + self._rng.gauss(0.0, 2.0))

    def _connect(self, central: RadioController, ind: ll.ConnectInd) -> None:
        interval_s, timeout_s = ind.interval * INTERVAL_UNIT_S, ind.timeout * TIMEOUT_UNIT_S
        here = central.le_connections[ind.advertiser_address]
        peripheral = self.find_le_controller(ind.advertiser_address)
        there = None
        if isinstance(peripheral, RadioController) and not self._is_blocked(ind.advertiser_address):
            peripheral.on_le_connect_ind(ind)
            there = peripheral.le_connections.get(ind.initiator_address)
        if there is None or not isinstance(peripheral, RadioController):
            side = Side(central, here)
            reason = hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR
            _loop().call_later(EVENTS_TO_ESTABLISH * interval_s, side.end, reason)
            return
        now_s = _now_s()
        key = pair_key(ind.initiator_address, ind.advertiser_address)
        if (stale := self._links.get(key)) is not None:
            self._end(stale, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)
        rng = random.Random(f"{self._seed} {address_text(ind.advertiser_address)} {self._rng.random()}")
        self._links[key] = AirLink(
            central=Side(central, here),
            peripheral=Side(peripheral, there),
            interval_s=interval_s,
            latency=ind.latency,
            timeout_s=timeout_s,
            anchor_s=now_s + rng.random() * interval_s,
            born_s=now_s,
            channel=Channel(self.conditions, rng, now_s),
        )

    # Sending

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: core.PhysicalTransport,
        data: bytes,
    ) -> None:
        assert isinstance(sender_controller, RadioController)
        if transport != core.PhysicalTransport.LE:
            raise ValueError("this radio speaks Bluetooth Low Energy only")
        hci_packets = sender_controller.take_fed_packets(destination_address)
        connection = sender_controller.le_connections.get(destination_address)
        if connection is None:
            return
        fragments = max(1, -(-len(data) // LL_PAYLOAD))
        pdu = Pdu(data, fragments, min(len(data), LL_PAYLOAD), hci_packets)
        self._queue(connection.self_address, destination_address, pdu)

    def send_ll_control_pdu(
        self, sender_address: hci.Address, receiver_address: hci.Address, packet: ll.ControlPdu
    ) -> None:
        self._queue(sender_address, receiver_address, Pdu(packet, 1, CONTROL_BYTES))

    def terminate(self, controller: RadioController, peer: hci.Address, reason: int) -> None:
        """Disconnect in an orderly way: both hosts hear of it when the peer has received the request."""
        connection = controller.le_connections[peer]
        link = self._links.get(pair_key(connection.self_address, peer))
        if link is None:
            Side(controller, connection).end(hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR)
        elif link.terminating is None:
            side = link.terminating = link.side_of(controller)
            # Ahead of data that has not been started: terminating does not wait for the queue to drain.
            side.queue.appendleft(Pdu(ll.TerminateInd(reason), 1, CONTROL_BYTES))
            self._arm(link)

    def update_parameters(
        self, controller: RadioController, peer: hci.Address, update: ll.ConnectionUpdateInd, then: Callable[[], None]
    ) -> None:
        """New interval, latency and timeout, in force (`then`) once the peer has received them."""
        connection = controller.le_connections[peer]
        link = self._links.get(pair_key(connection.self_address, peer))
        if link is None:
            return

        def apply() -> None:
            link.interval_s = update.interval * INTERVAL_UNIT_S
            link.latency = update.latency
            link.timeout_s = update.timeout * TIMEOUT_UNIT_S
            link.anchor_s = _now_s() + self._rng.random() * link.interval_s
            then()

        self._queue(connection.self_address, peer, Pdu(update, 1, CONTROL_BYTES, then=apply))

    def _queue(self, sender: hci.Address, receiver: hci.Address, pdu: Pdu) -> None:
        link = self._links.get(pair_key(sender, receiver))
        if link is None:
            logger.debug("no link from %s to %s: %s dropped", sender, receiver, pdu)
            return
        side = link.central if link.central.address == sender else link.peripheral
        side.queue.append(pdu)
        self._arm(link)

    # Connection events

    def _arm(self, link: AirLink) -> None:
        if link.event is None and (link.central.queue or link.peripheral.queue):
            link.event = _loop().call_at(link.next_event_s(_now_s()), self._event, link)

    def _event(self, link: AirLink) -> None:
        """One connection event: central and peripheral send in turn until neither has more, or a packet is damaged."""
        link.event = None
        now_s = _now_s()
        end_s = now_s + link.interval_s
        t_s = max(now_s, self._air_free_s)
        if t_s >= end_s:  # the antenna is busy with other links for the whole interval
            self.counts.missed_events += 1
            self._arm(link)
            return
        heard = False
        silent = self._is_silent(link)
        for _ in range(PACKETS_PER_EVENT):
            down = link.central.queue[0] if link.central.queue else None
            up = link.peripheral.queue[0] if link.peripheral.queue else None
            if down is None and up is None:
                break
            air_s = sum(packet_air_s(pdu.bytes_per_fragment if pdu else 0) for pdu in (down, up))
            if heard and t_s + air_s > end_s:
                break
            t_s += air_s
            if silent or (down is not None and link.channel.loses(t_s)):
                self.counts.retransmitted += 1
                break
            if down is not None:
                self._sent(link, link.central, down)
            if up is not None and link.channel.loses(t_s):
                self.counts.retransmitted += 1
                break
            heard = True
            if up is not None and link.peripheral.queue and link.peripheral.queue[0] is up:
                self._sent(link, link.peripheral, up)
            if self._links.get(link.key) is not link:
                self._air_free_s = t_s
                return  # terminated
        self._air_free_s = t_s
        if heard and link.supervision is not None:
            link.supervision.cancel()
            link.supervision = None
        elif not heard:
            self._supervise(link, events_missed=1)
        self._arm(link)

    def _sent(self, link: AirLink, sender: Side, pdu: Pdu) -> None:
        """One link-layer packet of a PDU has been received; the last one delivers it."""
        pdu.fragments -= 1
        if pdu.fragments:
            return
        sender.queue.remove(pdu)
        self.counts.delivered += 1
        receiver = link.other(sender)
        if isinstance(pdu.payload, bytes):
            # The sender first: its stamp must not wait until a client in another process has been served.
            if pdu.hci_packets and sender.alive:
                sender.controller.report_completed(sender.connection, pdu.hci_packets)
            receiver.controller.on_link_acl_data(sender.address, core.PhysicalTransport.LE, pdu.payload)
        elif isinstance(pdu.payload, ll.TerminateInd):
            self._end(link, pdu.payload.error_code)
        else:
            receiver.controller.on_ll_control_pdu(sender.address, pdu.payload)
        if pdu.then is not None:
            pdu.then()

    # Supervision

    def _supervise(self, link: AirLink, events_missed: int = 0) -> None:
        """Start the supervision timer, if it does not run, at the last event in which the peer was heard."""
        if link.supervision is None:
            last_heard_s = link.next_event_s(_now_s()) - (1 + events_missed) * link.interval_s
            link.supervision = _loop().call_at(max(link.born_s, last_heard_s) + link.timeout_s, self._timeout, link)

    def _timeout(self, link: AirLink) -> None:
        self.counts.timeouts += 1
        self._end(link, hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR)

    def _end(self, link: AirLink, reason: int) -> None:
        link.cancel_timers()
        self._links.pop(link.key, None)
        for side in link.sides:
            local = hci.HCI_ErrorCode.CONNECTION_TERMINATED_BY_LOCAL_HOST_ERROR
            side.end(local if link.terminating is side else reason)

    def _is_silent(self, link: AirLink) -> bool:
        """One end is out of range, or has forgotten the link."""
        return any(self._is_blocked(side.address) or not side.alive for side in link.sides)

    def _is_blocked(self, address: hci.Address) -> bool:
        return address_text(address) in self._blocked


def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
