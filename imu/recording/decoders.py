"""From a sensor's setup to the decoder of its bytes: a sensor family's profile, or imported arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imu.config import SensorSetup
from imu.recording.samples_codec import PROFILE, SamplesDecoder

if TYPE_CHECKING:
    from imu.ble.profiles.base import Decoder


def make_decoder(sensor: SensorSetup) -> Decoder:
    """A decoder at the start of its sensor's stream; `ConfigError` or `ProtocolError` if there is none for it."""
    if sensor.profile == PROFILE:
        return SamplesDecoder(sensor)
    from imu.ble import profiles  # imported arrays need no Bluetooth library

    return profiles.make_decoder(sensor)
