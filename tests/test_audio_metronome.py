"""Beats on the sample clock, by the sample: where they are, what they sound like, and what a cue does to them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from imu.feedback.audio.earcons import LEVEL as CUE_LEVEL
from imu.feedback.audio.earcons import panned, tones_clip
from imu.feedback.audio.metronome import BEAT, DUCKED, LEVEL, Beat, Metronome
from imu.feedback.audio.mixer import Clip, Mixer
from imu.feedback.audio.tones import RATE_HZ, Note, melody, tone

STEP = 2 * np.pi * 1200 * 3 / RATE_HZ * CUE_LEVEL
"""As for cues: no two samples of a smooth sound of that level differ by more."""
CLICK = panned(LEVEL * melody((BEAT,), RATE_HZ), None)
LENGTH = len(CLICK)


def rendered(mixer: Mixer, rows: int, block: int = 240) -> NDArray[np.float32]:
    out = np.full((rows, 2), 9.0, np.float32)
    for start in range(0, rows, block):
        mixer.render(out[start : start + block])
    return out


def placed(rows: int, beats: dict[int, float]) -> NDArray[np.float32]:
    """What clicks at these samples with these gains sound like, added up naively."""
    out = np.zeros((rows + LENGTH, 2), np.float32)
    for at, gain in beats.items():
        out[at : at + LENGTH] += CLICK * np.float32(gain)
    return out[:rows]


@pytest.mark.parametrize("cadence", [60.0, 97.0, 110.0, 113.7, 133.3, 180.0])
def test_every_beat_of_an_hour_starts_on_its_sample(cadence: float) -> None:
    """Block by block, as a driver asks: beat k at k · 60 / cadence seconds, to the nearest sample."""
    beat, start, block = Beat.begun(777, cadence), 777, 4801
    found = [b for n in range(0, 3600 * RATE_HZ, block) for b in beat.within(n, n + block)]
    exact = [start + k * 60 * RATE_HZ / Fraction(cadence) for k in range(len(found))]
    assert len(found) == pytest.approx(60 * cadence, abs=1)
    assert max(abs(b - e) for b, e in zip(found, exact, strict=True)) <= Fraction(1, 2)


@pytest.mark.parametrize("block", [1, 7, 240, 1000, 5000])
@pytest.mark.parametrize("cadence", [110.0, 187.0])
def test_what_sounds_is_the_click_at_these_samples_whatever_is_asked_for_together(block: int, cadence: float) -> None:
    mixer = Mixer()
    rendered(mixer, 1000, 1000)
    mixer.metronome.beat(cadence)
    out = rendered(mixer, 70_000 if block > 1 else 30_000, block)
    beats = {round(k * 60 / cadence * RATE_HZ): 1.0 for k in range(10) if round(k * 60 / cadence * RATE_HZ) < len(out)}
    np.testing.assert_array_equal(out, placed(len(out), beats))


def test_a_beat_is_softer_than_a_cue_and_does_not_click() -> None:
    mixer = Mixer()
    mixer.metronome.beat(110.0)
    out = rendered(mixer, 100_000)
    assert 0.05 < np.abs(out).max() <= LEVEL
    assert np.abs(np.diff(out, axis=0)).max() < STEP / 2
    assert not out[0].any()


def test_another_tempo_goes_on_where_the_beat_is() -> None:
    """A third of the way to the next beat stays a third of the way."""
    beat = Beat.begun(0, 60.0)
    faster = beat.changed(48_000 * 5 + 16_000, 120.0)
    assert faster.within(48_000 * 5 + 16_000, 48_000 * 7)[:3] == [272_000, 296_000, 320_000]
    # the beat of before is not heard again, one at this very sample is heard once
    assert beat.changed(48_000 * 5, 100.0).within(48_000 * 5, 48_000 * 6) == [48_000 * 5, 48_000 * 5 + 28_800]
    assert beat.changed(48_000 * 5 + 1, 400.0).within(48_000 * 5 + 1, 48_000 * 5 + 9000) == [240_001 + 7200]
    # before the first beat there is nothing to go on from
    assert Beat.begun(1000, 60.0).changed(10, 120.0).within(0, 30_000) == [1000, 25_000]


@pytest.mark.parametrize("seed", range(4))
def test_no_beat_is_lost_or_doubled_by_changes(seed: int) -> None:
    """Times between beats stay within those of the tempos in force, over hundreds of changes at any sample."""
    rng = np.random.default_rng(seed)
    beat, found, at, tempos = Beat.begun(0, 100.0), list[int](), 0, [100.0]
    for _ in range(300):
        end = at + int(rng.integers(1, 40_000))
        found += beat.within(at, end)
        at = end
        tempos.append(float(rng.uniform(80.0, 140.0)))
        beat = beat.changed(at, tempos[-1])
    gaps = np.diff(found) / RATE_HZ
    assert 60.0 / max(tempos) - 3e-5 < gaps.min()
    assert gaps.max() < 60.0 / min(tempos) + 3e-5


def test_the_tempo_changes_with_the_next_request_and_stops_with_it() -> None:
    mixer = Mixer()
    mixer.metronome.beat(120.0)
    first = rendered(mixer, 36_000, 1000)
    mixer.metronome.beat(60.0)
    second = rendered(mixer, 48_000, 1000)
    mixer.metronome.stop()
    # half of a beat had passed: the other half comes at the new tempo
    beats = {0: 1.0, 24_000: 1.0, 36_000 + 24_000: 1.0}
    np.testing.assert_array_equal(np.concatenate([first, second]), placed(84_000, beats))
    assert not rendered(mixer, 100_000).any()
    mixer.metronome.beat(60.0)
    np.testing.assert_array_equal(rendered(mixer, 10_000), placed(10_000, {0: 1.0}))


def test_a_click_that_began_ends_when_the_beats_stop() -> None:
    mixer = Mixer()
    mixer.metronome.beat(60.0)
    first = rendered(mixer, 240)
    mixer.metronome.stop()
    np.testing.assert_array_equal(np.concatenate([first, rendered(mixer, 5000)]), placed(5240, {0: 1.0}))


@pytest.mark.parametrize("block", [7, 240, 5000])
def test_a_beat_is_ducked_while_a_cue_sounds_and_both_are_heard(block: int) -> None:
    cue, mixer = panned(CUE_LEVEL * tone(Note(500.0, 1.0, decay_s=2.0)), None), Mixer()
    mixer.metronome.beat(180.0)
    mixer.play(Clip(cue, at=10_000))
    out = rendered(mixer, 80_000, block)
    beats = {16_000 * k: DUCKED if 10_000 <= 16_000 * k < 58_000 else 1.0 for k in range(5)}
    voice = np.zeros_like(out)
    voice[10_000 : 10_000 + len(cue)] = cue
    np.testing.assert_array_equal(out, voice + placed(len(out), beats))
    assert np.abs(out).max() <= CUE_LEVEL + LEVEL * DUCKED
    assert np.abs(np.diff(out, axis=0)).max() < STEP * 1.5


def test_mute_silences_the_beats_and_keeps_their_time() -> None:
    mixer = Mixer()
    mixer.metronome.beat(120.0)
    rendered(mixer, 30_000, 1000)
    mixer.muted = True
    assert not rendered(mixer, 30_000, 1000)[mixer.ramp :].any()
    mixer.muted = False
    out = rendered(mixer, 30_000, 1000)
    np.testing.assert_array_equal(out, placed(30_000, {12_000: 1.0}))


def test_volume_of_the_beats_is_their_own() -> None:
    mixer = Mixer()
    mixer.metronome.volume = 0.5
    mixer.metronome.beat(120.0)
    cue = tones_clip("tempo", None, RATE_HZ)
    mixer.play(Clip(cue, at=5000))
    out = rendered(mixer, 30_000)
    np.testing.assert_array_equal(out[5000 : 5000 + len(cue)], cue)
    np.testing.assert_array_equal(out[:5000], placed(5000, {0: 0.5}))


def test_a_step_clicks_with_the_next_sample_or_not_at_all() -> None:
    mixer, out = Mixer(), np.zeros((2000, 2), np.float32)
    mixer.metronome.step(until_ns=1000)
    mixer.render(out, 1001)
    assert not out.any()
    mixer.metronome.step(until_ns=1000)
    mixer.render(out, 1000)
    assert out[1:200].any(axis=1).all()
    assert not out[LENGTH:].any()
    # it is told from a beat by its pitch
    pitch = [np.argmax(np.abs(np.fft.rfft(w[:LENGTH, 0], 48_000))) for w in (out, CLICK)]
    assert pitch[0] < 0.75 * pitch[1]


def test_what_waited_is_gone_with_the_output_and_the_beats_go_on() -> None:
    mixer = Mixer()
    mixer.metronome.beat(60.0)
    rendered(mixer, 480, 480)
    mixer.metronome.step(until_ns=1 << 62)
    mixer.drop()
    out = rendered(mixer, 48_000, 480)
    np.testing.assert_array_equal(out, placed(48_000, {47_520: 1.0}))


@pytest.mark.parametrize("tempo", [0.0, -5.0, 1e6, float("nan")])
def test_a_tempo_that_is_none_is_refused(tempo: float) -> None:
    with pytest.raises(ValueError, match="beats a minute"):
        Metronome().beat(tempo)


def test_rendering_beats_makes_no_arrays() -> None:
    import tracemalloc

    mixer, out = Mixer(), np.zeros((1024, 2), np.float32)
    mixer.metronome.beat(400.0)
    rendered(mixer, 50_000, 1024)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        for _ in range(8):
            mixer.render(out)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert out.any()
    assert peak < out.nbytes / 2
