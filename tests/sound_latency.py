"""From a sample of a sensor to the sound of the cue: simulated sensors on a radio of 15 ms, captured from a silent output.

    python tests/sound_latency.py [--seconds 180] [--seed 1]

Every cue of a live session is looked for in what was heard. Its delay is counted from the sample on which it was decided
to the first audible sample; what the capture itself holds back is counted, too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sound_server import Listener, sound_server

from imu.commands.simulator import Simulator
from imu.engine import Engine, Latencies
from imu.feedback.audio.output import AudioOut, PortAudio
from imu.feedback.audio.tones import RATE_HZ
from imu.feedback.drill import drill_text
from imu.outputs import Cue
from imu.sources import BleSource
from imu.warm import warm_up

AUDIBLE = 2e-4
"""A note rises out of exactly 0; this is reached 0.2 ms later."""
QUIET_ROWS = RATE_HZ // 50
"""A cue is told apart only if nothing sounded for 20 ms before it."""
LOOK_MS = 400.0


def talkative() -> str:
    """The squat, with a cue in every phase of nearly every repetition: the tempo is never right, nor the depth."""
    text = drill_text("squat")
    for before, after in (
        ("tolerance_percent = 25", "tolerance_percent = 5"),
        ('slow_down = ""', 'slow_down = "A little quicker down"'),
        ('slow_up = ""', 'slow_up = "A little quicker up"'),
        ("priority = 10\npartial_deg = 60", "priority = 25\npartial_deg = 90"),
        ("aim_deg = 90", "aim_deg = 100"),
    ):
        assert before in text, before
        text = text.replace(before, after)
    return text


def heard_after(sound: NDArray[np.float32], first_ns: int, taken_ns: int) -> float:
    """ms from an instant to the first sound after it; NaN if it is not alone."""
    row = round((taken_ns - first_ns) * RATE_HZ / 1e9)
    part = np.abs(sound[row : row + round(LOOK_MS * RATE_HZ / 1000)]).max(axis=1, initial=0.0)
    loud = np.flatnonzero(part > AUDIBLE)
    if not len(loud) or np.abs(sound[max(row - QUIET_ROWS, 0) : row]).max(initial=0.0) > AUDIBLE:
        return float("nan")
    return float(loud[0]) * 1000 / RATE_HZ


@dataclass(frozen=True, slots=True)
class Measured:
    cues: tuple[Cue, ...]
    sample_to_sound_ms: list[float]
    """As captured; NaN: another cue still sounded."""
    reported_ms: list[float]
    """The same as the sound card's driver says it."""
    gaps: int
    push_p99_ms: float


def session(seconds: float, seed: int) -> Measured:
    """In this process, whose environment names the sound server."""
    warm_up()
    listener = Listener(dict(os.environ))
    audio = AudioOut(PortAudio())
    with tempfile.TemporaryDirectory() as folder, Simulator(Path(folder) / "script.json", seconds, seed, 0) as simulator:
        source = BleSource(simulator.backend, talkative(), search_s=15.0, expected=5)
        engine = Engine(source, audio)
        simulator.on_end = engine.stop
        audio.open()
        engine.start()
        while not engine.wait(0.2):
            pass
        engine.join()
        gaps = audio.gaps
        audio.close()
    sound, first_ns = listener.end()
    assert engine.result is not None
    cues = engine.result.cues
    t0_ns = engine.result.setup.t0_host_ns
    delays = [heard_after(sound, first_ns, t0_ns + cue.t_emitted_us * 1000) for cue in cues]
    push = Latencies.percentiles(engine.latencies.push_ms, 99)[0]
    return Measured(cues, delays, list(engine.latencies.sound_ms), gaps, push)


def measure(seconds: float, seed: int) -> dict[str, object]:
    """In a process of its own on a private sound server."""
    with sound_server() as environment:
        root = Path(__file__).resolve().parent.parent
        own = {**environment, "PYTHONPATH": str(root), "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", "")}
        own = {k: v for k, v in own.items() if v} | {"HOME": os.environ["HOME"]}  # the kernels' cache is at home
        command = [sys.executable, __file__, "--here", "--seconds", str(seconds), "--seed", str(seed)]
        done = subprocess.run(command, env=own, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--seconds", type=float, default=180.0)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--here", action="store_true", help="in this process, on the sound server of its environment")
    a = p.parse_args()
    if not a.here:
        found = measure(a.seconds, a.seed)
        delays = np.array(found["delays_ms"], float)
        delays = delays[np.isfinite(delays)]
        lines = [f"{len(delays)} of {found['cues']} cues, {found['gaps']} gaps in the sound"]
        for name, values in (("captured", delays), ("as the driver says", np.array(found["reported_ms"], float))):
            p50, p95, most = np.percentile(values, (50, 95, 100))
            lines.append(f"sample taken → sound, {name}: p50 {p50:.1f}, p95 {p95:.1f}, max {most:.1f} ms")
        sys.stdout.write("\n".join(lines) + "\n")
        return
    m = session(a.seconds, a.seed)
    found = {"cues": len(m.cues), "delays_ms": [None if d != d else d for d in m.sample_to_sound_ms]}
    ages = [c.age_ms for c in m.cues]
    more = {"reported_ms": m.reported_ms, "gaps": m.gaps, "push_p99_ms": m.push_p99_ms, "ages_ms": ages}
    sys.stdout.write(json.dumps(found | more) + "\n")


if __name__ == "__main__":
    main()
