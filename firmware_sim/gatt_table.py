"""What a client discovers on a simulated sensor: three services, and nothing that would only cost round trips."""

from __future__ import annotations

from collections.abc import Callable

from bumble.core import UUID
from bumble.device import Connection
from bumble.gatt import Characteristic, CharacteristicValue, Service

from imu.ble.profiles import v1

MAKER = "IMU biofeedback"
MODEL = "Simulated sensor"
HARDWARE = "0"

Read = Callable[[], bytes]


class GattTable:
    """Reference protocol v1, battery and device information. What changes is read through the callables."""

    def __init__(
        self,
        serial: str,
        firmware: str,
        *,
        info: Read,
        config: Read,
        status: Read,
        battery: Read,
        on_control: Callable[[Connection, bytes], None],
        on_sync: Callable[[Connection, bytes], None] | None,
    ) -> None:
        prop, readable, writable = Characteristic.Properties, Characteristic.READABLE, Characteristic.WRITEABLE
        asked = CharacteristicValue[bytes](write=on_control)
        self.data = Characteristic[bytes](v1.DATA, prop.NOTIFY, readable, b"")
        self.control = Characteristic[bytes](v1.CONTROL, prop.WRITE | prop.INDICATE, writable, asked)
        self.sync: Characteristic[bytes] | None = None
        if on_sync is not None:
            pinged = CharacteristicValue[bytes](write=on_sync)
            self.sync = Characteristic[bytes](v1.SYNC, prop.WRITE_WITHOUT_RESPONSE | prop.NOTIFY, writable, pinged)
        self.status = Characteristic[bytes](v1.STATUS, prop.READ | prop.NOTIFY, readable, _read(status))
        self.battery = Characteristic[bytes](_short(v1.BATTERY_LEVEL), prop.READ | prop.NOTIFY, readable, _read(battery))
        texts = {
            v1.MANUFACTURER_NAME: MAKER,
            v1.MODEL_NUMBER: MODEL,
            v1.SERIAL_NUMBER: serial,
            v1.FIRMWARE_REVISION: firmware,
            v1.HARDWARE_REVISION: HARDWARE,
        }
        self.services = [
            Service(
                v1.SERVICE,
                [
                    self.data,
                    self.control,
                    Characteristic[bytes](v1.INFO, prop.READ, readable, _read(info)),
                    Characteristic[bytes](v1.CONFIG, prop.READ, readable, _read(config)),
                    self.status,
                    *([self.sync] if self.sync is not None else []),
                ],
            ),
            Service(_short(v1.BATTERY_SERVICE), [self.battery]),
            Service(
                _short(v1.DEVICE_INFORMATION_SERVICE),
                [Characteristic[bytes](_short(uuid), prop.READ, readable, text.encode()) for uuid, text in texts.items()],
            ),
        ]


def _read(value: Read) -> CharacteristicValue[bytes]:
    return CharacteristicValue(read=lambda _connection: value())


def _short(uuid: str) -> UUID:
    """The 16-bit form of an assigned number."""
    return UUID.from_16_bits(int(uuid[4:8], 16))
