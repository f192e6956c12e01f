"""The composition: packets in, frames, events, repetitions and cues out.

Synchronous. No clock, thread, event loop, file or window: live, replay, simulation and batch differ only in who calls
`push`. Equal setup and equal samples give equal outputs, bit by bit, however the samples are grouped into packets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imu.config import Setup
from imu.conventions import Side, side_of
from imu.errors import ConfigError
from imu.feedback.cadence import CadenceSession
from imu.feedback.drill import AnyDrill
from imu.feedback.following import Follower, FollowerState
from imu.feedback.session import DrillSession
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
    drill: FollowerState
    silent: tuple[bool, ...]
    verdicts: tuple[tuple[int, CheckChange], ...]


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
        self._follower = Follower(setup)
        self._gait = GaitDetector([s.segment for s in setup.sensors], setup.grid_hz)
        self.walk = StrideBuilder(self._gait.sides)
        """What is open of each leg's stride."""
        self.strides: tuple[Stride, ...] = ()
        """Those that the last push has completed."""
        self._silent = [False] * len(setup.sensors)
        self._verdicts: list[tuple[int, CheckChange]] = []
        """(sensor, change of its verdict) that no frame has reached yet."""

    @property
    def counts_early(self) -> bool:
        """The drill is being done without a calibration, and counts."""
        return self._follower.counts_early

    @property
    def drill(self) -> AnyDrill | None:
        return self._follower.drill

    @property
    def session(self) -> DrillSession | CadenceSession | None:
        """What counts now; None = there is no drill."""
        return self._follower.session

    def take(self, command: Command) -> None:
        """What a person asked for; ConfigError if it cannot be. Give it before the frames that it holds for."""
        if command.kind in ("mute", "unmute"):
            self._follower.mute(command.t_us, command.kind == "mute")
        else:
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
            self._follower.measured(i, poses, span_us)
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
        tail = self._follower.finish()
        return Outputs(
            last.frames,
            last.events + tail.events,
            last.repetitions + tail.repetitions,
            last.cues + tail.cues,
            last.courses + tail.courses,
        )

    def _advance(self, grid: GridBlock) -> Outputs:
        self.strides = ()
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
        for part in self._follower.push(frames, grid.known_us, body_events, steps, self.body.mounted):
            events += part.events
            repetitions += part.repetitions
            cues += part.cues
            courses += part.courses
        # by the frame that decided each: a large packet brings many frames, and their order must be that of small ones
        events = tuple(sorted(events, key=lambda e: e.t_emitted_us))
        return Outputs(frames, events, repetitions, cues, courses)

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
            self._follower.state(),
            tuple(self._silent),
            tuple(self._verdicts),
        )

    def restore(self, state: PipelineState) -> None:
        """Continue from a state that `state` returned; later outputs equal those of the original."""
        for channel, saved in zip(self._channels, state.channels, strict=True):
            channel.restore(saved)  # pyright: ignore[reportArgumentType]
        self._grid.restore(state.grid)  # pyright: ignore[reportArgumentType]
        self.body.restore(state.body)  # pyright: ignore[reportArgumentType]
        self._gait.restore(state.gait)
        self.walk.restore(state.walk)
        self._follower.restore(state.drill)
        self._silent = list(state.silent)
        self._verdicts = list(state.verdicts)
