"""Cues become sound: what the engine holds. It never raises because of sound; without a device the screen is enough."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isnan

import numpy as np

from imu.conventions import SIDES, Side
from imu.errors import AudioError
from imu.feedback.audio.device import DEVICE_LOST, Backend, Output, PortAudio
from imu.feedback.audio.earcons import RULES, tones_clip, words_clip
from imu.feedback.audio.mixer import RAMP_S, Clip, Mixer, Stereo
from imu.feedback.audio.phase_marks import PhaseTempo
from imu.feedback.audio.speech import speaker, with_side
from imu.feedback.audio.tones import Mono
from imu.outputs import Cue
from imu.snapshot import SoundView

logger = logging.getLogger(__name__)

RETRY_NS = 3_000_000_000
"""Between two attempts to get a device: each asks every driver anew, 25 ms of one core."""
LATE_NS = 150_000_000
"""A cue whose data are older than this when the driver asks for it is shown, not heard: late words meet another phase of
the movement. Seen after a gap, when the driver paused for 1.5 s."""
CLICK_LATE_NS = 100_000_000
"""A step's click that has not been asked for by then would be heard as if it were between two steps."""
TONE_NS = 300_000_000
"""A tone that follows a movement ends when nothing came of it for so long: data that stand still must not sound alive."""
REMEMBERED = 64
"""Cues whose onset is still to come or to be fetched."""
SIDES_AND_NONE: tuple[Side | None, ...] = (*SIDES, None)
HELD_NS = 1_000_000_000
"""Esc within this time of the last one is the key held, or hit twice in haste: never the wish to hear cues again."""


@dataclass(frozen=True, slots=True)
class Onset:
    """A cue was heard."""

    cue: Cue
    t_asked_ns: int
    """Host time (`perf_counter_ns`) given to `AudioOut.play`."""
    t_host_ns: int
    """Host time at which its first sample leaves the computer, as far as the driver knows. Wireless headphones add
    100 to 300 ms that no driver reports."""


def in_background(job: Callable[[], None]) -> None:
    """Opening a device and speaking a sentence take too long for the engine's thread."""
    threading.Thread(target=job, name="imu-sound", daemon=True).start()


class AudioOut:
    """The sound of one session. Methods may be called from any thread; none waits for the device but `close`.

    Parameters
    ----------
    backend : Backend, optional
        Where sound goes; None: nowhere, for `reason`.
    reason : str
        Why there is no sound, in words for the patient.
    speak : callable, optional
        Sentence → (n,) samples or None; None: tones only.
    run : callable
        Does a job that takes long.
    """

    def __init__(
        self,
        backend: Backend | None = None,
        reason: str = "",
        speak: Callable[[str], Mono | None] | None = None,
        run: Callable[[Callable[[], None]], None] = in_background,
    ) -> None:
        self.mixer = Mixer()
        self._backend = backend
        self._speak = speak
        self._run = run
        self._output: Output | None = None
        self._state = SoundView("none", reason)
        self._clips: dict[tuple[str, Side | None, str], Stereo] = {}
        self._words: dict[tuple[str, Side | None], Stereo] = {}
        self._prepared: set[str] = set()
        self._number = 0
        self._asked: deque[tuple[int, Cue, int]] = deque(maxlen=REMEMBERED)
        self._heard: deque[Onset] = deque(maxlen=REMEMBERED)
        self._changing = threading.Lock()
        """Held while a device is opened or closed."""
        self._closed = False
        self._retry_ns = 0
        self._esc_ns = -HELD_NS

    @property
    def state(self) -> SoundView:
        """`on`, `muted`, or `none` with the reason."""
        return self._state

    @property
    def device(self) -> str:
        """Name of the output, empty if there is none."""
        output = self._output
        return output.name if output is not None else ""

    @property
    def gaps(self) -> int:
        """Gaps in the sound of the output now open: the computer was too busy. One at the start is usual."""
        output = self._output
        return output.gaps if output is not None else 0

    def prepare(self, sentences: Iterable[str]) -> None:
        """Speak these ahead of time, in the background: a cue whose words are not ready has its tones only."""
        wanted = [s for s in sentences if s and s not in self._prepared]
        if self._speak is None or not wanted:
            return
        self._prepared.update(wanted)
        self._run(lambda: self._speak_all(wanted))

    def play(self, cue: Cue, now_ns: int) -> None:
        """Sound a cue at once; it replaces the one that sounds. `now_ns`: host time of the decision."""
        if self._state.state != "on":
            return
        self._number += 1
        self._asked.append((self._number, cue, now_ns))
        left_ns = LATE_NS - (0 if isnan(cue.age_ms) else round(cue.age_ms * 1e6))
        self.mixer.play(Clip(self._clip(cue), self._number, until_ns=time.perf_counter_ns() + left_ns))

    def beat(self, per_minute: float, volume: float = 1.0) -> None:
        """Even beats from now on, below the cues; asked again, the tempo changes without a jump. `volume`: 0 to 1."""
        self.mixer.metronome.volume = volume
        self.mixer.metronome.beat(per_minute)

    def pace(self, tempo: PhaseTempo, volume: float = 1.0) -> None:
        """Count in from now on, then mark the phases of repetitions, below the cues. `volume`: 0 to 1."""
        self.mixer.metronome.volume = volume
        self.mixer.metronome.pace(tempo)

    def tone(self, octave: float, volume: float = 1.0) -> None:
        """A soft tone glides to this pitch, octaves above its base; NaN: silence. Not asked again, it ends by itself."""
        self.mixer.tone.aim(octave, volume, time.perf_counter_ns() + TONE_NS)

    def stop_beat(self) -> None:
        """No more beats or phases."""
        self.mixer.metronome.stop()

    def click(self, volume: float = 1.0) -> None:
        """One click at once: a step."""
        if self._state.state == "on":
            self.mixer.metronome.volume = volume
            self.mixer.metronome.step(time.perf_counter_ns() + CLICK_LATE_NS)

    def silence(self) -> None:
        """Esc: stop what sounds and stay mute; again: sound on."""
        now_ns = time.perf_counter_ns()
        held = now_ns - self._esc_ns < HELD_NS
        self._esc_ns = now_ns
        if not self.mixer.muted or not held:
            self.mute(not self.mixer.muted)

    def mute(self, muted: bool) -> None:
        """Silent within 5 ms and one buffer; what sounded is not continued later."""
        self.mixer.muted = muted
        if self._state.state != "none":
            self._state = SoundView("muted" if muted else "on")

    def toggle(self) -> None:
        """Mute, or sound on: the switch of somebody who sees which of both it is."""
        self.mute(not self.mixer.muted)

    def set_volume(self, volume: float) -> None:
        """0 to 1; never louder than the cap of the clips."""
        self.mixer.volume = min(max(volume, 0.0), 1.0)

    def poll(self) -> None:
        """Once a second or so: notice that the device has gone, and that one is there again."""
        output, backend = self._output, self._backend
        if backend is None or self._closed or self._changing.locked():
            return
        if output is not None and output.failed and self._state.state != "none":
            logger.warning("%s stopped asking for sound", output.name)
            self._state = SoundView("none", DEVICE_LOST)
            self._retry_ns = 0
        now_ns = time.perf_counter_ns()
        if self._state.state == "none" and backend.usable and now_ns >= self._retry_ns:
            self._retry_ns = now_ns + RETRY_NS
            self._run(self._reopen)

    def take_onsets(self) -> list[Onset]:
        """Cues that started to sound since the last call, oldest first."""
        onsets: list[Onset] = []
        while self._heard:
            onsets.append(self._heard.popleft())
        return onsets

    def open(self) -> None:
        """Start the output, if there is one. Waits for the drivers: 0.1 to 0.5 s."""
        for rule in RULES:
            for side in SIDES_AND_NONE:
                tones_clip(rule, side, self.mixer.rate_hz)
        self._start(again=False)

    def close(self) -> None:
        """Stop what sounds and give the device back."""
        self._closed = True
        self.mixer.muted = True
        with self._changing:
            if self._output is not None and not self._output.failed:
                time.sleep(2 * RAMP_S)  # a block with the fade is asked for before the stream ends
            self._give_up()
        self._state = SoundView("none", "The session has ended")

    def _reopen(self) -> None:
        self._start(again=True)

    def _start(self, *, again: bool) -> None:
        backend = self._backend
        if backend is None:
            return
        with self._changing:
            if self._closed:
                return
            self._give_up()
            try:
                self._output = backend.open(self._fill, again=again)
            except AudioError as e:
                # what the patient was told first stays true: a lost device that is not back is still lost
                if not again or not self._state.reason:
                    self._state = SoundView("none", str(e))
                return
            self._state = SoundView("muted" if self.mixer.muted else "on")

    def _give_up(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None
        # a cue of before the loss would meet another phase of the movement
        self.mixer.drop()
        self._asked.clear()

    def _fill(self, out: Stereo, t_first_ns: int) -> None:
        """The driver's thread asks for samples."""
        first = self.mixer.at
        self.mixer.render(out, time.perf_counter_ns())
        while self.mixer.started:
            started = self.mixer.started.popleft()
            t_host_ns = t_first_ns + (started.at - first) * 1_000_000_000 // self.mixer.rate_hz
            while self._asked:
                number, cue, asked_ns = self._asked.popleft()
                if number == started.number:
                    self._heard.append(Onset(cue, asked_ns, t_host_ns))
                    break

    def _clip(self, cue: Cue) -> Stereo:
        self.prepare([cue.text])
        words = self._words.get((cue.text, cue.side))
        key = (cue.rule, cue.side, cue.text if words is not None else "")
        clip = self._clips.get(key)
        if clip is None:
            tones = tones_clip(cue.rule, cue.side, self.mixer.rate_hz)
            clip = self._clips[key] = tones if words is None else np.concatenate([tones, words])
        return clip

    def _speak_all(self, sentences: list[str]) -> None:
        assert self._speak is not None
        for sentence in sentences:
            for side in SIDES_AND_NONE:
                words = self._speak(with_side(sentence, side))
                if words is not None:
                    self._words[sentence, side] = words_clip(words, side, self.mixer.rate_hz)


def open_audio(sentences: Iterable[str] = ()) -> AudioOut:
    """The computer's own output, ready to play; silent with a reason if there is none. `sentences`: spoken ahead."""
    audio = AudioOut(PortAudio(), speak=speaker())
    audio.open()
    audio.prepare(sentences)
    return audio


def silent_audio(reason: str) -> AudioOut:
    """No sound because nobody asked for it."""
    return AudioOut(None, reason)
