"""A walk at a prescribed cadence: when something is said, when not, and why."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from walking_steps import Walker, blocks, frames_until, push, run, together, walk_drill, worn

from imu.config import CueSetup
from imu.conventions import SIDES
from imu.errors import ConfigError
from imu.feedback import CadenceSession, DrillOutputs, drill_text, load_drill, with_cadence
from imu.outputs import Cue, Event

TARGET, LOW, HIGH = 110.0, 105.6, 114.4
MEDIAN, DWELL = 6, 4


def given(out: DrillOutputs) -> list[Cue]:
    return [c for c in out.cues if c.given]


def held(out: DrillOutputs) -> list[str]:
    return [c.reason for c in out.cues if not c.given]


def kinds(out: DrillOutputs) -> list[str]:
    return [e.kind for e in out.events]


@pytest.mark.parametrize("cadence", [LOW + 0.5, TARGET, HIGH - 0.5])
@pytest.mark.parametrize("limp", [0.0, 0.15])
def test_in_the_band_nothing_is_said_or_held_back(cadence: float, limp: float) -> None:
    """Also of somebody who limps: every other step is 30 % longer, and the cadence is what it is."""
    walker = Walker().steps(120, cadence, limp=limp)
    session = CadenceSession(walk_drill(), worn())
    out = push(session, frames_until(walker.t_us + 100_000), walker.events)
    assert out.cues == ()
    view = session.cadence_view()
    assert view.now == pytest.approx(cadence, abs=0.01)
    assert (view.steps, view.judged, view.kept) == (120, 113, 113)
    assert view.walking


@pytest.mark.parametrize("seed", range(5))
def test_usual_variation_about_the_target_is_not_cued(seed: int) -> None:
    """Step times of healthy walkers vary by 2 to 3 %; 1200 steps a seed."""
    assert given(run(Walker().steps(1200, TARGET, noise=0.025, seed=seed))) == []


@pytest.mark.parametrize(("drifted", "text"), [(101.0, "Quicker"), (119.5, "Slower")])
def test_a_drift_is_said_within_nine_steps(drifted: float, text: str) -> None:
    walker = Walker().steps(60, TARGET)
    changed_us = walker.t_us
    out = run(walker.steps(14, drifted))
    (cue,) = given(out)
    assert cue.text.startswith(text)
    assert (cue.rule, cue.side) == ("cadence", None)
    assert cue.repetition <= 60 + MEDIAN // 2 + 2 + DWELL
    assert cue.t_us > changed_us
    assert cue.t_emitted_us - cue.t_us < 70_000
    limit = LOW if drifted < TARGET else HIGH
    assert cue.threshold == pytest.approx(limit)
    assert abs(cue.value - TARGET) > abs(limit - TARGET)


def test_a_short_excursion_is_logged_once_as_too_short() -> None:
    out = run(Walker().steps(40, TARGET).steps(3, 100.0).steps(40, TARGET))
    assert given(out) == []
    assert held(out) == ["dwell"]


def test_a_drift_that_stays_is_said_again_after_the_pause_and_not_before() -> None:
    cues = given(run(Walker().steps(20, TARGET).steps(100, 100.0)))
    assert len(cues) == 6
    gaps = np.diff([c.t_emitted_us for c in cues]) / 1e6
    assert gaps.min() >= 10.0
    assert gaps.max() < 10.7


def test_a_new_drift_within_the_pause_is_held_back_as_refractory() -> None:
    out = run(Walker().steps(20, TARGET).steps(8, 100.0).steps(8, 121.0))
    assert len(given(out)) == 1
    assert held(out) == ["refractory"]


def test_the_cue_is_shown_until_the_cadence_is_back_and_two_seconds_at_least() -> None:
    walker = Walker().steps(20, TARGET).steps(20, 100.0)
    back_us = walker.t_us
    walker.steps(20, TARGET)
    session, shown = CadenceSession(walk_drill(), worn()), []
    for block in blocks(walker.frames, 1):
        push(session, block, walker.events)
        shown.append(session.current_cue(int(block.t_us[0])) is not None)
    t = walker.frames.t_us[np.array(shown)]
    assert len(t) * 10_000 == t[-1] - t[0] + 10_000  # in one piece
    assert back_us < t[-1] < back_us + 6 * 600_000


def test_standing_still_ends_the_walk_and_what_is_known() -> None:
    walker = Walker().steps(20, TARGET).stands(4.0)
    session = CadenceSession(walk_drill(), worn())
    out = push(session, walker.frames, walker.events)
    assert kinds(out) == ["walk_started", "metronome_started", "walk_ended", "metronome_stopped"]
    started, _, ended, _ = out.events
    assert started.t_us == walker.events[0].t_us
    assert started.t_emitted_us == walker.events[2].t_emitted_us
    assert ended.t_us == walker.events[-1].t_us
    assert 1_600_000 < ended.t_emitted_us - ended.t_us < 1_700_000
    assert isnan(session.cadence_view().now)
    assert not session.cadence_view().walking
    # what was before says nothing about the next walk
    behind_us = walker.t_us + 1_000_000
    walker.steps(MEDIAN + 1, 90.0)
    assert push(session, frames_until(walker.t_us + 100_000, behind_us), walker.events).cues == ()
    assert session.cadence_view().walking
    assert isnan(session.cadence_view().now)


def test_one_step_that_was_not_detected_changes_nothing() -> None:
    walker = Walker().steps(30, TARGET).misses().steps(30, TARGET)
    out = run(walker)
    assert kinds(out).count("walk_started") == 1
    assert out.cues == ()


def test_single_steps_and_a_leg_that_swings_alone_are_no_walk() -> None:
    walker = Walker().steps(2, TARGET).stands(3.0).steps(1, TARGET)
    for _ in range(20):
        walker.stands(1.1).happens("initial_contact", "left")
    assert run(walker).events == ()


def test_an_interruption_silences_until_enough_is_known_again() -> None:
    walker = Walker().steps(20, 100.0)
    walker.happens("gait_interrupted", "left")
    gone_us = walker.t_us
    session = CadenceSession(walk_drill(pause_s=2), worn())
    first = push(session, frames_until(walker.t_us + 10_000), walker.events)
    assert given(first)
    assert isnan(session.cadence_view().now)
    # only the right leg is seen: four steps without a cadence
    for _ in range(2):
        walker.steps(1, 100.0).misses().steps(1, 100.0)
    silent = push(session, frames_until(walker.t_us, gone_us + 20_000), walker.events)
    assert silent.cues == ()
    seen_us = walker.t_us
    walker.steps(20, 100.0)
    again = given(push(session, frames_until(walker.t_us + 500_000, -(-seen_us // 10_000) * 10_000), walker.events))
    assert again[0].t_us - seen_us == (MEDIAN + DWELL) * 600_000


def test_a_drift_that_an_interruption_ends_is_logged_with_why_nothing_was_said() -> None:
    walker = Walker().steps(20, TARGET).steps(6, 100.0).happens("gait_interrupted", "right")
    assert [(c.reason, c.rule) for c in run(walker).cues] == [("quality", "cadence")]


def test_steps_too_uneven_to_tell_are_not_cued() -> None:
    """The median is beyond the band, its uncertainty is wider than the band."""
    walker = Walker()
    for k in range(60):
        walker.steps(2, 92.0 if k % 2 else 119.0)
    out = run(walker, walk_drill(dead_band_percent=1))
    assert given(out) == []
    assert "quality" in held(out)


def test_while_labels_seem_exchanged_everything_is_held_back() -> None:
    walker, session = Walker().steps(40, 100.0), CadenceSession(walk_drill(), worn())
    session.hold("sensors seem exchanged")
    out = push(session, walker.frames, walker.events)
    assert given(out) == []
    assert held(out) == ["sensors seem exchanged"]


@pytest.mark.parametrize("reason", ["retention set", "muted", "stale"])
def test_a_set_without_cues_a_mute_and_late_data_hold_back_the_drift_once(reason: str) -> None:
    cues = CueSetup(retention=reason == "retention set", muted=reason == "muted")
    walker, session = Walker().steps(40, 100.0), CadenceSession(walk_drill(), worn().with_(cues=cues))
    late_us = 151_000 if reason == "stale" else 40_000
    parts = []
    for block in blocks(walker.frames, 50):
        session.arrived(block.t_us, block.t_us + late_us)
        parts.append(push(session, block, walker.events))
    out = together(parts)
    assert (given(out), held(out)) == ([], [reason])
    assert out.cues[0].age_ms == late_us / 1000


def test_a_drill_that_only_reports_says_nothing_and_logs_it_once() -> None:
    out = run(Walker().steps(60, 100.0), walk_drill(cue=False))
    assert (given(out), held(out)) == ([], ["off in this drill"])


def test_steps_before_the_set_up_is_over_do_not_count() -> None:
    walker, session = Walker().steps(30, TARGET), CadenceSession(walk_drill(), worn())
    assert push(session, walker.frames, walker.events, None) == DrillOutputs()
    ready = int(np.searchsorted(walker.frames.t_us, walker.events[9].t_emitted_us, side="right"))
    push(session, walker.frames, walker.events, ready)
    assert session.view().count == 20


@pytest.mark.parametrize("segments", [("shank_left",), ("foot_right",), ("shank_left", "thigh_right")])
def test_one_leg_alone_is_enough(segments: tuple[str, ...]) -> None:
    side = "left" if "left" in segments[0] else "right"
    walker = Walker().steps(40, TARGET).steps(40, 100.0)
    walker.events = [e for e in walker.events if e.side == side]
    out = run(walker, setup=worn(segments))
    assert kinds(out)[0] == "walk_started"
    assert given(out)


def test_without_a_sensor_on_a_lower_leg_the_drill_is_refused() -> None:
    with pytest.raises(ConfigError, match="wear a sensor on a shank or a foot"):
        CadenceSession(walk_drill(), worn(("pelvis", "thigh_left", "thigh_right")))


@pytest.mark.parametrize("click", ["metronome", "steps", "both", "none"])
@pytest.mark.parametrize("start", ["walking", "at_once"])
def test_the_metronome_sounds_when_the_drill_says_so(click: str, start: str) -> None:
    out = run(Walker().steps(20, TARGET).stands(3.0).steps(20, TARGET), walk_drill(click=click, start=start))
    sounds = [(e.kind, e.t_emitted_us) for e in out.events if e.kind.startswith("metronome")]
    if click in ("steps", "none"):
        assert sounds == []
    elif start == "at_once":
        assert [kind for kind, _ in sounds] == ["metronome_started", "metronome_stopped"]
        assert sounds[0][1] == 0
    else:
        walked = [(e.kind.replace("walk", "metronome"), e.t_emitted_us) for e in out.events if e.kind.startswith("walk")]
        assert [(k.replace("ended", "stopped"), t) for k, t in walked] == sounds
        assert len(sounds) == 4


def eventful(seed: int) -> Walker:
    """Every kind of thing that can happen, in any order."""
    rng, walker = np.random.default_rng(seed), Walker()
    for _ in range(25):
        match rng.integers(0, 6):
            case 0:
                walker.stands(float(rng.uniform(0.3, 4.0)))
            case 1:
                walker.happens("gait_interrupted", SIDES[int(rng.integers(0, 2))])
            case 2 if walker.events:
                walker.misses()
            case _:
                cadence = float(rng.uniform(95.0, 125.0))
                walker.steps(int(rng.integers(1, 30)), cadence, noise=0.03, seed=int(rng.integers(99)))
    walker.events.sort(key=lambda e: e.t_emitted_us)
    return walker


@pytest.mark.parametrize("seed", range(6))
def test_outputs_do_not_depend_on_how_frames_are_grouped(seed: int) -> None:
    walker, drill = eventful(seed), walk_drill(pause_s=8)
    whole = run(walker, drill)
    assert {"walk_started", "walk_ended"} <= set(kinds(whole))
    assert given(whole)
    assert held(whole)
    for chunk in (1, 7, 25, 333):
        assert repr(run(walker, drill, chunk=chunk)) == repr(whole)


@pytest.mark.parametrize("seed", range(3))
def test_state_saved_anywhere_gives_the_same_rest(seed: int) -> None:
    walker, drill = eventful(seed), walk_drill(pause_s=8)
    parts = list(blocks(walker.frames, 250))
    session = CadenceSession(drill, worn())
    outputs, states, views = [], [], []
    for block in parts:
        states.append(session.state())
        outputs.append(push(session, block, walker.events))
        views.append(repr((session.cadence_view(), session.current_cue(int(block.t_us[-1])))))
    for k in range(0, len(parts), 5):
        other = CadenceSession(drill, worn())
        other.restore(states[k])
        rest = [push(other, block, walker.events) for block in parts[k:]]
        assert repr(together(rest)) == repr(together(outputs[k:]))
        assert repr((other.cadence_view(), other.current_cue(int(parts[-1].t_us[-1])))) == views[-1]


def test_left_and_right_exchanged_change_nothing() -> None:
    walker = eventful(1)
    swapped = [Event(e.kind, e.t_us, e.t_emitted_us, SIDES[1 - SIDES.index(e.side)]) for e in walker.events if e.side]
    assert repr(run(Walker(walker.t_us, 0, swapped))) == repr(run(walker))


def test_all_problems_of_a_file_are_told_together() -> None:
    text = (
        drill_text("walk_cadence")
        .replace("steps_per_minute = 110", "steps_per_minute = 400")
        .replace("dwell_steps = 4", "dwell_steps = 4.5")
        .replace('click = "metronome"', 'click = "drum"')
        .replace("pause_s = 10\n", "")
        .replace("show_s = 2", "show_s = 2\nshows_s = 3")
    )
    with pytest.raises(ConfigError) as caught:
        load_drill(text, "mine.toml")
    lines = str(caught.value).splitlines()
    for key, remedy in {
        "cadence.steps_per_minute": "give 40 to 200",
        "cadence.dwell_steps": "give a whole number",
        "cadence.pause_s": "is missing; give a value",
        "cadence.shows_s": "is unknown; remove it",
        "metronome.click": "give one of metronome, steps, both, none",
    }.items():
        assert any(line.startswith(f"mine.toml: {key} ") and remedy in line for line in lines), key
    assert len(lines) == 5


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("show_s = 2", "show_s = 10.0\n", "cadence.pause_s"),
        ("volume_percent = 60", "volume_percent = 0", "metronome.volume_percent"),
    ],
)
def test_values_that_contradict_each_other_are_refused(old: str, new: str, key: str) -> None:
    text = drill_text("walk_cadence").replace("pause_s = 10", "pause_s = 5").replace(old, new)
    with pytest.raises(ConfigError, match=key):
        load_drill(text, "mine.toml")


def test_a_kind_that_there_is_not_is_refused_and_none_means_repetitions() -> None:
    with pytest.raises(ConfigError, match=r"mine.toml: kind is 'cadenze'; give one of repetitions, cadence"):
        load_drill('kind = "cadenze"\n' + drill_text("squat"), "mine.toml")
    assert load_drill('kind = "repetitions"\n' + drill_text("squat")) == load_drill(drill_text("squat"))


def test_another_cadence_is_written_into_the_drill_that_is_recorded() -> None:
    text = with_cadence(drill_text("walk_cadence"), 97.5)
    assert "steps_per_minute = 97.5\n" in text
    assert load_drill(text) == walk_drill(steps_per_minute=97.5)
    with pytest.raises(ConfigError, match="give 40 to 200"):
        with_cadence(text, 300.0)
    with pytest.raises(ConfigError, match="prescribes no cadence"):
        with_cadence(drill_text("squat"), 110.0)
    with pytest.raises(ConfigError, match="prescribes no cadence"):
        with_cadence("", 110.0)
    hidden = text.replace("steps_per_minute = 97.5\n", "").replace("[cadence]", "[cadence]\n'steps_per_minute' = 97.5")
    with pytest.raises(ConfigError, match="line of its own"):
        with_cadence(hidden, 110.0)
