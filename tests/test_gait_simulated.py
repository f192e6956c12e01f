"""Walks of people nobody has tuned anything on, 0.6 to 1.4 m/s straight on, sensors with all their errors, 2 % lost."""

from __future__ import annotations

import numpy as np
import pytest
from gait_walks import FAST, FEET, LEGS, OWN, SHANKS, SLOW, Walked, errors_of, events_of, walk

from imu.conventions import SIDES

SEEDS = (401, 402, 404)
CADENCES = {"slow": SLOW, "own pace": OWN, "fast": FAST}
WORN = {"foot": FEET, "shank": SHANKS, "thigh and shank": LEGS}


@pytest.fixture(scope="module", params=CADENCES)
def walks(request) -> tuple[str, list[Walked]]:
    return request.param, [walk(seed, CADENCES[request.param]) for seed in SEEDS]


@pytest.mark.parametrize("worn", WORN)
def test_contacts_foot_off_and_stride_times(walks, worn):
    """Mean absolute errors: contact 15 ms and foot off 25 ms of full steps, stride time 10 ms of whatever counts."""
    _, people = walks
    e = errors_of(people, WORN[worn])
    assert np.isnan(e.contact).mean() < 0.08
    assert np.isnan(e.off).mean() < 0.10
    assert np.nanmean(np.abs(e.contact)) < 15.0
    assert np.nanmean(np.abs(e.off)) < 25.0
    assert len(e.stride) > 35
    assert np.mean(np.abs(e.stride)) < 10.0


@pytest.mark.parametrize("worn", WORN)
def test_a_contact_is_certain_60_ms_after_it(walks, worn):
    """95 % of them, once the cold start is over; of full steps."""
    _, people = walks
    delays = []
    for one in people:
        events = [e for e in events_of(WORN[worn], one.columns(WORN[worn])) if e.kind == "initial_contact"]
        for side in SIDES:
            true = one.truth(side, "initial_contact")
            mine = [e for e in events if e.side == side and e.t_us > one.start_us + 8_000_000]
            delays += [e.t_emitted_us - e.t_us for e in mine if np.abs(true - e.t_us).min() < 60_000]
    assert len(delays) > 30
    assert np.percentile(delays, 95) <= 60_000


def test_contacts_of_short_steps_are_doubtful_from_a_shank(walks):
    """Before turns and while turning the shank stops before the foot lands: such strides are in no mean."""
    _, people = walks
    sure: list[float] = []
    doubtful: list[float] = []
    for one in people:
        events = [e for e in events_of(SHANKS, one.columns(SHANKS)) if e.kind == "initial_contact"]
        for side in SIDES:
            at = one.truth(side, "initial_contact", full=False)
            for e in events:
                if e.side == side and e.t_us > one.start_us + 3_000_000:
                    error = np.abs(at - e.t_us).min() / 1e3
                    (sure if e.confidence > 0.55 else doubtful).append(error)
    assert len(sure) > 50
    assert len(doubtful) >= 5
    assert np.mean(sure) < 15.0
    assert np.mean(doubtful) > 2.0 * np.mean(sure)
