"""Walks at 0.5 to 1.8 m/s by the whole way: sensors with their errors, a radio with retries and bursts, 2 % lost."""

from __future__ import annotations

import numpy as np
import pytest
from gait_radio import walk_by_radio
from gait_walks import FEET, LEGS, SHANKS, Walked, errors_of

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
    e = errors_of(people, WORN[worn])
    assert np.isnan(e.contact).mean() < 0.10
    assert np.isnan(e.off).mean() < 0.10
    assert np.nanmean(np.abs(e.contact)) < 15.0
    assert np.nanmean(np.abs(e.off)) < (40.0 if speed == SLOWEST else 25.0)
    assert len(e.stride) > 15
    assert np.mean(np.abs(e.stride)) < 10.0
