"""Walks at 0.5 to 1.8 m/s by the whole way: sensors with their errors, a radio with retries and bursts, 2 % lost."""

from __future__ import annotations

import numpy as np
import pytest
from gait_radio import walk_by_radio
from gait_walks import FEET, LEGS, SHANKS, Walked, events_of, matched

from imu.conventions import SIDES
from imu.kinematics.gait import strides_of

WORN = {"foot": FEET, "shank": SHANKS, "thigh and shank": LEGS}
SLOWEST, FASTEST = 0.5, 1.8
SPEEDS = (SLOWEST, 0.8, 1.1, 1.4, FASTEST)


@pytest.fixture(scope="module", params=SPEEDS)
def walks(request) -> tuple[float, list[Walked]]:
    return request.param, [walk_by_radio(seed, request.param) for seed in (411, 412)]


@pytest.mark.parametrize("worn", WORN)
def test_events_and_stride_times(walks, worn):
    """Of full steps: contacts within 15 ms, foot off within 25 ms (40 ms at 0.5 m/s), stride times within 10 ms, in the
    mean of their sizes; nearly all are found."""
    speed, people = walks
    errors: dict[str, list[float]] = {"initial_contact": [], "foot_off": []}
    strides: list[float] = []
    for one in people:
        events = events_of(WORN[worn], one.columns(WORN[worn]))
        for side in SIDES:
            for kind, found in errors.items():
                at = np.array([e.t_us for e in events if e.side == side and e.kind == kind], float)
                found += (matched(at, one.truth(side, kind)) / 1e3).tolist()
            strikes = one.truth(side, "initial_contact", full=False)
            for s in strides_of(events):
                i, j = (int(np.argmin(np.abs(strikes - t))) for t in (s.t_start_us, s.t_end_us))
                near = abs(strikes[i] - s.t_start_us) < 150_000 and abs(strikes[j] - s.t_end_us) < 150_000
                if s.side == side and s.counts and near and j == i + 1:
                    strides.append((s.t_end_us - s.t_start_us - (strikes[j] - strikes[i])) / 1e3)
    contact, off = np.array(errors["initial_contact"]), np.array(errors["foot_off"])
    assert np.isnan(contact).mean() < 0.10
    assert np.isnan(off).mean() < 0.10
    assert np.nanmean(np.abs(contact)) < 15.0
    assert np.nanmean(np.abs(off)) < (40.0 if speed == SLOWEST else 25.0)
    assert len(strides) > 15
    assert np.mean(np.abs(strides)) < 10.0
