"""Real-time wearable IMU biofeedback: packets to joint angles to cues. A research and training aid, not a medical device.

    import imu
    result = imu.process(imu.load("recordings/full_body_legs.mcap"))
    result.angle("knee_flexion", "left")        # rad

Names are loaded on first use, so that `import imu` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imu import fusion, kinematics
    from imu.packets import Samples
    from imu.pipeline import Pipeline
    from imu.processing import process
    from imu.recording import Recording, load
    from imu.result import Result

__all__ = ["Pipeline", "Recording", "Result", "Samples", "fusion", "kinematics", "load", "process"]
__version__ = "0.5.0"

_HOME = {
    "Pipeline": "imu.pipeline",
    "Recording": "imu.recording",
    "Result": "imu.result",
    "Samples": "imu.packets",
    "load": "imu.recording",
    "process": "imu.processing",
}


def __getattr__(name: str) -> object:
    if name in ("fusion", "kinematics"):
        return import_module(f"imu.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'imu' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
