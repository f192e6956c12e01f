"""Sentences become clips once, and a computer that cannot speak still has its tones."""

from __future__ import annotations

import shutil
import stat
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from imu.conventions import Side
from imu.feedback import drill_text, load_drill
from imu.feedback.audio.speech import PROGRAM, speaker, speech_folder, spoken, with_side
from imu.feedback.audio.tones import RATE_HZ

SENTENCE = "Keep the knee aligned with the second toe"

SPEAKS = """
import sys, wave, math, array
text = sys.stdin.read()
open({log!r}, "a").write(text + "\\n")
quiet = array.array("h", [0] * 4410)
loud = array.array("h", [int(9000 * math.sin(2 * math.pi * 441 * i / 22050)) for i in range(22050)])
with wave.open(sys.stdout.buffer, "wb") as w:
    w.setnchannels({channels}); w.setsampwidth(2); w.setframerate(22050)
    w.writeframes((quiet + loud + quiet).tobytes())
"""


@pytest.fixture
def said(tmp_path: Path) -> Path:
    return tmp_path / "said.txt"


def program(folder: Path, source: str) -> str:
    """A program that stands on the search path, run for real."""
    path = folder / PROGRAM
    path.write_text(f"#!{sys.executable}\n{source}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


needs_shebang = pytest.mark.skipif(sys.platform == "win32", reason="scripts are not programs on Windows")


@needs_shebang
def test_sentence_is_cut_resampled_and_kept(tmp_path: Path, said: Path) -> None:
    voice = program(tmp_path, SPEAKS.format(log=str(said), channels=1))
    clips = [spoken("Schön langsam -- 90°", voice, tmp_path / "kept") for _ in range(2)]
    assert said.read_text(encoding="utf-8").splitlines() == ["Schön langsam -- 90°"]  # spoken once, not read as an option
    for clip in clips:
        assert clip is not None
        assert clip.dtype == np.float32
        assert len(clip) == pytest.approx(RATE_HZ, rel=0.01)  # 1 s; the silence at both ends is gone
        assert np.abs(clip).max() == pytest.approx(1.0, abs=1e-3)
        spectrum = np.abs(np.fft.rfft(clip))
        assert np.argmax(spectrum) * RATE_HZ / len(clip) == pytest.approx(441, abs=2)
    assert len(list((tmp_path / "kept").iterdir())) == 1  # no part file is left


@needs_shebang
def test_damaged_file_is_spoken_again(tmp_path: Path, said: Path) -> None:
    voice = program(tmp_path, SPEAKS.format(log=str(said), channels=1))
    kept = tmp_path / "kept"
    whole = spoken(SENTENCE, voice, kept)
    (file,) = kept.iterdir()
    for damage in (b"", b"RIFF", file.read_bytes()[:30], file.read_bytes()[:5001]):
        file.write_bytes(damage)
        again = spoken(SENTENCE, voice, kept)
        assert again is not None
        assert whole is not None
        assert len(again) == len(whole)


@needs_shebang
def test_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path: Path, said: Path) -> None:
    voice = program(tmp_path, SPEAKS.format(log=str(said), channels=1))
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    assert spoken(SENTENCE, voice, in_the_way) is not None


@needs_shebang
@pytest.mark.parametrize(
    "source",
    [
        "import sys; sys.exit(3)",
        "print('not a sound file')",
        SPEAKS.format(log="/dev/null", channels=2),
        SPEAKS.format(log="/dev/null", channels=1).replace("9000", "0"),
    ],
    ids=["fails", "no sound", "stereo", "silent"],
)
def test_program_that_misbehaves_leaves_the_tones(tmp_path: Path, source: str, caplog: pytest.LogCaptureFixture) -> None:
    assert spoken(SENTENCE, program(tmp_path, source), tmp_path / "kept") is None
    assert "heard without words" in caplog.text
    assert not (tmp_path / "kept").exists()


def test_program_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert spoken(SENTENCE, str(tmp_path / "nothing"), tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert speaker()(SENTENCE) is None


def test_kept_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("IMU_CACHE_DIR", str(tmp_path))
    assert speech_folder() == tmp_path / "speech"
    monkeypatch.delenv("IMU_CACHE_DIR")
    assert speech_folder().name == "speech"


def test_everything_the_squat_may_say() -> None:
    drill = load_drill(drill_text("squat"))
    sentences = drill.sentences
    assert SENTENCE in sentences
    assert drill.tempo_rule.fast_down in sentences
    assert "" not in sentences
    assert len(set(sentences)) == len(sentences)


@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason=f"{PROGRAM} is not installed")
def test_real_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMU_CACHE_DIR", str(tmp_path))
    clip, again = speaker()(SENTENCE), speaker()(SENTENCE)
    assert clip is not None
    assert again is not None
    assert 1.2 < len(clip) / RATE_HZ < 4.0
    np.testing.assert_allclose(again, clip, atol=1e-4)
    (file,) = (tmp_path / "speech").iterdir()
    with wave.open(str(file)) as w:
        assert (w.getframerate(), w.getnchannels()) == (RATE_HZ, 1)


@pytest.mark.parametrize(
    ("sentence", "side", "words"),
    [
        ("Point the knee outwards", "left", "Left. Point the knee outwards"),
        ("Point the knee outwards", "right", "Right. Point the knee outwards"),
        ("Point the knee outwards", None, "Point the knee outwards"),
        ("Keep the right hip up", "right", "Keep the right hip up"),
        ("Right knee over the toes", "right", "Right knee over the toes"),
        ("Stand upright", "right", "Right. Stand upright"),
    ],
)
def test_the_side_is_in_the_words(sentence: str, side: Side | None, words: str) -> None:
    assert with_side(sentence, side) == words
