"""Compiles the kernels of this room with the arrays they will get."""

from __future__ import annotations

import numpy as np

from imu.config import SensorSetup, Setup
from imu.conventions import ANGLES, G
from imu.feedback import stream
from imu.feedback.course import Courses
from imu.feedback.drill import Drill, drill_text, load_drill
from imu.feedback.motion import Motion
from imu.feedback.provisional import ProvisionalFrames
from imu.feedback.records import CLOSED_REPETITION
from imu.feedback.session import DrillSession
from imu.fusion.grid import GridBlock
from imu.outputs import FrameBlock


def warm_up() -> None:
    """Load the compiled kernels; compile those that are not in the cache."""
    sensors = (SensorSetup("1", "thigh_left", 100.0, "samples"), SensorSetup("2", "thigh_right", 100.0, "samples"))
    drill = load_drill(drill_text("squat"), "squat.toml")
    assert isinstance(drill, Drill)
    session = DrillSession(drill, Setup(sensors))
    a, one = len(ANGLES), np.zeros(1, np.int64)
    session.push(FrameBlock(one, np.zeros((1, 2, 4)), np.zeros((1, a)), np.zeros((1, a)), np.zeros((1, a), np.uint16)), 0)
    session.finish()
    # what `finish` calls only when a repetition is open
    s = stream.StreamState.fresh(64)
    stream.keep_alignment(0, s.knees, s.legs, np.zeros(1, CLOSED_REPETITION))
    _warm_up_measured()


def _warm_up_measured() -> None:
    """One squat of both legs, without a calibration."""
    segments = ("pelvis", "thigh_left", "thigh_right")
    n, t = 400, np.arange(400) / 100.0
    gyr, acc = np.zeros((n, 3, 3)), np.zeros((n, 3, 3))
    gyr[:, :, 0] = (1.3 * np.pi / 2.0 * np.sin(np.pi * t))[:, None]
    acc[:, :, 2] = (G - np.cos(np.pi * t))[:, None]
    motion = Motion(3)
    motion.push(GridBlock((1e6 * t).astype(np.int64), np.zeros((n, 3, 4)), gyr, acc, np.zeros((n, 3), np.uint16)))
    frames = ProvisionalFrames(segments, 100.0)
    frames.push(motion)
    Courses(segments, 100.0).read(motion, 1, 2_000_000, 3_800_000, 0)
