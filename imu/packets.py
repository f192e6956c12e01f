"""Values on the way in: what a sensor sent, decoded, and how good it is.

All are frozen; arrays are C-contiguous and not written to after creation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Quality(IntFlag):
    """What is wrong with a sample, an orientation or an angle; 0 = nothing. An unknown value is NaN *and* has a flag."""

    GOOD = 0
    FILLED = 1  # made up over a hole by interpolation; alone: a short one (<= 30 ms), as good as measured
    GAP = 2  # in a longer hole, or after it while what was guessed wrong may still show; the first after too long a hole
    SATURATED_ACC = 4  # the accelerometer was at the end of its range
    SATURATED_GYR = 8  # the gyroscope was at the end of its range: orientation may be wrong from here on
    STALE = 16  # the sensor is late or silent: unknown
    SETTLING = 32  # the filter has (re)started less than its settling time ago: unknown
    NOT_CALIBRATED = 64  # the segment's frame is not known yet: unknown
    HEADING_STALE = 128  # relative heading has not been corrected for long
    SLIPPED = 256  # the sensor has moved on the limb since the calibration
    CLOCK_JUMP = 512  # the device's clock jumped or it rebooted: restarted
    SENSOR_FAULT = 1024  # the sensor does not measure correctly (its check at rest): unknown
    SENSOR_DOUBTFUL = 2048  # the check at rest found it at the edge of what is allowed


UNKNOWN = Quality.STALE | Quality.SETTLING | Quality.NOT_CALIBRATED | Quality.SENSOR_FAULT
"""Any of these makes a value unknown (NaN). GAP alone does not: see the gap policy."""

CLIPPED_ACC, CLIPPED_GYR = 1, 2
"""Bits of `Packet.clipped`."""


@dataclass(frozen=True, slots=True)
class ClockMark:
    """One observation that ties a device's clock to the host's: at `t_device_us` the device did something (took its
    newest sample, or finished sending a packet) that the host noticed at `t_host_ns`. It became known with row
    `position` of the packet; attaching it to a row keeps results independent of how samples are grouped."""

    position: int
    t_device_us: int
    t_host_ns: int
    sent: bool = False
    """True: a TX-done stamp (delay is radio only). False: time of the newest sample (delay includes queueing)."""
    asked: bool = False
    """Of a ping. With `sent` False the other way round: the device noticed at `t_device_us` what the host had sent at
    `t_host_ns`, so the delay counts against it. With `sent` True it answered then, and the answer came at `t_host_ns`."""


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """Samples of one sensor as decoded from one notification (or regrouped): the only thing `Pipeline.push` takes."""

    sensor: str
    """Identity of the sensor in this session: its serial number as text."""
    t_host_ns: int
    """Host arrival of the newest bytes in here (`time.perf_counter_ns`), data like any other: nothing reads a clock."""
    epoch: int
    """Counts reboots and clock jumps of the device; a change restarts its clock model and its filter."""
    t_us: Ints
    """(n,) device time of each sample, unwrapped, strictly increasing within an epoch."""
    lost: NDArray[np.int32]
    """(n,) number of samples missing directly before each row (by counter or time step); 0 = none."""
    gyr: Floats
    """(n, 3) rad/s, sensor frame."""
    acc: Floats
    """(n, 3) m/s², sensor frame, including gravity."""
    clipped: NDArray[np.uint8]
    """(n,) bits CLIPPED_ACC, CLIPPED_GYR."""
    marks: tuple[ClockMark, ...] = ()
    arrival_ns: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """(n,) host arrival of each sample, `t_host_ns` by default. Regrouping keeps it: whether a sample came too late is
    then a fact about the sample, not about the packet that it is in."""

    def __post_init__(self) -> None:
        if len(self.arrival_ns) != len(self.t_us):
            object.__setattr__(self, "arrival_ns", np.full(len(self.t_us), self.t_host_ns, np.int64))

    def __len__(self) -> int:
        return len(self.t_us)


@dataclass(frozen=True, slots=True)
class Command:
    """What a person asked for during a session. It holds from the first frame at or after `t_us` (session time) on, and is
    part of the recording: without it a replay would differ."""

    kind: str
    """`redo`: calibrate the sensor of `segment` alone once more. `confirm_sides`: every sensor is where its label says.
    `mute`, `unmute`: the person wants no cues, neither seen nor heard, or wants them again."""
    t_us: int
    segment: str = ""


def joined(packets: Sequence[Packet], marks: Iterable[ClockMark]) -> Packet:
    """Packets of one sensor and epoch as one; `marks` with positions in the whole."""
    last = packets[-1]
    return Packet(
        last.sensor,
        last.t_host_ns,
        last.epoch,
        np.concatenate([p.t_us for p in packets]),
        np.concatenate([p.lost for p in packets]),
        np.concatenate([p.gyr for p in packets]),
        np.concatenate([p.acc for p in packets]),
        np.concatenate([p.clipped for p in packets]),
        tuple(marks),
        np.concatenate([p.arrival_ns for p in packets]),
    )


@dataclass(frozen=True, slots=True)
class Health:
    """State of one sensor at the newest instant, for people."""

    sensor: str
    segment: str
    state: str = "waiting"
    """`waiting` (nothing yet) · `streaming` · `stale` (late) · `lost` (silent or disconnected) · `settling` ·
    `refused` (it does not measure correctly; `note` says why and what to do)."""
    received: int = 0
    lost: int = 0
    filled: int = 0
    restarts: int = 0
    lag_ms: float = float("nan")
    """Arrival minus sample time of the newest sample, after the clock model."""
    clock_uncertainty_ms: float = float("nan")
    """Its samples lie so far from where they are placed in session time, at most, in 95 % of all cases (2σ); compared
    with other sensors on the same radio. The instants of two sensors differ by at most the root of the sum of squares."""
    skew_ppm: float = float("nan")
    gyr_bias_dps: float = float("nan")
    """Norm of the estimated gyroscope bias."""
    gyr_note: str = ""
    """Error of the gyroscope's scale that was found in the recording and taken off; only where it was smoothed offline."""
    check: str = "unchecked"
    """Verdict of its check at rest: `unchecked` (no rest yet) · `good` · `marked` · `refused`."""
    rest_acc: float = float("nan")
    """m/s², norm of the acceleration at rest; 9.81 is right."""
    battery_percent: int | None = None
    rssi_dbm: int | None = None
    note: str = ""

    @property
    def lost_share(self) -> float:
        """Share of samples that never arrived, 0..1."""
        total = self.received + self.lost
        return self.lost / total if total else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Samples of one sensor as arrays in memory. Missing samples are missing rows.

    t_us : (n,) int64 µs, strictly increasing; all sensors on one clock unless the importer says otherwise.
    gyr : (n, 3) rad/s; acc : (n, 3) m/s² including gravity. clipped : (n,) uint8 bits, all zero by default.
    """

    t_us: Ints
    gyr: Floats
    acc: Floats
    clipped: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "t_us", np.ascontiguousarray(self.t_us, dtype=np.int64))
        set_(self, "gyr", np.ascontiguousarray(self.gyr, dtype=np.float64))
        set_(self, "acc", np.ascontiguousarray(self.acc, dtype=np.float64))
        if len(self.clipped) == 0:
            set_(self, "clipped", np.zeros(len(self.t_us), np.uint8))
        n = len(self.t_us)
        if self.gyr.shape != (n, 3) or self.acc.shape != (n, 3) or self.clipped.shape != (n,):
            raise ValueError(
                f"Samples: t_us has {n} rows, gyr is {self.gyr.shape}, acc is {self.acc.shape}; give (n,), (n, 3), (n, 3)"
            )
        if n > 1 and not bool(np.all(np.diff(self.t_us) > 0)):
            raise ValueError("Samples: t_us must be strictly increasing; drop duplicate rows and sort by time")
