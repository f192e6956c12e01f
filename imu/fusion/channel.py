"""One sensor's way from packets to orientations: clock, gaps, saturation, filter."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imu.clock import ClockState, DeviceClock
from imu.config import GapLimits, SensorSetup
from imu.fusion.arrays import owned
from imu.fusion.filters import FilterParams, SensorFilter
from imu.fusion.gaps import SKIP_ACC
from imu.fusion.rows import RowMaker, Rows, RowsState
from imu.fusion.self_check import CheckState, SelfCheck
from imu.fusion.sensor_check import SensorCheck
from imu.packets import Floats, Ints, Packet, Quality

_NOT_MEASURED = int(Quality.FILLED | Quality.SATURATED_ACC | Quality.SATURATED_GYR)
_MARKS = {"refused": int(Quality.SENSOR_FAULT), "marked": int(Quality.SENSOR_DOUBTFUL)}


@dataclass(frozen=True, slots=True, eq=False)
class PoseBlock:
    """Orientation of one sensor at every sample, including those filled in."""

    t_us: Ints
    """(n,) session time, strictly increasing."""
    q: Floats
    """(n, 4) q_earth_sensor; heading arbitrary, and new after every restart (SETTLING)."""
    gyr: Floats
    """(n, 3) rad/s, sensor frame, estimated bias removed."""
    acc: Floats
    """(n, 3) m/s², sensor frame, including gravity."""
    flags: NDArray[np.uint16]
    """(n,) `Quality` bits."""
    arrived_us: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """(n,) session time at which each row became known; by default at once."""

    def __post_init__(self) -> None:
        if len(self.arrived_us) != len(self.t_us):
            object.__setattr__(self, "arrived_us", self.t_us)

    def __len__(self) -> int:
        return len(self.t_us)

    @staticmethod
    def empty() -> PoseBlock:
        three = np.zeros((0, 3))
        return PoseBlock(np.zeros(0, np.int64), np.zeros((0, 4)), three, three, np.zeros(0, np.uint16))


@dataclass(frozen=True, slots=True, eq=False)
class ChannelState:
    """Everything that changes in a `SensorChannel`."""

    clock: ClockState
    rows: RowsState
    filter: Floats
    check: CheckState
    epoch: int | None


@dataclass(frozen=True, slots=True)
class CheckChange:
    """The self-check has come to another verdict; it holds from the row after `t_us` on."""

    t_us: int
    arrived_us: int
    check: SensorCheck


class SensorChannel:
    """Takes the packets of one sensor in the order in which they came.

    The filter's time step is `1 / setup.rate_hz` of the device's own clock: the host's clock only places samples in
    session time, its jitter never reaches the integration.

    Parameters
    ----------
    setup : SensorSetup
        Rate and ranges of the sensor.
    t0_host_ns : int
        Host time at which session time is 0.
    method, params : optional
        Of the filter, see `SensorFilter`.
    limits : GapLimits, optional
    """

    def __init__(
        self,
        setup: SensorSetup,
        t0_host_ns: int,
        params: FilterParams | None = None,
        method: str | None = None,
        limits: GapLimits | None = None,
    ) -> None:
        self._rows = RowMaker(
            setup.rate_hz, limits or GapLimits(), setup.acc_range, setup.gyr_range, setup.acc_offset
        )
        self._check = SelfCheck(setup.rate_hz)
        self.changes: tuple[CheckChange, ...] = ()
        """What the last packet changed about the verdict on this sensor."""
        self._filter = SensorFilter(setup.rate_hz, method, params)
        self._clock = DeviceClock(t0_host_ns, setup.clock)
        self._t0_host_ns = t0_host_ns
        self._epoch: int | None = None

    def rows(self, packet: Packet) -> Rows:
        """This packet's samples in session time, with the holes before them filled: what the filter would get."""
        new_epoch = self._epoch is not None and packet.epoch != self._epoch
        if new_epoch:
            self._clock.new_epoch()
        self._epoch = packet.epoch
        t_us, pace = self._clock.map_paced(owned(packet.t_us, np.int64), packet.marks)
        rows = self._rows.make(
            t_us, (packet.arrival_ns - self._t0_host_ns) // 1000, owned(packet.lost, np.int32),
            owned(packet.gyr, np.float64), owned(packet.acc, np.float64), owned(packet.clipped, np.uint8),
            new_epoch=new_epoch, pace=pace,
        )  # fmt: skip
        self._judge(rows)
        return rows

    def push(self, packet: Packet) -> PoseBlock:
        """Orientations of this packet's samples and of the holes before them."""
        if len(packet.t_us) == 0:
            self.changes = ()
            return PoseBlock.empty()
        rows = self.rows(packet)
        q, gyr = self._filter.follow(rows)
        return PoseBlock(rows.t_us, q, gyr, rows.acc, rows.flags, rows.arrived_us)

    def _judge(self, rows: Rows) -> None:
        """What the sensor shows of itself goes into the rows' flags."""
        broken = ((rows.flags & _NOT_MEASURED) != 0) | ((rows.actions & SKIP_ACC) != 0)
        verdict, start = self.check.verdict, 0
        found = self._check.push(rows.gyr, rows.acc, broken.astype(np.uint8))
        changes: list[CheckChange] = []
        for row, check in [*found, (len(rows), self.check)]:
            # that a sensor is good is said only when it was not before
            if check.verdict != verdict and (verdict, check.verdict) != ("unchecked", "good"):
                changes.append(CheckChange(int(rows.t_us[row - 1]), int(rows.arrived_us[row - 1]), check))
            if verdict in _MARKS:
                rows.flags[start:row] |= _MARKS[verdict]
            verdict, start = check.verdict, row
        self.changes = tuple(changes)

    @property
    def check(self) -> SensorCheck:
        """What its check at rest says of the sensor."""
        return self._check.check

    @property
    def received(self) -> int:
        """Samples that arrived."""
        return self._rows.received

    @property
    def lost(self) -> int:
        """Samples that the sensor took and that never arrived."""
        return self._rows.lost

    @property
    def filled(self) -> int:
        """Samples made up between others."""
        return self._rows.filled

    @property
    def restarts(self) -> int:
        """Times the filter had to start again."""
        return self._rows.restarts

    @property
    def settling(self) -> bool:
        """The filter has (re)started less than its settling time ago."""
        return self._rows.settling

    @property
    def resting(self) -> bool:
        """The sensor is still now."""
        return self._filter.resting

    @property
    def bias(self) -> Floats:
        """(3,) estimated gyroscope bias, rad/s, sensor frame."""
        return self._filter.bias

    @property
    def gyr_bias_dps(self) -> float:
        """Norm of the estimated gyroscope bias, °/s; NaN before the first sample."""
        return math.degrees(float(np.linalg.norm(self.bias))) if self.received else math.nan

    @property
    def skew_ppm(self) -> float:
        return self._clock.skew_ppm

    @property
    def offset_us(self) -> float:
        return self._clock.offset_us

    @property
    def clock_sigma_ms(self) -> float:
        return self._clock.sigma_ms

    @property
    def lag_ms(self) -> float:
        return self._clock.lag_ms

    def state(self) -> ChannelState:
        """A copy of everything that changes."""
        return ChannelState(
            self._clock.state(), self._rows.state(), self._filter.state, self._check.state(), self._epoch
        )

    def restore(self, state: ChannelState) -> None:
        """Continue from what `state` of a channel with equal setup returned."""
        self._clock.restore(state.clock)
        self._rows.restore(state.rows)
        self._filter.state = state.filter
        self._check.restore(state.check)
        self._epoch = state.epoch
