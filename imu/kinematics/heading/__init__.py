"""Relative heading of joined segments without a magnetometer."""

from imu.kinematics.heading.params import Params
from imu.kinematics.heading.relative import relative_orientation
from imu.kinematics.heading.streaming import Headings, HeadingState, JointSpec
from imu.kinematics.heading.two_way import AxesOf, PoseAt, two_way_headings

__all__ = [
    "AxesOf", "HeadingState", "Headings", "JointSpec", "Params", "PoseAt", "relative_orientation", "two_way_headings",
]  # fmt: skip
