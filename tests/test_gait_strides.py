"""Strides out of events: identities, what is no stride, means and symmetry, and measures against the simulated truth."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from gait_walks import FAST, FEET, LEGS, OWN, SLOW, events_of, walk

from imu import process
from imu.conventions import ANGLES, SIDES, Side, angle_label
from imu.fusion.grid import GridBlock
from imu.kinematics import gait_events
from imu.kinematics.gait import (
    SegmentLengths,
    Stride,
    StrideBuilder,
    StrideMeasures,
    measure,
    norm_curve,
    strides_of,
    summarise,
)
from imu.outputs import Event, FrameBlock

DEG = np.pi / 180
SEGMENTS = ("pelvis", *LEGS)


def steps(seed: int, n: int = 30, stride_us: int = 1_100_000, stance: float = 0.62) -> list[Event]:
    """Events of a person who walks, in the order of their times, with every duration a little different."""
    rng = np.random.default_rng(seed)
    events: list[Event] = []
    t = 1_000_000
    for i in range(n):
        side: Side = SIDES[i % 2]
        step = round(0.5 * stride_us * rng.uniform(0.93, 1.07))
        events.append(Event("initial_contact", t, t + 50_000, side, 0.9, "reversal"))
        off = t + round((stance - 0.5) * stride_us * rng.uniform(0.8, 1.2))
        other: Side = SIDES[(i + 1) % 2]
        events.append(Event("foot_off", off, off + 110_000, other, 0.9, "push-off"))
        t += step
    return sorted(events, key=lambda e: e.t_emitted_us)


def gone(events: list[Event], kind: str, index: int) -> list[Event]:
    found = [e for e in events if e.kind == kind]
    return [e for e in events if e is not found[index]]


def mirrored(events: list[Event]) -> list[Event]:
    return [replace(e, side="right" if e.side == "left" else "left") for e in events]


@pytest.mark.parametrize("seed", range(5))
def test_identities(seed):
    """stance + swing = stride; the two steps are the stride; stance less double support = the other swing; cadence."""
    strides = strides_of(steps(seed))
    assert len(strides) == 28
    for s in strides:
        assert s.t_start_us < s.t_off_us < s.t_end_us
        assert (s.t_off_us - s.t_start_us) + (s.t_end_us - s.t_off_us) == s.t_end_us - s.t_start_us
        assert s.stance_s + s.swing_s == pytest.approx(s.stride_s, abs=1e-9)
        assert s.step_s + s.other_step_s == pytest.approx(s.stride_s, abs=1e-9)
        assert s.stance_share + s.swing_share == pytest.approx(1.0)
        assert s.cadence == pytest.approx(120.0 / s.stride_s)
        single = s.stance_s - s.double_support_s
        assert single == pytest.approx((s.other_contact_us - s.other_off_us) * 1e-6, abs=1e-9)
    left = [s for s in strides if s.side == "left"]
    right = {s.t_start_us: s for s in strides if s.side == "right"}
    for one, after in pairwise(left):
        assert one.t_end_us == after.t_start_us
        # what of a left stance is not double support is the swing of the right leg
        other = right.get(one.other_contact_us or 0)
        assert other is None or other.other_contact_us == one.t_end_us


def test_only_the_first_and_the_last_of_a_plain_walk_are_marked():
    strides = strides_of(steps(0))
    assert [s.marks for s in strides if s.marks] == [("first",), ("first",), ("last",), ("last",)]
    assert [s.counts for s in strides].count(True) == 24


def test_mirrored_events_mirror_the_strides():
    events = steps(1)
    there = [replace(s, side="right" if s.side == "left" else "left") for s in strides_of(events)]
    assert sorted(there, key=repr) == sorted(strides_of(mirrored(events)), key=repr)


def test_slower_events_make_slower_strides():
    events = steps(2)
    slow = [replace(e, t_us=2 * e.t_us, t_emitted_us=2 * e.t_emitted_us) for e in events]
    for one, two in zip(strides_of(events), strides_of(slow), strict=True):
        assert two.stride_s == pytest.approx(2.0 * one.stride_s)
        assert two.stance_share == pytest.approx(one.stance_share)


def test_a_missed_event_makes_no_stride_out_of_two():
    whole = {(s.side, s.t_start_us, s.t_end_us) for s in strides_of(steps(3))}
    for kind in ("initial_contact", "foot_off"):
        for index in range(4, 20):
            strides = strides_of(gone(steps(3), kind, index))
            assert {(s.side, s.t_start_us, s.t_end_us) for s in strides} < whole
            assert len(strides) >= len(whole) - 2


def test_a_missed_contact_of_the_other_leg_is_marked_not_filled_in():
    strides = strides_of(gone(steps(3), "initial_contact", 9))
    marked = [s for s in strides if "other leg missing" in s.marks]
    assert len(marked) == 1
    assert math.isnan(marked[0].step_s)
    assert math.isnan(marked[0].double_support_s)
    assert marked[0].stance_s + marked[0].swing_s == pytest.approx(marked[0].stride_s)


def test_no_stride_over_an_interruption():
    events = steps(4)
    at = [e for e in events if e.side == "left" and e.kind == "foot_off"][4]
    said = Event("gait_interrupted", at.t_us + 1, at.t_emitted_us + 1, "left")
    strides = strides_of(sorted([*events, said], key=lambda e: e.t_emitted_us))
    assert not [s for s in strides if s.side == "left" and s.t_start_us < at.t_us < s.t_end_us]
    assert len(strides) == 27


def test_somebody_who_stops_in_between_makes_no_stride_of_the_pause():
    events = steps(5)
    stop = [e for e in events if e.kind == "initial_contact"][14].t_us
    late = [
        replace(e, t_us=e.t_us + 2_500_000, t_emitted_us=e.t_emitted_us + 2_500_000) if e.t_us > stop + 1 else e
        for e in events
    ]
    strides = strides_of(late)
    assert max(s.stride_s for s in strides) < 1.5
    assert len([s for s in strides if "first" in s.marks]) == 4


def test_a_leg_that_swings_while_the_other_stands_makes_no_stride():
    only = [e for e in steps(6) if e.side == "left"]
    assert len(strides_of(only)) == 14  # worn on one leg: nothing is known of the other
    assert StrideBuilder(SIDES).push(only) == ()


def test_guesses_make_no_stride_and_doubt_is_marked():
    weak = [replace(e, confidence=0.4) for e in steps(7)]
    assert strides_of(weak) == ()
    one = [replace(e, confidence=0.5) if i == 20 else e for i, e in enumerate(steps(7))]
    assert sum("doubtful" in s.marks for s in strides_of(one)) in (2, 3)


def test_strides_come_as_their_last_contact_is_known_and_a_state_continues():
    events = steps(8)
    whole = StrideBuilder().push(events)
    for at in (7, 20, 41):
        builder = StrideBuilder()
        before = builder.push(events[:at])
        other = StrideBuilder()
        other.restore(builder.state())
        assert before + other.push(events[at:]) == whole
    assert [s.t_emitted_us for s in whole] == [e.t_emitted_us for e in events if e.kind == "initial_contact"][2:]


def plain_measures(strides: tuple[Stride, ...], **values: float) -> list[StrideMeasures]:
    nan = math.nan
    fields = dict.fromkeys(
        ("knee_loading_peak", "knee_swing_peak", "knee_range", "hip_peak", "hip_least", "hip_range", "obliquity_range",
         "turned", "step_length", "other_step_length", "speed"), nan,
    ) | values  # fmt: skip
    return [StrideMeasures(s, **fields) for s in strides]


def test_means_are_of_the_strides_that_count():
    strides = strides_of(steps(9, n=60))
    summary = summarise(plain_measures(strides))
    counted = [s for s in strides if s.counts]
    assert (summary.strides, summary.counted) == (58, len(counted))
    assert summary.marks == {"first": 2, "last": 2}
    cadence = summary.mean("cadence")
    assert cadence.mean == pytest.approx(np.mean([s.cadence for s in counted]))
    assert cadence.variability == pytest.approx(np.std([s.cadence for s in counted], ddof=1) / cadence.mean)
    assert cadence.caution == ""
    assert "foot off" in summary.mean("stance_share").caution
    left = summary.mean("stride_s", "left")
    assert left.n == sum(s.side == "left" for s in counted)
    with pytest.raises(KeyError, match="knee_range"):
        summary.mean("knee")


def test_few_strides_have_no_mean_and_no_variability():
    few = summarise(plain_measures(strides_of(steps(9, n=6))))
    assert math.isnan(few.mean("stride_s", "left").mean)
    some = summarise(plain_measures(strides_of(steps(9, n=12))))
    assert some.mean("stride_s").mean > 0.0
    assert math.isnan(some.mean("stride_s").variability)


def symmetry(summary, name):
    return next(s for s in summary.symmetry if s.name == name)


def test_symmetry_has_no_index_near_zero_and_none_across_zero():
    strides = strides_of(steps(10, n=60))
    rng = np.random.default_rng(0)
    walk_ = [
        replace(m, hip_least=rng.normal(-0.01, 0.03), knee_range=rng.normal(0.02, 0.002), knee_swing_peak=1.0)
        for m in plain_measures(strides)
    ]
    summary = summarise(walk_)
    for name, words in (("hip_least", "crosses zero"), ("knee_range", "near zero"), ("step_length", "fewer than")):
        one = symmetry(summary, name)
        assert math.isnan(one.index_percent)
        assert words in one.reason
    assert symmetry(summary, "hip_least").difference == pytest.approx(
        symmetry(summary, "hip_least").right - symmetry(summary, "hip_least").left
    )
    assert symmetry(summary, "knee_swing_peak").index_percent == pytest.approx(0.0)


def test_symmetry_changes_its_sign_when_left_and_right_are_exchanged():
    events = [
        replace(e, t_us=e.t_us + 40_000, t_emitted_us=e.t_emitted_us + 40_000)
        if e.side == "right" and e.kind == "initial_contact" else e
        for e in steps(11, n=60)
    ]  # fmt: skip
    one, two = (summarise(plain_measures(strides_of(e))) for e in (events, mirrored(events)))
    for name in ("step_s", "stance_s", "swing_s"):
        a, b = symmetry(one, name), symmetry(two, name)
        assert abs(a.index_percent) > 3.0
        assert b.index_percent == pytest.approx(-a.index_percent)
    assert symmetry(one, "step_s").index_percent > 0.0  # the right foot lands late: its step is the longer one


def test_no_asymmetry_of_times_is_given_when_the_clocks_of_the_legs_disagree():
    summary = summarise(plain_measures(strides_of(steps(12, n=60))), sync_ms=14.0)
    one = symmetry(summary, "step_s")
    assert math.isnan(one.difference)
    assert "14 ms" in one.reason
    assert not math.isnan(symmetry(summary, "stride_s").index_percent)


@pytest.fixture(scope="module")
def walked():
    return walk(6, seconds=30.0, segments=(*FEET, *SEGMENTS))


@pytest.fixture(scope="module")
def measured(walked):
    result = process(walked.recording)
    strides = strides_of(gait_events(walked.recording))
    person = walked.body.person
    lengths = SegmentLengths(person.thigh, person.shank, person.hip_width, person.ankle_height, 0.15)
    return measure(strides, result.frames, walked.segments, lengths), strides, result


def test_angles_of_strides_are_the_peaks_of_their_curves(walked, measured):
    """On the true angles of the simulated person: nothing but the measuring."""
    from firmware_sim.truth import truth

    _, strides, result = measured
    f = result.frames
    real = truth(walked.body, f.t_us * 1e-6)
    angle = np.stack([real.get(angle_label(*key), np.full(len(f), np.nan)) for key in ANGLES], axis=1)
    true = FrameBlock(f.t_us, f.q_earth_segment, angle, f.sigma, f.flags)
    counted = [m for m in measure(strides, true, walked.segments) if m.counts]
    assert len(counted) > 15
    for m in counted:
        s = m.stride
        inside = (f.t_us >= s.t_start_us) & (f.t_us < s.t_end_us)
        knee, hip = real[f"knee_flexion_{s.side}"][inside], real[f"hip_flexion_{s.side}"][inside]
        assert m.knee_swing_peak == knee.max() > 45.0 * DEG
        assert m.knee_range == pytest.approx(np.ptp(knee))
        assert m.knee_loading_peak == knee[: round(0.3 * len(knee))].max()
        assert (m.hip_peak, m.hip_least) == (hip.max(), hip.min())
        assert m.hip_range == pytest.approx(np.ptp(hip))
        assert m.obliquity_range == pytest.approx(np.ptp(real["pelvis_obliquity"][inside]))


def step_errors(walked, strides, result) -> np.ndarray:
    """m, of steps against the distance of the footprints, both when the foot is flat on them."""
    person = walked.body.person
    lengths = SegmentLengths(person.thigh, person.shank, person.hip_width, person.ankle_height, 0.15)
    errors = []
    for m in measure(strides, result.frames, walked.segments, lengths):
        if not m.counts:
            continue
        other: Side = "left" if m.stride.side == "right" else "right"
        flat = 0.25 * m.stride.stride_s
        ahead = walked.body.pose(f"foot_{m.stride.side}", np.array([m.stride.t_end_us * 1e-6 + flat])).origin[0]
        behind = walked.body.pose(f"foot_{other}", np.array([m.stride.t_end_us * 1e-6 - flat])).origin[0]
        front = walked.body.pose("pelvis", np.array([m.stride.t_end_us * 1e-6])).rotation[0][:2, 0]
        errors.append(m.step_length - abs((ahead - behind)[:2] @ front) / np.linalg.norm(front))
        assert m.speed == pytest.approx((m.step_length + m.other_step_length) / m.stride.stride_s, nan_ok=True)
    return np.array(errors)


@pytest.mark.parametrize("cadence", [SLOW, OWN, FAST])
def test_steps_are_as_long_as_the_footprints_are_apart(cadence):
    """Mean over three people within 3 cm, each within 5 cm; sensors with all their errors, 2 % of the packets lost."""
    means = []
    for seed in (9, 12, 303):
        one = walk(seed, cadence, segments=SEGMENTS)
        errors = step_errors(one, strides_of(gait_events(one.recording)), process(one.recording))
        assert np.isfinite(errors).sum() >= 6
        means.append(np.nanmean(errors))
    assert abs(np.mean(means)) < 0.03
    assert np.abs(means).max() < 0.05


def test_corners_do_not_count(measured):
    measures, _, _ = measured
    corners = [m for m in measures if abs(m.turned) > 15.0 * DEG]
    assert len(corners) >= 3
    assert not any(m.counts for m in corners)


def test_what_is_unknown_in_the_frames_is_unknown_in_the_measures(walked, measured):
    _, strides, result = measured
    f = result.frames
    s = strides[len(strides) // 2]
    angle = f.angle.copy()
    inside = (f.t_us >= s.t_start_us) & (f.t_us < s.t_start_us + 200_000)
    angle[inside] = np.nan
    holed = FrameBlock(f.t_us, f.q_earth_segment, angle, f.sigma, f.flags)
    m = measure([s], holed, walked.segments, SegmentLengths.of_height(1.75))[0]
    assert math.isnan(m.knee_swing_peak)
    assert math.isnan(m.knee_range)
    none = measure([s], FrameBlock.empty(len(walked.segments)), walked.segments)[0]
    assert math.isnan(none.step_length)
    assert math.isnan(none.turned)


def test_one_lost_second_is_in_no_stride_of_that_leg(walked):
    grid = walked.columns(LEGS)
    start = walked.start_us + 6_000_000
    rows = (grid.t_us >= start) & (grid.t_us < start + 1_000_000)
    gyr = grid.gyr.copy()
    gyr[np.ix_(rows, [0, 2])] = np.nan
    strides = strides_of(events_of(LEGS, GridBlock(grid.t_us, grid.q, gyr, grid.acc, grid.flags)))
    assert not [s for s in strides if s.side == "left" and s.t_start_us < start + 1_000_000 and s.t_end_us > start]
    assert [s for s in strides if s.side == "left" and s.t_start_us > start + 1_000_000]


def test_norms_are_chosen_by_speed():
    curve = norm_curve("knee_flexion", 1.4)
    assert curve is not None
    assert curve.caution == ""
    assert np.degrees(curve.mean.max()) == pytest.approx(60.4)
    assert curve.share[curve.mean.argmax()] == pytest.approx(0.72)
    assert norm_curve("knee_flexion", 0.7) is None
    assert norm_curve("ankle_flexion", 1.4) is None
    unknown = norm_curve("hip_flexion")
    assert unknown is not None
    assert "speed unknown" in unknown.caution
    assert math.isnan(unknown.sd)
