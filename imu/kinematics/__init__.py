"""Orientation of the sensors -> the body: calibration, segments, angles."""

from imu.kinematics.body import Body
from imu.kinematics.calibration import Calibration, SegmentCalibration
from imu.kinematics.gait import gait_events
from imu.kinematics.heading import relative_orientation
from imu.kinematics.joint import joint_angles
from imu.kinematics.warm import warm_up

__all__ = ["Body", "Calibration", "SegmentCalibration", "gait_events", "joint_angles", "relative_orientation", "warm_up"]
