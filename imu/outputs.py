"""Values on the way out of the pipeline: frames, events, repetitions, cues.

Times are session time in µs (int64). All are frozen; arrays are not written to after creation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.conventions import ANGLES, Side
from imu.packets import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class FrameBlock:
    """All segments and angles at m instants of the common grid."""

    t_us: Ints
    """(m,) session time."""
    q_earth_segment: Floats
    """(m, S, 4) w, x, y, z; S in the order of `Setup.sensors`; all face one heading at the stand. NaN = unknown."""
    angle: Floats
    """(m, A) rad, columns `conventions.ANGLES`. NaN = unknown."""
    sigma: Floats
    """(m, A) rad, one standard deviation of `angle`. NaN where the angle is."""
    flags: NDArray[np.uint16]
    """(m, A) `Quality` bits of each angle."""
    steady: Floats | None = None
    """(m, A) rad, with a sign: the part of `sigma` that is one constant error (of where the front of a segment is) times
    how much it matters in the pose of that instant. A change between two instants is off by the difference. None = not
    told."""

    def __len__(self) -> int:
        return len(self.t_us)

    def part(self, start: int, stop: int) -> FrameBlock:
        """Frames start..stop, as views."""
        rows = slice(start, stop)
        return FrameBlock(
            self.t_us[rows], self.q_earth_segment[rows], self.angle[rows], self.sigma[rows], self.flags[rows],
            None if self.steady is None else self.steady[rows],
        )  # fmt: skip

    @staticmethod
    def join(blocks: Sequence[FrameBlock], n_sensors: int) -> FrameBlock:
        """One after the other."""
        if not blocks:
            return FrameBlock.empty(n_sensors)
        steady = [b.steady for b in blocks if b.steady is not None]
        return FrameBlock(
            np.concatenate([b.t_us for b in blocks]),
            np.concatenate([b.q_earth_segment for b in blocks]),
            np.concatenate([b.angle for b in blocks]),
            np.concatenate([b.sigma for b in blocks]),
            np.concatenate([b.flags for b in blocks]),
            np.concatenate(steady) if len(steady) == len(blocks) else None,
        )

    @staticmethod
    def empty(n_sensors: int) -> FrameBlock:
        angles = np.zeros((0, len(ANGLES)))
        return FrameBlock(
            np.zeros(0, np.int64), np.zeros((0, n_sensors, 4)), angles, angles.copy(), angles.astype(np.uint16),
            angles.copy(),
        )


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at one instant.

    Calibration: `stand_found`, `movement_found`, `calibrated`, `segment_calibrated` (a late sensor), `segment_redo`,
    `calibration_refused`, `rest` (a later quiet stand). Watch: `slip_found` (a sensor has moved between t_us and
    t_emitted_us), `swap_found` (labels seem exchanged; cues wait), `sides_checked`, `sides_confirmed`. Drill:
    `repetition_started`, `repetition_counted`, `phase` ..., `drill_restarted` (calibrated after repetitions that counted
    without), `baseline_refused` (a sensor sits otherwise than in the approved set). Sensors: `sensor_stale`,
    `sensor_back`, `sensor_refused`,
    `sensor_marked`, `sensor_accepted` (its check at rest). Gait: `initial_contact_predicted`,
    `initial_contact`, `foot_off`, `gait_interrupted` (a leg became unknown: nothing is counted across it). Drill of a
    cadence: `walk_started`, `walk_ended`; `metronome_started`, `metronome_stopped` (what is to be heard).
    """

    kind: str
    t_us: int
    t_emitted_us: int
    """Session time of the newest frame when this was decided; `t_emitted_us - t_us` is the detector's own delay."""
    side: Side | None = None
    confidence: float = 1.0
    method: str = ""
    detail: str = ""
    """For people: what was found, or why it was refused and what to do."""
    segment: str = ""
    """Where the sensor is worn that it is about; empty = none in particular."""


@dataclass(frozen=True, slots=True)
class Phases:
    """Measured duration of each phase of a repetition, s; NaN = not reached. Order E-P1-C-P2."""

    descent_s: float
    bottom_s: float
    ascent_s: float
    top_s: float = float("nan")


NO_ANGLES: Final = ("smoothness_", "tempo_error_", "rest_before_s")
"""How names in `Repetition.measures` begin that are no angles."""


@dataclass(frozen=True, slots=True)
class Approach:
    """How near a rule came to its limit in one repetition: why it did not speak, when nothing was beyond the limit."""

    rule: str
    side: Side | None
    t_us: int
    """When; 0 = never judged."""
    value: float
    """In the rule's own unit, like `threshold` and `sigma` (1σ); NaN = the rule could not be judged in this repetition."""
    threshold: float
    sigma: float = float("nan")
    detail: str = ""
    """What was compared with what."""


@dataclass(frozen=True, slots=True)
class Repetition:
    number: int
    """1, 2, 3 ... in this set."""
    side: Side | None
    """None = both legs together."""
    t_start_us: int
    t_deepest_us: int
    t_end_us: int
    depth: float
    """Peak of the drill's depth angle, rad (squat: mean knee flexion)."""
    phases: Phases
    excursions: Mapping[str, float] = field(default_factory=dict)
    """rad, keyed by `angle_label`: largest change from the stand inside this repetition, in the harmful direction."""
    faults: tuple[str, ...] = ()
    """Names, with side where there is one: `valgus_right`, `tempo`, `partial` ..."""
    flags: int = 0
    """`Quality` bits seen in this repetition."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """By name: metrics and compensations of the drill (rad, with their side), `smoothness_down`, `smoothness_up` (spectral
    arc length, nearer to 0 = smoother), `tempo_error_down`, `_hold`, `_up`, `_rest` (share of the prescribed time, + =
    longer), `rest_before_s`. What is not known is not in here."""
    nearest: tuple[Approach, ...] = ()
    """The closest approach of each rule to its limit, sides apart."""
    unjudged: Mapping[str, str] = field(default_factory=dict)
    """`valgus_left` ... -> why: knees that the drill looks at and about which nothing is known in this repetition."""

    @property
    def clean(self) -> bool:
        """No fault, and the knees were judged."""
        return not self.faults and not self.unjudged

    @property
    def verdict(self) -> str:
        """In words: its faults; `clean`; or `counted`, without a fault but with a knee that nobody judged."""
        return ", ".join(self.faults) or ("clean" if self.clean else "counted")


@dataclass(frozen=True, slots=True)
class Cue:
    """One decision of the cue engine: given, or held back with the reason. Both are logged and recorded."""

    t_us: int
    """The instant the rule's condition was met (after its dwell time)."""
    t_emitted_us: int
    rule: str
    """`valgus`, `tempo`, `depth`, `cadence` ... as the drill's TOML names it."""
    side: Side | None
    text: str
    """The words, exactly as shown and spoken."""
    repetition: int
    """Number of the repetition it belongs to (the one under way); of a cadence: of the step."""
    value: float
    threshold: float
    sigma: float
    """Input, limit and 1σ in the rule's own unit (rad, s or steps per minute)."""
    given: bool = True
    reason: str = ""
    """Why it was given or held back: `dwell`, `refractory`, `lower priority`, `quality`, `stale`, `faded`, `muted` ..."""
    priority: int = 0
    age_ms: float = float("nan")
    """How old the frame of `t_emitted_us` was when its last sample had arrived; NaN = not known."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What one `Pipeline.push` produced."""

    frames: FrameBlock
    events: tuple[Event, ...] = ()
    repetitions: tuple[Repetition, ...] = ()
    cues: tuple[Cue, ...] = ()
    courses: tuple[object, ...] = ()
    """Of the repetitions that were counted, `imu.feedback.course.Course`: what an approved set is made of."""
