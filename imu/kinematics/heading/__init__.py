"""Relative heading of connected segments without a magnetometer."""

from imu.kinematics.heading.relative import relative_orientation

__all__ = ["relative_orientation"]
