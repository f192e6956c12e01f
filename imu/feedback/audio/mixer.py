"""One voice at a time, clicks and a soft tone below it, into blocks of samples. Runs in the sound card's callback: no
array is made, no lock is taken.

The engine hands clips over through a bounded queue whose operations are single steps of the interpreter; volume and
mute are plain numbers that the next block reads.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imu.feedback.audio.depth_tone import DepthTone
from imu.feedback.audio.earcons import LEVEL
from imu.feedback.audio.metronome import Metronome
from imu.feedback.audio.tones import RATE_HZ

Stereo = NDArray[np.float32]

RAMP_S = 0.005
"""A voice that is replaced, muted or turned down gets there in this time. Longer = softer; below 2 ms it clicks."""
BLOCK = 1024
"""Rows worked on at once; the callback may ask for any number."""
PENDING = 4
"""Clips that may wait for their sample; more than one cue a block does not happen."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Something to sound."""

    samples: Stereo
    """(n, 2) at the mixer's rate, peak at most `LEVEL`, first and last row 0."""
    number: int = 0
    """Given back when it starts."""
    at: int | None = None
    """Sample index at which its first sample is due; None = now. In the past = now."""
    until_ns: int | None = None
    """Time, on the clock of `Mixer.render`, after which it is dropped instead of sounded late."""


@dataclass(frozen=True, slots=True)
class Started:
    """A clip's first sample was placed."""

    number: int
    at: int
    """Sample index, counted from the first block rendered."""


class Mixer:
    """Renders what was handed over. `play`, `silence` and `volume` from any thread, `render` from one.

    A new clip replaces the one that sounds: that one fades out before the new one starts, so voices never overlap. A
    clip for a later sample starts exactly there, and the one before it is faded out in time.
    """

    def __init__(self, rate_hz: int = RATE_HZ) -> None:
        self.rate_hz = rate_hz
        self.volume = 1.0
        """0 to 1, reached by a ramp."""
        self.muted = False
        """True: silent within `RAMP_S`; what sounded or waited is dropped, not continued later."""
        self.at = 0
        """Sample index of the next block."""
        self.started: deque[Started] = deque(maxlen=64)
        self.metronome = Metronome(rate_hz)
        self.tone = DepthTone(rate_hz)
        self._queue: deque[Clip] = deque(maxlen=PENDING)
        self._next: Clip | None = None
        self._voice: Stereo | None = None
        self._position = 0
        self._gain = 1.0
        self.ramp = round(RAMP_S * rate_hz)
        fall = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, self.ramp + 1) / self.ramp)
        self._fall: Stereo = np.ascontiguousarray(np.repeat(fall[:, None], 2, axis=1), np.float32)
        self._falling = -1
        """Rows of `_fall` already used; -1 = not falling."""
        # two equal columns: multiplying by one broadcast column makes numpy allocate a buffer
        steps = np.arange(1, BLOCK + 1, dtype=np.float32) / np.float32(self.ramp)
        self._steps: Stereo = np.ascontiguousarray(np.repeat(steps[:, None], 2, axis=1))
        self._gains: Stereo = np.empty((BLOCK, 2), np.float32)
        self._voiced: list[tuple[int, int]] = []
        """Rows (from, to) of this block in which a voice sounds."""

    def play(self, clip: Clip) -> None:
        """Sound it next. Dropped while muted."""
        if not self.muted:
            self._queue.append(clip)

    def drop(self) -> None:
        """Forget what sounds and what waits. Only while nobody renders."""
        self._queue.clear()
        self._next = self._voice = None
        self._falling = -1
        self.metronome.forget()

    @property
    def sounding(self) -> bool:
        return self._voice is not None or self._next is not None or bool(self._queue)

    def render(self, out: Stereo, now_ns: int = 0) -> None:
        """Fill (n, 2) with the next n samples. `now_ns`: time of the request."""
        while self._queue:
            clip = self._queue.popleft()
            if clip.until_ns is None or now_ns <= clip.until_ns:
                self._next = clip
        self.metronome.begin(self.at, now_ns)
        self.tone.begin(now_ns)
        for start in range(0, len(out), BLOCK):
            self._block(out[start : start + BLOCK])

    def _block(self, out: Stereo) -> None:
        n = len(out)
        out.fill(0.0)
        if self.muted:
            self._next = None
        row = 0
        self._voiced.clear()
        while row < n:
            row = self._advance(out, row, n)
        if self._voiced:
            np.clip(out, -LEVEL, LEVEL, out=out)
        self.metronome.add(out, self.at, self._voiced)
        self.tone.add(out, self._voiced)
        self._level(out, n)
        self.at += n

    def _advance(self, out: Stereo, row: int, n: int) -> int:
        """One stretch in which nothing changes: silence, a voice, or a voice that fades. Returns the row after it."""
        due = self._due(row)
        if self._voice is None:
            if due is None:
                return n
            if due > row:
                return min(due, n)
            assert self._next is not None
            self.started.append(Started(self._next.number, self.at + row))
            self._voice, self._position, self._falling, self._next = self._next.samples, 0, -1, None
            return row
        if self._falling < 0 and due is not None and due - self.ramp <= row:
            self._falling = 0
        end = n if due is None or self._falling >= 0 else min(n, due - self.ramp)
        return self._copy(out, row, end)

    def _due(self, row: int) -> int | None:
        """Row at which the next clip is due, not before `row`; None = there is none."""
        if self._next is None:
            return None
        return row if self._next.at is None else max(row, self._next.at - self.at)

    def _copy(self, out: Stereo, row: int, end: int) -> int:
        """The voice from `row` on, as far as it goes; it is gone after its last sample or after its fall."""
        voice = self._voice
        assert voice is not None
        m = min(end - row, len(voice) - self._position)
        if self._falling >= 0:
            m = min(m, self.ramp - self._falling)
        part = out[row : row + m]
        part[:] = voice[self._position : self._position + m]
        self._voiced.append((row, row + m))
        self._position += m
        if self._falling >= 0:
            np.multiply(part, self._fall[self._falling : self._falling + m], out=part)
            self._falling += m
        if self._position >= len(voice) or self._falling >= self.ramp:
            self._voice, self._falling = None, -1
        return row + m

    def _level(self, out: Stereo, n: int) -> None:
        """Volume and mute by a straight ramp."""
        target = 0.0 if self.muted else min(max(self.volume, 0.0), 1.0)
        if self._gain == target == 1.0:
            pass  # the usual case
        elif self._gain == target:
            np.multiply(out, np.float32(target), out=out)
        else:
            gains = self._gains[:n]
            np.multiply(self._steps[:n], 1.0 if target > self._gain else -1.0, out=gains)
            np.add(gains, np.float32(self._gain), out=gains)
            np.clip(gains, min(self._gain, target), max(self._gain, target), out=gains)
            np.multiply(out, gains, out=out)
            self._gain = target if n >= self.ramp else float(gains[-1, 0])
        if self.muted and self._gain == 0.0:
            self._voice, self._falling = None, -1
