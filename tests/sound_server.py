"""A private sound server whose only output is silent, and an ear at it: what a listener would have heard, and when."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from imu.feedback.audio.tones import RATE_HZ

NEEDED = ("pulseaudio", "parec", "pactl")
START_S = 60.0
BYTES = 8
"""Two channels of float32."""


def portaudio_installed() -> bool:
    try:
        import sounddevice  # noqa: F401
    except OSError:
        return False
    return True


missing = [name for name in NEEDED if shutil.which(name) is None] + ([] if portaudio_installed() else ["libportaudio2"])
WHY_NOT = f"not installed: {', '.join(missing)} (Debian: libportaudio2 libasound2-plugins pulseaudio pulseaudio-utils)"


class NoServer(RuntimeError):
    """It does not start on this computer."""


@contextmanager
def sound_server() -> Iterator[dict[str, str]]:
    """Environment in which programs find it."""
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
                    raise NoServer("pulseaudio does not start here")
            yield private
        finally:
            process.kill()
            process.wait()


class Ear:
    """What comes out of the output."""

    def __init__(self, environment: dict[str, str]) -> None:
        command = ["parec", "-d", "ear.monitor", "--raw", "--format=float32le", "--rate=48000", "--channels=2"]
        self.process = subprocess.Popen([*command, "--latency-msec=5"], env=environment, stdout=subprocess.PIPE)

    def hear(self, rows: int) -> NDArray[np.float32]:
        """The next rows; its samples are the only clock."""
        assert self.process.stdout is not None
        return np.frombuffer(self.process.stdout.read(rows * BYTES), np.float32).reshape(-1, 2)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


class Listener:
    """An ear that listens all the time and knows when it heard what, on the clock of `time.perf_counter_ns`.

    A sample cannot have sounded later than it was received; the reception that was least late tells the time of all. What
    the monitor itself holds back is counted as if the sound had come so much later.
    """

    def __init__(self, environment: dict[str, str]) -> None:
        self._ear = Ear(environment)
        self._parts: list[tuple[int, bytes]] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        stream = self._ear.process.stdout
        assert stream is not None
        while part := os.read(stream.fileno(), 1 << 16):
            self._parts.append((time.perf_counter_ns(), part))

    def end(self) -> tuple[NDArray[np.float32], int]:
        """(n, 2) everything that was heard, and the latest time at which its first sample may have sounded, ns.

        Received in bursts after a pause of the computer, samples say nothing; drift of the server's clock against this one
        is below 0.1 ms a minute.
        """
        self._ear.process.kill()
        self._thread.join(10.0)
        self._ear.process.wait()
        data = b"".join(part for _, part in self._parts)
        ends = np.cumsum([len(part) for _, part in self._parts]) // BYTES
        received = np.array([t for t, _ in self._parts], np.int64)
        first_ns = int((received - ends * (1_000_000_000 / RATE_HZ)).min())
        return np.frombuffer(data[: len(data) // BYTES * BYTES], np.float32).reshape(-1, 2), first_ns
