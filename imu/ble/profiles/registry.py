"""Which codec reads the bytes of a sensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from imu.ble.profiles.base import Decoder
from imu.ble.profiles.v1_decoder import V1Decoder
from imu.config import SensorSetup
from imu.errors import ConfigError

PROFILES: Final[Mapping[str, Callable[[SensorSetup], Decoder]]] = {"v1": V1Decoder}
"""Name in `SensorSetup.profile` -> decoder of one sensor."""


def make_decoder(sensor: SensorSetup) -> Decoder:
    """A decoder at the start of a sensor's stream.

    Raises
    ------
    ConfigError
        The profile is unknown.
    ProtocolError
        The sensor's configuration cannot be read or is of another protocol version.
    """
    if sensor.profile not in PROFILES:
        raise ConfigError(
            f"sensor {sensor.sensor} uses the unknown profile {sensor.profile!r}; this program knows {', '.join(PROFILES)}"
        )
    return PROFILES[sensor.profile](sensor)
