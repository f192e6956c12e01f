"""The error of a change: what cancels between two poses, and what a rule makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from drill_motions import SETUP, drill_of
from feedback_frames import DEG
from reference import drills_twin

from imu.feedback import compensations, difference, stream
from imu.feedback.drill_metrics import Compensation
from imu.feedback.quantities import quantities, rules_of
from imu.feedback.records import DOWN, PARAMS, REPORT, TOP
from imu.packets import Quality

FRONT = 9.0 * DEG
"""1σ of where the front of the pelvis is."""
PASSING = 0.6 * DEG


def lean(degrees):
    """Forward component of up of a pelvis that is tipped."""
    return np.sin(np.asarray(degrees) * DEG)


@pytest.mark.parametrize(("start", "end"), [(0, 70), (90, 60), (35, 40), (10, 10)])
def test_two_sigma_of_a_change_hold_nineteen_of_twenty(start, end):
    """The front is off by one angle for the whole session; the roll is read from a frame that is turned by it."""
    rng = np.random.default_rng(4)
    n = 4000
    off, roll = FRONT / 3.0 * rng.normal(size=n), 5.0 * DEG * rng.normal(size=n)
    noise = PASSING * rng.normal(size=(2, n))

    def read(tilt, true_roll):
        up = np.array([np.sin(tilt * DEG) * np.cos(true_roll), np.cos(tilt * DEG) * np.cos(true_roll), np.sin(true_roll)])
        return np.arcsin(up[2] * np.cos(off) + up[0] * np.sin(off))

    error = read(end, roll) + noise[1] - (read(start, np.zeros(n)) + noise[0]) - roll
    total = [np.hypot(FRONT / 3.0 * lean(tilt), PASSING) for tilt in (start, end)]
    steady = np.zeros((2, 1, 4))
    steady[:, 0, 0] = FRONT / 3.0 * lean([start, end])
    sigma = np.array(total)[:, None]
    then = difference.passing(0, 0, sigma, steady)
    found = difference.since(1, 0, sigma, steady, steady[0, 0].copy(), then)
    assert found == pytest.approx(drills_twin.sigma_of_change(steady[0, 0], steady[1, 0], (PASSING, PASSING)))
    inside = np.mean(np.abs(error) < 2.0 * found)
    assert 0.935 < inside < 0.965


class Watched:
    """The watch of one rule of a pelvis that tips in every repetition, frame by frame."""

    def __init__(self, lying: bool = False) -> None:
        rule = Compensation("drop", "pelvis_drop", 7.0, "Level", against="start", dwell_ms=0.0)
        rows, _ = quantities(drill_of("hip_hinge", metrics=(), compensations=(rule,)), SETUP, None)
        self.row = next(i for i, row in enumerate(rows) if row.name == "drop_left")
        self.rules, self.state = rules_of(rows), stream.StreamState.fresh(64, len(rows))
        self.params, self.reports, self.t = np.zeros(1, PARAMS), np.zeros(64, REPORT), 0
        self.params["period_us"], self.params["dead_band"] = 10_000, 1.0
        self.tilts = (90.0, 65.0) if lying else (0.0, 70.0)

    def frame(self, value: float, tilt: float, flags: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        shape = 1, len(self.rules)
        steady = np.zeros((*shape, 4))
        steady[..., 0] = FRONT * lean(tilt)
        sigma = np.full(shape, np.hypot(FRONT * lean(tilt), PASSING))
        return np.full(shape, value * DEG), sigma, np.full(shape, flags, np.uint16), steady

    def rest(self, flags: int = 0) -> None:
        m = self.state.machine[0]
        m["state"], m["rate"] = TOP, 0.0
        for _ in range(100):
            frame = self.frame(0.0, self.tilts[0], flags)
            compensations.rest(0, *frame, self.params, self.state.machine, self.state.watched)

    def repetition(self, deep: float) -> set[int]:
        """Kinds of what is reported of the left side when it is `deep` degrees lower at the deepest."""
        self.rest()
        compensations.open_watch(self.state.watched)
        m, kinds = self.state.machine[0], set()
        m["state"], m["t_up"] = DOWN, -1
        for share in np.r_[np.linspace(0, 1, 21), np.linspace(1, 0, 21)[1:]]:
            self.t += 10_000
            m["t_us"], m["n"] = self.t, m["n"] + 1
            m["i_peak"] = m["n"] - 1 if share == 1.0 else m["i_peak"]
            frame = self.frame(share * deep, self.tilts[0] + share * (self.tilts[1] - self.tilts[0]), 0)
            k = compensations.step(0, *frame, self.rules, self.state.machine, self.state.watched, self.reports, 0)
            kinds |= {int(r["kind"]) for r in self.reports[:k] if r["detail"] == self.row}
        compensations.close(self.rules, self.state.watched)
        return kinds


FOUND, UNKNOWN = {compensations.COMPENSATION}, {compensations.COMPENSATION_UNKNOWN}


def test_who_lies_is_judged_at_once():
    """σ of the obliquity is 9° on the back, that of its change 1.2°."""
    watched = Watched(lying=True)
    assert watched.repetition(9.0) == FOUND
    assert watched.repetition(5.0) == set()


def test_who_stood_is_judged_by_the_repetitions_before():
    watched = Watched()
    assert watched.repetition(11.0) == UNKNOWN  # an error of the front as likely as a fault
    assert watched.repetition(2.0) == set()
    assert watched.repetition(11.0) == FOUND
    assert watched.repetition(8.0) == set()  # 6° more than the best one


def test_a_repetition_in_order_after_a_faulty_one_is_not_the_opposite_fault():
    watched = Watched()
    watched.repetition(-12.0)
    assert watched.repetition(0.0) == set()


def test_an_error_of_the_front_is_no_fault_however_often_it_comes():
    watched = Watched()
    assert [watched.repetition(10.0 + 0.5 * (i % 2)) & FOUND for i in range(5)] == 5 * [set()]


@pytest.mark.parametrize("flag", [Quality.SLIPPED, Quality.NOT_CALIBRATED])
def test_what_was_seen_before_a_sensor_moved_counts_no_more(flag):
    watched = Watched()
    watched.repetition(0.0)
    watched.rest(int(flag))
    assert watched.repetition(11.0) == UNKNOWN
