"""One set of one drill: frames in, events, repetitions and decisions out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from math import nan, radians

import numpy as np

from imu.config import Setup
from imu.conventions import SIDES, Side, angle_column, angle_label, segment_of
from imu.errors import ConfigError
from imu.feedback import phases, records, repetitions, stream
from imu.feedback.alignment import Baseline
from imu.feedback.course import Course
from imu.feedback.cues import Condition, CueEngine, CueState
from imu.feedback.drill import Drill
from imu.feedback.judge import Judge, Judged, JudgeState
from imu.feedback.records import ALIGNMENT_ANGLES
from imu.feedback.tempo import TempoError, judge
from imu.feedback.view import repetition_view
from imu.outputs import Cue, Event, FrameBlock, Phases, Repetition
from imu.snapshot import DrillView, RepetitionView


@dataclass(frozen=True, slots=True)
class DrillOutputs:
    """What one push brought."""

    events: tuple[Event, ...] = ()
    repetitions: tuple[Repetition, ...] = ()
    cues: tuple[Cue, ...] = ()
    """Every decision, given or held back."""
    courses: tuple[Course, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionState:
    """A copy of everything that changes."""

    stream: stream.StreamState
    cues: CueState
    marks: tuple[str, ...]
    count: int
    faults: tuple[str, ...]
    judged: tuple[int, Judged | None, JudgeState | None]


@dataclass(slots=True)
class _Batch:
    """Outputs under construction."""

    events: list[Event] = field(default_factory=list)
    repetitions: list[Repetition] = field(default_factory=list)
    cues: list[Cue] = field(default_factory=list)
    courses: list[Course] = field(default_factory=list)

    def done(self) -> DrillOutputs:
        return DrillOutputs(tuple(self.events), tuple(self.repetitions), tuple(self.cues), tuple(self.courses))


class DrillSession:
    """A running set.

    Parameters
    ----------
    drill : Drill
    setup : Setup
        Says which segments carry a sensor, and the rate of the grid.
    baseline : Baseline, optional
        The person's own good repetitions; without it the knee is judged against the stand and against itself.
    judge : Judge, optional
        Of a set whose motion is kept; if there is an approved set, it compares with it besides, and names partial by it.
    """

    def __init__(self, drill: Drill, setup: Setup, baseline: Baseline | None = None, judge: Judge | None = None) -> None:
        self.drill = drill
        forward = records.FORWARD_OF.get(drill.signal.angle, drill.signal.angle)
        names = (drill.signal.angle, drill.target.angle, *ALIGNMENT_ANGLES, forward)
        worn = np.array([_worn(setup, name, side) for name in names for side in SIDES])
        if not worn[:2].any():
            segments = " or ".join(_needs(drill.signal.angle, side)[0] for side in SIDES)
            raise ConfigError(f"drill {drill.name} counts by {drill.signal.angle}: wear a sensor on {segments}")
        self._columns = np.array([angle_column(name, side) for name in names for side in SIDES], np.intp)
        self.parameters = records.parameters(drill, setup.grid_hz, worn)
        self._judge, self._began_us = judge, 0
        self._judged: Judged | None = None
        self._baseline = (baseline or (judge.baseline if judge else Baseline.none())).profile.astype(np.float64, order="C")
        # closing is given twice the time of aborting, then the ring must still hold the start
        self._stream = stream.StreamState.fresh(round((2.0 * drill.repetition.abort_s + 2.0) * setup.grid_hz))
        self._reports = np.zeros(stream.CAPACITY, records.REPORT)
        self._closed = np.zeros(stream.CAPACITY, records.CLOSED_REPETITION)
        self._engine = CueEngine(drill.cues.show_s, drill.cues.every_repetitions)
        self._marks: tuple[str, ...] = ()
        self._count = 0
        self._faults: tuple[str, ...] = ()

    def push(self, frames: FrameBlock, first_ready: int | None, steps: Iterable[Event] = ()) -> DrillOutputs:
        """Take frames; those before index `first_ready` (None: all) belong to the calibration and are no drill frames.

        `steps`, the gait events of the same frames, are of no interest to a drill of repetitions.
        """
        if first_ready is None or first_ready >= len(frames):
            return DrillOutputs()
        rows = slice(first_ready, None)
        # copies: the kernel is compiled for writable, contiguous arrays only
        t_us = frames.t_us[rows].astype(np.int64)
        x = frames.angle[rows].take(self._columns, axis=1)
        sigma = frames.sigma[rows].take(self._columns, axis=1)
        flags = frames.flags[rows].take(self._columns, axis=1)
        batch = _Batch()
        start, s = 0, self._stream
        while start < len(t_us):
            start, k = stream.run(
                start, t_us, x, sigma, flags, self.parameters, self._baseline, s.machine, s.knees, s.legs, s.profiles,
                s.ring_t, s.ring_s, s.ring_rate, self._closed, self._reports,
            )  # fmt: skip
            self._read(k, batch)
        return batch.done()

    def finish(self) -> DrillOutputs:
        """The recording is over: a repetition that was already counted is closed, any other is forgotten."""
        s, batch = self._stream, _Batch()
        m = s.machine[0]
        if m["state"] == records.CLOSING:
            ended = bool(m["t_expected"] >= 0)
            k = phases.close(
                s.machine, self.parameters, s.ring_t, s.ring_rate, int(m["t_us"]), ended, self._closed, self._reports, 0
            )
            stream.keep_alignment(0, s.knees, s.legs, self._closed)
            self._read(k, batch)
        return batch.done()

    def hold(self, reason: str) -> None:
        """From the next frame on every cue is held back for this reason; "" = no more."""
        self._engine.hold(reason)

    @property
    def drill_view(self) -> DrillView:
        return self.drill.view

    @property
    def between(self) -> bool:
        """No repetition is under way."""
        return int(self._stream.machine[0]["state"]) in (records.WAITING, records.TOP)

    def view(self) -> RepetitionView:
        """The repetition under way, at the newest frame."""
        return repetition_view(self.drill, self._stream.machine, self._count, self._marks)

    def current_cue(self, t_us: int) -> Cue | None:
        """The cue to show at `t_us`; None = calm."""
        return self._engine.current(t_us)

    def state(self) -> SessionState:
        """A copy of everything that changes."""
        judged = (self._began_us, self._judged, self._judge.state() if self._judge else None)
        return SessionState(self._stream.copy(), self._engine.state, self._marks, self._count, self._faults, judged)

    def restore(self, state: SessionState) -> None:
        """Continue from a state of a session with an equal drill and setup."""
        self._stream = state.stream.copy()
        self._engine.state = state.cues
        self._marks, self._count, self._faults = state.marks, state.count, state.faults
        self._began_us, self._judged, judge = state.judged
        if self._judge and judge:
            self._judge.restore(judge)

    def _read(self, k: int, batch: _Batch) -> None:
        """Turn the kernel's first `k` reports into outputs."""
        i = 0
        while i < k:
            r = self._reports[i]
            kind = int(r["kind"])
            if kind == records.VALGUS:
                same = [r]
                while i + 1 < k and self._reports[i + 1]["kind"] == kind and self._reports[i + 1]["t_us"] == r["t_us"]:
                    i += 1
                    same.append(self._reports[i])
                self._decide(self._valgus(same), batch)
            elif kind == records.VALGUS_UNKNOWN and self._judge and self._judge.compares:
                pass  # the comparison says what it could not judge
            elif kind in (records.VALGUS_SHORT, records.VALGUS_UNKNOWN):
                held = "dwell" if kind == records.VALGUS_SHORT else "quality"
                self._decide(iter([self._condition(r, SIDES[int(r["leg"])], held)]), batch)
            else:
                self._phase(kind, r, batch)
            i += 1

    def _valgus(self, same: list[np.void]) -> Iterator[Condition]:
        """Conditions of one instant, the worse leg first; exactly equal ones are one cue without a side."""
        for r in same:
            self._add_fault(f"valgus_{SIDES[int(r['leg'])]}")
        ratios = [float(r["value"] / r["limit"]) for r in same]
        if len(same) == 2 and ratios[0] == ratios[1]:
            yield self._condition(same[0], None)
            return
        for _, r in sorted(zip(ratios, same, strict=True), key=lambda pair: -pair[0]):
            yield self._condition(r, SIDES[int(r["leg"])])

    def _condition(self, r: np.void, side: Side | None, held: str = "") -> Condition:
        rule = self.drill.valgus
        return Condition(
            "valgus", side, rule.text, rule.priority, int(r["t_us"]), int(r["t_emitted_us"]), int(r["number"]),
            _plain(r["value"]), float(r["limit"]), _plain(r["sigma"]), rule.cue, held,
        )  # fmt: skip

    def _phase(self, kind: int, r: np.void, batch: _Batch) -> None:
        """A step of the repetition machine."""
        t, now, number = int(r["t_us"]), int(r["t_emitted_us"]), int(r["number"])
        if kind == records.STARTED:
            self._faults, self._judged, self._began_us = (), None, t
            batch.events.append(Event("repetition_started", t, now, detail=str(number)))
            batch.events.append(Event("phase", t, now, detail="down"))
            self._engine.end_phase()
        elif kind == records.BOTTOM:
            batch.events.append(Event("phase", t, now, detail="hold"))
            self._engine.end_phase()
            self._tempo("down", float(r["value"]), t, now, number, batch)
        elif kind == records.RISING:
            batch.events.append(Event("phase", t, now, detail="up"))
            self._engine.end_phase()
            self._depth(float(r["value"]), t, now, number, batch)
        elif kind == records.COUNTED:
            self._count += 1
            batch.events.append(Event("repetition_counted", t, now, detail=str(number)))
            if self._judge is not None:
                self._judged = self._judge.take(number, self._began_us, now)
                batch.courses += self._judged.courses
                self._decide(self._judged.conditions(self.drill, now, self._faults), batch)
                for name in self._judged.names:
                    self._add_fault(name)
        elif kind == records.CLOSED:
            batch.events.append(Event("phase", t, now, detail="rest"))
            self._engine.end_phase()
            row = self._closed[int(r["detail"])]
            self._tempo("up", float(row["up_s"]), t, now, number, batch)
            self._engine.end_phase()
            self._close(number, row, batch)
        elif kind == records.DROPPED:
            long = r["detail"] == repetitions.TOO_LONG
            why = "it did not come back up in time" if long else "not deep enough to be one"
            batch.events.append(Event("repetition_dropped", t, now, detail=why))
            self._engine.end_phase()
        elif kind == records.VOID:
            why = "a sensor was unknown during it; it does not count"
            batch.events.append(Event("repetition_void", now, now, detail=why))
            self._engine.end_phase()
            self._marks += ("void",)
            batch.repetitions.append(
                Repetition(number, None, t, now, now, nan, Phases(nan, nan, nan), {}, ("void",), int(r["detail"]))
            )

    def _tempo(self, phase: str, seconds: float, t: int, now: int, number: int, batch: _Batch) -> None:
        error: TempoError | None = judge(self.drill, phase, seconds)
        if error is None:
            return
        if error.fast:
            self._add_fault("tempo")
        else:
            way, limit = f"the way {phase} took {seconds:.1f} s", f"longer than {error.limit_s:.1f} s"
            batch.events.append(Event("tempo_slow", t, now, detail=f"{way}, {limit}"))
        if error.fast or error.text:
            rule = self.drill.tempo_rule
            condition = Condition(
                "tempo", None, error.text, rule.priority, t, now, number, seconds, error.limit_s, nan, rule.cue
            )
            self._decide(iter([condition]), batch)

    def _depth(self, depth: float, t: int, now: int, number: int, batch: _Batch) -> None:
        rule = self.drill.depth
        if depth < radians(rule.partial_deg) and not (self._judge and self._judge.compares):
            self._add_fault("partial")
            condition = Condition(
                "depth", None, rule.text, rule.priority, t, now, number, depth, radians(rule.partial_deg), nan, rule.cue
            )
            self._decide(iter([condition]), batch)

    def _decide(self, conditions: Iterator[Condition], batch: _Batch) -> None:
        batch.cues.extend(cue for c in conditions if (cue := self._engine.decide(c)) is not None)

    def _add_fault(self, name: str) -> None:
        if name not in self._faults:
            self._faults = tuple(sorted((*self._faults, name)))

    def _close(self, number: int, row: np.void, batch: _Batch) -> None:
        excursions: dict[str, float] = {}
        for j, name in enumerate(ALIGNMENT_ANGLES):
            for leg, side in enumerate(SIDES):
                label = angle_label(name, side)
                for key, values in ((label, row["excursion"]), (f"{label}_return", row["return_"])):
                    value = float(values[2 * j + leg])
                    if value == value:
                        excursions[key] = value
        excursions |= self._judged.excursions if self._judged else {}
        faults = self._faults
        self._marks += ("clean" if not faults else "tempo" if faults == ("tempo",) else "cued",)
        phases_s = Phases(float(row["down_s"]), float(row["hold_s"]), _plain(row["up_s"]))
        batch.repetitions.append(
            Repetition(
                number, None, int(row["t_start"]), int(row["t_deepest"]), int(row["t_end"]), _plain(row["depth"]), phases_s,
                excursions, faults, int(row["flags"]),
            )
        )  # fmt: skip


def _plain(value: np.float64) -> float:
    """A Python float; every unknown is the same `nan`, so that equal outputs compare equal."""
    return float(value) if value == value else nan


def _needs(angle: str, side: Side) -> tuple[str, ...]:
    """Segments an angle is made of."""
    parts = ("thigh", "shank") if angle == "knee_flexion" else (angle.split("_", 1)[0],)
    return tuple(segment_of(part, side) for part in parts)


def _worn(setup: Setup, angle: str, side: Side) -> bool:
    return all(setup.index_of(segment) is not None for segment in _needs(angle, side))
