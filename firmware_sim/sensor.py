"""What an imperfect sensor on a moving segment measures."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from firmware_sim.body import STILL_S, Moving
from firmware_sim.person import Person
from firmware_sim.sensor_clock import SensorClock
from firmware_sim.soft_tissue import Slip, SoftTissue
from imu.conventions import SEGMENTS, G, Segment

Floats = NDArray[np.float64]
Raw = NDArray[np.int16]

SENSOR_STREAM: Final = 103
"""Sets these random numbers apart from those of the script and the person."""
CLIPPED_ACC, CLIPPED_GYR = 1, 2
"""Bits of `RawBlock.clipped`."""
FULL_SCALE: Final = 32768
STEP_S: Final = 2.5e-4
"""Step of the differences of fourth order that make rates and accelerations of poses. Against steps a fifth as long:
within 1e-10 rad/s and 2e-6 m/s², and 6e-5 m/s² where a minimum-jerk move begins or ends."""
DRIFTS_ABOVE: Final = 0.06
"""rad/s: a sensor that turns as fast as this has half of its drift of heading."""
NOISE_BLOCK: Final = 256
"""Samples whose noise is drawn at once; whoever asks for a sample, it has the same noise."""


@dataclass(frozen=True, slots=True)
class SensorErrors:
    """Limits and densities of a consumer MEMS; each sensor draws its own."""

    gyr_bias_dps: float = 0.5
    """Largest per axis."""
    acc_bias: float = 0.05
    """m/s², largest per axis."""
    scale: float = 0.003
    """Largest relative error per axis."""
    gyr_density_dps: float = 0.007
    """deg/s per sqrt(Hz)."""
    acc_density_ug: float = 120.0
    """micro-g per sqrt(Hz)."""
    gyr_walk_dps: float = 0.001
    """deg/s per sqrt(s): random walk of the bias."""
    acc_walk: float = 0.0002
    """m/s² per sqrt(s)."""
    slide_deg: float = 0.8
    """Largest turn of the sensor on the skin per 90° of knee flexion."""
    wobble_deg: float = 0.05
    """Largest turn of the sensor per rad/s² of knee angle, by inertia."""
    perfect_clock: bool = False
    mounting: bool = True
    """False: the sensor's axes are the segment's."""
    mounting_deg: float = 0.0
    """It sits turned by this about any axis against how it is meant to sit."""
    heading_drift_dpm: float = 0.0
    """deg/min about the vertical, to the one or the other side, for as long as the sensor turns: what errors of scale and
    the like leave. At rest there is none, since any filter would learn it there."""
    tissue: float = 0.0
    """Swing of flesh under the sensor (`SoftTissue`); 1: as on an average person."""

    @staticmethod
    def none() -> SensorErrors:
        """An ideal sensor, in the segment's axes."""
        return SensorErrors(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, perfect_clock=True, mounting=False)


@dataclass(frozen=True, slots=True, eq=False)
class RawBlock:
    """n samples as they leave the sensor. One value is range / 32768."""

    acc: Raw
    """(n, 3), specific force: + 1 g on the axis that points up at rest."""
    gyr: Raw
    """(n, 3)."""
    clipped: NDArray[np.uint8]
    """(n,) bits CLIPPED_ACC, CLIPPED_GYR."""


class SensorModel:
    """One sensor on one segment of a body.

    Sample k is taken at device time k / rate_hz, from the moment at which the sensor is switched on; sampling never stops.
    Everything random is drawn from the seed and the segment; a sample is the same however it is asked for, as long as the
    start of the script is.

    Parameters
    ----------
    segment : Segment
    body : Moving
        Shared by all sensors of a person.
    seed : int
    rate_hz : float
        On the device's own clock.
    on_s : float
        True time at which it is switched on, s on any clock that all sensors share.
    errors : SensorErrors
    slip : Slip
        What happens to its strap.
    acc_range_g, gyr_range_dps : float
        Full scale.
    """

    def __init__(
        self,
        segment: Segment,
        body: Moving,
        seed: int,
        rate_hz: float = 104.0,
        *,
        on_s: float = 0.0,
        errors: SensorErrors | None = None,
        slip: Slip | None = None,
        acc_range_g: float = 16.0,
        gyr_range_dps: float = 2000.0,
    ) -> None:
        e = SensorErrors() if errors is None else errors
        self.segment: Segment = segment
        self.body = body
        self.rate_hz = rate_hz
        stream = (SENSOR_STREAM, seed, SEGMENTS.index(segment))
        rng = np.random.default_rng((*stream, 0))
        self.clock = SensorClock((*stream, 1), on_s, perfect=e.perfect_clock)
        self._stream = stream
        self.r_segment_sensor: Floats = _random_rotation(rng) if e.mounting else np.eye(3)
        """Mounting: columns are the sensor's axes in the segment."""
        self.position: Floats = _place(segment, body.person, rng)
        """(3,) m, of the sensor in the segment, from its origin."""
        self.gyr_bias: Floats = radians(e.gyr_bias_dps) * rng.uniform(-1.0, 1.0, 3)
        """(3,) rad/s, at the first sample."""
        self.acc_bias: Floats = e.acc_bias * rng.uniform(-1.0, 1.0, 3)
        """(3,) m/s², at the first sample."""
        self._gyr_gain = 1.0 + e.scale * rng.uniform(-1.0, 1.0, 3)
        self._acc_gain = 1.0 + e.scale * rng.uniform(-1.0, 1.0, 3)
        self._slide = radians(e.slide_deg) / (np.pi / 2) * rng.uniform(-1.0, 1.0, 3)
        self._wobble = radians(e.wobble_deg) * rng.uniform(-1.0, 1.0, 3)
        # drawn apart: what was drawn above stays as it is
        later = np.random.default_rng((*stream, 4))
        if e.mounting_deg:
            self.r_segment_sensor = self.r_segment_sensor @ _turned_about_any(later, radians(e.mounting_deg))
        self._drift = radians(e.heading_drift_dpm) / 60.0 * (1.0 if later.random() < 0.5 else -1.0)
        self._tissue = SoftTissue(body, segment, self.position, e.tissue, later) if e.tissue else None
        self._slip = slip
        band = sqrt(0.5 * rate_hz)
        self._noise_sd = np.repeat([e.acc_density_ug * 1e-6 * G * band, radians(e.gyr_density_dps) * band], 3)
        self._walk_sd = np.repeat([e.acc_walk, radians(e.gyr_walk_dps)], 3) * sqrt(NOISE_BLOCK / rate_hz)
        self._walk: list[Floats] = [np.zeros(6)]
        self._noise: dict[int, Floats] = {}
        self._acc_unit = acc_range_g * G / FULL_SCALE
        self._gyr_unit = radians(gyr_range_dps) / FULL_SCALE

    def true_time_of(self, index: int) -> float:
        """True time, s, at which sample `index` is taken."""
        return float(self.clock.true_time(np.array([index / self.rate_hz]))[0])

    def device_us_of(self, index: int) -> int:
        """Device time of sample `index`, µs, not wrapped at 32 bit."""
        return self.clock.first_tick_us + round(index * 1e6 / self.rate_hz)

    def device_us(self, true_s: float) -> int:
        """Device time at a true time, µs, not wrapped at 32 bit."""
        return self.clock.first_tick_us + round(self.clock.device_time(true_s) * 1e6)

    def next_index(self, true_s: float) -> int:
        """First sample that is taken at a true time or after it."""
        index = max(0, int(self.clock.device_time(true_s) * self.rate_hz) - 1)
        while self.true_time_of(index) < true_s:
            index += 1
        return index

    def samples(self, first: int, n: int, start_s: float | None) -> RawBlock:
        """Samples `first` to `first + n - 1`.

        start_s : true time of script time 0; None: not known yet, the body stands still. When it becomes known it must be
        at least 0.5 s ahead of the last sample taken, or the body would jump.
        """
        index = np.arange(first, first + n)
        t = np.full(n, STILL_S) if start_s is None else self.clock.true_time(index / self.rate_hz) - start_s
        acc, gyr = self.motion(t)
        noise = self._noise_of(index)
        acc = self._acc_gain * acc + self.acc_bias + noise[:, :3]
        gyr = self._gyr_gain * gyr + self.gyr_bias + noise[:, 3:]
        raw_acc, clipped_acc = _quantised(acc, self._acc_unit)
        raw_gyr, clipped_gyr = _quantised(gyr, self._gyr_unit)
        return RawBlock(raw_acc, raw_gyr, (CLIPPED_ACC * clipped_acc + CLIPPED_GYR * clipped_gyr).astype(np.uint8))

    def motion(self, t: Floats) -> tuple[Floats, Floats]:
        """True specific force, m/s², and angular rate, rad/s, (n, 3) each, in the sensor's axes at
        (n,) s of script time."""
        n = len(t)
        times = (t[None, :] + STEP_S * np.arange(-2.0, 3.0)[:, None]).ravel()
        rotation, position = self.pose(times, np.tile(t, 5))
        rotation, position = rotation.reshape(5, n, 3, 3), position.reshape(5, n, 3)
        turning = (rotation[0] - rotation[4] + 8.0 * (rotation[3] - rotation[1])) / (12.0 * STEP_S)
        force = (16.0 * (position[1] + position[3]) - position[0] - position[4] - 30.0 * position[2]) / (12.0 * STEP_S**2)
        force[:, 2] += G
        now = rotation[2]
        rates = np.einsum("nji,njk->nik", now, turning)
        gyr = 0.5 * np.stack(
            (rates[:, 2, 1] - rates[:, 1, 2], rates[:, 0, 2] - rates[:, 2, 0], rates[:, 1, 0] - rates[:, 0, 1]), axis=1
        )
        if self._drift:
            speed2 = (gyr * gyr).sum(axis=1)
            gyr += (self._drift * speed2 / (speed2 + DRIFTS_ABOVE**2))[:, None] * now[:, 2]
        return np.einsum("nji,nj->ni", now, force), gyr

    def pose(self, t: Floats, at: Floats | None = None) -> tuple[Floats, Floats]:
        """True R_earth_sensor (n, 3, 3) and position (n, 3) at (n,) s of script time.

        at : (n,) s: as the strap sits then, if it slips without being seen.
        """
        pose = self.body.pose(self.segment, t)
        # skin slides as the knee bends, and lags as it is accelerated
        bend, shaken = self.body.skin(self.segment, t)
        turn = bend[:, None] * self._slide + shaken[:, None] * self._wobble
        place = np.broadcast_to(self.position, turn.shape)
        if self._tissue is not None:
            swing = self._tissue.swing(t)
            turn, place = turn + self._tissue.rolled(swing), place + swing
        on_bone = _small_rotation(turn) @ self.r_segment_sensor
        if self._slip is not None:
            around = _about_y(self._slip.turn(t, at))
            on_bone, place = around @ on_bone, np.einsum("nij,nj->ni", around, place)
        return pose.rotation @ on_bone, pose.origin + np.einsum("nij,nj->ni", pose.rotation, place)

    def _noise_of(self, index: NDArray[np.int64]) -> Floats:
        """(n, 6) noise and wander of the bias of acc and gyr."""
        noise = np.empty((len(index), 6))
        blocks = index // NOISE_BLOCK
        for block in np.unique(blocks).tolist():
            rows = blocks == block
            noise[rows] = self._noise_block(block)[index[rows] - block * NOISE_BLOCK]
        return noise

    def _noise_block(self, block: int) -> Floats:
        known = self._noise.get(block)
        if known is not None:
            return known
        while len(self._walk) < block + 2:
            step = np.random.default_rng((*self._stream, 2, len(self._walk))).normal(0.0, self._walk_sd)
            self._walk.append(self._walk[-1] + step)
        share = (np.arange(NOISE_BLOCK) / NOISE_BLOCK)[:, None]
        white = np.random.default_rng((*self._stream, 3, block)).normal(0.0, 1.0, (NOISE_BLOCK, 6)) * self._noise_sd
        noise = white + self._walk[block] + share * (self._walk[block + 1] - self._walk[block])
        if len(self._noise) > 3:
            self._noise.pop(next(iter(self._noise)))
        self._noise[block] = noise
        return noise


def _quantised(values: Floats, unit: float) -> tuple[Raw, NDArray[np.bool_]]:
    """Nearest raw values, and which rows were beyond the range."""
    raw = np.rint(values / unit)
    clipped = np.any((raw > FULL_SCALE - 1) | (raw < -FULL_SCALE), axis=1)
    return np.clip(raw, -FULL_SCALE, FULL_SCALE - 1).astype(np.int16), clipped


def _place(segment: Segment, person: Person, rng: np.random.Generator) -> Floats:
    """Where on the segment the strap holds it, within a centimetre or two."""
    outward = -1.0 if segment.endswith("left") else 1.0
    if segment == "pelvis":
        place = np.array([-0.10, 0.08, 0.0])
    elif segment.startswith("thigh"):
        place = np.array([0.02, -0.55 * person.thigh, 0.07 * outward])
    elif segment.startswith("shank"):
        place = np.array([0.03, -0.35 * person.shank, -0.02 * outward])
    else:
        place = np.array([0.07, -0.3 * person.ankle_height, 0.0])
    return place + rng.uniform(-0.015, 0.015, 3)


def _random_rotation(rng: np.random.Generator) -> Floats:
    """Any rotation, all equally likely."""
    drawn = rng.normal(0.0, 1.0, 4)
    w, x, y, z = drawn / np.linalg.norm(drawn)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def _turned_about_any(rng: np.random.Generator, angle: float) -> Floats:
    """A turn by `angle` about any axis, all equally likely."""
    axis = rng.normal(0.0, 1.0, 3)
    return _small_rotation(2.0 * np.tan(0.5 * angle) * axis[None] / np.linalg.norm(axis))[0]


def _about_y(turn: Floats) -> Floats:
    """(n,) rad -> (n, 3, 3)."""
    c, s, zero, one = np.cos(turn), np.sin(turn), np.zeros_like(turn), np.ones_like(turn)
    return np.stack((np.stack((c, zero, s), 1), np.stack((zero, one, zero), 1), np.stack((-s, zero, c), 1)), 1)


def _small_rotation(turn: Floats) -> Floats:
    """(n, 3) rad -> (n, 3, 3), exactly orthogonal (Cayley)."""
    a, b, c = 0.5 * turn.T
    k = 2.0 / (1.0 + a * a + b * b + c * c)
    rows = (
        (1 - k * (b * b + c * c), k * (a * b - c), k * (a * c + b)),
        (k * (a * b + c), 1 - k * (a * a + c * c), k * (b * c - a)),
        (k * (a * c - b), k * (b * c + a), 1 - k * (a * a + b * b)),
    )
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1)
