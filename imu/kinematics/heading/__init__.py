"""Relative heading of joined segments without a magnetometer."""

from imu.kinematics.heading.params import Params
from imu.kinematics.heading.relative import relative_orientation
from imu.kinematics.heading.streaming import Headings, HeadingState, JointSpec

__all__ = ["HeadingState", "Headings", "JointSpec", "Params", "relative_orientation"]
