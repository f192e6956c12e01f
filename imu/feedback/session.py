"""One set of one drill: frames in, events, repetitions and decisions out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import nan

import numpy as np

from imu.config import Setup
from imu.conventions import Side
from imu.feedback import conditions, records
from imu.feedback.alignment import Baseline
from imu.feedback.batch import Batch, DrillOutputs
from imu.feedback.closing import WHY_DROPPED, closed_repetition, void_repetition
from imu.feedback.cues import Condition, CueEngine
from imu.feedback.drill import Drill
from imu.feedback.drill_attempts import FellBack, TouchDown
from imu.feedback.judge import Judge
from imu.feedback.lane import Lane, Report, legs_of
from imu.feedback.notebook import Notebook
from imu.feedback.schedule import plan_of
from imu.feedback.session_state import SessionState
from imu.feedback.tempo import TempoError, judge
from imu.feedback.trust import Trust
from imu.feedback.view import mark_of, repetition_view, under_way
from imu.outputs import Cue, Event, FrameBlock
from imu.packets import Ints
from imu.snapshot import DrillView, RepetitionView


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
        Of a set whose motion is kept, of a drill that is `comparable`; with an approved set it compares with that
        besides, and names partial by it.
    trust : Trust, optional
        What the calibration lets be judged, until `calibrated` says it anew.
    """

    def __init__(
        self, drill: Drill, setup: Setup, baseline: Baseline | None = None, judge: Judge | None = None,
        trust: Trust | None = None,
    ) -> None:  # fmt: skip
        self.drill = drill
        self._judge, self._trust = judge, trust or Trust()
        against = baseline or (judge.baseline if judge else Baseline.none())
        profile = against.profile.astype(np.float64, order="C")
        self._lanes = tuple(Lane(i, drill, setup, leg, profile) for i, leg in enumerate(legs_of(drill, setup)))
        self._notes = Notebook(len(self._lanes))
        plan = plan_of(setup, drill.name, drill.target_count, drill.schedule)
        self._engine = CueEngine(drill.cues.show_s, drill.cues.every_repetitions, plan)
        self._marks: tuple[str, ...] = ()
        self._count = 0
        """Repetitions that have a number: counted, or void."""
        self._t_end_us = -1
        self._last_side: Side | None = None

    @property
    def unmeasured(self) -> tuple[str, ...]:
        """Metrics and compensations of the drill that the sensors worn do not tell."""
        return tuple(dict.fromkeys(name for lane in self._lanes for name in lane.missing))

    def push(self, frames: FrameBlock, first_ready: int | None, steps: Iterable[Event] = ()) -> DrillOutputs:
        """Take frames; those before index `first_ready` (None: all) belong to the calibration and are no drill frames.

        `steps`, the gait events of the same frames, are of no interest to a drill of repetitions.
        """
        if first_ready is None or first_ready >= len(frames):
            return DrillOutputs()
        return self._read([report for lane in self._lanes for report in lane.push(frames, first_ready)])

    def finish(self) -> DrillOutputs:
        """The recording is over: a repetition that was already counted is closed, any other is forgotten."""
        last = self._read([report for lane in self._lanes for report in lane.finish()])
        return replace(last, cues=last.cues + self._engine.finish())

    def hold(self, reason: str) -> None:
        """From the next frame on every cue is held back for this reason; "" = no more."""
        self._engine.hold(reason)

    def mute(self, muted: bool) -> None:
        """From the next frame on the person wants no cues, or wants them again."""
        self._engine.mute(muted)

    def calibrated(self, trust: Trust) -> None:
        """From the next frame on this holds of the calibration."""
        self._trust = trust

    def arrived(self, t_us: Ints, known_us: Ints) -> None:
        """The frames to come, and when each was known."""
        self._engine.arrived(t_us, known_us)

    @property
    def drill_view(self) -> DrillView:
        return self.drill.view

    @property
    def between(self) -> bool:
        """No repetition is under way."""
        return all(int(lane.machine[0]["state"]) in (records.WAITING, records.TOP) for lane in self._lanes)

    def view(self) -> RepetitionView:
        """The repetition under way, at the newest frame; of two legs that of the leg that began it last."""
        machine = max((lane.machine for lane in self._lanes), key=under_way)
        return repetition_view(self.drill, machine, self._count, self._marks)

    def current_cue(self, t_us: int) -> Cue | None:
        """The cue to show at `t_us`; None = calm."""
        return self._engine.current(t_us)

    def state(self) -> SessionState:
        """A copy of everything that changes."""
        streams = tuple(lane.state.copy() for lane in self._lanes)
        return SessionState(
            streams, self._notes.notes, self._engine.state, self._marks, self._count, self._notes.done, self._t_end_us,
            self._last_side, self._judge.state() if self._judge else None, self._trust,
        )  # fmt: skip

    def restore(self, state: SessionState) -> None:
        """Continue from a state of a session with an equal drill and setup."""
        for lane, saved in zip(self._lanes, state.streams, strict=True):
            lane.state = saved.copy()
        self._notes.restore(state.notes, state.done)
        self._engine.state = state.cues
        self._marks, self._count = state.marks, state.count
        self._t_end_us, self._last_side, self._trust = state.t_end_us, state.last_side, state.trust
        if self._judge and state.judge:
            self._judge.restore(state.judge)

    def _read(self, reports: list[Report]) -> DrillOutputs:
        """Turn the lanes' reports into outputs, in the order in which they were made."""
        batch = Batch()
        reports.sort(key=lambda report: (report.record["t_emitted_us"], report.lane))
        i = 0
        while i < len(reports):
            report, r = reports[i], reports[i].record
            kind = int(r["kind"])
            if kind in (records.VALGUS, records.COMPENSATION):
                same = [r]
                while i + 1 < len(reports) and self._lanes[report.lane].alike(reports[i + 1], report):
                    i += 1
                    same.append(reports[i].record)
                self._decide(self._sided(report.lane, same), batch)
            elif kind in conditions.HELD:
                self._held(self._lanes[report.lane], r, conditions.HELD[kind], batch)
            else:
                self._phase(kind, report, batch)
            i += 1
        return batch.done()

    def _held(self, lane: Lane, r: np.void, reason: str, batch: Batch) -> None:
        """Something was beyond its limit too briefly, or could not be told."""
        side = lane.side_of(r)
        if r["kind"] == records.VALGUS_UNKNOWN and side is not None:
            self._notes.add_unknown(lane.number, side)
            if self._compares:
                return  # the comparison says what it could not judge
        self._decide([self._condition(lane, r, side, reason)], batch)

    def _sided(self, lane: int, same: list[np.void]) -> Iterator[Condition]:
        """Conditions of one instant, the worse leg first; exactly equal ones are one cue without a side."""
        of = self._lanes[lane]
        for r in [r for r in same if r["kind"] == records.COMPENSATION]:
            if reason := self._trust.objection(of.quantities[int(r["detail"])]):
                yield self._condition(of, r, of.side_of(r), reason)
                same = [other for other in same if other is not r]
        for r in same:
            self._notes.add_fault(lane, conditions.rule_of(self.drill, of, r)[0], of.side_of(r))
        ratios = [conditions.share(r) for r in same]
        if len(same) == 2 and ratios[0] == ratios[1]:
            yield self._condition(of, same[0], None)
            return
        for _, r in sorted(zip(ratios, same, strict=True), key=lambda pair: -pair[0]):
            yield self._condition(of, r, of.side_of(r))

    def _condition(self, lane: Lane, r: np.void, side: Side | None, held: str = "") -> Condition:
        return conditions.of_watch(self.drill, lane, r, self._notes.number(lane.number, r), side, held)

    def _phase(self, kind: int, report: Report, batch: Batch) -> None:
        """A step of the repetition machine."""
        r, lane = report.record, self._lanes[report.lane]
        t, now, side = int(r["t_us"]), int(r["t_emitted_us"]), lane.trained
        (out, back), judged = self.drill.tempo.phases, self.drill.out_judged

        def tell(kind: str, detail: str, t: int = t) -> None:
            batch.events.append(Event(kind, t, now, side, detail=detail))

        if kind == records.STARTED:
            self._notes.begin(lane.number)
            if self._judge is not None:
                self._judge.begin(t)
            tell("repetition_started", str(self._notes.number(lane.number, r)))
            tell("phase", out)
            self._engine.end_phase()
            touch, pause_s = self.drill.touch_down, (t - self._t_end_us) * 1e-6
            if touch.text and self._t_end_us >= 0 and side == self._last_side and pause_s < touch.within_s:
                self._attempt("touch_down", touch, report, pause_s, touch.within_s, batch)
        elif kind == records.BOTTOM:
            tell("phase", "hold")
            self._engine.end_phase()
            self._tempo(out, float(r["value"]) if judged == "bottom" else nan, report, batch)
        elif kind == records.RISING:
            tell("phase", back)
            self._engine.end_phase()
            self._tempo(out, float(r["limit"]) if judged == "rising" else nan, report, batch)
        elif kind == records.COUNTED:
            self._count += 1
            number = self._notes.finish(lane.number, int(r["number"]))
            tell("repetition_counted", str(number))
            if self.drill.signal.legs == "alternating" and side == self._last_side:
                tell("side_repeated", f"the {side} leg twice; take turns")
            self._last_side = side
            self._compare(lane.number, number, now, batch)
        elif kind == records.CLOSED:
            tell("phase", "rest")
            self._engine.end_phase()
            self._close(report, back, batch)
            batch.cues += self._engine.end_repetition(now, last=self._count >= self.drill.target_count)
        elif kind == records.FELL_BACK:
            if self.drill.fell_back.text:
                self._attempt("fell_back", self.drill.fell_back, report, float(r["value"]), nan, batch)
        elif kind == records.DROPPED:
            tell("repetition_dropped", WHY_DROPPED[int(r["detail"])])
            batch.cues += self._engine.drop(self._notes.number(lane.number, r), now, "the repetition came to nothing")
            self._engine.end_phase()
        elif kind == records.VOID:
            tell("repetition_void", "a sensor was unknown during it; it does not count", now)
            self._engine.end_phase()
            self._marks += ("void",)
            number = self._notes.finish(lane.number, int(r["number"]))
            batch.cues += self._engine.drop(number, now, "the repetition is void")
            batch.repetitions.append(void_repetition(lane, report, number))

    def _tempo(self, phase: str, seconds: float, report: Report, batch: Batch) -> None:
        error: TempoError | None = judge(self.drill, phase, seconds)
        if error is None:
            return
        r, number = report.record, self._notes.number(report.lane, report.record)
        t, now = int(r["t_us"]), int(r["t_emitted_us"])
        if error.fast:
            self._notes.add_fault(report.lane, "tempo")
        else:
            batch.events.append(Event("tempo_slow", t, now, self._lanes[report.lane].trained, detail=error.words))
        if error.fast or error.text:
            self._decide([conditions.of_tempo(self.drill, error, r, number)], batch)

    def _attempt(self, name: str, rule: FellBack | TouchDown, report: Report, value: float, limit: float, b: Batch) -> None:
        self._notes.add_fault(report.lane, name)
        r = report.record
        self._decide([conditions.of_attempt(name, rule, r, self._notes.number(report.lane, r), value, limit)], b)

    def _depth(self, report: Report, row: np.void, batch: Batch) -> None:
        short = conditions.of_depth(self.drill, row, report.record, self._notes.number(report.lane, report.record))
        if short is not None and not self._compares:
            self._notes.add_fault(report.lane, "partial")
            self._decide([short], batch)

    def _metrics(self, report: Report, batch: Batch) -> None:
        """What only the whole repetition shows."""
        r = report.record
        for metric, of, value in self._lanes[report.lane].outside(report):
            reason = self._trust.objection(of)
            if not reason:
                self._notes.add_fault(report.lane, metric.name, of.side)
            number = self._notes.number(report.lane, r)
            self._decide([conditions.of_metric(metric, of.side, value, r, number, reason)], batch)

    @property
    def _compares(self) -> bool:
        """There is an approved set to compare with."""
        return self._judge is not None and self._judge.compares

    def _compare(self, lane: int, number: int, now: int, batch: Batch) -> None:
        """A repetition has been counted: where the legs went, and how that differs from the approved set."""
        if self._judge is None:
            return
        judged = self._judge.take(number, now)
        batch.events += [Event("baseline_refused", now, now, s, detail=w, segment=at) for at, s, w in self._judge.misfits]
        batch.courses += judged.courses
        self._decide(judged.conditions(self.drill, now, self._notes[lane].faults), batch)
        for name in judged.names:
            self._notes.add_fault(lane, name)

    def _decide(self, met: Iterable[Condition], batch: Batch) -> None:
        batch.cues.extend(cue for c in met if (cue := self._engine.decide(c)) is not None)

    def _close(self, report: Report, back: str, batch: Batch) -> None:
        """A repetition has closed: the way back and the pause are judged now, once all of it is known."""
        row = report.closed
        assert row is not None
        out_s = float(row["down_s"]) if self.drill.out_judged == "closed" else nan
        self._tempo(self.drill.tempo.phases[0], out_s, report, batch)
        self._tempo("hold", float(row["hold_s"]), report, batch)
        self._tempo(back, float(row["up_s"]), report, batch)
        self._engine.end_phase()
        self._metrics(report, batch)
        self._depth(report, row, batch)
        self._engine.end_phase()
        rest_s = (int(row["t_start"]) - self._t_end_us) * 1e-6 if self._t_end_us >= 0 else nan
        self._t_end_us = int(row["t_end"])
        notes, lane = self._notes[report.lane], self._lanes[report.lane]
        number = self._notes.number(report.lane, report.record)
        judged = self._judge.newest if self._judge else None
        done = closed_repetition(self.drill, lane, report, number, notes.faults, rest_s, judged)
        done = self._trust.applied(done, lane.quantities, notes.unknown, self._compares)
        self._marks += (mark_of(done),)
        batch.repetitions.append(done)
