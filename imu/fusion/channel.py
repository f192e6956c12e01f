"""One sensor's way from packets to orientations: clock, gaps, saturation, filter."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imu.clock import ClockState, DeviceClock
from imu.config import SensorSetup
from imu.fusion import gaps, vqf
from imu.fusion.arrays import owned
from imu.fusion.coefficients import Coefficients, Params
from imu.packets import Floats, Ints, Packet


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
        return PoseBlock.unwritten(0)

    @staticmethod
    def unwritten(n: int) -> PoseBlock:
        """n rows to be written by a kernel."""
        return PoseBlock(
            np.empty(n, np.int64), np.empty((n, 4)), np.empty((n, 3)), np.empty((n, 3)), np.empty(n, np.uint16),
            np.empty(n, np.int64),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ChannelState:
    """Everything that changes in a `SensorChannel`."""

    clock: ClockState
    vqf: Floats
    ints: Ints
    last: Floats
    epoch: int | None


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
    params : Params, optional
        Of the filter.
    """

    def __init__(self, setup: SensorSetup, t0_host_ns: int, params: Params | None = None) -> None:
        self._coefficients = Coefficients.of(setup.rate_hz, params)
        self._limits = gaps.limits_in_samples(setup.rate_hz)
        self._ranges = gaps.SATURATED_SHARE * np.array([setup.acc_range, setup.gyr_range])
        self._clock = DeviceClock(t0_host_ns)
        self._t0_host_ns = t0_host_ns
        self._s = vqf.initial_state(self._coefficients)[0]
        self._i = np.zeros(gaps.INTS, np.int64)
        self._last = np.zeros(gaps.FLOATS)
        self._epoch: int | None = None

    def push(self, packet: Packet) -> PoseBlock:
        """Orientations of this packet's samples and of the holes before them."""
        if len(packet.t_us) == 0:
            return PoseBlock.empty()
        new_epoch = self._epoch is not None and packet.epoch != self._epoch
        if new_epoch:
            self._clock.new_epoch()
        self._epoch = packet.epoch
        t_us = self._clock.map(owned(packet.t_us, np.int64), packet.marks)
        lost = owned(packet.lost, np.int32)
        rows = gaps.rows_after_filling(self._i, self._limits, lost)
        block = PoseBlock.unwritten(rows)
        n = gaps.run(
            self._s, self._coefficients.row, self._i, self._last, self._limits, self._ranges, new_epoch,
            t_us, (packet.arrival_ns - self._t0_host_ns) // 1000, lost,
            owned(packet.gyr, np.float64), owned(packet.acc, np.float64), owned(packet.clipped, np.uint8),
            block.t_us, block.arrived_us, block.q, block.gyr, block.acc, block.flags,
        )  # fmt: skip
        if n < rows:
            return PoseBlock(
                block.t_us[:n], block.q[:n], block.gyr[:n], block.acc[:n], block.flags[:n], block.arrived_us[:n]
            )
        return block

    @property
    def received(self) -> int:
        """Samples that arrived."""
        return int(self._i[gaps.RECEIVED])

    @property
    def lost(self) -> int:
        """Samples that the sensor took and that never arrived."""
        return int(self._i[gaps.LOST])

    @property
    def filled(self) -> int:
        """Samples made up between others."""
        return int(self._i[gaps.FILLED])

    @property
    def restarts(self) -> int:
        """Times the filter had to start again."""
        return int(self._i[gaps.RESTARTS])

    @property
    def settling(self) -> bool:
        """The filter has (re)started less than its settling time ago."""
        return self._i[gaps.STARTED] == 0 or bool(self._i[gaps.SETTLE_LEFT] > 0)

    @property
    def resting(self) -> bool:
        """The sensor is still now."""
        return bool(self._s[vqf.RESTING] > 0.0)

    @property
    def bias(self) -> Floats:
        """(3,) estimated gyroscope bias, rad/s, sensor frame."""
        return self._s[vqf.BIAS : vqf.BIAS + 3].copy()

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
        return ChannelState(self._clock.state(), self._s.copy(), self._i.copy(), self._last.copy(), self._epoch)

    def restore(self, state: ChannelState) -> None:
        """Continue from what `state` of a channel with equal setup returned."""
        self._clock.restore(state.clock)
        self._s, self._i, self._last = state.vqf.copy(), state.ints.copy(), state.last.copy()
        self._epoch = state.epoch
