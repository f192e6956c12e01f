"""Cues into a scripted sound device: heard, silenced, lost, back again. And that the real library has that shape."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from scripted_sounddevice import AHEAD_S, ScriptedSoundDevice, ScriptedStream

from imu.conventions import Side
from imu.feedback.audio import AudioOut, open_audio, silent_audio
from imu.feedback.audio import device as device_module
from imu.feedback.audio import output as output_module
from imu.feedback.audio.device import DEVICE_LOST, LATENCY_S, NO_DEVICE, NO_LIBRARY, PortAudio, preferred_output
from imu.feedback.audio.earcons import tones_clip
from imu.feedback.audio.tones import RATE_HZ
from imu.outputs import Cue

WORDS = "Slower on the way down"
NOW_NS = 5_000_000_000


def cue(rule: str = "tempo", side: Side | None = None, text: str = WORDS) -> Cue:
    return Cue(0, 0, rule, side, text, 1, 1.0, 2.0, 0.1)


class Clock:
    def __init__(self) -> None:
        self.ns = NOW_NS

    def perf_counter_ns(self) -> int:
        return self.ns


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(device_module, "time", clock)
    monkeypatch.setattr(output_module, "time", clock)
    return clock


def at_once(job: Callable[[], None]) -> None:
    job()


def playing(library: ScriptedSoundDevice, **options: object) -> AudioOut:
    audio = AudioOut(PortAudio(library), run=at_once, **options)  # type: ignore[arg-type]
    audio.open()
    return audio


def test_stream_is_opened_once_with_low_latency() -> None:
    library = ScriptedSoundDevice()
    audio = playing(library)
    options = library.stream.options
    assert (audio.state.state, audio.state.reason, audio.device) == ("on", "", "Headphones")
    assert (options["samplerate"], options["dtype"], options["latency"]) == (RATE_HZ, "float32", LATENCY_S)
    for _ in range(5):
        audio.play(cue(), NOW_NS)
        library.stream.ask(480)
        audio.poll()
    assert len(library.streams) == 1
    audio.close()
    assert library.stream.closed
    assert audio.state.state == "none"


def test_cue_is_heard_with_the_next_request_and_its_onset_is_known(clock: Clock) -> None:
    library = ScriptedSoundDevice()
    audio = playing(library)
    assert not library.stream.ask(240).any()
    asked = cue("valgus", "right")
    audio.play(asked, clock.ns - 3_000_000)
    out = library.stream.ask(480)
    np.testing.assert_array_equal(out, tones_clip("valgus", "right", RATE_HZ)[:480])
    (onset,) = audio.take_onsets()
    assert onset.cue is asked
    assert onset.t_asked_ns == clock.ns - 3_000_000
    assert onset.t_host_ns == clock.ns + round(AHEAD_S * 1e9)
    assert audio.take_onsets() == []


@pytest.mark.parametrize("ahead_s", [-3.0, 0.0, 1e6])
def test_onset_uses_the_promised_latency_where_the_driver_gives_no_stamp(clock: Clock, ahead_s: float) -> None:
    library = ScriptedSoundDevice()
    audio = playing(library)
    audio.play(cue(), clock.ns)
    library.stream.ask(240, ahead_s=ahead_s)
    assert audio.take_onsets()[0].t_host_ns == clock.ns + round(ScriptedStream.latency * 1e9)


def test_onset_of_a_cue_that_waits_for_another_to_fade(clock: Clock) -> None:
    library = ScriptedSoundDevice()
    audio = playing(library)
    audio.play(cue("valgus", "left"), clock.ns)
    library.stream.ask(2400)
    audio.play(cue("tempo"), clock.ns)
    library.stream.ask(480)
    first, second = audio.take_onsets()
    assert second.t_host_ns - first.t_host_ns == 5_000_000  # the fade; both requests came at the same time of this clock


def test_late_cue_is_not_sounded(clock: Clock) -> None:
    """Seen on a busy computer: after a gap the driver paused for 1.5 s, and the words came in the next phase."""
    library = ScriptedSoundDevice()
    audio = playing(library)
    audio.play(cue("depth"), clock.ns)
    clock.ns += 1_500_000_000
    assert not library.stream.ask(960).any()
    audio.play(cue("tempo"), clock.ns)
    clock.ns += 20_000_000
    assert library.stream.ask(960).any()
    assert [o.cue.rule for o in audio.take_onsets()] == ["tempo"]


def test_cue_that_was_never_heard_has_no_onset() -> None:
    library = ScriptedSoundDevice()
    audio = playing(library)
    audio.play(cue("valgus", "left"), 1)
    audio.play(cue("tempo"), 2)
    library.stream.ask(240)
    assert [o.cue.rule for o in audio.take_onsets()] == ["tempo"]


def test_esc_silences_at_once_and_esc_again_brings_sound_back(clock: Clock) -> None:
    library = ScriptedSoundDevice()
    audio = playing(library)
    audio.play(cue("depth"), clock.ns)
    library.stream.ask(960)
    audio.silence()
    assert audio.state.state == "muted"
    assert not library.stream.ask(960)[240:].any()
    audio.play(cue(), clock.ns)
    assert not library.stream.ask(960).any()
    clock.ns += 2_000_000_000
    audio.silence()
    assert audio.state.state == "on"
    assert not library.stream.ask(960).any()  # nothing old is continued
    audio.play(cue(), clock.ns)
    assert library.stream.ask(960).any()


@pytest.mark.parametrize("delay_ms", [250, 500, 660])
@pytest.mark.parametrize("muted_before", [False, True])
def test_esc_held_down_ends_in_silence(clock: Clock, delay_ms: int, muted_before: bool) -> None:
    """Key repeat starts after a quarter to two thirds of a second and comes 30 times a second."""
    audio = playing(ScriptedSoundDevice())
    audio.mute(muted_before)
    audio.silence()
    clock.ns += delay_ms * 1_000_000
    for _ in range(90):
        audio.silence()
        clock.ns += 33_000_000
    assert audio.state.state == "muted"


def test_volume(clock: Clock) -> None:
    library = ScriptedSoundDevice()
    audio = playing(library)
    audio.set_volume(0.1)
    library.stream.ask(480)
    audio.play(cue(), clock.ns)
    clip = tones_clip("tempo", None, RATE_HZ)
    np.testing.assert_allclose(library.stream.ask(960), clip[:960] * 0.1, atol=1e-6)


def test_no_device_is_a_state_and_not_an_error() -> None:
    audio = playing(ScriptedSoundDevice(plugged=False))
    assert (audio.state.state, audio.state.reason) == ("none", NO_DEVICE)
    audio.play(cue(), NOW_NS)
    audio.silence()
    assert audio.state.state == "none"
    assert audio.take_onsets() == []
    audio.close()


def test_device_plugged_in_later_is_found(clock: Clock) -> None:
    library = ScriptedSoundDevice(plugged=False)
    audio = playing(library)
    library.plug()
    polls(audio, clock, 4)
    assert audio.state.state == "on"
    audio.play(cue(), NOW_NS)
    assert library.stream.ask(480).any()


def polls(audio: AudioOut, clock: Clock, n: int) -> None:
    """The engine looks once a second."""
    for _ in range(n):
        clock.ns += 1_000_000_000
        audio.poll()


def test_device_lost_and_back(clock: Clock) -> None:
    library = ScriptedSoundDevice()
    audio = playing(library)
    lost = library.stream
    library.unplug()
    audio.play(cue(), NOW_NS)  # before anybody noticed
    audio.poll()
    assert (audio.state.state, audio.state.reason) == ("none", DEVICE_LOST)
    audio.play(cue(), NOW_NS)
    polls(audio, clock, 10)
    assert audio.state.reason == DEVICE_LOST
    assert lost.closed
    library.plug()
    polls(audio, clock, 4)
    assert (audio.state.state, len(library.streams)) == ("on", 2)
    library.stream.ask(24000)
    audio.take_onsets()
    audio.play(cue("depth"), NOW_NS)
    assert library.stream.ask(480).any()
    assert [o.cue.rule for o in audio.take_onsets()] == ["depth"]


def test_cue_of_before_the_loss_is_not_sounded_when_the_device_is_back(clock: Clock) -> None:
    """Words of half a minute ago would meet another phase of the movement."""
    library = ScriptedSoundDevice()
    audio = playing(library)
    audio.play(cue("depth"), NOW_NS)
    library.stream.ask(480)
    library.unplug()
    audio.play(cue(), NOW_NS)
    audio.poll()
    library.plug()
    polls(audio, clock, 4)
    assert audio.state.state == "on"
    assert not library.stream.ask(9600).any()


def test_looking_often_does_not_ask_the_drivers_often(clock: Clock) -> None:
    """A replay as fast as it goes looks hundreds of times a second."""
    jobs: list[Callable[[], None]] = []
    audio = AudioOut(PortAudio(ScriptedSoundDevice(plugged=False)), run=jobs.append)
    audio.open()
    for _ in range(1000):
        clock.ns += 10_000_000
        audio.poll()
    assert len(jobs) == 4  # 10 s


def test_stream_that_stops_asking_is_lost(clock: Clock) -> None:
    """A driver that hangs says that its stream is active."""
    library = ScriptedSoundDevice()
    audio = playing(library)
    library.stream.ask(240)
    clock.ns += 2_000_000_000
    audio.poll()
    assert audio.state.state == "on"
    clock.ns += 2_000_000_000
    library.plugged = False
    audio.poll()
    assert audio.state.state == "none"


def test_mute_outlives_the_device(clock: Clock) -> None:
    library = ScriptedSoundDevice()
    audio = playing(library)
    audio.mute(True)
    library.unplug()
    audio.poll()
    library.plug()
    polls(audio, clock, 4)
    assert audio.state.state == "muted"


def test_device_with_one_loudspeaker_hears_both_sides() -> None:
    library = ScriptedSoundDevice(channels=1)
    audio = playing(library)
    heard = {}
    for side in ("left", "right"):
        audio.play(cue("valgus", side), NOW_NS)  # type: ignore[arg-type]
        out = np.concatenate([library.stream.ask(rows) for rows in (240, 24000)])
        assert out.shape == (24240, 1)
        heard[side] = float(np.abs(out).max())
    assert heard["left"] == pytest.approx(heard["right"], rel=0.05)
    assert heard["left"] > 0.3


def test_words_follow_the_tones_once_they_are_ready() -> None:
    spoken: list[str] = []

    def speak(text: str) -> np.ndarray | None:
        spoken.append(text)
        return None if text.endswith("unsayable") else np.sin(np.arange(4800) / 8).astype(np.float32)

    library = ScriptedSoundDevice()
    audio = playing(library, speak=speak)
    audio.prepare([WORDS, "unsayable", ""])
    tones = tones_clip("tempo", None, RATE_HZ)
    for text, words in ((WORDS, True), ("unsayable", False)):
        audio.play(cue(text=text), NOW_NS)
        out = library.stream.ask(48000)
        np.testing.assert_array_equal(out[: len(tones)], tones)
        assert bool(out[len(tones) :].any()) is words
        library.stream.ask(48000)
    audio.prepare([WORDS])
    # each side says itself: a single loudspeaker has no left or right
    assert spoken == [f"{side}{text}" for text in (WORDS, "unsayable") for side in ("Left. ", "Right. ", "")]


def test_sentence_that_was_not_prepared_is_spoken_the_next_time() -> None:
    library, jobs = ScriptedSoundDevice(), []
    audio = AudioOut(PortAudio(library), speak=lambda text: np.ones(4800, np.float32), run=jobs.append)
    audio.open()
    lengths = []
    for _ in range(2):
        audio.play(cue(), NOW_NS)
        lengths.append(int(np.flatnonzero(library.stream.ask(48000).any(axis=1))[-1]))
        while jobs:
            jobs.pop()()
    assert lengths[1] - lengths[0] > 4800


def test_sound_that_nobody_asked_for() -> None:
    audio = silent_audio("sound is off in this replay; start it with --sound")
    audio.poll()
    audio.play(cue(), NOW_NS)
    assert audio.state.state == "none"
    assert "--sound" in audio.state.reason
    assert audio.take_onsets() == []
    audio.close()


def test_windows_takes_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    library = ScriptedSoundDevice()
    library.hostapis = [
        {"name": "MME", "default_output_device": 3},
        {"name": "Windows WASAPI", "default_output_device": 9},
    ]
    assert preferred_output(library) == (None, None)
    monkeypatch.setattr(device_module, "sys", SimpleNamespace(platform="win32"))
    assert preferred_output(library) == (9, {"auto_convert": True})


def test_importing_the_room_needs_no_sound_library() -> None:
    program = "import sys, imu.feedback.audio; sys.exit('sounddevice' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_computer_without_the_sound_library(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    audio = open_audio([])
    assert (audio.state.state, audio.state.reason) == ("none", NO_LIBRARY)
    jobs: list[object] = []
    audio._run = jobs.append
    polls(audio, clock, 10)
    assert not jobs  # it will not appear while the program runs
    audio.close()


def test_nothing_is_written_on_the_error_stream_without_a_device(tmp_path: object) -> None:
    """ALSA, JACK and PortAudio report what they miss in some forty lines."""
    program = (
        "from imu.feedback.audio import open_audio\n"
        "audio = open_audio([]); print(audio.state.state, audio.state.reason, sep='|'); audio.close()"
    )
    environment = {"PATH": "/nowhere", "PULSE_SERVER": "unix:/nowhere", "HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment, cwd="."
    )
    assert run.returncode == 0
    assert run.stderr == ""
    state, _, reason = run.stdout.strip().partition("|")
    assert state == "on" or reason in (NO_DEVICE, NO_LIBRARY)


def test_real_library_has_the_shape_of_the_scripted_one() -> None:
    try:
        import sounddevice
    except OSError:
        pytest.skip("PortAudio is not installed (Debian: libportaudio2)")
    for name in ("query_devices", "query_hostapis", "_terminate", "_initialize", "WasapiSettings", "PortAudioError"):
        assert hasattr(sounddevice, name), name
    asked = {"samplerate", "channels", "dtype", "latency", "device", "extra_settings", "callback", "finished_callback"}
    assert asked <= set(inspect.signature(sounddevice.OutputStream.__init__).parameters)
    for name in ("start", "stop", "close", "active", "latency"):
        assert hasattr(sounddevice.OutputStream, name), name
    assert hasattr(sounddevice.CallbackFlags(), "output_underflow")
    assert "auto_convert" in inspect.signature(sounddevice.WasapiSettings.__init__).parameters
    assert list(inspect.signature(sounddevice.query_devices).parameters) == ["device", "kind"]


def test_long_work_leaves_the_callers_thread() -> None:
    done = threading.Event()
    names: list[str] = []

    def job() -> None:
        names.append(threading.current_thread().name)
        done.set()

    output_module.in_background(job)
    assert done.wait(10.0)
    assert names == ["imu-sound"]
