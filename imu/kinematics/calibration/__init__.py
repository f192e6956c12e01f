"""How every sensor sits on its segment: from a quiet stand and one guided movement."""

from imu.kinematics.calibration.calibration import GOOD, Calibration, JointCalibration, SegmentCalibration
from imu.kinematics.calibration.joints import Evidence, joints_of, no_evidence
from imu.kinematics.calibration.search import ANEW, CalibrationSearch, SearchState
from imu.kinematics.calibration.stored import from_json, to_json
from imu.kinematics.calibration.whole import calibrate_whole

__all__ = [
    "ANEW",
    "GOOD",
    "Calibration",
    "CalibrationSearch",
    "Evidence",
    "JointCalibration",
    "SearchState",
    "SegmentCalibration",
    "calibrate_whole",
    "from_json",
    "joints_of",
    "no_evidence",
    "to_json",
]
