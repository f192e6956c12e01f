"""Sentences as clips, spoken by espeak-ng once and kept. Without it the tones stand alone."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import re
import shutil
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np

from imu.cache import user_cache
from imu.conventions import Side
from imu.feedback.audio.tones import RATE_HZ, Mono

logger = logging.getLogger(__name__)

PROGRAM = "espeak-ng"
VOICE = "en"
WORDS_PER_MINUTE = 170
LIMIT_S = 10.0
"""A sentence that takes longer to speak than this is not spoken: the program hangs."""
QUIET = 0.02
"""Share of the peak below which the two ends count as silence and are cut off."""


def speech_folder() -> Path:
    """Where spoken sentences are kept for this user."""
    return user_cache() / "speech"


def with_side(sentence: str, side: Side | None) -> str:
    """What is spoken: the side first, unless the sentence names it already. A single loudspeaker has no left or right."""
    if side is None or re.search(rf"\b{side}\b", sentence, re.IGNORECASE):
        return sentence
    return f"{side.capitalize()}. {sentence}"


def speaker() -> Callable[[str], Mono | None]:
    """How sentences are spoken on this computer."""
    program = shutil.which(PROGRAM)
    if program is None:
        logger.info("%s is not installed: cues sound as tones without words", PROGRAM)
        return lambda text: None
    folder = speech_folder()
    return lambda text: spoken(text, program, folder)


def spoken(text: str, program: str, folder: Path, rate_hz: int = RATE_HZ) -> Mono | None:
    """(n,) float32, peak 1, no silence at the ends; None if it cannot be spoken. Takes 10 to 100 ms the first time."""
    key = hashlib.blake2b(f"{PROGRAM} {VOICE} {WORDS_PER_MINUTE} {rate_hz} {text}".encode(), digest_size=12)
    kept = folder / f"{key.hexdigest()}.wav"
    try:
        samples, rate = _read_wave(kept.read_bytes(), whole=True)
        if rate == rate_hz and len(samples):
            return samples
    except (OSError, EOFError, ValueError, wave.Error):
        pass  # not there yet, or damaged: it is spoken again
    try:
        command = [program, "-v", VOICE, "-s", str(WORDS_PER_MINUTE), "--stdin", "--stdout"]
        run = subprocess.run(command, input=text.encode(), capture_output=True, timeout=LIMIT_S, check=True)
        samples, rate = _read_wave(run.stdout, whole=False)
    except (OSError, subprocess.SubprocessError, EOFError, ValueError, wave.Error) as e:
        logger.warning("%r cannot be spoken, its tones are heard without words: %s", text, e)
        return None
    loud = np.flatnonzero(np.abs(samples) > QUIET * np.abs(samples).max(initial=0.0))
    if not len(loud):
        logger.warning("%r was spoken as silence, its tones are heard without words", text)
        return None
    # imported only when something new is spoken: 0.3 s that a session with kept sentences need not wait for
    from scipy.signal import resample_poly

    # the chosen rates have a common divisor, so this is exact: 22050 → 48000 is 320 / 147
    common = np.gcd(rate_hz, rate)
    clip = resample_poly(samples[loud[0] : loud[-1] + 1], rate_hz // common, rate // common).astype(np.float32)
    clip /= np.abs(clip).max()
    _keep(kept, clip, rate_hz)
    return clip


def _read_wave(data: bytes, *, whole: bool) -> tuple[Mono, int]:
    """Samples in ±1 and rate of a mono 16-bit file. espeak-ng cannot seek in a pipe, so the length in its header is
    not the true one: what is there is read. `whole`: a file with fewer samples than its header says is damaged."""
    with wave.open(io.BytesIO(data)) as w:
        if w.getnchannels() != 1 or w.getsampwidth() != 2:
            raise ValueError(f"{w.getnchannels()} channels of {8 * w.getsampwidth()} bits; mono with 16 bits was expected")
        frames = w.readframes(len(data) // 2)
        if whole and len(frames) != 2 * w.getnframes():
            raise ValueError("the file is cut short")
        return np.frombuffer(frames, "<i2").astype(np.float32) / np.float32(32768.0), w.getframerate()


def _keep(path: Path, clip: Mono, rate_hz: int) -> None:
    """Write it whole or not at all; a folder that cannot be written costs only the time of speaking again."""
    text = io.BytesIO()
    with wave.open(text, "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(rate_hz)
        w.writeframes(np.round(clip * 32767.0).astype("<i2").tobytes())
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(text.getvalue())
        part.replace(path)
    except OSError as e:
        logger.debug("%s is not kept: %s", path, e)
