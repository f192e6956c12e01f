"""The whole way, as its user starts it: simulated sensors on a real Bluetooth stack, from radio to cue, recorded."""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage

import imu
from imu.cli import main

pytestmark = pytest.mark.timeout(300)
ROOT = Path(__file__).resolve().parent.parent
DIFFERENT = "DIFFERENT"


def imu_command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "imu.cli", *map(str, arguments)]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(imu_command(*arguments), capture_output=True, text=True, cwd=ROOT, timeout=240)


def summary(text: str) -> str:
    """What live, replay and process must print alike: from the session's length to its fingerprint."""
    found = re.search(r"^Session .*?^Fingerprint [^\n]*\n", text, re.DOTALL | re.MULTILINE)
    assert found, text
    return found.group()


@dataclass(frozen=True)
class Demo:
    text: str
    errors: str
    code: int
    folder: Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """One demo of a minute, in the window that nobody sees."""
    folder = tmp_path_factory.mktemp("demo") / "session"
    done = run("demo", "--seconds", "60", "--seed", "2", "--no-sound", "--out", folder)
    return Demo(done.stdout, done.stderr, done.returncode, folder)


def test_counts_and_cues_are_the_scripted_ones(demo: Demo) -> None:
    assert demo.code == 0, demo.text + demo.errors
    assert re.search(r"Script +[5-9] repetitions", demo.text)
    assert DIFFERENT not in demo.text
    assert "valgus" in demo.text
    assert demo.errors == ""


def test_delays_are_measured_and_said(demo: Demo) -> None:
    for what in ("sample taken → cue decision", "sample taken → sound", "pipeline per packet", "dashboard frame"):
        assert what in demo.text
    assert re.search(r"pipeline per packet +p50 [\d.]+, p99 [\d.]+", demo.text)


def test_silence_is_said(demo: Demo) -> None:
    assert "sound was switched off" in demo.text


def test_a_picture_of_mid_set_is_saved(demo: Demo) -> None:
    picture = QImage(str(demo.folder / "mid-set.png"))
    assert (picture.width(), picture.height()) == (1280, 800)
    colours = {picture.pixel(x, y) for x in range(0, 1280, 16) for y in range(0, 800, 16)}
    assert len(colours) > 8


def test_replay_prints_the_same_cues_repetitions_and_angles(demo: Demo) -> None:
    done = run("replay", demo.folder, "--speed", "max")
    assert done.returncode == 0, done.stderr
    assert done.stdout == summary(demo.text)


def test_a_process_of_its_own_prints_the_same(demo: Demo) -> None:
    done = run("process", demo.folder, "--no-files")
    assert done.returncode == 0, done.stderr
    assert done.stdout == summary(demo.text)


@pytest.mark.parametrize("samples", [1, 7, 25])
def test_grouping_the_samples_otherwise_changes_nothing(
    demo: Demo, samples: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["process", str(demo.folder), "--no-files", "--packets", str(samples)]) == 0
    assert capsys.readouterr().out == summary(demo.text)


def until(lines: Callable[[], str], word: str) -> list[str]:
    """Read until a line has the word."""
    read: list[str] = []
    while True:
        line = lines()
        assert line, "it ended early:\n" + "".join(read)
        read.append(line)
        if word in line:
            return read


def handles_of_children(pid: int) -> list[int]:
    """One handle for each, readable once it has ended; none where the system cannot say (not Linux)."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [os.pidfd_open(int(child)) for child in listed.read_text().split()] if listed.exists() else []


def test_kill_9_costs_at_most_the_last_second(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    command = imu_command("-v", "demo", "--seconds", "60", "--headless", "--no-sound", "--out", folder)
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        until(process.stderr.readline, "repetition 1 counted")
        simulator = handles_of_children(process.pid)
        killed_ns = time.perf_counter_ns()
        process.send_signal(signal.SIGKILL)
        process.wait()
    for handle in simulator:
        ended, _, _ = select.select([handle], [], [], 20)
        assert ended, "the simulated sensors were left behind"
        os.close(handle)
    done = run("process", folder, "--no-files")
    assert done.returncode == 0, done.stderr
    assert "incomplete" in done.stdout
    assert re.search(r"^Repetitions +1$", done.stdout, re.MULTILINE)
    last_ns = int(imu.load(folder).stream.t_host_ns[-1])
    assert killed_ns - last_ns < 1_000_000_000


def test_a_sensor_that_loses_power_becomes_unknown_and_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "power"
    done = run("demo", "--seconds", "40", "--headless", "--no-sound", "--fault", "t=18 power shank_left 3", "--out", folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = imu.process(imu.load(folder))
    # a busy computer may make any sensor late for a moment: the longest absence is the one that was scripted
    stale = [e.t_us for e in result.events if e.kind == "sensor_stale" and e.detail == "shank_left"]
    back = [e.t_us for e in result.events if e.kind == "sensor_back" and e.detail == "shank_left"]
    start, end = max(zip(stale, back, strict=True), key=lambda absence: absence[1] - absence[0])
    assert end - start > 2_000_000
    away = (result.t_us >= start) & (result.t_us < end)
    assert np.isnan(result.angle("knee_flexion", "left")[away]).all()
    assert np.isfinite(result.angle("knee_flexion", "right")[away]).mean() > 0.8
    assert np.isfinite(result.angle("knee_flexion", "left")[-100:]).all()
    assert summary(done.stdout) == run("process", folder, "--no-files").stdout


def test_the_death_of_the_simulator_is_said_and_the_recording_kept(tmp_path: Path) -> None:
    folder = tmp_path / "short"
    command = imu_command("-v", "demo", "--seconds", "60", "--headless", "--no-sound", "--out", folder)
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        until(process.stderr.readline, "stand_found")
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not listed.exists():
            process.kill()
            pytest.skip("children of a process cannot be listed here")
        for child in listed.read_text().split():
            os.kill(int(child), signal.SIGKILL)
        last = process.stderr.read().strip().splitlines()[-1]
        assert process.wait() == 2
    assert "ended before their script" in last
    assert len(imu.process(imu.load(folder)).t_us) > 200


def test_a_taken_port_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("demo", "--port", str(port), "--headless", "--no-sound", "--out", tmp_path / "none")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert str(port) in done.stderr
    assert not (tmp_path / "none").exists()
