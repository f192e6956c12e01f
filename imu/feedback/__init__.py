"""Body to cues: repetitions, tempo, alignment, and who may speak."""

from imu.feedback.alignment import Baseline
from imu.feedback.drill import Drill, drill_names, drill_text, load_drill
from imu.feedback.session import DrillOutputs, DrillSession, SessionState
from imu.feedback.warm import warm_up

__all__ = [
    "Baseline",
    "Drill",
    "DrillOutputs",
    "DrillSession",
    "SessionState",
    "drill_names",
    "drill_text",
    "load_drill",
    "warm_up",
]
