"""The tempo of a repetition as it is heard: every mark on its sample, counted in, from the set-up to the end of the set."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from feedback_frames import squat_drill
from numpy.typing import NDArray
from scripted_sounddevice import ScriptedSoundDevice

from imu.errors import ConfigError
from imu.feedback import drill_text, load_drill
from imu.feedback.audio import AudioOut, Pacing
from imu.feedback.audio.device import PortAudio
from imu.feedback.audio.earcons import panned, tones_clip
from imu.feedback.audio.metronome import DUCKED, LEVEL
from imu.feedback.audio.mixer import Clip, Mixer
from imu.feedback.audio.phase_marks import KINDS, NOTES, SHARE, PhaseMarks, PhaseTempo
from imu.feedback.audio.tones import RATE_HZ, melody
from imu.feedback.sound import Sound
from imu.outputs import Event

SQUAT = PhaseTempo((3.0, 1.0, 2.0, 1.0), 4)
WAVES = {kind: panned(LEVEL * SHARE.get(kind, 1.0) * melody((NOTES[kind],), RATE_HZ), None) for kind in KINDS}


def rendered(mixer: Mixer, rows: int, block: int = 480) -> NDArray[np.float32]:
    out = np.full((rows, 2), 9.0, np.float32)
    for start in range(0, rows, block):
        mixer.render(out[start : start + block])
    return out


def course(seconds: tuple[float, ...], count_in: int, until_s: float) -> list[tuple[Fraction, str]]:
    """(time, kind) of all marks, by going through the repetition as a person would count it."""
    marks = [(Fraction(k), "count") for k in range(count_in)]
    t = Fraction(count_in)
    while t < until_s:
        for kind, length in zip(("down", "hold", "up", "rest"), seconds, strict=True):
            exact = Fraction(str(length))
            if length:
                marks.append((t, kind))
                marks += [(t + k, "tick") for k in range(1, 20) if exact - k >= Fraction(1, 2)]
            t += exact
    return [m for m in marks if m[0] < until_s]


@pytest.mark.parametrize(
    "seconds", [(3.0, 1.0, 2.0, 1.0), (2.1, 0.0, 1.7, 0.3), (0.7, 0.0, 0.9, 0.0), (3.3, 0.4, 2.9, 1.1)]
)
@pytest.mark.parametrize("start", [0, 777])
def test_every_mark_of_an_hour_starts_on_its_sample(seconds: tuple[float, ...], start: int) -> None:
    """Error 0: the nearest sample to the exact time, block by block as a driver asks, after an hour as in the first
    repetition."""
    marks, block = PhaseMarks.begun(start, PhaseTempo(seconds, 4)), 48_001  # type: ignore[arg-type]
    wanted = course(seconds, 4, 3600.0)
    end = start + 3600 * RATE_HZ
    found = [mark for n in range(0, end, block) for mark in marks.within(n, min(n + block, end))]
    assert found == [(start + int((t * RATE_HZ + Fraction(1, 2)) // 1), kind) for t, kind in wanted]


@pytest.mark.parametrize("block", [1, 7, 240, 1024, 5000])
def test_what_sounds_are_the_clicks_at_these_samples_whatever_is_asked_for_together(block: int) -> None:
    mixer = Mixer()
    rendered(mixer, 1000, 1000)
    mixer.metronome.pace(PhaseTempo((0.5, 0.2, 0.3, 0.2), 1))
    rows = (3 if block > 1 else 1) * RATE_HZ
    out = rendered(mixer, rows, block)
    expected = np.zeros((rows + RATE_HZ, 2), np.float32)
    for t, kind in course((0.5, 0.2, 0.3, 0.2), 1, rows / RATE_HZ):
        at = int(t * RATE_HZ)
        expected[at : at + len(WAVES[kind])] += WAVES[kind]
    np.testing.assert_array_equal(out, expected[:rows])


def test_the_marks_of_two_minutes_of_sound_lie_on_their_samples() -> None:
    """Found in the rendered stream itself: the first sample that is not silent after each silence."""
    mixer = Mixer()
    mixer.metronome.pace(SQUAT)
    onsets, last, position = [], -10_000, 0
    for _ in range(120):
        part = rendered(mixer, RATE_HZ, 960)
        for at in np.flatnonzero(part.any(axis=1)) + position:
            if at - last > 2000:
                onsets.append(int(at))
            last = int(at)
        position += RATE_HZ
    # a click begins at exactly 0, so that its second sample is the first that is heard
    wanted = [int(t * RATE_HZ) + 1 for t, _ in course(SQUAT.seconds, 4, 120.0)]
    assert onsets == wanted


def test_phases_are_told_apart_by_ear() -> None:
    """Down sinks, up rises, hold is low, rest is high, and the seconds in between are softer than all."""
    def pitch(wave: NDArray[np.float32]) -> float:
        spectrum = np.abs(np.fft.rfft(wave[:, 0] * np.hanning(len(wave)), 1 << 17))
        return float(np.argmax(spectrum) * RATE_HZ / (1 << 17))

    down, up = WAVES["down"], WAVES["up"]
    assert pitch(down[:700]) > pitch(down[1000:]) + 80
    assert pitch(up[:700]) < pitch(up[1000:]) - 80
    assert pitch(WAVES["hold"]) < pitch(WAVES["rest"]) - 200
    loudest = {kind: float(np.abs(wave).max()) for kind, wave in WAVES.items()}
    assert loudest["tick"] < 0.5 * min(v for kind, v in loudest.items() if kind != "tick")


def test_a_mark_during_a_cue_is_softer_and_no_cue_moves_it() -> None:
    mixer = Mixer()
    mixer.metronome.pace(PhaseTempo((0.5, 0.0, 0.5, 0.0)))
    mixer.play(Clip(tones_clip("valgus", "left", RATE_HZ), at=23_000))
    out = rendered(mixer, 60_000)
    clip = tones_clip("valgus", "left", RATE_HZ)
    rest = out[24_000:27_000] - clip[1000:4000]
    np.testing.assert_allclose(rest[: len(WAVES["up"])], WAVES["up"] * DUCKED, atol=1e-6)
    np.testing.assert_array_equal(out[48_000 : 48_000 + len(WAVES["down"])], WAVES["down"])


def test_a_tempo_that_cannot_be_heard_is_refused_where_it_is_asked_for() -> None:
    with pytest.raises(ValueError, match="no phase that can be heard"):
        Mixer().metronome.pace(PhaseTempo((0.0, 0.05, 0.0, 0.0)))


# from the session to the sound


def paced(**sound: object) -> tuple[Pacing, AudioOut, ScriptedSoundDevice]:
    library = ScriptedSoundDevice()
    audio = AudioOut(PortAudio(library), run=lambda job: job())
    audio.open()
    drill = replace(squat_drill(), sound=Sound(**sound), target_count=2)  # type: ignore[arg-type]
    return Pacing(drill, audio), audio, library


def test_a_set_is_paced_from_the_end_of_the_set_up_to_its_last_repetition() -> None:
    pacing, audio, library = paced(metronome="phases", count_in=2)
    pacing.take([Event("stand_found", 1, 1)])
    assert not library.stream.ask(9600).any()
    pacing.take([Event("calibrated", 2, 2)])
    assert library.stream.ask(9600).any()
    marks = audio.mixer.metronome.running
    assert isinstance(marks, PhaseMarks)
    assert marks.count_in == 2
    pacing.take([Event("calibrated", 3, 3)])  # a sensor that is calibrated anew does not start it again
    library.stream.ask(9600)
    assert audio.mixer.metronome.running is marks
    pacing.take([Event("repetition_counted", 4, 4, detail="1")])
    library.stream.ask(9600)
    assert audio.mixer.metronome.running is marks
    pacing.take([Event("repetition_counted", 5, 5, detail="2")])
    library.stream.ask(9600)
    assert audio.mixer.metronome.running is None


def test_a_drill_that_asks_for_nothing_is_silent_beside_its_cues() -> None:
    pacing, _, library = paced()
    pacing.take([Event("calibrated", 2, 2)])
    assert not library.stream.ask(RATE_HZ).any()


def test_a_replay_that_is_not_in_real_time_has_no_beat() -> None:
    library = ScriptedSoundDevice()
    audio = AudioOut(PortAudio(library), run=lambda job: job())
    audio.open()
    pacing = Pacing(replace(squat_drill(), sound=Sound("phases", depth_tone="falling")), audio, real_time=False)
    pacing.take([Event("calibrated", 2, 2)])
    assert not library.stream.ask(RATE_HZ).any()


def test_sound_is_part_of_the_drill_and_its_mistakes_are_told() -> None:
    text = drill_text("squat")
    assert load_drill(text).sound == Sound()  # type: ignore[union-attr]
    asked = load_drill(text + '\n[sound]\nmetronome = "phases"\ncount_in = 3\ndepth_tone = "rising"\n')
    assert asked.sound == Sound("phases", 3, 60.0, "rising", 60.0)  # type: ignore[union-attr]
    with pytest.raises(ConfigError) as error:
        load_drill(text + '\n[sound]\nmetronome = "beats"\ncount_in = 40\nvolume_percent = 101\n')
    assert [line.split()[1] for line in str(error.value).splitlines()] == [
        "sound.metronome", "sound.count_in", "sound.volume_percent",
    ]  # fmt: skip


def test_a_drill_that_goes_up_first_is_heard_to_rise_first() -> None:
    marks = PhaseMarks.begun(0, PhaseTempo((1.0, 0.5, 2.0, 0.5), 0, "up"), 1000)
    assert marks.within(0, 4000) == [(0, "up"), (1000, "hold"), (1500, "down"), (2500, "tick"), (3500, "rest")]
