"""Packets of one sensor -> its orientation; all sensors -> common instants."""

from imu.fusion.acc_offset import AccOffset, estimate_acc_offset
from imu.fusion.batch import OrientationFilter, orientation
from imu.fusion.channel import PoseBlock, SensorChannel
from imu.fusion.coefficients import Params
from imu.fusion.grid import Grid, GridBlock
from imu.fusion.self_check import check_at_rest
from imu.fusion.sensor_check import SensorCheck
from imu.fusion.smoother import Smoothed, smooth
from imu.fusion.warm import warm_up

__all__ = [
    "AccOffset", "Grid", "GridBlock", "OrientationFilter", "Params", "PoseBlock", "SensorChannel", "SensorCheck",
    "Smoothed", "check_at_rest", "estimate_acc_offset", "orientation", "smooth", "warm_up",
]  # fmt: skip
