"""Simulated people who perform drills, walk and sit: exact truth for what sensors on them measure."""

from firmware_sim.activities.body import ActivityBody
from firmware_sim.activities.faults import FAULT_KINDS, MEANING, Fault, FaultKind, FaultPhase
from firmware_sim.activities.habits import Habits, Knee
from firmware_sim.activities.one_leg_pieces import (
    AnkleCircles,
    AnklePumps,
    Balances,
    BandWalks,
    HipCircles,
    LegSwings,
    Lunges,
    SingleLegDeadlifts,
    SingleLegSquats,
    StepDowns,
    WallLunges,
)
from firmware_sim.activities.pieces import (
    Bridges,
    CalfRaises,
    HeelToeRocks,
    HipHinges,
    March,
    SeatedExtensions,
    SitToStands,
    Squats,
    Stand,
    UnilateralBridges,
    Walk,
    half_squats,
)
from firmware_sim.activities.plan import DrillPiece, Piece, Plan, set_up_plan
from firmware_sim.activities.sided import Drill, Tempo
from firmware_sim.activities.timeline import Contact, Performed, Repetition

__all__ = [
    "FAULT_KINDS",
    "MEANING",
    "ActivityBody",
    "AnkleCircles",
    "AnklePumps",
    "Balances",
    "BandWalks",
    "Bridges",
    "CalfRaises",
    "Contact",
    "Drill",
    "DrillPiece",
    "Fault",
    "FaultKind",
    "FaultPhase",
    "Habits",
    "HeelToeRocks",
    "HipCircles",
    "HipHinges",
    "Knee",
    "LegSwings",
    "Lunges",
    "March",
    "Performed",
    "Piece",
    "Plan",
    "Repetition",
    "SeatedExtensions",
    "SingleLegDeadlifts",
    "SingleLegSquats",
    "SitToStands",
    "Squats",
    "Stand",
    "StepDowns",
    "Tempo",
    "UnilateralBridges",
    "Walk",
    "WallLunges",
    "half_squats",
    "set_up_plan",
]
