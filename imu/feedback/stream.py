"""All per-frame work of a drill in one kernel call per block, and the state it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.feedback import alignment, compensations, nearest, phases, repetitions, resting, signal
from imu.feedback.records import (
    BLOCKED,
    CLOSED,
    CLOSING,
    DEPTH,
    DOWN,
    FAR,
    FORWARD,
    HOLD,
    KNEE,
    LEAD,
    LEG,
    LOST,
    MACHINE,
    N_JUDGED,
    SIGNAL,
    STARTED,
    UP,
    WAITING,
    Records,
)
from imu.kernels import kernel
from imu.packets import Floats, Ints, Quality

CAPACITY: Final = 512
"""reports in one kernel call; it returns early when fewer than `RESERVE` rows are left."""
RESERVE: Final = 64
"""rows that one frame can fill: the machine 4, alignment 4 per leg, and one for each of up to 40 rows of the watch."""
NOT_CALIBRATED: Final = int(Quality.NOT_CALIBRATED)
SETTLING: Final = int(Quality.SETTLING)
HEADING_STALE: Final = int(Quality.HEADING_STALE)


@dataclass(slots=True)
class StreamState:
    """Everything the kernel changes. Copy = snapshot."""

    machine: Records
    knees: Records
    legs: Records
    profiles: Floats
    ring_t: Ints
    ring_s: Floats
    ring_rate: Floats
    watched: Records

    @staticmethod
    def fresh(frames: int, watched: int = 0) -> StreamState:
        """State before the first frame; `frames`: the longest repetition; `watched`: rows of metrics and compensations."""
        size = 1 << (frames - 1).bit_length()
        machine = np.zeros(1, MACHINE)
        machine["signal"] = machine["depth_now"] = machine["depth"] = np.nan
        machine["zero"] = machine["depth_zero"] = machine["still_at"] = machine["lead"] = machine["lead_now"] = np.nan
        machine["sigma_now"] = machine["depth_sigma"] = np.nan
        machine["far_now"] = machine["far_rest"] = machine["far_low"] = machine["far_high"] = np.nan
        machine["t_still"] = -1
        machine["i_gone"] = machine["i_back"] = -1
        machine["t_start"] = machine["t_bottom"] = machine["t_up"] = machine["t_edge"] = machine["t_expected"] = -1
        knees, legs = np.zeros((2, 2), KNEE), np.zeros(2, LEG)
        knees["tilt"] = knees["excursion"] = knees["return_max"] = np.nan
        knees["since_us"] = -1
        legs["unknown_since_us"] = legs["near_us"] = -1
        profiles = np.full((2, 2, 2, alignment.N_DEPTHS), np.nan)
        rows = np.zeros(watched, compensations.WATCHED)
        rows["rest"] = rows["start"] = rows["high"] = rows["low"] = rows["deepest"] = rows["first"] = np.nan
        rows["turn"] = rows["far"] = np.nan
        rows["since_us"] = rows["unknown_us"] = rows["near_us"] = -1
        return StreamState(machine, knees, legs, profiles, np.zeros(size, np.int64), np.zeros(size), np.zeros(size), rows)

    def copy(self) -> StreamState:
        return StreamState(
            self.machine.copy(), self.knees.copy(), self.legs.copy(), self.profiles.copy(), self.ring_t.copy(),
            self.ring_s.copy(), self.ring_rate.copy(), self.watched.copy(),
        )  # fmt: skip


@kernel
def frame_flags(row: int, x: Floats, flags: NDArray[np.uint16], worn: Ints) -> int:
    """All flags of the used columns of one frame; a leg that is missing from the signal shows as NOT_CALIBRATED."""
    seen = 0
    for column in range(N_JUDGED):
        if worn[column] == 1:
            seen |= int(flags[row, column])
    if x[row, 2 * SIGNAL] != x[row, 2 * SIGNAL] or x[row, 2 * SIGNAL + 1] != x[row, 2 * SIGNAL + 1]:
        seen |= int(flags[row, 2 * SIGNAL]) | int(flags[row, 2 * SIGNAL + 1]) | NOT_CALIBRATED
    return seen


@kernel
def lost_column(row: int, x: Floats, flags: NDArray[np.uint16], worn: Ints, first: int, last: int) -> bool:
    """A sensor that is worn has gone: one of the columns first .. last - 1 is unknown and says so.

    A leg whose signal is unknown too has been dealt with by `signal.combine`. A frontal tilt also is unknown while the
    heading is (HEADING_STALE, with SETTLING): a knee that falls in turns the leg, and the sensor is there all the time.
    """
    for column in range(first, last):
        told = x[row, 2 * SIGNAL + column % 2]
        unknown = worn[column] == 1 and x[row, column] != x[row, column]
        bits = int(flags[row, column])
        gone = bits & (LOST ^ SETTLING if (bits & HEADING_STALE) != 0 else LOST)
        if unknown and told == told and gone != 0:
            return True
    return False


@kernel
def keep_alignment(row: int, knees: Records, legs: Records, closed: Records) -> None:
    """Write what the knees did into the closed repetition."""
    for leg in range(2):
        closed[row]["fault"][leg] = legs[leg]["fault"]
        nearest.keep(leg, legs, closed[row])
        for j in range(2):
            closed[row]["excursion"][2 * j + leg] = knees[j, leg]["excursion"]
            closed[row]["return_"][2 * j + leg] = knees[j, leg]["return_max"]


@kernel
def counted(row: int, x: Floats, flags: NDArray[np.uint16], params: Records) -> tuple[float, float]:
    """Signal and depth of one frame, rad, as measured; NaN = unknown."""
    p = params[0]
    worn = p["worn"]
    left = signal.unfold(x[row, 2 * SIGNAL], x[row, 2 * FORWARD])
    right = signal.unfold(x[row, 2 * SIGNAL + 1], x[row, 2 * FORWARD + 1])
    s = signal.combine(left, right, p["apart"], p["one_leg"], worn[2 * SIGNAL], worn[2 * SIGNAL + 1])
    depth: float = float("nan")
    if not lost_column(row, x, flags, worn, 2 * DEPTH, 2 * DEPTH + 2):
        depth = signal.mean_known(x[row, 2 * DEPTH], x[row, 2 * DEPTH + 1])
    return s, depth


@kernel
def run(
    start: int, t_us: Ints, x: Floats, sigma: Floats, flags: NDArray[np.uint16], v: Floats, v_sigma: Floats,
    v_flags: NDArray[np.uint16], v_steady: Floats, params: Records, rules: Records, baseline: Floats, machine: Records,
    knees: Records, legs: Records, profiles: Floats, ring_t: Ints, ring_s: Floats, ring_rate: Floats, watched: Records,
    closed: Records, reports: Records,
) -> tuple[int, int]:  # fmt: skip
    """Frames from `start` on, until the block or the room for reports ends, or a repetition has closed: (next frame,
    number of reports).

    t_us (m,); x, sigma, flags (m, 15) in the columns of `records`; v, v_sigma, v_flags (m, Q) and v_steady
    (m, Q, 4) in the rows of the watch.
    """
    p, m = params[0], machine[0]
    k = 0
    for row in range(start, len(t_us)):
        if k > len(reports) - RESERVE:
            return row, k
        k_before = k
        worn = p["worn"]
        m["lead_now"], m["far_now"], m["blocked"] = x[row, LEAD], x[row, FAR], x[row, BLOCKED] == 1.0
        s, depth = counted(row, x, flags, params)
        m["sigma_now"] = signal.mean_known(sigma[row, 2 * DEPTH], sigma[row, 2 * DEPTH + 1])
        if p["from_rest"] == 1:
            if m["blocked"] == 1:
                resting.leave(machine)
            elif resting.settle(t_us[row], s, depth, params, machine):
                resting.restart(machine)
            s -= m["zero"]
        if p["depth_from_rest"] == 1:
            depth -= m["depth_zero"]
        seen = frame_flags(row, x, flags, worn)
        k = repetitions.step(t_us[row], s, depth, seen, params, machine, ring_t, ring_s, ring_rate, closed, reports, k)
        opened = ended = False
        for i in range(k_before, k):
            if reports[i]["kind"] == CLOSED:
                keep_alignment(reports[i]["detail"], knees, legs, closed)
                compensations.close(rules, watched)
                ended = True
            opened = opened or reports[i]["kind"] == STARTED
        state = m["state"]
        if opened:
            alignment.open_repetition(knees, legs, profiles)
            compensations.open_watch(watched)
        if opened or (s == s and not lost_column(row, x, flags, worn, 2 * DEPTH, N_JUDGED)):
            m["t_whole"] = t_us[row]
        elif state in (DOWN, HOLD, UP) and t_us[row] - m["t_whole"] > repetitions.BRIDGE_US:
            k = phases.void(machine, t_us[row], reports, k)
            state = WAITING
        if state in (DOWN, HOLD, UP, CLOSING):
            if s != s:
                alignment.pause(knees, legs)
                compensations.pause(watched)
            elif phases.leads(machine, params, m["peak"] - m["base"]):
                k = alignment.step(row, x, sigma, flags, params, machine, knees, legs, profiles, baseline, reports, k)
                k = compensations.step(row, v, v_sigma, v_flags, v_steady, rules, machine, watched, reports, k)
        else:
            alignment.rest(row, x, flags, params, machine, knees)
            compensations.rest(row, v, v_sigma, v_flags, v_steady, params, machine, watched)
        if ended:  # what it came to is read before the next one begins
            return row + 1, k
    return len(t_us), k
