"""The whole way into a sound server and out of its monitor: what a listener would have heard."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from imu.feedback.audio.tones import RATE_HZ

NEEDED = ("pulseaudio", "parec", "pactl")
PLAYER = Path(__file__).with_name("audio_player.py")
START_S = 60.0
BYTES = 8
"""Two channels of float32."""
LEAD_ROWS = int(2.5 * RATE_HZ)
"""A null sink has rendered ahead when a stream comes: up to 1.5 s."""
CUE_ROWS = int(0.9 * RATE_HZ)
CUES = (("tempo", "-"), ("valgus", "left"), ("valgus", "right"), ("depth", "-"))


def portaudio_installed() -> bool:
    try:
        import sounddevice  # noqa: F401
    except OSError:
        return False
    return True


missing = [name for name in NEEDED if shutil.which(name) is None] + ([] if portaudio_installed() else ["libportaudio2"])
pytestmark = pytest.mark.skipif(
    bool(missing),
    reason=f"not installed: {', '.join(missing)} (Debian: libportaudio2 libasound2-plugins pulseaudio pulseaudio-utils)",
)


@pytest.fixture
def server() -> Iterator[dict[str, str]]:
    """Environment of a private sound server with nothing but a silent output."""
    with tempfile.TemporaryDirectory(prefix="imu-sound-") as folder:  # short: a socket's path has at most 107 bytes
        socket = f"{folder}/socket"
        private = {**os.environ, "HOME": folder, "XDG_RUNTIME_DIR": folder, "PULSE_SERVER": f"unix:{socket}"}
        listen = f"module-native-protocol-unix auth-anonymous=1 socket={socket}"
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm=yes"]
        for module in ("module-null-sink sink_name=ear rate=48000", listen):
            command += ["-L", module]
        own = {k: v for k, v in private.items() if k != "PULSE_SERVER"}
        process = subprocess.Popen(command, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + START_S
            while subprocess.run(["pactl", "info"], env=private, capture_output=True, check=False).returncode:
                if process.poll() is not None or time.monotonic() > until:
                    pytest.skip("pulseaudio does not start here")
            yield private
        finally:
            process.kill()
            process.wait()


class Ear:
    """What comes out of the output. Its samples are the test's only clock."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = ["parec", "-d", "ear.monitor", "--raw", "--format=float32le", "--rate=48000", "--channels=2"]
        self.process = subprocess.Popen([*command, "--latency-msec=5"], env=environment, stdout=subprocess.PIPE)

    def hear(self, rows: int) -> NDArray[np.float32]:
        assert self.process.stdout is not None
        return np.frombuffer(self.process.stdout.read(rows * BYTES), np.float32).reshape(-1, 2)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


class Player:
    def __init__(self, environment: dict[str, str]) -> None:
        # its error stream is this one: a traceback of it is seen
        self.process = subprocess.Popen(
            [sys.executable, str(PLAYER)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def answer(self) -> dict[str, object]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def play(self, rule: str, side: str) -> dict[str, object]:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{rule} {side}\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self) -> dict[str, object]:
        assert self.process.stdin is not None
        self.process.stdin.close()
        answer = self.answer()
        self.process.wait(30.0)
        return answer

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def notes(wave: NDArray[np.float32]) -> list[float]:
    """Pitches of the notes between rests, Hz."""
    loud = np.convolve(np.abs(wave), np.ones(200) / 200, "same") > 0.01
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]])))
    pitches = []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        spectrum = np.abs(np.fft.rfft(wave[a:b] * np.hanning(b - a), 1 << 18))
        pitches.append(float(np.argmax(spectrum) * RATE_HZ / (1 << 18)))
    return pitches


def session(environment: dict[str, str]) -> tuple[list[NDArray[np.float32]], dict[str, object], bool]:
    """What was heard of each cue, the player's last answer, and whether the sound had gaps meanwhile."""
    ear, player = Ear(environment), Player(environment)
    try:
        started = player.answer()
        assert started["state"] == "on", started
        ear.hear(LEAD_ROWS)
        heard, gaps = [], []
        for rule, side in CUES:
            gaps.append(player.play(rule, side)["gaps"])
            heard.append(ear.hear(CUE_ROWS))
        last = player.end()
        return heard, last, last["gaps"] != gaps[0]
    finally:
        player.close()
        ear.close()


PITCHES = {
    ("tempo", "-"): [659.3, 659.3, 659.3],
    ("valgus", "left"): [523.3, 392.4],
    ("valgus", "right"): [880.0, 1173.3],
    ("depth", "-"): [575.0],  # it sinks from 659 to 494
}


def as_expected(heard: list[NDArray[np.float32]]) -> bool:
    return {cue: pytest.approx(notes(wave.sum(axis=1)), abs=30) for cue, wave in zip(CUES, heard, strict=True)} == PITCHES


@pytest.mark.timeout(240)
def test_cues_are_heard_with_their_pitch_and_side(server: dict[str, str]) -> None:
    """A busy computer tears holes into any sound, some of them in the recording alone: three attempts."""
    heard, last, gaps = session(server)
    for _ in range(2):
        if gaps or not as_expected(heard):
            heard, last, gaps = session(server)
    if gaps:
        pytest.skip("the computer is too busy for sound without gaps")
    assert as_expected(heard), [notes(wave.sum(axis=1)) for wave in heard]
    for (_, side), wave in zip(CUES, heard, strict=True):
        power = (wave**2).sum(axis=0)
        decibels = {"left": 12.0, "right": -12.0}.get(side, 0.0)
        assert 10 * np.log10(power[0] / power[1]) == pytest.approx(decibels, abs=1.0)
    assert np.abs(np.concatenate(heard)).max() <= 0.5 + 1e-3
    onsets = last["onsets"]
    assert [(rule, side or "-") for rule, side, _ in onsets] == list(CUES)  # type: ignore[attr-defined]
    assert all(delay_ns > 0 for _, _, delay_ns in onsets)  # type: ignore[attr-defined]
