"""A plan: any sequence of pieces."""

from __future__ import annotations

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
)

DrillPiece = (
    Squats | HipHinges | CalfRaises | HeelToeRocks | SitToStands | Bridges | UnilateralBridges | SingleLegSquats
    | StepDowns | SingleLegDeadlifts | Balances | Lunges | WallLunges | BandWalks | LegSwings | HipCircles | AnklePumps
    | AnkleCircles
)  # fmt: skip
"""Pieces that can have faults."""
Piece = DrillPiece | Stand | March | Walk | SeatedExtensions
Plan = tuple[Piece, ...]


def set_up_plan() -> Plan:
    """Stand, march, stand: what comes before every drill."""
    return (Stand(4.0), March(4), Stand(3.0))
