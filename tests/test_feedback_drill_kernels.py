"""Smoothness, compensations, rests and combined quantities against their plain twins."""

from __future__ import annotations

from math import radians

import numpy as np
import pytest
from drill_motions import SETUP, Leg, Performance, Posture, drill_of, run_drill, tempo_of
from feedback_frames import DEG, minimum_jerk
from reference import drills_twin

from imu.conventions import angle_column
from imu.feedback import compensations, resting, stream
from imu.feedback.drill_metrics import Compensation, Metric
from imu.feedback.gather import combine, gather
from imu.feedback.quantities import combination, quantities, rules_of, value_of
from imu.feedback.records import DOWN, PARAMS, REPORT, TOP, UP
from imu.feedback.smoothness import spectral_arc_length
from imu.outputs import Repetition


def speed(seconds: float, stops: int = 0) -> np.ndarray:
    """Of a minimum-jerk movement, or of one that stops on the way."""
    t = np.arange(round(seconds * 100)) / 100 / seconds
    parts = stops + 1
    way = sum(minimum_jerk(t * parts - k) for k in range(parts)) / parts
    return np.abs(np.gradient(way))


@pytest.mark.parametrize("seconds", [0.7, 1.5, 3.0, 8.0])
@pytest.mark.parametrize("stops", [0, 1, 3])
def test_spectral_arc_length_agrees_with_its_twin(seconds, stops):
    v = speed(seconds, stops)
    assert spectral_arc_length(v, 100.0) == pytest.approx(drills_twin.spectral_arc_length(v, 100.0), abs=1e-9)


def test_smoothness_of_a_minimum_jerk_movement_and_what_it_does_not_depend_on():
    """The authors' value for a minimum-jerk speed is close to -1.4."""
    smooth = spectral_arc_length(speed(2.0), 100.0)
    assert smooth == pytest.approx(-1.41, abs=0.02)
    assert spectral_arc_length(40.0 * speed(2.0), 100.0) == pytest.approx(smooth, abs=1e-12)
    assert spectral_arc_length(speed(4.0), 100.0) == pytest.approx(smooth, abs=0.01)
    assert spectral_arc_length(speed(2.0, 2), 100.0) < spectral_arc_length(speed(2.0, 1), 100.0) < smooth - 0.2
    assert np.isnan(spectral_arc_length(np.zeros(100), 100.0))
    assert np.isnan(spectral_arc_length(np.r_[speed(2.0), np.nan], 100.0))


def repetition_with(name: str, **more: float) -> Repetition:
    drill = drill_of(name)
    performed = Performance(name, [np.zeros((1, 13))])
    performed.stay(1.5)
    performed.repeat(None, tempo_of(drill))
    for column, degrees in more.items():
        for rows in performed.rows[-4:-1]:
            rows[:, int(column[1:])] += degrees * np.sin(np.linspace(0.0, 60.0, len(rows)))
    return run_drill(performed, drill).repetitions[0]


def test_who_trembles_is_less_smooth_in_the_repetition():
    calm, trembling = repetition_with("squat"), repetition_with("squat", c0=4.0, c5=4.0)
    for key in ("smoothness_down", "smoothness_up"):
        assert trembling.measures[key] < calm.measures[key] - 0.2


def synthetic(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    t = np.arange(n) / 100
    v = sum(rng.uniform(2, 8) * np.sin(2 * np.pi * rng.uniform(0.1, 1.5) * t + rng.uniform(0, 6.3)) for _ in range(4))
    return t, DEG * v


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("way", ["above", "below", "beyond"])
@pytest.mark.parametrize("against", ["stand", "start", "largest"])
def test_compensations_are_found_when_their_twin_finds_them(seed, way, against):
    t, v = synthetic(seed)
    limit = {"above": 6.0, "below": -6.0, "beyond": 7.0}[way] - (8.0 if against == "largest" and way == "below" else 0.0)
    if against == "largest" and way != "below":
        limit = 5.0
    rule = Compensation("odd", "pelvis_tilt", limit, "Words", way, against=against, dwell_ms=120.0, sigma_deg=6.0)
    drill = drill_of("squat", metrics=(Metric("range", "pelvis_tilt", "range", against),), compensations=(rule,))
    rows, _ = quantities(drill, SETUP, None)

    rules, state = rules_of(rows), stream.StreamState.fresh(64, len(rows))
    m, watched = state.machine[0], state.watched
    watched["rest"] = v[0]
    compensations.open_watch(watched)
    values, steady = np.repeat(v[:, None], len(rows), axis=1), np.zeros((len(v), len(rows), 4))
    sigma, flags = np.full(values.shape, 0.5 * DEG), np.zeros(values.shape, np.uint16)
    reports = np.zeros(64, REPORT)
    m["state"], m["t_up"], found = DOWN, -1, None
    for i in range(len(t)):
        m["t_us"], m["n"], m["i_peak"] = round(1e6 * t[i]), i + 1, 150
        k = compensations.step(i, values, sigma, flags, steady, rules, state.machine, watched, reports, 0)
        kinds = [r["kind"] for r in reports[:k]]
        if found is None and compensations.COMPENSATION in kinds:
            found = t[i]
    away = drills_twin.counted_from(v, against, float(v[0]))
    assert found == pytest.approx(drills_twin.exceeded(away, t, radians(limit), way, 0.12), abs=1e-9)
    metric = next(i for i, row in enumerate(rows) if row.name == "range")
    assert value_of(rows[metric].rule, watched[metric]) == pytest.approx(np.ptp(away), abs=1e-12)


def test_a_limit_inside_the_error_is_widened_and_unknown_values_are_told_once():
    rule = Compensation("odd", "pelvis_tilt", 3.0, "Words", dwell_ms=0.0)
    rows, _ = quantities(drill_of("squat", metrics=(), compensations=(rule,)), SETUP, None)

    rules = rules_of(rows)
    state = stream.StreamState.fresh(64, len(rows))
    reports, last = np.zeros(64, REPORT), len(rows) - 1

    def kinds(value: float, sigma: float, flag: int, t: int) -> list[int]:
        m = state.machine[0]
        m["state"], m["t_up"], m["t_us"], m["n"] = UP, 0, t, 1
        v = np.full((1, len(rows)), value)
        errors = np.full(v.shape, sigma), np.full(v.shape, flag, np.uint16), np.zeros((*v.shape, 4))
        k = compensations.step(0, v, *errors, rules, state.machine, state.watched, reports, 0)
        return [int(r["kind"]) for r in reports[:k] if r["detail"] == last]

    assert kinds(5.0 * DEG, 3.0 * DEG, 0, 0) == []
    assert kinds(5.0 * DEG, 1.0 * DEG, 0, 10) == [compensations.COMPENSATION]
    assert kinds(5.0 * DEG, 1.0 * DEG, 16, 20) == [compensations.COMPENSATION_UNKNOWN]
    assert kinds(np.nan, np.nan, 0, 30) == []


def test_levels_at_rest_agree_with_their_twin():
    rng = np.random.default_rng(2)
    steps = np.repeat([0.0, -60.0, -40.0, -75.0, -30.0, -72.0, -120.0], 150)
    ramp = np.convolve(steps, np.ones(40) / 40, "same")
    s = DEG * (ramp + rng.normal(0.0, 0.1, len(ramp)))[20:-20]
    t_us = 10_000 * np.arange(len(s))
    state = stream.StreamState.fresh(64)
    params = np.zeros(1, PARAMS)
    params["open"] = 10.0 * DEG
    state.machine[0]["state"] = TOP
    levels = []
    for value, now in zip(s, t_us, strict=True):
        if resting.settle(int(now), float(value), float(value), params, state.machine):
            levels.append(float(state.machine[0]["zero"]))
    assert levels == pytest.approx(drills_twin.rests(s, t_us, resting.STILL, resting.STILL_US, 10.0 * DEG))
    assert len(levels) == 4


def test_combined_quantities_say_what_they_are_called():
    """Signs from pictures, not from formulas: each posture is written down angle by angle."""

    def value(angle: str, side: str, **degrees: float) -> float:
        at = {angle_column(name.rsplit("_", 1)[0], name.rsplit("_", 1)[1]): v for name, v in degrees.items()}  # type: ignore[arg-type]
        return sum(weight * at.get(column, 0.0) for column, weight in combination(angle, side))  # type: ignore[arg-type]

    # the hips are moved to the right: the right shin leans outward and its knee is medial of the hip, the left the reverse
    shifted = {"shank_frontal_tilt_right": -6.0, "thigh_frontal_tilt_right": 6.0}
    shifted |= {"shank_frontal_tilt_left": 6.0, "thigh_frontal_tilt_left": -6.0}
    assert value("side_shift", "right", **shifted) == pytest.approx(6.0)
    assert value("side_shift", "left", **shifted) == pytest.approx(-6.0)
    assert value("knee_in", "left", **shifted) == pytest.approx(0.0)
    both_in = {f"{part}_frontal_tilt_{side}": 8.0 for part in ("thigh", "shank") for side in ("left", "right")}
    assert value("side_shift", "right", **both_in) == pytest.approx(0.0)
    assert value("knee_in", "right", **both_in) == pytest.approx(16.0)
    assert value("knee_difference", "left", knee_flexion_left=80.0, knee_flexion_right=90.0) == pytest.approx(-10.0)
    obliquity, turn = angle_column("pelvis_obliquity"), angle_column("pelvis_rotation")
    assert combination("pelvis_drop", "left") == ((obliquity, 1.0),)  # + the right side is higher, so the left is lower
    assert combination("pelvis_turn", "left") == ((turn, 1.0),)  # + to the left


@pytest.mark.parametrize(("name", "fault", "named"), [
    ("squat", Posture(obliquity=9.0), "pelvic_drop_left"),
    ("squat", Posture(obliquity=-9.0), "pelvic_drop_right"),
    ("squat", Posture(turn=14.0), "pelvis_turn_left"),
    ("squat", Posture(tilt=30.0), "lean"),
    ("squat", Posture(Leg(thigh_in=-8, shank_in=8), Leg(thigh_in=8, shank_in=-8)), "side_shift_right"),
    ("glute_bridge", Posture(obliquity=9.0), "pelvic_drop_left"),
    ("glute_bridge", Posture(Leg(thigh=20)), "short_of_line_left"),
    ("hip_hinge", Posture(Leg(thigh=12, shank=16)), "knee_bend_right"),
    ("lateral_band_walk", Posture(Leg(thigh_in=8, shank_in=6), Leg()), "valgus_left"),
    ("calf_raise", Posture(tilt=16), "lean"),
])  # fmt: skip
def test_compensations_of_both_legs_are_named_on_their_side_and_said(name, fault, named):
    drill = drill_of(name)
    performed = Performance(name, [np.zeros((1, 13))])
    performed.stay(1.5)
    for i in range(3):
        performed.repeat(None, tempo_of(drill), fault=fault if i == 1 else None)
    out = run_drill(performed, drill)
    assert named in out.repetitions[1].faults
    assert all(named not in r.faults for r in (out.repetitions[0], out.repetitions[2]))
    rule, _, side = named.rpartition("_") if named.endswith(("left", "right")) else (named, "", None)
    sided = next(c.sided for c in drill.compensations if c.name == rule)
    said = [(c.rule, c.side) for c in out.cues if c.given and c.rule == rule]
    assert (rule, side if sided else None) in said


@pytest.mark.parametrize(("name", "fault", "named"), [
    ("step_down", Posture(obliquity=-9.0), "pelvic_drop_{other}"),
    ("single_leg_squat", Posture(obliquity=-9.0), "pelvic_drop_{other}"),
    ("single_leg_deadlift", Posture(obliquity=14.0), "open_hip_{other}"),
    ("single_leg_deadlift", Posture(Leg(thigh=10, shank=15), Leg()), "knee_bend_{own}"),
    ("unilateral_bridge", Posture(obliquity=-10.0), "pelvic_drop_{other}"),
    ("weight_bearing_lunge", Posture(Leg(shank_in=7, thigh_in=6), Leg()), "valgus_{own}"),
    ("leg_swing", Posture(tilt=-14.0), "pelvis_rock"),
    ("single_leg_balance", Posture(obliquity=-11.0), "pelvic_drop_{other}"),
])  # fmt: skip
@pytest.mark.parametrize("side", ["left", "right"])
def test_compensations_of_one_leg_are_named_on_their_side(name, fault, named, side):
    """Written for the left leg that is trained: its pelvis sinks on the right with a negative obliquity."""
    drill = drill_of(name)
    performed = Performance(name, [np.zeros((1, 13))])
    performed.stay(1.5)
    flip = 1.0 if side == "left" else -1.0
    mirrored = Posture(fault.own, fault.other or fault.own, fault.tilt, flip * fault.obliquity, flip * fault.turn)
    for i in range(3):
        performed.repeat(side, tempo_of(drill), fault=mirrored if i == 1 else None)
    out = run_drill(performed, drill)
    expected = named.format(own=side, other="right" if side == "left" else "left")
    assert expected in out.repetitions[1].faults
    assert all(expected not in r.faults for r in (out.repetitions[0], out.repetitions[2]))


@pytest.mark.parametrize("seed", range(3))
def test_gathered_and_combined_columns_agree_with_numpy(seed):
    rng = np.random.default_rng(seed)
    angle, sigma = rng.normal(size=(50, 12)), rng.uniform(0.1, 1.0, (50, 12))
    flags = rng.integers(0, 512, (50, 12)).astype(np.uint16)
    angle[rng.random(angle.shape) < 0.1] = np.nan
    columns, signs = np.array([3, 3, 7, 0]), np.array([1.0, -1.0, 1.0, -1.0])
    x, x_sigma, x_flags = np.zeros((50, 6)), np.zeros((50, 6)), np.zeros((50, 6), np.uint16)
    gather(angle, sigma, flags, columns, signs, x, x_sigma, x_flags)
    np.testing.assert_array_equal(x[:, :4], angle[:, columns] * signs)
    np.testing.assert_array_equal(x_sigma[:, :4], sigma[:, columns])
    np.testing.assert_array_equal(x_flags[:, :4], flags[:, columns])
    terms = np.array([[1, 2, 5, 6], [4, -1, -1, -1]])
    weights = np.array([[-0.25, 0.25, 0.25, -0.25], [1.0, 9.0, 9.0, 9.0]])
    v, v_sigma, v_flags = np.zeros((50, 2)), np.zeros((50, 2)), np.zeros((50, 2), np.uint16)
    steady, v_steady = rng.normal(size=(50, 12)), np.zeros((50, 2, 4))
    combine(angle, sigma, flags, steady, terms, weights, v, v_sigma, v_flags, v_steady)
    np.testing.assert_allclose(v_steady[:, 0], steady[:, terms[0]] * weights[0])
    np.testing.assert_array_equal(v_steady[:, 1], np.stack([steady[:, 4], *3 * [np.zeros(50)]], axis=1))
    np.testing.assert_allclose(v[:, 0], angle[:, terms[0]] @ weights[0], atol=1e-14)
    np.testing.assert_array_equal(v[:, 1], angle[:, 4])
    np.testing.assert_allclose(v_sigma[:, 0], 0.25 * np.sqrt((sigma[:, terms[0]] ** 2).sum(axis=1)))
    np.testing.assert_array_equal(v_flags[:, 0], np.bitwise_or.reduce(flags[:, terms[0]], axis=1))


@pytest.mark.parametrize("seed", range(6))
def test_wobble_agrees_with_its_twin_and_once_there_and_back_is_none(seed):
    rng = np.random.default_rng(seed)
    t = np.arange(500) / 100.0
    there = 12.0 * DEG * np.sin(np.pi * t / 5.0) ** 2 + 0.1 * DEG * rng.normal(size=len(t))
    shaken = there + rng.uniform(2.0, 6.0) * DEG * np.sin(2.0 * np.pi * rng.uniform(0.5, 1.5) * t + rng.uniform(0.0, 6.0))
    metric = Metric("shaky", "pelvis_tilt", "wobble")
    rows, _ = quantities(drill_of("squat", metrics=(metric,), compensations=()), SETUP, None)
    shaky = next(i for i, row in enumerate(rows) if row.name == "shaky")
    found = []
    for v in (there, shaken):
        watched = stream.StreamState.fresh(64, len(rows)).watched
        compensations.open_watch(watched)
        w = watched[shaky]
        w["n"], w["high"], w["low"] = len(v), v.max(), v.min()
        for value in v:
            compensations.travelled(w, value)
        found.append(value_of(rows[shaky].rule, w, 0.01))
        assert found[-1] == pytest.approx(drills_twin.wobble(v, 5.0, compensations.TURNS), abs=1e-12)
    assert found[0] < 0.1 * DEG < found[1]
