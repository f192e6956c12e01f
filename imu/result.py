"""What a whole recording or session came to: arrays over the common grid, events, repetitions, cues."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from imu.config import Setup
from imu.conventions import ANGLES, Side, angle_column, angle_label, angles_of
from imu.feedback.approved import ApprovedSet, approve
from imu.feedback.course import Course
from imu.feedback.explain import Decisions, explain, explain_all
from imu.feedback.frontal import frontal_profile
from imu.kinematics.calibration import Calibration
from imu.kinematics.gait import GaitSummary, SegmentLengths, StrideMeasures, measure, strides_of, summarise, sync_ms
from imu.outputs import Cue, Event, FrameBlock, Outputs, Repetition
from imu.packets import Floats, Health, Ints, Quality

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Outputs of one session. Times are session time in µs, angles rad, quaternions w, x, y, z."""

    setup: Setup
    frames: FrameBlock
    events: tuple[Event, ...]
    repetitions: tuple[Repetition, ...]
    decisions: tuple[Cue, ...]
    """Every decision of the cue engine, given or held back."""
    health: tuple[Health, ...]
    calibration: Calibration | None
    incomplete: bool = False
    """The recording ended torn (power cut, kill): everything up to there is in here."""
    courses: tuple[Course, ...] = ()
    """Where the segments of each leg went in every repetition that was counted."""
    offline: bool = False
    """Smoothed with what came later: nearer to the truth than what was shown live, and not to be compared with it."""

    @property
    def t_us(self) -> Ints:
        """(m,) session time of every frame."""
        return self.frames.t_us

    @property
    def approved(self) -> ApprovedSet:
        """What later sets are compared with, if this one is approved; ConfigError if it has too few repetitions.

        Repetitions in which a fault was named, other than of tempo, are left out.
        """
        good = [r for r in self.repetitions if set(r.faults) <= {"tempo"}]
        courses = (c for c in self.courses if any(r.t_start_us <= c.t_deepest_us <= r.t_end_us for r in good))
        errors = {s.sensor: (*s.acc_offset, *s.acc_covariance) for s in self.setup.sensors if any(s.acc_offset)}
        return approve(courses, errors, frontal_profile(self.frames, good))

    @property
    def cues(self) -> tuple[Cue, ...]:
        """The cues that were given."""
        return tuple(c for c in self.decisions if c.given)

    def angle(self, name: str, side: Side | None = None) -> Floats:
        """(m,) rad; NaN = unknown. Names and signs: `imu.conventions`."""
        return self.frames.angle[:, angle_column(name, side)]

    def sigma(self, name: str, side: Side | None = None) -> Floats:
        """(m,) rad, one standard deviation of `angle`."""
        return self.frames.sigma[:, angle_column(name, side)]

    def relative_angle(self, name: str, side: Side | None = None) -> Floats:
        """(m,) rad; `angle` minus its mean in the newest quiet stand before each frame; NaN before the first.

        What has crept in since the calibration (a strap, a posture) is taken off at every stand.
        """
        angle, zero = self.angle(name, side), np.full(len(self.t_us), np.nan)
        for event in self.events:
            if event.kind in ("stand_found", "rest"):
                first, last = np.searchsorted(self.t_us, (event.t_us, event.t_emitted_us))
                stood = angle[first:last][np.isfinite(angle[first:last])]
                if len(stood):
                    zero[last:] = stood.mean()
        return angle - zero

    @property
    def strides(self) -> tuple[StrideMeasures, ...]:
        """Every stride of the session with its angles, in the order of their starts; lengths if the height is known."""
        lengths = SegmentLengths.of_height(self.setup.height_m) if self.setup.height_m else None
        return measure(strides_of(self.events), self.frames, [s.segment for s in self.setup.sensors], lengths)

    @property
    def gait(self) -> GaitSummary | None:
        """Means, variability and symmetry of all strides; None = nobody walked."""
        strides = self.strides
        return summarise(strides, sync_ms(self.health)) if strides else None

    def why(self, repetition: int | None = None) -> list[str]:
        """Lines that say why it cued in a repetition, or why it did not; None: in all of them."""
        decisions = Decisions(self.repetitions, self.decisions, self.events)
        return explain_all(decisions) if repetition is None else explain(decisions, repetition)

    def flags(self, name: str, side: Side | None = None) -> NDArray[np.uint16]:
        """(m,) `Quality` bits of an angle."""
        return self.frames.flags[:, angle_column(name, side)]

    def orientation(self, segment: str) -> Floats:
        """(m, 4) q_earth_segment; NaN = unknown. All segments face one heading at the stand."""
        i = self.setup.index_of(segment)
        if i is None:
            worn = ", ".join(s.segment for s in self.setup.sensors)
            raise KeyError(f"no sensor on {segment!r}; worn: {worn}")
        return self.frames.q_earth_segment[:, i]

    def to_dataframe(self) -> pd.DataFrame:
        """Wide table on the common grid: `t_us`, then `<angle>_deg`, `<angle>_sigma_deg`, `<angle>_flags` of each."""
        import pandas as pd

        columns: dict[str, NDArray[np.generic]] = {"t_us": self.t_us}
        for key in ANGLES:
            label = angle_label(*key)
            columns[f"{label}_deg"] = np.degrees(self.angle(*key))
            columns[f"{label}_sigma_deg"] = np.degrees(self.sigma(*key))
            columns[f"{label}_flags"] = self.flags(*key)
        return pd.DataFrame(columns)

    def digest(self) -> str:
        """Fingerprint of every number in here: equal digests = bit-identical results."""
        h = hashlib.blake2b(digest_size=12)
        f = self.frames
        for array in (f.t_us, f.q_earth_segment, f.angle, f.sigma, f.flags):
            # NaN has many bit patterns; one stands for all
            clean = np.where(np.isnan(array), np.nan, array) if array.dtype.kind == "f" else array
            h.update(np.ascontiguousarray(clean).tobytes())
        h.update(repr((self.events, self.repetitions, self.decisions)).encode())
        return h.hexdigest()


JOIN_BLOCKS = 1024


def _mark_slips(frames: FrameBlock, events: list[Event]) -> None:
    """A sensor that has slipped was found later than it did: what it told meanwhile carries SLIPPED as well."""
    for event in events:
        if event.kind == "slip_found":
            first, last = np.searchsorted(frames.t_us, (event.t_us, event.t_emitted_us), side="right")
            for column in angles_of(event.segment):
                known = np.isfinite(frames.angle[first:last, column])
                frames.flags[first:last, column] |= np.where(known, int(Quality.SLIPPED), 0).astype(np.uint16)


class ResultBuilder:
    """Collects the outputs of one pipeline, in order.

    Small blocks are joined as they come: an hour of a live session is half a million of them, and each look for garbage
    would go through all.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self._blocks: list[FrameBlock] = []
        self._small: list[FrameBlock] = []
        self.events: list[Event] = []
        self.repetitions: list[Repetition] = []
        self.decisions: list[Cue] = []
        self._courses: list[Course] = []

    def add(self, out: Outputs) -> None:
        if len(out.frames):
            # the steady parts of the errors have served when the drill has seen them
            self._small.append(replace(out.frames, steady=None))
            if len(self._small) == JOIN_BLOCKS:
                self._blocks.append(FrameBlock.join(self._small, len(self.setup.sensors)))
                self._small = []
        self.events += out.events
        self.repetitions += out.repetitions
        self.decisions += out.cues
        self._courses += cast("tuple[Course, ...]", out.courses)

    def result(
        self,
        health: tuple[Health, ...],
        calibration: Calibration | None,
        *,
        incomplete: bool = False,
        offline: bool = False,
    ) -> Result:
        frames = FrameBlock.join(self._blocks + self._small, len(self.setup.sensors))
        _mark_slips(frames, self.events)
        return Result(
            self.setup,
            frames,
            tuple(self.events),
            tuple(self.repetitions),
            tuple(self.decisions),
            health,
            calibration,
            incomplete,
            tuple(self._courses),
            offline,
        )
