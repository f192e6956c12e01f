"""A set of a drill as a simulated person performs it: set-up, repetitions with faults, sensors, radio, and the truth.

    done = perform_drill(3, set_of("squat", 6, Fault(2, "valgus", 12.0, "left", "back")), drill="squat")
    result = imu.process(done.recording)
    done.differences(result)          # [] if every repetition was counted once, and nothing else
    done.repetitions[1].faults        # the truth, times in s of the session

Performances are kept for the test session: whoever asks for the same one gets the same object.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from simulated_activity import USUAL, perform_activity
from simulated_session import START_S, over_the_radio

from firmware_sim.activities import (
    ActivityBody,
    AnkleCircles,
    AnklePumps,
    Balances,
    BandWalks,
    Bridges,
    CalfRaises,
    Drill,
    DrillPiece,
    Fault,
    HeelToeRocks,
    HipCircles,
    HipHinges,
    LegSwings,
    Lunges,
    March,
    Plan,
    Repetition,
    SingleLegDeadlifts,
    SingleLegSquats,
    SitToStands,
    Squats,
    Stand,
    StepDowns,
    UnilateralBridges,
    WallLunges,
)
from firmware_sim.sensor import SensorErrors, SensorModel
from firmware_sim.truth import truth
from imu import Recording
from imu.conventions import CORE_SEGMENTS, SEGMENTS, Segment
from imu.result import Result

WITH_FEET: Final[tuple[Segment, ...]] = SEGMENTS[:7]
SET_UP: Final[Plan] = (Stand(4.0), March(2), Squats(1, 50.0, (1.2, 0.2, 1.2, 0.3)), March(4), Stand(3.0))
"""A bend of both legs says where the front of the pelvis is, a march where the axes of legs and feet are. The set-up
ends as soon as the legs are known, so the bend is quick and early."""
AFTER_S: Final = 3.0
"""Stand after the set."""
RADIO_RATE_HZ: Final = 100.0
ON_RADIO: Final = replace(USUAL, perfect_clock=False)
"""The usual errors, and clocks of their own."""

DRILLS: Final[Mapping[str, type[Drill]]] = {
    "squat": Squats,
    "step_down": StepDowns,
    "single_leg_squat": SingleLegSquats,
    "hip_hinge": HipHinges,
    "single_leg_deadlift": SingleLegDeadlifts,
    "band_walk": BandWalks,
    "bridge": Bridges,
    "unilateral_bridge": UnilateralBridges,
    "calf_raise": CalfRaises,
    "lunge": Lunges,
    "sit_to_stand": SitToStands,
    "balance": Balances,
    "wall_lunge": WallLunges,
    "leg_swing": LegSwings,
    "hip_circle": HipCircles,
    "ankle_pump": AnklePumps,
    "ankle_circle": AnkleCircles,
    "heel_toe_rock": HeelToeRocks,
}
"""Names of the drills that can be simulated; walking is `firmware_sim.activities.Walk`."""


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedDrill:
    body: ActivityBody
    recording: Recording
    piece: DrillPiece
    start_s: float
    """Session time at which the plan begins."""

    @property
    def repetitions(self) -> tuple[Repetition, ...]:
        """Everything that was performed in the set, aborted ones too; times in s of the session."""
        (done,) = (d for d in self.body.performed if d.piece is self.piece)
        late = self.start_s
        return tuple(
            replace(
                r, start_s=r.start_s + late, deepest_s=r.deepest_s + late, end_s=r.end_s + late, bottom_s=r.bottom_s + late,
                rise_s=r.rise_s + late,
            )
            for r in done.repetitions
        )  # fmt: skip

    @property
    def whole(self) -> tuple[Repetition, ...]:
        """Those that were not aborted."""
        return tuple(r for r in self.repetitions if not r.aborted)

    def truth(self, t_us: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Every true angle, rad, by label, at session times."""
        return truth(self.body, np.asarray(t_us * 1e-6 - self.start_s, np.float64))

    def at(self, label: str, s: float) -> float:
        """A true angle at a time of the session, degrees."""
        return float(np.degrees(self.truth(np.array([round(1e6 * s)]))[label][0]))

    def differences(self, result: Result) -> list[str]:
        """What was counted otherwise than performed, in words: each whole repetition once, around its deepest instant."""
        found = []
        counted = [(1e-6 * r.t_start_us, 1e-6 * r.t_end_us) for r in result.repetitions]
        for number, r in enumerate(self.whole, 1):
            n = sum(start <= r.deepest_s <= end for start, end in counted)
            if n != 1:
                found.append(f"repetition {number} ({r.side or 'both'}, deepest at {r.deepest_s:.2f} s) counted {n} times")
        if len(counted) != len(self.whole):
            found.append(f"{len(counted)} counted, {len(self.whole)} performed")
        return found


def set_of(name: str, repetitions: int, *faults: Fault, **more: object) -> DrillPiece:
    """A set of the drill of this name; `more`: other fields of its piece, such as tempo, depth_deg, first, both."""
    return DRILLS[name](repetitions=repetitions, faults=faults, **more)  # pyright: ignore[reportCallIssue, reportReturnType]


@lru_cache(maxsize=48)
def perform_drill(
    seed: int,
    piece: DrillPiece,
    *,
    drill: str = "",
    errors: SensorErrors = USUAL,
    loss: float = 0.0,
    radio: bool = False,
    segments: tuple[Segment, ...] = CORE_SEGMENTS,
    before: Plan | None = None,
    mirrored: bool = False,
) -> SimulatedDrill:
    """The person of `seed` with sensors: set-up, the set, a stand.

    drill : name of a drill of the library whose text goes into the recording.
    loss : share of samples that never arrive, in bursts.
    radio : True: notifications of protocol v1 with arrival times, lost packets and clocks of their own (`errors` should
        then be ON_RADIO); False: arrays that share one clock.
    before : instead of the usual set-up, SET_UP.
    mirrored : the same with left and right exchanged; the truth is mirrored too.
    """
    plan = (*(SET_UP if before is None else before), piece, Stand(AFTER_S))
    body = ActivityBody.performing(seed, plan)
    if mirrored:
        body = body.mirrored()
        piece = next(d.piece for d in body.performed if isinstance(d.piece, type(piece)))  # pyright: ignore[reportAssignmentType]
    if not radio:
        simulated = perform_activity(seed, plan, errors, loss=loss, segments=segments, drill=drill, body=body)
        return SimulatedDrill(body, simulated.recording, piece, 0.0)
    models = [SensorModel(segment, body, seed, RADIO_RATE_HZ, errors=errors) for segment in segments]
    # the slowest clock still gets there
    n = int((body.seconds + START_S) * RADIO_RATE_HZ * 0.9999)
    setup, stream = over_the_radio(models, n, seed, loss=loss, drill=drill)
    return SimulatedDrill(body, Recording(setup, stream, {"origin": "simulated"}), piece, START_S)
