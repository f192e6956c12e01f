"""The computer's sound output through sounddevice (PortAudio): found, opened, watched and given up here, nowhere else."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, Protocol

import numpy as np

from imu.errors import AudioError
from imu.feedback.audio.mixer import Stereo
from imu.feedback.audio.tones import RATE_HZ

logger = logging.getLogger(__name__)

LATENCY_S = 0.02
"""Asked of the driver. 20 ms: 27 ms from request to sound and no gap; at 1 ms there were 6 gaps in 15 tones."""
SILENT_NS = 3_000_000_000
"""A stream that asked for nothing for so long has lost its device, whatever it says of itself. After a gap PulseAudio
may ask for nothing for up to 1.5 s (measured on its null sink)."""
LARGEST = 8192
"""Rows of one request that a single-channel device may make at once."""

NO_LIBRARY = "The sound library is not installed; cues are shown on the screen"
NO_DEVICE = "No sound device; cues are shown on the screen"
DEVICE_LOST = "The sound device is gone; cues are shown on the screen"

Fill = Callable[[Stereo, int], None]
"""(rows to fill, host time in ns at which the first of them leaves the computer). Called in the driver's own thread."""


class Output(Protocol):
    """An open output that is asking for samples."""

    name: str
    gaps: int
    """Requests that came too late to be heard without a gap."""

    @property
    def failed(self) -> bool:
        """It has stopped asking."""
        ...

    def close(self) -> None: ...


class Backend(Protocol):
    """A way to open the output."""

    usable: bool
    """False: it can never be opened on this computer, trying again is of no use."""

    def open(self, fill: Fill, *, again: bool) -> Output:
        """Start the default output. `again`: look for devices anew. AudioError, in words for the patient."""
        ...


class PortAudio:
    """The default output device through sounddevice.

    Parameters
    ----------
    library : module, optional
        The module `sounddevice`, or one of its shape; None = imported when a device is first opened.
    """

    def __init__(self, library: ModuleType | Any | None = None) -> None:
        self._library: Any = library
        self.usable = True

    def open(self, fill: Fill, *, again: bool) -> Output:
        library = self._load()
        try:
            with quiet_stderr():
                if again:  # PortAudio lists devices once, when it is initialised
                    library._terminate()
                    library._initialize()
                return PortAudioOutput(library, fill)
        except (library.PortAudioError, ValueError, OSError) as e:
            logger.info("no sound output: %s", e)
            raise AudioError(NO_DEVICE) from e

    def _load(self) -> Any:
        if self._library is None:
            # PortAudio also asks for JACK, which would start its own server and report in many lines that it cannot
            os.environ.setdefault("JACK_NO_START_SERVER", "1")
            quiet_alsa()
            try:
                import sounddevice
            except (ImportError, OSError) as e:
                self.usable = False
                logger.info("sounddevice cannot be used: %s", e)
                raise AudioError(NO_LIBRARY) from e
            except Exception as e:  # its own PortAudioError, not importable when its import fails
                logger.info("PortAudio did not start: %s", e)
                raise AudioError(NO_DEVICE) from e
            self._library = sounddevice
        return self._library


class PortAudioOutput:
    """One stream that is opened once and asks for samples until it is closed."""

    def __init__(self, library: Any, fill: Fill) -> None:
        self._fill = fill
        self._closing = False
        self._ended = False
        self.gaps = 0
        self._asked_ns = time.perf_counter_ns()
        device, settings = preferred_output(library)
        info = library.query_devices(device, "output")
        self.name = str(info["name"])
        self._channels = min(2, int(info["max_output_channels"]))
        self._scratch = np.zeros((LARGEST, 2), np.float32)
        self._stream = library.OutputStream(
            samplerate=RATE_HZ, channels=self._channels, dtype="float32", latency=LATENCY_S, device=device,
            extra_settings=settings, callback=self._callback, finished_callback=self._finished,
        )  # fmt: skip
        try:
            self._latency_ns = round(self._stream.latency * 1e9)
            self._stream.start()
        except BaseException:
            self._stream.close()
            raise
        logger.info("sound on %s, %.0f ms", self.name, self._latency_ns * 1e-6)

    @property
    def failed(self) -> bool:
        return self._ended or not self._stream.active or time.perf_counter_ns() - self._asked_ns > SILENT_NS

    def close(self) -> None:
        self._closing = True
        with quiet_stderr():
            # stop, not abort: what is in the buffer ends in silence instead of a click
            if not self.failed:
                self._stream.stop()
            self._stream.close()
        if self.gaps:
            logger.info("%d gaps in the sound", self.gaps)

    def _callback(self, out: Stereo, rows: int, times: Any, status: Any) -> None:
        self._asked_ns = now_ns = time.perf_counter_ns()
        if status.output_underflow:
            self.gaps += 1
        ahead_ns = round((times.outputBufferDacTime - times.currentTime) * 1e9)
        # some drivers leave these stamps at 0 or a wrong clock: then the latency they promised is the best that is known
        if not 0 < ahead_ns < 1_000_000_000:
            ahead_ns = self._latency_ns
        if self._channels == 2:
            self._fill(out, now_ns + ahead_ns)
        else:
            stereo = self._scratch[:rows]
            self._fill(stereo, now_ns + ahead_ns)
            np.add(stereo[:, :1], stereo[:, 1:], out=out[: len(stereo)])
            np.multiply(out, np.float32(np.sqrt(0.5)), out=out)

    def _finished(self) -> None:
        self._ended = not self._closing


def preferred_output(library: Any) -> tuple[int | None, Any]:
    """Device and settings to open. PortAudio's own default, but for Windows: its default there is the oldest interface,
    with latencies near 100 ms; WASAPI is the short way and converts the rate when asked to."""
    if sys.platform == "win32":
        for api in library.query_hostapis():
            if api["name"] == "Windows WASAPI" and api["default_output_device"] >= 0:
                return int(api["default_output_device"]), library.WasapiSettings(auto_convert=True)
    return None, None


def quiet_alsa() -> None:
    """ALSA reports every gap on the error stream, from its own thread, long after opening. Its handler is replaced by a
    function of the C library that does nothing: one in Python would have to wait for the interpreter each time."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        nothing = ctypes.cast(ctypes.CDLL(None).getpid, ctypes.c_void_p)
        ctypes.CDLL("libasound.so.2").snd_lib_error_set_handler(nothing)


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """PortAudio and JACK write what they miss straight to the process's error stream; nobody at the screen can use it."""
    try:
        kept = os.dup(2)
    except OSError:
        yield  # no error stream at all (a windowed program)
        return
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
