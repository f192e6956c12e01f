"""Compile the kernels of this room with the types that they get in a session."""

from __future__ import annotations

import numpy as np

from imu.config import SensorSetup, Setup
from imu.conventions import G
from imu.fusion.grid import GridBlock
from imu.kinematics.body import Body
from imu.kinematics.calibration import Calibration, calibrate_whole
from imu.kinematics.gait import GaitDetector
from imu.kinematics.heading import Headings, JointSpec
from imu.kinematics.watch import Watch, propose


def warm_up() -> None:
    """Load the compiled kernels from the cache, or compile them (cold about 10 s), by a small calibration."""
    setup = Setup((SensorSetup("warm-up", "thigh_left", 100.0, "samples"),))
    body = Body(setup)
    t = np.arange(900) / 100.0
    lift = 0.6 * np.where((t > 3.0) & (t < 7.0), np.sin(0.5 * np.pi * (t - 3.0)) ** 2, 0.0)  # up and down twice
    m = len(t)
    q, gyr, acc = np.zeros((m, 1, 4)), np.zeros((m, 1, 3)), np.zeros((m, 1, 3))
    q[:, 0, 0], q[:, 0, 1] = np.cos(0.5 * lift), np.sin(0.5 * lift)
    gyr[:, 0, 0] = np.gradient(lift, t)
    acc[:, 0, 1], acc[:, 0, 2] = G * np.sin(lift), G * np.cos(lift)
    grid = GridBlock((1e6 * t).astype(np.int64), q, gyr, acc, np.zeros((m, 1), np.uint16))
    body.push(grid)
    assert body.calibration is not None
    calibrate_whole(grid, setup, np.zeros((m, 0)), np.zeros((m, 0)), body.calibration.stand_us)
    _warm_up_headings()
    _warm_up_watch(grid, setup, body.calibration)
    _warm_up_gait()


def _warm_up_gait() -> None:
    m = 40
    gyr, acc = np.zeros((m, 3, 3)), np.zeros((m, 3, 3))
    gyr[10:, :, 0], acc[:, :, 2] = 2.0, G
    grid = GridBlock(np.arange(m) * 10_000, np.zeros((m, 3, 4)), gyr, acc, np.zeros((m, 3), np.uint16))
    GaitDetector(("thigh_left", "shank_left", "foot_right"), 100.0).push(grid)


def _warm_up_watch(grid: GridBlock, setup: Setup, calibration: Calibration) -> None:
    Watch(setup).run(grid, 0, len(grid), calibration)
    propose(grid, ("thigh_left",))  # loads what a session would wait for in its set-up


def _warm_up_headings() -> None:
    m = 40
    t_us = np.arange(m) * 10_000
    q, gyr, acc = np.zeros((m, 2, 4)), np.zeros((m, 2, 3)), np.zeros((m, 2, 3))
    q[:, :, 0], gyr[:, :, 0], acc[:, :, 2] = 1.0, 1.0, G
    headings = Headings([JointSpec(0, 1, "knee")], 100.0)
    delta, sigma = np.empty((m, 1)), np.empty((m, 1))
    headings.set_pose(0, 0.0, 0.1)
    headings.set_axes(0, (0.0, 1.0, 0.0), (0.0, 1.0, 0.0), 0.1)
    headings.run(GridBlock(t_us, q, gyr, acc, np.zeros((m, 2), np.uint16)), 0, m, delta, sigma)
    headings.axes_heading(0)
    headings.turn_back()
    assert sigma[-1, 0] < np.pi
