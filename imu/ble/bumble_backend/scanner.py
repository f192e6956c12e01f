"""Advertisements as bleak shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.uuids import normalize_uuid_str
from bumble import core
from bumble.core import AdvertisingData
from bumble.device import Advertisement

if TYPE_CHECKING:
    from imu.ble.bumble_backend.adapter import BumbleAdapter

_SERVICE_LISTS = range(2, 8)  # advertising data types that list service UUIDs


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


def uuid_text(uuid: core.UUID) -> str:
    """As bleak writes it: 128 bits, lower case."""
    return normalize_uuid_str(uuid.to_hex_str("-") if len(uuid.uuid_bytes) == 16 else uuid.to_hex_str())
