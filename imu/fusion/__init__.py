"""Packets of one sensor -> its orientation; all sensors -> common instants."""

from imu.fusion.batch import OrientationFilter, orientation
from imu.fusion.channel import PoseBlock, SensorChannel
from imu.fusion.coefficients import Params
from imu.fusion.grid import Grid, GridBlock
from imu.fusion.warm import warm_up

__all__ = ["Grid", "GridBlock", "OrientationFilter", "Params", "PoseBlock", "SensorChannel", "orientation", "warm_up"]
