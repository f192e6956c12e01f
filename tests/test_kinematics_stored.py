"""A calibration that is kept, one that is used again another day, and one sensor that is calibrated anew."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from calibration_people import Evidence, searched, wearing
from kinematics_bodies import DEG, kinds, part_of
from scipy.spatial.transform import Rotation

from firmware_sim.activities import March, Squats, Stand
from imu.conventions import CORE_SEGMENTS
from imu.errors import CalibrationError, ConfigError
from imu.fusion.grid import GridBlock
from imu.kinematics.calibration import CalibrationSearch, from_json, to_json

SET_UP = (Stand(4.0), March(), Stand(3.0))


@pytest.fixture(scope="module")
def yesterday():
    worn = wearing(2, SET_UP, CORE_SEGMENTS)
    calibration = searched(worn)[0].calibration
    assert calibration is not None
    return worn, calibration


@pytest.fixture(scope="module")
def today():
    """The same person and mounting; other headings."""
    return wearing(2, SET_UP, CORE_SEGMENTS, heading_seed=5)


def turned_on_the_limb(worn, segment, angle):
    """The grid with one sensor turned on its limb about a level axis."""
    j, g = worn.segments.index(segment), worn.grid
    turn = Rotation.from_matrix(worn.mounting[segment].as_matrix()).inv() * Rotation.from_rotvec([angle, 0.0, 0.0])
    turn = turn * worn.mounting[segment]
    q, gyr, acc = g.q.copy(), g.gyr.copy(), g.acc.copy()
    q[:, j] = (Rotation.from_quat(q[:, j], scalar_first=True) * turn).as_quat(scalar_first=True)
    gyr[:, j], acc[:, j] = turn.inv().apply(gyr[:, j]), turn.inv().apply(acc[:, j])
    return GridBlock(g.t_us, q, gyr, acc, g.flags)


class TestText:
    def test_holds_everything(self, yesterday):
        _, calibration = yesterday
        assert from_json(to_json(calibration)) == calibration

    def test_holds_what_is_not_calibrated(self):
        worn = wearing(0, (Stand(4.0), March(), Stand(3.0)), CORE_SEGMENTS)
        calibration = searched(worn, sigma=None)[0].calibration
        assert calibration is not None
        assert calibration.of("pelvis").q_sensor_segment is None
        again = from_json(to_json(calibration))
        assert str(again) == str(calibration)
        assert np.isnan(again.joint("thigh_left").delta)
        assert again.joint("shank_left") == calibration.joint("shank_left")

    @pytest.mark.parametrize(
        "damage",
        [
            lambda d: d.pop("segments"),
            lambda d: d.update(version=99),
            lambda d: d["segments"][0].update(q_sensor_segment=[1.0, 1.0, 0.0, 0.0]),
            lambda d: d["segments"][0].update(axis_sigma="wide"),
            lambda d: d["segments"][0].update(colour="red"),
            lambda d: d.update(stand_us=[1]),
        ],
    )
    def test_that_is_damaged_is_an_error_that_says_what_to_do(self, yesterday, damage):
        d = json.loads(to_json(yesterday[1]))
        damage(d)
        with pytest.raises(CalibrationError, match="calibrate anew"):
            from_json(json.dumps(d))

    def test_that_is_no_text_of_ours(self):
        for text in ("", "[]", "{", "null"):
            with pytest.raises(CalibrationError):
                from_json(text)


class TestUsedAgain:
    def test_holds_from_the_stand_on(self, yesterday, today):
        search, events, history = searched(today, stored=yesterday[1])
        assert kinds(events) == ["stand_found", "calibrated"]
        assert events[1].method == "stored"
        assert history[-1][0] == 200  # two seconds
        for segment in CORE_SEGMENTS:
            then, now = yesterday[1].of(segment), search.calibration.of(segment)
            assert now.score == then.score
            turn = then.frame.T @ now.frame
            assert np.arccos(np.clip(0.5 * (np.trace(turn) - 1.0), -1, 1)) < 3 * DEG
            # today's stand is zero
            stand = today.segment_to_earth[segment][50:150].mean() * today.mounting[segment]
            assert (stand.as_matrix() @ now.frame)[2, 1] > np.cos(0.5 * DEG)
        assert "stored" in str(search.calibration)

    def test_knows_the_headings_of_today(self, yesterday, today):
        search, _, _ = searched(today, sigma=None, stored=yesterday[1])
        for joint in search.calibration.joints:
            error = np.angle(np.exp(1j * (joint.delta - today.delta(joint.proximal, joint.distal))))
            assert abs(error) < 12 * DEG
            assert joint.sigma == pytest.approx(5 * DEG)

    def test_marks_a_sensor_that_is_turned_a_little(self, yesterday, today):
        grid = turned_on_the_limb(today, "shank_right", 6 * DEG)
        search, _, _ = searched(today, stored=yesterday[1], grid=grid)
        marked = search.calibration.of("shank_right")
        assert marked.q_sensor_segment is not None
        assert "turned by" in marked.reason
        assert "redo" in marked.remedy
        assert marked.score < yesterday[1].of("shank_right").score
        assert marked.axis_sigma > yesterday[1].of("shank_right").axis_sigma

    def test_refuses_one_that_sits_elsewhere_and_calibrates_it_by_the_movement(self, yesterday, today):
        grid = turned_on_the_limb(today, "shank_right", 25 * DEG)
        search, events, history = searched(today, stored=yesterday[1], grid=grid)
        assert kinds(events) == ["stand_found", "calibrated", "segment_calibrated"]
        assert "not calibrated: shank_right" in events[1].detail
        refused = next(c for _, c in history if c is not None).of("shank_right")
        assert refused.q_sensor_segment is None
        assert "turned by 25°" in refused.reason
        found = search.calibration.of("shank_right")
        # its frame, seen from the sensor that is turned, is turned back
        other = searched(today)[0].calibration.of("shank_right")
        turn = Rotation.from_matrix(found.frame.T @ other.frame).magnitude()
        assert turn == pytest.approx(25 * DEG, abs=6 * DEG)

    def test_wants_the_same_sensor(self, yesterday, today):
        segments = tuple(
            replace(s, sensor="another") if s.segment == "thigh_left" else s for s in yesterday[1].segments
        )
        _, _, history = searched(today, stored=replace(yesterday[1], segments=segments))
        first = next(c for _, c in history if c is not None).of("thigh_left")
        assert first.q_sensor_segment is None
        assert "another sensor" in first.reason

    def test_is_left_alone_where_nothing_fits(self, yesterday):
        """Everything strapped on anew: the movement is wanted, as without it."""
        anew = wearing(2, SET_UP, CORE_SEGMENTS, mounting_seed=9)
        search, events, _ = searched(anew, stored=yesterday[1])
        assert kinds(events)[:2] == ["stand_found", "calibration_refused"]
        assert "does not fit this stand" in events[1].detail
        assert kinds(events)[-1] == "calibrated"
        assert search.calibration.kind == "march"

    def test_does_not_depend_on_how_frames_are_grouped(self, yesterday, today):
        grid = turned_on_the_limb(today, "shank_right", 25 * DEG)
        whole, events, _ = searched(today, stored=yesterday[1], grid=grid)
        pieces, events_of_pieces, _ = searched(today, stored=yesterday[1], grid=grid, frames=17)
        assert pieces.calibration == whole.calibration
        assert events_of_pieces == events


@pytest.fixture(scope="module")
def worn():
    return wearing(4, (*SET_UP, Squats(2), Stand(3.0), March(), Stand(2.0)), CORE_SEGMENTS)


class TestRedo:
    def test_takes_the_sensor_away_and_gives_it_back(self, worn):
        once, _, _ = searched(worn)
        search, events, history = searched(worn, redo=[("shank_left", 12_500_000)], frames=50)
        assert kinds(events) == ["stand_found", "movement_found", "calibrated", "segment_redo", "segment_calibrated"]
        assert events[3].t_us == 12_500_000
        assert events[3].side == "left"
        frame, without = next((row, c) for row, c in history if c is not None and c.of("shank_left").frame is None)
        assert frame == 1250
        assert "anew" in without.of("shank_left").reason
        assert without.of("shank_left").remedy
        assert np.isnan(without.joint("shank_left").delta)
        for segment in CORE_SEGMENTS:
            if segment != "shank_left":
                assert search.calibration.of(segment) == once.calibration.of(segment)
        again, before = search.calibration.of("shank_left"), once.calibration.of("shank_left")
        assert Rotation.from_matrix(again.frame.T @ before.frame).magnitude() < 6 * DEG
        assert search.calibration.joint("shank_left").sigma < 10 * DEG
        assert not search.open

    def test_does_not_depend_on_how_frames_are_grouped(self, worn):
        # the request comes with the same frame, wherever the blocks end
        first, events, _ = searched(worn, redo=[("shank_left", 12_500_000)], frames=50)
        other, other_events, _ = searched(worn, redo=[("shank_left", 12_500_000)], frames=77)
        assert other.calibration == first.calibration
        assert other_events == events

    def test_works_after_given_windows(self, worn):
        search, events, _ = searched(
            worn, redo=[("thigh_right", 12_500_000)], frames=50, stand_s=(1.0, 3.0), movement_s=(4.0, 10.0)
        )
        assert kinds(events)[-2:] == ["segment_redo", "segment_calibrated"]
        assert all(s.q_sensor_segment is not None for s in search.calibration.segments)

    def test_of_nobody_is_an_error(self, worn):
        with pytest.raises(ConfigError, match="no sensor on 'foot_left'"):
            CalibrationSearch(worn.setup()).redo("foot_left", 0)

    @pytest.mark.parametrize("cut", [150, 640, 1230, 1600])
    def test_state_can_be_saved_and_restored_anywhere(self, worn, cut):
        whole, events, _ = searched(worn, redo=[("shank_left", 12_500_000)], frames=1200)
        search, parts = CalibrationSearch(worn.setup()), []
        borders = sorted({0, 1200, cut, len(worn.grid)})
        for start, stop in itertools.pairwise(borders):
            if start == cut:
                state, search = search.state(), CalibrationSearch(worn.setup())
                search.restore(state)
            if start == 1200:
                search.redo("shank_left", 12_500_000)
            grid, row = part_of(worn.grid, start, stop), 0
            while row < len(grid) and search.open:
                row, why = search.scan(grid, row)
                search.decide(why, Evidence(worn, search), parts)
        assert search.calibration == whole.calibration
        assert parts == events
