"""Codecs, one per sensor family. Simulated sensors use the same files; nothing here needs a radio."""

from imu.ble.profiles.registry import PROFILES, make_decoder

__all__ = ["PROFILES", "make_decoder"]
