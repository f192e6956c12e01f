"""Real recordings with an optical reference (BROAD): equal to the authors' program, and what lost packets cost."""

from __future__ import annotations

import numpy as np
import pytest
from fusion_streams import packet_of
from shared_data import DATA
from vqf import VQF

from imu.bench.judging import judge
from imu.bench.losses import arrived, part, thinned
from imu.bench.recordings import Trial, load_trials
from imu.config import SensorSetup
from imu.fusion import OrientationFilter, SensorChannel, orientation
from imu.fusion.quaternion import angle_array
from imu.packets import Quality

pytestmark = pytest.mark.validation
FOLDER = DATA / "orientation"


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    if not FOLDER.is_dir():
        pytest.skip("recordings of ../shared/data/orientation are absent")
    return load_trials([FOLDER])


def in_pieces(trial: Trial, seed: int) -> np.ndarray:
    """In packets of 1 to 40 samples."""
    ends = np.cumsum(np.random.default_rng(seed).integers(1, 41, len(trial)))
    filter_ = OrientationFilter(trial.rate_hz)
    pieces = zip(np.split(trial.gyr, ends), np.split(trial.acc, ends), strict=True)
    return np.concatenate([filter_.update(g, a) for g, a in pieces])


def test_equal_to_the_authors_program_in_one_piece_in_pieces_and_side_by_side(trials: list[Trial]) -> None:
    assert len(trials) == 10
    for number, trial in enumerate(trials):
        theirs = VQF(1.0 / trial.rate_hz).updateBatch(trial.gyr, trial.acc)["quat6D"]
        whole = orientation(trial.gyr, trial.acc, trial.rate_hz)
        assert np.degrees(angle_array(whole, theirs).max()) < 1e-6, trial.name
        np.testing.assert_array_equal(in_pieces(trial, number), whole)
    n = min(len(t) for t in trials)
    gyr, acc = np.stack([t.gyr[:n] for t in trials]), np.stack([t.acc[:n] for t in trials])
    together = OrientationFilter(trials[0].rate_hz, len(trials)).update(gyr, acc)
    for q, trial in zip(together, trials, strict=True):
        np.testing.assert_array_equal(q, orientation(trial.gyr[:n], trial.acc[:n], trial.rate_hz))


@pytest.mark.parametrize(("share", "limit_deg"), [(0.0, 0.9), (0.01, 1.7), (0.05, 2.9)])
def test_lost_packets_cost_little_and_exactly_what_was_filled_is_flagged(
    trials: list[Trial], share: float, limit_deg: float
) -> None:
    """Packets of 3 samples at 57 Hz, lost independently of each other; errors also of what was filled. Measured with eight
    seeds: 1.18 to 1.47° and 2.43 to 2.95°, without what is marked as unknown 2.38 to 2.75°; counted by row, as a filter
    without a clock does, 4.6 and 12.2°."""
    by_row, errors = [], []
    for number, trial in enumerate(thinned(t) for t in trials):
        kept = arrived(len(trial), share, seed=100 + number)
        keep = np.zeros(len(trial), bool)
        keep[kept] = True
        keep[:3] = True  # what is lost before the first sample is no hole
        setup = SensorSetup("S1", "thigh_left", trial.rate_hz, "samples")
        channel = SensorChannel(setup, 0)
        block = channel.push(packet_of(trial.gyr, trial.acc, rate_hz=trial.rate_hz, keep=keep))
        rows = np.rint(block.t_us * (trial.rate_hz / 1e6)).astype(int)
        filled = (block.flags & int(Quality.FILLED)) != 0
        restarted = np.diff(rows, prepend=rows[0] - 1) > 1  # holes of more than 250 ms are not filled
        np.testing.assert_array_equal(rows[~filled], np.flatnonzero(keep))
        assert not keep[rows[filled]].any()
        missing = np.setdiff1d(np.flatnonzero(~keep[: rows[-1]]), rows)
        assert len(missing) == sum(rows[k] - rows[k - 1] - 1 for k in np.flatnonzero(restarted))
        assert channel.filled == filled.sum()
        errors.append(judge(block.q, part(trial, rows)).inclination_deg)
        there = part(trial, np.flatnonzero(keep))
        by_row.append(judge(orientation(there.gyr, there.acc, trial.rate_hz), there).inclination_deg)
    assert np.mean(errors) <= limit_deg
    if share:
        assert np.mean(by_row) > 2 * np.mean(errors)
