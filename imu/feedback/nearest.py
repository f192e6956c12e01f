"""How near each rule came to its limit in a repetition: what is said of those that nothing exceeded."""

from __future__ import annotations

from math import isnan, nan, radians
from typing import Final

import numpy as np

from imu.conventions import SIDES
from imu.feedback.drill import Drill
from imu.feedback.records import ALIGNMENT_ANGLES, BY_RETURN, Records
from imu.kernels import kernel
from imu.outputs import Approach

SEGMENTS: Final = tuple(name.removesuffix("_frontal_tilt") for name in ALIGNMENT_ANGLES)


@kernel
def forget(leg: Records) -> None:
    """A new repetition: nothing has been judged yet."""
    leg["near"] = -np.inf
    leg["near_us"] = -1


@kernel
def note(leg: Records, t: int, j: int, how: int, value: float, limit: float, sigma: float) -> None:
    """Keep it if it is nearer to its limit than all before. j: segment, how: `BY_EXCURSION` or `BY_RETURN`."""
    if value / limit > leg["near"]:
        leg["near"] = value / limit
        leg["near_us"] = t
        leg["near_what"] = 2 * j + how
        leg["near_value"] = value
        leg["near_limit"] = limit
        leg["near_sigma"] = sigma


@kernel
def keep(leg: int, legs: Records, closed: Records) -> None:
    """Write what was kept of a leg into a closed repetition."""
    state = legs[leg]
    closed["near_us"][leg] = state["near_us"]
    closed["near_what"][leg] = state["near_what"]
    closed["near_value"][leg] = state["near_value"]
    closed["near_limit"][leg] = state["near_limit"]
    closed["near_sigma"][leg] = state["near_sigma"]


def approaches(drill: Drill, row: np.void, worn: tuple[bool, bool]) -> tuple[Approach, ...]:
    """Of every rule of the drill in a closed repetition; worn: alignment can be judged on the left, on the right."""
    found = [_valgus(drill, row, leg) for leg in range(2) if worn[leg]]
    found += [_tempo(drill, row), _depth(drill, row)]
    return tuple(a for a in found if a is not None)


def _valgus(drill: Drill, row: np.void, leg: int) -> Approach:
    if row["near_us"][leg] < 0:
        return Approach("valgus", SIDES[leg], 0, nan, radians(drill.valgus.shank_deg))
    j, how = divmod(int(row["near_what"][leg]), 2)
    against = "the way up against the way down" if how == BY_RETURN else "against the rest before"
    return Approach(
        "valgus", SIDES[leg], int(row["near_us"][leg]), float(row["near_value"][leg]), float(row["near_limit"][leg]),
        float(row["near_sigma"][leg]), f"{SEGMENTS[j]}, {against}",
    )  # fmt: skip


def _tempo(drill: Drill, row: np.void) -> Approach | None:
    """The phase and limit with the least time between; slow is a limit only where the drill has words for it."""
    rule, tempo = drill.tempo_rule, drill.tempo
    share = rule.tolerance_percent / 100.0
    start = int(row["t_start"])
    limits: list[tuple[float, Approach]] = []
    for phase, target, slow in (("down", tempo.down_s, rule.slow_down), ("up", tempo.up_s, rule.slow_up)):
        seconds = float(row[f"{phase}_s"])
        if target <= 0.0:
            continue
        t = 0 if isnan(seconds) else start + round(seconds * 1e6) if phase == "down" else int(row["t_end"])
        value = nan if isnan(seconds) else seconds
        for limit, what in ((target * (1.0 - share), "shortest"), *([(target * (1.0 + share), "longest")] if slow else [])):
            apart = np.inf if isnan(seconds) else abs(seconds - limit) / target
            limits.append((apart, Approach("tempo", None, t, value, limit, nan, f"way {phase}, {what} time")))
    return min(limits, key=lambda pair: pair[0])[1] if limits else None


def _depth(drill: Drill, row: np.void) -> Approach:
    depth = float(row["depth"])
    known = depth == depth
    return Approach(
        "depth", None, int(row["t_deepest"]) if known else 0, depth if known else nan, radians(drill.depth.partial_deg),
        nan, "deepest point, less than the limit is partial",
    )  # fmt: skip
