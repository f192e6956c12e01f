"""What a repetition came to, once it has closed."""

from __future__ import annotations

from math import nan
from typing import Final

import numpy as np

from imu.conventions import SIDES, angle_label
from imu.feedback import repetitions
from imu.feedback.drill import Drill
from imu.feedback.judge import Judged
from imu.feedback.lane import Lane, Report
from imu.feedback.records import ALIGNMENT_ANGLES
from imu.feedback.tempo import phases_of, tempo_errors
from imu.outputs import Phases, Repetition

WHY_DROPPED: Final = {
    0: "not deep enough to be one",
    repetitions.TOO_LONG: "it did not come back up in time",
    repetitions.PARTIAL: "partial: much less deep than before",
    repetitions.TOO_SHORT: "out and back too quickly to be one",
    repetitions.OTHER_LEG: "the other leg took over",
    repetitions.OTHER_POSTURE: "the posture changed before it was over",
    repetitions.BOTH_LEGS: "both legs moved alike, so it is of neither",
}
"""`detail` of a dropped repetition -> the reason, for people."""


def plain(value: np.float64) -> float:
    """A Python float; every unknown is the same `nan`, so that equal outputs compare equal."""
    return float(value) if value == value else nan


def closed_repetition(
    drill: Drill, lane: Lane, report: Report, number: int, faults: tuple[str, ...], rest_s: float,
    judged: Judged | None = None,
) -> Repetition:  # fmt: skip
    """Of a report of a repetition that has closed.

    rest_s : the pause before it, NaN = the first one; judged: how it compares with the approved set, if there is one.
    """
    row = report.closed
    assert row is not None
    excursions: dict[str, float] = {}
    for j, name in enumerate(ALIGNMENT_ANGLES):
        for leg, side in enumerate(SIDES):
            label = angle_label(name, side)
            for key, values in ((label, row["excursion"]), (f"{label}_return", row["return_"])):
                value = float(values[2 * j + leg])
                if value == value:
                    excursions[key] = value
    phases = phases_of(drill, plain(row["down_s"]), plain(row["hold_s"]), plain(row["up_s"]))
    measures = dict(report.measures) | tempo_errors(drill, phases, rest_s)
    if rest_s == rest_s:
        measures["rest_before_s"] = rest_s
    nearest = report.nearest
    if judged is not None:
        excursions |= judged.excursions
        nearest = judged.approaches(nearest)
    return Repetition(
        number, lane.trained, int(row["t_start"]), int(row["t_deepest"]), int(row["t_end"]), plain(row["depth"]), phases,
        excursions, faults, int(row["flags"]), measures, nearest,
    )  # fmt: skip


def void_repetition(lane: Lane, report: Report, number: int) -> Repetition:
    """Of one during which a sensor was unknown."""
    r = report.record
    now = int(r["t_emitted_us"])
    unknown = Phases(nan, nan, nan)
    return Repetition(number, lane.trained, int(r["t_us"]), now, now, nan, unknown, {}, ("void",), int(r["detail"]))
