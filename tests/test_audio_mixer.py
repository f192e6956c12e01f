"""The mixer renders into arrays: every statement here is about samples."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from imu.conventions import Side
from imu.feedback.audio.earcons import LEVEL, RULES, panned, tones_clip
from imu.feedback.audio.mixer import BLOCK, Clip, Mixer, Started
from imu.feedback.audio.tones import RATE_HZ, Note, tone

STEP = 2 * np.pi * 1200 * 3 / RATE_HZ * LEVEL
"""No two samples of a smooth sound of this level differ by more: its highest partial is 3 x 1200 Hz."""


def clip(hz: float, seconds: float = 0.2, side: Side | None = None) -> NDArray[np.float32]:
    return panned(LEVEL * tone(Note(hz, seconds, decay_s=1.0)), side)


def rendered(mixer: Mixer, rows: int, block: int = 240) -> NDArray[np.float32]:
    out = np.full((rows, 2), 9.0, np.float32)
    for start in range(0, rows, block):
        mixer.render(out[start : start + block])
    return out


def hertz(wave: NDArray[np.float32]) -> float:
    padded = np.fft.rfft(wave * np.hanning(len(wave)), 8 * len(wave))
    return float(np.argmax(np.abs(padded)) * RATE_HZ / (8 * len(wave)))


def share(wave: NDArray[np.float32], hz: float) -> float:
    """How much of one pitch is in it, as an amplitude."""
    t = np.arange(len(wave)) / RATE_HZ
    return float(2 * abs(np.mean(wave * np.exp(-2j * np.pi * hz * t))))


def test_nothing_to_play_is_silence() -> None:
    mixer = Mixer()
    assert not rendered(mixer, 5000).any()
    assert mixer.at == 5000
    assert not mixer.sounding


def test_clip_comes_out_as_it_is() -> None:
    mixer, sound = Mixer(), clip(660)
    mixer.play(Clip(sound, number=5))
    out = rendered(mixer, 12000)
    np.testing.assert_array_equal(out[: len(sound)], sound)
    assert not out[len(sound) :].any()
    assert list(mixer.started) == [Started(5, 0)]


@pytest.mark.parametrize("block", [1, 7, 240, 1000, 5000])
def test_result_does_not_depend_on_the_size_of_requests(block: int) -> None:
    def run(size: int) -> NDArray[np.float32]:
        mixer = Mixer()
        mixer.play(Clip(clip(500), at=1234))
        return rendered(mixer, 15000, size)

    np.testing.assert_array_equal(run(block), run(BLOCK))


@pytest.mark.parametrize("at", [0, 1, 239, 240, 241, 4321])
def test_scheduled_clip_starts_on_its_sample(at: int) -> None:
    mixer, sound = Mixer(), clip(500)
    mixer.play(Clip(sound, number=2, at=at))
    out = rendered(mixer, at + len(sound))
    assert not out[:at].any()
    np.testing.assert_array_equal(out[at:], sound)
    assert list(mixer.started) == [Started(2, at)]


def test_beats_on_the_sample_clock_have_no_error() -> None:
    """A beat is handed over when the one before has begun; every one starts on its own sample."""
    mixer, beat = Mixer(), clip(880, 0.05)
    for k in range(6):
        mixer.play(Clip(beat, k, at=24001 * k))
        rendered(mixer, 24001, 240)
    assert [s.at for s in mixer.started] == [24001 * k for k in range(6)]


def test_clip_that_is_late_starts_at_once() -> None:
    mixer = Mixer()
    rendered(mixer, 1000)
    mixer.play(Clip(clip(500), at=10))
    rendered(mixer, 240)
    assert mixer.started[0].at == 1000


def test_clip_that_nobody_asked_for_in_time_is_dropped() -> None:
    mixer, out = Mixer(), np.zeros((240, 2), np.float32)
    for number, now_ns in ((1, 1000), (2, 1001)):
        mixer.play(Clip(clip(500, 0.005), number, until_ns=1000))
        mixer.render(out, now_ns)
    assert [s.number for s in mixer.started] == [1]


def test_replaced_voice_fades_and_never_overlaps() -> None:
    mixer, low, high = Mixer(), clip(400, 1.0), clip(1000, 0.2)
    mixer.play(Clip(low, 1))
    before = rendered(mixer, 4800)
    mixer.play(Clip(high, 2))
    after = rendered(mixer, 20000)
    out = np.concatenate([before, after])
    start = mixer.started[1].at
    assert start == 4800 + mixer.ramp  # 5 ms
    np.testing.assert_array_equal(out[start : start + len(high)], high)
    assert not out[start + len(high) :].any()  # the first one does not come back
    fade = np.abs(out[4800:start, 0]).reshape(4, -1).max(axis=1)
    assert (np.diff(fade) < 0).all()
    assert np.abs(np.diff(out, axis=0)).max() < STEP


def test_voice_fades_in_time_for_a_scheduled_clip() -> None:
    mixer, low, high = Mixer(), clip(400, 1.0), clip(1000)
    mixer.play(Clip(low, 1))
    rendered(mixer, 1000)
    mixer.play(Clip(high, 2, at=9000))
    out = rendered(mixer, 20000)
    np.testing.assert_array_equal(out[: 8000 - mixer.ramp], low[1000 : 9000 - mixer.ramp])
    np.testing.assert_array_equal(out[8000 : 8000 + len(high)], high)
    assert np.abs(np.diff(out, axis=0)).max() < STEP


def test_only_the_newest_of_several_is_heard() -> None:
    mixer = Mixer()
    for number, hz in enumerate((400.0, 600.0, 1000.0)):
        mixer.play(Clip(clip(hz), number))
    out = rendered(mixer, 12000)
    assert [s.number for s in mixer.started] == [2]
    assert hertz(out[:9600, 0]) == pytest.approx(1000, abs=3)
    assert share(out[:9600, 0], 600.0) < 0.005


@pytest.mark.parametrize("rows", [1, 239, 240, 241, 3000])
def test_mute_is_silent_within_the_ramp_and_does_not_click(rows: int) -> None:
    mixer = Mixer()
    mixer.play(Clip(clip(500, 1.0)))
    before = rendered(mixer, 10000 + rows)
    mixer.muted = True
    after = rendered(mixer, 20000)
    assert not after[mixer.ramp :].any()
    assert np.abs(np.diff(np.concatenate([before, after]), axis=0)).max() < STEP


def test_what_was_muted_does_not_come_back() -> None:
    mixer = Mixer()
    mixer.play(Clip(clip(500, 1.0)))
    rendered(mixer, 1000)
    mixer.muted = True
    mixer.play(Clip(clip(900), 9))
    rendered(mixer, 1000)
    mixer.muted = False
    assert not rendered(mixer, 50000).any()
    assert not mixer.sounding


def test_clip_that_waits_is_dropped_by_mute() -> None:
    mixer = Mixer()
    mixer.play(Clip(clip(500), at=5000))
    rendered(mixer, 240)
    mixer.muted = True
    rendered(mixer, 240)
    mixer.muted = False
    assert not rendered(mixer, 20000).any()


def test_sound_after_mute_is_at_full_level() -> None:
    mixer, sound = Mixer(), clip(500)
    mixer.muted = True
    rendered(mixer, 1000)
    mixer.muted = False
    rendered(mixer, 1000)
    mixer.play(Clip(sound))
    np.testing.assert_array_equal(rendered(mixer, len(sound)), sound)


@pytest.mark.parametrize(("start", "end"), [(1.0, 0.25), (0.25, 1.0), (0.5, 0.0)])
def test_volume_moves_by_a_ramp(start: float, end: float) -> None:
    mixer, sound = Mixer(), clip(500, 1.0)
    mixer.volume = start
    rendered(mixer, 1000)
    mixer.play(Clip(sound))
    before = rendered(mixer, 5003)
    mixer.volume = end
    after = rendered(mixer, 5000)
    np.testing.assert_allclose(before, sound[:5003] * start, atol=1e-6)
    np.testing.assert_allclose(after[mixer.ramp :], sound[5003 + mixer.ramp : 10003] * end, atol=1e-6)
    assert np.abs(np.diff(np.concatenate([before, after]), axis=0)).max() < STEP


def test_level_is_capped_whatever_is_played() -> None:
    mixer = Mixer()
    mixer.volume = 3.0
    mixer.play(Clip(np.full((1000, 2), 5.0, np.float32)))
    assert np.abs(rendered(mixer, 2000)).max() == LEVEL


@pytest.mark.parametrize("rule", RULES)
def test_sequence_of_cues_never_clicks(rule: str) -> None:
    """Cues that interrupt each other at every possible moment of a block."""
    mixer, parts = Mixer(), []
    for k in range(40):
        side: Side | None = ("left", "right", None)[k % 3]  # type: ignore[assignment]
        mixer.play(Clip(tones_clip(rule, side, RATE_HZ), k))
        parts.append(rendered(mixer, 97 * k + 31, 240))
    out = np.concatenate(parts)
    assert np.abs(np.diff(out, axis=0)).max() < STEP
    assert np.abs(out).max() <= LEVEL


def test_rendering_makes_no_arrays() -> None:
    """In the callback a pause of the allocator is a gap in the sound: every array that is touched was there before."""
    import tracemalloc

    mixer, sound, out = Mixer(), clip(500, 2.0), np.zeros((BLOCK, 2), np.float32)
    mixer.play(Clip(sound))
    mixer.render(out)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        mixer.volume = 0.5
        mixer.render(out)
        mixer.render(out)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < out.nbytes / 2  # views and numbers only
