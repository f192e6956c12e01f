"""What a recording keeps of a sensor of protocol v1, so that its bytes can be decoded for ever."""

from __future__ import annotations

import math

from imu.ble.profiles.v1 import Config, Info
from imu.conventions import G
from imu.errors import ProtocolError


def full_scales(config: Config) -> tuple[float, float]:
    """(acc in m/s², gyr in rad/s) at the end of the range."""
    return config.acc_g * G, math.radians(config.gyr_dps)


def config_text(info: bytes, config: bytes) -> str:
    """What `SensorSetup.config` keeps of a sensor of this profile."""
    return f"{info.hex()}:{config.hex()}"


def read_config(text: str) -> tuple[Info, Config]:
    """The opposite of `config_text`; `ProtocolError` if it is damaged or of another major."""
    info, colon, config = text.partition(":")
    try:
        if not colon:
            raise ValueError("there is no ':' in it")
        parts = bytes.fromhex(info), bytes.fromhex(config)
    except ValueError as e:
        raise ProtocolError(f"the sensor's configuration {text[:40]!r} cannot be read: {e}") from e
    return Info.from_bytes(parts[0]), Config.from_bytes(parts[1])
