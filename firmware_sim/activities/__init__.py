"""Simulated people who perform drills, walk and sit: exact truth for what sensors on them measure."""

from firmware_sim.activities.body import ActivityBody
from firmware_sim.activities.habits import Habits, Knee
from firmware_sim.activities.pieces import (
    Fault,
    March,
    Piece,
    Plan,
    SeatedExtensions,
    SingleLegSquats,
    SitToStands,
    Squats,
    Stand,
    StepDowns,
    Walk,
    half_squats,
    set_up_plan,
)
from firmware_sim.activities.timeline import Contact, Performed, Repetition

__all__ = [
    "ActivityBody",
    "Contact",
    "Fault",
    "Habits",
    "Knee",
    "March",
    "Performed",
    "Piece",
    "Plan",
    "Repetition",
    "SeatedExtensions",
    "SingleLegSquats",
    "SitToStands",
    "Squats",
    "Stand",
    "StepDowns",
    "Walk",
    "half_squats",
    "set_up_plan",
]
