"""Body to cues: repetitions, tempo, alignment, and who may speak."""

from imu.feedback.alignment import Baseline
from imu.feedback.cadence import CadenceSession, CadenceState
from imu.feedback.cadence_drill import CadenceDrill, with_cadence
from imu.feedback.drill import AnyDrill, Drill, drill_names, drill_text, load_drill
from imu.feedback.session import DrillOutputs, DrillSession
from imu.feedback.session_state import SessionState
from imu.feedback.set_summary import Drift, SetSummary, summarise_set
from imu.feedback.warm import warm_up

__all__ = [
    "AnyDrill",
    "Baseline",
    "CadenceDrill",
    "CadenceSession",
    "CadenceState",
    "Drift",
    "Drill",
    "DrillOutputs",
    "DrillSession",
    "SessionState",
    "SetSummary",
    "drill_names",
    "drill_text",
    "load_drill",
    "summarise_set",
    "warm_up",
    "with_cadence",
]
