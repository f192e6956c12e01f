"""Radio to packets: finding sensors, links that come back, codecs. Names are loaded on first use: bleak is not free."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imu.ble.discovery import FoundSensor, discover
    from imu.ble.network import SensorNetwork
    from imu.ble.report import LinkReport, LinkState

__all__ = ["FoundSensor", "LinkReport", "LinkState", "SensorNetwork", "discover"]

_HOME = {
    "FoundSensor": "discovery",
    "LinkReport": "report",
    "LinkState": "report",
    "SensorNetwork": "network",
    "discover": "discovery",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'imu.ble' has no attribute {name!r}")
    value = getattr(import_module(f"imu.ble.{_HOME[name]}"), name)
    globals()[name] = value
    return value
