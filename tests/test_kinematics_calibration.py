"""Finding the stand and the guided movement: when it completes, what it refuses, and what it says about it."""

from __future__ import annotations

import numpy as np
import pytest
from kinematics_bodies import DEG, STANDING, Person, angle_deg, kinds, part_of, performed, run, setup, squats, turned
from scipy.spatial.transform import Rotation

from imu.conventions import ANGLES, CORE_SEGMENTS, angle_column
from imu.errors import ConfigError
from imu.kinematics import Body
from imu.packets import Quality

GUIDED_END_S = 11.5
"""The second guided squat of `Person` is over."""


def test_stand_then_movement_then_ready():
    person = Person()
    grid, body = person.grid(), Body(setup())
    assert (body.stage, body.calibration) == ("stand", None)
    assert "still" in body.instruction
    _, events = body.push(part_of(grid, 0, 300))
    assert kinds(events) == ["stand_found"]
    assert body.stage == "movement"
    assert "squats" in body.instruction
    _, events = body.push(part_of(grid, 300, 1300))
    assert kinds(events) == ["movement_found", "calibrated"]
    assert (body.stage, body.instruction) == ("ready", "")
    for event in events:
        assert event.t_us <= event.t_emitted_us
        assert event.t_emitted_us < (GUIDED_END_S + 1.0) * 1e6


def test_calibration_reads_well_and_names_every_sensor():
    _, _, body = performed(Person())
    calibration = body.calibration
    assert calibration is not None
    assert calibration.cycles == 2
    assert calibration.stand_us[1] <= 5.2e6
    assert 5e6 < calibration.movement_us[0] < calibration.movement_us[1] < (GUIDED_END_S + 1) * 1e6
    lines = str(calibration).splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("stand ")
    for segment in CORE_SEGMENTS:
        found = calibration.of(segment)
        assert found is not None
        assert found.word == "good"
        assert found.score >= 90
        assert 3 * DEG < found.axis_sigma < 6.5 * DEG
        assert found.stand_acc == pytest.approx(9.80665, abs=1e-6)
    assert calibration.of("trunk") is None


@pytest.mark.parametrize("mounting_seed", [1, 2, 3, 4])
def test_frames_are_found_for_any_mounting(mounting_seed):
    person = Person(mounting_seed=mounting_seed)
    _, _, body = performed(person)
    assert body.calibration is not None
    for found in body.calibration.segments:
        q = found.q_sensor_segment
        assert q is not None
        # the person's mounting is R_segment_sensor
        error = person.mounting[found.segment] * Rotation.from_quat(q, scalar_first=True)
        assert error.magnitude() < 0.3 * DEG


def test_before_the_calibration_everything_is_unknown_and_says_so():
    frames, events, _ = performed(Person())
    done = next(e.t_us for e in events if e.kind == "calibrated")
    before = frames.t_us <= done
    assert np.isnan(frames.angle[before]).all()
    assert np.isnan(frames.q_earth_segment[before]).all()
    assert (frames.flags[before] & int(Quality.NOT_CALIBRATED)).all()
    worn = [angle_column(*key) for key in ANGLES if not key[0].startswith("ankle")]
    assert np.isfinite(frames.angle[~before][:, worn]).all()
    assert (frames.flags[~before][:, worn] == 0).all()


def test_who_sat_first_is_not_calibrated_as_standing():
    """A quiet run in another pose later replaces the first one: sitting, strapping, sensors on a table."""

    def first_sitting(person: Person) -> None:
        for segment in ("thigh_left", "thigh_right"):
            sitting = turned(np.where(person.t < 4.0, 80 * DEG, 0.0) * np.clip(4.0 - person.t, 0, 0.5) / 0.5)
            person.away[segment] = person.away[segment] * sitting

    person = Person(guided=(9.0, 12.5), seconds=20.0)
    first_sitting(person)
    frames, events, body = performed(person)
    assert kinds(events).count("stand_found") == 2
    assert body.calibration is not None
    assert body.calibration.stand_us[0] > 4e6
    assert abs(angle_deg(frames, "knee_flexion", "left")[-1]) < 0.3


def test_a_pause_between_the_guided_squats_does_not_restart_the_movement():
    _, events, body = performed(Person(guided=(5.0, 12.0), seconds=20.0))
    assert kinds(events) == ["stand_found", "movement_found", "calibrated"]
    assert body.calibration is not None
    assert body.calibration.cycles == 2


def test_shifting_about_before_the_movement_does_not_count():
    """Weight shifts of 15° about other axes, then quiet again: the axis comes from the squats alone."""
    person = Person(guided=(12.0, 15.5), seconds=24.0)
    shift = squats(person.t, (5.0, 7.0), down_s=0.8)
    for segment in person.segments:
        person.away[segment] = person.away[segment] * turned(0.0, 6 * DEG * shift, 30 * DEG * shift)
    _, _, body = performed(person)
    assert body.calibration is not None
    assert min(found.score for found in body.calibration.segments) >= 90


def test_a_recording_that_starts_just_before_the_first_move_is_calibrated_from_the_short_stand():
    grid = Person(guided=(5.0, 8.5, 12.0, 15.5), seconds=24.0).grid()
    frames, events, body = run(part_of(grid, 400, len(grid)), setup())
    assert body.calibration is not None
    assert kinds(events) == ["stand_found", "movement_found", "calibrated"]
    assert (body.calibration.stand_us[1] - body.calibration.stand_us[0]) < 1.5e6
    assert any("stood only" in found.reason for found in body.calibration.segments)
    assert abs(angle_deg(frames, "knee_flexion", "left")[-1]) < 0.5


def test_marching_calibrates_too():
    """Knee lifts, one leg after the other; the pelvis hardly moves and is left out with the reason."""
    person = Person(guided=())
    for side, starts in (("left", (5.0, 8.0)), ("right", (6.5, 9.5))):
        lift = squats(person.t, starts, down_s=0.7)
        person.away[f"thigh_{side}"] = turned(70 * DEG * lift)
        person.away[f"shank_{side}"] = turned(-25 * DEG * lift)
    frames, _, body = performed(person)
    assert body.calibration is not None
    pelvis = body.calibration.of("pelvis")
    assert pelvis is not None
    assert pelvis.q_sensor_segment is None
    assert "hardly moved" in pelvis.reason
    assert "pelvis" in str(body.calibration)
    assert np.isnan(angle_deg(frames, "hip_flexion", "left")).all()
    assert np.isnan(angle_deg(frames, "pelvis_tilt")).all()
    assert np.isfinite(angle_deg(frames, "knee_flexion", "left")[-1])


def test_who_sits_leaning_back_has_the_pelvis_the_right_way_round():
    """Sitting down leans it forward for a moment, sitting leans it back for long: only the moment counts."""
    person = Person(guided=(), seconds=20.0)
    sits = squats(person.t, (5.0, 9.0), down_s=1.0) ** 0.5
    for side in ("left", "right"):
        person.away[f"thigh_{side}"] = turned(80 * DEG * sits)
        person.away[f"shank_{side}"] = turned(-20 * DEG * sits)
    forward = 50 * DEG * sits * (1.0 - sits) ** 0.5 - 22 * DEG * np.clip(4.0 * sits - 3.0, 0.0, 1.0)
    person.away["pelvis"] = turned(-forward)
    frames, _, body = performed(person)
    assert body.calibration is not None
    q = body.calibration.of("pelvis").q_sensor_segment
    assert q is not None
    assert (person.mounting["pelvis"] * Rotation.from_quat(q, scalar_first=True)).magnitude() < 1 * DEG
    assert abs(angle_deg(frames, "pelvis_tilt")[-1]) < 0.3


def test_a_biased_accelerometer_is_refused_by_name():
    person = Person(segments=("thigh_right", "shank_right"))
    for segment in person.segments:
        person.acc_bias[segment] = person.mounting[segment].inv().apply([0.0, 5.0, 0.0])
    _, events, body = performed(person)
    assert kinds(events) == ["calibration_refused"]
    assert "thigh_right measures 14.8 m/s²" in events[0].detail
    assert "instead of 9.8" in events[0].detail
    assert body.stage == "stand"
    assert "right thigh" in body.instruction


def test_one_bad_sensor_leaves_the_others_their_calibration():
    person = Person()
    person.acc_bias["shank_left"] = np.array([0.0, 4.0, 3.0])
    frames, events, body = performed(person)
    assert kinds(events)[0] == "calibration_refused"
    assert "shank_left" in events[0].detail
    assert body.calibration is not None
    found = body.calibration.of("shank_left")
    assert found is not None
    assert found.q_sensor_segment is None
    assert np.isnan(angle_deg(frames, "knee_flexion", "left")).all()
    assert np.isfinite(angle_deg(frames, "knee_flexion", "right")[-1])
    assert np.isfinite(angle_deg(frames, "thigh_tilt", "left")[-1])


def test_movement_about_two_axes_is_refused_and_asked_for_again():
    """Legs are swung in circles: no axis. After a proper movement the same stand still serves."""
    person = Person(guided=(14.0, 17.5), seconds=24.0)
    circling = (person.t > 5.0) & (person.t < 11.0)
    phase = 2 * np.pi * (person.t - 5.0) / 2.0
    for segment in ("thigh_left", "thigh_right"):
        size = 30 * DEG * circling
        circles = Rotation.from_rotvec(np.stack([size * np.sin(phase), 0 * phase, size * (1 - np.cos(phase))], axis=1))
        person.away[segment] = circles * person.away[segment]
    _, events, body = performed(person)
    assert kinds(events) == ["stand_found", "calibration_refused", "movement_found", "calibrated"]
    assert "thigh_left: moved about more than one axis" in events[1].detail
    assert body.calibration is not None
    assert body.calibration.movement_us[0] > 12e6
    assert min(found.score for found in body.calibration.segments) >= 90


def test_after_a_refusal_the_person_is_asked_once_more():
    person = Person(squat=(45 * DEG, 0.0, 12 * DEG), seconds=14.0)
    grid, body = person.grid(), Body(setup())
    _, events = body.push(grid)
    assert kinds(events) == ["stand_found", "calibration_refused"]
    assert "shank_left: hardly moved" in events[1].detail
    assert body.stage == "movement"
    assert body.instruction.startswith("Once more")


def test_a_segment_that_cannot_be_calibrated_does_not_hold_up_the_others_for_ever():
    """Shins that do not lean (squats on a leg press): taken without them after two refusals."""
    person = Person(squat=(45 * DEG, 0.0, 12 * DEG), guided=(5.0, 8.5, 12.0, 15.5, 19.0, 22.5), seconds=28.0)
    frames, events, body = performed(person)
    assert kinds(events).count("calibration_refused") == 2
    assert body.calibration is not None
    assert "shank_left" in body.calibration.summary.split("not calibrated")[1]
    assert np.isfinite(angle_deg(frames, "thigh_tilt", "left")[-1])
    assert np.isnan(angle_deg(frames, "knee_flexion", "left")).all()


def test_a_sensor_that_never_comes_is_waited_for_and_then_left_out():
    person = Person()
    person.flags[:, person.segments.index("shank_left")] = int(Quality.STALE | Quality.GAP)
    frames, events, body = performed(person)
    assert body.calibration is not None
    assert events[0].t_emitted_us > 4.5e6
    left_out = body.calibration.of("shank_left")
    assert left_out is not None
    assert "no data" in left_out.reason
    assert np.isnan(angle_deg(frames, "knee_flexion", "left")).all()
    assert np.isfinite(angle_deg(frames, "knee_flexion", "right")[-1])


class TestASensorThatComesLate:
    """The set goes on with the others; it is calibrated from a rest and the repetitions after it."""

    STARTS = tuple(13.5 + 4.0 * k for k in range(8))

    def person(self, first: float, last: float) -> Person:
        person = Person(guided=(5.0, 8.5, *self.STARTS), seconds=48.0)
        silent = (person.t >= first) & (person.t < last)
        person.flags[silent, person.segments.index("shank_left")] = int(Quality.STALE | Quality.GAP)
        return person

    @pytest.mark.parametrize(("first", "last"), [(0.0, 15.0), (5.5, 11.0)])
    def test_is_calibrated_then(self, first, last):
        frames, events, body = performed(self.person(first, last))
        assert kinds(events) == ["stand_found", "movement_found", "calibrated", "segment_calibrated"]
        assert next(e.t_us for e in events if e.kind == "calibrated") < 12.5e6
        late = next(e for e in events if e.kind == "segment_calibrated")
        assert late.side == "left"
        assert "shank_left" in late.detail
        assert body.calibration is not None
        assert all(found.q_sensor_segment for found in body.calibration.segments)
        known = np.isfinite(angle_deg(frames, "knee_flexion", "left"))
        np.testing.assert_array_equal(known, frames.t_us > late.t_us)
        np.testing.assert_allclose(
            angle_deg(frames, "knee_flexion", "left")[known], angle_deg(frames, "knee_flexion", "right")[known], atol=1.0
        )
        assert f"at {late.t_us / 1e6:.1f} s" in str(body.calibration)

    def test_does_not_depend_on_how_frames_are_grouped(self):
        person = self.person(0.0, 15.0)
        grid = person.grid()
        whole, events, _ = run(grid, setup())
        pieces, events_of_pieces, _ = run(grid, setup(), 7)
        np.testing.assert_array_equal(pieces.angle, whole.angle)
        assert events_of_pieces == events

    def test_is_not_calibrated_by_a_rest_in_another_pose(self):
        """The person sits down for a while, and bounces the leg: that is not the stand."""

        person = Person(seconds=48.0)
        j = person.segments.index("shank_left")
        person.flags[person.t < 15.0, j] = int(Quality.STALE | Quality.GAP)
        sits = np.clip(person.t - 14.0, 0.0, 1.0)
        bounce = squats(person.t, tuple(20.0 + 3.0 * k for k in range(8)), down_s=0.8)
        for side in ("left", "right"):
            person.away[f"thigh_{side}"] = person.away[f"thigh_{side}"] * turned(80 * DEG * sits)
            person.away[f"shank_{side}"] = person.away[f"shank_{side}"] * turned(-30 * DEG * bounce)
        _, events, body = performed(person)
        assert kinds(events) == ["stand_found", "movement_found", "calibrated"]
        assert body.calibration is not None
        found = body.calibration.of("shank_left")
        assert found is not None
        assert found.q_sensor_segment is None


def test_feet_and_trunk_are_worn_but_not_needed():
    person = Person(segments=("thigh_left", "shank_left", "foot_left", "trunk"))
    frames, _, body = performed(person)
    assert body.calibration is not None
    assert "no angle" in str(body.calibration)
    assert np.isfinite(angle_deg(frames, "knee_flexion", "left")[-1])
    assert np.isnan(frames.q_earth_segment[:, 2:]).all()


class TestGivenWindows:
    def test_are_used(self):
        _, events, body = performed(Person(), stand_s=(1.0, 3.0), movement_s=(4.5, 12.0))
        assert kinds(events) == ["stand_found", "movement_found", "calibrated"]
        assert body.calibration is not None
        assert body.calibration.stand_us == (1_000_000, 3_000_000)
        assert body.calibration.movement_us == (4_500_000, 12_000_000)

    def test_give_the_same_frames_as_the_search(self):
        found, _, _ = performed(Person())
        given, _, _ = performed(Person(), stand_s=(1.0, 3.0), movement_s=(4.5, 12.0))
        np.testing.assert_allclose(given.angle[-500:], found.angle[-500:], atol=0.1 * DEG)

    def test_of_the_stand_alone(self):
        _, _, body = performed(Person(), stand_s=(1.0, 3.0))
        assert body.calibration is not None
        assert body.calibration.stand_us == (1_000_000, 3_000_000)

    def test_of_the_movement_alone(self):
        _, _, body = performed(Person(), movement_s=(4.5, 12.0))
        assert body.calibration is not None
        assert body.calibration.movement_us == (4_500_000, 12_000_000)

    @pytest.mark.parametrize(
        ("windows", "words"),
        [
            ({"stand_s": (5.0, 7.0)}, "moved in stand_s"),
            ({"stand_s": (1.0, 1.2)}, "holds 0.20 s of data"),
            ({"stand_s": (30.0, 32.0)}, ""),
            ({"stand_s": (1.0, 3.0), "movement_s": (3.0, 4.5)}, "hardly moved"),
            ({"movement_s": (0.0, 1.0)}, "no quiet stand"),
        ],
    )
    def test_are_refused_with_the_reason(self, windows, words):
        _, events, body = performed(Person(), **windows)
        assert body.calibration is None
        refused = [e.detail for e in events if e.kind == "calibration_refused"]
        assert len(refused) == (1 if words else 0)
        assert all(words in detail for detail in refused)

    def test_in_the_wrong_order_are_an_error(self):
        with pytest.raises(ConfigError, match="movement_s"):
            Body(setup(stand_s=(5.0, 7.0), movement_s=(1.0, 4.0)))


def test_segments_face_one_way_at_the_stand():
    """Every sensor has its own heading; afterwards all segments stand and face along the earth's x."""
    frames, _, body = performed(Person())
    assert body.calibration is not None
    last = Rotation.from_quat(frames.q_earth_segment[-1], scalar_first=True)
    assert ((STANDING.inv() * last).magnitude() < 0.3 * DEG).all()
