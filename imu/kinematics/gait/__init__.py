"""Steps of a walking person: events in real time, strides and what is measured on them."""

from imu.kinematics.gait.detector import GaitDetector
from imu.kinematics.gait.whole import gait_events

__all__ = ["GaitDetector", "gait_events"]
