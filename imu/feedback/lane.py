"""One machine that counts: of both legs together, or of one of them; a drill of one leg has two of these."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import Final

import numpy as np

from imu.config import Setup
from imu.conventions import SIDES, Side
from imu.errors import ConfigError
from imu.feedback import phases, records, stream
from imu.feedback.approaches import approaches
from imu.feedback.drill import Drill
from imu.feedback.drill_metrics import Compensation, Metric
from imu.feedback.gather import combine, gather
from imu.feedback.quantities import (
    Quantity,
    column_of,
    is_worn,
    other,
    quantities,
    rules_of,
    segments_of,
    terms_of,
    value_of,
)
from imu.feedback.records import ALIGNMENT_ANGLES, Records
from imu.feedback.smoothness import smoothness
from imu.outputs import Approach, FrameBlock
from imu.packets import Floats

FLAT: Final = 0.96
"""rad (55°): a shank that leans further forward stands on no flat foot."""
LYING: Final = -0.785
"""rad (-45°) of pelvis tilt: beyond, the person is on the back."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the machine of a lane has reported."""

    lane: int
    record: np.void
    closed: np.void | None = None
    measures: tuple[tuple[str, float], ...] = ()
    """(name, value) of a repetition that has closed; rad, and smoothness without a unit."""
    nearest: tuple[Approach, ...] = ()
    """How near each rule came to its limit in it."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What is known of the repetition under way in one lane."""

    counted: int = -1
    """The machine's own number of the newest one that was counted, and ..."""
    number: int = 0
    """... its number in the set."""
    faults: tuple[str, ...] = ()
    unknown: tuple[Side, ...] = ()
    """Legs whose knee was under load and could not be told."""


def legs_of(drill: Drill, setup: Setup) -> tuple[Side | None, ...]:
    """Whose machines a drill needs: one for both legs, or one for each that carries the sensors; `ConfigError`: none."""
    s = drill.signal
    wanted: tuple[Side, ...] = SIDES if s.side == "found" else tuple(side for side in SIDES if side == s.side)
    worn: tuple[Side | None, ...] = tuple(side for side in wanted if is_worn(setup, s.angle, side))
    if not worn:
        needed = dict.fromkeys(" and ".join(segments_of(s.angle, side)) for side in wanted)
        raise ConfigError(f"drill {drill.name} counts by {s.angle}: wear a sensor on {' or '.join(needed)}")
    return worn if s.legs != "both" else (None,)


class Lane:
    """Frames in, reports out.

    leg : the one that is counted by; None = both.
    """

    def __init__(self, number: int, drill: Drill, setup: Setup, leg: Side | None, baseline: Floats) -> None:
        self.number, self.drill = number, drill
        self.leg: Side | None = leg
        self.trained: Side | None = other(leg) if leg is not None and drill.signal.trained == "other" else leg
        sides = SIDES if leg is None else (leg, leg)
        forward = records.FORWARD_OF.get(drill.signal.angle, drill.signal.angle)
        deep = sides if leg is None or drill.target.leg == "counted" or not self.trained else (self.trained, self.trained)
        keys = [*_of(drill.signal.angle, sides), *_of(drill.target.angle, deep)]
        keys += [key for name in ALIGNMENT_ANGLES for key in _of(name, SIDES)]
        keys += [*_of(forward, sides), *_of("thigh_tilt", SIDES)]
        self._columns = np.array([column_of(name, side) for name, side in keys], np.int64)
        sign = drill.signal.sign
        self._signs = np.array([sign] * 4 + [1.0] * 4 + [sign] * 2 + [1.0] * 2)
        worn = np.array([*(is_worn(setup, name, side) for name, side in keys), False, False, False])
        for column in range(2 * records.FRONTAL, 2 * records.FRONTAL + 4):
            judged = self.trained is None or SIDES[column % 2] == self.trained
            worn[column] &= judged and drill.knees_judged
        self.parameters = records.parameters(drill, setup.grid_hz, worn)
        self._rows, self.missing = quantities(drill, setup, self.trained)
        self._rules, self._terms = rules_of(self._rows), terms_of(self._rows)
        self._baseline = baseline
        # closing is given twice the time of aborting, then the ring must still hold the start
        longest = round((2.0 * drill.repetition.abort_s + 2.0) * setup.grid_hz)
        self.state = stream.StreamState.fresh(longest, len(self._rows))
        self._reports = np.zeros(stream.CAPACITY, records.REPORT)
        self._closed = np.zeros(stream.CAPACITY, records.CLOSED_REPETITION)

    @property
    def machine(self) -> Records:
        return self.state.machine

    def side_of(self, record: np.void) -> Side | None:
        """Side of a report, None = no one side."""
        return None if record["leg"] < 0 else SIDES[int(record["leg"])]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What the metrics and compensations are about."""
        return self._rows

    def rule_of(self, record: np.void) -> Compensation:
        """What a report of the watch is about."""
        rule = self._rows[int(record["detail"])].rule
        assert isinstance(rule, Compensation)
        return rule

    def outside(self, report: Report) -> list[tuple[Metric, Quantity, float]]:
        """(metric, what it is of, value) of those with a sentence that are outside their band in a closed repetition."""
        values, found = dict(report.measures), []
        for row in self._rows:
            rule = row.rule
            if not isinstance(rule, Metric) or not rule.text or row.name not in values:
                continue
            if not radians(rule.low_deg) <= values[row.name] <= radians(rule.high_deg):
                found.append((rule, row, values[row.name]))
        return found

    def alike(self, report: Report, first: Report) -> bool:
        """Whether it is the same rule at the same instant as `first`, of the other leg."""
        r, other = report.record, first.record
        if report.lane != first.lane or r["kind"] != other["kind"] or r["t_us"] != other["t_us"]:
            return False
        return r["kind"] == records.VALGUS or self.rule_of(r) is self.rule_of(other)

    def push(self, frames: FrameBlock, first: int) -> list[Report]:
        """Take the frames from index `first` on."""
        # copies: the kernels are compiled for writable, contiguous arrays only
        t_us, angle = frames.t_us[first:].astype(np.int64), np.array(frames.angle[first:], order="C")
        all_of = angle, np.array(frames.sigma[first:], order="C"), np.array(frames.flags[first:], order="C")
        m, n, q = len(t_us), len(self._columns), len(self._rows)
        shape = m, records.N_COLUMNS
        x, sigma, flags = np.zeros(shape), np.zeros(shape), np.zeros(shape, np.uint16)
        gather(*all_of, self._columns, self._signs, x, sigma, flags)
        self._beside(angle, x[:, n:])
        v, v_sigma, v_flags, v_steady = np.zeros((m, q)), np.zeros((m, q)), np.zeros((m, q), np.uint16), np.zeros((m, q, 4))
        steady = np.zeros(angle.shape) if frames.steady is None else np.array(frames.steady[first:], order="C")
        combine(*all_of, steady, *self._terms, v, v_sigma, v_flags, v_steady)
        start, s, out = 0, self.state, []
        while start < len(t_us):
            start, k = stream.run(
                start, t_us, x, sigma, flags, v, v_sigma, v_flags, v_steady, self.parameters, self._rules, self._baseline,
                s.machine, s.knees, s.legs, s.profiles, s.ring_t, s.ring_s, s.ring_rate, s.watched, self._closed,
                self._reports,
            )  # fmt: skip
            out += self._read(k)
        return out

    def finish(self) -> list[Report]:
        """No frame will follow: what was counted is closed, a hold that is still held is counted."""
        s = self.state
        k = phases.conclude(s.machine, self.parameters, s.ring_t, s.ring_rate, self._closed, self._reports)
        if k:
            stream.keep_alignment(0, s.knees, s.legs, self._closed)
        return self._read(k)

    def _beside(self, angle: Floats, out: Floats) -> None:
        """Write the columns LEAD, FAR and BLOCKED of `records`, (m, 3); NaN = not asked for, or not known."""
        signal = self.drill.signal
        out[:, :2] = np.nan
        if self.leg is not None and signal.side == "found":
            far = other(self.leg)
            if signal.leads == "moving":
                out[:, 1] = signal.sign * angle[:, column_of(signal.angle, far)]
            else:
                tells = loaded if signal.leads == "loaded" else bent
                out[:, 0] = tells(angle, self.leg) - np.maximum(tells(angle, far), 0.0)
        if signal.posture != "any":
            lying = angle[:, column_of("pelvis_tilt", None)] < LYING
            out[:, 2] = lying == (signal.posture == "upright")

    def _read(self, k: int) -> list[Report]:
        out = []
        for record in self._reports[:k].copy():
            if record["kind"] == records.CLOSED:
                row = self._closed[int(record["detail"])].copy()
                measures = self._measures(row)
                out.append(Report(self.number, record, row, measures, self._nearest(row, dict(measures))))
            else:
                out.append(Report(self.number, record))
        return out

    def _nearest(self, row: np.void, measures: dict[str, float]) -> tuple[Approach, ...]:
        worn, first = self.parameters["worn"][0], 2 * records.FRONTAL
        knees = [bool(worn[first + leg : first + 4 : 2].any()) for leg in range(2)]
        return approaches(self.drill, row, knees, self._rows, self.state.watched, measures)

    def _measures(self, row: np.void) -> tuple[tuple[str, float], ...]:
        """Metrics of the repetition that has just closed, and how smooth its two ways were."""
        s, out = self.state, []
        period_s = 1e-6 * int(self.parameters["period_us"][0])
        for quantity, watched in zip(self._rows, s.watched, strict=True):
            rule = quantity.rule
            value = value_of(rule, watched, period_s) if isinstance(rule, Metric) else extreme(rule, watched)
            out.append((quantity.name, value))
        start, end = float(row["t_start"]), float(row["t_end"])
        bounds = ((start, start + row["down_s"] * 1e6), (end - row["up_s"] * 1e6, end))
        m, period = s.machine[0], int(self.parameters["period_us"][0])
        for name, (a, b) in zip(self.drill.tempo.phases, bounds, strict=True):
            if a == a and b == b:
                value = smoothness(s.ring_t, s.ring_s, int(m["n"]), int(m["known"]), round(a), round(b), period)
                out.append((f"smoothness_{name}", value))
        return tuple((name, value) for name, value in out if value == value)


def bent(angle: Floats, side: Side) -> Floats:
    """(m,) rad: how far a knee is bent."""
    return angle[:, column_of("knee_flexion", side)]


def loaded(angle: Floats, side: Side) -> Floats:
    """(m,) rad: large for a leg that squats: its thigh is forward, and its shank too, a little, over a flat foot.

    A leg that is held behind has its thigh upright and its shank level, one that reaches ahead its shank leaning back.
    """
    thigh, shank = angle[:, column_of("thigh_sagittal_tilt", side)], angle[:, column_of("shank_sagittal_tilt", side)]
    return np.minimum(np.minimum(thigh, 4.0 * shank), 2.0 * (FLAT - shank))


def _of(name: str, sides: tuple[Side, ...]) -> list[tuple[str, Side]]:
    """An angle of two legs, or of one twice."""
    return [(name, side) for side in sides]


def extreme(rule: Compensation, watched: np.void) -> float:
    """How far a compensation went in a repetition, rad, in its own direction; NaN = never known."""
    high, low = float(watched["high"]), float(watched["low"])
    if rule.during == "turn":
        return float(watched["deepest"])
    if rule.way == "beyond":
        return high if abs(high) >= abs(low) else low
    return high if rule.way == "above" else low
