"""A tone that follows the depth: its pitch, its end when nothing is known; and that nothing that is heard ever clicks."""

from __future__ import annotations

from dataclasses import replace
from math import nan

import numpy as np
import pytest
from feedback_frames import DEG, squat_drill
from numpy.typing import NDArray
from scripted_sounddevice import ScriptedSoundDevice

from imu.conventions import Side
from imu.feedback.audio import AudioOut, Pacing
from imu.feedback.audio import output as output_module
from imu.feedback.audio.depth_tone import BASE_HZ, DUCKED, LEVEL, RISE_S
from imu.feedback.audio.device import PortAudio
from imu.feedback.audio.earcons import LEVEL as CUE_LEVEL
from imu.feedback.audio.earcons import RULES, panned, tones_clip, words_clip
from imu.feedback.audio.metronome import LEVEL as CLICK_LEVEL
from imu.feedback.audio.mixer import RAMP_S, Clip, Mixer
from imu.feedback.audio.phase_marks import PhaseTempo
from imu.feedback.audio.tones import RATE_HZ, ramped
from imu.feedback.sound import Sound
from imu.snapshot import RepetitionView, Snapshot

FOREVER = 1 << 62
CLICK = 0.028
"""Largest step of a click, of a beat or of a mark."""
TONE = 2 * np.pi * 2 * BASE_HZ / RATE_HZ * LEVEL
RAMP = np.pi / 2 / (RAMP_S * RATE_HZ)
"""Largest step of a gain: half a cosine in 5 ms."""
SIDES: tuple[Side | None, ...] = ("left", "right", None)


def rendered(mixer: Mixer, rows: int, block: int = 480, now_ns: int = 0) -> NDArray[np.float32]:
    out = np.full((rows, 2), 9.0, np.float32)
    for start in range(0, rows, block):
        mixer.render(out[start : start + block], now_ns)
    return out


def hertz(wave: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 18))
    return float(np.argmax(spectrum) * RATE_HZ / (1 << 18))


@pytest.mark.parametrize(("octave", "hz"), [(0.0, 440.0), (0.5, 622.25), (1.0, 880.0)])
def test_pitch(octave: float, hz: float) -> None:
    mixer = Mixer()
    mixer.tone.aim(octave, 1.0, FOREVER)
    wave = rendered(mixer, 48_000)[:, 0]
    assert hertz(wave[4800:]) == pytest.approx(hz, abs=0.5)
    assert np.abs(wave[4800:]).max() == pytest.approx(LEVEL * np.sqrt(0.5), rel=1e-3)


def test_it_rises_out_of_silence_and_goes_back_to_it() -> None:
    mixer = Mixer()
    mixer.tone.aim(0.3, 1.0, FOREVER)
    rise = rendered(mixer, 4800)[:, 0]
    envelope = np.abs(rise[: round(RISE_S * RATE_HZ)]).reshape(8, -1).max(axis=1)
    assert (np.diff(envelope) > 0).all()
    mixer.tone.aim(nan, 1.0, FOREVER)
    fall = rendered(mixer, 9600)[:, 0]
    assert np.abs(fall[:200]).max() > 0.9 * LEVEL * np.sqrt(0.5)
    assert not fall[round(RISE_S * RATE_HZ) :].any()


def test_it_ends_when_nothing_was_heard_of_the_movement() -> None:
    mixer = Mixer()
    mixer.tone.aim(0.3, 1.0, until_ns=1000)
    assert rendered(mixer, 9600, now_ns=1000)[4800:].any()
    assert not rendered(mixer, 9600, now_ns=1001)[4800:].any()


@pytest.mark.parametrize("block", [1, 7, 240, 1000, 5000])
def test_result_does_not_depend_on_the_size_of_requests(block: int) -> None:
    def run(size: int) -> NDArray[np.float32]:
        mixer = Mixer()
        mixer.tone.aim(0.2, 0.8, FOREVER)
        first = rendered(mixer, 7000, size)
        mixer.play(Clip(tones_clip("tempo", None, RATE_HZ)))
        mixer.tone.aim(0.9, 0.8, FOREVER)
        return np.concatenate([first, rendered(mixer, 21_000, size)])

    np.testing.assert_allclose(run(block), run(1024), atol=1e-6)


def test_a_movement_is_followed_without_a_jump() -> None:
    """A frame every 10 ms: pitch goes down and up an octave in 1.5 s each, and comes back to where it was."""
    mixer, parts = Mixer(), []
    share = 0.5 - 0.5 * np.cos(np.linspace(0, 2 * np.pi, 300))
    for x in share:
        mixer.tone.aim(1.0 - x, 1.0, FOREVER)
        parts.append(rendered(mixer, 480))
    wave = np.concatenate(parts)[:, 0]
    assert hertz(wave[:4800]) > 860
    assert hertz(wave[150 * 480 - 1200 : 150 * 480 + 1200]) == pytest.approx(BASE_HZ, abs=8)
    top = 2 * np.pi * 2 * BASE_HZ / RATE_HZ * LEVEL * np.sqrt(0.5)
    assert np.abs(np.diff(wave)).max() < 1.05 * top
    # no kink either: the second difference of a glide stays that of its highest pitch
    assert np.abs(np.diff(wave[4800:], 2)).max() < 1.2 * top * 2 * np.pi * 2 * BASE_HZ / RATE_HZ


def test_it_is_ducked_while_a_cue_sounds() -> None:
    mixer = Mixer()
    mixer.tone.aim(0.0, 1.0, FOREVER)
    rendered(mixer, 9600)
    silent = np.zeros((20_000, 2), np.float32)
    mixer.play(Clip(silent))
    under = rendered(mixer, 20_000)[5000:]
    assert np.abs(under).max() == pytest.approx(DUCKED * LEVEL * np.sqrt(0.5), rel=0.01)
    assert np.abs(rendered(mixer, 9600)[5000:]).max() == pytest.approx(LEVEL * np.sqrt(0.5), rel=0.01)


@pytest.mark.parametrize("seed", range(2))
def test_replaced_muted_and_turned_down_voices_never_step_faster_than_the_ramp(seed: int) -> None:
    """With a hum of 60 Hz, whose own steps are 0.004, a cut of 2 % of full scale would show."""
    rng = np.random.default_rng(seed)
    mixer, parts = Mixer(), []
    wave = CUE_LEVEL * np.sin(2 * np.pi * 60 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    hum = panned(ramped(wave, 0.02, 0.02), None)
    for k in range(600):
        if k % 3 == 0:
            mixer.play(Clip(hum, k, at=mixer.at + int(rng.integers(0, 600)) if rng.random() < 0.5 else None))
        if rng.random() < 0.3:
            mixer.volume = float(rng.choice([0.0, 0.3, 1.0]))
        mixer.muted = bool(rng.random() < 0.2)
        parts.append(rendered(mixer, int(rng.integers(1, 2000)), int(rng.choice([1, 64, 480, 1024]))))
    out = np.concatenate(parts)
    assert np.abs(out).max() > 0.2
    assert np.abs(np.diff(out, axis=0)).max() < CUE_LEVEL * (2 * np.pi * 60 / RATE_HZ + 2 * RAMP)


@pytest.mark.parametrize("seed", range(2))
def test_nothing_that_is_heard_ever_clicks_or_is_louder_than_the_cap(seed: int) -> None:
    """Cues with words, marks of phases, steps, a tone, mute and volume, all at any moment: no step between two samples is
    larger than that of a smooth sound, and the sum stays below full scale."""
    rng = np.random.default_rng(seed)
    mixer = Mixer()
    mixer.metronome.pace(PhaseTempo((0.7, 0.2, 0.5, 0.2), 2))
    speech = np.cumsum(rng.normal(size=12_000)).astype(np.float32)
    speech = np.convolve(speech - speech.mean(), np.hanning(40) / 20, "same").astype(np.float32)
    speech /= 4 * np.abs(speech).max()
    clips = [tones_clip(rule, side, RATE_HZ) for rule in (*RULES, "other") for side in SIDES]
    steps = [CLICK * 3, TONE, RAMP * (CUE_LEVEL + CLICK_LEVEL)]  # three clicks at once: a mark, its tick, a step
    clips += [np.concatenate([clips[k], words_clip(speech, SIDES[k % 3], RATE_HZ)]) for k in range(3)]
    parts = []
    for k in range(400):
        match int(rng.integers(0, 8)):
            case 0 | 1:
                mixer.play(Clip(clips[int(rng.integers(0, len(clips)))], k))
            case 2:
                mixer.volume = float(rng.choice([0.0, 0.2, 0.5, 1.0, 3.0]))
            case 3:
                mixer.muted = not mixer.muted
            case 4:
                mixer.metronome.step(FOREVER)
            case 5:
                mixer.tone.aim(float(rng.choice([nan, 0.0, 0.4, 1.0])), 1.0, FOREVER)
            case 6:
                mixer.metronome.pace(PhaseTempo((0.4, 0.0, 0.4, 0.0)))
            case _:
                pass
        parts.append(rendered(mixer, int(rng.integers(1, 3000)), 479))
    out = np.concatenate(parts)
    assert np.abs(out).max() > 0.3  # it was not all muted
    assert np.abs(np.diff(out, axis=0)).max() < max(np.abs(np.diff(c, axis=0)).max() for c in clips) + sum(steps)
    assert np.abs(out).max() <= CUE_LEVEL + 3 * CLICK_LEVEL + LEVEL < 1.21
    assert np.abs(out).max() < 1.0


# from the session to the sound


def view(depth_deg: float, stage: str = "drill") -> Snapshot:
    return Snapshot(stage=stage, repetition=RepetitionView(depth=depth_deg * DEG))


@pytest.mark.parametrize(("which", "hz"), [("falling", (797.0, 440.0)), ("rising", (485.0, 880.0))])
def test_depth_is_heard_from_the_stand_to_the_aim(
    monkeypatch: pytest.MonkeyPatch, which: str, hz: tuple[float, float]
) -> None:
    clock = type("Clock", (), {"perf_counter_ns": staticmethod(lambda: 5_000_000_000)})
    monkeypatch.setattr(output_module, "time", clock)
    library = ScriptedSoundDevice()
    audio = AudioOut(PortAudio(library), run=lambda job: job())
    audio.open()
    pacing = Pacing(replace(squat_drill(), sound=Sound(depth_tone=which)), audio)

    def heard(snapshot: Snapshot) -> NDArray[np.float32]:
        pacing.follow(snapshot)
        library.stream.ask(RATE_HZ // 2)
        return library.stream.ask(RATE_HZ // 4)[:, 0]

    assert not heard(view(0.5)).any()  # in the stand
    for depth, wanted in zip((12.9, 90.0), hz, strict=True):
        assert hertz(heard(view(depth))) == pytest.approx(wanted, abs=3.0)
    assert not heard(view(nan)).any()
    assert heard(view(60.0)).any()
    assert not heard(view(60.0, stage="finished")).any()
    assert heard(view(60.0)).any()
    pacing.end()
    library.stream.ask(RATE_HZ // 2)
    assert not library.stream.ask(4800).any()
