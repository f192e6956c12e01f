"""What a patient can tell apart by ear: the rule, and the side even on one loudspeaker."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from imu.conventions import Side
from imu.feedback.audio.earcons import LEVEL, RULES, notes_of, panned, tones_clip, words_clip
from imu.feedback.audio.tones import ATTACK_S, RATE_HZ, Note, melody, ramped, tone

SIDES: tuple[Side | None, ...] = ("left", "right", None)


def hertz(wave: NDArray[np.float32]) -> float:
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 19))
    return float(np.argmax(spectrum) * RATE_HZ / (1 << 19))


def beats(wave: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The notes between rests."""
    loud = np.convolve(np.abs(wave), np.ones(200) / 200, "same") > 0.01
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]])))
    return [wave[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]


@pytest.mark.parametrize("hz", [390.0, 523.25, 880.0, 1200.0])
def test_pitch(hz: float) -> None:
    assert hertz(tone(Note(hz, 0.3))) == pytest.approx(hz, abs=1.0)


def test_glide_ends_at_its_pitch() -> None:
    wave = tone(Note(800.0, 1.0, to_hz=400.0, decay_s=10.0))
    assert hertz(wave[:4800]) == pytest.approx(775, abs=15)
    assert hertz(wave[-4800:]) == pytest.approx(415, abs=10)


def test_note_starts_and_ends_at_zero_and_rises_gently() -> None:
    wave = tone(Note(880.0, 0.2))
    assert wave[0] == wave[-1] == 0.0
    rise = round(ATTACK_S * RATE_HZ)
    assert np.abs(wave[: rise // 4]).max() < 0.2 * np.abs(wave).max()


def test_ramps_of_a_clip_shorter_than_its_ramps() -> None:
    out = ramped(np.ones(3, np.float32), 1.0, 1.0)
    assert out[0] == out[-1] == 0.0
    assert len(ramped(np.zeros(0, np.float32), 1.0, 1.0)) == 0


@pytest.mark.parametrize(("rule", "side"), list(itertools.product((*RULES, "anything else"), SIDES)))
def test_clip_is_level_and_quiet_at_both_ends(rule: str, side: Side | None) -> None:
    clip = tones_clip(rule, side, RATE_HZ)
    assert clip.dtype == np.float32
    assert clip.flags.c_contiguous
    assert not clip.flags.writeable
    assert not clip[0].any()
    assert not clip[-1].any()
    assert 0.3 * LEVEL < np.abs(clip).max() <= LEVEL
    assert len(clip) < 0.4 * RATE_HZ  # the words follow soon


@pytest.mark.parametrize("rule", [*RULES, "anything else"])
def test_side_is_heard_in_stereo_and_the_far_ear_still_hears(rule: str) -> None:
    left, right, both = (np.sqrt(np.mean(tones_clip(rule, s, RATE_HZ) ** 2, axis=0)) for s in SIDES)
    assert 20 * np.log10(left[0] / left[1]) == pytest.approx(12.0, abs=0.2)
    assert 20 * np.log10(right[1] / right[0]) == pytest.approx(12.0, abs=0.2)
    assert both[0] == pytest.approx(both[1])


@pytest.mark.parametrize("rule", RULES)
def test_side_is_heard_on_one_loudspeaker(rule: str) -> None:
    """The first note alone tells: left is a fourth or more below right."""
    first = {s: hertz(beats(tones_clip(rule, s, RATE_HZ).sum(axis=1))[0]) for s in ("left", "right")}
    assert first["right"] / first["left"] > 4 / 3


def test_valgus_falls_on_the_left_and_rises_on_the_right() -> None:
    for side, rises in (("left", False), ("right", True)):
        first, second = beats(melody(notes_of("valgus", side)))  # type: ignore[arg-type]
        assert (hertz(second) > hertz(first)) is rises


def test_rules_have_their_own_rhythm() -> None:
    assert {rule: len(beats(melody(notes_of(rule, None)))) for rule in RULES} == {"valgus": 2, "tempo": 3, "depth": 1}
    low = beats(melody(notes_of("depth", None)))[0]
    assert hertz(low[-4000:]) < 0.85 * hertz(low[:4000])


def test_words_come_after_a_pause_within_the_cap() -> None:
    words = np.sin(np.arange(4800) / 10).astype(np.float32)
    clip = words_clip(words, "right", RATE_HZ)
    assert not clip[: round(0.06 * RATE_HZ)].any()
    assert np.abs(clip).max() <= LEVEL
    assert not clip[-1].any()


def test_panning_keeps_the_power() -> None:
    wave = np.ones(10, np.float32)
    for side in SIDES:
        assert (panned(wave, side) ** 2).sum(axis=1) == pytest.approx(np.ones(10), abs=2e-3)
