"""The composition: packets in, frames, events, repetitions and cues out.

Synchronous. No clock, thread, event loop, file or window: live, replay, simulation and batch differ only in who calls
`push`. Equal setup and equal samples give equal outputs, bit by bit, however the samples are grouped into packets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from imu.config import Setup
from imu.conventions import Side, side_of
from imu.errors import ConfigError
from imu.feedback.cadence import CadenceSession
from imu.feedback.drill import AnyDrill, Drill, load_drill
from imu.feedback.measured import SECOND, Measured, MeasuredState
from imu.feedback.motion import MOST
from imu.feedback.session import DrillOutputs, DrillSession
from imu.fusion.channel import CheckChange, PoseBlock, SensorChannel
from imu.fusion.grid import Grid, GridBlock
from imu.fusion.rows import Rows
from imu.kinematics.body import Body
from imu.kinematics.gait import GaitDetector, GaitState, LegState, Stride, StrideBuilder
from imu.kinematics.whole_body import WholeBody
from imu.outputs import Cue, Event, FrameBlock, Outputs, Repetition
from imu.packets import Command, Health, Packet, Quality


@dataclass(frozen=True, slots=True)
class PipelineState:
    """Everything that changes, copied; give it to `Pipeline.restore` of a pipeline with an equal setup."""

    channels: tuple[object, ...]
    grid: object
    body: object
    gait: GaitState
    walk: dict[Side, LegState]
    drill: object
    measured: MeasuredState | None
    silent: tuple[bool, ...]
    verdicts: tuple[tuple[int, CheckChange], ...]
    ready_us: int | None


class Pipeline:
    """One session's way from packets to cues.

    Parameters
    ----------
    setup : Setup
        Who is where, at which rate, and the drill. Sensors not named in it are refused.
    body : Body or WholeBody, optional
        For what looks ahead; a fresh `Body` of this setup by default.
    """

    def __init__(self, setup: Setup, body: Body | WholeBody | None = None) -> None:
        self.setup = setup
        self._index = {s.sensor: i for i, s in enumerate(setup.sensors)}
        self._channels = [SensorChannel(s, setup.t0_host_ns, method=setup.filter, limits=setup.gaps) for s in setup.sensors]
        self._period_us = [round(1e6 / s.rate_hz) for s in setup.sensors]
        self._grid = Grid(len(setup.sensors), setup.grid_hz, round(setup.wait_ms * 1000))
        self.body: Body | WholeBody = body or Body(setup)
        self.drill: AnyDrill | None = load_drill(setup.drill_toml, "drill of this session") if setup.drill_toml else None
        self._measured = Measured(self.drill, setup) if isinstance(self.drill, Drill) else None
        self.session = _session(self.drill, setup, self._measured) if self.drill else None
        self._gait = GaitDetector([s.segment for s in setup.sensors], setup.grid_hz)
        self.walk = StrideBuilder(self._gait.sides)
        """What is open of each leg's stride."""
        self.strides: tuple[Stride, ...] = ()
        """Those that the last push has completed."""
        self._silent = [False] * len(setup.sensors)
        self._verdicts: list[tuple[int, CheckChange]] = []
        """(sensor, change of its verdict) that no frame has reached yet."""
        self._ready_us: int | None = None

    @property
    def counts_early(self) -> bool:
        """The drill is being done without a calibration, and counts."""
        return self._measured is not None and self._measured.is_set

    def take(self, command: Command) -> None:
        """What a person asked for; ConfigError if it cannot be. Give it before the frames that it holds for."""
        self.body.take(command)

    def push(self, packet: Packet) -> Outputs:
        """Take one packet and return everything that became known with it."""
        i = self.number_of(packet)
        poses = self._channels[i].push(packet)
        self._note_verdict(i)
        return self.push_poses(i, poses, self.span_us(packet))

    def rows(self, packet: Packet) -> Rows:
        """Take one packet only as far as the filter: for what looks ahead before it gives the poses to `push_poses`."""
        i = self.number_of(packet)
        rows = self._channels[i].rows(packet)
        self._note_verdict(i)
        return rows

    def push_poses(self, i: int, poses: PoseBlock, span_us: int) -> Outputs:
        """Take the poses of sensor number `i` from a packet that was `span_us` long."""
        if len(poses):
            self._grid.push(i, poses, span_us)
            if self._measured is not None:
                self._measured.push(i, poses, span_us)
        return self._advance(self._grid.take())

    def number_of(self, packet: Packet) -> int:
        """Which of the setup's sensors sent it."""
        i = self._index.get(packet.sensor)
        if i is None:
            raise ConfigError(f"packet of sensor {packet.sensor}, which is not in the setup; assign it to a segment first")
        return i

    def span_us(self, packet: Packet) -> int:
        """Time that a packet's samples cover."""
        if len(packet) == 0:
            return 0
        return int(packet.t_us[-1] - packet.t_us[0]) + self._period_us[self.number_of(packet)]

    def finish(self) -> Outputs:
        """The last frames, and a repetition that was already counted; call once, after the last packet."""
        last = self._advance(self._grid.finish())
        if self.session is None:
            return last
        early = DrillOutputs()
        if self._measured is not None and self._measured.early is not None:
            early, self.session = self._measured.early.finish(self._measured.t_us), self._measured.early.session
        tail = self.session.finish()
        return Outputs(
            last.frames,
            last.events + early.events + tail.events,
            last.repetitions + early.repetitions + tail.repetitions,
            last.cues + early.cues + tail.cues,
            last.courses + early.courses + tail.courses,
        )

    def _advance(self, grid: GridBlock) -> Outputs:
        if len(grid.t_us) == 0:
            return Outputs(FrameBlock.empty(len(self.setup.sensors)))
        events = self._link_events(grid) + self._verdict_events(grid)
        frames, body_events = self.body.push(grid)
        steps = self._gait.push(grid, body_events, self.body.calibration)
        self.strides = self.walk.push(steps)
        events += body_events + steps
        repetitions: tuple[Repetition, ...] = ()
        cues: tuple[Cue, ...] = ()
        courses: tuple[object, ...] = ()
        if self.session is not None:
            for event in body_events:
                if event.kind == "calibrated":
                    self._ready_us = event.t_emitted_us
            for part in self._drill(frames, body_events, steps):
                events += part.events
                repetitions += part.repetitions
                cues += part.cues
                courses += part.courses
        # by the frame that decided each: a large packet brings many frames, and their order must be that of small ones
        events = tuple(sorted(events, key=lambda e: e.t_emitted_us))
        return Outputs(frames, events, repetitions, cues, courses)

    def _drill(
        self, frames: FrameBlock, body_events: tuple[Event, ...], steps: Sequence[Event]
    ) -> Iterator[DrillOutputs]:
        """Frames through the drill; from `swap_found` until somebody has looked, cues might name the wrong leg."""
        assert self.session is not None
        start = 0
        for event in (*body_events, None):
            if event is not None and event.kind not in ("swap_found", "sides_confirmed", "sides_checked", "calibrated"):
                continue
            now = frames.t_us[-1] if event is None else event.t_emitted_us
            stop = int(np.searchsorted(frames.t_us, now, side="right"))
            while start < stop:
                end, first = min(stop, start + MOST), None
                if self._measured is not None:
                    t = int(frames.t_us[start])
                    end = min(end, int(np.searchsorted(frames.t_us, (t // SECOND + 1) * SECOND)))
                    if ended := self._measured.before(t):
                        yield DrillOutputs(ended)
                        self.session = self._measured.session
                part = frames.part(start, end)
                start = end
                if self._measured is not None and (early := self._measured.take(len(part))) is not None:
                    yield early
                    if self._measured.is_set:
                        self.session = self._measured.session
                        continue
                if self._ready_us is not None:
                    first = int(np.searchsorted(part.t_us, self._ready_us, side="right"))
                first_us, last_us = int(part.t_us[0]), int(part.t_us[-1])
                yield self.session.push(part, first, [e for e in steps if first_us <= e.t_emitted_us <= last_us])
            if event is None:
                continue
            if event.kind != "calibrated":
                self.session.hold("sensors seem exchanged" if event.kind == "swap_found" else "")
            elif self._measured is not None:
                yield DrillOutputs(self._measured.calibrated(event.t_emitted_us))
                self.session = self._measured.session

    def _link_events(self, grid: GridBlock) -> tuple[Event, ...]:
        """`sensor_stale` when a sensor's orientation becomes unknown after having been known, `sensor_back` on return."""
        events: list[Event] = []
        unknown = (grid.flags & int(Quality.STALE)) != 0
        if bool((unknown == self._silent).all()):
            return ()  # nearly always: nothing has changed
        for i, sensor in enumerate(self.setup.sensors):
            column = unknown[:, i]
            before = np.concatenate(([self._silent[i]], column[:-1]))
            for k in np.flatnonzero(column != before):
                t = int(grid.t_us[k])
                kind = "sensor_stale" if column[k] else "sensor_back"
                events.append(Event(kind, t, t, detail=sensor.segment))
            self._silent[i] = bool(column[-1])
        return tuple(sorted(events, key=lambda e: e.t_us))

    def _note_verdict(self, i: int) -> None:
        """What the last packet of a sensor has shown of it waits for its frame."""
        self._verdicts += [(i, change) for change in self._channels[i].changes]

    def _verdict_events(self, grid: GridBlock) -> tuple[Event, ...]:
        """`sensor_refused`, `sensor_marked`, `sensor_accepted`: with the first frame for which the verdict was known."""
        if not self._verdicts:
            return ()
        wait_us, newest = round(self.setup.wait_ms * 1000), int(grid.t_us[-1])
        events: list[Event] = []
        waiting: list[tuple[int, CheckChange]] = []
        for i, change in self._verdicts:
            # frames before the arrival of a late sample were made without it
            known_us = change.t_us if change.arrived_us - change.t_us <= wait_us else change.arrived_us
            if known_us > newest:
                waiting.append((i, change))
                continue
            kind = {"refused": "sensor_refused", "marked": "sensor_marked"}.get(change.check.verdict, "sensor_accepted")
            now = int(grid.t_us[np.searchsorted(grid.t_us, known_us)])
            segment, words = self.setup.sensors[i].segment, change.check.words
            detail = f"{segment}: {words}" if words else segment
            events.append(Event(kind, change.t_us, now, side=side_of(segment), method="rest", detail=detail))
        self._verdicts = waiting
        return tuple(sorted(events, key=lambda e: (e.t_emitted_us, e.t_us, e.detail)))

    def health(self) -> tuple[Health, ...]:
        """State of every sensor at the newest instant, in the order of the setup."""
        rows = []
        for i, (sensor, channel) in enumerate(zip(self.setup.sensors, self._channels, strict=True)):
            if channel.received == 0:
                state = "waiting"
            elif self._silent[i]:
                state = "stale"
            elif not channel.check.usable:
                state = "refused"
            elif channel.settling:
                state = "settling"
            else:
                state = "streaming"
            rows.append(
                Health(
                    sensor.sensor,
                    sensor.segment,
                    state,
                    received=channel.received,
                    lost=channel.lost,
                    filled=channel.filled,
                    restarts=channel.restarts,
                    lag_ms=channel.lag_ms,
                    clock_uncertainty_ms=2.0 * channel.clock_sigma_ms,
                    skew_ppm=channel.skew_ppm,
                    gyr_bias_dps=channel.gyr_bias_dps,
                    check=channel.check.verdict,
                    rest_acc=channel.check.acc_norm,
                    note=channel.check.words,
                )
            )
        return tuple(rows)

    def state(self) -> PipelineState:
        """A copy of everything that changes."""
        return PipelineState(
            tuple(c.state() for c in self._channels),
            self._grid.state(),
            self.body.state(),
            self._gait.state(),
            self.walk.state(),
            self.session.state() if self.session else None,
            self._measured.state() if self._measured else None,
            tuple(self._silent),
            tuple(self._verdicts),
            self._ready_us,
        )

    def restore(self, state: PipelineState) -> None:
        """Continue from a state that `state` returned; later outputs equal those of the original."""
        for channel, saved in zip(self._channels, state.channels, strict=True):
            channel.restore(saved)  # pyright: ignore[reportArgumentType]
        self._grid.restore(state.grid)  # pyright: ignore[reportArgumentType]
        self.body.restore(state.body)  # pyright: ignore[reportArgumentType]
        self._gait.restore(state.gait)
        self.walk.restore(state.walk)
        if self._measured is not None and state.measured is not None:
            self._measured.restore(state.measured)
            self.session = self._measured.session
        if self.session is not None:
            self.session.restore(state.drill)  # pyright: ignore[reportArgumentType]
        self._silent = list(state.silent)
        self._verdicts = list(state.verdicts)
        self._ready_us = state.ready_us


def _session(drill: AnyDrill, setup: Setup, measured: Measured | None) -> DrillSession | CadenceSession:
    """What follows a drill of its kind."""
    if isinstance(drill, Drill):
        assert measured is not None
        return measured.session
    return CadenceSession(drill, setup)
