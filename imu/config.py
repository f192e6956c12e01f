"""Setup of one session: who is where, how fast, which drill. Written into every recording, so that replay needs no more."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final, Literal

from imu.conventions import SEGMENTS
from imu.errors import ConfigError


@dataclass(frozen=True, slots=True)
class SensorSetup:
    """One sensor worn in a session."""

    sensor: str
    """Identity: serial number as text. Never a Bluetooth address."""
    segment: str
    """Where it is worn, one of `conventions.SEGMENTS`."""
    rate_hz: float
    """Nominal sample rate in the device's own clock."""
    profile: str
    """Codec of its bytes: a name in `imu.ble.profiles.PROFILES`, or `samples` for imported arrays."""
    acc_range: float = 16 * 9.80665
    """Full scale, m/s². Samples beyond 98 % of it count as saturated."""
    gyr_range: float = 2000 * 0.017453292519943295
    """Full scale, rad/s."""
    config: str = ""
    """What the codec needs to decode the bytes (v1: the INFO and CONFIG characteristics as hex, separated by `:`)."""
    name: str = ""
    clock: Literal["device", "arrival"] = "device"
    """What the packets' time comes from. `device`: a clock of the sensor, right to 150 ppm. `arrival`: it has none, its
    time is the number of samples divided by `rate_hz`; the true rate is estimated from the arrivals, within 20 %."""
    acc_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """m/s², known error of the accelerometer in the sensor's frame; taken off every sample before anything else."""
    acc_covariance: tuple[float, float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    """(m/s²)², xx, xy, xz, yy, yz, zz of what `acc_offset` may still be wrong by. Larger = larger σ of the angles."""
    acc_note: str = ""
    """For people: where the offset comes from and what is not known of it, or why none was taken off."""


@dataclass(frozen=True, slots=True)
class GapLimits:
    """What is done where samples of a sensor are missing or cannot be believed. Times are in s of the sensor's clock."""

    short_s: float = 0.030
    """s, longest hole that is interpolated and only FILLED. Larger = fewer warnings, more made-up motion called good."""
    long_s: float = 0.250
    """s, longest hole that is bridged (FILLED | GAP). Larger = fewer restarts, more that is unknown behind the hole."""
    error_share: float = 0.6
    """1/√s: the expected error (1σ) of the rotation over a bridged hole is this · duration^1.5 · hypot(change of the rate,
    mean rate). Measured 0.4 to 0.8 for squats, walking and hand-moved sensors from 50 to 250 ms, up to 1.5 in jumps."""
    suspect_deg: float = 5.0
    """°, expected error from which GAP stays for `suspect_s` behind the hole. Larger = fewer warnings."""
    suspect_s: float = 4.0
    """s, how long GAP stays; after 4 s a quarter of the error is left."""
    wrong_deg: float = 10.0
    """°, expected error from which the orientation behind the hole is unknown for `settling_s`. Larger = fewer unknown
    values, more wrong ones."""
    settling_s: float = 1.0
    """s after a (re)start for which the orientation is unknown. Larger = surer inclination, longer silence."""
    blind_s: float = 3.0
    """s without a believable acceleration after which the orientation is unknown: the time constant of the correction."""
    saturated_share: float = 0.98
    """Share of full scale from which a sample counts as saturated."""
    saturated_error: float = 0.25
    """Share of the turn measured by a saturated gyroscope that it may have missed (1σ); the error is treated like that of a
    hole. Larger = unknown after shorter saturation: with 0.25, after two samples at 2000 °/s and 100 Hz."""

    def problems(self) -> list[str]:
        """What is wrong, one sentence each."""
        found = []
        for f in fields(self):
            value = getattr(self, f.name)
            if not 0.0 < value < 3600.0:
                found.append(f"gap limit {f.name} is {value}; give a positive number")
        if not self.short_s <= self.long_s:
            found.append(f"gap limits: short_s {self.short_s} is above long_s {self.long_s}; give it the smaller value")
        if not self.saturated_share <= 1.0:
            found.append(f"gap limit saturated_share is {self.saturated_share}; give a share up to 1")
        return found


@dataclass(frozen=True, slots=True)
class CueSetup:
    """What of the cues belongs to the person and the visit, not to the drill."""

    visit: int = 1
    """Which visit with this drill it is, from 1: the drill's schedule says how many repetitions are cued in it."""
    share_percent: int | None = None
    """Per cent of the repetitions with cues, instead of what the schedule says of this visit. None = as scheduled."""
    retention: bool = False
    """True: no cue at all in this set, to see what is kept without."""
    muted: bool = False
    """True: the person wants no cues, from the start."""
    seed: int = 0
    """Changes which repetitions are cued when not all are; their number stays."""

    def problems(self) -> list[str]:
        """What is wrong, one sentence each."""
        found = []
        if self.visit < 1:
            found.append(f"visit is {self.visit}; count visits from 1")
        if self.share_percent is not None and not 0 <= self.share_percent <= 100:
            found.append(f"share of cued repetitions is {self.share_percent} %; give 0 to 100, or None")
        return found


FILTERS: Final = ("vqf", "madgwick", "mahony", "gyro_only")
"""Orientation filters by name: the one of this project, and baselines to compare it with."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything the pipeline needs besides the packets. Equal setup + equal packets = equal results, bit by bit."""

    sensors: tuple[SensorSetup, ...]
    t0_host_ns: int = 0
    """Host time at which session time is 0."""
    grid_hz: float = 100.0
    """Rate of the common grid on which frames are made."""
    wait_ms: float = 250.0
    """A frame waits for late sensors until the newest arrival is later by this plus the longest packet. Larger =
    fewer stale joints on a bad radio, slower to notice a lost sensor (recommended 150-250)."""
    drill_toml: str = ""
    """Text of the drill; empty = none (angles only)."""
    stand_s: tuple[float, float] | None = None
    """Calibration windows in session time, s; None = found automatically."""
    movement_s: tuple[float, float] | None = None
    calibration: str = ""
    """Of another day, as `imu.kinematics.calibration.to_json` writes it: used if today's stand fits. Empty = none."""
    baseline: str = ""
    """The person's approved set, as `imu.feedback.approved.ApprovedSet.to_json` writes it: knee, depth and lean are judged
    against it. Empty = none."""
    guided_movement: bool = True
    """A guided movement comes before the drill. False = there is none: without a calibration the drill counts from its
    first repetition on, and not from the fourth."""
    height_m: float = 0.0
    """Body height, from which segment lengths are guessed for step lengths; 0 = not known, no lengths."""
    filter: str = "vqf"
    """Orientation filter, one of `FILTERS`; recommended: vqf. The others are for comparison."""
    gaps: GapLimits = field(default_factory=GapLimits)
    """What is done where samples are missing."""
    cues: CueSetup = field(default_factory=CueSetup)
    """Visit, retention, mute."""

    def __post_init__(self) -> None:
        problems = self.gaps.problems() + self.cues.problems()
        if self.filter not in FILTERS:
            problems.append(f"unknown filter {self.filter!r}; use one of {', '.join(FILTERS)}")
        if self.height_m and not 0.5 <= self.height_m <= 2.5:
            problems.append(f"height_m is {self.height_m}; give the body height in metres, or 0")
        if not self.sensors:
            problems.append("no sensor is assigned; name at least one segment")
        for what, counts in (
            ("segment", Counter(s.segment for s in self.sensors)),
            ("sensor", Counter(s.sensor for s in self.sensors)),
        ):
            problems += [f"{what} {name!r} is named {k} times; name it once" for name, k in counts.items() if k > 1]
        for s in self.sensors:
            if s.segment not in SEGMENTS:
                problems.append(f"unknown segment {s.segment!r}; use one of {', '.join(SEGMENTS)}")
            if not 1.0 <= s.rate_hz <= 10000.0:
                problems.append(f"{s.segment}: rate_hz is {s.rate_hz}; give the nominal rate, 1 to 10000")
            if s.clock not in ("device", "arrival"):
                problems.append(f"{s.segment}: clock is {s.clock!r}; it is device or arrival")
            if len(s.acc_offset) != 3 or len(s.acc_covariance) != 6:
                problems.append(f"{s.segment}: acc_offset needs 3 numbers and acc_covariance 6")
        if problems:
            raise ConfigError("; ".join(problems))

    def index_of(self, segment: str) -> int | None:
        """Row of a segment in `sensors`, None if it is not worn."""
        for i, s in enumerate(self.sensors):
            if s.segment == segment:
                return i
        return None

    def exchanged(self, one: str, other: str) -> Setup:
        """The sensors of two segments wear each other's label."""
        if self.index_of(one) is None or self.index_of(other) is None or one == other:
            worn = ", ".join(s.segment for s in self.sensors)
            raise ConfigError(f"cannot exchange {one!r} and {other!r}; name two segments that are worn: {worn}")
        label = {one: other, other: one}
        return replace(self, sensors=tuple(replace(s, segment=label.get(s.segment, s.segment)) for s in self.sensors))

    def with_(self, **changes: Any) -> Setup:
        """A changed copy."""
        return replace(self, **changes)

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @staticmethod
    def from_json(text: str) -> Setup:
        try:
            d = json.loads(text)
            known = {f.name for f in fields(Setup)}
            if extra := set(d) - known:
                raise ConfigError(f"setup has unknown keys {sorted(extra)}; it was written by another version")
            d["sensors"] = tuple(SensorSetup(**_with_tuples(s)) for s in d["sensors"])
            d["gaps"] = GapLimits(**d.get("gaps", {}))
            d["cues"] = CueSetup(**d.get("cues", {}))
            for key in ("stand_s", "movement_s"):
                if d.get(key) is not None:
                    d[key] = (float(d[key][0]), float(d[key][1]))
            return Setup(**d)
        except (ValueError, TypeError, KeyError) as e:
            raise ConfigError(f"setup cannot be read ({e}); it is damaged or was written by another version") from e


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists only."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
