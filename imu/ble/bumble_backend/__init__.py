"""bleak on bumble: a third-party backend for `BleakScanner` and `BleakClient`, past the operating system's stack.

It drives virtual controllers, a USB dongle or any other HCI transport. The shipped client code above it is unmodified, so
what is tested without a radio is what runs with one. One `BumbleAdapter` is what hci0 is to BlueZ: scanners and clients
share it, and it makes one connection at a time, as HCI demands.

bleak promises no stable backend interface (2.0, 2.1.1, 3.0 and 3.1 all changed it): every keyword is passed on.
"""

from imu.ble.bumble_backend.adapter import BumbleAdapter

__all__ = ["BumbleAdapter"]
