"""Steps of a walking person: events in real time, strides, and what is measured on them."""

from imu.kinematics.gait.curves import SHARES, mean_curve, stride_curve
from imu.kinematics.gait.detector import GaitDetector, GaitState
from imu.kinematics.gait.measures import SegmentLengths, StrideMeasures, measure
from imu.kinematics.gait.norms import NormCurve, norm_curve
from imu.kinematics.gait.strides import FRAGILE, LegState, Stride, StrideBuilder, strides_of
from imu.kinematics.gait.summary import GaitSummary, Mean, Symmetry, summarise, sync_ms
from imu.kinematics.gait.whole import gait_events

__all__ = [
    "FRAGILE",
    "SHARES",
    "GaitDetector",
    "GaitState",
    "GaitSummary",
    "LegState",
    "Mean",
    "NormCurve",
    "SegmentLengths",
    "Stride",
    "StrideBuilder",
    "StrideMeasures",
    "Symmetry",
    "gait_events",
    "mean_curve",
    "measure",
    "norm_curve",
    "stride_curve",
    "strides_of",
    "summarise",
    "sync_ms",
]
