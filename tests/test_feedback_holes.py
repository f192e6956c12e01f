"""Signals that are unknown for a while: a short hole costs no repetition and invents nothing, a long one voids it."""

from __future__ import annotations

import numpy as np
import pytest
from feedback_frames import DEG, Squats, count, cut, given, minimum_jerk, mirrored, run, setup, squat_drill
from reference import squat

from imu.conventions import SIDES, Side
from imu.feedback import DrillOutputs, DrillSession, durations
from imu.packets import Quality

AT = {
    "start": 0.0, "before it opens": 0.8, "as it opens": 1.1, "going down": 1.6, "deep": 2.3, "reaching the bottom": 2.9,
    "at the bottom": 3.4, "leaving the bottom": 3.9, "going up": 4.6, "as it counts": 5.15, "near the top": 5.7,
}  # fmt: skip
"""Middle of a hole, s since a repetition of 3-1-2-1 began."""
THIGH = ("thigh_tilt", "knee_flexion", "thigh_frontal_tilt")
SHANK = ("knee_flexion", "shank_frontal_tilt")


def away(squats: Squats, names: tuple[str, ...], side: Side, start_s: float, seconds: float) -> Squats:
    """A sensor is away: all of its angles are unknown."""
    for name in names:
        squats.unknown(name, side, start_s - 1e-6, start_s + seconds - 1e-6, Quality.STALE | Quality.GAP)
    return squats


def decided(out: DrillOutputs) -> list[tuple[str, str | None, int, bool, str]]:
    return [(c.rule, c.side, c.repetition, c.given, c.reason) for c in out.cues]


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.45, 0.5])
@pytest.mark.parametrize("at", AT)
def test_a_short_hole_costs_no_repetition(at, seconds):
    """Seen: a notification that came 385 ms late made 300 ms unknown, voided a repetition and swallowed its cue."""
    squats = Squats(3).sway()
    whole = run(squats)
    start = round(squats.starts[1] + AT[at] - seconds / 2, 2)
    out = run(away(squats, THIGH, "left", start, seconds))
    assert count(out) == 3
    assert out.cues == ()
    for rep, undisturbed in zip(out.repetitions, whole.repetitions, strict=True):
        assert rep.clean
        for name, most in (("descent_s", 0.12), ("bottom_s", 0.12), ("ascent_s", 0.12)):
            measured, wanted = getattr(rep.phases, name), getattr(undisturbed.phases, name)
            assert np.isnan(measured) if rep.number == 2 and np.isnan(measured) else abs(measured - wanted) < most
        assert np.isnan(rep.depth) or rep.depth == pytest.approx(undisturbed.depth, abs=1.0 * DEG)
        assert rep.t_start_us < rep.t_deepest_us < rep.t_end_us
    if at not in ("start", "near the top"):
        assert out.repetitions[1].flags & Quality.STALE
    assert [r.flags for r in (out.repetitions[0], out.repetitions[2])] == [0, 0]


@pytest.mark.parametrize(
    ("middle", "unknown"),
    [
        (0.3, ("descent_s",)),
        (1.5, ()),
        (2.8, ("descent_s", "bottom_s")),
        (3.5, ()),
        (4.2, ("bottom_s", "ascent_s")),
        (5.0, ()),
        (5.8, ("ascent_s",)),
    ],
)
def test_only_phases_whose_edge_was_not_seen_are_unknown(middle, unknown):
    squats = Squats(3)
    rep = run(away(squats, THIGH, "left", round(squats.starts[1] + middle - 0.2, 2), 0.4)).repetitions[1]
    assert {name for name in ("descent_s", "bottom_s", "ascent_s") if np.isnan(getattr(rep.phases, name))} == set(unknown)


@pytest.mark.parametrize("names", [THIGH, SHANK])
@pytest.mark.parametrize("seconds", [0.55, 0.6, 1.0])
@pytest.mark.parametrize("at", ["deep", "at the bottom", "leaving the bottom"])
def test_a_long_hole_voids_the_repetition_and_no_other(at, seconds, names):
    squats = Squats(3).knee_in("right", 15.0)
    out = run(away(squats, names, "left", round(squats.starts[1] + AT[at] - 0.3, 2), seconds))
    assert [r.faults for r in out.repetitions] == [("valgus_right",), ("void",), ("valgus_right",)]
    void = [e for e in out.events if e.kind == "repetition_void"]
    assert len(void) == 1
    assert void[0].t_us * 1e-6 == pytest.approx(squats.starts[1] + AT[at] - 0.3 + 0.5, abs=0.02)
    assert out.repetitions[1].flags & Quality.STALE


def test_a_long_hole_before_the_count_has_ended_only_costs_the_time_of_the_way_up():
    squats = Squats(3)
    out = run(away(squats, THIGH, "left", round(squats.starts[1] + 5.3, 2), 0.7))
    assert count(out) == 3
    assert [r.faults for r in out.repetitions] == [(), (), ()]
    assert np.isnan(out.repetitions[1].phases.ascent_s)


@pytest.mark.parametrize("names", [THIGH, SHANK])
@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.45])
@pytest.mark.parametrize("at", AT)
@pytest.mark.parametrize("only_up", [False, True])
def test_a_fault_that_shows_outside_the_hole_is_cued_once_on_its_side(at, seconds, names, only_up):
    squats = Squats(3).sway().knee_in("left", 15.0, only_up=only_up)
    start = round(squats.starts[1] + AT[at] - seconds / 2, 2)
    out = run(away(squats, names, "left", start, seconds))
    assert given(out) == [("valgus", "left", i) for i in (1, 2, 3)]
    cue = next(c for c in out.cues if c.given and c.repetition == 2)
    if names == THIGH:  # without its shank, a leg is still judged by its thigh
        assert not start <= cue.t_us * 1e-6 < start + seconds
    assert not any(c.reason == "refractory" for c in out.cues)


@pytest.mark.parametrize("names", [THIGH, SHANK])
def test_a_fault_that_lies_inside_the_hole_is_not_invented(names):
    squats = Squats(3).sway()
    start = round(squats.starts[1] + 2.4, 2)
    within = (squats.t >= start) & (squats.t < start + 0.4)
    squats.add("shank_frontal_tilt", "right", 25.0 * within)
    assert given(run(squats)) == [("valgus", "right", 2)]
    out = run(away(squats, names, "right", start, 0.4))
    assert given(out) == []
    assert [r.faults for r in out.repetitions] == [(), (), ()]
    assert out.repetitions[1].excursions["shank_frontal_tilt_right"] < 3.0 * DEG


def test_the_other_knee_is_judged_while_one_shank_is_away():
    squats = Squats(1).sway().knee_in("right", 15.0)
    out = run(away(squats, SHANK, "left", squats.starts[0] + 1.3, 0.45))
    cue = next(c for c in out.cues if c.given)
    assert (cue.rule, cue.side) == ("valgus", "right")
    assert squats.starts[0] + 1.3 < cue.t_us * 1e-6 < squats.starts[0] + 1.75


def test_one_missing_shank_shows_as_not_judged():
    squats = Squats(1)
    out = run(away(squats, SHANK, "left", squats.starts[0] + 2.5, 0.4))
    assert [d for d in decided(out) if d[0] == "valgus"] == [("valgus", "left", 1, False, "quality")]
    assert out.repetitions[0].flags & Quality.STALE


@pytest.mark.parametrize(("at", "cued"), [("going down", True), ("at the bottom", False)])
def test_a_fast_way_down_is_cued_unless_its_end_was_not_seen(at, cued):
    """Down in 1.5 s; the hole is in the middle of it or where it ends."""
    squats = Squats(2, (1.5, 1.0, 2.0, 1.0))
    middle = {"going down": 0.75, "at the bottom": 1.5}[at]
    out = run(away(squats, THIGH, "right", round(squats.starts[0] + middle - 0.15, 2), 0.3))
    assert given(out) == [("tempo", None, i) for i in (1, 2) if cued or i == 2]
    assert [r.faults for r in out.repetitions] == [("tempo",) if cued else (), ("tempo",)]


def test_a_turn_that_was_not_seen_has_no_depth_and_is_not_called_partial():
    squats = Squats(2, (1.5, 0.0, 1.5, 1.0), thigh_deg=60.0)
    drill = squat_drill(depth={"cue": True, "partial_deg": 75.0})
    assert given(run(squats, drill), "depth") == []
    out = run(away(squats, THIGH, "left", round(squats.starts[0] + 1.5 - 0.24, 2), 0.48), drill)
    assert given(out, "depth") == []
    assert np.isnan(out.repetitions[0].depth)
    assert out.repetitions[1].depth == pytest.approx(78.0 * DEG, abs=0.1 * DEG)


@pytest.mark.parametrize("names", [THIGH, SHANK])
def test_a_depth_that_was_seen_is_kept(names):
    squats = Squats(1)
    rep = run(away(squats, names, "left", squats.starts[0] + 3.2, 0.45)).repetitions[0]
    assert rep.depth == pytest.approx(97.5 * DEG, abs=0.1 * DEG)


def test_a_signal_that_comes_back_where_nobody_can_have_moved_is_lost():
    squats = Squats(2)
    start = squats.starts[0] + 2.6
    away(squats, THIGH, "left", start, 0.05)
    for side in SIDES:
        squats.add("thigh_tilt", side, 45.0 * (squats.t >= start + 0.05 - 1e-6) * (squats.t < squats.starts[0] + 5))
    assert run(squats).repetitions[0].faults == ("void",)


def test_a_movement_that_lies_wholly_in_a_hole_is_no_repetition():
    squats = Squats(2, (0.25, 0.0, 0.25, 1.5))
    out = run(away(squats, THIGH, "left", squats.starts[0], 0.5))
    assert count(out) == 1
    assert [r.number for r in out.repetitions] == [1]


def test_the_patient_sees_no_phase_and_no_depth_in_the_hole_and_both_after_it():
    squats = away(Squats(1), THIGH, "left", round(Squats(1).starts[0] + 2.0, 2), 0.4)
    session = DrillSession(squat_drill(), setup())
    for i in range(len(squats.t)):
        session.push(cut(squats.frames, i, i + 1), 0)
        view, since = session.view(), squats.t[i] - squats.starts[0]
        if 2.0 <= round(since, 3) < 2.4:
            assert view.phase == -1
            assert np.isnan([view.depth, view.pace_s, view.progress_s]).all()
        elif 0.6 < since < 3.9:
            assert view.phase in (0, 1)
            assert view.pace_s == pytest.approx(since, abs=0.3)
            assert view.depth > 5 * DEG


def holed(seed: int) -> Squats:
    """A set with a fault and a hole of up to 0.6 s about once a second."""
    rng = np.random.default_rng(seed)
    squats = Squats(5, (2.0, 0.6, 1.3, 0.7)).natural(seed).knee_in("right", 12.0, only_up=True)
    for _ in range(25):
        names = (THIGH, SHANK, ("shank_frontal_tilt",))[rng.integers(3)]
        away(squats, names, SIDES[rng.integers(2)], rng.uniform(0.0, squats.t[-1]), rng.uniform(0.01, 0.6))
    return squats


@pytest.mark.parametrize("seed", range(6))
def test_holes_of_any_kind_are_grouped_alike_resumed_alike_and_mirrored_alike(seed):
    frames = holed(seed).frames
    whole = run(frames)
    assert all(repr(run(frames, chunk=chunk)) == repr(whole) for chunk in (1, 7, 25))
    at = int(np.random.default_rng(seed).integers(400, 1500))
    first = DrillSession(squat_drill(), setup())
    first.push(cut(frames, 0, at), 0)
    second = DrillSession(squat_drill(), setup())
    second.restore(first.state())
    rest = cut(frames, at, len(frames))
    assert repr((second.push(rest, 0), second.finish())) == repr((first.push(rest, 0), first.finish()))
    other = {"left": "right", "right": "left", None: None}
    mirror = run(mirrored(frames))
    assert repr(mirror.events) == repr(whole.events)
    swapped = [(c.rule, other[c.side], c.t_us, repr(c.value), c.given, c.reason) for c in mirror.cues]
    assert sorted(swapped, key=repr) == sorted(
        ((c.rule, c.side, c.t_us, repr(c.value), c.given, c.reason) for c in whole.cues), key=repr
    )


@pytest.mark.parametrize("seed", range(20))
def test_edges_with_unknown_rates_agree_with_their_twin(seed):
    rng = np.random.default_rng(seed)
    t = np.arange(700) / 100
    seconds = rng.uniform(1.0, 4.0)
    tilt = 75 * DEG * minimum_jerk((t - 1.5) / seconds)
    for _ in range(6):
        start = rng.integers(100, 600)
        tilt[start : start + rng.integers(1, 30)] = np.nan
    v = squat.rate(tilt, 5, 0.01)
    ring_t, ring_rate = np.zeros(1024, np.int64), np.zeros(1024)
    ring_t[: len(t)], ring_rate[: len(t)] = np.round(t * 1e6), v
    inside = int(np.flatnonzero(v >= 0.4 * np.nanmax(v))[0])
    expected = squat.start_of_movement(t, v, inside)
    start_us, seen = durations.begin(ring_t, ring_rate, 100, 690, 5, 1.0)
    assert seen == (expected == expected)
    if seen:
        assert start_us * 1e-6 == pytest.approx(expected, abs=2e-6)
        assert start_us * 1e-6 == pytest.approx(1.5, abs=0.02 + 0.02 * seconds)
