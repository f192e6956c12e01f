"""The composition: packets in, frames, events, repetitions and cues out.

Synchronous. No clock, thread, event loop, file or window: live, replay, simulation and batch differ only in who calls
`push`. Equal setup and equal samples give equal outputs, bit by bit, however the samples are grouped into packets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imu.config import Setup
from imu.errors import ConfigError
from imu.feedback.drill import Drill, load_drill
from imu.feedback.session import DrillSession
from imu.fusion.channel import SensorChannel
from imu.fusion.grid import Grid, GridBlock
from imu.kinematics.body import Body
from imu.outputs import Cue, Event, FrameBlock, Outputs, Repetition
from imu.packets import Health, Packet, Quality


@dataclass(frozen=True, slots=True)
class PipelineState:
    """Everything that changes, copied; give it to `Pipeline.restore` of a pipeline with an equal setup."""

    channels: tuple[object, ...]
    grid: object
    body: object
    drill: object
    silent: tuple[bool, ...]
    ready_us: int | None


class Pipeline:
    """One session's way from packets to cues.

    Parameters
    ----------
    setup : Setup
        Who is where, at which rate, and the drill. Sensors not named in it are refused.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._index = {s.sensor: i for i, s in enumerate(setup.sensors)}
        self._channels = [SensorChannel(s, setup.t0_host_ns, method=setup.filter, limits=setup.gaps) for s in setup.sensors]
        self._period_us = [round(1e6 / s.rate_hz) for s in setup.sensors]
        self._grid = Grid(len(setup.sensors), setup.grid_hz, round(setup.wait_ms * 1000))
        self.body = Body(setup)
        self.drill: Drill | None = load_drill(setup.drill_toml, "drill of this session") if setup.drill_toml else None
        self.session = DrillSession(self.drill, setup) if self.drill else None
        self._silent = [False] * len(setup.sensors)
        self._ready_us: int | None = None

    def push(self, packet: Packet) -> Outputs:
        """Take one packet and return everything that became known with it."""
        i = self._index.get(packet.sensor)
        if i is None:
            raise ConfigError(f"packet of sensor {packet.sensor}, which is not in the setup; assign it to a segment first")
        if len(packet) == 0:
            return self._advance(self._grid.take())
        span_us = int(packet.t_us[-1] - packet.t_us[0]) + self._period_us[i]
        self._grid.push(i, self._channels[i].push(packet), span_us)
        return self._advance(self._grid.take())

    def finish(self) -> Outputs:
        """The last frames, and a repetition that was already counted; call once, after the last packet."""
        last = self._advance(self._grid.finish())
        if self.session is None:
            return last
        tail = self.session.finish()
        return Outputs(
            last.frames, last.events + tail.events, last.repetitions + tail.repetitions, last.cues + tail.cues
        )

    def _advance(self, grid: GridBlock) -> Outputs:
        if len(grid.t_us) == 0:
            return Outputs(FrameBlock.empty(len(self.setup.sensors)))
        events = self._link_events(grid)
        frames, body_events = self.body.push(grid)
        events += body_events
        repetitions: tuple[Repetition, ...] = ()
        cues: tuple[Cue, ...] = ()
        if self.session is not None:
            for event in body_events:
                if event.kind == "calibrated":
                    self._ready_us = event.t_emitted_us
            first = None
            if self._ready_us is not None:
                first = int(np.searchsorted(frames.t_us, self._ready_us, side="right"))
            out = self.session.push(frames, first)
            events, repetitions, cues = events + out.events, out.repetitions, out.cues
        # by the frame that decided each: a large packet brings many frames, and their order must be that of small ones
        events = tuple(sorted(events, key=lambda e: e.t_emitted_us))
        return Outputs(frames, events, repetitions, cues)

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

    def health(self) -> tuple[Health, ...]:
        """State of every sensor at the newest instant, in the order of the setup."""
        rows = []
        for i, (sensor, channel) in enumerate(zip(self.setup.sensors, self._channels, strict=True)):
            if channel.received == 0:
                state = "waiting"
            elif self._silent[i]:
                state = "stale"
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
                )
            )
        return tuple(rows)

    def state(self) -> PipelineState:
        """A copy of everything that changes."""
        return PipelineState(
            tuple(c.state() for c in self._channels),
            self._grid.state(),
            self.body.state(),
            self.session.state() if self.session else None,
            tuple(self._silent),
            self._ready_us,
        )

    def restore(self, state: PipelineState) -> None:
        """Continue from a state that `state` returned; later outputs equal those of the original."""
        for channel, saved in zip(self._channels, state.channels, strict=True):
            channel.restore(saved)  # pyright: ignore[reportArgumentType]
        self._grid.restore(state.grid)  # pyright: ignore[reportArgumentType]
        self.body.restore(state.body)  # pyright: ignore[reportArgumentType]
        if self.session is not None:
            self.session.restore(state.drill)  # pyright: ignore[reportArgumentType]
        self._silent = list(state.silent)
        self._ready_us = state.ready_us
