#!/usr/bin/env python3
"""Sets everything up on a fresh machine and runs it. Standard library only.

    python3 run.py demo [options of `imu demo`]      simulated sensors, the whole way, on screen
    python3 run.py test [options of pytest]          style, types and all tests
    python3 run.py setup                             only the set-up

Each step is skipped when it has been done before; afterwards `imu ...` works in `.venv`.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
WINDOWS = sys.platform == "win32"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
OLDEST_PYTHON = (3, 11)

LIBRARIES = {
    "libglib-2.0.so.0": "libglib2.0-0",
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libfontconfig.so.1": "libfontconfig1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libportaudio.so.2": "libportaudio2",
}
"""Shared libraries that the Python packages need and their wheels do not bring, and Debian's packages of them."""
WINDOW_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""Needed on top where there is a desktop to show a window on."""
PROGRAMS = {"espeak-ng": "espeak-ng"}
"""Programs that add something (spoken cues); without them it works too."""
ALSA_TO_SERVER = "usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so", "libasound2-plugins"
"""How PortAudio reaches the desktop's sound server."""
TEST_PROGRAMS = {"pulseaudio": "pulseaudio", "parec": "pulseaudio-utils"}
"""For the tests that listen to the sound."""
MOST_PROCESSES = 8
"""More would only wait for the tests that follow the clock."""


class SetupError(Exception):
    """Says what went wrong and what to do."""


class Steps:
    """Progress: one line per step."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.shown = total, 0, False

    def say(self, text: str) -> None:
        self.shown = True
        print(f"[{self.done}/{self.total}] {text}", flush=True)

    def next(self) -> None:
        self.done += 1


def digest(files: Iterable[Path], *more: str) -> str:
    """Fingerprint of what a step depends on; a finished step keeps it in a stamp file."""
    h = hashlib.sha256("\n".join((platform.python_version(), *more)).encode())
    for file in files:
        h.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return h.hexdigest()


def is_done(step: str, fingerprint: str) -> bool:
    stamp = VENV / f".done-{step}"
    return stamp.exists() and stamp.read_text() == fingerprint


def mark_done(step: str, fingerprint: str) -> None:
    (VENV / f".done-{step}").write_text(fingerprint)


def run(command: list[str], what: str) -> None:
    """Run quietly; on failure show the end of what it said."""
    began = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode:
        tail = "\n".join(done.stdout.strip().splitlines()[-15:])
        raise SetupError(f"{what} failed after {time.monotonic() - began:.0f} s:\n{tail}\ncommand: {' '.join(command)}")


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_packages(with_tests: bool) -> tuple[list[str], list[str]]:
    """Debian packages that are missing: (needed, only useful)."""
    libraries = dict(LIBRARIES)
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        libraries |= WINDOW_LIBRARIES
    needed = [package for library, package in libraries.items() if not loads(library)]
    programs = PROGRAMS | (TEST_PROGRAMS if with_tests else {})
    useful = [package for program, package in programs.items() if shutil.which(program) is None]
    if not any(Path("/").glob(ALSA_TO_SERVER[0])):
        useful.append(ALSA_TO_SERVER[1])
    return needed, useful


def may_install() -> list[str] | None:
    """What to put before a command that needs root; None = not allowed without asking."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def system_libraries(steps: Steps, with_tests: bool) -> None:
    """Install what Debian's packages can give, or say the one command that does."""
    if sys.platform != "linux":
        return
    needed, useful = missing_packages(with_tests)
    names = " ".join(needed + useful)
    tried = VENV / ".tried-system-libraries"
    if not names or (not needed and tried.exists() and tried.read_text() == names):
        return  # nothing, or only useful ones that could not be had before: do not ask again at every start
    command = f"apt-get install -y --no-install-recommends {names}"
    before = may_install()
    if shutil.which("apt-get") is None or before is None:
        how = f"run this once:  sudo {command}" if before is None else f"install what your system calls: {names}"
        steps.say(f"system libraries are missing; {how}")
        if not needed:
            tried.write_text(names)
        return
    steps.say(f"system libraries: {names}")
    apt = [*before, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    try:
        run([*apt, "update", "-q"], "apt-get update")
        for group in (needed, useful):
            if group:
                run([*apt, "install", "-y", "-q", "--no-install-recommends", *group], "apt-get install")
    except SetupError as e:
        print(f"      {str(e).splitlines()[0]}; run this once:  sudo {command}", flush=True)
        tried.write_text(names)


def environment(steps: Steps) -> None:
    """`.venv`, also where the system's Python comes without ensurepip."""
    if PYTHON.exists() and subprocess.run([str(PYTHON), "-c", "pass"], capture_output=True).returncode == 0:
        return
    steps.say(f"Python environment in {VENV.name} (Python {platform.python_version()})")
    with_pip = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True)
    if with_pip.returncode:
        run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)], "making .venv")


def pip() -> list[str]:
    """The pip of `.venv`, else this Python's own pip working on `.venv`."""
    if subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return [str(PYTHON), "-m", "pip"]
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    raise SetupError("pip is missing; install it (Debian: sudo apt-get install -y python3-pip) and start again")


def packages(steps: Steps, with_tests: bool) -> None:
    """The project and what it needs, in the versions of constraints.txt."""
    wanted = digest([ROOT / "constraints.txt", ROOT / "pyproject.toml"], str(ROOT))
    extra = "dev" if with_tests else ""
    if is_done("packages-dev", wanted) or (not with_tests and is_done("packages-", wanted)):
        return
    steps.say(f"packages from constraints.txt{' and the test tools' if with_tests else ''} (minutes the first time)")
    target = ".[dev]" if with_tests else "."
    run(
        [*pip(), "install", "--disable-pip-version-check", "-q", "-c", "constraints.txt", "-e", target],
        "installing the packages",
    )
    mark_done(f"packages-{extra}", wanted)


def kernels(steps: Steps) -> None:
    """Compile once: seconds now instead of in the middle of a session."""
    wanted = digest(sorted((ROOT / "imu").rglob("*.py")), os.environ.get("IMU_CACHE_DIR", ""))
    if is_done("kernels", wanted):
        return
    steps.say("compiling the kernels (about half a minute the first time)")
    run([str(PYTHON), "-m", "imu.warm"], "compiling the kernels")
    mark_done("kernels", wanted)


def set_up(with_tests: bool) -> None:
    """All steps; those that are done are skipped in silence."""
    if sys.version_info < OLDEST_PYTHON:
        raise SetupError(f"Python {platform.python_version()} is too old; start this with Python 3.11 or newer")
    steps = Steps(4)
    for step in (
        lambda: environment(steps),
        lambda: system_libraries(steps, with_tests),
        lambda: packages(steps, with_tests),
        lambda: kernels(steps),
    ):
        steps.next()
        step()
    if steps.shown:
        print(f"Ready: {PYTHON.parent / 'imu'}{'.exe' if WINDOWS else ''} is the command line.", flush=True)


def start(command: list[str]) -> int:
    """Run the main job in this process's place where that is possible."""
    if not WINDOWS:
        sys.stdout.flush()
        os.execv(command[0], command)
    return subprocess.run(command).returncode


def in_parallel(options: list[str]) -> list[str]:
    """pytest's options for several processes, unless single tests or how to run them were asked for: one for every core,
    and one that runs what follows the clock and mostly waits."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [] if options or cores < 2 else ["-n", str(min(cores + 1, MOST_PROCESSES))]


def test(options: list[str]) -> int:
    """Style, types, tests; the tests come last, so that their summary is the last line."""
    failed = []
    for name, command in (
        ("ruff", [str(PYTHON), "-m", "ruff", "check", "."]),
        ("basedpyright", [str(PYTHON), "-m", "basedpyright"]),
        ("pytest", [str(PYTHON), "-m", "pytest", *in_parallel(options), *options]),
    ):
        print(f"== {name}", flush=True)
        code = subprocess.run(command, cwd=ROOT).returncode
        if code:
            failed.append(name)
            if name != "pytest":
                print(f"{name} found problems (exit code {code})", flush=True)
    return 1 if failed else 0


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in ("demo", "test", "setup"):
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    job, options = arguments[0], arguments[1:]
    try:
        set_up(with_tests=job == "test")
    except SetupError as e:
        print(f"run.py: {e}", file=sys.stderr)
        return 2
    if job == "setup":
        return 0
    if job == "test":
        return test(options)
    return start([str(PYTHON), "-m", "imu.cli", "demo", *options])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
