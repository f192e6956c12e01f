"""A session's sound in a process of its own: one line in (rule and side) is one cue; the onsets come out at the end."""

from __future__ import annotations

import json
import sys
import time

from imu.feedback.audio import open_audio
from imu.outputs import Cue


def say(**values: object) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


def main() -> None:
    audio = open_audio()
    say(state=audio.state.state, reason=audio.state.reason, device=audio.device)
    for line in sys.stdin:
        rule, side = line.split()
        audio.play(
            Cue(0, 0, rule, {"left": "left", "right": "right"}.get(side), "", 1, 0.0, 0.0, 0.0),  # type: ignore[arg-type]
            time.perf_counter_ns(),
        )
        say(gaps=audio.gaps)
    onsets = [(o.cue.rule, o.cue.side, o.t_host_ns - o.t_asked_ns) for o in audio.take_onsets()]
    say(gaps=audio.gaps, onsets=onsets)
    audio.close()


if __name__ == "__main__":
    main()
