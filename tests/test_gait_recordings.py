"""Gait events of recorded people: feet against labels, shanks against the foot of the same leg, squats.

Constants were chosen on the labelled feet, the stroke and the squat recordings; not on the person at 204.8 Hz nor on the
one with feet, shanks and thighs. Some labels contradict the sensors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from gait_walks import events_of, grid_of, matched
from shared_data import DATA

from imu import Recording, Samples
from imu.accelerometers import with_corrected_accelerometers
from imu.conventions import SIDES
from imu.fusion.grid import GridBlock
from imu.kinematics.gait import strides_of
from imu.outputs import Event

pytestmark = pytest.mark.validation
KINDS = ("foot_off", "initial_contact")
FEET = sorted((DATA / "gait_feet_lowback").glob("s*.npz"))
STROKE = sorted((DATA / "gait_shank_stroke").glob("*.npz"))
SQUATS = sorted((DATA / "squats").glob("*.npz"))


def samples(data, packet: str, name: str, zero: int = 0) -> Samples:
    """By the counter of the packets, which are 10 ms apart; it wraps. `zero`: its value at time 0."""
    count = np.unwrap(data[packet].astype(float), period=65536).round().astype(np.int64)
    keep = np.concatenate([[True], np.diff(np.maximum.accumulate(count)) > 0])
    gyr, acc = (data[f"{what}_{name}"][keep].astype(float) for what in ("gyr", "acc"))
    return Samples((count[keep] - zero) * 10_000, gyr, acc)


def corrected(recording: Recording) -> Recording:
    """Accelerometers that are wrong at rest by 0.5 m/s² and more are refused otherwise: 19 left feet of 46."""
    return replace(recording, setup=with_corrected_accelerometers(recording, recording.setup))


def of_recording(worn: dict[str, Samples]) -> tuple[Event, ...]:
    return events_of(tuple(worn), grid_of(corrected(Recording.from_samples(worn))))


class Score:
    """Matched one to one; errors in ms, + = late."""

    def __init__(self) -> None:
        self.true, self.found, self.errors = 0, 0, list[float]()

    def add(self, found: np.ndarray, true: np.ndarray, within_us: float) -> None:
        self.true += len(true)
        self.found += len(found)
        error = matched(found, true, within_us)
        self.errors += (error[~np.isnan(error)] / 1e3).tolist()

    @property
    def recall(self) -> float:
        return len(self.errors) / self.true

    @property
    def precision(self) -> float:
        return len(self.errors) / self.found

    @property
    def extra(self) -> float:
        return (self.found - len(self.errors)) / self.true

    def percentile(self, share: float, of: Callable[[np.ndarray], np.ndarray] = np.asarray) -> float:
        return float(np.percentile(of(np.array(self.errors)), share))


def times(events: tuple[Event, ...], kind: str, side: str) -> np.ndarray:
    return np.array([e.t_us for e in events if e.kind == kind and e.side == side], float)


@pytest.fixture(scope="module")
def feet() -> dict[str, Score]:
    """By kind of event."""
    scores = {kind: Score() for kind in KINDS}
    for file in FEET:
        data = np.load(file)
        worn = {f"foot_{s}": samples(data, f"packet_foot_{s}", f"foot_{s}") for s in SIDES}
        events = of_recording(worn)
        low, high = data["trial_bounds"] * 10_000
        for column, kind in enumerate(KINDS):
            for side in SIDES:
                true = data[f"events_{side}"][:, column] * 10_000.0
                found = times(events, kind, side)
                near = found[(found >= low - 150_000) & (found <= high + 150_000)]
                scores[kind].add(near, true[(true >= low) & (true <= high)], 100_000)
    return scores


@pytest.mark.parametrize("kind", KINDS)
def test_feet_with_real_losses_against_labels(feet, kind):
    score = feet[kind]
    assert score.true == 1600
    assert score.recall >= 0.976
    assert score.precision >= 0.985
    assert abs(score.percentile(50)) <= 5.0
    assert score.percentile(95, np.abs) <= 50.0


@pytest.fixture(scope="module")
def stroke() -> list[dict[str, tuple[Event, ...]]]:
    people = []
    for file in STROKE:
        data = np.load(file)
        zero = int(data["packet_leftshank"][0])
        people.append({
            part: of_recording({f"{part}_{s}": samples(data, f"packet_{s}{part}", f"{s}{part}", zero) for s in SIDES})
            for part in ("shank", "foot")
        })  # fmt: skip
    return people


@pytest.mark.parametrize("kind", KINDS)
def test_shanks_of_people_after_a_stroke_against_their_feet(stroke, kind):
    score = Score()
    for person in stroke:
        for side in SIDES:
            score.add(times(person["shank"], kind, side), times(person["foot"], kind, side), 200_000)
    assert score.true > 400
    assert score.recall >= 0.992
    assert score.extra <= 0.012
    assert abs(score.percentile(50)) <= 10.0
    assert score.percentile(95) - score.percentile(5) <= 45.0


def test_strides_of_people_after_a_stroke_are_alike_from_both_sensors(stroke):
    """Stride times of shank and foot differ by less than 20 ms in the median; every stride obeys the identities."""
    for person in stroke:
        of = {part: {(s.side, s.t_end_us): s for s in strides_of(events)} for part, events in person.items()}
        pairs = []
        for (side, end), s in of["shank"].items():
            assert (s.t_off_us - s.t_start_us) + (s.t_end_us - s.t_off_us) == s.t_end_us - s.t_start_us
            near = [f for (other, t), f in of["foot"].items() if other == side and abs(t - end) < 100_000]
            if near and s.counts and near[0].counts:
                pairs.append((s.stride_s - near[0].stride_s, s.stance_share - near[0].stance_share))
        assert len(pairs) > 40
        assert np.median(np.abs(np.array(pairs)[:, 0])) < 0.02
        assert abs(np.median(np.array(pairs)[:, 1])) < 0.04


@pytest.mark.parametrize("faster", [1.0, 1.3])
@pytest.mark.parametrize("parts", [("shank",), ("shank", "thigh")])
def test_squats_are_no_steps(parts, faster):
    """20 sets of two people, as they were and played faster; fed past the check at rest, which would refuse the sensors."""
    assert len(SQUATS) == 20
    for file in SQUATS:
        data = np.load(file)
        ticks = (data["t_ms"] - data["t_ms"][0]) * 1000.0 / faster
        t_us = np.arange(0, int(ticks[-1]), 10_000)
        gyr, acc = (
            np.array([[np.interp(t_us, ticks, data[f"{x}_{p}"][:, a]) for a in range(3)] for p in parts]).transpose(2, 0, 1)
            for x in ("gyr", "acc")
        )
        for sides in (("right",), SIDES):
            names = [f"{p}_{s}" for s in sides for p in parts]
            n = len(sides)
            block = GridBlock(
                t_us, np.zeros((len(t_us), len(names), 4)),
                *(np.ascontiguousarray(np.tile(a, (1, n, 1))) for a in (gyr * faster, acc)),
                np.zeros((len(t_us), len(names)), np.uint16),
            )  # fmt: skip
            assert events_of(names, block) == (), (file.name, faster)


def test_a_person_of_whom_no_constant_was_chosen():
    """Feet at 204.8 Hz: every listed stride is found; the list has its own convention of the contact (26 ms earlier)."""
    data = np.load(DATA / "gait_feet_lowback" / "gaitmap_healthy_overground.npz")
    rate = float(data["fs"])
    t_us = np.round(np.arange(len(data["acc_foot_left"])) * 1e6 / rate).astype(np.int64)
    worn = {f"foot_{s}": Samples(t_us, *(data[f"{x}_foot_{s}"].astype(float) for x in ("gyr", "acc"))) for s in SIDES}
    events = of_recording(worn)
    for side in SIDES:
        listed = data[f"stride_events_{side}"] / rate * 1e6
        contact, off = (
            matched(times(events, kind, side), listed[:, column], 80_000) / 1e3
            for kind, column in (("initial_contact", 2), ("foot_off", 3))
        )
        assert not np.isnan(contact).any()
        assert not np.isnan(off).any()
        assert abs(np.median(off)) < 5.0
        assert np.ptp(np.percentile(contact, (5, 95))) < 25.0
        # stride times do not depend on the convention; consecutive strides only
        follows = np.abs(np.diff(listed[:, 2]) - np.median(np.diff(listed[:, 2]))) < 200_000
        assert np.mean(np.abs(np.diff(contact))[follows]) < 10.0
        ours = [s for s in strides_of(events) if s.side == side]
        assert len(ours) >= len(listed)


def test_another_person_with_feet_shanks_and_thighs():
    """A minute of walking with no reference: foot off and contact of each set of sensors agree with those of the feet."""
    data = np.load(DATA / "full_body" / "full_body.npz")
    t_us = np.arange(len(data["t"])) * 10_000
    columns = {"foot": "foot", "shank": "lower_leg", "thigh": "upper_leg"}
    worn = {
        f"{part}_{s}": Samples(t_us, *(data[f"{x}_{name}_{s}"].astype(float) for x in ("gyr", "acc")))
        for part, name in columns.items() for s in SIDES
    }  # fmt: skip
    names = tuple(worn)
    grid = grid_of(corrected(Recording.from_samples(worn)))

    def events(*parts: str) -> tuple[Event, ...]:
        i = [k for k, name in enumerate(names) if name.split("_")[0] in parts]
        q, gyr, acc = (np.ascontiguousarray(a[:, i]) for a in (grid.q, grid.gyr, grid.acc))
        block = GridBlock(grid.t_us, q, gyr, acc, np.ascontiguousarray(grid.flags[:, i]))
        return events_of(tuple(names[k] for k in i), block)

    foot = events("foot")
    for parts, most_ms in ((("shank",), 25.0), (("shank", "thigh"), 15.0)):
        other = events(*parts)
        for side in SIDES:
            off, contact = (
                matched(times(other, kind, side), times(foot, kind, side), 200_000) / 1e3
                for kind in ("foot_off", "initial_contact")
            )
            assert np.isfinite(off).sum() >= 50
            assert np.isfinite(contact).sum() >= 50
            assert abs(np.nanmedian(off)) < most_ms
            assert abs(np.nanmedian(contact)) < 10.0
