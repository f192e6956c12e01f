"""The watch over simulated sessions with every error of sensor, strap and radio."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from simulated_activity import DEG, perform_activity
from watch_people import Follower, Session, person, relabelled, slipped, swapped, watched

from firmware_sim.activities import (
    Fault,
    HipHinges,
    March,
    SingleLegSquats,
    SitToStands,
    Squats,
    Stand,
    StepDowns,
    Walk,
    half_squats,
    set_up_plan,
)
from imu.config import SensorSetup, Setup
from imu.conventions import SEGMENTS
from imu.fusion.grid import GridBlock
from imu.fusion.quaternion import mul_array
from imu.kinematics.watch import Watch
from imu.kinematics.watch.buffer import FrameBuffer, part_of
from imu.places import grid_of

SETS = {
    "squat": Squats(4),
    "step-down": StepDowns(4),
    "single-leg squat": SingleLegSquats(4),
    "sit-to-stand": SitToStands(4),
}
SWAPS = {
    "left/right": (("thigh_left", "thigh_right"), ("shank_left", "shank_right")),
    "left/right thighs": (("thigh_left", "thigh_right"),),
    "left/right shanks": (("shank_left", "shank_right"),),
    "thigh/shank left": (("thigh_left", "shank_left"),),
    "thigh/shank right": (("thigh_right", "shank_right"),),
}
CLEAN = [("sides_checked", "single-leg phases", "every sensor is on the leg that its label says")]
SHIN = {"thigh": "thigh", "shank": "shin"}


@functools.cache
def performing(seed: int, drill: str) -> Session:
    return person(seed, (*set_up_plan(), SETS[drill], Stand(3.0)))


@pytest.mark.parametrize("drill", SETS)
@pytest.mark.parametrize("segment", ["thigh_left", "thigh_right", "shank_left", "shank_right"])
def test_a_strap_that_turns_by_5_degrees_is_found_within_two_repetitions(drill, segment):
    session = performing(31, drill)
    part, side = segment.split("_")
    start, end = session.repetitions(side)[1]
    for turn_deg in (5.0, -5.0):
        at = start + 0.4 * (end - start)
        result = watched(session.setup, session.slipped(segment, at, turn_deg))
        slips = result.found("slip_found")
        assert [(e.side, e.detail.split(":")[0]) for e in slips] == [(side, f"{side} {SHIN[part]}")]
        assert result.watch.slipped == {segment}
        assert slips[0].t_us * 1e-6 < at < slips[0].t_emitted_us * 1e-6 < session.repetitions(side)[3][1] + 1.0
        assert "strap" in slips[0].detail
        assert slips[0].confidence > 0.99


def test_a_strap_that_turns_while_walking_is_found_and_since_when():
    session = person(24, (*set_up_plan(), Walk(30.0, straight_m=30.0), Stand(3.0)), loss=0.0)
    strides = [start for start, _ in session.repetitions("right")]
    for segment, name in (("thigh_right", "right thigh"), ("shank_right", "right shin")):
        at = strides[8] + 0.3
        slips = watched(session.setup, session.slipped(segment, at, 5.0)).found("slip_found")
        assert [e.detail.split(":")[0] for e in slips] == [name]
        assert strides[6] < slips[0].t_us * 1e-6 < at
        assert slips[0].t_emitted_us * 1e-6 < strides[12]


def test_nobody_is_accused_in_a_long_clean_session():
    """Changes of depth and speed, knees that fall in, turns, leg changes: 3.5 minutes of each person."""
    plan = (
        *set_up_plan(),
        Squats(3, 60.0),
        Squats(4, 90.0, (2.0, 0.5, 1.2, 0.8), (Fault(2, "valgus", 15.0, "left"), Fault(4, "valgus", 11.0, "right"))),
        Stand(2.0), Walk(25.0, straight_m=5.0), Stand(2.0),
        StepDowns(3, faults=(Fault(2, "valgus", 11.0, "left"),)), Stand(2.0), SitToStands(3), Stand(2.0),
        SingleLegSquats(3, faults=(Fault(5, "valgus", 9.0, "right"),)), Stand(2.0), March(8, seconds_per_lift=1.0),
        Stand(2.0),
    )  # fmt: skip
    for seed in (32, 33, 34):
        assert watched(*worn(person(seed, plan))).heard() == CLEAN


def test_a_slow_hinge_is_no_slip_and_a_strap_that_turns_in_it_is_found():
    """Rests in a hinge are in another pose than the stand: the knee turned its shank by 4.6°, and the filter went on."""
    hinges = (*set_up_plan(), HipHinges(4), Stand(3.0))
    for seed in (40, 41):
        session = person(seed, hinges)
        assert watched(*worn(session)).heard() == CLEAN
        start, end = session.repetitions("right")[1]
        result = watched(session.setup, session.slipped("shank_right", 0.5 * (start + end), 6.0))
        assert [e.segment for e in result.found("slip_found")] == ["shank_right"]


def worn(session: Session) -> tuple[Setup, GridBlock]:
    return session.setup, session.grid


@pytest.mark.parametrize("drill", SETS)
@pytest.mark.parametrize("name", SWAPS)
def test_exchanged_sensors_are_found_and_nothing_else_is_said(drill, name):
    session = performing(31, drill)
    result = watched(session.setup, swapped(session.setup, session.grid, *SWAPS[name]))
    assert [(kind, method) for kind, method, _ in result.heard()] == [("swap_found", name)]
    event = result.found("swap_found")[0]
    assert event.t_emitted_us < 25e6
    assert event.confidence >= 0.95
    assert result.watch.sides == "swap found"
    assert result.watch.exchange == name
    assert "swap the" in event.detail


def test_who_only_squats_on_both_legs_cannot_be_checked():
    plan = (Stand(4.0), half_squats(), Stand(3.0), Squats(3), Stand(2.0))
    session = person(31, plan)
    for grid in (session.grid, swapped(session.setup, session.grid, *SWAPS["left/right"])):
        result = watched(session.setup, grid)
        assert result.calibration is not None
        assert result.heard() == []
        assert result.watch.sides == "unchecked"


def test_straps_that_are_swapped_back_before_the_calibration_are_believed():
    session = person(31, (*set_up_plan(), Stand(4.0), March(), Stand(4.0), March(6), Stand(4.0)))
    cut = 1550
    early = part_of(swapped(session.setup, session.grid, *SWAPS["thigh/shank left"]), 0, cut)
    late = part_of(session.grid, cut, len(session.grid))
    result = watched(session.setup, GridBlock.joined([early, late]))
    assert [(kind, method) for kind, method, _ in result.heard()] == [
        ("swap_found", "thigh/shank left"), ("sides_checked", "single-leg phases"),
    ]  # fmt: skip
    assert result.watch.sides == "checked"
    assert result.watch.exchange == ""


def test_a_strap_that_tilts_shows_in_the_next_stand():
    session = performing(31, "squat")
    calibration = watched(*worn(session)).calibration
    frame = calibration.of("shank_left").frame
    j = [s.segment for s in session.setup.sensors].index("shank_left")
    start, end = session.repetitions()[1]
    tilted = slipped(session.grid, j, frame[:, 0], round(0.5e6 * (start + end)), 9.0 * DEG)
    result = watched(session.setup, tilted)
    assert [(e.side, e.method) for e in result.found("slip_found")] == [("left", "tilt")]
    assert "tilted" in result.found("slip_found")[0].detail


def test_a_sensor_that_was_set_right_and_calibrated_again_is_believed_again():
    session = performing(31, "squat")
    at = session.repetitions()[1][0] + 1.0
    result = watched(session.setup, session.slipped("thigh_left", at, 5.0))
    assert result.watch.slipped == {"thigh_left"}
    result.watch.renew("thigh_left")
    assert result.watch.slipped == frozenset()


@pytest.mark.parametrize("frames", [1, 7, 2500])
def test_what_is_found_does_not_depend_on_how_frames_are_grouped(frames):
    session = performing(31, "step-down")
    whole = session.slipped("thigh_left", session.repetitions("left")[1][0] + 1.0, 5.0)
    grid = part_of(whole, 0, 3600)
    wanted = watched(session.setup, grid)
    assert wanted.found("slip_found")
    assert watched(session.setup, grid, frames).events == wanted.events


def test_the_watch_goes_on_from_a_saved_state():
    session = performing(31, "single-leg squat")
    grid = part_of(session.slipped("shank_left", session.repetitions("left")[1][0] + 1.0, 5.0), 0, 4000)
    wanted = watched(session.setup, grid)
    assert wanted.found("slip_found")
    for cut in (600, 1500, 2600):
        first = Follower(session.setup)
        first.push(part_of(grid, 0, cut))
        saved = first.watch.state()
        other = Follower(session.setup)
        other.push(part_of(grid, 0, cut))
        first.push(part_of(grid, cut, len(grid)))
        other.watch = Watch(session.setup)  # a new one that knows nothing
        other.watch.restore(saved)
        other.push(part_of(grid, cut, len(grid)))
        assert first.events == other.events == wanted.events
        assert other.watch.slipped == wanted.watch.slipped


def test_turning_the_world_changes_nothing():
    session = performing(31, "squat")
    grid = session.slipped("thigh_right", session.repetitions()[1][0] + 1.0, 5.0)
    turn = np.array([np.cos(1.0), 0.0, 0.0, np.sin(1.0)])
    turned = GridBlock(grid.t_us, mul_array(turn[None, None], grid.q), grid.gyr, grid.acc, grid.flags)
    assert watched(session.setup, turned).heard() == watched(session.setup, grid).heard()


@pytest.mark.parametrize("drill", ["walk", "step-down"])
def test_minutes_of_the_same_do_not_change_its_mind(drill):
    """A walk once made thighs of shanks, whose swing is level; and a heel that reaches down once carried."""
    piece = {"walk": Walk(45.0), "step-down": StepDowns(6)}[drill]
    session = person(60, (*set_up_plan(), piece, Stand(3.0)))
    assert watched(*worn(session)).heard() == CLEAN
    result = watched(session.setup, swapped(session.setup, session.grid, *SWAPS["left/right"]))
    assert [(kind, method) for kind, method, _ in result.heard()] == [("swap_found", "left/right")]


def test_feet_are_worn_too():
    """Their stands were once compared with a limit that they do not have."""
    plan = (*set_up_plan(), Squats(3), Stand(2.0))
    simulated = perform_activity(31, plan, segments=SEGMENTS[:7], loss=0.02, clock_ms=3.0)
    session = Session(simulated, simulated.recording.setup, grid_of(simulated.recording))
    assert watched(*worn(session)).heard() == CLEAN
    start, _ = session.repetitions()[1]
    slips = watched(session.setup, session.slipped("shank_right", start + 1.0, 5.0)).found("slip_found")
    assert [e.detail.split(":")[0] for e in slips] == ["right shin"]


def test_two_thighs_alone_are_told_apart_too():
    segments = ("thigh_left", "thigh_right")
    session = performing(31, "squat")
    columns = [[s.segment for s in session.setup.sensors].index(s) for s in segments]
    setup = Setup(tuple(SensorSetup(s, s, 100.0, "samples") for s in segments))
    for order, wanted in ((columns, "checked"), (columns[::-1], "swap found")):
        assert watched(setup, relabelled(session.grid, order)).watch.sides == wanted


def test_frames_kept_are_the_newest_forty_seconds():
    session = performing(31, "squat")
    buffer = FrameBuffer(100.0)
    for start in range(0, len(session.grid), 700):
        buffer.push(session.grid, start, min(start + 700, len(session.grid)))
    kept = buffer.since(0)
    assert kept is not None
    np.testing.assert_array_equal(kept.t_us, session.grid.t_us[-4000:])
    np.testing.assert_array_equal(kept.q, session.grid.q[-4000:])
