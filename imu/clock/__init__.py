"""Session time of a sensor: its own clock tied to the host's."""

from imu.clock.model import ClockState, DeviceClock

__all__ = ["ClockState", "DeviceClock"]
