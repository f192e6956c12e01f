"""Who a sensor is, and how it says so on the air before anybody connects."""

from __future__ import annotations

from dataclasses import dataclass

from bumble import core, data_types

from imu.ble.profiles import v1


@dataclass(frozen=True, slots=True)
class Identity:
    """What is printed on the sensor, and what survives a power loss."""

    serial: int
    slot: int = v1.NO_SLOT
    battery_percent: int = 100
    """At the first boot."""
    boot_id: int = 0
    """Of the boot before the first one here."""

    @property
    def name(self) -> str:
        """`51A3`: the serial number as people know it."""
        return v1.serial_text(self.serial)

    @property
    def address(self) -> str:
        """A static random address."""
        low = self.serial & 0xFFFFFFFF
        return f"C4:1A:{low >> 24:02X}:{low >> 16 & 0xFF:02X}:{low >> 8 & 0xFF:02X}:{low & 0xFF:02X}"

    def advertising(self, slot: int, battery_percent: int) -> bytes:
        """Flags, service and manufacturer data: all of the 31 bytes that an advertisement has."""
        known = core.AdvertisingData.Flags
        own = v1.Advertisement(serial16=self.serial & 0xFFFF, slot=slot, battery_percent=battery_percent)
        return bytes(
            core.AdvertisingData(
                [
                    data_types.Flags(known.LE_GENERAL_DISCOVERABLE_MODE | known.BR_EDR_NOT_SUPPORTED),
                    data_types.CompleteListOf128BitServiceUUIDs([core.UUID(v1.SERVICE)]),
                    data_types.ManufacturerSpecificData(v1.COMPANY, bytes(own)),
                ]
            )
        )

    def scan_response(self) -> bytes:
        """The name."""
        return bytes(core.AdvertisingData([data_types.CompleteLocalName(v1.local_name(self.serial))]))
