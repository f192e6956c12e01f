"""What the screen shows at one instant. The engine writes it, the dashboard's timer reads the newest; nothing queues."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imu.conventions import ANGLES, Side
from imu.outputs import Cue
from imu.packets import Floats, Health


def _unknown() -> Floats:
    return np.full(len(ANGLES), np.nan)


@dataclass(frozen=True, slots=True)
class DrillView:
    """The drill as prescribed, for drawing targets."""

    title: str = ""
    target_count: int = 0
    tempo_s: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """E-P1-C-P2: way down, hold, way up, rest. A phase of 0 s has no segment."""
    phase_words: tuple[str, str, str, str] = ("Down", "Hold", "Up", "Rest")
    phase_letters: tuple[str, str, str, str] = ("E", "P1", "C", "P2")
    """As the phases follow: eccentric, pause, concentric, pause; C first where the way out goes up."""
    held: bool = False
    """A drill of long holds: the time held is what is shown."""
    depth_target: tuple[float, float] = (0.0, 0.0)
    """rad, band of the depth angle that is the target."""
    depth_scale: float = 2.0
    """rad, the bottom end of the depth gauge."""


@dataclass(frozen=True, slots=True)
class RepetitionView:
    """The repetition under way and those done."""

    count: int = 0
    """Completed; changes on the way up."""
    marks: tuple[str, ...] = ()
    """One per repetition done: `clean`, `counted` (no fault, but a knee was not judged), `cued`, `tempo`, `void`."""
    phase: int = -1
    """0 down, 1 hold, 2 up, 3 rest; -1 = not moving yet."""
    pace_s: float = float("nan")
    """Where the prescribed tempo is on the axis 0 .. sum(tempo_s), from the start of this repetition."""
    progress_s: float = float("nan")
    """Where the person is on the same axis."""
    depth: float = float("nan")
    """rad, now. NaN = unknown."""
    target_depth: float = float("nan")
    """rad, where the prescribed tempo would have the person now: the ghost figure."""
    held_s: float = float("nan")
    """How long it has been held by now; NaN = nothing is held."""


@dataclass(frozen=True, slots=True)
class CadenceView:
    """A walk at a prescribed cadence; steps of both legs per minute."""

    target: float = 0.0
    """0 = this drill prescribes none."""
    band: tuple[float, float] = (0.0, 0.0)
    """What is in order, from and to."""
    now: float = float("nan")
    """NaN = unknown: not walking, not long enough yet, or a sensor is silent."""
    walking: bool = False
    steps: int = 0
    judged: int = 0
    """Steps at which the cadence was known ..."""
    kept: int = 0
    """... and those of them at which it was in the band."""


@dataclass(frozen=True, slots=True)
class GaitRow:
    """One line of a table of gait parameters, in words and digits; "–" = not known."""

    name: str
    unit: str
    both: str
    left: str
    right: str
    varies: str
    """Coefficient of variation."""
    against: str
    """Right against left, in per cent, or why there is no index."""
    caution: str
    """Why it is fragile; empty = robust."""


@dataclass(frozen=True, slots=True)
class StrideCurveView:
    """An angle over the stride of one leg, rad at 101 instants from contact to contact, relative to the own stand."""

    angle: str
    side: Side
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    newest: tuple[float, ...]
    stance_share: float
    """Mean; where the foot leaves."""
    strides: int
    """Of which the mean is made."""


@dataclass(frozen=True, slots=True)
class NormView:
    """The same of normal adults."""

    angle: str
    mean: tuple[float, ...]
    sd: float
    """rad, between people, at the peak; NaN = not known."""
    source: str
    caution: str


@dataclass(frozen=True, slots=True)
class GaitView:
    """The last strides of each leg that count."""

    strides: int = 0
    """In this walk so far, whether they count or not."""
    counted: int = 0
    """Of which the means are made."""
    rows: tuple[GaitRow, ...] = ()
    curves: tuple[StrideCurveView, ...] = ()
    norms: tuple[NormView, ...] = ()
    note: str = ""
    """Why there is no curve of normal adults."""


@dataclass(frozen=True, slots=True)
class ShareView:
    """One of the shares of a set."""

    value: str
    """`6`, `12 s`; “–” = not judged."""
    of: str
    """`of 8`; empty = of nothing."""
    share: float
    """0 to 1; NaN = not known."""
    word: str


@dataclass(frozen=True, slots=True)
class SummaryView:
    """What a set came to, once it is over."""

    sentence: str = ""
    """The one to the person."""
    shares: tuple[ShareView, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    """(mark, sentence): as in `RepetitionView.marks`, and `tired`, `changed`, `steady` for the course of the set."""


@dataclass(frozen=True, slots=True)
class SoundView:
    """`on`, `muted`, or `none` with the reason."""

    state: str = "none"
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Newest state. Poor data is in here as NaN and flags, never left out."""

    t_us: int = 0
    t_host_ns: int = 0
    """Arrival of the packet behind it: the dashboard greys out what is older than 300 ms."""
    stage: str = "connect"
    """`connect`, `stand`, `movement`, `drill`, `finished`."""
    instruction: str = ""
    """What the person should do now, in words; empty during the drill."""
    problem: str = ""
    """One sentence when something is wrong (a sensor lost, calibration refused); what to do about it follows it."""
    notice: str = ""
    """What the watch over the sensors has found, for the person; `problem` is this unless sensors do not answer."""
    slipped: tuple[str, ...] = ()
    """Segments whose straps have moved."""
    drill: DrillView = DrillView()
    repetition: RepetitionView = RepetitionView()
    cadence: CadenceView = CadenceView()
    summary: SummaryView = SummaryView()
    """Empty until the session has ended."""
    gait: GaitView = GaitView()
    angle: Floats = field(default_factory=_unknown)
    """(A,) rad, columns `conventions.ANGLES`; NaN = unknown."""
    sigma: Floats = field(default_factory=_unknown)
    flags: NDArray[np.uint16] = field(default_factory=lambda: np.zeros(len(ANGLES), np.uint16))
    cue: Cue | None = None
    """The cue to show now; None = calm. Shown at least 1.5 s or to the end of the phase."""
    cue_side: Side | None = None
    sensors: tuple[Health, ...] = ()
    sound: SoundView = SoundView()
    recording: str = ""
    cue_delay_p95_ms: float = float("nan")
