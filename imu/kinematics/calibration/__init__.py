"""How every sensor sits on its segment: from a quiet stand and one guided movement."""

from imu.kinematics.calibration.calibration import Calibration, SegmentCalibration
from imu.kinematics.calibration.search import CalibrationSearch

__all__ = ["Calibration", "CalibrationSearch", "SegmentCalibration"]
