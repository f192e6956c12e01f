"""Grouping of frames and saving of state change nothing; the view says where the person is."""

from __future__ import annotations

import numpy as np
import pytest
from feedback_frames import DEG, Squats, cut, run, setup, squat_drill

from imu.feedback import DrillSession


def eventful() -> Squats:
    """A set with everything: faults on both sides, fast and slow, partial, a hole, poor quality, a dip."""
    squats = Squats(8, (1.7, 0.5, 1.2, 0.6)).natural(3)
    squats.knee_in("right", 13.0, only_up=True)
    third = (squats.t > squats.starts[2]) & (squats.t < squats.starts[3])
    squats.add("shank_frontal_tilt", "left", 20.0 * squats.share * third)
    fifth = (squats.t > squats.starts[4]) & (squats.t < squats.starts[5])
    for side in ("left", "right"):
        squats.add("thigh_tilt", side, -40.0 * squats.share * fifth)
        squats.add("knee_flexion", side, -52.0 * squats.share * fifth)
    squats.unknown("thigh_tilt", "left", squats.starts[5] + 1.0, squats.starts[5] + 1.6)
    squats.sigma[(squats.t > squats.starts[6]) & (squats.t < squats.starts[7])] = 9.0 * DEG
    return squats


def text(outputs: object) -> str:
    """Exact text of all numbers; NaN equals NaN."""
    return repr(outputs)


@pytest.mark.parametrize("chunk", [1, 7, 25])
def test_outputs_do_not_depend_on_how_frames_are_grouped(chunk):
    squats = eventful()
    whole = run(squats)
    assert len(whole.repetitions) == 8
    assert {c.reason for c in whole.cues if not c.given} >= {"quality", "lower priority"}
    assert text(run(squats, chunk=chunk)) == text(whole)
    assert text(run(squats, chunk=chunk, ready=333)) == text(run(squats, ready=333))


@pytest.mark.parametrize("seed", range(6))
def test_random_movement_with_holes_is_grouped_alike_and_never_contradicts_itself(seed):
    rng = np.random.default_rng(seed)
    squats = Squats(8)
    n, columns = squats.angle.shape
    for column in range(columns):
        for _ in range(4):
            turn = 2 * np.pi * rng.uniform(0.05, 0.6) * squats.t + rng.uniform(0, 6.3)
            squats.angle[:, column] += rng.uniform(0, 25) * DEG * np.sin(turn)
    squats.angle[:, 5] = np.abs(squats.angle[:, 4] + rng.normal(0, 2 * DEG, n))
    for _ in range(10):
        rows, column = slice(start := rng.integers(0, n - 100), start + rng.integers(1, 80)), rng.integers(0, columns)
        squats.angle[rows, column] = squats.sigma[rows, column] = np.nan
        squats.flags[rows, column] = rng.choice([16, 64, 32, 2])
    frames = squats.frames
    if seed % 2:
        frames.t_us[n // 2 :] += 500_000
    whole = run(frames)
    assert all(text(run(frames, chunk=chunk)) == text(whole) for chunk in (1, 7, 25))
    assert len(whole.repetitions) > 3
    assert [r.number for r in whole.repetitions] == list(range(1, len(whole.repetitions) + 1))
    for rep in whole.repetitions:
        assert rep.t_start_us <= rep.t_deepest_us <= rep.t_end_us
        assert not rep.phases.descent_s <= 0.0
        assert not rep.phases.bottom_s < 0.0
        assert not rep.phases.ascent_s <= 0.0
    decided = [(c.rule, c.side, c.repetition, c.given or c.reason) for c in whole.cues]
    assert len(set(decided)) == len(decided)
    assert all(x.t_us <= x.t_emitted_us for x in (*whole.events, *whole.cues))


def test_a_long_block_with_more_reports_than_fit_at_once_loses_none():
    squats = Squats(120, (0.5, 0.0, 0.5, 0.1))
    whole = run(squats)
    assert len(whole.repetitions) == 120
    assert text(run(squats, chunk=50)) == text(whole)


@pytest.mark.parametrize("at", [100, 450, 777, 1500, 2222])
def test_a_saved_state_continues_equally(at):
    frames = eventful().frames
    session = DrillSession(squat_drill(), setup())
    session.push(cut(frames, 0, at), 0)
    saved = session.state()
    rest = session.push(cut(frames, at, len(frames)), 0), session.finish(), session.view()
    other = DrillSession(squat_drill(), setup())
    other.restore(saved)
    assert text((other.push(cut(frames, at, len(frames)), 0), other.finish(), other.view())) == text(rest)
    again = DrillSession(squat_drill(), setup())
    again.restore(saved)
    assert text(again.push(cut(frames, at, len(frames)), 0)) == text(rest[0])


def test_who_follows_the_tempo_is_on_pace():
    squats = Squats(2, thigh_deg=90.0 / 1.3)
    session = DrillSession(squat_drill(), setup())
    seen = []
    for i in range(len(squats.t)):
        session.push(cut(squats.frames, i, i + 1), 0)
        view = session.view()
        seen.append(view.phase)
        since = squats.t[i] - squats.starts[0]
        if 0.8 < since < 5.5:
            assert view.pace_s == pytest.approx(since, abs=0.25)
            assert view.progress_s == pytest.approx(since, abs=0.3)
            assert view.depth == pytest.approx(view.target_depth, abs=12 * DEG)
        if since > 6.5 and since < 6.9:
            assert (view.phase, view.count, view.marks) == (3, 1, ("clean",))
    assert seen[100] == -1
    order = [p for p, before in zip(seen[1:], seen, strict=False) if p != before]
    assert order == [0, 1, 2, 3, 0, 1, 2, 3]


def test_the_view_marks_each_repetition():
    squats = eventful()
    session = DrillSession(squat_drill(), setup())
    out = session.push(squats.frames, 0)
    session.finish()
    view = session.view()
    assert len(view.marks) == len(out.repetitions) == 8
    assert view.marks[5] == "void"
    assert view.count == 7
    assert set(view.marks) <= {"clean", "cued", "tempo", "void"}
    assert session.drill_view.tempo_s == (3.0, 1.0, 2.0, 1.0)
    assert session.drill_view.depth_target == pytest.approx((80 * DEG, 100 * DEG))


def test_read_only_frames_are_accepted():
    frames = Squats(1).frames
    for array in (frames.t_us, frames.angle, frames.sigma, frames.flags):
        array.setflags(write=False)
    assert len(DrillSession(squat_drill(), setup()).push(frames, 0).events) > 0
    assert np.isfinite(frames.angle).all()
