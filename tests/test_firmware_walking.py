"""The simulated walk against published curves, and against what any gait must obey."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.ndimage import binary_closing, binary_opening

from firmware_sim.activities import ActivityBody, Stand, Walk
from firmware_sim.activities.gait import HEEL, TOE
from firmware_sim.truth import truth
from imu.conventions import SIDES

DEG = np.pi / 180
PERCENT = np.arange(101) / 100.0
SEEDS = range(6)


class Strides:
    """Mean curves of the straight strides of one person, degrees over 0 to 100 % of the stride."""

    def __init__(self, seed: int) -> None:
        self.body = ActivityBody.performing(seed, (Stand(3.0), Walk(34.0), Stand(3.0)))
        t = np.arange(0.0, self.body.seconds, 0.005)
        self.t, self.angles = t, {label: values / DEG for label, values in truth(self.body, t).items()}
        self.stride_s = 120.0 / self.body.habits.cadence
        # well before the first turn, and past the first strides
        self.strikes = [
            (c.side, c.strike_s)
            for c in self.body.contacts
            if c.strike_s is not None and c.off_s is not None and 6.0 < c.strike_s < 9.0
        ]

    def mean(self, name: str, sign: float = 1.0) -> np.ndarray:
        """Over both legs; of a central angle, of the left leg's strides."""
        central = name in self.angles
        curves = [
            np.interp(at + PERCENT * self.stride_s, self.t, self.angles[name if central else f"{name}_{side}"])
            for side, at in self.strikes
            if side == "left" or not central
        ]
        return sign * np.mean(curves, axis=0)


@pytest.fixture(scope="module")
def people() -> list[Strides]:
    return [Strides(seed) for seed in SEEDS]


def test_peaks_are_those_of_normal_adults_within_their_spread(people):
    """Pinzone 2014, centre 1: mean ± SD of knee flexion; of the rest the published extremes. Hip angles are relative to a
    stand with 12° of anterior tilt, and adduction to one with the feet apart."""
    for p in people:
        knee = p.mean("knee_flexion")
        assert knee[0] == pytest.approx(5.5, abs=5.2)
        assert knee[5:25].max() == pytest.approx(19.5, abs=5.2)
        assert knee[40] == pytest.approx(6.8, abs=5.8)
        assert knee[55:90].max() == pytest.approx(60.4, abs=5.8)
        assert 68 <= knee.argmax() <= 76
        hip = p.mean("hip_flexion") + 12.0
        assert hip.max() == pytest.approx(37.5, abs=6.0)
        assert hip.min() == pytest.approx(-5.3, abs=6.0)
        adduction = p.mean("hip_adduction")
        assert adduction[:50].max() == pytest.approx(5.5 + 3.0, abs=3.5)
        assert adduction[50:80].min() < 0.0
        obliquity = p.mean("pelvis_obliquity", sign=-1.0)
        assert obliquity.max() == pytest.approx(4.3, abs=1.5)
        assert 8 <= obliquity.argmax() <= 24
        assert obliquity.min() == pytest.approx(-4.3, abs=1.5)
        ankle = p.mean("ankle_flexion")
        assert 58 <= ankle.argmin() <= 70
        assert ankle.min() == pytest.approx(-20.6, abs=8.0)


def test_the_mean_person_walks_the_mean_curve(people):
    """Within 3° rms of the published points of the knee."""
    at = np.array([0, 6, 12, 20, 30, 40, 50, 60, 66, 72, 80, 90, 100])
    wanted = np.array([5.5, 14.3, 19.5, 16.8, 10.8, 6.8, 11.6, 34.2, 52.6, 60.4, 50.5, 18.8, 5.0])
    mean = np.mean([p.mean("knee_flexion") for p in people], axis=0)
    assert np.sqrt(((mean[at] - wanted) ** 2).mean()) < 3.0


def test_speed_and_step_are_those_of_adults(people):
    for p in people:
        first, last = p.strikes[0][1], p.strikes[-1][1]
        path = p.body.pose("pelvis", np.array([first, last])).origin
        speed = np.linalg.norm(path[1] - path[0]) / (last - first)
        assert 1.0 < speed < 1.6
        assert 98.0 < 60.0 * (len(p.strikes) - 1) / (last - first) < 126.0
        rows = (p.t > first) & (p.t < last)
        height = p.body.pose("pelvis", p.t[rows]).origin[:, 2]
        assert 0.02 < np.ptp(height) < 0.06


def on_the_floor(body, side, t):
    """A heel or the ball of a foot is within 4 mm of the floor."""
    foot = body.pose(f"foot_{side}", t)
    low = [foot.origin + foot.rotation @ np.array([ahead, -body.person.ankle_height, 0.0]) for ahead in (HEEL, TOE)]
    return np.minimum(low[0][:, 2], low[1][:, 2]) < 0.004


def test_steps_and_strides_add_up(people):
    """What any gait must obey, found in the motion of the feet and not in the plan."""
    for p in people:
        t = np.arange(5.6, 9.6, 0.002)
        strikes, offs, standing = {}, {}, {}
        for side in SIDES:
            # a toe that brushes the floor in mid-swing does not stand on it
            down = binary_closing(binary_opening(on_the_floor(p.body, side, t), np.ones(100)), np.ones(60))
            standing[side] = down[(t > 5.8) & (t < 5.8 + 3.0 * p.stride_s)]
            edges = np.diff(down.astype(int))
            edges[(t[1:] < 5.8) | (t[1:] > 9.4)] = 0  # what the ends of the window make
            strikes[side], offs[side] = t[1:][edges == 1], t[1:][edges == -1]
        assert len(strikes["left"]) >= 3
        stride = np.diff(strikes["left"])
        np.testing.assert_allclose(stride, p.stride_s, atol=0.03)
        for at, end in pairwise(strikes["left"]):
            right = strikes["right"][strikes["right"] > at][0]
            # the two steps sum to the stride, the other foot strikes at its middle
            assert (right - at) / (end - at) == pytest.approx(0.5, abs=0.03)
        stances = [off - strikes[s][strikes[s] < off][-1] for s in SIDES for off in offs[s] if off > strikes[s][0]]
        swings = [strikes[s][strikes[s] > off][0] - off for s in SIDES for off in offs[s] if off < strikes[s][-1]]
        stance, swing = np.mean(stances) / p.stride_s, np.mean(swings) / p.stride_s
        assert stance + swing == pytest.approx(1.0, abs=0.02)
        assert 0.57 < stance < 0.68
        both = np.mean(standing["left"] & standing["right"])
        assert both == pytest.approx(2.0 * stance - 1.0, abs=0.02)


def test_turns_bring_the_person_back_and_leave_any_facing():
    ends = []
    for seed in range(4):
        body = ActivityBody.performing(seed, (Stand(2.0), Walk(40.0), Stand(2.0)))
        t = np.arange(2.0, body.seconds, 0.05)
        facing = body.facing(t)
        x = body.pose("pelvis", t).origin[:, 0]
        assert x.max() < 14.0
        assert np.ptp(facing) > 150.0 * DEG
        assert facing.max() < 220.0 * DEG
        ends.append(facing[-1])
        # relative to the last stand, which for the last second is the new one
        rotation = truth(body, np.array([1.5, body.seconds - 0.3]))["pelvis_rotation"]
        assert np.abs(rotation).max() < 3.0 * DEG
    assert np.ptp(ends) > 3.0 * DEG


def test_the_walk_begins_with_the_foot_that_is_asked_for():
    for side in SIDES:
        body = ActivityBody.performing(2, (Stand(2.0), Walk(10.0, first=side), Stand(1.0)))
        assert body.performed[1].repetitions[0].side == side
        t = np.array([2.0, body.performed[1].repetitions[0].deepest_s])
        moved = {s: np.ptp(body.leg(s, t).ankle[0]) for s in SIDES}
        assert moved[side] > 0.3 > moved["left" if side == "right" else "right"]
