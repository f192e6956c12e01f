"""Clicks on the sample clock: even beats, phases of repetitions, the person's steps. Runs in the sound card's callback.

Beat k starts at sample round(k · 60 / cadence · rate) after the first, in exact arithmetic: it cannot drift, whatever the
length of the walk, and which samples are asked for together changes nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from imu.feedback.audio.earcons import panned
from imu.feedback.audio.phase_marks import KINDS, NOTES, SHARE, PhaseMarks, PhaseTempo
from imu.feedback.audio.tones import RATE_HZ, Note, melody

Stereo = NDArray[np.float32]

LEVEL: Final = 0.2
"""Loudest sample of a click before it goes to both ears, 8 dB below a cue."""
DUCKED: Final = 0.25
"""Share of its level that a click has while a cue sounds: 12 dB less."""
BEAT: Final = Note(987.77, 0.03, decay_s=0.01)
STEP: Final = Note(659.26, 0.03, decay_s=0.01)
"""A fourth and more below the beat, so that the two are told apart where both are wanted."""
SLOWEST, FASTEST = 20.0, 400.0
"""Beats per minute that can be asked for: a click has ended long before the next one."""
PENDING: Final = 4
HALF: Final = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Beat:
    """Even beats; sample indexes."""

    start: Fraction
    """Where beat 0 is, before rounding."""
    period: Fraction
    """Samples from beat to beat."""
    first: int = 0
    """Number of the first one that is heard."""

    @staticmethod
    def begun(sample: int, per_minute: float, rate_hz: int = RATE_HZ) -> Beat:
        """Beat 0 at this sample."""
        return Beat(Fraction(sample), 60 * rate_hz / Fraction(per_minute))

    def at(self, k: int) -> int:
        """Sample at which beat k starts: the nearest, the later one of two that are equally near."""
        return floor(self.start + k * self.period + HALF)

    def next(self, sample: int) -> int:
        """The first beat that is heard and does not start before this sample."""
        return max(self.first, ceil((sample - HALF - self.start) / self.period))

    def within(self, first: int, end: int) -> list[int]:
        """Samples first .. end - 1 at which a beat starts."""
        k = self.next(first)
        beats: list[int] = []
        while (sample := self.at(k)) < end:
            beats.append(sample)
            k += 1
        return beats

    def changed(self, sample: int, per_minute: float, rate_hz: int = RATE_HZ) -> Beat:
        """Another tempo from this sample on, without a jump: the share of a beat that has passed stays."""
        period, k = 60 * rate_hz / Fraction(per_minute), self.next(sample) - 1
        if k < 0:
            return Beat(self.start, period)
        share = min((sample - self.start - k * self.period) / self.period, Fraction(1))
        return Beat(sample - share * period, period, 1)


@dataclass(slots=True)
class _Sounding:
    """A click that is being copied."""

    wave: Stereo
    gain: float | None = None
    """None: not begun yet."""
    position: int = 0


class Metronome:
    """Adds clicks to what a mixer renders. `beat`, `pace`, `stop`, `step`, `volume` from any thread, the rest from one."""

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        self.rate_hz = rate_hz
        self.volume = 1.0
        """0 to 1, of the next click."""
        self._beat_wave = panned(LEVEL * melody((BEAT,), rate_hz), None)
        self._step_wave = panned(LEVEL * melody((STEP,), rate_hz), None)
        marks = {kind: LEVEL * SHARE.get(kind, 1.0) * melody((NOTES[kind],), rate_hz) for kind in KINDS}
        self._mark_waves = {kind: panned(wave, None) for kind, wave in marks.items()}
        self._scratch: Stereo = np.empty_like(max((self._beat_wave, *self._mark_waves.values()), key=len))
        self._orders: deque[float | PhaseTempo] = deque()
        """Beats per minute or phases from the next block on; 0 = none."""
        self._asked: deque[int] = deque(maxlen=PENDING)
        """Host time after which a step's click is not heard any more, ns."""
        self._running: Beat | PhaseMarks | None = None
        self._sounding: list[_Sounding] = []

    @property
    def running(self) -> Beat | PhaseMarks | None:
        """The beats or phases as of the newest block; None = there are none."""
        return self._running

    def beat(self, per_minute: float) -> None:
        """Begin with the next block; if it beats already, go on at this tempo without a jump."""
        if not SLOWEST <= per_minute <= FASTEST:
            raise ValueError(f"{per_minute} beats a minute; give {SLOWEST:g} to {FASTEST:g}")
        self._orders.append(per_minute)

    def pace(self, tempo: PhaseTempo) -> None:
        """Count in with the next block, then mark the phases of one repetition after the other."""
        PhaseMarks.begun(0, tempo, self.rate_hz)
        self._orders.append(tempo)

    def stop(self) -> None:
        """No more beats and phases; a click that sounds ends."""
        self._orders.append(0.0)

    def step(self, until_ns: int) -> None:
        """One click as soon as possible, or never if that is after `until_ns` of the clock of `begin`."""
        self._asked.append(until_ns)

    def forget(self) -> None:
        """The output is gone: what sounds and the steps that wait are dropped, the beats stay."""
        self._asked.clear()
        self._sounding.clear()

    def begin(self, at: int, now_ns: int) -> None:
        """Take what was asked for before a request of the driver. `at`: its first sample."""
        while self._orders:
            order = self._orders.popleft()
            if isinstance(order, PhaseTempo):
                self._running = PhaseMarks.begun(at, order, self.rate_hz)
            elif order == 0.0:
                self._running = None
            elif isinstance(self._running, Beat):
                self._running = self._running.changed(at, order, self.rate_hz)
            else:
                self._running = Beat.begun(at, order, self.rate_hz)
        wanted = False
        while self._asked:
            wanted = self._asked.popleft() >= now_ns or wanted
        if wanted:
            self._sounding.append(_Sounding(self._step_wave))

    def add(self, out: Stereo, at: int, voiced: list[tuple[int, int]]) -> None:
        """Add the clicks of samples at .. at + len(out) - 1; `voiced`: rows (from, to) of `out` in which a cue sounds."""
        for click in self._sounding:
            if click.gain is None:
                click.gain = self._gain(0, voiced)
            self._copy(out, 0, click)
        for sample, wave in self._due(at, at + len(out)):
            click = _Sounding(wave, self._gain(sample - at, voiced))
            self._sounding.append(click)
            self._copy(out, sample - at, click)
        if self._sounding:
            self._sounding = [c for c in self._sounding if c.position < len(c.wave)]

    def _due(self, first: int, end: int) -> list[tuple[int, Stereo]]:
        """(sample, click) of what starts at samples first .. end - 1."""
        if self._running is None:
            return []
        if isinstance(self._running, Beat):
            return [(sample, self._beat_wave) for sample in self._running.within(first, end)]
        return [(sample, self._mark_waves[kind]) for sample, kind in self._running.within(first, end)]

    def _gain(self, row: int, voiced: list[tuple[int, int]]) -> float:
        """Of a click that starts at this row."""
        volume = min(max(self.volume, 0.0), 1.0)
        return volume * DUCKED if any(first <= row < end for first, end in voiced) else volume

    def _copy(self, out: Stereo, row: int, click: _Sounding) -> None:
        assert click.gain is not None
        m = min(len(out) - row, len(click.wave) - click.position)
        part, scratch = out[row : row + m], self._scratch[:m]
        np.multiply(click.wave[click.position : click.position + m], np.float32(click.gain), out=scratch)
        np.add(part, scratch, out=part)
        click.position += m
