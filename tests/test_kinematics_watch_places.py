"""Who wears what: simulated people, and recordings of people whose sensors' places are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from shared_data import DATA
from watch_people import person, relabelled

import imu
from firmware_sim.activities import SingleLegSquats, Squats, Stand, StepDowns, set_up_plan
from imu.kinematics.watch import propose
from imu.places import propose_places

STROKE = sorted((DATA / "gait_shank_stroke").glob("*.npz"))
RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
PLACES = {
    "lumbar": "pelvis", "leftshank": "shank_left", "rightshank": "shank_right", "leftfoot": "foot_left",
    "rightfoot": "foot_right",
}  # fmt: skip


@pytest.mark.parametrize("piece", [None, StepDowns(2), SingleLegSquats(2)])
def test_a_march_tells_every_place_in_whatever_order_the_sensors_are(piece):
    for seed in (35, 36, 37):
        session = person(seed, (*set_up_plan(), *((piece, Stand(2.0)) if piece else ())))
        names = [s.segment for s in session.setup.sensors]
        order = np.random.default_rng(seed).permutation(len(names)).tolist()
        sensors = [names[k] for k in order]
        places = propose(relabelled(session.grid, order), sensors)
        assert [p.segment for p in places.places] == sensors
        assert places.confidence > (0.85 if piece is None else 0.6)
        assert places.of("thigh_left").segment == "thigh_left"


def test_what_cannot_be_told_is_not_told():
    session = person(31, (Stand(4.0), Squats(3), Stand(2.0)))
    sensors = [s.segment for s in session.setup.sensors]
    places = propose(session.grid, sensors)
    assert all(p.segment is None and p.confidence == 0.0 for p in places.places)
    assert "march" in places.places[0].reason


@pytest.mark.validation
@pytest.mark.parametrize("file", STROKE, ids=lambda f: f.stem[:9])
def test_walks_after_a_stroke_tell_shanks_feet_and_back(file):
    data = np.load(file)
    samples = {}
    for name, segment in PLACES.items():
        acc, gyr = (data[f"{kind}_{name}"].astype(float) for kind in ("acc", "gyr"))
        there = np.isfinite(acc.sum(axis=1) + gyr.sum(axis=1))
        samples[segment] = imu.Samples((np.arange(len(acc)) * 10_000)[there], gyr[there], acc[there])
    places = propose_places(imu.Recording.from_samples(samples))
    assert [p.segment for p in places.places] == [p.sensor for p in places.places]


def test_the_lower_body_that_comes_with_the_project():
    places = propose_places(imu.load(RECORDINGS / "ximu3_lower_body.mcap"))
    assert [p.segment for p in places.places] == [p.sensor for p in places.places]


def test_who_runs_and_falls_about_is_not_told():
    places = propose_places(imu.load(RECORDINGS / "full_body_legs.mcap"))
    assert all(p.segment is None and "by turns" in p.reason for p in places.places)
