"""The narrow part of `sounddevice` that the program uses, driven by the test: who is plugged in, and when it asks."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

STREAM_TIME_S = 100.0
AHEAD_S = 0.025


class ScriptedStream:
    latency = 0.02

    def __init__(self, library: ScriptedSoundDevice, channels: int, callback: Callable[..., None], **options: Any) -> None:
        self.library = library
        self.channels = channels
        self.callback = callback
        self.options = options
        self.active = False
        self.closed = False

    def start(self) -> None:
        self.active = True

    def stop(self, ignore_errors: bool = True) -> None:
        self.active = False

    def close(self, ignore_errors: bool = True) -> None:
        self.active, self.closed = False, True

    def ask(self, rows: int, *, underflow: bool = False, ahead_s: float = AHEAD_S) -> NDArray[np.float32]:
        """One request of the driver; the buffer it hands over is never clean."""
        out = np.full((rows, self.channels), 7.0, np.float32)
        times = SimpleNamespace(currentTime=STREAM_TIME_S, outputBufferDacTime=STREAM_TIME_S + ahead_s)
        self.callback(out, rows, times, SimpleNamespace(output_underflow=underflow))
        return out


class ScriptedSoundDevice:
    class PortAudioError(Exception):
        pass

    def __init__(self, *, plugged: bool = True, channels: int = 2) -> None:
        self.plugged = plugged
        self.channels = channels
        self.listed = plugged
        """PortAudio sees devices as they were when it was initialised."""
        self.streams: list[ScriptedStream] = []
        self.hostapis: list[dict[str, object]] = []

    def query_devices(self, device: int | None, kind: str) -> dict[str, object]:
        if not self.listed:
            raise self.PortAudioError("Error querying device -1")
        return {"name": "Headphones", "max_output_channels": self.channels}

    def query_hostapis(self) -> tuple[dict[str, object], ...]:
        return tuple(self.hostapis)

    def OutputStream(self, **options: Any) -> ScriptedStream:
        if not self.plugged:
            raise self.PortAudioError("Device unavailable")
        self.streams.append(ScriptedStream(self, **options))
        return self.streams[-1]

    def WasapiSettings(self, **options: Any) -> dict[str, Any]:
        return options

    def _terminate(self) -> None:
        assert all(s.closed for s in self.streams), "a stream is open"
        self.listed = False

    def _initialize(self) -> None:
        self.listed = self.plugged

    @property
    def stream(self) -> ScriptedStream:
        return self.streams[-1]

    def unplug(self) -> None:
        self.plugged = False
        self.stream.active = False
        self.stream.options["finished_callback"]()

    def plug(self) -> None:
        self.plugged = True
