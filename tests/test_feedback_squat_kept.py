"""The squat gives what it gave when it was the only drill: digests of every output, taken before there were others."""

from __future__ import annotations

import hashlib
from pathlib import Path

import feedback_frames
import pytest
import shared_data
from feedback_frames import Squats, run, setup, squat_drill

import imu
from imu import processing
from imu.feedback import DrillOutputs, drill_text
from imu.outputs import Cue, Event, Repetition

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"


@pytest.fixture(autouse=True)
def as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """The squat without the metrics and compensations that were added to it, and without words about its depth."""
    text = drill_text("squat").split("[[metrics]]")[0].replace("[depth]\ncue = true", "[depth]\ncue = false")
    plain = squat_drill(metrics=(), compensations=(), depth={"cue": False})
    monkeypatch.setattr(feedback_frames, "squat_drill", lambda: plain)
    monkeypatch.setattr(processing, "drill_given", lambda _: text)


def kept(value: object) -> str:
    """Numbers to nine digits: the last ones may differ between processors."""
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def repetition(r: Repetition) -> str:
    p = r.phases
    parts = (r.number, r.side, r.t_start_us, r.t_deepest_us, r.t_end_us, r.depth, p.descent_s, p.bottom_s, p.ascent_s)
    angles = ("thigh_frontal_tilt", "shank_frontal_tilt")
    excursions = (f"{k}={v:.9g}" for k, v in sorted(r.excursions.items()) if k.startswith(angles))
    return " ".join([*map(kept, parts), *excursions, *r.faults, str(r.flags)])


def event(e: Event) -> str:
    return " ".join(map(kept, (e.kind, e.t_us, e.t_emitted_us, e.side, e.detail)))


def cue(c: Cue) -> str:
    parts = (c.t_us, c.t_emitted_us, c.rule, c.side, c.text, c.repetition, c.value, c.threshold, c.sigma, c.given, c.reason)
    return " ".join(map(kept, parts))


def digest(outputs: DrillOutputs) -> str:
    cues = (cue(c) for c in outputs.cues if c.rule != "depth")
    lines = [*map(repetition, outputs.repetitions), *map(event, outputs.events), *cues]
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=6).hexdigest()


def eventful(seed: int) -> Squats:
    """Faults, tempo, depth and holes in one set."""
    squats = Squats(8, (1.7, 0.5, 1.2, 0.6), thigh_deg=70.0 + 3.0 * seed).natural(seed)
    squats.knee_in("right", 9.0 + seed, only_up=True)
    third = (squats.t > squats.starts[2]) & (squats.t < squats.starts[3])
    squats.add("shank_frontal_tilt", "left", 20.0 * squats.share * third)
    fifth = (squats.t > squats.starts[4]) & (squats.t < squats.starts[5])
    for side in ("left", "right"):
        squats.add("thigh_tilt", side, -40.0 * squats.share * fifth)
        squats.add("knee_flexion", side, -52.0 * squats.share * fifth)
    hole = squats.starts[5] + 1.0
    return squats.unknown("thigh_tilt", "left", hole, hole + 0.1 * seed)


SYNTHETIC = {
    0: "9b1e5bbdb5e5",
    1: "4d64561163b4",
    2: "50b851428f7f",
    3: "041bf7b7c1c4",
    4: "d7c5e7bbc462",
    5: "e1830a5f6ce0",
    6: "6c3c8347771e",
    7: "acd41d3d4809",
}
RECORDED = {3: "8a31c747f080", 4: "8b0f56b81d45"}
SAMPLES = {"full_body_legs": "4c96a981afbd", "ximu3_lower_body": "ddd9c40767f9"}
"""The first since each reason for which a cue is held back is logged, one more row; since a leg that turns by more than 35°
in a walk whose pelvis turns by 10° is not taken for a turn of the person, and changes have an error of their own (1.58° for
1.64°), four rows fewer. Of all since then, the log of depth is left out: it is decided later, at the end of the
repetition."""


@pytest.mark.parametrize("seed", range(8))
def test_synthetic_sets_are_read_as_before(seed):
    assert digest(run(eventful(seed), worn=setup(), chunk=seed)) == SYNTHETIC[seed]


@pytest.mark.parametrize("name", ["full_body_legs", "ximu3_lower_body"])
def test_sample_recordings_are_read_as_before(name):
    result = imu.process(imu.load(RECORDINGS / f"{name}.mcap"), drill="squat")
    events = tuple(e for e in result.events if e.kind.startswith(("repetition", "phase", "tempo")))
    assert digest(DrillOutputs(events, result.repetitions, result.decisions)) == SAMPLES[name]


@pytest.mark.validation
@pytest.mark.skipif(not (shared_data.DATA / "squats").is_dir(), reason="without the recorded squats")
@pytest.mark.parametrize("person", [3, 4])
def test_recorded_squats_are_read_as_before(person):
    from test_feedback_real_squats import LABELS, Leg, outputs

    good = Leg(f"s{person}_correct_set1")
    axes = {part: good.axis(part) for part in ("thigh", "shank")}
    parts = [digest(outputs(Leg(f"s{person}_{label}_set{k}"), axes)) for label in LABELS for k in (1, 2)]
    assert hashlib.blake2b("".join(parts).encode(), digest_size=6).hexdigest() == RECORDED[person]
