"""A walk at a prescribed cadence: contacts of both feet in, how fast the person steps, and when that is said.

The cadence is 120 / stride time, in steps of both legs per minute: from a contact to the next one of the same leg, so
that neither a limp nor what a detector is late by on one side shows in it. Median over the last strides of both legs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import isnan, nan, sqrt
from statistics import median
from typing import Final

import numpy as np

from imu.config import Setup
from imu.conventions import SIDES, Side, segment_of
from imu.errors import ConfigError
from imu.feedback.cadence_drill import CadenceDrill
from imu.feedback.cues import Condition, CueEngine, CueState
from imu.feedback.schedule import plan_of
from imu.feedback.session import DrillOutputs
from imu.kinematics.gait.strides import LONGEST_US, SHORTEST_US
from imu.outputs import Cue, Event, FrameBlock
from imu.packets import Ints
from imu.snapshot import CadenceView, DrillView, RepetitionView

RULE: Final = "cadence"
NO_CONTACT_STEPS: Final = 3.0
"""steps without a contact of either foot after which nobody walks; one that was missed, or the contacts of a single worn
leg, are two apart ..."""
NO_STRIDE_STEPS: Final = 5.0
"""... and steps without a stride of which all is known: a missed contact costs four."""
REMEMBER_US: Final = 8_000_000
"""µs for which contacts are kept: the detector may tell up to 5 s of one leg at once when it has learnt its axis."""
MAD_TO_SIGMA: Final = 1.4826
MEDIAN_TO_SIGMA: Final = 1.2533
"""A median is by this less sure than a mean."""


@dataclass(frozen=True, slots=True)
class Drift:
    """The cadence is on one side of the band."""

    side: int = 0
    """-1 too slow, 1 too fast, 0 in the band or unknown."""
    steps: int = 0
    """So many in a row agree."""
    given: bool = False
    newest: Condition | None = None
    told: tuple[str, ...] = ()
    """Why a cue was held back, since the last one that was given: each is logged once."""


@dataclass(frozen=True, slots=True)
class CadenceState:
    """Everything that changes; immutable, so it is its own snapshot. Times are session time, µs."""

    cues: CueState = field(default_factory=CueState)
    contacts: tuple[tuple[Side, int], ...] = ()
    """Newest contacts of both legs as they were told."""
    lost: tuple[Side, ...] = ()
    """Legs that became unknown and have not been seen since."""
    strides: tuple[int, ...] = ()
    """Lengths of the last strides, µs, newest last."""
    stride_end_us: int = 0
    step_us: int = 0
    """Half of the newest stride."""
    contact_us: int = 0
    now_us: int = 0
    """Newest frame."""
    begun: bool = False
    walking: bool = False
    sounding: bool = False
    """The metronome is on."""
    steps: int = 0
    judged: int = 0
    kept: int = 0
    drift: Drift = Drift()
    given_us: int | None = None
    """When the last cue was given."""


class CadenceSession:
    """A running walk, with the interface of `DrillSession`.

    Parameters
    ----------
    drill : CadenceDrill
    setup : Setup
        Says which legs carry a sensor that tells steps: a foot or a shank.
    """

    def __init__(self, drill: CadenceDrill, setup: Setup) -> None:
        self.drill = drill
        self._sides = tuple(
            s for s in SIDES if any(setup.index_of(segment_of(part, s)) is not None for part in ("foot", "shank"))
        )
        if not self._sides:
            raise ConfigError(
                f"drill {drill.name} follows the steps: wear a sensor on a shank or a foot, better on both sides"
            )
        self._engine = CueEngine(drill.cadence.show_s, 1, plan_of(setup, drill.name, drill.target_count))
        self._s = CadenceState(cues=self._engine.state)

    def push(self, frames: FrameBlock, first_ready: int | None, steps: Iterable[Event] = ()) -> DrillOutputs:
        """Take frames and the gait events of the same frames, in the order in which they were decided.

        Those before index `first_ready` (None: all) belong to the calibration and are no part of the walk.
        """
        if first_ready is None or first_ready >= len(frames):
            return DrillOutputs()
        t_us = frames.t_us[first_ready:]
        events: list[Event] = []
        cues: list[Cue] = []
        if not self._s.begun:
            self._s = replace(self._s, begun=True)
            if self.drill.metronome.start == "at_once":
                self._sound(True, int(t_us[0]), events)
        for step in steps:
            if step.t_emitted_us < t_us[0] or step.side is None:
                continue
            self._end_before(t_us, step.t_emitted_us, events, cues)
            if step.kind == "initial_contact":
                self._contact(step.side, step.t_us, step.t_emitted_us, events, cues)
            elif step.kind == "gait_interrupted":
                self._interrupted(step.side, step.t_emitted_us, cues)
        self._end_before(t_us, int(t_us[-1]), events, cues)
        self._s = replace(self._s, now_us=int(t_us[-1]))
        return DrillOutputs(tuple(events), (), tuple(cues))

    def finish(self) -> DrillOutputs:
        """The recording is over: what was open is ended."""
        events: list[Event] = []
        if self._s.walking:
            self._walk_ended(self._s.now_us, events)
        self._sound(False, self._s.now_us, events)
        return DrillOutputs(tuple(events))

    def hold(self, reason: str) -> None:
        """From the next frame on every cue is held back for this reason; "" = no more."""
        self._engine.hold(reason)

    def mute(self, muted: bool) -> None:
        """From the next frame on the person wants no cues, or wants them again."""
        self._engine.mute(muted)

    def arrived(self, t_us: Ints, known_us: Ints) -> None:
        """The frames to come, and when each was known."""
        self._engine.arrived(t_us, known_us)

    @property
    def drill_view(self) -> DrillView:
        return self.drill.view

    def view(self) -> RepetitionView:
        """A walk has no repetitions; its steps are counted."""
        return RepetitionView(self._s.steps)

    def cadence_view(self) -> CadenceView:
        """The walk at the newest frame."""
        c, s = self.drill.cadence, self._s
        now = self._cadence()[0]
        return CadenceView(c.steps_per_minute, c.band, now, s.walking, s.steps, s.judged, s.kept)

    def current_cue(self, t_us: int) -> Cue | None:
        """The cue to show at `t_us`; None = calm."""
        return self._engine.current(t_us)

    def state(self) -> CadenceState:
        """A copy of everything that changes."""
        return replace(self._s, cues=self._engine.state)

    def restore(self, state: CadenceState) -> None:
        """Continue from a state of a session with an equal drill and setup."""
        self._s, self._engine.state = state, state.cues

    def _contact(self, side: Side, t: int, now: int, events: list[Event], cues: list[Cue]) -> None:
        s = self._s
        if any(leg == side and at >= t for leg, at in s.contacts):
            return  # told a second time
        stride = self._stride(side, t)
        contacts = (*(c for c in s.contacts if c[1] > t - REMEMBER_US), (side, t))
        lost = tuple(x for x in s.lost if x != side)
        s = replace(s, contacts=contacts, lost=lost, contact_us=max(s.contact_us, t), steps=s.steps + 1)
        if stride is None:
            self._s = s
            return
        strides = (*s.strides, stride)[-self.drill.cadence.median_steps :]
        begins = not s.walking
        self._s = replace(
            s, strides=strides, stride_end_us=max(s.stride_end_us, t), step_us=stride // 2, walking=True
        )  # fmt: skip
        if begins:
            events.append(Event("walk_started", t - stride, now))
            if self.drill.metronome.start == "walking":
                self._sound(True, now, events)
        self._judge(t, now, cues)

    def _stride(self, side: Side, t: int) -> int | None:
        """Length of the stride that ends with this contact, µs; None if it is none or the other foot was not seen in it."""
        own = [at for leg, at in self._s.contacts if leg == side]
        if not own or not SHORTEST_US <= t - own[-1] <= LONGEST_US:
            return None
        between = sum(leg != side and own[-1] < at < t for leg, at in self._s.contacts)
        return t - own[-1] if between == len(self._sides) - 1 else None

    def _cadence(self) -> tuple[float, float]:
        """Steps per minute and 1σ of it; NaN = unknown."""
        s = self._s
        if len(s.strides) < self.drill.cadence.median_steps or s.lost:
            return nan, nan
        middle = float(median(s.strides))
        spread = MAD_TO_SIGMA * float(median(abs(x - middle) for x in s.strides))
        # strides of both legs overlap: two of them tell as much as one
        sigma = MEDIAN_TO_SIGMA * spread / sqrt(len(s.strides) / len(self._sides))
        return 120e6 / middle, 120e6 / middle * sigma / middle

    def _judge(self, t: int, now: int, cues: list[Cue]) -> None:
        """In the band or not, after a stride."""
        cadence, sigma = self._cadence()
        if isnan(cadence):
            return
        c, s = self.drill.cadence, self._s
        low, high = c.band
        side = -1 if cadence < low else 1 if cadence > high else 0
        self._s = s = replace(s, judged=s.judged + 1, kept=s.kept + (side == 0))
        if side != s.drift.side:
            self._drift_ends(now, "dwell", cues)
            s = self._s
        if side == 0:
            return
        text, limit = (c.too_slow, low) if side < 0 else (c.too_fast, high)
        condition = Condition(RULE, None, text, c.priority, t, now, s.steps, cadence, limit, sigma, c.cue)
        drift = replace(s.drift, side=side, steps=s.drift.steps + 1, newest=condition)
        self._s = replace(s, drift=drift)
        if drift.steps < c.dwell_steps:
            return
        held = ""
        if s.given_us is not None and now - s.given_us < c.pause_s * 1e6:
            held = "refractory"
        elif sigma > high - c.steps_per_minute:
            held = "quality"  # the steps are too uneven to tell
        self._decide(replace(condition, held=held), cues)

    def _decide(self, condition: Condition, cues: list[Cue]) -> None:
        """Say it, or log why not, once for each reason."""
        if not (condition.held or self._engine.state.hold):
            self._engine.end_phase()  # what was said of the same drift before gives way
        cue = self._engine.decide(condition)
        drift = self._s.drift
        if cue is None or (not cue.given and cue.reason in drift.told):
            return
        cues.append(cue)
        if cue.given:
            # that the same drift is not said again at once goes without saying
            drift = replace(drift, given=True, told=("refractory",))
            self._s = replace(self._s, given_us=cue.t_emitted_us, drift=drift)
        else:
            self._s = replace(self._s, drift=replace(drift, told=(*drift.told, cue.reason)))

    def _drift_ends(self, now: int, reason: str, cues: list[Cue]) -> None:
        """Back in the band, on its other side, or unknown. If nothing was decided about it, it is logged with `reason`."""
        drift = self._s.drift
        if drift.newest is not None and not drift.given and not drift.told:
            self._decide(replace(drift.newest, t_emitted_us=now, held=reason), cues)
        self._s = replace(self._s, drift=Drift())
        self._engine.end_phase()

    def _interrupted(self, side: Side, now: int, cues: list[Cue]) -> None:
        """A leg is unknown: the cadence is too, until there are enough strides behind it."""
        self._drift_ends(now, "quality", cues)
        s = self._s
        contacts = tuple(c for c in s.contacts if c[0] != side)
        self._s = replace(s, contacts=contacts, lost=(*(x for x in s.lost if x != side), side), strides=())

    def _end_before(self, t_us: Ints, until_us: int, events: list[Event], cues: list[Cue]) -> None:
        """The walk ends with the first of the frames up to `until_us` at which no step has come for too long."""
        s = self._s
        if not s.walking:
            return
        contact, stride = s.contact_us + NO_CONTACT_STEPS * s.step_us, s.stride_end_us + NO_STRIDE_STEPS * s.step_us
        row = int(np.searchsorted(t_us, min(contact, stride), side="right"))
        if row < len(t_us) and t_us[row] <= until_us:
            now = int(t_us[row])
            self._drift_ends(now, "dwell", cues)
            self._walk_ended(now, events)

    def _walk_ended(self, now: int, events: list[Event]) -> None:
        events.append(Event("walk_ended", self._s.contact_us, now))
        self._s = replace(self._s, walking=False, strides=())
        if self.drill.metronome.start == "walking":
            self._sound(False, now, events)

    def _sound(self, on: bool, now: int, events: list[Event]) -> None:
        """The metronome begins or ends."""
        if self.drill.metronome.beats and on != self._s.sounding:
            self._s = replace(self._s, sounding=on)
            detail = f"{self.drill.cadence.steps_per_minute:g} a minute" if on else ""
            events.append(Event("metronome_started" if on else "metronome_stopped", now, now, detail=detail))
