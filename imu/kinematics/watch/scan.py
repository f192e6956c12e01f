"""Frames through the watch, up to the next one that is worth a decision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imu.kernels import kernel
from imu.kinematics.layout import Records
from imu.kinematics.watch import cycles, frames, phases, rests
from imu.kinematics.watch.layout import CYCLE, END, PHASE, REST
from imu.packets import Floats, Ints

_frame, _leg, _phase, _gather = frames.read, phases.take_leg, phases.step, phases.gather
_cycle, _begin, _rest, _load = cycles.step, cycles.begin, rests.step, phases.note_load


@kernel
def run(
    start: int, stop: int, t_us: Ints, q: Floats, gyr: Floats, acc: Floats, flags: NDArray[np.uint16],
    dt: float, limbs: Records, legs: Records, pairings: Records, cycle_of: Records, common: Records,
) -> tuple[int, int]:  # fmt: skip
    """Frames start..stop: the frame after the one to be decided at (or stop), and why (bits; END = nothing).

    t_us, q, gyr, acc, flags of the grid. Records as in `layout`: S limbs; 4 legs
    (left and right as labelled, then the left and right thigh with the other's shank); 2 pairings; 2 cycles; 1 common.
    """
    for row in range(start, stop):
        t = t_us[row]
        for j in range(len(limbs)):
            _frame(row, j, q, gyr, acc, flags, dt, limbs[j])
        for n in range(len(legs)):
            _leg(legs[n], limbs)
        why = END
        for n in range(2):
            if _phase(t, dt, legs[2 * n], legs[2 * n + 1], limbs, pairings[n]):
                why |= PHASE[n]
        _load(pairings[0], legs, limbs)
        for n in range(2):
            if _cycle(t, dt, legs[n], limbs, cycle_of[n]):
                why |= CYCLE[n]
        for n in range(3):
            if _rest(n, dt, limbs, common[0]):
                why |= REST[n]
                if n < len(cycle_of):
                    _begin(cycle_of[n])
        why |= _gather(dt, legs[0], legs[1], limbs, common[0])
        if why != END:
            return row + 1, why
    return stop, END
